package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Tx is a running transaction. It belongs to one goroutine and ends with the
// closure it was given to.
type Tx struct {
	Now     time.Time // fixed for the transaction; UTC, whole microseconds
	Dialect Dialect

	db      *DB
	ctx     context.Context
	run     runner
	write   bool
	over    bool
	failed  error // the first statement that failed; the transaction cannot commit
	open    []*sql.Rows
	row     *sql.Rows // of a QueryRow that was not scanned
	before  []func() error
	lists   map[string]any // of Gather
	after   []func()
	wakeups []string
}

// runner executes statements inside one transaction of an engine.
type runner interface {
	exec(ctx context.Context, query string, args []any) (sql.Result, error)
	query(ctx context.Context, query string, args []any) (*sql.Rows, error)
	send(ctx context.Context, query string, args []any) error // its result is of no interest
}

// Scanner is a row whose columns can be read: *sql.Rows, *Row.
type Scanner interface{ Scan(dest ...any) error }

type txKey struct{}

func (d *DB) newTx(ctx context.Context, run runner, write bool) *Tx {
	tx := &Tx{Now: d.Now(), Dialect: d.dialect, db: d, run: run, write: write}
	tx.ctx = context.WithValue(ctx, txKey{}, d)
	return tx
}

// refuseNested panics when ctx comes from a transaction of the same database.
func (d *DB) refuseNested(ctx context.Context) {
	if ctx.Value(txKey{}) == d {
		panic("db: a transaction inside a transaction: pass the *db.Tx on and use it instead of calling Update or View again")
	}
}

// Context is the caller's context. Starting another transaction with it panics.
func (tx *Tx) Context() context.Context { return tx.ctx }

// Exec runs a statement and gives the number of rows it changed.
func (tx *Tx) Exec(query string, args ...any) (int64, error) {
	if err := tx.usable(); err != nil {
		return 0, err
	}
	res, err := tx.run.exec(tx.ctx, query, plain(args))
	if err != nil {
		return 0, tx.fail(err)
	}
	return res.RowsAffected()
}

// Send runs a statement of which nobody needs the number of rows. PostgreSQL
// gets it together with the next statement that has a result, or with the
// commit: that is where its error then comes from. args must not be changed
// afterwards.
func (tx *Tx) Send(query string, args ...any) error {
	if err := tx.usable(); err != nil {
		return err
	}
	if err := tx.run.send(tx.ctx, query, plain(args)); err != nil {
		return tx.fail(err)
	}
	return nil
}

// Query runs a statement that gives rows. They must be read or closed before
// the next statement: PostgreSQL's connection carries one result at a time
// (Collect obeys by itself). Rows left open are closed when the transaction
// ends.
func (tx *Tx) Query(query string, args ...any) (*sql.Rows, error) {
	if err := tx.usable(); err != nil {
		return nil, err
	}
	rows, err := tx.run.query(tx.ctx, query, plain(args))
	if err != nil {
		return nil, tx.fail(err)
	}
	tx.open = append(tx.open, rows)
	return rows, nil
}

// Row is the first row of a query.
type Row struct {
	tx   *Tx
	rows *sql.Rows
	err  error
}

// QueryRow runs a statement that gives at most one row of interest.
func (tx *Tx) QueryRow(query string, args ...any) *Row {
	if err := tx.usable(); err != nil {
		return &Row{err: err}
	}
	rows, err := tx.run.query(tx.ctx, query, plain(args))
	if err != nil {
		err = tx.fail(err)
	}
	tx.row = rows
	return &Row{tx: tx, rows: rows, err: err}
}

// Scan reads the row. No row gives fault.NotFound with code "db.no_row".
func (r *Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer func() { r.rows.Close(); r.tx.row = nil }()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return r.tx.fail(err)
		}
		return fault.Wrap(fault.NotFound, sql.ErrNoRows, "db.no_row", "there is no such row")
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	if err := r.rows.Close(); err != nil {
		return r.tx.fail(err)
	}
	return nil
}

// Collect runs a query and scans each row.
func Collect[T any](tx *Tx, scan func(Scanner) (T, error), query string, args ...any) ([]T, error) {
	var out []T
	if err := tx.usable(); err != nil {
		return nil, err
	}
	if err := tx.ask([]Asking{{query, args, takeInto(&out, scan)}}); err != nil {
		return nil, err
	}
	return out, nil
}

// Asking is a query and where its rows go.
type Asking struct {
	query string
	args  []any
	take  func(Scanner) error
}

// Into asks for rows that are appended to a list.
func Into[T any](list *[]T, scan func(Scanner) (T, error), q *Query) Asking {
	query, args := q.SQL()
	return Asking{query, args, takeInto(list, scan)}
}

func takeInto[T any](list *[]T, scan func(Scanner) (T, error)) func(Scanner) error {
	return func(row Scanner) error {
		v, err := scan(row)
		if err == nil {
			*list = append(*list, v)
		}
		return err
	}
}

// CollectAll runs queries one after the other and scans each row of each. On
// PostgreSQL they share a round trip. A zero Asking asks nothing.
func CollectAll(tx *Tx, all ...Asking) error {
	all = slices.DeleteFunc(slices.Clone(all), func(a Asking) bool { return a.query == "" })
	if err := tx.usable(); err != nil || len(all) == 0 {
		return err
	}
	if tx.Dialect == Postgres {
		return tx.ask(all)
	}
	for i := range all {
		if err := tx.ask(all[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}

// ask runs queries that give their results together; only PostgreSQL does that
// with several.
func (tx *Tx) ask(all []Asking) error {
	last := len(all) - 1
	for _, a := range all[:last] {
		if err := tx.run.(pgRunner).ahead(a.query, plain(a.args)); err != nil {
			return tx.fail(err)
		}
	}
	rows, err := tx.run.query(tx.ctx, all[last].query, plain(all[last].args))
	if err != nil {
		return tx.fail(err)
	}
	defer rows.Close()
	for i, a := range all {
		for rows.Next() {
			if err := a.take(rows); err != nil {
				if lost := rows.Close(); lost != nil {
					tx.fail(lost)
				}
				return err
			}
		}
		if i < last && !rows.NextResultSet() {
			break
		}
	}
	if err := rows.Err(); err != nil {
		return tx.fail(err)
	}
	return nil
}

// Gather adds a row to the list of that name, which write stores with as few
// statements as it can once the closure has returned without an error, or
// at Flush.
func Gather[T any](tx *Tx, list string, row T, write func(tx *Tx, rows []T) error) {
	if rows, ok := tx.lists[list].(*[]T); ok {
		*rows = append(*rows, row)
		return
	}
	if tx.lists == nil {
		tx.lists = map[string]any{}
	}
	rows := &[]T{row}
	tx.lists[list] = rows
	tx.before = append(tx.before, func() error { return write(tx, *rows) })
}

// Flush writes what was gathered so far, for a closure that reads it back.
func (tx *Tx) Flush() error {
	for len(tx.before) > 0 {
		all := tx.before
		tx.before, tx.lists = nil, nil
		for _, write := range all {
			if err := write(); err != nil {
				return err
			}
		}
	}
	return tx.failed
}

// gathered writes what was gathered, unless the closure failed.
func (tx *Tx) gathered(err error) error {
	if err != nil || tx.failed != nil {
		return err
	}
	return tx.Flush()
}

// AfterCommit runs fn once after the real commit, on the caller's goroutine,
// before Update returns. It does not run when the transaction fails.
func (tx *Tx) AfterCommit(fn func()) { tx.after = append(tx.after, fn) }

// Wake tells the listeners of the topic (DB.Listen) after the commit.
func (tx *Tx) Wake(topic string) {
	if !slices.Contains(tx.wakeups, topic) {
		tx.wakeups = append(tx.wakeups, topic)
	}
}

// Err is the first statement's failure; nil while the transaction can commit.
func (tx *Tx) Err() error { return tx.failed }

func (tx *Tx) usable() error {
	if tx.over {
		panic("db: a transaction was used after its closure returned")
	}
	if tx.failed != nil {
		return tx.failed
	}
	return tx.ctx.Err()
}

func (tx *Tx) fail(err error) error {
	if tx.failed == nil {
		tx.failed = classify(err)
	}
	return tx.failed
}

// finish ends the closure's use of the transaction and gives the error that
// decides between commit and rollback.
func (tx *Tx) finish(err error) error {
	for _, rows := range tx.open {
		if e := rows.Err(); e != nil && err == nil && !errors.Is(e, context.Canceled) {
			err = classify(e)
		}
		rows.Close()
	}
	if tx.row != nil {
		tx.row.Close()
	}
	tx.open, tx.row = nil, nil
	tx.over = true
	if err == nil {
		err = tx.failed
	}
	return err
}

// committed runs what waits for the commit.
func (tx *Tx) committed() {
	for _, fn := range tx.after {
		fn()
	}
	tx.db.wake(tx.wakeups)
}

// plain turns argument types that the drivers treat differently into those
// they treat alike: raw JSON is text, never a blob.
func plain(args []any) []any {
	for i, a := range args {
		switch v := a.(type) {
		case json.RawMessage:
			if v == nil {
				args[i] = nil
			} else {
				args[i] = string(v)
			}
		case time.Time, *time.Time:
			panic("db: an instant was passed as time.Time: store db.Micros(t)")
		}
	}
	return args
}
