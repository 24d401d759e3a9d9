package tariff

import (
	"fmt"
	"strings"
)

// weekMinutes is a set of the minutes of a week, Monday 00:00 first.
type weekMinutes [7 * minutesOfDay]bool

const (
	minutesOfDay = 24 * 60
	minute       = day / minutesOfDay
)

// minutesOf marks when the time of day and the weekday of r hold.
func (r *Restrictions) minutesOf() *weekMinutes {
	var w weekMinutes
	for d := range 7 {
		for i := range minutesOfDay {
			m := moment{timeOfDay: int64(i) * minute, weekday: uint8((d + 1) % 7)}
			hours := Restrictions{set: r.set & (onTime | onDays), fromTime: r.fromTime, toTime: r.toTime, days: r.days}
			w[d*minutesOfDay+i] = hours.matchLocal(&m)
		}
	}
	return &w
}

// weekly reports that nothing but the time of day and the weekday matters.
func (r *Restrictions) weekly() bool { return r.set&^(onTime|onDays) == 0 }

// windows refuses time windows that leave a hole in the price of what is
// used, that run into each other, or that can never apply behind others.
func (c *compiler) windows(t *Tariff) {
	for dim, list := range t.candidates[phaseSession] {
		if len(list) == 0 {
			continue
		}
		var covered, open weekMinutes
		timed := 0
		for i, k := range list {
			w := k.when.minutesOf()
			if c.hidden(k, w, &covered) {
				break
			}
			c.collides(list[:i], k)
			if k.when.set&onTime != 0 {
				timed++
			}
			for m, on := range w {
				covered[m] = covered[m] || on && k.when.weekly()
				open[m] = open[m] || on
			}
		}
		// Fees may come and go. Energy is sold at every hour, and several windows
		// of time are meant to meet.
		if d := int8(dim); d == dimEnergy && timed > 0 || d == dimTime && timed > 1 {
			c.gap(list, &open)
		}
	}
}

// hidden refuses an element in all of whose hours others come before it.
func (c *compiler) hidden(k *Component, w, covered *weekMinutes) bool {
	if k.when.set&(onTime|onDays) == 0 {
		return false // see reach
	}
	for m, on := range w {
		if on && !covered[m] {
			return false
		}
	}
	c.bad(fmt.Sprintf("elements[%d].restrictions", k.element), k.Dimension,
		"never applies: the elements before it price %s at all of these hours; put it first", k.Dimension)
	return true
}

// collides refuses a time window that begins or ends inside an earlier one of
// the same days: which price holds there is an accident of the order.
func (c *compiler) collides(before []*Component, k *Component) {
	if !k.when.weekly() || k.when.set&onTime == 0 {
		return
	}
	for _, b := range before {
		if b.element == k.element || !b.when.weekly() || b.when.set&onTime == 0 || b.when.days != k.when.days {
			continue
		}
		x, y := window{b.when.fromTime, b.when.toTime}, window{k.when.fromTime, k.when.toTime}
		// One inside the other is an exception to a rule, and means something.
		startsIn, endsIn := x.holds(y.from), x.holds(floorMod(y.to-minute, day))
		wraps := startsIn && endsIn && y.holds(x.from) && y.holds(floorMod(x.to-minute, day)) && x != y
		if startsIn != endsIn && !(y.holds(x.from) && y.holds(floorMod(x.to-minute, day))) || wraps {
			c.bad(fmt.Sprintf("elements[%d].restrictions.start_time", k.element), k.when.source.StartTime,
				"overlaps elements[%d] (%s): let one end where the other begins", b.element, between(nil, English, b.when.source.StartTime, b.when.source.EndTime, textBetween, textFrom, textUntil)[0])
		}
	}
}

func floorMod(a, b int64) int64 { return a - floorDiv(a, b)*b }

// gap refuses hours in which nothing prices what is sold.
func (c *compiler) gap(list []*Component, open *weekMinutes) {
	var holes []string
	for m := 0; m < len(open); m++ {
		if open[m] {
			continue
		}
		from := m
		for m < len(open) && !open[m] {
			m++
		}
		holes = append(holes, minuteOfWeek(from)+" to "+minuteOfWeek(m))
	}
	if len(holes) == 0 {
		return
	}
	said := strings.Join(holes[:min(len(holes), 3)], ", ")
	if n := len(holes) - 3; n > 0 {
		said += fmt.Sprintf(" and %d more", n)
	}
	last := list[len(list)-1]
	c.bad(fmt.Sprintf("elements[%d]", last.element), last.Dimension,
		"leaves a gap: nothing prices %s from %s; add an element without restrictions behind it, with price 0 if it is to be free", last.Dimension, said)
}

// minuteOfWeek writes "Mon 07:00".
func minuteOfWeek(m int) string {
	d, i := m/minutesOfDay, m%minutesOfDay
	if d == 7 {
		d, i = 6, minutesOfDay
	}
	return fmt.Sprintf("%s %02d:%02d", weekdayNames[English][d], i/60, i%60)
}
