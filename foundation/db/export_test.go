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

// ProbeMost sets how many rows a probe reads; it gives the way back.
func ProbeMost(n int) (reset func()) {
	old := mostProbed
	mostProbed = n
	return func() { mostProbed = old }
}
