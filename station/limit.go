package station

import (
	"sync"
	"time"
)

// limiter is a set of token buckets by key, bounded in number: when full,
// the buckets that are full again are dropped, since they remember nothing.
type limiter struct {
	burst float64
	per   time.Duration // time in which one token comes back
	most  int

	mu      sync.Mutex
	buckets map[string]bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newLimiter(burst int, per time.Duration) *limiter {
	return &limiter{burst: float64(burst), per: per, most: 50_000, buckets: map[string]bucket{}}
}

func (l *limiter) level(key string, now time.Time) float64 {
	b, ok := l.buckets[key]
	if !ok {
		return l.burst
	}
	return min(l.burst, b.tokens+float64(now.Sub(b.at))/float64(l.per))
}

// allowed tells whether key has a token left, without taking one.
func (l *limiter) allowed(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.level(key, now) >= 1
}

// take takes a token; false when there is none.
func (l *limiter) take(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.buckets) >= l.most {
		l.prune(now)
	}
	level := l.level(key, now)
	if level < 1 {
		return false
	}
	l.buckets[key] = bucket{level - 1, now}
	return true
}

func (l *limiter) forget(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.buckets, key)
}

func (l *limiter) prune(now time.Time) {
	for key := range l.buckets {
		if l.level(key, now) >= l.burst {
			delete(l.buckets, key)
		}
	}
	if len(l.buckets) >= l.most { // a wide attack: forget all rather than grow
		l.buckets = map[string]bucket{}
	}
}
