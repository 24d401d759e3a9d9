package test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
)

// quirkTests are the tests named for a quirk, in the whole repository.
func quirkTests(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	name := regexp.MustCompile(`(?m)^func TestQuirk_([QG]\d+)_\w+\(t \*testing\.T\)`)
	for _, dir := range []string{".", "../ocpp", "../ocpp/gateway", "../ocpp/rpc", "../ocpp/v16", "../session", "../station", "../device"} {
		files, err := filepath.Glob(dir + "/*_test.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range name.FindAllSubmatch(text, -1) {
				found[string(m[1])] = true
			}
		}
	}
	return found
}

// TestEveryQuirkHasATest: no row of the table is a promise only.
func TestEveryQuirkHasATest(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../ocpp/gateway/quirks.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct{ ID string }
	if err := json.Unmarshal(text, &rows); err != nil {
		t.Fatal(err)
	}
	found := quirkTests(t)
	for _, r := range rows {
		if !found[r.ID] {
			t.Errorf("quirk %s has no test TestQuirk_%s_…", r.ID, r.ID)
		}
	}
}

// TestFieldFrames sends every literal frame as it is in the middle of a
// charge: each call is answered, the connection stays, and the charge is worth
// what it is worth without.
func TestFieldFrames(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("Maker", "One", "1.0")
	transaction := q.start16(w)
	var ids []string
	for id := range frames() {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	call := regexp.MustCompile(`^\[2,\s*"([^"]*)",\s*"(\w+)"`)
	for _, id := range ids {
		raw := frames()[id]
		w.send(raw)
		if m := call.FindStringSubmatch(raw); m != nil {
			if f := w.frame(m[1]); string(f[0]) != "3" {
				t.Errorf("%s (%s) was answered %s", id, m[2], f)
			}
		}
		w.alive()
	}
	q.register16(w, transaction, 10, meterStart+1250)
	q.stop16(w, transaction)
	for _, one := range q.charged() {
		if one["evse_id"] == 1.0 && one["id_token"] == q.card && strings.HasPrefix(one["started_at"].(string), q.began.Format("2006-01-02T15:04")) {
			q.costs(one, energyWh, "0.90")
			return
		}
	}
	t.Errorf("the charge is not among %v", q.charged())
}
