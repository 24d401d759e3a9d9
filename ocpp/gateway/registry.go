package gateway

import (
	"hash/maphash"
	"math/rand/v2"
	"sync"
)

// links finds the connection of a station held by this node. Many locks, so
// that stations do not wait for each other.
type links struct {
	seed   maphash.Seed
	shards [64]struct {
		mu sync.RWMutex
		m  map[string]*link
	}
}

func newLinks() *links {
	ls := &links{seed: maphash.MakeSeed()}
	for i := range ls.shards {
		ls.shards[i].m = map[string]*link{}
	}
	return ls
}

func (ls *links) shard(key string) int {
	return int(maphash.String(ls.seed, key) % uint64(len(ls.shards)))
}

func (ls *links) get(key string) *link {
	s := &ls.shards[ls.shard(key)]
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.m[key]
}

// put takes l in unless a connection with a higher epoch is there; the one
// that lost is returned, nil when there was no contest.
func (ls *links) put(l *link) (loser *link) {
	s := &ls.shards[ls.shard(l.key)]
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.m[l.key]
	if old != nil && old.epoch() > l.epoch() {
		return l
	}
	s.m[l.key] = l
	return old
}

func (ls *links) remove(l *link) {
	s := &ls.shards[ls.shard(l.key)]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m[l.key] == l {
		delete(s.m, l.key)
	}
}

func (ls *links) all() []*link {
	var out []*link
	for i := range ls.shards {
		s := &ls.shards[i]
		s.mu.RLock()
		for _, l := range s.m {
			out = append(out, l)
		}
		s.mu.RUnlock()
	}
	return out
}

// keys gives the identities of all.
func (ls *links) keys() []string {
	all := ls.all()
	keys := make([]string, len(all))
	for i, l := range all {
		keys[i] = l.key
	}
	return keys
}

// wheel visits every connection once per turn, at an instant of its own, so
// that pings of many stations do not come in waves. One ticker for all.
type wheel struct {
	mu    sync.Mutex
	slots [][]*link
	at    int
}

func newWheel(slots int) *wheel { return &wheel{slots: make([][]*link, max(slots, 1))} }

func (w *wheel) add(l *link) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l.slot = rand.IntN(len(w.slots))
	l.place = len(w.slots[l.slot])
	w.slots[l.slot] = append(w.slots[l.slot], l)
}

func (w *wheel) remove(l *link) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.slots[l.slot]
	if l.place >= len(s) || s[l.place] != l {
		return // never added
	}
	last := len(s) - 1
	s[l.place] = s[last]
	s[l.place].place = l.place
	s[last] = nil
	w.slots[l.slot] = s[:last]
}

// next gives the connections of the next slot.
func (w *wheel) next(into []*link) []*link {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = (w.at + 1) % len(w.slots)
	return append(into[:0], w.slots[w.at]...)
}
