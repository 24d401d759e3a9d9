package job

import (
	"sync"
	"time"
)

// Spread gives work that comes for thousands at once, as after a network comes
// back, times one after the other, so that it keeps nobody from charging.
type Spread struct {
	Every time.Duration // between two
	// Nodes tells how many nodes give times, each its own: with seven of them
	// each takes every seventh. nil: only this one does.
	Nodes func() int

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
	nodes := 1
	if s.Nodes != nil {
		nodes = max(s.Nodes(), 1)
	}
	s.next = at.Add(s.Every * time.Duration(nodes))
	return at
}
