package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/ocpp"
)

var (
	errNotImplemented = errors.New("not implemented")
	errFormat         = errors.New("format violation")
)

// defaults gives a new station its configuration, in 1.6 keys or, for 2.x,
// "Component.Variable" names.
func (m *machine) defaults() {
	values := map[string]string{
		"HeartbeatInterval": "300", "ConnectionTimeOut": "60", "MeterValueSampleInterval": strconv.Itoa(int(m.config.MeterInterval / time.Second)),
		"ClockAlignedDataInterval": "0", "MeterValuesSampledData": "Energy.Active.Import.Register", "AuthorizeRemoteTxRequests": "false",
		"NumberOfConnectors": strconv.Itoa(len(m.config.EVSEs)), "LocalAuthListEnabled": "true", "WebSocketPingInterval": "60",
		"ChargeProfileMaxStackLevel": "8", "ChargingScheduleAllowedChargingRateUnit": "Current,Power", "GetConfigurationMaxKeys": "40",
		"SupportedFeatureProfiles": "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger",
	}
	if m.config.Version != "1.6" {
		values = map[string]string{
			"OCPPCommCtrlr.HeartbeatInterval": "300", "OCPPCommCtrlr.WebSocketPingInterval": "60", "TxCtrlr.EVConnectionTimeOut": "60",
			"SampledDataCtrlr.TxUpdatedInterval":   strconv.Itoa(int(m.config.MeterInterval / time.Second)),
			"SampledDataCtrlr.TxUpdatedMeasurands": "Energy.Active.Import.Register", "SampledDataCtrlr.TxStartedMeasurands": "Energy.Active.Import.Register",
			"SampledDataCtrlr.TxEndedMeasurands": "Energy.Active.Import.Register", "AlignedDataCtrlr.Interval": "0",
			"AlignedDataCtrlr.Measurands": "Energy.Active.Import.Register", "TxCtrlr.TxStartPoint": "PowerPathClosed", "TxCtrlr.TxStopPoint": "EVConnected,Authorized",
			"DeviceDataCtrlr.ItemsPerMessage": "50", "AuthCtrlr.AuthorizeRemoteStart": "false",
			"LocalAuthListCtrlr.Enabled": "true", "SmartChargingCtrlr.Enabled": "true", "ChargingStation.AvailabilityState": "Available",
		}
	}
	for k, v := range values {
		m.variables[k] = v
	}
}

// readOnly names what a command may not change.
func readOnly(name string) bool {
	return name == "NumberOfConnectors" || name == "SupportedFeatureProfiles" || strings.HasSuffix(name, "AvailabilityState") || strings.HasSuffix(name, "ItemsPerMessage") || strings.HasSuffix(name, "MaxKeys")
}

// apply takes a changed variable into account at once.
func (m *machine) apply(name, value string) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		return
	}
	switch name {
	case "HeartbeatInterval", "OCPPCommCtrlr.HeartbeatInterval":
		m.interval = time.Duration(max(n, 1)) * time.Second
	case "MeterValueSampleInterval", "SampledDataCtrlr.TxUpdatedInterval":
		m.config.MeterInterval = time.Duration(n) * time.Second
	}
}

// booted takes the reply to a boot into account; 1.6 and 2.x agree on it.
func (m *machine) booted(reply json.RawMessage) {
	var r struct {
		Status   string `json:"status"`
		Interval int    `json:"interval"`
	}
	if json.Unmarshal(reply, &r) != nil {
		return
	}
	m.accepted = r.Status == "Accepted"
	if m.accepted {
		for _, c := range m.news {
			m.say(c)
		}
		m.news = nil
	}
	if r.Interval > 0 {
		m.interval = time.Duration(r.Interval) * time.Second
	}
}

// trigger says what the platform asked to hear.
func (m *machine) trigger(what string, evse int, now time.Time) bool {
	switch what {
	case "BootNotification":
		m.say(m.voice.boot(m, "Triggered"))
	case "Heartbeat":
		m.say(&call{action: "Heartbeat", payload: func() any { return struct{}{} }})
	case "StatusNotification":
		for _, e := range m.chosen(evse) {
			m.say(m.voice.status(m, e, now))
		}
	case "MeterValues":
		for _, e := range m.chosen(evse) {
			m.say(m.voice.meter(m, e, e.read(now, "Trigger")))
		}
	case "TransactionEvent":
		for _, e := range m.chosen(evse) {
			if e.tx != nil {
				m.say(m.voice.update(m, e, e.tx, "Trigger", e.read(now, "Trigger")))
			}
		}
	default:
		return m.triggerCertificate(what)
	}
	return true
}

func (m *machine) chosen(id int) []*EVSE {
	if e := m.evse(id); e != nil {
		return []*EVSE{e}
	}
	return m.evses
}

func name2(c ocpp.Component, v ocpp.Variable) string { return c.Name + "." + v.Name }

func (voice2) onGetVariables(m *machine, req *ocpp.GetVariablesRequest, _ time.Time) any {
	var out ocpp.GetVariablesResponse
	for _, q := range req.GetVariableData {
		r := ocpp.GetVariableResult{Component: q.Component, Variable: q.Variable, AttributeType: q.AttributeType, AttributeStatus: ocpp.GetVariableStatusEnumAccepted}
		value, known := m.variables[name2(q.Component, q.Variable)]
		switch r.AttributeValue = value; {
		case !known:
			r.AttributeStatus = ocpp.GetVariableStatusEnumUnknownVariable
		case hidden(name2(q.Component, q.Variable)):
			r.AttributeStatus, r.AttributeValue = ocpp.GetVariableStatusEnumRejected, ""
		}
		out.GetVariableResult = append(out.GetVariableResult, r)
	}
	return out
}

func (voice2) onSetVariables(m *machine, req *ocpp.SetVariablesRequest, now time.Time) any {
	var out ocpp.SetVariablesResponse
	for _, q := range req.SetVariableData {
		r := ocpp.SetVariableResult{Component: q.Component, Variable: q.Variable, AttributeType: q.AttributeType, AttributeStatus: ocpp.SetVariableStatusEnumAccepted}
		name := name2(q.Component, q.Variable)
		switch _, known := m.variables[name]; {
		case !known:
			r.AttributeStatus = ocpp.SetVariableStatusEnumUnknownVariable
		case readOnly(name), !m.secure(name, q.AttributeValue):
			r.AttributeStatus = ocpp.SetVariableStatusEnumRejected
		default:
			m.variables[name] = q.AttributeValue
			m.apply(name, q.AttributeValue)
			m.changed(q.Component, q.Variable, q.AttributeValue, now)
		}
		out.SetVariableResult = append(out.SetVariableResult, r)
	}
	return out
}

const reportPart = 8 // variables per NotifyReport, so that several parts come

func (voice2) onBaseReport(m *machine, req *ocpp.GetBaseReportRequest, now time.Time) any {
	names := sortedKeys(m.variables)
	data := m.describe()
	for _, name := range names {
		if hidden(name) {
			continue
		}
		data = append(data, variable2(name, m.variables[name]))
	}
	for i := 0; i < len(data); i += reportPart {
		part := ocpp.NotifyReportRequest{RequestID: req.RequestID, GeneratedAt: stamp2(now), SeqNo: i / reportPart, ReportData: data[i:min(i+reportPart, len(data))]}
		if more := i+reportPart < len(data); more {
			part.Tbc = &more
		}
		m.say(&call{action: "NotifyReport", payload: func() any { return part }})
	}
	return ocpp.GetBaseReportResponse{Status: ocpp.GenericDeviceModelStatusEnumAccepted}
}

func variable2(name, value string) ocpp.ReportData {
	component, variable, _ := strings.Cut(name, ".")
	mutability := ocpp.MutabilityEnumReadWrite
	if readOnly(name) {
		mutability = ocpp.MutabilityEnumReadOnly
	}
	kind := ocpp.DataEnumString
	if _, err := strconv.Atoi(value); err == nil {
		kind = ocpp.DataEnumInteger
	} else if value == "true" || value == "false" {
		kind = ocpp.DataEnumBoolean
	}
	return ocpp.ReportData{
		Component: ocpp.Component{Name: component}, Variable: ocpp.Variable{Name: variable},
		VariableAttribute:       []ocpp.VariableAttribute{{Type: ocpp.AttributeEnumActual, Value: value, Mutability: mutability}},
		VariableCharacteristics: &ocpp.VariableCharacteristics{DataType: kind},
	}
}

// describe reports the EVSEs and connectors of the device model.
func (m *machine) describe() []ocpp.ReportData {
	var data []ocpp.ReportData
	add := func(component string, at ocpp.EVSE, variable, value string) {
		d := variable2(component+"."+variable, value)
		d.Component.EVSE = &at
		d.VariableAttribute[0].Mutability = ocpp.MutabilityEnumReadOnly
		data = append(data, d)
	}
	one := 1
	for _, e := range m.evses {
		at := ocpp.EVSE{ID: e.config.ID}
		power := e.config.MaxPower
		if power == 0 {
			power, _ = (&Car{Capacity: 1, Target: fullSoC, Phases: e.config.Phases, ACMax: e.config.MaxAmps}).DrawAC(e.config.MaxAmps, e.config.Phases)
		}
		add("EVSE", at, "AvailabilityState", "Available")
		add("EVSE", at, "Power", fmt.Sprint(int64(power)))
		add("EVSE", at, "SupplyPhases", strconv.Itoa(e.config.Phases))
		at.ConnectorID = &one
		add("Connector", at, "ConnectorType", e.config.Connector)
		add("Connector", at, "AvailabilityState", "Available")
	}
	return data
}
