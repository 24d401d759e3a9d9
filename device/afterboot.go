package device

import (
	"sync"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/station"
)

// afterBoot has a device that was accepted read, set up and its display seen
// to, as far as that is needed.
func (s *Service) afterBoot(tx *db.Tx, st station.Station) error {
	o := ownerOf(st)
	shows, err := hasDisplay(tx, o)
	if err != nil {
		return err
	}
	if shows {
		if err := enqueueDisplay(tx, o.org, o.station, true, tx.Now.Add(2*s.d.SyncAfterBoot)); err != nil {
			return err
		}
	}
	settled, err := s.settled(tx, st)
	if err != nil || settled {
		return err
	}
	return s.enqueueSync(tx, o, s.slots.take(tx.Now.Add(s.d.SyncAfterBoot)))
}

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

// hasDisplay holds when the station shows, or is to show, any message.
func hasDisplay(tx *db.Tx, o owner) (has bool, err error) {
	err = tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM device_display_message WHERE org = $1)
		OR EXISTS (SELECT 1 FROM device_display_state WHERE station = $2)`, o.org, o.station).Scan(&has)
	return has, err
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
