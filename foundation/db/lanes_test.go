package db_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

// Rows of one key keep their order, whatever lane the others go through.
func TestLanesKeepTheOrderOfAKey(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		var mu sync.Mutex
		got := map[string][]int64{}
		l := db.NewLanes(d, db.BatchOptions{}, func(r reading) string { return r.id }, func(tx *db.Tx, rows []reading) error {
			tx.AfterCommit(func() {
				mu.Lock()
				defer mu.Unlock()
				for _, r := range rows {
					got[r.id] = append(got[r.id], r.value)
				}
			})
			return nil
		})
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				key := fmt.Sprint(i)
				for v := range int64(20) {
					if err := l.Add(t.Context(), reading{key, v}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if err := l.Add(t.Context(), reading{"0", 20}, reading{"1", 20}, reading{"0", 21}, reading{"2", 20}); err != nil {
			t.Error(err)
		}
		l.Close()
		for i := range 20 {
			list := got[fmt.Sprint(i)]
			for n, v := range list {
				if v != int64(n) {
					t.Fatalf("key %d: %v", i, list)
				}
			}
			if len(list) < 20 {
				t.Fatalf("key %d: %v", i, list)
			}
		}
	})
}

// Where transactions are slow, a few rows wait for more.
func TestLanesRestWhereTransactionsAreSlow(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name      string
		took, ago time.Duration
		rows      int
		want      time.Duration
	}{
		{"fast ones", 10 * ms, 1 * ms, 3, 0},
		{"slow ones", 20 * ms, 25 * ms, 3, 15 * ms},
		{"very slow ones", 300 * ms, 50 * ms, 3, 30 * ms},
		{"many rows", 20 * ms, 1 * ms, 32, 0},
		{"no rows", 20 * ms, 1 * ms, 0, 0},
	} {
		if got := db.LaneRest(c.took, c.ago, c.rows); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if rest := db.LaneRest(20*ms, time.Second, 3); rest > 0 {
		t.Errorf("after a second: %v", rest)
	}
}

// What was gathered is stored with the transaction, in order, or not at all.
func TestGather(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		table(t, d, readings)
		writes := 0
		put := func(id string, fail error) error {
			return d.Update(t.Context(), func(tx *db.Tx) error {
				for i := range int64(3) {
					db.Gather(tx, "reading", reading{fmt.Sprint(id, i), i}, func(tx *db.Tx, rows []reading) error {
						writes++
						return flushReadings(tx, rows)
					})
				}
				return fail
			})
		}
		if err := put("a", nil); err != nil || writes != 1 {
			t.Fatal(err, writes)
		}
		bad := fmt.Errorf("no")
		if err := put("b", bad); err != bad || writes != 1 {
			t.Fatal(err, writes)
		}
		if err := put("a", nil); !db.IsUnique(err) {
			t.Fatal("a failure to store what was gathered went unnoticed: ", err)
		}
		if n := count(t, d, "SELECT COUNT(*) FROM scratch_reading"); n != 3 {
			t.Fatal(n)
		}
	})
}

// A batch that fails undoes what ran before it in its group; those run again.
func TestFailureInAGroupOfBatches(t *testing.T) {
	d := schematest.Open(t, db.SQLite, time.Now)
	table(t, d, readings)
	var wg sync.WaitGroup
	batch := func() *db.Batch[reading] { return db.NewBatch(d, db.BatchOptions{}, flushReadings) }
	one, two, three := batch(), batch(), batch()
	release := hold(t, d)
	add := func(b *db.Batch[reading], id string, fine bool) {
		wg.Go(func() {
			if err := b.Add(t.Context(), reading{id, 1}); (err == nil) != fine {
				t.Error(id, err)
			}
		})
	}
	add(one, "a", true)
	add(two, "b", true)
	if err := release(2); err != nil {
		t.Error(err)
	}
	wg.Wait()
	release = hold(t, d)
	add(one, "c", true)
	add(two, "a", false)
	add(three, "d", true)
	if err := release(3); err != nil {
		t.Error(err)
	}
	wg.Wait()
	for _, b := range []*db.Batch[reading]{one, two, three} {
		b.Close()
	}
	if n := count(t, d, "SELECT COUNT(*) FROM scratch_reading"); n != 4 {
		t.Fatal(n)
	}
}
