package schematest

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/db/pgserver"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/schema"
)

const template = "forecourt_template"

// server is the PostgreSQL of this test binary.
type server struct {
	base *url.URL // of the maintenance database
	run  string   // part of each database's name, so that binaries can share a server

	own *pgserver.Server // nil: one that was given
}

var (
	start   = sync.OnceValues(startServer)
	counter atomic.Int64
	cloning sync.Mutex // a template can be copied by one at a time
)

func (s *server) url(database string) string {
	u := *s.base
	u.Path = "/" + database
	return u.String()
}

func (s *server) templateName() string { return template + "_" + s.run }

// clone copies the template into a new database, dropped when the test ends.
func clone(t testing.TB) string {
	t.Helper()
	s, err := start()
	if err != nil {
		t.Fatalf("PostgreSQL for the tests cannot be started: %v", err)
	}
	name := fmt.Sprintf("forecourt_%s_%d", s.run, counter.Add(1))
	if err := s.admin("CREATE DATABASE " + name + " TEMPLATE " + s.templateName()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.admin("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return s.url(name)
}

func (s *server) admin(statement string) error {
	cloning.Lock()
	defer cloning.Unlock()
	pool, err := sql.Open("pgx", s.base.String())
	if err != nil {
		return err
	}
	defer pool.Close()
	_, err = pool.Exec(statement)
	return err
}

func startServer() (*server, error) {
	s := &server{run: id.Secret(4)}
	if given := os.Getenv("FORECOURT_TEST_POSTGRES"); given != "" {
		u, err := url.Parse(given)
		if err != nil {
			return nil, fmt.Errorf("FORECOURT_TEST_POSTGRES: %w", err)
		}
		s.base = u
	} else if err := s.launch(); err != nil {
		return nil, err
	}
	if err := s.admin("CREATE DATABASE " + s.templateName() + " TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"); err != nil {
		return nil, err
	}
	d, err := db.Open(context.Background(), db.Config{URL: s.url(s.templateName()), MaxConns: 2, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	if err := d.Migrate(context.Background(), schema.Files); err != nil {
		d.Close()
		return nil, err
	}
	return s, d.Close()
}

// launch makes and starts a cluster that ends with this process.
func (s *server) launch() error {
	dir, err := os.MkdirTemp("", "fcpg") // short: a Unix socket's path is limited to about 100 bytes
	if err != nil {
		return err
	}
	s.own, err = pgserver.New(dir, "fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200",
		"shared_buffers=32MB", "autovacuum=off", "log_min_messages=fatal")
	if err != nil {
		return fmt.Errorf("%w, or set FORECOURT_TEST_POSTGRES to the URL of a running server", err)
	}
	s.own.Remove = true
	if err := s.own.Start(context.Background()); err != nil {
		return err
	}
	s.base, err = url.Parse(s.own.URL("postgres"))
	return err
}
