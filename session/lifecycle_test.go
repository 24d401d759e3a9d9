package session

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/forecourt-ev/forecourt/access"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// A failure before the commit stores nothing; the station sends again and it
// is stored once.
func TestFailedTransactionLeavesNothing(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.token("A")
		st := h.at16("CP1")
		broken := errors.New("the disk is full")
		ports := h.s.d.PortUse
		h.s.d.PortUse = func(*db.Tx, ...PortUse) error { return broken }
		if _, err := h.s.TransactionEvent(h.ctx, st.p, startEvent(1, "A", minutes(0), 0)); !errors.Is(err, broken) {
			t.Fatalf("%v", err)
		}
		if n := len(h.sessions()); n != 0 {
			t.Fatalf("%d sessions after a failure", n)
		}
		h.s.d.PortUse = ports
		tx, status := st.start(1, "A", minutes(0), 0)
		if status != ocpp.AuthorizationStatusEnumAccepted {
			t.Fatalf("the failed start still holds the token: %s", status)
		}
		h.s.d.PortUse = func(*db.Tx, ...PortUse) error { return broken }
		h.reach(minutes(10))
		if _, err := h.s.TransactionEvent(h.ctx, st.p, meterEvent(1, tx, []ocpp.MeterValue{register(minutes(10), 900)})); !errors.Is(err, broken) {
			t.Fatalf("%v", err)
		}
		h.s.d.PortUse = ports
		if r := h.only(); r.State.Energy != 0 || r.State.Readings != 1 {
			t.Fatalf("%s from %d readings after a failure", r.State.Energy, r.State.Readings)
		}
		st.meter(1, tx, register(minutes(10), 900))
		st.meter(1, tx, register(minutes(10), 900))
		r := h.only()
		h.consistent(r)
		if r.State.Energy != 900*unit.WattHour || r.State.Readings != 2 {
			t.Fatalf("%s from %d readings", r.State.Energy, r.State.Readings)
		}
	})
}

// PostgreSQL may have a transaction run again after a conflict: the second try
// begins from what the station said, not from what the first made of it.
func TestRepeatedTryOfAStopWithoutANumber(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		st := h.at16("CP1")
		tries := 0
		h.s.d.Currency = func(*db.Tx, string, string) (money.Currency, error) {
			if tries++; tries == 1 {
				return "", &pgconn.PgError{Code: "40001"}
			}
			return "EUR", nil
		}
		h.reach(minutes(30))
		if _, err := h.s.TransactionEvent(h.ctx, st.p, stopEvent("0", minutes(30), 900, ocpp.ReasonEnumLocal)); err != nil && h.d.Dialect() == db.Postgres {
			t.Fatal(err)
		}
		st.stop("0", minutes(30), 900)
		if r := h.only(); tries < 2 || strings.Count(r.Transaction, "@") != 1 {
			t.Fatalf("transaction %q after %d tries", r.Transaction, tries)
		}
	})
}

// Whatever comes after the bill was made opens the session, and another bill
// with a higher revision replaces the one before.
func TestLateEventReopensASettledSession(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		st := h.at2("CS1")
		st.tell(event2("Started", "X", 0, minutes(0), onEVSE(1), withMeter(register(minutes(0), 0))))
		st.tell(event2("Ended", "X", 1, minutes(30), withMeter(register(minutes(30), 3000))))
		if f := h.finished(); f.Revision != 1 || f.Energy != 3000*unit.WattHour {
			t.Fatalf("%+v", f)
		}
		// The station counted wrongly: this belongs to the session too.
		st.tell(event2("Updated", "X", 2, minutes(20), withMeter(register(minutes(20), 2900, power(9000)))))
		r := h.only()
		h.consistent(r)
		f := h.finished()
		if r.Status != Completed || r.Flags()&Late == 0 || f.Revision != 2 || f.Energy != 3000*unit.WattHour || f.MaxPower != 9000 {
			t.Fatalf("%s %v revision %d", r.Status, r.Flags().Names(), f.Revision)
		}
	})
}

func TestSilentSessionIsFlaggedAndAbandoned(t *testing.T) {
	each(t, Config{SilentAfter: time.Hour, AbandonAfter: 24 * time.Hour}, func(t *testing.T, h *house) {
		h.token("A")
		st := h.at16("CP1")
		tx, _ := st.start(1, "A", minutes(0), 0)
		st.meter(1, tx, register(minutes(10), 700))
		h.clock.Advance(90 * time.Minute)
		settle(t, h)
		if r := h.only(); r.Status != Active || r.Flags()&StationSilent == 0 {
			t.Fatalf("%s %v", r.Status, r.Flags().Names())
		}
		h.clock.Advance(24 * time.Hour)
		settle(t, h)
		r := h.only()
		h.consistent(r)
		if r.Status != Completed || r.State.EndedAt != minutes(10) || h.finished().Energy != 700*unit.WattHour {
			t.Fatalf("%s ended %v", r.Status, r.State.EndedAt)
		}
		if _, status := h.at16("CP2").start(1, "A", h.clock.Now(), 0); status != ocpp.AuthorizationStatusEnumAccepted {
			t.Fatalf("an abandoned session still holds its token: %s", status)
		}
		st.stop(tx, minutes(300), 5000) // the station comes back after days
		r = h.sessions()[0]
		h.consistent(r)
		if r.Status != Completed || r.State.Energy != 5000*unit.WattHour || r.State.EndedAt != minutes(300) || r.Revision != 2 {
			t.Fatalf("%s %s ended %v revision %d", r.Status, r.State.Energy, r.State.EndedAt, r.Revision)
		}
	})
}

func TestStopAtTheLimit(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		var stopped []string
		h.send = func(_ string, r ocpp.Request) (ocpp.Response, error) {
			switch q := r.(type) {
			case *ocpp.RequestStartTransactionRequest:
				return &ocpp.RequestStartTransactionResponse{Status: ocpp.RequestStartStopStatusEnumAccepted}, nil
			case *ocpp.RequestStopTransactionRequest:
				stopped = append(stopped, q.TransactionID)
				return &ocpp.RequestStopTransactionResponse{Status: ocpp.RequestStartStopStatusEnumAccepted}, nil
			}
			return nil, fault.New(fault.Unsupported, "test", "not asked for")
		}
		begin := func(evse int, l Limit) string {
			r, _, err := h.s.Start(h.ctx, StartRequest{Org: h.org, Station: "CP1", EVSE: evse, Limit: l})
			if err != nil {
				t.Fatal(err)
			}
			tx, _ := h.at16("CP1").start(evse, r.Token.IdToken, h.clock.Now(), 0)
			return tx
		}
		byEnergy := begin(1, Limit{Energy: 2 * unit.KiloWattHour})
		byTime := begin(2, Limit{Duration: 20 * time.Minute})
		st := h.at16("CP1")
		st.meter(1, byEnergy, register(minutes(5), 1900))
		settle(t, h)
		if len(stopped) != 0 {
			t.Fatalf("stopped too early: %v", stopped)
		}
		st.meter(1, byEnergy, register(minutes(10), 2050))
		st.meter(1, byEnergy, register(minutes(11), 2100))
		settle(t, h)
		h.clock.Set(minutes(21))
		settle(t, h)
		settle(t, h)
		if len(stopped) != 2 || stopped[0] != byEnergy || stopped[1] != byTime {
			t.Fatalf("stopped %v, want %s at its energy and %s at its time, once each", stopped, byEnergy, byTime)
		}
	})
}

func TestStopAsksTheStation(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.send = func(station string, r ocpp.Request) (ocpp.Response, error) {
			if q, ok := r.(*ocpp.RequestStopTransactionRequest); !ok || station != "CS1" || q.TransactionID != "X" {
				t.Errorf("asked %s %+v", station, r)
			}
			return &ocpp.RequestStopTransactionResponse{Status: ocpp.RequestStartStopStatusEnumAccepted}, nil
		}
		st := h.at2("CS1")
		st.tell(event2("Started", "X", 0, minutes(0), onEVSE(1)))
		r := h.only()
		if resp, err := h.s.Stop(h.ctx, r.ID); err != nil || resp.Status != ocpp.RequestStartStopStatusEnumAccepted {
			t.Fatalf("%+v %v", resp, err)
		}
		foreign := identity.As(context.Background(), identity.Caller{Org: "elsewhere", Permissions: identity.SetOf(identity.SessionRead, identity.SessionWrite), Scope: identity.ScopeOf("elsewhere")})
		if _, err := h.s.Stop(foreign, r.ID); !fault.Is(err, fault.NotFound) {
			t.Fatalf("a stranger stops it: %v", err)
		}
		if _, err := h.s.Read(foreign, r.ID); !fault.Is(err, fault.NotFound) {
			t.Fatalf("a stranger reads it: %v", err)
		}
		if _, err := h.s.Intervals(foreign, r.ID); !fault.Is(err, fault.NotFound) {
			t.Fatalf("a stranger reads its intervals: %v", err)
		}
		if _, _, err := h.s.Samples(foreign, r.ID, "", 10); !fault.Is(err, fault.NotFound) {
			t.Fatalf("a stranger reads its samples: %v", err)
		}
		st.tell(event2("Ended", "X", 1, minutes(1)))
		if _, err := h.s.Stop(h.ctx, r.ID); !fault.Is(err, fault.Conflict) {
			t.Fatalf("stopped twice: %v", err)
		}
	})
}

// A group token or another card may stop a session; it does not pay for it.
func TestTheTokenThatStopsDoesNotOwnTheSession(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.token("A", func(k *access.IdToken) { k.Group, k.Driver = "G", "" })
		h.token("B", func(k *access.IdToken) { k.Group = "G" })
		st := h.at2("CS1")
		st.tell(event2("Started", "X", 0, minutes(0), onEVSE(1), withToken("A")))
		resp := st.tell(event2("Ended", "X", 1, minutes(10), withToken("B"), func(r *ocpp.TransactionEventRequest) {
			r.TriggerReason = ocpp.TriggerReasonEnumStopAuthorized
		}))
		if resp.IdTokenInfo == nil || resp.IdTokenInfo.Status != ocpp.AuthorizationStatusEnumAccepted || resp.IdTokenInfo.GroupIdToken.IdToken != "G" {
			t.Fatalf("%+v", resp.IdTokenInfo)
		}
		if r := h.only(); r.State.Token.Value != "A" || r.Authorisation != "Accepted" {
			t.Fatalf("%+v", r.State.Token)
		}
	})
}

func TestSamplesPage(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		st := h.at16("CP1")
		tx, _ := st.start(1, "A", minutes(0), 0)
		for i := 1; i <= 9; i++ {
			st.meter(1, tx, register(minutes(i), int64(i)*100, power(int64(i)*1000)))
		}
		r := h.only()
		var got []Sample
		for cursor, pages := "", 0; pages < 10; pages++ {
			page, next, err := h.s.Samples(h.ctx, r.ID, cursor, 4)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, page...)
			if cursor = next; next == "" {
				break
			}
		}
		if len(got) != 10 || got[9].Reading.Power != 9000 || got[3].Reading.Register != 300*unit.WattHour {
			t.Fatalf("%d samples", len(got))
		}
		if _, _, err := h.s.Samples(h.ctx, r.ID, "nonsense", 4); !fault.Is(err, fault.Invalid) {
			t.Fatalf("%v", err)
		}
	})
}

func TestPartitionsAreMadeAhead(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		for range 2 {
			if err := h.s.Partition(h.ctx); err != nil {
				t.Fatal(err)
			}
		}
		st := h.at16("CP1")
		tx, _ := st.start(1, "A", minutes(0), 0)
		st.meter(1, tx, register(minutes(1), 5))
		st.stop(tx, minutes(2), 9)
		h.consistent(h.only())
	})
}

// Numbers go round after 2³¹-1, and never to one that the station has had.
func TestTransactionNumbersWrap(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		st := h.at16("CP1")
		first, _ := st.start(1, "A", minutes(0), 0)
		if err := h.d.Update(h.ctx, func(tx *db.Tx) error {
			statement := `UPDATE session_counter SET last = $1 WHERE name = 'transaction'`
			if tx.Dialect == db.Postgres {
				statement = `SELECT setval('session_number_transaction', $1)`
			}
			_, err := tx.Exec(statement, maxNumber-1)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for i := range 3 {
			tx, _ := st.start(1, "A", minutes(i+1), 0)
			got = append(got, tx)
		}
		if first != "1" || got[0] != "2147483647" || got[1] != "2" || got[2] != "3" {
			t.Fatalf("%s, then %v", first, got)
		}
	})
}

// A station empties a long queue in the wrong order: every message is stored
// and answered, the session is folded now and then, and is right in the end.
func TestLongQueueInTheWrongOrder(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		const n = 700
		h.clock.Set(testStart.Add(24 * time.Hour))
		at := func(i int) time.Time { return testStart.Add(time.Duration(i) * time.Minute) }
		st := h.at2("CS1")
		st.tell(event2("Started", "X", 0, at(0), onEVSE(1), withMeter(register(at(0), 0))))
		for i := 1; i <= n; i++ {
			if i%100 != 50 {
				st.tell(event2("Updated", "X", i, at(i), withMeter(register(at(i), int64(i)*100))))
			}
		}
		st.tell(event2("Ended", "X", n+1, at(n+1), withMeter(register(at(n+1), (n+1)*100))))
		for i := n - 50; i > 0; i -= 100 {
			st.tell(event2("Updated", "X", i, at(i), withMeter(register(at(i), int64(i)*100))))
		}
		if r := h.only(); r.Status != Ending {
			t.Fatalf("folded for each of them: %s", r.Status)
		}
		h.clock.Advance(foldPause)
		settle(t, h)
		r := h.only()
		h.consistent(r)
		if r.Status != Completed || r.State.Readings != n+2 || r.Flags()&(Late|EventsMissing) != 0 {
			t.Fatalf("%s, %d readings, %v", r.Status, r.State.Readings, r.Flags().Names())
		}
	})
}

// Signed readings are evidence: kept with the session as they came.
func TestSignedReadingsAreKept(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		st := h.at16("CP1")
		tx, _ := st.start(1, "A", minutes(0), 0)
		e := stopEvent(tx, minutes(30), 4000, ocpp.ReasonEnumLocal)
		e.Raw16.Signed = []ocpp.Signed16{{Timestamp: ocpp.AtTime(minutes(30)), Context: "Transaction.End", Data: "OCMF|{}|{}"}}
		h.reach(minutes(30))
		if _, err := h.s.TransactionEvent(h.ctx, st.p, e); err != nil {
			t.Fatal(err)
		}
		r := h.only()
		h.consistent(r)
		all, _, err := h.s.Samples(h.ctx, r.ID, "", 10)
		if err != nil || len(all) != 3 || r.State.Energy != 4000*unit.WattHour {
			t.Fatalf("%d samples, %s, %v", len(all), r.State.Energy, err)
		}
		if !slices.ContainsFunc(all, func(p Sample) bool { return strings.Contains(p.Detail, `"data":"OCMF|{}|{}"`) }) {
			t.Fatalf("the signed reading is not among %+v", all)
		}
	})
}
