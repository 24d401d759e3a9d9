package db_test

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

// TestLookup: everybody gets the answer to what was asked, the same key may
// be asked for by many, and reads are shared.
func TestLookup(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		var mu sync.Mutex
		reads := 0
		l := db.NewLookup(d, 5*time.Millisecond, func(tx *db.Tx, keys []string) (map[string]string, error) {
			mu.Lock()
			reads++
			mu.Unlock()
			if len(slices.Compact(slices.Sorted(slices.Values(keys)))) != len(keys) {
				panic("a key is asked for twice")
			}
			out := map[string]string{}
			for _, k := range keys {
				var v string
				if err := tx.QueryRow("SELECT CAST($1 AS TEXT)", "value of "+k).Scan(&v); err != nil {
					return nil, err
				}
				out[k] = v
			}
			delete(out, "none")
			return out, nil
		})
		var all sync.WaitGroup
		for i := range 300 {
			key := strconv.Itoa(i % 100)
			all.Go(func() {
				if got, err := l.Get(context.Background(), key); err != nil || got != "value of "+key {
					t.Errorf("%s: %q, %v", key, got, err)
				}
			})
		}
		all.Wait()
		if got, err := l.Get(context.Background(), "none"); err != nil || got != "" {
			t.Errorf("nothing there: %q, %v", got, err)
		}
		if reads > 150 {
			t.Errorf("%d reads for 301 callers", reads)
		}
		broken := db.NewLookup(d, 0, func(*db.Tx, []string) (map[string]int, error) { panic("no") })
		if _, err := broken.Get(context.Background(), "x"); err == nil {
			t.Error("a panic is no error")
		}
	})
}

// TestRest: the database goes on as before after it gave its memory back.
func TestRest(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		for range 3 {
			if err := d.Ping(context.Background()); err != nil {
				t.Fatal(err)
			}
			if err := d.Rest(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
	})
}
