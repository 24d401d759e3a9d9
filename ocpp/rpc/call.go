package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Request is a CALL to the peer.
type Request struct {
	Action   string
	Payload  json.RawMessage
	Priority int           // higher goes first; equal ones in their order
	Timeout  time.Duration // from the moment it is written; default 30 s
}

// Reply is the peer's CALLRESULT.
type Reply struct {
	ID      string // the message id of the call
	Payload json.RawMessage
}

// outcome is how a call ended.
type outcome struct {
	reply Reply
	err   error
}

type outgoing struct {
	Request
	id    string
	turn  chan struct{} // closed when the call may be written
	done  chan outcome  // holds one
	timer *time.Timer
}

func (o *outgoing) finish(out outcome) {
	if o.timer != nil {
		o.timer.Stop()
	}
	o.done <- out
}

// pastCall remembers how a recent call ended, to name late and second replies.
type pastCall struct {
	id       string
	answered bool
}

// Call sends a request and waits for the reply. There is one outstanding CALL
// at a time (OCPP-J §4.1.1): others wait by priority. When ctx ends while the
// call is outstanding, Call returns, but the peer keeps its time to reply
// before the next call is written.
//
// Errors: *ocpp.CallError for a CALLERROR; fault.Unavailable with code
// "ocpp.timeout", "ocpp.closed", "ocpp.queue_full", "ocpp.cancelled" or
// "ocpp.bad_reply".
func (c *Conn) Call(ctx context.Context, r Request) (Reply, error) {
	if r.Timeout <= 0 {
		r.Timeout = 30 * time.Second
	}
	o := &outgoing{Request: r, id: c.options.NewID(), turn: make(chan struct{}), done: make(chan outcome, 1)}
	if err := c.push(o); err != nil {
		return Reply{}, err
	}
	select {
	case <-o.turn:
	case out := <-o.done: // closed while waiting
		return out.reply, out.err
	case <-ctx.Done():
		if c.withdraw(o) {
			return Reply{}, cancelled(ctx, "before the call could be sent")
		}
	}
	c.mu.Lock()
	if c.pending == o {
		o.timer = time.AfterFunc(r.Timeout, func() {
			c.drop(o, fault.New(fault.Unavailable, "ocpp.timeout", "the station did not answer %s within %s", r.Action, r.Timeout))
		})
	}
	c.mu.Unlock()
	if err := c.write(&Frame{Type: Call, ID: o.id, Action: r.Action, Payload: r.Payload}); err != nil {
		c.drop(o, fault.Wrap(fault.Unavailable, err, "ocpp.closed", "%s could not be written to the station", r.Action))
	}
	select {
	case out := <-o.done:
		return out.reply, out.err
	case <-ctx.Done():
		return Reply{}, cancelled(ctx, "before the station answered")
	}
}

func cancelled(ctx context.Context, when string) error {
	code := "ocpp.cancelled"
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		code = "ocpp.timeout"
	}
	return fault.Wrap(fault.Unavailable, ctx.Err(), code, "the request ended %s", when)
}

func (c *Conn) push(o *outgoing) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed != nil {
		return c.closed
	}
	if len(c.queue) >= c.limits().Outbox {
		return fault.New(fault.Unavailable, "ocpp.queue_full", "%d calls wait for this station already; try again later", len(c.queue))
	}
	at := len(c.queue)
	for at > 0 && c.queue[at-1].Priority < o.Priority {
		at--
	}
	c.queue = slices.Insert(c.queue, at, o)
	c.grant()
	return nil
}

// grant gives the free slot to the first call in the queue. c.mu is held.
func (c *Conn) grant() {
	if c.pending != nil || c.held || len(c.queue) == 0 {
		return
	}
	c.pending = c.queue[0]
	c.queue = slices.Delete(c.queue, 0, 1)
	if len(c.queue) == 0 {
		c.queue = nil
	}
	close(c.pending.turn)
}

// withdraw takes a call back that was not written yet.
func (c *Conn) withdraw(o *outgoing) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.queue, o); i >= 0 {
		c.queue = slices.Delete(c.queue, i, i+1)
		return true
	}
	if c.pending == o {
		c.pending = nil
		c.grant()
		return true
	}
	return false
}

// drop ends an outstanding call without a reply and frees the slot.
func (c *Conn) drop(o *outgoing, err error) {
	c.mu.Lock()
	mine := c.pending == o
	if mine {
		c.pending = nil
		c.remember(o.id, false)
		c.grant()
	}
	c.mu.Unlock()
	if mine {
		o.finish(outcome{err: err})
	}
}

// complete ends the outstanding call with this message id.
func (c *Conn) complete(id string, out outcome) bool {
	c.mu.Lock()
	o := c.pending
	mine := o != nil && o.id == id
	if mine {
		c.pending = nil
		c.remember(id, true)
		c.grant()
	}
	c.mu.Unlock()
	if mine {
		o.finish(out)
	}
	return mine
}

func (c *Conn) remember(id string, answered bool) {
	if c.past == nil {
		c.past = new([8]pastCall)
	}
	c.past[c.pastAt%8] = pastCall{id: id, answered: answered}
	c.pastAt++
}

func (c *Conn) replied(f Frame) {
	out := outcome{reply: Reply{ID: f.ID, Payload: f.Payload}}
	if f.Type == CallError {
		out.err = &ocpp.CallError{Code: f.Code, Description: f.Description, Details: f.Details}
	}
	if c.complete(f.ID, out) {
		return
	}
	event := EventUnknownID
	c.mu.Lock()
	if c.past != nil {
		for i := range c.past {
			if p := &c.past[i]; p.id == f.ID && p.id != "" {
				event = EventLate
				if p.answered {
					event = EventDuplicate
				}
				p.answered = true
			}
		}
	}
	c.mu.Unlock()
	c.owner.Notice(Notice{Event: event, ID: f.ID, Detail: f.Type.String()})
}

// Release lets own calls go to the peer.
func (c *Conn) Release() {
	c.mu.Lock()
	c.held = false
	c.grant()
	c.mu.Unlock()
}

// Busy reports whether a call is outstanding or waiting, or a call of the
// peer is in work.
func (c *Conn) Busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pending != nil || len(c.queue) > 0 || c.working
}

// Waiting gives the number of own calls that wait for their turn.
func (c *Conn) Waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queue)
}

// Tell writes a SEND, which has no reply. Only 2.1 has it.
func (c *Conn) Tell(action string, payload json.RawMessage) error {
	if c.version != ocpp.V21 {
		return fault.New(fault.Unsupported, "ocpp.no_send", "OCPP %s has no SEND messages", c.version)
	}
	return c.write(&Frame{Type: Send, ID: c.options.NewID(), Action: action, Payload: payload})
}

// RefuseResult tells the peer that its reply could not be used. Versions
// before 2.1 have no words for that: there it does nothing.
func (c *Conn) RefuseResult(id string, err error) {
	if c.version != ocpp.V21 {
		return
	}
	e := c.version.AsCallError(err)
	_ = c.write(&Frame{Type: CallResultError, ID: id, Code: e.Code, Description: e.Description, Details: e.Details})
}

// guarded runs the handler; a panic becomes an error and a notice.
func (c *Conn) guarded(f *Frame) (payload json.RawMessage, err error) {
	defer func() {
		if r := recover(); r != nil {
			c.owner.Notice(Notice{Event: EventPanic, ID: f.ID, Action: f.Action, Detail: fmt.Sprintf("%v\n%s", r, debug.Stack())})
			payload, err = nil, fault.New(fault.Internal, "ocpp.panic", "the handler of %s panicked", f.Action)
		}
	}()
	return c.owner.Handle(f)
}
