package session

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/access"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
)

func minutes(n int) time.Time { return testStart.Add(time.Duration(n) * time.Minute) }

func TestSession16FromStartToStop(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.price(`{"type":"ENERGY","price":0.40,"step_size":1}`)
		h.token("04AABBCC")
		st := h.at16("CP1")
		tx, status := st.start(1, "04aabbcc", minutes(0), 1_000_000)
		if status != ocpp.AuthorizationStatusEnumAccepted {
			t.Fatalf("start answered %s", status)
		}
		st.status(1, "Charging", minutes(0).Add(5*time.Second))
		for i := 1; i <= 20; i++ {
			st.meter(1, tx, register(minutes(2*i), 1_000_000+int64(i)*733, power(22_000)))
		}
		if r := h.only(); r.Status != Active || r.State.Energy != 20*733*unit.WattHour || r.State.Power != 22_000 {
			t.Fatalf("while charging: %s %s %d W", r.Status, r.State.Energy, r.State.Power)
		}
		st.stop(tx, minutes(41), 1_014_661)
		r := h.only()
		h.consistent(r)
		if r.Status != Completed || r.State.Energy != 14_661*unit.WattHour || r.State.MeterStart != *wh(1_000_000) || r.State.MeterStop != *wh(1_014_661) {
			t.Fatalf("%s %s from %s to %s", r.Status, r.State.Energy, r.State.MeterStart, r.State.MeterStop)
		}
		if r.Excl != 5_864_400 && r.Excl != 5_860_000 {
			t.Fatalf("14.661 kWh at 0.40: %d", r.Excl)
		}
		if got := h.told(); got[0] != KindStarted || got[len(got)-1] != KindEnded || slices.Contains(got, KindReopened) {
			t.Fatalf("facts %v", got)
		}
		f := h.finished()
		if f.Usage.Start != minutes(0) || f.Usage.End != minutes(41) || f.Tariff == "" || f.Token != "04aabbcc" || f.Revision != 1 {
			t.Fatalf("finished %+v", f)
		}
	})
}

func TestSession2xFromStartToEnd(t *testing.T) {
	for _, v := range []ocpp.Version{ocpp.V201, ocpp.V21} {
		t.Run(string(v), func(t *testing.T) {
			each(t, Config{}, func(t *testing.T, h *house) {
				h.price(`{"type":"FLAT","price":1.50,"step_size":1}`, `{"type":"ENERGY","price":0.50,"step_size":1}`)
				h.token("TAG-1")
				st := h.at2("CS1")
				st.p.Version = v
				resp := st.tell(event2("Started", "tx-1", 0, minutes(0), onEVSE(2), withToken("TAG1"), charging("EVConnected"), withMeter(register(minutes(0), 500))))
				if resp.IdTokenInfo == nil || resp.IdTokenInfo.Status != ocpp.AuthorizationStatusEnumAccepted {
					t.Fatalf("%+v", resp)
				}
				st.tell(event2("Updated", "tx-1", 1, minutes(1), charging("Charging")))
				for i := 2; i <= 21; i++ {
					if resp := st.tell(event2("Updated", "tx-1", i, minutes(i), withMeter(register(minutes(i), 500+int64(i)*100, power(6000))))); resp.IdTokenInfo != nil {
						t.Fatal("an answer about a token nobody asked for")
					}
				}
				st.tell(event2("Updated", "tx-1", 22, minutes(30), charging("SuspendedEV")))
				resp = st.tell(event2("Ended", "tx-1", 23, minutes(45), withMeter(register(minutes(45), 3500)),
					func(r *ocpp.TransactionEventRequest) {
						r.TransactionInfo.StoppedReason = ocpp.ReasonEnumEVDisconnected
						r.TriggerReason = ocpp.TriggerReasonEnumEVCommunicationLost
					}))
				if resp.TotalCost == nil || resp.TotalCost.String() != "3" {
					t.Fatalf("total cost %v, want 3.00", resp.TotalCost)
				}
				r := h.only()
				h.consistent(r)
				if r.Status != Completed || r.State.Energy != 3000*unit.WattHour || r.State.UnpluggedAt != minutes(45) || r.State.EVSE != 2 {
					t.Fatalf("%+v", r.State)
				}
				if u := h.finished().Usage; u.Periods[len(u.Periods)-1].Kind != "parking" {
					t.Fatalf("the suspended end is not parking: %+v", u.Periods)
				}
			})
		})
	}
}

// A repetition of any message changes nothing, whenever it comes.
func TestRepeatedMessagesChangeNothing(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.token("A")
		st := h.at16("CP1")
		tx, _ := st.start(1, "A", minutes(0), 100)
		st.meter(1, tx, register(minutes(5), 600))
		st.meter(1, tx, register(minutes(10), 1100))
		again, status := st.start(1, "A", minutes(0), 100)
		if again != tx || status != ocpp.AuthorizationStatusEnumAccepted {
			t.Fatalf("the same start got %s (%s), then %s", tx, status, again)
		}
		st.meter(1, tx, register(minutes(5), 600))
		st.stop(tx, minutes(12), 1300)
		before := h.only()
		for range 3 {
			st.stop(tx, minutes(12), 1300)
			st.meter(1, tx, register(minutes(10), 1100))
		}
		r := h.only()
		h.consistent(r)
		if text(r.State) != text(before.State) || r.Revision != 1 || slices.Contains(h.told(), KindReopened) {
			t.Fatalf("repetitions changed the session: %+v", r)
		}
	})
}

func TestTwoDuplicateEventsAtOnce(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.token("A")
		h.clock.Set(minutes(5))
		st := h.at2("CS1")
		var wg sync.WaitGroup
		for i := range 24 {
			wg.Go(func() {
				e := event2("Started", "tx-1", 0, minutes(0), onEVSE(1), withToken("A"), withMeter(register(minutes(0), 0)))
				if i%3 == 1 {
					e = event2("Updated", "tx-1", 1, minutes(1), withMeter(register(minutes(1), 700)))
				}
				if i%3 == 2 {
					e = event2("Ended", "tx-1", 2, minutes(2), withMeter(register(minutes(2), 1000)))
				}
				if _, err := h.s.TransactionEvent(h.ctx, st.p, e); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		r := h.only()
		h.consistent(r)
		if r.Status != Completed || r.State.Energy != 1000*unit.WattHour {
			t.Fatalf("%s %s %v", r.Status, r.State.Energy, r.Flags().Names())
		}
	})
}

func TestTwoStartsOfOneToken(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.token("A")
		var wg sync.WaitGroup
		var mu sync.Mutex
		got := map[ocpp.AuthorizationStatusEnum]int{}
		for i := range 8 {
			wg.Go(func() {
				e := startEvent(1, "A", minutes(0), 0)
				r, err := h.s.TransactionEvent(h.ctx, h.peer(fmt.Sprintf("CP%d", i), ocpp.V16), e)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				got[r.Response.IdTokenInfo.Status]++
			})
		}
		wg.Wait()
		if got[ocpp.AuthorizationStatusEnumAccepted] != 1 || got[ocpp.AuthorizationStatusEnumConcurrentTx] != 7 {
			t.Fatalf("answers %v", got)
		}
		ids := map[string]bool{}
		for _, r := range h.sessions() {
			ids[r.Transaction] = true
		}
		if len(ids) != 8 {
			t.Fatalf("%d different numbers for 8 starts", len(ids))
		}
	})
}

func TestMaxSessionsOfAToken(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		two := 2
		h.token("A", func(k *access.IdToken) { k.MaxSessions = &two })
		var got []ocpp.AuthorizationStatusEnum
		var first string
		for i := range 3 {
			tx, status := h.at16(fmt.Sprintf("CP%d", i)).start(1, "A", minutes(0), 0)
			got = append(got, status)
			if i == 0 {
				first = tx
			}
		}
		if !slices.Equal(got, []ocpp.AuthorizationStatusEnum{"Accepted", "Accepted", "ConcurrentTx"}) {
			t.Fatalf("%v", got)
		}
		h.at16("CP0").stop(first, minutes(3), 5)
		if _, status := h.at16("CP4").start(1, "A", minutes(4), 0); status != ocpp.AuthorizationStatusEnumAccepted {
			t.Fatalf("after one session ended: %s", status)
		}
	})
}

func TestStopOfATransactionNobodyAnnounced(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		st := h.at16("CP1")
		st.meter(1, "777", register(minutes(1), 100), register(minutes(20), 900))
		if n := len(h.sessions()); n != 0 {
			t.Fatalf("readings of an unknown transaction made %d sessions", n)
		}
		st.stop("777", minutes(30), 1200)
		if r := h.only(); r.State.Energy != 1100*unit.WattHour {
			t.Fatalf("%s after the first stop", r.State.Energy)
		}
		st.stop("777", minutes(30), 1200)
		r := h.only()
		h.consistent(r)
		if r.Flags()&(UnknownTransaction|StartMissing) != UnknownTransaction|StartMissing || r.State.Energy != 1100*unit.WattHour {
			t.Fatalf("%v %s", r.Flags().Names(), r.State.Energy)
		}
	})
}

// Q35, Q37: the station charges after a refusal and stops transaction 0 or -1.
func TestStopWithoutAUsableNumber(t *testing.T) {
	for _, number := range []string{"0", "-1"} {
		t.Run(number, func(t *testing.T) {
			each(t, Config{}, func(t *testing.T, h *house) {
				st := h.at16("CP1")
				st.start(4, "ABCD1234", minutes(0), 51_880)
				st.stop(number, minutes(30), 60_000)
				st.stop(number, minutes(30), 60_000)
				r := h.only()
				h.consistent(r)
				if r.Status != Completed || r.State.Energy != 8120*unit.WattHour || r.Flags()&Refused == 0 {
					t.Fatalf("%s %s %v", r.Status, r.State.Energy, r.Flags().Names())
				}
			})
		})
	}
}

// Q38, Q39, Q46: readings without a number belong to the session that runs on
// the connector, never to one that is over, and never make one.
func TestReadingsWithoutATransaction(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		st := h.at16("CP1")
		loose := func(at time.Time, meter int64) {
			h.reach(at)
			if _, err := h.s.MeterValues(h.ctx, st.p, &ocpp.MeterValuesRequest{EVSEID: 1, MeterValue: []ocpp.MeterValue{register(at, meter)}}); err != nil {
				t.Fatal(err)
			}
		}
		loose(minutes(-20), 990)
		tx, _ := st.start(1, "A", minutes(0), 1000)
		loose(minutes(10), 1500)
		if r := h.only(); r.State.Energy != 500*unit.WattHour {
			t.Fatalf("%s", r.State.Energy)
		}
		st.stop(tx, minutes(20), 2000)
		loose(minutes(21), 2004)
		r := h.only()
		h.consistent(r)
		if r.State.Energy != 1000*unit.WattHour || r.Revision != 1 {
			t.Fatalf("%s, revision %d", r.State.Energy, r.Revision)
		}
	})
}

// Q41, Q43, Q54 and a lost stop: the next start closes what still seems open.
func TestNextStartClosesTheOneBefore(t *testing.T) {
	each(t, Config{Hold: time.Hour}, func(t *testing.T, h *house) {
		st := h.at16("CP1")
		tx, _ := st.start(1, "A", minutes(0), 1000)
		st.meter(1, tx, register(minutes(10), 2000))
		st.start(1, "B", minutes(60), 2500)
		old := h.sessions()[0]
		h.consistent(old)
		if old.Status != Ending || old.State.Energy != 1500*unit.WattHour || old.Flags()&StopMissing == 0 {
			t.Fatalf("%s %s %v", old.Status, old.State.Energy, old.Flags().Names())
		}
		st.stop(tx, minutes(30), 2480) // it was in the queue
		old = h.sessions()[0]
		h.consistent(old)
		if old.Status != Completed || old.State.Energy != 1480*unit.WattHour || old.State.EndedAt != minutes(30) || old.Flags()&StopMissing != 0 {
			t.Fatalf("%s %s %v", old.Status, old.State.Energy, old.Flags().Names())
		}
	})
}

// A station that was offline for the whole session sends all of it at once,
// and again after its connection broke.
func TestOfflineSessionIsReplayed(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.token("A", func(k *access.IdToken) { e := minutes(30); k.Expiry = &e })
		h.clock.Set(minutes(600))
		st := h.at16("CP1")
		for range 2 {
			tx, status := st.start(1, "A", minutes(0), 0)
			if status != ocpp.AuthorizationStatusEnumAccepted {
				t.Fatalf("the token was good then, got %s", status)
			}
			for i := range 50 {
				st.meter(1, tx, register(minutes(i+1), int64(i+1)*100, power(6000)))
			}
		}
		tx := h.only().Transaction
		st.stop(tx, minutes(60), 5600)
		r := h.only()
		h.consistent(r)
		if r.State.StartedAt != minutes(0) || r.State.EndedAt != minutes(60) || r.State.Energy != 5600*unit.WattHour || r.Flags()&Offline == 0 {
			t.Fatalf("%+v %v", r.State, r.Flags().Names())
		}
	})
}

func TestEvents2xInAnyOrder(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.clock.Set(minutes(100))
		events := []*ocpp.TransactionEvent{
			event2("Started", "X", 0, minutes(0), onEVSE(1), withToken("T"), withMeter(register(minutes(0), 10))),
			event2("Updated", "X", 1, minutes(1), charging("Charging")),
			event2("Updated", "X", 2, minutes(15), withMeter(register(minutes(15), 2010))),
			event2("Updated", "X", 3, minutes(30), withMeter(register(minutes(30), 4010))),
			event2("Updated", "X", 4, minutes(31), charging("SuspendedEVSE")),
			event2("Ended", "X", 5, minutes(50), withMeter(register(minutes(50), 4060))),
		}
		var want string
		for _, order := range [][]int{{0, 1, 2, 3, 4, 5}, {5, 4, 3, 2, 1, 0}, {2, 0, 5, 1, 4, 3}, {3, 3, 5, 0, 0, 2, 1, 4, 5}} {
			id := fmt.Sprint(order)
			st := h.at2("CS" + access.Match(id)[1:4] + fmt.Sprint(len(order)))
			for _, i := range order {
				st.tell(events[i])
			}
			for _, r := range h.sessions() {
				if r.Station != st.p.Station {
					continue
				}
				h.consistent(r)
				if r.Status != Completed {
					t.Fatalf("%v: %s", order, r.Status)
				}
				got := text(r.State)
				if want == "" {
					want = got
				}
				if got != want {
					t.Fatalf("%v gives\n%s\nwant\n%s", order, got, want)
				}
			}
		}
	})
}
