package db

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
)

// Dialect names an engine.
type Dialect uint8

const (
	SQLite Dialect = iota + 1
	Postgres
)

// String gives "sqlite" or "postgres", as migrations and metrics spell it.
func (d Dialect) String() string {
	if d == Postgres {
		return "postgres"
	}
	return "sqlite"
}

// Config says which database to open.
type Config struct {
	URL  string // postgres://…; empty means SQLite
	Path string // SQLite: the database file; its directory must exist

	// Share opens a SQLite file that a running server may own: no lock on the
	// data directory is taken, so leases are left alone. For the command line.
	Share bool

	// CommitDelay makes each fsync of SQLite's write-ahead log take this much
	// longer before anybody is answered and the next can begin, as on a slow
	// disk. To measure with; the fsyncs of a checkpoint, one in many commits,
	// stay as fast as they are.
	CommitDelay time.Duration

	Archive ArchiveConfig // SQLite: a second place for all that is committed; not with Share

	Now      func() time.Time // nil means time.Now
	MaxConns int              // PostgreSQL connections, never less than 2, or SQLite readers; 0 means 20 or 8
	Log      *slog.Logger     // nil means slog.Default()
}

// DB is an open database.
type DB struct {
	now     func() time.Time
	log     *slog.Logger
	dialect Dialect
	boot    string
	lock    *dirLock

	lite      *lite   // SQLite
	pg        *sql.DB // PostgreSQL
	pgBatches *sql.DB // its connections for batches
	slowness  slowness

	mu        sync.Mutex
	listeners map[string]map[*func()]struct{}
	closed    bool
}

// Open connects to the database and checks that it answers. A SQLite file is
// made when missing. Errors: fault.Unavailable when the engine cannot be
// reached, fault.Conflict when another process owns the data directory.
func Open(ctx context.Context, c Config) (*DB, error) {
	d := &DB{now: c.Now, log: c.Log, listeners: map[string]map[*func()]struct{}{}}
	if d.now == nil {
		d.now = time.Now
	}
	if d.log == nil {
		d.log = slog.Default()
	}
	d.boot = id.New[string](d.now())
	if c.URL != "" {
		d.dialect = Postgres
		if c.MaxConns == 0 {
			c.MaxConns = 20
		}
		var err error
		d.pg, d.pgBatches, err = openPostgres(ctx, c.URL, c.MaxConns)
		return d, err
	}
	if c.Path == "" {
		return nil, fault.New(fault.Invalid, "db.config", "neither a PostgreSQL URL nor a SQLite file is given")
	}
	d.dialect = SQLite
	if c.MaxConns == 0 {
		c.MaxConns = 8
	}
	if !c.Share {
		lock, err := lockDir(filepath.Dir(c.Path))
		if err != nil {
			return nil, err
		}
		d.lock = lock
	}
	lite, err := openLite(ctx, d, c)
	if err != nil {
		d.lock.release()
		return nil, err
	}
	d.lite = lite
	if lite.archive != nil {
		go lite.archiveLoop()
	}
	return d, nil
}

// Now is the database's clock: UTC, whole microseconds.
func (d *DB) Now() time.Time { return d.now().UTC().Truncate(time.Microsecond) }

// Dialect names the engine.
func (d *DB) Dialect() Dialect { return d.dialect }

// Boot identifies this opening of the database; it differs after a restart.
func (d *DB) Boot() string { return d.boot }

// Exclusive reports whether no other server can be using the database: SQLite
// with the data directory locked. Leases of another Boot are then void.
func (d *DB) Exclusive() bool { return d.lock != nil }

// Log is the logger the database was opened with.
func (d *DB) Log() *slog.Logger { return d.log }

// Ping checks that the database answers, for readiness.
func (d *DB) Ping(ctx context.Context) error {
	return d.View(ctx, func(tx *Tx) error {
		var one int
		return tx.QueryRow("SELECT 1").Scan(&one)
	})
}

// Close waits for running transactions and closes the database. Updates that
// still wait fail with fault.Unavailable.
func (d *DB) Close() error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil
	}
	d.closed = true
	d.mu.Unlock()
	var err error
	if d.lite != nil {
		err = d.lite.close()
	}
	if d.pg != nil {
		err = errors.Join(d.pg.Close(), d.pgBatches.Close())
	}
	d.lock.release()
	return err
}

// Listen calls fn after each commit in this process that called Tx.Wake with
// the topic. fn must not block.
func (d *DB) Listen(topic string, fn func()) (stop func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listeners[topic] == nil {
		d.listeners[topic] = map[*func()]struct{}{}
	}
	key := &fn
	d.listeners[topic][key] = struct{}{}
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.listeners[topic], key)
	}
}

func (d *DB) wake(topics []string) {
	for _, topic := range topics {
		d.mu.Lock()
		fns := make([]func(), 0, len(d.listeners[topic]))
		for fn := range d.listeners[topic] {
			fns = append(fns, *fn)
		}
		d.mu.Unlock()
		for _, fn := range fns {
			fn()
		}
	}
}

// Micros is the instant as microseconds since 1970, the form it is stored in.
func Micros(t time.Time) int64 { return t.UnixMicro() }

// Time is the instant of stored microseconds.
func Time(us int64) time.Time { return time.UnixMicro(us).UTC() }

// NullMicros is Micros, or NULL for nil.
func NullMicros(t *time.Time) any {
	if t == nil {
		return nil
	}
	return Micros(*t)
}

// TimePtr is Time, or nil for NULL.
func TimePtr(us sql.NullInt64) *time.Time {
	if !us.Valid {
		return nil
	}
	t := Time(us.Int64)
	return &t
}
