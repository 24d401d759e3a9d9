package db

import (
	"context"
	"sync"
	"time"
)

// lookupMost is how many keys one transaction of a Lookup reads.
const lookupMost = 200

// Lookup reads by key for many goroutines: what is asked for while one read
// runs, and for rest after it when many ask, is read together by the next; for
// four rests while PostgreSQL is slow. A lone caller waits for nobody.
type Lookup[V any] struct {
	db   *DB
	rest time.Duration
	read func(tx *Tx, keys []string) (map[string]V, error)

	mu      sync.Mutex
	waiting []*asking[V]
	running bool
	from    time.Time     // when the last read began
	pause   time.Duration // after it
}

type asking[V any] struct {
	key  string
	done chan answer[V]
}

type answer[V any] struct {
	value V
	err   error
}

// NewLookup makes a Lookup over read, which gives what it finds of distinct
// keys.
func NewLookup[V any](d *DB, rest time.Duration, read func(tx *Tx, keys []string) (map[string]V, error)) *Lookup[V] {
	return &Lookup[V]{db: d, rest: rest, read: read}
}

// Get reads the value of a key as it is after the call; the zero value when
// there is none.
func (l *Lookup[V]) Get(ctx context.Context, key string) (V, error) {
	l.db.refuseNested(ctx)
	a := &asking[V]{key, make(chan answer[V], 1)}
	l.mu.Lock()
	l.waiting = append(l.waiting, a)
	if !l.running {
		l.running = true
		go l.run()
	}
	l.mu.Unlock()
	select {
	case got := <-a.done:
		return got.value, got.err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}

// run reads until nobody waits.
func (l *Lookup[V]) run() {
	for {
		if l.pause > 0 && time.Since(l.from) < l.pause { // one run at a time: nobody else has from and pause
			time.Sleep(untilBeat(time.Since(began), l.pause))
		}
		group := l.take()
		if group == nil {
			return
		}
		l.from, l.pause = time.Now(), l.after(len(group))
		found, err := l.Read(context.Background(), askedFor(group))
		for _, a := range group {
			a.done <- answer[V]{found[a.key], err}
		}
	}
}

// after is the rest after a read for so many callers.
func (l *Lookup[V]) after(callers int) time.Duration {
	switch slow := l.db.slow(); {
	case slow && callers > 1:
		return slowRests * l.rest
	case !slow && callers < crowd:
		return l.rest / 4
	}
	return l.rest
}

func (l *Lookup[V]) take() []*asking[V] {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.waiting), lookupMost)
	if n == 0 {
		l.running, l.waiting = false, nil
		return nil
	}
	group := l.waiting[:n:n]
	l.waiting = l.waiting[n:]
	return group
}

// Read reads the values of distinct keys at once, without waiting for others.
func (l *Lookup[V]) Read(ctx context.Context, keys []string) (found map[string]V, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	err = l.db.View(ctx, func(tx *Tx) (err error) {
		found, err = l.read(tx, keys)
		return err
	})
	return found, err
}

// askedFor are the keys that a group asks for, each once.
func askedFor[V any](group []*asking[V]) []string {
	keys := make([]string, 0, len(group))
	seen := make(map[string]struct{}, len(group))
	for _, a := range group {
		if _, again := seen[a.key]; !again {
			seen[a.key] = struct{}{}
			keys = append(keys, a.key)
		}
	}
	return keys
}
