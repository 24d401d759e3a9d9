package gateway

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Levels of load shedding; each includes those below. Sessions are never
// shed: what stations send is answered later, and always stored first.
const (
	calm       = iota
	noSignals  // live pages get no signals
	thinLog    // of the message log only a part is kept, which the log says
	noNewcomer // new connections are told to come back
)

// How long a message would wait for a worker at which level begins, and the
// time it has to be calm before the level falls.
const (
	signalsFrom  = 2 * time.Second
	logFrom      = 10 * time.Second
	newcomerFrom = 20 * time.Second // stations give up on a reply after 30 s
	calmAfter    = 5 * time.Second
)

// A node is busy when of the replies of the last second or so more than one
// in tooManyOf took longer than slowReply, and not just a few, when many
// messages wait for a worker, or while many stations come in. How long boots
// take does not count: they wait for each other on purpose.
const (
	slowReply  = 50 * time.Millisecond
	tooManyOf  = 20
	fewSlow    = 4
	manyWait   = 64
	manyBoots  = 20  // a second
	keptOfLook = .75 // of what was counted at the last look still counts
)

// pressure is how far this node is behind, found four times a second.
type pressure struct {
	level atomic.Int32
	busy  atomic.Bool

	replies, slowReplies, boots atomic.Uint64 // since the last look

	mu      sync.Mutex
	rate    float64 // messages done per second, of late
	done    uint64
	at      time.Time
	lowered time.Time // since when a lower level would do

	ofLate struct{ all, slow, boots float64 } // replies, and boots, of about a second
}

// replied counts a reply.
func (p *pressure) replied(took time.Duration) {
	p.replies.Add(1)
	if took > slowReply {
		p.slowReplies.Add(1)
	}
}

// look finds the level anew from what waits and what was done since the last
// look, and gives it.
func (p *pressure) look(now time.Time, waiting int, done uint64, full shares) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.at.IsZero() {
		if passed := now.Sub(p.at).Seconds(); passed > 0 {
			p.rate = p.rate*.8 + float64(done-p.done)/passed*.2
		}
	}
	p.at, p.done = now, done
	p.weigh(waiting)
	found := levelOf(delayOf(waiting, p.rate), full)
	level := int(p.level.Load())
	switch {
	case found >= level:
		p.lowered = time.Time{}
		level = found
	case p.lowered.IsZero():
		p.lowered = now
	case now.Sub(p.lowered) >= calmAfter:
		level, p.lowered = found, now
	}
	p.level.Store(int32(level))
	return level
}

// weigh finds whether the node is busy.
func (p *pressure) weigh(waiting int) {
	r := &p.ofLate
	r.all = r.all*keptOfLook + float64(p.replies.Swap(0))
	r.slow = r.slow*keptOfLook + float64(p.slowReplies.Swap(0))
	r.boots = r.boots*keptOfLook + float64(p.boots.Swap(0))
	p.busy.Store(waiting >= manyWait || r.boots >= manyBoots || r.slow >= fewSlow && r.slow*tooManyOf > r.all)
}

// Busy tells whether stations wait for this node; what nobody waits for then
// waits for them.
func (g *Gateway) Busy() bool { return g.pressure.busy.Load() }

// delayOf is how long the last of those waiting would wait. A node that gets
// nothing done has no end to it, but a handful that waits is no load.
func delayOf(waiting int, perSecond float64) time.Duration {
	if waiting < manyWait {
		return 0
	}
	return time.Duration(min(float64(waiting)/max(perSecond, 1), 3600) * float64(time.Second))
}

// shares are how full is what may be held: 1 is full.
type shares struct {
	log  float64 // the queue of the message log
	text float64 // what stations said and is not dealt with
}

// levelOf decides. A message log that cannot be written in time takes the
// signals first, before it is thinned out itself.
func levelOf(delay time.Duration, full shares) int {
	switch {
	case delay >= newcomerFrom, full.text >= 1:
		return noNewcomer
	case delay >= logFrom, full.log >= sampleFrom, full.text >= sampleFrom:
		return thinLog
	case delay >= signalsFrom, full.log >= .5, full.text >= .5:
		return noSignals
	}
	return calm
}

// pressing looks at the pressure until ctx ends.
func (g *Gateway) pressing(ctx context.Context) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			g.press(g.now())
		case <-ctx.Done():
			return
		}
	}
}

// press looks at the pressure and acts on it.
func (g *Gateway) press(now time.Time) {
	_, waiting := g.workers.load()
	before := g.pressure.level.Load()
	level := g.pressure.look(now, waiting, g.workers.handled.Load(), shares{log: g.log.share(), text: g.memory.share()})
	if int32(level) != before {
		g.logger.Warn("load shedding", "level", level, "before", before, "waiting", waiting,
			"meaning", "0 none, 1 live signals, 2 also the message log, 3 also new connections")
	}
	g.bus.Shed(level >= noSignals)
}

// crowded refuses a newcomer while the node is far behind. Each is told
// another time to come back.
func (g *Gateway) crowded() error {
	if g.pressure.level.Load() < noNewcomer {
		return nil
	}
	return fault.New(fault.Unavailable, "gateway.overloaded", "the server is behind with its work; try again later")
}
