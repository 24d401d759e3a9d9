package retain_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/retain"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func table(t *testing.T, d *db.DB) {
	t.Helper()
	exec(t, d, "CREATE TABLE scratch (key TEXT NOT NULL, at BIGINT NOT NULL, filler TEXT NOT NULL)")
	exec(t, d, "CREATE INDEX scratch_at ON scratch (at)")
}

func exec(t *testing.T, d *db.DB, query string, args ...any) {
	t.Helper()
	if err := d.Update(t.Context(), func(tx *db.Tx) error { _, err := tx.Exec(query, args...); return err }); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, d *db.DB) (n int) {
	t.Helper()
	if err := d.View(t.Context(), func(tx *db.Tx) error { return tx.QueryRow("SELECT COUNT(*) FROM scratch").Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

// fill writes rows for each of the last days.
func fill(t *testing.T, d *db.DB, days, each int) {
	t.Helper()
	var rows [][]any
	for day := range days {
		for i := range each {
			rows = append(rows, []any{fmt.Sprint("k", i%3), db.Micros(start.AddDate(0, 0, -day).Add(-time.Duration(i) * time.Second)), fmt.Sprintf("%0200d", i)})
		}
	}
	cols := []db.Col{{Name: "key", Type: "text"}, {Name: "at", Type: "bigint"}, {Name: "filler", Type: "text"}}
	if err := d.Update(t.Context(), func(tx *db.Tx) error { err := db.InsertRows(tx, "scratch", cols, rows, ""); return err }); err != nil {
		t.Fatal(err)
	}
}

var scratch = retain.Rows{Name: "scratch", Group: "test", Table: "scratch", At: "at"}

func keeper(d *db.DB, keep time.Duration) *retain.Keeper {
	return retain.New(d, slog.New(slog.DiscardHandler), map[string]time.Duration{"test": keep})
}

func TestOldRowsGoInSteps(t *testing.T) {
	t.Parallel()
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, clock *schematest.Clock) {
		table(t, d)
		fill(t, d, 10, 700)
		k := keeper(d, 4*24*time.Hour)
		k.Add(scratch.Store(d), retain.Store{Name: "jobs", Tables: []string{"job", "job_periodic"}})
		if err := k.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := count(t, d); n != 4*700+1 { // the row of exactly the fourth day is not older
			t.Fatalf("%d rows are left", n)
		}
		clock.Advance(time.Hour)
		if err := k.Run(t.Context()); err != nil { // not due
			t.Fatal(err)
		}
		if n := count(t, d); n != 4*700+1 {
			t.Fatalf("%d rows are left", n)
		}
		clock.Advance(25 * time.Hour)
		if err := k.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := count(t, d); n >= 3*700+1 {
			t.Fatalf("%d rows are left a day later", n)
		}
	})
}

func TestTheLastRowOfAKeyStays(t *testing.T) {
	t.Parallel()
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, _ *schematest.Clock) {
		table(t, d)
		fill(t, d, 10, 30)
		k := keeper(d, 5*24*time.Hour)
		r := scratch
		r.And = "EXISTS (SELECT 1 FROM scratch l WHERE l.key = t.key AND l.at > t.at AND l.at <= $1)"
		k.Add(r.Store(d))
		if err := k.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := count(t, d); n != 5*30+3 { // the row at the very instant is the last of its key
			t.Fatalf("%d rows are left", n)
		}
	})
}

func TestForEverAndFailures(t *testing.T) {
	t.Parallel()
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, clock *schematest.Clock) {
		table(t, d)
		fill(t, d, 3, 5)
		k := keeper(d, 0)
		k.Add(scratch.Store(d))
		if err := k.Run(t.Context()); err != nil || count(t, d) != 15 {
			t.Fatal("what is kept for ever was removed", err)
		}
		k = keeper(d, time.Hour)
		broken := errors.New("broken")
		calls := 0
		k.Add(retain.Store{Name: "bad", Group: "test", Delete: func(context.Context, time.Time) (int64, error) { calls++; return 7, broken }}, scratch.Store(d))
		for range 2 { // a failed one is tried again, the other is not due
			if err := k.Run(t.Context()); !errors.Is(err, broken) {
				t.Fatal(err)
			}
			clock.Advance(time.Hour)
		}
		if calls != 2 || count(t, d) != 5 {
			t.Error(calls, count(t, d))
		}
		r, err := k.Report(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range r.Sizes {
			if s.Name == "bad" && (s.Last == nil || s.Last.Error != "broken" || s.Last.Removed != 7) {
				t.Errorf("%+v", s.Last)
			}
		}
	})
}

func TestReport(t *testing.T) {
	t.Parallel()
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, _ *schematest.Clock) {
		table(t, d)
		fill(t, d, 10, 300)
		if d.Dialect() == db.Postgres {
			exec(t, d, "ANALYZE scratch")
		}
		k := keeper(d, 30*24*time.Hour)
		k.Add(scratch.Store(d))
		r, err := k.Report(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s := r.Sizes[0]
		if s.Name != "scratch" || s.Rows != 3000 || s.Bytes < 3000*200 || s.Bytes > r.Bytes || s.Oldest == nil || s.Oldest.After(start.AddDate(0, 0, -9)) {
			t.Errorf("%+v of %d", s, r.Bytes)
		}
		if s.PerDay < s.Bytes/12 || s.PerDay > s.Bytes/8 || s.Keep != 30*24*time.Hour {
			t.Errorf("%+v", s)
		}
		if len(r.Sizes) < 20 {
			t.Errorf("only %d tables are measured", len(r.Sizes))
		}
	})
}

// A file made by this version gives space back after a large deletion.
func TestSQLiteGivesSpaceBack(t *testing.T) {
	t.Parallel()
	clock := schematest.NewClock(start)
	d := schematest.Open(t, db.SQLite, clock.Now)
	table(t, d)
	fill(t, d, 10, 3000)
	k := keeper(d, time.Hour)
	k.Add(scratch.Store(d))
	before, err := k.Report(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := k.Report(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if after.Bytes > before.Bytes/2 || after.Free > after.Bytes/4 {
		t.Errorf("%d bytes became %d, of which %d are free", before.Bytes, after.Bytes, after.Free)
	}
}
