package db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

type reading struct {
	id    string
	value int64
}

func flushReadings(tx *db.Tx, rows []reading) error {
	values := make([][]any, len(rows))
	for i, r := range rows {
		values[i] = []any{r.id, r.value}
	}
	err := db.InsertRows(tx, "scratch_reading", []db.Col{{Name: "id", Type: "text"}, {Name: "value", Type: "bigint"}}, values, "")
	return err
}

const readings = "CREATE TABLE scratch_reading (id TEXT PRIMARY KEY, value BIGINT NOT NULL)"

func TestBatchAcknowledgesOnCommit(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		leak := goleak.IgnoreCurrent()
		table(t, d, readings)
		var flushes atomic.Int64
		b := db.NewBatch(d, db.BatchOptions{MaxRows: 100, MaxPending: 150}, func(tx *db.Tx, rows []reading) error {
			flushes.Add(1)
			return flushReadings(tx, rows)
		})
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				for j := range 10 {
					id := fmt.Sprint(i, "-", j)
					if err := b.Add(t.Context(), reading{id, int64(j)}); err != nil {
						t.Error(err)
					}
					if j == 9 && count(t, d, "SELECT COUNT(*) FROM scratch_reading WHERE id = $1", id) != 1 {
						t.Error(id, "was acknowledged but is not there")
					}
				}
			})
		}
		wg.Wait()
		b.Close()
		if n := count(t, d, "SELECT COUNT(*) FROM scratch_reading"); n != 1000 {
			t.Fatal(n)
		}
		if n := flushes.Load(); n > 500 {
			t.Errorf("%d transactions for 1000 rows", n)
		}
		if err := b.Add(t.Context(), reading{"late", 1}); !fault.Is(err, fault.Unavailable) {
			t.Error(err)
		}
		if d.Dialect() == db.SQLite { // database/sql keeps a goroutine per pool
			goleak.VerifyNone(t, leak)
		}
	})
}

func TestBatchIsolatesBadRows(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		table(t, d, readings)
		started, proceed := make(chan struct{}), make(chan struct{})
		var once sync.Once
		b := db.NewBatch(d, db.BatchOptions{}, func(tx *db.Tx, rows []reading) error {
			once.Do(func() { close(started); <-proceed }) // let the others gather
			for _, r := range rows {
				if r.value < 0 {
					panic("negative")
				}
			}
			return flushReadings(tx, rows)
		})
		defer b.Close()
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := b.Add(t.Context(), reading{"first", 1}); err != nil {
				t.Error(err)
			}
		})
		<-started
		for i := range 20 {
			wg.Go(func() {
				row := reading{fmt.Sprint(i), int64(i)}
				switch i {
				case 7:
					row.id = "first" // a duplicate
				case 8:
					row.value = -1
				}
				if err := b.Add(t.Context(), row); (err != nil) != (i == 7 || i == 8) {
					t.Error(i, err)
				}
			})
		}
		time.Sleep(20 * time.Millisecond)
		close(proceed)
		wg.Wait()
		if n := count(t, d, "SELECT COUNT(*) FROM scratch_reading"); n != 19 {
			t.Fatal(n)
		}
	})
}

func TestBatchHoldsBackAndWithdraws(t *testing.T) {
	d := schematest.Open(t, db.SQLite, time.Now)
	table(t, d, readings)
	started, proceed := make(chan struct{}), make(chan struct{})
	var once sync.Once
	b := db.NewBatch(d, db.BatchOptions{MaxRows: 2, MaxPending: 2}, func(tx *db.Tx, rows []reading) error {
		once.Do(func() { close(started); <-proceed })
		return flushReadings(tx, rows)
	})
	var wg sync.WaitGroup
	add := func(ctx context.Context, want error, rows ...reading) {
		wg.Go(func() {
			if err := b.Add(ctx, rows...); !errors.Is(err, want) {
				t.Error(rows, err)
			}
		})
	}
	add(t.Context(), nil, reading{"a", 1})
	<-started
	add(t.Context(), nil, reading{"b", 1}, reading{"c", 1}) // fills what may wait
	time.Sleep(5 * time.Millisecond)
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := b.Add(short, reading{"blocked", 1}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error("not held back:", err)
	}
	close(proceed)
	wg.Wait()
	b.Close()
	if n := count(t, d, "SELECT COUNT(*) FROM scratch_reading"); n != 3 {
		t.Fatal(n)
	}
}

// A pooler between may want text: default_query_exec_mode of the URL.
func TestInsertRowsAsText(t *testing.T) {
	for _, mode := range []string{"exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			c := schematest.Fresh(t, db.Postgres)
			sep := "?"
			if strings.Contains(c.URL, "?") {
				sep = "&"
			}
			c.URL += sep + "default_query_exec_mode=" + mode
			d := schematest.OpenConfig(t, c, time.Now)
			table(t, d, "CREATE TABLE scratch_text (id TEXT, size BIGINT, good BOOLEAN, data BYTEA)")
			cols := []db.Col{{Name: "id", Type: "text"}, {Name: "size", Type: "bigint"}, {Name: "good", Type: "boolean"}, {Name: "data", Type: "bytea"}}
			err := d.Update(t.Context(), func(tx *db.Tx) error {
				return db.InsertRows(tx, "scratch_text", cols, [][]any{{`a "b", {c}\`, int64(7), true, []byte{0, 255}}, {nil, nil, nil, nil}}, "")
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, where := range []string{`id = 'a "b", {c}\' AND size = 7 AND good AND data = '\x00ff'`, "id IS NULL AND size IS NULL AND good IS NULL AND data IS NULL"} {
				if n := count(t, d, "SELECT COUNT(*) FROM scratch_text WHERE "+where); n != 1 {
					t.Errorf("%s: %d rows", where, n)
				}
			}
		})
	}
}

func TestInsertRows(t *testing.T) {
	type name string
	type size int32
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		table(t, d, "CREATE TABLE scratch_thing (id TEXT PRIMARY KEY, size BIGINT, good BOOLEAN, data "+map[db.Dialect]string{db.SQLite: "BLOB", db.Postgres: "BYTEA"}[d.Dialect()]+")")
		cols := []db.Col{{Name: "id", Type: "text"}, {Name: "size", Type: "bigint"}, {Name: "good", Type: "boolean"}, {Name: "data", Type: "bytea"}}
		seven := int64(7)
		err := d.Update(t.Context(), func(tx *db.Tx) error {
			n, err := db.InsertCounted(tx, "scratch_thing", cols, [][]any{
				{"a", 1, true, []byte{1}}, {name("b"), size(2), false, nil}, {"c", nil, nil, nil}, {"d", &seven, true, nil}, {"e", (*int64)(nil), true, nil},
			}, "")
			if n != 5 {
				t.Error(n)
			}
			if err != nil {
				return err
			}
			n, err = db.InsertCounted(tx, "scratch_thing", cols, [][]any{{"a", 9, false, nil}, {"f", 1, true, nil}}, "ON CONFLICT (id) DO NOTHING")
			if n != 1 {
				t.Error(n)
			}
			if err != nil {
				return err
			}
			err = db.InsertRows(tx, "scratch_thing", cols, [][]any{{"a", 9, false, nil}}, "ON CONFLICT (id) DO UPDATE SET size = excluded.size")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for query, want := range map[string]int{
			"SELECT COUNT(*) FROM scratch_thing": 6, "SELECT size FROM scratch_thing WHERE id = 'a'": 9, "SELECT size FROM scratch_thing WHERE id = 'b'": 2,
			"SELECT COUNT(*) FROM scratch_thing WHERE size IS NULL": 2, "SELECT COUNT(*) FROM scratch_thing WHERE good": 4, "SELECT COUNT(*) FROM scratch_thing WHERE data IS NULL": 5,
			"SELECT size FROM scratch_thing WHERE id = 'd'": 7,
		} {
			if got := count(t, d, query); got != want {
				t.Errorf("%s: %d, want %d", query, got, want)
			}
		}
	})
}

// TestInsertGiving: each row that was written tells of itself, also among more
// than fit into one statement of SQLite.
func TestInsertGiving(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		table(t, d, "CREATE TABLE scratch_turn (id TEXT PRIMARY KEY, turn BIGINT)")
		cols := []db.Col{{Name: "id", Type: "text"}, {Name: "turn", Type: "bigint"}}
		const next = "ON CONFLICT (id) DO UPDATE SET turn = scratch_turn.turn + 1 WHERE scratch_turn.turn < excluded.turn RETURNING id, turn"
		write := func(turn int64, ids ...string) map[string]int64 {
			got := map[string]int64{}
			rows := make([][]any, len(ids))
			for i, id := range ids {
				rows[i] = []any{id, turn}
			}
			err := d.Update(t.Context(), func(tx *db.Tx) error {
				_, err := db.InsertGiving(tx, func(row db.Scanner) (none struct{}, err error) {
					var id string
					var n int64
					err = row.Scan(&id, &n)
					got[id] = n
					return none, err
				}, "scratch_turn", cols, rows, next)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		ids := make([]string, 41)
		for i := range ids {
			ids[i] = fmt.Sprint(i)
		}
		if got := write(1, ids...); len(got) != 41 || got["0"] != 1 || got["40"] != 1 {
			t.Errorf("new rows: %v", got)
		}
		if got := write(3, "7", "40", "new"); len(got) != 3 || got["7"] != 2 || got["40"] != 2 || got["new"] != 3 {
			t.Errorf("again: %v", got)
		}
		if got := write(2, "7", "8"); len(got) != 1 || got["8"] != 2 {
			t.Errorf("one is refused: %v", got)
		}
		if got := write(2); len(got) != 0 {
			t.Errorf("no rows: %v", got)
		}
	})
}

func TestRounds(t *testing.T) {
	var got []string
	for some := range db.Rounds([]string{"a1", "b1", "a2", "c1", "a3", "b2"}, func(s string) string { return s[:1] }) {
		got = append(got, strings.Join(some, " "))
	}
	if want := []string{"a1 b1 c1", "a2 b2", "a3"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// Batches that yield rest longer while PostgreSQL is slow.
func TestRestsWhilePostgresIsSlow(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name    string
		engine  db.Dialect
		yields  bool
		took    time.Duration
		callers int
		want    time.Duration
	}{
		{"few callers", db.Postgres, true, ms, 1, 20 * ms},
		{"several callers", db.Postgres, true, ms, 2, 80 * ms},
		{"slow, few callers", db.Postgres, true, 20 * ms, 1, 80 * ms},
		{"slow, several callers", db.Postgres, true, 20 * ms, 2, 320 * ms},
		{"somebody waits", db.Postgres, false, 20 * ms, 1, 20 * ms},
		{"SQLite", db.SQLite, true, 20 * ms, 4, 80 * ms},
	} {
		if got := db.BatchRest(c.engine, db.BatchOptions{Rest: 80 * ms, Yields: c.yields}, c.took, c.callers); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
