package db

import "time"

const (
	pgLanes  = 4   // transactions of a batch side by side
	laneMore = 32  // rows that wait before another one begins
	laneMost = 128 // rows of one

	laneSlow = 15 * time.Millisecond // what a transaction takes where everything waits for a processor
	laneRest = 80 * time.Millisecond // at most from the beginning of one to that of the next
)

// lanes let a batch write several transactions side by side.
type lanes[T any] struct {
	key  func(T) string
	busy map[string]struct{} // the keys of rows that are being written
	most int                 // transactions side by side; 0: only when handed over

	from time.Time     // when the last transaction began
	took time.Duration // by one, the mean of late
}

// NewLanes makes a Batch that, on PostgreSQL, writes up to four transactions
// side by side once many rows wait: while one waits for its statements and its
// commit, the others go on. As long as few wait there is one, for each costs
// its statements. Two never have rows of the same key, so each key keeps the
// order of its rows. On SQLite, whose one writer runs one after the other, the
// next transaction begins when the last is committed and waits for the disk.
// o.Rest is for SQLite only.
func NewLanes[T any](d *DB, o BatchOptions, key func(T) string, flush func(tx *Tx, rows []T) error) *Batch[T] {
	l := &lanes[T]{key: key, busy: map[string]struct{}{}}
	if d.Dialect() == Postgres {
		o.Rest, o.MaxRows, l.most = 0, laneMost, pgLanes
	}
	b := NewBatch(d, o, flush)
	b.lanes = l
	return b
}

// begins notes when a transaction begins, and gives it.
func (b *Batch[T]) begins() time.Time {
	now := time.Now()
	if b.lanes != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.lanes.from = now
	}
	return now
}

// rests is how long what waits is still to wait for more. One goroutine is
// enough for that: any other is over, and more begin when many rows wait.
func (b *Batch[T]) rests() (pause time.Duration, over bool) {
	if b.lanes == nil {
		return 0, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	pause = b.lanes.rest(b.rows, time.Now())
	if over = pause > 0 && b.running > 1; over {
		b.running--
	}
	return pause, over
}

// rest is nothing unless transactions took long of late: then the database or
// this machine has more to do than it can, and what helps is fewer of them.
func (l *lanes[T]) rest(rows int, now time.Time) time.Duration {
	if l.most == 0 || l.took < laneSlow || rows == 0 || rows >= laneMore {
		return 0
	}
	return l.from.Add(min(2*l.took, laneRest)).Sub(now)
}

// more tells whether another transaction is to begin.
func (l *lanes[T]) more(running, rows int) bool {
	return l != nil && running < l.most && rows >= laneMore
}

// takeFree takes the first rows whose keys are free: neither being written nor
// those of rows that wait before them. When there are none, a transaction that
// is under way takes them after its end.
func (b *Batch[T]) takeFree() []*entry[T] {
	var group []*entry[T]
	waits := map[string]struct{}{}
	left, rows, most := b.pending[:0], 0, b.most()
	for i, e := range b.pending {
		if rows >= most {
			left = append(left, b.pending[i:]...)
			break
		}
		if b.lanes.free(e, waits) {
			group, rows = append(group, e), rows+len(e.rows)
		} else {
			left = append(left, e)
			b.lanes.mark(e, waits)
		}
	}
	clear(b.pending[len(left):])
	b.pending = left
	for _, e := range group {
		b.lanes.mark(e, b.lanes.busy)
	}
	if b.shrink(rows); group == nil {
		b.running--
	}
	return group
}

// handOver lets the next transaction begin; the writer of SQLite calls it.
func (b *Batch[T]) handOver() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.pending) == 0 {
		b.running--
		return
	}
	b.idle.Add(1)
	go b.run()
}

// resume tells whether what waits needs somebody to write it: nobody could
// take it while its keys were busy.
func (b *Batch[T]) resume() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running > 0 || len(b.pending) == 0 {
		return false
	}
	b.running++
	return true
}

// free holds when no key of the rows is being written or waits.
func (l *lanes[T]) free(e *entry[T], waits map[string]struct{}) bool {
	for _, r := range e.rows {
		k := l.key(r)
		if _, is := l.busy[k]; is {
			return false
		}
		if _, is := waits[k]; is {
			return false
		}
	}
	return true
}

func (l *lanes[T]) mark(e *entry[T], keys map[string]struct{}) {
	for _, r := range e.rows {
		keys[l.key(r)] = struct{}{}
	}
}

// written frees the keys of rows.
func (b *Batch[T]) written(group []*entry[T], took time.Duration) {
	if b.lanes == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lanes.took += (took - b.lanes.took) / 8
	for _, e := range group {
		for _, r := range e.rows {
			delete(b.lanes.busy, b.lanes.key(r))
		}
	}
}
