package event_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/schema"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

func migrate(t *testing.T, d *db.DB) {
	t.Helper()
	if err := d.Migrate(t.Context(), schema.Files); err != nil {
		t.Fatal(err)
	}
}

// However a consumer fails, only the subject of the fact waits, and nothing
// of the failed attempt stays.
func TestWaysToFail(t *testing.T) {
	ways := map[string]func(tx *db.Tx) error{
		"error":      func(*db.Tx) error { return errors.New("cannot") },
		"panic":      func(*db.Tx) error { panic("cannot") },
		"statement":  func(tx *db.Tx) error { _, err := tx.Exec("cannot"); return err },
		"swallowed":  func(tx *db.Tx) error { _, _ = tx.Exec("cannot"); return nil },
		"not found":  func(tx *db.Tx) error { return fault.New(fault.NotFound, "x", "cannot") },
		"not now":    func(tx *db.Tx) error { return fault.New(fault.Unavailable, "x", "cannot") },
		"long error": func(*db.Tx) error { return errors.New("cannot" + strings.Repeat("ä", 5000)) },
	}
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		create(t, d, effects)
		l := newLog(d, "n")
		l.Consume(event.Consumer{Name: "c", Handle: func(tx *db.Tx, f event.Fact) error {
			if err := effect("n")(tx, f); err != nil {
				return err
			}
			if way := ways[f.Subject]; way != nil {
				return way(tx)
			}
			return nil
		}})
		for subject := range ways {
			record(t, d, "good", "k.k")
			record(t, d, subject, "k.k")
			record(t, d, subject, "k.k")
		}
		if err := l.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := numbers(t, d, "SELECT COUNT(*) FROM scratch_effect")[0]; int(n) != len(ways) {
			t.Errorf("%d effects for %d good facts", n, len(ways))
		}
		parked, err := l.Parked(t.Context())
		if err != nil || len(parked) != len(ways) {
			t.Fatal(parked, err)
		}
		for _, p := range parked {
			if !strings.Contains(p.Error, "cannot") || p.Attempts != 1 || p.Org != "o" || p.Kind != "k.k" || !p.NextAt.After(p.ParkedAt) {
				t.Errorf("%+v", p)
			}
		}
		if err := l.Retry(t.Context(), "c", "good"); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
	})
}

// Facts fail at random and are retried until none does: every subject sees
// its facts in order, each effect once.
func TestParkedKeepsOrder(t *testing.T) {
	schematest.EachAt(t, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), func(t *testing.T, d *db.DB, clock *schematest.Clock) {
		create(t, d, effects)
		random := rand.New(rand.NewPCG(3, 4))
		var in inbox
		l := newLog(d, "n")
		l.Consume(event.Consumer{Name: "c", Kinds: []string{"k.k"}, Handle: func(tx *db.Tx, f event.Fact) error {
			if err := effect("n")(tx, f); err != nil {
				return err
			}
			if random.IntN(3) == 0 {
				return errors.New("bad luck")
			}
			tx.AfterCommit(func() { in.put(f) })
			return nil
		}})
		total := 0
		for range 20 {
			for range 10 {
				record(t, d, fmt.Sprint(random.IntN(5)), []string{"k.k", "other.k"}[random.IntN(2)])
			}
			if err := l.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			clock.Advance(time.Second)
		}
		total = int(numbers(t, d, "SELECT COUNT(*) FROM fact WHERE kind = 'k.k'")[0])
		for rounds := 0; ; rounds++ {
			parked, err := l.Parked(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(parked) == 0 {
				break
			}
			if rounds > 200 {
				t.Fatal(parked)
			}
			clock.Advance(time.Hour)
			if err := l.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		bySubject := map[string][]int64{}
		for _, f := range in.facts() {
			bySubject[f.Subject] = append(bySubject[f.Subject], f.Seq)
		}
		for subject, seqs := range bySubject {
			if !slices.IsSorted(seqs) {
				t.Errorf("subject %s: %v", subject, seqs)
			}
		}
		got := numbers(t, d, "SELECT seq FROM scratch_effect ORDER BY seq")
		if len(got) != total || len(slices.Compact(got)) != total || len(in.facts()) != total {
			t.Errorf("%d effects, %d told, of %d facts", len(got), len(in.facts()), total)
		}
	})
}

func TestRecordRefusesIncomplete(t *testing.T) {
	d := schematest.Open(t, db.SQLite, time.Now)
	for _, f := range []event.Fact{{Org: "o"}, {Kind: "k.k"}} {
		if err := d.Update(t.Context(), func(tx *db.Tx) error { return event.Record(tx, f, nil) }); fault.Of(err) == nil {
			t.Errorf("%+v: %v", f, err)
		}
	}
	if err := d.Update(t.Context(), func(tx *db.Tx) error {
		return event.Record(tx, event.Fact{Org: "o", Kind: "k.k"}, make(chan int))
	}); fault.Of(err) == nil {
		t.Error(err)
	}
}

func TestTrim(t *testing.T) {
	schematest.EachAt(t, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), func(t *testing.T, d *db.DB, clock *schematest.Clock) {
		l := newLog(d, "n")
		broken := true
		var in inbox
		l.Consume(event.Consumer{Name: "c", Handle: func(tx *db.Tx, f event.Fact) error {
			if f.Subject == "bad" && broken {
				return errors.New("cannot")
			}
			tx.AfterCommit(func() { in.put(f) })
			return nil
		}})
		for _, subject := range []string{"a", "b", "bad", "c", "d"} {
			record(t, d, subject, "k.k")
		}
		trim := func(want int64) {
			t.Helper()
			if n, err := l.Trim(t.Context(), clock.Now().Add(-time.Minute)); err != nil || n != want {
				t.Fatalf("%d facts removed, not %d: %v", n, want, err)
			}
		}
		clock.Advance(time.Hour)
		trim(0) // nobody has seen them
		if err := l.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		trim(2) // "bad" still waits
		broken = false
		clock.Advance(time.Hour)
		if err := l.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		trim(2) // the newest stays
		// A log that starts anew goes on behind the gap.
		record(t, d, "e", "k.k")
		again := newLog(d, "n2")
		again.Consume(event.Consumer{Name: "c", Handle: func(tx *db.Tx, f event.Fact) error { tx.AfterCommit(func() { in.put(f) }); return nil }},
			event.Consumer{Name: "new", Handle: func(tx *db.Tx, f event.Fact) error { return nil }})
		if err := again.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := in.seqs(); !slices.Equal(got, []int64{1, 2, 4, 5, 3, 6}) {
			t.Fatal(got)
		}
	})
}
