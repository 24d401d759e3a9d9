package db

import (
	"sync/atomic"
	"time"
)

const (
	slowFrom  = 10 * time.Millisecond // what a transaction of a batch takes where everything waits for a processor
	slowRests = 4                     // rests that batches and lookups of several callers take then
)

// slowness is how long transactions of batches took of late that were committed,
// in nanoseconds, from their begin.
type slowness struct{ mean atomic.Int64 }

func (s *slowness) note(took time.Duration) {
	mean := s.mean.Load()
	s.mean.Store(mean + (int64(took)-mean)/16) // of two at once one is forgotten
}

// slow tells whether PostgreSQL or this machine has more to do than it can:
// then what helps is fewer transactions. On SQLite those of batches take long
// because there is much to write at once.
func (d *DB) slow() bool {
	return d.dialect == Postgres && d.slowness.mean.Load() >= int64(slowFrom)
}
