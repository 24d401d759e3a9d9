package gateway

import (
	queue "container/list"
	"net"
	"sync"
	"time"
)

// A socket on which nothing was ever said costs a descriptor until the
// server's header time-out. When there are very many, those that had their
// time go: a station sends its request, or its TLS hello, at once. Who has
// begun is left to that time-out: in a storm a TLS handshake may take long.
const (
	silentMost = 1024
	silentTime = 3 * time.Second
)

// silence lists the connections without a byte, the oldest first.
type silence struct {
	mu   sync.Mutex
	list queue.List // of *guest
}

// add takes a new connection in and gives those that must go for it.
func (s *silence) add(c *guest, now time.Time) (gone []net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.since, c.place = now, s.list.PushBack(c)
	for s.list.Len() > silentMost {
		first := s.list.Front()
		oldest := first.Value.(*guest)
		if now.Sub(oldest.since) < silentTime {
			break
		}
		s.list.Remove(first)
		oldest.place = nil
		gone = append(gone, oldest)
	}
	return gone
}

func (s *silence) remove(c *guest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.place != nil {
		s.list.Remove(c.place)
		c.place = nil
	}
}
