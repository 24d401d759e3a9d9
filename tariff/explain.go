package tariff

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// Text writes a quantity of d: "20.45 kWh", "42 min", "1".
func (q Quantity) Text(d Dimension) string {
	switch d {
	case ocpi.DimensionEnergy:
		return q.Decimal(d) + " kWh"
	case ocpi.DimensionTime, ocpi.DimensionParking:
		return q.Decimal(d) + " min"
	}
	return q.Decimal(d)
}

// Decimal is the bare number of Text: kWh exactly, minutes to four decimals.
func (q Quantity) Decimal(d Dimension) string {
	switch d {
	case ocpi.DimensionEnergy:
		return unit.Energy(q).KWh()
	case ocpi.DimensionTime, ocpi.DimensionParking:
		perMinute := int64(time.Minute / time.Microsecond)
		tenThousandths := (int64(q)*10 + perMinute/2_000) / (perMinute / 1_000)
		return unit.DecimalOf(tenThousandths, -4).String()
	}
	return strconv.FormatInt(int64(q), 10)
}

// Unit is the unit of Decimal.
func (Quantity) Unit(d Dimension) string {
	switch d {
	case ocpi.DimensionEnergy:
		return "kWh"
	case ocpi.DimensionTime, ocpi.DimensionParking:
		return "min"
	}
	return ""
}

// Explain says in words how the line came about: which element, which
// restrictions held, what the step did.
func (l Line) Explain(lang Language) []string {
	switch l.Kind {
	case LineMinimum:
		return []string{textMinimum.in(lang)}
	case LineMaximum:
		return []string{textMaximum.in(lang)}
	case LineReduction, LineRounding:
		return l.because(lang)
	}
	out := []string{textElement.in(lang, strconv.Itoa(l.Element+1))}
	if when := l.component.when.words(lang, true); len(when) > 0 {
		out = append(out, strings.Join(when, ", "))
	} else {
		out = append(out, textAlways.in(lang))
	}
	if l.Kind == LineFree && l.Dimension == ocpi.DimensionFlat {
		return append(out, l.because(lang)...)
	}
	if l.Date != "" {
		out = append(out, textOnDay.in(lang, l.Date))
	}
	if l.Dimension == ocpi.DimensionFlat {
		return append(out, textOnce.in(lang))
	}
	out = append(out, textUsed.in(lang, figure(l.Quantity.Text(l.Dimension))))
	if l.Kind == LineFree {
		return append(out, l.because(lang)...)
	}
	if s := l.Step; s != nil {
		text := textStep.in(lang, figure(s.Total.Text(l.Dimension)), figure(s.Billed.Text(l.Dimension)), figure(s.Step.Text(l.Dimension)))
		if s.AcrossOthers {
			text += textStepHere.in(lang)
		}
		out = append(out, text)
	}
	return out
}

// words lists the restrictions in a fixed order; reservation only on request,
// since a sentence already says it.
func (r *Restrictions) words(l Language, reservation bool) []string {
	out := r.beyond.words(l)
	s := r.source
	if s == nil {
		return out
	}
	if reservation && s.Reservation == ocpi.Reservation {
		out = append(out, textOnlyReser.in(l))
	}
	if reservation && s.Reservation == ocpi.ReservationExpires {
		out = append(out, textOnlyExpir.in(l))
	}
	if r.set&onDays != 0 {
		var days [7]bool
		for i, name := range ocpi.Weekdays {
			days[i] = slices.Contains(s.DayOfWeek, name)
		}
		out = append(out, weekdays(days, l))
	}
	out = between(out, l, s.StartTime, s.EndTime, textBetween, textFrom, textUntil)
	out = between(out, l, s.StartDate, s.EndDate, textBetween, textSince, textBefore)
	out = bounds(out, l, s.MinKWh, s.MaxKWh, " kWh", textAbove, textFirst)
	out = bounds(out, l, s.MinPower, s.MaxPower, " kW", textPowerMin, textPowerMax)
	out = bounds(out, l, s.MinCurrent, s.MaxCurrent, " A", textPowerMin, textPowerMax)
	return bounds(out, l, minutes(s.MinDuration), minutes(s.MaxDuration), " min", textAbove, textFirst)
}

func between(out []string, l Language, from, to string, both, start, end phrase) []string {
	switch {
	case from != "" && to != "":
		return append(out, both.in(l, from, to))
	case from != "":
		return append(out, start.in(l, from))
	case to != "":
		return append(out, end.in(l, to))
	}
	return out
}

func bounds(out []string, l Language, lo, hi *unit.Decimal, suffix string, start, end phrase) []string {
	if lo != nil {
		out = append(out, start.in(l, figure(lo.String()+suffix)))
	}
	if hi != nil {
		out = append(out, end.in(l, figure(hi.String()+suffix)))
	}
	return out
}

func minutes(seconds *int64) *unit.Decimal {
	if seconds == nil {
		return nil
	}
	q := Quantity(*seconds * int64(time.Second/time.Microsecond))
	d, err := unit.ParseDecimal(q.Decimal(ocpi.DimensionTime))
	if err != nil {
		return nil
	}
	return &d
}

// Sentence renders the tariff as one short sentence, prices as the driver pays
// them: "Energy 0.54 EUR per kWh; start fee 0.60 EUR; including VAT."
func (t *Tariff) Sentence(l Language) string {
	if t.IsNone() {
		return textNone.in(l) + "."
	}
	if t.Free() {
		return textFree.in(l) + "."
	}
	var parts []string
	for _, d := range []struct {
		phase int
		dim   int8
		text  phrase
	}{
		{phaseSession, dimEnergy, textEnergy}, {phaseSession, dimTime, textTime},
		{phaseSession, dimParking, textParking}, {phaseSession, dimFlat, textFlat},
		{phaseReserved, dimTime, textReserved}, {phaseReserved, dimFlat, textReserved},
		{phaseExpired, dimTime, textExpired}, {phaseExpired, dimFlat, textExpired},
	} {
		if s := t.clause(d.phase, d.dim, l); s != "" {
			parts = append(parts, d.text.in(l, s))
		}
	}
	parts = append(parts, t.limitWords(l)...)
	parts = append(parts, t.policyWords(l)...)
	if tax := t.taxWords(); tax != nil {
		parts = append(parts, tax.in(l))
	}
	s := strings.Join(parts, "; ") + "."
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}

// clause joins the prices of one dimension in order of precedence.
func (t *Tariff) clause(phase int, dim int8, l Language) string {
	var out []string
	for _, c := range t.candidates[phase][dim] {
		if phase == phaseExpired && c.when.reservation != ocpi.ReservationExpires {
			continue // said under the reservation already
		}
		s := t.priceWords(c, l)
		when := c.when.words(l, false)
		switch {
		case len(when) > 0:
			s += " " + strings.Join(when, ", ")
		case len(out) > 0:
			s = textOtherwise.in(l, s)
		}
		if smallest := c.smallestStep(); c.Step > smallest {
			s += " (" + textSteps.in(l, figure(Quantity(c.Step).Text(c.Dimension))) + ")"
		}
		out = append(out, s)
		if len(when) == 0 {
			break // nothing after it ever applies
		}
	}
	return strings.Join(out, ", ")
}

// smallestStep is one unit of OCPI's multiplier, which is not worth a word.
func (c *Component) smallestStep() int64 {
	switch c.dim {
	case dimEnergy:
		return int64(unit.WattHour)
	case dimTime, dimParking:
		return int64(time.Second / time.Microsecond)
	}
	return c.Step
}

func (t *Tariff) priceWords(c *Component, l Language) string {
	p := pricer{t: t, cost: &Cost{Currency: t.Currency}}
	whole := *c
	q := quantity{whole: c.perUnit()}
	_, amount := p.amounts(&whole, &q)
	gross := figure(amount.String())
	switch c.dim {
	case dimEnergy:
		return textPerKWh.in(l, gross)
	case dimTime, dimParking:
		return textPerHour.in(l, gross)
	}
	return gross.in(l)
}

func (t *Tariff) limitWords(l Language) []string {
	var out []string
	for _, x := range []struct {
		limit *Limit
		text  phrase
	}{{t.Min, textAtLeast}, {t.Max, textAtMost}} {
		if x.limit == nil {
			continue
		}
		v := x.limit.Incl
		if v == nil {
			v = x.limit.Excl
		}
		if v != nil {
			out = append(out, x.text.in(l, figure(money.Amount{Micros: *v, Currency: t.Currency}.String())))
		}
	}
	return out
}

// taxWords says what the sentence's prices contain; nil when no tax applies.
func (t *Tariff) taxWords() *phrase {
	taxed := false
	for _, c := range t.components {
		taxed = taxed || c.VAT != nil && c.VAT.Sign() > 0
	}
	switch {
	case t.Tax == ocpi.TaxNone:
		return nil
	case t.Tax == ocpi.TaxYes:
		return &textWithTax
	case taxed:
		return &textWithVAT
	case t.Tax == ocpi.TaxNo:
		return &textPlusTax
	}
	return nil
}
