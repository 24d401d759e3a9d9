package test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

// trial breaks a platform with a handful of stations and gives the last line.
func trial(t *testing.T, args ...string) object {
	t.Helper()
	var out, said bytes.Buffer
	all := append([]string{"trial"}, append(args, "--json", "--dir", t.TempDir(), "--limit", "3m", "--stations", "6", "--seconds", "0.6", "--tick", "100ms")...)
	cmd := exec.CommandContext(t.Context(), binary, all...)
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("trial %s: %v\n%s\n%s", strings.Join(args, " "), err, said.String(), out.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var r object
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &r); err != nil {
		t.Fatalf("the last line is no JSON: %v\n%s", err, out.String())
	}
	for _, name := range []string{"lost", "doubled", "energy_wrong", "facts_undelivered", "errors"} {
		if r[name] != 0.0 {
			t.Errorf("%s: %v\n%s", name, r[name], out.String())
		}
	}
	if r["found"] != r["acknowledged"] {
		t.Errorf("%v acknowledged, %v found", r["acknowledged"], r["found"])
	}
	above(t, r, "runs", "transactions", "acknowledged")
	return r
}

// TestTrial does each kind of fault once or twice; the long trials are run by
// hand (docs/reliability.md).
func TestTrial(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(t *testing.T){
		"kill": func(t *testing.T) { above(t, trial(t, "kill", "--runs", "2"), "dropped") },
		"kill, PostgreSQL": func(t *testing.T) {
			above(t, trial(t, "kill", "--runs", "1", "--database-url", schematest.Fresh(t, db.Postgres).URL), "dropped")
		},
		"db-down":   func(t *testing.T) { above(t, trial(t, "db-down", "--runs", "1", "--away", "500ms"), "refused") },
		"slow-disk": func(t *testing.T) { trial(t, "slow-disk", "--runs", "1", "--delay", "50ms") },
		"disk-full": func(t *testing.T) {
			above(t, trial(t, "disk-full", "--runs", "1", "--full", "500ms", "--size", "32000000"), "refused")
		},
		"clock-jump": func(t *testing.T) { trial(t, "clock-jump", "--runs", "1") },
		"clock-jump, PostgreSQL": func(t *testing.T) {
			trial(t, "clock-jump", "--runs", "1", "--database-url", schematest.Fresh(t, db.Postgres).URL)
		},
		"nats-down": func(t *testing.T) {
			trial(t, "nats-down", "--runs", "1", "--away", "500ms", "--database-url", schematest.Fresh(t, db.Postgres).URL)
		},
		"upgrade": func(t *testing.T) {
			r := trial(t, "upgrade", "--runs", "1", "--database-url", schematest.Fresh(t, db.Postgres).URL)
			if r["authorisations_failed"] != 0.0 {
				t.Errorf("%v authorisations failed", r["authorisations_failed"])
			}
		},
		"restore": func(t *testing.T) { trial(t, "restore", "--runs", "2") },
		"backup":  func(t *testing.T) { trial(t, "restore", "--runs", "1", "--backup") },
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); run(t) })
	}
}
