package session

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

func (h *house) samples(stream string) (n int) {
	h.t.Helper()
	if err := h.d.View(h.ctx, func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT COUNT(*) FROM meter_sample WHERE stream = $1 OR $1 = ''`, stream).Scan(&n)
	}); err != nil {
		h.t.Fatal(err)
	}
	return n
}

// charge is a whole session of ten minutes at a station of its own.
func (h *house) charge(station string, stop bool) {
	st := h.at16(station)
	now := h.clock.Now()
	tx, _ := st.start(1, "A"+station, now, 0)
	for i := 1; i <= 5; i++ {
		st.meter(1, tx, register(now.Add(time.Duration(i)*time.Minute), int64(i)*100))
	}
	if stop {
		st.stop(tx, now.Add(10*time.Minute), 600)
	}
}

func (h *house) byStation() map[string]ID {
	h.t.Helper()
	out := map[string]ID{}
	if err := h.d.View(h.ctx, func(tx *db.Tx) error {
		_, err := db.Collect(tx, func(row db.Scanner) (struct{}, error) {
			var id ID
			var station string
			err := row.Scan(&id, &station)
			out[station] = id
			return struct{}{}, err
		}, `SELECT id, station FROM session`)
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
	return out
}

func TestSamplesGoAndIntervalsStay(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		var held []ID
		h.s.d.Unbilled = func(context.Context) ([]ID, error) { return held, nil }
		for i := range 3 {
			h.charge(fmt.Sprint("OLD", i), true)
		}
		h.charge("OPEN", false)
		h.at16("STRAY").meter(2, "", register(h.clock.Now(), 7))
		if err := h.s.Settle(h.ctx); err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(100 * 24 * time.Hour)
		h.charge("NEW", true)
		ids := h.byStation()
		held = []ID{ids["OLD1"]}
		before := h.clock.Now().Add(-50 * 24 * time.Hour)
		store := h.s.Stores()[0]
		for range 2 { // again is harmless
			if _, err := store.Delete(h.ctx, before); err != nil {
				t.Fatal(err)
			}
		}
		for station, want := range map[string]bool{"OLD0": false, "OLD1": true, "OLD2": false, "OPEN": true, "NEW": true} {
			if got := h.samples(string(ids[station])) > 0; got != want {
				t.Errorf("%s has samples: %v", station, got)
			}
		}
		if n := h.samples("evse:STRAY:2"); n != 0 {
			t.Errorf("%d samples without a session are left", n)
		}
		var slices int
		if err := h.d.View(h.ctx, func(tx *db.Tx) error {
			return tx.QueryRow(`SELECT COUNT(*) FROM session_interval WHERE session = $1`, string(ids["OLD0"])).Scan(&slices)
		}); err != nil || slices == 0 {
			t.Error("the intervals went with the samples", err)
		}
		held = nil // billed at last: the next run takes them
		if _, err := store.Delete(h.ctx, before); err != nil {
			t.Fatal(err)
		}
		if h.samples(string(ids["OLD1"])) != 0 || h.samples(string(ids["OPEN"])) == 0 {
			t.Error("what is billed was kept, or what is open removed")
		}
		if err := h.d.View(h.ctx, func(tx *db.Tx) error {
			_, err := store.Oldest(tx)
			return err
		}); err != nil {
			t.Error(err)
		}
	})
}

// Months are dropped whole, unless a session that is open began in them.
func TestMonthsOfSamplesAreDropped(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		if h.d.Dialect() != db.Postgres {
			return // SQLite has no partitions; the test above is its own
		}
		if err := h.s.Partition(h.ctx); err != nil {
			t.Fatal(err)
		}
		h.charge("OLD", true)
		if err := h.s.Settle(h.ctx); err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(200 * 24 * time.Hour)
		if _, err := h.s.Stores()[0].Delete(h.ctx, h.clock.Now().Add(-160*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		var parts int
		if err := h.d.View(h.ctx, func(tx *db.Tx) error {
			months, err := sampleMonths(tx)
			parts = len(months)
			return err
		}); err != nil || parts != 2 || h.samples("") != 0 {
			t.Errorf("%d months, %d samples, %v", parts, h.samples(""), err)
		}
	})
}
