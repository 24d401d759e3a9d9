package job

import (
	"sync/atomic"
	"time"
)

// Pace bounds the jobs of the background, so that thousands of them, as after
// a network comes back, keep nobody from charging. Zero values mean the
// defaults.
type Pace struct {
	PerSecond int         // begun a second on all nodes together; 20
	Nodes     func() int  // that share them; nil: only this one
	Busy      func() bool // true while stations wait for this node; nil: never
}

const (
	perSecond       = 20
	whenBusy        = 1. // a second on a node that is busy: nothing waits for ever
	backgroundSlots = 4  // jobs of the background on one node at once
)

// pace counts what of the background may begin on this node. Only the loop of
// the runner asks it.
type pace struct {
	Pace
	tokens  float64
	at      time.Time
	working atomic.Int32
}

// free tells how many jobs of the background may begin at now.
func (p *pace) free(now time.Time) int {
	rate := float64(p.PerSecond)
	if rate <= 0 {
		rate = perSecond
	}
	if p.Nodes != nil {
		rate /= float64(max(p.Nodes(), 1))
	}
	if p.Busy != nil && p.Busy() {
		rate = min(rate, whenBusy)
	}
	if p.at.IsZero() {
		p.tokens = 1
	} else {
		p.tokens = min(p.tokens+rate*max(now.Sub(p.at).Seconds(), 0), max(rate, 1))
	}
	p.at = now
	return max(min(int(p.tokens), backgroundSlots-int(p.working.Load())), 0)
}

// begin takes a job of the background from what was free.
func (p *pace) begin() {
	p.tokens--
	p.working.Add(1)
}

func (p *pace) end() { p.working.Add(-1) }
