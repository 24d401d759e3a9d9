package tariff_test

import (
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

func TestPreviewAndUses(t *testing.T) {
	t.Parallel()
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, _ *schematest.Clock) {
		h := open(t, d)
		owner := h.as(t, identity.Owner, h.north)
		owner.Must(201, "POST", "/tariffs", tariffAt("day", "0.40"))
		owner.Must(201, "POST", "/tariffs", tariffAt("idle", "0.40"))
		owner.Must(201, "POST", "/tariff-assignments", `{"tariff":"day","site":"`+h.depot+`"}`)
		owner.Must(201, "POST", "/tariff-groups", `{"name":"Depot","entries":[{"audience":"default","tariff":"day"},{"audience":"ad_hoc","tariff":"day"}],"places":[{"site":"`+h.depot+`"},{"station_id":"N-1","evse_id":1}]}`)
		owner.Must(201, "POST", "/tariff-groups", `{"name":"Later","entries":[{"audience":"default","tariff":"day"}],"places":[]}`)
		owner.Run(
			webtest.Scenario{Name: "preview", Method: "POST", Path: "/tariffs/preview", Status: 200, Body: tariffAt("draft", "0.55"), Contains: []string{`"summary":"Energy 0.66`, `"slot_minutes":60`, `"lost":[]`}},
			webtest.Scenario{Name: "nothing is stored", Method: "GET", Path: "/tariffs/draft", Status: 404},
			webtest.Scenario{Name: "the place of a fault", Method: "POST", Path: "/tariffs/preview", Status: 422, Body: tariffAt("draft", "-1"), Contains: []string{"body.elements[0].price_components[0].price"}},
			webtest.Scenario{Name: "uses, without doubles", Method: "GET", Path: "/tariff-uses?tariffs=day,idle", Status: 200, Contains: []string{`"name":"Depot"`, `"name":"Later"`,
				`"places":[{"organisation":"` + string(h.north) + `","site":"` + h.depot + `"},{"organisation":"` + string(h.north) + `","site":"` + h.depot + `","station_id":"N-1","evse_id":1}]`}, Lacks: []string{`"idle"`}},
		)
		h.as(t, identity.Owner, h.south).Run(webtest.Scenario{Name: "foreign uses", Method: "GET", Path: "/tariff-uses?tariffs=day", Status: 200, Contains: []string{`"items":[]`}})
	})
}
