package location_test

import (
	"context"
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/location"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

type house struct {
	sites        *location.Service
	north, south *webtest.Client // administrators of two operators
	viewer       *webtest.Client // of north, may only read
	northID      identity.OrgID
}

func open(t *testing.T, d *db.DB) *house {
	t.Helper()
	people := identity.New(identity.Deps{DB: d})
	first, _, err := people.Bootstrap(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sites, err := location.New(location.Deps{DB: d})
	if err != nil {
		t.Fatal(err)
	}
	api := web.New(web.Config{DB: d, Guard: people.Guard})
	sites.Routes(api)
	anyone := webtest.New(t, api.Handler())
	system := identity.System(context.Background(), "")
	org := func(name string) identity.OrgID {
		o, err := people.CreateOrganisation(system, identity.Organisation{Name: name, Parent: first.Organisation, TimeZone: "Europe/Oslo", Currency: "NOK"})
		if err != nil {
			t.Fatal(err)
		}
		return o.ID
	}
	as := func(role identity.RoleID, org identity.OrgID) *webtest.Client {
		_, key, err := people.CreateKey(system, identity.APIKey{Name: "test", Role: role, Org: org})
		if err != nil {
			t.Fatal(err)
		}
		return anyone.Bearer(key).Counting(webtest.Facts(t, d))
	}
	h := &house{sites: sites, northID: org("North")}
	h.north, h.viewer, h.south = as("admin", h.northID), as("viewer", h.northID), as("admin", org("South"))
	return h
}

func TestSitesOverREST(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		site := ""
		h.north.Run(
			webtest.Scenario{Name: "create derives zone and currency from the country", Method: "POST", Path: "/sites",
				Body:   `{"name":"Rue de Rivoli","address":{"street":"1 rue de Rivoli","city":"Paris","postal_code":"75001","country":"fr"},"latitude":"48.85600","longitude":"2.35"}`,
				Status: 201, Contains: []string{`"time_zone":"Europe/Paris"`, `"currency":"EUR"`, `"latitude":"48.85600"`, `"country":"FR"`, `"organisation":"` + string(h.northID) + `"`},
				Facts: []string{"site.created"}, Check: func(_ testing.TB, a webtest.Answer) { site = a.Field("id") }},
			webtest.Scenario{Name: "without a country the organisation decides", Method: "POST", Path: "/sites", Body: `{"name":"Fjord"}`,
				Status: 201, Contains: []string{`"time_zone":"Europe/Oslo"`, `"currency":"NOK"`}, Facts: []string{"site.created"}},
			webtest.Scenario{Name: "several zones need a choice", Method: "POST", Path: "/sites", Body: `{"name":"X","address":{"country":"US"}}`,
				Status: 422, Contains: []string{"body.time_zone"}, Facts: []string{}},
			webtest.Scenario{Name: "no floats for coordinates", Method: "POST", Path: "/sites", Body: `{"name":"X","latitude":48.8,"longitude":2.3}`, Status: 422, Contains: []string{"body.latitude"}},
			webtest.Scenario{Name: "unknown field", Method: "POST", Path: "/sites", Body: `{"name":"X","colour":"red"}`, Status: 422, Contains: []string{"colour"}, Facts: []string{}},
		)
		h.north.Run(
			webtest.Scenario{Name: "read", Method: "GET", Path: "/sites/" + site, Status: 200, Contains: []string{`"name":"Rue de Rivoli"`}},
			webtest.Scenario{Name: "search", Method: "GET", Path: "/sites?q=rivoli", Status: 200, Contains: []string{"Rue de Rivoli"}, Lacks: []string{"Fjord"}},
			webtest.Scenario{Name: "a percent sign is no wildcard", Method: "GET", Path: "/sites?q=%25", Status: 200, Lacks: []string{"Rivoli"}},
			webtest.Scenario{Name: "filter and sort", Method: "GET", Path: "/sites?country=FR&sort=-name", Status: 200, Contains: []string{"Rivoli"}, Lacks: []string{"Fjord"}},
			webtest.Scenario{Name: "as CSV", Method: "GET", Path: "/sites?format=csv", Status: 200, Contains: []string{"id,organisation,name,", "Fjord"}},
			webtest.Scenario{Name: "change", Method: "PATCH", Path: "/sites/" + site, Body: `{"name":"Louvre","electrical_supply":{"phases":3,"voltage_v":230,"max_current_a":250}}`,
				Status: 200, Contains: []string{`"Louvre"`, `"max_current_a":250`, `"time_zone":"Europe/Paris"`}, Facts: []string{"site.changed"}},
			webtest.Scenario{Name: "the same again is no change", Method: "PATCH", Path: "/sites/" + site, Body: `{"name":"Louvre"}`, Status: 200, Facts: []string{}},
			webtest.Scenario{Name: "null derives the zone again", Method: "PATCH", Path: "/sites/" + site, Body: `{"address":{"country":"RE"},"time_zone":null}`,
				Status: 200, Contains: []string{`"time_zone":"Indian/Reunion"`}, Facts: []string{"site.changed"}},
		)
		h.south.Run(
			webtest.Scenario{Name: "foreign read", Method: "GET", Path: "/sites/" + site, Status: 404, Code: "location.unknown"},
			webtest.Scenario{Name: "foreign change", Method: "PATCH", Path: "/sites/" + site, Body: `{"name":"Mine"}`, Status: 404, Facts: []string{}},
			webtest.Scenario{Name: "foreign deletion", Method: "DELETE", Path: "/sites/" + site, Status: 404, Facts: []string{}},
			webtest.Scenario{Name: "foreign list", Method: "GET", Path: "/sites", Status: 200, Lacks: []string{"Louvre", "Fjord"}},
			webtest.Scenario{Name: "foreign organisation", Method: "POST", Path: "/sites", Body: `{"name":"X","address":{"country":"SE"},"organisation":"` + string(h.northID) + `"}`,
				Status: 422, Contains: []string{"body.organisation"}, Facts: []string{}},
		)
		h.viewer.Run(
			webtest.Scenario{Name: "a viewer reads", Method: "GET", Path: "/sites/" + site, Status: 200},
			webtest.Scenario{Name: "a viewer writes nothing", Method: "POST", Path: "/sites", Body: `{"name":"X"}`, Status: 403, Facts: []string{}},
		)
		h.sites.BeforeDelete(func(_ *db.Tx, s location.ID) error {
			return fault.New(fault.Conflict, "location.occupied", "stations stand at %s", s)
		})
		h.north.Run(webtest.Scenario{Name: "an occupied site stays", Method: "DELETE", Path: "/sites/" + site, Status: 409, Code: "location.occupied", Facts: []string{}})
	})
}

func TestGetServesOtherRoomsFromMemory(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		ctx := identity.System(t.Context(), h.northID)
		site, err := h.sites.Create(ctx, location.Site{Name: "A", Address: location.Address{Country: "NO"}})
		if err != nil {
			t.Fatal(err)
		}
		get := func() (s location.Site, err error) {
			err = d.View(t.Context(), func(tx *db.Tx) error { s, err = h.sites.Get(tx, site.ID); return err })
			return s, err
		}
		if s, err := get(); err != nil || s.Name != "A" || s.Zone().String() != "Europe/Oslo" {
			t.Fatalf("%+v, %v", s, err)
		}
		if _, err := h.sites.Change(ctx, site.ID, func(s *location.Site) { s.Name = "B" }); err != nil {
			t.Fatal(err)
		}
		if s, err := get(); err != nil || s.Name != "B" {
			t.Fatalf("after the change: %+v, %v", s, err)
		}
		if err := h.sites.Delete(ctx, site.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := get(); !fault.Is(err, fault.NotFound) {
			t.Fatalf("after the deletion: %v", err)
		}
	})
}
