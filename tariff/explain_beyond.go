package tariff

import (
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// because says in words what Line.Reason stands for.
func (l Line) because(lang Language) []string {
	var out []string
	switch l.Reason {
	case ReasonGrace:
		out = append(out, textGrace.in(lang, minuteText(l.policy.idle.grace)))
	case ReasonQuiet:
		out = append(out, textQuiet.in(lang, l.policy.idle.quietText(lang)))
	case ReasonNoWaiting:
		out = append(out, textNoWaiting.in(lang))
	case ReasonAllowance, ReasonCredit:
		out = append(out, l.rule.words(l.Excl.Currency, lang))
	case ReasonFailed:
		f := l.policy.failed
		out = append(out, textFailedWas.in(lang, minuteText(f.duration), figure(Quantity(f.energy).Text(ocpi.DimensionEnergy))))
	case ReasonIdleCap:
		out = append(out, textIdleCut.in(lang, l.policy.idle.cap.text(l.Excl.Currency)))
	case ReasonDayCap:
		out = append(out, textDayCut.in(lang, l.policy.dayCap.text(l.Excl.Currency)))
	case ReasonCoins:
		out = append(out, textCash.in(lang, figure(money.Amount{Micros: l.increment, Currency: l.Excl.Currency}.String())))
	}
	if l.Date != "" && l.Kind == LineReduction {
		out = append(out, textOnDay.in(lang, l.Date))
	}
	return out
}

func minuteText(us int64) figure { return figure(Quantity(us).Text(ocpi.DimensionTime)) }

// text is the figure a driver sees: with tax if it is stated.
func (l *Limit) text(c money.Currency) figure {
	v := l.Incl
	if v == nil {
		v = l.Excl
	}
	return figure(money.Amount{Micros: *v, Currency: c}.String())
}

func (p *idlePolicy) quietText(l Language) string {
	var out []string
	for _, q := range p.rule.QuietHours {
		out = append(out, textBetween.in(l, q.Start, q.End))
	}
	return strings.Join(out, ", ")
}

// words writes an allowance: "5 kWh free per session for staff".
func (a *allowance) words(c money.Currency, l Language) string {
	var what figure
	switch a.of {
	case freeEnergy:
		what = figure(Quantity(a.amount).Text(ocpi.DimensionEnergy))
	case freeTime:
		what = minuteText(a.amount)
	default:
		what = a.limit.text(c)
	}
	s := textAllowance.in(l, what, textPer[a.per].in(l))
	if len(a.groups) > 0 {
		s += " " + textForGroups.in(l, strings.Join(a.groups, ", "))
	}
	return s
}

// policyWords says what the tariff promises beyond OCPI.
func (t *Tariff) policyWords(l Language) []string {
	var out []string
	p := &t.policy
	if i := p.idle; i != nil {
		if i.grace > 0 {
			out = append(out, textGrace.in(l, minuteText(i.grace)))
		}
		if len(i.quiet) > 0 {
			out = append(out, textQuiet.in(l, i.quietText(l)))
		}
		if i.waiting {
			out = append(out, textWaits.in(l))
		}
		if i.cap != nil {
			out = append(out, textIdleCap.in(l, i.cap.text(t.Currency)))
		}
	}
	for i := range p.free {
		out = append(out, p.free[i].words(t.Currency, l))
	}
	if f := p.failed; f != nil {
		out = append(out, textFailed.in(l, minuteText(f.duration), figure(Quantity(f.energy).Text(ocpi.DimensionEnergy))))
	}
	if p.dayCap != nil {
		out = append(out, textDayCap.in(l, p.dayCap.text(t.Currency)))
	}
	if r := p.rounding; r != nil && r.Increment != 0 {
		out = append(out, textCash.in(l, figure(money.Amount{Micros: r.Increment, Currency: t.Currency}.String())))
	}
	return out
}

// words lists an element's restrictions beyond OCPI.
func (e *ElementExtension) words(l Language) []string {
	if e == nil {
		return nil
	}
	var out []string
	if len(e.DriverGroups) > 0 {
		out = append(out, textForGroups.in(l, strings.Join(e.DriverGroups, ", ")))
	}
	out = bounds(out, l, (*unit.Decimal)(e.MinSoC), (*unit.Decimal)(e.MaxSoC), " %", textSoCMin, textSoCMax)
	return bounds(out, l, (*unit.Decimal)(e.MinRatedPower), (*unit.Decimal)(e.MaxRatedPower), " kW", textRatedMin, textRatedMax)
}
