package tariff

import (
	"math"
	"math/big"
	"math/bits"
	"slices"
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
//   - Beyond OCPI (Extension): what an allowance covers is counted as used but
//     not as billable, and steps round what is left. Grace, quiet hours and
//     nobody waiting free parking. After the lines come, in this order: the cap
//     on parking, the minimum, the maximum, the day cap, the free amount, and
//     the rounding to coins.
//   - Quantities are exact, also where a boundary cuts a period; each line is
//     rounded once, the total once. Cutting a period in two changes nothing.
func Price(t Tariff, u Usage, zone *time.Location, c Context) Cost {
	if r := t.policy.rounding; r != nil {
		c.Rounding = *r
	}
	cost := Cost{Currency: t.Currency, Tax: TaxExact, Rounding: c.Rounding,
		Excl: money.Zero(t.Currency), Incl: money.Zero(t.Currency), Start: u.Start, Duration: max(u.End.Sub(u.Start), 0)}
	if zone == nil {
		zone = time.UTC
	}
	p := pricer{t: &t, cost: &cost, context: &c, clock: clock{zone: zone}, book: newLedger(len(t.components))}
	expired := u.Reservation != nil && u.Reservation.Expired
	if u.Reservation != nil {
		p.reservation(u.Reservation)
	}
	if !expired {
		p.session(&u)
		cost.Flags = u.flags(cost.Energy)
	}
	if t.IsNone() {
		cost.note(NoteNoTariff)
		return cost
	}
	if len(p.book.dates) == 0 {
		p.book.index(p.today(u.Start))
	}
	p.failed = !expired && t.policy.failed.is(&u, cost.Energy)
	p.lines()
	p.adjust(&u, !expired)
	switch cost.Tax {
	case TaxLater:
		cost.note(NoteTaxLater)
	case TaxContents:
		cost.note(NoteTaxIncluded)
	}
	return cost
}

// today is the local date of an instant, 0 where days are not counted.
func (p *pricer) today(t time.Time) int64 {
	if !p.t.daily {
		return 0
	}
	us := t.UnixMicro()
	return floorDiv(us+p.clock.at(us), day)
}

type pricer struct {
	t       *Tariff
	cost    *Cost
	context *Context
	clock   clock
	book    *ledger
	steps   []stepped
	failed  bool // the start failed

	fraction *big.Rat // of the line at hand, when it is not whole
	a, b     big.Int
}

type stepped struct {
	slot
	effect StepEffect
}

func (p *pricer) reservation(r *Reservation) {
	phase := phaseReserved
	if r.Expired {
		phase = phaseExpired
	}
	w := walker{tariff: p.t, context: p.context, phase: phase, clock: p.clock, start: r.Start.UnixMicro(), book: p.book}
	p.cost.ReservedFor = max(r.End.Sub(r.Start), 0)
	w.span(span{from: w.start, to: max(r.End.UnixMicro(), w.start), dim: dimTime, currentKnown: true})
	p.cost.Periods = append(p.cost.Periods, w.periods...)
	p.clock = w.clock
	p.step(w.lastTimed, phase)
}

func (p *pricer) session(u *Usage) {
	var buf [24]span
	spans, corrected := u.spans(buf[:])
	w := walker{tariff: p.t, context: p.context, phase: phaseSession, clock: p.clock, start: u.Start.UnixMicro(), book: p.book, waiting: u.Waiting}
	if p.t.bySoC {
		w.soc = slices.SortedStableFunc(slices.Values(u.SoC), func(a, b SoCReading) int { return a.At.Compare(b.At) })
	}
	for of := range w.free {
		w.free[of].rule = p.t.policy.applicable(of, p.context)
	}
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
	p.cost.Used = w.consumed()
	if corrected {
		p.cost.note(NoteUsageCorrected)
	}
	for _, n := range []struct {
		when bool
		code string
	}{{w.currentUnknown, NoteCurrentUnknown}, {w.socUnknown, NoteSoCUnknown}, {w.ratedUnknown, NoteRatedUnknown}} {
		if n.when {
			p.cost.note(n.code)
		}
	}
	if waited && p.t.timed() {
		p.cost.note(NoteNotBilled)
	}
	p.step(w.last[dimEnergy], phaseSession)
	p.step(w.lastTimed, phaseSession)
}

// step rounds the total of last's dimension up to whole steps of last (OCPI
// 2.2.1 mod_cdrs, step_size).
func (p *pricer) step(last slot, phase int) {
	if last.component == nil || last.component.Step <= 0 {
		return
	}
	var total quantity
	others := false
	for i := range p.book.used {
		c := p.t.components[i%p.book.width]
		if c.dim == last.component.dim && c.reserved() == (phase != phaseSession) && p.book.used[i].used {
			total.plus(&p.book.used[i])
			others = others || i != p.book.index(last.date)+last.component.index
		}
	}
	missing := total.missing(last.component.Step)
	if missing.isZero() {
		return
	}
	p.book.bill[p.book.index(last.date)+last.component.index] = missing
	billed := total
	billed.parts = append([]part(nil), total.parts...)
	billed.plus(&missing)
	p.steps = append(p.steps, stepped{last, StepEffect{Step: Quantity(last.component.Step), Total: Quantity(total.nearest()),
		Billed: Quantity(billed.nearest()), AcrossOthers: others}})
}

func (c *Component) reserved() bool { return c.when.reservation != "" }

// lines makes one line per component used (and local day, where days are
// counted), in the tariff's order, reservations first; then what was free.
func (p *pricer) lines() {
	n := len(p.book.free)
	for i := range p.book.used {
		if p.book.used[i].used {
			n++
		}
	}
	if n == 0 {
		return
	}
	p.cost.Lines = make([]Line, 0, n+1)
	for _, reserved := range []bool{true, false} {
		for i := range p.book.used {
			c := p.t.components[i%p.book.width]
			if p.book.used[i].used && c.reserved() == reserved {
				p.line(slot{c, p.book.dates[i/p.book.width]}, i)
			}
		}
	}
	for i := range p.book.free {
		g := &p.book.free[i]
		p.free(g.slot, g.why, Quantity(g.nearest()))
	}
}

func (p *pricer) line(at slot, i int) {
	c, q := at.component, &p.book.used[i]
	if p.failed && c.dim == dimFlat && !c.reserved() {
		p.free(at, ReasonFailed, 1)
		return
	}
	l := Line{Kind: LineSession, Element: c.element, Dimension: c.Dimension, Price: c.Price, VAT: c.VAT, Date: p.date(at), component: c}
	if c.reserved() {
		l.Kind = LineReservation
	}
	l.Quantity = Quantity(q.nearest())
	q.plus(&p.book.bill[i])
	l.Billed = Quantity(q.nearest())
	for _, s := range p.steps {
		if s.slot == at {
			effect := s.effect
			l.Step = &effect
		}
	}
	l.Excl, l.Incl = p.amounts(c, q)
	p.add(l)
}

// free makes a line of what has a price and cost nothing.
func (p *pricer) free(at slot, why Reason, q Quantity) {
	c, zero := at.component, money.Zero(p.t.Currency)
	l := Line{Kind: LineFree, Element: c.element, Dimension: c.Dimension, Price: c.Price, VAT: c.VAT, Date: p.date(at), component: c,
		Quantity: q, Reason: why, Excl: zero, Incl: zero, policy: &p.t.policy}
	switch {
	case why == ReasonAllowance && c.dim == dimEnergy:
		l.rule = p.t.policy.applicable(freeEnergy, p.context)
	case why == ReasonAllowance:
		l.rule = p.t.policy.applicable(freeTime, p.context)
	}
	p.add(l)
}

func (p *pricer) add(l Line) {
	p.cost.Excl, p.cost.Incl = p.cost.Excl.Add(l.Excl), p.cost.Incl.Add(l.Incl)
	p.cost.Lines = append(p.cost.Lines, l)
}

func (p *pricer) date(at slot) string {
	if !p.t.daily {
		return ""
	}
	return dateText(at.date)
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
