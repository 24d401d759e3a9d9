package db

import (
	"sync/atomic"
	"time"
)

// briefly is how long a transaction that yields should hold SQLite's writer:
// those that came meanwhile wait for it.
const briefly = 10 * time.Millisecond

// Portion is how many rows go into one transaction that yields. On SQLite it
// follows how long such transactions run, so that each is brief whatever a row
// costs on this machine; on PostgreSQL, where nobody waits for it, it is the
// most there may be.
type Portion struct {
	least, most int
	size        atomic.Int64
	fixed       bool
}

// NewPortion makes one between these bounds.
func NewPortion(d *DB, least, most int) *Portion {
	p := &Portion{least: min(least, most), most: most, fixed: d.Dialect() == Postgres}
	if p.size.Store(int64(most)); !p.fixed {
		p.size.Store(int64(min(4*least, most)))
	}
	return p
}

// Size is how many rows the next transaction should take.
func (p *Portion) Size() int { return int(p.size.Load()) }

// Of is fn, a closure that writes so many rows. Once it is committed the size
// follows how long it ran, without the wait for its turn.
func (p *Portion) Of(rows int, fn func(tx *Tx) error) func(tx *Tx) error {
	if p.fixed {
		return fn
	}
	return func(tx *Tx) error {
		from := time.Now()
		err := tx.gathered(fn(tx))
		took := time.Since(from)
		tx.AfterCommit(func() { p.learn(rows, took) })
		return err
	}
}

// learn halves the size when that many rows took too long, and lets it grow
// when a full portion took less than half as long as it may.
func (p *Portion) learn(rows int, took time.Duration) {
	switch size := p.Size(); { // of two that learn at once, one is forgotten
	case took > briefly:
		p.size.Store(int64(max(size/2, p.least)))
	case took < briefly/2 && rows >= size:
		p.size.Store(int64(min(size+(size+1)/2, p.most)))
	}
}
