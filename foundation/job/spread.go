package job

import (
	"sync"
	"time"
)

// Spread gives work that comes for thousands at once, as after a network comes
// back, times one after the other, so that it keeps nobody from charging.
type Spread struct {
	Every time.Duration // between two

	mu   sync.Mutex
	next time.Time
}

// Take gives the first free instant not before at.
func (s *Spread) Take(at time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next.Before(at) {
		s.next = at
	}
	at = s.next
	s.next = at.Add(s.Every)
	return at
}
