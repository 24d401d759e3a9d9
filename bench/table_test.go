package bench

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	dir := t.TempDir()
	lines := filepath.Join(dir, "figures.jsonl")
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(lines, `{"part":"mix","command":"old","idle":99,"result":{"stations":1}}
{"part":"mix","command":"bench mix","at":"2026-11-21","idle":99,"result":{"stations":1000,"persisted_per_s":12000,"p99_ms":90}}

{"part":"storm","command":"bench storm","at":"2026-11-20","idle":50,"result":{"stations":15000,"back_s":20,"p99_ms":100,"doubled":1}}
{"part":"authorize","command":"bench authorize","at":"2026-11-22","idle":99,"result":{"stations":200,"p99_ms":6,"more":{"decision_p99_at_most_ms":2,"decision_mean_ms":0.2,"inside_p99_at_most_ms":3,"inside_mean_ms":0.31}}}
{"part":"connect-mtls","command":"bench connect --mtls","at":"2026-11-22","idle":99,"result":{"stations":15000,"cpu_us_per_connect":2000}}
{"part":"cluster","command":"bench cluster","at":"2026-11-22","idle":99,"failed":"status 1"}
{"part":"growth","command":"bench connect","idle":99,"quick":true,"at":"2026-11-22","result":{"stations":2000,"steps":[{"stations":1000,"rss_above_idle_per_station_bytes":10240,"cpu_us_per_connect":300},{"stations":2000,"rss_above_idle_per_station_bytes":10240,"cpu_us_per_connect":310}]}}
`)
	doc := filepath.Join(dir, "doc.md")
	write(filepath.Join(dir, "bench-storm.svg"), "<svg/>")
	write(doc, "before\n"+tableBegin+"old\n"+tableEnd+"\nafter\n")
	c := tableCmd{Files: []string{lines}, Into: doc}
	for range 2 {
		if err := c.Run(Streams{}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"before\n" + tableBegin + "| figure", tableEnd + "\nafter\n",
		"| mix, closed loop, SQLite | ≥ 10,000/s | 12000/s; p99 90 ms; 0 µs of server CPU each | yes | 1000 | `bench mix` |",
		"| ≤ 2 ms | decision ≤ 2 ms; mean 0.20 ms; message to reply ≤ 3 ms; mean 0.31 ms; by wire p99 6.0 ms | yes | 200 |",
		"1 doubled (busy) | no | 15000 |", "| failed: status 1 | no |", "| (quick) | 2000 |", "| mix, closed loop, PostgreSQL | ≥ 7,000/s |  |  |  | `scripts/bench-all.sh mix-postgres` |", "\n![Plot of all drop and return, plain](bench-storm.svg)\n", "Taken 2026-11-20 to 2026-11-22; ",
		"| the same, mTLS | – | 2.000 ms | – | 15000 |",
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	var out bytes.Buffer
	if err := (&tableCmd{Files: []string{lines}}).Run(Streams{Out: &out}); err != nil || !strings.Contains(string(got), out.String()) {
		t.Errorf("%v, printed\n%s", err, out.String())
	}
	if at := taken(map[string]record{"mix": {At: "2026-11-20"}, "storm": {At: "2026-11-20"}}); at != "2026-11-20" {
		t.Errorf("one instant is told as %q", at)
	}
	write(doc, "no marks")
	if c.Run(Streams{}) == nil {
		t.Error("a file without marks is written")
	}
}

// Every part of the script is a row, and every row can be had.
func TestScriptHasEveryFigure(t *testing.T) {
	text, err := os.ReadFile("../scripts/bench-all.sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range figures {
		if !strings.Contains(string(text), "\npart "+f.part+" ") {
			t.Errorf("scripts/bench-all.sh does not take %s", f.part)
		}
	}
}
