package gateway

import (
	"encoding/json"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/ocpp/rpc"
)

// Messages of many stations are handled side by side, up to the bound; the
// rest waits its turn and nothing is left over.
func TestWorkersSideBySide(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d, func(d *Deps) { d.Config.Workers = 8 })
		// Nobody leaves before eight are in: workers who did not share the
		// work would never answer.
		var now, came, done atomic.Int32
		var eight [9]chan struct{}
		for i := range eight {
			eight[i] = make(chan struct{})
		}
		n.csms.onHandle(func(ocpp.Peer, string) error {
			if v := now.Add(1); v > 8 {
				t.Errorf("%d at once", v)
			}
			turn := came.Add(1)
			group := eight[(turn-1)/8]
			if turn%8 == 0 {
				close(group)
			}
			<-group
			now.Add(-1)
			done.Add(1)
			return nil
		})
		var stations []*charger
		for i := range 24 {
			stations = append(stations, dial(t, n, "w"+string(rune('a'+i)), "ocpp1.6"))
		}
		for round := range 3 {
			for _, s := range stations {
				s.send(`[2,"1","Heartbeat",{}]`)
			}
			for _, s := range stations {
				if got := s.read(); got != `[3,"1",`+heartbeatReply+`]` {
					t.Fatalf("round %d: %s", round, got)
				}
			}
		}
		if done.Load() != 72 {
			t.Errorf("%d in all", done.Load())
		}
	})
}

func TestTasks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var group tasks
		group.Wait() // nothing runs
		var ran atomic.Int32
		group.Go(func() {
			time.Sleep(time.Second)
			group.Go(func() { time.Sleep(time.Second); ran.Add(1) }) // while somebody waits
			ran.Add(1)
		})
		group.Wait()
		if ran.Load() != 2 {
			t.Errorf("%d ran", ran.Load())
		}
	})
}

// Idle workers go away but for a few; their stacks are large.
func TestIdleWorkersLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorkers(200)
		block := make(chan struct{})
		for range 200 {
			l := &link{g: &Gateway{workers: w}}
			l.conn.Init(busy{w: w, l: l, block: block}, ocpp.V16, &optionsForTest, false)
			l.conn.Receive([]byte(`[2,"1","Heartbeat",{}]`))
		}
		synctest.Wait()
		if inWork, _ := w.load(); inWork != 200 {
			t.Errorf("%d in work", inWork)
		}
		close(block)
		synctest.Wait()
		if w.running != w.spare || w.idle != w.spare {
			t.Errorf("%d workers are left, %d idle", w.running, w.idle)
		}
		w.stop()
		if w.running != 0 {
			t.Errorf("%d workers outlive the stop", w.running)
		}
	})
}

// Boots never have all workers: who charges is served beside them, and some
// boots whatever else waits.
func TestBootsLeaveWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorkers(16)
		block := map[string]chan struct{}{"BootNotification": make(chan struct{}), "Heartbeat": make(chan struct{})}
		var links []*link
		send := func(n int, action string) {
			for range n {
				l := &link{g: &Gateway{workers: w}}
				l.conn.Init(busy{w: w, l: l, block: block[action]}, ocpp.V16, &optionsForTest, false)
				l.conn.Receive([]byte(`[2,"1","` + action + `",{}]`))
				links = append(links, l)
			}
			synctest.Wait()
		}
		send(40, "BootNotification")
		if inWork, waiting := w.load(); inWork != 8 || waiting != 32 {
			t.Errorf("%d boots in work, %d wait", inWork, waiting)
		}
		send(20, "Heartbeat")
		if inWork, waiting := w.load(); inWork != 16 || waiting != 32+12 {
			t.Errorf("%d in work, %d wait", inWork, waiting)
		}
		for range 8 { // boots end while calls wait
			block["BootNotification"] <- struct{}{}
			synctest.Wait()
		}
		if w.booting != 2 {
			t.Errorf("%d boots beside the calls", w.booting)
		}
		close(block["Heartbeat"])
		synctest.Wait()
		if w.booting != 8 || w.calls.count != 0 {
			t.Errorf("%d boots, %d calls wait", w.booting, w.calls.count)
		}
		close(block["BootNotification"])
		synctest.Wait()
		for _, l := range links {
			if l.conn.Next() != "" {
				t.Error("a message was left over")
			}
		}
		w.stop()
	})
}

var optionsForTest = rpc.Options{Now: time.Now, NewID: func() string { return "id" }}

// busy is an owner whose handler waits.
type busy struct {
	w     *workers
	l     *link
	block chan struct{}
}

func (b busy) Read(*rpc.Frame, []byte)                    {}
func (b busy) Write(*rpc.Frame, []byte) error             { return nil }
func (b busy) Answered(*rpc.Frame)                        {}
func (b busy) Notice(rpc.Notice)                          {}
func (b busy) Schedule(*rpc.Conn)                         { b.w.submit(b.l) }
func (b busy) Handle(*rpc.Frame) (json.RawMessage, error) { <-b.block; return nil, nil }
