package gateway

import (
	"net"
	"net/http"
	"testing"
	"time"
)

// Of two handshakes one computes at a time: the other begins when the first
// waits for its peer again, has made its request, or ends.
func TestHandshakesTakeTurns(t *testing.T) {
	for name, over := range map[string]func(g *Gateway, c *guest){
		"waits for its peer": func(_ *Gateway, c *guest) { go c.Read(make([]byte, 8)) },
		"made its request":   func(g *Gateway, c *guest) { g.state(c, http.StateActive) },
		"ends":               func(_ *Gateway, c *guest) { c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			g, one := &Gateway{}, make(turns, 1)
			join := func() (*guest, net.Conn) {
				near, far := net.Pipe()
				t.Cleanup(func() { near.Close(); far.Close() })
				return &guest{Conn: near, silence: &g.silence, turns: one}, far
			}
			first, itsPeer := join()
			second, peer := join()
			go itsPeer.Write([]byte{tlsHandshake})
			if _, err := first.Read(make([]byte, 8)); err != nil {
				t.Fatal(err)
			}
			began := make(chan error, 1)
			go func() {
				_, err := second.Read(make([]byte, 8))
				began <- err
			}()
			if _, err := peer.Write([]byte{tlsHandshake}); err != nil {
				t.Fatal(err)
			}
			select {
			case <-began:
				t.Fatal("two computed at the same time")
			case <-time.After(20 * time.Millisecond):
			}
			over(g, first)
			select {
			case err := <-began:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(5 * time.Second):
				t.Error("the turn was not given on")
			}
		})
	}
}

// What a station sends once it has made its request waits for no turn.
func TestNoTurnAfterTheRequest(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	c := &guest{Conn: near, turns: make(turns, 1)}
	defer c.Close()
	c.first.Store(tlsOpening)
	c.asked.Store(true)
	c.turns.take()
	go far.Write([]byte("x"))
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Read(make([]byte, 1))
	}()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("it waits")
	}
}
