package session

import (
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// A session that sends ten readings a second is not written ten times a
// second; whoever else takes it up finds all of it.
func TestRowsOfBusySessionsLag(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		at := func(i int) time.Time { return testStart.Add(time.Duration(i) * 100 * time.Millisecond) }
		st := h.at2("CS1")
		st.tell(event2("Started", "X", 0, at(0), onEVSE(1), charging("Charging"), withMeter(register(at(0), 0))))
		for i := 1; i <= 9; i++ {
			st.tell(event2("Updated", "X", i, at(i), withMeter(register(at(i), int64(i)))))
		}
		if r := h.only(); r.State.Readings >= 10 || !r.stale || r.SettleAt.After(h.clock.Now().Add(2*rowLook)) {
			t.Fatalf("the row was written with each reading: %d, stale %t, to be looked at %s", r.State.Readings, r.stale, r.SettleAt)
		}

		// The readings stop: the row is put right.
		h.clock.Advance(2 * rowLook)
		settle(t, h)
		if r := h.only(); r.State.Readings != 10 || r.stale || r.State.Energy != 9*unit.WattHour || !r.HeardAt.Equal(at(9).Add(300*time.Millisecond)) {
			t.Fatalf("%d readings, stale %t, %s, heard at %s", r.State.Readings, r.stale, r.State.Energy, r.HeardAt)
		}
		h.consistent(h.only())

		// They go on at another node, which ends the session too.
		other := newHouse(t, h.d, h.clock, Config{})
		for i := 280; i <= 286; i++ {
			st.tell(event2("Updated", "X", i-270, at(i), withMeter(register(at(i), int64(i)))))
		}
		moved := &station2{h: other, p: st.p}
		for i := 287; i <= 289; i++ {
			moved.tell(event2("Updated", "X", i-270, at(i), withMeter(register(at(i), int64(i)))))
		}
		st.tell(event2("Updated", "X", 20, at(290), withMeter(register(at(290), 290))))
		moved.tell(event2("Ended", "X", 21, at(291), withMeter(register(at(291), 291))))
		r := h.only()
		h.consistent(r)
		if r.State.Energy != 291*unit.WattHour || r.stale {
			t.Fatalf("%s, stale %t", r.State.Energy, r.stale)
		}
	})
}
