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
