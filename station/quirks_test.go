package station

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// quirkRows is a table of quirks with one row.
type quirkRows []ocpp.Quirk

func (r quirkRows) All() []ocpp.Quirk { return r }

func (r quirkRows) Of(m ocpp.Make) []ocpp.Quirk {
	if strings.HasPrefix(m.Vendor, "Acme") {
		return r
	}
	return nil
}

func (r quirkRows) Tolerated(m ocpp.Make) ocpp.Tolerance {
	if len(r.Of(m)) > 0 {
		return ocpp.TolerateSlowReturn
	}
	return 0
}

var slow = quirkRows{{ID: "Q10", Stations: "Acme One", Switch: "slow_return", Applies: "model", Behaviour: "may need 15 minutes", Response: "counted as absent"}}

func TestQuirk_Q10_SlowReturn(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.d.Quirks = slow
		h.create(Draft{ID: "CS-1"})
		p := h.connect("CS-1")
		h.boot(p, "S")
		h.status(p, 1, 1, "Available")
		h.facts()
		h.Disconnected(t.Context(), p, "gone")
		h.clock.Advance(14 * time.Minute)
		h.must(h.sweepGone(t.Context()))
		h.wantFacts()
		h.clock.Advance(2 * time.Minute)
		h.must(h.sweepGone(t.Context()))
		h.wantFacts(KindDisconnected, KindStatusChanged)

		h.must(h.Tolerate(h.ctx(), "CS-1", "slow_return", new(bool)))
		h.facts()
		p = h.connect("CS-1")
		h.facts()
		h.Disconnected(t.Context(), p, "gone")
		h.clock.Advance(2 * time.Minute)
		h.must(h.sweepGone(t.Context()))
		h.wantFacts(KindDisconnected, KindStatusChanged)
	})
}

func TestQuirksOverREST(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.d.Quirks = slow
		h.create(Draft{ID: "CS-1"})
		p := h.connect("CS-1")
		h.Deviation(t.Context(), p, ocpp.Deviation{Code: "long_id", Action: "Heartbeat", Detail: "x"})
		const path = "/charging-stations/CS-1/quirks"
		h.north.For(t).Run(
			webtest.Scenario{Name: "read", Method: "GET", Path: path, Status: 200, Contains: []string{`"name":"slow_return","on":false,"quirks":["Q10"]`, `"known":[]`, `"code":"long_id"`, `"count":1`}},
			webtest.Scenario{Name: "switch on", Method: "PUT", Path: path + "/slow_return", Body: `{"on":true}`, Status: 200, Contains: []string{`"name":"slow_return","on":true,"forced":true`}, Facts: []string{KindChanged}},
			webtest.Scenario{Name: "switch off", Method: "PUT", Path: path + "/slow_return", Body: `{"on":false}`, Status: 200, Contains: []string{`"name":"slow_return","on":false,"forced":false`}},
			webtest.Scenario{Name: "leave to the table", Method: "PUT", Path: path + "/slow_return", Body: `{"on":null}`, Status: 200, Lacks: []string{"forced"}},
			webtest.Scenario{Name: "no such switch", Method: "PUT", Path: path + "/warp", Body: `{"on":true}`, Status: 404, Contains: []string{"slow_return"}},
			webtest.Scenario{Name: "no such station", Method: "PUT", Path: "/charging-stations/CS-9/quirks/slow_return", Body: `{"on":true}`, Status: 404},
		)
		h.viewer.For(t).Run(
			webtest.Scenario{Name: "a viewer reads", Method: "GET", Path: path, Status: 200},
			webtest.Scenario{Name: "a viewer switches nothing", Method: "PUT", Path: path + "/slow_return", Body: `{"on":true}`, Status: 403, Facts: []string{}},
		)
		h.south.For(t).Run(
			webtest.Scenario{Name: "another organisation", Method: "GET", Path: path, Status: 404},
			webtest.Scenario{Name: "another organisation switches", Method: "PUT", Path: path + "/slow_return", Body: `{"on":true}`, Status: 404, Facts: []string{}},
		)
	})
}

// What a person switched is told to the gateway with the handshake.
func TestAdmissionCarriesTheSwitches(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.d.Quirks = slow
		password := h.create(Draft{ID: "CS-1"})
		on, off := true, false
		h.must(h.Tolerate(h.ctx(), "CS-1", "basic_user", &on))
		h.must(h.Tolerate(h.ctx(), "CS-1", "no_subprotocol", &off))
		shake := h.handshake("CS-1", password)
		shake.User = "SN-4711"
		a, err := h.Connect(t.Context(), shake)
		if err != nil || a.On != ocpp.TolerateBasicUser || a.Off != ocpp.TolerateNoSubprotocol {
			t.Fatalf("%+v %v", a, err)
		}
		if !slices.ContainsFunc(h.view("CS-1").Deviations, func(d Deviation) bool { return d.Code == "basic_user" }) {
			t.Error("the deviation is not shown")
		}
		h.boot(h.connect("CS-1"), "SN-1")
		if a, err = h.Connect(t.Context(), shake); err != nil || !a.Make.Known() {
			t.Errorf("%+v %v", a, err)
		}
	})
}
