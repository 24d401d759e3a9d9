package device

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
)

func decimal(t *testing.T, s string) unit.Decimal {
	t.Helper()
	d, err := unit.ParseDecimal(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestStreamTime(t *testing.T) {
	base := t0.Add(-time.Minute)
	for after, want := range map[string]time.Time{"0": base, "1.5": base.Add(1500 * time.Millisecond), "0.0000001": base, "-2": base.Add(-2 * time.Second), "1e30": t0} {
		if got := streamTime(base, decimal(t, after), t0); !got.Equal(want) {
			t.Errorf("%s s after: %v, want %v", after, got, want)
		}
	}
	if got := streamTime(time.Unix(100, 0), decimal(t, "1"), t0); !got.Equal(t0) {
		t.Errorf("a clock that was never set gave %v", got)
	}
}

func TestStreamsOfValues(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.ready(ocpp.V21)
		tell := func(r ocpp.Request) { t.Helper(); h.must(h.Notification(t.Context(), p, r)) }
		values := func(stream int, all ...string) *ocpp.NotifyPeriodicEventStreamRequest {
			r := &ocpp.NotifyPeriodicEventStreamRequest{ID: stream, Pending: 3, Basetime: ocpp.DateTime{Time: h.clock.Now()}}
			for i, v := range all {
				r.Data = append(r.Data, ocpp.StreamDataElement{T: unit.Decimal{Coef: int64(i), Exp: 0}, V: v})
			}
			return r
		}
		interval := 60
		tell(&ocpp.OpenPeriodicEventStreamRequest{ConstantStreamData: ocpp.ConstantStreamData{ID: 4, VariableMonitoringID: 7, Params: ocpp.PeriodicEventStreamParams{Interval: &interval}}})
		tell(values(4, "16.2", "16.4"))
		tell(values(9, "1")) // opened before we were there
		north := h.north.For(t)
		const at = "/charging-stations/CS-1"
		if s := north.Must(200, "GET", at+"/event-streams", "").Body; !strings.Contains(s, `"stream_id":4,"monitor_id":7,"interval_s":60,"pending":3`) || strings.Contains(s, "closed_at") {
			t.Errorf("the streams: %s", s)
		}
		if s := north.Must(200, "GET", at+"/event-stream-values?sort=at&stream_id=4", "").Body; !strings.Contains(s, `"monitor_id":7,"value":"16.2"`) || !strings.Contains(s, `"16.4"`) || strings.Contains(s, `"value":"1"`) {
			t.Errorf("the values: %s", s)
		}
		if s := north.Must(200, "GET", at+"/event-stream-values?format=csv", "").Body; strings.Count(s, "\n") < 4 {
			t.Errorf("as CSV: %s", s)
		}
		tell(&ocpp.ClosePeriodicEventStreamRequest{ID: 4})
		if s := north.Must(200, "GET", at+"/event-streams", "").Body; !strings.Contains(s, "closed_at") {
			t.Errorf("closed: %s", s)
		}
		h.south.For(t).Must(404, "GET", at+"/event-streams", "")
		h.south.For(t).Must(404, "GET", at+"/event-stream-values", "")
	})
}

func TestWhatStationsTellOfTheGrid(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.ready(ocpp.V21)
		facts := h.newFacts()
		tell := func(r ocpp.Request) { t.Helper(); h.must(h.Notification(t.Context(), p, r)) }
		now, ended := ocpp.DateTime{Time: h.clock.Now()}, true
		for range 2 { // its message comes again
			tell(&ocpp.NotifyDERAlarmRequest{ControlType: ocpp.DERControlEnumFreqDroop, GridEventFault: ocpp.GridEventFaultEnum("OverFrequency"), Timestamp: now})
		}
		tell(&ocpp.NotifyDERAlarmRequest{ControlType: ocpp.DERControlEnumFreqDroop, AlarmEnded: &ended, Timestamp: now})
		tell(&ocpp.ReportDERControlRequest{RequestID: 1, FixedVar: []ocpp.FixedVarGet{{ID: "old", FixedVar: ocpp.FixedVar{Priority: 2}}}, Gradient: []ocpp.GradientGet{{ID: "slope"}}})
		tell(&ocpp.NotifyDERStartStopRequest{ControlID: "new", Started: true, SupersededIDs: []string{"old"}, Timestamp: now})
		if n := len(slices.DeleteFunc(facts(), func(k string) bool { return k != KindDER })); n != 3 {
			t.Errorf("%d facts, want the alarm, its end and the start", n)
		}
		north := h.north.For(t)
		if s := north.Must(200, "GET", "/der-events?kind=alarm", "").Body; strings.Count(s, `"kind":"alarm"`) != 1 || !strings.Contains(s, `"station_id":"CS-1"`) || !strings.Contains(s, "OverFrequency") {
			t.Errorf("alarms: %s", s)
		}
		if s := north.Must(200, "GET", "/charging-stations/CS-1/der-events?kind=started", "").Body; !strings.Contains(s, `"control_id":"new","superseded_ids":["old"]`) {
			t.Errorf("starts: %s", s)
		}
		controls := north.Must(200, "GET", "/charging-stations/CS-1/der-controls", "").Body
		for _, want := range []string{`"control_id":"new","default":false,"superseded":false,"active":true`, `"control_id":"old","control_type":"FixedVar","default":false,"superseded":true,"active":false`,
			`"control_id":"slope","control_type":"Gradients","default":true,"superseded":false,"setting"`} {
			if !strings.Contains(controls, want) {
				t.Errorf("the controls hold no %s: %s", want, controls)
			}
		}
		h.south.For(t).Must(404, "GET", "/charging-stations/CS-1/der-controls", "")
		if s := h.south.For(t).Must(200, "GET", "/der-events", "").Body; strings.Contains(s, "CS-1") {
			t.Errorf("another organisation sees %s", s)
		}
	})
}

func TestBatteriesGoInAndOut(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.ready(ocpp.V21)
		facts := h.newFacts()
		in := &ocpp.BatterySwapRequest{EventType: ocpp.BatterySwapEventEnumBatteryIn, RequestID: 5, IdToken: ocpp.IdToken{IdToken: "CARD1", Type: "ISO14443"},
			BatteryData: []ocpp.BatteryData{{EVSEID: 1, SerialNumber: "B1", SoC: decimal(t, "12.5"), SoH: decimal(t, "99")}, {EVSEID: 2, SerialNumber: "B2", SoC: decimal(t, "900"), SoH: decimal(t, "80")}}}
		for range 2 { // its message comes again
			h.must(h.Notification(t.Context(), p, in))
		}
		if n := len(slices.DeleteFunc(facts(), func(k string) bool { return k != KindBatterySwap })); n != 2 {
			t.Errorf("%d facts for two batteries", n)
		}
		north := h.north.For(t)
		if s := north.Must(200, "GET", "/charging-stations/CS-1/battery-swaps?sort=serial_number", "").Body; !strings.Contains(s, `"request_id":5,"event":"BatteryIn","id_token":"CARD1"`) || !strings.Contains(s, `"serial_number":"B1","soc":"12.5"`) ||
			!strings.Contains(s, `"serial_number":"B2","soc":"100"`) {
			t.Errorf("swaps: %s", s)
		}
		if s := north.Must(200, "GET", "/battery-swaps?soc[lt]=50", "").Body; !strings.Contains(s, `"B1"`) || strings.Contains(s, `"B2"`) {
			t.Errorf("below 50 %%: %s", s)
		}
		h.south.For(t).Must(404, "GET", "/charging-stations/CS-1/battery-swaps", "")
	})
}
