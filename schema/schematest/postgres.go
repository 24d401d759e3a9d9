package schematest

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/schema"
)

const template = "forecourt_template"

// server is the PostgreSQL of this test binary.
type server struct {
	base *url.URL // of the maintenance database
	run  string   // part of each database's name, so that binaries can share a server

	alive io.WriteCloser // while it is open the server runs; kept from the garbage collector
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
	initdb, err := program("initdb")
	if err != nil {
		return err
	}
	postgres, err := program("postgres")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "fcpg") // short: a Unix socket's path is limited to about 100 bytes
	if err != nil {
		return err
	}
	as, err := account(dir)
	if err != nil {
		return err
	}
	data := filepath.Join(dir, "data")
	cmd := exec.Command(initdb, "-D", data, "--no-sync", "--auth=trust", "--username=forecourt", "--encoding=UTF8", "--no-locale")
	cmd.SysProcAttr, cmd.Dir = as, dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	if err := s.serve(postgres, dir, data, as); err != nil {
		return err
	}
	s.base = &url.URL{Scheme: "postgres", User: url.User("forecourt"), Path: "/postgres",
		RawQuery: url.Values{"host": {dir}, "sslmode": {"disable"}}.Encode()}
	return s.ready()
}

// serve starts the server under a shell that outlives us by a moment: it
// waits for our end of a pipe to close, however we end, then stops the server
// and removes its files.
func (s *server) serve(postgres, dir, data string, as *syscall.SysProcAttr) error {
	args := []string{postgres, "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "synchronous_commit=off",
		"-c", "full_page_writes=off", "-c", "max_connections=200", "-c", "shared_buffers=32MB", "-c", "autovacuum=off", "-c", "log_min_messages=fatal"}
	script := `"$@" >"$0/log" 2>&1 & pid=$!; cat >/dev/null; kill -INT $pid; wait $pid; rm -rf "$0"`
	cmd := exec.Command("/bin/sh", append([]string{"-c", script, dir}, args...)...)
	attr := *as
	attr.Setpgid = true // an interrupt of the tests must not reach it first
	cmd.SysProcAttr, cmd.Dir = &attr, dir
	alive, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	s.alive = alive
	return cmd.Start()
}

func (s *server) ready() error {
	pool, err := sql.Open("pgx", s.base.String())
	if err != nil {
		return err
	}
	defer pool.Close()
	until := time.Now().Add(30 * time.Second)
	for {
		err := pool.Ping()
		if err == nil {
			return nil
		}
		if time.Now().After(until) {
			log, _ := os.ReadFile(filepath.Join(s.base.Query().Get("host"), "log"))
			return fmt.Errorf("the server does not answer: %w\n%s", err, bytes.TrimSpace(log))
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// program finds a program of PostgreSQL, the newest version first.
func program(name string) (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
	if len(found) > 0 {
		return found[0], nil
	}
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	return "", fmt.Errorf("%s is neither in PATH nor under /usr/lib/postgresql: install PostgreSQL, or set FORECOURT_TEST_POSTGRES to the URL of a running server", name)
}

func version(path string) int {
	n, _ := strconv.Atoi(strings.Split(path, "/")[4])
	return n
}

// account gives dir to the user that the server runs as: PostgreSQL refuses
// to run as root.
func account(dir string) (*syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return &syscall.SysProcAttr{}, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("the tests run as root and there is no user postgres to run the server: %w", err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return nil, err
	}
	if err := os.Chown(dir, uid, gid); err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}
