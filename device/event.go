package device

import (
	"database/sql"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// KindEvent is a fact: monitoring told something that is worth a look. Its
// payload is Event. Values that only change or come by the clock make none.
const KindEvent = "device.event"

// Event is an event of monitoring (OCPP 2.x N07, N08). An event that ends
// another one has Cleared set and the same variable and monitor.
type Event struct {
	ID                string    `json:"id"`
	Station           string    `json:"station_id"`
	EventID           int64     `json:"event_id"` // the station's own
	Cause             *int64    `json:"cause,omitempty" doc:"The station's event that led to this one"`
	Trigger           string    `json:"trigger" doc:"Alerting, Delta or Periodic"`
	Kind              string    `json:"kind" doc:"HardWiredNotification, HardWiredMonitor, PreconfiguredMonitor or CustomMonitor"`
	Component         string    `json:"component"`
	ComponentInstance string    `json:"component_instance,omitempty"`
	EVSE              int       `json:"evse,omitempty"`
	Connector         int       `json:"connector,omitempty"`
	Variable          string    `json:"variable"`
	VariableInstance  string    `json:"variable_instance,omitempty"`
	Value             string    `json:"value"`
	Severity          *int64    `json:"severity,omitempty" doc:"0 danger … 9 debug; unknown when left out"`
	Cleared           bool      `json:"cleared"`
	TechCode          string    `json:"tech_code,omitempty"`
	TechInfo          string    `json:"tech_info,omitempty"`
	Monitor           *int64    `json:"monitor_id,omitempty"`
	Transaction       string    `json:"transaction_id,omitempty"`
	At                time.Time `json:"at" doc:"By the station's clock"`
	ReceivedAt        time.Time `json:"received_at"`
}

const eventColumns = `id, station, event_id, cause, event_trigger, kind, component, component_instance, evse, connector, variable, variable_instance, value, severity, cleared, tech_code, tech_info, monitor, transaction_id, at, received_at`

func scanEvent(row db.Scanner) (Event, error) {
	var e Event
	var cause, severity, monitor sql.NullInt64
	var at, received int64
	err := row.Scan(&e.ID, &e.Station, &e.EventID, &cause, &e.Trigger, &e.Kind, &e.Component, &e.ComponentInstance, &e.EVSE, &e.Connector, &e.Variable, &e.VariableInstance, &e.Value,
		&severity, &e.Cleared, &e.TechCode, &e.TechInfo, &monitor, &e.Transaction, &at, &received)
	e.Cause, e.Severity, e.Monitor, e.At, e.ReceivedAt = number(cause), number(severity), number(monitor), db.Time(at).UTC(), db.Time(received).UTC()
	return e, err
}

var eventSpec = db.ListSpec{
	Base: "SELECT " + eventColumns + " FROM device_event WHERE", Default: "-received_at", Key: "id",
	Fields: []db.Field{
		text("id", "id"), text("station_id", "station"), text("trigger", "event_trigger"), text("kind", "kind"), text("component", "component"), text("variable", "variable"), text("value", "value"),
		text("tech_code", "tech_code"), text("transaction_id", "transaction_id"), {Name: "cleared", Column: "cleared", Kind: db.Bool, Filter: true},
		{Name: "evse", Column: "evse", Kind: db.Int, Sort: true, Filter: true}, {Name: "event_id", Column: "event_id", Kind: db.Int, Filter: true},
		{Name: "cause", Column: "cause", Kind: db.Int, Filter: true, Nullable: true},
		{Name: "severity", Column: "severity", Kind: db.Int, Sort: true, Filter: true, Nullable: true}, {Name: "monitor_id", Column: "monitor", Kind: db.Int, Filter: true, Nullable: true},
		instant("at", "at"), instant("received_at", "received_at"),
	},
}

// worthAFact holds for what may need a hand: alerts, their end, and what the
// station counts as a warning or worse (severity 5, OCPP 2.0.1 part 2 §2.47).
func (e Event) worthAFact() bool {
	return e.Trigger == string(ocpp.EventTriggerEnumAlerting) || e.Cleared || e.Severity != nil && *e.Severity <= 5
}

// saveEvent stores an event once: a message whose answer got lost comes again.
func saveEvent(tx *db.Tx, o owner, d ocpp.EventData) error {
	v := of(d.Component, d.Variable, ocpp.AttributeEnumActual)
	v.Value = clip(d.ActualValue, maxValue)
	v.mask()
	e := Event{
		ID: id.New[string](tx.Now), Station: o.station, EventID: int64(d.EventID), Cause: wide(d.Cause), Trigger: string(d.Trigger), Kind: string(d.EventNotificationType),
		Component: clip(v.Component, 200), ComponentInstance: clip(v.ComponentInstance, 200), EVSE: v.EVSE, Connector: v.Connector, Variable: clip(v.Name, 200), VariableInstance: clip(v.Instance, 200),
		Value: v.Value, Severity: wide(d.Severity), Cleared: d.Cleared != nil && *d.Cleared, TechCode: clip(d.TechCode, 100), TechInfo: clip(d.TechInfo, 1000), Monitor: wide(d.VariableMonitoringID),
		Transaction: clip(d.TransactionID, 64), At: d.Timestamp.Time, ReceivedAt: tx.Now,
	}
	if e.At.Year() < 2015 { // its clock was never set
		e.At = tx.Now
	}
	n, err := tx.Exec(`INSERT INTO device_event (`+eventColumns+`, org, site) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23) ON CONFLICT DO NOTHING`,
		e.ID, e.Station, e.EventID, orNull(e.Cause), e.Trigger, e.Kind, e.Component, e.ComponentInstance, e.EVSE, e.Connector, e.Variable, e.VariableInstance, e.Value, orNull(e.Severity), e.Cleared,
		e.TechCode, e.TechInfo, orNull(e.Monitor), e.Transaction, db.Micros(e.At), db.Micros(e.ReceivedAt), o.org, o.site)
	if err != nil || n == 0 || !e.worthAFact() {
		return err
	}
	return event.Record(tx, event.Fact{Org: o.org, Site: o.site, Station: o.station, Subject: "station/" + o.station, Kind: KindEvent}, e)
}
