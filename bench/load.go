package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

// load is a stretch of traffic, and what both sides took for it.
type load struct {
	lasted   time.Duration
	server   time.Duration // CPU
	client   time.Duration
	measured bool // server and client are known
}

// measured runs a load and reads both sides' CPU around it.
func (g *ground) measured(ctx context.Context, run func()) load {
	defer g.profiled(ctx)()
	server, ok1 := g.usage()
	client, ok2 := usageOf(os.Getpid())
	began := time.Now()
	run()
	l := load{lasted: time.Since(began), measured: ok1 && ok2}
	if s, ok := g.usage(); ok {
		l.server = s.CPU - server.CPU
	}
	if c, ok := usageOf(os.Getpid()); ok {
		l.client = c.CPU - client.CPU
	}
	return l
}

// load fills in what a stretch of traffic has shown.
func (r *Result) load(f *fleet, l load) {
	r.delays(&f.delays, l.lasted)
	if n := float64(f.answered.Load() - f.warmed); l.measured && n > 0 {
		r.CPUPerMessage = round(float64(l.server.Microseconds()) / n)
		r.ClientCPU = round(float64(l.client.Microseconds()) / n)
		r.more("server_cpu_cores", l.server.Seconds()/l.lasted.Seconds())
		r.more("client_cpu_cores", l.client.Seconds()/l.lasted.Seconds())
	}
}

// next is the message whose turn it is in the mixture.
func (s *station) next() kind {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := mixture[s.turn%len(mixture)]
	s.turn++
	return k
}

// closedLoop has every station send its next message as soon as the last is
// answered, for so long. Then the answers under way are waited for.
func (f *fleet) closedLoop(ctx context.Context, d time.Duration, next func(s *station) kind) {
	end := time.Now().Add(d)
	step := func(s *station) {
		now := time.Now()
		if now.Before(end) && ctx.Err() == nil {
			s.begin(next(s), now, nil) // what goes wrong is told by the reader
		}
	}
	f.onReply.Store(&step)
	defer f.watched(ctx)()
	for _, s := range f.stations {
		step(s)
	}
	wait(ctx, time.Until(end))
	f.drain()
	f.onReply.Store(nil)
}

// openLoop sends rate messages a second by the clock, stations taking turns
// in an order of their own. A message is timed from when it was due.
func (f *fleet) openLoop(ctx context.Context, d time.Duration, rate float64, stations []*station, next func(s *station) kind) {
	defer f.watched(ctx)()
	f.byClock(ctx, d, rate, stations, next)
}

// byClock is openLoop without a watch: one is enough for several.
func (f *fleet) byClock(ctx context.Context, d time.Duration, rate float64, stations []*station, next func(s *station) kind) {
	order := rand.New(rand.NewPCG(1, uint64(len(stations)))).Perm(len(stations))
	began := time.Now()
	total := int(rate * d.Seconds())
	for i := 0; i < total && ctx.Err() == nil; {
		due := began.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		if pause := time.Until(due); pause > 0 {
			wait(ctx, max(pause, time.Millisecond)) // what falls due meanwhile is sent together
			continue
		}
		s := stations[order[i%len(order)]]
		switch err := s.begin(next(s), due, nil); {
		case err == errOffline && f.onDrop.Load() != nil:
			f.offline.Add(1) // it is on its way back
		case err == errBusy || err == errOffline:
			f.fail("not sent", fmt.Errorf("station %s: %w", s.id, err))
		}
		i++
	}
	f.drain()
}

// drain waits until every message of the load is answered or given up, also
// when the run is over.
func (f *fleet) drain() {
	for end := time.Now().Add(f.replyWait + 2*time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		open := false
		for _, s := range f.stations {
			s.mu.Lock()
			open = open || s.pending.open || len(s.waiting) > 0
			s.mu.Unlock()
		}
		if !open {
			return
		}
	}
}
