package billing_test

import (
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/schema/schematest"
	"github.com/forecourt-ev/forecourt/session"
	"github.com/forecourt-ev/forecourt/tariff"
)

// quoted gives a session the quote it would have had at its start.
func (h *house) quoted(f session.Finished) session.Finished {
	h.t.Helper()
	var v *tariff.Version
	h.must(h.d.View(h.system(), func(tx *db.Tx) (err error) {
		v, err = h.tariffs.Version(tx, f.Tariff)
		return err
	}))
	q := session.Quote{Version: v.ID, Tariff: v.Tariff.ID, Number: v.Number, Currency: "EUR", Zone: "Europe/Paris", At: start}
	example, err := q.Example(v.Tariff)
	h.must(err)
	q.Excl, q.Incl = example.Excl.Micros, example.Incl.Micros
	zone, err := time.LoadLocation(q.Zone)
	h.must(err)
	c := tariff.Price(v.Tariff, f.Usage, zone, f.Inputs)
	f.Quote, f.Excl, f.Incl = &q, c.Excl.Micros, c.Incl.Micros
	return f
}

// TestWhatWasShownIsWhatIsBilled: a price that the quote does not give is not
// billed, is alarmed, and is billed when a person releases it.
func TestWhatWasShownIsWhatIsBilled(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		owner := h.as(h.north)
		version := h.tariff(evening)
		good := h.quoted(h.finished("good", version))
		h.ended(good)
		owner.Run(webtest.Scenario{Name: "what agrees is billed", Method: "GET", Path: "/cdrs?session_id=good", Status: 200, Contains: []string{`"incl_vat":"7.42"`}})
		for name, spoil := range map[string]func(*session.Finished){
			"another version": func(f *session.Finished) { f.Quote.Version = "other" },
			"another example": func(f *session.Finished) { f.Quote.Incl++ },
			"another zone":    func(f *session.Finished) { f.Quote.Zone = "America/New_York" },
			"another total":   func(f *session.Finished) { f.Incl++ },
		} {
			f := h.quoted(h.finished(name, version))
			spoil(&f)
			h.ended(f)
			h.ended(f)
			owner.Run(webtest.Scenario{Name: name + " is not billed", Method: "GET", Path: "/cdrs?session_id=" + url.QueryEscape(name), Status: 200, Contains: []string{`"items":[]`}})
		}
		var list struct {
			Items []struct {
				ID      string
				Session string `json:"session_id"`
				Reasons []string
			}
		}
		h.must(json.Unmarshal([]byte(owner.Must(200, "GET", "/held-cdrs?state=held", "").Body), &list))
		if len(list.Items) != 4 || len(list.Items[0].Reasons) == 0 {
			t.Fatalf("%+v", list)
		}
		held := list.Items[0]
		h.as(h.south).Run(
			webtest.Scenario{Name: "foreign prices are not listed", Method: "GET", Path: "/held-cdrs", Status: 200, Contains: []string{`"items":[]`}},
			webtest.Scenario{Name: "nor released", Method: "POST", Path: "/held-cdrs/" + held.ID + "/release", Body: `{"note":"x"}`, Status: 404})
		owner.Run(
			webtest.Scenario{Name: "a release needs a reason", Method: "POST", Path: "/held-cdrs/" + held.ID + "/release", Body: `{"note":""}`, Status: 422, Facts: []string{}},
			webtest.Scenario{Name: "released", Method: "POST", Path: "/held-cdrs/" + held.ID + "/release", Body: `{"note":"the driver agreed"}`, Status: 200,
				Contains: []string{`"state":"released"`, `"note":"the driver agreed"`}, Facts: []string{"cdr.issued", "billing.cdr_released"}},
			webtest.Scenario{Name: "once", Method: "POST", Path: "/held-cdrs/" + held.ID + "/release", Body: `{"note":"again"}`, Status: 409, Facts: []string{}},
			webtest.Scenario{Name: "and billed", Method: "GET", Path: "/cdrs?session_id=" + url.QueryEscape(held.Session), Status: 200, Contains: []string{`"kind":"cdr"`}},
		)
		again := h.quoted(h.finished(list.Items[1].Session, version))
		again.Revision = 2
		h.ended(again)
		owner.Run(
			webtest.Scenario{Name: "a better result replaces a held one", Method: "GET", Path: "/held-cdrs?session_id=" + url.QueryEscape(string(again.Told.ID)), Status: 200, Contains: []string{`"state":"replaced"`}},
			webtest.Scenario{Name: "and is billed", Method: "GET", Path: "/cdrs?session_id=" + url.QueryEscape(string(again.Told.ID)), Status: 200, Contains: []string{`"incl_vat":"7.42"`}})
	})
}

// TestExplainedInTheReadersLanguage: a CDR says in three languages how its
// price came about.
func TestExplainedInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		h.ended(h.finished("s-9", h.tariff(evening)))
		owner := h.as(h.north)
		var list struct{ Items []struct{ ID string } }
		h.must(json.Unmarshal([]byte(owner.Must(200, "GET", "/cdrs?session_id=s-9", "").Body), &list))
		id := list.Items[0].ID
		for language, want := range map[string]string{"": "until 17:00", "fr-CH": "jusqu'à 17:00", "de": "bis 17:00"} {
			owner.With("Accept-Language", language).Run(webtest.Scenario{Name: language, Method: "GET", Path: "/cdrs/" + id, Status: 200, Contains: []string{want}, Lacks: []string{`"texts"`}})
		}
	})
}
