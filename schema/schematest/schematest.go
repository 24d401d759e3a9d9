package schematest

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/schema"
)

// Each runs fn as the sub-tests "sqlite" and "postgres", each on its own
// database with the real clock.
func Each(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	each(t, time.Now, fn)
}

// EachAt is Each with a clock that stands at start until the test moves it.
func EachAt(t *testing.T, start time.Time, fn func(t *testing.T, d *db.DB, clock *Clock)) {
	t.Helper()
	for _, dialect := range []db.Dialect{db.SQLite, db.Postgres} {
		t.Run(dialect.String(), func(t *testing.T) {
			clock := &Clock{now: start}
			fn(t, Open(t, dialect, clock.Now), clock)
		})
	}
}

func each(t *testing.T, now func() time.Time, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	for _, dialect := range []db.Dialect{db.SQLite, db.Postgres} {
		t.Run(dialect.String(), func(t *testing.T) { fn(t, Open(t, dialect, now)) })
	}
}

// Clock is a clock that a test moves. It may be used from many goroutines.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock makes a clock that stands at start.
func NewClock(start time.Time) *Clock { return &Clock{now: start} }

// Now is the time it shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock on.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Set puts the clock to an instant.
func (c *Clock) Set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// Open gives one fresh, migrated database, closed when the test ends.
func Open(t testing.TB, dialect db.Dialect, now func() time.Time) *db.DB {
	t.Helper()
	c := Fresh(t, dialect)
	if dialect == db.SQLite {
		text, err := migrated()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(c.Path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return OpenConfig(t, c, now)
}

// migrated is a SQLite file with the whole schema, made once in a process: a
// copy takes a moment, the migrations a good part of a second.
var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "forecourt-schema")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "forecourt.db")
	d, err := db.Open(context.Background(), db.Config{Path: path, MaxConns: 1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(d.Migrate(context.Background(), schema.Files), d.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// Fresh makes an empty place for a database and says how to open it, for
// tests that open it more than once. On PostgreSQL it is migrated already.
func Fresh(t testing.TB, dialect db.Dialect) db.Config {
	t.Helper()
	if dialect == db.Postgres {
		return db.Config{URL: clone(t), MaxConns: 8}
	}
	return db.Config{Path: filepath.Join(t.TempDir(), "forecourt.db"), MaxConns: 4}
}

// OpenConfig opens and migrates the database; it is closed when the test ends.
func OpenConfig(t testing.TB, c db.Config, now func() time.Time) *db.DB {
	t.Helper()
	c.Now = now
	c.Log = slog.New(slog.DiscardHandler)
	d, err := db.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	urls.Store(d, c.URL)
	t.Cleanup(func() {
		urls.Delete(d)
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := d.Migrate(context.Background(), schema.Files); err != nil {
		t.Fatal(err)
	}
	return d
}

// urls knows where each open PostgreSQL test database is.
var urls sync.Map // *db.DB → string

// URL is the address of a PostgreSQL test database, to open it once more as a
// second node would.
func URL(d *db.DB) string {
	url, _ := urls.Load(d)
	s, _ := url.(string)
	return s
}
