package session

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/access"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/tariff"
)

// extended puts a tariff with extensions in force.
func (h *house) extended(elements, extension string) {
	h.t.Helper()
	text := `{"id":"T1","currency":"EUR","elements":` + elements + `,"forecourt":` + extension + `}`
	if err := createFrom(h.ctx, h.tariffs.Create, text); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.tariffs.Assign(h.ctx, "T1", tariff.Assignment{Place: tariff.Place{Org: identity.OrgID(h.org)}}); err != nil {
		h.t.Fatal(err)
	}
}

func soc(percent int64) ocpp.SampledValue {
	return ocpp.SampledValue{Value: unit.DecimalOf(percent, 0), Measurand: ocpp.MeasurandEnumSoC, UnitOfMeasure: &ocpp.UnitOfMeasure{Unit: "Percent"}}
}

// The quote of the start is told with the end, and prices by it.
func TestQuoteIsStoredAtTheStart(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.s.d.Groups = func(*db.Tx, string, string, time.Time) ([]string, error) { return []string{"staff"}, nil }
		h.extended(`[{"price_components":[{"type":"ENERGY","price":0.2,"step_size":1}],"forecourt":{"driver_groups":["staff"]}},
			{"price_components":[{"type":"ENERGY","price":0.5,"step_size":1}]}]`, `{}`)
		st := h.at2("CS1")
		st.tell(event2("Started", "X", 0, minutes(0), onEVSE(1), charging("Charging"), withMeter(register(minutes(0), 0))))
		// Whoever leaves the group meanwhile keeps the price of the start.
		h.s.d.Groups = func(*db.Tx, string, string, time.Time) ([]string, error) { return nil, nil }
		st.tell(event2("Ended", "X", 1, minutes(30), withMeter(register(minutes(30), 10_000))))
		f := h.finished()
		q := f.Quote
		if q == nil || q.Version != f.Tariff || q.Excl != 4_000_000 || q.Shown["de"] == "" || len(q.Context.Groups) != 1 {
			t.Fatalf("%+v", q)
		}
		if f.Excl != 2_000_000 || h.only().Excl != 2_000_000 {
			t.Errorf("costs %d", f.Excl)
		}
	})
}

// The day's allowance is counted over a driver's sessions, and a session that
// is settled again counts once.
func TestAllowanceOverSessions(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.token("A")
		h.extended(`[{"price_components":[{"type":"ENERGY","price":0.4,"step_size":1}]}]`, `{"allowances":[{"per":"day","kwh":8}]}`)
		st := h.at2("CS1")
		charge := func(tx string, from int, wh int64) Finished {
			st.tell(event2("Started", tx, 0, minutes(from), onEVSE(1), withToken("A"), charging("Charging"), withMeter(register(minutes(from), 0))))
			st.tell(event2("Ended", tx, 1, minutes(from+30), withMeter(register(minutes(from+30), wh))))
			return h.finished()
		}
		if f := charge("X", 0, 5000); f.Excl != 0 {
			t.Fatalf("5 of 8 kWh cost %d", f.Excl)
		}
		if f := charge("Y", 60, 5000); f.Excl != 800_000 || len(f.Inputs.Used) != 1 || f.Inputs.Used[0].Energy != 5*unit.KiloWattHour {
			t.Fatalf("the next 5 cost %d after %+v", f.Excl, f.Inputs.Used)
		}
		if f := charge("Z", 25*60, 5000); f.Excl != 0 {
			t.Fatalf("the next day costs %d", f.Excl)
		}
	})
}

// What the vehicle tells of its battery reaches the price.
func TestBatteryReachesThePrice(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.extended(`[{"price_components":[{"type":"ENERGY","price":1,"step_size":1}],"forecourt":{"min_soc":80}},
			{"price_components":[{"type":"ENERGY","price":0.5,"step_size":1}]}]`, `{}`)
		st := h.at2("CS1")
		st.tell(event2("Started", "X", 0, minutes(0), onEVSE(1), charging("Charging"), withMeter(register(minutes(0), 0, soc(60)))))
		st.tell(event2("Updated", "X", 1, minutes(10), withMeter(register(minutes(10), 4000, soc(80)))))
		st.tell(event2("Ended", "X", 2, minutes(20), withMeter(register(minutes(20), 6000))))
		// 4.00, but within a quarter of an hour energy is taken to flow evenly.
		if f := h.finished(); f.Excl < 4_000_000 || f.Excl > 4_200_000 || len(f.Usage.SoC) != 2 {
			t.Fatalf("costs %d with %v", f.Excl, f.Usage.SoC)
		}
	})
}

// Sessions of one driver that are settled at the same instant share the
// allowance: what one takes the other has not.
func TestAllowanceOfSessionsSettledTogether(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		many := 9
		h.token("A", func(k *access.IdToken) { k.MaxSessions = &many })
		h.extended(`[{"price_components":[{"type":"ENERGY","price":0.4,"step_size":1}]}]`, `{"allowances":[{"per":"month","kwh":8}]}`)
		const cars = 6
		for i := range cars {
			st := h.at2("CS" + strconv.Itoa(i))
			st.tell(event2("Started", "X", 0, minutes(0), onEVSE(1), withToken("A"), charging("Charging"), withMeter(register(minutes(0), 0))))
		}
		var all sync.WaitGroup
		for i := range cars {
			all.Go(func() {
				h.at2("CS" + strconv.Itoa(i)).tell(event2("Ended", "X", 1, minutes(30), withMeter(register(minutes(30), 3000))))
			})
		}
		all.Wait()
		var took, paid int64
		for _, r := range h.sessions() {
			paid += int64(r.Excl)
		}
		err := h.d.View(h.ctx, func(tx *db.Tx) error {
			return tx.QueryRow(`SELECT SUM(energy) FROM tariff_allowance`).Scan(&took)
		})
		if err != nil {
			t.Fatal(err)
		}
		if took != int64(8*unit.KiloWattHour) || paid != 4_000_000 { // 18 kWh, 8 of them free
			t.Errorf("%d mWh were free, %d paid", took, paid)

		}
	})
}

// A market's cap on a session is its limit from the start, whoever began it,
// and what a driver asked for only lowers it. What follows is idle time.
func TestMarketCapIsALimit(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.s.d.Cap = func(_ *db.Tx, site string) (unit.Energy, bool, error) {
			return 10 * unit.KiloWattHour, site == "S1", nil
		}
		asked := 0
		h.send = func(_ string, r ocpp.Request) (ocpp.Response, error) {
			asked++
			return &ocpp.RequestStopTransactionResponse{Status: ocpp.RequestStartStopStatusEnumAccepted}, nil
		}
		h.extended(`[{"price_components":[{"type":"ENERGY","price":0.4,"step_size":1},{"type":"PARKING_TIME","price":6,"step_size":60}]}]`, `{}`)
		st := h.at2("CS1")
		st.p.Site = "S1"
		st.tell(event2("Started", "X", 0, minutes(0), onEVSE(1), charging("Charging"), withMeter(register(minutes(0), 0))))
		if l := h.only().Limit; l.Energy != 10*unit.KiloWattHour {
			t.Fatalf("limit %+v", l)
		}
		st.tell(event2("Updated", "X", 1, minutes(30), charging("SuspendedEVSE"), withMeter(register(minutes(30), 10_000))))
		h.work()
		if !h.only().LimitReached || asked != 1 {
			t.Errorf("asked %d times to stop: %+v", asked, h.only().Limit)
		}
		// A station that does not stop: time beyond the limit is parking, not throttling.
		st.tell(event2("Ended", "X", 2, minutes(60), withMeter(register(minutes(60), 10_000))))
		if r := h.only(); r.Excl != 4_000_000+3_000_000 {
			t.Errorf("costs %d", r.Excl)
		}
	})
}

func TestLowestLimit(t *testing.T) {
	a := Limit{Energy: 5, Duration: 0}
	if got := a.lowest(Limit{Energy: 3, Duration: time.Hour}); got != (Limit{3, time.Hour}) {
		t.Errorf("%+v", got)
	}
	if got := (Limit{}).lowest(a); got != a || a.lowest(Limit{}) != a {
		t.Errorf("%+v", got)
	}
}

// Idle time costs something only while others wait, if the tariff says so; it
// is asked for the whole session, and told with its end.
func TestIdleOnlyWhileOthersWait(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		h.s.d.Waiting = func(_ *db.Tx, station string, evse int, from, until time.Time) ([]tariff.TimeSpan, error) {
			if station != "CS1" || evse != 1 || !from.Equal(minutes(0)) || !until.Equal(minutes(90)) {
				return nil, nil
			}
			return []tariff.TimeSpan{{Start: minutes(50), End: minutes(60)}}, nil
		}
		h.extended(`[{"price_components":[{"type":"ENERGY","price":0.5,"step_size":1},{"type":"PARKING_TIME","price":6,"step_size":1}]}]`,
			`{"idle":{"only_while_others_wait":true}}`)
		h.token("A")
		st := h.at16("CS1")
		tx, _ := st.start(1, "A", minutes(0), 0)
		st.status(1, "Charging", minutes(0))
		st.meter(1, tx, register(minutes(30), 8000))
		st.status(1, "SuspendedEV", minutes(30))
		st.stop(tx, minutes(70), 8000)
		st.status(1, "Finishing", minutes(70))
		st.status(1, "Available", minutes(90))
		if f := h.finished(); f.Excl != 4_000_000+1_000_000 || len(f.Usage.Waiting) != 1 {
			t.Fatalf("costs %d, waiting %v", f.Excl, f.Usage.Waiting)
		}
	})
}
