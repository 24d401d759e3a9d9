package session

import (
	"slices"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/access"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// tell gives the room any event of a 1.6 station.
func (s *station16) tell(e *ocpp.TransactionEvent) *ocpp.TransactionReply {
	s.h.t.Helper()
	s.h.reach(e.Request.Timestamp.Time)
	r, err := s.h.s.TransactionEvent(s.h.ctx, s.p, e)
	if err != nil {
		s.h.t.Fatal(err)
	}
	return r
}

// byTx finds a session by its transaction.
func (h *house) byTx(tx string) Session {
	h.t.Helper()
	for _, r := range h.sessions() {
		if r.Transaction == tx {
			return r
		}
	}
	h.t.Fatalf("no session of transaction %q", tx)
	return Session{}
}

func (h *house) flagged(r Session, want Flag) {
	h.t.Helper()
	if r.Flags()&want != want {
		h.t.Errorf("flags %v, want also %v", r.Flags().Names(), (want &^ r.Flags()).Names())
	}
}

// A station that keeps its meter values for the StopTransaction loses none.
func TestRule_MeterValuesOnlyInStopTransaction(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.token("A")
		st := h.at16("CP1")
		tx, _ := st.start(1, "A", minutes(0), 1000)
		e := stopEvent(tx, minutes(40), 5000, ocpp.ReasonEnumLocal)
		e.Request.MeterValue = append([]ocpp.MeterValue{register(minutes(10), 2000, power(6000)), register(minutes(30), 4000)}, e.Request.MeterValue...)
		st.tell(e)
		r := h.only()
		h.consistent(r)
		iv, err := h.s.Intervals(h.ctx, r.ID)
		if err != nil || len(iv) != 4 || r.State.Energy != 4000*unit.WattHour || r.State.Readings != 4 || r.State.MaxPower != 6000 || r.Status != Completed {
			t.Fatalf("%s in %d intervals of %d readings, %s %v", r.State.Energy, len(iv), r.State.Readings, r.Status, err)
		}
	})
}

// A whole transaction that happened offline: its start is given a number when
// it is replayed, and its stop names that number, a made-up one, or none.
func TestRule_OfflineTransactionsWithAndWithoutIds(t *testing.T) {
	for _, id := range []string{"given", "0", "-1", "-2147483648"} {
		t.Run(id, func(t *testing.T) {
			each(t, Config{}, func(t *testing.T, h *house) {
				h.token("A")
				h.clock.Set(minutes(300))
				st := h.at16("CP1")
				tx, status := st.start(1, "A", minutes(0), 1000)
				if status != ocpp.AuthorizationStatusEnumAccepted {
					t.Fatalf("%s", status)
				}
				if id != "given" {
					tx = id
				}
				st.stop(tx, minutes(60), 8000)
				st.stop(tx, minutes(60), 8000)
				r := h.only()
				h.consistent(r)
				h.flagged(r, Offline)
				if r.Status != Completed || r.State.Energy != 7000*unit.WattHour || !r.State.StartedAt.Equal(minutes(0)) || !r.State.EndedAt.Equal(minutes(60)) {
					t.Fatalf("%s %s from %v to %v", r.Status, r.State.Energy, r.State.StartedAt, r.State.EndedAt)
				}
			})
		})
	}
}

// A stop of a transaction that we never gave is kept, once, whatever number
// it names.
func TestRule_UnknownStopAndIdsBeyondInt32(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		st := h.at16("CP1")
		for i, id := range []string{"5000000000", "9223372036854775807", "77", "0", "-1"} {
			for range 2 {
				st.stop(id, minutes(10+i), int64(5000+i))
			}
		}
		all := h.sessions()
		if len(all) != 5 {
			t.Fatalf("%d sessions of 5 stops, each told twice", len(all))
		}
		for _, r := range all {
			h.consistent(r)
			h.flagged(r, UnknownTransaction)
			if r.Status != Completed {
				t.Errorf("%s is %s", r.Transaction, r.Status)
			}
		}
		if all[0].Transaction != "5000000000" || all[1].Transaction != "9223372036854775807" {
			t.Errorf("numbers %s and %s", all[0].Transaction, all[1].Transaction)
		}
	})
}

// Meter values that come after the stop and the bill: what was measured
// before the stop opens the session again and is billed anew, what was
// measured after it is nobody's.
func TestRule_LateMeterValues(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.token("A")
		st := h.at16("CP1")
		tx, _ := st.start(1, "A", minutes(0), 0)
		st.stop(tx, minutes(60), 6000)
		if f := h.finished(); f.Revision != 1 {
			t.Fatalf("revision %d", f.Revision)
		}
		st.meter(1, tx, register(minutes(70), 6500))
		if r := h.only(); r.Revision != 1 || r.State.Energy != 6000*unit.WattHour {
			t.Fatalf("a reading after the stop: revision %d, %s", r.Revision, r.State.Energy)
		}
		st.meter(1, tx, register(minutes(30), 5000, power(10_000)))
		r := h.only()
		h.consistent(r)
		h.flagged(r, Late)
		if f := h.finished(); f.Revision != 2 || f.Energy != 6000*unit.WattHour || f.MaxPower != 10_000 {
			t.Fatalf("revision %d, %s, %d W", f.Revision, f.Energy, f.MaxPower)
		}
	})
}

// A station whose clock was never set is billed by the time of receipt.
func TestRule_ClockAt1970(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.token("A")
		h.price(`{"type":"TIME","price":6,"step_size":1}`)
		st := h.at16("CP1")
		unset := time.Date(1970, 1, 1, 0, 3, 0, 0, time.UTC)
		tx, _ := st.start(1, "A", unset, 0)
		h.clock.Set(testStart.Add(30 * time.Minute))
		st.meter(1, tx, register(unset.Add(30*time.Minute), 3000))
		h.clock.Set(testStart.Add(60 * time.Minute))
		st.stop(tx, unset.Add(60*time.Minute), 6000)
		r := h.only()
		h.consistent(r)
		h.flagged(r, ClockUnknown)
		if d := r.State.EndedAt.Sub(r.State.StartedAt); d != time.Hour || int64(r.Excl) != 6_000_000 {
			t.Fatalf("lasted %v, costs %d", d, r.Excl)
		}
	})
}

// A station that marks its local time as UTC: once its clock is measured the
// session is billed by corrected time, its start included.
func TestRule_LocalTimeMarkedZ(t *testing.T) {
	for name, zone := range map[string]time.Duration{"west": -5 * time.Hour, "east": 2 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			each(t, Config{}, func(t *testing.T, h *house) {
				h.token("A")
				h.price(`{"type":"TIME","price":6,"step_size":1}`)
				st := h.at16("CP1")
				at := func(m int) time.Time {
					h.clock.Set(testStart.Add(time.Duration(m) * time.Minute))
					return h.clock.Now().Add(zone)
				}
				say := func(e *ocpp.TransactionEvent) *ocpp.TransactionReply {
					r, err := h.s.TransactionEvent(h.ctx, st.p, e)
					if err != nil {
						t.Fatal(err)
					}
					return r
				}
				tx := say(startEvent(1, "A", at(0), 0)).TransactionID
				for m := 1; m < 60; m++ {
					say(meterEvent(1, tx, []ocpp.MeterValue{register(at(m), int64(m)*100)}))
				}
				say(stopEvent(tx, at(60), 6000, ocpp.ReasonEnumLocal))
				r := h.only()
				h.consistent(r)
				h.flagged(r, ClockCorrected)
				off := r.State.StartedAt.Sub(testStart)
				if d := r.State.EndedAt.Sub(r.State.StartedAt); off > time.Second || off < -time.Second || d < time.Hour-time.Second || d > time.Hour+time.Second {
					t.Fatalf("started %v off, lasted %v", off, d)
				}
				if int64(r.Excl) < 5_990_000 || int64(r.Excl) > 6_010_000 || r.State.Energy != 6000*unit.WattHour || r.Flags()&Offline != 0 {
					t.Fatalf("costs %d, %s, %v", r.Excl, r.State.Energy, r.Flags().Names())
				}
			})
		})
	}
}

// Finishing that stays: the bay is taken and, where that has a price, the
// bill waits. What proves that the car has left ends the wait: not only
// Available, but also the next car's Preparing and the next transaction.
func TestRule_FinishingThatStays(t *testing.T) {
	for name, leave := range map[string]func(st *station16){
		"Available":        func(st *station16) { st.status(1, "Available", minutes(90)) },
		"Preparing":        func(st *station16) { st.status(1, "Preparing", minutes(90)) },
		"next transaction": func(st *station16) { st.start(1, "B", minutes(90), 3000) },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, Config{}, func(t *testing.T, h *house) {
				h.price(`{"type":"PARKING_TIME","price":6,"step_size":1}`)
				h.token("A")
				h.token("B")
				st := h.at16("CP1")
				tx, _ := st.start(1, "A", minutes(0), 0)
				st.status(1, "Charging", minutes(1))
				st.stop(tx, minutes(60), 3000)
				st.status(1, "Finishing", minutes(60))
				st.status(1, "Finishing", minutes(61))
				if r := h.only(); r.Status != Ending || !r.State.UnpluggedAt.IsZero() {
					t.Fatalf("%s, unplugged %v", r.Status, r.State.UnpluggedAt)
				}
				if u := h.ports[len(h.ports)-1]; !u.Over {
					t.Fatalf("the port was told %+v", u)
				}
				leave(st)
				r := h.byTx(tx)
				h.consistent(r)
				if r.Status != Completed || !r.State.UnpluggedAt.Equal(minutes(90)) || int64(r.Excl) != 3_000_000 {
					t.Fatalf("%s, unplugged %v, costs %d", r.Status, r.State.UnpluggedAt, r.Excl)
				}
			})
		})
	}
	t.Run("replayed", func(t *testing.T) {
		each(t, Config{}, func(t *testing.T, h *house) {
			h.price(`{"type":"PARKING_TIME","price":6,"step_size":1}`)
			h.token("A")
			h.clock.Set(minutes(600))
			st := h.at16("CP1")
			tx, _ := st.start(1, "A", minutes(0), 0)
			st.stop(tx, minutes(60), 3000)
			if r := h.only(); r.Status != Completed {
				t.Fatalf("%s", r.Status)
			}
		})
	})
}

// A fault ends no transaction: it goes on, and its stop closes it.
func TestRule_FaultedWithAnOpenTransaction(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.token("A")
		st := h.at16("CP1")
		tx, _ := st.start(1, "A", minutes(0), 100)
		st.meter(1, tx, register(minutes(10), 1100))
		st.status(1, "Faulted", minutes(11))
		if r := h.only(); r.State.Phase != Open {
			t.Fatalf("%s", r.Status)
		}
		st.status(1, "Charging", minutes(20))
		st.meter(1, tx, register(minutes(30), 2100))
		st.stop(tx, minutes(40), 3100)
		r := h.only()
		h.consistent(r)
		if r.Status != Completed || r.State.Energy != 3000*unit.WattHour {
			t.Fatalf("%s %s", r.Status, r.State.Energy)
		}
	})
}

// The register begins anew while a car charges: the pieces are summed.
func TestRule_EnergyRegisterResetInASession(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.token("A")
		st := h.at16("CP1")
		tx, _ := st.start(1, "A", minutes(0), 500_000)
		st.meter(1, tx, register(minutes(10), 502_000))
		st.meter(1, tx, register(minutes(20), 0))
		st.meter(1, tx, register(minutes(30), 2_000))
		st.stop(tx, minutes(40), 4_000)
		r := h.only()
		h.consistent(r)
		h.flagged(r, MeterReset)
		if r.State.Energy != 6000*unit.WattHour {
			t.Fatalf("%s, want 2 kWh before the reset and 4 kWh after it", r.State.Energy)
		}
	})
}

// Wrong units and signs bill no energy that was not there, and show.
func TestRule_UnitAndSignErrors(t *testing.T) {
	for name, c := range map[string]struct {
		values []int64
		power  int64
		most   unit.Energy
		flag   Flag
	}{
		"kWh labelled Wh":               {[]int64{1000, 1005, 1010, 1015}, 11_000, 20 * unit.WattHour, EnergyDoubtful},
		"export as import":              {[]int64{9000, 8000, 7000, 6000}, 7000, 0, MeterReset},
		"a register that runs negative": {[]int64{0, -1000, -2000, -3000}, 7000, 0, MeterReset},
		"Wh labelled kWh":               {[]int64{0, 60_000_000, 120_000_000, 180_000_000}, 11_000, 0, MeterJump},
		"more than the port can give":   {[]int64{0, 20_000, 40_000, 60_000}, 0, 60 * unit.KiloWattHour, OverRating},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, Config{}, func(t *testing.T, h *house) {
				h.token("A")
				h.s.d.Rating = func(*db.Tx, string, int) (unit.Watts, error) { return 22_000, nil }
				st := h.at2("CS1")
				for i, v := range c.values {
					kind := ocpp.TransactionEventEnumUpdated
					switch i {
					case 0:
						kind = ocpp.TransactionEventEnumStarted
					case len(c.values) - 1:
						kind = ocpp.TransactionEventEnumEnded
					}
					mv := register(minutes(20*i), v)
					if c.power != 0 {
						mv.SampledValue = append(mv.SampledValue, power(c.power))
					}
					st.tell(event2(kind, "X", i, minutes(20*i), onEVSE(1), withMeter(mv)))
				}
				r := h.only()
				h.consistent(r)
				h.flagged(r, c.flag)
				if r.State.Energy > c.most {
					t.Fatalf("%s, at most %s is believed", r.State.Energy, c.most)
				}
			})
		})
	}
}

// A start with a token that nobody knows, taken by a station that was
// offline: stored, priced and flagged; the station is told, and asked to end
// it when the policy says so.
func TestRule_UnknownTokenOffline(t *testing.T) {
	for name, stop := range map[string]bool{"left to the station": false, "stopped": true} {
		t.Run(name, func(t *testing.T) {
			each(t, Config{StopRefused: stop}, func(t *testing.T, h *house) {
				h.price(`{"type":"ENERGY","price":0.5,"step_size":1}`)
				asked := 0
				h.send = func(_ string, r ocpp.Request) (ocpp.Response, error) {
					asked++
					return &ocpp.RequestStopTransactionResponse{Status: ocpp.RequestStartStopStatusEnumAccepted}, nil
				}
				h.clock.Set(minutes(30))
				st := h.at16("CP1")
				tx, status := st.start(1, "STRANGER", minutes(0), 0)
				if status != ocpp.AuthorizationStatusEnumUnknown {
					t.Fatalf("%s", status)
				}
				st.meter(1, tx, register(minutes(31), 2000))
				settle(t, h)
				settle(t, h)
				if want := map[bool]int{true: 1}[stop]; asked != want {
					t.Fatalf("asked %d times to stop, want %d", asked, want)
				}
				st.stop(tx, minutes(40), 4000)
				r := h.only()
				h.consistent(r)
				h.flagged(r, Refused|Offline)
				if r.Status != Completed || int64(r.Excl) != 2_000_000 || r.Authorisation != "Unknown" {
					t.Fatalf("%s costs %d, %s", r.Status, r.Excl, r.Authorisation)
				}
			})
		})
	}
}

// A second card that is shown while the first one's transaction runs does not
// take it over, does not pay for it, and being refused does not spoil it.
func TestRule_TwoTagsOnOneConnector(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.token("A")
		h.token("B")
		h.token("BAD", func(k *access.IdToken) { k.Status = access.Blocked })
		st := h.at2("CS1")
		st.tell(event2("Started", "X", 0, minutes(0), onEVSE(1), withToken("A"), withMeter(register(minutes(0), 0))))
		for i, card := range []string{"BAD", "B"} {
			st.tell(event2("Updated", "X", i+1, minutes(i+1), onEVSE(1), withToken(card)))
			r := h.only()
			h.consistent(r)
			if r.State.Token.Value != "A" || r.Flags()&Refused != 0 || r.Authorisation != "Accepted" {
				t.Fatalf("after %s: %+v %v %s", card, r.State.Token, r.Flags().Names(), r.Authorisation)
			}
		}
		other := h.at2("CS2")
		if got := other.tell(event2("Started", "Y", 0, minutes(5), onEVSE(1), withToken("A"))); got.IdTokenInfo.Status != ocpp.AuthorizationStatusEnumConcurrentTx {
			t.Fatalf("the first card elsewhere: %s", got.IdTokenInfo.Status)
		}
		if got := other.tell(event2("Started", "Z", 0, minutes(6), onEVSE(2), withToken("B"))); got.IdTokenInfo.Status != ocpp.AuthorizationStatusEnumAccepted {
			t.Fatalf("the second card elsewhere: %s", got.IdTokenInfo.Status)
		}
	})
	t.Run("the first was refused", func(t *testing.T) {
		each(t, Config{}, func(t *testing.T, h *house) {
			h.token("A")
			st := h.at2("CS1")
			st.tell(event2("Started", "X", 0, minutes(0), onEVSE(1), withToken("STRANGER")))
			st.tell(event2("Updated", "X", 1, minutes(1), onEVSE(1), withToken("A")))
			r := h.only()
			h.consistent(r)
			if r.State.Token.Value != "A" || r.Flags()&Refused != 0 || r.Authorisation != "Accepted" || r.TokenRef == "" {
				t.Fatalf("%+v %v %s", r.State.Token, r.Flags().Names(), r.Authorisation)
			}
		})
	})
	t.Run("1.6", func(t *testing.T) {
		each(t, Config{}, func(t *testing.T, h *house) {
			h.token("A")
			h.token("B")
			st := h.at16("CP1")
			tx, _ := st.start(1, "A", minutes(0), 0)
			got, err := h.access.Authorize(h.ctx, st.p, &ocpp.AuthorizeRequest{IdToken: ocpp.IdToken{IdToken: "B"}})
			if err != nil || got.IdTokenInfo.Status != ocpp.AuthorizationStatusEnumAccepted {
				t.Fatalf("%+v %v", got, err)
			}
			st.stop(tx, minutes(10), 900)
			if r := h.only(); r.State.Token.Value != "A" {
				t.Fatalf("%+v", r.State.Token)
			}
		})
	})
}

// A card of the same group may stop a session, one of another may not: the
// station decides that by the group it is told.
func TestRule_ParentIdStops(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		for card, group := range map[string]string{"A": "G", "B": "G", "C": "H"} {
			h.token(card, func(k *access.IdToken) { k.Group = group })
		}
		st := h.at16("CP1")
		r := st.tell(startEvent(1, "A", minutes(0), 0))
		parent := func(i *ocpp.IdTokenInfo) string {
			if i == nil || i.GroupIdToken == nil {
				return ""
			}
			return i.GroupIdToken.IdToken
		}
		mine := parent(r.Response.IdTokenInfo)
		for card, same := range map[string]bool{"B": true, "C": false} {
			got, err := h.access.Authorize(h.ctx, st.p, &ocpp.AuthorizeRequest{IdToken: ocpp.IdToken{IdToken: card}})
			if err != nil || got.IdTokenInfo.Status != ocpp.AuthorizationStatusEnumAccepted {
				t.Fatalf("%s: %+v %v", card, got, err)
			}
			if (parent(&got.IdTokenInfo) == mine) != same || mine == "" {
				t.Errorf("%s has group %q, the session %q", card, parent(&got.IdTokenInfo), mine)
			}
		}
		e := stopEvent(r.TransactionID, minutes(10), 900, ocpp.ReasonEnumLocal)
		e.Request.IdToken = &ocpp.IdToken{IdToken: "B"}
		st.tell(e)
		if s := h.only(); s.Status != Completed || s.State.Token.Value != "A" {
			t.Fatalf("%s %+v", s.Status, s.State.Token)
		}
	})
}

// Remote start against plug and tap: one session, with the token that the
// station accepted first.
func TestRule_RemoteStartRaces(t *testing.T) {
	begin := func(t *testing.T, h *house, evse int) RemoteStart {
		t.Helper()
		h.send = func(string, ocpp.Request) (ocpp.Response, error) {
			return &ocpp.RequestStartTransactionResponse{Status: ocpp.RequestStartStopStatusEnumAccepted}, nil
		}
		r, _, err := h.s.Start(h.ctx, StartRequest{Org: h.org, Station: "CS1", EVSE: evse, Token: &ocpp.IdToken{IdToken: "APP"}, Limit: Limit{Energy: 9 * unit.KiloWattHour}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	state := func(h *house, n int64) (s RemoteState) {
		if err := h.d.View(h.ctx, func(tx *db.Tx) error { r, err := h.s.RemoteStartOf(tx, n); s = r.State; return err }); err != nil {
			h.t.Fatal(err)
		}
		return s
	}
	remote := func(n int64) func(*ocpp.TransactionEventRequest) {
		return func(q *ocpp.TransactionEventRequest) {
			id := int(n)
			q.TransactionInfo.RemoteStartID, q.TriggerReason = &id, ocpp.TriggerReasonEnumRemoteStart
		}
	}
	t.Run("the plug comes first", func(t *testing.T) {
		each(t, Config{}, func(t *testing.T, h *house) {
			r := begin(t, h, 1)
			st := h.at2("CS1")
			st.tell(event2("Started", "X", 0, minutes(1), onEVSE(1), charging("EVConnected")))
			if got := state(h, r.ID); got != Pending {
				t.Fatalf("a plug won: %s", got)
			}
			st.tell(event2("Updated", "X", 1, minutes(1), withToken("APP"), remote(r.ID)))
			s := h.only()
			if state(h, r.ID) != Begun || s.RemoteStart != r.ID || s.State.Token.Value != "APP" || s.Limit.Energy != 9*unit.KiloWattHour {
				t.Fatalf("%s, %+v", state(h, r.ID), s)
			}
		})
	})
	t.Run("a tap on a plugged car wins", func(t *testing.T) {
		each(t, Config{}, func(t *testing.T, h *house) {
			h.token("CARD")
			st := h.at2("CS1")
			st.tell(event2("Started", "X", 0, minutes(0), onEVSE(1), charging("EVConnected")))
			r := begin(t, h, 1)
			st.tell(event2("Updated", "X", 1, minutes(1), withToken("CARD")))
			s := h.only()
			if state(h, r.ID) != Overtaken || s.RemoteStart != 0 || s.State.Token.Value != "CARD" || s.Limit.Energy != 0 {
				t.Fatalf("%s, %+v", state(h, r.ID), s)
			}
		})
	})
	t.Run("a refused tap wins nothing", func(t *testing.T) {
		each(t, Config{}, func(t *testing.T, h *house) {
			r := begin(t, h, 1)
			st := h.at16("CS1")
			if _, status := st.start(1, "STRANGER", minutes(0), 0); status != ocpp.AuthorizationStatusEnumUnknown || state(h, r.ID) != Pending {
				t.Fatalf("%s, the remote start is %s", status, state(h, r.ID))
			}
			tx, status := st.start(1, "APP", minutes(1), 0)
			if s := h.byTx(tx); status != ocpp.AuthorizationStatusEnumAccepted || s.RemoteStart != r.ID || state(h, r.ID) != Begun {
				t.Fatalf("%s %s", status, state(h, r.ID))
			}
		})
	})
	t.Run("the station leaves the number out", func(t *testing.T) {
		each(t, Config{}, func(t *testing.T, h *house) {
			r := begin(t, h, 0)
			h.at2("CS1").tell(event2("Started", "X", 0, minutes(1), onEVSE(2), withToken("APP")))
			if s := h.only(); s.RemoteStart != r.ID || state(h, r.ID) != Begun {
				t.Fatalf("%s", state(h, r.ID))
			}
		})
	})
}

// A remote start is over when the station stops waiting for the cable.
func TestFieldNote18ExpiresWithConnectionTimeOut(t *testing.T) {
	for stated, want := range map[time.Duration]time.Duration{0: 2 * time.Minute, 5 * time.Minute: 5*time.Minute + startGrace, 1000 * time.Hour: 2 * time.Minute} {
		t.Run(stated.String(), func(t *testing.T) {
			each(t, Config{}, func(t *testing.T, h *house) {
				h.s.d.ConnectionTimeout = func(*db.Tx, string) (time.Duration, error) { return stated, nil }
				h.send = func(string, ocpp.Request) (ocpp.Response, error) {
					return &ocpp.RequestStartTransactionResponse{Status: ocpp.RequestStartStopStatusEnumAccepted}, nil
				}
				r, _, err := h.s.Start(h.ctx, StartRequest{Org: h.org, Station: "CP1", EVSE: 1})
				if err != nil || r.ExpiresAt.Sub(r.RequestedAt) != want {
					t.Fatalf("expires after %v, want %v: %v", r.ExpiresAt.Sub(r.RequestedAt), want, err)
				}
			})
		})
	}
}

// The lease of a token: a start that is sent again, and a session that only
// seemed to be over, are no second use; one that a silent station holds, and
// one that another device took over, count no longer.
func TestFieldNote17TheLeaseEndsWithItsReason(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.token("A")
		st := h.at2("CS1")
		start := event2("Started", "X", 0, minutes(0), onEVSE(1), withToken("A"))
		for range 2 {
			if got := st.tell(start); got.IdTokenInfo.Status != ocpp.AuthorizationStatusEnumAccepted {
				t.Fatalf("%s", got.IdTokenInfo.Status)
			}
		}
		elsewhere := func(tx string, at time.Time) ocpp.AuthorizationStatusEnum {
			return h.at2("CS2").tell(event2("Started", tx, 0, at, onEVSE(1), withToken("A"))).IdTokenInfo.Status
		}
		if got := elsewhere("Y", minutes(1)); got != ocpp.AuthorizationStatusEnumConcurrentTx {
			t.Fatalf("%s", got)
		}
		h.stationSays("CS1", station.KindReplaced, station.Replaced{From: "serial-1", To: "serial-2"})
		if got := elsewhere("Z", minutes(2)); got != ocpp.AuthorizationStatusEnumAccepted {
			t.Fatalf("after the first station was taken away: %s", got)
		}
		if got := st.tell(event2("Updated", "X", 1, minutes(3), withToken("A"))); got.IdTokenInfo.Status != ocpp.AuthorizationStatusEnumConcurrentTx {
			t.Fatalf("the old device is back while the card charges elsewhere: %s", got.IdTokenInfo.Status)
		}
		if r := h.byTx("X"); r.State.Phase != Open {
			t.Fatalf("%s", r.Status)
		}
	})
}

// A session that turned out to go on holds its token again.
func TestRule_AReopenedSessionHoldsItsToken(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.token("A")
		st := h.at16("CP1")
		tx, _ := st.start(1, "A", minutes(0), 0)
		st.status(1, "Available", minutes(5))
		st.meter(1, tx, register(minutes(10), 900))
		if r := h.only(); r.State.Phase != Open {
			t.Fatalf("%s", r.Status)
		}
		if _, status := h.at16("CP2").start(1, "A", minutes(11), 0); status != ocpp.AuthorizationStatusEnumConcurrentTx {
			t.Fatalf("elsewhere: %s", status)
		}
	})
}

// 1.6 has no GetTransactionStatus: it is never asked.
func TestRule_NoTransactionStatusIn16(t *testing.T) {
	each(t, Config{Hold: time.Hour, SilentAfter: time.Hour, AbandonAfter: 3 * time.Hour, GhostEnd: -1}, func(t *testing.T, h *house) {
		h.token("A")
		h.send = func(_ string, r ocpp.Request) (ocpp.Response, error) {
			t.Errorf("a 1.6 station was asked %s", r.Action())
			return nil, nil
		}
		st := h.at16("CP1")
		tx, _ := st.start(1, "A", minutes(0), 0)
		st.start(2, "B", minutes(0), 0)
		st.status(2, "Available", minutes(5))
		st.stop(tx, minutes(10), 900)
		for range 6 {
			h.clock.Advance(time.Hour)
			settle(t, h)
		}
		for _, r := range h.sessions() {
			if r.Status != Completed && r.Status != Invalid {
				t.Errorf("%s is %s", r.Transaction, r.Status)
			}
		}
	})
}

// Power and current that were measured reach the price; a session without a
// tariff costs nothing, which is a cost too.
func TestRule_PowerAndCurrentReachThePrice(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.s.d.Currency = func(*db.Tx, string, string) (money.Currency, error) { return "EUR", nil }
		amps := func(phase ocpp.PhaseEnum, a int64) ocpp.SampledValue {
			return ocpp.SampledValue{Value: unit.DecimalOf(a, 0), Measurand: ocpp.MeasurandEnumCurrentImport, Phase: phase, UnitOfMeasure: &ocpp.UnitOfMeasure{Unit: "A"}}
		}
		st := h.at2("CS1")
		st.tell(event2("Started", "X", 0, minutes(0), onEVSE(1), charging("Charging"), withMeter(register(minutes(0), 0))))
		st.tell(event2("Updated", "X", 1, minutes(3), withMeter(register(minutes(3), 500, power(9000), amps("L1", 13), amps("L2", 13), amps("L3", 13)))))
		st.tell(event2("Updated", "X", 2, minutes(6), withMeter(register(minutes(6), 1000, power(11_000), amps("L1", 16), amps("L2", 16), amps("L3", 16)))))
		st.tell(event2("Ended", "X", 3, minutes(7), withMeter(register(minutes(7), 1100))))
		r := h.only()
		h.consistent(r)
		p := h.finished().Usage.Periods[0]
		if p.MinPower != 9000 || p.MaxPower != 11_000 || p.MinCurrent != 39_000 || p.MaxCurrent != 48_000 {
			t.Fatalf("%+v", p)
		}
		b := bodyOf(r)
		if b.Cost == nil || b.Cost.Currency != "EUR" || b.Tariff != "" {
			t.Fatalf("%+v", b)
		}
	})
	t.Run("the tariff can be found", func(t *testing.T) {
		each(t, Config{}, func(t *testing.T, h *house) {
			h.price(`{"type":"ENERGY","price":0.5,"step_size":1}`)
			h.at16("CP1").start(1, "A", minutes(0), 0)
			if b := bodyOf(h.only()); b.Tariff != "T1" || b.TariffVersion != 1 || b.Cost == nil {
				t.Fatalf("%+v", b)
			}
		})
	})
}

func askedToStop(h *house) *[]string {
	var asked []string
	h.send = func(_ string, r ocpp.Request) (ocpp.Response, error) {
		if q, ok := r.(*ocpp.RequestStopTransactionRequest); ok {
			asked = append(asked, q.TransactionID)
		}
		return &ocpp.RequestStopTransactionResponse{Status: ocpp.RequestStartStopStatusEnumAccepted}, nil
	}
	return &asked
}

// The broken plug that "charged" for four days at 3 Wh: flagged after
// minutes, ended by the policy, and no minute of it is billed.
func TestRule_GhostSession(t *testing.T) {
	each(t, Config{GhostEnd: 20 * time.Minute}, func(t *testing.T, h *house) {
		h.price(`{"type":"TIME","price":3,"step_size":1}`)
		h.token("A")
		asked := askedToStop(h)
		st := h.at16("CP1")
		tx, _ := st.start(1, "A", minutes(0), 1000)
		st.status(1, "Charging", minutes(0))
		st.meter(1, tx, register(minutes(1), 1001))
		h.clock.Set(minutes(6))
		settle(t, h)
		h.flagged(h.only(), NoEnergy)
		if len(*asked) != 0 {
			t.Fatal("stopped too early")
		}
		h.clock.Set(minutes(21))
		settle(t, h)
		settle(t, h)
		if len(*asked) != 1 || (*asked)[0] != tx {
			t.Fatalf("asked to stop %v", *asked)
		}
		for d := range 96 {
			st.meter(1, tx, register(minutes(60*(d+1)), 1003))
		}
		st.stop(tx, minutes(96*60), 1003)
		r := h.only()
		h.consistent(r)
		h.flagged(r, NoEnergy|VeryLong|StopAsked)
		if r.Incl != 0 || len(*asked) != 1 {
			t.Fatalf("costs %d, asked %d times", r.Incl, len(*asked))
		}
	})
	t.Run("not a ghost", func(t *testing.T) {
		each(t, Config{}, func(t *testing.T, h *house) {
			asked := askedToStop(h)
			st := h.at16("CP1")
			waiting, _ := st.start(1, "A", minutes(0), 1000) // the car waits for its timer
			st.status(1, "SuspendedEV", minutes(0))
			st.meter(1, waiting, register(minutes(1), 1000))
			bare, _ := st.start(2, "B", minutes(0), 0) // a socket without a meter
			st.status(2, "Charging", minutes(0))
			st.meter(2, bare, register(minutes(1), 0))
			late, _ := st.start(3, "C", minutes(0), 1000) // begins after all
			st.status(3, "Charging", minutes(0))
			st.meter(3, late, register(minutes(1), 1000))
			h.clock.Set(minutes(10))
			settle(t, h)
			h.flagged(h.byTx(late), NoEnergy)
			st.meter(3, late, register(minutes(15), 3000))
			h.clock.Set(minutes(120))
			settle(t, h)
			for _, tx := range []string{waiting, bare, late} {
				if r := h.byTx(tx); r.Flags()&NoEnergy != 0 {
					t.Errorf("%s: %v", tx, r.Flags().Names())
				}
			}
			if len(*asked) != 0 {
				t.Fatalf("asked to stop %v", *asked)
			}
		})
	})
}

// Two sessions that count the same turn of one register: a person must look.
func TestRule_DuplicateSessionsAreFlagged(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		st := h.at2("CS1")
		st.tell(event2("Started", "X", 0, minutes(0), onEVSE(1), withMeter(register(minutes(0), 1000))))
		st.tell(event2("Updated", "X", 1, minutes(30), withMeter(register(minutes(30), 4000))))
		st.tell(event2("Ended", "X", 2, minutes(60), withMeter(register(minutes(60), 7000))))
		st.tell(event2("Started", "Y", 0, minutes(1), onEVSE(1), withMeter(register(minutes(1), 1000))))
		st.tell(event2("Ended", "Y", 1, minutes(59), withMeter(register(minutes(59), 6900))))
		h.flagged(h.byTx("Y"), Overlapping)
		st.tell(event2("Started", "Z", 0, minutes(70), onEVSE(1), withMeter(register(minutes(70), 7000))))
		st.tell(event2("Ended", "Z", 1, minutes(80), withMeter(register(minutes(80), 8000))))
		if r := h.byTx("Z"); r.Flags()&Overlapping != 0 {
			t.Fatalf("%v", r.Flags().Names())
		}
	})
}

// A zero-energy session of a refused token, and flags by their names.
func TestRule_FlagsHaveNames(t *testing.T) {
	if n := len(flagNames); Flag(1)<<(n-1) != StopAsked {
		t.Fatalf("%d names for flags up to %b", n, StopAsked)
	}
	if !slices.Equal((NoEnergy | StopAsked).Names(), []string{"no_energy", "stop_asked"}) {
		t.Fatalf("%v", (NoEnergy | StopAsked).Names())
	}
}
