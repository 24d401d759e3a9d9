package db

import "time"

// briefly is how long a transaction that yields should hold SQLite's writer:
// those that came meanwhile wait for it.
const briefly = 10 * time.Millisecond

// Portion is how many rows go into one transaction that yields. On SQLite it
// follows how long such transactions run, so that each is brief whatever a row
// costs on this machine; on PostgreSQL, where nobody waits for it, it is the
// most there may be. It belongs to one goroutine at a time.
type Portion struct {
	least, most, size int
	fixed             bool
}

// NewPortion makes one between these bounds.
func NewPortion(d *DB, least, most int) *Portion {
	p := &Portion{least: min(least, most), most: most, size: most, fixed: d.Dialect() == Postgres}
	if !p.fixed {
		p.size = min(4*least, most)
	}
	return p
}

// Size is how many rows the next transaction should take.
func (p *Portion) Size() int { return p.size }

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
	switch {
	case took > briefly:
		p.size = max(p.size/2, p.least)
	case took < briefly/2 && rows >= p.size:
		p.size = min(p.size+(p.size+1)/2, p.most)
	}
}
