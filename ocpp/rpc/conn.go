package rpc

import (
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Owner is the side a Conn belongs to: it has the socket and the workers.
// Its methods are called without locks held.
type Owner interface {
	// Read is told of each message of the peer before it is dealt with; f holds
	// what could be read of it. The text may be kept.
	Read(f *Frame, text []byte)
	// Write sends one text message. It may be called from several goroutines,
	// must not keep text, and must give up on its own when the peer does not
	// read. f names the action that a reply answers.
	Write(f *Frame, text []byte) error
	// Handle answers a CALL with a JSON object (nil for {}) or an error, which
	// becomes a CALLERROR by Version.AsCallError. For a SEND the result only
	// counts as a notice.
	Handle(f *Frame) (json.RawMessage, error)
	// Answered follows Handle once the reply, if any, is written.
	Answered(f *Frame)
	// Schedule makes c.Work run once, soon, on another goroutine. It must not
	// block.
	Schedule(c *Conn)
	// Notice tells of something that was dealt with but is worth counting.
	Notice(n Notice)
}

// Event says what a Notice is about.
type Event uint8

const (
	_                Event = iota
	EventBadFrame          // Bad holds it
	EventQuirks            // a frame with harmless departures; Quirks holds them
	EventLate              // a reply to a call that had timed out
	EventDuplicate         // a second reply to a call
	EventUnknownID         // a reply to a call that never was
	EventRepeated          // the peer repeated a CALL that is still being handled; it gets one reply
	EventOverlap           // the peer sent a CALL before its last one was answered
	EventResultError       // the peer could not use our reply (2.1 CALLRESULTERROR)
	EventFailed            // a handler failed; Err holds why
	EventPanic             // a handler panicked; Detail holds the stack
)

var eventNames = [...]string{
	"", "bad_frame", "quirk", "late_reply", "duplicate_reply", "unknown_reply", "repeated_call", "overlapping_call",
	"result_error", "handler_failed", "handler_panic",
}

// String gives the stable lower-case name of the event.
func (e Event) String() string { return eventNames[e] }

// Notice is one event on a connection.
type Notice struct {
	Event  Event
	ID     string
	Action string
	Detail string
	Quirks Quirk
	Bad    *BadFrame
	Err    error
}

// Limits bound what one connection may hold in memory.
type Limits struct {
	Inbox      int // calls of the peer waiting behind the one in work; default 4
	InboxBytes int // their text; default 128 KiB; a single larger one still passes
	Outbox     int // own calls waiting; default 32
}

// Options are shared by all connections of an owner.
type Options struct {
	Limits Limits
	Now    func() time.Time
	Hold   func(n int)   // nil, or told of the text of calls that wait or are in work: n is less than zero when one is done with
	NewID  func() string // message ids, unique over all connections, ≤ 36 characters
}

// Conn is one OCPP-J connection. The zero value is not usable; see Init.
type Conn struct {
	owner   Owner
	options *Options
	version ocpp.Version

	mu      sync.Mutex
	closed  error
	held    bool
	working bool

	// the peer's calls: head is the one in work
	head, tail   *inbound
	depth, bytes int
	room         chan struct{} // closed when there is room again; nil when nobody waits

	// our calls
	pending *outgoing
	queue   []*outgoing
	past    *[8]pastCall
	pastAt  uint8
}

type inbound struct {
	Frame
	size     int
	answered bool // the reply is being written: the same id is a new call now
	next     *inbound
}

// Init prepares a Conn inside its owner. While held, own calls wait in the
// queue until Release.
func (c *Conn) Init(owner Owner, v ocpp.Version, o *Options, held bool) {
	c.owner, c.version, c.options, c.held = owner, v, o, held
}

// Version is the version the connection speaks.
func (c *Conn) Version() ocpp.Version { return c.version }

func (c *Conn) limits() Limits {
	l := c.options.Limits
	if l.Inbox <= 0 {
		l.Inbox = 4
	}
	if l.InboxBytes <= 0 {
		l.InboxBytes = 128 << 10
	}
	if l.Outbox <= 0 {
		l.Outbox = 32
	}
	return l
}

// Receive takes one text message of the peer. It returns quickly, but for one
// case: while the peer's queue is full it waits. The reader then stops
// reading, and TCP slows the peer down. data must not be changed afterwards.
func (c *Conn) Receive(data []byte) {
	f, err := Parse(c.version, data)
	if err != nil {
		if frames := split(data); frames != nil {
			for _, one := range frames {
				f, err := Parse(c.version, one)
				f.Quirks |= QuirkConcatenated
				c.received(f, err, one)
			}
			return
		}
	}
	c.received(f, err, data)
}

func (c *Conn) received(f Frame, err error, data []byte) {
	f.At = c.options.Now()
	if f.Type == CallResult || f.Type == CallError {
		f.Action = c.outstanding(f.ID)
	}
	c.owner.Read(&f, data)
	var bad *BadFrame
	if errors.As(err, &bad) {
		c.bad(bad)
		return
	}
	if f.Quirks != 0 {
		c.owner.Notice(Notice{Event: EventQuirks, ID: f.ID, Action: f.Action, Quirks: f.Quirks})
	}
	switch f.Type {
	case Call, Send:
		c.enqueue(f, len(data))
	case CallResultError:
		c.owner.Notice(Notice{Event: EventResultError, ID: f.ID, Detail: f.Code + ": " + f.Description})
	default:
		c.replied(f)
	}
}

// outstanding names the action of our call with this message id.
func (c *Conn) outstanding(id string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending != nil && c.pending.id == id {
		return c.pending.Action
	}
	return ""
}

// bad deals with a frame that is none: it is counted, answered where the
// version wants an answer, and fails the own call it would have replied to.
func (c *Conn) bad(bad *BadFrame) {
	c.owner.Notice(Notice{Event: EventBadFrame, ID: bad.ID, Action: bad.Action, Detail: bad.Detail, Bad: bad})
	if answer, ok := Answer(c.version, bad); ok {
		_ = c.write(&answer)
	}
	if bad.Type == CallResult || bad.Type == CallError {
		c.complete(bad.ID, outcome{err: fault.Wrap(fault.Unavailable, bad, "ocpp.bad_reply",
			"the station's reply cannot be read (%s)", bad.Detail)})
	}
}

func (c *Conn) enqueue(f Frame, size int) {
	n := &inbound{Frame: f, size: size}
	l := c.limits()
	c.mu.Lock()
	if c.repeats(f) {
		c.mu.Unlock()
		c.owner.Notice(Notice{Event: EventRepeated, ID: f.ID, Action: f.Action})
		return
	}
	overlap := f.Type == Call && c.head != nil && !(c.head.answered && c.head.next == nil)
	for c.closed == nil && c.depth > 0 && (c.depth > l.Inbox || c.bytes+size > l.InboxBytes) {
		if c.room == nil {
			c.room = make(chan struct{})
		}
		room := c.room
		c.mu.Unlock()
		<-room
		c.mu.Lock()
	}
	if c.closed != nil {
		c.mu.Unlock()
		return
	}
	if c.tail == nil {
		c.head = n
	} else {
		c.tail.next = n
	}
	c.tail = n
	c.depth++
	c.bytes += size
	if c.options.Hold != nil {
		c.options.Hold(size)
	}
	start := !c.working
	c.working = true
	c.mu.Unlock()
	if overlap {
		c.owner.Notice(Notice{Event: EventOverlap, ID: f.ID, Action: f.Action})
	}
	if start {
		c.owner.Schedule(c)
	}
}

// repeats reports whether f is a CALL that waits or is in work already: some
// stations send it again before they had the reply.
func (c *Conn) repeats(f Frame) bool {
	if f.Type != Call {
		return false
	}
	for n := c.head; n != nil; n = n.next {
		if n.Type == Call && !n.answered && n.ID == f.ID && n.Action == f.Action && string(n.Payload) == string(f.Payload) {
			return true
		}
	}
	return false
}

// Next is the action of the peer's next call; empty when none waits.
func (c *Conn) Next() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.head == nil {
		return ""
	}
	return c.head.Action
}

// Work handles the peer's next call and writes the reply. When more wait it
// schedules itself anew, so that one busy peer takes its turn among others.
func (c *Conn) Work() {
	c.mu.Lock()
	n := c.head
	c.mu.Unlock()
	if n == nil {
		return
	}
	c.handle(n)
	c.owner.Answered(&n.Frame)

	c.mu.Lock()
	c.head = n.next
	if c.head == nil {
		c.tail = nil
	}
	c.depth--
	c.bytes -= n.size
	if c.options.Hold != nil {
		c.options.Hold(-n.size)
	}
	c.working = c.head != nil
	more := c.working
	if c.room != nil {
		close(c.room)
		c.room = nil
	}
	c.mu.Unlock()
	if more {
		c.owner.Schedule(c)
	}
}

func (c *Conn) handle(n *inbound) {
	f := &n.Frame
	payload, err := c.guarded(f)
	c.mu.Lock()
	n.answered = true
	c.mu.Unlock()
	if err != nil {
		c.owner.Notice(Notice{Event: EventFailed, ID: f.ID, Action: f.Action, Err: err})
	}
	if f.Type == Send {
		return // never answered: 2.1 FR.07
	}
	answer := Frame{Type: CallResult, ID: f.ID, Action: f.Action, Payload: payload, Quirks: f.Quirks & QuirkNumericID}
	if err != nil {
		e := c.version.AsCallError(err)
		answer.Type, answer.Code, answer.Description, answer.Details = CallError, e.Code, e.Description, e.Details
	}
	_ = c.write(&answer)
}

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// write sends a frame. A failure needs no handling here: the owner's reader
// sees the dead socket, and the peer repeats what it has no reply to.
func (c *Conn) write(f *Frame) error {
	b := buffers.Get().(*[]byte)
	*b = Append((*b)[:0], c.version, *f)
	err := c.owner.Write(f, *b)
	if cap(*b) <= 64<<10 {
		buffers.Put(b)
	}
	return err
}

// Engaged counts the exchanges under way: the peer's calls not yet done with,
// and ours that wait for their turn or their answer.
func (c *Conn) Engaged() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.depth + len(c.queue)
	if c.pending != nil {
		n++
	}
	return n
}

// Close fails all own calls, now and later, with a fault of kind Unavailable,
// and lets Receive return. Calls of the peer that were already received are
// still handled.
func (c *Conn) Close(reason string) {
	err := fault.New(fault.Unavailable, "ocpp.closed", "the connection of the station was closed: %s", reason)
	c.mu.Lock()
	if c.closed != nil {
		c.mu.Unlock()
		return
	}
	c.closed = err
	waiting := c.queue
	if c.pending != nil {
		waiting = append(waiting, c.pending)
	}
	c.queue, c.pending = nil, nil
	if c.room != nil {
		close(c.room)
		c.room = nil
	}
	c.mu.Unlock()
	for _, o := range waiting {
		o.finish(outcome{err: err})
	}
}
