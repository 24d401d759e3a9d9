package tariff

import (
	"math"
	"math/bits"
	"slices"
	"time"
)

// A session is priced in phases: a reservation before it, then the session.
const (
	phaseSession  = iota
	phaseReserved // a reservation that was used
	phaseExpired  // a reservation that was not
	phases
)

// point is a position within a span: time and energy since its start. On a
// boundary of time the energy may be a fraction, and the other way round.
type point struct{ time, energy fraction }

// clock turns instants into local wall-clock microseconds, asking the zone
// only when its offset changes.
type clock struct {
	zone             *time.Location
	from, to, offset int64 // offset holds in [from, to)
}

func (c *clock) at(us int64) int64 {
	if us >= c.from && us < c.to {
		return c.offset
	}
	t := time.UnixMicro(us).In(c.zone)
	_, seconds := t.Zone()
	c.offset = int64(seconds) * int64(time.Second/time.Microsecond)
	start, end := t.ZoneBounds()
	c.from, c.to = math.MinInt64, math.MaxInt64
	if !start.IsZero() {
		c.from = start.UnixMicro()
	}
	if !end.IsZero() {
		c.to = end.UnixMicro()
	}
	return c.offset
}

// walker goes through spans in order, cuts each wherever a restriction may
// change, and adds what was used between cuts to the component that applies.
type walker struct {
	tariff  *Tariff
	context *Context
	phase   int
	clock   clock
	start   int64 // of the phase
	energy  int64 // so far, mWh
	timed   int64 // so far, µs of charging and parking
	parked  int64 // so far, µs of parking
	book    *ledger
	last    [dims]slot // the last one used, by dimension
	flat    *Component

	lastTimed      slot // the last one priced by time
	periods        []PricedPeriod
	currentUnknown bool
	socUnknown     bool
	ratedUnknown   bool

	soc     []SoCReading // in order
	socAt   int          // how many of soc are past
	waiting []TimeSpan
	free    [2]meter // of energy and of time; rule nil: none
	taken   []Used

	times    [16]int64
	energies [16]int64
}

func (w *walker) span(s span) {
	duration := s.to - s.from
	times := w.timeCuts(s, w.times[:0])
	energies := w.energyCuts(s, w.energies[:0])
	from := point{}
	end := point{time: fraction{whole: duration}, energy: fraction{whole: s.energy}}
	active := w.match(&s, from)
	begin := from
	for i, j := 0, 0; i < len(times) || j < len(energies); {
		var at point
		switch c := order(times, energies, i, j, duration, s.energy); {
		case c < 0:
			at = point{fraction{whole: times[i]}, mulDiv(s.energy, times[i], duration)}
			i++
		case c > 0:
			at = point{mulDiv(duration, energies[j], s.energy), fraction{whole: energies[j]}}
			j++
		default:
			at = point{fraction{whole: times[i]}, fraction{whole: energies[j]}}
			i, j = i+1, j+1
		}
		next := w.match(&s, at)
		if next != active {
			w.use(&s, active, begin, at)
			begin, active = at, next
		}
	}
	w.use(&s, active, begin, end)
	w.energy += s.energy
	if s.dim != noDim {
		w.timed += duration
	}
	if s.dim == dimParking {
		w.parked += duration
	}
}

// order says whether the next cut is the time's (-1), the energy's (1) or
// both at once (0): times[i]/duration against energies[j]/energy, exactly.
func order(times, energies []int64, i, j int, duration, energy int64) int {
	switch {
	case j == len(energies):
		return -1
	case i == len(times):
		return 1
	}
	ah, al := bits.Mul64(uint64(times[i]), uint64(energy))
	bh, bl := bits.Mul64(uint64(energies[j]), uint64(duration))
	switch {
	case ah < bh || ah == bh && al < bl:
		return -1
	case ah == bh && al == bl:
		return 0
	}
	return 1
}

// active is what applies between two cuts: a component by dimension, why
// parking is free of its fee, and the local date where days are counted.
type active struct {
	components [dims]*Component
	excuse     Reason
	date       int64
}

// match finds, for each dimension, the first component in the tariff's order
// whose element applies at p (OCPI 2.2.1 Tariff object).
func (w *walker) match(s *span, p point) active {
	at := s.from + p.time.whole
	m := moment{energy: w.energy + p.energy.whole, duration: at - w.start, power: s.power, current: s.current, soc: -1, context: w.context}
	if w.tariff.bySoC {
		m.soc = w.socUntil(at)
	}
	if w.tariff.needsClock() {
		wall := at + w.clock.at(at)
		m.date = floorDiv(wall, day)
		m.timeOfDay = wall - m.date*day
		m.weekday = uint8(((m.date+4)%7 + 7) % 7) // 1970-01-01 was a Thursday
	}
	var out active
	if w.tariff.daily {
		out.date = m.date
	}
	for d := range dims {
		if d == dimTime && s.dim != dimTime || d == dimParking && s.dim != dimParking ||
			d == dimFlat && w.flat != nil {
			continue
		}
		for _, c := range w.tariff.candidates[w.phase][d] {
			w.ask(c.when.set, s, &m)
			if c.when.match(&m) {
				out.components[d] = c
				break
			}
		}
	}
	if c := out.components[dimFlat]; c != nil {
		w.flat, out.components[dimFlat] = c, nil
		*w.book.at(out.date, c) = quantity{whole: 1, used: true}
	}
	if idle := w.tariff.policy.idle; idle != nil && out.components[dimParking] != nil {
		out.excuse = w.excuse(idle, at, m.timeOfDay, w.parked+p.time.whole)
	}
	return out
}

// ask notes what a restriction asks for that nobody knows.
func (w *walker) ask(set restriction, s *span, m *moment) {
	if set&(current|soc|rated) == 0 {
		return
	}
	w.currentUnknown = w.currentUnknown || set&current != 0 && !s.currentKnown
	w.socUnknown = w.socUnknown || set&soc != 0 && m.soc < 0
	w.ratedUnknown = w.ratedUnknown || set&rated != 0 && w.context.Rated == 0
}

// use books what lies between two points.
func (w *walker) use(s *span, a active, from, to point) {
	if from == to {
		return
	}
	energy := a.components[dimEnergy]
	w.split(freeEnergy, energy, a.date, from.energy, to.energy, w.energy)
	timed := a.components[dimTime]
	if s.dim == dimParking {
		timed = a.components[dimParking]
	}
	switch {
	case a.excuse != "":
		w.give(timed, a, a.excuse, from.time, to.time)
	case s.dim != noDim:
		w.split(freeTime, timed, a.date, from.time, to.time, w.timed)
	}
	start, end := s.from+from.time.nearest(), s.from+to.time.nearest()
	p := PricedPeriod{
		Start: time.UnixMicro(start).UTC(), End: time.UnixMicro(end).UTC(),
		Reserved: w.phase != phaseSession, Energy: energyBetween(from, to), source: s.source,
		energyComponent: energy, timeComponent: timed, dim: s.dim, excuse: a.excuse,
	}
	w.periods = append(w.periods, p)
}

// split books what the driver's allowance covers as free and the rest on the
// component. base is where the session's own count stood at the span's start.
func (w *walker) split(of int, c *Component, date int64, from, to fraction, base int64) {
	f := &w.free[of]
	if f.rule == nil {
		w.bill(c, date, from, to)
		return
	}
	if done, ok := f.turn(w.context, date, from.plus(base)); ok {
		w.taken = append(w.taken, done)
	}
	edge := f.until.plus(-base)
	switch {
	case edge.compare(from) <= 0:
		w.bill(c, date, from, to)
	case edge.compare(to) >= 0:
		w.give(c, active{date: date}, ReasonAllowance, from, to)
	default:
		w.give(c, active{date: date}, ReasonAllowance, from, edge)
		w.bill(c, date, edge, to)
	}
}

// give books what has a price as free.
func (w *walker) give(c *Component, a active, why Reason, from, to fraction) {
	if c != nil && from != to && c.Price.Sign() != 0 {
		w.book.give(a.date, c, why, from, to)
	}
}

func (w *walker) bill(c *Component, date int64, from, to fraction) {
	if c == nil || from == to {
		return
	}
	q := w.book.at(date, c)
	q.add(from, to)
	q.used = true
	w.last[c.dim] = slot{c, date}
	if c.dim != dimEnergy {
		w.lastTimed = slot{c, date}
	}
}

// timeCuts lists the offsets into s, without its ends, at which a local time,
// a date, a zone's offset or the session's duration passes a boundary.
func (w *walker) timeCuts(s span, out []int64) []int64 {
	if s.to == s.from {
		return out
	}
	if len(w.tariff.dayCuts) > 0 {
		out = w.wallCuts(s, out)
	}
	add := func(at int64) {
		if at > s.from && at < s.to {
			out = append(out, at-s.from)
		}
	}
	for _, d := range w.tariff.durationCuts {
		add(w.start + d)
	}
	if w.tariff.bySoC {
		for _, r := range w.soc {
			add(r.At.UnixMicro())
		}
	}
	if idle := w.tariff.policy.idle; idle != nil && s.dim == dimParking {
		add(s.from + idle.grace - w.parked)
		for _, x := range w.waiting {
			add(x.Start.UnixMicro())
			add(x.End.UnixMicro())
		}
	}
	if !slices.IsSorted(out) {
		slices.Sort(out)
	}
	return slices.Compact(out)
}

func (w *walker) wallCuts(s span, out []int64) []int64 {
	for pos := s.from; pos < s.to; {
		offset := w.clock.at(pos)
		until := min(s.to, w.clock.to)
		for midnight := floorDiv(pos+offset, day) * day; midnight-offset < until; midnight += day {
			for _, c := range w.tariff.dayCuts {
				if at := midnight + c - offset; at > s.from && at >= pos && at < until {
					out = append(out, at-s.from)
				}
			}
		}
		if until < s.to {
			out = append(out, until-s.from)
		}
		pos = until
	}
	return out
}

// energyCuts lists the amounts of s's energy at which the session's total
// reaches a threshold.
func (w *walker) energyCuts(s span, out []int64) []int64 {
	for _, e := range w.tariff.energyCuts {
		if y := e - w.energy; y > 0 && y < s.energy {
			out = append(out, y)
		}
	}
	return out
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
