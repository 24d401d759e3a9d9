package gateway

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// pace spaces messages out: the generic cell rate algorithm, one instant per
// connection. burst messages pass at once, then one per interval.
type pace struct {
	mu       sync.Mutex
	next     time.Time // when the bucket would be full again
	interval time.Duration
	burst    time.Duration
}

func newPace(perMinute, burst int) pace {
	interval := time.Minute / time.Duration(max(perMinute, 1))
	return pace{interval: interval, burst: time.Duration(burst) * interval}
}

// take counts one message and gives the time it has to wait.
func (p *pace) take(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next.Before(now) {
		p.next = now
	}
	wait := p.next.Sub(now) - p.burst
	p.next = p.next.Add(p.interval)
	return max(wait, 0)
}

// orgPaces holds one pace per organisation with stations on this node.
type orgPaces struct {
	perSecond int
	mu        sync.Mutex
	paces     map[string]*pace
}

func (o *orgPaces) of(org string) *pace {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.paces[org]
	if p == nil {
		fresh := newPace(o.perSecond*60, o.perSecond*2)
		p = &fresh
		o.paces[org] = p
	}
	return p
}

// door admits handshakes: so many per second, so many at once. Those above
// wait a little; who would have to wait for longer gets an appointment, one
// after the other and as fast as they can be let in then. So a network that
// comes back as one is spread evenly over the time that it takes, and who
// charges is served meanwhile.
type door struct {
	rate  *rate.Limiter
	slots chan struct{}
	wait  time.Duration

	mu   sync.Mutex
	last time.Time // the last appointment
}

// mostAhead is how far ahead appointments are given; those beyond it are
// spread over half of it.
const mostAhead = time.Minute

func newDoor(c Config) *door {
	return &door{
		rate:  rate.NewLimiter(rate.Limit(c.HandshakesPerSecond), max(c.HandshakesPerSecond/4, 1)),
		slots: make(chan struct{}, c.HandshakesAtOnce),
		wait:  c.HandshakeWait,
	}
}

// enter gives a slot, to be given back by leave, or errCrowded.
func (d *door) enter(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, d.wait)
	defer cancel()
	if err := d.rate.Wait(ctx); err != nil {
		return errCrowded
	}
	select {
	case d.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return errCrowded
	}
}

func (d *door) leave() { <-d.slots }

var errCrowded = fault.New(fault.Unavailable, "gateway.crowded", "too many stations connect at the same time; try again later")

// appointment is how long one who was refused at now stays away. Those who
// wait at the door go first.
func (d *door) appointment(now time.Time) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if first := now.Add(d.wait); d.last.Before(first) {
		d.last = first
	}
	d.last = d.last.Add(time.Duration(float64(time.Second) / float64(d.rate.Limit())))
	if ahead := d.last.Sub(now); ahead <= mostAhead {
		return ahead
	}
	d.last = now.Add(mostAhead)
	return mostAhead/2 + rand.N(mostAhead/2)
}

// retryAfter is a number of seconds that differs per station, so that those
// refused together do not return together.
func retryAfter(from, to int) int { return from + rand.IntN(to-from+1) }

// refusals remembers which station on which address was refused of late. A
// station that keeps knocking with a wrong password costs a map look-up, not a
// database read. Bounded; the oldest go first.
type refusals struct {
	mu      sync.Mutex
	entries map[string]*refusal
	order   []string // ring of keys
	at      int
}

type refusal struct {
	count int
	until time.Time
	last  time.Time
}

const (
	refusalMemory = 4096
	refusalFree   = 5                // attempts before waiting is imposed
	refusalForget = 10 * time.Minute // without an attempt
	refusalWait   = time.Minute      // the longest wait
)

func newRefusals() *refusals {
	return &refusals{entries: map[string]*refusal{}, order: make([]string, refusalMemory)}
}

// wait gives the time the pair still has to wait.
func (r *refusals) wait(pair string, now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.entries[pair]; e != nil {
		return max(e.until.Sub(now), 0)
	}
	return 0
}

// add counts a refusal: after some the wait doubles, up to a minute.
func (r *refusals) add(pair string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entries[pair]
	if e == nil || now.Sub(e.last) > refusalForget {
		if e == nil {
			if old := r.order[r.at]; old != "" {
				delete(r.entries, old)
			}
			r.order[r.at] = pair
			r.at = (r.at + 1) % refusalMemory
		}
		e = &refusal{}
		r.entries[pair] = e
	}
	e.count++
	e.last = now
	if over := e.count - refusalFree; over > 0 {
		e.until = now.Add(min(time.Second<<min(over, 10), refusalWait))
	}
}

func (r *refusals) forget(pair string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.entries[pair]; e != nil {
		*e = refusal{} // the ring still names it
	}
}

// hold imposes a wait at once: for a device that a quarantine keeps out.
func (r *refusals) hold(pair string, until, now time.Time) {
	r.add(pair, now)
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.entries[pair]; e != nil {
		e.until = until
	}
}
