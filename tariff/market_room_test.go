package tariff_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/schema/schematest"
	"github.com/forecourt-ev/forecourt/station"
	"github.com/forecourt-ev/forecourt/tariff"
)

const byTheHour = `{"id":"hourly","elements":[{"price_components":[{"type":"TIME","price":3,"vat":20,"step_size":1},{"type":"PARKING_TIME","price":3,"vat":20,"step_size":1}]}]}`

// port gives N-1 an EVSE of some power.
func (h *house) port(t *testing.T, stations ...string) {
	t.Helper()
	for _, id := range stations {
		err := h.d.Update(context.Background(), func(tx *db.Tx) error {
			return h.stations.Describe(tx, id, []station.PortSpec{{EVSE: 1, MaxPower: 150_000}, {EVSE: 2, MaxPower: 22_000}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestUnlawfulTariffsAreRefused(t *testing.T) {
	t.Parallel()
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, _ *schematest.Clock) {
		h := open(t, d)
		h.port(t, "N-1")
		owner := h.as(t, identity.Owner, h.north)
		owner.Must(201, "POST", "/tariffs", byTheHour)
		owner.Must(201, "POST", "/tariffs", tariffAt("kwh", "0.40"))
		owner.Run(
			webtest.Scenario{Name: "by the hour at 150 kW", Method: "POST", Path: "/tariff-assignments", Body: `{"tariff":"hourly","station_id":"N-1","evse_id":1}`, Status: 422, Code: "tariff.market_rule", Facts: []string{},
				Contains: []string{"Regulation (EU) 2023/1804, Article 5(4)", "body.tariff", "Price ENERGY per kWh"}},
			webtest.Scenario{Name: "and at its site", Method: "POST", Path: "/tariff-assignments", Body: `{"tariff":"hourly","site":"` + h.depot + `"}`, Status: 422, Code: "tariff.market_rule"},
			webtest.Scenario{Name: "and at the organisation", Method: "POST", Path: "/tariff-assignments", Body: `{"tariff":"hourly"}`, Status: 422, Code: "tariff.market_rule"},
			webtest.Scenario{Name: "and in a group for everybody", Method: "POST", Path: "/tariff-groups", Status: 422, Code: "tariff.market_rule",
				Body: `{"name":"g","entries":[{"audience":"default","tariff":"hourly"}],"places":[{"station_id":"N-1"}]}`, Contains: []string{"body.entries[0].tariff"}},
			webtest.Scenario{Name: "but not for a fleet", Method: "POST", Path: "/tariff-groups", Status: 201, Body: `{"name":"g","entries":[{"audience":"fleet","tariff":"hourly"}],"places":[{"station_id":"N-1"}]}`},
			webtest.Scenario{Name: "nor at 22 kW", Method: "POST", Path: "/tariff-assignments", Body: `{"tariff":"hourly","station_id":"N-1","evse_id":2}`, Status: 201},
			webtest.Scenario{Name: "by kWh", Method: "POST", Path: "/tariff-assignments", Body: `{"tariff":"kwh","station_id":"N-1","evse_id":1}`, Status: 201},
			webtest.Scenario{Name: "which cannot turn into hours", Method: "PUT", Path: "/tariffs/kwh", Body: strings.Replace(byTheHour, "hourly", "kwh", 1), Status: 422, Code: "tariff.market_rule", Facts: []string{}},
			webtest.Scenario{Name: "the site in Germany's rules", Method: "PUT", Path: "/sites/" + h.depot + "/market", Body: `{"profiles":["DE"],"public":true}`, Status: 200, Facts: []string{"tariff.market_changed"},
				Contains: []string{`"ok":false`, `"DE.PAngV.14.2"`, `"chosen":true`}},
			webtest.Scenario{Name: "not for the public", Method: "PUT", Path: "/sites/" + h.depot + "/market", Body: `{"profiles":["DE"],"public":false}`, Status: 200, Contains: []string{`"ok":true`}},
			webtest.Scenario{Name: "by its address again", Method: "PUT", Path: "/sites/" + h.depot + "/market", Body: `{"profiles":null,"public":true}`, Status: 200, Contains: []string{`"ok":true`, `"EU"`, `"FR"`, `"chosen":false`}},
			webtest.Scenario{Name: "unknown rules", Method: "PUT", Path: "/sites/" + h.depot + "/market", Body: `{"profiles":["XX"],"public":true}`, Status: 422, Contains: []string{"body.profiles[0]"}},
			webtest.Scenario{Name: "rules of our own", Method: "PUT", Path: "/market-profiles/own", Status: 200, Contains: []string{`"id":"OWN"`},
				Body: `{"id":"own","name":"Own","countries":["FR"],"max_kwh_per_session":{"value":80,"article":"1","source":"https://example.org"},"operator_kw":{"value":172,"article":"2","source":"https://example.org"},"rules":[]}`},
			webtest.Scenario{Name: "ask the operator to register", Method: "GET", Path: "/sites/" + h.depot + "/market-check", Status: 200,
				Contains: []string{`"register":true`, `"power_kw":172`, `"max_kwh_per_session":{"value":80`}},
			webtest.Scenario{Name: "check without a site", Method: "POST", Path: "/tariffs/market-check", Status: 200, Body: `{"profiles":["US-NEVI"],"public":true,"tariff":` + byTheHour + `}`, Contains: []string{`"ok":false`, "680.116(a)(1)"}},
		)
		h.as(t, identity.Owner, h.south).Run(webtest.Scenario{Name: "foreign site", Method: "GET", Path: "/sites/" + h.depot + "/market-check", Status: 404})
	})
}

func TestPricesFollowASeries(t *testing.T) {
	t.Parallel()
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, clock *schematest.Clock) {
		h := open(t, d)
		h.port(t, "N-1")
		owner := h.as(t, identity.Owner, h.north)
		owner.Must(201, "POST", "/tariffs", tariffAt("spot", "0.40"))
		owner.Must(201, "POST", "/tariff-assignments", `{"tariff":"spot"}`)
		series := owner.Must(201, "POST", "/price-series", `{"name":"Day-ahead","currency":"EUR","interval_minutes":60}`).Field("id")
		owner.Must(200, "PUT", "/tariffs/spot/dynamic", `{"series":"`+series+`","factor":1.5,"fee":0.05,"floor":0.10,"ceiling":0.60,"lock":"session","hold_minutes":60}`)
		file := "start;price\n2026-03-01T12:00:00Z;100\n2026-03-01T14:00:00+01:00;-20\n2026-03-01T14:00:00Z;900\n"
		owner.Run(
			webtest.Scenario{Name: "a file", Method: "POST", Path: "/price-series/" + series + "/import?per=MWh", Body: file, Status: 200, Facts: []string{"tariff.series_fed"}, Contains: []string{`"last_at":"2026-03-01T15:00:00Z"`}},
			webtest.Scenario{Name: "off the grid", Method: "PUT", Path: "/price-series/" + series + "/prices", Body: `{"prices":[{"start":"2026-03-01T12:30:00Z","price":0.1}]}`, Status: 422, Contains: []string{"body.prices[0].start"}},
			webtest.Scenario{Name: "the next hours", Method: "GET", Path: "/tariffs/spot/prices?hours=5", Status: 200,
				Contains: []string{`"price_per_kwh":0.2`, `"price_per_kwh":0.1`, `"price_per_kwh":0.6`, `"price_per_kwh":0.4,"fallback":true`, `"dynamic":true`}},
			webtest.Scenario{Name: "on the price list", Method: "GET", Path: "/sites/" + h.depot + "/price-list?hours=3", Status: 200, Contains: []string{`"next_hours"`, `"price_series":"` + series, `"audience":"default"`, "0.24 EUR per kWh"}},
			webtest.Scenario{Name: "in the explanation", Method: "GET", Path: "/charging-stations/N-1/evses/1/price-explanation", Status: 200, Contains: []string{`"price_series":"` + series, "0.24 EUR per kWh"}},
		)
		first := h.version(t, start)
		owner.Must(200, "PUT", "/price-series/"+series+"/prices", `{"prices":[{"start":"2026-03-01T12:00:00Z","price":0.3}]}`)
		for at, want := range map[time.Duration]string{0: "0.60 EUR", time.Hour: "0.12 EUR", 2 * time.Hour: "0.72 EUR", 3*time.Hour + 30*time.Minute: "0.72 EUR", 4*time.Hour + time.Minute: "0.48 EUR"} {
			if got := h.version(t, start.Add(at)); !strings.Contains(got.Tariff.Sentence(tariff.English), want) {
				t.Errorf("after %s: %s, want %s", at, got.Tariff.Sentence(tariff.English), want)
			}
		}
		// What a session took stays, whatever the series says later.
		h.forget()
		err := d.View(context.Background(), func(tx *db.Tx) error {
			again, err := h.s.Version(tx, first.ID)
			if err == nil && !strings.Contains(again.Tariff.Sentence(tariff.English), "0.24 EUR") {
				t.Errorf("the first session now has %s", again.Tariff.Sentence(tariff.English))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		clock.Advance(3 * time.Hour)
		h.work(t, true)
		facts := webtest.Facts(t, d)()
		if !strings.Contains(fmt.Sprint(facts), "tariff.series_late") {
			t.Errorf("nobody was told that the series is late: %v", facts)
		}
	})
}

// version locks the price of a stranger at N-1, EVSE 1.
func (h *house) version(t *testing.T, at time.Time) (out tariff.Version) {
	t.Helper()
	err := h.d.Update(context.Background(), func(tx *db.Tx) error {
		v, err := h.s.ForEVSE(tx, string(h.north), h.depot, "N-1", 1, "", at)
		if err == nil {
			out = *v
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// work runs the jobs that are due; periodic too.
func (h *house) work(t *testing.T, periodic bool) {
	t.Helper()
	r := job.New(h.d, nil, "test", nil)
	h.s.Jobs(r)
	if periodic {
		if err := h.s.TellLate(context.Background()); err != nil {
			t.Fatal(err)
		}
		return
	}
	if _, err := r.RunDue(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// end tells the room that a session ended.
func (h *house) end(t *testing.T, id string, at time.Time, incl int64) {
	t.Helper()
	u := tariff.Quote{Start: at, Energy: 10_000 * unit.WattHour, Charging: time.Hour}.Usage()
	payload, err := json.Marshal(map[string]any{"id": id, "organisation": h.north, "site": h.depot, "station_id": "N-1", "evse_id": 1, "started_at": at, "revision": 1,
		"currency": "EUR", "cost_excl_micros": incl * 10 / 12, "cost_incl_micros": incl, "energy_mwh": 10_000_000, "usage": u, "unplugged_at": at.Add(90 * time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	err = h.d.Update(context.Background(), func(tx *db.Tx) error {
		return h.s.Consumers()[0].Handle(tx, event.Fact{Kind: "session.ended", Data: payload})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBacktestAndWizard(t *testing.T) {
	t.Parallel()
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, _ *schematest.Clock) {
		h := open(t, d)
		h.port(t, "N-1")
		owner := h.as(t, identity.Owner, h.north)
		ask := `{"site":"` + h.depot + `","sector":"retail","goal":"turnover","electricity_cost":0.20,"vat":20}`
		owner.Run(
			webtest.Scenario{Name: "no sessions yet", Method: "POST", Path: "/tariffs/wizard", Body: ask, Status: 200,
				Contains: []string{`"source":"benchmark"`, "not measurements", `"excluded":[{"model":"length_of_stay"`, "Article 5(4)", `"model":"per_kwh"`, `"model":"utility_cost"`}},
			webtest.Scenario{Name: "a template", Method: "POST", Path: "/tariffs/templates/per_kwh", Body: `{"per_kwh":0.45,"vat":20,"max":12}`, Status: 200, Facts: []string{}, Contains: []string{`"created":false`, "0.54 EUR per kWh", "at most 14.40 EUR"}},
			webtest.Scenario{Name: "stored", Method: "POST", Path: "/tariffs/templates/combined", Body: `{"id":"mix","create":true,"per_kwh":0.3,"per_hour":1.2}`, Status: 200, Facts: []string{"tariff.changed"}, Contains: []string{`"id":"mix"`}},
			webtest.Scenario{Name: "incomplete", Method: "POST", Path: "/tariffs/templates/combined", Body: `{"per_kwh":0.3}`, Status: 422, Contains: []string{"body.per_hour"}},
		)
		for i := range 6 {
			h.end(t, fmt.Sprintf("s%d", i), start.Add(-time.Duration(i+2)*24*time.Hour), int64(i)*1_200_000)
		}
		h.end(t, "s0", start.Add(-48*time.Hour), 99) // told again with the same revision: no change
		owner.Run(webtest.Scenario{Name: "own sessions", Method: "POST", Path: "/tariffs/wizard", Body: ask, Status: 200,
			Contains: []string{`"source":"own_sessions"`, `"sessions":6`, `"revenue_before":"15.00"`}, Lacks: []string{"benchmark"}})
		id := owner.Must(202, "POST", "/tariff-backtests", `{"from":"2026-01-01T00:00:00Z","sites":["`+h.depot+`"],"tariff_id":"mix"}`).Field("id")
		h.work(t, false)
		owner.Run(
			webtest.Scenario{Name: "the outcome", Method: "GET", Path: "/tariff-backtests/" + id, Status: 200,
				// 10 kWh × 0.30 + 1.5 h × 1.20 = 4.80, for each of six sessions
				Contains: []string{`"status":"done"`, `"sessions":6`, `"after_excl_micros":28800000`, `"before_incl_micros":18000000`, `"dearer":4`, `"cheaper":1`, `"site":"` + h.depot, `"hour":13`}},
			webtest.Scenario{Name: "as CSV", Method: "GET", Path: "/tariff-backtests/" + id + "/csv", Status: 200, Contains: []string{"total,,,6,60,15.00,28.80,18.00,28.80,4,1,1,0.48", "difference,"}},
			webtest.Scenario{Name: "nothing to price with", Method: "POST", Path: "/tariff-backtests", Body: `{"from":"2026-01-01T00:00:00Z","tariff_id":"none"}`, Status: 422, Contains: []string{"body.tariff_id"}},
		)
		h.as(t, identity.Owner, h.south).Run(webtest.Scenario{Name: "foreign", Method: "GET", Path: "/tariff-backtests/" + id, Status: 404})
	})
}

func TestChangesInBulk(t *testing.T) {
	t.Parallel()
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, clock *schematest.Clock) {
		h := open(t, d)
		h.port(t, "N-1")
		owner, second := h.as(t, identity.Owner, h.north), h.as(t, identity.Owner, h.north)
		for _, id := range []string{"a", "b", "c"} {
			owner.Must(201, "POST", "/tariffs", tariffAt(id, "0.40"))
		}
		owner.Must(201, "POST", "/tariff-assignments", `{"tariff":"a","station_id":"N-1","evse_id":1}`)
		owner.Must(201, "POST", "/tariff-assignments", `{"tariff":"b","site":"`+h.depot+`"}`)
		owner.Must(201, "POST", "/tariff-assignments", `{"tariff":"b"}`)
		clock.Advance(time.Hour)
		before := h.version(t, clock.Now())
		owner.Run(webtest.Scenario{Name: "used elsewhere", Method: "POST", Path: "/tariff-changes", Status: 409, Code: "tariff.used_elsewhere", Body: `{"filter":{"sites":["` + h.depot + `"]},"change":{"op":"percent","percent":10}}`, Contains: []string{"b is used in 1 other places"}},
			webtest.Scenario{Name: "nothing", Method: "POST", Path: "/tariff-changes", Status: 422, Code: "tariff.change_empty", Body: `{"filter":{},"change":{"op":"set","dimension":"FLAT","price":1}}`},
			webtest.Scenario{Name: "wrong", Method: "POST", Path: "/tariff-changes", Status: 422, Body: `{"filter":{},"change":{"op":"set"}}`, Contains: []string{"body.change.price", "body.change.dimension"}})
		id := owner.Must(201, "POST", "/tariff-changes", `{"title":"Spring","filter":{"sites":["`+h.depot+`"]},"elsewhere":"include","second_approver":true,"change":{"op":"percent","percent":12.5,"dimension":"ENERGY"}}`).Field("id")
		path := "/tariff-changes/" + id
		owner.Run(
			webtest.Scenario{Name: "the difference", Method: "GET", Path: path + "/items", Status: 200, Contains: []string{"0.48 EUR per kWh", "0.54 EUR per kWh", `"state":"planned"`, `"places":2`}},
			webtest.Scenario{Name: "not alone", Method: "POST", Path: path + "/apply", Body: `{}`, Status: 409, Code: "tariff.change_unapproved"},
			webtest.Scenario{Name: "not oneself", Method: "POST", Path: path + "/approve", Status: 403, Code: "tariff.change_own"},
		)
		second.Must(200, "POST", path+"/approve", "")
		owner.Must(200, "POST", path+"/apply", `{"at":"2026-03-01T14:00:00Z"}`)
		h.work(t, false)
		owner.Run(webtest.Scenario{Name: "not yet", Method: "GET", Path: path, Status: 200, Contains: []string{`"status":"scheduled"`, `"done":0`}})
		clock.Advance(2 * time.Hour)
		h.work(t, false)
		owner.Run(
			webtest.Scenario{Name: "done", Method: "GET", Path: path, Status: 200, Contains: []string{`"status":"applied"`, `"done":2`, `"failed":0`, `"total":2`}},
			webtest.Scenario{Name: "not twice", Method: "POST", Path: path + "/apply", Body: `{}`, Status: 409, Code: "tariff.change_state"},
			webtest.Scenario{Name: "dearer", Method: "GET", Path: "/tariffs/a", Status: 200, Contains: []string{`"version":2`, `"price":0.45`}},
		)
		if after := h.version(t, clock.Now()); after.ID == before.ID {
			t.Error("the price is the same as before")
		}
		owner.Must(200, "PUT", "/tariffs/b", strings.Replace(tariffAt("b", "0.50"), "x", "x", 1))
		owner.Must(200, "POST", path+"/rollback", "")
		h.work(t, false)
		owner.Run(
			webtest.Scenario{Name: "taken back", Method: "GET", Path: "/tariffs/a", Status: 200, Contains: []string{`"version":3`, `"price":0.4,`}},
			webtest.Scenario{Name: "but not over a later change", Method: "GET", Path: path + "/items", Status: 200, Contains: []string{`"state":"rolled_back"`, "newer version"}},
			webtest.Scenario{Name: "rolled back", Method: "GET", Path: path, Status: 200, Contains: []string{`"status":"rolled_back"`, `"failed":1`}},
		)
		copied := "/tariff-changes/" + owner.Must(201, "POST", "/tariff-changes", `{"filter":{},"change":{"op":"copy","tariff":"c"}}`).Field("id")
		owner.Must(200, "POST", copied+"/apply", `{}`)
		h.work(t, false)
		if got := h.pays(t, "", clock.Now()); got != "c" {
			t.Errorf("after the copy %q applies", got)
		}
		clock.Advance(time.Minute)
		owner.Must(200, "POST", copied+"/rollback", "")
		h.work(t, false)
		if got := h.pays(t, "", clock.Now()); got != "a" {
			t.Errorf("after the roll-back %q applies", got)
		}
	})
}
