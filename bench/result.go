package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Result is what a run found. A figure that could not be had is absent.
type Result struct {
	Bench    string `json:"bench"`
	Stations int    `json:"stations"`
	Setup    string `json:"setup"` // database, OCPP version, plain or mTLS, nodes
	Machine  string `json:"machine"`

	RSSPerStation int64   `json:"rss_per_station_bytes,omitempty"` // VmRSS of all servers over stations
	ServerRSS     int64   `json:"server_rss_bytes,omitempty"`
	ClientRSS     int64   `json:"client_rss_bytes,omitempty"`
	CPUPerConnect float64 `json:"cpu_us_per_connect,omitempty"` // of the servers
	CPUPerMessage float64 `json:"cpu_us_per_message,omitempty"` // of the servers
	ClientCPU     float64 `json:"client_cpu_us_per_message,omitempty"`

	MsgsPerS      float64 `json:"msgs_per_s,omitempty"`      // answered well
	PersistedPerS float64 `json:"persisted_per_s,omitempty"` // of them, with what was lost taken off
	P50           float64 `json:"p50_ms,omitempty"`
	P95           float64 `json:"p95_ms,omitempty"`
	P99           float64 `json:"p99_ms,omitempty"`
	Longest       float64 `json:"max_ms,omitempty"`
	Seconds       float64 `json:"seconds,omitempty"` // the load lasted
	BackSeconds   float64 `json:"back_s,omitempty"`  // until every station was in again

	SamplesAcked int64 `json:"samples_acknowledged,omitempty"`
	SamplesFound int64 `json:"samples_found,omitempty"`
	Lost         int64 `json:"lost"`    // acknowledged and not found
	Doubled      int64 `json:"doubled"` // found twice

	Errors   int            `json:"errors"`
	What     map[string]int `json:"errors_by_kind,omitempty"`
	Examples []string       `json:"error_examples,omitempty"`

	// More holds what only one command has.
	More  map[string]float64 `json:"more,omitempty"`
	Steps []Step             `json:"steps,omitempty"`
	Notes []string           `json:"notes,omitempty"`
}

// Step is a point of the growth plot.
type Step struct {
	Stations      int     `json:"stations"`
	RSSPerStation int64   `json:"rss_per_station_bytes,omitempty"`
	RSSAboveIdle  int64   `json:"rss_above_idle_per_station_bytes,omitempty"` // without the server as it was before the first
	CPUPerConnect float64 `json:"cpu_us_per_connect,omitempty"`               // of those that came in this step
}

func (r *Result) more(name string, v float64) {
	if r.More == nil {
		r.More = map[string]float64{}
	}
	r.More[name] = round(v)
}

func (r *Result) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// delays takes the reply times of a load that lasted so long.
func (r *Result) delays(h *Histogram, lasted time.Duration) {
	r.P50, r.P95, r.P99, r.Longest = ms(h.Quantile(.5)), ms(h.Quantile(.95)), ms(h.Quantile(.99)), ms(h.Longest())
	r.Seconds = round(lasted.Seconds())
	if lasted > 0 {
		r.MsgsPerS = round(float64(h.Count()) / lasted.Seconds())
	}
}

// failures adds what went wrong with a fleet.
func (r *Result) failures(f *fleet) { r.failed(f.wrong()) }

func (r *Result) failed(what map[string]int, examples []string) {
	for k, n := range what {
		if r.What == nil {
			r.What = map[string]int{}
		}
		r.What[k] += n
		r.Errors += n
	}
	r.Examples = append(r.Examples, examples...)
}

// verdict is an error if anything went wrong that may not.
func (r *Result) verdict() error {
	if r.Errors == 0 && r.Lost == 0 && r.Doubled == 0 {
		return nil
	}
	return fmt.Errorf("bench %s: %d lost, %d doubled, %d errors", r.Bench, r.Lost, r.Doubled, r.Errors)
}

func ms(d time.Duration) float64 { return round(float64(d.Microseconds()) / 1000) }

// round keeps three digits after the point: more were noise.
func round(v float64) float64 { return math.Round(v*1000) / 1000 }

func machine() string {
	return fmt.Sprintf("%d cores, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// print writes the table and, when asked for, the JSON line.
func (r *Result) print(out io.Writer, line bool) error {
	fmt.Fprintf(out, "bench %s: %d stations; %s; %s\n", r.Bench, r.Stations, r.Setup, r.Machine)
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	row := func(name, format string, v float64) {
		if v != 0 {
			fmt.Fprintf(w, "%s\t"+format+"\t\n", name, v)
		}
	}
	row("answered per second", "%.0f", r.MsgsPerS)
	row("persisted per second", "%.0f", r.PersistedPerS)
	row("reply time p50", "%.2f ms", r.P50)
	row("reply time p95", "%.2f ms", r.P95)
	row("reply time p99", "%.2f ms", r.P99)
	row("reply time longest", "%.2f ms", r.Longest)
	row("load lasted", "%.1f s", r.Seconds)
	row("all in again after", "%.2f s", r.BackSeconds)
	row("server memory per station", "%.1f KiB", float64(r.RSSPerStation)/1024)
	row("server memory", "%.1f MiB", float64(r.ServerRSS)/(1<<20))
	row("client memory", "%.1f MiB", float64(r.ClientRSS)/(1<<20))
	row("server CPU per connect and boot", "%.0f µs", r.CPUPerConnect)
	row("server CPU per message", "%.1f µs", r.CPUPerMessage)
	row("client CPU per message", "%.1f µs", r.ClientCPU)
	if r.ServerRSS == 0 {
		fmt.Fprintf(w, "CPU and memory\tnot available here\t\n")
	}
	if r.SamplesAcked > 0 {
		fmt.Fprintf(w, "samples acknowledged, found\t%d, %d\t\n", r.SamplesAcked, r.SamplesFound)
	}
	fmt.Fprintf(w, "lost, doubled\t%d, %d\t\nerrors\t%d\t\n", r.Lost, r.Doubled, r.Errors)
	for _, name := range slices.Sorted(maps.Keys(r.What)) {
		fmt.Fprintf(w, "  %s\t%d\t\n", name, r.What[name])
	}
	for _, name := range slices.Sorted(maps.Keys(r.More)) {
		fmt.Fprintf(w, "%s\t%v\t\n", strings.ReplaceAll(name, "_", " "), r.More[name])
	}
	for _, s := range r.Steps {
		fmt.Fprintf(w, "at %d stations\t%.1f KiB, %.0f µs\t\n", s.Stations, float64(s.RSSPerStation)/1024, s.CPUPerConnect)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, one := range r.Examples {
		fmt.Fprintln(out, "error:", one)
	}
	for _, one := range r.Notes {
		fmt.Fprintln(out, "note:", one)
	}
	if !line {
		return nil
	}
	return json.NewEncoder(out).Encode(r)
}
