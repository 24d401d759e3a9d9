package job_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

func enqueue(t *testing.T, d *db.DB, j job.Job) {
	t.Helper()
	if err := d.Update(t.Context(), func(tx *db.Tx) error { return job.Enqueue(tx, j) }); err != nil {
		t.Fatal(err)
	}
}

func newRunner(d *db.DB, node string) *job.Runner {
	return job.New(d, nil, node, slog.New(slog.DiscardHandler))
}

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func runDue(t *testing.T, r *job.Runner, want int) {
	t.Helper()
	if n, err := r.RunDue(t.Context()); err != nil || n != want {
		t.Fatalf("%d jobs done, not %d: %v", n, want, err)
	}
}

func TestRetryAndFail(t *testing.T) {
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, clock *schematest.Clock) {
		r := newRunner(d, "n")
		attempts := 0
		r.Handle("k", func(ctx context.Context, j job.Job) error {
			attempts++
			var text string
			if err := j.Decode(&text); err != nil || text != "payload" || j.Attempt != attempts {
				t.Error(text, j.Attempt, err)
			}
			return errors.New("cannot")
		}, job.Options{MaxAttempts: 3})
		enqueue(t, d, job.Job{Kind: "k", Key: "a", Org: "o", Payload: "payload"})
		enqueue(t, d, job.Job{Kind: "k", Key: "a", Org: "o", Payload: "payload"})
		runDue(t, r, 1)
		runDue(t, r, 0)
		for range 2 {
			clock.Advance(10 * time.Second)
			runDue(t, r, 1)
		}
		clock.Advance(time.Hour)
		runDue(t, r, 0)
		failed, err := r.Failed(t.Context())
		if err != nil || len(failed) != 1 || failed[0].Error != "cannot" || failed[0].Attempts != 3 {
			t.Fatal(failed, err)
		}
		attempts = 0
		if err := r.Retry(t.Context(), failed[0].ID); err != nil {
			t.Fatal(err)
		}
		runDue(t, r, 1)
	})
}

func TestCounts(t *testing.T) {
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, clock *schematest.Clock) {
		r := newRunner(d, "n")
		r.Handle("bad", func(context.Context, job.Job) error { return errors.New("no") }, job.Options{MaxAttempts: 1})
		r.Handle("k", func(context.Context, job.Job) error { return nil }, job.Options{})
		enqueue(t, d, job.Job{Kind: "bad", Org: "o"})
		runDue(t, r, 1)
		enqueue(t, d, job.Job{Kind: "k", Org: "o"})
		enqueue(t, d, job.Job{Kind: "bad", Org: "o"})
		enqueue(t, d, job.Job{Kind: "k", Org: "o", RunAt: start.Add(time.Hour)})
		got, err := r.Counts(t.Context())
		if want := map[string]int64{"due": 2, "later": 1, "running": 0, "failed": 1}; err != nil || !maps.Equal(got, want) {
			t.Errorf("%v, %v", got, err)
		}
	})
}
