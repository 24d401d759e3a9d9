package session

import (
	"math"
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// Fold takes a set of events, in any order and with any repetition, and gives
// the session and all slices that are complete. It is what Next gives, event
// by event, when they come in order.
func Fold(events []Event) (State, []Slice) {
	own, seen, passed := arrange(events)
	var s State
	s.Memory.Passed = passed
	var jumped bool
	if own, jumped = unscramble(own); jumped {
		s.Flags |= ClockJump
	}
	var n counts
	for _, e := range own {
		if e.Kind == ReadingTaken {
			n = n.with(e.Reading)
		}
	}
	s.Memory.Meter.Channel = n.choose()
	var all []Slice
	fed := 0
	feed := func(until int64) {
		for ; fed < len(seen) && seen[fed].Time().UnixMicro() <= until; fed++ {
			if seen[fed].status() {
				s.Memory.Tape.push(seen[fed].Time().UnixMicro(), seen[fed].Charging)
			}
		}
	}
	for _, e := range own {
		feed(e.Time().UnixMicro())
		var done []Slice
		s, done = s.apply(e)
		all = append(all, done...)
	}
	feed(math.MaxInt64)
	for _, e := range seen {
		if !e.status() {
			s, _, _ = s.observe(e)
		}
	}
	return s.derive(), all
}

// arrange sorts the transaction's own events and the observations, drops
// repetitions, and leaves out what does not count.
func arrange(events []Event) (own, seen []Event, passed int64) {
	for _, e := range events {
		if e.Kind == Connector || e.Kind == Vacated {
			seen = append(seen, e)
			if e.Kind == Vacated && e.Reason == signContinued {
				earliest(&passed, e.Time().UnixMicro())
			}
		} else {
			own = append(own, e)
		}
	}
	order := func(a, b Event) int { return keyOf(a).compare(keyOf(b)) }
	same := func(a, b Event) bool { return keyOf(a) == keyOf(b) }
	slices.SortStableFunc(own, order)
	own = slices.CompactFunc(own, same)
	slices.SortStableFunc(seen, order)
	if slices.ContainsFunc(own, func(e Event) bool { return e.Seq != NoSeq }) {
		seen = slices.DeleteFunc(seen, Event.status)
	}
	if passed != 0 {
		after := func(e Event) bool { return e.Time().UnixMicro() > passed }
		own = slices.DeleteFunc(own, func(e Event) bool { return e.Kind == ReadingTaken && after(e) })
		seen = slices.DeleteFunc(seen, func(e Event) bool { return e.status() && after(e) })
	}
	for _, last := range slices.Backward(own) {
		if last.Kind != Ended {
			continue
		}
		end := last.Time()
		own = slices.DeleteFunc(own, func(e Event) bool {
			return e.Kind == ReadingTaken && e.Seq == NoSeq && e.Anchor == NoAnchor && e.Time().After(end)
		})
		seen = slices.DeleteFunc(seen, func(e Event) bool { return e.status() && e.Time().After(end) })
		break
	}
	return own, seen, passed
}

func (e Event) status() bool { return e.Kind == Connector && e.Charging != Unknown }

// unscramble repairs a 1.6 session during which the clock was set. Its
// readings, put in order of their times, seem to fall. When start and stop
// hold all of them between their own, the register itself is the better
// clock: values and times are sorted each for itself.
//
// A register that counts from zero for each session tells nothing of the
// kind (a reset looks the same), so the start must be above zero.
func unscramble(own []Event) ([]Event, bool) {
	var first, last *Event
	for i := range own {
		switch own[i].Anchor {
		case MeterStart:
			first = &own[i]
		case MeterStop:
			last = &own[i]
		}
	}
	if first == nil || last == nil || first.Reading.Register <= 0 || last.Reading.Register < first.Reading.Register {
		return own, false
	}
	var at []int
	fell := false
	prev := first.Reading.Register
	for i, e := range own {
		if e.Kind != ReadingTaken || e.Anchor != NoAnchor || e.Reading.Has&HasRegister == 0 || e.Reading.Location != Outlet {
			continue
		}
		v := e.Reading.Register
		if v < first.Reading.Register || v > last.Reading.Register {
			return own, false
		}
		fell = fell || prev-v > jitter
		prev = max(prev, v)
		at = append(at, i)
	}
	if !fell {
		return own, false
	}
	return resort(own, at), true
}

// resort orders the readings at the given places by their registers and gives
// them, in that order, the times that were there.
func resort(own []Event, at []int) []Event {
	type stamp struct {
		station, received time.Time
		skew              time.Duration
	}
	out := slices.Clone(own)
	readings := make([]Event, 0, len(at))
	for _, i := range at {
		readings = append(readings, own[i])
	}
	slices.SortStableFunc(readings, func(a, b Event) int { return compareEnergy(a.Reading.Register, b.Reading.Register) })
	for n, i := range at {
		t := stamp{own[i].Station, own[i].Received, own[i].Skew}
		out[i] = readings[n]
		out[i].Station, out[i].Received, out[i].Skew = t.station, t.received, t.skew
	}
	return out
}

func compareEnergy(a, b unit.Energy) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
