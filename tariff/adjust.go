package tariff

import (
	"math/big"

	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// adjust applies what looks at the sum of the lines, each as lines of its own.
func (p *pricer) adjust(u *Usage, session bool) {
	days := p.days()
	if idle := p.t.policy.idle; idle != nil && idle.cap != nil && session {
		p.capIdle(idle.cap, days)
	}
	if l := p.t.Min; l != nil && session && !p.failed {
		excl, incl := p.limit(l, LineMinimum, atLeast)
		last := &days[len(days)-1]
		last.excl, last.incl = last.excl+excl, last.incl+incl
	}
	if l := p.t.Max; l != nil {
		excl, incl := p.limit(l, LineMaximum, atMost)
		for i := len(days) - 1; i >= 0; i-- {
			excl, incl = days[i].take(excl, incl)
		}
	}
	if l := p.t.policy.dayCap; l != nil {
		p.capDays(l, days)
	}
	if a := p.t.policy.applicable(freeAmount, p.context); a != nil {
		p.credit(a, u)
	}
	p.coins()
}

// dayTotal is what a local day has come to.
type dayTotal struct {
	date       int64
	excl, incl money.Micro
	idleExcl   money.Micro
	idleIncl   money.Micro
}

// take lowers a day by a reduction (negative) as far as it goes and gives the rest.
func (d *dayTotal) take(excl, incl money.Micro) (money.Micro, money.Micro) {
	e, i := max(excl, -d.excl), max(incl, -d.incl)
	d.excl, d.incl = d.excl+e, d.incl+i
	return excl - e, incl - i
}

// days sums the lines by day; one day where days are not counted.
func (p *pricer) days() []dayTotal {
	out := make([]dayTotal, len(p.book.dates))
	for i, d := range p.book.dates {
		out[i].date = d
	}
	for _, l := range p.cost.Lines {
		i := 0
		for p.t.daily && dateText(out[i].date) != l.Date {
			i++
		}
		out[i].excl, out[i].incl = out[i].excl+l.Excl.Micros, out[i].incl+l.Incl.Micros
		if l.Kind == LineSession && l.Dimension == ocpi.DimensionParking {
			out[i].idleExcl, out[i].idleIncl = out[i].idleExcl+l.Excl.Micros, out[i].idleIncl+l.Incl.Micros
		}
	}
	return out
}

func atLeast(v, limit money.Micro) money.Micro { return max(v, limit) }
func atMost(v, limit money.Micro) money.Micro  { return min(v, limit) }

// limit applies the minimum or the maximum price, before tax and after tax
// each on its own (OCPI 2.2.1 Tariff object), and gives the difference.
func (p *pricer) limit(l *Limit, kind LineKind, apply func(v, limit money.Micro) money.Micro) (excl, incl money.Micro) {
	excl, incl = p.bound(*l, p.cost.Excl.Micros, p.cost.Incl.Micros, apply)
	if excl != 0 || incl != 0 {
		p.add(Line{Kind: kind, Element: -1, Excl: p.sum(excl), Incl: p.sum(incl)})
	}
	return excl, incl
}

func (p *pricer) sum(m money.Micro) money.Amount {
	return money.Amount{Micros: m, Currency: p.t.Currency}
}

// bound gives by how much two figures change under a limit.
func (p *pricer) bound(l Limit, excl, incl money.Micro, apply func(v, limit money.Micro) money.Micro) (dExcl, dIncl money.Micro) {
	newExcl, newIncl := excl, incl
	if l.Excl != nil {
		newExcl = apply(excl, *l.Excl)
	}
	if l.Incl != nil {
		newIncl = apply(incl, *l.Incl)
	}
	// A figure the tariff does not state follows the other by the tax share.
	if l.Incl == nil && newExcl != excl {
		newIncl = apply(incl, p.share(newExcl, incl, excl, true))
	}
	if l.Excl == nil && newIncl != incl {
		newExcl = apply(excl, p.share(newIncl, excl, incl, false))
	}
	return newExcl - excl, newIncl - incl
}

// reduce takes something off, and says why.
func (p *pricer) reduce(why Reason, date int64, excl, incl money.Micro) {
	if excl == 0 && incl == 0 {
		return
	}
	l := Line{Kind: LineReduction, Element: -1, Reason: why, Excl: p.sum(excl), Incl: p.sum(incl), policy: &p.t.policy}
	if p.t.daily {
		l.Date = dateText(date)
	}
	if why == ReasonCredit {
		l.rule = p.t.policy.applicable(freeAmount, p.context)
	}
	p.add(l)
}

// capIdle keeps the session's parking within its cap, the earlier days first.
func (p *pricer) capIdle(l *Limit, days []dayTotal) {
	var excl, incl, cutExcl, cutIncl money.Micro
	for i := range days {
		d := &days[i]
		excl, incl = excl+d.idleExcl, incl+d.idleIncl
		e, n := p.bound(*l, excl, incl, atMost)
		e, n = max(e-cutExcl, -d.idleExcl), max(n-cutIncl, -d.idleIncl)
		cutExcl, cutIncl = cutExcl+e, cutIncl+n
		d.excl, d.incl = d.excl+e, d.incl+n
		p.reduce(ReasonIdleCap, d.date, e, n)
	}
}

// capDays keeps each day within what is left of the day's cap.
func (p *pricer) capDays(l *Limit, days []dayTotal) {
	for i := range days {
		d := &days[i]
		excl, incl := p.context.spent(dateText(d.date))
		e, n := p.bound(l.less(excl, incl), d.excl, d.incl, atMost)
		d.excl, d.incl = d.excl+e, d.incl+n
		p.reduce(ReasonDayCap, d.date, e, n)
		if d.excl != 0 || d.incl != 0 {
			p.cost.Spent = append(p.cost.Spent, Spent{Date: dateText(d.date), Excl: d.excl, Incl: d.incl})
		}
	}
}

// less is what remains of a limit.
func (l *Limit) less(excl, incl money.Micro) Limit {
	var out Limit
	if l.Excl != nil {
		v := max(*l.Excl-excl, 0)
		out.Excl = &v
	}
	if l.Incl != nil {
		v := max(*l.Incl-incl, 0)
		out.Incl = &v
	}
	return out
}

// credit takes the driver's free amount off, as far as the price goes. It
// counts for the day or month in which the session began.
func (p *pricer) credit(a *allowance, u *Usage) {
	us := u.Start.UnixMicro()
	key := a.per.key(floorDiv(us+p.clock.at(us), day))
	before := p.context.before(a.per, key)
	left := a.limit.less(before.Excl, before.Incl)
	// Taking at most the limit off is the same as keeping what is above it.
	excl, incl := p.bound(left, p.cost.Excl.Micros, p.cost.Incl.Micros, atMost)
	offExcl, offIncl := p.cost.Excl.Micros+excl, p.cost.Incl.Micros+incl
	if offExcl == 0 && offIncl == 0 {
		return
	}
	p.reduce(ReasonCredit, p.today(u.Start), -offExcl, -offIncl)
	p.cost.Used = append(p.cost.Used, Used{Per: a.per, Key: key, Excl: offExcl, Incl: offIncl})
}

// coins rounds the totals to the currency's smallest unit, and what is paid
// to the increment; what the latter changes is a line, since it is no price.
func (p *pricer) coins() {
	c, r := p.cost, p.cost.Rounding
	c.Excl, c.Incl = c.Excl.Round(r.Rule), c.Incl.Round(r.Rule)
	if r.Increment == 0 {
		return
	}
	paid := divide(big.NewInt(int64(c.Incl.Micros)), big.NewInt(int64(r.Increment)), r.Rule).Int64()
	off := money.Micro(paid)*r.Increment - c.Incl.Micros
	if off == 0 {
		return
	}
	l := Line{Kind: LineRounding, Element: -1, Reason: ReasonCoins, Excl: p.sum(0), Incl: p.sum(off), increment: r.Increment}
	if c.Excl == c.Incl {
		l.Excl = l.Incl // no tax is itemised
	}
	p.add(l)
}

// is reports whether a session is no charge but a start that failed.
func (f *failedStart) is(u *Usage, e unit.Energy) bool {
	return f != nil && u.End.Sub(u.Start).Microseconds() < f.duration && int64(e) < f.energy
}

// consumed closes the allowances at the session's end.
func (w *walker) consumed() []Used {
	for of, at := range [2]int64{freeEnergy: w.energy, freeTime: w.timed} {
		if u, ok := w.free[of].close(fraction{whole: at}); ok {
			w.taken = append(w.taken, u)
		}
	}
	return w.taken
}

// share gives v × num ÷ den; with nothing billed yet it takes the tariff's
// first VAT instead.
func (p *pricer) share(v, num, den money.Micro, taxing bool) money.Micro {
	n, d := int64(num), int64(den)
	if den == 0 {
		n, d = 1, 1
		for _, c := range p.t.components {
			if c.VAT != nil && p.t.Tax != ocpi.TaxNone {
				n, d = vatFactor(*c.VAT)
				break
			}
		}
		if !taxing {
			n, d = d, n
		}
	}
	a := new(big.Int).Mul(big.NewInt(int64(v)), big.NewInt(n))
	return money.Micro(divide(a, big.NewInt(d), p.cost.Rounding.Rule).Int64())
}
