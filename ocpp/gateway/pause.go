package gateway

import (
	"bufio"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// Reading a message takes a stack of 4 KiB and more, and a stack that has grown
// stays so: with many stations that say nothing, that is most of what they
// cost. So a reader that has no more to read gives the connection to a
// goroutine that does nothing but wait for the socket, on the smallest stack
// there is, and takes others meanwhile; see readers. That one takes pongs out
// of the way, most of what idle stations send.
//
// This is for sockets without TLS: what TLS has read and not yet handed out
// cannot be seen from outside.

// pauses is how a wire waits without a reader.
type pauses struct {
	raw    syscall.RawConn // nil: it cannot
	reader *bufio.Reader   // the library's

	// between says that the next byte begins a frame and none is there yet:
	// the next Read gives errBetween, with which the library returns from the
	// middle of its loop without harm. The reader's.
	between bool
	message bool // the reader is inside a message

	mu       sync.Mutex
	pausing  bool
	recalled bool          // it must not pause any more
	over     chan struct{} // closed when the pause ends; nil when nobody waits
}

var errBetween = errors.New("no frame is there yet")

// pausable prepares the wire for pauses, if its socket can be waited for.
func (w *wire) pausable(conn net.Conn) bool {
	if g, ok := conn.(*guest); ok {
		conn = g.Conn
	}
	if s, ok := conn.(syscall.Conn); ok && canPause {
		if raw, err := s.SyscallConn(); err == nil {
			w.raw = raw
		}
	}
	return w.raw != nil
}

// unread tells whether bytes were read that nobody saw.
func (w *wire) unread() bool {
	return w.reader.Buffered() > 0 || len(w.early) > 0 || w.failed != nil
}

// frameEnds is called by the reader when a ping or a pong was read: the
// library goes on reading then, and would not come back before a message.
func (w *wire) frameEnds() {
	if w.raw == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.recalled { // else it may be the library's close handshake that reads
		w.between = !w.message && !w.unread()
	}
}

// stopsBetween tells, once, that Read is to give errBetween.
func (w *wire) stopsBetween() bool {
	if !w.between {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.between = false
	return !w.recalled
}

// beginPause is called by the reader between two messages. True means that it
// must not read, but see to it that pause is called.
func (w *wire) beginPause() bool {
	if w.raw == nil {
		return false
	}
	w.mu.Lock()
	w.pausing = !w.recalled
	ok := w.pausing
	w.mu.Unlock()
	if ok && w.unread() {
		w.endPause()
		return false
	}
	return ok
}

// pause returns when the station said something, when the connection ended, or
// when it is recalled. It must not call anything deep.
func (w *wire) pause() {
	err := w.raw.Read(w.take)
	w.mu.Lock()
	if err != nil && !w.recalled { // of a recall it is the deadline's, and the reader goes on
		w.failed = err
	}
	w.mu.Unlock()
	w.endPause()
}

func (w *wire) endPause() {
	w.mu.Lock()
	w.pausing = false
	if w.over != nil {
		_ = w.Conn.SetReadDeadline(time.Time{}) // if it is closed, the reader finds that
		close(w.over)
		w.over = nil
	}
	w.mu.Unlock()
}

// recall ends a pause and allows no other. The library may then read on its
// own, as it does in a close handshake.
func (w *wire) recall() {
	w.mu.Lock()
	w.recalled = true
	if !w.pausing {
		w.mu.Unlock()
		return
	}
	if w.over == nil {
		w.over = make(chan struct{})
	}
	over := w.over
	_ = w.Conn.SetReadDeadline(time.Unix(1, 0)) // a closed one has woken already
	w.mu.Unlock()
	<-over
}

// await waits for what the station says next and finds a reader for it.
func (l *link) await() {
	if l.wire.pause(); l.wire.failed != nil && l.settled() { // the reader, which comes next, has both
		l.g.breaks.Go(l.serve)
		return
	}
	l.g.reading.take(l)
}

// spareReaders stay when they have nothing to read.
const spareReaders = 64

// readers are the goroutines that read messages: one for each connection that
// is being read, and some that wait for one.
type readers struct {
	ready chan *link
	idle  chan struct{} // holds one token for each that waits
	ended <-chan struct{}
}

func newReaders(ended <-chan struct{}) *readers {
	return &readers{ready: make(chan *link), idle: make(chan struct{}, spareReaders), ended: ended}
}

// take has somebody read the connection; it does not wait.
func (r *readers) take(l *link) {
	select {
	case r.ready <- l:
	default:
		go r.run(l)
	}
}

func (r *readers) run(l *link) {
	for {
		l.serve()
		select {
		case r.idle <- struct{}{}:
		default:
			return
		}
		select {
		case l = <-r.ready:
			<-r.idle
		case <-r.ended:
			return
		}
	}
}
