package db_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

// What was sent is seen by the next statement, and is there after the commit.
func TestSend(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		table(t, d, "CREATE TABLE scratch_thing (id TEXT PRIMARY KEY, size BIGINT)")
		err := d.Update(t.Context(), func(tx *db.Tx) error {
			for i := range 200 { // more than wait together
				if err := tx.Send("INSERT INTO scratch_thing (id, size) VALUES ($1, $2)", string(rune('a'+i%26))+string(rune('a'+i/26)), i); err != nil {
					return err
				}
			}
			var n int
			if err := tx.QueryRow("SELECT COUNT(*) FROM scratch_thing").Scan(&n); err != nil || n != 200 {
				t.Errorf("%d seen, %v", n, err)
			}
			return tx.Send("UPDATE scratch_thing SET size = size + $1", 1)
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := sizes(t, d); got != 200*199/2+200 {
			t.Errorf("sizes %d", got)
		}
	})
}

// An error of what was sent undoes the whole transaction, whether it comes
// from the next statement or from the commit.
func TestSendFails(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		table(t, d, "CREATE TABLE scratch_thing (id TEXT PRIMARY KEY, size BIGINT)")
		twice := func(tx *db.Tx) error {
			for range 2 {
				if err := tx.Send("INSERT INTO scratch_thing (id, size) VALUES ($1, $2)", "a", 1); err != nil {
					return err
				}
			}
			return nil
		}
		for name, fn := range map[string]func(tx *db.Tx) error{
			"commit": twice,
			"next": func(tx *db.Tx) error {
				if err := twice(tx); err != nil {
					return err
				}
				var n int
				err := tx.QueryRow("SELECT COUNT(*) FROM scratch_thing").Scan(&n)
				if err == nil {
					t.Errorf("%d rows were counted", n)
				}
				return nil // what failed cannot be committed
			},
			"exec": func(tx *db.Tx) error {
				if err := twice(tx); err != nil {
					return err
				}
				_, err := tx.Exec("UPDATE scratch_thing SET size = $1", 7)
				return err
			},
		} {
			committed := false
			err := d.Update(t.Context(), func(tx *db.Tx) error {
				tx.AfterCommit(func() { committed = true })
				return fn(tx)
			})
			if !db.IsUnique(err) || committed {
				t.Errorf("%s: %v, committed %v", name, err, committed)
			}
			if got := sizes(t, d); got != 0 {
				t.Errorf("%s: sizes %d", name, got)
			}
		}
	})
}

// A transaction that ended in a failure leaves its connection fit for the next.
func TestSendThenAnother(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		table(t, d, "CREATE TABLE scratch_thing (id TEXT PRIMARY KEY, size BIGINT)")
		no := errors.New("no")
		for i := range 40 {
			err := d.Update(t.Context(), func(tx *db.Tx) error {
				if err := tx.Send("INSERT INTO scratch_thing (id, size) VALUES ($1, $2)", string(rune('A'+i)), 1); err != nil {
					return err
				}
				if i%2 == 0 {
					return no
				}
				return nil
			})
			if want := map[bool]error{true: no}[i%2 == 0]; !errors.Is(err, want) {
				t.Fatal(err)
			}
		}
		if got := sizes(t, d); got != 20 {
			t.Errorf("sizes %d", got)
		}
	})
}

// A caller that gives up in the middle of a statement gets its own error, and
// nothing is stored.
func TestSendGivenUp(t *testing.T) {
	d := schematest.Open(t, db.Postgres, time.Now)
	table(t, d, "CREATE TABLE scratch_thing (id TEXT PRIMARY KEY, size BIGINT)")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := d.Update(ctx, func(tx *db.Tx) error {
		if err := tx.Send("INSERT INTO scratch_thing (id, size) VALUES ($1, $2)", "a", 1); err != nil {
			return err
		}
		var slept sql.NullString
		return tx.QueryRow("SELECT pg_sleep($1)::text", 5.0).Scan(&slept)
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if got := sizes(t, d); got != 0 {
		t.Errorf("sizes %d", got)
	}
}

// Connections that the server ended are replaced before anything is asked.
func TestConnectionsThatDied(t *testing.T) {
	d := schematest.Open(t, db.Postgres, time.Now)
	table(t, d, "CREATE TABLE scratch_thing (id TEXT PRIMARY KEY, size BIGINT)")
	for range 3 {
		err := d.View(t.Context(), func(tx *db.Tx) error { // its own connection goes, too
			_, err := tx.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND $1", true)
			return err
		})
		if !fault.Is(err, fault.Unavailable) {
			t.Fatal(err)
		}
		if err := d.Update(t.Context(), func(tx *db.Tx) error {
			return tx.Send("INSERT INTO scratch_thing (id, size) VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET size = scratch_thing.size + 1", "a")
		}); err != nil {
			t.Fatal(err)
		}
	}
	if got := sizes(t, d); got != 3 {
		t.Errorf("sizes %d", got)
	}
}

func sizes(t *testing.T, d *db.DB) (sum int) {
	t.Helper()
	if err := d.View(t.Context(), func(tx *db.Tx) error {
		return tx.QueryRow("SELECT COALESCE(SUM(size), 0) FROM scratch_thing").Scan(&sum)
	}); err != nil {
		t.Fatal(err)
	}
	return sum
}

// What was sent and waits for a lock is given up with its caller; the
// connection serves the next one.
func TestSendGivenUpAtTheCommit(t *testing.T) {
	d := schematest.Open(t, db.Postgres, time.Now)
	table(t, d, "CREATE TABLE scratch_thing (id TEXT PRIMARY KEY, size BIGINT)")
	insert := func(ctx context.Context) error {
		return d.Update(ctx, func(tx *db.Tx) error {
			return tx.Send("INSERT INTO scratch_thing (id, size) VALUES ($1, 1) ON CONFLICT (id) DO NOTHING", "a")
		})
	}
	err := d.Update(t.Context(), func(tx *db.Tx) error {
		if _, err := tx.Exec("INSERT INTO scratch_thing (id, size) VALUES ($1, 1)", "a"); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		if err := insert(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := insert(t.Context()); err != nil {
		t.Error(err)
	}
	if got := sizes(t, d); got != 1 {
		t.Errorf("sizes %d", got)
	}
}

// A row that is asked for and not read, and a closure that panics, keep nobody
// waiting.
func TestRowNotRead(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		table(t, d, "CREATE TABLE scratch_thing (id TEXT PRIMARY KEY, size BIGINT)")
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			_ = d.Update(t.Context(), func(tx *db.Tx) error {
				_ = tx.QueryRow("SELECT COUNT(*) FROM scratch_thing WHERE size > $1", 0)
				panic("on the way to Scan")
			})
		}()
		if err := d.View(t.Context(), func(tx *db.Tx) error {
			_ = tx.QueryRow("SELECT COUNT(*) FROM scratch_thing WHERE size > $1", 0)
			return nil
		}); err != nil {
			t.Error(err)
		}
		if got := sizes(t, d); got != 0 {
			t.Errorf("sizes %d", got)
		}
	})
}
