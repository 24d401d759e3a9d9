package reservation_test

import (
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/reservation"
	"github.com/forecourt-ev/forecourt/station"
)

// A reservation of an EVSE waits for it from the wish to its end.
func TestReservationsWait(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		start := h.clock.Now()
		r := h.reserve(1, "A")
		h.reserve(2, "C")
		waiting := func(evse int, want ...station.Stretch) {
			t.Helper()
			err := h.d.View(h.ctx, func(tx *db.Tx) error {
				got, err := h.s.Waiting(tx, "CS-1", evse, start.Add(-time.Hour), start.Add(24*time.Hour))
				if err == nil && (len(got) != len(want) || len(got) > 0 && got[0] != want[0]) {
					t.Errorf("EVSE %d: %v, want %v", evse, got, want)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		waiting(1, station.Stretch{Start: start, End: r.ExpiresAt})
		waiting(3)
		h.clock.Set(start.Add(10 * time.Minute))
		h.start(1, "A", "X")
		h.settle()
		if h.state(r.ID) != reservation.Used {
			t.Fatal("the reservation was not used")
		}
		waiting(1, station.Stretch{Start: start, End: h.clock.Now()})
	})
}
