package db_test

import (
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

// What another wrote to columns that did not change here stays.
func TestUpdateChanged(t *testing.T) {
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		table(t, d, "CREATE TABLE scratch_thing (id TEXT PRIMARY KEY, name TEXT, size BIGINT, at BIGINT)")
		cols := []db.Col{{Name: "id", Type: "text"}, {Name: "name", Type: "text"}, {Name: "size", Type: "bigint"}, {Name: "at", Type: "bigint"}}
		err := d.Update(t.Context(), func(tx *db.Tx) error {
			if err := db.InsertRows(tx, "scratch_thing", cols, [][]any{{"a", "x", 1, nil}, {"b", "x", 1, nil}}, ""); err != nil {
				return err
			}
			was := []any{"a", "told before", 1, int64(5)}
			if err := db.UpdateChanged(tx, "scratch_thing", cols, was, []any{"a", "told before", 2, nil}); err != nil {
				return err
			}
			if err := db.UpdateChanged(tx, "scratch_thing", cols, was, was); err != nil {
				return err
			}
			if db.UpdateChanged(tx, "scratch_thing", cols, was, []any{"b", "y", 2, nil}) == nil || db.UpdateChanged(tx, "scratch_thing", cols, was, was[:3]) == nil {
				t.Error("another key, or too few values, were taken")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := count(t, d, "SELECT COUNT(*) FROM scratch_thing WHERE name = 'x' AND at IS NULL AND size = CASE id WHEN 'a' THEN 2 ELSE 1 END"); n != 2 {
			t.Errorf("%d of 2 rows are as they should be", n)
		}
	})
}
