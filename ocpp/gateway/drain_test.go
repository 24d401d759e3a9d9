package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

// TestDrain: idle stations are told to go; one in the middle of an exchange
// gets its reply first; nobody new is taken; it can be taken back.
func TestDrain(t *testing.T) {
	n := start(t, schematest.Open(t, db.SQLite, time.Now))
	var idle []*charger
	for i := range 5 {
		idle = append(idle, dial(t, n, fmt.Sprintf("IDLE-%d", i), "ocpp1.6"))
	}
	var once sync.Once
	entered, leave := make(chan struct{}), make(chan struct{})
	busy := dial(t, n, "BUSY", "ocpp1.6")
	busy.ask(`[2,"0","StatusNotification",{}]`, `[3,"0",{}]`)
	n.csms.onHandle(func(ocpp.Peer, string) error { once.Do(func() { close(entered) }); <-leave; return nil })

	busy.send(`[2,"1","Heartbeat",{}]`)
	<-entered
	eventually(t, "all are in", func() bool { return n.Connected() == 6 })
	if !n.Drain(true) || !n.Draining() {
		t.Fatal("the node does not drain")
	}
	for _, c := range idle {
		if code := c.closed(); code != websocket.StatusGoingAway {
			t.Errorf("an idle station was closed with %d", code)
		}
	}
	r := status(t, n, "/ocpp/NEW", nil)
	if r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" {
		t.Errorf("a new station got %d, Retry-After %q", r.StatusCode, r.Header.Get("Retry-After"))
	}
	sent := make(chan error, 1)
	go func() {
		_, err := n.Send(t.Context(), "BUSY", &ocpp.RawRequest{Name: "ClearCache", Payload: []byte(`{}`)})
		sent <- err
	}()
	call := busy.read() // commands reach who is still here
	busy.send(`[3,` + strings.Split(call, ",")[1] + `,{"status":"Accepted"}]`)
	if err := <-sent; err != nil {
		t.Errorf("a command during the drain: %v", err)
	}
	close(leave)
	if got := busy.read(); got != `[3,"1",`+heartbeatReply+`]` {
		t.Errorf("the exchange under way ended with %s", got)
	}
	if code := busy.closed(); code != websocket.StatusGoingAway {
		t.Errorf("the busy station was closed with %d", code)
	}
	if n.Drain(false) || n.Draining() {
		t.Error("the drain was not taken back")
	}
	dial(t, n, "NEW", "ocpp1.6").ask(`[2,"1","Heartbeat",{}]`, `[3,"1",`+heartbeatReply+`]`)
}
