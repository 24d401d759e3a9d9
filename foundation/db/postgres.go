package db

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

const (
	pgAttempts = 12                     // runs of one closure before it is given up
	pgPause    = 2 * time.Millisecond   // first pause between runs; doubles
	pgMaxPause = 100 * time.Millisecond // longest pause between runs
	analyzeFor = 30 * time.Second
)

// openPostgres makes the connections: so many, two in five of them for
// batches, whose statements are planned in another way.
func openPostgres(ctx context.Context, url string, conns int) (all, batches *sql.DB, err error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, nil, fault.Wrap(fault.Invalid, err, "db.url", "the database URL is not understood; an example is postgres://user:password@host:5432/forecourt")
	}
	once := config.Copy()
	maps.Copy(once.RuntimeParams, planOnce)
	apart := max(1, conns*2/5)
	all, batches = openPool(pipes{config}, max(1, conns-apart)), openPool(pipes{once}, apart)
	if err := all.PingContext(ctx); err != nil {
		all.Close()
		batches.Close()
		return nil, nil, fault.Wrap(fault.Unavailable, err, "db.unreachable", "the database cannot be reached")
	}
	return all, batches, nil
}

func openPool(p pipes, conns int) *sql.DB {
	pool := sql.OpenDB(p)
	// Idle connections keep their prepared statements; closing them at once,
	// as database/sql does by default, would prepare anew each time.
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	pool.SetConnMaxIdleTime(10 * time.Minute)
	return pool
}

// AnalyzeFrom is from how many new rows on Analyze is worth its time.
const AnalyzeFrom = 1000

// Analyze has PostgreSQL look anew at how many rows the tables have and what
// is in them, after thousands were stored: its own look comes up to minutes
// later, and until then it plans as if they were nearly empty. It only waits
// for that and logs what goes wrong. SQLite goes by figures that the schema
// gives.
func (d *DB) Analyze(ctx context.Context, log *slog.Logger, tables ...string) {
	if d.dialect != Postgres {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), analyzeFor)
	defer cancel()
	err := d.Update(ctx, func(tx *Tx) error {
		_, err := tx.Exec("ANALYZE " + strings.Join(tables, ", "))
		return err
	})
	if err != nil {
		log.Warn("PostgreSQL was not made to look anew at tables; it will by itself", "tables", tables, "err", err)
	}
}

// pgRunner runs statements on a connection, which is a *pipe.
type pgRunner struct{ conn *sql.Conn }

func (r pgRunner) exec(ctx context.Context, query string, args []any) (sql.Result, error) {
	return r.conn.ExecContext(ctx, query, args...)
}

func (r pgRunner) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	return r.conn.QueryContext(ctx, query, args...)
}

func (r pgRunner) send(ctx context.Context, query string, args []any) error {
	return r.pipe(func(c *pipe) error { return c.later(ctx, query, args) })
}

// ahead has a query give its rows as the first result of the next one.
func (r pgRunner) ahead(query string, args []any) error {
	return r.pipe(func(c *pipe) error { c.ask(query, args); return nil })
}

// columns makes rows that go out with the next statement arrays.
func (r pgRunner) columns(table string, cols []Col, rows [][]any) (args []any, err error) {
	err = r.pipe(func(c *pipe) (err error) {
		args, c.columns, err = columns(table, cols, rows, c.columns)
		return err
	})
	return args, err
}

func (r pgRunner) pipe(do func(c *pipe) error) error {
	return r.conn.Raw(func(c any) error { return do(c.(*pipe)) })
}

// pgMode is a kind of transaction.
type pgMode struct {
	begin        string
	write, batch bool
}

var (
	pgView   = pgMode{begin: "begin isolation level repeatable read read only"} // one snapshot, as a read transaction on SQLite has
	pgUpdate = pgMode{begin: "begin isolation level repeatable read", write: true}
	pgBatch  = pgMode{begin: "begin isolation level read committed", write: true, batch: true}
)

// planOnce has the statements of batches planned once on a connection, not with
// every execution for the values of that one: planning took longer than a lookup
// by key does. A plan that is kept must not come from the size that a table had
// by then, and have all of it read. It cannot go by an index over a part of a
// table that a parameter names: that has to stand in the statement.
//
// It holds for connections of their own: said at the beginning of each
// transaction it took PostgreSQL a tenth of its time, where many are small.
var planOnce = map[string]string{"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "jit": "off"}

// updatePG runs a closure until it did not collide with another.
//
// A closure reads a row, decides and writes it back. When another transaction
// wrote that row in between, REPEATABLE READ makes the engine refuse, and the
// closure decides again; under READ COMMITTED it would undo what the other
// wrote. Batches keep the latter: they lock what they read, and would wait
// for a lock only to be refused.
func (d *DB) updatePG(ctx context.Context, fn func(tx *Tx) error, batch bool) error {
	mode := pgUpdate
	if batch {
		mode = pgBatch
	}
	pause := pgPause
	for attempt := 1; ; attempt++ {
		err := d.runPG(ctx, mode, fn)
		if err == nil || !retriable(err) || attempt == pgAttempts {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause + rand.N(pause)):
		}
		pause = min(2*pause, pgMaxPause)
	}
}

// runPG runs a closure in a transaction. A pooled connection that died
// unnoticed is replaced: nothing has happened on it yet.
func (d *DB) runPG(ctx context.Context, mode pgMode, fn func(tx *Tx) error) error {
	pool := d.pg
	if mode.batch {
		pool = d.pgBatches
	}
	for attempt := 0; ; attempt++ {
		err := d.tryPG(ctx, pool, mode, fn)
		if !errors.As(err, new(unbegun)) || ctx.Err() != nil || attempt > pool.Stats().MaxOpenConnections {
			return err
		}
	}
}

func (d *DB) tryPG(ctx context.Context, pool *sql.DB, mode pgMode, fn func(tx *Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return classify(err)
	}
	defer conn.Close()
	run, from := pgRunner{conn}, time.Now()
	// The transaction itself outlives a cancelled caller, so that COMMIT is
	// never cut in two; statements stop with the caller's context.
	whole := context.WithoutCancel(ctx)
	undo := func() {
		run.pipe(func(c *pipe) error { c.rollback(whole); return nil })
	}
	tx := d.newTx(ctx, run, mode.write)
	done := false
	defer func() {
		if !done { // the closure panicked or left its goroutine
			tx.finish(nil)
			undo()
		}
	}()
	if err := run.pipe(func(c *pipe) error { c.start(mode.begin); return nil }); err != nil {
		return classify(err)
	}
	err = tx.gathered(fn(tx))
	if err == nil && tx.failed == nil && ctx.Done() != nil { // what waits may be cut short, the commit not
		err = classify(run.pipe(func(c *pipe) error { return c.flush(ctx) }))
	}
	err = tx.finish(err)
	if err == nil {
		err = ctx.Err()
	}
	done = true
	if err != nil {
		undo()
		return err
	}
	if err := run.pipe(func(c *pipe) error { return c.commit(whole) }); err != nil {
		return classify(err)
	}
	if mode.batch {
		d.slowness.note(time.Since(from))
	}
	tx.committed()
	return nil
}
