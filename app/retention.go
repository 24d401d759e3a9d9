package app

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/retain"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/session"
)

// retentionConfig says how long what grows is kept. Sessions, their intervals
// of a quarter of an hour, CDRs and everything people enter stay for ever.
type retentionConfig struct {
	MessageRetention Span `help:"How long station messages, notices and monitoring events are kept, in days or hours (90d, 36h); 0 is for ever." default:"90d"`
	SampleRetention  Span `help:"How long raw meter samples are kept; intervals of 15 minutes stay with their session." default:"400d"`
	HistoryRetention Span `help:"How long the history of statuses, variables and boots is kept; uptime reports need 12 months." default:"400d"`
	CommandRetention Span `help:"How long commands to stations are kept." default:"400d"`
	AuditRetention   Span `help:"How long the audit and security events are kept." default:"3650d"`
	FactRetention    Span `help:"How long facts are kept for viewers that resume; what no consumer has taken yet is kept in any case." default:"30d"`
}

// Span is a time in whole days ("90d") or as Go writes it ("36h").
type Span time.Duration

// UnmarshalText reads a span.
func (s *Span) UnmarshalText(text []byte) error {
	days, whole := strings.CutSuffix(string(text), "d")
	if n, err := strconv.Atoi(days); whole && err == nil && n >= 0 && n <= 36500 {
		*s = Span(n) * Span(24*time.Hour)
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d < 0 {
		return fmt.Errorf("%q is not a time such as 90d, 36h or 0", text)
	}
	*s = Span(d)
	return nil
}

func (c retentionConfig) groups() map[string]time.Duration {
	return map[string]time.Duration{
		"message": time.Duration(c.MessageRetention), "sample": time.Duration(c.SampleRetention), "history": time.Duration(c.HistoryRetention),
		"command": time.Duration(c.CommandRetention), "audit": time.Duration(c.AuditRetention), "fact": time.Duration(c.FactRetention),
	}
}

// leastSamples is how long a station may be away and still bring events that
// make a session be reckoned anew from its samples.
const leastSamples = 31 * 24 * time.Hour

func (c retentionConfig) check(bad *fault.Error) {
	if d := time.Duration(c.SampleRetention); d != 0 && d < leastSamples {
		bad.With("sample-retention", "at least 31d, or 0 for ever: late events reckon a session anew from its samples", d.String())
	}
}

// retention wires what grows: the foundation's own stores, the daily run,
// which looks hourly whether one is due, and the page of sizes.
func (a *App) retention() {
	a.keeper.Add(
		retain.Store{Name: "facts", Group: "fact", Tables: []string{"fact"}, Delete: a.facts.Trim,
			Oldest: func(tx *db.Tx) (time.Time, error) { return retain.Oldest(tx, "fact", "at") }},
		retain.Store{Name: "files", Tables: []string{"stored_file", "stored_content", "stored_piece", "file_usage", "file_link"}},
		retain.Store{Name: "jobs", Tables: []string{"job", "job_periodic", "fact_cursor", "fact_parked"}},
	)
	a.jobs.Every("retention", time.Hour, a.keeper.Run)
	web.Handle(a.api, web.Op{Method: "GET", Path: "/system/storage", Room: "app", Permission: identity.SystemRead, Tags: []string{"system"},
		Summary: "How much room everything takes, and how long it is kept"}, a.storage)
}

// unbilled names the sessions whose end a consumer, such as billing, could
// not deal with yet.
func (a *App) unbilled(ctx context.Context) ([]session.ID, error) {
	parked, err := a.facts.Parked(ctx, db.Cond{Text: "subject LIKE ?", Args: []any{"session/%"}})
	var out []session.ID
	for _, p := range parked {
		out = append(out, session.ID(strings.TrimPrefix(p.Subject, "session/")))
	}
	return out, err
}

type storageOutput struct {
	Body struct {
		Database   string        `json:"database" enum:"sqlite,postgres"`
		Bytes      int64         `json:"bytes" doc:"Of the whole database"`
		Free       int64         `json:"free_bytes" doc:"Inside of it, used again before it grows; SQLite only"`
		MeasuredAt *time.Time    `json:"measured_at,omitempty" doc:"When rows and bytes were measured; a large SQLite file is measured once a day. Absent: not yet"`
		Items      []storageItem `json:"items" nullable:"false" doc:"What has a name of its own, largest first, then the other tables"`
	}
}

type storageItem struct {
	Name     string      `json:"name"`
	Tables   []string    `json:"tables" nullable:"false"`
	Rows     int64       `json:"rows" doc:"An estimate on PostgreSQL"`
	Bytes    int64       `json:"bytes" doc:"With indexes"`
	OldestAt *time.Time  `json:"oldest_at,omitempty"`
	Keep     *int64      `json:"keep_days,omitempty" doc:"Absent: kept for ever"`
	Setting  string      `json:"setting,omitempty" doc:"The flag that says how long; absent: none does"`
	PerDay   int64       `json:"bytes_per_day,omitempty" doc:"The average since the oldest row"`
	LastRun  *storageRun `json:"last_run,omitempty"`
}

type storageRun struct {
	StartedAt time.Time  `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at,omitempty" doc:"Absent: it runs, or was cut off and is soon taken up again"`
	Before    time.Time  `json:"removed_before"`
	Removed   int64      `json:"removed_rows" doc:"An estimate where whole partitions went"`
	Error     string     `json:"error,omitempty"`
}

func (a *App) storage(ctx context.Context, _ *struct{}) (*storageOutput, error) {
	caller, err := identity.Require(ctx, identity.SystemRead)
	if err != nil {
		return nil, err
	}
	if !caller.Scope.All() {
		return nil, fault.New(fault.Forbidden, "system.whole", "Only the organisation at the top sees what the whole installation takes.")
	}
	r, err := a.keeper.Report(ctx)
	if err != nil {
		return nil, err
	}
	out := &storageOutput{}
	b := &out.Body
	b.Database, b.Bytes, b.Free, b.Items = a.db.Dialect().String(), r.Bytes, r.Free, make([]storageItem, len(r.Sizes))
	if !r.MeasuredAt.IsZero() {
		b.MeasuredAt = &r.MeasuredAt
	}
	for i, s := range r.Sizes {
		b.Items[i] = storageItemOf(s)
	}
	return out, nil
}

func storageItemOf(s retain.Size) storageItem {
	item := storageItem{Name: s.Name, Tables: s.Tables, Rows: s.Rows, Bytes: s.Bytes, OldestAt: s.Oldest, PerDay: s.PerDay}
	if s.Group != "" {
		item.Setting = s.Group + "-retention"
	}
	if s.Keep > 0 {
		days := int64(s.Keep / (24 * time.Hour))
		item.Keep = &days
	}
	if run := s.Last; run != nil {
		item.LastRun = &storageRun{run.StartedAt, run.EndedAt, run.Before, run.Removed, run.Error}
	}
	return item
}
