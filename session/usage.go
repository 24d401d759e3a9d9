package session

import (
	"time"

	"github.com/forecourt-ev/forecourt/tariff"
)

// Span is a stretch of time.
type Span struct{ Start, End time.Time }

// Circumstances are what a bill depends on besides the session's own events.
type Circumstances struct {
	Parking  bool      // the time after the charge has a price
	Allotted time.Time // when the driver's own limit was reached; zero: it was not
	Offline  []Span    // when the station was out of reach, in order
}

// Usage tells the tariff what was used: the slices of the session, until its
// end or else until the given instant, and, when parking has a price, the
// time after the end in which the bay stayed occupied, if it is known.
//
// Time in which the car could charge is charging, time in which it wanted
// nothing is parking, time in which the station held the power back is
// suspended. Waiting before the first charge is on us (authorisation,
// handshake), unless the car never charged. Once the allotted time or energy
// is used up the car is parked, however the station calls that: it is not
// throttled. Parking does not count while the station is out of reach, since
// nobody knows then what it does. A meter that shows no charge at all bills
// no charging time, whatever the station says.
func Usage(s State, all []Slice, until time.Time, c Circumstances) tariff.Usage {
	u := tariff.Usage{Start: s.StartedAt, End: until}
	if !s.EndedAt.IsZero() {
		u.End = s.EndedAt
	}
	if told := s.Memory.Allot; told != 0 && (c.Allotted.IsZero() || micros(told).Before(c.Allotted)) {
		c.Allotted = micros(told)
	}
	b := bill{s: s, c: c, empty: s.empty()}
	for _, p := range all {
		b.add(p)
	}
	if c.Parking && s.UnpluggedAt.After(u.End) && s.Phase == Stopped {
		b.add(Slice{Start: u.End, End: s.UnpluggedAt, Charging: Idle})
		u.End = s.UnpluggedAt
	}
	u.Periods = b.periods
	return u
}

// bill collects the periods of a usage.
type bill struct {
	s       State
	c       Circumstances
	empty   bool
	periods []tariff.Period
}

// add takes a slice. One without energy is cut where its meaning changes.
func (b *bill) add(p Slice) {
	if p.Energy > 0 || !p.End.After(p.Start) {
		b.period(p, b.kind(p))
		return
	}
	for at := p.Start; at.Before(p.End); {
		q := p
		q.Start, q.End = at, p.End
		for _, edge := range b.edges() {
			if edge.After(q.Start) && edge.Before(q.End) {
				q.End = edge
			}
		}
		b.period(q, b.kind(q))
		at = q.End
	}
}

func (b *bill) edges() []time.Time {
	out := []time.Time{b.c.Allotted}
	for _, o := range b.c.Offline {
		out = append(out, o.Start, o.End)
	}
	return out
}

func (b *bill) kind(p Slice) tariff.Kind {
	k := kindOf(p, !b.s.EnergyStartedAt.IsZero())
	if k == tariff.Charging && b.empty {
		k = tariff.Suspended
	}
	if p.Energy > 0 {
		return k
	}
	if !b.c.Allotted.IsZero() && !p.Start.Before(b.c.Allotted) {
		k = tariff.Parking
	}
	if k == tariff.Parking && b.offline(p) {
		k = tariff.Offline
	}
	return k
}

func (b *bill) offline(p Slice) bool {
	for _, o := range b.c.Offline {
		if !p.Start.Before(o.Start) && p.Start.Before(o.End) {
			return true
		}
	}
	return false
}

// period appends a piece, or merges it with the last one. What is alike and
// without energy is merged: a night of parking is one period, not forty.
// Energy never is, as its price may depend on when it flowed.
func (b *bill) period(p Slice, k tariff.Kind) {
	next := tariff.Period{Start: p.Start, End: p.End, Energy: p.Energy, Kind: k, MinPower: p.MinPower, MaxPower: p.MaxPower,
		MinCurrent: p.MinCurrent, MaxCurrent: p.MaxCurrent}
	if n := len(b.periods); n > 0 {
		last := b.periods[n-1]
		longer := last
		longer.Start, longer.End = next.Start, next.End
		if longer == next && p.Energy == 0 && last.End.Equal(p.Start) {
			b.periods[n-1].End = p.End
			return
		}
	}
	b.periods = append(b.periods, next)
}

func kindOf(p Slice, charged bool) tariff.Kind {
	switch {
	case p.Charging == Connected && charged:
		return tariff.Suspended
	case p.Charging == SuspendedEVSE:
		return tariff.Suspended
	case p.Charging == SuspendedEV, p.Charging == Idle, p.Charging == Connected:
		return tariff.Parking
	}
	return tariff.Charging
}
