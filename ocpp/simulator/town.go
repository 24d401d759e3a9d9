package simulator

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// Town drives many stations: cars arrive, drivers tap, charge, leave, forget
// their cars, show the wrong card; EVSEs break, networks fail. One seed
// decides it all.
type Town struct {
	Stations []*Station
	Tokens   []Token       // drivers known to the platform
	Stranger Token         // a card it does not know
	Gap      time.Duration // mean time between a departure and the next arrival at an EVSE
	Stay     time.Duration // mean time a car stays
	Trouble  int           // per mille of arrivals that bring a fault, a wrong card or a lost network

	rng     *rand.Rand
	bays    []*bay
	fleet   int
	resting atomic.Bool
}

// bay is an EVSE with what is going to happen there.
type bay struct {
	station *Station
	evse    EVSEConfig
	next    time.Time // when the next thing happens
	step    bayStep
	token   Token
	twist   twist
}

type bayStep uint8

const (
	arrive bayStep = iota
	tap
	leave
	repair
)

type twist uint8

const (
	none twist = iota
	wrongCard
	breaksDown
	losesNetwork
	neverTaps
)

// NewTown prepares the bays of the stations.
func NewTown(seed uint64, stations []*Station, tokens []Token) *Town {
	t := &Town{
		Stations: stations, Tokens: tokens, Stranger: Token{ID: "STRANGER", Type: "ISO14443"},
		Gap: 4 * time.Minute, Stay: 7 * time.Minute, Trouble: 80, rng: rand.New(rand.NewPCG(seed, 0x70)),
	}
	for _, s := range stations {
		for _, e := range s.m.config.EVSEs {
			t.bays = append(t.bays, &bay{station: s, evse: e})
		}
	}
	return t
}

// Past plays the time from begin to end without a network: sessions pile up
// in the stations' offline queues and are replayed when they connect, as
// after a real outage. Call it before Run, while nothing runs.
func (t *Town) Past(begin, end time.Time, gap, stay time.Duration) {
	g, s, trouble := t.Gap, t.Stay, t.Trouble
	t.Gap, t.Stay, t.Trouble = gap, stay, 0
	t.shuffle(begin)
	for _, st := range t.Stations {
		st.m.config.MeterInterval, st.m.online = 5*time.Minute, false
		for _, e := range st.m.evses {
			e.stepped = begin
		}
	}
	clock := begin
	for _, st := range t.Stations {
		real := st.now
		st.now = func() time.Time { return clock }
		defer func() { st.now = real }()
	}
	for ; clock.Before(end); clock = clock.Add(30 * time.Second) {
		for _, st := range t.Stations {
			st.Step(clock)
		}
		t.move(clock)
	}
	for _, b := range t.bays { // the present begins with empty bays
		b.station.Unplug(b.evse.ID)
		b.step = arrive
	}
	t.Gap, t.Stay, t.Trouble = g, s, trouble
}

func (t *Town) shuffle(now time.Time) {
	for _, b := range t.bays {
		b.step, b.next = arrive, now.Add(t.around(t.Gap/2))
	}
}

// wake lets half of the bays get a car at once, so that there is something
// to see from the first minute.
func (t *Town) wake(now time.Time) {
	t.shuffle(now)
	for i, b := range t.bays {
		if i%2 == 0 {
			b.next = now.Add(time.Duration(t.rng.Int64N(int64(min(30*time.Second, t.Gap)))))
		}
	}
}

// Run switches all stations on, a few milliseconds apart, and lets life go
// on until ctx ends.
func (t *Town) Run(ctx context.Context, now func() time.Time, interval time.Duration, log *slog.Logger) error {
	var all sync.WaitGroup
	for i, s := range t.Stations {
		s.m.config.MeterInterval = interval
		all.Go(func() {
			select {
			case <-time.After(time.Duration(i) * 5 * time.Millisecond):
				_ = s.Run(ctx) // ends with ctx
			case <-ctx.Done():
			}
		})
	}
	t.wake(now())
	log.Info("simulation runs", "stations", len(t.Stations), "evses", len(t.bays))
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-ticker.C:
			t.move(now())
		}
	}
	all.Wait()
	return ctx.Err()
}

// Rest lets everybody leave and nobody arrive any more; lost networks come
// back, and the stations stay connected until Run's context ends.
func (t *Town) Rest() {
	t.resting.Store(true)
	for _, b := range t.bays {
		b.station.Pause(0)
		b.station.Unplug(b.evse.ID)
	}
}

// Queued counts what all stations still have to say.
func (t *Town) Queued() (n int) {
	for _, s := range t.Stations {
		n += s.Queued()
	}
	return n
}

// move lets happen what is due.
func (t *Town) move(now time.Time) {
	for _, b := range t.bays {
		if now.Before(b.next) || t.resting.Load() {
			continue
		}
		switch b.step {
		case arrive:
			t.arrival(b, now)
		case tap:
			t.tapping(b, now)
		case leave:
			t.departure(b, now)
		case repair:
			b.station.Break(b.evse.ID, "")
			b.step, b.next = leave, now.Add(t.around(time.Minute))
		}
	}
}

func (t *Town) arrival(b *bay, now time.Time) {
	b.token = t.Tokens[t.rng.IntN(len(t.Tokens))]
	b.twist = none
	if t.rng.IntN(1000) < t.Trouble {
		b.twist = twist(1 + t.rng.IntN(int(neverTaps)))
	}
	b.station.Plug(b.evse.ID, t.car())
	b.step, b.next = tap, now.Add(time.Duration(2+t.rng.IntN(10))*time.Second)
}

func (t *Town) tapping(b *bay, now time.Time) {
	b.step, b.next = leave, now.Add(t.around(t.Stay))
	switch b.twist {
	case wrongCard:
		b.station.Tap(b.evse.ID, t.Stranger)
		b.twist, b.step, b.next = none, tap, now.Add(8*time.Second) // then the right one
	case neverTaps:
		b.next = now.Add(30 * time.Second)
	case breaksDown:
		b.station.Tap(b.evse.ID, b.token)
		b.step, b.next = leave, now.Add(t.around(t.Stay/2))
	default:
		b.station.Tap(b.evse.ID, b.token)
	}
}

func (t *Town) departure(b *bay, now time.Time) {
	switch b.twist {
	case breaksDown:
		b.station.Break(b.evse.ID, "GroundFailure")
		b.twist, b.step, b.next = none, repair, now.Add(t.around(time.Minute))
		return
	case losesNetwork:
		b.station.Pause(t.around(40 * time.Second))
		b.twist, b.next = none, now.Add(30*time.Second)
		return
	}
	if v := b.station.Look(b.evse.ID); v.Charging && t.rng.IntN(3) > 0 {
		b.station.Tap(b.evse.ID, b.token)
	}
	b.station.Unplug(b.evse.ID)
	b.step, b.next = arrive, now.Add(t.around(t.Gap))
}

// around gives a duration between half and one and a half of the mean.
func (t *Town) around(mean time.Duration) time.Duration {
	return mean/2 + time.Duration(t.rng.Int64N(int64(max(mean, 1))))
}

// models are cars as they drive around: battery, AC and DC limits.
var models = []Car{
	{Name: "city car", Capacity: 40 * unit.KiloWattHour, Phases: 1, ACMax: 32_000, DCMax: 46_000},
	{Name: "compact", Capacity: 58 * unit.KiloWattHour, Phases: 3, ACMax: 16_000, DCMax: 120_000},
	{Name: "family car", Capacity: 77 * unit.KiloWattHour, Phases: 3, ACMax: 16_000, DCMax: 150_000},
	{Name: "saloon", Capacity: 95 * unit.KiloWattHour, Phases: 3, ACMax: 32_000, DCMax: 250_000},
	{Name: "plug-in hybrid", Capacity: 13 * unit.KiloWattHour, Phases: 1, ACMax: 16_000, DCMax: 40_000},
	{Name: "van", Capacity: 75 * unit.KiloWattHour, Phases: 3, ACMax: 16_000, DCMax: 100_000},
}

func (t *Town) car() *Car {
	t.fleet++
	car := models[t.rng.IntN(len(models))]
	car.MinAmps = 6_000
	car.Stored = car.Capacity * unit.Energy(10+t.rng.IntN(75)) / 100
	car.Target = unit.MilliPercent(80_000 + 20_000*t.rng.Int64N(2))
	return &car
}
