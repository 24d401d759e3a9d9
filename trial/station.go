package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/forecourt-ev/forecourt/bench/rig"
)

// station is one simulated station: what it has to say, and its connection.
type station struct {
	fleet              *fleet
	number             int
	id, token, version string
	life               *rand.Rand // of live alone
	wake               chan struct{}

	mu           sync.Mutex
	sock         *rig.Socket // nil: not connected
	booted       bool
	dials        int
	node         int // that it is at, or tries
	queue        []*event
	open         *transaction // that runs
	offset       time.Duration
	told         time.Time
	register     int64
	transactions []*transaction

	lastID int // of talk alone
}

// outcome is what came back to a call: a CALLRESULT's payload, or a CALLERROR.
type outcome struct {
	id      string
	payload json.RawMessage
	refused string
}

var errNoAnswer = errors.New("no answer in time")

// talk connects, again and again, and says what is in the queue.
func (s *station) talk(ctx context.Context) {
	pace := rand.New(rand.NewPCG(s.fleet.seed, uint64(s.number)+1<<32))
	for ctx.Err() == nil {
		d := s.fleet.door(s)
		sock, err := rig.Dial(ctx, d)
		pause := 50*time.Millisecond + time.Duration(pace.IntN(250))*time.Millisecond
		if err != nil {
			s.fleet.counts.turnedAway.Add(1)
			var refused *rig.Refusal
			if errors.As(err, &refused) {
				pause = max(pause, min(refused.RetryAfter, 5*time.Second))
				if refused.Status < 500 && refused.Status != 429 {
					s.fleet.fail("turned away", fmt.Errorf("station %s: %w", s.id, err))
				}
			}
		} else if err := s.serve(ctx, sock); err != nil && ctx.Err() == nil {
			s.fleet.counts.dropped.Add(1)
		}
		sleep(ctx, pause)
	}
}

// serve speaks on one connection until it ends.
func (s *station) serve(ctx context.Context, sock *rig.Socket) error {
	in := make(chan outcome, 8)
	lost := make(chan error, 1)
	s.fleet.readers.Go(func() {
		err := sock.Read(func(text []byte) { s.take(sock, text, in) })
		sock.Close()
		lost <- err
	})
	s.mu.Lock()
	s.sock = sock
	s.mu.Unlock()
	err := s.converse(ctx, sock, in, lost)
	s.mu.Lock()
	s.sock = nil
	s.mu.Unlock()
	sock.Cut()
	return err
}

func (s *station) converse(ctx context.Context, sock *rig.Socket, in chan outcome, lost chan error) error {
	if !s.booted {
		action, payload := s.boot()
		o, err := s.exchange(ctx, sock, action, payload, in, lost)
		var a answer
		if err == nil && (o.refused != "" || json.Unmarshal(o.payload, &a) != nil || a.Status != "Accepted") {
			err = fmt.Errorf("the boot was answered %s%s", o.payload, o.refused)
		}
		if err != nil {
			return err
		}
		s.booted = true
	}
	for {
		e := s.head()
		if e == nil {
			select {
			case <-s.wake:
				continue
			case err := <-lost:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := s.deliver(ctx, sock, e, in, lost); err != nil {
			return err
		}
	}
}

// deliver sends the first event of the queue, and takes it out when it is
// acknowledged. An error means that the connection is of no more use.
func (s *station) deliver(ctx context.Context, sock *rig.Socket, e *event, in chan outcome, lost chan error) error {
	c := &s.fleet.counts
	s.mu.Lock()
	if e.sent++; e.sent > 1 {
		if e.kind == authorize {
			c.askAgain.Add(1)
		} else {
			c.repeated.Add(1)
		}
	}
	action, payload := s.call(e)
	s.mu.Unlock()
	o, err := s.exchange(ctx, sock, action, payload, in, lost)
	if err != nil {
		return err
	}
	if o.refused != "" {
		c.refused.Add(1)
		s.fleet.refusal(action + ": " + o.refused)
		s.mu.Lock()
		e.refused++
		s.mu.Unlock()
		if e.kind == authorize {
			c.unserved.Add(1)
		}
		sleep(ctx, 200*time.Millisecond)
		return nil
	}
	now := time.Now()
	s.mu.Lock()
	wrong := s.verdict(e, o.payload)
	e.acked = now
	s.queue = s.queue[1:]
	s.mu.Unlock()
	if e.kind == authorize {
		if wrong != nil {
			c.denied.Add(1)
		}
	} else {
		c.acknowledged.Add(1)
		c.answered(now)
	}
	if wrong != nil {
		s.fleet.fail("wrong answer", wrong)
	}
	return nil
}

// exchange sends a call and waits for its answer.
func (s *station) exchange(ctx context.Context, sock *rig.Socket, action string, payload object, in chan outcome, lost chan error) (outcome, error) {
	s.lastID++
	id := strconv.Itoa(s.lastID)
	frame, err := json.Marshal([]any{2, id, action, payload})
	if err != nil {
		return outcome{}, err
	}
	if err := sock.Write(rig.OpText, frame); err != nil {
		return outcome{}, err
	}
	limit := time.NewTimer(s.fleet.reply)
	defer limit.Stop()
	for {
		select {
		case o := <-in:
			if o.id == id {
				return o, nil
			}
			s.fleet.fail("answer to nothing", fmt.Errorf("station %s got an answer to message %q", s.id, o.id))
		case err := <-lost:
			return outcome{}, err
		case <-limit.C:
			s.fleet.refusal(action + ": no answer within " + s.fleet.reply.String())
			return outcome{}, errNoAnswer
		case <-ctx.Done():
			return outcome{}, ctx.Err()
		}
	}
}

// take handles a frame from the platform.
func (s *station) take(sock *rig.Socket, text []byte, in chan outcome) {
	var parts []json.RawMessage
	var kind int
	if json.Unmarshal(text, &parts) != nil || len(parts) < 3 || json.Unmarshal(parts[0], &kind) != nil {
		s.fleet.fail("unreadable frame", fmt.Errorf("station %s got %.100q", s.id, text))
		return
	}
	if kind == 2 {
		var action string
		json.Unmarshal(parts[2], &action) // no text is an action that is not known
		sock.Write(rig.OpText, reply(parts[1], action))
		return
	}
	var o outcome
	json.Unmarshal(parts[1], &o.id) // anything else answers nothing
	o.payload = parts[2]
	if kind == 4 {
		if json.Unmarshal(parts[2], &o.refused); o.refused == "" {
			o.refused = "CALLERROR"
		}
	}
	select {
	case in <- o:
	default:
		s.fleet.fail("answer to nothing", fmt.Errorf("station %s got more answers than it asked", s.id))
	}
}

// head is the event to say next.
func (s *station) head() *event {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return nil
	}
	return s.queue[0]
}

// cut ends the connection as a lost network does.
func (s *station) cut() {
	s.mu.Lock()
	sock := s.sock
	s.mu.Unlock()
	if sock != nil {
		sock.Cut()
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// local gives addresses of this machine to come from: one has about 28,000
// ports, and each reconnect uses one up for a while.
func local(number int) net.IP { return net.IPv4(127, 0, 1, byte(1+number%200)) }
