package db

import (
	"context"
	"errors"
	"sync"
	"time"
)

// BatchOptions bound a Batch. Zero values mean the defaults.
type BatchOptions struct {
	MaxRows    int // rows per transaction, unless one Add brings more; 500
	MaxPending int // rows waiting before Add blocks; 10 000

	// Rest lets rows that come within that time of the last transaction wait
	// for the next common beat, so that more of them share a transaction, and
	// batches with the same Rest a commit; a lone row is still written at
	// once. When few came the last time, a quarter of it is waited; four times
	// as much as otherwise by a batch that yields while PostgreSQL is slow. For
	// callers that can wait that long. None by default.
	Rest time.Duration

	// Yields makes the transactions Yielding ones, and so brief on SQLite that
	// they may hold fewer rows than MaxRows; see Portion.
	Yields bool
}

const leastRows = 50 // of a batch that yields: fewer cost more than they spare others

// Batch gathers rows from many goroutines and writes them together: while one
// transaction commits, the next rows gather, and a lone row is written at
// once. It keeps the order of the calls of Add.
type Batch[T any] struct {
	db    *DB
	o     BatchOptions
	ctx   context.Context // of its transactions
	brief *Portion        // nil: it does not yield
	flush func(tx *Tx, rows []T) error
	lanes *lanes[T] // nil: one transaction after the other

	mu      sync.Mutex
	pending []*entry[T]
	rows    int           // rows in pending
	room    chan struct{} // closed and renewed when pending shrinks
	running int           // goroutines that write
	closed  bool
	from    time.Time     // when the last transaction began
	rest    time.Duration // after it
	idle    sync.WaitGroup
}

const crowd = 4 // callers in a transaction: more are on their way

// few tells whether so many callers in a transaction say that few are on their
// way. Those that yield wait for two already.
func (b *Batch[T]) few(callers int) bool { return callers < crowd && !(b.o.Yields && callers > 1) }

// began is what beats are counted from.
var began = time.Now()

// untilBeat is the time to the next multiple of rest.
func untilBeat(since, rest time.Duration) time.Duration { return rest - since%rest }

type entry[T any] struct {
	rows []T
	done chan error
}

// NewBatch makes a batch that writes with flush. flush follows the rules of
// Update's closures; when it fails for rows of several callers, it is run
// again for each caller alone, so that bad rows harm only who brought them.
func NewBatch[T any](d *DB, o BatchOptions, flush func(tx *Tx, rows []T) error) *Batch[T] {
	if o.MaxRows <= 0 {
		o.MaxRows = 500
	}
	if o.MaxPending <= 0 {
		o.MaxPending = 10_000
	}
	b := &Batch[T]{db: d, o: o, ctx: context.Background(), flush: flush, room: make(chan struct{})}
	if o.Yields {
		b.ctx, b.brief = Yielding(b.ctx), NewPortion(d, leastRows, o.MaxRows)
	}
	return b
}

// Add writes the rows in one transaction, possibly with those of other
// callers, and returns after the commit. While too many rows wait it blocks.
// When ctx ends before the rows are being written they are withdrawn.
func (b *Batch[T]) Add(ctx context.Context, rows ...T) error {
	if len(rows) == 0 {
		return nil
	}
	b.db.refuseNested(ctx)
	e := &entry[T]{rows: rows, done: make(chan error, 1)}
	if err := b.enter(ctx, e); err != nil {
		return err
	}
	select {
	case err := <-e.done:
		return err
	case <-ctx.Done():
		if b.withdraw(e) {
			return ctx.Err()
		}
		return <-e.done
	}
}

func (b *Batch[T]) enter(ctx context.Context, e *entry[T]) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		b.mu.Lock()
		if b.closed {
			b.mu.Unlock()
			return errClosed
		}
		if b.rows == 0 || b.rows+len(e.rows) <= b.o.MaxPending {
			b.pending = append(b.pending, e)
			b.rows += len(e.rows)
			if b.running == 0 || b.lanes.more(b.running, b.rows) {
				b.running++
				b.idle.Add(1)
				go b.run()
			}
			b.mu.Unlock()
			return nil
		}
		room := b.room
		b.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
		}
	}
}

func (b *Batch[T]) withdraw(e *entry[T]) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, p := range b.pending {
		if p == e {
			b.pending = append(b.pending[:i:i], b.pending[i+1:]...)
			b.shrink(len(e.rows))
			return true
		}
	}
	return false
}

func (b *Batch[T]) shrink(rows int) {
	b.rows -= rows
	close(b.room)
	b.room = make(chan struct{})
}

// run writes until nothing waits.
func (b *Batch[T]) run() {
	defer b.idle.Done()
	for {
		if b.rest > 0 && b.gathers() && time.Since(b.from) < b.rest { // one run at a time: nobody else has from and rest
			time.Sleep(untilBeat(time.Since(began), b.rest))
		}
		pause, over := b.rests()
		if over {
			return
		}
		time.Sleep(pause)
		group := b.take()
		if group == nil {
			return
		}
		if b.o.Rest > 0 {
			b.from, b.rest = time.Now(), b.after(len(group))
		}
		at := b.begins()
		handed := b.write(group)
		b.written(group, time.Since(at))
		if handed && !b.resume() {
			return
		}
	}
}

// after is the rest after a transaction of so many callers.
func (b *Batch[T]) after(callers int) time.Duration {
	rest := b.o.Rest
	if b.few(callers) {
		rest /= 4
	}
	if b.o.Yields && b.db.slow() {
		rest *= slowRests
	}
	return rest
}

// gathers tells whether something waits, and more has room with it.
func (b *Batch[T]) gathers() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rows > 0 && b.rows < b.most()
}

// most is how many rows a transaction takes.
func (b *Batch[T]) most() int {
	if b.brief != nil {
		return b.brief.Size()
	}
	return b.o.MaxRows
}

func (b *Batch[T]) take() []*entry[T] {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.pending) == 0 {
		b.running--
		return nil
	}
	if b.lanes != nil {
		return b.takeFree()
	}
	n, rows, most := 0, 0, b.most()
	for n < len(b.pending) && (n == 0 || rows+len(b.pending[n].rows) <= most) {
		rows += len(b.pending[n].rows)
		n++
	}
	group := b.pending[:n:n]
	b.pending = b.pending[n:]
	b.shrink(rows)
	return group
}

// write commits the rows of a group and tells whether the batch was handed to
// the next one meanwhile.
func (b *Batch[T]) write(group []*entry[T]) (handed bool) {
	var rows []T
	for _, e := range group {
		rows = append(rows, e.rows...)
	}
	batch := &batched{}
	if b.lanes != nil {
		batch.handed = func() { handed = true; b.handOver() }
	}
	err := b.commit(rows, batch)
	if err == nil || len(group) == 1 || handed || errors.Is(err, errUnsynced) {
		for _, e := range group {
			e.done <- err
		}
		return handed
	}
	for _, e := range group {
		e.done <- b.commit(e.rows, &batched{})
	}
	return false
}

func (b *Batch[T]) commit(rows []T, batch *batched) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	fn := func(tx *Tx) error { return b.flush(tx, rows) }
	if b.brief != nil {
		fn = b.brief.Of(len(rows), fn)
	}
	return b.db.update(b.ctx, fn, batch)
}

// Close refuses new rows, writes those that wait and returns when the last is
// committed.
func (b *Batch[T]) Close() {
	b.mu.Lock()
	if !b.closed {
		b.closed = true
		b.shrink(0)
	}
	b.mu.Unlock()
	b.idle.Wait()
}
