package station

import (
	"encoding/json"
	"slices"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/location"
)

// consumers follow what other rooms record: a site's new name is copied onto
// the rows that lists show.
func (s *Service) consumers() []event.Consumer {
	return []event.Consumer{{Name: "station.sites", Kinds: []string{location.KindChanged}, Handle: s.siteChanged}}
}

func (s *Service) siteChanged(tx *db.Tx, f event.Fact) error {
	var site location.Changed
	if err := json.Unmarshal(f.Data, &site); err != nil {
		return err
	}
	ids, err := db.Collect(tx, scanID, "SELECT id FROM charging_station WHERE site = $1 AND site_name <> $2", string(site.ID), site.Name)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := s.alter(tx, id, func(t *tree) error { t.SiteName = site.Name; return nil }); err != nil {
			return err
		}
	}
	return nil
}

// PortUsage is the Usage of one port.
type PortUsage struct {
	Station string
	EVSE    int  // as it was numbered when the session began
	Same    bool // as it was told before, but for the power: a reading usually changes that alone
	Usage
}

// SetUses takes what transactions tell of ports, in the transaction that
// stores it: the charging state, the session, the power. A session of unknown
// state is connected; UseEnded ends it. News of another session than the one
// that occupies the port never ends that one: they may be a replay. A station
// that is not there changes nothing.
//
// A session that began under another connector map shows where its connector
// is today.
func (s *Service) SetUses(tx *db.Tx, uses []PortUsage) error {
	for i := range uses {
		u := &uses[i]
		if u.State == UseNone {
			u.State = UseConnected
		}
		var err error
		if u.EVSE, err = s.placed(tx, u.Station, u.EVSE, u.Connector); err != nil {
			return err
		}
	}
	same, others := sameUses(uses)
	if err := s.changeUses(tx, others); err != nil || len(same) == 0 {
		return err
	}
	noted, err := notePower(tx, same) // last: who changes trees locks stations before their ports
	if err != nil {
		return err
	}
	return s.changeUses(tx, slices.DeleteFunc(same, func(u PortUsage) bool { return noted[u.Station] }))
}

// sameUses gives the usages of which only the power is to be noted, if they are
// what they are said to be, and the others. Of a station with several there are
// only others.
func sameUses(uses []PortUsage) (same, others []PortUsage) {
	all := make(map[string]int, len(uses))
	for _, u := range uses {
		all[u.Station]++
	}
	for _, u := range uses {
		if u.Same && openUses[u.State] != "" && all[u.Station] == 1 {
			same = append(same, u)
		} else {
			others = append(others, u)
		}
	}
	return same, others
}

// changeUses applies usages to the trees of their stations.
func (s *Service) changeUses(tx *db.Tx, uses []PortUsage) error {
	if len(uses) == 0 {
		return nil
	}
	keys := make([]string, len(uses))
	for i, u := range uses {
		keys[i] = ID(u.Station).Key()
	}
	trees, err := lockTrees(tx, slices.Clone(keys))
	if err != nil {
		return err
	}
	var order []*tree
	for i, u := range uses {
		t := trees[keys[i]]
		if t == nil || u.EVSE <= 0 || u.EVSE > maxEVSE {
			continue
		}
		if err := s.use(tx, t, u); err != nil {
			return err
		}
		if !slices.Contains(order, t) {
			order = append(order, t)
		}
	}
	for _, t := range order {
		t.settle(tx.Now)
	}
	return s.finish(tx, order...)
}

var usedColumns = cols("at:t port:i ses:t used:t watts:i")

// notePower stores the power of ports, one of each station, whose session and
// use are as said, and gives the stations where that was so.
func notePower(tx *db.Tx, uses []PortUsage) (stations map[string]bool, err error) {
	rows := make([][]any, len(uses))
	for i, u := range uses {
		rows[i] = []any{u.Station, u.EVSE, u.Session, string(u.State), u.Power}
	}
	q, err := db.Given(tx, db.Table{Name: "t", Cols: usedColumns, Rows: rows})
	if err != nil {
		return nil, err
	}
	if tx.Dialect == db.Postgres { // ports are locked in the order in which trees are saved
		q.Add(`, told AS (SELECT t.* FROM t JOIN evse e ON e.station = t.at AND e.evse = t.port
			WHERE e.session = t.ses AND e.use_state = t.used AND e.removed_at IS NULL ORDER BY e.station COLLATE "C", e.evse FOR UPDATE OF e)
			UPDATE evse SET power = watts FROM told WHERE station = at AND evse = port RETURNING station`)
	} else {
		q.Add(`UPDATE evse SET power = watts FROM t WHERE station = at AND evse = port AND session = ses AND use_state = used AND removed_at IS NULL RETURNING station`)
	}
	query, args := q.SQL()
	found, err := db.Collect(tx, func(row db.Scanner) (station string, err error) { return station, row.Scan(&station) }, query, args...)
	stations = make(map[string]bool, len(found))
	for _, station := range found {
		stations[station] = true
	}
	return stations, err
}

// use applies a usage to its port.
func (s *Service) use(tx *db.Tx, t *tree, u PortUsage) error {
	e := t.evse(u.EVSE, tx.Now)
	was := e.Use
	e.take(u.Usage)
	switch {
	case openUses[was] == "" && openUses[u.State] != "":
		return s.verifyCommand(tx, t.ID, "RequestStartTransaction")
	case openUses[was] != "" && u.State == UseEnded:
		return s.verifyCommand(tx, t.ID, "RequestStopTransaction")
	}
	return nil
}

// StartFailed counts a start that brought no energy; three in a row make an
// available port suspect.
func (s *Service) StartFailed(tx *db.Tx, station string, evse int) error {
	_, err := s.onPort(tx, station, evse, func(e *EVSE) { e.Failed++ })
	return err
}

// SetHold claims a free port for a reservation or the waitlist, or releases
// it (HoldNone). ref names the claim.
func (s *Service) SetHold(tx *db.Tx, station string, evse int, h Hold, ref string) error {
	_, err := s.onPort(tx, station, evse, func(e *EVSE) {
		if e.Hold, e.HoldRef = h, ref; h == HoldNone {
			e.HoldRef = ""
		}
	})
	return err
}

// onPort changes a port and gives the station's id as it was created; empty
// when there is no such station.
func (s *Service) onPort(tx *db.Tx, station string, evse int, do func(e *EVSE)) (ID, error) {
	t, err := s.alter(tx, ID(station), func(t *tree) error {
		if evse > 0 && evse <= maxEVSE {
			do(t.evse(evse, tx.Now))
		}
		return nil
	})
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return t.ID, nil
}
