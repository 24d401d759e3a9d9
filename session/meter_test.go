package session

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
)

func mv(t testing.TB, sampled string) ocpp.MeterValue {
	t.Helper()
	v := ocpp.MeterValue{Timestamp: ocpp.AtTime(testStart)}
	if err := json.Unmarshal([]byte(sampled), &v.SampledValue); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestNormalise(t *testing.T) {
	t.Parallel()
	const (
		reg = `"measurand":"Energy.Active.Import.Register"`
		pow = `"measurand":"Power.Active.Import"`
	)
	for name, c := range map[string]struct {
		in   string
		want Reading
	}{
		"nothing":                     {`[]`, Reading{}},
		"the default is the register": {`[{"value":1234}]`, Reading{Has: HasRegister, Register: 1_234_000}},
		"missing unit is Wh":          {`[{"value":1.5,` + reg + `}]`, Reading{Has: HasRegister, Register: 1500}},
		"kWh":                         {`[{"value":0.505,` + reg + `,"unitOfMeasure":{"unit":"kWh"}}]`, Reading{Has: HasRegister, Register: 505_000}},
		"case of a unit":              {`[{"value":2,` + reg + `,"unitOfMeasure":{"unit":" KWH "}}]`, Reading{Has: HasRegister, Register: 2_000_000}},
		"multiplier":                  {`[{"value":12,` + reg + `,"unitOfMeasure":{"unit":"Wh","multiplier":2}}]`, Reading{Has: HasRegister, Register: 1_200_000}},
		"negative multiplier":         {`[{"value":12345,` + reg + `,"unitOfMeasure":{"unit":"kWh","multiplier":-3}}]`, Reading{Has: HasRegister, Register: 12_345_000}},
		"sum of phases": {`[{"value":1,` + reg + `,"phase":"L1"},{"value":2,` + reg + `,"phase":"L2"},{"value":4,` + reg + `,"phase":"L3"}]`,
			Reading{Has: HasRegister, Register: 7000}},
		"total before phases": {`[{"value":1,` + reg + `,"phase":"L1"},{"value":9,` + reg + `}]`, Reading{Has: HasRegister, Register: 9000}},
		"L1 and L1-N are one": {`[{"value":5,` + reg + `,"phase":"L1"},{"value":5,` + reg + `,"phase":"L1-N"}]`, Reading{Has: HasRegister, Register: 5000}},
		"one phase only":      {`[{"value":5,` + reg + `,"phase":"L1"}]`, Reading{Has: HasRegister, Register: 5000}},
		"neutral alone":       {`[{"value":5,` + reg + `,"phase":"N"}]`, Reading{}},
		"outlet before inlet": {`[{"value":9,` + reg + `,"location":"Inlet"},{"value":7,` + reg + `,"location":"Outlet"}]`,
			Reading{Has: HasRegister, Register: 7000}},
		"inlet alone": {`[{"value":9,` + reg + `,"location":"Inlet"}]`, Reading{Has: HasRegister, Register: 9000, Location: Inlet}},
		"register of one place, interval of another": {`[{"value":9,` + reg + `,"location":"Inlet"},{"value":2,"measurand":"Energy.Active.Import.Interval"}]`,
			Reading{Has: HasInterval, Interval: 2000}},
		"periodic before clock-aligned": {`[{"value":8,"measurand":"Energy.Active.Import.Interval","context":"Sample.Clock"},{"value":2,"measurand":"Energy.Active.Import.Interval"}]`,
			Reading{Has: HasInterval, Interval: 2000}},
		"clock-aligned": {`[{"value":8,"measurand":"Energy.Active.Import.Interval","context":"Sample.Clock"}]`, Reading{Has: HasInterval, Interval: 8000, Clock: true}},
		"power in kW, current and voltage by phase": {`[{"value":11.04,` + pow + `,"unitOfMeasure":{"unit":"kW"}},
			{"value":16,"measurand":"Current.Import","phase":"L1"},{"value":15.5,"measurand":"Current.Import","phase":"L2"},
			{"value":230,"measurand":"Voltage","phase":"L1-N"},{"value":231,"measurand":"Voltage","phase":"L2-N"},{"value":400,"measurand":"Voltage","phase":"L1-L2"}]`,
			Reading{Has: HasPower | HasCurrent | HasVoltage | HasCurrentSum, Power: 11_040, Current: 16_000, Amperes: 31_500, Voltage: 230_500}},
		"state of charge": {`[{"value":48.0,"measurand":"SoC","location":"EV","unitOfMeasure":{"unit":"Percent"}}]`, Reading{Has: HasSoC, SoC: 48_000}},
		"export power":    {`[{"value":-3000,` + pow + `}]`, Reading{Has: HasPower, Power: -3000}},
		"a wrong unit spoils one value only": {`[{"value":5,` + reg + `,"unitOfMeasure":{"unit":"Celsius"}},{"value":3,` + pow + `}]`,
			Reading{Has: HasPower, Power: 3}},
		"an unknown measurand": {`[{"value":5,"measurand":"Bananas"},{"value":3,` + pow + `}]`, Reading{Has: HasPower, Power: 3}},
	} {
		if got, _ := Normalise(mv(t, c.in)); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestNormaliseKeepsWhatItDoesNotUse(t *testing.T) {
	t.Parallel()
	_, detail := Normalise(mv(t, `[{"value":5,"measurand":"Current.Import","phase":"L1","unitOfMeasure":{"unit":"A"}},{"value":50,"measurand":"Frequency"},
		{"value":7,"signedMeterValue":{"signedMeterData":"AAEC","signingMethod":"ECDSA","encodingMethod":"OCMF","publicKey":"04"}}]`))
	want := `[{"measurand":"Current.Import","phase":"L1","value":5,"unit":"A"},{"measurand":"Frequency","value":50},` +
		`{"value":7,"signed":{"data":"AAEC","method":"ECDSA","encoding":"OCMF","key":"04"}}]`
	if detail != want {
		t.Fatalf("%s\nwant\n%s", detail, want)
	}
	if _, detail := Normalise(mv(t, `[{"value":5},{"value":3,"measurand":"Power.Active.Import"}]`)); detail != "" {
		t.Fatalf("nothing to keep, got %s", detail)
	}
}

// run makes a 1.6 session of register values at five-minute steps, the first
// being meterStart and, with stopped, the last meterStop.
func run(stopped bool, values ...int64) State {
	var events []Event
	for i, v := range values {
		at := testStart.Add(time.Duration(i) * 5 * time.Minute)
		e := Event{Kind: ReadingTaken, Seq: NoSeq, Station: at, Received: at, Reading: Reading{Has: HasRegister, Register: unit.Energy(v) * unit.WattHour}}
		switch {
		case i == 0:
			e.Anchor = MeterStart
			events = append(events, digested(Event{Kind: Started, Seq: NoSeq, Station: at, Received: at, EVSE: 1}))
		case i == len(values)-1 && stopped:
			e.Anchor = MeterStop
			events = append(events, digested(Event{Kind: Ended, Seq: NoSeq, Station: at, Received: at, Reason: "Local"}))
		}
		events = append(events, digested(e))
	}
	s, _ := play(events)
	return s
}

func TestRegister(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		values []int64
		want   int64 // Wh
		flags  Flag
	}{
		"plain":                        {[]int64{1000, 1500, 2000}, 1000, 0},
		"only start and stop":          {[]int64{1000, 9000}, 8000, 0},
		"Q45 one watt-hour back":       {[]int64{5000, 4999}, 0, MeterDecrease},
		"rounding in between":          {[]int64{1000, 1500, 1499, 2000}, 1000, MeterDecrease},
		"reset, counted from zero":     {[]int64{1000, 2000, 0, 500, 1000}, 2000, MeterReset},
		"reset, first reading later":   {[]int64{1000, 2000, 300, 800}, 1800, MeterReset},
		"reset of a session register":  {[]int64{0, 3000, 0, 1000, 2500}, 5500, MeterReset},
		"two resets":                   {[]int64{1000, 2000, 0, 500, 0, 300}, 1800, MeterReset},
		"Q53 dropout":                  {[]int64{1000, 2000, 0, 0, 2100}, 1100, MeterDropout},
		"dropout of a big register":    {[]int64{2_259_988, 2_260_100, 0, 2_260_200}, 212, MeterDropout},
		"dropout at the very end":      {[]int64{1000, 2000, 0}, 1000, MeterReset},
		"dropout, then a real reset":   {[]int64{1000, 2000, 0, 2100, 0, 300}, 1400, MeterDropout | MeterReset},
		"rolled over at 1 MWh":         {[]int64{999_950, 999_990, 15, 500}, 550, MeterRollover},
		"rolled over at 100 MWh":       {[]int64{99_999_000, 2000}, 3000, MeterRollover},
		"rolled over at 2^32 Wh":       {[]int64{1<<32 - 100, 900}, 1000, MeterRollover},
		"another meter, far away":      {[]int64{2_259_988, 2_260_100, 1_000_000, 1_000_500, 1_001_000}, 112 + 500, MeterReset | MeterJump},
		"a step nobody can deliver":    {[]int64{0, 2_259_988, 2_260_988}, 1000, MeterJump},
		"never read but start and end": {[]int64{0, 0}, 0, 0},
	} {
		s := run(true, c.values...)
		if s.Energy != unit.Energy(c.want)*unit.WattHour || s.Flags != c.flags {
			t.Errorf("%s: %s %v, want %d Wh %v", name, s.Energy, s.Flags.Names(), c.want, c.flags.Names())
		}
	}
}

// The clock was set during a 1.6 session: by their times the readings fall,
// by their values they rise between start and stop.
func TestRegisterTellsTimeWhenTheClockWasSet(t *testing.T) {
	t.Parallel()
	at := func(min int) time.Time { return testStart.Add(time.Duration(min) * time.Minute) }
	add := func(list []Event, min int, v int64, a Anchor) []Event {
		return append(list, digested(Event{Kind: ReadingTaken, Anchor: a, Seq: NoSeq, Station: at(min), Received: at(300),
			Reading: Reading{Has: HasRegister, Register: unit.Energy(v) * unit.WattHour}}))
	}
	events := []Event{digested(Event{Kind: Started, Seq: NoSeq, Station: at(0), Received: at(300), EVSE: 1}),
		digested(Event{Kind: Ended, Seq: NoSeq, Station: at(90), Received: at(300), Reason: "Local"})}
	events = add(events, 0, 1000, MeterStart)
	events = add(events, 60, 1200, NoAnchor) // the clock was an hour ahead
	events = add(events, 70, 1400, NoAnchor)
	events = add(events, 15, 1600, NoAnchor) // then it was set
	events = add(events, 25, 1800, NoAnchor)
	events = add(events, 90, 2000, MeterStop)
	s, done := play(events)
	checkSums(t, s, done)
	if s.Energy != 1000*unit.WattHour || s.Flags&ClockJump == 0 || s.Flags&(MeterReset|MeterDropout) != 0 {
		t.Fatalf("%s %v", s.Energy, s.Flags.Names())
	}
}

// Field note 15: what is measured at the inlet is not what is measured at the
// outlet, and no two series are ever added up.
func TestFieldNote15OneChannelOnly(t *testing.T) {
	t.Parallel()
	at := func(min int) time.Time { return testStart.Add(time.Duration(min) * time.Minute) }
	kwh := func(f int64) unit.Energy { return unit.Energy(f) * unit.KiloWattHour / 10 }
	reg := func(min int, loc Location, v unit.Energy) Event {
		return Event{Kind: ReadingTaken, Station: at(min), Received: at(200), Reading: Reading{Has: HasRegister, Location: loc, Register: v}}
	}
	interval := func(min int, v unit.Energy, clock bool) Event {
		return Event{Kind: ReadingTaken, Station: at(min), Received: at(200), Reading: Reading{Has: HasInterval, Interval: v, Clock: clock}}
	}
	watts := func(min int, w unit.Watts) Event {
		return Event{Kind: ReadingTaken, Station: at(min), Received: at(200), Reading: Reading{Has: HasPower, Power: w}}
	}
	for name, c := range map[string]struct {
		readings []Event
		want     unit.Energy
		flags    Flag
	}{
		"inlet and outlet":           {[]Event{reg(0, Inlet, kwh(100)), reg(0, Outlet, kwh(50)), reg(30, Inlet, kwh(210)), reg(30, Outlet, kwh(150))}, kwh(100), 0},
		"outlet comes once":          {[]Event{reg(0, Inlet, kwh(100)), reg(10, Outlet, kwh(50)), reg(30, Inlet, kwh(210))}, kwh(110), 0},
		"register and interval":      {[]Event{reg(0, Outlet, kwh(0)), interval(15, kwh(30), false), interval(30, kwh(30), false), reg(30, Outlet, kwh(61))}, kwh(61), 0},
		"intervals only":             {[]Event{interval(15, kwh(30), false), interval(30, kwh(31), false)}, kwh(61), 0},
		"register at the start only": {[]Event{reg(0, Outlet, kwh(0)), interval(15, kwh(30), false), interval(30, kwh(31), false)}, kwh(61), 0},
		"periodic and clock-aligned": {[]Event{interval(10, kwh(20), false), interval(15, kwh(30), true), interval(20, kwh(20), false), interval(30, kwh(30), true)}, kwh(40), 0},
		"power only":                 {[]Event{watts(0, 6000), watts(15, 6000), watts(30, 6000)}, kwh(30), EnergyEstimated},
		"Q51 kWh that says Wh":       {[]Event{withPower(reg(0, Outlet, 361*unit.WattHour), 9451), withPower(reg(20, Outlet, 364*unit.WattHour), 9451)}, 3 * unit.WattHour, EnergyDoubtful},
	} {
		events := []Event{digested(Event{Kind: Started, Seq: 0, Station: at(0), Received: at(200), EVSE: 1})}
		for i, e := range c.readings {
			e.Seq = int64(i + 1)
			events = append(events, digested(Event{Kind: Updated, Seq: e.Seq, Station: e.Station, Received: e.Received}), digested(e))
		}
		events = append(events, digested(Event{Kind: Ended, Seq: int64(len(c.readings) + 1), Station: at(31), Received: at(200), Reason: "Local"}))
		s, done := play(events)
		checkSums(t, s, done)
		if s.Energy != c.want || s.Flags != c.flags {
			t.Errorf("%s: %s %v, want %s %v", name, s.Energy, s.Flags.Names(), c.want, c.flags.Names())
		}
	}
}

func withPower(e Event, w unit.Watts) Event {
	e.Reading.Has |= HasPower
	e.Reading.Power = w
	return e
}

func TestIntervalsAreClockAligned(t *testing.T) {
	t.Parallel()
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, "2026-03-10T"+s+"Z")
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	reg := func(s string, v int64, a Anchor) Event {
		return digested(Event{Kind: ReadingTaken, Anchor: a, Seq: NoSeq, Station: at(s), Received: at(s), Reading: Reading{Has: HasRegister, Register: unit.Energy(v) * unit.WattHour}})
	}
	s, done := play([]Event{
		digested(Event{Kind: Started, Seq: NoSeq, Station: at("10:07:00"), Received: at("10:07:00"), EVSE: 1}), reg("10:07:00", 0, MeterStart),
		reg("10:15:00", 800, NoAnchor), reg("10:30:00", 2300, NoAnchor), reg("11:30:00", 6300, NoAnchor),
		digested(Event{Kind: Ended, Seq: NoSeq, Station: at("11:40:00"), Received: at("11:40:00")}), reg("11:40:00", 6301, MeterStop)})
	checkSums(t, s, done)
	got := Intervals(append(done, s.Rest(s.EndedAt)...))
	type row struct {
		start, end string
		wh         int64
		measured   bool
	}
	want := []row{{"10:07", "10:15", 800, true}, {"10:15", "10:30", 1500, true}, {"10:30", "10:45", 1000, false}, {"10:45", "11:00", 1000, false},
		{"11:00", "11:15", 1000, false}, {"11:15", "11:30", 1000, false}, {"11:30", "11:40", 1, true}}
	if len(got) != len(want) {
		t.Fatalf("%d intervals, want %d: %s", len(got), len(want), text(got))
	}
	for i, w := range want {
		g := row{got[i].Start.Format("15:04"), got[i].End.Format("15:04"), WattHours(got)[i], got[i].Measured}
		if g != w {
			t.Errorf("interval %d: %+v, want %+v", i, g, w)
		}
	}
}

// 10 Wh over three quarters: whole watt-hours still sum to the session's.
func TestWattHoursSumExactly(t *testing.T) {
	t.Parallel()
	in := []Interval{{Energy: 3333}, {Energy: 3333}, {Energy: 3334}}
	got := WattHours(in)
	if got[0]+got[1]+got[2] != 10 {
		t.Fatalf("%v", got)
	}
}

func TestClockIsMeasuredFromLiveMessagesOnly(t *testing.T) {
	t.Parallel()
	var c Clock
	// A queue being emptied: an hour old, then ever less, seconds apart.
	for i := range 50 {
		c = c.Observe(testStart.Add(time.Duration(i)*time.Minute), testStart.Add(time.Hour).Add(time.Duration(i)*time.Second))
	}
	if c.Known {
		t.Fatalf("a replayed queue was taken for a skew of %v", c.Skew)
	}
	// Local time marked Z: two hours ahead, live.
	for i := range 5 {
		now := testStart.Add(2 * time.Hour).Add(time.Duration(i) * 20 * time.Second)
		c = c.Observe(now.Add(2*time.Hour), now.Add(300*time.Millisecond))
	}
	if !c.Known || c.Skew != -2*time.Hour {
		t.Fatalf("%+v", c)
	}
	// The network's delay is no skew.
	var d Clock
	for i := range 5 {
		now := testStart.Add(time.Duration(i) * time.Minute)
		d = d.Observe(now, now.Add(3*time.Second))
	}
	if !d.Known || d.Skew != 0 {
		t.Fatalf("%+v", d)
	}
	if got := Correct(testStart.Add(time.Hour), testStart, 0); got != testStart {
		t.Fatalf("nothing is known before it happens, got %v", got)
	}
	if got := Correct(time.Unix(1, 0), testStart, 0); got != testStart {
		t.Fatalf("a clock never set: %v", got)
	}
}
