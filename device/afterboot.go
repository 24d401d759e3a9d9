package device

import (
	"sync"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/station"
)

// settled holds for a device that was compared within the usual time, is the
// same as then, and has nothing left to be done at a boot: thousands that come
// back after an outage of their network are asked nothing. The reconciling job
// sees them at their time.
func (s *Service) settled(tx *db.Tx, st station.Station) (bool, error) {
	known, err := stateOf(tx, string(st.ID))
	if err != nil || known.SyncedAt == nil || known.ReadOf != readOf(st) || known.wishedSince() || known.ReportID != 0 ||
		!known.NextAt.After(tx.Now) || tx.Now.Sub(*known.SyncedAt) > s.d.ReconcileEvery {
		return false, err
	}
	var open bool
	err = tx.QueryRow("SELECT EXISTS (SELECT 1 FROM device_desired WHERE station = $1 AND status NOT IN ($2, $3, $4))",
		string(st.ID), Met, Unsupported, FixedValue).Scan(&open)
	return !open, err
}

// slots spread the reading of devices that boot together: a node begins with
// one each time the interval has passed, whatever the number that waits, so
// that a network that comes back is not kept from charging by it.
type slots struct {
	every time.Duration

	mu   sync.Mutex
	next time.Time
}

// take gives the first free instant not before at.
func (s *slots) take(at time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next.Before(at) {
		s.next = at
	}
	at = s.next
	s.next = at.Add(s.every)
	return at
}
