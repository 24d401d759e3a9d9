package reservation

import (
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/station"
)

// Waiting gives when somebody held a reservation of an EVSE within [from,
// until), ascending: whoever sat there then kept its holder waiting. A
// reservation of any EVSE of the station waits for none in particular.
func (s *Service) Waiting(tx *db.Tx, id string, evse int, from, until time.Time) ([]station.Stretch, error) {
	return db.Collect(tx, func(row db.Scanner) (station.Stretch, error) {
		var start, end int64
		err := row.Scan(&start, &end)
		return station.Stretch{Start: db.Time(start), End: db.Time(end)}, err
	}, `SELECT created_at, COALESCE(ended_at, expires_at) FROM reservation WHERE station = $1 AND evse = $2 AND state <> 'rejected'
		AND created_at < $4 AND COALESCE(ended_at, expires_at) > $3 ORDER BY created_at, id`, id, evse, db.Micros(from), db.Micros(until))
}
