package retain

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// Size is how much room a store takes.
type Size struct {
	Name   string
	Group  string
	Tables []string
	Rows   int64 // exact on SQLite, the planner's estimate on PostgreSQL
	Bytes  int64 // with indexes
	Oldest *time.Time
	Keep   time.Duration // zero: for ever
	PerDay int64         // bytes: the average since Oldest
	Last   *Run
}

// Report is how much room everything takes.
type Report struct {
	Bytes      int64 // of the database
	Free       int64 // bytes inside of it that will be used again; SQLite only
	MeasuredAt time.Time
	Sizes      []Size // registered stores, then the other tables, largest first
}

// liveLimit is the size up to which an SQLite file is measured when somebody
// asks; that reads all of it. Of a larger one the daily measure is shown.
const liveLimit = 512 << 20

// measureLimit is the size above which an SQLite file is not read through at
// all, since a reader that lasts keeps the write-ahead log from being reused.
const measureLimit = 16 << 30

type table struct {
	name        string
	rows, bytes int64
}

// Report measures. Tables that no store names are listed by themselves.
func (k *Keeper) Report(ctx context.Context) (r Report, err error) {
	runs, err := k.runs(ctx)
	if err != nil {
		return r, err
	}
	err = k.d.View(ctx, func(tx *db.Tx) error {
		r = Report{MeasuredAt: tx.Now}
		if r.Bytes, r.Free, err = total(tx); err != nil {
			return err
		}
		var tables []table
		if tx.Dialect == db.SQLite && r.Bytes > liveLimit {
			tables, r.MeasuredAt, err = remembered(tx)
		} else {
			tables, err = measure(tx)
		}
		if err != nil {
			return err
		}
		r.Sizes, err = k.sizes(tx, tables, runs)
		return err
	})
	return r, err
}

func (k *Keeper) sizes(tx *db.Tx, tables []table, runs map[string]Run) ([]Size, error) {
	byName := map[string]table{}
	for _, t := range tables {
		byName[t.name] = t
	}
	var out []Size
	for _, s := range k.stores {
		size := Size{Name: s.Name, Group: s.Group, Tables: s.Tables, Keep: k.keep[s.Group]}
		for _, name := range s.Tables {
			size.Rows += byName[name].rows
			size.Bytes += byName[name].bytes
			delete(byName, name)
		}
		if run, ok := runs[s.Name]; ok {
			size.Last = &run
		}
		if s.Oldest != nil {
			at, err := s.Oldest(tx)
			if err != nil {
				return nil, err
			}
			if !at.IsZero() {
				size.Oldest = &at
				size.PerDay = perDay(size.Bytes, tx.Now.Sub(at))
			}
		}
		out = append(out, size)
	}
	var rest []Size
	for _, t := range byName {
		rest = append(rest, Size{Name: t.name, Tables: []string{t.name}, Rows: t.rows, Bytes: t.bytes})
	}
	largest := func(a, b Size) int { return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Name, b.Name)) }
	slices.SortFunc(out, largest)
	slices.SortFunc(rest, largest)
	return append(out, rest...), nil
}

// perDay spreads bytes evenly; less than a day counts as one.
func perDay(bytes int64, age time.Duration) int64 {
	hours := max(int64(age/time.Hour), 24)
	return bytes / hours * 24
}

func total(tx *db.Tx) (bytes, free int64, err error) {
	if tx.Dialect == db.Postgres {
		err = tx.QueryRow("SELECT pg_database_size(current_database())").Scan(&bytes)
		return bytes, 0, err
	}
	var page, pages, unused int64
	for pragma, v := range map[string]*int64{"page_size": &page, "page_count": &pages, "freelist_count": &unused} {
		if err := tx.QueryRow("PRAGMA " + pragma).Scan(v); err != nil {
			return 0, 0, err
		}
	}
	return page * pages, page * unused, nil
}

// measure reads the size of every table from the engine, which has its own
// way of saying it.
func measure(tx *db.Tx) ([]table, error) {
	query := `SELECT m.tbl_name, SUM(CASE WHEN s.pagetype = 'leaf' AND m.type = 'table' THEN s.ncell ELSE 0 END), SUM(s.pgsize)
		FROM dbstat s JOIN sqlite_schema m ON m.name = s.name GROUP BY m.tbl_name`
	if tx.Dialect == db.Postgres {
		query = `SELECT COALESCE(whole.relname, c.relname), SUM(GREATEST(c.reltuples, 0))::bigint, SUM(pg_total_relation_size(c.oid))::bigint
			FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class whole ON whole.oid = i.inhparent
			WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::text::regnamespace GROUP BY 1`
	}
	return db.Collect(tx, func(row db.Scanner) (t table, err error) { return t, row.Scan(&t.name, &t.rows, &t.bytes) }, query)
}

func remembered(tx *db.Tx) (tables []table, at time.Time, err error) {
	var measured int64
	tables, err = db.Collect(tx, func(row db.Scanner) (t table, err error) { return t, row.Scan(&t.name, &t.rows, &t.bytes, &measured) },
		"SELECT name, row_count, bytes, measured_at FROM retention_size ORDER BY measured_at")
	if measured > 0 {
		at = db.Time(measured)
	}
	return tables, at, err
}

// measureAll remembers the sizes of the day, where measuring takes long.
func (k *Keeper) measureAll(ctx context.Context) error {
	if k.d.Dialect() != db.SQLite {
		return nil
	}
	var tables []table
	err := k.d.View(ctx, func(tx *db.Tx) error {
		bytes, _, err := total(tx)
		if err == nil && bytes <= measureLimit {
			tables, err = measure(tx)
		}
		return err
	})
	if err != nil || len(tables) == 0 {
		return err
	}
	return k.d.Update(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec("DELETE FROM retention_size"); err != nil {
			return err
		}
		for _, t := range tables {
			if _, err := tx.Exec("INSERT INTO retention_size (name, row_count, bytes, measured_at) VALUES ($1, $2, $3, $4)", t.name, t.rows, t.bytes, db.Micros(tx.Now)); err != nil {
				return err
			}
		}
		return nil
	})
}
