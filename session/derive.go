package session

import (
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// derived are the flags that depend on everything known, not on one event.
const derived = StartMissing | StopMissing | NoReadings | EnergyDoubtful | StatusFlood |
	MeterDecrease | MeterReset | MeterRollover | MeterDropout | MeterJump | EnergyEstimated | Continued

// derive computes what follows from the memory.
func (s State) derive() State {
	m := &s.Memory
	if s.Phase == Empty {
		return s
	}
	s.Energy = m.Meter.Total
	s.MeterStart, s.MeterStop = 0, 0
	if m.Meter.Channel.register() {
		s.MeterStart, s.MeterStop = m.Meter.First, m.Meter.Shown
	}
	s.EndedAt, s.UnpluggedAt = time.Time{}, time.Time{}
	switch {
	case s.Phase == Stopped:
		s.EndedAt = micros(max(m.EndAt, s.StartedAt.UnixMicro(), m.Tape.Cursor))
	case m.Vacated != 0:
		s.Phase, s.Reason = Vacant, m.Sign
		s.EndedAt = micros(m.Vacated)
	default:
		s.Phase, s.Reason = Open, ""
	}
	if m.Freed != 0 {
		s.UnpluggedAt = micros(max(m.Freed, s.EndedAt.UnixMicro()))
	}
	s.Charging = m.Tape.latest()
	if s.Charging == Connected && m.Tape.Flowed {
		s.Charging = Idle
	}
	s.Flags = s.Flags&^derived | s.doubts()
	return s
}

func (s State) doubts() (f Flag) {
	m := &s.Memory
	f = m.Meter.Flags
	if !m.Begun {
		f |= StartMissing
	}
	if s.Phase == Vacant {
		f |= StopMissing
	}
	if s.Phase >= Vacant && m.Counts == 0 {
		f |= NoReadings
	}
	if m.Meter.Dropped {
		f |= MeterReset
	}
	if m.Passed != 0 {
		f |= Continued
	}
	if m.Tape.Flood {
		f |= StatusFlood
	}
	const enough = 500 * unit.WattHour
	i, e := m.Meter.Integral, m.Meter.Total
	if m.Meter.Channel != powerIntegral && (i > enough && e < i/100 || e > enough && i > 0 && i < e/1000) {
		f |= EnergyDoubtful
	}
	return f
}

// Complete reports that nothing of the transaction is missing: it began, it
// ended, and there is no hole in its sequence numbers. A 1.6 transaction has
// no numbers: its stop is its end.
func (s State) Complete() bool {
	m := &s.Memory
	if s.Phase != Stopped {
		return false
	}
	return m.Seqs == 0 || m.Begun && m.Seqs == m.Last-m.First+1
}

// Status gives the life of the session as the API tells it; settled says
// that nothing more is waited for.
func (s State) Status(settled bool) Status {
	switch {
	case settled && s.Flags&Refused != 0 && s.Energy == 0:
		return Invalid
	case settled:
		return Completed
	case s.Phase >= Vacant:
		return Ending
	case s.Charging == SuspendedEV || s.Charging == SuspendedEVSE:
		return Suspended
	}
	return Active
}

// Rest gives the slices that Next has not returned yet: the open one and
// what follows it until the given instant, or until the end when there is
// one. The state is unchanged.
func (s State) Rest(until time.Time) []Slice {
	if s.Phase == Empty {
		return nil
	}
	if !s.EndedAt.IsZero() {
		until = s.EndedAt
	}
	t := s.Memory.Tape
	var out []Slice
	if us := until.UnixMicro(); us > t.Cursor || t.Open == nil {
		out, _, _ = t.run(us, 0)
	}
	if t.Open != nil {
		out = append(out, t.Open.slice())
	}
	return out
}

// LastAt is the instant of the latest thing known.
func (s State) LastAt() time.Time {
	m := &s.Memory
	return micros(max(m.TailAt, m.Vacated, m.Tape.Turned))
}
