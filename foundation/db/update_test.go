package db_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

// table makes a table for one test.
func table(t testing.TB, d *db.DB, statements ...string) {
	t.Helper()
	err := d.Update(context.Background(), func(tx *db.Tx) error {
		for _, s := range statements {
			if _, err := tx.Exec(s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func count(t testing.TB, d *db.DB, query string, args ...any) (n int) {
	t.Helper()
	err := d.View(context.Background(), func(tx *db.Tx) error { return tx.QueryRow(query, args...).Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const people = "CREATE TABLE scratch_person (name TEXT PRIMARY KEY, age BIGINT)"

func insert(name string) func(*db.Tx) error {
	return func(tx *db.Tx) error {
		_, err := tx.Exec("INSERT INTO scratch_person (name, age) VALUES ($1, 1)", name)
		return err
	}
}

func TestManyUpdatesAtOnce(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		table(t, d, people)
		const n = 1000
		var after atomic.Int64
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				bad := errors.New("odd")
				err := d.Update(context.Background(), func(tx *db.Tx) error {
					tx.AfterCommit(func() { after.Add(1) })
					if err := insert(fmt.Sprint(i))(tx); err != nil {
						return err
					}
					if i%2 == 1 {
						return bad
					}
					return nil
				})
				if i%2 == 1 && err != bad || i%2 == 0 && err != nil {
					t.Error(i, err)
				}
			})
		}
		wg.Wait()
		if got := count(t, d, "SELECT COUNT(*) FROM scratch_person"); got != n/2 || after.Load() != n/2 {
			t.Fatal(got, after.Load())
		}
	})
}

// hold keeps the writer busy so that what comes next forms one group. release
// waits for the others and gives what became of the holder.
func hold(t *testing.T, d *db.DB) (release func(others int) error) {
	t.Helper()
	in, out, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		done <- d.Update(context.Background(), func(*db.Tx) error {
			close(in)
			<-out
			return nil
		})
	}()
	<-in
	return func(others int) error {
		for d.Dialect() == db.SQLite && d.Queued() < others {
			time.Sleep(time.Millisecond)
		}
		close(out)
		return <-done
	}
}

func TestGroupIsolatesFailures(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		table(t, d, people)
		release := hold(t, d)
		var wg sync.WaitGroup
		run := func(name string, fn func(tx *db.Tx) error, check func(err error, panicked any)) {
			wg.Go(func() {
				var err error
				defer func() { check(err, recover()) }()
				err = d.Update(context.Background(), func(tx *db.Tx) error {
					if err := insert(name)(tx); err != nil {
						return err
					}
					return fn(tx)
				})
			})
		}
		fine := func(err error, p any) {
			if err != nil || p != nil {
				t.Error(err, p)
			}
		}
		for i := range 5 {
			run(fmt.Sprint("good", i), func(*db.Tx) error { return nil }, fine)
		}
		run("error", func(*db.Tx) error { return errors.New("no") }, func(err error, p any) {
			if err == nil || err.Error() != "no" {
				t.Error(err, p)
			}
		})
		run("panic", func(*db.Tx) error { panic("ouch") }, func(err error, p any) {
			if p != "ouch" {
				t.Error("panic is", p)
			}
		})
		run("sql", func(tx *db.Tx) error { _, err := tx.Exec("nonsense"); return err }, func(err error, p any) {
			if err == nil || fault.Of(err) != nil {
				t.Error(err, p)
			}
		})
		wg.Go(func() { // a test that gives up inside a closure ends its goroutine
			_ = d.Update(context.Background(), func(tx *db.Tx) error {
				if err := insert("exit")(tx); err != nil {
					return err
				}
				runtime.Goexit()
				return nil
			})
		})
		if err := release(9); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if n := count(t, d, "SELECT COUNT(*) FROM scratch_person"); n != 5 {
			t.Fatal(n)
		}
		fine(d.Update(context.Background(), insert("later")), nil)
	})
}

func TestFailedStatementCannotCommit(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		table(t, d, people)
		after := false
		err := d.Update(context.Background(), func(tx *db.Tx) error {
			tx.AfterCommit(func() { after = true })
			if err := insert("a")(tx); err != nil {
				return err
			}
			if err := insert("a")(tx); !db.IsUnique(err) {
				t.Errorf("not a duplicate: %v", err)
			}
			if tx.Err() == nil {
				t.Error("the transaction says that it can commit")
			}
			return nil // swallowed
		})
		if !db.IsUnique(err) || after {
			t.Fatal(err, after)
		}
		if n := count(t, d, "SELECT COUNT(*) FROM scratch_person"); n != 0 {
			t.Fatal(n)
		}
	})
}

func TestCommitFailureFailsTheGroup(t *testing.T) {
	d := schematest.Open(t, db.SQLite, time.Now)
	table(t, d, "CREATE TABLE scratch_parent (id TEXT PRIMARY KEY)",
		"CREATE TABLE scratch_child (id TEXT PRIMARY KEY, parent TEXT REFERENCES scratch_parent (id) DEFERRABLE INITIALLY DEFERRED)", people)
	d.GroupFor(time.Minute)
	release := hold(t, d)
	var wg sync.WaitGroup
	var after atomic.Int64
	for i := range 4 {
		wg.Go(func() {
			err := d.Update(context.Background(), func(tx *db.Tx) error {
				tx.AfterCommit(func() { after.Add(1) })
				if i == 2 {
					_, err := tx.Exec("INSERT INTO scratch_child (id, parent) VALUES ('c', 'nobody')")
					return err
				}
				return insert(fmt.Sprint(i))(tx)
			})
			if err == nil {
				t.Error(i, "was told that it is stored")
			}
		})
	}
	if err := release(4); err == nil {
		t.Error("the one that held the writer, which is in the group as well, was told that it is stored")
	}
	wg.Wait()
	if n := count(t, d, "SELECT COUNT(*) FROM scratch_person"); n != 0 || after.Load() != 0 {
		t.Fatal(n, after.Load())
	}
	if err := d.Update(context.Background(), insert("next")); err != nil {
		t.Fatal(err)
	}
}

func TestNestedPanics(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		table(t, d, people)
		outer := context.Background()
		none := func(*db.Tx) error { return nil }
		for name, nested := range map[string]func(tx *db.Tx) error{
			"update with its context": func(tx *db.Tx) error { return d.Update(tx.Context(), none) },
			"view with its context":   func(tx *db.Tx) error { return d.View(tx.Context(), none) },
			"derived context": func(tx *db.Tx) error {
				ctx, cancel := context.WithCancel(tx.Context())
				defer cancel()
				return d.Update(ctx, none)
			},
			"update with the outer context": func(*db.Tx) error {
				if d.Dialect() == db.Postgres {
					panic("db: a transaction inside a transaction") // does not block there
				}
				return d.Update(outer, none)
			},
		} {
			func() {
				defer func() {
					p := fmt.Sprint(recover())
					if !strings.HasPrefix(p, "db: ") || !strings.Contains(p, "transaction") && !strings.Contains(p, "Update") {
						t.Errorf("%s: panic is %q", name, p)
					}
				}()
				err := d.Update(outer, func(tx *db.Tx) error {
					if err := insert(name)(tx); err != nil {
						return err
					}
					return nested(tx)
				})
				t.Errorf("%s: no panic, but %v", name, err)
			}()
		}
		if n := count(t, d, "SELECT COUNT(*) FROM scratch_person"); n != 0 {
			t.Fatal(n)
		}
		if err := d.Update(outer, insert("works")); err != nil {
			t.Fatal(err)
		}
	})
}

func TestCancelled(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		table(t, d, people)
		ctx, cancel := context.WithCancel(context.Background())
		ran := false
		if d.Dialect() == db.SQLite {
			release := hold(t, d)
			done := make(chan error)
			go func() {
				done <- d.Update(ctx, func(*db.Tx) error { ran = true; return nil })
			}()
			time.Sleep(10 * time.Millisecond)
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			if err := release(0); err != nil {
				t.Error(err)
			}
		}
		cancel()
		if err := d.Update(ctx, func(*db.Tx) error { ran = true; return nil }); !errors.Is(err, context.Canceled) || ran {
			t.Fatal(err, ran)
		}
		// Cancelled inside: neither stored nor harmful to the next.
		ctx, cancel = context.WithCancel(context.Background())
		err := d.Update(ctx, func(tx *db.Tx) error {
			if err := insert("a")(tx); err != nil {
				return err
			}
			cancel()
			return insert("b")(tx)
		})
		if !errors.Is(err, context.Canceled) || count(t, d, "SELECT COUNT(*) FROM scratch_person") != 0 {
			t.Fatal(err)
		}
		if err := d.View(ctx, func(*db.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	})
}

func TestSameStatementInsideItself(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		if d.Dialect() == db.Postgres {
			return // one connection reads one result at a time: Collect first
		}
		table(t, d, people, "INSERT INTO scratch_person VALUES ('a', 1), ('b', 2), ('c', 3)")
		err := d.View(context.Background(), func(tx *db.Tx) error {
			var pairs int
			outer, err := tx.Query("SELECT name FROM scratch_person WHERE age > $1 ORDER BY age", 0)
			if err != nil {
				return err
			}
			for outer.Next() {
				inner, err := tx.Query("SELECT name FROM scratch_person WHERE age > $1 ORDER BY age", 0)
				if err != nil {
					return err
				}
				for inner.Next() {
					pairs++
				}
			}
			if pairs != 9 {
				t.Error(pairs)
			}
			return outer.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestRows(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		table(t, d, people, "INSERT INTO scratch_person VALUES ('a', 1), ('b', 2)")
		err := d.Update(context.Background(), func(tx *db.Tx) error {
			var name string
			if err := tx.QueryRow("SELECT name FROM scratch_person WHERE age = $1", 9).Scan(&name); !fault.Is(err, fault.NotFound) || fault.Of(err).Code != "db.no_row" {
				t.Error(err)
			}
			rows, err := tx.Query("SELECT name FROM scratch_person ORDER BY name")
			if err != nil || !rows.Next() {
				t.Error(err)
			}
			return nil // rows are left open on purpose
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Update(context.Background(), func(tx *db.Tx) error {
			n, err := tx.Exec("UPDATE scratch_person SET age = age + 1")
			if n != 2 {
				t.Error(n)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		err = d.View(context.Background(), func(tx *db.Tx) error {
			_, err := tx.Exec("DELETE FROM scratch_person")
			return err
		})
		if err == nil {
			t.Fatal("a view deleted rows")
		}
	})
}

func TestViewReadsOneSnapshot(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		table(t, d, people)
		err := d.View(context.Background(), func(tx *db.Tx) error {
			var before, after int
			if err := tx.QueryRow("SELECT COUNT(*) FROM scratch_person").Scan(&before); err != nil {
				return err
			}
			done := make(chan error)
			go func() { done <- d.Update(context.Background(), insert("a")) }()
			if err := <-done; err != nil {
				return err
			}
			if err := tx.QueryRow("SELECT COUNT(*) FROM scratch_person").Scan(&after); err != nil {
				return err
			}
			if before != after {
				t.Error(before, after)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestDeadlockIsRetried(t *testing.T) {
	d := schematest.Open(t, db.Postgres, time.Now)
	table(t, d, people, "INSERT INTO scratch_person VALUES ('a', 1), ('b', 1)")
	var runs atomic.Int64
	var wg sync.WaitGroup
	var both sync.WaitGroup
	both.Add(2)
	for _, order := range [][2]string{{"a", "b"}, {"b", "a"}} {
		wg.Go(func() {
			first := true
			err := d.Update(context.Background(), func(tx *db.Tx) error {
				runs.Add(1)
				if _, err := tx.Exec("UPDATE scratch_person SET age = age + 1 WHERE name = $1", order[0]); err != nil {
					return err
				}
				if first {
					first = false
					both.Done()
					both.Wait()
				}
				_, err := tx.Exec("UPDATE scratch_person SET age = age + 1 WHERE name = $1", order[1])
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	// The one that had to begin again may meet the other once more.
	if n := count(t, d, "SELECT SUM(age)::int FROM scratch_person"); n != 6 || runs.Load() < 3 {
		t.Fatal(n, runs.Load())
	}
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	d, err := db.Open(context.Background(), db.Config{Path: t.TempDir() + "/x.db"})
	if err != nil {
		t.Fatal(err)
	}
	table(t, d, people)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			if err := d.Update(context.Background(), insert(fmt.Sprint(i))); err != nil && !fault.Is(err, fault.Unavailable) {
				t.Error(err)
			}
		})
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if err := d.Update(context.Background(), insert("late")); !fault.Is(err, fault.Unavailable) {
		t.Fatal(err)
	}
	if err := d.View(context.Background(), func(*db.Tx) error { return nil }); !fault.Is(err, fault.Unavailable) {
		t.Fatal(err)
	}
}

// Connections that died in the pool cost nobody anything.
func TestDeadConnectionsAreReplaced(t *testing.T) {
	d := schematest.Open(t, db.Postgres, time.Now)
	table(t, d, people)
	at := func(n int, name string) {
		var all, in sync.WaitGroup
		in.Add(n)
		for i := range n {
			all.Go(func() {
				var once sync.Once
				err := d.Update(context.Background(), func(tx *db.Tx) error {
					once.Do(func() { in.Done(); in.Wait() }) // all at once, each its own connection
					return insert(fmt.Sprint(name, i))(tx)
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	at(5, "before") // three of eight connections are for batches
	err := d.Update(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	at(5, "after")
}

// The connections of batches plan statements once, the others as PostgreSQL
// likes.
func TestPlansOfBatches(t *testing.T) {
	d := schematest.Open(t, db.Postgres, time.Now)
	var mode string
	show := func(tx *db.Tx) error { return tx.QueryRow("SHOW plan_cache_mode").Scan(&mode) }
	b := db.NewBatch(d, db.BatchOptions{}, func(tx *db.Tx, _ []int) error { return show(tx) })
	defer b.Close()
	if err := b.Add(t.Context(), 1); err != nil || mode != "force_generic_plan" {
		t.Error(mode, err)
	}
	if err := d.View(t.Context(), show); err != nil || mode != "auto" {
		t.Error(mode, err)
	}
}

// TestNoUpdateIsLost: closures that read a row and write it back, many at a
// time, on a row that was there and on one that each may be the first to make.
func TestNoUpdateIsLost(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		table(t, d, people, "INSERT INTO scratch_person (name, age) VALUES ('old', 0)")
		older := func(name string) error {
			return d.Update(context.Background(), func(tx *db.Tx) error {
				var age int
				if err := tx.QueryRow("SELECT age FROM scratch_person WHERE name = $1", name).Scan(&age); err != nil && !fault.Is(err, fault.NotFound) {
					return err
				}
				_, err := tx.Exec("INSERT INTO scratch_person (name, age) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET age = excluded.age", name, age+1)
				return err
			})
		}
		const callers, each = 6, 20
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				for i := range each {
					if err := older([]string{"old", "new"}[i%2]); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for _, name := range []string{"old", "new"} {
			if age := count(t, d, "SELECT age FROM scratch_person WHERE name = $1", name); age != callers*each/2 {
				t.Errorf("%s is %d, not %d", name, age, callers*each/2)
			}
		}
	})
}

// PostgreSQL can be made to take note of thousands of rows; where it cannot,
// that is only logged.
func TestAnalyze(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		table(t, d, "CREATE TABLE crowd (n BIGINT)")
		cols := []db.Col{{Name: "n", Type: "bigint"}}
		err := d.Update(t.Context(), func(tx *db.Tx) error {
			for n := range int64(3000) {
				db.Gather(tx, "crowd", []any{n}, func(tx *db.Tx, rows [][]any) error { return db.InsertRows(tx, "crowd", cols, rows, "") })
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		d.Analyze(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), "crowd")
		if log.Len() > 0 {
			t.Error(log.String())
		}
		if n := count(t, d, "SELECT COUNT(*) FROM crowd"); n != 3000 {
			t.Errorf("%d rows", n)
		}
		if d.Dialect() == db.Postgres {
			if n := count(t, d, "SELECT reltuples::bigint FROM pg_class WHERE relname = 'crowd'"); n != 3000 {
				t.Errorf("PostgreSQL knows of %d rows", n)
			}
			d.Analyze(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), "nowhere")
			if !strings.Contains(log.String(), "nowhere") {
				t.Errorf("of a table that is not there: %q", log.String())
			}
		}
	})
}
