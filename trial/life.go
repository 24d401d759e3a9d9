package trial

import (
	"context"
	"fmt"
	"time"
)

// live charges one session after another while the fleet works, whether the
// platform listens or not.
func (s *station) live(ctx context.Context) {
	for ctx.Err() == nil {
		if !s.begin() {
			sleep(ctx, 20*time.Millisecond)
			continue
		}
		for range 3 + s.life.IntN(12) {
			if !sleep(ctx, s.while(s.fleet.tick)) || !s.fleet.work.Load() {
				break
			}
			s.tell(updated)
		}
		s.tell(ended)
		sleep(ctx, s.while(2*s.fleet.tick))
	}
}

// while is a time around d.
func (s *station) while(d time.Duration) time.Duration {
	return d/2 + time.Duration(s.life.Int64N(int64(d)))
}

// begin starts a transaction, unless the fleet rests.
func (s *station) begin() bool {
	s.mu.Lock()
	if !s.fleet.work.Load() {
		s.mu.Unlock()
		return false
	}
	t := &transaction{station: s, number: len(s.transactions) + 1, run: int(s.fleet.run.Load())}
	if s.version != "1.6" {
		t.id = fmt.Sprintf("%s-%d-%d", s.id, s.fleet.seed, t.number)
	}
	s.transactions = append(s.transactions, t)
	s.open = t
	if s.sock != nil { // offline, the card is checked when the start arrives
		s.queue = append(s.queue, &event{kind: authorize, of: t})
		s.fleet.counts.asked.Add(1)
	}
	s.mu.Unlock()
	s.tell(started)
	return true
}

// tell puts an event of the open transaction into the queue.
func (s *station) tell(k kind) {
	s.mu.Lock()
	t := s.open
	now := time.Now().Add(s.offset).Truncate(time.Millisecond)
	if now.Equal(s.told) {
		now = now.Add(time.Millisecond)
	}
	s.told = now
	s.register += 1 + s.life.Int64N(40)
	e := &event{kind: k, of: t, seq: len(t.events), at: now, register: s.register, offline: s.sock == nil}
	t.events = append(t.events, e)
	s.queue = append(s.queue, e)
	if k == ended {
		s.open = nil
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// jump puts the station's clock forward or back.
func (s *station) jump(by time.Duration) {
	s.mu.Lock()
	s.offset += by
	s.mu.Unlock()
}

// idle says that the station has ended what it began and told all of it.
func (s *station) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open == nil && len(s.queue) == 0
}

// wrong is by how much the station's clock goes wrong.
func (s *station) wrong() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.offset
}
