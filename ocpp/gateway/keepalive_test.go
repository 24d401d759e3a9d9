package gateway

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// A ping goes out and the call does not wait for the pong; the connection
// stays usable. This guards the trick in justSent.
func TestPing(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		var pings atomic.Int32
		ws, _, err := websocket.Dial(t.Context(), n.url+"ping", &websocket.DialOptions{Subprotocols: []string{"ocpp1.6"},
			OnPingReceived: func(context.Context, []byte) bool { pings.Add(1); return pings.Load() > 3 }})
		if err != nil {
			t.Fatal(err)
		}
		defer ws.CloseNow()
		s := &charger{t: t, ws: ws}
		s.ask(`[2,"0","Heartbeat",{}]`, `[3,"0",`+heartbeatReply+`]`)
		l := n.links.get("ping")
		for range 3 { // not answered
			if err := ping(l.ws); err != nil {
				t.Fatal(err)
			}
		}
		s.ask(`[2,"1","Heartbeat",{}]`, `[3,"1",`+heartbeatReply+`]`) // reads the pings too
		if pings.Load() != 3 || l.wire.pongs.Load() {
			t.Fatalf("%d pings, pongs %v", pings.Load(), l.wire.pongs.Load())
		}
		if err := ping(l.ws); err != nil {
			t.Fatal(err)
		}
		s.ask(`[2,"2","Heartbeat",{}]`, `[3,"2",`+heartbeatReply+`]`)
		eventually(t, "the pong", l.wire.pongs.Load)
	})
}

func TestKeepalive(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d, func(d *Deps) { d.Config.PingInterval = 500 * time.Millisecond })
		var pings atomic.Int32
		ws, _, err := websocket.Dial(t.Context(), n.url+"alive", &websocket.DialOptions{Subprotocols: []string{"ocpp1.6"},
			OnPingReceived: func(context.Context, []byte) bool { pings.Add(1); return true }})
		if err != nil {
			t.Fatal(err)
		}
		defer ws.CloseNow()
		go func() { _, _, _ = ws.Read(context.Background()) }()
		eventually(t, "two pings", func() bool { return pings.Load() >= 2 })
		if slices.Contains(n.csms.lines(), "seen alive") {
			t.Error("a sign of life was reported right after the connection")
		}
		l := n.links.get("alive")
		n.csms.deaf.Store(true)
		long := time.Now().Add(-maxReport).UnixMilli()
		l.reported.Store(long)
		turn := pings.Load() + 2
		eventually(t, "two more turns", func() bool { return pings.Load() >= turn })
		if l.reported.Load() != long {
			t.Error("what was not stored counts as reported")
		}
		n.csms.deaf.Store(false)
		eventually(t, "a sign of life", func() bool { return slices.Contains(n.csms.lines(), "seen alive") })
	})
}

func TestSignsOfLifeAreReportedSeldom(t *testing.T) {
	for _, c := range []struct{ heartbeat, every time.Duration }{
		{0, maxReport}, {10 * time.Second, minReport}, {80 * time.Second, minReport}, {100 * time.Second, 50 * time.Second}, {5 * time.Minute, maxReport}, {time.Hour, maxReport},
	} {
		if got := (&link{g: &Gateway{config: Config{PingInterval: 40 * time.Second}}, heartbeat: c.heartbeat}).reportEvery(); got != c.every {
			t.Errorf("with a heartbeat every %s each %s", c.heartbeat, got)
		}
	}
}

// Patience: three pings for who answers them, the heartbeat interval for who
// does not.
func TestPatience(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		var shift atomic.Int64
		n := start(t, d, func(d *Deps) {
			d.Now = func() time.Time { return time.Now().Add(time.Duration(shift.Load())) }
		})
		n.csms.onConnect(func(h ocpp.Handshake) (ocpp.Admission, error) {
			return ocpp.Admission{Org: "o", Active: true, HeartbeatInterval: 10 * time.Minute}, nil
		})
		mute := dial(t, n, "mute", "ocpp1.6")
		good := dial(t, n, "good", "ocpp1.6")
		for _, s := range []*charger{mute, good} {
			s.ask(`[2,"0","Heartbeat",{}]`, `[3,"0",`+heartbeatReply+`]`)
		}
		n.links.get("good").wire.pongs.Store(true)
		if got := n.links.get("mute").patience(); got != 21*time.Minute {
			t.Errorf("patience with a mute station: %s", got)
		}
		shift.Store(int64(3 * time.Minute))
		n.visit(n.links.all())
		eventually(t, "the dead one is closed", func() bool { return n.links.get("good") == nil })
		if n.links.get("mute") == nil {
			t.Error("the station that answers no pings was closed too")
		}
	})
}

func TestWheelVisitsAll(t *testing.T) {
	t.Parallel()
	w := newWheel(10)
	var all []*link
	for range 100 {
		l := &link{}
		w.add(l)
		all = append(all, l)
	}
	for _, l := range all[:50] {
		w.remove(l)
		w.remove(l) // twice is harmless
	}
	seen := map[*link]int{}
	for range 10 {
		for _, l := range w.next(nil) {
			seen[l]++
		}
	}
	if len(seen) != 50 {
		t.Fatalf("%d connections were visited", len(seen))
	}
	for _, l := range all[50:] {
		if seen[l] != 1 {
			t.Fatal("a connection was not visited once")
		}
	}
}

// Stations are told to come back, the message in work is answered first.
func TestShutdown(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		entered, block := make(chan struct{}), make(chan struct{})
		n.csms.onHandle(func(_ ocpp.Peer, action string) error {
			if action == "Slow" {
				close(entered)
				<-block
			}
			return nil
		})
		s := dial(t, n, "bye", "ocpp1.6")
		s.ask(`[2,"0","Heartbeat",{}]`, `[3,"0",`+heartbeatReply+`]`)
		s.send(`[2,"1","Slow",{}]`)
		<-entered
		done := make(chan error, 1)
		go func() { done <- n.Shutdown(context.Background()) }()
		if code := s.closed(); code != websocket.StatusGoingAway {
			t.Errorf("closed with %d", code)
		}
		if resp := status(t, n, "/ocpp/bye", nil); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
			t.Errorf("a new handshake gave %d", resp.StatusCode)
		}
		select {
		case <-done:
			t.Fatal("shut down while a message was in work")
		case <-time.After(50 * time.Millisecond):
		}
		close(block)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		var c Connection
		if err := d.View(t.Context(), func(tx *db.Tx) (err error) { c, err = Lookup(tx, "bye"); return err }); err != nil || c.DisconnectedAt == nil {
			t.Error(c, err)
		}
		if m := list(t, n, db.ListRequest{}); len(m) == 0 {
			t.Error("the log was not written")
		}
		if err := n.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
}
