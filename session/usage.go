package session

import (
	"time"

	"github.com/forecourt-ev/forecourt/tariff"
)

// Usage tells the tariff what was used: the slices of the session, until its
// end or else until the given instant, and, when parking has a price, the
// time after the end in which the bay stayed occupied, if it is known.
//
// Time in which the car could charge is charging, time in which it wanted
// nothing is parking, time in which the station held the power back is
// suspended. Waiting before the first charge is on us (authorisation,
// handshake), unless the car never charged.
func Usage(s State, all []Slice, until time.Time, parking bool) tariff.Usage {
	u := tariff.Usage{Start: s.StartedAt, End: until}
	if !s.EndedAt.IsZero() {
		u.End = s.EndedAt
	}
	charged := !s.EnergyStartedAt.IsZero()
	for _, p := range all {
		k := kindOf(p, charged)
		if n := len(u.Periods); n > 0 && joins(u.Periods[n-1], p, k) {
			last := &u.Periods[n-1]
			last.End, last.Energy = p.End, last.Energy+p.Energy
			continue
		}
		u.Periods = append(u.Periods, tariff.Period{Start: p.Start, End: p.End, Energy: p.Energy, Kind: k, MaxPower: p.MaxPower})
	}
	if parking && s.UnpluggedAt.After(u.End) && s.Phase == Stopped {
		u.Periods = append(u.Periods, tariff.Period{Start: u.End, End: s.UnpluggedAt, Kind: tariff.Parking})
		u.End = s.UnpluggedAt
	}
	return u
}

// joins merges what is alike and without energy: a night of parking is one
// period, not forty. Energy is never merged, as its price may depend on when
// it flowed.
func joins(last tariff.Period, p Slice, k tariff.Kind) bool {
	return last.Kind == k && last.End.Equal(p.Start) && last.Energy == 0 && p.Energy == 0 && last.MaxPower == p.MaxPower
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
