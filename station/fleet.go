package station

import (
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/identity"
)

// Fleet pages through the stations of a scope for another room, in order of
// id: no permission is checked. An empty site means all. Retired stations are
// left out.
func (s *Service) Fleet(tx *db.Tx, scope identity.Scope, site string, after ID, limit int) ([]Station, error) {
	q := db.Build("SELECT "+stationColumns+" FROM charging_station WHERE life <> ? AND key > ?", string(Retired), after.Key()).And(scope.Where("org"))
	if site != "" {
		q.Add("AND site = ?", site)
	}
	text, args := q.Add("ORDER BY key LIMIT ?", limit).SQL()
	return db.Collect(tx, scanStation, text, args...)
}

// WrongClocks gives the connected stations whose clock differs from ours by
// more than off.
func (s *Service) WrongClocks(tx *db.Tx, off time.Duration) ([]Station, error) {
	return db.Collect(tx, scanStation, "SELECT "+stationColumns+" FROM charging_station WHERE connected AND life <> $1 AND (skew > $2 OR skew < $3) ORDER BY key",
		string(Retired), off.Microseconds(), -off.Microseconds())
}
