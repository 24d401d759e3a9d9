package db

import (
	"os"
	"time"
)

// Queued counts the transactions that wait for the writer of SQLite.
func (d *DB) Queued() int {
	if d.lite == nil {
		return 0
	}
	return len(d.lite.queue) + len(d.lite.yielding)
}

// GroupFor lets the groups of SQLite take this long; while nobody else writes.
func (d *DB) GroupFor(t time.Duration) { d.lite.groupTime = t }

// YieldFor lets transactions that yield be overtaken for this long; while
// nobody else writes.
func (d *DB) YieldFor(t time.Duration) { d.lite.overdue = t }

// SyncBy has SQLite's log synced by fn, which may call the real way; before
// anybody writes.
func (d *DB) SyncBy(fn func(really func() error) error) {
	really := d.lite.syncs.flush
	d.lite.syncs.flush = func(f *os.File) error { return fn(func() error { return really(f) }) }
}

// BaseSyncBy has SQLite's database file synced before the last pages of the
// log by fn, which may call the real way; before anybody writes.
func (d *DB) BaseSyncBy(fn func(really func() error) error) {
	really := d.lite.base.flush
	d.lite.base.flush = func(f *os.File) error { return fn(func() error { return really(f) }) }
}

// ProbeMost sets how many rows a probe reads, and how many it walks; it gives
// the way back.
func ProbeMost(n, walked int) (reset func()) {
	old, oldWalked := mostProbed, mostWalked
	mostProbed, mostWalked = n, walked
	return func() { mostProbed, mostWalked = old, oldWalked }
}

// ArchiveTick sets how often archives that are opened from now on look by
// themselves; it gives the way back.
func ArchiveTick(every time.Duration) (reset func()) {
	old := archiveTick
	archiveTick = every
	return func() { archiveTick = old }
}

// BreakArchive closes the segment under the writer's hands.
func (d *DB) BreakArchive() {
	d.lite.archive.seg.file.Close()
}

// RetryArchive lets the next transaction try to write the archive again.
func (d *DB) RetryArchive() { d.lite.archive.retry.Store(true) }

// Waiting counts the rows that wait in a batch.
func (b *Batch[T]) Waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rows
}

// Learn tells a portion how long so many rows took.
func (p *Portion) Learn(rows int, took time.Duration) { p.learn(rows, took) }

// LaneRest is how long rows wait for more, on PostgreSQL, when the last
// transaction began so long ago and those of late took so long.
func LaneRest(took, ago time.Duration, rows int) time.Duration {
	now := time.Now()
	l := lanes[int]{most: pgLanes, took: took, from: now.Add(-ago)}
	return l.rest(rows, now)
}

// BatchRest is how long a batch rests after a transaction of so many callers,
// where those of late took so long.
func BatchRest(engine Dialect, o BatchOptions, took time.Duration, callers int) time.Duration {
	d := &DB{dialect: engine}
	for range 100 {
		d.slowness.note(took)
	}
	b := Batch[int]{db: d, o: o}
	return b.after(callers)
}
