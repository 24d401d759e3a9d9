package db_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

// The test binary plays a second process when this names a database file.
const (
	childEnv     = "FORECOURT_TEST_DB_CHILD"
	childArchive = "FORECOURT_TEST_DB_ARCHIVE" // where it keeps one; empty: none
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		if err := child(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child owns the data directory and writes rows without end, naming each on
// standard output once it is acknowledged.
func child(path string) error {
	d, err := db.Open(context.Background(), db.Config{Path: path, Archive: db.ArchiveConfig{Dir: os.Getenv(childArchive)}})
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		if err := d.Update(context.Background(), insert(fmt.Sprint(os.Getpid(), " ", i))); err != nil {
			return err
		}
		fmt.Println(i)
	}
}

// writing starts a process that writes rows and says so, line by line.
func writing(t *testing.T, c db.Config) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+c.Path, childArchive+"="+c.Archive.Dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// killed runs a server in a process of its own and kills it while it writes;
// it gives how many rows were acknowledged.
func killed(t *testing.T, c db.Config) (acknowledged int) {
	t.Helper()
	cmd, lines := writing(t, c)
	for lines.Scan() {
		if acknowledged++; acknowledged == 50 {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // "signal: killed"
	if acknowledged < 50 {
		t.Fatal("the other process ended by itself")
	}
	return acknowledged
}

func TestKilledProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "forecourt.db")
	d, err := db.Open(t.Context(), db.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if !d.Exclusive() {
		t.Error("the owner does not know that it is alone")
	}
	table(t, d, people)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}

	cmd, lines := writing(t, db.Config{Path: path})
	for range 50 {
		if !lines.Scan() {
			t.Fatal("the other process says nothing")
		}
	}
	if _, err := db.Open(t.Context(), db.Config{Path: path}); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second server may use the directory: %v", err)
	}
	shared, err := db.Open(t.Context(), db.Config{Path: path, Share: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := shared.Update(t.Context(), insert("from the command line")); err != nil || shared.Exclusive() {
		t.Error(err)
	}
	if err := shared.Close(); err != nil {
		t.Error(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	acknowledged := 50
	for lines.Scan() {
		acknowledged++
	}
	_ = cmd.Wait() // "signal: killed"

	d, err = db.Open(t.Context(), db.Config{Path: path})
	if err != nil {
		t.Fatalf("the lock of a dead process holds: %v", err)
	}
	defer d.Close()
	n := count(t, d, "SELECT COUNT(*) FROM scratch_person") - 1
	if n < acknowledged || n > acknowledged+1 {
		t.Errorf("%d rows, %d were acknowledged", n, acknowledged)
	}
}

func TestBackupAndRestore(t *testing.T) {
	dir := t.TempDir()
	c := schematest.Fresh(t, db.SQLite)
	d := schematest.OpenConfig(t, c, time.Now)
	table(t, d, people)
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() { // the server goes on
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := d.Update(context.Background(), insert(fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		}
	}()
	file := filepath.Join(dir, "it's a backup.db")
	if err := d.Backup(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	close(stop)
	<-done
	if err := d.Backup(t.Context(), file); !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
	if err := db.Restore(t.Context(), file, c.Path, true); !fault.Is(err, fault.Conflict) {
		t.Errorf("restored under a running server: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}

	if err := db.Restore(t.Context(), file, c.Path, false); !fault.Is(err, fault.Conflict) {
		t.Errorf("replaced without being asked: %v", err)
	}
	rubbish := filepath.Join(dir, "rubbish")
	if err := os.WriteFile(rubbish, []byte("this is no database, however long it may be"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{rubbish, filepath.Join(dir, "missing")} {
		if err := db.Restore(t.Context(), bad, c.Path, true); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	fresh := filepath.Join(t.TempDir(), "other.db")
	for _, to := range []string{c.Path, fresh} {
		if err := db.Restore(t.Context(), file, to, true); err != nil {
			t.Fatal(err)
		}
		back, err := db.Open(t.Context(), db.Config{Path: to})
		if err != nil {
			t.Fatal(err)
		}
		rows := count(t, back, "SELECT COUNT(*) FROM scratch_person")
		t.Log(rows, "rows in the backup")
		if err := back.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := truncated(file, rubbish); err != nil {
		t.Fatal(err)
	}
	if err := db.Restore(t.Context(), rubbish, c.Path, true); !fault.Is(err, fault.Invalid) {
		t.Errorf("half a file: %v", err)
	}
}

func truncated(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	half, err := io.ReadAll(io.LimitReader(in, info.Size()/2))
	if err != nil {
		return err
	}
	return os.WriteFile(to, half, 0o600)
}

func TestBackupOfPostgresIsRefused(t *testing.T) {
	d := schematest.Open(t, db.Postgres, time.Now)
	if err := d.Backup(t.Context(), filepath.Join(t.TempDir(), "x")); !fault.Is(err, fault.Unsupported) {
		t.Fatal(err)
	}
}

func TestOpenFails(t *testing.T) {
	for name, c := range map[string]db.Config{
		"nothing": {}, "no directory": {Path: filepath.Join(t.TempDir(), "missing", "x.db")},
		"no server": {URL: "postgres://nobody@127.0.0.1:1/none?connect_timeout=1"}, "no URL": {URL: "postgres://%zz"},
	} {
		d, err := db.Open(t.Context(), c)
		if fault.Of(err) == nil {
			t.Errorf("%s: %v %v", name, d, err)
		}
	}
}
