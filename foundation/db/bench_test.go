package db_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

const sample = "CREATE TABLE scratch_sample (id TEXT PRIMARY KEY, station TEXT NOT NULL, at BIGINT NOT NULL, energy BIGINT NOT NULL, power BIGINT NOT NULL, soc BIGINT)"

// 500 goroutines that each wait for their own commit, as stations do.
func BenchmarkUpdate(b *testing.B) {
	for _, dialect := range []db.Dialect{db.SQLite, db.Postgres} {
		b.Run(dialect.String(), func(b *testing.B) {
			d := benchDB(b, dialect)
			var id atomic.Int64
			crowd(b, 500, func() error {
				return d.Update(context.Background(), func(tx *db.Tx) error {
					n := id.Add(1)
					_, err := tx.Exec("INSERT INTO scratch_sample (id, station, at, energy, power, soc) VALUES ($1, $2, $3, $4, $5, $6)",
						fmt.Sprint(n), "CP-1", db.Micros(tx.Now), n, 11000, 50)
					return err
				})
			})
		})
	}
}

func BenchmarkBatch(b *testing.B) {
	type row struct{ id, energy int64 }
	cols := []db.Col{{Name: "id", Type: "text"}, {Name: "station", Type: "text"}, {Name: "at", Type: "bigint"}, {Name: "energy", Type: "bigint"}, {Name: "power", Type: "bigint"}, {Name: "soc", Type: "bigint"}}
	for _, dialect := range []db.Dialect{db.SQLite, db.Postgres} {
		b.Run(dialect.String(), func(b *testing.B) {
			d := benchDB(b, dialect)
			batch := db.NewBatch(d, db.BatchOptions{}, func(tx *db.Tx, rows []row) error {
				values := make([][]any, len(rows))
				for i, r := range rows {
					values[i] = []any{fmt.Sprint(r.id), "CP-1", db.Micros(tx.Now), r.energy, 11000, 50}
				}
				err := db.InsertRows(tx, "scratch_sample", cols, values, "")
				return err
			})
			defer batch.Close()
			var id atomic.Int64
			crowd(b, 500, func() error { n := id.Add(1); return batch.Add(context.Background(), row{n, n}) })
		})
	}
}

func BenchmarkView(b *testing.B) {
	for _, dialect := range []db.Dialect{db.SQLite, db.Postgres} {
		b.Run(dialect.String(), func(b *testing.B) {
			d := benchDB(b, dialect)
			table(b, d, "INSERT INTO scratch_sample VALUES ('1', 'CP-1', 1, 1, 1, NULL)")
			crowd(b, 8, func() error {
				var at int64
				return d.View(context.Background(), func(tx *db.Tx) error {
					return tx.QueryRow("SELECT at FROM scratch_sample WHERE id = $1", "1").Scan(&at)
				})
			})
		})
	}
}

// BenchmarkInsertRows writes rows as wide as those of the message log.
func BenchmarkInsertRows(b *testing.B) {
	const wide = "CREATE TABLE scratch_wide (id BIGINT PRIMARY KEY, a BIGINT NOT NULL, b TEXT NOT NULL, c TEXT NOT NULL, d BIGINT NOT NULL, e TEXT NOT NULL, f TEXT NOT NULL, g TEXT NOT NULL, h TEXT NOT NULL, i TEXT NOT NULL)"
	cols := []db.Col{{Name: "id", Type: "bigint"}, {Name: "a", Type: "bigint"}, {Name: "b", Type: "text"}, {Name: "c", Type: "text"}, {Name: "d", Type: "bigint"},
		{Name: "e", Type: "text"}, {Name: "f", Type: "text"}, {Name: "g", Type: "text"}, {Name: "h", Type: "text"}, {Name: "i", Type: "text"}}
	for _, size := range []int{3, 30, 300, 3000} {
		b.Run(fmt.Sprintf("sqlite/rows=%d", size), func(b *testing.B) {
			d := benchDB(b, db.SQLite)
			table(b, d, wide)
			next := int64(0)
			for b.Loop() {
				rows := make([][]any, size)
				for i := range rows {
					next++
					rows[i] = []any{next, next, "org", "CP-000001", int64(7), "in", "call", "MeterValues", "1234567", `{"connectorId":1,"transactionId":17,"meterValue":[{"timestamp":"2026-11-21T16:27:18.123Z","sampledValue":[{"value":"1"}]}]}`}
				}
				err := d.Update(context.Background(), func(tx *db.Tx) error {
					err := db.InsertRows(tx, "scratch_wide", cols, rows, "ON CONFLICT DO NOTHING")
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size), "ns/row")
		})
	}
}

// benchDB is on a real disk, and PostgreSQL as the environment names it: the
// tests' own server does not wait for the disk.
func benchDB(b *testing.B, dialect db.Dialect) *db.DB {
	c := schematest.Fresh(b, dialect)
	if dir := os.Getenv("FORECOURT_BENCH_DIR"); dir != "" && dialect == db.SQLite {
		c.Path = fmt.Sprintf("%s/bench-%d.db", dir, time.Now().UnixNano())
	}
	d := schematest.OpenConfig(b, c, time.Now)
	table(b, d, sample)
	return d
}

func crowd(b *testing.B, size int, one func() error) {
	var wg sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	for range size {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := one(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
