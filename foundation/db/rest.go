package db

import (
	"context"
	"slices"
)

// Rest gives back memory that a load left with the engine, once it is over:
// on SQLite the pages and statements that the writer and all readers keep. A
// page with its head is a little above 4 KiB, for which the allocator under
// the driver takes 8. What is needed again comes from the system's cache.
func (d *DB) Rest(ctx context.Context) error {
	if d.lite == nil {
		return nil
	}
	for _, c := range d.lite.unused() {
		c.close()
	}
	return d.Update(ctx, func(tx *Tx) error {
		_, err := tx.Exec("PRAGMA shrink_memory")
		return err
	})
}

// unused takes the idle readers out of the pool.
func (l *lite) unused() []*liteConn {
	l.mu.Lock()
	defer l.mu.Unlock()
	idle := slices.Clone(l.idle)
	clear(l.idle)
	l.idle = l.idle[:0]
	return idle
}
