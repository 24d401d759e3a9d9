package tariff_test

import (
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

func TestVersionHoldsFrom(t *testing.T) {
	t.Parallel()
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, clock *schematest.Clock) {
		h := open(t, d)
		owner := h.as(t, identity.Owner, h.north)
		expect := func(at time.Time, want string) {
			t.Helper()
			if got := h.applies(t, h.north, h.depot, "N-1", 1, at); got != want {
				t.Errorf("at %s: %q, want %q", at, got, want)
			}
		}
		owner.Must(201, "POST", "/tariffs", `{"id":"t",`+energy+`}`)
		owner.Must(201, "POST", "/tariff-assignments", `{"tariff":"t","site":"`+h.depot+`"}`)
		clock.Advance(time.Hour)
		june := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
		owner.Run(
			webtest.Scenario{Name: "the past cannot change", Method: "PUT", Path: "/tariffs/t", Body: `{"valid_from":"2026-02-01T00:00:00Z",` + energy + `}`, Status: 422, Code: "tariff.valid_from", Facts: []string{}},
			webtest.Scenario{Name: "a first version is assigned from later", Method: "POST", Path: "/tariffs", Body: `{"id":"u","valid_from":"2026-06-01T00:00:00Z",` + energy + `}`, Status: 422, Code: "tariff.valid_from", Facts: []string{}},
			webtest.Scenario{Name: "planned", Method: "PUT", Path: "/tariffs/t", Body: `{"valid_from":"2026-06-01T00:00:00Z",` + energy + `}`, Status: 200,
				Contains: []string{`"version":2`, `"valid_from":"2026-06-01T00:00:00Z"`}, Facts: []string{"tariff.changed"}},
			webtest.Scenario{Name: "a bulk change does not bring it forward", Method: "POST", Path: "/tariff-changes", Body: `{"filter":{"sites":["` + h.depot + `"]},"change":{"op":"percent","percent":5}}`, Status: 409, Code: "tariff.version_planned"},
		)
		expect(clock.Now(), "t/1")
		expect(june.Add(-time.Second), "t/1")
		expect(june, "t/2")
		owner.Must(200, "PUT", "/tariffs/t", `{`+energy+`}`)
		expect(clock.Now(), "t/3")
		expect(june, "t/2")
		owner.Must(200, "PUT", "/tariffs/t", `{"valid_from":"2026-06-01T00:00:00Z",`+energy+`}`)
		expect(june.Add(-time.Second), "t/3")
		expect(june, "t/4")
	})
}
