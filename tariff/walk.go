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
	tariff *Tariff
	phase  int
	clock  clock
	start  int64 // of the phase
	energy int64 // so far, mWh
	used   []quantity
	last   [dims]*Component // the last component used, by dimension
	flat   *Component

	lastTimed      *Component // the last one priced by time
	periods        []PricedPeriod
	currentUnknown bool

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

// active is the component that applies, by dimension.
type active [dims]*Component

// match finds, for each dimension, the first component in the tariff's order
// whose element applies at p (OCPI 2.2.1 Tariff object).
func (w *walker) match(s *span, p point) active {
	at := s.from + p.time.whole
	m := moment{energy: w.energy + p.energy.whole, duration: at - w.start, power: s.power, current: s.current}
	if w.tariff.needsClock() {
		wall := at + w.clock.at(at)
		m.date = floorDiv(wall, day)
		m.timeOfDay = wall - m.date*day
		m.weekday = uint8(((m.date+4)%7 + 7) % 7) // 1970-01-01 was a Thursday
	}
	var out active
	for d := range dims {
		if d == dimTime && s.dim != dimTime || d == dimParking && s.dim != dimParking ||
			d == dimFlat && w.flat != nil {
			continue
		}
		for _, c := range w.tariff.candidates[w.phase][d] {
			if c.when.set&current != 0 && !s.currentKnown {
				w.currentUnknown = true
			}
			if c.when.match(&m) {
				out[d] = c
				break
			}
		}
	}
	if out[dimFlat] != nil {
		w.flat = out[dimFlat]
		w.used[w.flat.index] = quantity{whole: 1, used: true}
		w.last[dimFlat] = w.flat
		out[dimFlat] = nil
	}
	return out
}

// use books what lies between two points.
func (w *walker) use(s *span, a active, from, to point) {
	if from == to {
		return
	}
	w.book(a[dimEnergy], from.energy, to.energy)
	timed := a[dimTime]
	if s.dim == dimParking {
		timed = a[dimParking]
	}
	if w.book(timed, from.time, to.time) {
		w.lastTimed = timed
	}
	start, end := s.from+from.time.nearest(), s.from+to.time.nearest()
	p := PricedPeriod{
		Start: time.UnixMicro(start).UTC(), End: time.UnixMicro(end).UTC(),
		Reserved: w.phase != phaseSession, Energy: energyBetween(from, to), source: s.source,
		energyComponent: a[dimEnergy], timeComponent: timed, dim: s.dim,
	}
	w.periods = append(w.periods, p)
}

func (w *walker) book(c *Component, from, to fraction) bool {
	if c == nil || from == to {
		return false
	}
	q := &w.used[c.index]
	q.add(from, to)
	q.used = true
	w.last[c.dim] = c
	return true
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
	n := len(out)
	for _, d := range w.tariff.durationCuts {
		if at := w.start + d; at > s.from && at < s.to {
			out = append(out, at-s.from)
		}
	}
	if n > 0 && len(out) > n {
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
