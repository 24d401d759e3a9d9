package tariff

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// FromOCPI makes a tariff ready to price with. It accepts whatever can be
// priced, of 2.1.1, 2.2.1 and 2.3.0 alike, partners' tariffs included; Check
// holds our own to more. The error is fault.Invalid with a field for each
// thing that has no meaning.
func FromOCPI(o ocpi.Tariff) (Tariff, error) {
	c := compiler{err: fault.New(fault.Invalid, "tariff.invalid", "The tariff cannot be priced with.")}
	t := c.tariff(o)
	if len(c.err.Fields) > 0 {
		return Tariff{}, c.err
	}
	return t, nil
}

// tooMuch bounds prices and thresholds in engine units, so that no product overflows.
const tooMuch = 1_000_000_000_000_000

type compiler struct{ err *fault.Error }

func (c *compiler) bad(location string, value any, format string, args ...any) {
	c.err.With(location, fmt.Sprintf(format, args...), value)
}

func (c *compiler) tariff(o ocpi.Tariff) Tariff {
	t := Tariff{ID: ID(o.ID), Tax: o.TaxIncluded, Source: o}
	cur, err := money.ParseCurrency(o.Currency)
	if err != nil {
		c.bad("currency", o.Currency, "must be an ISO 4217 code such as EUR")
	}
	t.Currency = cur
	if o.TaxIncluded != "" && !slices.Contains(ocpi.TaxIncludedValues, o.TaxIncluded) {
		c.bad("tax_included", o.TaxIncluded, "must be one of %v, or absent when prices are before VAT", ocpi.TaxIncludedValues)
	}
	t.Min, t.Max = c.limit("min_price", o.MinPrice), c.limit("max_price", o.MaxPrice)
	if len(o.Elements) == 0 {
		c.bad("elements", nil, "must have at least one element; a free tariff has one FLAT component of price 0")
	}
	t.Elements = make([]Element, len(o.Elements))
	for i := range o.Elements {
		t.Elements[i] = c.element(fmt.Sprintf("elements[%d]", i), &o.Elements[i])
	}
	c.extension(o, &t)
	t.index()
	return t
}

func (c *compiler) limit(location string, p *ocpi.Price) *Limit {
	if p == nil {
		return nil
	}
	var l Limit
	if v, ok := p.Net(); ok {
		l.Excl = c.micro(location, v)
	}
	if v, ok := p.Gross(); ok {
		l.Incl = c.micro(location, v)
	}
	return &l
}

func (c *compiler) micro(location string, d unit.Decimal) *money.Micro {
	v, ok := d.Scaled(6)
	if !ok {
		c.bad(location, d.String(), "is too large for an amount of money")
		return nil
	}
	m := money.Micro(v)
	return &m
}

func (c *compiler) element(location string, o *ocpi.TariffElement) Element {
	e := Element{Components: make([]Component, len(o.PriceComponents))}
	if len(o.PriceComponents) == 0 {
		c.bad(location+".price_components", nil, "must have at least one component")
	}
	for j := range o.PriceComponents {
		e.Components[j] = c.component(fmt.Sprintf("%s.price_components[%d]", location, j), &o.PriceComponents[j])
	}
	if o.Restrictions != nil {
		e.When = c.restrictions(location+".restrictions", o.Restrictions)
	}
	c.elementExtension(location, o, &e.When)
	return e
}

func (c *compiler) component(location string, o *ocpi.PriceComponent) Component {
	out := Component{Dimension: o.Type, Price: o.Price, VAT: o.VAT, dim: dimensionNumber(o.Type)}
	if out.dim == noDim {
		c.bad(location+".type", o.Type, "must be one of %v", ocpi.TariffDimensions)
	}
	if v, ok := o.Price.Scaled(6); !ok || v > tooMuch || v < -tooMuch || o.Price.Exp < -18 {
		c.bad(location+".price", o.Price.String(), "must be an amount per unit of at most 1000000000 and 18 decimals")
	}
	if o.VAT != nil {
		if v, ok := o.VAT.Scaled(vatDecimals); !ok || v < 0 || v > 100*vatScale {
			c.bad(location+".vat", o.VAT.String(), "must be a percentage between 0 and 100")
		}
	}
	if o.StepSize < 0 || o.StepSize > 100_000_000 {
		c.bad(location+".step_size", o.StepSize, "must be between 0 and 100000000 (Wh or seconds)")
	}
	switch out.dim {
	case dimEnergy:
		out.Step = o.StepSize * int64(unit.WattHour)
	case dimTime, dimParking:
		out.Step = o.StepSize * int64(time.Second/time.Microsecond)
	}
	return out
}

func (c *compiler) restrictions(location string, o *ocpi.TariffRestrictions) Restrictions {
	r := Restrictions{reservation: o.Reservation, source: o}
	c.times(location, o, &r)
	for _, f := range []struct {
		name  string
		value *unit.Decimal
		power int
		to    *int64
		bit   restriction
	}{
		{"min_kwh", o.MinKWh, 6, &r.minEnergy, onMinEnergy}, {"max_kwh", o.MaxKWh, 6, &r.maxEnergy, onMaxEnergy},
		{"min_current", o.MinCurrent, 3, &r.minCurrent, onMinCurrent}, {"max_current", o.MaxCurrent, 3, &r.maxCurrent, onMaxCurrent},
		{"min_power", o.MinPower, 3, &r.minPower, onMinPower}, {"max_power", o.MaxPower, 3, &r.maxPower, onMaxPower},
	} {
		if f.value == nil {
			continue
		}
		v, ok := f.value.Scaled(f.power)
		if !ok || v < 0 || v > tooMuch {
			c.bad(location+"."+f.name, f.value.String(), "must be a number from 0 up to 1000000000")
			continue
		}
		*f.to = v
		r.set |= f.bit
	}
	c.duration(location+".min_duration", o.MinDuration, &r, &r.minDuration, onMinDuration)
	c.duration(location+".max_duration", o.MaxDuration, &r, &r.maxDuration, onMaxDuration)
	if o.Reservation != "" && o.Reservation != ocpi.Reservation && o.Reservation != ocpi.ReservationExpires {
		c.bad(location+".reservation", o.Reservation, "must be RESERVATION or RESERVATION_EXPIRES")
	}
	return r
}

func (c *compiler) duration(location string, v *int64, r *Restrictions, to *int64, bit restriction) {
	if v == nil {
		return
	}
	if *v < 0 || *v > math.MaxInt32 {
		c.bad(location, *v, "must be seconds from 0 to %d", math.MaxInt32)
		return
	}
	*to = *v * int64(time.Second/time.Microsecond)
	r.set |= bit
}

func (c *compiler) times(location string, o *ocpi.TariffRestrictions, r *Restrictions) {
	if o.StartTime != "" || o.EndTime != "" {
		r.set |= onTime
		r.fromTime, r.toTime = 0, day
		if o.StartTime != "" {
			r.fromTime = c.timeOfDay(location+".start_time", o.StartTime)
		}
		// "00:00" as an end means the end of the day.
		if o.EndTime != "" && o.EndTime != "00:00" {
			r.toTime = c.timeOfDay(location+".end_time", o.EndTime)
		}
	}
	if o.StartDate != "" {
		r.set |= onStartDate
		r.fromDate = c.date(location+".start_date", o.StartDate)
	}
	if o.EndDate != "" {
		r.set |= onEndDate
		r.toDate = c.date(location+".end_date", o.EndDate)
	}
	for i, d := range o.DayOfWeek {
		n := slices.Index(ocpi.Weekdays, d)
		if n < 0 {
			c.bad(fmt.Sprintf("%s.day_of_week[%d]", location, i), d, "must be one of %v", ocpi.Weekdays)
			continue
		}
		r.set |= onDays
		r.days |= 1 << ((n + 1) % 7)
	}
}

func (c *compiler) timeOfDay(location, s string) int64 {
	ok := len(s) == 5 && s[2] == ':'
	if ok {
		h, err1 := strconv.ParseUint(s[:2], 10, 8)
		m, err2 := strconv.ParseUint(s[3:], 10, 8)
		if err1 == nil && err2 == nil && h < 24 && m < 60 {
			return int64(h*60+m) * int64(time.Minute/time.Microsecond)
		}
	}
	c.bad(location, s, "must be a local time from 00:00 to 23:59, such as 07:30")
	return 0
}

func (c *compiler) date(location, s string) int64 {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		c.bad(location, s, "must be a date such as 2026-12-31")
		return 0
	}
	return floorDiv(t.UnixMicro(), day)
}

// index links components, gathers what splits periods, and lists for each
// phase and dimension the components in order of precedence.
func (t *Tariff) index() {
	t.daily = t.policy.daily()
	midnight := t.daily
	if p := t.policy.idle; p != nil {
		for _, q := range p.quiet {
			t.dayCuts = append(t.dayCuts, q.from, q.to)
		}
	}
	for i := range t.Elements {
		e := &t.Elements[i]
		for j := range e.Components {
			k := &e.Components[j]
			k.element, k.index, k.when = i, len(t.components), &e.When
			t.components = append(t.components, k)
		}
		r := &e.When
		if r.set&onTime != 0 {
			t.dayCuts = append(t.dayCuts, r.fromTime, r.toTime%day)
		}
		midnight = midnight || r.set&local != 0
		t.bySoC = t.bySoC || r.set&soc != 0
		add := func(to *[]int64, bit restriction, v int64) {
			if r.set&bit != 0 {
				*to = append(*to, v)
			}
		}
		add(&t.energyCuts, onMinEnergy, r.minEnergy)
		add(&t.energyCuts, onMaxEnergy, r.maxEnergy)
		add(&t.durationCuts, onMinDuration, r.minDuration)
		add(&t.durationCuts, onMaxDuration, r.maxDuration)
	}
	if midnight {
		t.dayCuts = append(t.dayCuts, 0)
	}
	for _, cuts := range []*[]int64{&t.dayCuts, &t.energyCuts, &t.durationCuts} {
		slices.Sort(*cuts)
		*cuts = slices.Compact(*cuts)
	}
	t.rank(phaseSession, "")
	t.rank(phaseReserved, ocpi.Reservation)
	t.rank(phaseExpired, ocpi.ReservationExpires)
	t.rank(phaseExpired, ocpi.Reservation)
}

// rank appends the components of elements with this reservation restriction.
// A reservation is priced by FLAT and TIME only (OCPI 2.2.1 TariffRestrictions).
func (t *Tariff) rank(phase int, reservation ocpi.ReservationRestriction) {
	for _, c := range t.components {
		if c.when.reservation != reservation || c.dim == noDim ||
			phase != phaseSession && c.dim != dimFlat && c.dim != dimTime {
			continue
		}
		t.candidates[phase][c.dim] = append(t.candidates[phase][c.dim], c)
	}
}

// needsClock reports whether any restriction asks for local time.
func (t *Tariff) needsClock() bool { return len(t.dayCuts) > 0 }

// timed reports whether the session's time can cost anything.
func (t *Tariff) timed() bool {
	c := &t.candidates[phaseSession]
	return len(c[dimTime])+len(c[dimParking]) > 0
}

// PricesParking reports whether time connected without charging can cost
// something: then a session's cost is open until the bay is free.
func (t *Tariff) PricesParking() bool {
	for _, c := range t.candidates[phaseSession][dimParking] {
		if c.Price.Sign() != 0 {
			return true
		}
	}
	return false
}
