package device

import (
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// Field note 14: after the first boot the station sends usable readings,
// verified by reading back, with fall-backs where it refuses.
func TestFieldNote14BaselineIsAppliedAndVerified(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		// A station that refuses a list as a whole for one member.
		h.box.refuses = func(name, value string) ocpp.SetVariableStatusEnum {
			switch {
			case name == "SampledDataCtrlr.TxUpdatedMeasurands" && strings.Contains(value, "SoC"):
				return ocpp.SetVariableStatusEnumRejected
			case name == "OCPPCommCtrlr.WebSocketPingInterval":
				return ocpp.SetVariableStatusEnumRebootRequired
			case name == "AlignedDataCtrlr.Interval":
				return ocpp.SetVariableStatusEnumRejected
			}
			return ""
		}
		delete(h.box.values, "SampledDataCtrlr.TxStartedMeasurands")
		p := h.connect(ocpp.V201)
		if r := h.boot(p, "S1"); r.Status != ocpp.RegistrationStatusEnumAccepted || r.Interval < 270 || !r.CurrentTime.Equal(t0) {
			t.Fatalf("boot: %+v", r)
		}
		h.settle()
		if h.box.reads != 1 || len(h.box.sets) != 0 {
			t.Fatalf("%d reads, %v set before the report", h.box.reads, h.box.sets)
		}
		h.reports(p, h.box.asked, 0, false, entry("SampledDataCtrlr", 0, 0, "TxUpdatedInterval", "0"))
		h.settle()
		got := h.desired()
		for name, want := range map[string]struct{ status, value string }{
			"SampledDataCtrlr.TxUpdatedMeasurands": {Met, "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage"},
			"SampledDataCtrlr.TxUpdatedInterval":   {Met, "60"},
			"SampledDataCtrlr.TxStartedMeasurands": {Unsupported, "Energy.Active.Import.Register"},
			"SampledDataCtrlr.TxEndedMeasurands":   {Met, "Voltage,Energy.Active.Import.Register"},
			"AlignedDataCtrlr.Interval":            {Refused, "900"},
			"OCPPCommCtrlr.WebSocketPingInterval":  {Reboot, "45"},
		} {
			if d := got[name]; d.Status != want.status || d.Value != want.value {
				t.Errorf("%s: %s %q, want %s %q", name, d.Status, d.Value, want.status, want.value)
			}
		}
		if h.box.value("SampledDataCtrlr.TxEndedMeasurands") != "Voltage,Energy.Active.Import.Register" {
			t.Errorf("what the station sampled before is lost: %q", h.box.value("SampledDataCtrlr.TxEndedMeasurands"))
		}
		if v := h.variable("SampledDataCtrlr:TxUpdatedInterval"); v != "60" {
			t.Errorf("stored interval %q", v)
		}
		// The next boot finds everything as it should be, and sets only what is open.
		h.clock.Advance(quietFor)
		h.box.sets = nil
		h.box.values["OCPPCommCtrlr.WebSocketPingInterval"] = "45" // it rebooted
		h.boot(p, "S1")
		h.settle()
		for _, set := range h.box.sets {
			if !strings.HasPrefix(set, "AlignedDataCtrlr.Interval=") {
				t.Errorf("set again: %s", set)
			}
		}
		if d := h.desired()["OCPPCommCtrlr.WebSocketPingInterval"]; d.Status != Met {
			t.Errorf("after the reboot: %+v", d)
		}
		if h.box.reads != 1 {
			t.Errorf("read %d times, nothing changed", h.box.reads)
		}
	})
}

// Drift is found by the reconciling job; a station that is offline is not
// asked, and nothing is queued for it.
func TestDriftIsReconciled(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.connect(ocpp.V201)
		h.boot(p, "S1")
		h.settle()
		h.reports(p, h.box.asked, 0, false)
		h.settle()
		h.box.values["AlignedDataCtrlr.Interval"] = "0"
		h.stations.Disconnected(t.Context(), p, "gone")
		h.clock.Advance(30 * time.Hour)
		h.box.sets = nil
		h.must(h.reconcile(t.Context()))
		h.settle()
		if len(h.box.sets) != 0 {
			t.Errorf("an offline station was asked: %v", h.box.sets)
		}
		h.connect(ocpp.V201)
		h.clock.Advance(time.Hour)
		h.must(h.reconcile(t.Context()))
		h.settle()
		if h.box.value("AlignedDataCtrlr.Interval") != "900" {
			t.Errorf("drift was not corrected: %v", h.box.sets)
		}
	})
}

// What somebody sets by a command is their wish from then on, before the
// baseline, and a replaced device gets it too.
func TestWhatPeopleSetWinsOverTheBaseline(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.connect(ocpp.V201)
		h.boot(p, "S1")
		h.settle()
		h.reports(p, h.box.asked, 0, false)
		h.settle()
		h.north.For(t).Must(201, "POST", "/charging-stations/CS-1/commands",
			`{"action":"SetVariables","payload":{"setVariableData":[{"component":{"name":"AlignedDataCtrlr"},"variable":{"name":"Interval"},"attributeValue":"300"}]}}`)
		h.settle()
		if v := h.variable("AlignedDataCtrlr:Interval"); v != "300" {
			t.Errorf("stored %q", v)
		}
		h.box.values["AlignedDataCtrlr.Interval"] = "0" // the new device has its own defaults
		h.boot(p, "S2")
		h.settle()
		h.reports(p, h.box.asked, 0, false)
		h.settle()
		if v := h.box.value("AlignedDataCtrlr.Interval"); v != "300" {
			t.Errorf("the new device has %q", v)
		}
		if d := h.desired()["AlignedDataCtrlr.Interval"]; d.Rule != byOperator || d.Status != Met {
			t.Errorf("%+v", d)
		}
	})
}

// A report comes in parts, in any order, twice, with strangers between; the
// ports follow it.
func TestReportInParts(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.connect(ocpp.V201)
		h.boot(p, "S1")
		h.settle()
		id := h.box.asked
		power := entry("EVSE", 1, 0, "Power", "0")
		limit := unit.DecimalOf(150, 0)
		power.VariableCharacteristics = &ocpp.VariableCharacteristics{Unit: "kW", DataType: ocpp.DataEnumDecimal, MaxLimit: &limit}
		h.reports(p, id, 2, false, entry("SecurityCtrlr", 0, 0, "BasicAuthPassword", "hunter2hunter2hunter2"))
		h.reports(p, id, 0, true, power, entry("Connector", 1, 1, "ConnectorType", "cCCS2"))
		h.reports(p, id, 0, true, power)
		h.reports(p, id+999, 1, false, entry("EVSE", 3, 0, "AvailabilityState", "Available"))
		if n := len(h.evses()); n != 0 {
			t.Fatalf("%d ports before the report is complete", n)
		}
		h.reports(p, id, 1, true, entry("Connector", 1, 2, "ConnectorType", "cCHAdeMO"), entry("Connector", 2, 1, "ConnectorType", "sType2"), entry("Connector", 2, 1, "SupplyPhases", "3"))
		ports := h.evses()
		if len(ports) != 3 || ports[0].MaxPower != 150_000 || len(ports[0].Connectors) != 2 {
			t.Fatalf("%+v", ports)
		}
		if c := ports[0].Connectors[0]; c.Type != "IEC_62196_T2_COMBO" || c.PowerType != "DC" || c.Format != "CABLE" {
			t.Errorf("%+v", c)
		}
		if c := ports[1].Connectors[0]; c.Type != "IEC_62196_T2" || c.PowerType != "AC_3_PHASE" || c.Format != "SOCKET" {
			t.Errorf("%+v", c)
		}
		if v := h.variable("SecurityCtrlr:BasicAuthPassword"); v != masked {
			t.Errorf("a password is stored: %q", v)
		}
	})
}

func (h *house) evses() []station.EVSE {
	h.t.Helper()
	var ports []station.EVSE
	h.must(h.db.View(h.t.Context(), func(tx *db.Tx) (err error) { ports, err = h.stations.EVSEs(tx, "CS-1"); return err }))
	return ports
}

// A 1.6 station tells its ports with NumberOfConnectors; one that refuses the
// report gets its baseline all the same; one that never ends it, too.
func TestStationsWithoutAnInventory(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.connect(ocpp.V16)
		h.boot(p, "S1")
		h.settle()
		h.reports(p, h.box.asked, 0, false, entry("OCPP16", 0, 0, "NumberOfConnectors", "2"))
		if n := len(h.evses()); n != 2 {
			t.Errorf("%d ports of a 1.6 station with two connectors", n)
		}
		h.box.report = ""
		h.boot(p, "S2") // another device
		h.settle()
		if h.box.value("AlignedDataCtrlr.Interval") != "900" {
			t.Error("no baseline without a report")
		}
		reads := h.box.reads
		h.boot(p, "S2")
		h.settle()
		if h.box.reads != reads {
			t.Error("a device that gives no report is asked again")
		}
		h.box.report = ocpp.GenericDeviceModelStatusEnumAccepted
		h.box.values["AlignedDataCtrlr.Interval"] = "0"
		h.boot(p, "S3")
		for range maxReadFailures + 1 {
			h.settle()
			h.clock.Advance(h.d.ReportTimeout + 2*time.Minute)
			h.stations.Seen(t.Context(), ocpp.Sign{Peer: p, At: h.clock.Now()})
			h.must(h.reconcile(t.Context()))
		}
		h.settle()
		if h.box.value("AlignedDataCtrlr.Interval") != "900" {
			t.Errorf("no baseline after %d reports that never ended", h.box.reads)
		}
	})
}

// Monitoring events become values, and the availability of connectors the
// status of ports.
func TestNotifyEvent(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.connect(ocpp.V21)
		h.boot(p, "S1")
		one := 1
		tell := func(component string, evse *ocpp.EVSE, variable, value string, trigger ocpp.EventTriggerEnum) {
			_, err := h.NotifyEvent(t.Context(), p, &ocpp.NotifyEventRequest{EventData: []ocpp.EventData{{
				Component: ocpp.Component{Name: component, EVSE: evse}, Variable: ocpp.Variable{Name: variable}, ActualValue: value, Trigger: trigger,
			}}})
			h.must(err)
		}
		status := func() station.State { return h.evses()[0].Status.State }
		tell("Connector", &ocpp.EVSE{ID: 1, ConnectorID: &one}, "AvailabilityState", "Available", ocpp.EventTriggerEnumDelta)
		if s := status(); s != station.Available {
			t.Errorf("port is %s", s)
		}
		tell("EVSE", &ocpp.EVSE{ID: 1}, "AvailabilityState", "Faulted", ocpp.EventTriggerEnumAlerting)
		if s := status(); s != station.Faulted {
			t.Errorf("port is %s", s)
		}
		tell("Connector", &ocpp.EVSE{ID: 1, ConnectorID: &one}, "AvailabilityState", "Occupied", ocpp.EventTriggerEnumDelta)
		tell("ChargingStation", nil, "AvailabilityState", "Unavailable", ocpp.EventTriggerEnumDelta)
		tell("Connector", &ocpp.EVSE{ID: 1, ConnectorID: &one}, "AvailabilityState", "Available", ocpp.EventTriggerEnumDelta)
		if s := status(); s != station.Unavailable {
			t.Errorf("port of an unavailable station is %s", s)
		}
		if v := h.variable("Connector@1.1:AvailabilityState"); v != "Available" {
			t.Errorf("stored %q", v)
		}
	})
}

func TestDeviceOverREST(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.connect(ocpp.V201)
		h.boot(p, "S1")
		h.settle()
		h.reports(p, h.box.asked, 0, false, entry("SampledDataCtrlr", 0, 0, "TxUpdatedInterval", "0"), entry("Connector", 1, 1, "ConnectorType", "cCCS2"))
		h.settle()
		_, err := h.SecurityEventNotification(t.Context(), p, &ocpp.SecurityEventNotificationRequest{Type: "TamperDetectionActivated", Timestamp: ocpp.DateTime{Time: t0}, TechInfo: "lid"})
		h.must(err)
		seven := 7
		h.must(h.Notification(t.Context(), p, &ocpp.FirmwareStatusNotificationRequest{Status: ocpp.FirmwareStatusEnumInstalled, RequestID: &seven}))
		h.must(h.Notification(t.Context(), p, &ocpp.LogStatusNotificationRequest{Status: ocpp.UploadLogStatusEnumUploaded, RequestID: &seven}))
		h.must(h.Notification(t.Context(), p, &ocpp.ReservationStatusUpdateRequest{ReservationID: 3, ReservationUpdateStatus: "Expired"}))
		if r, err := h.DataTransfer(t.Context(), p, &ocpp.DataTransferRequest{VendorID: "EV-BOX"}); err != nil || r.Status != "UnknownVendorId" {
			t.Errorf("%+v, %v", r, err)
		}
		north, south := h.north.For(t).Counting(webtest.Facts(t, h.db)), h.south.For(t)
		const base = "/charging-stations/cs-1"
		north.Run(
			webtest.Scenario{Name: "variables", Method: "GET", Path: base + "/variables", Status: 200, Contains: []string{`"component":"SampledDataCtrlr"`, `"variable":"TxUpdatedInterval"`, `"value":"60"`, `"mutability":"ReadWrite"`}},
			webtest.Scenario{Name: "of one component", Method: "GET", Path: base + "/variables?component=Connector&evse=1", Status: 200, Contains: []string{"cCCS2"}, Lacks: []string{"TxUpdatedInterval"}},
			webtest.Scenario{Name: "history", Method: "GET", Path: base + "/variables/history?path=sampleddatactrlr:txupdatedinterval", Status: 200, Contains: []string{`"value":"0"`, `"value":"60"`, `"source":"baseline"`}},
			webtest.Scenario{Name: "boots", Method: "GET", Path: base + "/boots", Status: 200, Contains: []string{`"reason":"PowerUp"`, `"status":"Accepted"`, `"iccid":"89"`}},
			webtest.Scenario{Name: "security events", Method: "GET", Path: base + "/security-events?type=TamperDetectionActivated", Status: 200, Contains: []string{`"tech_info":"lid"`}},
			webtest.Scenario{Name: "notices", Method: "GET", Path: base + "/notices", Status: 200, Contains: []string{"ReservationStatusUpdate", `"reservationId":3`, "FirmwareStatusNotification"}},
			webtest.Scenario{Name: "device", Method: "GET", Path: base + "/device", Status: 200, Contains: []string{`"firmware_status":"Installed"`, `"log_status":"Uploaded"`, `"firmware_request_id":7`, `"rule":"sampled-interval"`, `"status":"met"`}},
			webtest.Scenario{Name: "refresh", Method: "POST", Path: base + "/variables/refresh", Status: 202, Contains: []string{`"reading":false`}},
		)
		for _, path := range []string{"/variables", "/variables/history", "/boots", "/security-events", "/notices", "/device"} {
			south.Run(webtest.Scenario{Name: "foreign " + path, Method: "GET", Path: base + path, Status: 404, Code: "station.unknown"})
		}
		reads := h.box.reads
		h.settle()
		if h.box.reads != reads+1 {
			t.Error("refresh read nothing")
		}
	})
}

// A station that boots every few seconds without having restarted is answered
// each time, and asked nothing.
func TestBootsWithoutRestartAreOnlyAnswered(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.connect(ocpp.V201)
		h.boot(p, "S1")
		h.settle()
		h.reports(p, h.box.asked, 0, false)
		h.settle()
		h.box.sets, h.box.gets = nil, 0
		for range 3 {
			if r := h.boot(p, "S1"); r.Status != ocpp.RegistrationStatusEnumAccepted {
				t.Errorf("%+v", r)
			}
			h.settle()
		}
		if h.box.gets != 0 || len(h.box.sets) != 0 {
			t.Errorf("asked %d times, set %v", h.box.gets, h.box.sets)
		}
	})
}

// A Pending boot is stored and starts nothing.
func TestPendingBootIsOnlyStored(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		_, err := h.stations.Deactivate(h.ctx(), "CS-1")
		h.must(err)
		if r := h.boot(h.connect(ocpp.V16), "S1"); r.Status != ocpp.RegistrationStatusEnumPending {
			t.Fatalf("%+v", r)
		}
		for range 5 { // it waits, and boots every minute
			h.clock.Advance(time.Minute)
			h.boot(ocpp.Peer{Station: "CS-1", Version: ocpp.V16}, "S1")
		}
		h.settle()
		boots := strings.Count(h.north.For(t).Must(200, "GET", "/charging-stations/CS-1/boots", "").Body, `"reason"`)
		if boots != 1 {
			t.Errorf("%d boots stored", boots)
		}
		if h.box.reads != 0 || len(h.box.sets) != 0 {
			t.Errorf("a pending station was asked: %d reads, %v", h.box.reads, h.box.sets)
		}
		h.north.For(t).Run(webtest.Scenario{Name: "boots", Method: "GET", Path: "/charging-stations/CS-1/boots", Status: 200, Contains: []string{`"status":"Pending"`}})
	})
}

// What somebody wishes while a device is compared is not undone by what was
// read before; nor does a wish come back that was withdrawn meanwhile.
func TestWishesOvertakeTheirFulfilment(t *testing.T) {
	early, late := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 1, 0, 0, 1, 0, time.UTC)
	stored := []Desired{{Path: "a", Rule: byOperator, WishedAt: late}, {Path: "b", Rule: "baseline"}}
	for _, c := range []struct {
		path, rule string
		wishedAt   time.Time
		want       bool
	}{
		{"a", "baseline", time.Time{}, true}, {"a", byOperator, early, true}, {"a", byOperator, late, false},
		{"b", "baseline", time.Time{}, false}, {"c", "baseline", time.Time{}, false}, {"c", byOperator, early, true},
	} {
		if got := (fulfilled{Desired: Desired{Path: c.path, Rule: c.rule}, wishedAt: c.wishedAt}).overtaken(stored); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
