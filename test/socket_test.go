package test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// socket is a bare station in this process, for what needs many of them or
// frames that a strict station would not send.
type socket struct {
	t        *testing.T
	conn     *websocket.Conn
	mu       sync.Mutex
	next     int
	wait     map[string]chan []json.RawMessage
	answers  map[string]object // by action; others are NotImplemented
	called   []string
	handle   func(action string, payload object) (object, bool) // before answers
	finished chan struct{}
}

// plug connects a station; its answers may be set before the first message.
func plug(t *testing.T, s *server, id, password, protocol string) *socket {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	header := http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+password))}}
	conn, reply, err := websocket.Dial(ctx, s.stations()+"/"+id, &websocket.DialOptions{HTTPHeader: header, Subprotocols: []string{protocol}})
	if err != nil {
		t.Fatalf("%s cannot connect: %v %v", id, err, reply)
	}
	conn.SetReadLimit(1 << 20)
	w := &socket{t: t, conn: conn, wait: map[string]chan []json.RawMessage{}, answers: map[string]object{}, finished: make(chan struct{})}
	go w.read()
	t.Cleanup(w.close)
	return w
}

func (w *socket) close() {
	w.conn.CloseNow()
	<-w.finished
}

func (w *socket) read() {
	defer close(w.finished)
	for {
		_, text, err := w.conn.Read(context.Background())
		if err != nil {
			return
		}
		var frame []json.RawMessage
		var kind int
		var id string
		if json.Unmarshal(text, &frame) != nil || len(frame) < 3 || json.Unmarshal(frame[0], &kind) != nil || json.Unmarshal(frame[1], &id) != nil {
			continue
		}
		if kind != 2 {
			w.mu.Lock()
			reply := w.wait[id]
			delete(w.wait, id)
			w.mu.Unlock()
			if reply != nil {
				reply <- frame
			}
			continue
		}
		var action string
		json.Unmarshal(frame[2], &action)
		w.mu.Lock()
		w.called = append(w.called, action)
		answer, ok := w.answers[action]
		if w.handle != nil {
			payload := object{}
			json.Unmarshal(frame[3], &payload)
			if made, mine := w.handle(action, payload); mine {
				answer, ok = made, true
			}
		}
		w.mu.Unlock()
		if ok {
			w.write([]any{3, id, answer})
		} else {
			w.write([]any{4, id, "NotImplemented", "", object{}})
		}
	}
}

func (w *socket) write(frame []any) error {
	text, err := json.Marshal(frame)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return w.conn.Write(ctx, websocket.MessageText, text)
}

// ask makes a CALL and gives what came back: a result, or an error code.
func (w *socket) ask(action string, payload object) (result object, code string, err error) {
	reply := make(chan []json.RawMessage, 1)
	w.mu.Lock()
	w.next++
	id := strconv.Itoa(w.next)
	w.wait[id] = reply
	w.mu.Unlock()
	if err := w.write([]any{2, id, action, payload}); err != nil {
		return nil, "", err
	}
	select {
	case frame := <-reply:
		if string(frame[0]) == "4" {
			json.Unmarshal(frame[2], &code)
			return nil, code, nil
		}
		return result, "", json.Unmarshal(frame[2], &result)
	case <-w.finished:
		return nil, "", fmt.Errorf("%s: the connection was closed", action)
	case <-time.After(60 * time.Second):
		return nil, "", fmt.Errorf("%s was not answered", action)
	}
}

// say makes a CALL that has to succeed.
func (w *socket) say(action string, payload object) object {
	w.t.Helper()
	result, code, err := w.ask(action, payload)
	if err != nil || code != "" {
		w.t.Fatalf("%s was answered with %q, %v", action, code, err)
	}
	return result
}

// calls gives the actions that the platform asked for so far.
func (w *socket) calls() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.called...)
}
