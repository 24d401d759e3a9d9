package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/forecourt-ev/forecourt/bench/rig"
)

// station is one station: a connection, the one message it waits for an
// answer to (OCPP allows no second), and what it has been promised is kept.
type station struct {
	fleet  *fleet
	number int
	id     string
	token  string      // that it charges or asks with
	coming atomic.Bool // somebody brings it in, and sees to connections that end meanwhile

	mu       sync.Mutex
	sock     *rig.Socket // nil: not connected
	lastID   uint32
	pending  pending
	waiting  []due  // open loop: what is due and not sent
	turn     int    // place in the mixture
	dials    int    // connections tried
	status   string // shown last
	expected string // authorisation status of token
	sent     time.Time

	transaction string
	sequence    int64
	register    int64     // Wh
	began       time.Time // of the transaction
	told        time.Time // timestamp of the last message
	acked       int64     // meter messages answered well
	unsure      int64     // meter messages sent whose answer never came
	lost        time.Time // when the connection went
}

// pending is the message under way.
type pending struct {
	open bool
	id   uint32
	kind kind
	from time.Time         // since when the answer is waited for
	done func(wrong error) // nil: the load's
}

// due is a message of the open loop that waits for the one before.
type due struct {
	kind kind
	from time.Time
}

// mostWaiting bounds what may wait for a station that is not answered.
const mostWaiting = 64

var (
	errBusy    = errors.New("the station still waits for an answer")
	errOffline = errors.New("the station is not connected")
	errNoReply = errors.New("no answer")
)

// connect dials and starts the reader. The reader is the station's only
// goroutine.
func (s *station) connect(ctx context.Context) error {
	sock, err := rig.Dial(ctx, s.fleet.door(s))
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.sock = sock
	s.mu.Unlock()
	s.fleet.readers.Go(func() {
		err := sock.Read(s.take)
		sock.Close()
		s.gone(sock, err)
	})
	return nil
}

// gone takes note of the end of a connection.
func (s *station) gone(sock *rig.Socket, why error) {
	s.mu.Lock()
	if s.sock != sock {
		s.mu.Unlock()
		return
	}
	s.sock, s.lost = nil, time.Now()
	p := s.pending
	s.pending, s.waiting = pending{}, nil
	if p.open && p.kind == kindMeter {
		s.unsure++
	}
	s.mu.Unlock()
	if p.open && p.done != nil {
		p.done(fmt.Errorf("the connection ended: %w", why))
	}
	s.fleet.dropped(s, why)
}

// begin sends a message. from is the instant its delay counts from.
func (s *station) begin(k kind, from time.Time, done func(wrong error)) error {
	s.mu.Lock()
	if s.sock == nil {
		s.mu.Unlock()
		return errOffline
	}
	if s.pending.open {
		defer s.mu.Unlock()
		if done == nil && len(s.waiting) < mostWaiting {
			s.waiting = append(s.waiting, due{k, from})
			return nil
		}
		return errBusy
	}
	now := s.stamp(k)
	s.lastID++
	s.pending = pending{open: true, id: s.lastID, kind: k, from: from, done: done}
	sock := s.sock
	buffer := frames.Get().(*[]byte)
	*buffer = s.fleet.language.call((*buffer)[:0], s, k, s.lastID, now)
	s.mu.Unlock()
	err := sock.Write(rig.OpText, *buffer)
	frames.Put(buffer)
	return err // the reader notices it too, and tells who waits
}

var frames = sync.Pool{New: func() any { b := make([]byte, 0, 768); return &b }}

// stamp gives the instant that a message names, later than the one before,
// and moves the meter with it: 7.2 kW all the time.
func (s *station) stamp(k kind) time.Time {
	now := time.Now().Truncate(time.Millisecond)
	if !now.After(s.told) {
		now = s.told.Add(time.Millisecond)
	}
	s.told, s.sent = now, now
	switch k {
	case kindStart:
		s.began, s.register, s.sequence, s.acked, s.unsure = now, 0, 0, 0, 0
		if s.fleet.language.protocol != "ocpp1.6" {
			s.transaction = s.id + "-" + strconv.FormatInt(now.UnixMilli(), 36)
		}
	case kindMeter, kindStop:
		s.register = now.Sub(s.began).Milliseconds() * 2 / 1000
		s.sequence++
	case kindStatus:
		if s.status == "Charging" {
			s.status = "SuspendedEV"
		} else {
			s.status = "Charging"
		}
	}
	return now
}

// take handles a frame from the platform.
func (s *station) take(text []byte) {
	h, ok := parseFrame(text)
	if !ok {
		s.fleet.fail("unreadable frame", fmt.Errorf("station %s got %.100q", s.id, text))
		return
	}
	if h.kind == '2' {
		s.fleet.commands.Add(1)
		buffer := frames.Get().(*[]byte)
		*buffer = answer((*buffer)[:0], h)
		s.mu.Lock()
		sock := s.sock
		s.mu.Unlock()
		if sock != nil {
			sock.Write(rig.OpText, *buffer) // the reader notices a connection that is gone
		}
		frames.Put(buffer)
		return
	}
	s.answered(h)
}

// answered takes a reply to the message under way.
func (s *station) answered(h frameHead) {
	now := time.Now()
	s.mu.Lock()
	p := s.pending
	if id, err := strconv.ParseUint(string(h.id), 10, 32); err != nil || !p.open || uint32(id) != p.id {
		s.mu.Unlock()
		s.fleet.fail("answer to nothing", fmt.Errorf("station %s got an answer to message %.40q, which it does not wait for", s.id, h.id))
		return
	}
	s.pending = pending{}
	var wrong error
	if h.kind != '3' {
		wrong = fmt.Errorf("%s was answered with an error: %.200s", s.fleet.language.action[p.kind], h.rest)
	} else if why := s.fleet.language.check(s, p.kind, h.payload()); why != "" {
		wrong = errors.New(why)
	}
	if wrong == nil && p.kind == kindMeter {
		s.acked++
	}
	var next due
	if len(s.waiting) > 0 {
		next = s.waiting[0]
		s.waiting = append(s.waiting[:0], s.waiting[1:]...)
	}
	s.mu.Unlock()
	if p.done != nil {
		p.done(wrong)
	} else {
		s.fleet.replied(s, p, now, wrong)
	}
	if !next.from.IsZero() {
		s.begin(next.kind, next.from, nil) // a connection that is gone is noticed by the reader
	}
}

// ask sends a message and waits for its answer.
func (s *station) ask(ctx context.Context, k kind) error {
	done := make(chan error, 1)
	if err := s.begin(k, time.Now(), func(wrong error) { done <- wrong }); err != nil {
		return err
	}
	limit := time.NewTimer(s.fleet.replyWait)
	defer limit.Stop()
	select {
	case err := <-done:
		return err
	case <-limit.C:
		return fmt.Errorf("%s: %w within %s", s.fleet.language.action[k], errNoReply, s.fleet.replyWait)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// overdue reports a message of the load that has waited too long, once.
func (s *station) overdue(now time.Time, limit time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.pending.open || s.pending.done != nil || now.Sub(s.sent) < limit {
		return false
	}
	if s.pending.kind == kindMeter {
		s.unsure++
	}
	s.pending, s.waiting = pending{}, nil
	return true
}

// cut breaks the connection off without a word.
func (s *station) cut() {
	s.mu.Lock()
	sock := s.sock
	s.mu.Unlock()
	if sock != nil {
		sock.Cut()
	}
}

// lostAt is when the last connection went.
func (s *station) lostAt() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost
}

// connected tells whether the station has a connection.
func (s *station) connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sock != nil
}
