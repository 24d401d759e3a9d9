package device

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

func TestGlob(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "anything", true}, {"*", "", true}, {"acme", "ACME", true}, {"Acme*", "acme ltd", true}, {"Acme", "Acme Ltd", false}, {"*AC?", "Terra AC2", true},
		{"1.?.*", "1.4.12", true}, {"1.?.*", "1.14.2", false}, {"a*b*c", "axxbxxc", true}, {"a*b*c", "axxcxxb", false}, {"über*", "ÜBER alles", true},
	} {
		if got := glob(c.pattern, c.text); got != c.want {
			t.Errorf("%q against %q: %v", c.pattern, c.text, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-c]{0,12}`).Draw(t, "text")
		i := rapid.IntRange(0, len(text)).Draw(t, "from")
		j := rapid.IntRange(i, len(text)).Draw(t, "to")
		if !glob(text[:i]+"*"+text[j:], text) {
			t.Fatalf("%q* does not match %q", text[:i], text)
		}
	})
}

func TestTemplatesHaveAnOrder(t *testing.T) {
	t.Parallel()
	old := Template{ID: "1", CreatedAt: t0}
	list := []Template{
		{ID: "organisation", CreatedAt: t0}, {ID: "deeper", depth: 1}, {ID: "version", Versions: []string{"1.6"}}, {ID: "vendor", Vendor: "Acme"}, {ID: "model pattern", Model: "On*"},
		{ID: "model", Model: "One"}, {ID: "firmware", Firmware: "1.0"}, {ID: "site", Site: "x"}, {ID: "priority", Priority: 1}, old,
		{ID: "younger", CreatedAt: t0.Add(time.Hour)}, {ID: "any pattern is none", Vendor: "*", CreatedAt: t0.Add(-time.Hour)},
	}
	slices.SortFunc(list, Template.before)
	var got []string
	for _, x := range list {
		got = append(got, x.ID)
	}
	want := "priority, site, firmware, model, model pattern, vendor, version, deeper, younger, organisation, 1, any pattern is none"
	if s := strings.Join(got, ", "); s != want && s != strings.Replace(want, "organisation, 1", "1, organisation", 1) {
		t.Errorf("%s", s)
	}
	st := station.Station{Vendor: "Acme", Model: "One", Firmware: "1.0", Protocol: "1.6", Site: "x"}
	for _, x := range list {
		if x.Enabled = true; !x.applies(st) {
			t.Errorf("%s does not apply", x.ID)
		}
		if x.Enabled = false; x.applies(st) {
			t.Errorf("%s applies though it is off", x.ID)
		}
	}
	item := []Item{{Key: "ClockAlignedDataInterval", Value: "60"}}
	rules, overruled := layer(baseline, []Template{{ID: "a", Variables: item}, {ID: "b", Variables: []Item{{Component: "AlignedDataCtrlr", Variable: "Interval", Value: "300"}}}},
		[]Desired{{Rule: byOperator, named: OfKey("HeartbeatInterval"), Value: "120"}, {Rule: "sampled-interval", named: OfKey("MeterValueSampleInterval"), Value: "60"}})
	if rules[0].ID != byOperator || rules[1].ID != "template/a" || slices.ContainsFunc(rules, func(r Rule) bool { return r.ID == "aligned-interval" || r.ID == "template/b" }) {
		t.Errorf("%v", ids(rules))
	}
	if len(overruled) != 1 || overruled[0] != (Overruled{Path: "aligneddatactrlr:interval", Rule: "template/b", Value: "300", By: "template/a"}) {
		t.Errorf("%+v", overruled)
	}
}

// ready gives a station that was read and has its baseline.
func (h *house) ready(v ocpp.Version, entries ...ocpp.ReportData) ocpp.Peer {
	h.t.Helper()
	p := h.connect(v)
	h.boot(p, "S1")
	h.settle()
	h.reports(p, h.box.asked, 0, false, entries...)
	h.settle()
	return p
}

// later lets time pass, keeps the station alive and runs what is due.
func (h *house) later(p ocpp.Peer, d time.Duration) {
	h.t.Helper()
	h.clock.Advance(d)
	h.stations.Seen(h.t.Context(), ocpp.Sign{Peer: p, At: h.clock.Now()})
	h.must(h.reconcile(h.t.Context()))
	h.settle()
}

const acme = `{"name":"Acme","vendor":"acme*","versions":["2.0.1"],"enabled":true,"variables":[{"component":"AlignedDataCtrlr","variable":"Interval","value":"300"},{"key":"MeterValueSampleInterval","value":"20"}]}`

// A template reaches its stations, drift from it is told and corrected within
// the hour, a pause only tells, and a replaced device gets it back (field
// note 9).
func TestTemplateFromBirthToDeath(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.box.values["TxCtrlr.EVConnectionTimeOut"] = "30"
		p := h.ready(ocpp.V201, entry("AlignedDataCtrlr", 0, 0, "Interval", "0"), entry("SampledDataCtrlr", 0, 0, "TxUpdatedInterval", "0"))
		facts := h.newFacts()
		north := h.north.For(t)
		preview := north.Must(200, "POST", "/device-templates/preview", acme)
		if s := preview.Body; !strings.Contains(s, `"changing":1`) || !strings.Contains(s, `"actual":"900","wanted":"300","what":"change"`) {
			t.Errorf("preview: %s", s)
		}
		id := north.Must(201, "POST", "/device-templates", acme).Field("id")
		path := "/device-templates/" + id
		if s := north.Must(200, "GET", path+"/progress", "").Body; !strings.Contains(s, `"stations":1`) || !strings.Contains(s, `"pending":1`) {
			t.Errorf("progress before: %s", s)
		}
		h.later(p, time.Minute)
		if a, b := h.box.value("AlignedDataCtrlr.Interval"), h.box.value("SampledDataCtrlr.TxUpdatedInterval"); a != "300" || b != "20" {
			t.Fatalf("the station has %s and %s", a, b)
		}
		if s := north.Must(200, "GET", path+"/progress", "").Body; !strings.Contains(s, `"applied":1`) || !strings.Contains(s, `"met":2`) {
			t.Errorf("progress after: %s", s)
		}
		facts()
		h.box.values["AlignedDataCtrlr.Interval"] = "10" // somebody at its own web page
		h.later(p, time.Hour)
		if v := h.box.value("AlignedDataCtrlr.Interval"); v != "300" {
			t.Errorf("drift was not corrected: %s", v)
		}
		if got := facts(); !slices.Contains(got, KindDrifted) || !slices.Contains(got, KindDriftCleared) {
			t.Errorf("facts %v", got)
		}
		if s := north.Must(200, "GET", "/charging-stations/CS-1/variables/history?path=aligneddatactrlr:interval", "").Body; !strings.Contains(s, `"source":"template/`+id) {
			t.Errorf("history: %s", s)
		}
		north.Must(200, "PUT", "/charging-stations/CS-1/reconciliation", `{"paused":true}`)
		h.settle()
		facts()
		h.box.values["AlignedDataCtrlr.Interval"] = "11"
		h.later(p, time.Hour)
		if s := north.Must(200, "GET", "/desired-variables?drifted=true", "").Body; h.box.value("AlignedDataCtrlr.Interval") != "11" || !strings.Contains(s, `"value":"300","actual":"11","status":"drifted"`) {
			t.Errorf("paused: %s", s)
		}
		if got := facts(); !slices.Contains(got, KindDrifted) || slices.Contains(got, KindDriftCleared) {
			t.Errorf("facts %v", got)
		}
		h.later(p, time.Hour)
		if got := facts(); slices.Contains(got, KindDrifted) {
			t.Errorf("told twice: %v", got)
		}
		north.Must(200, "PUT", "/charging-stations/CS-1/reconciliation", `{"paused":false}`)
		h.settle()
		if got := facts(); h.box.value("AlignedDataCtrlr.Interval") != "300" || !slices.Contains(got, KindDriftCleared) {
			t.Errorf("resumed: %s, %v", h.box.value("AlignedDataCtrlr.Interval"), got)
		}
		h.box.values["AlignedDataCtrlr.Interval"] = "0"
		h.boot(p, "S2")
		h.settle()
		h.reports(p, h.box.asked, 0, false)
		h.settle()
		if v := h.box.value("AlignedDataCtrlr.Interval"); v != "300" {
			t.Errorf("the new device has %s", v)
		}
		h.south.For(t).Run(
			webtest.Scenario{Name: "foreign template", Method: "GET", Path: path, Status: 404, Code: "device.template_unknown"},
			webtest.Scenario{Name: "foreign list", Method: "GET", Path: "/desired-variables", Status: 200, Lacks: []string{"CS-1"}},
			webtest.Scenario{Name: "foreign delete", Method: "DELETE", Path: path, Status: 404, Code: "device.template_unknown"},
		)
		north.Must(204, "DELETE", path, "")
		h.later(p, 3*time.Minute)
		if d := h.desired()["AlignedDataCtrlr.Interval"]; d.Rule != "aligned-interval" || h.box.value("AlignedDataCtrlr.Interval") != "900" {
			t.Errorf("without the template: %+v", d)
		}
	})
}

// What contradicts is shown, and what cannot be meant is refused with what is
// allowed.
func TestTemplatesThatContradictOrCannotBe(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.ready(ocpp.V201, entry("AlignedDataCtrlr", 0, 0, "Interval", "0"))
		north := h.north.For(t)
		north.Must(201, "POST", "/device-templates", acme)
		weak := north.Must(201, "POST", "/device-templates", `{"name":"All","priority":-1,"enabled":true,"variables":[{"component":"AlignedDataCtrlr","variable":"Interval","value":"60"},{"component":"No","variable":"Such","value":"1"}]}`).Field("id")
		h.later(p, time.Minute)
		north.Run(
			webtest.Scenario{Name: "contradiction", Method: "GET", Path: "/charging-stations/CS-1/templates", Status: 200, Contains: []string{`"rule":"template/` + weak + `","value":"60","by":"template/`}},
			webtest.Scenario{Name: "partial", Method: "GET", Path: "/device-templates/" + weak + "/progress", Status: 200, Contains: []string{`"partial":1`, `"unsupported":1`}},
			webtest.Scenario{Name: "wrong values", Method: "POST", Path: "/device-templates", Body: `{"name":"x","enabled":true,"versions":["1.5"],"variables":[{"component":"TxCtrlr","variable":"EVConnectionTimeOut","value":"soon"},{"component":"SecurityCtrlr","variable":"BasicAuthPassword","value":"hunter2hunter2hunter2"},{"key":"NumberOfConnectors","value":"4"}],"monitors":[{"component":"A","variable":"B","type":"Delta","value":-1,"severity":3}]}`,
				Status: 422, Code: "device.template", Contains: []string{"whole number", "is a secret", "ReadOnly", "cannot be negative", "1.6, 2.0.1 or 2.1"}},
			webtest.Scenario{Name: "draft", Method: "GET", Path: "/charging-stations/CS-1/template-draft", Status: 200, Contains: []string{`"vendor":"Acme"`, `"variable":"Interval"`, `"enabled":false`}},
			webtest.Scenario{Name: "missing", Method: "GET", Path: "/charging-stations/CS-1/missing-variables", Status: 200, Contains: []string{"ItemsPerMessage", "how many entries"}},
		)
	})
}

func TestPeopleSetVariables(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		limits := entry("AlignedDataCtrlr", 0, 0, "Interval", "0")
		limits.VariableCharacteristics = &ocpp.VariableCharacteristics{DataType: ocpp.DataEnumInteger, Unit: "s"}
		h.ready(ocpp.V201, limits)
		facts := h.newFacts()
		north := h.north.For(t)
		const at = "/charging-stations/CS-1/variables"
		north.Run(
			webtest.Scenario{Name: "wrong", Method: "PATCH", Path: at, Body: `{"variables":[{"component":"AlignedDataCtrlr","variable":"Interval","value":"often"}]}`, Status: 422, Code: "device.variables", Contains: []string{"whole number"}},
			webtest.Scenario{Name: "twice", Method: "PATCH", Path: at, Body: `{"variables":[{"component":"AlignedDataCtrlr","variable":"Interval","value":"1"},{"key":"ClockAlignedDataInterval","value":"2"}]}`, Status: 422, Code: "device.variables", Contains: []string{"second time"}},
			webtest.Scenario{Name: "wish", Method: "PATCH", Path: at, Body: `{"variables":[{"component":"AlignedDataCtrlr","variable":"Interval","value":"120"}]}`, Status: 200, Contains: []string{`"status":"pending"`}},
		)
		h.settle()
		if v := h.box.value("AlignedDataCtrlr.Interval"); v != "120" {
			t.Errorf("wished 120, has %s", v)
		}
		north.Run(
			webtest.Scenario{Name: "history says who", Method: "GET", Path: at + "/history?value=120", Status: 200, Contains: []string{`"source":"operator test"`}},
			webtest.Scenario{Name: "once", Method: "PATCH", Path: at, Body: `{"once":true,"variables":[{"component":"AlignedDataCtrlr","variable":"Interval","value":"33"},{"component":"No","variable":"Such","value":"1"}]}`, Status: 200,
				Contains: []string{`"status":"Accepted","desired_by":"operator"`, `"status":"UnknownVariable"`}},
			webtest.Scenario{Name: "withdraw", Method: "DELETE", Path: "/charging-stations/CS-1/desired?path=AlignedDataCtrlr:Interval", Status: 204},
			webtest.Scenario{Name: "withdraw again", Method: "DELETE", Path: "/charging-stations/CS-1/desired?path=AlignedDataCtrlr:Interval", Status: 404, Code: "device.no_wish"},
		)
		h.settle()
		if d := h.desired()["AlignedDataCtrlr.Interval"]; d.Rule != "aligned-interval" || d.Status != Met {
			t.Errorf("%+v", d)
		}
		if got := facts(); slices.Contains(got, KindDrifted) {
			t.Errorf("what people changed is no drift: %v", got)
		}
		h.south.For(t).Run(webtest.Scenario{Name: "foreign", Method: "PATCH", Path: at, Body: `{"variables":[{"key":"A","value":"1"}]}`, Status: 404, Code: "station.unknown"})
		h.box.gone = true
		north.Run(webtest.Scenario{Name: "once, offline", Method: "PATCH", Path: at, Body: `{"once":true,"variables":[{"key":"A","value":"1"}]}`, Status: 503, Code: "gateway.offline"})
	})
}

// newFacts gives the kinds of the facts recorded since it was last called.
func (h *house) newFacts() func() []string {
	all := webtest.Facts(h.t, h.db)
	seen := len(all())
	return func() []string {
		now := all()
		fresh := now[seen:]
		seen = len(now)
		return fresh
	}
}
