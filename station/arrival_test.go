package station

import (
	"context"
	"runtime"
	"testing"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// A boot that comes on a connection stores both; without one the connection
// is stored as well, at once when it is known that none comes.
func TestArrivalIsStoredWithTheBoot(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.create(Draft{ID: "CS-1"})
		h.status(h.connect("CS-1"), 1, 1, "Available")
		h.facts()
		waits := func(p ocpp.Peer) bool {
			h.mu.Lock()
			defer h.mu.Unlock()
			a := h.arrivals[ID(p.Station).Key()]
			return a != nil && a.peer.Epoch == p.Epoch
		}
		arrive := func(ctx context.Context, p ocpp.Peer) chan error {
			done := make(chan error, 1)
			go func() { done <- h.Arrived(ctx, p) }()
			return done
		}

		p := h.peer("CS-1")
		unbooted := make(chan struct{})
		done := arrive(ocpp.WithUnbooted(t.Context(), unbooted), p)
		for !waits(p) && len(done) == 0 {
			runtime.Gosched()
		}
		h.boot(p, "S1")
		h.boot(p, "S1") // again, before anybody looked
		h.must(<-done)
		v := h.view("CS-1")
		if v.Epoch != p.Epoch || !v.Connected || v.Incarnation != "S1" || v.BootedAt == nil {
			t.Errorf("after connection and boot: %+v", v.Station)
		}
		h.want("CS-1", Available, Available)
		h.wantFacts(KindBoot, KindBoot)

		p = h.peer("CS-1")
		close(unbooted)
		h.must(<-arrive(ocpp.WithUnbooted(t.Context(), unbooted), p))
		if v := h.view("CS-1"); v.Epoch != p.Epoch {
			t.Errorf("no boot came: epoch %d, not %d", v.Epoch, p.Epoch)
		}
		p = h.peer("CS-1")
		h.must(<-arrive(t.Context(), p))
		if v := h.view("CS-1"); v.Epoch != p.Epoch {
			t.Errorf("nothing came: epoch %d, not %d", v.Epoch, p.Epoch)
		}

		p = h.peer("CS-1")
		h.boot(p, "S1") // faster than the word of its connection
		if v := h.view("CS-1"); v.Epoch != p.Epoch || !v.Connected {
			t.Errorf("booted, and offline: %+v", v.Station)
		}
		h.must(<-arrive(t.Context(), p))
		h.Disconnected(t.Context(), p, "gone")
		h.boot(p, "S1") // read before the end
		if v := h.view("CS-1"); v.Connected {
			t.Error("a boot brought a connection back that is over")
		}
		if len(h.arrivals) != 0 {
			t.Errorf("%d arrivals are kept", len(h.arrivals))
		}
	})
}
