package trial

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Result is what a trial found.
type Result struct {
	Kind     string `json:"kind"`
	Runs     int    `json:"runs"`
	Database string `json:"database"`
	Stations int    `json:"stations"`
	Seed     uint64 `json:"seed"`

	Transactions int   `json:"transactions"`
	Acknowledged int64 `json:"acknowledged"` // transaction events
	Found        int64 `json:"found"`        // of them, exactly once
	Lost         int64 `json:"lost"`
	Doubled      int64 `json:"doubled"` // sessions, events or bills that are there more than once
	EnergyWrong  int64 `json:"energy_wrong"`
	Undelivered  int64 `json:"facts_undelivered"`

	LongestOutage float64 `json:"longest_outage_s"` // without any acknowledged event, under load

	Repeated       int64          `json:"repeated"`       // events sent more than once
	Refused        int64          `json:"refused"`        // calls answered with an error
	Dropped        int64          `json:"dropped"`        // connections
	Authorisations int64          `json:"authorisations"` // asked for
	Denied         int64          `json:"authorisations_failed"`
	AskedAgain     int64          `json:"authorisations_repeated"` // the connection went before the answer
	Refusals       map[string]int `json:"refusals,omitempty"`

	Errors   int            `json:"errors"`
	What     map[string]int `json:"errors_by_kind,omitempty"`
	Examples []string       `json:"error_examples,omitempty"`

	More  map[string]float64 `json:"more,omitempty"`
	Notes []string           `json:"notes,omitempty"`
}

func (r *Result) more(name string, v float64) {
	if r.More == nil {
		r.More = map[string]float64{}
	}
	r.More[name] = math.Round(v*1000) / 1000
}

// most keeps the largest value of a name.
func (r *Result) most(name string, d time.Duration) {
	r.more(name, max(r.More[name], d.Seconds()))
}

func (r *Result) note(format string, args ...any) {
	if n := fmt.Sprintf(format, args...); !slices.Contains(r.Notes, n) {
		r.Notes = append(r.Notes, n)
	}
}

func (r *Result) progress() string {
	return fmt.Sprintf("%d transactions, %d events acknowledged, %d found, %d lost, %d doubled, %d energies wrong, %d facts undelivered",
		r.Transactions, r.Acknowledged, r.Found, r.Lost, r.Doubled, r.EnergyWrong, r.Undelivered)
}

// finish fills in what was counted along the way.
func (t *trial) finish() {
	r, c := t.result, &t.fleet.counts
	r.Database = "SQLite"
	if t.url != "" {
		r.Database = "PostgreSQL"
	}
	r.LongestOutage = math.Round(c.longest().Seconds()*1000) / 1000
	r.Repeated, r.Refused, r.Dropped = c.repeated.Load(), c.refused.Load(), c.dropped.Load()
	r.Authorisations, r.Denied, r.AskedAgain = c.asked.Load(), c.denied.Load()+c.unserved.Load(), c.askAgain.Load()
	t.fleet.mu.Lock()
	defer t.fleet.mu.Unlock()
	r.Refusals, r.Examples, r.What = t.fleet.refusals, t.fleet.examples, t.fleet.failures
	for _, n := range t.fleet.failures {
		r.Errors += n
	}
}

// verdict is an error if anything went wrong that may not.
func (r *Result) verdict() error {
	if r.Lost+r.Doubled+r.EnergyWrong+r.Undelivered == 0 && r.Errors == 0 {
		return nil
	}
	return fmt.Errorf("trial %s: %d lost, %d doubled, %d energies wrong, %d facts undelivered, %d errors", r.Kind, r.Lost, r.Doubled, r.EnergyWrong, r.Undelivered, r.Errors)
}

// print writes the table and, with asJSON, one line of JSON behind it.
func (r *Result) print(out io.Writer, asJSON bool) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	row := func(name, format string, v any) { fmt.Fprintf(w, "%s\t"+format+"\n", name, v) }
	fmt.Fprintf(w, "trial %s\t%d runs, %s, %d stations, seed %d\n", r.Kind, r.Runs, r.Database, r.Stations, r.Seed)
	row("transactions", "%d", r.Transactions)
	row("events acknowledged", "%d", r.Acknowledged)
	row("found exactly once", "%d", r.Found)
	row("lost", "%d", r.Lost)
	row("doubled", "%d", r.Doubled)
	row("sessions with another energy", "%d", r.EnergyWrong)
	row("facts undelivered", "%d", r.Undelivered)
	row("longest time without an answer", "%.2f s", r.LongestOutage)
	row("events sent again", "%d", r.Repeated)
	row("calls refused", "%d", r.Refused)
	row("connections dropped", "%d", r.Dropped)
	fmt.Fprintf(w, "authorisations\t%d asked, %d failed, %d asked again on a new connection\n", r.Authorisations, r.Denied, r.AskedAgain)
	for _, name := range slices.Sorted(maps.Keys(r.Refusals)) {
		row("refused with "+name, "%d", r.Refusals[name])
	}
	for _, name := range slices.Sorted(maps.Keys(r.More)) {
		row(strings.ReplaceAll(name, "_", " "), "%v", r.More[name])
	}
	row("errors", "%d", r.Errors)
	for _, one := range r.Examples {
		row("", "%s", one)
	}
	for _, one := range r.Notes {
		row("note", "%s", one)
	}
	if err := w.Flush(); err != nil || !asJSON {
		return err
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n", line)
	return err
}
