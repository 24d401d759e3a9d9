package trial

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// kind is what an event of a transaction tells.
type kind uint8

const (
	authorize kind = iota // no event: asked before a start
	started
	updated
	ended
)

// event is one message about a transaction, kept by the station until it is
// acknowledged.
type event struct {
	kind     kind
	of       *transaction
	seq      int       // within the transaction
	at       time.Time // by the station's clock
	register int64     // Wh, a value that the station shows once
	offline  bool      // made while not connected

	sent    int // times
	refused int // times answered with an error
	acked   time.Time
	gone    bool // acknowledged by a database that was lost since
}

// transaction is what a station charged, in its own books.
type transaction struct {
	station *station
	number  int    // of the station, from 1
	id      string // 1.6: from the platform's answer
	run     int    // in which it began
	events  []*event
}

// over says that the station has told the end.
func (t *transaction) over() bool {
	return len(t.events) > 0 && t.events[len(t.events)-1].kind == ended
}

// torn says that a part of it was told to a database that was lost since.
func (t *transaction) torn() bool {
	return slices.ContainsFunc(t.events, func(e *event) bool { return e.gone })
}

// energy is what its own meter counted from the first event to the last.
func (t *transaction) energy() int64 {
	return t.events[len(t.events)-1].register - t.events[0].register
}

// counts are kept over all stations.
type counts struct {
	acknowledged atomic.Int64 // events
	repeated     atomic.Int64 // events sent more than once
	refused      atomic.Int64 // answers that were errors
	dropped      atomic.Int64 // connections that went
	turnedAway   atomic.Int64 // handshakes and dials that failed

	asked    atomic.Int64 // authorisations
	askAgain atomic.Int64 // of them asked again, because the connection went
	denied   atomic.Int64 // answered otherwise than Accepted
	unserved atomic.Int64 // answered with an error

	mu      sync.Mutex
	lastAck time.Time
	gap     time.Duration // longest time without any acknowledged event
}

// answered notes that the platform acknowledged something.
func (c *counts) answered(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.lastAck.IsZero() {
		c.gap = max(c.gap, now.Sub(c.lastAck))
	}
	c.lastAck = now
}

// pause forgets the last answer: what follows is no outage.
func (c *counts) pause() {
	c.mu.Lock()
	c.lastAck = time.Time{}
	c.mu.Unlock()
}

func (c *counts) longest() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gap
}
