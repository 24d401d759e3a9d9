package simulator

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func example(version string, quirks ...Quirk) *machine {
	m := newMachine(Config{ID: "CS-1", Version: version, Vendor: "V", Model: "M", MeterInterval: time.Minute, Quirks: quirks,
		EVSEs: []EVSEConfig{ac(1, 32), dc(2, 150, "cCCS2")}})
	for _, e := range m.evses {
		e.stepped = noon
	}
	return m
}

func compact() *Car {
	return &Car{Capacity: 60 * unit.KiloWattHour, Stored: 12 * unit.KiloWattHour, Target: fullSoC, Phases: 3, ACMax: 16_000, DCMax: 100_000, MinAmps: 6_000}
}

func said(t *testing.T, m *machine) []string {
	t.Helper()
	var out []string
	for _, c := range m.outbox {
		text, err := json.Marshal(c.payload())
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, c.action+" "+string(text))
	}
	return out
}

func TestACChargingGivesElevenKilowatts(t *testing.T) {
	m := example("1.6")
	m.plug(1, compact(), noon)
	m.tap(1, Token{ID: "A"}, noon) // offline: starts at once
	start := m.evses[0].register
	m.step(noon.Add(time.Hour))
	if got := m.evses[0].register - start; got != 11_040*unit.WattHour {
		t.Errorf("one hour at 16 A on three phases gave %v, want 11.04 kWh", got)
	}
	if m.evses[0].state != Charging {
		t.Errorf("state %s, want Charging", m.evses[0].state)
	}
}

func TestDCPowerFallsAsTheBatteryFills(t *testing.T) {
	car := compact()
	low := car.DrawDC(150_000)
	car.Stored = 54 * unit.KiloWattHour
	high := car.DrawDC(150_000)
	if low != 100_000 || high >= low/2 {
		t.Errorf("at 20 %% %v, at 90 %% %v; want 100 kW, then less than half", low, high)
	}
	car.Stored = car.Capacity
	if car.DrawDC(150_000) != 0 {
		t.Error("a full battery draws power")
	}
}

func TestProfilesStackAndCeilingWins(t *testing.T) {
	m := example("2.0.1")
	e := m.evses[0]
	m.plug(1, compact(), noon)
	m.tap(1, Token{ID: "A"}, noon)
	full := []period{{limit: 10_000}}
	m.store(profile{id: 1, purpose: txDefault, stack: 0, start: noon, periods: full})
	m.store(profile{id: 2, purpose: txDefault, stack: 1, evse: 1, start: noon, periods: []period{{limit: 20_000}, {offset: time.Hour, limit: 8_000}}})
	steps := []struct {
		after time.Duration
		do    func()
		want  unit.MilliAmps
	}{
		{0, func() {}, 20_000},
		{2 * time.Hour, func() {}, 8_000},
		{0, func() {
			m.store(profile{id: 3, purpose: txOwn, evse: 1, start: noon, periods: []period{{limit: 25_000}}})
		}, 25_000},
		{0, func() { m.store(profile{id: 4, purpose: stationMax, start: noon, periods: []period{{limit: 12_000}}}) }, 12_000},
		{0, func() { m.clear(func(p profile) bool { return p.purpose != txDefault || p.stack > 0 }) }, 10_000},
	}
	for i, s := range steps {
		s.do()
		if got := m.limitAt(e, noon.Add(s.after)); got != s.want {
			t.Errorf("step %d: limit %v, want %v", i, got, s.want)
		}
	}
}

func TestLimitBelowSixAmpsSuspends(t *testing.T) {
	m := example("1.6")
	m.plug(1, compact(), noon)
	m.tap(1, Token{ID: "A"}, noon)
	m.store(profile{id: 1, purpose: txDefault, start: noon, periods: []period{{limit: 0}}})
	m.step(noon.Add(time.Minute))
	if m.evses[0].state != SuspendedEVSE {
		t.Errorf("state %s, want SuspendedEVSE", m.evses[0].state)
	}
}

func TestOfflineSessionIsKeptWithItsReadings(t *testing.T) {
	m := example("1.6")
	m.plug(1, compact(), noon)
	m.tap(1, Token{ID: "A"}, noon)
	for i := 1; i <= 3; i++ {
		m.step(noon.Add(time.Duration(i) * time.Minute))
	}
	m.unplug(1, noon.Add(4*time.Minute))
	got := said(t, m)
	if len(got) != 5 { // start, three readings, stop; status and heartbeats are not kept
		t.Fatalf("kept %d messages, want 5: %v", len(got), got)
	}
}

func TestPayloadsOfBothVoicesAreJSON(t *testing.T) {
	for _, version := range []string{"1.6", "2.0.1", "2.1"} {
		m := example(version)
		m.online, m.accepted = true, true
		m.say(m.voice.boot(m, "PowerUp"))
		m.plug(2, compact(), noon)
		m.remoteStart(2, Token{ID: "A", Type: "Central"}, nil, noon)
		m.step(noon.Add(time.Minute))
		m.breakDown(2, "GroundFailure", noon.Add(time.Minute))
		m.unplug(2, noon.Add(2*time.Minute))
		if n := len(said(t, m)); n < 5 {
			t.Errorf("%s: only %d messages", version, n)
		}
	}
}

func TestTownPastFillsTheQueuesAndIsRepeatable(t *testing.T) {
	count := func() (n int) {
		var stations []*Station
		for _, c := range Plan("T", 8, 1) {
			stations = append(stations, NewStation(c, func() time.Time { return noon }, nil))
		}
		town := NewTown(1, stations, []Token{{ID: "A", Type: "ISO14443"}, {ID: "B", Type: "ISO14443"}})
		town.Past(noon.Add(-6*time.Hour), noon, time.Hour, time.Hour)
		for _, s := range stations {
			n += s.Queued()
		}
		return n
	}
	first := count()
	if first < 100 {
		t.Errorf("six hours of 8 stations kept %d messages", first)
	}
	if second := count(); second != first {
		t.Errorf("the same seed gave %d, then %d messages", first, second)
	}
}
