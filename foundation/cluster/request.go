package cluster

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Headers of a question and its answer.
const (
	headTimeout = "Fc-Timeout-Ms" // how long the asker waits
	headFault   = "Fc-Fault"      // the answer is an error of this kind; the data is a wireFault
)

const (
	defaultTimeout = 30 * time.Second // of a question whose context has no end
	parallel       = 4096             // answers worked on at once by one Serve
)

// Request asks whoever serves the subject. Errors of the answering function
// arrive with their fault.Kind, code and message. Nobody serving gives
// fault.Unavailable "cluster.no_responder" at once; no answer in time gives
// fault.Unavailable "cluster.timeout".
func (b *Bus) Request(ctx context.Context, subject string, data []byte) ([]byte, error) {
	if !b.conn.IsConnected() {
		return nil, unavailable(nats.ErrDisconnected)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, defaultTimeout)
		defer cancel()
	}
	msg := nats.NewMsg(subject)
	msg.Data = data
	end, _ := ctx.Deadline()
	msg.Header.Set(headTimeout, strconv.FormatInt(max(1, untilMs(end)), 10))
	reply, err := b.conn.RequestMsgWithContext(ctx, msg)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return nil, fault.Wrap(fault.Unavailable, err, "cluster.no_responder", "no node answers to %s", subject)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		return nil, fault.Wrap(fault.Unavailable, err, "cluster.timeout", "the node did not answer in time")
	case errors.Is(err, context.Canceled):
		return nil, err
	case errors.Is(err, nats.ErrMaxPayload):
		return nil, fault.Wrap(fault.Invalid, err, "cluster.too_large", "the message of %d bytes is larger than the limit of NATS, %d", len(data), b.conn.MaxPayload())
	case err != nil:
		return nil, unavailable(err)
	}
	if kind := reply.Header.Get(headFault); kind != "" {
		return nil, readFault(kind, reply.Data)
	}
	return reply.Data, nil
}

func untilMs(end time.Time) int64 { return time.Until(end).Milliseconds() }

// service is one Serve.
type service struct {
	bus     *Bus
	sub     *nats.Subscription
	ctx     context.Context
	cancel  context.CancelFunc
	slots   chan struct{}
	once    sync.Once
	mu      sync.Mutex
	stopped bool
	running sync.WaitGroup
}

// Serve answers questions, many at once. The context of fn ends with the
// asker's patience or with stop. stop refuses new questions, ends the
// contexts of running ones and returns when they have answered.
func (b *Bus) Serve(subject string, fn func(ctx context.Context, subject string, data []byte) ([]byte, error)) (stop func(), err error) {
	s := &service{bus: b, slots: make(chan struct{}, parallel)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.sub, err = b.conn.Subscribe(subject, func(m *nats.Msg) {
		select {
		case s.slots <- struct{}{}:
		default:
			b.respond(m, nil, fault.New(fault.Unavailable, "cluster.busy", "the node is too busy, try again"))
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.stopped {
			<-s.slots
			b.respond(m, nil, goingAway(nil))
			return
		}
		s.running.Add(1)
		go s.answer(m, fn)
	})
	if err != nil {
		s.cancel()
		return nil, unavailable(err)
	}
	b.settle()
	b.mu.Lock()
	b.serving[s] = struct{}{}
	b.mu.Unlock()
	return s.stop, nil
}

func (s *service) answer(m *nats.Msg, fn func(ctx context.Context, subject string, data []byte) ([]byte, error)) {
	defer s.running.Done()
	defer func() { <-s.slots }()
	timeout := defaultTimeout
	if ms, err := strconv.ParseInt(m.Header.Get(headTimeout), 10, 64); err == nil && ms > 0 {
		timeout = time.Duration(ms) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(s.ctx, timeout)
	defer cancel()
	data, err := call(ctx, m, fn)
	if err != nil && ctx.Err() != nil && fault.Of(err) == nil {
		if s.ctx.Err() != nil {
			err = goingAway(err)
		} else {
			err = fault.Wrap(fault.Unavailable, err, "cluster.timeout", "the node did not answer in time")
		}
	}
	if err != nil && fault.KindOf(err) == fault.Internal {
		s.bus.log.Error("a request from another node failed", "subject", m.Subject, "err", err)
	}
	s.bus.respond(m, data, err)
}

func call(ctx context.Context, m *nats.Msg, fn func(ctx context.Context, subject string, data []byte) ([]byte, error)) (data []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(ctx, m.Subject, m.Data)
}

func (b *Bus) respond(m *nats.Msg, data []byte, err error) {
	if m.Reply == "" {
		return
	}
	reply := nats.NewMsg(m.Reply)
	reply.Data = data
	if err != nil {
		reply.Header.Set(headFault, fault.KindOf(err).String())
		reply.Data = writeFault(err)
	}
	if err := b.conn.PublishMsg(reply); err != nil {
		b.log.Debug("an answer is lost", "subject", m.Subject, "err", err)
	}
}

func goingAway(cause error) error {
	return fault.Wrap(fault.Unavailable, cause, "cluster.stopped", "the node is going away, try again")
}

func (s *service) stop() {
	s.once.Do(func() {
		s.mu.Lock()
		s.stopped = true
		s.mu.Unlock()
		s.leave()
		s.cancel()
		s.running.Wait()
		s.bus.mu.Lock()
		delete(s.bus.serving, s)
		s.bus.mu.Unlock()
	})
}

// leave returns when the server sends no more questions; those on their way
// are answered that we are going.
func (s *service) leave() {
	gone := make(chan struct{})
	s.sub.SetClosedHandler(func(string) { close(gone) })
	if err := s.sub.Drain(); err != nil { // the connection has ended
		s.bus.log.Debug("unsubscribe", "subject", s.sub.Subject, "err", err)
		return
	}
	if !s.bus.conn.IsConnected() {
		return
	}
	limit := time.NewTimer(drainTimeout)
	defer limit.Stop()
	select {
	case <-gone:
	case <-limit.C:
	}
}
