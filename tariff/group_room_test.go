package tariff_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

func tariffAt(id, price string) string {
	return `{"id":"` + id + `","elements":[{"price_components":[{"type":"ENERGY","price":` + price + `,"vat":20,"step_size":1}]}]}`
}

// pays asks which tariff a token has at N-1, EVSE 1.
func (h *house) pays(t *testing.T, token string, at time.Time) string {
	t.Helper()
	out := ""
	err := h.d.Update(context.Background(), func(tx *db.Tx) error {
		v, err := h.s.ForEVSE(tx, string(h.north), h.depot, "N-1", 1, token, at)
		if err == nil && v != nil {
			out = string(v.Tariff.ID)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWhoPaysWhat(t *testing.T) {
	t.Parallel()
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, clock *schematest.Clock) {
		h := open(t, d)
		owner := h.as(t, identity.Owner, h.north)
		for _, id := range []string{"public", "staff", "vans", "roam", "fr-roam", "street", "gift"} {
			owner.Must(201, "POST", "/tariffs", tariffAt(id, "0.40"))
		}
		group := `{"name":"Depot","entries":[{"audience":"default","tariff":"public"},{"audience":"driver_group","ref":"staff","tariff":"staff"},
			{"audience":"fleet","ref":"Vans","tariff":"vans"},{"audience":"roaming","tariff":"roam"},{"audience":"roaming","ref":"FR*ABC","tariff":"fr-roam","position":-1},
			{"audience":"ad_hoc","tariff":"street"}],"places":[{"site":"` + h.depot + `"}]}`
		id := owner.Must(201, "POST", "/tariff-groups", group).Field("id")
		owner.Must(201, "POST", "/tariff-members", `{"audience":"driver_group","ref":"staff","id_token":"04-a1-b2"}`)
		van := owner.Must(201, "POST", "/tariff-members", `{"audience":"fleet","ref":"vans","id_token":"VAN1"}`).Field("id")
		owner.Must(201, "POST", "/tariff-overrides", `{"id_token":"lucky","tariff":"gift","station_id":"N-1","evse_id":1,"valid_to":"2026-03-02T00:00:00Z"}`)
		expect := func(when time.Time, want map[string]string) {
			t.Helper()
			for token, tariff := range want {
				if got := h.pays(t, token, when); got != tariff {
					t.Errorf("%q pays %q, want %q", token, got, tariff)
				}
			}
		}
		first := map[string]string{"": "street", "04A1B2": "staff", "VAN1": "vans", "DE*XYZ*C12345678": "roam", "FR*ABC*C12345678*1": "fr-roam", "LUCKY": "gift"}
		expect(clock.Now(), first)
		before := clock.Now()
		clock.Advance(24 * time.Hour)
		owner.Run(
			webtest.Scenario{Name: "the fleet leaves", Method: "DELETE", Path: "/tariff-members/" + van, Status: 204, Facts: []string{"tariff.member_changed"}},
			webtest.Scenario{Name: "less is said", Method: "PUT", Path: "/tariff-groups/" + id, Status: 200, Facts: []string{"tariff.group_changed"},
				Body: `{"name":"Depot","entries":[{"audience":"default","tariff":"public"}],"places":[{"site":"` + h.depot + `"}]}`, Lacks: []string{`"staff"`}},
			webtest.Scenario{Name: "the past stays", Method: "GET", Path: "/tariff-groups/" + id + "?at=2026-03-01T12:30:00Z", Status: 200, Contains: []string{`"staff"`, `"vans"`}},
			webtest.Scenario{Name: "not into the past", Method: "PUT", Path: "/tariff-groups/" + id + "?valid_from=2026-01-01T00:00:00Z", Status: 422, Body: group, Code: "tariff.past"},
			webtest.Scenario{Name: "the same name", Method: "POST", Path: "/tariff-groups", Status: 409, Body: group, Code: "tariff.group_exists"},
			webtest.Scenario{Name: "still used", Method: "DELETE", Path: "/tariffs/public", Status: 409, Code: "tariff.assigned"},
			webtest.Scenario{Name: "wrong entries by place", Method: "POST", Path: "/tariff-groups", Status: 422, Body: `{"name":"x","entries":[{"audience":"default","ref":"all","tariff":"none"}],"places":[]}`,
				Contains: []string{"body.entries[0].ref", "body.entries[0].tariff"}},
			webtest.Scenario{Name: "foreign place", Method: "POST", Path: "/tariff-groups", Status: 422, Body: `{"name":"x","entries":[],"places":[{"site":"` + h.harbour + `"}]}`, Contains: []string{"body.places[0].site"}},
		)
		clock.Advance(time.Hour)
		expect(clock.Now(), map[string]string{"": "public", "04A1B2": "public", "VAN1": "public", "DE*XYZ*C12345678": "public", "LUCKY": "public"})
		expect(before, first) // a session that began then is priced as then
		h.as(t, identity.Owner, h.south).Run(
			webtest.Scenario{Name: "foreign group", Method: "GET", Path: "/tariff-groups/" + id, Status: 404},
			webtest.Scenario{Name: "foreign groups", Method: "GET", Path: "/tariff-groups", Status: 200, Contains: []string{`"items":[]`}},
			webtest.Scenario{Name: "foreign explanation", Method: "GET", Path: "/charging-stations/N-1/evses/1/price-explanation", Status: 404},
		)
	})
}

func TestPriceExplanation(t *testing.T) {
	t.Parallel()
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, _ *schematest.Clock) {
		h := open(t, d)
		owner := h.as(t, identity.Owner, h.north)
		owner.Must(201, "POST", "/tariffs", tariffAt("all", "0.40"))
		owner.Must(201, "POST", "/tariffs", tariffAt("staff", "0.20"))
		owner.Must(201, "POST", "/tariffs", strings.Replace(tariffAt("summer", "0.10"), `{"id"`, `{"start_date_time":"2026-06-01T00:00:00Z","id"`, 1))
		owner.Must(201, "POST", "/tariff-assignments", `{"tariff":"all"}`)
		owner.Must(201, "POST", "/tariff-groups", `{"name":"Staff","entries":[{"audience":"driver_group","ref":"staff","tariff":"staff"},{"audience":"partner","ref":"acme","tariff":"summer"}],"places":[{"station_id":"N-1"}]}`)
		owner.Must(201, "POST", "/tariff-members", `{"audience":"driver_group","ref":"staff","id_token":"S1"}`)
		owner.Must(201, "POST", "/tariff-members", `{"audience":"partner","ref":"acme","id_token":"S1"}`)
		owner.Run(
			webtest.Scenario{Name: "a stranger", Method: "GET", Path: "/charging-stations/N-1/evses/1/price-explanation", Status: 200,
				Contains: []string{`"ad_hoc":true`, `"tariff":"all"`, `"reason":"taken"`, `"source":"assignment"`, `"reason":"not_for_them"`, `0.48 EUR per kWh`}},
			webtest.Scenario{Name: "staff with a contract that begins in summer", Method: "GET", Path: "/charging-stations/N-1/evses/1/price-explanation?id_token=s1", Status: 200,
				Contains: []string{`"reason":"not_in_force"`, `"reason":"taken"`, `"reason":"outranked"`, `"group_name":"Staff"`, `"tariff":"staff"`}},
			webtest.Scenario{Name: "in summer", Method: "GET", Path: "/charging-stations/N-1/evses/1/price-explanation?id_token=s1&at=2026-07-01T00:00:00Z", Status: 200, Contains: []string{`"tariff":"summer","version"`}},
			webtest.Scenario{Name: "no such station", Method: "GET", Path: "/charging-stations/NONE/evses/1/price-explanation", Status: 404},
		)
	})
}
