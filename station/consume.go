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
	EVSE    int // as it was numbered when the session began
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
	if len(uses) == 1 {
		if same, err := sameUse(tx, uses[0]); same || err != nil {
			return err
		}
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

// sameUse notes the power of a port whose use is as before: a reading usually
// changes that alone, and nothing follows of it.
func sameUse(tx *db.Tx, u PortUsage) (bool, error) {
	if openUses[u.State] == "" {
		return false, nil
	}
	n, err := tx.Exec("UPDATE evse SET power = $5 WHERE station = $1 AND evse = $2 AND session = $3 AND use_state = $4 AND removed_at IS NULL",
		u.Station, u.EVSE, u.Session, string(u.State), u.Power)
	return n > 0, err
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
