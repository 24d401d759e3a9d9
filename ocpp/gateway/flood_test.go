package gateway

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

// TestFloods: whatever a bad station sends as fast as it can, little of it is
// read, and another one is answered meanwhile.
func TestFloods(t *testing.T) {
	n := start(t, schematest.Open(t, db.SQLite, time.Now), func(d *Deps) { d.Config.MessagesPerMinute = 60 }) // 10 at once, 40 frames
	large := fmt.Sprintf(`[2,"1","Heartbeat",{"x":%q}]`, strings.Repeat("x", 60<<10))
	for name, flood := range map[string]struct {
		text string
		most int // frames read of it: the burst of 10 s at four frames a second, and what the test's time adds
	}{
		"BROKEN":  {`[2,"1","Heartb`, 80},
		"REPEATS": {`[2,"1","Heartbeat",{}]`, 80},
		"REPLIES": {`[3,"no such call",{}]`, 80},
		"LARGE":   {large, 10},
	} {
		t.Run(name, func(t *testing.T) {
			bad, good := dial(t, n, name, "ocpp1.6"), dial(t, n, "GOOD-"+name, "ocpp1.6")
			good.ask(`[2,"1","Heartbeat",{}]`, `[3,"1",`+heartbeatReply+`]`)
			before := n.frames(t, name)
			ctx, cancel := context.WithCancel(t.Context())
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				for ctx.Err() == nil && bad.ws.Write(ctx, websocket.MessageText, []byte(flood.text)) == nil {
				}
			}()
			for i := range 8 {
				good.ask(fmt.Sprintf(`[2,"g%d","Heartbeat",{}]`, i), fmt.Sprintf(`[3,"g%d",%s]`, i, heartbeatReply))
			}
			cancel()
			<-sent
			if got := n.frames(t, name) - before; got > flood.most {
				t.Errorf("%d frames of the flood were read, want at most %d", got, flood.most)
			}
			if held := n.memory.held.Load(); held > 1<<20 {
				t.Errorf("%d bytes are held", held)
			}
		})
	}
}

// frames counts the frames of a station that were read.
func (n *testNode) frames(t *testing.T, station string) (count int) {
	t.Helper()
	n.log.flush(t.Context())
	err := n.db.View(t.Context(), func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT COUNT(*) FROM message_log WHERE station = $1 AND direction = 'in'`, key(station)).Scan(&count)
	})
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// TestRefusedAddress: an address from which ever new names are refused has to
// wait before the platform is asked again; a known station elsewhere does not.
func TestRefusedAddress(t *testing.T) {
	n := start(t, schematest.Open(t, db.SQLite, time.Now))
	var asked atomic.Int64
	n.csms.onConnect(func(ocpp.Handshake) (ocpp.Admission, error) {
		asked.Add(1)
		return ocpp.Admission{}, fault.New(fault.Unauthenticated, "test", "wrong password")
	})
	var waits int
	for i := range 3 * refusedBurst {
		r := status(t, n, fmt.Sprintf("/ocpp/STRANGER-%d", i), nil)
		if r.StatusCode == http.StatusTooManyRequests {
			waits++
			if r.Header.Get("Retry-After") == "" {
				t.Fatal("429 without Retry-After")
			}
		}
	}
	if waits == 0 || asked.Load() >= 3*refusedBurst {
		t.Errorf("the platform was asked %d times, %d were told to wait", asked.Load(), waits)
	}
	if wait := n.mayKnock("192.0.2.7", "cs-1", time.Now()); wait != 0 {
		t.Errorf("a station of another address has to wait %s", wait)
	}
}

// TestEntries: a station that comes in again and again has to wait.
func TestEntries(t *testing.T) {
	n := start(t, schematest.Open(t, db.SQLite, time.Now))
	refused := 0
	for range entryBurst + 20 {
		ws, _, err := websocket.Dial(t.Context(), n.url+"CS-1", &websocket.DialOptions{Subprotocols: []string{"ocpp1.6"}})
		if err != nil {
			refused++
			continue
		}
		_ = ws.CloseNow()
	}
	if refused == 0 {
		t.Error("every handshake was taken")
	}
}

// TestMemory: readers wait while too much is held, and go on when there is
// room again.
func TestMemory(t *testing.T) {
	m := &memory{limit: 100}
	m.hold(60)
	m.wait(nil) // there is room
	m.hold(60)
	passed := make(chan struct{})
	go func() { m.wait(nil); close(passed) }()
	select {
	case <-passed:
		t.Fatal("a reader went on without room")
	case <-time.After(20 * time.Millisecond):
	}
	m.hold(-60)
	<-passed
	m.hold(100)
	ended := make(chan struct{})
	close(ended)
	m.wait(ended)
}

// TestSilence: of too many sockets without a request the oldest go, but none
// that has just come.
func TestSilence(t *testing.T) {
	var s silence
	at := time.Now()
	var first *guest
	for i := range silentMost {
		one, other := net.Pipe()
		defer other.Close()
		g := &guest{Conn: one}
		if i == 0 {
			first = g
		}
		if gone := s.add(g, at); len(gone) > 0 {
			t.Fatal("a socket went while there was room")
		}
	}
	one, other := net.Pipe()
	defer other.Close()
	if gone := s.add(&guest{Conn: one}, at.Add(time.Second)); len(gone) != 0 {
		t.Error("a young socket went")
	}
	two, another := net.Pipe()
	defer another.Close()
	if gone := s.add(&guest{Conn: two}, at.Add(silentTime)); len(gone) != 2 || gone[0] != net.Conn(first) {
		t.Errorf("%d sockets went, want the two oldest", len(gone))
	}
	s.remove(first) // its own end: nothing is left to remove
}

// TestLevels: what is shed when, in its order.
func TestLevels(t *testing.T) {
	for _, c := range []struct {
		waiting int
		rate    float64
		full    shares
		want    int
	}{
		{0, 0, shares{}, calm},
		{63, 0, shares{}, calm}, // a handful is no load
		{1000, 1000, shares{}, calm},
		{3000, 1000, shares{}, noSignals},
		{0, 0, shares{log: .5}, noSignals},
		{0, 0, shares{text: .5}, noSignals},
		{12_000, 1000, shares{}, thinLog},
		{0, 0, shares{log: .75}, thinLog},
		{0, 0, shares{log: 1}, thinLog}, // a log that cannot be written keeps nobody out
		{0, 0, shares{text: .75}, thinLog},
		{64, 0, shares{}, noNewcomer}, // nothing gets done at all
		{25_000, 1000, shares{}, noNewcomer},
		{0, 0, shares{text: 1}, noNewcomer},
	} {
		if got := levelOf(delayOf(c.waiting, c.rate), c.full); got != c.want {
			t.Errorf("%d waiting at %.0f/s, full %+v: level %d, want %d", c.waiting, c.rate, c.full, got, c.want)
		}
	}
	var p pressure
	at := time.Now()
	look := func(after time.Duration, waiting int) int {
		at = at.Add(after)
		return p.look(at, waiting, 0, shares{})
	}
	look(0, 0)
	if got := look(time.Second, 1000); got != noNewcomer {
		t.Errorf("stalled: level %d", got)
	}
	if got := look(time.Second, 0); got != noNewcomer {
		t.Errorf("at once calm: level %d", got)
	}
	if got := look(calmAfter, 0); got != calm {
		t.Errorf("calm for a while: level %d", got)
	}
}

// TestBusy: a node is busy while a twentieth of its replies is slow, many
// messages wait or many stations come in, and soon after no longer.
func TestBusy(t *testing.T) {
	g := &Gateway{}
	at := time.Now()
	look := func(waiting, quick, slow, boots int) bool {
		g.pressure.boots.Add(uint64(boots))
		for range quick {
			g.pressure.replied(time.Millisecond)
		}
		for range slow {
			g.pressure.replied(time.Second)
		}
		at = at.Add(250 * time.Millisecond)
		g.pressure.look(at, waiting, 0, shares{})
		return g.Busy()
	}
	for i, c := range []struct {
		waiting, quick, slow, boots int
		want                        bool
	}{
		{0, 0, 0, 0, false},
		{0, 0, 3, 0, false}, // a few say nothing
		{0, 100, 2, 0, false},
		{0, 100, 20, 0, true},
		{0, 100, 0, 0, true}, // it stays so for a moment
		{0, 100, 0, 0, false},
		{64, 0, 0, 0, true},
		{0, 400, 0, 4, false}, // a few come always
		{0, 400, 0, 30, true},
		{0, 400, 0, 0, true},
		{0, 400, 0, 0, false},
	} {
		if got := look(c.waiting, c.quick, c.slow, c.boots); got != c.want {
			t.Errorf("look %d: busy %v", i, got)
		}
	}
}

// TestShedding: under pressure signals go first, then the log is thinned out
// and says when, then newcomers are refused; who is connected is served.
func TestShedding(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		c := dial(t, n, "CS-1", "ocpp1.6")
		c.ask(`[2,"0","Heartbeat",{}]`, `[3,"0",`+heartbeatReply+`]`)
		n.pressure.mu.Lock()
		n.pressure.level.Store(noNewcomer)
		n.pressure.lowered = time.Now().Add(time.Hour) // it does not fall while the test runs
		n.pressure.mu.Unlock()
		for i := range 60 {
			c.ask(fmt.Sprintf(`[2,"%d","Heartbeat",{}]`, i+1), fmt.Sprintf(`[3,"%d",%s]`, i+1, heartbeatReply))
		}
		r := status(t, n, "/ocpp/NEW", nil)
		if r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" {
			t.Errorf("a newcomer got %d, Retry-After %q", r.StatusCode, r.Header.Get("Retry-After"))
		}
		n.log.storeGaps(t.Context(), time.Now())
		n.log.storeGaps(t.Context(), time.Now()) // nothing new
		gaps, err := n.log.Gaps(t.Context(), time.Now().Add(-time.Hour), time.Now())
		left, _ := n.log.Sampled()
		if err != nil || len(gaps) != 1 || gaps[0].Frames != left || left == 0 || gaps[0].To.Before(gaps[0].From) {
			t.Errorf("gaps %v, %v; %d frames left out", gaps, err, left)
		}
		if old, err := n.log.Gaps(t.Context(), time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)); err != nil || len(old) != 0 {
			t.Errorf("gaps of another time: %v, %v", old, err)
		}
		n.bus.Shed(true)
		before := n.bus.ShedSignals()
		n.signal(ocpp.Peer{Org: "o", Station: "s"}, true, "")
		if n.bus.ShedSignals() != before+1 {
			t.Error("a signal was sent under pressure")
		}
	})
}
