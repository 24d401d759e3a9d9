package device

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// monitoring answers what the box is asked about monitors and reports; nil
// for other requests.
func (b *box) monitoring(req ocpp.Request) ocpp.Response {
	var answer ocpp.Response
	switch r := req.(type) {
	case *ocpp.SetVariableMonitoringRequest:
		out := &ocpp.SetVariableMonitoringResponse{}
		for _, d := range r.SetMonitoringData {
			res := ocpp.SetMonitoringResult{Component: d.Component, Variable: d.Variable, Type: d.Type, Severity: d.Severity, Status: ocpp.SetMonitoringStatusEnumUnknownVariable}
			if d.Variable.Name != "Nothing" {
				id := 100 + len(b.watching)
				if d.ID != nil {
					id = *d.ID
				}
				if b.watching == nil {
					b.watching = map[int]ocpp.SetMonitoringData{}
				}
				b.watching[id] = d
				res.ID, res.Status = &id, ocpp.SetMonitoringStatusEnumAccepted
			}
			out.SetMonitoringResult = append(out.SetMonitoringResult, res)
		}
		answer = out
	case *ocpp.ClearVariableMonitoringRequest:
		out := &ocpp.ClearVariableMonitoringResponse{}
		for _, id := range r.ID {
			status := ocpp.ClearMonitoringStatusEnumNotFound
			if _, ok := b.watching[id]; ok {
				status = ocpp.ClearMonitoringStatusEnumAccepted
				delete(b.watching, id)
			}
			out.ClearMonitoringResult = append(out.ClearMonitoringResult, ocpp.ClearMonitoringResult{ID: id, Status: status})
		}
		answer = out
	case *ocpp.GetMonitoringReportRequest:
		b.watched = int64(r.RequestID)
		answer = &ocpp.GetMonitoringReportResponse{Status: ocpp.GenericDeviceModelStatusEnumAccepted}
	case *ocpp.GetReportRequest:
		b.watched = int64(r.RequestID)
		answer = &ocpp.GetReportResponse{Status: ocpp.GenericDeviceModelStatusEnumAccepted}
	case *ocpp.GetChargingProfilesRequest:
		b.watched = int64(r.RequestID)
		answer = &ocpp.GetChargingProfilesResponse{Status: ocpp.GetChargingProfileStatusEnumAccepted}
	case *ocpp.CustomerInformationRequest:
		b.watched = int64(r.RequestID)
		answer = &ocpp.CustomerInformationResponse{Status: ocpp.CustomerInformationStatusEnumAccepted}
	case *ocpp.SetMonitoringBaseRequest:
		answer = &ocpp.SetMonitoringBaseResponse{Status: ocpp.GenericDeviceModelStatusEnumAccepted}
	case *ocpp.SetMonitoringLevelRequest:
		answer = &ocpp.SetMonitoringLevelResponse{Status: ocpp.GenericStatusEnumAccepted}
	default:
		return nil
	}
	b.requests = append(b.requests, req)
	return answer
}

func (h *house) tells(p ocpp.Peer, req ocpp.Request) {
	h.t.Helper()
	h.must(h.Notification(h.t.Context(), p, req))
}

func watch(id int, variable, value string, kind ocpp.EventNotificationEnum) ocpp.MonitoringData {
	d, err := unit.ParseDecimal(value)
	if err != nil {
		panic(err)
	}
	return ocpp.MonitoringData{Component: ocpp.Component{Name: "Rectifier"}, Variable: ocpp.Variable{Name: variable},
		VariableMonitoring: []ocpp.VariableMonitoring{{ID: id, Value: d, Type: ocpp.MonitorEnumUpperThreshold, Severity: 4, EventNotificationType: kind}}}
}

const watching = `{"name":"Heat","enabled":true,"monitors":[{"component":"Rectifier","variable":"Temperature","type":"UpperThreshold","value":80,"severity":4},{"component":"Rectifier","variable":"Nothing","type":"Delta","value":1,"severity":8}]}`

// Monitors of templates are set once the station's own are known, replaced
// when the value differs, and cleared with the template.
func TestMonitorsOfTemplates(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.ready(ocpp.V201)
		north := h.north.For(t)
		id := north.Must(201, "POST", "/device-templates", watching).Field("id")
		h.later(p, time.Minute)
		if h.box.watched == 0 || len(h.box.watching) != 0 {
			t.Fatalf("the station was not asked for its monitors first: %v", h.box.requests)
		}
		yes := true
		h.tells(p, &ocpp.NotifyMonitoringReportRequest{RequestID: int(h.box.watched), SeqNo: 1, Monitor: []ocpp.MonitoringData{watch(9, "Fan", "5", ocpp.EventNotificationEnumHardWiredMonitor)}})
		h.tells(p, &ocpp.NotifyMonitoringReportRequest{RequestID: int(h.box.watched), SeqNo: 0, Tbc: &yes, Monitor: []ocpp.MonitoringData{watch(7, "Temperature", "60", ocpp.EventNotificationEnumPreconfiguredMonitor)}})
		h.later(p, time.Minute)
		if d := h.box.watching[7]; d.Value.String() != "80" || len(h.box.watching) != 1 {
			t.Fatalf("%+v", h.box.watching)
		}
		north.Run(
			webtest.Scenario{Name: "monitors", Method: "GET", Path: "/charging-stations/CS-1/monitors", Status: 200, Contains: []string{`"id":7`, `"value":80`, `"template":"` + id, `"id":9`}},
			webtest.Scenario{Name: "progress", Method: "GET", Path: "/device-templates/" + id + "/progress", Status: 200, Contains: []string{`"met":1`, `"unsupported":1`, `"partial":1`}},
		)
		before := len(h.box.requests)
		h.later(p, time.Hour)
		if len(h.box.requests) != before {
			t.Errorf("asked again though nothing changed: %v", h.box.requests[before:])
		}
		north.Must(204, "DELETE", "/device-templates/"+id, "")
		h.later(p, 3*time.Minute)
		if len(h.box.watching) != 0 {
			t.Errorf("left behind: %v", h.box.watching)
		}
		north.Run(webtest.Scenario{Name: "the station's own stay", Method: "GET", Path: "/charging-stations/CS-1/monitors", Status: 200, Contains: []string{`"id":9`}, Lacks: []string{`"id":7`}})
	})
}

func TestMonitorsOverREST(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.ready(ocpp.V21)
		const at = "/charging-stations/CS-1"
		h.north.For(t).Run(
			webtest.Scenario{Name: "set", Method: "POST", Path: at + "/monitors", Body: `{"monitors":[{"component":"A","variable":"B","type":"TargetDelta","value":0.5,"severity":3},{"component":"A","variable":"Nothing","type":"Delta","value":1,"severity":3}]}`, Status: 200,
				Contains: []string{`"id":100,"status":"Accepted"`, "UnknownVariable"}},
			webtest.Scenario{Name: "stored", Method: "GET", Path: at + "/monitors?type=TargetDelta", Status: 200, Contains: []string{`"value":0.5`, `"kind":"CustomMonitor"`}},
			webtest.Scenario{Name: "wrong", Method: "POST", Path: at + "/monitors", Body: `{"monitors":[{"component":"A","variable":"B","type":"Periodic","value":0,"severity":3}]}`, Status: 422, Code: "device.monitors", Contains: []string{"more than 0 seconds"}},
			webtest.Scenario{Name: "clear", Method: "DELETE", Path: at + "/monitors?monitor=100,5", Status: 200, Contains: []string{`"id":100,"status":"Accepted"`, `"id":5,"status":"NotFound"`}},
			webtest.Scenario{Name: "gone", Method: "GET", Path: at + "/monitors", Status: 200, Lacks: []string{"TargetDelta"}},
			webtest.Scenario{Name: "level", Method: "PUT", Path: at + "/monitoring", Body: `{"base":"All","level":5}`, Status: 200, Contains: []string{`"monitoring_base":"All"`, `"monitoring_level":5`}},
			webtest.Scenario{Name: "no level", Method: "PUT", Path: at + "/monitoring", Body: `{}`, Status: 422, Code: "device.monitoring"},
			webtest.Scenario{Name: "refresh", Method: "POST", Path: at + "/monitors/refresh", Status: 202, Contains: []string{`"status":"waiting"`}},
			webtest.Scenario{Name: "part of the model", Method: "POST", Path: at + "/reports", Body: `{"criteria":["Problem"],"components":[{"component":"EVSE","evse":1}]}`, Status: 202, Contains: []string{`"kind":"report"`}},
			webtest.Scenario{Name: "inventory", Method: "POST", Path: at + "/reports", Body: `{"base":"SummaryInventory"}`, Status: 202, Contains: []string{`"subject":"SummaryInventory"`}},
		)
		h.south.For(t).Run(webtest.Scenario{Name: "foreign", Method: "PUT", Path: at + "/monitoring", Body: `{"level":5}`, Status: 404, Code: "station.unknown"})
		h.clock.Advance(time.Hour)
		h.must(h.stall(t.Context()))
		h.north.For(t).Run(webtest.Scenario{Name: "stalled", Method: "GET", Path: at + "/requests?status=stalled", Status: 200, Contains: []string{`"kind":"monitoring"`, `"kind":"report"`}})
	})
}

// Events are stored once, with their cause; those worth a look are facts.
func TestEventsOfMonitoring(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.ready(ocpp.V201)
		facts := h.newFacts()
		one, two, warning, yes, seven := 11, 12, 4, true, 7
		events := &ocpp.NotifyEventRequest{EventData: []ocpp.EventData{
			{EventID: one, Timestamp: ocpp.DateTime{Time: t0}, Trigger: ocpp.EventTriggerEnumAlerting, ActualValue: "91", Component: ocpp.Component{Name: "Rectifier"}, Variable: ocpp.Variable{Name: "Temperature"},
				VariableMonitoringID: &seven, Severity: &warning, TechCode: "E17", TechInfo: "fan", EventNotificationType: ocpp.EventNotificationEnumCustomMonitor},
			{EventID: two, Cause: &one, Timestamp: ocpp.DateTime{Time: t0}, Trigger: ocpp.EventTriggerEnumDelta, ActualValue: "true", Component: ocpp.Component{Name: "EVSE", EVSE: &ocpp.EVSE{ID: 1}}, Variable: ocpp.Variable{Name: "Problem"}, TransactionID: "T1"},
			{EventID: 13, Timestamp: ocpp.DateTime{Time: t0}, Trigger: ocpp.EventTriggerEnumAlerting, Cleared: &yes, ActualValue: "70", Component: ocpp.Component{Name: "Rectifier"}, Variable: ocpp.Variable{Name: "Temperature"}},
		}}
		for range 2 { // the answer got lost
			_, err := h.NotifyEvent(t.Context(), p, events)
			h.must(err)
		}
		if got := facts(); len(slices.DeleteFunc(got, func(k string) bool { return k != KindEvent })) != 2 {
			t.Errorf("facts %v", got)
		}
		h.north.For(t).Run(
			webtest.Scenario{Name: "alert", Method: "GET", Path: "/charging-stations/CS-1/events?severity=4", Status: 200, Contains: []string{`"event_id":11`, `"value":"91"`, `"tech_code":"E17"`, `"monitor_id":7`}, Lacks: []string{`"event_id":12`}},
			webtest.Scenario{Name: "what followed", Method: "GET", Path: "/device-events?cause=11", Status: 200, Contains: []string{`"event_id":12`, `"transaction_id":"T1"`, `"evse":1`}, Lacks: []string{`"event_id":11,`}},
			webtest.Scenario{Name: "cleared", Method: "GET", Path: "/device-events?cleared=true", Status: 200, Contains: []string{`"event_id":13`}},
		)
		h.south.For(t).Run(webtest.Scenario{Name: "foreign", Method: "GET", Path: "/device-events", Status: 200, Contains: []string{`"items":[]`}})
		var n int
		h.must(h.db.View(t.Context(), func(tx *db.Tx) error { return tx.QueryRow("SELECT COUNT(*) FROM device_event").Scan(&n) }))
		if n != 3 {
			t.Errorf("%d events", n)
		}
	})
}

// Profiles are what the last report said; limits last until they are cleared.
func TestChargingProfilesAndLimits(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.ready(ocpp.V201)
		north := h.north.For(t)
		const at = "/charging-stations/CS-1"
		report := func(evse, profile int, more bool) {
			h.tells(p, &ocpp.ReportChargingProfilesRequest{RequestID: int(h.box.watched), ChargingLimitSource: "CSO", EVSEID: evse, Tbc: &more, ChargingProfile: []ocpp.ChargingProfile{{
				ID: profile, StackLevel: 2, ChargingProfilePurpose: ocpp.ChargingProfilePurposeEnumTxDefaultProfile, ChargingProfileKind: ocpp.ChargingProfileKindEnumAbsolute}}})
		}
		north.Must(202, "POST", at+"/charging-profiles/refresh", "")
		report(1, 5, true)
		north.Run(webtest.Scenario{Name: "half a report", Method: "GET", Path: at + "/charging-profiles", Status: 200, Contains: []string{`"items":[]`}})
		report(2, 6, false)
		north.Run(webtest.Scenario{Name: "a report", Method: "GET", Path: at + "/charging-profiles", Status: 200, Contains: []string{`"evse_id":1,"profile_id":5`, `"profile_id":6`, "TxDefaultProfile"}})
		h.clock.Advance(time.Minute)
		north.Must(202, "POST", at+"/charging-profiles/refresh", "")
		report(2, 6, false)
		yes, evse := true, 1
		h.tells(p, &ocpp.NotifyChargingLimitRequest{EVSEID: &evse, ChargingLimit: ocpp.ChargingLimit{ChargingLimitSource: "SO", IsGridCritical: &yes}})
		north.Run(
			webtest.Scenario{Name: "one is gone", Method: "GET", Path: at + "/charging-profiles", Status: 200, Contains: []string{`"profile_id":6`}, Lacks: []string{`"profile_id":5`}},
			webtest.Scenario{Name: "asked", Method: "GET", Path: at + "/requests?kind=charging_profiles", Status: 200, Contains: []string{`"status":"complete"`, `"asked_by":"test"`}},
			webtest.Scenario{Name: "a limit", Method: "GET", Path: at + "/charging-limits", Status: 200, Contains: []string{`"source":"SO"`, `"grid_critical":true`}},
		)
		h.tells(p, &ocpp.ClearedChargingLimitRequest{ChargingLimitSource: "SO"})
		north.Run(
			webtest.Scenario{Name: "no limit", Method: "GET", Path: at + "/charging-limits", Status: 200, Contains: []string{`"items":[]`}},
			webtest.Scenario{Name: "told", Method: "GET", Path: at + "/notices?kind=NotifyChargingLimit", Status: 200, Contains: []string{`"isGridCritical":true`}},
		)
	})
}

// What a station tells of a customer is read once, and never stands in a list.
func TestCustomerInformationIsShownOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.ready(ocpp.V201)
		north := h.north.For(t)
		const at = "/charging-stations/CS-1/customer-information"
		north.Run(
			webtest.Scenario{Name: "nobody", Method: "POST", Path: at, Body: `{"report":true}`, Status: 422, Code: "device.customer"},
			webtest.Scenario{Name: "nothing", Method: "POST", Path: at, Body: `{"customer_identifier":"x"}`, Status: 422, Code: "device.customer"},
		)
		north.Must(202, "POST", at, `{"report":true,"id_token":{"id":"04AABB","type":"ISO14443"}}`)
		id := h.box.watched
		reveal := at + "/" + strconv.FormatInt(id, 10) + "/reveal"
		yes := true
		h.tells(p, &ocpp.NotifyCustomerInformationRequest{RequestID: int(id), SeqNo: 1, Data: "Ada Lovelace"})
		north.Run(webtest.Scenario{Name: "not all", Method: "POST", Path: reveal, Status: 409, Code: "device.customer_open"})
		h.tells(p, &ocpp.NotifyCustomerInformationRequest{RequestID: int(id), SeqNo: 0, Tbc: &yes, Data: "Countess "})
		h.south.For(t).Run(webtest.Scenario{Name: "foreign", Method: "POST", Path: reveal, Status: 404, Code: "station.unknown"})
		if s := north.Must(200, "GET", "/charging-stations/CS-1/notices", "").Body + north.Must(200, "GET", "/charging-stations/CS-1/requests", "").Body; strings.Contains(s, "Lovelace") || strings.Contains(s, "04AABB") {
			t.Errorf("personal data in a list: %s", s)
		}
		north.Run(
			webtest.Scenario{Name: "once", Method: "POST", Path: reveal, Status: 200, Contains: []string{"Countess Ada Lovelace"}},
			webtest.Scenario{Name: "twice", Method: "POST", Path: reveal, Status: 404, Code: "device.customer_shown"},
		)
		var n int
		h.must(h.db.View(t.Context(), func(tx *db.Tx) error { return tx.QueryRow("SELECT COUNT(*) FROM device_request_part").Scan(&n) }))
		if n != 0 {
			t.Errorf("%d parts are left", n)
		}
	})
}

// A clock that is wrong for long is told of, and when it is right again.
func TestWrongClocksAreTold(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.ready(ocpp.V201)
		facts := h.newFacts()
		drift := func(skew time.Duration) {
			for range 4 {
				h.clock.Advance(10 * time.Minute)
				h.stations.Seen(t.Context(), ocpp.Sign{Peer: p, At: h.clock.Now()})
				_, err := h.NotifyEvent(t.Context(), p, &ocpp.NotifyEventRequest{GeneratedAt: ocpp.DateTime{Time: h.clock.Now().Add(skew)}})
				h.must(err)
				h.must(h.watchClocks(t.Context()))
			}
		}
		drift(90 * time.Second)
		if got := facts(); slices.Contains(got, KindClockWrong) {
			t.Errorf("told at once: %v", got)
		}
		drift(90 * time.Second)
		drift(90 * time.Second)
		if got := facts(); len(slices.DeleteFunc(got, func(k string) bool { return k != KindClockWrong })) != 1 {
			t.Errorf("facts %v", got)
		}
		drift(time.Second)
		if got := facts(); !slices.Contains(got, KindClockRight) {
			t.Errorf("facts %v", got)
		}
	})
}

// Everything that grows with time goes after its time.
func TestRetention(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.ready(ocpp.V21)
		_, err := h.NotifyEvent(t.Context(), p, &ocpp.NotifyEventRequest{EventData: []ocpp.EventData{{EventID: 1, Component: ocpp.Component{Name: "A"}, Variable: ocpp.Variable{Name: "B"}}}})
		h.must(err)
		h.tells(p, &ocpp.NotifyCustomerInformationRequest{RequestID: 5, Data: "x"})
		h.tells(p, &ocpp.FirmwareStatusNotificationRequest{Status: ocpp.FirmwareStatusEnumInstalled})
		_, err = h.SecurityEventNotification(t.Context(), p, &ocpp.SecurityEventNotificationRequest{Type: "X"})
		h.must(err)
		h.tells(p, &ocpp.NotifyPeriodicEventStreamRequest{ID: 1, Basetime: ocpp.DateTime{Time: h.clock.Now()}, Data: []ocpp.StreamDataElement{{V: "1"}}})
		h.tells(p, &ocpp.NotifyDERAlarmRequest{ControlType: ocpp.DERControlEnumFreqDroop, Timestamp: ocpp.DateTime{Time: h.clock.Now()}})
		h.tells(p, &ocpp.BatterySwapRequest{EventType: ocpp.BatterySwapEventEnumBatteryIn, RequestID: 1, BatteryData: []ocpp.BatteryData{{EVSEID: 1, SerialNumber: "B"}}})
		count := func(table string) (n int) {
			h.must(h.db.View(t.Context(), func(tx *db.Tx) error { return tx.QueryRow("SELECT COUNT(*) FROM " + table).Scan(&n) }))
			return n
		}
		h.must(h.forget(t.Context()))
		if count("device_request_part") != 1 {
			t.Error("an answer is forgotten at once")
		}
		h.clock.Advance(8 * 24 * time.Hour)
		h.must(h.forget(t.Context()))
		if count("device_request_part") != 0 {
			t.Error("what a station told of a customer is kept for ever")
		}
		for _, r := range h.Stores() {
			if r.Group == "" || r.Name == "variable history" || r.Name == "steps of updates and logs" { // of which the last change always stays
				continue
			}
			had := count(r.Tables[0])
			if _, err := r.Delete(t.Context(), t0.Add(-time.Hour)); err != nil || had == 0 || count(r.Tables[0]) != had {
				t.Errorf("%s: %d of %d rows are left in time, %v", r.Name, count(r.Tables[0]), had, err)
			}
			if _, err := r.Delete(t.Context(), h.clock.Now()); err != nil || count(r.Tables[0]) == had {
				t.Errorf("%s: %d rows are left, %v", r.Name, count(r.Tables[0]), err)
			}
		}
	})
}
