package db_test

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

func TestBuild(t *testing.T) {
	q := db.Build("SELECT '?' FROM a WHERE b = ?", 1).And(db.Cond{}).And(db.Cond{Text: "c = ? OR d = ?", Args: []any{2, 3}}).Add("LIMIT ?", 4)
	text, args := q.SQL()
	if text != "SELECT '?' FROM a WHERE b = $1 AND (c = $2 OR d = $3) LIMIT $4" || fmt.Sprint(args) != "[1 2 3 4]" {
		t.Fatal(text, args)
	}
	defer func() {
		if recover() == nil {
			t.Fatal("a missing argument was not noticed")
		}
	}()
	db.Build("a = ?")
}

// item is a row of the list under test; n and s may be NULL.
type item struct {
	id   string
	name string
	kind string
	n    *int64
	at   int64
	good bool
}

var itemList = db.ListSpec{
	Base: "SELECT id, name, kind, n, at, good FROM scratch_item WHERE",
	Fields: []db.Field{
		{Name: "id", Column: "id", Kind: db.Text, Sort: true, Filter: true},
		{Name: "name", Column: "name", Kind: db.Text, Sort: true, Filter: true},
		{Name: "kind", Column: "kind", Kind: db.Enum, Sort: true, Filter: true, Allowed: []string{"red", "blue"}},
		{Name: "n", Column: "n", Kind: db.Int, Sort: true, Filter: true, Nullable: true},
		{Name: "kilo", Column: "n", Kind: db.Int, Filter: true, Nullable: true, Scale: 1000},
		{Name: "at", Column: "at", Kind: db.Instant, Sort: true, Filter: true},
		{Name: "good", Column: "good", Kind: db.Bool, Sort: true, Filter: true},
		{Name: "hidden", Column: "name"},
	},
	Default: "-at",
	Key:     "id",
}

func scanItem(s db.Scanner) (i item, err error) {
	var n sql.NullInt64
	err = s.Scan(&i.id, &i.name, &i.kind, &n, &i.at, &i.good)
	if n.Valid {
		i.n = &n.Int64
	}
	return i, err
}

func items(rt *rapid.T) []item {
	return rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) item {
		i := item{
			id:   rapid.StringMatching("[a-z]{8}").Draw(rt, "id"),
			name: rapid.SampledFrom([]string{"", "a", "B", "b", "50%", "a_c", "!x", "Łódź"}).Draw(rt, "name"),
			kind: rapid.SampledFrom([]string{"red", "blue"}).Draw(rt, "kind"),
			at:   rapid.Int64Range(0, 5).Draw(rt, "at") * 1_000_000,
			good: rapid.Bool().Draw(rt, "good"),
		}
		if rapid.Bool().Draw(rt, "set") {
			n := rapid.Int64Range(-2000, 2000).Draw(rt, "n")
			i.n = &n
		}
		return i
	}), 0, 40).Draw(rt, "items")
}

func (i item) cmp(o item, field string) int {
	switch field {
	case "id":
		return cmp.Compare(i.id, o.id)
	case "name":
		return cmp.Compare(i.name, o.name)
	case "kind":
		return cmp.Compare(i.kind, o.kind)
	case "at":
		return cmp.Compare(i.at, o.at)
	case "good":
		return cmp.Compare(map[bool]int{true: 1}[i.good], map[bool]int{true: 1}[o.good])
	}
	switch { // n: NULL is last upwards
	case i.n == nil && o.n == nil:
		return 0
	case i.n == nil:
		return 1
	case o.n == nil:
		return -1
	}
	return cmp.Compare(*i.n, *o.n)
}

func ordered(all []item, sort string) []item {
	if sort == "" {
		sort = "-at"
	}
	fields := strings.Split(sort, ",")
	tie := "id"
	if strings.HasPrefix(fields[len(fields)-1], "-") {
		tie = "-id"
	}
	out := slices.Clone(all)
	slices.SortFunc(out, func(a, b item) int {
		for _, f := range append(fields, tie) {
			name, down := strings.CutPrefix(f, "-")
			if c := a.cmp(b, name); c != 0 {
				if down {
					return -c
				}
				return c
			}
		}
		return 0
	})
	return out
}

func ids(all []item) (out []string) {
	for _, i := range all {
		out = append(out, i.id)
	}
	return out
}

// Whatever the order, the filter and the page size: all pages together are
// the matching rows in order, each once.
func TestListPages(t *testing.T) {
	defer db.ProbeMost(8, 20)() // few and many fit, early and late in the order
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		table(t, d, "CREATE TABLE scratch_item (id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, n BIGINT, at BIGINT NOT NULL, good BOOLEAN NOT NULL)")
		rapid.Check(t, func(rt *rapid.T) {
			all := slices.CompactFunc(ordered(items(rt), "id"), func(a, b item) bool { return a.id == b.id })
			err := d.Update(context.Background(), func(tx *db.Tx) error {
				if _, err := tx.Exec("DELETE FROM scratch_item"); err != nil {
					return err
				}
				var rows [][]any
				for _, i := range all {
					rows = append(rows, []any{i.id, i.name, i.kind, i.n, i.at, i.good})
				}
				err := db.InsertRows(tx, "scratch_item", []db.Col{{Name: "id", Type: "text"}, {Name: "name", Type: "text"}, {Name: "kind", Type: "text"},
					{Name: "n", Type: "bigint"}, {Name: "at", Type: "bigint"}, {Name: "good", Type: "boolean"}}, rows, "")
				return err
			})
			if err != nil {
				rt.Fatal(err)
			}
			spec := itemList
			if rapid.Bool().Draw(rt, "probed") {
				spec.Probe = "scratch_item"
			}
			req := db.ListRequest{Limit: rapid.IntRange(1, 12).Draw(rt, "limit")}
			var sort []string
			for _, f := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"name", "kind", "n", "at", "good", "id"}), 0, 3, rapid.ID).Draw(rt, "sort") {
				sort = append(sort, rapid.SampledFrom([]string{"", "-"}).Draw(rt, "down")+f)
			}
			req.Sort = strings.Join(sort, ",")
			keep := func(item) bool { return true }
			if rapid.Bool().Draw(rt, "filtered") {
				req.Filters = []db.Filter{{Field: "at", Op: "gte", Value: "1970-01-01T00:00:02Z"}}
				keep = func(i item) bool { return i.at >= 2_000_000 }
			}
			var want, got []item
			for _, i := range ordered(all, req.Sort) {
				if keep(i) {
					want = append(want, i)
				}
			}
			where := []db.Cond{{Text: "id <> ?", Args: []any{""}, Few: rapid.Bool().Draw(rt, "few")}}
			for {
				var page []item
				err := d.View(context.Background(), func(tx *db.Tx) (err error) {
					page, req.Cursor, err = db.List(tx, spec, where, req, scanItem)
					return err
				})
				if err != nil {
					rt.Fatal(err)
				}
				got = append(got, page...)
				if req.Cursor == "" {
					break
				}
				if len(page) != req.Limit {
					rt.Fatalf("a page of %d, not %d, and there is more", len(page), req.Limit)
				}
			}
			if !slices.Equal(ids(got), ids(want)) {
				rt.Fatalf("sort %q\n got %v\nwant %v", req.Sort, ids(got), ids(want))
			}
		})
	})
}

func TestListFilters(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		table(t, d, "CREATE TABLE scratch_item (id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, n BIGINT, at BIGINT NOT NULL, good BOOLEAN NOT NULL)",
			`INSERT INTO scratch_item VALUES ('1', '50% off', 'red', 1000, 0, TRUE), ('2', '500 off', 'blue', 2500, 1000000, FALSE), ('3', 'a_c', 'red', NULL, 2000000, TRUE), ('4', 'ABC!', 'blue', -1, 3000000, FALSE)`)
		spec := itemList
		list := func(filters ...db.Filter) (string, error) {
			var out []item
			err := d.View(t.Context(), func(tx *db.Tx) (err error) {
				out, _, err = db.List(tx, spec, []db.Cond{{Text: "at < ?", Args: []any{int64(9_000_000)}}}, db.ListRequest{Filters: filters, Sort: "id"}, scanItem)
				return err
			})
			return strings.Join(ids(out), ""), err
		}
		for _, c := range []struct{ field, op, value, want string }{
			{"name", "", "a_c", "3"}, {"name", "ne", "a_c", "124"}, {"name", "contains", "50%", "1"}, {"name", "contains", "A_C", "3"}, {"name", "contains", "c!", "4"},
			{"name", "in", "a_c,ABC!", "34"}, {"kind", "eq", "red", "13"}, {"kind", "in", "red,blue", "1234"}, {"kind", "ne", "red", "24"},
			{"n", "gt", "0", "12"}, {"n", "lte", "-1", "4"}, {"n", "ne", "1000", "234"}, {"n", "eq", "null", "3"}, {"n", "ne", "null", "124"}, {"kilo", "gte", "1", "12"}, {"kilo", "gte", "2", "2"},
			{"at", "lt", "1970-01-01T00:00:01Z", "1"}, {"at", "gte", "1970-01-01T02:00:02+02:00", "34"}, {"good", "", "true", "13"}, {"good", "ne", "true", "24"}, {"id", "gt", "2", "34"},
		} {
			for _, most := range []int{-1, 0, 1, 100} { // no probe, always too many, too many for a walk, always few
				spec.Probe = map[bool]string{true: "scratch_item"}[most >= 0]
				reset := db.ProbeMost(most, map[bool]int{true: 10_000, false: 1}[most == 0])
				if got, err := list(db.Filter{Field: c.field, Op: c.op, Value: c.value}); err != nil || got != c.want {
					t.Errorf("%s[%s]=%s: %q, want %q, %v (probing %d)", c.field, c.op, c.value, got, c.want, err, most)
				}
				reset()
			}
		}
		for _, c := range []struct{ field, op, value, says string }{
			{"hidden", "", "x", "filters are id, name"}, {"nothing", "", "x", "is not a filter"}, {"n", "", "x", "whole number"}, {"n", "", "9223372036854775808", "whole number"},
			{"kilo", "", "9223372036854775807", "too large"}, {"at", "", "yesterday", "instant"}, {"good", "", "1", "true or false"}, {"good", "gt", "true", "only eq"}, {"kind", "", "green", "one of red, blue"},
			{"kind", "in", "red,green", "one of"}, {"name", "like", "x", "operators are"}, {"n", "contains", "1", "text only"}, {"name", "", "a\x00b", "zero"}, {"id", "in", strings.Repeat(",", 300), "at most"},
		} {
			_, err := list(db.Filter{Field: c.field, Op: c.op, Value: c.value})
			f := fault.Of(err)
			if f == nil || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Location != "query."+c.field || !strings.Contains(f.Fields[0].Message, c.says) {
				t.Errorf("%s[%s]=%s: %v", c.field, c.op, c.value, err)
			}
		}
	})
}

func TestListRefusals(t *testing.T) {
	d := schematest.Open(t, db.SQLite, time.Now)
	table(t, d, "CREATE TABLE scratch_item (id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, n BIGINT, at BIGINT NOT NULL, good BOOLEAN NOT NULL)",
		`INSERT INTO scratch_item VALUES ('1', 'a', 'red', 1000, 0, TRUE), ('2', 'b', 'blue', 2500, 1, FALSE), ('3', 'c', 'red', NULL, 2, TRUE)`)
	list := func(req db.ListRequest) (next string, err error) {
		err = d.View(t.Context(), func(tx *db.Tx) (err error) {
			_, next, err = db.List(tx, itemList, nil, req, scanItem)
			return err
		})
		return next, err
	}
	next, err := list(db.ListRequest{Sort: "-name", Limit: 1})
	if err != nil || next == "" {
		t.Fatal(next, err)
	}
	for _, req := range []db.ListRequest{
		{Limit: -1}, {Limit: 1001}, {Sort: "hidden"}, {Sort: "nothing"}, {Sort: "name", Cursor: next}, {Sort: "-at", Cursor: next},
		{Cursor: "rubbish!"}, {Cursor: "e30"}, {Sort: "-name", Cursor: next[:len(next)-3]}, {Sort: "-name", Cursor: "eyJzIjoiLW5hbWUiLCJrIjpbMSwyXX0"},
	} {
		if _, err := list(req); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", req, err)
		}
	}
	for _, req := range []db.ListRequest{{Sort: "-name", Cursor: next}, {}, {Limit: 1000}, {Sort: "name,-name, kind"}} {
		if _, err := list(req); err != nil {
			t.Errorf("%+v: %v", req, err)
		}
	}
}

// How PostgreSQL plans a large list is nothing to the transactions after it.
func TestListPlansForOnce(t *testing.T) {
	d := schematest.Open(t, db.Postgres, time.Now)
	table(t, d, "CREATE TABLE scratch_item (id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, n BIGINT, at BIGINT NOT NULL, good BOOLEAN NOT NULL)")
	settings := func(tx *db.Tx) (out string) {
		err := tx.QueryRow("SELECT concat_ws(' ', current_setting('plan_cache_mode'), current_setting('max_parallel_workers_per_gather'), current_setting('jit'))").Scan(&out)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	spec := itemList
	spec.Probe = "scratch_item"
	var before, within string
	for range 40 { // on each connection of the pool, sooner or later
		err := d.View(t.Context(), func(tx *db.Tx) error {
			before = settings(tx)
			_, _, err := db.List(tx, spec, nil, db.ListRequest{}, scanItem)
			within = settings(tx)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if before == within || !strings.HasPrefix(before, "auto ") || within != "force_custom_plan 0 off" {
			t.Fatalf("%q before, %q in the list", before, within)
		}
	}
}
