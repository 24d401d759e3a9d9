package session

import (
	"math/bits"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// Channel is the one series of readings that a session's energy is taken
// from. The best channel that can be used wins; nothing is ever summed
// across channels (inlet with outlet, periodic with clock-aligned).
type Channel uint8

const (
	noChannel Channel = iota
	outletRegister
	outletInterval
	outletClock
	inletRegister
	inletInterval
	inletClock
	otherRegister
	otherInterval
	otherClock
	powerIntegral // no energy at all was sent: power over time
)

// channels lists the channels a reading belongs to, the best first.
func (r Reading) channels() (c [3]Channel, n int) {
	base := outletRegister
	switch r.Location {
	case Inlet:
		base = inletRegister
	case Body, Cable, Vehicle, Upstream:
		base = otherRegister
	}
	if r.Has&HasRegister != 0 {
		c[n], n = base, n+1
	}
	if r.Has&HasInterval != 0 {
		c[n], n = base+1, n+1
		if r.Clock {
			c[n-1]++
		}
	}
	if r.Has&HasPower != 0 {
		c[n], n = powerIntegral, n+1
	}
	return c, n
}

// counts holds how often each channel was seen: 0, 1 or 2 and more, in two
// bits each.
type counts uint64

func (n counts) of(c Channel) uint8 { return uint8(n >> (2 * c) & 3) }

func (n counts) with(r Reading) counts {
	cs, l := r.channels()
	for _, c := range cs[:l] {
		if n.of(c) < 2 {
			n += 1 << (2 * c)
		}
	}
	return n
}

// choose gives the best channel that can tell an energy: a register needs two
// readings. Failing that, the best channel there is.
func (n counts) choose() Channel {
	var seen Channel
	for c := outletRegister; c <= powerIntegral; c++ {
		k := n.of(c)
		if k > 0 && seen == noChannel {
			seen = c
		}
		if k >= 2 || k == 1 && !c.register() && c != powerIntegral {
			return c
		}
	}
	return seen
}

func (c Channel) register() bool {
	return c == outletRegister || c == inletRegister || c == otherRegister
}

// meter accumulates one channel in canonical order. Its total never falls.
//
// A register that falls is one of four things. A few watt-hours less is
// rounding. Near a power of ten it rolled over. Otherwise it dropped: if it
// climbs again from where it dropped to, it was reset and counts on; if it
// jumps back to where it was without having climbed, the drop was a gap in
// the readings. Until that is known the drop adds nothing.
type meter struct {
	Channel Channel     `json:"ch,omitempty"`
	Seen    int64       `json:"n,omitempty"` // readings of the channel
	First   unit.Energy `json:"f,omitempty"` // as shown
	Last    unit.Energy `json:"l,omitempty"` // as shown; the highest of a jitter
	Shown   unit.Energy `json:"z,omitempty"` // as shown by the latest reading
	LastAt  int64       `json:"la,omitempty"`
	Total   unit.Energy `json:"t,omitempty"`
	Peak    unit.Energy `json:"p,omitempty"` // register before the drop
	Dropped bool        `json:"d,omitempty"` // fell, and did not climb yet
	Gone    bool        `json:"g,omitempty"` // fell at least once in this session
	Power   unit.Watts  `json:"w,omitempty"` // for the integral
	PowerAt int64       `json:"wa,omitempty"`
	// Integral is the energy that the power readings alone would give; the
	// check against a register whose unit is wrong.
	Integral unit.Energy `json:"i,omitempty"`
	Flags    Flag        `json:"fl,omitempty"`
}

const (
	jitter          = 20 * unit.WattHour // a station rounds its own stop reading
	rolloverMargin  = 100                // within 1/100 of the modulus
	stepEnergy      = 1000 * unit.KiloWattHour
	stepPower       = unit.Watts(5_000_000)
	resetEnergy     = 200 * unit.KiloWattHour
	resetPower      = unit.Watts(1_000_000)
	integralMaxHold = 30 * time.Minute // longer silence between power readings proves nothing
)

// add takes a reading of the channel at the instant at and returns the energy
// delivered since the reading before.
func (m *meter) add(r Reading, at int64) unit.Energy {
	m.Seen++
	var d unit.Energy
	var f Flag
	switch {
	case m.Channel == powerIntegral:
		d, f = m.watch(r, at), EnergyEstimated
	case m.Channel.register():
		d, f = m.register(r.Register, at)
	case r.Interval < 0:
		f = MeterDecrease
	default:
		d = r.Interval
	}
	m.LastAt = at
	m.Total += d
	m.Flags |= f
	return d
}

// watch adds a power reading to the integral, by trapezes.
func (m *meter) watch(r Reading, at int64) unit.Energy {
	if r.Has&HasPower == 0 {
		return 0
	}
	var d unit.Energy
	if dt := at - m.PowerAt; m.PowerAt != 0 && dt > 0 && dt <= integralMaxHold.Microseconds() {
		d = unit.Energy(int64(max(0, m.Power)+max(0, r.Power)) * dt / 7_200_000) // W·µs → mWh, halved
	}
	m.Power, m.PowerAt = r.Power, at
	m.Integral += d
	return d
}

func (m *meter) register(v unit.Energy, at int64) (unit.Energy, Flag) {
	m.Shown = v
	if m.Seen == 1 {
		m.First, m.Last = v, v
		return 0, 0
	}
	since := time.Duration(at-m.LastAt) * time.Microsecond
	if m.Dropped {
		return m.afterDrop(v, since)
	}
	if v >= m.Last {
		return m.step(v-m.Last, v, since, stepEnergy, stepPower, MeterJump)
	}
	if v > 0 && m.Last-v <= jitter {
		return 0, MeterDecrease
	}
	m.Gone = true
	if mod := modulus(m.Last, v); mod > 0 {
		return m.step(mod-m.Last+v, v, since, resetEnergy, resetPower, MeterJump|MeterRollover)
	}
	m.Peak, m.Last, m.Dropped = m.Last, v, true
	return 0, 0
}

// step moves the register to v and counts d, unless no charger could have
// delivered it: then the register was exchanged and d is nobody's energy.
func (m *meter) step(d, v unit.Energy, since time.Duration, most unit.Energy, power unit.Watts, f Flag) (unit.Energy, Flag) {
	m.Last = v
	if d > most && (since <= 0 || d.Over(since) > power) {
		return 0, f | MeterJump
	}
	return d, f &^ MeterJump
}

func (m *meter) afterDrop(v unit.Energy, since time.Duration) (unit.Energy, Flag) {
	switch {
	case v >= m.Peak:
		m.Dropped = false
		d, f := m.step(v-m.Peak, v, since, stepEnergy, stepPower, MeterJump)
		return d, f | MeterDropout
	case v <= m.Last:
		m.Last = v
		return 0, 0
	}
	m.Dropped = false
	d, f := m.step(v, v, since, resetEnergy, resetPower, MeterJump)
	return d, f | MeterReset
}

// modulus gives the count at which a register went round: a power of ten of
// watt-hours from 1 MWh up, or 2^31 or 2^32; 0 when it did not.
func modulus(last, v unit.Energy) unit.Energy {
	try := func(m unit.Energy) bool {
		return last < m && last >= m-m/rolloverMargin && v <= m/rolloverMargin
	}
	for m := unit.Energy(1_000_000) * unit.WattHour; m <= 1_000_000_000_000*unit.WattHour; m *= 10 {
		if try(m) {
			return m
		}
	}
	for _, m := range [...]unit.Energy{1 << 31 * unit.WattHour, 1 << 32 * unit.WattHour} {
		if try(m) {
			return m
		}
	}
	return 0
}

// share gives part/whole of e, rounded down, without overflow.
func share(e unit.Energy, part, whole int64) unit.Energy {
	hi, lo := bits.Mul64(uint64(e), uint64(part))
	q, _ := bits.Div64(hi, lo, uint64(whole))
	return unit.Energy(q)
}
