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
	whenBusy        = .5               // a second on a node that is busy: nothing waits for ever
	rise            = 1.               // of that rate, in each second that it is not
	gently          = .1               // of the rise, from the bearable rate on
	halvedOnce      = 10 * time.Second // the bearable rate is halved at most once in that time
	backgroundSlots = 8                // jobs of the background on one node at once, beside the others
)

// pace counts what of the background may begin on this node. On a busy node
// the rate falls at once, and half of what it was then counts as bearable: up to
// that it rises quickly again, and slowly beyond. Else the jobs themselves would
// make replies slow again within seconds, on each node of one database. They are
// taken several at a time and begin one after the other: eight at once made
// everybody else wait. Only the loop of the runner asks it.
type pace struct {
	Pace
	rate     float64 // a second
	bearable float64
	halved   time.Time
	busy     bool
	tokens   float64
	at       time.Time
	next     time.Time    // when another may begin
	working  atomic.Int32 // those that were taken and wait for their turn, too
}

// free tells how many jobs of the background may be taken at now.
func (p *pace) free(now time.Time) int {
	most := float64(p.PerSecond)
	if most <= 0 {
		most = perSecond
	}
	if p.at.IsZero() {
		p.at, p.rate, p.bearable, p.tokens = now, most, most, 1
	}
	passed := now.Sub(p.at).Seconds()
	if p.at = now; passed < 0 { // the clock was set back
		passed, p.next = 0, now
	}
	scale := max(most/perSecond, 1) // a node that may do more does more when busy, too
	p.climb(passed, rise*scale, most)
	before := p.busy
	if p.busy = p.Busy != nil && p.Busy(); p.busy {
		p.fall(before, min(whenBusy*scale, most))
	}
	p.tokens = min(p.tokens+p.rate*passed, max(p.rate, 1))
	if p.next.After(now) {
		return 0 // some still wait for their turn: taking one at a time would cost as much as the job
	}
	return max(min(int(p.tokens), backgroundSlots-int(p.working.Load())), 0)
}

func (p *pace) climb(passed, rise, most float64) {
	quick := min(max(p.bearable-p.rate, 0), rise*passed)
	p.rate = min(p.rate+quick+gently*(rise*passed-quick), most)
}

func (p *pace) fall(again bool, to float64) {
	if !again && p.at.Sub(p.halved) >= halvedOnce {
		p.bearable, p.halved = p.rate/2, p.at
	}
	p.rate = to
}

// begin takes a job of the background from what was free, and tells how long
// it is to wait for its turn.
func (p *pace) begin() (wait time.Duration) {
	p.tokens--
	p.working.Add(1)
	if p.next.Before(p.at) {
		p.next = p.at
	}
	wait = p.next.Sub(p.at)
	p.next = p.next.Add(time.Duration(float64(time.Second) / p.rate))
	return wait
}

func (p *pace) end() { p.working.Add(-1) }
