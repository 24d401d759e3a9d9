package test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

// bench runs a load of a few stations to its end and gives its last line.
func bench(t *testing.T, args ...string) object {
	t.Helper()
	var out, said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), binary, append([]string{"bench"}, append(args, "--json", "--dir", t.TempDir(), "--limit", "2m")...)...)
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("bench %s: %v\n%s\n%s", strings.Join(args, " "), err, out.String(), said.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var r object
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &r); err != nil {
		t.Fatalf("the last line is no JSON: %v\n%s", err, out.String())
	}
	for _, name := range []string{"errors", "lost", "doubled"} {
		if r[name] != 0.0 {
			t.Errorf("%s: %v\n%s", name, r[name], out.String())
		}
	}
	return r
}

// above checks that figures are there.
func above(t *testing.T, r object, names ...string) {
	t.Helper()
	for _, name := range names {
		if v, _ := r[name].(float64); v <= 0 {
			t.Errorf("%s is %v", name, r[name])
		}
	}
}

// TestBench runs each sub-command on a handful of stations. The figures are
// not looked at, only that they are there and that nothing was lost.
func TestBench(t *testing.T) {
	t.Parallel()
	svg := filepath.Join(t.TempDir(), "plot.svg")
	for name, run := range map[string]func(t *testing.T){
		"connect": func(t *testing.T) {
			r := bench(t, "connect", "--stations", "20", "--rate", "100", "--steps", "10", "--settle", "0s", "--svg", svg)
			if steps, _ := r["steps"].([]any); r["stations"] != 20.0 || len(steps) != 2 {
				t.Errorf("%v", r)
			}
			above(t, r, "rss_per_station_bytes", "cpu_us_per_connect")
			if text, err := os.ReadFile(svg); err != nil || !strings.HasPrefix(string(text), "<svg") {
				t.Errorf("no plot: %v", err)
			}
		},
		"connect with certificates": func(t *testing.T) {
			bench(t, "connect", "--stations", "5", "--mtls", "--settle", "0s")
		},
		"mix": func(t *testing.T) {
			r := bench(t, "mix", "--stations", "10", "--seconds", "1", "--fsync-delay", "1ms")
			above(t, r, "msgs_per_s", "persisted_per_s", "p50_ms", "p99_ms", "samples_acknowledged")
			if r["samples_found"] != r["samples_acknowledged"] {
				t.Errorf("%v", r)
			}
		},
		"mix by the clock, 2.0.1, PostgreSQL": func(t *testing.T) {
			above(t, bench(t, "mix", "--stations", "10", "--seconds", "1", "--rate", "50", "--ocpp", "2.0.1", "--database-url", schematest.Fresh(t, db.Postgres).URL), "persisted_per_s")
		},
		"bad": func(t *testing.T) {
			r := bench(t, "bad", "--stations", "5", "--rate", "20", "--seconds", "0.3", "--kind", "flood,half-open,passwords", "--sockets", "20", "--handshakes", "50")
			more, _ := r["more"].(object)
			above(t, more, "flood_quiet_p99_ms", "flood_made", "half_open_made", "passwords_refused")
		},
		"storm": func(t *testing.T) {
			above(t, bench(t, "storm", "--stations", "20", "--others", "5", "--rate", "20"), "back_s", "p99_ms")
		},
		"authorize": func(t *testing.T) {
			above(t, bench(t, "authorize", "--tokens", "500", "--stations", "5", "--seconds", "1", "--rate", "50"), "p99_ms")
		},
		"list": func(t *testing.T) {
			above(t, bench(t, "list", "--stations", "300", "--requests", "40"), "p95_ms")
		},
		"cluster": func(t *testing.T) {
			r := bench(t, "cluster", "--stations", "12", "--nodes", "2", "--per-worker", "6", "--seconds", "4", "--heartbeat", "500ms", "--meter", "500ms", "--status", "2s", "--charging", "0.5", "--database-url", schematest.Fresh(t, db.Postgres).URL)
			above(t, r, "back_s", "p99_ms", "msgs_per_s", "samples_acknowledged")
			if r["samples_found"] != r["samples_acknowledged"] {
				t.Errorf("%v", r)
			}
		},
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); run(t) })
	}
}
