package db

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx", which keeps a statement cache per connection

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

const (
	pgAttempts = 12                     // runs of one closure before it is given up
	pgPause    = 2 * time.Millisecond   // first pause between runs; doubles
	pgMaxPause = 100 * time.Millisecond // longest pause between runs
)

func openPostgres(ctx context.Context, url string, conns int) (*sql.DB, error) {
	pool, err := sql.Open("pgx", url)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "db.url", "the database URL is not understood; an example is postgres://user:password@host:5432/forecourt")
	}
	// Idle connections keep their prepared statements; closing them at once,
	// as database/sql does by default, would prepare anew each time.
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	pool.SetConnMaxIdleTime(10 * time.Minute)
	if err := pool.PingContext(ctx); err != nil {
		pool.Close()
		return nil, fault.Wrap(fault.Unavailable, err, "db.unreachable", "the database cannot be reached")
	}
	return pool, nil
}

type pgRunner struct{ tx *sql.Tx }

func (r pgRunner) exec(ctx context.Context, query string, args []any) (sql.Result, error) {
	return r.tx.ExecContext(ctx, query, args...)
}

func (r pgRunner) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	return r.tx.QueryContext(ctx, query, args...)
}

// updatePG runs a closure until it did not collide with another.
//
// A closure reads a row, decides and writes it back. When another transaction
// wrote that row in between, REPEATABLE READ makes the engine refuse, and the
// closure decides again; under READ COMMITTED it would undo what the other
// wrote. Batches keep the latter: they lock what they read, and would wait
// for a lock only to be refused.
func (d *DB) updatePG(ctx context.Context, fn func(tx *Tx) error, batch bool) error {
	o := &sql.TxOptions{Isolation: sql.LevelRepeatableRead}
	if batch {
		o.Isolation = sql.LevelReadCommitted
	}
	pause := pgPause
	for attempt := 1; ; attempt++ {
		err := d.runPG(ctx, o, fn)
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

// viewPG reads one snapshot, as a read transaction on SQLite does.
func (d *DB) viewPG(ctx context.Context, fn func(tx *Tx) error) error {
	return d.runPG(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, fn)
}

func (d *DB) runPG(ctx context.Context, o *sql.TxOptions, fn func(tx *Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// The transaction itself outlives a cancelled caller, so that COMMIT is
	// never cut in two; statements stop with the caller's context.
	conn, sqlTx, err := d.begin(ctx, o)
	if err != nil {
		return classify(err)
	}
	defer conn.Close()
	done := false
	defer func() {
		if !done { // the closure panicked or left its goroutine
			sqlTx.Rollback()
		}
	}()
	tx := d.newTx(ctx, pgRunner{sqlTx}, !o.ReadOnly)
	err = tx.finish(tx.gathered(fn(tx)))
	if err == nil {
		err = ctx.Err()
	}
	done = true
	if err != nil {
		if rb := sqlTx.Rollback(); rb != nil && !errors.Is(rb, sql.ErrTxDone) {
			d.log.Debug("rollback failed; the connection is dropped", "err", rb)
		}
		return err
	}
	if err := sqlTx.Commit(); err != nil {
		return classify(err)
	}
	tx.committed()
	return nil
}

// begin takes a connection within the caller's time and begins on a context
// that does not end with the caller. A pooled connection that died unnoticed
// is replaced: nothing has been asked of it yet.
func (d *DB) begin(ctx context.Context, o *sql.TxOptions) (*sql.Conn, *sql.Tx, error) {
	for attempt := 0; ; attempt++ {
		conn, err := d.pg.Conn(ctx)
		if err != nil {
			return nil, nil, err
		}
		tx, err := conn.BeginTx(context.WithoutCancel(ctx), o)
		if err == nil {
			return conn, tx, nil
		}
		conn.Close()
		if attempt > d.pg.Stats().MaxOpenConnections || fault.KindOf(classify(err)) != fault.Unavailable {
			return nil, nil, err
		}
	}
}
