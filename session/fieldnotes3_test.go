package session

import (
	"slices"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
	"github.com/forecourt-ev/forecourt/tariff"
)

// stationSays records a fact of the station room and lets the room follow it.
func (h *house) stationSays(id, kind string, payload any) {
	h.t.Helper()
	log := event.New(h.d, nil, "stations", nil)
	log.Consume(h.s.Consumers()...)
	if err := h.d.Update(h.ctx, func(tx *db.Tx) error {
		return event.Record(tx, event.Fact{Org: h.org, Station: id, Subject: "station/" + id, Kind: kind}, payload)
	}); err != nil {
		h.t.Fatal(err)
	}
	if err := log.CatchUp(h.ctx); err != nil {
		h.t.Fatal(err)
	}
}

// moved boots a station with another version.
func (h *house) moved(id string, v ocpp.Version) {
	h.t.Helper()
	h.stationSays(id, station.KindBoot, station.Boot{Status: "Accepted", Protocol: string(v), Incarnation: "serial-1"})
}

func energyOf(all []Session) (sum unit.Energy) {
	for _, r := range all {
		sum += r.State.Energy
	}
	return sum
}

// A station that moves from 1.6 to 2.x in the middle of a charge, and back:
// nothing is lost and nothing counted twice, whichever way it tells of it.
func TestFieldNote11TheVersionBelongsToTheConnection(t *testing.T) {
	status := func(h *house, ongoing *bool) *int {
		asked := 0
		h.send = func(_ string, r ocpp.Request) (ocpp.Response, error) {
			if _, ok := r.(*ocpp.GetTransactionStatusRequest); !ok {
				return nil, fault.New(fault.Unsupported, "test", "not asked for")
			}
			asked++
			return &ocpp.GetTransactionStatusResponse{OngoingIndicator: ongoing}, nil
		}
		return &asked
	}
	yes := true
	t.Run("it keeps our number", func(t *testing.T) {
		each(t, Config{}, func(t *testing.T, h *house) {
			h.token("A")
			old := h.at16("CS1")
			tx, _ := old.start(1, "A", minutes(0), 1000)
			old.meter(1, tx, register(minutes(10), 2000))
			asked := status(h, &yes)
			h.moved("CS1", ocpp.V201)
			h.clock.Advance(time.Minute)
			settle(t, h)
			if *asked != 1 || h.only().State.Phase != Open {
				t.Fatalf("asked %d times, %s", *asked, h.only().Status)
			}
			st := h.at2("CS1")
			st.tell(event2("Updated", tx, 0, minutes(20), onEVSE(1), withMeter(register(minutes(20), 3000))))
			st.tell(event2("Ended", tx, 1, minutes(30), withMeter(register(minutes(30), 4000))))
			r := h.only()
			h.consistent(r)
			h.flagged(r, ProtocolChanged)
			if r.Status != Completed || r.State.Energy != 3000*unit.WattHour || r.State.Token.Value != "A" {
				t.Fatalf("%s %s %v", r.Status, r.State.Energy, r.Flags().Names())
			}
		})
	})
	t.Run("it counts anew and replays the old stop", func(t *testing.T) {
		each(t, Config{}, func(t *testing.T, h *house) {
			h.token("A")
			old := h.at16("CS1")
			tx, _ := old.start(1, "A", minutes(0), 1000)
			old.meter(1, tx, register(minutes(10), 2000))
			h.moved("CS1", ocpp.V201)
			st := h.at2("CS1")
			st.tell(event2("Started", "new", 0, minutes(20), onEVSE(1), withToken("A"), withMeter(register(minutes(20), 2500))))
			first := h.byTx(tx)
			h.consistent(first)
			h.flagged(first, ProtocolChanged|Continued)
			if first.State.Energy != 1500*unit.WattHour || first.Status != Ending {
				t.Fatalf("%s %s", first.Status, first.State.Energy)
			}
			st.tell(event2("Updated", "new", 1, minutes(30), withMeter(register(minutes(30), 4000))))
			// Rolled back: the old firmware ends what it knows with the register of today.
			h.moved("CS1", ocpp.V16)
			old.stop(tx, minutes(40), 5000)
			old.meter(1, tx, register(minutes(35), 4500))
			st.tell(event2("Ended", "new", 2, minutes(40), withMeter(register(minutes(40), 5000))))
			all := h.sessions()
			for _, r := range all {
				h.consistent(r)
			}
			first = h.byTx(tx)
			if len(all) != 2 || energyOf(all) != 4000*unit.WattHour || !first.State.EndedAt.Equal(minutes(20)) || first.Status != Completed {
				t.Fatalf("%d sessions of %s in all, want 4 kWh; the first ended %v %s", len(all), energyOf(all), first.State.EndedAt, first.Status)
			}
		})
	})
	t.Run("it begins in the middle", func(t *testing.T) {
		each(t, Config{}, func(t *testing.T, h *house) {
			old := h.at16("CS1")
			tx, _ := old.start(1, "A", minutes(0), 1000)
			h.moved("CS1", ocpp.V21)
			st := h.at2("CS1")
			st.tell(event2("Updated", "mid", 7, minutes(20), onEVSE(1), withMeter(register(minutes(20), 2500))))
			st.tell(event2("Ended", "mid", 8, minutes(30), withMeter(register(minutes(30), 4000))))
			if all := h.sessions(); len(all) != 2 || energyOf(all) != 3000*unit.WattHour || h.byTx(tx).State.Phase != Vacant {
				t.Fatalf("%d sessions of %s", len(all), energyOf(all))
			}
		})
	})
	t.Run("it knows nothing of it", func(t *testing.T) {
		each(t, Config{Hold: time.Hour}, func(t *testing.T, h *house) {
			h.token("A")
			old := h.at16("CS1")
			tx, _ := old.start(1, "A", minutes(0), 1000)
			old.meter(1, tx, register(minutes(10), 2000))
			asked := status(h, nil)
			h.moved("CS1", ocpp.V201)
			h.clock.Advance(time.Minute)
			settle(t, h)
			r := h.only()
			h.consistent(r)
			h.flagged(r, ProtocolChanged|StopMissing)
			if *asked != 1 || r.Status != Ending || !r.State.EndedAt.Equal(minutes(10)) {
				t.Fatalf("asked %d times, %s ended %v", *asked, r.Status, r.State.EndedAt)
			}
			h.moved("CS1", ocpp.V16) // rolled back, and still charging
			old.meter(1, tx, register(minutes(20), 3000))
			if r = h.only(); r.State.Phase != Open || r.State.Energy != 2000*unit.WattHour {
				t.Fatalf("%s %s", r.Status, r.State.Energy)
			}
			old.stop(tx, minutes(30), 4000)
			if r = h.only(); r.Status != Completed || r.State.Energy != 3000*unit.WattHour {
				t.Fatalf("%s %s", r.Status, r.State.Energy)
			}
		})
	})
	t.Run("numbers shared by chance", func(t *testing.T) {
		each(t, Config{}, func(t *testing.T, h *house) {
			old := h.at16("CS1")
			done, _ := old.start(1, "A", minutes(0), 1000)
			old.stop(done, minutes(10), 2000)
			open, _ := old.start(2, "B", minutes(1), 0)
			st := h.at2("CS1")
			st.tell(event2("Started", done, 0, minutes(20), onEVSE(1), withMeter(register(minutes(20), 2000))))
			st.tell(event2("Ended", done, 1, minutes(30), withMeter(register(minutes(30), 2500))))
			st.tell(event2("Started", open, 0, minutes(40), onEVSE(1), withMeter(register(minutes(40), 2500))))
			st.tell(event2("Ended", open, 1, minutes(50), withMeter(register(minutes(50), 2600))))
			old.stop(open, minutes(60), 700)
			all := h.sessions()
			if len(all) != 4 || energyOf(all) != 2300*unit.WattHour {
				t.Fatalf("%d sessions of %s", len(all), energyOf(all))
			}
			for _, r := range all {
				h.consistent(r)
				if r.Status != Completed {
					t.Errorf("%s %s is %s", r.Protocol, r.Transaction, r.Status)
				}
			}
		})
	})
	t.Run("the station is away when it is asked", func(t *testing.T) {
		each(t, Config{}, func(t *testing.T, h *house) {
			h.at16("CS1").start(1, "A", minutes(0), 1000)
			h.send = func(string, ocpp.Request) (ocpp.Response, error) {
				return nil, fault.New(fault.Unavailable, "gateway.offline", "the station is offline")
			}
			h.moved("CS1", ocpp.V201)
			h.clock.Advance(time.Minute)
			h.jobs.RunDue(h.ctx)
			if r := h.only(); r.State.Phase != Open {
				t.Fatalf("%s", r.Status)
			}
			asked := status(h, nil)
			h.clock.Advance(time.Hour)
			settle(t, h)
			if r := h.only(); *asked != 1 || r.State.Phase != Vacant {
				t.Fatalf("asked %d times, %s", *asked, r.Status)
			}
		})
	})
}

// Another device under the id: what ran on the old one ends flagged, and
// what the old one still sends, should it come back, is taken.
func TestFieldNote11AReplacedStationEndsItsTransactions(t *testing.T) {
	each(t, Config{Hold: time.Hour}, func(t *testing.T, h *house) {
		h.token("A")
		old := h.at16("CS1")
		tx, _ := old.start(1, "A", minutes(0), 1000)
		old.meter(1, tx, register(minutes(10), 2000))
		h.stationSays("CS1", station.KindReplaced, station.Replaced{From: "serial-1", To: "serial-2"})
		r := h.only()
		h.consistent(r)
		h.flagged(r, StationReplaced|StopMissing)
		if r.Status != Ending || !r.State.EndedAt.Equal(minutes(10)) {
			t.Fatalf("%s ended %v", r.Status, r.State.EndedAt)
		}
		fresh := h.at16("CS1")
		fresh.p.Incarnation = "serial-2"
		if _, status := fresh.start(1, "A", minutes(20), 0); status != ocpp.AuthorizationStatusEnumAccepted {
			t.Fatalf("the driver on the new device: %s", status)
		}
		h.clock.Advance(2 * time.Hour)
		settle(t, h)
		if r = h.byTx(tx); r.Status != Completed || r.State.Energy != 1000*unit.WattHour {
			t.Fatalf("%s %s", r.Status, r.State.Energy)
		}
	})
}

// What a driver is billed as parking, and what not.
func TestFieldNote27IdleFee(t *testing.T) {
	at := func(m int) time.Time { return minutes(m) }
	slice := func(from, to int, c Charging, wattHours int64) Slice {
		return Slice{Start: at(from), End: at(to), Charging: c, Energy: unit.Energy(wattHours) * unit.WattHour}
	}
	charged := State{Phase: Stopped, StartedAt: at(0), EnergyStartedAt: at(0), EndedAt: at(100), Energy: 5000 * unit.WattHour}
	told := charged
	told.Memory.Allot = at(50).UnixMicro()
	gone := charged
	gone.UnpluggedAt = at(130)
	for name, c := range map[string]struct {
		s    State
		all  []Slice
		c    Circumstances
		want map[tariff.Kind]int // minutes
	}{
		"the car is full":                        {charged, []Slice{slice(0, 40, Flowing, 5000), slice(40, 100, SuspendedEV, 0)}, Circumstances{}, map[tariff.Kind]int{tariff.Charging: 40, tariff.Parking: 60}},
		"we throttle":                            {charged, []Slice{slice(0, 40, Flowing, 5000), slice(40, 100, SuspendedEVSE, 0)}, Circumstances{}, map[tariff.Kind]int{tariff.Charging: 40, tariff.Suspended: 60}},
		"our limit is reached":                   {charged, []Slice{slice(0, 40, Flowing, 5000), slice(40, 100, SuspendedEVSE, 0)}, Circumstances{Allotted: at(60)}, map[tariff.Kind]int{tariff.Charging: 40, tariff.Suspended: 20, tariff.Parking: 40}},
		"the station says that it is reached":    {told, []Slice{slice(0, 40, Flowing, 5000), slice(40, 100, SuspendedEVSE, 0)}, Circumstances{Allotted: at(70)}, map[tariff.Kind]int{tariff.Charging: 40, tariff.Suspended: 10, tariff.Parking: 50}},
		"what flows after the limit is charging": {charged, []Slice{slice(0, 40, Flowing, 4000), slice(40, 100, Flowing, 1000)}, Circumstances{Allotted: at(60)}, map[tariff.Kind]int{tariff.Charging: 100}},
		"the station is away for a while":        {charged, []Slice{slice(0, 40, Flowing, 5000), slice(40, 100, SuspendedEV, 0)}, Circumstances{Offline: []Span{{at(50), at(70)}}}, map[tariff.Kind]int{tariff.Charging: 40, tariff.Parking: 40, tariff.Offline: 20}},
		"away while it throttles":                {charged, []Slice{slice(0, 100, SuspendedEVSE, 0)}, Circumstances{Offline: []Span{{at(50), at(70)}}}, map[tariff.Kind]int{tariff.Suspended: 100}},
		"after the stop":                         {gone, []Slice{slice(0, 100, Flowing, 5000)}, Circumstances{Parking: true, Offline: []Span{{at(120), at(140)}}}, map[tariff.Kind]int{tariff.Charging: 100, tariff.Parking: 20, tariff.Offline: 10}},
		"after the stop, without a price":        {gone, []Slice{slice(0, 100, Flowing, 5000)}, Circumstances{}, map[tariff.Kind]int{tariff.Charging: 100}},
	} {
		u := Usage(c.s, c.all, at(100), c.c)
		got := map[tariff.Kind]int{}
		var energy unit.Energy
		prev := u.Start
		for _, p := range u.Periods {
			got[p.Kind] += int(p.End.Sub(p.Start) / time.Minute)
			energy += p.Energy
			if !p.Start.Equal(prev) {
				t.Errorf("%s: a hole before %v", name, p.Start)
			}
			prev = p.End
		}
		for k, m := range c.want {
			if got[k] != m {
				t.Errorf("%s: %v, want %v", name, got, c.want)
				break
			}
		}
		if len(got) != len(c.want) || !prev.Equal(u.End) {
			t.Errorf("%s: %v until %v, want %v", name, got, prev, c.want)
		}
		var sum unit.Energy
		for _, p := range c.all {
			sum += p.Energy
		}
		if energy != sum {
			t.Errorf("%s: %s of %s", name, energy, sum)
		}
	}
}

// The limit of a remote start and the station's own are kept with the
// session, so that its bill is the same whenever it is made.
func TestFieldNote27LimitsStartTheIdleFee(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.price(`{"type":"PARKING_TIME","price":6,"step_size":1}`)
		h.send = func(_ string, r ocpp.Request) (ocpp.Response, error) {
			if _, ok := r.(*ocpp.RequestStartTransactionRequest); ok {
				return &ocpp.RequestStartTransactionResponse{Status: ocpp.RequestStartStopStatusEnumAccepted}, nil
			}
			return &ocpp.RequestStopTransactionResponse{Status: ocpp.RequestStartStopStatusEnumRejected}, nil
		}
		if _, _, err := h.s.Start(h.ctx, StartRequest{Org: h.org, Station: "CS1", EVSE: 1, Token: &ocpp.IdToken{IdToken: "APP"}, Limit: Limit{Energy: 2 * unit.KiloWattHour}}); err != nil {
			t.Fatal(err)
		}
		st := h.at2("CS1")
		st.tell(event2("Started", "X", 0, minutes(0), onEVSE(1), withToken("APP"), charging("Charging"), withMeter(register(minutes(0), 0))))
		st.tell(event2("Updated", "X", 1, minutes(20), withMeter(register(minutes(20), 2000))))
		st.tell(event2("Updated", "X", 2, minutes(20), charging("SuspendedEVSE")))
		st.tell(event2("Ended", "X", 3, minutes(50), withMeter(register(minutes(50), 2000))))
		n := &ocpp.StatusNotification{StatusNotificationRequest: ocpp.StatusNotificationRequest{EVSEID: 1, ConnectorID: 1,
			Timestamp: ocpp.AtTime(minutes(50)), ConnectorStatus: ocpp.ConnectorStatusEnumAvailable}}
		if err := h.s.StatusNotification(h.ctx, st.p, n); err != nil {
			t.Fatal(err)
		}
		r := h.only()
		h.consistent(r)
		if !r.LimitAt.Equal(minutes(20)) || int64(r.Excl) != 3_000_000 || r.Status != Completed {
			t.Fatalf("limit reached %v, %s, costs %d, want 30 minutes at 6.00/h", r.LimitAt, r.Status, r.Excl)
		}
	})
	t.Run("the station's own", func(t *testing.T) {
		each(t, Config{}, func(t *testing.T, h *house) {
			st := h.at2("CS1")
			st.tell(event2("Started", "X", 0, minutes(0), onEVSE(1), charging("Charging"), withMeter(register(minutes(0), 0))))
			st.tell(event2("Updated", "X", 1, minutes(20), charging("SuspendedEVSE"), withMeter(register(minutes(20), 2000)),
				func(r *ocpp.TransactionEventRequest) { r.TriggerReason = ocpp.TriggerReasonEnumTimeLimitReached }))
			st.tell(event2("Ended", "X", 2, minutes(50), withMeter(register(minutes(50), 2000))))
			h.consistent(h.only())
			u := h.finished().Usage
			if !slices.ContainsFunc(u.Periods, func(p tariff.Period) bool { return p.Kind == tariff.Parking && p.Start.Equal(minutes(20)) }) {
				t.Fatalf("%+v", u.Periods)
			}
		})
	})
}
