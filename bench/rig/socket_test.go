package rig

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func TestMaskBytes(t *testing.T) {
	for n := range 40 {
		text := bytes.Repeat([]byte{0x5a}, n)
		mask := uint32(0x12345678)
		var key [4]byte
		binary.LittleEndian.PutUint32(key[:], mask)
		want := bytes.Clone(text)
		for i := range want {
			want[i] ^= key[i%4]
		}
		if maskBytes(text, mask); !bytes.Equal(text, want) {
			t.Errorf("%d bytes: %x, want %x", n, text, want)
		}
	}
}

// TestSocket talks to another implementation of websockets: short and long
// frames, fragments, pings and the close.
func TestSocket(t *testing.T) {
	ended := make(chan error, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "CS1" || password != "secret" || r.URL.Path != "/ocpp/CS1" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"ocpp1.6"}})
		if err != nil {
			ended <- err
			return
		}
		c.SetReadLimit(maxFrame)
		ctx := r.Context()
		for range 3 {
			kind, text, err := c.Read(ctx)
			if err != nil {
				ended <- err
				return
			}
			out, err := c.Writer(ctx, kind) // written in two pieces: two frames when long
			if err == nil {
				_, err = out.Write(text[:len(text)/2])
				out.Write(text[len(text)/2:])
				out.Close()
			}
			if err != nil {
				ended <- err
				return
			}
		}
		go c.Read(ctx) // takes the pong
		if err := c.Ping(ctx); err != nil {
			ended <- err
			return
		}
		ended <- c.Close(websocket.StatusGoingAway, "enough")
	}))
	defer s.Close()
	address := strings.TrimPrefix(s.URL, "http://")
	d := Door{Address: address, Host: address, Path: "/ocpp/CS1", Protocol: "ocpp1.6", User: "CS1", Password: "wrong"}
	if _, err := Dial(t.Context(), d); err == nil || !strings.Contains(err.Error(), "403") {
		t.Fatalf("a wrong Password: %v", err)
	}
	d.Password = "secret"
	sock, err := Dial(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{"{}", strings.Repeat("é", 3000), strings.Repeat("x", 200_000)}
	for _, text := range texts {
		if err := sock.Write(OpText, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	err = sock.Read(func(text []byte) { got = append(got, string(text)) })
	if err == nil || !strings.Contains(err.Error(), "1001 enough") {
		t.Errorf("the end: %v", err)
	}
	for i, text := range texts {
		if i >= len(got) || got[i] != text {
			t.Errorf("message %d came back otherwise", i)
		}
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the server: %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("the server did not end")
	}
}

func TestDialGivesUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Dial(ctx, Door{Address: l.Addr().String(), Host: "x", Path: "/", Protocol: "ocpp1.6"}); err == nil {
		t.Error("connected to nothing")
	}
}
