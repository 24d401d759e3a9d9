package station

import (
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Field note 25: a socket that comes back at once is shown, but neither a
// fact nor an alarm; one that stays away is a fact, dated when it left.
func TestFieldNote25OfflineIsDebounced(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.create(Draft{ID: "CS-1"})
		p := h.connect("CS-1")
		h.status(p, 1, 1, "Available")
		h.want("CS-1", Available, Available)
		h.facts()

		h.Disconnected(t.Context(), p, "gone")
		h.want("CS-1", Unreachable, Unreachable)
		h.clock.Advance(20 * time.Second)
		p = h.connect("CS-1")
		h.want("CS-1", Available, Available)
		h.wantFacts()

		h.clock.Advance(time.Minute)
		left := h.clock.Now()
		h.Disconnected(t.Context(), p, "gone")
		h.clock.Advance(59 * time.Second)
		h.must(h.sweepGone(t.Context()))
		h.wantFacts()
		h.clock.Advance(2 * time.Second)
		h.must(h.sweepGone(t.Context()))
		h.must(h.sweepGone(t.Context()))
		h.wantFacts(KindDisconnected, KindStatusChanged)
		outages, err := h.OutagesOf(h.ctx(), "CS-1", t0, h.clock.Now())
		if err != nil || len(outages) != 1 || !outages[0].Start.Equal(left) || outages[0].Cause != Unreachable || outages[0].End != nil {
			t.Errorf("outages %+v, %v; want one since %s", outages, err, left)
		}
		h.clock.Advance(time.Minute)
		h.connect("CS-1")
		h.wantFacts(KindConnected, KindStatusChanged)
	})
}

// Unreachable is also a socket that is open and silent: no frame for
// max(2 × heartbeat, 120 s). The next frame brings the station back.
func TestSilenceIsUnreachable(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.create(Draft{ID: "CS-1"})
		p := h.connect("CS-1")
		h.boot(p, "S1")
		h.status(p, 1, 1, "Available")
		limit := Silence(h.view("CS-1").Heartbeat)
		if limit < 540*time.Second {
			t.Fatalf("silence after %s for a heartbeat of %s", limit, h.view("CS-1").Heartbeat)
		}
		h.clock.Advance(limit - time.Second)
		h.must(h.sweepSilent(t.Context()))
		h.want("CS-1", Available, Available)
		h.clock.Advance(2 * time.Second)
		h.must(h.sweepSilent(t.Context()))
		h.want("CS-1", Unreachable, Unreachable)

		h.Seen(t.Context(), ocpp.Sign{Peer: ocpp.Peer{Station: "cs-1", Epoch: p.Epoch - 1}, At: h.clock.Now()})
		h.want("CS-1", Unreachable, Unreachable) // of an older connection
		h.Seen(t.Context(), ocpp.Sign{Peer: p, At: h.clock.Now()})
		h.want("CS-1", Available, Available)
		if at := h.view("CS-1").LastSeenAt; at == nil || !at.Equal(h.clock.Now()) {
			t.Errorf("last seen %v", at)
		}
		h.clock.Advance(limit - time.Second)
		h.must(h.sweepSilent(t.Context()))
		h.want("CS-1", Available, Available)
	})
}

// The gateway reports life by the interval that the station was told at its
// boot, as the sweep for silence reckons, whatever is configured since.
func TestTheIntervalIsTheOneToldAtTheBoot(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.d.Heartbeat = 30 * time.Second
		pw := h.create(Draft{ID: "CS-1"})
		p := h.connect("CS-1")
		told := h.boot(p, "S1").Interval
		h.d.Heartbeat = 5 * time.Minute
		a, err := h.Connect(t.Context(), h.handshake("CS-1", pw))
		if err != nil || a.HeartbeatInterval != told || told > time.Minute {
			t.Errorf("told %s, the gateway goes by %s: %v", told, a.HeartbeatInterval, err)
		}
	})
}

// A station was there until it left, however long before its last sign of
// life was stored.
func TestLastSeen(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.create(Draft{ID: "CS-1"})
		last := func() (at time.Time) {
			h.must(h.db.View(t.Context(), func(tx *db.Tx) (err error) {
				at, err = h.LastSeen(tx, "CS-1")
				return err
			}))
			return at
		}
		if at := last(); !at.IsZero() {
			t.Errorf("never connected, seen %s", at)
		}
		p := h.connect("CS-1")
		h.clock.Advance(100 * time.Second)
		if at := last(); !at.Equal(h.clock.Now()) {
			t.Errorf("connected, seen %s", at)
		}
		h.Disconnected(t.Context(), p, "it left")
		left := h.clock.Now()
		h.clock.Advance(time.Hour)
		if at := last(); !at.Equal(left) {
			t.Errorf("left at %s, seen %s", left, at)
		}
	})
}

// Field note 1: a station that reconnects without booting again is what it
// was, and the device behind it is known.
func TestFieldNote01AcceptanceSurvivesReconnects(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		password := h.create(Draft{ID: "CS-1"})
		p := h.connect("CS-1")
		if v := h.boot(p, "S1"); v.Status != ocpp.RegistrationStatusEnumAccepted || v.Interval <= 0 {
			t.Fatalf("boot: %+v", v)
		}
		h.status(p, 1, 1, "Available")
		for range 3 {
			h.Disconnected(t.Context(), p, "storm")
			a, err := h.Connect(t.Context(), h.handshake("CS-1", password))
			if err != nil || !a.Active {
				t.Fatalf("%+v, %v", a, err)
			}
			p = h.connect("CS-1")
			h.want("CS-1", Available, Available)
			who, err := h.Identify(t.Context(), p)
			if err != nil || who.Incarnation != "S1" {
				t.Fatalf("%+v, %v", who, err)
			}
		}
		second := h.node() // knows nothing from memory
		if who, err := second.Identify(t.Context(), ocpp.Peer{Station: "cs-1"}); err != nil || who.Incarnation != "S1" || who.Station != "CS-1" || who.Org != string(h.northID) {
			t.Fatalf("%+v, %v", who, err)
		}
	})
}

// A card that gets old still serves messages and is renewed beside them, for
// the case that a change elsewhere was not told; a handshake reads anew.
func TestOldCards(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.create(Draft{ID: "CS-1"})
		p := h.connect("CS-1")
		of := func() string {
			who, err := h.Identify(t.Context(), p)
			h.must(err)
			return who.Incarnation
		}
		change := func(serial string) { // nobody is told
			h.must(h.db.Update(t.Context(), func(tx *db.Tx) error {
				_, err := tx.Exec("UPDATE charging_station SET incarnation = $1 WHERE id = 'CS-1'", serial)
				return err
			}))
		}
		if got := of(); got != "" {
			t.Fatalf("%q", got)
		}
		change("A")
		h.clock.Advance(cardFor + time.Second)
		if got := of(); got != "" {
			t.Errorf("a message waited for the card: %q", got)
		}
		for end := time.Now().Add(20 * time.Second); of() != "A"; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the card was not renewed")
			}
		}
		change("B")
		h.clock.Advance(cardFor + time.Second)
		if c, err := h.card(t.Context(), "cs-1"); err != nil || c.Incarnation != "B" {
			t.Errorf("a handshake: %+v, %v", c, err)
		}
		change("C")
		h.clock.Advance(2*cardFor + time.Second)
		if got := of(); got != "C" {
			t.Errorf("a card of ten minutes: %q", got)
		}
	})
}

// The higher epoch wins, in whatever order the news arrives.
func TestAnOlderConnectionChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.create(Draft{ID: "CS-1"})
		older, newer := h.peer("CS-1"), h.peer("cs-1")
		h.must(h.Connected(t.Context(), newer))
		h.must(h.Connected(t.Context(), older))
		if v := h.view("CS-1"); v.Epoch != newer.Epoch || !v.Connected {
			t.Fatalf("%+v", v.Station)
		}
		h.Disconnected(t.Context(), older, "replaced")
		if !h.view("CS-1").Connected {
			t.Fatal("the end of the older connection ended the newer one")
		}
		h.Disconnected(t.Context(), newer, "gone")
		if v := h.view("CS-1"); v.Connected || v.GoneAt == nil {
			t.Fatalf("%+v", v.Station)
		}
	})
}

// Field note 26 in part: the error of the station's clock is measured, and a
// clock that was never set is none.
func TestClockSkew(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.create(Draft{ID: "CS-1"})
		p := h.connect("CS-1")
		told := func(at time.Time) time.Duration {
			r := &ocpp.StatusNotification{StatusNotificationRequest: ocpp.StatusNotificationRequest{EVSEID: 1, ConnectorID: 1, ConnectorStatus: "Available", Timestamp: ocpp.DateTime{Time: at}}}
			if _, err := h.StatusNotification(t.Context(), p, r); err != nil {
				t.Fatal(err)
			}
			return h.view("CS-1").Skew
		}
		for _, c := range []struct{ skew, want time.Duration }{
			{time.Second, 0}, {2 * time.Hour, 2 * time.Hour}, {-60 * 365 * 24 * time.Hour, 2 * time.Hour}, {-90 * time.Second, -90 * time.Second},
		} {
			var got time.Duration
			for range leastSamples {
				h.clock.Advance(time.Minute)
				got = told(h.clock.Now().Add(c.skew))
			}
			if got != c.want {
				t.Errorf("station is off by %s: skew %s, want %s", c.skew, got, c.want)
			}
		}
		h.clock.Advance(time.Minute)
		if got := told(h.clock.Now().Add(-3 * time.Hour)); got != -90*time.Second {
			t.Errorf("one message that waited moves the clock to %s", got)
		}
		for range leastSamples {
			h.clock.Advance(time.Minute)
			if err := h.Told(t.Context(), p, h.clock.Now().Add(5*time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		if got := h.view("CS-1").Skew; got != 5*time.Minute {
			t.Errorf("told by other rooms: %s", got)
		}
	})
}

// What happened to a port is known for any past second.
func TestStatusHistoryAtAnyPastSecond(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.create(Draft{ID: "CS-1"})
		p := h.connect("CS-1")
		steps := []struct {
			report string
			want   State
		}{{"Available", Available}, {"Occupied", Preparing}, {"Occupied", Preparing}, {"Faulted", Faulted}, {"Available", Available}}
		for _, s := range steps {
			h.status(p, 1, 1, s.report)
			h.clock.Advance(time.Minute)
		}
		for i, s := range steps {
			for _, offset := range []time.Duration{0, 30 * time.Second, 59 * time.Second} {
				at := t0.Add(time.Duration(i)*time.Minute + offset)
				changes, err := h.At(h.ctx(), "CS-1", at)
				if err != nil || len(changes) != 1 || changes[0].State != s.want {
					t.Errorf("at %s: %+v, %v; want %s", at, changes, err, s.want)
				}
			}
		}
		if changes, err := h.At(h.ctx(), "CS-1", t0.Add(-time.Second)); err != nil || len(changes) != 0 {
			t.Errorf("before it was known: %+v, %v", changes, err)
		}
	})
}

func TestDeviationsAreCountedAndShown(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.create(Draft{ID: "CS-1"})
		p := h.connect("cs-1")
		for range 3 {
			h.Deviation(t.Context(), p, ocpp.Deviation{Code: "enum", Action: "StatusNotification", Detail: "errorCode"})
		}
		h.Deviation(t.Context(), ocpp.Peer{Station: "nobody"}, ocpp.Deviation{Code: "enum"})
		h.status(p, 1, 1, "Broken") // no such status: kept out of the model
		h.want("CS-1", Unavailable)
		h.Deviation(t.Context(), p, ocpp.Deviation{Code: "enum", Action: "MeterValues", Detail: "measurand"})
		got := map[string]int64{}
		for _, d := range h.view("CS-1").Deviations {
			got[d.Code] = d.Count
		}
		if len(got) != 2 || got["enum"] != 4 || got["status"] != 1 {
			t.Errorf("deviations %v", got)
		}
	})
}
