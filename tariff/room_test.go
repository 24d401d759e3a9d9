package tariff_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/location"
	"github.com/forecourt-ev/forecourt/schema/schematest"
	"github.com/forecourt-ev/forecourt/station"
	"github.com/forecourt-ev/forecourt/tariff"
)

type house struct {
	d                  *db.DB
	s                  *tariff.Service
	stations           *station.Service
	locations          *location.Service
	identity           *identity.Service
	anyone             *webtest.Client
	root, north, south identity.OrgID
	depot, harbour     string // a site of each
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, d *db.DB) *house {
	t.Helper()
	people := identity.New(identity.Deps{DB: d})
	first, _, err := people.Bootstrap(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	h := &house{d: d, identity: people, root: first.Organisation}
	h.north, h.south = h.organisation(t, "North"), h.organisation(t, "South")
	locations, err := location.New(location.Deps{DB: d})
	if err != nil {
		t.Fatal(err)
	}
	stations, err := station.New(station.Deps{DB: d, Locations: locations, Secret: []byte("0123456789abcdef")})
	if err != nil {
		t.Fatal(err)
	}
	h.depot, h.harbour = h.site(t, locations, h.north), h.site(t, locations, h.south)
	for id, site := range map[station.ID]string{"N-1": h.depot, "S-1": h.harbour} {
		if _, _, err := stations.Create(identity.System(context.Background(), ""), station.Draft{ID: id, Site: site, Profile: 1}); err != nil {
			t.Fatal(err)
		}
	}
	h.stations, h.locations = stations, locations
	h.forget()
	api := web.New(web.Config{DB: d, Guard: people.Guard})
	h.s.Routes(api)
	h.anyone = webtest.New(t, api.Handler())
	return h
}

// forget makes the room anew, with nothing in its caches.
func (h *house) forget() {
	h.s = tariff.New(tariff.Deps{DB: h.d, Locations: h.locations, Stations: h.stations})
}

func (h *house) site(t *testing.T, l *location.Service, org identity.OrgID) string {
	t.Helper()
	s, err := l.Create(identity.System(context.Background(), ""), location.Site{Org: string(org), Name: "Site", Address: location.Address{Country: "FR"}})
	if err != nil {
		t.Fatal(err)
	}
	return string(s.ID)
}

func (h *house) organisation(t *testing.T, name string) identity.OrgID {
	t.Helper()
	o, err := h.identity.CreateOrganisation(identity.System(context.Background(), ""),
		identity.Organisation{Name: name, Parent: h.root, Country: "FR", Currency: "EUR", TimeZone: "Europe/Paris", Language: "fr"})
	if err != nil {
		t.Fatal(err)
	}
	return o.ID
}

func (h *house) as(t *testing.T, role identity.RoleID, org identity.OrgID) *webtest.Client {
	t.Helper()
	_, key, err := h.identity.CreateKey(identity.System(context.Background(), ""), identity.APIKey{Name: fmt.Sprintf("%s of %s", role, org), Role: role, Org: org})
	if err != nil {
		t.Fatal(err)
	}
	return h.anyone.Bearer(key).Counting(webtest.Facts(t, h.d))
}

const energy = `"elements":[{"price_components":[{"type":"ENERGY","price":0.40,"vat":20,"step_size":1}]}]`

func TestTariffsOverREST(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		owner, south := h.as(t, identity.Owner, h.north), h.as(t, identity.Owner, h.south)
		full := `{"country_code":"DE","party_id":"ALL","id":"Day-1","currency":"EUR","type":"REGULAR","tariff_alt_url":"https://example.org/t",
			"min_price":{"excl_vat":0.5,"incl_vat":0.6},"energy_mix":{"is_green_energy":true},"start_date_time":"2026-01-01T00:00:00Z",
			"elements":[{"price_components":[{"type":"ENERGY","price":0.123456,"vat":20.0,"step_size":1}],
			"restrictions":{"start_time":"07:00","end_time":"22:00","day_of_week":["MONDAY"],"max_power":22.2}},
			{"price_components":[{"type":"ENERGY","price":0.1,"step_size":1}]}],"last_updated":"2020-01-01T00:00:00Z"}`
		var read string
		owner.Run(
			webtest.Scenario{Name: "create", Method: "POST", Path: "/tariffs", Body: full, Status: 201, Facts: []string{"tariff.changed"},
				Contains: []string{`"id":"Day-1"`, `"price":0.123456`, `"max_power":22.2`, `"is_green_energy":true`, `"version":1`, `"status":"active"`,
					`"summary":"Energy 0.148147 EUR per kWh Mon, from 07:00 to 22:00, below 22.2 kW, otherwise 0.10 EUR per kWh; at least 0.60 EUR; including VAT."`},
				Lacks: []string{"2020-01-01"}},
			webtest.Scenario{Name: "the same id in any case", Method: "POST", Path: "/tariffs", Body: strings.Replace(full, "Day-1", "DAY-1", 1), Status: 409, Code: "tariff.exists", Facts: []string{}},
			webtest.Scenario{Name: "what is missing comes from the organisation", Method: "POST", Path: "/tariffs", Body: `{` + energy + `}`, Status: 201,
				Contains: []string{`"country_code":"FR"`, `"party_id":"FCT"`, `"currency":"EUR"`, `"organisation":"` + string(h.north) + `"`}},
			webtest.Scenario{Name: "unknown field deep inside", Method: "POST", Path: "/tariffs", Status: 422, Facts: []string{},
				Body: `{"id":"x","elements":[{"price_components":[{"type":"ENERGY","price":0.4,"step_size":1,"per":"kWh"}]}]}`, Contains: []string{"body.elements[0].price_components[0]", "per"}},
			webtest.Scenario{Name: "unknown field", Method: "POST", Path: "/tariffs", Body: `{"id":"x","colour":1,` + energy + `}`, Status: 422, Contains: []string{"colour"}},
			webtest.Scenario{Name: "wrong values with place and fix", Method: "POST", Path: "/tariffs", Status: 422, Facts: []string{},
				Body:     `{"id":"x","elements":[{"price_components":[{"type":"ENERGY","price":-1,"step_size":1}],"restrictions":{"start_time":"25:00"}}]}`,
				Contains: []string{"body.elements[0].price_components[0].price", "must not be negative", "body.elements[0].restrictions.start_time", "00:00 to 23:59"}},
			webtest.Scenario{Name: "read", Method: "GET", Path: "/tariffs/day-1", Status: 200, Contains: []string{`"country_code":"DE"`},
				Check: func(_ testing.TB, a webtest.Answer) { read = string(a.Body) }},
			webtest.Scenario{Name: "foreign organisation", Method: "POST", Path: "/tariffs", Body: `{"organisation":"` + string(h.south) + `",` + energy + `}`, Status: 422, Contains: []string{"body.organisation"}},
		)
		owner.Run(
			webtest.Scenario{Name: "what was read can be sent back", Method: "PUT", Path: "/tariffs/Day-1", Body: strings.Replace(read, "0.123456", "0.2", 1), Status: 200,
				Contains: []string{`"version":2`, `"price":0.2`}, Facts: []string{"tariff.changed"}},
			webtest.Scenario{Name: "an old version stays", Method: "GET", Path: "/tariffs/Day-1?version=1", Status: 200, Contains: []string{`"price":0.123456`, `"version":1`, `"newest_version":2`}},
			webtest.Scenario{Name: "versions, newest first", Method: "GET", Path: "/tariffs/Day-1/versions?limit=1", Status: 200, Contains: []string{`"version":2`, "next_cursor"}},
			webtest.Scenario{Name: "the id cannot change", Method: "PUT", Path: "/tariffs/Day-1", Body: `{"id":"Day-2",` + energy + `}`, Status: 422, Contains: []string{"body.id"}},
			webtest.Scenario{Name: "unknown", Method: "PUT", Path: "/tariffs/none", Body: `{` + energy + `}`, Status: 404, Code: "tariff.unknown"},
			webtest.Scenario{Name: "list", Method: "GET", Path: "/tariffs?status=active&currency=EUR&sort=-version", Status: 200, Contains: []string{`"Day-1"`}},
			webtest.Scenario{Name: "list as CSV", Method: "GET", Path: "/tariffs?format=csv", Status: 200, Contains: []string{"id,country_code,party_id,currency", "Day-1,DE,ALL,EUR"}},
		)
		south.Run(
			webtest.Scenario{Name: "foreign tariff", Method: "GET", Path: "/tariffs/Day-1", Status: 404},
			webtest.Scenario{Name: "foreign tariffs are not listed", Method: "GET", Path: "/tariffs", Status: 200, Lacks: []string{"Day-1"}},
			webtest.Scenario{Name: "the id is free elsewhere", Method: "POST", Path: "/tariffs", Body: `{"id":"Day-1",` + energy + `}`, Status: 201},
		)
		h.as(t, identity.Owner, h.root).Run(
			webtest.Scenario{Name: "two below, none own", Method: "GET", Path: "/tariffs/Day-1", Status: 409, Code: "tariff.ambiguous"})
		h.as(t, "viewer", h.north).Run(
			webtest.Scenario{Name: "a viewer writes nothing", Method: "POST", Path: "/tariffs", Body: `{` + energy + `}`, Status: 403, Facts: []string{}})
	})
}

func TestViewsOverREST(t *testing.T) {
	t.Parallel()
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, _ *schematest.Clock) {
		h := open(t, d)
		c := h.as(t, identity.Owner, h.north)
		body := `{"id":"v","elements":[{"price_components":[{"type":"ENERGY","price":0.3,"step_size":1}],"forecourt":{"driver_groups":["staff"]}},
			{"price_components":[{"type":"ENERGY","price":0.5,"step_size":1},{"type":"PARKING_TIME","price":6,"step_size":1}]}],
			"forecourt":{"idle":{"grace_minutes":15},"allowances":[{"per":"session","kwh":5}]}}`
		var read string
		c.Run(
			webtest.Scenario{Name: "an extension is kept", Method: "POST", Path: "/tariffs", Body: body, Status: 201, Contains: []string{`"grace_minutes":15`, `"driver_groups":["staff"]`, "the first 15 min of parking are free"}},
			webtest.Scenario{Name: "what it does not know is refused", Method: "POST", Path: "/tariffs", Body: strings.Replace(body, "grace_minutes", "grace", 1), Status: 422, Contains: []string{"body.forecourt.idle"}},
			webtest.Scenario{Name: "heat map", Method: "GET", Path: "/tariffs/v/heat-map", Status: 200, Contains: []string{`"dates":["2026-02-23"`, `"dimension":"ENERGY"`, `"0.50"`}, Lacks: []string{`"0.30"`, "mixed"}},
			webtest.Scenario{Name: "of a group", Method: "GET", Path: "/tariffs/v/heat-map?driver_groups=staff&from=2026-05-04&days=1&slot_minutes=30", Status: 200, Contains: []string{`"dates":["2026-05-04"]`, `"0.30"`}},
			webtest.Scenario{Name: "of no day", Method: "GET", Path: "/tariffs/v/heat-map?from=tomorrow", Status: 422},
			webtest.Scenario{Name: "as partners get it", Method: "GET", Path: "/tariffs/v/ocpi", Status: 200, Contains: []string{`"max_kwh":5`, `"path":"elements[0].forecourt.driver_groups"`, `"language":"de"`}, Lacks: []string{`"forecourt":{`}},
			webtest.Scenario{Name: "a quote for staff", Method: "POST", Path: "/tariffs/v/quote", Body: `{"energy_wh":15000,"minutes":60,"driver_groups":["staff"]}`, Status: 200, Contains: []string{`"excl_vat":"3.00"`, `"reason":"allowance"`}},
			webtest.Scenario{Name: "read", Method: "GET", Path: "/tariffs/v", Status: 200, Check: func(_ testing.TB, a webtest.Answer) { read = string(a.Body) }},
		)
		c.Run(webtest.Scenario{Name: "and sent back", Method: "PUT", Path: "/tariffs/v", Body: read, Status: 200, Contains: []string{`"grace_minutes":15`}})
		c.With("Accept-Language", "de-DE,de;q=0.9").Run(
			webtest.Scenario{Name: "in German", Method: "GET", Path: "/tariffs/v", Status: 200, Contains: []string{"5 kWh frei pro Ladevorgang"}},
			webtest.Scenario{Name: "the list in German", Method: "GET", Path: "/tariffs", Status: 200, Contains: []string{"5 kWh frei pro Ladevorgang"}},
			webtest.Scenario{Name: "a quote in German", Method: "POST", Path: "/tariffs/v/quote", Body: `{"energy_wh":15000,"minutes":60}`, Status: 200, Contains: []string{"10 kWh genutzt", "ohne Einschränkung"}})
	})
}

func TestQuoteOverREST(t *testing.T) {
	t.Parallel()
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, _ *schematest.Clock) {
		owner := open(t, d)
		c := owner.as(t, identity.Owner, owner.north)
		c.Must(201, "POST", "/tariffs", `{"id":"q","elements":[{"price_components":[{"type":"ENERGY","price":0.5,"vat":20,"step_size":1}],"restrictions":{"start_time":"07:00","end_time":"23:00"}},
			{"price_components":[{"type":"ENERGY","price":0.25,"vat":20,"step_size":1}]},{"price_components":[{"type":"PARKING_TIME","price":6,"vat":20,"step_size":900}]}]}`)
		c.Run(
			webtest.Scenario{Name: "in the organisation's time", Method: "POST", Path: "/tariffs/q/quote", Body: `{"start":"2026-03-10T21:30:00Z","energy_wh":10000,"minutes":60,"parking_minutes":20}`, Status: 200,
				Contains: []string{`"excl_vat":"6.75"`, `"incl_vat":"8.10"`, `"billed_quantity":"30"`, "from 07:00 to 23:00", "a total of 20 min is rounded up to 30 min (steps of 15 min)"}, Facts: []string{}},
			webtest.Scenario{Name: "in another", Method: "POST", Path: "/tariffs/q/quote", Body: `{"start":"2026-03-10T21:30:00Z","energy_wh":10000,"minutes":60,"time_zone":"America/New_York"}`, Status: 200, Contains: []string{`"excl_vat":"5.00"`}},
			webtest.Scenario{Name: "now", Method: "POST", Path: "/tariffs/q/quote", Body: `{"energy_wh":1000,"minutes":10}`, Status: 200, Contains: []string{`"start":"2026-03-01T12:00:00Z"`, `"excl_vat":"0.50"`}},
			webtest.Scenario{Name: "nowhere", Method: "POST", Path: "/tariffs/q/quote", Body: `{"energy_wh":1000,"minutes":10,"time_zone":"Mars/Base"}`, Status: 422, Contains: []string{"body.time_zone"}},
			webtest.Scenario{Name: "less than nothing", Method: "POST", Path: "/tariffs/q/quote", Body: `{"energy_wh":-1,"minutes":10}`, Status: 422, Contains: []string{"body.energy_wh"}},
		)
	})
}

// applies asks which tariff a session starting at an instant gets.
func (h *house) applies(t *testing.T, org identity.OrgID, site, station string, evse int, at time.Time) string {
	t.Helper()
	out := ""
	err := h.d.View(context.Background(), func(tx *db.Tx) error {
		v, err := h.s.ForEVSE(tx, string(org), site, station, evse, "", at)
		if err != nil || v == nil {
			return err
		}
		again, err := h.s.Version(tx, v.ID)
		if err == nil && again.Tariff.ID != v.Tariff.ID {
			t.Errorf("version %s is %s, then %s", v.ID, v.Tariff.ID, again.Tariff.ID)
		}
		out = fmt.Sprintf("%s/%d", v.Tariff.ID, v.Number)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestMostSpecificWins(t *testing.T) {
	t.Parallel()
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, clock *schematest.Clock) {
		h := open(t, d)
		root, owner := h.as(t, identity.Owner, h.root), h.as(t, identity.Owner, h.north)
		root.Must(201, "POST", "/tariffs", `{"id":"root",`+energy+`}`)
		for _, id := range []string{"org", "site", "station", "evse"} {
			owner.Must(201, "POST", "/tariffs", `{"id":"`+id+`",`+energy+`}`)
		}
		owner.Must(201, "POST", "/tariffs", `{"id":"summer","start_date_time":"2026-06-01T00:00:00Z",`+energy+`}`)
		past := start.Add(-48 * time.Hour)
		expect := func(at time.Time, want ...string) {
			t.Helper()
			got := []string{h.applies(t, h.north, h.depot, "N-1", 1, at), h.applies(t, h.north, h.depot, "n-1", 2, at),
				h.applies(t, h.north, h.depot, "N-2", 1, at), h.applies(t, h.north, "", "N-3", 1, at), h.applies(t, h.south, h.harbour, "S-1", 1, at)}
			if strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("at %s: %q, want %q", at, got, want)
			}
		}
		expect(start, "", "", "", "", "")
		root.Must(201, "POST", "/tariff-assignments", `{"tariff":"root"}`)
		expect(past, "root/1", "root/1", "root/1", "root/1", "root/1")
		owner.Must(201, "POST", "/tariff-assignments", `{"tariff":"org"}`)
		owner.Must(201, "POST", "/tariff-assignments", `{"tariff":"site","site":"`+h.depot+`"}`)
		owner.Must(201, "POST", "/tariff-assignments", `{"tariff":"station","station_id":"N-1"}`)
		evse := owner.Must(201, "POST", "/tariff-assignments", `{"tariff":"evse","station_id":"N-1","evse_id":1}`).Field("id")
		expect(start, "evse/1", "station/1", "site/1", "org/1", "root/1")
		clock.Advance(time.Hour)
		owner.Must(200, "PUT", "/tariffs/site", `{`+energy+`}`)
		owner.Must(204, "DELETE", "/tariff-assignments/"+evse, "")
		expect(start, "evse/1", "station/1", "site/1", "org/1", "root/1")
		expect(clock.Now(), "station/1", "station/1", "site/2", "org/1", "root/1")
		owner.Must(201, "POST", "/tariff-assignments", `{"tariff":"summer","station_id":"N-1","evse_id":2}`)
		expect(clock.Now(), "station/1", "station/1", "site/2", "org/1", "root/1")
		expect(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), "station/1", "summer/1", "site/2", "org/1", "root/1")
	})
}

func TestAssignmentsOverREST(t *testing.T) {
	t.Parallel()
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, clock *schematest.Clock) {
		h := open(t, d)
		owner := h.as(t, identity.Owner, h.north)
		for _, id := range []string{"a", "b"} {
			owner.Must(201, "POST", "/tariffs", `{"id":"`+id+`",`+energy+`}`)
		}
		var first, second string
		owner.Run(
			webtest.Scenario{Name: "first of a place: since ever", Method: "POST", Path: "/tariff-assignments", Body: `{"tariff":"A","site":"` + h.depot + `"}`, Status: 201,
				Contains: []string{`"level":"site"`, `"tariff":"a"`, `"organisation":"` + string(h.north) + `"`}, Lacks: []string{"valid_from"}, Facts: []string{"tariff.assigned"},
				Check: func(_ testing.TB, a webtest.Answer) { first = a.Field("id") }},
			webtest.Scenario{Name: "again changes nothing", Method: "POST", Path: "/tariff-assignments", Body: `{"tariff":"a","site":"` + h.depot + `"}`, Status: 201, Facts: []string{},
				Check: func(t testing.TB, a webtest.Answer) {
					if a.Field("id") != first {
						t.Errorf("%s", a.Body)
					}
				}},
		)
		clock.Advance(time.Hour)
		owner.Run(
			webtest.Scenario{Name: "the next follows it", Method: "POST", Path: "/tariff-assignments", Body: `{"tariff":"b","site":"` + h.depot + `"}`, Status: 201,
				Contains: []string{`"valid_from":"2026-03-01T13:00:00Z"`}, Check: func(_ testing.TB, a webtest.Answer) { second = a.Field("id") }},
			webtest.Scenario{Name: "which ended it", Method: "GET", Path: "/tariff-assignments/" + first, Status: 200, Contains: []string{`"valid_to":"2026-03-01T13:00:00Z"`}},
			webtest.Scenario{Name: "in between", Method: "POST", Path: "/tariff-assignments", Body: `{"tariff":"a","site":"` + h.depot + `","valid_from":"2026-02-01T00:00:00Z","valid_to":"2026-02-02T00:00:00Z"}`, Status: 409, Code: "tariff.overlap", Facts: []string{}},
			webtest.Scenario{Name: "backwards", Method: "POST", Path: "/tariff-assignments", Body: `{"tariff":"a","station_id":"N-1","valid_from":"2026-02-02T00:00:00Z","valid_to":"2026-02-01T00:00:00Z"}`, Status: 422, Contains: []string{"body.valid_to"}},
			webtest.Scenario{Name: "foreign site", Method: "POST", Path: "/tariff-assignments", Body: `{"tariff":"a","site":"` + h.harbour + `"}`, Status: 422, Contains: []string{"body.site"}, Facts: []string{}},
			webtest.Scenario{Name: "no such station", Method: "POST", Path: "/tariff-assignments", Body: `{"tariff":"a","station_id":"NONE"}`, Status: 422, Contains: []string{"body.station_id"}},
			webtest.Scenario{Name: "EVSE of nothing", Method: "POST", Path: "/tariff-assignments", Body: `{"tariff":"a","evse_id":1}`, Status: 422, Contains: []string{"body.station_id"}},
			webtest.Scenario{Name: "no such tariff", Method: "POST", Path: "/tariff-assignments", Body: `{"tariff":"z"}`, Status: 422, Contains: []string{"body.tariff"}},
			webtest.Scenario{Name: "list", Method: "GET", Path: "/tariff-assignments?site=" + h.depot + "&valid_to=null", Status: 200, Contains: []string{`"tariff":"b"`}, Lacks: []string{`"tariff":"a"`}},
			webtest.Scenario{Name: "an assigned tariff stays", Method: "DELETE", Path: "/tariffs/b", Status: 409, Code: "tariff.assigned", Facts: []string{}},
			webtest.Scenario{Name: "one that no longer is can go", Method: "DELETE", Path: "/tariffs/a", Status: 204, Facts: []string{"tariff.retired"}},
			webtest.Scenario{Name: "and is assigned no more", Method: "POST", Path: "/tariff-assignments", Body: `{"tariff":"a"}`, Status: 409, Code: "tariff.retired"},
		)
		h.as(t, identity.Owner, h.south).Run(
			webtest.Scenario{Name: "foreign assignment", Method: "DELETE", Path: "/tariff-assignments/" + second, Status: 404, Facts: []string{}},
			webtest.Scenario{Name: "foreign list", Method: "GET", Path: "/tariff-assignments", Status: 200, Contains: []string{`"items":[]`}},
		)
	})
}
