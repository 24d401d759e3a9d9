package event_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

func record(t *testing.T, d *db.DB, subject, kind string) {
	t.Helper()
	err := d.Update(t.Context(), func(tx *db.Tx) error {
		return event.Record(tx, event.Fact{Org: "o", Subject: subject, Kind: kind}, map[string]string{"s": subject})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func newLog(d *db.DB, node string) *event.Log {
	return event.New(d, nil, node, slog.New(slog.DiscardHandler))
}

func TestCatchUp(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		var got []string
		l := newLog(d, "n1")
		l.Consume(event.Consumer{Name: "c", Kinds: []string{"a.b"}, Handle: func(tx *db.Tx, f event.Fact) error {
			got = append(got, fmt.Sprint(f.Subject, f.Kind))
			return nil
		}})
		for i := range 5 {
			record(t, d, fmt.Sprint("s", i), "a.b")
			record(t, d, fmt.Sprint("s", i), "x.y")
		}
		for range 2 {
			if err := l.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if want := []string{"s0a.b", "s1a.b", "s2a.b", "s3a.b", "s4a.b"}; !slices.Equal(got, want) {
			t.Fatal(got)
		}
	})
}

func TestParkedSubject(t *testing.T) {
	schematest.EachAt(t, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), func(t *testing.T, d *db.DB, clock *schematest.Clock) {
		var mu sync.Mutex
		var got []int64
		broken := true
		l := newLog(d, "n1")
		l.Consume(event.Consumer{Name: "c", Handle: func(tx *db.Tx, f event.Fact) error {
			mu.Lock()
			defer mu.Unlock()
			if f.Subject == "bad" && broken {
				return errors.New("cannot")
			}
			tx.AfterCommit(func() { got = append(got, f.Seq) })
			return nil
		}})
		for i := range 10 {
			record(t, d, []string{"good", "bad"}[i%2], "k.k")
		}
		ctx := context.Background()
		if err := l.CatchUp(ctx); err != nil {
			t.Fatal(err)
		}
		if want := []int64{1, 3, 5, 7, 9}; !slices.Equal(got, want) {
			t.Fatal(got)
		}
		parked, err := l.Parked(ctx)
		if err != nil || len(parked) != 1 || parked[0].Seq != 2 || parked[0].Subject != "bad" || parked[0].Attempts != 1 {
			t.Fatal(parked, err)
		}
		clock.Advance(2 * time.Second)
		if err := l.CatchUp(ctx); err != nil {
			t.Fatal(err)
		}
		if parked, _ = l.Parked(ctx); parked[0].Attempts != 2 {
			t.Fatal(parked)
		}
		broken = false
		if err := l.Retry(ctx, "c", "bad"); err != nil {
			t.Fatal(err)
		}
		record(t, d, "bad", "k.k")
		if err := l.CatchUp(ctx); err != nil {
			t.Fatal(err)
		}
		if want := []int64{1, 3, 5, 7, 9, 2, 4, 6, 8, 10, 11}; !slices.Equal(got, want) {
			t.Fatal(got)
		}
		if parked, _ = l.Parked(ctx); len(parked) != 0 {
			t.Fatal(parked)
		}
	})
}

// A consumer that reads ahead handles each fact once, also when what it reads
// fails because of one of them: only that one's subject waits.
func TestAhead(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		create(t, d, effects)
		most := 0
		l := newLog(d, "n")
		l.Consume(event.Consumer{Name: "c", Ahead: func(tx *db.Tx, facts []event.Fact) (func(event.Fact) error, error) {
			most = max(most, len(facts))
			for _, f := range facts {
				switch f.Subject {
				case "error":
					return nil, errors.New("cannot")
				case "panic":
					panic("cannot")
				}
			}
			return func(f event.Fact) error { return effect("n")(tx, f) }, nil
		}})
		for _, s := range []string{"a", "b", "error", "c", "panic", "a"} {
			record(t, d, s, "k.k")
		}
		if err := l.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := numbers(t, d, "SELECT COUNT(*) FROM scratch_effect")[0]; n != 4 || most < 2 {
			t.Errorf("%d effects, %d facts at once", n, most)
		}
		parked, err := l.Parked(t.Context())
		if err != nil || len(parked) != 2 || parked[0].Subject != "error" || parked[1].Subject != "panic" {
			t.Error(parked, err)
		}
	})
}
