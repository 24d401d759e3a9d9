package event

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Fact is something that became true. Kind is "room.noun_verb". Subject is
// what the order is kept for, such as a session's id; empty means the
// station, or the organisation.
type Fact struct {
	Seq     int64           `json:"seq"`
	At      time.Time       `json:"at"`
	Org     string          `json:"org"`
	Site    string          `json:"site,omitempty"`
	Station string          `json:"station,omitempty"`
	Subject string          `json:"subject"`
	Kind    string          `json:"kind"`
	Data    json.RawMessage `json:"data"`
}

// Decode reads the payload.
func (f Fact) Decode(into any) error {
	if err := json.Unmarshal(f.Data, into); err != nil {
		return fault.Wrap(fault.Internal, err, "event.payload", "the payload of fact %d (%s) cannot be read", f.Seq, f.Kind)
	}
	return nil
}

// topic wakes consumers of this process after a commit; wakeSubject those of
// the other nodes.
const (
	topic       = "fact"
	wakeSubject = "wake.fact"
)

// Record writes the fact with payload as its Data and tx.Now as its instant,
// at the end of the transaction. Seq, At and Data of f are ignored. Consumers wake after the commit.
func Record(tx *db.Tx, f Fact, payload any) error {
	return RecordAll(tx, []Draft{{f, payload}})
}

// Draft is a fact to be recorded, with the payload that becomes its Data.
type Draft struct {
	Fact
	Payload any
}

// RecordAll is Record for several facts, numbered in their order.
func RecordAll(tx *db.Tx, facts []Draft) error {
	if len(facts) == 0 {
		return nil
	}
	rows := make([][]any, len(facts))
	for i, f := range facts {
		if f.Kind == "" || f.Org == "" {
			return fault.New(fault.Internal, "event.incomplete", "a fact needs a kind and an organisation; this one has %q and %q", f.Kind, f.Org)
		}
		data, err := json.Marshal(f.Payload)
		if err != nil {
			return fault.Wrap(fault.Internal, err, "event.payload", "the payload of %s cannot be written", f.Kind)
		}
		rows[i] = []any{db.Micros(tx.Now), f.Org, f.Site, f.Station, cmp.Or(f.Subject, f.Station, f.Org), f.Kind, string(data)}
	}
	for _, row := range rows {
		db.Gather(tx, "fact", row, writeFacts)
	}
	tx.Wake(topic)
	return nil
}

var factColumns = []db.Col{{Name: "at", Type: "bigint"}, {Name: "org", Type: "text"}, {Name: "site", Type: "text"}, {Name: "station", Type: "text"},
	{Name: "subject", Type: "text"}, {Name: "kind", Type: "text"}, {Name: "data", Type: "text"}}

// writeFacts numbers the facts of a transaction in the order of their records.
func writeFacts(tx *db.Tx, rows [][]any) error {
	return db.InsertRows(tx, "fact", factColumns, rows, "")
}

// Consumer handles facts. Handle runs in the transaction that moves the
// cursor, possibly with other facts, and must obey the rules of db.Update.
type Consumer struct {
	Name   string
	Kinds  []string // empty means all
	Handle func(tx *db.Tx, f Fact) error

	// Ahead, in place of Handle, reads with few statements what the facts of
	// one transaction need and gives the function that handles one after the
	// other. It must say the same whatever other facts are among them.
	Ahead func(tx *db.Tx, facts []Fact) (handle func(f Fact) error, err error)
}

// Stations lists the stations that facts are of, each once.
func Stations(facts []Fact) []string {
	out := make([]string, 0, len(facts))
	for _, f := range facts {
		if f.Station != "" {
			out = append(out, f.Station)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

const columns = "seq, at, org, site, station, subject, kind, data"

func scanFact(s db.Scanner) (Fact, error) {
	var f Fact
	var at int64
	var data string
	err := s.Scan(&f.Seq, &at, &f.Org, &f.Site, &f.Station, &f.Subject, &f.Kind, &data)
	f.At, f.Data = db.Time(at), json.RawMessage(data)
	return f, err
}

// ofKinds is the condition for the kinds.
func ofKinds(kinds []string) db.Cond {
	if len(kinds) == 0 {
		return db.Cond{}
	}
	c := db.Cond{Text: "kind IN ("}
	for i, k := range slices.Sorted(slices.Values(kinds)) {
		if i > 0 {
			c.Text += ", "
		}
		c.Text += "?"
		c.Args = append(c.Args, k)
	}
	c.Text += ")"
	return c
}

// between reads facts above after up to last.
func between(tx *db.Tx, after, last int64, conds []db.Cond, limit int) ([]Fact, error) {
	q := db.Build("SELECT "+columns+" FROM fact WHERE seq > ? AND seq <= ?", after, last)
	for _, c := range conds {
		q.And(c)
	}
	// As a number, not an argument: SQLite plans a statement anew whenever the
	// argument of its LIMIT is bound.
	query, args := q.Add("ORDER BY seq LIMIT " + strconv.Itoa(limit)).SQL()
	return db.Collect(tx, scanFact, query, args...)
}
