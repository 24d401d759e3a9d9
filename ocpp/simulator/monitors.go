package simulator

import (
	"slices"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// monitors are what a 2.x station was asked to watch, by id, and the number
// of the last event. Monitors outlast a boot (OCPP 2.0.1 N07.FR.13).
type monitors struct {
	list  map[int]ocpp.SetMonitoringData
	level int
	event int
}

func newMonitors() monitors { return monitors{list: map[int]ocpp.SetMonitoringData{}, level: 9} }

func (voice2) onSetMonitoring(m *machine, req *ocpp.SetVariableMonitoringRequest, _ time.Time) any {
	var out ocpp.SetVariableMonitoringResponse
	for _, d := range req.SetMonitoringData {
		r := ocpp.SetMonitoringResult{Type: d.Type, Severity: d.Severity, Component: d.Component, Variable: d.Variable}
		r.ID, r.Status = m.watch(d)
		out.SetMonitoringResult = append(out.SetMonitoringResult, r)
	}
	return out
}

// watch takes one monitor, or says why not (OCPP 2.0.1 N04).
func (m *machine) watch(d ocpp.SetMonitoringData) (*int, ocpp.SetMonitoringStatusEnum) {
	name := name2(d.Component, d.Variable)
	if _, known := m.variables[name]; !known {
		return nil, ocpp.SetMonitoringStatusEnumUnknownVariable
	}
	if d.ID != nil {
		old, known := m.monitors.list[*d.ID]
		if !known || name2(old.Component, old.Variable) != name {
			return nil, ocpp.SetMonitoringStatusEnumRejected
		}
		m.monitors.list[*d.ID] = d
		return d.ID, ocpp.SetMonitoringStatusEnumAccepted
	}
	next := 1
	for id, o := range m.monitors.list {
		if name2(o.Component, o.Variable) == name && o.Type == d.Type && o.Severity == d.Severity {
			return nil, ocpp.SetMonitoringStatusEnumDuplicate
		}
		next = max(next, id+1)
	}
	m.monitors.list[next] = d
	return &next, ocpp.SetMonitoringStatusEnumAccepted
}

func (voice2) onClearMonitoring(m *machine, req *ocpp.ClearVariableMonitoringRequest, _ time.Time) any {
	var out ocpp.ClearVariableMonitoringResponse
	for _, id := range req.ID {
		r := ocpp.ClearMonitoringResult{ID: id, Status: ocpp.ClearMonitoringStatusEnumNotFound}
		if _, known := m.monitors.list[id]; known {
			delete(m.monitors.list, id)
			r.Status = ocpp.ClearMonitoringStatusEnumAccepted
		}
		out.ClearMonitoringResult = append(out.ClearMonitoringResult, r)
	}
	return out
}

func (voice2) onMonitoringBase(m *machine, req *ocpp.SetMonitoringBaseRequest, _ time.Time) any {
	if req.MonitoringBase != ocpp.MonitoringBaseEnumAll { // all of ours are custom monitors
		clear(m.monitors.list)
	}
	return ocpp.SetMonitoringBaseResponse{Status: ocpp.GenericDeviceModelStatusEnumAccepted}
}

func (voice2) onMonitoringLevel(m *machine, req *ocpp.SetMonitoringLevelRequest, _ time.Time) any {
	m.monitors.level = req.Severity
	return ocpp.SetMonitoringLevelResponse{Status: ocpp.GenericStatusEnumAccepted}
}

func (voice2) onMonitoringReport(m *machine, req *ocpp.GetMonitoringReportRequest, now time.Time) any {
	var all []ocpp.MonitoringData
	ids := make([]int, 0, len(m.monitors.list))
	for id := range m.monitors.list {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		d := m.monitors.list[id]
		all = append(all, ocpp.MonitoringData{Component: d.Component, Variable: d.Variable, VariableMonitoring: []ocpp.VariableMonitoring{{
			ID: id, Transaction: d.Transaction != nil && *d.Transaction, Value: d.Value, Type: d.Type, Severity: d.Severity, EventNotificationType: ocpp.EventNotificationEnumCustomMonitor,
		}}})
	}
	if len(all) == 0 {
		return ocpp.GetMonitoringReportResponse{Status: ocpp.GenericDeviceModelStatusEnumEmptyResultSet}
	}
	for i := 0; i < len(all); i += reportPart {
		part := ocpp.NotifyMonitoringReportRequest{RequestID: req.RequestID, GeneratedAt: stamp2(now), SeqNo: i / reportPart, Monitor: all[i:min(i+reportPart, len(all))]}
		if more := i+reportPart < len(all); more {
			part.Tbc = &more
		}
		m.say(&call{action: "NotifyMonitoringReport", payload: func() any { return part }})
	}
	return ocpp.GetMonitoringReportResponse{Status: ocpp.GenericDeviceModelStatusEnumAccepted}
}

// onReport reports the components that were asked for.
func (voice2) onReport(m *machine, req *ocpp.GetReportRequest, now time.Time) any {
	data := m.describe()
	for _, name := range sortedKeys(m.variables) {
		data = append(data, variable2(name, m.variables[name]))
	}
	asked := func(d ocpp.ReportData) bool {
		return slices.ContainsFunc(req.ComponentVariable, func(c ocpp.ComponentVariable) bool {
			return strings.EqualFold(c.Component.Name, d.Component.Name) && (c.Variable == nil || strings.EqualFold(c.Variable.Name, d.Variable.Name))
		})
	}
	data = slices.DeleteFunc(data, func(d ocpp.ReportData) bool { return len(req.ComponentVariable) > 0 && !asked(d) })
	if len(data) == 0 {
		return ocpp.GetReportResponse{Status: ocpp.GenericDeviceModelStatusEnumEmptyResultSet}
	}
	part := ocpp.NotifyReportRequest{RequestID: req.RequestID, GeneratedAt: stamp2(now), ReportData: data}
	m.say(&call{action: "NotifyReport", payload: func() any { return part }})
	return ocpp.GetReportResponse{Status: ocpp.GenericDeviceModelStatusEnumAccepted}
}

// onCustomer answers as a station that keeps nothing of customers (OCPP 2.0.1
// N09.FR.06).
func (voice2) onCustomer(m *machine, req *ocpp.CustomerInformationRequest, now time.Time) any {
	part := ocpp.NotifyCustomerInformationRequest{RequestID: req.RequestID, GeneratedAt: stamp2(now), Data: "no data"}
	m.say(&call{action: "NotifyCustomerInformation", payload: func() any { return part }})
	return ocpp.CustomerInformationResponse{Status: ocpp.CustomerInformationStatusEnumAccepted}
}

// changed tells of a variable that has a new value, where it is watched.
func (m *machine) changed(c ocpp.Component, v ocpp.Variable, value string, now time.Time) {
	for id, d := range m.monitors.list {
		if name2(d.Component, d.Variable) != name2(c, v) || d.Severity > m.monitors.level {
			continue
		}
		e := ocpp.EventData{Timestamp: stamp2(now), Trigger: ocpp.EventTriggerEnumDelta, ActualValue: value, VariableMonitoringID: &id, Component: c, Variable: v, EventNotificationType: ocpp.EventNotificationEnumCustomMonitor}
		switch d.Type {
		case ocpp.MonitorEnumDelta:
		case ocpp.MonitorEnumUpperThreshold, ocpp.MonitorEnumLowerThreshold:
			if e.Trigger = ocpp.EventTriggerEnumAlerting; !beyond(value, d) {
				continue
			}
		default:
			continue
		}
		m.monitors.event++
		e.EventID = m.monitors.event
		m.say(&call{action: "NotifyEvent", payload: func() any {
			return ocpp.NotifyEventRequest{GeneratedAt: e.Timestamp, EventData: []ocpp.EventData{e}}
		}})
	}
}

// beyond tells whether a value exceeds a threshold.
func beyond(value string, d ocpp.SetMonitoringData) bool {
	n, err := unit.ParseDecimal(value)
	if err != nil {
		return false
	}
	is, ok := n.Scaled(6)
	limit, fits := d.Value.Scaled(6)
	return ok && fits && (d.Type == ocpp.MonitorEnumUpperThreshold && is > limit || d.Type == ocpp.MonitorEnumLowerThreshold && is < limit)
}
