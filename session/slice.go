package session

import (
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// Quarter is the length of the clock-aligned intervals.
const Quarter = 15 * time.Minute

// A gap between two readings up to this long still counts as measured.
const measuredGap = Quarter + time.Minute

// Without a reading for so long the time between is not cut into quarters.
const coarseGap = 10 * 24 * time.Hour

// Slice is a piece of a session within one quarter of an hour and one
// charging state. The slices of a session follow each other without a hole
// and their energies sum to the session's energy, to the milliwatt-hour.
type Slice struct {
	Start, End time.Time
	Charging   Charging
	Energy     unit.Energy
	MaxPower   unit.Watts
	Gauge
	Measured bool // readings at most a quarter of an hour apart
}

// Gauge is what was measured within a slice besides its highest power. Zero
// means not measured. Currents are sums over the phases.
type Gauge struct {
	MinPower   unit.Watts     `json:"w,omitempty"`
	MinCurrent unit.MilliAmps `json:"l,omitempty"`
	MaxCurrent unit.MilliAmps `json:"h,omitempty"`
}

// with takes in a reading.
func (g Gauge) with(r Reading) Gauge {
	if r.Has&HasPower != 0 && r.Power > 0 {
		g.MinPower = least(g.MinPower, r.Power)
	}
	if r.Has&HasCurrentSum != 0 && r.Amperes > 0 {
		g.MinCurrent, g.MaxCurrent = least(g.MinCurrent, r.Amperes), max(g.MaxCurrent, r.Amperes)
	}
	return g
}

func (g Gauge) merge(o Gauge) Gauge {
	return Gauge{MinPower: least(g.MinPower, o.MinPower), MinCurrent: least(g.MinCurrent, o.MinCurrent), MaxCurrent: max(g.MaxCurrent, o.MaxCurrent)}
}

// least is the smaller of two figures of which zero is none.
func least[T ~int64](a, b T) T {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// Interval is a quarter of an hour, aligned to the clock; the first and the
// last are cut by the session.
type Interval struct {
	Start, End time.Time
	Energy     unit.Energy
	MaxPower   unit.Watts
	Measured   bool
}

// Average gives the mean power over the interval.
func (i Interval) Average() unit.Watts { return i.Energy.Over(i.End.Sub(i.Start)) }

// Intervals merges the slices of a session, in order, into quarters of an
// hour. Σ Energy is kept exactly.
func Intervals(s []Slice) []Interval {
	var out []Interval
	for _, p := range s {
		q := p.Start.Truncate(Quarter)
		if n := len(out); n > 0 && (out[n-1].Start.Truncate(Quarter).Equal(q) || !p.End.After(p.Start)) {
			last := &out[n-1]
			last.End = p.End
			last.Energy += p.Energy
			last.MaxPower = max(last.MaxPower, p.MaxPower)
			last.Measured = last.Measured && (p.Measured || p.Energy == 0)
			continue
		}
		out = append(out, Interval{Start: p.Start, End: p.End, Energy: p.Energy, MaxPower: p.MaxPower, Measured: p.Measured})
	}
	return out
}

// WattHours gives each interval's whole watt-hours such that their sum is
// the session's energy in whole watt-hours: the running total is rounded,
// not the parts.
func WattHours(in []Interval) []int64 {
	out := make([]int64, len(in))
	var sum unit.Energy
	var shown int64
	for i, v := range in {
		sum += v.Energy
		out[i] = sum.WattHours() - shown
		shown += out[i]
	}
	return out
}

// More changes than this between two readings are not told apart.
const maxChanges = 256

// change is a charging state that begins at an instant.
type change struct {
	At int64    `json:"a"`
	To Charging `json:"c"`
}

// tape cuts a session into slices as readings come in. It keeps the last
// slice open, so that a quarter with many readings is one row.
type tape struct {
	Cursor  int64      `json:"c,omitempty"` // everything before is cut
	State   Charging   `json:"s,omitempty"` // at the cursor
	Changes []change   `json:"x,omitempty"` // later than the cursor, in order
	Turned  int64      `json:"t,omitempty"` // the latest change told, even if it changed nothing
	Open    *openSlice `json:"o,omitempty"`
	Peak    unit.Watts `json:"p,omitempty"` // highest power since the cursor
	Gauge   Gauge      `json:"g,omitzero"`  // measured since the cursor
	Flood   bool       `json:"fd,omitempty"`
	Flowed  bool       `json:"f,omitempty"` // energy has flowed: Connected is Idle now
}

type openSlice struct {
	Start    int64       `json:"a"`
	End      int64       `json:"b"`
	Charging Charging    `json:"c,omitempty"`
	Energy   unit.Energy `json:"e,omitempty"`
	MaxPower unit.Watts  `json:"p,omitempty"`
	Gauge    Gauge       `json:"g,omitzero"`
	Measured bool        `json:"m,omitempty"`
}

func (o *openSlice) slice() Slice {
	return Slice{Start: micros(o.Start), End: micros(o.End), Charging: o.Charging, Energy: o.Energy, MaxPower: o.MaxPower, Gauge: o.Gauge, Measured: o.Measured}
}

func micros(us int64) time.Time { return time.UnixMicro(us).UTC() }

// turn notes what a connector status says. It reports false when the tape is
// already past it: then the session has to be folded anew.
func (t *tape) turn(at int64, to Charging) bool {
	if at <= t.Cursor || at <= t.Turned {
		return false
	}
	t.push(at, to)
	return true
}

// follow notes what the transaction itself says, in its own order: a clock
// that went back does not undo what came before.
func (t *tape) follow(at int64, to Charging) {
	at = max(at, t.Cursor, t.Turned)
	if n := len(t.Changes); n > 0 && t.Changes[n-1].At == at {
		t.Changes = t.Changes[: n-1 : n-1]
	}
	t.push(at, to)
}

func (t *tape) push(at int64, to Charging) {
	t.Turned = at
	if len(t.Changes) >= maxChanges {
		t.Flood = true
		return
	}
	if to != t.latest() {
		// The array is shared with the state before: never write into it.
		t.Changes = append(t.Changes[:len(t.Changes):len(t.Changes)], change{at, to})
	}
}

func (t *tape) latest() Charging {
	if n := len(t.Changes); n > 0 {
		return t.Changes[n-1].To
	}
	return t.State
}

// piece is an uncut part of a span.
type piece struct {
	from, to int64
	charging Charging
	energy   unit.Energy
}

// run advances the tape to the instant to, over which energy e was
// delivered. It returns the slices that are complete and the span in which
// energy flowed (zero when e is zero).
func (t *tape) run(to int64, e unit.Energy) (done []Slice, from, until int64) {
	to = max(to, t.Cursor)
	pieces := t.cut(to)
	spread(pieces, e)
	gap := time.Duration(to-t.Cursor) * time.Microsecond
	for _, p := range pieces {
		if p.energy > 0 {
			if from == 0 {
				from = p.from
			}
			until = p.to
			t.Flowed = true
		}
		if s, ok := t.extend(p, gap <= measuredGap); ok {
			done = append(done, s)
		}
	}
	if t.Open != nil {
		o := *t.Open
		o.MaxPower = max(o.MaxPower, t.Peak)
		o.Gauge = o.Gauge.merge(t.Gauge)
		t.Open, t.Peak, t.Gauge = &o, 0, Gauge{}
	}
	t.Cursor = to
	return done, from, until
}

// cut divides [cursor, to] at changes of state and at quarters of an hour.
// A span without length gives one piece, so that energy always has a place.
func (t *tape) cut(to int64) []piece {
	quarter := Quarter.Microseconds()
	coarse := to-t.Cursor > coarseGap.Microseconds()
	at := t.Cursor
	var out []piece
	for at < to || len(out) == 0 {
		for len(t.Changes) > 0 && t.Changes[0].At <= at {
			t.State, t.Changes = t.Changes[0].To, t.Changes[1:]
		}
		end := to
		if !coarse {
			end = min(end, at-at%quarter+quarter)
		}
		if len(t.Changes) > 0 {
			end = min(end, t.Changes[0].At)
		}
		out = append(out, piece{from: at, to: end, charging: t.shown()})
		if end == at {
			break
		}
		at = end
	}
	return out
}

// shown tells a car that waits for its charge from one that has had it.
func (t *tape) shown() Charging {
	if t.State == Connected && t.Flowed {
		return Idle
	}
	return t.State
}

// spread gives each piece its part of e: by time, and only to pieces in
// which the car could charge, if there are any. The parts sum to e exactly.
func spread(pieces []piece, e unit.Energy) {
	if e == 0 {
		return
	}
	weight := func(p piece, all bool) int64 {
		if all || p.charging == Flowing || p.charging == Unknown {
			return p.to - p.from
		}
		return 0
	}
	var whole int64
	all := false
	for _, p := range pieces {
		whole += weight(p, false)
	}
	if whole == 0 {
		all = true
		for _, p := range pieces {
			whole += weight(p, true)
		}
	}
	if whole == 0 {
		pieces[len(pieces)-1].energy = e
		return
	}
	var part int64
	var given unit.Energy
	for i := range pieces {
		part += weight(pieces[i], all)
		upTo := share(e, part, whole)
		pieces[i].energy = upTo - given
		given = upTo
	}
}

// extend adds p to the open slice, or closes it and opens the next.
func (t *tape) extend(p piece, measured bool) (Slice, bool) {
	next := &openSlice{Start: p.from, End: p.to, Charging: p.charging, Energy: p.energy, Measured: measured || p.energy == 0}
	o := t.Open
	if o == nil {
		t.Open = next
		return Slice{}, false
	}
	quarter := Quarter.Microseconds()
	if p.from == p.to || o.Charging == p.charging && o.Start/quarter == p.from/quarter || o.Start == o.End && o.Energy == 0 {
		next.Start = o.Start
		next.Energy += o.Energy
		next.MaxPower, next.Gauge = o.MaxPower, o.Gauge
		next.Measured = next.Measured && o.Measured
		if p.from == p.to {
			next.Charging = o.Charging
		}
		t.Open = next
		return Slice{}, false
	}
	t.Open = next
	return o.slice(), true
}
