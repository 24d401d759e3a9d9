package device

import (
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
