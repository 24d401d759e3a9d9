package bench

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// tableCmd makes the table of docs/benchmarks.md.
type tableCmd struct {
	Files []string `arg:"" help:"Files of JSON lines, as scripts/bench-all.sh writes them; the last run of a part counts." type:"existingfile"`
	Into  string   `help:"Put the table into this Markdown file, in place of the one between its marks." placeholder:"FILE" type:"existingfile"`
}

// Run prints or stores the table.
func (c *tableCmd) Run(s Streams) error {
	all := map[string]record{}
	for _, name := range c.Files {
		if err := readRecords(name, all); err != nil {
			return err
		}
	}
	text := table(all)
	if c.Into == "" {
		_, err := fmt.Fprint(s.Out, text)
		return err
	}
	return putTable(c.Into, text+plots(filepath.Dir(c.Into)))
}

// plots shows those that lie beside the document.
func plots(dir string) string {
	var b strings.Builder
	seen := map[string]bool{}
	for _, f := range figures {
		name := "bench-" + f.part + ".svg"
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil && !seen[f.part] {
			seen[f.part] = true
			fmt.Fprintf(&b, "\n![Plot of %s](%s)\n", f.name, name)
		}
	}
	return b.String()
}

// record is a line of scripts/bench-all.sh: one run.
type record struct {
	Part    string  `json:"part"`
	Command string  `json:"command"`
	At      string  `json:"at"`    // when it was taken
	Quick   bool    `json:"quick"` // with few stations: no claim
	Idle    float64 `json:"idle"`  // per cent of the machine just before
	Failed  string  `json:"failed"`
	Result  *Result `json:"result"`
}

// quiet is how idle a machine is on which a figure counts, in per cent.
const quiet = 90

func readRecords(name string, into map[string]record) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return fmt.Errorf("%s, line %d: %w", name, n, err)
		}
		into[r.Part] = r
	}
	return lines.Err()
}

// figure is a row of the table.
type figure struct {
	name, bar, part string
	measured        func(r *Result) (text string, met bool)
}

func below(value func(r *Result) float64, bar float64, format string) func(*Result) (string, bool) {
	return func(r *Result) (string, bool) {
		v := value(r)
		return fmt.Sprintf(format, v), v > 0 && v <= bar
	}
}

func stored(least float64) func(*Result) (string, bool) {
	return func(r *Result) (string, bool) {
		return fmt.Sprintf("%.0f/s; p99 %.0f ms; %.0f µs of server CPU each", r.PersistedPerS, r.P99, r.CPUPerMessage), r.PersistedPerS >= least
	}
}

func kib(r *Result) float64 { return float64(r.RSSPerStation) / 1024 }

func replies(r *Result) (string, bool) {
	return fmt.Sprintf("p50 %.1f ms, p99 %.1f ms", r.P50, r.P99), r.P50 > 0 && r.P50 <= 5 && r.P99 <= 50
}

func returned(within float64) func(*Result) (string, bool) {
	return func(r *Result) (string, bool) {
		return fmt.Sprintf("%.1f s, others p99 %.0f ms, %d lost, %d doubled", r.BackSeconds, r.P99, r.Lost, r.Doubled),
			r.BackSeconds > 0 && r.BackSeconds <= within && r.P99 <= 500
	}
}

func growth(r *Result) (string, bool) {
	var parts []string
	flat := len(r.Steps) > 1
	for _, s := range r.Steps {
		parts = append(parts, fmt.Sprintf("%d: %.1f KiB above idle, %.0f µs", s.Stations, float64(s.RSSAboveIdle)/1024, s.CPUPerConnect))
		first := r.Steps[0]
		flat = flat && s.RSSAboveIdle <= first.RSSAboveIdle*5/4 && s.CPUPerConnect <= first.CPUPerConnect*1.25
	}
	return strings.Join(parts, "; "), flat
}

func inTheServer(r *Result) (string, bool) {
	v, told := r.More["decision_p99_at_most_ms"]
	text := fmt.Sprintf("decision ≤ %g ms; mean %.2f ms; message to reply ≤ %g ms; mean %.2f ms; by wire p99 %.1f ms",
		v, r.More["decision_mean_ms"], r.More["inside_p99_at_most_ms"], r.More["inside_mean_ms"], r.P99)
	return text, told && v <= 2
}

func clustered(r *Result) (string, bool) {
	gib := max(r.More["rss_all_nodes_connected_bytes"], r.More["rss_all_nodes_loaded_bytes"]) / (1 << 30)
	return fmt.Sprintf("p99 %.0f ms, %.2f GiB, back %.1f s, %.0f of %d connected at the end", r.P99, gib, r.BackSeconds, r.More["connected_at_the_end"], r.Stations),
		r.P99 > 0 && r.P99 <= 250 && gib <= 3 && r.BackSeconds <= 60 && int(r.More["connected_at_the_end"]) == r.Stations
}

func beside(r *Result) (string, bool) {
	v, told := r.More["worst_p99_ratio"]
	return fmt.Sprintf("%.1f× at the worst; p99 without it %.1f ms", v, r.P99), told && v <= 2
}

// noBar stands for the bar of a figure that has none, which nothing meets.
const noBar = "–"

var figures = []figure{
	{"idle memory per station, plain", "≤ 16 KiB", "connect", below(kib, 16, "%.1f KiB")},
	{"the same, mTLS", "≤ 34 KiB", "connect-mtls", below(kib, 34, "%.1f KiB")},
	{"CPU per connect and boot", "≤ 0.4 ms", "connect", below(func(r *Result) float64 { return r.CPUPerConnect / 1000 }, .4, "%.3f ms")},
	{"the same, mTLS", noBar, "connect-mtls", func(r *Result) (string, bool) { return fmt.Sprintf("%.3f ms", r.CPUPerConnect/1000), true }},
	{"growth, 1,000 to 15,000 stations", "flat", "growth", growth},
	{"memory per station after an hour's worth of load", "≤ 24 KiB", "loaded", below(kib, 24, "%.1f KiB")},
	{"mix, closed loop, SQLite", "≥ 10,000/s", "mix", stored(10_000)},
	{"mix, closed loop, PostgreSQL", "≥ 7,000/s", "mix-postgres", stored(7_000)},
	{"mix, closed loop, SQLite, fsync + 2 ms", "≥ 6,000/s", "mix-fsync", stored(6_000)},
	{"mix at 1,000/s, SQLite", "p50 ≤ 5 ms, p99 ≤ 50 ms", "open", replies},
	{"mix at 1,000/s, PostgreSQL", "p50 ≤ 5 ms, p99 ≤ 50 ms", "open-postgres", replies},
	{"all drop and return, plain", "≤ 45 s, others p99 ≤ 500 ms, 0 lost or doubled", "storm", returned(45)},
	{"the same, mTLS, no session tickets", "≤ 60 s, others p99 ≤ 500 ms", "storm-mtls", returned(60)},
	{"Authorize, decision inside the server, p99", "≤ 2 ms", "authorize", inTheServer},
	{"list of stations, any filter and order, p95", "≤ 100 ms", "list", below(func(r *Result) float64 { return r.P95 }, 100, "%.1f ms")},
	{"the same, PostgreSQL", "≤ 100 ms", "list-postgres", below(func(r *Result) float64 { return r.P95 }, 100, "%.1f ms")},
	{"p99 of the others beside one bad station", "≤ 2×", "bad", beside},
	{"stations on several nodes, one killed", "p99 ≤ 250 ms, ≤ 3 GiB, back ≤ 60 s", "cluster", clustered},
}

// table is the Markdown of all figures; what was not run is empty.
func table(all map[string]record) string {
	var b strings.Builder
	b.WriteString("| figure | bar | measured | met | stations | command |\n|---|---|---|---|---|---|\n")
	var remarks []string
	for _, f := range figures {
		r, there := all[f.part]
		measured, met, stations := "", "", ""
		switch {
		case !there:
		case r.Result == nil:
			measured, met = "failed: "+r.Failed, "no"
		default:
			text, ok := f.measured(r.Result)
			measured, met, stations = text, "no", fmt.Sprint(r.Result.Stations)
			if ok && r.Result.Errors == 0 && r.Result.Lost == 0 && r.Result.Doubled == 0 {
				met = "yes"
			}
			if r.Result.Errors > 0 {
				measured += fmt.Sprintf("; %d errors", r.Result.Errors)
			}
			if r.Quick {
				met = "(quick)"
			}
			if r.Idle < quiet {
				measured += " (busy)"
			}
		}
		if there && f.bar == noBar {
			met = noBar
		}
		if r.Result != nil && len(remarks) == 0 {
			remarks = append(remarks, r.Result.Machine)
		}
		command := "`" + cmp.Or(r.Command, "scripts/bench-all.sh "+f.part) + "`"
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", f.name, f.bar, cell(measured), met, stations, cell(command))
	}
	if at := taken(all); at != "" {
		fmt.Fprintf(&b, "\nTaken %s; %s. Busy: the machine was less than %d %% idle just before.\n", at, strings.Join(remarks, ""), quiet)
	}
	return b.String()
}

// taken tells when the first and the last of the runs that count were taken.
func taken(all map[string]record) string {
	first, last := "", ""
	for _, r := range all {
		if first == "" || r.At < first {
			first = r.At
		}
		last = max(last, r.At)
	}
	if first == last {
		return first
	}
	return first + " to " + last
}

// cell keeps a text within its cell.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(s)
}

const (
	tableBegin = "<!-- made by forecourt bench table: begin -->\n"
	tableEnd   = "<!-- made by forecourt bench table: end -->"
)

// putTable replaces what lies between the marks.
func putTable(path, text string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(old), tableBegin)
	_, after, ended := strings.Cut(rest, tableEnd)
	if !found || !ended {
		return errors.New(path + " has no place for the table; its marks are " + strings.TrimSpace(tableBegin) + " and " + tableEnd)
	}
	return os.WriteFile(path, []byte(before+tableBegin+text+tableEnd+after), 0o644)
}
