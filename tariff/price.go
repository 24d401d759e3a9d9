package tariff

import (
	"math"
	"math/big"
	"math/bits"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// Price computes what u costs under t at a location in zone (nil = UTC). It is
// pure and total: previews, running costs, CDRs and re-rating all call it.
//
// Semantics are those of OCPI 2.2.1 mod_tariffs and mod_cdrs, with
// tax_included of 2.3.0. Where the text leaves room:
//   - FLAT is billed once per session, from the first FLAT component that
//     applies at any moment, and once per reservation.
//   - The step of a dimension rounds up the total of what was billable, by the
//     last component used; the rest is billed there. TIME and PARKING_TIME
//     share one step, the last used of either; a reservation has its own.
//   - An expired reservation prefers RESERVATION_EXPIRES elements to
//     RESERVATION elements in both dimensions, and has no minimum price.
//   - Quantities are exact, also where a boundary cuts a period; each line is
//     rounded once, the total once. Cutting a period in two changes nothing.
func Price(t Tariff, u Usage, zone *time.Location, c Context) Cost {
	cost := Cost{Currency: t.Currency, Tax: TaxExact, Rounding: c.Rounding,
		Excl: money.Zero(t.Currency), Incl: money.Zero(t.Currency), Start: u.Start, Duration: max(u.End.Sub(u.Start), 0)}
	if zone == nil {
		zone = time.UTC
	}
	p := pricer{t: &t, cost: &cost, clock: clock{zone: zone}}
	p.used = make([]quantity, len(t.components))
	p.bill = make([]quantity, len(t.components))
	expired := u.Reservation != nil && u.Reservation.Expired
	if u.Reservation != nil {
		p.reservation(u.Reservation)
	}
	if !expired {
		p.session(&u)
	}
	if t.IsNone() {
		cost.note(NoteNoTariff)
		return cost
	}
	p.lines()
	p.limits(!expired)
	cost.Excl, cost.Incl = cost.Excl.Round(c.Rounding.Rule), cost.Incl.Round(c.Rounding.Rule)
	switch cost.Tax {
	case TaxLater:
		cost.note(NoteTaxLater)
	case TaxContents:
		cost.note(NoteTaxIncluded)
	}
	return cost
}

type pricer struct {
	t     *Tariff
	cost  *Cost
	clock clock
	used  []quantity // by component
	bill  []quantity // what the step adds, by component
	steps []stepped

	fraction *big.Rat // of the line at hand, when it is not whole
	a, b     big.Int
}

type stepped struct {
	component *Component
	effect    StepEffect
}

func (p *pricer) reservation(r *Reservation) {
	phase := phaseReserved
	if r.Expired {
		phase = phaseExpired
	}
	w := walker{tariff: p.t, phase: phase, clock: p.clock, start: r.Start.UnixMicro(), used: p.used}
	p.cost.ReservedFor = max(r.End.Sub(r.Start), 0)
	w.span(span{from: w.start, to: max(r.End.UnixMicro(), w.start), dim: dimTime, currentKnown: true})
	p.cost.Periods = append(p.cost.Periods, w.periods...)
	p.clock = w.clock
	p.step(w.lastTimed, phase)
}

func (p *pricer) session(u *Usage) {
	var buf [24]span
	spans, corrected := u.spans(buf[:])
	w := walker{tariff: p.t, phase: phaseSession, clock: p.clock, start: u.Start.UnixMicro(), used: p.used}
	w.periods = p.cost.Periods
	if w.periods == nil {
		w.periods = make([]PricedPeriod, 0, len(spans)+4)
	}
	if len(spans) == 0 {
		// Nothing was measured; a start fee may still be due.
		w.match(&span{from: w.start, to: w.start, dim: noDim, currentKnown: true}, point{})
	}
	waited := false
	for _, s := range spans {
		w.span(s)
		switch {
		case s.dim == dimParking:
			p.cost.ParkingTime += time.Duration(s.to-s.from) * time.Microsecond
		case s.dim == noDim && s.to > s.from:
			waited = true
		}
	}
	p.cost.Energy, p.cost.Periods = unit.Energy(w.energy), w.periods
	if corrected {
		p.cost.note(NoteUsageCorrected)
	}
	if w.currentUnknown {
		p.cost.note(NoteCurrentUnknown)
	}
	if waited && p.t.timed() {
		p.cost.note(NoteNotBilled)
	}
	p.step(w.last[dimEnergy], phaseSession)
	p.step(w.lastTimed, phaseSession)
}

// step rounds the total of last's dimension up to whole steps of last (OCPI
// 2.2.1 mod_cdrs, step_size).
func (p *pricer) step(last *Component, phase int) {
	if last == nil || last.Step <= 0 {
		return
	}
	var total quantity
	others := false
	for _, c := range p.t.components {
		if c.dim == last.dim && c.reserved() == (phase != phaseSession) && p.used[c.index].used {
			total.plus(&p.used[c.index])
			others = others || c != last
		}
	}
	missing := total.missing(last.Step)
	if missing.isZero() {
		return
	}
	p.bill[last.index] = missing
	billed := total
	billed.parts = append([]part(nil), total.parts...)
	billed.plus(&missing)
	p.steps = append(p.steps, stepped{last, StepEffect{Step: Quantity(last.Step), Total: Quantity(total.nearest()),
		Billed: Quantity(billed.nearest()), AcrossOthers: others}})
}

func (c *Component) reserved() bool { return c.when.reservation != "" }

// lines makes one line per component used, in the tariff's order, reservations first.
func (p *pricer) lines() {
	n := 0
	for i := range p.used {
		if p.used[i].used {
			n++
		}
	}
	if n == 0 {
		return
	}
	p.cost.Lines = make([]Line, 0, n+1)
	for _, reserved := range []bool{true, false} {
		for _, c := range p.t.components {
			if q := &p.used[c.index]; q.used && c.reserved() == reserved {
				p.line(c, q)
			}
		}
	}
}

func (p *pricer) line(c *Component, q *quantity) {
	l := Line{Kind: LineSession, Element: c.element, Dimension: c.Dimension, Price: c.Price, VAT: c.VAT, component: c}
	if c.reserved() {
		l.Kind = LineReservation
	}
	l.Quantity = Quantity(q.nearest())
	q.plus(&p.bill[c.index])
	l.Billed = Quantity(q.nearest())
	for _, s := range p.steps {
		if s.component == c {
			effect := s.effect
			l.Step = &effect
		}
	}
	l.Excl, l.Incl = p.amounts(c, q)
	p.cost.Excl, p.cost.Incl = p.cost.Excl.Add(l.Excl), p.cost.Incl.Add(l.Incl)
	p.cost.Lines = append(p.cost.Lines, l)
}

// amounts prices q once: before tax and after.
func (p *pricer) amounts(c *Component, q *quantity) (excl, incl money.Amount) {
	p.fraction = nil
	if !q.exact() {
		p.fraction = q.rat()
	}
	plain := p.round(c, q, 1, 1)
	taxed := plain
	switch {
	case p.t.Tax == ocpi.TaxNone:
	case c.VAT != nil && p.t.Tax == ocpi.TaxYes:
		num, den := vatFactor(*c.VAT)
		return p.round(c, q, den, num), plain
	case c.VAT != nil:
		num, den := vatFactor(*c.VAT)
		taxed = p.round(c, q, num, den)
	case p.t.Tax == ocpi.TaxYes && plain.Micros != 0:
		p.cost.Tax = TaxContents
	case p.t.Tax == ocpi.TaxNo && plain.Micros != 0:
		p.cost.Tax = TaxLater
	}
	return plain, taxed
}

// vatFactor is 1 + VAT as a ratio.
func vatFactor(vat unit.Decimal) (num, den int64) {
	v, _ := vat.Scaled(vatDecimals)
	return 100*vatScale + v, 100 * vatScale
}

const (
	vatDecimals = 6 // per cent is kept to a millionth
	vatScale    = 1_000_000
)

// perUnit is how many base units one unit of the price is.
func (c *Component) perUnit() int64 {
	switch c.dim {
	case dimEnergy:
		return int64(unit.KiloWattHour)
	case dimTime, dimParking:
		return int64(time.Hour / time.Microsecond)
	}
	return 1
}

// round gives price × q ÷ unit × num ÷ den in micro-units, rounded once.
func (p *pricer) round(c *Component, q *quantity, num, den int64) money.Amount {
	if v, ok := c.quick(q, num, den, p.cost.Rounding.Rule); ok {
		return p.amount(v)
	}
	a, b := p.a.SetInt64(c.Price.Coef), p.b.SetInt64(c.perUnit())
	var f big.Int
	if q.exact() {
		a.Mul(a, f.SetInt64(q.whole))
	} else {
		a.Mul(a, p.fraction.Num())
		b.Mul(b, p.fraction.Denom())
	}
	for e := int(c.Price.Exp) + 6; e != 0; {
		switch {
		case e > 0:
			a.Mul(a, f.SetInt64(10))
			e--
		default:
			b.Mul(b, f.SetInt64(10))
			e++
		}
	}
	if num != den {
		a.Mul(a, f.SetInt64(num))
		b.Mul(b, f.SetInt64(den))
	}
	return p.amount(divide(a, b, p.cost.Rounding.Rule).Int64())
}

func (p *pricer) amount(micros int64) money.Amount {
	amount := money.Amount{Micros: money.Micro(micros), Currency: p.t.Currency}
	if p.cost.Rounding.PerLine {
		return amount.Round(p.cost.Rounding.Rule)
	}
	return amount
}

// quick is round for whole quantities in 128 bits; ok is false when that is
// not enough.
func (c *Component) quick(q *quantity, num, den int64, rule money.Rule) (v int64, ok bool) {
	micro, ok := c.micro()
	if !ok || micro < 0 || q.whole < 0 || !q.exact() {
		return 0, false
	}
	hi, lo := bits.Mul64(uint64(micro), uint64(q.whole))
	top, mid := bits.Mul64(hi, uint64(num))
	carry, low := bits.Mul64(lo, uint64(num))
	mid, over := bits.Add64(mid, carry, 0)
	b := uint64(c.perUnit()) * uint64(den) // at most 3.6e9 × 1e8
	if top != 0 || over != 0 || mid >= b {
		return 0, false
	}
	n, r := bits.Div64(mid, low, b)
	switch {
	case rule == money.Down:
	case r > b-r, r == b-r && (rule == money.HalfUp || n&1 == 1):
		n++
	}
	return int64(n), n < math.MaxInt64
}

// micro is the price in millionths, if it has no finer part.
func (c *Component) micro() (int64, bool) {
	if c.Price.Exp < -6 {
		return 0, false
	}
	return c.Price.Scaled(6)
}

// divide gives a ÷ b rounded by the rule; b is positive. It may change a.
func divide(a, b *big.Int, rule money.Rule) *big.Int {
	negative := a.Sign() < 0
	if negative {
		a.Neg(a)
	}
	var r big.Int
	a.QuoRem(a, b, &r)
	r.Lsh(&r, 1)
	switch c := r.Cmp(b); {
	case rule == money.Down:
	case c > 0, c == 0 && rule == money.HalfUp, c == 0 && a.Bit(0) == 1:
		a.Add(a, big.NewInt(1))
	}
	if negative {
		a.Neg(a)
	}
	return a
}

// limits applies the minimum and the maximum price, before tax and after tax
// each on its own (OCPI 2.2.1 Tariff object), as a line of its own.
func (p *pricer) limits(session bool) {
	if l := p.t.Min; l != nil && session {
		p.limit(l, LineMinimum, func(v, limit money.Micro) money.Micro { return max(v, limit) })
	}
	if l := p.t.Max; l != nil {
		p.limit(l, LineMaximum, func(v, limit money.Micro) money.Micro { return min(v, limit) })
	}
}

func (p *pricer) limit(l *Limit, kind LineKind, apply func(v, limit money.Micro) money.Micro) {
	excl, incl := p.cost.Excl.Micros, p.cost.Incl.Micros
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
	if newExcl == excl && newIncl == incl {
		return
	}
	amount := func(m money.Micro) money.Amount { return money.Amount{Micros: m, Currency: p.t.Currency} }
	line := Line{Kind: kind, Element: -1, Excl: amount(newExcl - excl), Incl: amount(newIncl - incl)}
	p.cost.Lines = append(p.cost.Lines, line)
	p.cost.Excl, p.cost.Incl = amount(newExcl), amount(newIncl)
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
