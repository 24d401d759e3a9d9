package session

import (
	"time"

	"github.com/forecourt-ev/forecourt/access"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// A station frees the connector a moment before it stamps the stop.
const freedBefore = 2 * time.Minute

// A station's clock may go back this far without being called a jump.
const jumpTolerance = time.Minute

// Next takes one event into a session.
//
// It has no clock and asks nobody: the same events always give the same
// session. An event that belongs after everything known so far costs the
// same however long the session is. One that belongs before changes nothing
// and is reported as late: the caller then folds all events anew (Fold), and
// so the order of arrival never matters. The slices that became complete are
// returned; the rest stays in the state (State.Rest).
func Next(s State, e Event) (next State, done []Slice, late bool) {
	if e.Kind == Connector || e.Kind == Vacated {
		return s.observe(e)
	}
	k, at := keyOf(e), e.Time().UnixMicro()
	if s.Memory.Tail.Class != 0 {
		if s.ignores(e, at) {
			return s, nil, false
		}
		if c := k.compare(s.Memory.Tail); c <= 0 {
			return s, nil, c != 0
		}
	}
	if s.contradicted(e, at) {
		return s, nil, true
	}
	next, done = s.apply(e)
	return next, done, false
}

// passed reports what came after the charge had gone on in another session.
func (s State) passed(at int64) bool { return s.Memory.Passed != 0 && at > s.Memory.Passed }

// ignores reports readings that a 1.6 station takes after its stop: the
// register goes on, the session does not.
func (s State) ignores(e Event, at int64) bool {
	if e.Kind == ReadingTaken && s.passed(at) {
		return true
	}
	return s.Phase == Stopped && e.Kind == ReadingTaken && e.Seq == NoSeq && e.Anchor == NoAnchor && at > s.Memory.EndAt
}

// contradicted reports that e, though the last in order, changes the meaning
// of what was already taken in.
func (s State) contradicted(e Event, at int64) bool {
	m := &s.Memory
	if e.Seq != NoSeq && m.Seqs == 0 && m.Tape.Turned != 0 {
		return true // 2.x tells charging states itself: statuses taken in before do not count
	}
	if m.Vacated != 0 && at > m.Vacated || m.Freed != 0 && at > m.Freed {
		return true
	}
	if e.Kind == ReadingTaken {
		if c := m.Counts.with(e.Reading).choose(); m.Meter.Channel != noChannel && c != m.Meter.Channel {
			return true
		}
		if e.Anchor == MeterStop && (m.Meter.Gone && m.Meter.First > 0 || m.TailAt > at || s.Phase == Stopped) {
			return true
		}
	}
	if e.Kind == Ended {
		freed := m.FreedL != 0 && m.FreedL >= at-freedBefore.Microseconds()
		return freed || s.Phase == Stopped || m.Tape.Turned > at || m.TailAt > at
	}
	return false
}

// observe takes in what others than the transaction itself tell of it. The
// place of such events is their time alone.
func (s State) observe(e Event) (State, []Slice, bool) {
	m, at := &s.Memory, e.Time().UnixMicro()
	free := e.Kind == Connector && e.Charging == Unknown
	if e.Kind == Vacated && e.Reason == signContinued && (m.Passed == 0 || at < m.Passed) {
		if m.TailAt > at || m.Tape.Turned > at {
			return s, nil, true
		}
		m.Passed = at
	}
	if e.status() && s.passed(at) {
		return s, nil, false
	}
	if e.Kind == Connector && !free {
		// After the end nothing but Available matters; before it, a status
		// older than what is already cut into slices needs a new fold.
		if s.Phase == Stopped && at > m.EndAt || m.Seqs > 0 {
			return s, nil, false
		}
		if s.Phase == Stopped || !m.Tape.turn(at, e.Charging) {
			return s, nil, s.Phase == Stopped || at != m.Tape.Turned || m.Tape.latest() != e.Charging
		}
		return s.derive(), nil, false
	}
	if free {
		m.FreedL = max(m.FreedL, at)
	}
	switch {
	case s.Phase == Stopped:
		if free && at >= m.EndAt-freedBefore.Microseconds() {
			earliest(&m.Freed, at)
		}
	case at >= m.TailAt:
		if m.Vacated == 0 || at < m.Vacated || at == m.Vacated && e.Reason < m.Sign {
			m.Vacated, m.Sign = at, e.Reason
		}
		if free {
			earliest(&m.Freed, at)
		}
	}
	return s.derive(), nil, false
}

func earliest(p *int64, at int64) {
	if *p == 0 || at < *p {
		*p = at
	}
}

// apply takes in the next event of the transaction in canonical order.
func (s State) apply(e Event) (State, []Slice) {
	m, at := &s.Memory, e.Time().UnixMicro()
	s.Flags |= e.clockFlags()
	if s.passed(at) {
		at = m.Passed
	}
	if at < m.TailAt-jumpTolerance.Microseconds() {
		s.Flags |= ClockJump
	}
	if s.Phase == Empty {
		s.Phase, s.StartedAt = Open, micros(at)
		m.Tape.Cursor = at
	}
	m.Tail, m.TailAt = keyOf(e), max(m.TailAt, at)
	s.count(e)
	var done []Slice
	if allotted(e.Trigger) {
		earliest(&m.Allot, at)
	}
	switch e.Kind {
	case Started:
		if m.Begun {
			s.Flags |= StartConflict
		}
		m.Begun = true
		s.learn(e, at)
	case Updated:
		s.learn(e, at)
	case ReadingTaken:
		done = s.read(e.Reading, at)
	case Ended:
		s.end(e, at)
	}
	return s.derive(), done
}

func (e Event) clockFlags() Flag {
	var f Flag
	switch {
	case !e.clockKnown():
		f = ClockUnknown
	case !e.Time().Equal(instant(e.Station)):
		f = ClockCorrected
	}
	if e.Offline {
		f |= Offline
	}
	return f
}

// count keeps track of the sequence numbers, so that a missing message shows.
func (s *State) count(e Event) {
	m := &s.Memory
	if e.Seq == NoSeq {
		return
	}
	if m.Seqs == 0 {
		m.First, m.Last, m.Seqs = e.Seq, e.Seq, 1
	} else if e.Seq > m.Last {
		m.Last = e.Seq
		m.Seqs++
	}
	if e.Kind == ReadingTaken {
		return
	}
	if m.Told == e.Seq+1 && m.ToldIs != e.Digest {
		s.Flags |= SeqConflict
	}
	m.Told, m.ToldIs = e.Seq+1, e.Digest
}

// learn takes what a start or an update tells besides readings.
func (s *State) learn(e Event, at int64) {
	if s.EVSE == 0 {
		s.EVSE = e.EVSE
	}
	if s.Conn == 0 {
		s.Conn = e.Connector
	}
	if e.Charging != Unknown && e.Seq != NoSeq {
		s.Memory.Tape.follow(at, e.Charging)
	}
	// The token that stops a session does not pay for it.
	if e.Token.Value == "" && e.Token.Type == "" || e.Trigger == "StopAuthorized" {
		return
	}
	switch {
	case s.Token == (Token{}), s.Flags&Refused != 0 && !e.Refused:
		s.Token = e.Token
	case access.Match(s.Token.Value) != access.Match(e.Token.Value):
		return // another card that was shown meanwhile
	}
	s.Flags &^= Refused
	if e.Refused {
		s.Flags |= Refused
	}
}

// allotted reports a trigger that says that what the driver had allowed is
// used up.
func allotted(trigger string) bool {
	switch ocpp.TriggerReasonEnum(trigger) {
	case ocpp.TriggerReasonEnumEnergyLimitReached, ocpp.TriggerReasonEnumTimeLimitReached,
		ocpp.TriggerReasonEnumCostLimitReached, ocpp.TriggerReasonEnumSoCLimitReached:
		return true
	}
	return false
}

func (s *State) read(r Reading, at int64) []Slice {
	m := &s.Memory
	s.Readings++
	if r.Has&HasSoC != 0 {
		s.SoC, s.HasSoC = r.SoC, true
	}
	if r.Has&HasPower != 0 {
		s.Power = r.Power
		s.MaxPower = max(s.MaxPower, r.Power)
	}
	m.Counts = m.Counts.with(r)
	if m.Meter.Channel == noChannel {
		m.Meter.Channel = m.Counts.choose()
	}
	// Instants inside a session do not go back, whatever the clock did.
	at = max(at, m.Tape.Cursor)
	if m.Meter.Channel != powerIntegral {
		m.Meter.watch(r, at)
	}
	m.Tape.Peak, m.Tape.Gauge = max(m.Tape.Peak, r.Power), m.Tape.Gauge.with(r)
	m.Metered = m.Metered || r.Has&HasRegister != 0 && r.Register > 0 || r.Has&HasInterval != 0 && r.Interval > 0
	// Only readings of the one channel cut the time; what lies between two
	// of them shares their energy.
	if !r.in(m.Meter.Channel) {
		return nil
	}
	e := m.Meter.add(r, at)
	done, from, until := m.Tape.run(at, e)
	if e > 0 {
		if s.EnergyStartedAt.IsZero() {
			s.EnergyStartedAt = micros(from)
		}
		s.EnergyEndedAt = micros(until)
	}
	return done
}

func (r Reading) in(c Channel) bool {
	cs, n := r.channels()
	for _, x := range cs[:n] {
		if x == c {
			return true
		}
	}
	return false
}

func (s *State) end(e Event, at int64) {
	if s.Phase == Stopped {
		s.Flags |= StopConflict
	}
	s.Phase = Stopped
	s.Memory.EndAt = at
	s.Memory.Vacated, s.Memory.Sign = 0, ""
	s.Reason = e.Reason
	s.Power = 0
	if e.EVSE != 0 && s.EVSE == 0 {
		s.EVSE, s.Conn = e.EVSE, e.Connector
	}
	if e.Reason == "EVDisconnected" || e.Trigger == "EVDeparted" || e.Trigger == "EVCommunicationLost" {
		earliest(&s.Memory.Freed, at)
	}
}
