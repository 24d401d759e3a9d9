package job

import (
	"sync/atomic"
	"time"
)

// Pace bounds the jobs of the background, so that thousands of them, as after
// a network comes back, keep nobody from charging. Zero values mean the
// defaults.
type Pace struct {
	PerSecond int         // begun a second on each node at most; 20
	Busy      func() bool // true while stations wait for this node; nil: never
}

const (
	perSecond       = 20
	whenBusy        = 1. // a second on a node that is busy: nothing waits for ever
	backgroundSlots = 8  // jobs of the background on one node at once, beside the others
)

// pace counts what of the background may begin on this node. On a busy node
// the rate falls at once, and rises again by one a second each second that it
// is not: what the jobs themselves make slow comes to rest in between. Only
// the loop of the runner asks it.
type pace struct {
	Pace
	rate    float64 // a second
	tokens  float64
	at      time.Time
	working atomic.Int32
}

// free tells how many jobs of the background may begin at now.
func (p *pace) free(now time.Time) int {
	most := float64(p.PerSecond)
	if most <= 0 {
		most = perSecond
	}
	if p.at.IsZero() {
		p.at, p.rate, p.tokens = now, most, 1
	}
	passed := max(now.Sub(p.at).Seconds(), 0)
	p.at = now
	if p.rate = min(p.rate+passed, most); p.Busy != nil && p.Busy() {
		p.rate = min(whenBusy, most)
	}
	p.tokens = min(p.tokens+p.rate*passed, max(p.rate, 1))
	return max(min(int(p.tokens), backgroundSlots-int(p.working.Load())), 0)
}

// begin takes a job of the background from what was free.
func (p *pace) begin() {
	p.tokens--
	p.working.Add(1)
}

func (p *pace) end() { p.working.Add(-1) }
