package schematest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
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

	shape  string            // of the template
	seeds  map[string]string // the rows of its tables that have some, as JSON
	mu     sync.Mutex        // also because a template can be copied by one at a time
	copies int
	free   []string // washed databases
}

var start = sync.OnceValues(startServer)

func (s *server) url(database string) string {
	u := *s.base
	u.Path = "/" + database
	return u.String()
}

func (s *server) templateName() string { return template + "_" + s.run }

// clone gives a database like the template: one that an earlier test has
// given back, or a copy.
func clone(t testing.TB) string {
	t.Helper()
	s, err := start()
	if err != nil {
		t.Fatalf("PostgreSQL for the tests cannot be started: %v", err)
	}
	name, err := s.take()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.giveBack(name); err != nil {
			t.Error(err)
		}
	})
	return s.url(name)
}

func (s *server) take() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := len(s.free) - 1; last >= 0 {
		name := s.free[last]
		s.free = s.free[:last]
		return name, nil
	}
	s.copies++
	name := fmt.Sprintf("forecourt_%s_%d", s.run, s.copies)
	return name, s.admin("CREATE DATABASE " + name + " TEMPLATE " + s.templateName())
}

// giveBack washes a database for the next test, which takes a fraction of
// what a copy does. One that was altered is dropped, and each of a server
// that was given, where nothing shall be left behind.
func (s *server) giveBack(name string) error {
	var clean bool
	var err error
	if s.own != nil {
		clean, err = s.wash(name)
	}
	if !clean {
		return errors.Join(err, s.admin("DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, name)
	return nil
}

// wash ends what is still connected, empties the tables but for what the
// template has in them, and lets sequences begin anew; the versions applied
// stay. It says false of a database whose schema is not the template's.
func (s *server) wash(name string) (bool, error) {
	pool, err := sql.Open("pgx", s.url(name))
	if err != nil {
		return false, err
	}
	defer pool.Close()
	if _, err := pool.Exec(`SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid()`); err != nil {
		return false, err
	}
	shape, err := shapeOf(pool)
	if err != nil || shape != s.shape {
		return false, err
	}
	used, err := usedTables(pool)
	if err != nil {
		return false, err
	}
	for table := range s.seeds {
		used = append(used, table)
	}
	tx, err := pool.Begin()
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	statements := []string{"SET LOCAL lock_timeout = '10s'",
		"SELECT setval(seqrelid, seqstart, FALSE) FROM pg_sequence JOIN pg_class ON oid = seqrelid WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'schema_version%'"}
	if len(used) > 0 {
		statements = append(statements, "TRUNCATE "+strings.Join(used, ", ")+" CASCADE")
	}
	for _, statement := range statements {
		if _, err := tx.Exec(statement); err != nil {
			return false, err
		}
	}
	for table, rows := range s.seeds {
		if _, err := tx.Exec("INSERT INTO "+table+" SELECT * FROM json_populate_recordset(NULL::"+table+", $1)", rows); err != nil {
			return false, err
		}
	}
	return true, tx.Commit()
}

// usedTables are those that have or had rows, the versions applied aside.
func usedTables(pool *sql.DB) ([]string, error) {
	var names sql.NullString
	err := pool.QueryRow(`SELECT string_agg(oid::regclass::text, ' ') FROM pg_class
		WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'schema_version' AND pg_relation_size(oid) > 0`).Scan(&names)
	return strings.Fields(names.String), err
}

// seedsOf are the rows that the migrations bring.
func seedsOf(pool *sql.DB) (map[string]string, error) {
	tables, err := usedTables(pool)
	seeds := map[string]string{}
	for _, table := range tables {
		var rows sql.NullString
		if err := pool.QueryRow("SELECT json_agg(t) FROM " + table + " t").Scan(&rows); err != nil {
			return nil, err
		}
		if rows.Valid {
			seeds[table] = rows.String
		}
	}
	return seeds, err
}

// shapeOf tells one schema from another: the relations with their ids, which
// copies share, the number of their columns, constraints and triggers, and
// the versions applied.
func shapeOf(pool *sql.DB) (shape string, err error) {
	err = pool.QueryRow(`SELECT concat_ws(' ',
		(SELECT md5(string_agg(oid || relname, ' ' ORDER BY oid)) FROM pg_class WHERE relnamespace = 'public'::regnamespace),
		(SELECT count(*) FROM pg_attribute WHERE NOT attisdropped), (SELECT count(*) FROM pg_constraint), (SELECT count(*) FROM pg_trigger),
		(SELECT string_agg(version_id::text, ',' ORDER BY id) FROM schema_version))`).Scan(&shape)
	return shape, err
}

func (s *server) admin(statement string) error {
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
	if err := d.Close(); err != nil {
		return nil, err
	}
	pool, err := sql.Open("pgx", s.url(s.templateName()))
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	if s.shape, err = shapeOf(pool); err != nil {
		return nil, err
	}
	s.seeds, err = seedsOf(pool)
	return s, err
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
