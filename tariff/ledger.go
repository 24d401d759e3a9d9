package tariff

import (
	"slices"
)

// slot is a component on a local day (0 where days are not counted).
type slot struct {
	component *Component
	date      int64
}

// ledger holds what was used: by component, and by local day where days are
// counted.
type ledger struct {
	width int     // components
	dates []int64 // in order of time
	used  []quantity
	bill  []quantity // what the step adds
	free  []gift
}

// gift is what has a price and cost nothing.
type gift struct {
	slot
	why Reason
	quantity
}

func newLedger(width int) *ledger { return &ledger{width: width} }

// at is the place of a component on a day, which is made if need be.
func (l *ledger) at(date int64, c *Component) *quantity { return &l.used[l.index(date)+c.index] }

// index is where a day's row begins; a row is made if need be.
func (l *ledger) index(date int64) int {
	i := len(l.dates)
	for i > 0 && l.dates[i-1] > date {
		i--
	}
	at := i * l.width
	if i > 0 && l.dates[i-1] == date {
		return at - l.width
	}
	l.dates = slices.Insert(l.dates, i, date)
	l.used = slices.Insert(l.used, at, make([]quantity, l.width)...)
	l.bill = slices.Insert(l.bill, at, make([]quantity, l.width)...)
	return at
}

func (l *ledger) give(date int64, c *Component, why Reason, from, to fraction) {
	l.index(date)
	s := slot{c, date}
	i := slices.IndexFunc(l.free, func(g gift) bool { return g.slot == s && g.why == why })
	if i < 0 {
		i = len(l.free)
		l.free = append(l.free, gift{slot: s, why: why})
	}
	l.free[i].add(from, to)
}

// excuse says why parking costs nothing at a moment, if it does not. parked
// is how long the vehicle has been parking in this session.
func (w *walker) excuse(idle *idlePolicy, at, timeOfDay, parked int64) Reason {
	if parked < idle.grace {
		return ReasonGrace
	}
	for _, q := range idle.quiet {
		if q.holds(timeOfDay) {
			return ReasonQuiet
		}
	}
	if idle.waiting && !slices.ContainsFunc(w.waiting, func(s TimeSpan) bool {
		return s.Start.UnixMicro() <= at && at < s.End.UnixMicro()
	}) {
		return ReasonNoWaiting
	}
	return ""
}

// socUntil gives the latest state of charge that was told by an instant; -1
// when there is none. Instants come in order.
func (w *walker) socUntil(at int64) int64 {
	for w.socAt < len(w.soc) && w.soc[w.socAt].At.UnixMicro() <= at {
		w.socAt++
	}
	if w.socAt == 0 {
		return -1
	}
	return int64(w.soc[w.socAt-1].SoC)
}
