package tariff

import (
	"math/bits"
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// policy is a tariff's extension in engine units.
type policy struct {
	free     []allowance
	idle     *idlePolicy
	failed   *failedStart
	dayCap   *Limit
	rounding *Rounding
}

// daily reports whether anything is counted by local days.
func (p *policy) daily() bool {
	return p.dayCap != nil || slices.ContainsFunc(p.free, func(a allowance) bool {
		return a.of != freeAmount && (a.per == PerDay || a.per == PerMonth)
	})
}

// What an allowance is of.
const (
	freeEnergy = iota // mWh
	freeTime          // µs
	freeAmount
)

type allowance struct {
	per    Per
	of     int
	amount int64
	limit  *Limit
	groups []string
	rule   AllowanceRule
}

// key names the stretch that an allowance is counted over, at a local date
// (days since 1970-01-01): "2026-03-29", "2026-03", "plan"; a session's is "".
func (p Per) key(date int64) string {
	switch p {
	case PerDay:
		return dateText(date)
	case PerMonth:
		return dateText(date)[:7]
	case PerPlan:
		return "plan"
	}
	return ""
}

func dateText(date int64) string {
	return time.UnixMicro(date * day).UTC().Format(time.DateOnly)
}

type idlePolicy struct {
	grace   int64 // µs
	waiting bool
	cap     *Limit
	quiet   []window
	rule    IdleRule
}

// window is a local time of day, wrapping past midnight when to <= from.
type window struct{ from, to int64 }

func (w window) holds(timeOfDay int64) bool {
	if w.from < w.to {
		return timeOfDay >= w.from && timeOfDay < w.to
	}
	return timeOfDay >= w.from || timeOfDay < w.to
}

type failedStart struct{ duration, energy int64 }

// Reason says why something that has a price cost nothing.
type Reason string

const (
	ReasonGrace     Reason = "grace"            // the first minutes of parking
	ReasonQuiet     Reason = "quiet_hours"      // parking at night
	ReasonNoWaiting Reason = "nobody_waits"     // parking while nobody waited
	ReasonAllowance Reason = "allowance"        // the driver's free kWh or minutes
	ReasonFailed    Reason = "failed_start"     // too short and small to be a charge
	ReasonDayCap    Reason = "day_cap"          // the day's maximum is reached
	ReasonIdleCap   Reason = "idle_cap"         // the maximum for parking is reached
	ReasonCredit    Reason = "allowance_amount" // the driver's free amount
	ReasonCoins     Reason = "cash_rounding"    // to what can be paid
)

// SoCReading is what a vehicle told of its battery at an instant; it holds
// until the next one.
type SoCReading struct {
	At  time.Time         `json:"at"`
	SoC unit.MilliPercent `json:"soc_mpct"`
}

// TimeSpan is a stretch of time.
type TimeSpan struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// Used tells how much of an allowance a driver has had, or that a session
// took. Key is what Per.key makes of the local date: the day, the month, or
// "plan". Of an amount, Excl and Incl.
type Used struct {
	Per    Per           `json:"per"`
	Key    string        `json:"key"`
	Energy unit.Energy   `json:"energy_mwh,omitempty"`
	Time   time.Duration `json:"time_ns,omitempty"`
	Excl   money.Micro   `json:"excl_micros,omitempty"`
	Incl   money.Micro   `json:"incl_micros,omitempty"`
}

// Spent tells what a driver pays for a local day under a tariff with a day cap.
type Spent struct {
	Date string      `json:"date"`
	Excl money.Micro `json:"excl_micros"`
	Incl money.Micro `json:"incl_micros"`
}

// before gives what of an allowance was used up before this session.
func (c *Context) before(per Per, key string) (sum Used) {
	if per == PerSession {
		return sum
	}
	for _, u := range c.Used {
		if u.Per == per && u.Key == key {
			sum.Energy, sum.Time, sum.Excl, sum.Incl = sum.Energy+u.Energy, sum.Time+u.Time, sum.Excl+u.Excl, sum.Incl+u.Incl
		}
	}
	return sum
}

// spent gives what was paid for a day before.
func (c *Context) spent(date string) (excl, incl money.Micro) {
	for _, s := range c.Spent {
		if s.Date == date {
			excl, incl = excl+s.Excl, incl+s.Incl
		}
	}
	return excl, incl
}

// in reports whether the driver is in one of the groups; none means all.
func (c *Context) in(groups []string) bool {
	return len(groups) == 0 || slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(c.Groups, g) })
}

// applicable is the first allowance of a kind that the driver has; nil: none.
func (p *policy) applicable(of int, c *Context) *allowance {
	for i := range p.free {
		if p.free[i].of == of && c.in(p.free[i].groups) {
			return &p.free[i]
		}
	}
	return nil
}

// meter follows one allowance through a session. What is free ends at an
// exact position of the session's own count.
type meter struct {
	rule  *allowance
	key   string
	open  bool     // key holds
	from  fraction // position at which key began
	until fraction // position at which the free part ends
}

// turn opens the allowance anew when its day or month changes at a position.
func (f *meter) turn(c *Context, date int64, at fraction) (done Used, closed bool) {
	key := f.rule.per.key(date)
	if f.open && key == f.key {
		return done, false
	}
	done, closed = f.close(at)
	f.key, f.open, f.from = key, true, at
	used := c.before(f.rule.per, key)
	left := f.rule.amount - int64(used.Energy)
	if f.rule.of == freeTime {
		left = f.rule.amount - used.Time.Microseconds()
	}
	f.until = at
	f.until.whole += max(left, 0)
	return done, closed
}

// close gives what was taken of the current key until a position.
func (f *meter) close(at fraction) (Used, bool) {
	if !f.open {
		return Used{}, false
	}
	end := f.until
	if at.compare(end) < 0 {
		end = at
	}
	var q quantity
	q.add(f.from, end)
	u := Used{Per: f.rule.per, Key: f.key}
	if f.rule.of == freeTime {
		u.Time = time.Duration(q.nearest()) * time.Microsecond
	} else {
		u.Energy = unit.Energy(q.nearest())
	}
	return u, u.Time != 0 || u.Energy != 0
}

// compare orders two positions exactly.
func (f fraction) compare(g fraction) int {
	switch {
	case f.whole != g.whole:
		if f.whole < g.whole {
			return -1
		}
		return 1
	case f.den == 0 && g.den == 0:
		return 0
	}
	fd, gd := max(f.den, 1), max(g.den, 1)
	ah, al := bits.Mul64(uint64(f.num), uint64(gd))
	bh, bl := bits.Mul64(uint64(g.num), uint64(fd))
	switch {
	case ah < bh || ah == bh && al < bl:
		return -1
	case ah == bh && al == bl:
		return 0
	}
	return 1
}

func (f fraction) plus(whole int64) fraction { f.whole += whole; return f }
