package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

func open(t *testing.T, c db.Config) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func closed(t *testing.T, d *db.DB) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// based waits until the archive has a usable base.
func based(t *testing.T, d *db.DB) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if state, _ := d.Archive(); !state.Base.IsZero() {
			return
		}
		if time.Now().After(end) {
			state, _ := d.Archive()
			t.Fatalf("no base: %+v", state)
		}
	}
}

// names gives the rows of a database in order.
func names(t *testing.T, d *db.DB) (all string) {
	t.Helper()
	err := d.View(t.Context(), func(tx *db.Tx) error {
		return tx.QueryRow("SELECT COALESCE(group_concat(name || ':' || age, ' '), '') FROM (SELECT name, age FROM scratch_person ORDER BY name)").Scan(&all)
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// restored opens what the archive gives.
func restored(t *testing.T, dir string, to time.Time) (string, db.Restored) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "again.db")
	r, err := db.RestoreArchive(t.Context(), dir, path, to)
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, db.Config{Path: path})
	defer closed(t, d)
	return names(t, d), r
}

func bases(t *testing.T, dir string) int {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*.db.json"))
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// archived is a fresh database with an archive and a table.
func archived(t *testing.T) (db.Config, *db.DB) {
	c := schematest.Fresh(t, db.SQLite)
	c.Archive = db.ArchiveConfig{Dir: filepath.Join(t.TempDir(), "archive")}
	d := schematest.OpenConfig(t, c, time.Now)
	table(t, d, people)
	based(t, d)
	return c, d
}

func TestArchiveHoldsEveryCommit(t *testing.T) {
	t.Parallel()
	c, d := archived(t)
	shared := open(t, db.Config{Path: c.Path, Share: true})
	chance := rand.New(rand.NewPCG(5, 5))
	for i := range 60 {
		switch chance.IntN(10) {
		case 0, 1: // the command line, seen with the server's next transaction
			if err := shared.Update(t.Context(), insert(fmt.Sprint("shared", i))); err != nil {
				t.Fatal(err)
			}
		case 2: // all of the log is copied, so that the next commit begins it anew
			checkpoint(t, c.Path, "PASSIVE")
		case 3: // a large transaction
			if err := d.Update(t.Context(), func(tx *db.Tx) error {
				_, err := tx.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
					INSERT INTO scratch_person (name, age) SELECT $1 || i || hex(randomblob(200)), i FROM n`, fmt.Sprint("many", i, "-"))
				return err
			}); err != nil {
				t.Fatal(err)
			}
		case 4: // one that is undone
			if err := d.Update(t.Context(), func(tx *db.Tx) error {
				return errors.Join(insert("undone")(tx), errors.New("no"))
			}); err == nil {
				t.Fatal("it was not")
			}
		case 5:
			if err := d.Update(t.Context(), func(tx *db.Tx) error {
				_, err := tx.Exec("DELETE FROM scratch_person WHERE name LIKE 'many%' AND age > 10")
				return err
			}); err != nil {
				t.Fatal(err)
			}
		default:
		}
		if err := d.Update(t.Context(), insert(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
		if i%15 == 14 {
			if got, _ := restored(t, c.Archive.Dir, time.Time{}); got != names(t, d) {
				t.Fatalf("after %d: the archive has %d bytes of names, the database %d", i, len(got), len(names(t, d)))
			}
		}
	}
	if n := bases(t, c.Archive.Dir); n != 1 {
		t.Errorf("%d bases: the archive lost the thread", n)
	}
}

func checkpoint(t *testing.T, path, mode string) {
	t.Helper()
	pool, err := sql.Open("sqlite", "file:"+path)
	if err == nil {
		_, err = pool.ExecContext(t.Context(), "PRAGMA wal_checkpoint("+mode+")")
	}
	if err = errors.Join(err, pool.Close()); err != nil {
		t.Fatal(err)
	}
}

// Between two transactions of the server a second process commits, the log is
// begun anew, and it commits again: what lay in the log before is gone from it.
func TestArchiveSeesThatItMissedARound(t *testing.T) {
	t.Parallel()
	c, d := archived(t)
	shared := open(t, db.Config{Path: c.Path, Share: true})
	for i := range 3 {
		if err := shared.Update(t.Context(), insert(fmt.Sprint("shared", i))); err != nil {
			t.Fatal(err)
		}
		checkpoint(t, c.Path, "RESTART")
	}
	if err := d.Update(t.Context(), insert("own")); err != nil {
		t.Fatal(err)
	}
	based(t, d) // the one before counts no more
	if got, _ := restored(t, c.Archive.Dir, time.Time{}); got != names(t, d) {
		t.Errorf("%q, not %q", got, names(t, d))
	}
	if n := bases(t, c.Archive.Dir); n != 2 {
		t.Errorf("%d bases", n)
	}
}

func TestArchiveGoesOnAfterClosing(t *testing.T) {
	t.Parallel()
	c, d := archived(t)
	for i := range 5 {
		if err := d.Update(t.Context(), insert(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
		closed(t, d)
		if got, _ := restored(t, c.Archive.Dir, time.Time{}); strings.Count(got, ":") != i+1 {
			t.Errorf("run %d: %s", i, got)
		}
		d = open(t, c)
	}
	if n := bases(t, c.Archive.Dir); n != 1 {
		t.Errorf("%d bases for a database that was only closed and opened", n)
	}
	closed(t, d)

	without := open(t, db.Config{Path: c.Path}) // somebody forgets the archive
	if err := without.Update(t.Context(), insert("unseen")); err != nil {
		t.Fatal(err)
	}
	closed(t, without)
	d = open(t, c)
	based(t, d)
	if got, _ := restored(t, c.Archive.Dir, time.Time{}); got != names(t, d) {
		t.Errorf("%q, not %q", got, names(t, d))
	}
	if _, err := db.Open(t.Context(), db.Config{Path: filepath.Join(t.TempDir(), "x.db"), Archive: c.Archive}); !fault.Is(err, fault.Conflict) {
		t.Errorf("two servers write one archive: %v", err)
	}
}

func TestArchiveOfAKilledServer(t *testing.T) {
	t.Parallel()
	c, d := archived(t)
	closed(t, d)
	var said int
	for range 5 {
		said += killed(t, c)
		got, r := restored(t, c.Archive.Dir, time.Time{})
		if n := strings.Count(got, ":"); n < said {
			t.Fatalf("%d rows, %d were acknowledged (%+v)", n, said, r)
		}
		d = open(t, c)
		closed(t, d)
	}
	if n := bases(t, c.Archive.Dir); n > 2 { // killed between the log's new round and the archive it takes a new one
		t.Errorf("%d bases for 5 crashes", n)
	}
}

func TestArchiveOfAnInstant(t *testing.T) {
	t.Parallel()
	c, d := archived(t)
	type moment struct {
		at   time.Time
		rows string
	}
	var all []moment
	for i := range 6 {
		if err := d.Update(t.Context(), insert(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
		all = append(all, moment{time.Now(), names(t, d)})
		time.Sleep(2 * time.Millisecond) // instants are told in microseconds
	}
	for _, m := range all {
		if got, r := restored(t, c.Archive.Dir, m.at); got != m.rows || r.Until.After(m.at) {
			t.Errorf("%q until %s, not %q at %s", got, r.Until, m.rows, m.at)
		}
	}
	path := filepath.Join(t.TempDir(), "again.db")
	if _, err := db.RestoreArchive(t.Context(), c.Archive.Dir, path, all[0].at.Add(-time.Hour)); !fault.Is(err, fault.Invalid) {
		t.Errorf("before the base: %v", err)
	}
	if _, err := db.RestoreArchive(t.Context(), t.TempDir(), path, time.Time{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("no archive: %v", err)
	}
	if _, err := db.RestoreArchive(t.Context(), c.Archive.Dir, c.Path, time.Time{}); !fault.Is(err, fault.Conflict) {
		t.Errorf("over a running server: %v", err)
	}
}

// A restored database goes on with the archive it came from: what it commits
// at once is safe too, before a new base is taken.
func TestArchiveGoesOnAfterRestoring(t *testing.T) {
	t.Parallel()
	c, d := archived(t)
	for i := range 4 {
		if err := d.Update(t.Context(), insert(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
		want := names(t, d)
		closed(t, d)
		c.Path = filepath.Join(t.TempDir(), "elsewhere.db")
		if _, err := db.RestoreArchive(t.Context(), c.Archive.Dir, c.Path, time.Time{}); err != nil {
			t.Fatal(err)
		}
		closed(t, open(t, db.Config{Path: c.Path})) // as forecourt restore does
		d = open(t, c)
		if got := names(t, d); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
	if n := bases(t, c.Archive.Dir); n != 1 {
		t.Errorf("%d bases", n)
	}
}

func TestArchiveThatIsDamaged(t *testing.T) {
	t.Parallel()
	c, d := archived(t)
	for i := range 3 { // each opening begins a segment
		if err := d.Update(t.Context(), insert(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
		closed(t, d)
		d = open(t, c)
	}
	if err := d.Update(t.Context(), insert("last")); err != nil {
		t.Fatal(err)
	}
	var all []string
	for end := time.Now().Add(time.Minute); len(all) != 1; time.Sleep(5 * time.Millisecond) { // the others are being compressed
		all, _ = filepath.Glob(filepath.Join(c.Archive.Dir, "*.log"))
		if time.Now().After(end) {
			t.Fatal(all)
		}
	}
	all, err := filepath.Glob(filepath.Join(c.Archive.Dir, "*.log*"))
	if err != nil || len(all) < 4 {
		t.Fatal(all, err)
	}
	newest := all[len(all)-1]
	if err := cut(newest, 10); err != nil {
		t.Fatal(err)
	}
	if got, _ := restored(t, c.Archive.Dir, time.Time{}); got != "0:1 1:1 2:1" {
		t.Errorf("the last commit is cut short: %s", got)
	}
	if err := cut(all[len(all)-2], 10); err != nil {
		t.Fatal(err)
	}
	_, err = db.RestoreArchive(t.Context(), c.Archive.Dir, filepath.Join(t.TempDir(), "again.db"), time.Time{})
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a hole in the middle: %v", err)
	}
}

func cut(file string, bytes int64) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	return os.Truncate(file, info.Size()-bytes)
}

func TestArchiveThatCannotBeWritten(t *testing.T) {
	t.Cleanup(db.ArchiveTick(time.Hour)) // of all archives: not beside other tests
	c, d := archived(t)
	d.BreakArchive()
	for i := range 3 {
		if err := d.Update(context.Background(), insert(fmt.Sprint(i))); err != nil {
			t.Fatalf("the archive refuses service: %v", err)
		}
	}
	if state, ok := d.Archive(); !ok || state.Err == nil {
		t.Errorf("it says that all is well: %+v", state)
	}
	d.RetryArchive()
	if err := d.Update(t.Context(), insert("again")); err != nil {
		t.Fatal(err)
	}
	if state, _ := d.Archive(); state.Err != nil {
		t.Errorf("it has not come back: %v", state.Err)
	}
	if got, _ := restored(t, c.Archive.Dir, time.Time{}); got != names(t, d) {
		t.Errorf("%q, not %q", got, names(t, d))
	}
	if n := bases(t, c.Archive.Dir); n != 1 {
		t.Errorf("%d bases: what was missed was still in the log", n)
	}
}

func TestArchiveForgetsWhatIsOld(t *testing.T) {
	t.Parallel()
	c, d := archived(t)
	closed(t, d)
	c.Archive.Every, c.Archive.Keep = time.Nanosecond, time.Nanosecond
	for i := range 3 {
		before := time.Now()
		d = open(t, c)
		if err := d.Update(t.Context(), insert(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
		for opened := time.Now(); ; time.Sleep(5 * time.Millisecond) {
			if state, _ := d.Archive(); state.Base.After(before) {
				break
			}
			if time.Since(opened) > time.Minute {
				t.Fatal("no new base")
			}
		}
		if got, _ := restored(t, c.Archive.Dir, time.Time{}); got != names(t, d) {
			t.Errorf("%q, not %q", got, names(t, d))
		}
		closed(t, d)
	}
	if n := bases(t, c.Archive.Dir); n > 2 {
		t.Errorf("%d bases are kept", n)
	}
}
