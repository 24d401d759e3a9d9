package db_test

import (
	"slices"
	"strconv"
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

var givenCols = []db.Col{{Name: "name", Type: "text"}, {Name: "n", Type: "bigint"}, {Name: "yes", Type: "boolean"}}

type givenRow struct {
	name string
	n    int64
	yes  bool
}

func scanGiven(row db.Scanner) (g givenRow, err error) { return g, row.Scan(&g.name, &g.n, &g.yes) }

// A statement reads what it is given as it was given, whatever is in it, none
// and thousands of rows too.
func TestGiven(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		for _, many := range []int{0, 1, 3, 5000} {
			want := make([]givenRow, many)
			rows := make([][]any, many)
			for i := range want {
				want[i] = givenRow{`a "quoted" <name> ü\` + strconv.Itoa(i), 1<<62 + int64(i), i%2 == 0}
				rows[i] = []any{want[i].name, want[i].n, want[i].yes}
			}
			var got []givenRow
			err := d.View(t.Context(), func(tx *db.Tx) error {
				q, err := db.Given(tx, db.Table{Name: "a", Cols: givenCols, Rows: rows}, db.Table{Name: "b", Cols: givenCols[:1], Rows: [][]any{{"x"}}})
				if err != nil {
					return err
				}
				return db.CollectAll(tx, db.Into(&got, scanGiven, q.Add("SELECT a.name, a.n, a.yes FROM a, b WHERE b.name = ? ORDER BY n", "x")))
			})
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%d rows came back as %d: %v", many, len(got), err)
			}
		}
		err := d.View(t.Context(), func(tx *db.Tx) error {
			_, err := db.Given(tx, db.Table{Name: "a", Cols: givenCols, Rows: [][]any{{"short"}}})
			return err
		})
		if err == nil {
			t.Error("a row that is too short was taken")
		}
	})
}

// Queries that share a round trip give each its own rows, none too, and see
// what was sent before them; the error of any is the transaction's.
func TestCollectAll(t *testing.T) {
	number := func(row db.Scanner) (n int, err error) { return n, row.Scan(&n) }
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		table(t, d, "CREATE TABLE scratch_thing (id TEXT PRIMARY KEY, size BIGINT)")
		from := func(least int) *db.Query {
			return db.Build("SELECT size FROM scratch_thing WHERE size >= ? ORDER BY size", least)
		}
		err := d.Update(t.Context(), func(tx *db.Tx) error {
			for i := range 10 {
				if err := tx.Send("INSERT INTO scratch_thing (id, size) VALUES ($1, $2)", strconv.Itoa(i), i); err != nil {
					return err
				}
			}
			var all, none, some, last []int
			err := db.CollectAll(tx, db.Into(&none, number, from(99)), db.Into(&all, number, from(0)), db.Asking{}, db.Into(&some, number, from(7)), db.Into(&last, number, from(99)))
			if len(all) != 10 || len(none) != 0 || !slices.Equal(some, []int{7, 8, 9}) || len(last) != 0 {
				t.Errorf("all %v, none %v, some %v, last %v", all, none, some, last)
			}
			if err := db.CollectAll(tx); err != nil {
				t.Errorf("nothing asked: %v", err)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for broken := range 3 {
			err := d.Update(t.Context(), func(tx *db.Tx) error {
				if err := tx.Send("DELETE FROM scratch_thing WHERE size >= $1", 0); err != nil {
					return err
				}
				var got []int
				all := []db.Asking{db.Into(&got, number, from(0)), db.Into(&got, number, from(0)), db.Into(&got, number, from(0))}
				all[broken] = db.Into(&got, number, db.Build("SELECT size FROM no_such_table WHERE size >= ?", 0))
				if err := db.CollectAll(tx, all...); err == nil {
					t.Errorf("query %d: no error", broken)
				}
				return nil // the transaction knows
			})
			if err == nil || sizes(t, d) != 45 {
				t.Errorf("query %d: %v, sizes %d", broken, err, sizes(t, d))
			}
		}
	})
}
