package job

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
)

// Job is work to be done. Enqueue takes Kind, Key, Org, Payload, RunAt and
// Background; a handler gets all of it, with Data in place of Payload.
type Job struct {
	ID      string
	Kind    string
	Key     string // unique within the kind; empty: not unique
	Org     string
	Payload any             // written as JSON
	Data    json.RawMessage // the payload as a handler reads it
	RunAt   time.Time       // zero: now
	Attempt int             // 1 for the first

	// Background marks what nobody waits for: it begins when the node has time
	// for it (Pace). Enqueued once more without it, a job with a key is of the
	// background no longer.
	Background bool
}

// Decode reads the payload.
func (j Job) Decode(into any) error {
	if err := json.Unmarshal(j.Data, into); err != nil {
		return Stop(fault.Wrap(fault.Internal, err, "job.payload", "the payload of job %s (%s) cannot be read", j.ID, j.Kind))
	}
	return nil
}

// Options bound the attempts of a kind. Zero values mean the defaults.
type Options struct {
	MaxAttempts int           // 10
	Timeout     time.Duration // of one attempt; a minute
}

// stopError ends the attempts.
type stopError struct{ err error }

func (e stopError) Error() string { return e.err.Error() }
func (e stopError) Unwrap() error { return e.err }

// Stop marks an error that no further attempt can mend: the job fails at once.
func Stop(err error) error { return stopError{err} }

func final(err error) bool {
	var s stopError
	return errors.As(err, &s)
}

const (
	waiting = "waiting"
	running = "running"
	failed  = "failed"
)

// topic wakes the runners of this process; wakeSubject those of other nodes.
const (
	topic       = "job"
	wakeSubject = "wake.job"
)

// Enqueue stores a job at the end of the transaction, together with others of
// it. Runners wake after the commit.
func Enqueue(tx *db.Tx, j Job) error {
	if j.Kind == "" {
		return fault.New(fault.Internal, "job.incomplete", "a job needs a kind")
	}
	data, err := json.Marshal(j.Payload)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "job.payload", "the payload of %s cannot be written", j.Kind)
	}
	if j.RunAt.IsZero() {
		j.RunAt = tx.Now
	}
	j.ID, j.Data = id.New[string](tx.Now), data
	db.Gather(tx, "job", j, insert)
	if !j.RunAt.After(tx.Now) { // a later one is found by the poll; thousands of boots need no look each
		tx.Wake(topic)
	}
	return nil
}

var columns = []db.Col{{Name: "id", Type: "text"}, {Name: "kind", Type: "text"}, {Name: "key", Type: "text"}, {Name: "org", Type: "text"},
	{Name: "payload", Type: "text"}, {Name: "state", Type: "text"}, {Name: "again", Type: "boolean"}, {Name: "run_at", Type: "bigint"},
	{Name: "attempts", Type: "bigint"}, {Name: "lease_owner", Type: "text"}, {Name: "lease_boot", Type: "text"}, {Name: "error", Type: "text"},
	{Name: "created_at", Type: "bigint"}, {Name: "updated_at", Type: "bigint"}, {Name: "background", Type: "boolean"}}

// A job that waits for the same already is left as it is: stations that come
// back by the thousand ask for what is not done since they came last.
const conflict = `ON CONFLICT (kind, key) DO UPDATE SET
	org = excluded.org, payload = excluded.payload, updated_at = excluded.updated_at,
	again = (job.state = 'running'), background = (excluded.background AND (job.background OR job.state = 'failed')),
	attempts = CASE job.state WHEN 'failed' THEN 0 ELSE job.attempts END,
	run_at = CASE WHEN job.state = 'running' OR (job.state = 'waiting' AND job.run_at < excluded.run_at) THEN job.run_at ELSE excluded.run_at END,
	state = CASE job.state WHEN 'running' THEN 'running' ELSE 'waiting' END
	WHERE job.state <> 'waiting' OR job.run_at > excluded.run_at OR job.payload <> excluded.payload OR job.org <> excluded.org
		OR job.background AND NOT excluded.background`

// insert stores the jobs of a transaction in the order of their keys, which
// for their locks is the same everywhere. A key that comes again gets a
// statement of its own: PostgreSQL touches a row once in each.
func insert(tx *db.Tx, all []Job) error {
	slices.SortStableFunc(all, func(a, b Job) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Key, b.Key)) })
	now := db.Micros(tx.Now)
	for len(all) > 0 {
		var rows [][]any
		var later []Job
		for i, j := range all {
			if i > 0 && j.Key != "" && j.Kind == all[i-1].Kind && j.Key == all[i-1].Key {
				later = append(later, j)
				continue
			}
			var key any
			if j.Key != "" {
				key = j.Key
			}
			rows = append(rows, []any{j.ID, j.Kind, key, j.Org, string(j.Data), waiting, false, db.Micros(j.RunAt), 0, "", "", "", now, now, j.Background})
		}
		if err := db.InsertRows(tx, "job", columns, rows, conflict); err != nil {
			return err
		}
		all = later
	}
	return nil
}

// Cancel removes a waiting or failed job by its key; it reports whether there
// was one. A job that runs is left alone.
func Cancel(tx *db.Tx, kind, key string) (bool, error) {
	if err := tx.Flush(); err != nil { // what was enqueued in this transaction, too
		return false, err
	}
	n, err := tx.Exec("DELETE FROM job WHERE kind = $1 AND key = $2 AND state <> 'running'", kind, key)
	return n > 0, err
}

// Status is a job as an operator sees it.
type Status struct {
	ID, Kind, Key, Org string
	State              string // waiting, running or failed
	Attempts           int
	Error              string // of the last attempt
	RunAt              time.Time
	CreatedAt          time.Time
	UpdatedAt          time.Time
}

const statusColumns = "id, kind, COALESCE(key, ''), org, state, attempts, error, run_at, created_at, updated_at"

func scanStatus(s db.Scanner) (v Status, err error) {
	var run, created, updated int64
	err = s.Scan(&v.ID, &v.Kind, &v.Key, &v.Org, &v.State, &v.Attempts, &v.Error, &run, &created, &updated)
	v.RunAt, v.CreatedAt, v.UpdatedAt = db.Time(run), db.Time(created), db.Time(updated)
	return v, err
}

// List pages through the jobs that meet the conditions.
func List(tx *db.Tx, where []db.Cond, req db.ListRequest) ([]Status, string, error) {
	return db.List(tx, db.ListSpec{
		Base: "SELECT " + statusColumns + " FROM job WHERE",
		Fields: []db.Field{
			{Name: "kind", Column: "kind", Kind: db.Text, Sort: true, Filter: true},
			{Name: "key", Column: "key", Kind: db.Text, Filter: true, Nullable: true},
			{Name: "state", Column: "state", Kind: db.Enum, Filter: true, Allowed: []string{waiting, running, failed}},
			{Name: "attempts", Column: "attempts", Kind: db.Int, Sort: true, Filter: true},
			{Name: "run_at", Column: "run_at", Kind: db.Instant, Sort: true, Filter: true},
			{Name: "created_at", Column: "created_at", Kind: db.Instant, Sort: true, Filter: true},
		},
		Default: "-created_at",
		Key:     "id",
	}, where, req, scanStatus)
}

// Failed lists the jobs whose attempts are used up, the newest first.
func (r *Runner) Failed(ctx context.Context, where ...db.Cond) (all []Status, err error) {
	err = r.db.View(ctx, func(tx *db.Tx) error {
		q := db.Build("SELECT " + statusColumns + " FROM job WHERE state = 'failed'")
		for _, c := range where {
			q.And(c)
		}
		query, args := q.Add("ORDER BY updated_at DESC, id LIMIT 1000").SQL()
		all, err = db.Collect(tx, scanStatus, query, args...)
		return err
	})
	return all, err
}

// Retry makes a failed or waiting job due now, with all its attempts before
// it. fault.NotFound when there is none.
func (r *Runner) Retry(ctx context.Context, jobID string) error {
	return r.db.Update(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec("UPDATE job SET state = 'waiting', attempts = 0, background = FALSE, run_at = $1, updated_at = $1 WHERE id = $2 AND state <> 'running'", db.Micros(tx.Now), jobID)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.NotFound, "job.unknown", "there is no failed or waiting job %q", jobID)
		}
		tx.Wake(topic)
		return nil
	})
}

// Counts tells how many jobs there are: due (their time has come), later (a
// time or a next attempt is to come), running, failed. A running job whose
// worker died counts as running until it is taken up again.
func (r *Runner) Counts(ctx context.Context) (map[string]int64, error) {
	n := map[string]int64{"due": 0, "later": 0, "running": 0, "failed": 0}
	err := r.db.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT CASE WHEN state <> 'waiting' THEN state WHEN run_at <= $1 THEN 'due' ELSE 'later' END AS standing, COUNT(*)
			FROM job GROUP BY standing`, db.Micros(tx.Now))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var kind string
			var count int64
			if err := rows.Scan(&kind, &count); err != nil {
				return err
			}
			n[kind] = count
		}
		return rows.Err()
	})
	return n, err
}
