package event

import (
	"context"
	"slices"
	"sort"
	"sync"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// tape keeps the latest settled facts, so that a fact is read once on a node
// and not once by each consumer. It holds settled facts only: what is on it
// never changes, and it lacks none of its range. A consumer that is behind it
// reads for itself.
type tape struct {
	db *db.DB

	mu       sync.Mutex
	from, to int64 // it holds every fact above from up to to
	facts    []Fact
	bytes    int
}

// What a tape may hold, and how much is read onto it at once.
const (
	tapeFacts = 1000
	tapeBytes = 1 << 20
	tapeRead  = 500
)

// between gives the facts of these kinds above after, up to reached, at most
// limit of them; reached is last unless there is more to come. ok is false
// when the tape no longer goes back so far.
func (t *tape) between(ctx context.Context, after, last int64, kinds []string, limit int) (facts []Fact, reached int64, ok bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if after > t.to { // nobody needed it for a while
		clear(t.facts)
		t.from, t.to, t.facts, t.bytes = after, after, t.facts[:0], 0
	}
	if after < t.from {
		return nil, after, false, nil
	}
	if last > t.to {
		if err := t.read(ctx, last); err != nil {
			return nil, after, false, err
		}
		if after < t.from {
			return nil, after, false, nil
		}
	}
	first := sort.Search(len(t.facts), func(i int) bool { return t.facts[i].Seq > after })
	var ours []int
	for i := first; i < len(t.facts) && t.facts[i].Seq <= last && len(ours) < limit; i++ {
		if len(kinds) == 0 || slices.Contains(kinds, t.facts[i].Kind) {
			ours = append(ours, i)
		}
	}
	facts = make([]Fact, len(ours))
	for i, at := range ours {
		facts[i] = t.facts[at]
	}
	if len(facts) == limit {
		return facts, facts[limit-1].Seq, true, nil
	}
	return facts, min(last, t.to), true, nil
}

// read appends a portion of the facts up to last, and drops the oldest.
func (t *tape) read(ctx context.Context, last int64) error {
	var more []Fact
	err := t.db.View(ctx, func(tx *db.Tx) (err error) {
		more, err = between(tx, t.to, last, nil, tapeRead)
		return err
	})
	if err != nil {
		return err
	}
	t.to = last
	if len(more) == tapeRead {
		t.to = more[len(more)-1].Seq
	}
	for _, f := range more {
		t.facts, t.bytes = append(t.facts, f), t.bytes+f.size()
	}
	drop := 0
	for len(t.facts)-drop > tapeFacts || t.bytes > tapeBytes && len(t.facts)-drop > len(more) {
		t.from, t.bytes = t.facts[drop].Seq, t.bytes-t.facts[drop].size()
		drop++
	}
	t.facts = slices.Delete(t.facts, 0, drop)
	return nil
}

// size is about what a fact takes in memory.
func (f Fact) size() int {
	return 160 + len(f.Org) + len(f.Site) + len(f.Station) + len(f.Subject) + len(f.Kind) + len(f.Data)
}
