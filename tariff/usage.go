package tariff

import (
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// Kind says what happened in a period, as far as prices care.
type Kind string

const (
	// Charging: energy may flow. Billed as TIME.
	Charging Kind = "charging"
	// Parking: the vehicle is connected and asks for no power (full, stopped,
	// or its allotted time or energy is used up). Billed as PARKING_TIME.
	Parking Kind = "parking"
	// Suspended: the vehicle wants power and we give none (throttling, load
	// balancing, a fault of ours). Neither TIME nor PARKING_TIME: the driver
	// does not pay for waiting on us. Energy is billed if any flowed.
	Suspended Kind = "suspended"
	// Offline: the station was out of reach and what it did is not known from
	// its readings. TIME when energy flowed, otherwise nothing.
	Offline Kind = "offline"
)

// Usage is what a driver used: everything a price depends on, in integers.
// Instants count to the microsecond. JSON names are stable, since a usage
// travels in facts.
type Usage struct {
	Start       time.Time    `json:"start"` // of the charging session
	End         time.Time    `json:"end"`
	Periods     []Period     `json:"periods,omitempty"`
	Reservation *Reservation `json:"reservation,omitempty"`
	SoC         []SoCReading `json:"soc,omitempty"`     // of the vehicle, in any order
	Waiting     []TimeSpan   `json:"waiting,omitempty"` // when somebody else waited for the EVSE
}

// Period is a stretch of time with energy flowing evenly. Power and current
// are what was measured; zero means not measured. Current is the sum over the
// phases. Time between periods is not billed.
type Period struct {
	Start      time.Time      `json:"start"`
	End        time.Time      `json:"end"`
	Energy     unit.Energy    `json:"energy_mwh,omitempty"`
	Kind       Kind           `json:"kind"`
	MinPower   unit.Watts     `json:"min_power_w,omitempty"`
	MaxPower   unit.Watts     `json:"max_power_w,omitempty"`
	MinCurrent unit.MilliAmps `json:"min_current_ma,omitempty"`
	MaxCurrent unit.MilliAmps `json:"max_current_ma,omitempty"`
}

// Reservation is the time an EVSE was held for the driver. Expired: no
// session followed, and Usage.Periods is empty.
type Reservation struct {
	Start   time.Time `json:"start"`
	End     time.Time `json:"end"`
	Expired bool      `json:"expired,omitempty"`
}

// span is a period in engine units: microseconds, mWh, W, mA.
type span struct {
	from, to       int64
	energy         int64
	power, current int64
	currentKnown   bool
	dim            int8 // the time dimension it bills, or noDim
	source         *Period
}

func (p *Period) timeDimension() int8 {
	switch {
	case p.Kind == Charging, p.Energy > 0 && (p.Kind == Offline || p.Kind == ""):
		return dimTime
	case p.Kind == Parking:
		return dimParking
	}
	return noDim
}

// effectivePower is the one figure that power restrictions look at: the
// measured value if there is one, else the mean over the period, kept within
// what was measured. One figure means that of two elements that meet at a
// threshold exactly one applies.
func (p *Period) effectivePower() int64 {
	lo, hi := p.MinPower, p.MaxPower
	switch {
	case lo == hi && lo != 0:
		return int64(lo)
	case lo == 0 && hi != 0 && p.Energy == 0 && p.Kind == Charging:
		return int64(hi)
	}
	mean := p.Energy.Over(p.End.Sub(p.Start))
	if hi != 0 {
		mean = min(mean, hi)
	}
	return int64(max(mean, lo))
}

// effectiveCurrent is the middle of what was measured. A vehicle that does
// not charge draws none, which is known without a meter.
func (p *Period) effectiveCurrent() (mA int64, known bool) {
	lo, hi := p.MinCurrent, p.MaxCurrent
	switch {
	case lo == 0 && hi == 0:
		return 0, p.Energy == 0
	case lo == 0:
		return int64(hi), true
	case hi == 0:
		return int64(lo), true
	}
	return int64(lo+hi) / 2, true
}

// spans brings the periods into order and into engine units. Overlaps are cut
// off the later period, its energy kept; negative energy counts as none, since
// a price is never negative. corrected reports that something had to give.
func (u *Usage) spans(buf []span) (out []span, corrected bool) {
	ordered := slices.IsSortedFunc(u.Periods, byStart)
	periods := u.Periods
	if !ordered {
		periods = slices.SortedStableFunc(slices.Values(u.Periods), byStart)
	}
	out = buf[:0]
	last := u.Start.UnixMicro()
	for i := range periods {
		p := &periods[i]
		s := span{from: p.Start.UnixMicro(), to: p.End.UnixMicro(), energy: int64(p.Energy), source: p,
			dim: p.timeDimension(), power: p.effectivePower()}
		s.current, s.currentKnown = p.effectiveCurrent()
		if s.from < last || s.to < s.from || s.energy < 0 {
			corrected = true
			s.from = max(s.from, last)
			s.to = max(s.to, s.from)
			s.energy = max(s.energy, 0)
		}
		last = s.to
		if s.from < s.to || s.energy > 0 {
			out = append(out, s) // an instant in which nothing flowed decides nothing
		}
	}
	return out, corrected
}

func byStart(a, b Period) int {
	if c := a.Start.Compare(b.Start); c != 0 {
		return c
	}
	return a.End.Compare(b.End)
}
