package db_test

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

// liteWith opens SQLite whose log is synced by fn.
func liteWith(t *testing.T, fn func(really func() error) error) *db.DB {
	d := schematest.Open(t, db.SQLite, nil)
	table(t, d, readings)
	d.SyncBy(fn)
	return d
}

func put(t *testing.T, d *db.DB, id string) error {
	return d.Update(t.Context(), func(tx *db.Tx) error { return flushReadings(tx, []reading{{id, 1}}) })
}

// Nobody is answered before the disk has it, and others are committed
// meanwhile; one sync serves all of those.
func TestAnsweredWhenOnDisk(t *testing.T) {
	disk, began := make(chan struct{}), make(chan struct{}, 10)
	var syncs atomic.Int64
	d := liteWith(t, func(really func() error) error {
		syncs.Add(1)
		began <- struct{}{}
		<-disk
		return really()
	})
	var answered atomic.Int64
	var all sync.WaitGroup
	write := func(id string) {
		all.Go(func() {
			if err := put(t, d, id); err != nil {
				t.Error(err)
			}
			answered.Add(1)
		})
		until(t, func() bool { return count(t, d, "SELECT COUNT(*) FROM scratch_reading WHERE id = $1", id) == 1 })
	}
	write("first")
	<-began
	for _, id := range []string{"second", "third", "fourth"} {
		write(id)
	}
	if n := answered.Load(); n != 0 {
		t.Errorf("%d were answered before the disk was", n)
	}
	close(disk)
	all.Wait()
	if n := syncs.Load(); n > 3 {
		t.Errorf("%d syncs for one and three", n)
	}
}

// While a transaction of lanes waits for the disk the next one runs, but none
// with its keys.
func TestLanesGoOnWhileTheDiskWorks(t *testing.T) {
	disk := make(chan struct{})
	d := liteWith(t, func(really func() error) error { <-disk; return really() })
	var mu sync.Mutex
	var flushed []string
	l := db.NewLanes(d, db.BatchOptions{}, func(r reading) string { return r.id }, func(_ *db.Tx, rows []reading) error {
		mu.Lock()
		defer mu.Unlock()
		for _, r := range rows {
			flushed = append(flushed, r.id)
		}
		return nil
	})
	var all sync.WaitGroup
	add := func(id string) {
		all.Go(func() {
			if err := l.Add(t.Context(), reading{id: id}); err != nil {
				t.Error(err)
			}
		})
	}
	are := func(want ...string) func() bool {
		return func() bool { mu.Lock(); defer mu.Unlock(); return slices.Equal(flushed, want) }
	}
	add("a")
	until(t, are("a"))
	add("a")
	until(t, func() bool { return l.Waiting() == 1 })
	add("b")
	until(t, are("a", "b"))
	close(disk)
	all.Wait()
	l.Close()
	if !are("a", "b", "a")() {
		t.Error(flushed)
	}
}

// A disk that does not confirm, once: who was committed until the log is in
// the database file is told so, and nothing is written twice or lost.
func TestSyncFails(t *testing.T) {
	var fails atomic.Bool
	disk := make(chan struct{})
	began := make(chan struct{}, 10)
	d := liteWith(t, func(really func() error) error {
		if fails.CompareAndSwap(true, false) {
			began <- struct{}{}
			<-disk
			return errors.New("input/output error")
		}
		return really()
	})
	if err := put(t, d, "before"); err != nil {
		t.Fatal(err)
	}
	fails.Store(true)
	told := make(chan error, 3)
	var after atomic.Int64
	go func() {
		told <- d.Update(t.Context(), func(tx *db.Tx) error {
			tx.AfterCommit(func() { after.Add(1) })
			return flushReadings(tx, []reading{{"doubtful", 1}})
		})
	}()
	<-began
	b := db.NewBatch(d, db.BatchOptions{}, flushReadings)
	for _, id := range []string{"behind it", "beside that"} {
		go func() { told <- b.Add(t.Context(), reading{id, 1}) }()
	}
	until(t, func() bool { return b.Waiting() == 1 || count(t, d, "SELECT COUNT(*) FROM scratch_reading") == 4 })
	close(disk)
	if err := <-told; fault.Of(err) == nil || fault.Of(err).Code != "db.sync" {
		t.Errorf("told: %v", err)
	}
	for range 2 { // behind the log's end, or of the next group, which settles it
		if err := <-told; err != nil && fault.Of(err).Code != "db.sync" {
			t.Errorf("told: %v", err)
		}
	}
	b.Close()
	if err := put(t, d, "after"); err != nil {
		t.Fatal(err)
	}
	if n := count(t, d, "SELECT COUNT(*) FROM scratch_reading"); n != 5 || after.Load() != 1 {
		t.Errorf("%d rows, %d after the commit", n, after.Load())
	}
}

// until waits for what other goroutines bring about.
func until(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not happen")
		}
	}
}
