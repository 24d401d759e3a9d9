package db

import (
	"context"
	"hash/maphash"
)

// pgLanes are the batches side by side on PostgreSQL: while one waits for its
// statements and its commit, the others go on.
const pgLanes = 4

// Lanes are several batches; rows with the same key go through the same one
// and so keep their order. SQLite has one writer and gets one batch.
type Lanes[T any] struct {
	all  []*Batch[T]
	key  func(T) string
	seed maphash.Seed
}

// NewLanes makes batches that write with flush; see NewBatch. Two flushes may
// run at the same time, never with rows of the same key.
func NewLanes[T any](d *DB, o BatchOptions, key func(T) string, flush func(tx *Tx, rows []T) error) *Lanes[T] {
	n := 1
	if d.Dialect() == Postgres {
		n = pgLanes
	}
	l := &Lanes[T]{key: key, seed: maphash.MakeSeed()}
	for range n {
		l.all = append(l.all, NewBatch(d, o, flush))
	}
	return l
}

// Add is that of Batch. Rows of several keys may be stored in several
// transactions; the first failure is given.
func (l *Lanes[T]) Add(ctx context.Context, rows ...T) error {
	if len(rows) == 0 {
		return nil
	}
	if len(l.all) == 1 || len(rows) == 1 {
		return l.of(rows[0]).Add(ctx, rows...)
	}
	parts := map[*Batch[T]][]T{}
	for _, r := range rows {
		b := l.of(r)
		parts[b] = append(parts[b], r)
	}
	for _, b := range l.all {
		if err := b.Add(ctx, parts[b]...); err != nil {
			return err
		}
	}
	return nil
}

func (l *Lanes[T]) of(row T) *Batch[T] {
	if len(l.all) == 1 {
		return l.all[0]
	}
	return l.all[maphash.String(l.seed, l.key(row))%uint64(len(l.all))]
}

// Close closes all batches; see Batch.Close.
func (l *Lanes[T]) Close() {
	for _, b := range l.all {
		b.Close()
	}
}
