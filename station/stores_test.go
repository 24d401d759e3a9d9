package station

import (
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// The state at any instant after the horizon is still known.
func TestStatusHistoryKeepsTheStateAtTheHorizon(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.create(Draft{ID: "CS-1"})
		p := h.connect("CS-1")
		h.boot(p, "SN")
		for _, status := range []string{"Available", "Faulted", "Available", "Faulted"} {
			h.status(p, 1, 1, status)
			h.clock.Advance(24 * time.Hour)
		}
		horizon := h.clock.Now().Add(-12 * time.Hour)
		want, err := h.At(h.ctx(), "CS-1", horizon)
		h.must(err)
		for _, store := range h.Stores() {
			if store.Delete != nil {
				_, err := store.Delete(t.Context(), horizon)
				h.must(err)
			}
		}
		got, err := h.At(h.ctx(), "CS-1", horizon)
		h.must(err)
		if len(want) != 1 || len(got) != 1 || got[0] != want[0] {
			t.Errorf("%+v became %+v", want, got)
		}
		list, _, err := h.History(h.ctx(), "CS-1", db.ListRequest{})
		h.must(err)
		if len(list) != 1 {
			t.Errorf("%d entries are left", len(list))
		}
	})
}
