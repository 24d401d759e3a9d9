package db

import "time"

// Queued counts the transactions that wait for the writer of SQLite.
func (d *DB) Queued() int {
	if d.lite == nil {
		return 0
	}
	return len(d.lite.queue)
}

// GroupFor lets SQLite's groups take this long, before anything is written.
func (d *DB) GroupFor(t time.Duration) { d.lite.groupTime = t }

// ProbeMost sets how many rows a probe reads, and how many it walks; it gives
// the way back.
func ProbeMost(n, walked int) (reset func()) {
	old, oldWalked := mostProbed, mostWalked
	mostProbed, mostWalked = n, walked
	return func() { mostProbed, mostWalked = old, oldWalked }
}
