package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/ocpp/rpc"
)

// link is one connection of one station: a socket, its reader, its calls.
type link struct {
	g       *Gateway
	ws      *websocket.Conn
	wire    *wire
	dialect Dialect
	conn    rpc.Conn
	key     string // the identity, as it is compared

	admission ocpp.Admission // what the platform said at the handshake

	pace pace
	org  *pace

	phase      atomic.Int32
	next       atomic.Int32 // the phase after the boot reply is written, plus one
	released   atomic.Bool  // commands may go out
	superseded atomic.Bool  // a newer connection of the station exists
	reported   atomic.Int64 // last Seen, unix milliseconds
	ending     atomic.Bool
	leaving    atomic.Bool // to be closed once no exchange is under way

	mu        sync.Mutex
	peer      ocpp.Peer
	heartbeat time.Duration
	triggered []string             // what a pending station was asked to send
	told      map[string]time.Time // when each kind of deviation was last reported
	flooding  time.Time            // since when it sends on without waiting
	reason    string               // why we closed it
	booted    bool                 // on this connection, or it was asked to

	arrived  chan struct{} // closed when the platform knows of the connection; the reader's, nil once it saw that
	unbooted chan struct{} // to be closed when no boot comes first; with arrived

	slot, place int   // in the wheel
	intake      int64 // microseconds: the reader's pace, see admit
}

func (l *link) currentPeer() ocpp.Peer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.peer
}

func (l *link) epoch() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.peer.Epoch
}

// serve reads until there is nothing more to read for now, or the socket ends.
// Never more than one goroutine does so, or awaits the next message.
func (l *link) serve() {
	for !l.wire.beginPause() {
		if err := l.message(); err != nil && !errors.Is(err, errBetween) {
			defer l.g.readers.done()
			l.end(reasonOf(err))
			return
		}
	}
	go l.await()
}

// message reads one message and hands it on.
func (l *link) message() error {
	kind, r, err := l.ws.Reader(context.Background())
	if err != nil {
		return err
	}
	l.wire.message = true
	l.g.memory.wait(l.g.base.Done())
	text, err := l.g.scratch.read(r)
	l.wire.message = false
	if err != nil {
		return err
	}
	if kind != websocket.MessageText {
		l.deviate(ocpp.Deviation{Code: "binary_message", Detail: "messages must be websocket text"})
	}
	l.admit(len(text))
	l.awaitArrival(text)
	l.conn.Receive(text)
	return nil
}

// awaitArrival holds all messages but a boot back until the platform knows of
// the connection.
func (l *link) awaitArrival(text []byte) {
	if l.arrived == nil {
		return
	}
	select {
	case <-l.arrived:
	default:
		if l.unbooted != nil && bytes.Contains(text[:min(len(text), 256)], []byte(bootNotification)) {
			l.unbooted = nil
			return
		}
		l.awaited()
	}
	l.arrived, l.unbooted = nil, nil
}

// settled holds when the platform knows of the connection, so that its end
// waits for nothing.
func (l *link) settled() bool {
	select {
	case <-l.arrived:
		return true
	default:
		return l.arrived == nil
	}
}

// awaited waits until the platform knows of the connection, and has it hurry.
func (l *link) awaited() {
	if l.unbooted != nil {
		close(l.unbooted)
		l.unbooted = nil
	}
	<-l.arrived
}

// scratch lends buffers for reading; what is kept is an exact copy.
type scratch struct {
	pool  sync.Pool
	large chan struct{} // bounds the messages above largeMessage being read
}

const largeMessage = 64 << 10

func newScratch() *scratch {
	return &scratch{
		pool:  sync.Pool{New: func() any { b := make([]byte, 4<<10); return &b }},
		large: make(chan struct{}, 64),
	}
}

func (s *scratch) read(r io.Reader) ([]byte, error) {
	buf := s.pool.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= largeMessage {
			s.pool.Put(buf)
		}
	}()
	n, holding := 0, false
	for {
		if n == len(*buf) {
			if n >= largeMessage && !holding {
				s.large <- struct{}{}
				holding = true
				defer func() { <-s.large }()
			}
			*buf = append(*buf, make([]byte, n)...)
		}
		m, err := r.Read((*buf)[n:])
		n += m
		if errors.Is(err, io.EOF) {
			return bytes.Clone((*buf)[:n]), nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// reasonOf says in few words why a socket ended.
func reasonOf(err error) string {
	var closed websocket.CloseError
	switch {
	case errors.As(err, &closed):
		if closed.Reason != "" {
			return "closed by the station: " + closed.Code.String() + ": " + clip(closed.Reason, 80)
		}
		return "closed by the station: " + closed.Code.String()
	case errors.Is(err, websocket.ErrMessageTooBig):
		return "a message is too large"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection broke"
	}
	return "the connection broke: " + clip(err.Error(), 120)
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n]
}

// Read logs and counts a message of the station. rpc.Owner
func (l *link) Read(f *rpc.Frame, text []byte) {
	l.g.metrics.in.count(f.Type)
	l.g.log.frame(l, "in", f, text, f.At)
}

// Write sends a message to the station. rpc.Owner
func (l *link) Write(f *rpc.Frame, text []byte) error {
	at := l.g.now() // before the station can answer
	err := l.ws.Write(context.Background(), websocket.MessageText, text)
	if err != nil {
		l.kill("the station does not take what is sent to it")
		return err
	}
	l.g.metrics.out.count(f.Type)
	l.g.log.frame(l, "out", f, bytes.Clone(text), at)
	return nil
}

// Schedule hands the connection to the workers, after the delay that the
// limits of the station and its organisation impose. rpc.Owner
func (l *link) Schedule(*rpc.Conn) {
	now := l.g.now()
	wait := max(l.pace.take(now), l.org.take(now))
	if wait == 0 {
		l.mu.Lock()
		l.flooding = time.Time{}
		l.mu.Unlock()
		l.g.workers.submit(l)
		return
	}
	l.g.metrics.throttled.Inc()
	time.AfterFunc(wait, func() { l.g.workers.submit(l) })
}

// Handle serves a message of the station. rpc.Owner
func (l *link) Handle(f *rpc.Frame) (json.RawMessage, error) {
	start := l.g.now()
	defer func() {
		took := l.g.now().Sub(start)
		l.g.metrics.handle.Observe(took.Seconds())
		if f.Action == bootNotification {
			l.g.pressure.boots.Add(1)
		} else {
			l.g.pressure.replied(took)
		}
	}()
	if l.superseded.Load() {
		return nil, fault.New(fault.Conflict, "gateway.replaced", "a newer connection of the station exists")
	}
	l.mu.Lock()
	ok := mayArrive(phase(l.phase.Load()), f.Action, l.triggered)
	peer := l.peer
	l.mu.Unlock()
	if !ok {
		return nil, tooEarly(f.Action)
	}
	ctx, cancel := context.WithTimeout(ocpp.WithReceived(l.g.base, f.At), handleTimeout)
	defer cancel()
	dialect := l.speaking(&peer, f)
	return dialect.Handle(ctx, station{l.g.csms, l}, peer, f.Action, f.Payload)
}

// handleTimeout ends a handler that waits for a database that hangs; stations
// repeat by then.
const handleTimeout = 60 * time.Second

// Answered opens the way for commands: the station has its boot reply, or
// showed that it needs none (field note 2). rpc.Owner
func (l *link) Answered(*rpc.Frame) {
	if n := l.next.Swap(0); n > 0 {
		l.phase.Store(n - 1)
	}
	l.release()
	l.finished()
}

func (l *link) release() {
	if l.released.CompareAndSwap(false, true) {
		l.conn.Release()
	}
}

// Notice counts what the connection dealt with and reports what a person
// should know. rpc.Owner
func (l *link) Notice(n rpc.Notice) {
	l.g.metrics.event(n.Event)
	peer := l.currentPeer()
	log := l.g.logger.With("org", peer.Org, "station", peer.Station)
	switch n.Event {
	case rpc.EventBadFrame:
		l.g.metrics.badFrame(n.Bad.Reason)
		l.deviate(ocpp.Deviation{Code: "bad_frame_" + n.Bad.Reason.String(), Action: n.Action, Detail: n.Detail})
	case rpc.EventQuirks:
		for _, q := range n.Quirks.Names() {
			l.deviate(ocpp.Deviation{Code: q, Action: n.Action, Detail: "tolerated in the frame of message " + clip(n.ID, 40)})
		}
	case rpc.EventLate, rpc.EventDuplicate, rpc.EventUnknownID:
		l.deviate(ocpp.Deviation{Code: n.Event.String(), Detail: "message " + clip(n.ID, 40)})
	case rpc.EventResultError:
		l.deviate(ocpp.Deviation{Code: n.Event.String(), Detail: clip(n.Detail, 200)})
	case rpc.EventRepeated:
		l.deviate(ocpp.Deviation{Code: n.Event.String(), Action: n.Action, Detail: "sent again before it was answered"})
	case rpc.EventOverlap:
		l.overlapped()
	case rpc.EventFailed:
		l.failed(n)
	case rpc.EventPanic:
		log.Error("handler panicked", "action", n.Action, "detail", n.Detail)
	}
}

// failed logs a message that could not be served, once and here. What the
// station did wrong is not our error.
func (l *link) failed(n rpc.Notice) {
	var e *ocpp.CallError
	if errors.As(n.Err, &e) && e.Code != l.dialect.Version().Spell(ocpp.CodeInternalError) {
		return
	}
	switch fault.KindOf(n.Err) {
	case fault.Internal, fault.Unavailable:
		peer := l.currentPeer()
		l.g.logger.Error("message not served", "org", peer.Org, "station", peer.Station, "action", n.Action, "err", n.Err)
	}
}

// overlapped watches a station that sends calls without waiting for replies.
// While its replies are delayed for the limit's sake, that is a flood.
func (l *link) overlapped() {
	now := l.g.now()
	l.deviate(ocpp.Deviation{Code: rpc.EventOverlap.String(), Detail: "a call was sent before the last one was answered"})
	l.pace.mu.Lock()
	over := l.pace.next.Sub(now) > l.pace.burst
	l.pace.mu.Unlock()
	if !over {
		return
	}
	l.mu.Lock()
	if l.flooding.IsZero() {
		l.flooding = now
	}
	flood := now.Sub(l.flooding) > l.g.config.FloodLimit
	l.mu.Unlock()
	if flood {
		l.close(websocket.StatusPolicyViolation, "too many messages")
	}
}

// deviationEvery bounds how often one kind of deviation of one connection is
// told to the platform.
const deviationEvery = 10 * time.Minute

// deviate reports a tolerated quirk without making anybody wait.
func (l *link) deviate(d ocpp.Deviation) {
	now := l.g.now()
	l.mu.Lock()
	kind := d.Code + " " + d.Action
	if last, ok := l.told[kind]; ok && now.Sub(last) < deviationEvery || len(l.told) > 100 {
		l.mu.Unlock()
		return
	}
	if l.told == nil {
		l.told = map[string]time.Time{}
	}
	l.told[kind] = now
	peer := l.peer
	l.mu.Unlock()
	l.g.later(func(ctx context.Context) { l.g.csms.Deviation(ctx, peer, d) })
}

// close says good-bye and ends the connection; the reader does the rest. It
// returns at once.
func (l *link) close(code websocket.StatusCode, reason string) {
	l.mu.Lock()
	if l.reason == "" {
		l.reason = reason
	}
	l.mu.Unlock()
	if !l.ending.CompareAndSwap(false, true) {
		return
	}
	l.conn.Close(reason) // a reader that waits for room must go on
	l.g.closers.Go(func() { l.g.goodbye(l, code, reason) })
}

// kill ends a connection to which nothing can be written any more.
func (l *link) kill(reason string) {
	l.mu.Lock()
	if l.reason == "" {
		l.reason = reason
	}
	l.mu.Unlock()
	if l.ending.CompareAndSwap(false, true) {
		l.conn.Close(reason)
		l.g.closers.Go(func() { _ = l.ws.CloseNow() })
	}
}

// end is called by the reader when the socket is gone.
func (l *link) end(reason string) {
	l.ending.Store(true)
	l.mu.Lock()
	if l.reason != "" {
		reason = l.reason
	}
	l.mu.Unlock()
	l.conn.Close(reason)
	_ = l.ws.CloseNow()
	if l.arrived != nil {
		l.awaited()
	}
	l.g.left(l, reason)
}
