package bench

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// What a worker is told to do, one after the other, and answers when it is
// done; load goes on until end.
const (
	doConnect = "connect" // connect, boot, start the sessions
	doLoad    = "load"
	doEnd     = "end"
	doSettle  = "settle" // stop the sessions and tell of them; only if anybody wants to know
	doTell    = "tell"   // tell of the sessions, which go on; instead
)

// order is what a coordinator tells a worker. The first one holds everything,
// the others only Do.
type order struct {
	Do          string        `json:"do"`
	Crew        crew          `json:"crew"`
	ConnectRate float64       `json:"connect_rate"`
	Heartbeat   time.Duration `json:"heartbeat"`
	Meter       time.Duration `json:"meter"`
	Status      time.Duration `json:"status"`
	Charging    float64       `json:"charging"`
	Mixed       float64       `json:"mixed"` // messages a second of the mixture, from all that charge
}

// report is what a worker answers: after connect when all are in, after end
// what it has seen.
type report struct {
	Done     string         `json:"done"`
	Error    string         `json:"error,omitempty"`
	Counts   map[int]int64  `json:"counts,omitempty"`
	Longest  time.Duration  `json:"longest,omitempty"`
	Answered int64          `json:"answered,omitempty"`
	Offline  int64          `json:"offline,omitempty"`
	Lost     int64          `json:"lost,omitempty"` // connections
	Back     time.Duration  `json:"back,omitempty"` // the longest absence
	In       int            `json:"in"`             // stations connected
	What     map[string]int `json:"what,omitempty"`
	Examples []string       `json:"examples,omitempty"`
	Seconds  []second       `json:"seconds,omitempty"`
	Ledger   []entry        `json:"ledger,omitempty"` // after settle and tell
}

// second is what a worker saw in about a second of the load.
type second struct {
	At        float64 `json:"at"` // seconds since the load began
	Connected int     `json:"connected"`
	Answered  int64   `json:"answered"`
	P99       float64 `json:"p99_ms"` // of what was answered in it
}

// workerCmd is a client process: one process may not hold the sockets of a
// hundred thousand stations.
type workerCmd struct{}

// Run does what standard input says, and answers on standard output.
func (workerCmd) Run(ctx context.Context, s Streams) error {
	w := &worker{orders: json.NewDecoder(os.Stdin), reports: json.NewEncoder(s.Out)}
	err := w.work(ctx)
	if err != nil && err != io.EOF {
		return w.reports.Encode(report{Done: "failed", Error: err.Error()})
	}
	return nil
}

type worker struct {
	orders  *json.Decoder
	reports *json.Encoder
	fleet   *fleet
	first   order

	lost atomic.Int64
	back atomic.Int64 // the longest absence
	away atomic.Int64 // stations on their way back
	seen []second
}

func (w *worker) work(ctx context.Context) error {
	if err := w.orders.Decode(&w.first); err != nil {
		return err
	}
	var err error
	if w.fleet, err = newFleet(w.first.Crew); err != nil {
		return err
	}
	defer w.fleet.close()
	ctx, cancel := context.WithCancel(ctx)
	defer w.homecoming()
	defer cancel()
	f := w.fleet
	lost := func(s *station) { w.returns(ctx, s) }
	f.onDrop.Store(&lost)
	if err := f.connect(ctx, f.stations, w.first.ConnectRate); err != nil {
		return err
	}
	w.homecoming()
	// A quarter as many a second as came in: drivers do not all begin at once.
	if err := f.each(ctx, w.charging(), 50, paced(ctx, w.first.ConnectRate/4), func(s *station) error { return w.start(ctx, s) }); err != nil {
		return err
	}
	if err := w.reports.Encode(report{Done: doConnect, In: f.connected(), Lost: w.lost.Swap(0), Back: time.Duration(w.back.Swap(0))}); err != nil {
		return err
	}
	var next order
	if err := w.orders.Decode(&next); err != nil {
		return err
	}
	w.load(ctx)
	if ctx.Err() != nil { // load may still wait for its end
		return ctx.Err()
	}
	f.onDrop.Store(&lost)
	if err := w.reports.Encode(w.seenSoFar()); err != nil {
		return err
	}
	if err := w.orders.Decode(&next); err != nil {
		return err
	}
	return w.settle(ctx, next.Do)
}

// seenSoFar is the report of the load.
func (w *worker) seenSoFar() report {
	f := w.fleet
	what, examples := f.wrong()
	return report{
		Done: doEnd, Counts: f.delays.counts(), Longest: f.delays.Longest(), Answered: f.answered.Load(), Offline: f.offline.Load(),
		Lost: w.lost.Load(), Back: time.Duration(w.back.Load()), In: f.connected(), What: what, Examples: examples, Seconds: w.seen,
	}
}

// settle tells what the stations know of their sessions, which it stops before
// unless it is only to tell.
func (w *worker) settle(ctx context.Context, do string) error {
	if do == doSettle {
		if err := w.fleet.stop(ctx, w.charging()); err != nil {
			return err
		}
	}
	return w.reports.Encode(report{Done: do, Ledger: w.fleet.ledger()})
}

// start begins a session. A station that loses its connection meanwhile comes
// back and tells it again.
func (w *worker) start(ctx context.Context, s *station) error {
	for attempt := 1; ; attempt++ {
		before := s.lostAt()
		err := s.ask(ctx, kindStart)
		stayed := s.connected() && s.lostAt().Equal(before) && err != errBusy
		if err == nil || stayed || attempt == mostAttempts || ctx.Err() != nil {
			return err
		}
		wait(ctx, time.Second)
	}
}

// charging are the stations with a session.
func (w *worker) charging() []*station {
	return w.fleet.stations[:int(float64(len(w.fleet.stations))*w.first.Charging)]
}

// load runs until the next order. A station that loses its connection comes
// back by itself.
func (w *worker) load(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		var end order
		_ = w.orders.Decode(&end) // an end of the input is one, too
		cancel()
	}()
	f := w.fleet
	lost := func(s *station) { w.returns(ctx, s) }
	f.onDrop.Store(&lost)
	defer f.watched(ctx)()
	var loops sync.WaitGroup
	for _, l := range []struct {
		every    time.Duration
		stations []*station
		kind     kind
	}{{w.first.Heartbeat, f.stations, kindHeartbeat}, {w.first.Meter, w.charging(), kindMeter}, {w.first.Status, f.stations, kindStatus}} {
		if l.every <= 0 || len(l.stations) == 0 {
			continue
		}
		rate := float64(len(l.stations)) / l.every.Seconds()
		loops.Go(func() {
			f.byClock(ctx, 24*time.Hour, rate, l.stations, func(*station) kind { return l.kind })
		})
	}
	if w.first.Mixed > 0 {
		loops.Go(func() { f.byClock(ctx, 24*time.Hour, w.first.Mixed, w.charging(), (*station).next) })
	}
	w.watch(ctx)
	loops.Wait()
	w.homecoming()
}

// watch takes note of every second until ctx ends.
func (w *worker) watch(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	began, before := time.Now(), w.fleet.delays.snapshot()
	for {
		select {
		case now := <-tick.C:
			after := w.fleet.delays.snapshot()
			p99, n := after.since(before, .99)
			w.seen = append(w.seen, second{At: round(now.Sub(began).Seconds()), Connected: w.fleet.connected(), Answered: n, P99: ms(p99)})
			before = after
		case <-ctx.Done():
			return
		}
	}
}

// returns brings a station that lost its connection back in, and notes how
// long it was away.
func (w *worker) returns(ctx context.Context, s *station) {
	if !s.coming.CompareAndSwap(false, true) {
		return // who brings it in notices
	}
	w.lost.Add(1)
	since := s.lostAt()
	w.away.Add(1)
	go func() {
		defer w.away.Add(-1)
		if err := w.fleet.bring(ctx, s); err != nil {
			w.fleet.fail("not back", err)
			return
		}
		away := int64(time.Since(since))
		for old := w.back.Load(); away > old && !w.back.CompareAndSwap(old, away); old = w.back.Load() {
		}
	}()
}

// homecoming waits until no station is on its way back.
func (w *worker) homecoming() {
	for w.away.Load() > 0 {
		time.Sleep(10 * time.Millisecond)
	}
}
