package bench

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/forecourt-ev/forecourt/bench/rig"
)

// What was acknowledged must be there once; what was not answered may be.
func TestVerifySamples(t *testing.T) {
	stored := map[string]int{"B-even": 2, "B-lost": 1, "B-doubled": 3, "B-unsure": 3, "B-twice": 2, "B-unsent": 2} // messages
	pages := http.NewServeMux()
	pages.HandleFunc("GET /api/v1/sessions", func(w http.ResponseWriter, _ *http.Request) {
		rows := []string{`{"id":"B-twice","station_id":"B-twice","transaction_id":"1"}`, `{"id":"other","station_id":"OTHER","transaction_id":"1"}`}
		for name := range stored {
			rows = append(rows, fmt.Sprintf(`{"id":%q,"station_id":%q,"transaction_id":"1"}`, name, name))
		}
		fmt.Fprintf(w, `{"items":[%s]}`, strings.Join(rows, ","))
	})
	pages.HandleFunc("GET /api/v1/sessions/{id}/samples", func(w http.ResponseWriter, r *http.Request) {
		whole := strings.Repeat(`,{"energy_wh":1,"power_w":1,"current_a":"1"}`, stored[r.PathValue("id")])
		fmt.Fprintf(w, `{"items":[{"energy_wh":0}%s]}`, whole)
	})
	server := httptest.NewServer(pages)
	defer server.Close()
	g := &ground{options: options{OCPP: "1.6", Prefix: "B"}, streams: Streams{Err: io.Discard}, api: rig.NewAPI(server.URL, "", nil)}
	for _, one := range []struct {
		name                 string
		unsure               int64
		found, lost, doubled int64
		errors               int
	}{
		{"even", 0, 6, 0, 0, 0},
		{"lost", 0, 3, 3, 0, 1},
		{"doubled", 0, 6, 0, 3, 1},
		{"unsure", 1, 6, 0, 0, 0},
		{"unsent", 1, 6, 0, 0, 0},
		{"twice", 0, 6, 0, 1, 0},
		{"none", 1, 0, 6, 0, 1},
	} {
		var r Result
		if err := g.verifySamples(t.Context(), []entry{{Station: "B-" + one.name, Transaction: "1", Acked: 2, Unsure: one.unsure}}, &r); err != nil {
			t.Fatal(err)
		}
		if r.SamplesAcked != 6 || r.SamplesFound != one.found || r.Lost != one.lost || r.Doubled != one.doubled || r.Errors != one.errors {
			t.Errorf("%s: %+v", one.name, r)
		}
	}
	server.Close()
	if g.verifySamples(t.Context(), []entry{{Station: "B-even", Transaction: "1"}}, &Result{}) == nil {
		t.Error("a platform that does not answer is believed")
	}
}
