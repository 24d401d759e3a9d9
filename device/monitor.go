package device

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// Monitor is a monitor that a station has (OCPP 2.x N).
type Monitor struct {
	ID       int
	Kind     string // HardWiredMonitor, PreconfiguredMonitor, CustomMonitor
	Template string // that asked for it; empty: somebody else
	SeenAt   time.Time
	MonitorItem
}

const monitorColumns = `monitor, component, component_instance, evse, connector, variable, variable_instance, type, value, severity, in_transaction, kind, template, seen_at`

func scanMonitor(row db.Scanner) (Monitor, error) {
	var m Monitor
	var value string
	var at int64
	err := row.Scan(&m.ID, &m.Component, &m.ComponentInstance, &m.EVSE, &m.Connector, &m.Variable, &m.VariableInstance, &m.Type, &value, &m.Severity, &m.InTransaction, &m.Kind, &m.Template, &at)
	if err != nil {
		return m, err
	}
	d, err := unit.ParseDecimal(value)
	m.Value, m.SeenAt = Number(d), db.Time(at)
	return m, err
}

func monitorsAt(tx *db.Tx, station string) ([]Monitor, error) {
	return db.Collect(tx, scanMonitor, "SELECT "+monitorColumns+" FROM device_monitor WHERE station = $1 ORDER BY monitor", station)
}

func saveMonitor(tx *db.Tx, o owner, m Monitor) error {
	return tx.Send(`INSERT INTO device_monitor (station, org, `+monitorColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16)
		ON CONFLICT (station, monitor) DO UPDATE SET component=excluded.component, component_instance=excluded.component_instance, evse=excluded.evse, connector=excluded.connector,
		variable=excluded.variable, variable_instance=excluded.variable_instance, type=excluded.type, value=excluded.value, severity=excluded.severity,
		in_transaction=excluded.in_transaction, kind=excluded.kind, template=excluded.template, seen_at=excluded.seen_at`,
		o.station, o.org, m.ID, clip(m.Component, 200), clip(m.ComponentInstance, 200), m.EVSE, m.Connector, clip(m.Variable, 200), clip(m.VariableInstance, 200), m.Type, m.Value.String(), m.Severity,
		m.InTransaction, m.Kind, m.Template, db.Micros(tx.Now))
}

// reportedMonitors stores a NotifyMonitoringReport. Ids may have changed with
// a reboot (OCPP 2.0.1 N04.FR.19): what came from a template is known by what
// it watches.
func reportedMonitors(tx *db.Tx, o owner, r Request, all []ocpp.MonitoringData) error {
	old, err := monitorsAt(tx, o.station)
	if err != nil {
		return err
	}
	template := map[string]string{}
	for _, m := range old {
		template[m.key()] = m.Template
	}
	if r.Everything {
		if err := tx.Send("DELETE FROM device_monitor WHERE station = $1", o.station); err != nil {
			return err
		}
	}
	for _, d := range all {
		v := of(d.Component, d.Variable, ocpp.AttributeEnumActual)
		for _, one := range d.VariableMonitoring {
			m := Monitor{ID: one.ID, Kind: string(one.EventNotificationType), MonitorItem: MonitorItem{
				Component: v.Component, ComponentInstance: v.ComponentInstance, EVSE: v.EVSE, Connector: v.Connector, Variable: v.Name, VariableInstance: v.Instance,
				Type: string(one.Type), Value: Number(one.Value), Severity: one.Severity, InTransaction: one.Transaction,
			}}
			m.Template = template[m.key()]
			if err := saveMonitor(tx, o, m); err != nil {
				return err
			}
		}
	}
	if r.AskedBy != bySystem {
		return nil
	}
	return setState(tx, o, "wanted_at = $3, next_at = $3", db.Micros(tx.Now)) // the wishes for monitors waited for this
}

// bySystem asks in the name of the platform itself.
const bySystem = "forecourt"

// data makes what SetVariableMonitoring takes; id replaces a monitor (N04.FR.12).
func (m MonitorItem) data(id *int) ocpp.SetMonitoringData {
	c, v := m.named().names()
	d := ocpp.SetMonitoringData{ID: id, Value: unit.Decimal(m.Value), Type: ocpp.MonitorEnum(m.Type), Severity: m.Severity, Component: c, Variable: v}
	if m.InTransaction {
		yes := true
		d.Transaction = &yes
	}
	return d
}

// MonitorResult is what a station made of a wish for a monitor.
type MonitorResult struct {
	MonitorItem
	ID     *int
	Status string
	Detail string
}

// sendMonitors sets monitors and stores those that were taken. ids holds the
// monitor that each replaces, nil for a new one.
func (s *Service) sendMonitors(ctx context.Context, st station.Station, items []wantedMonitor, ids []*int) ([]MonitorResult, error) {
	req := &ocpp.SetVariableMonitoringRequest{}
	for i, m := range items {
		req.SetMonitoringData = append(req.SetMonitoringData, m.data(ids[i]))
	}
	answer, err := s.d.Commander.Send(ctx, string(st.ID), req)
	if err != nil {
		return nil, err
	}
	r, ok := answer.(*ocpp.SetVariableMonitoringResponse)
	if !ok || len(r.SetMonitoringResult) != len(items) {
		return nil, fault.New(fault.Conflict, "device.answer", "the station did not answer for each monitor")
	}
	var out []MonitorResult
	for i, got := range r.SetMonitoringResult {
		one := MonitorResult{MonitorItem: items[i].MonitorItem, ID: got.ID, Status: string(got.Status)}
		if got.StatusInfo != nil {
			one.Detail = got.StatusInfo.ReasonCode + " " + got.StatusInfo.AdditionalInfo
		}
		if one.ID == nil {
			one.ID = ids[i]
		}
		out = append(out, one)
	}
	o := ownerOf(st)
	return out, s.d.DB.Update(ctx, func(tx *db.Tx) error {
		for i, one := range out {
			if one.Status != string(ocpp.SetMonitoringStatusEnumAccepted) || one.ID == nil {
				continue
			}
			m := Monitor{ID: *one.ID, Kind: string(ocpp.EventNotificationEnumCustomMonitor), Template: items[i].template, MonitorItem: one.MonitorItem}
			if err := saveMonitor(tx, o, m); err != nil {
				return err
			}
		}
		return nil
	})
}

// clearMonitors removes monitors at a station, and here those that are gone.
func (s *Service) clearMonitors(ctx context.Context, st station.Station, ids []int) (map[int]string, error) {
	answer, err := s.d.Commander.Send(ctx, string(st.ID), &ocpp.ClearVariableMonitoringRequest{ID: ids})
	if err != nil {
		return nil, err
	}
	r, ok := answer.(*ocpp.ClearVariableMonitoringResponse)
	if !ok {
		return nil, fault.New(fault.Internal, "device.answer", "the station's answer cannot be read")
	}
	out := map[int]string{}
	return out, s.d.DB.Update(ctx, func(tx *db.Tx) error {
		for _, got := range r.ClearMonitoringResult {
			out[got.ID] = string(got.Status)
			if got.Status == ocpp.ClearMonitoringStatusEnumRejected {
				continue
			}
			if err := tx.Send("DELETE FROM device_monitor WHERE station = $1 AND monitor = $2", string(st.ID), got.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// monitorsKnownFor is how long a monitoring report is good for.
const monitorsKnownFor = 24 * time.Hour

// applyMonitors brings about the monitors that templates wish for, and
// removes what they no longer wish.
func (s *Service) applyMonitors(ctx context.Context, st station.Station) error {
	if st.Protocol == string(ocpp.V16) || st.Protocol == "" {
		return nil
	}
	want, have, before, known, err := s.monitorsFor(ctx, st)
	if err != nil || len(want) == 0 && !slices.ContainsFunc(have, func(m Monitor) bool { return m.Template != "" }) {
		return err
	}
	if !known {
		r, err := s.ask(ctx, st, Request{Kind: AskMonitoring, Everything: true, AskedBy: bySystem}, func(id int) ocpp.Request { return &ocpp.GetMonitoringReportRequest{RequestID: id} })
		if err == nil && r.Status == Waiting {
			return nil // its end has the device compared again
		}
		if err != nil && gone(err) == nil {
			return err
		}
		have = nil
		if err := s.d.DB.View(ctx, func(tx *db.Tx) error { have, err = monitorsAt(tx, string(st.ID)); return err }); err != nil {
			return err
		}
	}
	return s.changeMonitors(ctx, st, want, have, before)
}

func (s *Service) monitorsFor(ctx context.Context, st station.Station) (want []wantedMonitor, have []Monitor, before map[string]Desired, known bool, err error) {
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		templates, err := templatesFor(tx, st)
		if err != nil {
			return err
		}
		if templates, err = s.expanded(tx, st, templates); err != nil {
			return err
		}
		want = monitorsOf(templates)
		if have, err = monitorsAt(tx, string(st.ID)); err != nil {
			return err
		}
		wishes, err := desiredOf(tx, string(st.ID))
		if err != nil {
			return err
		}
		before = map[string]Desired{}
		for _, d := range wishes {
			if isMonitor(d.Path) {
				before[d.Path] = d
			}
		}
		after := tx.Now.Add(-monitorsKnownFor)
		if st.BootedAt != nil && st.BootedAt.After(after) {
			after = *st.BootedAt
		}
		var n int
		err = tx.QueryRow("SELECT COUNT(*) FROM device_request WHERE station = $1 AND kind = $2 AND everything AND asked_at >= $3", string(st.ID), AskMonitoring, db.Micros(after)).Scan(&n)
		known = n > 0
		return err
	})
	return want, have, before, known, err
}

// isMonitor tells the paths of desired monitors from those of variables.
func isMonitor(path string) bool { return strings.Contains(path, "|") }

func (s *Service) changeMonitors(ctx context.Context, st station.Station, want []wantedMonitor, have []Monitor, before map[string]Desired) error {
	at := map[string]Monitor{}
	for _, m := range have {
		at[m.key()] = m
	}
	now := s.d.DB.Now()
	var todo []wantedMonitor
	var ids []*int
	results := map[string]Desired{}
	for _, w := range want {
		m, there := at[w.key()]
		d := Desired{Path: w.key(), named: w.named(), Rule: fromTemplate + w.template, Value: w.Value.String(), TriedAt: now}
		was, tried := before[d.Path]
		switch {
		case there && m.Value.String() == d.Value && m.InTransaction == w.InTransaction:
			d.Status, d.Actual, d.VerifiedAt = Met, d.Value, &now
		case tried && (was.Status == Refused || was.Status == Unsupported) && was.Value == d.Value && now.Sub(was.TriedAt) < triesAgain:
			d = was
		default:
			var id *int
			if there && m.Kind != string(ocpp.EventNotificationEnumHardWiredMonitor) {
				id = &m.ID
			}
			todo, ids = append(todo, w), append(ids, id)
		}
		results[d.Path] = d
	}
	if len(todo) > 0 {
		got, err := s.sendMonitors(ctx, st, todo, ids)
		if err != nil && !refusal(err) && !fault.Is(err, fault.Conflict) {
			return err
		}
		for i, w := range todo {
			d := results[w.key()]
			d.Status, d.Detail = Refused, "the station refused"
			if err == nil {
				d.Status, d.Detail = monitorStatus(got[i])
			}
			results[w.key()] = d
		}
	}
	var drop []int
	for key, m := range at {
		if _, wished := results[key]; !wished && m.Template != "" {
			drop = append(drop, m.ID)
		}
	}
	if len(drop) > 0 {
		slices.Sort(drop)
		if _, err := s.clearMonitors(ctx, st, drop); err != nil && !refusal(err) {
			return err
		}
	}
	return s.noteMonitors(ctx, ownerOf(st), results, before)
}

func monitorStatus(r MonitorResult) (status, detail string) {
	switch ocpp.SetMonitoringStatusEnum(r.Status) {
	case ocpp.SetMonitoringStatusEnumAccepted:
		return Met, ""
	case ocpp.SetMonitoringStatusEnumUnknownComponent, ocpp.SetMonitoringStatusEnumUnknownVariable, ocpp.SetMonitoringStatusEnumUnsupportedMonitorType:
		return Unsupported, r.Status
	}
	return Refused, strings.TrimSpace(r.Status + " " + r.Detail)
}

func (s *Service) noteMonitors(ctx context.Context, o owner, results, before map[string]Desired) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		for _, d := range results {
			if err := saveDesired(tx, o, d); err != nil {
				return err
			}
		}
		for path := range before {
			if _, wished := results[path]; !wished {
				if err := tx.Send("DELETE FROM device_desired WHERE station = $1 AND path = $2", o.station, path); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// SetMonitors sets monitors of one station now.
func (s *Service) SetMonitors(ctx context.Context, id station.ID, items []MonitorItem, ids []*int) ([]MonitorResult, error) {
	bad := fault.New(fault.Invalid, "device.monitors", "These monitors cannot be set.")
	want := make([]wantedMonitor, len(items))
	for i, m := range items {
		if problem := m.problem(); problem != "" {
			bad.With("body.monitors["+strconv.Itoa(i)+"]", problem, m.Value.String())
		}
		want[i] = wantedMonitor{MonitorItem: m}
	}
	if len(bad.Fields) > 0 || len(items) == 0 {
		return nil, bad
	}
	st, err := s.commanded(ctx, id)
	if err != nil {
		return nil, err
	}
	out, err := s.sendMonitors(ctx, st, want, ids)
	if err != nil {
		return nil, orRefused(err)
	}
	return out, s.decide(ctx, id, "device.monitors_set", map[string]identity.Change{"monitors": {nil, len(items)}}, func(*db.Tx, owner) error { return nil })
}

// ClearMonitors removes monitors of one station now.
func (s *Service) ClearMonitors(ctx context.Context, id station.ID, ids []int) (map[int]string, error) {
	st, err := s.commanded(ctx, id)
	if err != nil {
		return nil, err
	}
	out, err := s.clearMonitors(ctx, st, ids)
	if err != nil {
		return nil, orRefused(err)
	}
	return out, s.decide(ctx, id, "device.monitors_cleared", map[string]identity.Change{"monitors": {ids, nil}}, func(*db.Tx, owner) error { return nil })
}

// commanded gives a station that the caller may write to.
func (s *Service) commanded(ctx context.Context, id station.ID) (st station.Station, err error) {
	err = s.d.Stations.Visible(ctx, identity.DeviceWrite, id, func(_ *db.Tx, found station.Station) error { st = found; return nil })
	return st, err
}

// SetMonitoring sets which monitors are active, and up to which severity
// events are sent (OCPP 2.0.1 N03, N05); nil leaves the level as it is.
func (s *Service) SetMonitoring(ctx context.Context, id station.ID, base string, level *int) error {
	if base == "" && level == nil {
		return fault.New(fault.Invalid, "device.monitoring", "Nothing is asked.").With("body", "needs a base, a level or both", nil)
	}
	st, err := s.commanded(ctx, id)
	if err != nil {
		return err
	}
	if base != "" {
		answer, err := s.d.Commander.Send(ctx, string(st.ID), &ocpp.SetMonitoringBaseRequest{MonitoringBase: ocpp.MonitoringBaseEnum(base)})
		if err != nil {
			return orRefused(err)
		}
		if r, ok := answer.(*ocpp.SetMonitoringBaseResponse); ok && r.Status != ocpp.GenericDeviceModelStatusEnumAccepted {
			return fault.New(fault.Conflict, "device.refused", "the station answered %s to the monitoring base %s", r.Status, base)
		}
	}
	if level != nil {
		answer, err := s.d.Commander.Send(ctx, string(st.ID), &ocpp.SetMonitoringLevelRequest{Severity: *level})
		if err != nil {
			return orRefused(err)
		}
		if r, ok := answer.(*ocpp.SetMonitoringLevelResponse); ok && r.Status != ocpp.GenericStatusEnumAccepted {
			return fault.New(fault.Conflict, "device.refused", "the station answered %s to the monitoring level %d", r.Status, *level)
		}
	}
	return s.decide(ctx, id, "device.monitoring_set", map[string]identity.Change{"base": {nil, base}}, func(tx *db.Tx, o owner) error {
		if base != "" {
			// The base changes which monitors there are (N03.FR.03–05): read them again, and wish anew.
			if err := tx.Send("UPDATE device_request SET everything = $3 WHERE station = $1 AND kind = $2", o.station, AskMonitoring, false); err != nil {
				return err
			}
			if err := setState(tx, o, "monitoring_base = $3", base); err != nil {
				return err
			}
		}
		if level != nil {
			if err := setState(tx, o, "monitoring_level = $3", *level); err != nil {
				return err
			}
		}
		return s.wantNow(tx, o)
	})
}
