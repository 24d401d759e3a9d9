package db_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// salt is what a write-ahead log has another of each time it begins anew
// (SQLite's file format, 4.1).
func salt(t *testing.T, path string) string {
	t.Helper()
	log, err := os.Open(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	head := make([]byte, 24)
	if _, err := io.ReadFull(log, head); err != nil {
		t.Fatal(err)
	}
	return string(head[16:])
}

func write(t *testing.T, d *db.DB, query string, args ...any) {
	if err := d.Update(t.Context(), func(tx *db.Tx) error { _, err := tx.Exec(query, args...); return err }); err != nil {
		t.Error(err)
	}
}

// A long log begins anew, and the database file is on disk before the writer
// copies the last pages. A disk that fails there does not keep it from that.
func TestLongLogBeginsAnew(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]error{"the disk works": nil, "it fails": errors.New("input/output error")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "base.db")
			d := open(t, db.Config{Path: path})
			var syncs atomic.Int64
			d.BaseSyncBy(func(really func() error) error {
				syncs.Add(1)
				return errors.Join(really(), failure)
			})
			write(t, d, "CREATE TABLE scratch_page (id INTEGER PRIMARY KEY, page TEXT)")
			write(t, d, "INSERT INTO scratch_page VALUES (0, ''), (1, '')")
			var over atomic.Bool
			var all sync.WaitGroup
			defer all.Wait()
			defer over.Store(true)
			for id := range 2 { // without pause: else a pass copies all, and the log begins anew by itself
				all.Go(func() {
					for i := 0; !over.Load(); i++ {
						write(t, d, "UPDATE scratch_page SET page = $1 WHERE id = $2", strings.Repeat(strconv.Itoa(i%10), 256<<10), id)
					}
				})
			}
			until(t, func() bool { return syncs.Load() > 0 })
			before := salt(t, path)
			until(t, func() bool { return salt(t, path) != before })
		})
	}
}
