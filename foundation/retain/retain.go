package retain

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// Store is something that grows.
type Store struct {
	Name   string   // unique; shown to people
	Group  string   // names the setting; empty: kept for ever, only measured
	Tables []string // counted together

	// Oldest is the instant of the oldest row, zero for none; nil: not known.
	Oldest func(tx *db.Tx) (time.Time, error)
	// Delete removes what is older and gives the number of rows, as far as it
	// is known. It may stop at any time and is then called again.
	Delete func(ctx context.Context, before time.Time) (int64, error)
}

// Rows is a table whose rows are removed by their age. An index on At is
// needed.
type Rows struct {
	Name, Group string
	Table       string
	At          string // column of microseconds
	// And is a further condition for removal, in which $1 is the instant
	// before which rows go and t the table; empty: none.
	And string
}

// Store makes the store.
func (r Rows) Store(d *db.DB) Store {
	return Store{
		Name: r.Name, Group: r.Group, Tables: []string{r.Table},
		Oldest: func(tx *db.Tx) (time.Time, error) { return Oldest(tx, r.Table, r.At) },
		Delete: func(ctx context.Context, before time.Time) (int64, error) { return r.delete(ctx, d, before) },
	}
}

// Oldest is the least instant in a column; zero when the table is empty.
func Oldest(tx *db.Tx, table, column string) (time.Time, error) {
	var at int64
	err := tx.QueryRow("SELECT COALESCE(MIN(" + column + "), 0) FROM " + table).Scan(&at)
	if err != nil || at == 0 {
		return time.Time{}, err
	}
	return db.Time(at), nil
}

const (
	step  = 1000                  // rows of a transaction
	pause = 10 * time.Millisecond // after each, for those who wait
)

// Pause lets others have the database between two steps of a deletion.
func Pause(ctx context.Context) error {
	select {
	case <-time.After(pause):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// delete goes along At in steps of about a thousand rows. It never looks at a
// row twice, also where And keeps many.
func (r Rows) delete(ctx context.Context, d *db.DB, before time.Time) (removed int64, err error) {
	query := "DELETE FROM " + r.Table + " AS t WHERE t." + r.At + " > $2 AND t." + r.At + " <= $3 AND t." + r.At + " < $1"
	if r.And != "" {
		query += " AND (" + r.And + ")"
	}
	end := fmt.Sprintf("SELECT COALESCE(MAX(at), 0) FROM (SELECT %[1]s AS at FROM %[2]s WHERE %[1]s > $1 AND %[1]s < $2 ORDER BY %[1]s LIMIT %[3]d) AS part", r.At, r.Table, step)
	from := int64(-1 << 62)
	for {
		var to, n int64
		err := d.Update(ctx, func(tx *db.Tx) error {
			if err := tx.QueryRow(end, from, db.Micros(before)).Scan(&to); err != nil || to == 0 {
				return err
			}
			n, err = tx.Exec(query, db.Micros(before), from, to)
			return err
		})
		removed += n
		if err != nil || to == 0 {
			return removed, err
		}
		from = to
		if err := Pause(ctx); err != nil {
			return removed, err
		}
	}
}

// Partition is a part of a table that PostgreSQL divides by time.
type Partition struct {
	Name     string
	From, To time.Time
}

// Partitions lists the dated parts of a table, oldest first: those named
// prefix + layout, each holding span's time from that date on.
func Partitions(tx *db.Tx, table, prefix, layout string, span func(from time.Time) time.Time) ([]Partition, error) {
	names, err := db.Collect(tx, func(row db.Scanner) (n string, err error) { return n, row.Scan(&n) },
		`SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass($1) ORDER BY c.relname`, table)
	var out []Partition
	for _, name := range names {
		from, bad := time.Parse(layout, strings.TrimPrefix(name, prefix))
		if bad == nil && strings.HasPrefix(name, prefix) {
			out = append(out, Partition{name, from, span(from)})
		}
	}
	return out, err
}

// Drop removes a partition and gives about how many rows it had. It waits
// only shortly for those who use the table, since everybody else would wait
// behind it: fault.Unavailable then, and the next run tries again.
func Drop(ctx context.Context, d *db.DB, p Partition) (rows int64, err error) {
	err = d.Update(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec("SET LOCAL lock_timeout = '3s'"); err != nil {
			return err
		}
		if err := tx.QueryRow("SELECT GREATEST(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass($1)", p.Name).Scan(&rows); err != nil {
			return err
		}
		_, err := tx.Exec("DROP TABLE " + p.Name) // a name of ours: Partitions found it
		return err
	})
	return rows, err
}
