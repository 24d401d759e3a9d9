package session

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/access"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// 1.6 has no charging state: the connector's status tells it, and the bay
// stays occupied after the stop until it is Available.
func TestFieldNote05ConnectorStatusIsTheChargingState(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.price(`{"type":"PARKING_TIME","price":6,"step_size":1}`)
		h.token("A")
		st := h.at16("CP1")
		st.status(1, "Preparing", minutes(-1))
		tx, _ := st.start(1, "A", minutes(0), 0)
		st.status(1, "Charging", minutes(1))
		st.meter(1, tx, register(minutes(10), 1000))
		st.status(1, "SuspendedEV", minutes(20))
		if r := h.only(); r.Status != Suspended || r.State.Charging != SuspendedEV {
			t.Fatalf("%s %s", r.Status, r.State.Charging)
		}
		st.meter(1, tx, register(minutes(30), 2000))
		st.status(1, "SuspendedEVSE", minutes(40))
		st.status(1, "Charging", minutes(50))
		st.meter(1, tx, register(minutes(60), 3000))
		st.stop(tx, minutes(60), 3000)
		st.status(1, "Finishing", minutes(60))
		r := h.only()
		if r.Status != Ending || !r.State.UnpluggedAt.IsZero() {
			t.Fatalf("the car is still there: %s, unplugged %v", r.Status, r.State.UnpluggedAt)
		}
		st.status(1, "Available", minutes(90))
		r = h.only()
		h.consistent(r)
		if r.Status != Completed || r.State.EndedAt != minutes(60) || r.State.UnpluggedAt != minutes(90) {
			t.Fatalf("%s ended %v unplugged %v", r.Status, r.State.EndedAt, r.State.UnpluggedAt)
		}
		// 20 minutes suspended by the car, 30 after the stop; what the station held back is not parking.
		if want := int64(5_000_000); int64(r.Excl) != want {
			t.Fatalf("50 minutes of parking at 6.00/h: %d, want %d", r.Excl, want)
		}
		// What flowed between 10 and 30 flowed before the car paused at 20.
		iv, err := h.s.Intervals(h.ctx, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		if iv[0].Start != minutes(0) || iv[0].End != time.Date(2026, 3, 10, 9, 15, 0, 0, time.UTC) {
			t.Fatalf("first interval %v to %v", iv[0].Start, iv[0].End)
		}
	})
}

// Status is not queued offline and overtakes queued stops: it closes a
// session for now, and whatever comes later opens it again.
func TestFieldNote06NothingButTheStopEndsASession(t *testing.T) {
	each(t, Config{Hold: time.Hour}, func(t *testing.T, h *house) {
		h.token("A")
		st := h.at16("CP1")
		tx, _ := st.start(1, "A", minutes(0), 1000)
		st.meter(1, tx, register(minutes(10), 2000))
		h.s.Disconnected(st.p)
		if err := h.s.Booted(h.ctx, st.p); err != nil {
			t.Fatal(err)
		}
		if r := h.only(); r.Status != Active {
			t.Fatalf("after a disconnect and a boot: %s", r.Status)
		}
		st.status(1, "Available", minutes(30))
		r := h.only()
		if r.Status != Ending || r.Flags()&StopMissing == 0 || r.State.EndedAt != minutes(30) {
			t.Fatalf("%s %v", r.Status, r.Flags().Names())
		}
		settle(t, h)
		if r = h.only(); r.Status != Ending {
			t.Fatalf("settled before the hold was over: %s", r.Status)
		}
		h.clock.Advance(2 * time.Hour)
		settle(t, h)
		if r = h.only(); r.Status != Completed || h.finished().Energy != 1000*unit.WattHour {
			t.Fatalf("after the hold: %s", r.Status)
		}
		h.consistent(r)
		st.meter(1, tx, register(minutes(20), 2500))
		st.stop(tx, minutes(25), 2700)
		r = h.only()
		h.consistent(r)
		if r.Status != Completed || r.Flags()&StopMissing != 0 || r.Flags()&Late == 0 || r.State.EndedAt != minutes(25) || r.State.UnpluggedAt != minutes(30) {
			t.Fatalf("%s %v %+v", r.Status, r.Flags().Names(), r.State)
		}
		f := h.finished()
		if f.Energy != 1700*unit.WattHour || f.Revision != 2 || !slices.Contains(h.told(), KindReopened) {
			t.Fatalf("%s revision %d, facts %v", f.Energy, f.Revision, h.told())
		}
	})
}

func settle(t *testing.T, h *house) {
	t.Helper()
	if err := h.s.Settle(h.ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := h.jobs.RunDue(h.ctx); err != nil {
		t.Fatal(err)
	}
}

// A 2.x session is settled when no message is missing, or when the station
// has none left, or flagged after a time-out.
func TestFieldNote07WaitsForMissingMessages(t *testing.T) {
	gap := func(h *house) *station2 {
		st := h.at2("CS1")
		st.tell(event2("Started", "X", 0, minutes(0), onEVSE(1), withMeter(register(minutes(0), 0))))
		st.tell(event2("Ended", "X", 3, minutes(30), withMeter(register(minutes(30), 3000))))
		if r := h.only(); r.Status != Ending {
			h.t.Fatalf("two messages are missing: %s", r.Status)
		}
		return st
	}
	answers := func(h *house, queued bool) {
		h.send = func(_ string, r ocpp.Request) (ocpp.Response, error) {
			if q, ok := r.(*ocpp.GetTransactionStatusRequest); !ok || q.TransactionID != "X" {
				h.t.Errorf("the station was asked %+v", r)
			}
			return &ocpp.GetTransactionStatusResponse{MessagesInQueue: queued}, nil
		}
		h.clock.Advance(time.Minute)
	}
	t.Run("they come", func(t *testing.T) {
		each(t, Config{}, func(t *testing.T, h *house) {
			st := gap(h)
			answers(h, true)
			settle(t, h)
			st.tell(event2("Updated", "X", 2, minutes(20), withMeter(register(minutes(20), 2000))))
			st.tell(event2("Updated", "X", 1, minutes(10), withMeter(register(minutes(10), 1000))))
			r := h.only()
			h.consistent(r)
			if r.Status != Completed || r.Flags()&(EventsMissing|Late) != 0 {
				t.Fatalf("%s %v", r.Status, r.Flags().Names())
			}
		})
	})
	t.Run("the station has none", func(t *testing.T) {
		each(t, Config{}, func(t *testing.T, h *house) {
			gap(h)
			answers(h, false)
			settle(t, h)
			if r := h.only(); r.Status != Completed || r.Flags()&EventsMissing == 0 || h.finished().Energy != 3000*unit.WattHour {
				t.Fatalf("%s %v", r.Status, r.Flags().Names())
			}
		})
	})
	t.Run("the station is away", func(t *testing.T) {
		each(t, Config{}, func(t *testing.T, h *house) {
			gap(h)
			answers(h, false)
			h.send = func(string, ocpp.Request) (ocpp.Response, error) {
				return nil, fault.New(fault.Unavailable, "gateway.offline", "the station is offline")
			}
			settle(t, h)
			if r := h.only(); r.Status != Ending {
				t.Fatalf("%s", r.Status)
			}
			h.clock.Advance(2 * time.Hour)
			settle(t, h)
			if r := h.only(); r.Status != Completed || r.Flags()&EventsMissing == 0 {
				t.Fatalf("%s %v", r.Status, r.Flags().Names())
			}
		})
	})
}

// TxStartPoint and TxStopPoint decide what Started and Ended mean; start,
// first and last energy, end and unplugging are instants of their own.
func TestFieldNote08FourInstants(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		st := h.at2("CS1")
		st.tell(event2("Started", "X", 0, minutes(0), onEVSE(1), charging("EVConnected"), withMeter(register(minutes(0), 0))))
		st.tell(event2("Updated", "X", 1, minutes(4), withToken("A")))
		st.tell(event2("Updated", "X", 2, minutes(5), charging("Charging"), withMeter(register(minutes(5), 0))))
		st.tell(event2("Updated", "X", 3, minutes(35), withMeter(register(minutes(35), 5000))))
		st.tell(event2("Updated", "X", 4, minutes(40), charging("EVConnected"), withMeter(register(minutes(40), 5500))))
		st.tell(event2("Ended", "X", 5, minutes(60), withMeter(register(minutes(60), 5500)),
			func(r *ocpp.TransactionEventRequest) { r.TransactionInfo.StoppedReason = ocpp.ReasonEnumLocal }))
		n := &ocpp.StatusNotification{StatusNotificationRequest: ocpp.StatusNotificationRequest{EVSEID: 1, ConnectorID: 1,
			Timestamp: ocpp.AtTime(minutes(75)), ConnectorStatus: ocpp.ConnectorStatusEnumAvailable}}
		h.reach(minutes(75))
		if err := h.s.StatusNotification(h.ctx, st.p, n); err != nil {
			t.Fatal(err)
		}
		r := h.only()
		h.consistent(r)
		got := []time.Time{r.State.StartedAt, r.State.EnergyStartedAt, r.State.EnergyEndedAt, r.State.EndedAt, r.State.UnpluggedAt}
		want := []time.Time{minutes(0), minutes(5), minutes(40), minutes(60), minutes(75)}
		if !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
		if r.Revision != 1 {
			t.Fatal("unplugging opened a session whose price does not depend on it")
		}
		if h.finished().Usage.Periods[0].Kind != "suspended" {
			t.Fatal("waiting for the authorisation is billed")
		}
	})
}

// A changed serial number is another station under the same name: its
// transactions and keys begin anew. The same key with another payload is a
// conflict, kept and flagged.
func TestFieldNote09IncarnationsAndConflicts(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		old := h.at2("CS1")
		old.tell(event2("Started", "1", 0, minutes(0), onEVSE(1), withMeter(register(minutes(0), 0))))
		old.tell(event2("Updated", "1", 1, minutes(5), withMeter(register(minutes(5), 100))))
		replaced := h.at2("CS1")
		replaced.p.Incarnation = "serial-2"
		replaced.tell(event2("Started", "1", 0, minutes(60), onEVSE(2), withMeter(register(minutes(60), 5))))
		if n := len(h.sessions()); n != 2 {
			t.Fatalf("%d sessions, want one of each station", n)
		}
		old.tell(event2("Updated", "1", 1, minutes(6), withMeter(register(minutes(6), 130))))
		old.tell(event2("Ended", "1", 2, minutes(10), withMeter(register(minutes(10), 200))))
		r := h.sessions()[0]
		h.consistent(r)
		if r.Flags()&SeqConflict == 0 || r.State.Energy != 200*unit.WattHour || r.State.Readings != 4 {
			t.Fatalf("%v %s %d readings", r.Flags().Names(), r.State.Energy, r.State.Readings)
		}
	})
	t.Run("1.6", func(t *testing.T) {
		each(t, Config{}, func(t *testing.T, h *house) {
			st := h.at16("CP1")
			a, _ := st.start(1, "A", minutes(0), 0)
			st.p.Incarnation = "serial-2"
			b, _ := st.start(1, "A", minutes(0), 0)
			if a == b {
				t.Fatal("a replaced station's start was taken for a repetition")
			}
		})
	})
}

// After the transaction is over the same start is another one; before the
// clock is set a timestamp only counts within a boot.
func TestFieldNote09RepeatedStartOnlyWhileOpen(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		st := h.at16("CP1")
		unset := time.Date(1970, 1, 1, 0, 0, 10, 0, time.UTC)
		a, _ := st.start(1, "A", unset, 0)
		again, _ := st.start(1, "A", unset, 0)
		if again != a {
			t.Fatal("the same start within a boot made two sessions")
		}
		if err := h.s.Booted(h.ctx, st.p); err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(time.Minute)
		b, _ := st.start(1, "A", unset, 0)
		if b == a {
			t.Fatal("a start in another boot was taken for a repetition")
		}
		c, _ := st.start(2, "B", minutes(10), 7)
		st.stop(c, minutes(20), 8)
		d, _ := st.start(2, "B", minutes(10), 7)
		if d == c {
			t.Fatal("a finished transaction was given again")
		}
	})
}

// The station may charge all the same: a refused start has a number and is kept.
func TestFieldNote16RefusedStartIsStored(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.token("BAD", func(k *access.IdToken) { k.Status = access.Blocked })
		h.price(`{"type":"FLAT","price":1.50,"step_size":1}`)
		st := h.at16("CP1")
		a, status := st.start(1, "BAD", minutes(0), 100)
		if status != ocpp.AuthorizationStatusEnumBlocked {
			t.Fatalf("%s", status)
		}
		b, status := st.start(2, "NOBODY", minutes(0), 100)
		if status != ocpp.AuthorizationStatusEnumUnknown || a == b {
			t.Fatalf("%s, numbers %s and %s", status, a, b)
		}
		st.stop(a, minutes(1), 100)
		st.stop(b, minutes(30), 5100)
		byNumber := map[string]Session{}
		for _, r := range h.sessions() {
			h.consistent(r)
			byNumber[r.Transaction] = r
		}
		if r := byNumber[a]; r.Status != Invalid || r.Authorisation != "Blocked" || r.Incl != 0 {
			t.Fatalf("refused and nothing charged: %s, costs %d", r.Status, r.Incl)
		}
		if r := byNumber[b]; r.Status != Completed || r.State.Energy != 5000*unit.WattHour || r.Flags()&Refused == 0 {
			t.Fatalf("refused and charged: %s %s", r.Status, r.State.Energy)
		}
	})
}

// A station that went silent with an open session does not lock the driver
// out elsewhere, and a start that is sent again is never ConcurrentTx.
func TestFieldNote17TokenUseIsALease(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.token("A")
		first := h.at16("CP1")
		tx, _ := first.start(1, "A", minutes(0), 0)
		if again, status := first.start(1, "A", minutes(0), 0); again != tx || status != ocpp.AuthorizationStatusEnumAccepted {
			t.Fatalf("the start again: %s", status)
		}
		second := h.at16("CP2")
		if _, status := second.start(1, "A", minutes(5), 0); status != ocpp.AuthorizationStatusEnumConcurrentTx {
			t.Fatalf("elsewhere, while it charges: %s", status)
		}
		h.seen = map[string]time.Time{"CP1": minutes(5)}
		h.clock.Set(minutes(30))
		if _, status := second.start(2, "A", minutes(30), 0); status != ocpp.AuthorizationStatusEnumAccepted {
			t.Fatalf("elsewhere, with the first station silent for 25 minutes: %s", status)
		}
	})
}

// The driver whose stop was lost taps again at the same connector.
func TestFieldNote17SameConnectorIsNotConcurrent(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.token("A")
		st := h.at16("CP1")
		st.start(1, "A", minutes(0), 0)
		if _, status := st.start(1, "A", minutes(90), 4000); status != ocpp.AuthorizationStatusEnumAccepted {
			t.Fatalf("%s", status)
		}
	})
}

// Station time, receipt time and the measured skew are stored; the corrected
// time is used.
func TestFieldNote26ClockSkew(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		const behind = 17 * time.Minute
		st := h.at2("CS1")
		say := func(e *ocpp.TransactionEvent, really time.Time) {
			h.clock.Set(really.Add(200 * time.Millisecond))
			e.Request.Timestamp = ocpp.AtTime(really.Add(-behind))
			for i := range e.Request.MeterValue {
				e.Request.MeterValue[i].Timestamp = e.Request.Timestamp
			}
			st.tell(e)
		}
		// The first minutes show how far the station's clock is behind.
		for i := range 4 {
			say(event2("Updated", "warm-up", i, testStart), minutes(i-10))
		}
		say(event2("Started", "X", 0, testStart, onEVSE(1), withMeter(register(testStart, 0))), minutes(0))
		say(event2("Ended", "X", 1, testStart, withMeter(register(testStart, 800))), minutes(20))
		var r Session
		for _, s := range h.sessions() {
			if s.Transaction == "X" {
				r = s
			}
		}
		h.consistent(r)
		if off := r.State.StartedAt.Sub(minutes(0)); off < -time.Second || off > time.Second || r.Flags()&ClockCorrected == 0 {
			t.Fatalf("started at %v, %v off; %v", r.State.StartedAt, off, r.Flags().Names())
		}
		var row string
		if err := h.d.View(h.ctx, func(tx *db.Tx) error {
			var at, station, received, skew int64
			err := tx.QueryRow(`SELECT at, station_at, received_at, skew_us FROM session_event WHERE session = $1 AND kind = $2`, string(r.ID), int(Started)).Scan(&at, &station, &received, &skew)
			row = fmt.Sprint(received-at < 1_000_000, at-station, time.Duration(skew)*time.Microsecond)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if row != "true 1020000000 17m0s" {
			t.Fatalf("stored: %s", row)
		}
	})
}
