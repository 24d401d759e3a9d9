package station

import (
	"database/sql"
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp"
)

const stationColumns = `id, org, site, site_name, name, life, profile, vendor, model, serial, firmware, iccid, imsi, protocol, incarnation,
	connected, epoch, remote_addr, connected_at, disconnected_at, last_seen_at, booted_at, heartbeat, announced, report, operative,
	status, status_since, in_use, suspect, skew, quarantined_at, created_at, activated_at, retired_at, password <> '', password_next <> '', password_shared, tolerate, refuse, proven, link_profile`

func scanStation(row db.Scanner) (Station, error) {
	var s Station
	var connected, gone, seen, booted, quarantined, activated, retired sql.NullInt64
	var heartbeat, since, skew, created int64
	var tolerate, refuse string
	err := row.Scan(&s.ID, &s.Org, &s.Site, &s.SiteName, &s.Name, &s.Life, &s.Profile, &s.Vendor, &s.Model, &s.Serial, &s.Firmware, &s.ICCID, &s.IMSI,
		&s.Protocol, &s.Incarnation, &s.Connected, &s.Epoch, &s.RemoteAddr, &connected, &gone, &seen, &booted, &heartbeat, &s.Announced,
		&s.Report, &s.Operative, &s.Status, &since, &s.InUse, &s.Suspect, &skew, &quarantined, &created, &activated, &retired,
		&s.HasPassword, &s.Rotating, &s.SharedSecret, &tolerate, &refuse, &s.Proven, &s.LinkProfile)
	s.Tolerate, s.Refuse = ocpp.ParseToleranceSet(tolerate), ocpp.ParseToleranceSet(refuse)
	s.ConnectedAt, s.GoneAt, s.LastSeenAt, s.BootedAt = db.TimePtr(connected), db.TimePtr(gone), db.TimePtr(seen), db.TimePtr(booted)
	s.Quarantined, s.ActivatedAt, s.RetiredAt = db.TimePtr(quarantined), db.TimePtr(activated), db.TimePtr(retired)
	s.Heartbeat, s.Skew = time.Duration(heartbeat)*time.Second, time.Duration(skew)*time.Microsecond
	s.StatusSince, s.CreatedAt = db.Time(since), db.Time(created)
	return s, err
}

const evseColumns = `evse, label, operative, report, report_at, sibling, use_state, session, power, energised, hold, hold_ref, failed,
	status, ocpi, in_use, suspect, since, changed_at, max_power, edited, removed_at`

func scanEVSE(row db.Scanner) (portRow, error) {
	var p portRow
	var reported, since, changed int64
	var removed sql.NullInt64
	e := &p.EVSE
	err := row.Scan(&p.station, &e.EVSE, &e.Label, &e.Operative, &e.Report, &reported, &e.Sibling, &e.Use, &e.Session, &e.Power, &e.Energised,
		&e.Hold, &e.HoldRef, &e.Failed, &e.Status.State, &e.Status.OCPI, &e.Status.InUse, &e.Status.Suspect, &since, &changed, &e.MaxPower, &e.Edited, &removed)
	e.ReportAt, e.Since, e.ChangedAt, e.RemovedAt = db.Time(reported), db.Time(since), db.Time(changed), db.TimePtr(removed)
	e.Status = e.Status.complete()
	return p, err
}

// complete adds what the stored part of a status implies.
func (s Status) complete() Status {
	r := regimes[s.OCPI]
	s.UK, s.NEVI, s.IRVE, s.IRVEUse = r.uk, r.nevi, r.irve, r.use
	return s
}

type portRow struct {
	station ID
	EVSE
}

type connectorRow struct {
	station ID
	evse    int
	Connector
}

const connectorColumns = "station, evse, connector, type, format, power_type, max_power, report, reported_at, error_code, vendor_error, info"

func scanConnector(row db.Scanner) (connectorRow, error) {
	var c connectorRow
	var at int64
	err := row.Scan(&c.station, &c.evse, &c.ID, &c.Type, &c.Format, &c.PowerType, &c.MaxPower, &c.Report, &at, &c.Error, &c.VendorCode, &c.Info)
	c.ReportedAt = db.Time(at)
	return c, err
}

// in gives "column IN ($1, …)"; see db.In.
func in[T ~string](column string, ids []T) (string, []any) {
	values := make([]string, len(ids))
	for i, id := range ids {
		values[i] = string(id)
	}
	c := db.In(column, values...)
	return db.Build(c.Text, c.Args...).SQL()
}

// lockTrees loads stations for change by their keys, each locked until the
// transaction ends. Unknown keys are left out. It sorts keys.
func lockTrees(tx *db.Tx, keys []string) (map[string]*tree, error) {
	slices.Sort(keys)
	which := db.In("key", slices.Compact(keys)...)
	query := db.Build("SELECT "+stationColumns+" FROM charging_station WHERE").Add(which.Text, which.Args...).Add("ORDER BY key")
	if tx.Dialect == db.Postgres {
		// SQLite has one writer and no row locks; its parser refuses the clause.
		query.Add("FOR UPDATE")
	}
	var stations []Station
	var ports portRows
	which.Text = "(SELECT id FROM charging_station WHERE " + which.Text + ")"
	if tx.Dialect == db.Postgres { // an array is looked up by the index, whatever size the tables seem to have
		which.Text = "station = ANY (ARRAY" + which.Text + ")"
	} else {
		which.Text = "station IN " + which.Text
	}
	if err := db.CollectAll(tx, append([]db.Asking{db.Into(&stations, scanStation, query)}, ports.of(which)...)...); err != nil {
		return nil, err
	}
	of := ports.byStation()
	trees := make(map[string]*tree, len(stations))
	for _, s := range stations {
		trees[s.ID.Key()] = newTree(s, of[s.ID])
	}
	return trees, nil
}

// portsOf loads the ports of stations with their connectors, ascending.
func portsOf(tx *db.Tx, ids []ID) (map[ID][]EVSE, error) {
	if len(ids) == 0 {
		return map[ID][]EVSE{}, nil
	}
	values := make([]string, len(ids))
	for i, id := range ids {
		values[i] = string(id)
	}
	var ports portRows
	err := db.CollectAll(tx, ports.of(db.In("station", values...))...)
	return ports.byStation(), err
}

// portRows are ports and connectors as they are read.
type portRows struct {
	ports      []portRow
	connectors []connectorRow
}

// of asks for those of some stations.
func (r *portRows) of(which db.Cond) []db.Asking {
	return []db.Asking{
		db.Into(&r.ports, scanEVSE, db.Build("SELECT station, "+evseColumns+" FROM evse WHERE").Add(which.Text, which.Args...).Add("ORDER BY station, evse")),
		db.Into(&r.connectors, scanConnector, db.Build("SELECT "+connectorColumns+" FROM connector WHERE").Add(which.Text, which.Args...).Add("ORDER BY station, evse, connector")),
	}
}

func (r *portRows) byStation() map[ID][]EVSE {
	type key struct {
		station ID
		evse    int
	}
	of := make(map[key][]Connector, len(r.connectors))
	for _, c := range r.connectors {
		k := key{c.station, c.evse}
		of[k] = append(of[k], c.Connector)
	}
	out := map[ID][]EVSE{}
	for _, p := range r.ports {
		p.Connectors = of[key{p.station, p.EVSE.EVSE}]
		out[p.station] = append(out[p.station], p.EVSE)
	}
	return out
}
