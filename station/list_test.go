package station

import (
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

// On SQLite every order of the list has an index that is walked, and what
// finds the few has one, too.
func TestListPlans(t *testing.T) {
	d := schematest.Open(t, db.SQLite, time.Now)
	plan := func(tx *db.Tx, query string) string {
		t.Helper()
		lines, err := db.Collect(tx, func(row db.Scanner) (line string, err error) {
			var n int
			err = row.Scan(&n, &n, &n, &line)
			return line, err
		}, "EXPLAIN QUERY PLAN "+query)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(lines, "; ")
	}
	err := d.View(t.Context(), func(tx *db.Tx) error {
		for _, f := range stationSpec.Fields {
			nulls := [2]string{}
			if f.Nullable {
				nulls = [2]string{" NULLS LAST", " NULLS FIRST"}
			}
			for i, down := range []string{"", " DESC"} {
				key := ", key" + down
				if f.Column == "key" {
					key = ""
				}
				got := plan(tx, "SELECT "+stationColumns+" FROM charging_station WHERE (+org IN (SELECT id FROM organisation)) AND (+life <> 'retired') ORDER BY "+f.Column+down+nulls[i]+key+" LIMIT 51")
				if f.Sort && (!strings.Contains(got, "SCAN charging_station USING INDEX") || strings.Contains(got, "TEMP B-TREE")) {
					t.Errorf("the order %s%s is read by %s", f.Name, down, got)
				}
			}
		}
		const probe = "SELECT key FROM charging_station WHERE (org IN (SELECT id FROM organisation)) AND (life <> 'retired') AND "
		for cond, want := range map[string]string{
			"vendor = 'a'": "charging_station_vendor", "serial = 'a'": "charging_station_serial", "site_name = 'a'": "charging_station_site_name", "site = 'a'": "charging_station_site",
			"status = 'a'": "charging_station_status", "connected = TRUE": "charging_station_connected", "search LIKE '%a%' ESCAPE '!'": "COVERING INDEX charging_station_org",
			"remote_addr = 'a'": "charging_station_org",
		} {
			if got := plan(tx, probe+cond+" LIMIT 1001"); !strings.Contains(got, "SEARCH charging_station USING") || !strings.Contains(got, want+" (") {
				t.Errorf("%s is found by %s", cond, got)
			}
		}
		walk := "SELECT key FROM (SELECT * FROM charging_station WHERE TRUE ORDER BY last_seen_at DESC NULLS FIRST, key DESC LIMIT 10000) WHERE (life <> 'retired') AND (NOT connected) LIMIT 51"
		if got := plan(tx, walk); !strings.Contains(got, "USING INDEX charging_station_last_seen_at") || strings.Contains(got, "TEMP B-TREE") {
			t.Errorf("the first in an order are read by %s", got)
		}
		whole := "SELECT id FROM charging_station WHERE +(life <> 'retired') AND +(NOT connected) ORDER BY +last_seen_at DESC NULLS FIRST, key DESC LIMIT 51"
		if got := plan(tx, whole); strings.Contains(got, "INDEX") {
			t.Errorf("the whole table is read by %s", got)
		}
		sweep := "SELECT id FROM charging_station WHERE connected AND silent_at < 5 AND id > 'a' ORDER BY id LIMIT 5"
		if got := plan(tx, sweep); !strings.Contains(got, "charging_station_silent") {
			t.Errorf("silent stations are found by %s", got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// On PostgreSQL a text is looked for in an index that no status and no sign of
// life writes.
func TestSearchPlan(t *testing.T) {
	d := schematest.Open(t, db.Postgres, time.Now)
	err := d.View(t.Context(), func(tx *db.Tx) error {
		if _, err := tx.Exec("SET LOCAL enable_seqscan = off"); err != nil { // the table is empty
			return err
		}
		lines, err := db.Collect(tx, func(row db.Scanner) (line string, err error) {
			return line, row.Scan(&line)
		}, "EXPLAIN SELECT key FROM charging_station WHERE (org IN (SELECT id FROM organisation)) AND (life <> 'retired') AND (search LIKE '%a%' ESCAPE '!') LIMIT 1001")
		if got := strings.Join(lines, "; "); !strings.Contains(got, "Index Only Scan using charging_station_org") {
			t.Errorf("a text is found by %s", got)
		}
		if err != nil {
			return err
		}
		indexes, err := db.Collect(tx, func(row db.Scanner) (line string, err error) {
			return line, row.Scan(&line)
		}, "SELECT indexdef FROM pg_indexes WHERE tablename = 'charging_station'")
		for _, index := range indexes {
			columns := index[strings.Index(index, "("):]
			for _, c := range []string{"status", "in_use", "suspect", "last_seen_at", "silent_at", "connected", "disconnected_at"} {
				if strings.Contains(columns, c) {
					t.Errorf("a change of %s writes every index because of %s", c, index)
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
