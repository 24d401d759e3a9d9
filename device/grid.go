package device

import (
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// KindDER is a fact: a station told that the grid is outside of its bounds, or
// that a DER control began or ended. Its payload is DEREvent.
const KindDER = "device.der_event"

// Kinds of DER events.
const (
	derAlarm      = "alarm"
	derAlarmEnded = "alarm_ended"
	derStarted    = "started"
	derStopped    = "stopped"
)

// DEREvent is what a station told of its part in keeping the grid (OCPP 2.1
// R05).
type DEREvent struct {
	ID          string    `json:"id"`
	Station     string    `json:"station_id"`
	Kind        string    `json:"kind" enum:"alarm,alarm_ended,started,stopped"`
	ControlType string    `json:"control_type,omitempty" doc:"Of an alarm: the kind of control that was triggered"`
	ControlID   string    `json:"control_id,omitempty" doc:"Of a start or stop"`
	Fault       string    `json:"grid_event_fault,omitempty"`
	Superseded  []string  `json:"superseded_ids,omitempty" doc:"Controls that a started one replaces"`
	Info        string    `json:"info,omitempty"`
	At          time.Time `json:"at" doc:"By the station's clock"`
	ReceivedAt  time.Time `json:"received_at"`
}

const derEventColumns = "id, station, kind, control_type, control_id, fault, superseded, info, at, received_at"

func scanDEREvent(row db.Scanner) (e DEREvent, err error) {
	var superseded string
	var at, received int64
	err = row.Scan(&e.ID, &e.Station, &e.Kind, &e.ControlType, &e.ControlID, &e.Fault, &superseded, &e.Info, &at, &received)
	if superseded != "" {
		e.Superseded = strings.Split(superseded, ",")
	}
	e.At, e.ReceivedAt = db.Time(at).UTC(), db.Time(received).UTC()
	return e, err
}

var derEventSpec = db.ListSpec{
	Base: "SELECT " + derEventColumns + " FROM device_der_event WHERE", Default: "-received_at", Key: "id",
	Fields: []db.Field{
		text("id", "id"), text("station_id", "station"), text("kind", "kind"), text("control_type", "control_type"), text("control_id", "control_id"), text("grid_event_fault", "fault"),
		instant("at", "at"), instant("received_at", "received_at"),
	},
}

func derAlarmed(tx *db.Tx, o owner, r *ocpp.NotifyDERAlarmRequest) error {
	e := DEREvent{Kind: derAlarm, ControlType: string(r.ControlType), Fault: string(r.GridEventFault), Info: clip(r.ExtraInfo, 500), At: r.Timestamp.Time}
	if r.AlarmEnded != nil && *r.AlarmEnded {
		e.Kind = derAlarmEnded
	}
	return saveDEREvent(tx, o, e)
}

// derSwitched keeps that a control began or ended, and that those it replaces
// are superseded.
func derSwitched(tx *db.Tx, o owner, r *ocpp.NotifyDERStartStopRequest) error {
	e := DEREvent{Kind: derStopped, ControlID: clip(r.ControlID, 64), At: r.Timestamp.Time}
	if r.Started {
		e.Kind = derStarted
	}
	for _, x := range r.SupersededIDs {
		e.Superseded = append(e.Superseded, clip(strings.ReplaceAll(x, ",", " "), 64))
	}
	if err := saveDEREvent(tx, o, e); err != nil {
		return err
	}
	err := tx.Send(`INSERT INTO device_der_control (station, org, site, `+derControlColumns+`) VALUES ($1,$2,$3,$4,'',$5,$5,$6,'',$7)
		ON CONFLICT (station, control_id) DO UPDATE SET is_active=excluded.is_active, changed_at=excluded.changed_at`, o.station, o.org, o.site, e.ControlID, false, r.Started, db.Micros(tx.Now))
	if err != nil || !r.Started {
		return err
	}
	for _, x := range e.Superseded {
		if err := tx.Send("UPDATE device_der_control SET is_superseded = $3, is_active = $4, changed_at = $5 WHERE station = $1 AND control_id = $2", o.station, x, true, false, db.Micros(tx.Now)); err != nil {
			return err
		}
	}
	return nil
}

// saveDEREvent stores an event once, also when its message comes again.
func saveDEREvent(tx *db.Tx, o owner, e DEREvent) error {
	e.ID, e.Station, e.ReceivedAt = id.New[string](tx.Now), o.station, tx.Now
	if e.At.Year() < 2015 { // its clock was never set
		e.At = tx.Now
	}
	n, err := tx.Exec("INSERT INTO device_der_event (org, site, "+derEventColumns+") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12) ON CONFLICT DO NOTHING",
		o.org, o.site, e.ID, e.Station, e.Kind, clip(e.ControlType, 64), e.ControlID, clip(e.Fault, 64), idList(e.Superseded), e.Info, db.Micros(e.At), db.Micros(e.ReceivedAt))
	if err != nil || n == 0 {
		return err
	}
	return event.Record(tx, event.Fact{Org: o.org, Site: o.site, Station: o.station, Subject: "station/" + o.station, Kind: KindDER}, e)
}

// DERControl is a setting for the grid that a station has (OCPP 2.1 R04).
type DERControl struct {
	ControlID   string          `json:"control_id"`
	ControlType string          `json:"control_type,omitempty" doc:"Absent until the station reports it"`
	Default     bool            `json:"default"`
	Superseded  bool            `json:"superseded"`
	Active      *bool           `json:"active,omitempty" doc:"Absent until the station told of a start or stop"`
	Setting     json.RawMessage `json:"setting,omitempty" doc:"As in ReportDERControl"`
	ChangedAt   time.Time       `json:"changed_at"`
}

const derControlColumns = "control_id, control_type, is_default, is_superseded, is_active, setting, changed_at"

func scanDERControl(row db.Scanner) (c DERControl, err error) {
	var active sql.NullBool
	var setting string
	var changed int64
	err = row.Scan(&c.ControlID, &c.ControlType, &c.Default, &c.Superseded, &active, &setting, &changed)
	if active.Valid {
		c.Active = &active.Bool
	}
	if setting != "" {
		c.Setting = json.RawMessage(setting)
	}
	c.ChangedAt = db.Time(changed).UTC()
	return c, err
}

var derControlSpec = db.ListSpec{
	Base: "SELECT " + derControlColumns + " FROM device_der_control WHERE", Default: "control_id", Key: "control_id",
	Fields: []db.Field{
		text("control_id", "control_id"), text("control_type", "control_type"), {Name: "default", Column: "is_default", Kind: db.Bool, Filter: true}, {Name: "superseded", Column: "is_superseded", Kind: db.Bool, Filter: true},
		{Name: "active", Column: "is_active", Kind: db.Bool, Filter: true, Nullable: true}, instant("changed_at", "changed_at"),
	},
}

// derReported keeps the controls of a report, part by part.
func derReported(tx *db.Tx, o owner, r *ocpp.ReportDERControlRequest) (err error) {
	keep := func(id string, kind ocpp.DERControlEnum, isDefault, superseded bool, setting any) {
		text, problem := json.Marshal(setting)
		if err = firstError(err, problem); err != nil {
			return
		}
		err = tx.Send(`INSERT INTO device_der_control (station, org, site, `+derControlColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,NULL,$8,$9)
			ON CONFLICT (station, control_id) DO UPDATE SET control_type=excluded.control_type, is_default=excluded.is_default, is_superseded=excluded.is_superseded, setting=excluded.setting,
			changed_at=excluded.changed_at`, o.station, o.org, o.site, clip(id, 64), clip(string(kind), 64), isDefault, superseded, string(text), db.Micros(tx.Now))
	}
	for _, x := range r.Curve {
		keep(x.ID, x.CurveType, x.IsDefault, x.IsSuperseded, x.Curve)
	}
	for _, x := range r.EnterService {
		keep(x.ID, ocpp.DERControlEnumEnterService, true, false, x.EnterService)
	}
	for _, x := range r.FixedPFAbsorb {
		keep(x.ID, ocpp.DERControlEnumFixedPFAbsorb, x.IsDefault, x.IsSuperseded, x.FixedPF)
	}
	for _, x := range r.FixedPFInject {
		keep(x.ID, ocpp.DERControlEnumFixedPFInject, x.IsDefault, x.IsSuperseded, x.FixedPF)
	}
	for _, x := range r.FixedVar {
		keep(x.ID, ocpp.DERControlEnumFixedVar, x.IsDefault, x.IsSuperseded, x.FixedVar)
	}
	for _, x := range r.FreqDroop {
		keep(x.ID, ocpp.DERControlEnumFreqDroop, x.IsDefault, x.IsSuperseded, x.FreqDroop)
	}
	for _, x := range r.Gradient {
		keep(x.ID, ocpp.DERControlEnumGradients, true, false, x.Gradient)
	}
	for _, x := range r.LimitMaxDischarge {
		keep(x.ID, ocpp.DERControlEnumLimitMaxDischarge, x.IsDefault, x.IsSuperseded, x.LimitMaxDischarge)
	}
	return err
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
