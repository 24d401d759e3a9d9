package pgserver

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"
)

// Server is a PostgreSQL in a directory of its own.
type Server struct {
	Remove bool // the directory goes when the server ends

	dir, data, program string
	args               []string
	as                 *syscall.SysProcAttr
	cmd                *exec.Cmd
	pid                int
	alive              io.Closer // while it is open the server runs; kept from the garbage collector
}

// New makes a cluster in dir, which must be short: a Unix socket's path is
// limited to about 100 bytes. settings are lines name=value.
func New(dir string, settings ...string) (*Server, error) {
	initdb, err := Program("initdb")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, data: filepath.Join(dir, "data")}
	if s.program, err = Program("postgres"); err != nil {
		return nil, err
	}
	if s.as, err = Account(dir); err != nil {
		return nil, err
	}
	cmd := exec.Command(initdb, "-D", s.data, "--no-sync", "--auth=trust", "--username=forecourt", "--encoding=UTF8", "--no-locale")
	cmd.SysProcAttr, cmd.Dir = s.as, dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	s.args = []string{"-D", s.data, "-k", dir, "-c", "listen_addresses="}
	for _, one := range settings {
		s.args = append(s.args, "-c", one)
	}
	return s, nil
}

// URL of a database of the server.
func (s *Server) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User("forecourt"), Path: "/" + database, RawQuery: url.Values{"host": {s.dir}, "sslmode": {"disable"}}.Encode()}
	return u.String()
}

// The server runs under a shell that outlives us by a moment: it waits for
// our end of a pipe to close, however we end, then stops the server.
const script = `"$@" >>"$0/log" 2>&1 & pid=$!; echo $pid; cat >/dev/null; kill -INT $pid 2>/dev/null; wait $pid; `

// Start runs the server and returns when it answers. One that was killed may
// have to wait for its own children to end; it is tried again then.
func (s *Server) Start(ctx context.Context) error {
	var err error
	for range 6 {
		if err = s.launch(); err != nil {
			return err
		}
		if err = s.ready(ctx); err == nil {
			return nil
		}
		s.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return fmt.Errorf("PostgreSQL does not answer: %w\n%s", err, bytes.TrimSpace(log[max(0, len(log)-2000):]))
}

func (s *Server) launch() error {
	run := script
	if s.Remove {
		run += `rm -rf "$0"`
	}
	s.cmd = exec.Command("/bin/sh", append([]string{"-c", run, s.dir, s.program}, s.args...)...)
	s.cmd.SysProcAttr, s.cmd.Dir = s.as, s.dir
	in, err := s.cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.alive = in
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("the shell of PostgreSQL ended: %w", err)
	}
	s.pid, err = strconv.Atoi(strings.TrimSpace(line))
	return err
}

// ready waits until the server answers, as long as it is getting there.
func (s *Server) ready(ctx context.Context) error {
	pool, err := sql.Open("pgx", s.URL("postgres"))
	if err != nil {
		return err
	}
	defer pool.Close()
	silent := time.NewTimer(10 * time.Second)
	defer silent.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := pool.PingContext(ctx)
		if err == nil {
			return nil
		}
		var said *pgconn.PgError
		if errors.As(err, &said) { // it starts up
			silent.Reset(30 * time.Second)
		}
		select {
		case <-tick.C:
		case <-silent.C:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Signal sends the server a signal: SIGTERM lets clients end, SIGINT does not,
// SIGQUIT is `pg_ctl stop -m immediate`, SIGKILL a crash.
func (s *Server) Signal(sig os.Signal) error {
	p, err := os.FindProcess(s.pid)
	if err != nil {
		return err
	}
	return p.Signal(sig)
}

// Stop ends the server in order, if it still runs.
func (s *Server) Stop() {
	if s.alive == nil {
		return
	}
	s.alive.Close() // the order to end
	s.cmd.Wait()    // how it ended does not matter
	s.alive = nil
}

// Exec runs a statement in the maintenance database.
func (s *Server) Exec(ctx context.Context, statement string) error {
	pool, err := sql.Open("pgx", s.URL("postgres"))
	if err != nil {
		return err
	}
	defer pool.Close()
	_, err = pool.ExecContext(ctx, statement)
	return err
}

// Dir is where the server's files and its socket are; its user may write
// there.
func (s *Server) Dir() string { return s.dir }

// Tool is a program of PostgreSQL that speaks with this server, run as the
// server's user.
func (s *Server) Tool(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
	path, err := Program(name)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.SysProcAttr, cmd.Dir = s.as, s.dir
	cmd.Env = append(os.Environ(), "PGHOST="+s.dir, "PGUSER=forecourt", "PGDATABASE=postgres")
	return cmd, nil
}

// Recover puts a base backup in the place of the data of the server, which
// must be stopped. Started again it replays what restore brings: a command as
// restore_command has it.
func (s *Server) Recover(base, restore string) error {
	if err := os.RemoveAll(s.data); err != nil {
		return err
	}
	if err := os.Rename(base, s.data); err != nil {
		return err
	}
	touch := exec.Command("/bin/sh", "-c", `: >"$0/recovery.signal"`, s.data)
	touch.SysProcAttr, touch.Dir = s.as, s.dir
	if out, err := touch.CombinedOutput(); err != nil {
		return fmt.Errorf("asking for the recovery: %w %s", err, out)
	}
	s.args = append(s.args, "-c", "restore_command="+restore)
	return nil
}
