package pki

import (
	"sync"
	"time"
)

// answers keeps what responders said until they say it is old, in memory and
// bounded.
type answers struct {
	mu   sync.Mutex
	kept map[string]kept
}

type kept struct {
	body  []byte
	until time.Time
}

const (
	maxKept      = 10_000
	maxKeptBytes = 64 << 10 // larger ones are asked for again
	keptAtMost   = 24 * time.Hour
	keptAtLeast  = time.Minute // also an answer without nextUpdate
)

func newAnswers() *answers { return &answers{kept: map[string]kept{}} }

func (a *answers) get(key string, now time.Time) ([]byte, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k, ok := a.kept[key]
	if !ok || now.After(k.until) {
		return nil, false
	}
	return k.body, true
}

func (a *answers) put(key string, body []byte, now, next time.Time) {
	if len(body) > maxKeptBytes {
		return
	}
	until := next
	if least := now.Add(keptAtLeast); until.Before(least) {
		until = least
	}
	if most := now.Add(keptAtMost); until.After(most) {
		until = most
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.kept) >= maxKept {
		for k, v := range a.kept {
			if now.After(v.until) || len(a.kept) >= maxKept {
				delete(a.kept, k) // any one: a lost answer costs a question
			}
		}
	}
	a.kept[key] = kept{body, until}
}
