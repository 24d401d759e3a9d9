package station

import (
	"slices"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// rows gathers what changed in many stations, so that PostgreSQL gets one
// statement per table. On SQLite a station, which is in twenty indexes, gets a
// statement of its own with no more than the columns that changed.
type rows struct{ stations, ports, connectors, history [][]any }

// saveTrees writes what changed since the trees were locked.
func saveTrees(tx *db.Tx, trees []*tree) error {
	var r rows
	for _, t := range trees {
		switch {
		case t.Station == t.before:
		case tx.Dialect == db.SQLite:
			if err := db.UpdateChanged(tx, "charging_station", stationCols, stationRow(&t.before), stationRow(&t.Station)); err != nil {
				return err
			}
		default:
			r.stations = append(r.stations, stationRow(&t.Station))
		}
		r.gather(t)
	}
	for _, w := range []struct {
		table    string
		cols     []db.Col
		rows     [][]any
		conflict string
	}{
		{"charging_station", stationCols, r.stations, stationConflict},
		{"evse", evseCols, r.ports, evseConflict},
		{"connector", connectorCols, r.connectors, connectorConflict},
		{"evse_status", changeCols, r.history, changeConflict},
	} {
		if err := db.InsertRows(tx, w.table, w.cols, w.rows, w.conflict); err != nil {
			return err
		}
	}
	for _, t := range trees {
		for _, evse := range t.plans {
			if err := insertPlan(tx, &t.Station, evse, planAll); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *rows) gather(t *tree) {
	for i := range t.EVSEs {
		e := &t.EVSEs[i]
		old, existed := t.old(e.EVSE)
		if !existed || !samePort(old, *e) {
			r.ports = append(r.ports, evseRow(t, e))
		}
		for _, c := range e.Connectors {
			if !slices.Contains(old.Connectors, c) {
				r.connectors = append(r.connectors, connectorRowOf(t, e.EVSE, c))
			}
		}
	}
	for _, c := range t.history {
		r.history = append(r.history, []any{string(t.ID), c.EVSE, db.Micros(c.At), t.Org, t.Site, string(c.State), string(c.OCPI), c.InUse, c.Suspect, c.Session, c.Error})
	}
}

// cols makes columns of "name type" pairs: t text, i bigint, b boolean.
func cols(spec string) []db.Col {
	var out []db.Col
	types := map[string]string{"t": "text", "i": "bigint", "b": "boolean"}
	for f := range strings.FieldsSeq(spec) {
		name, kind, _ := strings.Cut(f, ":")
		out = append(out, db.Col{Name: name, Type: types[kind]})
	}
	return out
}

// replacing is the conflict clause that overwrites every column but the key
// and those named.
func replacing(key string, columns []db.Col, but ...string) string {
	var sets []string
	keys := strings.Split(key, ", ")
	for _, c := range columns {
		if !slices.Contains(keys, c.Name) && !slices.Contains(but, c.Name) {
			sets = append(sets, c.Name+"=excluded."+c.Name)
		}
	}
	return "ON CONFLICT (" + key + ") DO UPDATE SET " + strings.Join(sets, ", ")
}

// The row is there, since it was locked: the statement never inserts, and
// what it must not touch (credentials, creation) is left out of the update.
var (
	stationCols = cols(`id:t key:t org:t site:t site_name:t name:t life:t profile:i password:t password_next:t password_shared:b vendor:t model:t serial:t
		firmware:t iccid:t imsi:t protocol:t incarnation:t connected:b epoch:i remote_addr:t connected_at:i disconnected_at:i last_seen_at:i booted_at:i
		heartbeat:i announced:b report:t operative:b status:t status_since:i in_use:b suspect:b skew:i quarantined_at:i activated_at:i retired_at:i
		silent_at:i search:t created_at:i tolerate:t refuse:t proven:i link_profile:i`)
	stationConflict = replacing("id", stationCols, "key", "password", "password_next", "password_shared", "created_at")

	evseCols = cols(`station:t evse:i org:t site:t label:t operative:b report:t report_at:i sibling:b use_state:t session:t power:i energised:b hold:t hold_ref:t
		failed:i status:t ocpi:t in_use:b suspect:b since:i changed_at:i max_power:i edited:b removed_at:i`)
	evseConflict = replacing("station, evse", evseCols)

	connectorCols     = cols(`station:t evse:i connector:i org:t type:t format:t power_type:t max_power:i report:t reported_at:i error_code:t vendor_error:t info:t`)
	connectorConflict = replacing("station, evse, connector", connectorCols)

	changeCols     = cols(`station:t evse:i at:i org:t site:t status:t ocpi:t in_use:b suspect:b session:t error:t`)
	changeConflict = replacing("station, evse, at", changeCols)
)

func stationRow(s *Station) []any {
	return []any{
		string(s.ID), s.ID.Key(), s.Org, s.Site, s.SiteName, s.Name, string(s.Life), s.Profile, "", "", false, s.Vendor, s.Model, s.Serial,
		s.Firmware, s.ICCID, s.IMSI, s.Protocol, s.Incarnation, s.Connected, s.Epoch, s.RemoteAddr, db.NullMicros(s.ConnectedAt), db.NullMicros(s.GoneAt), db.NullMicros(s.LastSeenAt), db.NullMicros(s.BootedAt),
		int64(s.Heartbeat / time.Second), s.Announced, string(s.Report), s.Operative, string(s.Status), db.Micros(s.StatusSince), s.InUse, s.Suspect, int64(s.Skew / time.Microsecond), db.NullMicros(s.Quarantined), db.NullMicros(s.ActivatedAt), db.NullMicros(s.RetiredAt),
		silentAt(s), searchText(s), db.Micros(s.CreatedAt), s.Tolerate.String(), s.Refuse.String(), s.Proven, s.LinkProfile,
	}
}

func evseRow(t *tree, e *EVSE) []any {
	return []any{
		string(t.ID), e.EVSE, t.Org, t.Site, e.Label, e.Operative, string(e.Report), db.Micros(e.ReportAt), e.Sibling, string(e.Use), e.Session, e.Power, e.Energised, string(e.Hold), e.HoldRef,
		e.Failed, string(e.Status.State), string(e.Status.OCPI), e.Status.InUse, e.Status.Suspect, db.Micros(e.Since), db.Micros(e.ChangedAt), e.MaxPower, e.Edited, db.NullMicros(e.RemovedAt),
	}
}

func connectorRowOf(t *tree, evse int, c Connector) []any {
	return []any{string(t.ID), evse, c.ID, t.Org, c.Type, c.Format, c.PowerType, c.MaxPower, string(c.Report), db.Micros(c.ReportedAt), c.Error, c.VendorCode, c.Info}
}

func samePort(a, b EVSE) bool {
	x, y := a, b
	x.Connectors, y.Connectors = nil, nil
	sameRemoval := (x.RemovedAt == nil) == (y.RemovedAt == nil)
	x.RemovedAt, y.RemovedAt = nil, nil
	return sameRemoval && x.equal(y)
}

func (e EVSE) equal(o EVSE) bool {
	return e.Label == o.Label && e.Operative == o.Operative && e.Report == o.Report && e.ReportAt.Equal(o.ReportAt) && e.Sibling == o.Sibling &&
		e.Use == o.Use && e.Session == o.Session && e.Power == o.Power && e.Energised == o.Energised && e.Hold == o.Hold && e.HoldRef == o.HoldRef &&
		e.Failed == o.Failed && e.Status == o.Status && e.Since.Equal(o.Since) && e.ChangedAt.Equal(o.ChangedAt) && e.MaxPower == o.MaxPower && e.Edited == o.Edited
}

// silentAt is when the sweep is to look at the station unless a frame comes: at
// most a quarter of the silence that counts before that is over. It moves in
// steps of that quarter, so that some signs of life leave the sweep's index on
// SQLite as it is. PostgreSQL has none: it reads the table for the sweeps, and
// writes no index when stations come, go and are heard of (HOT).
func silentAt(s *Station) int64 {
	if s.LastSeenAt == nil {
		return 0
	}
	step := int64(Silence(s.Heartbeat) / time.Microsecond / 4)
	return (db.Micros(*s.LastSeenAt)/step + 4) * step
}

func searchText(s *Station) string {
	return strings.ToLower(strings.Join([]string{string(s.ID), s.Name, s.SiteName, s.Vendor, s.Model, s.Serial, s.ICCID}, " "))
}

// planAll is what a port may do until plans are sold: everything (field
// note 28).
const planAll = "all"

func insertPlan(tx *db.Tx, s *Station, evse int, plan string) error {
	return tx.Send(`INSERT INTO port_plan (station, evse, from_at, org, plan) VALUES ($1,$2,$3,$4,$5) ON CONFLICT (station, evse, from_at) DO NOTHING`,
		string(s.ID), evse, db.Micros(tx.Now), s.Org, plan)
}

func endPlans(tx *db.Tx, id ID) error {
	return tx.Send("UPDATE port_plan SET until_at = $2 WHERE station = $1 AND until_at IS NULL", string(id), db.Micros(tx.Now))
}
