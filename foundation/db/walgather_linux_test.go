package db_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// through opens a file by a file system of SQLite, "" for its own, with a
// cache of few pages, so that large transactions write before they end.
func through(t *testing.T, path, vfs string) *sql.Conn {
	t.Helper()
	dsn := "file:" + path + "?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=cache_size(10)&_pragma=wal_autocheckpoint(0)&_pragma=busy_timeout(5000)"
	if vfs != "" {
		dsn += "&vfs=" + vfs
	}
	pool, err := sql.Open("sqlite", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	conn, err := pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func run(t *testing.T, conn *sql.Conn, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := conn.ExecContext(context.Background(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// content is all rows of the table, after a check of the file.
func content(t *testing.T, conn *sql.Conn) string {
	t.Helper()
	var whole string
	if err := conn.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&whole); err != nil || whole != "ok" {
		t.Fatalf("integrity_check: %s, %v", whole, err)
	}
	rows, err := conn.QueryContext(t.Context(), "SELECT id, length(v), hex(substr(v, 1, 8)) FROM x ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out strings.Builder
	for rows.Next() {
		var id, n int
		var v string
		if err := rows.Scan(&id, &n, &v); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&out, id, n, v)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// asOnDisk is the content that another process would find after this one is
// killed: of copies of the file and its log.
func asOnDisk(t *testing.T, path string) string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "copy.db")
	for _, end := range []string{"", "-wal"} {
		text, err := os.ReadFile(path + end)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied+end, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return content(t, through(t, copied, ""))
}

const (
	makeTable = "CREATE TABLE x (id INTEGER PRIMARY KEY, v BLOB)"
	fillTable = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT OR REPLACE INTO x SELECT abs(random() %% %d), randomblob(%d) FROM n"
)

// What a rolled back transaction wrote before its end is not written later,
// when another process has gone on.
func TestRolledBackIsNotGathered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	ours, other := through(t, path, db.GatheringVFS()), through(t, path, "")
	run(t, ours, makeTable, fmt.Sprintf(fillTable, 50, 1000, 900))
	for range 10 {
		run(t, ours, "BEGIN IMMEDIATE", fmt.Sprintf(fillTable, 300, 1000, 900), "ROLLBACK")
		run(t, other, fmt.Sprintf(fillTable, 20, 1000, 900))
		run(t, ours, fmt.Sprintf(fillTable, 3, 1000, 100))
		run(t, ours, "BEGIN IMMEDIATE", fmt.Sprintf(fillTable, 37, 1000, 900), "ROLLBACK")
		run(t, other, fmt.Sprintf(fillTable, 1, 1000, 900))
		if want, got := content(t, other), content(t, ours); got != want {
			t.Fatal("the two see different rows")
		}
		if asOnDisk(t, path) != content(t, ours) {
			t.Fatal("the file has other rows than the connection")
		}
	}
}

// Whatever transactions do, what is committed is in the file when COMMIT
// returns, as with SQLite's own file system.
func TestGatheredAsSQLiteWrites(t *testing.T) {
	for seed := range uint64(2) {
		r := rand.New(rand.NewPCG(seed, 4))
		dir := t.TempDir()
		mine, plain := filepath.Join(dir, "mine.db"), filepath.Join(dir, "plain.db")
		ours, own := through(t, mine, db.GatheringVFS()), through(t, plain, "")
		both := func(statements ...string) {
			t.Helper()
			run(t, ours, statements...)
			run(t, own, statements...)
		}
		both(makeTable)
		fill := func() {
			var b strings.Builder
			b.WriteString("INSERT OR REPLACE INTO x VALUES ")
			for i := range 1 + r.IntN(120) {
				if i > 0 {
					b.WriteString(", ")
				}
				fmt.Fprintf(&b, "(%d, zeroblob(%d))", r.IntN(500), r.IntN(3000))
			}
			both(b.String())
		}
		for range 8 {
			both("BEGIN IMMEDIATE")
			for range 1 + r.IntN(6) {
				switch r.IntN(6) {
				case 0:
					both("SAVEPOINT s")
					fill()
					both([]string{"RELEASE s", "ROLLBACK TO s"}[r.IntN(2)])
				case 1:
					both(fmt.Sprintf("DELETE FROM x WHERE id %% 7 = %d", r.IntN(7)))
				case 2: // pages that were written before the end change again
					both("UPDATE x SET v = zeroblob(length(v))")
				default:
					fill()
				}
			}
			both([]string{"COMMIT", "COMMIT", "ROLLBACK"}[r.IntN(3)])
			if r.IntN(8) == 0 {
				both("PRAGMA wal_checkpoint(" + []string{"PASSIVE", "RESTART", "TRUNCATE"}[r.IntN(3)] + ")")
			}
			want := content(t, own)
			if content(t, ours) != want || asOnDisk(t, mine) != want {
				t.Fatalf("seed %d: not what SQLite writes", seed)
			}
		}
	}
}

func frames(t *testing.T, path string) int64 {
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// What could not be written when it had to be read fails its transaction, also
// when there is room again by the time of its COMMIT.
func TestGatheredOnAFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	ours := through(t, path, db.GatheringVFS())
	run(t, ours, makeTable, fmt.Sprintf(fillTable, 200, 1000, 900))
	want := content(t, ours)
	var late int
	for range 20 {
		run(t, ours, "BEGIN IMMEDIATE", fmt.Sprintf(fillTable, 100, 1000, 900))
		empty := db.FillDisk()
		var sum int
		failed := ours.QueryRowContext(t.Context(), "SELECT sum(length(v)) FROM x").Scan(&sum)
		empty()
		if failed != nil {
			late++
		}
		if _, err := ours.ExecContext(t.Context(), "COMMIT"); (err == nil) == (failed != nil) {
			t.Fatalf("reading: %v; COMMIT: %v", failed, err)
		}
		if failed != nil {
			ours.ExecContext(t.Context(), "ROLLBACK") // SQLite may have done it
			if content(t, ours) != want {
				t.Fatal("a transaction that failed left something")
			}
		}
		run(t, ours, fmt.Sprintf(fillTable, 3, 1000, 100))
		if want = content(t, ours); asOnDisk(t, path) != want {
			t.Fatal("the file has other rows than the connection")
		}
	}
	if late == 0 {
		t.Fatal("no write failed while reading")
	}
}

// A transaction goes to its log in few calls of the system.
func TestGatheredInFewWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	ours := through(t, path, db.GatheringVFS())
	run(t, ours, makeTable, "PRAGMA cache_size=10000")
	before, size := writes(t), frames(t, path)
	run(t, ours, fmt.Sprintf(fillTable, 2000, 1_000_000, 900))
	calls, written := writes(t)-before, (frames(t, path)-size)/(4096+24)
	if written < 400 || calls > written/10 {
		t.Errorf("%d calls for %d frames", calls, written)
	}
}

// writes is how often this process has written so far.
func writes(t *testing.T) int64 {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Fatal(err)
	}
	var n int64
	_, after, _ := bytes.Cut(text, []byte("syscw:"))
	if _, err := fmt.Fscan(io.Reader(bytes.NewReader(after)), &n); err != nil {
		t.Fatal(err)
	}
	return n
}
