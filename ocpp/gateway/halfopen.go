package gateway

import (
	queue "container/list"
	"net"
	"sync"
	"time"
)

// Sockets that have not asked for anything yet, or not completely, cost a
// descriptor each until the server's header time-out. When very many wait,
// those that had their time go: a station sends its request at once.
const (
	silentMost = 1024
	silentTime = 3 * time.Second
)

// silence lists the connections without a request, the oldest first.
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
