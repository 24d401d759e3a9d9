package db

import (
	"context"
	"time"
)

// yieldTime is how long a caller that yields may be overtaken.
const yieldTime = 250 * time.Millisecond

type yieldKey struct{}

// Yielding marks work that nobody stands at a charging station for: facts that
// are consumed, jobs, logs. On SQLite's one writer such a transaction lets
// those that came later without the mark go first: who came while one ran waits
// for it, never for a row of them. After a quarter of a second the first of the
// marked has its turn in the next group, whoever else waits; they keep their
// order among themselves. PostgreSQL has no such queue, and the mark means
// nothing there.
func Yielding(ctx context.Context) context.Context {
	return context.WithValue(ctx, yieldKey{}, true)
}

func yields(ctx context.Context) bool { return ctx.Value(yieldKey{}) != nil }

// line is the queue that a caller waits in.
func (l *lite) line(w *waiting) chan *waiting {
	if w.yields {
		return l.yielding
	}
	return l.queue
}

// first waits for the caller that begins a group; nil at the end.
func (l *lite) first() *waiting {
	select {
	case <-l.stop:
		return nil
	default:
	}
	if w := l.next(); w != nil {
		return w
	}
	select { // nobody waits
	case w := <-l.queue:
		return w
	case w := <-l.yielding:
		return w
	case <-l.stop:
		return nil
	}
}

// next takes the caller whose turn it is, if one waits.
func (l *lite) next() *waiting {
	select {
	case w := <-l.queue:
		return w
	default:
		return l.patient(0)
	}
}

// patient takes the first of those that yield, if it waits for longer than that.
func (l *lite) patient(than time.Duration) *waiting {
	if l.head == nil {
		select {
		case l.head = <-l.yielding:
		default:
			return nil
		}
	}
	w := l.head
	if than > 0 && time.Since(w.since) <= than {
		return nil
	}
	l.head = nil
	return w
}
