package station

import (
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// Offline gives when a port was out of reach within [from, until), short gaps
// included, ascending. For rooms that may not bill such time.
func (s *Service) Offline(tx *db.Tx, station string, evse int, from, until time.Time) ([]Outage, error) {
	st, err := s.Get(tx, station)
	if err != nil {
		return nil, err
	}
	changes, err := db.Collect(tx, scanChange, "SELECT "+changeColumns+` FROM evse_status s WHERE station = $1 AND evse = $2 AND at < $4
		AND at >= COALESCE((SELECT MAX(at) FROM evse_status l WHERE l.station = s.station AND l.evse = s.evse AND l.at <= $3), 0) ORDER BY at`,
		string(st.ID), int64(evse), db.Micros(from), db.Micros(until))
	if err != nil {
		return nil, err
	}
	var out []Outage
	for _, o := range Outages(changes, until, 0) {
		if o.Cause == Unreachable {
			out = append(out, o)
		}
	}
	return out, nil
}
