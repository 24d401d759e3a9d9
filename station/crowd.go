package station

import (
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// Stretch is a stretch of time, its end not included.
type Stretch struct{ Start, End time.Time }

// normalPower is the most that a normal-power recharging point delivers; above
// it one is high-power (Regulation (EU) 2023/1804, article 2).
const normalPower = 22_000

// portKind is what makes one port as good as another for somebody who waits.
type portKind struct {
	power   int64 // W; 0 unknown
	plugs   []string
	changes []Change // of its status, ascending
}

// like reports whether a driver who came for one port could take the other:
// both are normal-power or both high-power, and they have a type of connector
// in common. What is not known of either stands in nobody's way.
func (k portKind) like(o portKind) bool {
	if k.power > 0 && o.power > 0 && (k.power > normalPower) != (o.power > normalPower) {
		return false
	}
	return len(k.plugs) == 0 || len(o.plugs) == 0 || slices.ContainsFunc(k.plugs, func(p string) bool { return slices.Contains(o.plugs, p) })
}

// Crowded gives when no other port at the site of an EVSE was free, of those
// that are as good for a driver, within [from, until), ascending: whoever
// came then had to wait for this one. It is read off the status history. A
// site with no other such port is always crowded. Nobody can say of a port
// out of reach that it is taken, so it counts as free. A station without a
// site is a site of its own.
func (s *Service) Crowded(tx *db.Tx, id string, evse int, from, until time.Time) ([]Stretch, error) {
	st, err := s.Get(tx, id)
	if err != nil {
		return nil, err
	}
	type key struct {
		station string
		evse    int
	}
	ports := map[key]*portKind{}
	_, err = db.Collect(tx, func(row db.Scanner) (struct{}, error) {
		var k key
		var power int64
		var plug string
		err := row.Scan(&k.station, &k.evse, &power, &plug)
		if ports[k] == nil {
			ports[k] = &portKind{power: power}
		}
		if plug != "" {
			ports[k].plugs = append(ports[k].plugs, plug)
		}
		return struct{}{}, err
	}, `SELECT e.station, e.evse, e.max_power, COALESCE(c.type, '') FROM charging_station t JOIN evse e ON e.station = t.id
		LEFT JOIN connector c ON c.station = e.station AND c.evse = e.evse
		WHERE (t.id = $1 OR t.site = $2 AND t.site <> '') AND e.evse > 0 AND (e.removed_at IS NULL OR e.removed_at > $3)`,
		string(st.ID), st.Site, db.Micros(from))
	if err != nil {
		return nil, err
	}
	_, err = db.Collect(tx, func(row db.Scanner) (struct{}, error) {
		var k key
		var c Change
		var at int64
		err := row.Scan(&k.station, &k.evse, &at, &c.OCPI)
		if c.At = db.Time(at); ports[k] != nil {
			ports[k].changes = append(ports[k].changes, c)
		}
		return struct{}{}, err
	}, `SELECT s.station, s.evse, s.at, s.ocpi FROM charging_station t JOIN evse e ON e.station = t.id JOIN evse_status s ON s.station = e.station AND s.evse = e.evse
		WHERE (t.id = $1 OR t.site = $2 AND t.site <> '') AND e.evse > 0 AND (e.removed_at IS NULL OR e.removed_at > $3) AND s.at < $4
		AND s.at >= COALESCE((SELECT MAX(l.at) FROM evse_status l WHERE l.station = e.station AND l.evse = e.evse AND l.at <= $3), 0)
		ORDER BY s.station, s.evse, s.at`, string(st.ID), st.Site, db.Micros(from), db.Micros(until))
	if err != nil {
		return nil, err
	}
	own := ports[key{string(st.ID), evse}]
	if own == nil {
		own = &portKind{}
	}
	var others [][]Change
	for k, p := range ports {
		if k != (key{string(st.ID), evse}) && own.like(*p) {
			others = append(others, p.changes)
		}
	}
	return crowded(others, from, until), nil
}

// crowded gives when none of the ports was free within [from, until). Each
// history is ascending; before its first change a port was not there.
func crowded(ports [][]Change, from, until time.Time) []Stretch {
	var free []Stretch
	for _, changes := range ports {
		for i, c := range changes {
			end := until
			if i+1 < len(changes) {
				end = changes[i+1].At
			}
			if c.OCPI == OCPIAvailable || c.OCPI == OCPIUnknown {
				free = append(free, Stretch{c.At, end})
			}
		}
	}
	slices.SortFunc(free, func(a, b Stretch) int { return a.Start.Compare(b.Start) })
	var out []Stretch
	at := from
	for _, f := range free {
		if !f.Start.Before(until) {
			break
		}
		if f.Start.After(at) {
			out = append(out, Stretch{at, f.Start})
		}
		if f.End.After(at) {
			at = f.End
		}
	}
	if at.Before(until) {
		out = append(out, Stretch{at, until})
	}
	return out
}
