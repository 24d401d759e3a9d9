package tariff

import (
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpi"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// ToOCPP gives the tariff as an OCPP 2.1 station computes with it (TariffType,
// I07), under an id of at most 60 characters, and what was lost: what ToOCPI
// loses, step sizes, and fees that depend on how a session goes. Prices are
// before tax.
func (t *Tariff) ToOCPP(id string) (ocpp.Tariff, []Loss) {
	o, lost := t.ToOCPI()
	w := stationTariff{t: t, lost: lost, out: ocpp.Tariff{TariffID: id, Currency: string(t.Currency)}}
	for _, l := range Languages {
		w.out.Description = append(w.out.Description, ocpp.MessageContent{Format: ocpp.MessageFormatEnumUTF8, Language: string(l), Content: clip(t.Sentence(l), 1024)})
	}
	w.out.MinCost, w.out.MaxCost = w.limit(o.MinPrice), w.limit(o.MaxPrice)
	for _, e := range o.Elements {
		for _, c := range e.PriceComponents {
			w.component(c, e.Restrictions)
		}
	}
	return w.out, w.lost
}

func clip(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

type stationTariff struct {
	t    *Tariff
	out  ocpp.Tariff
	lost []Loss
}

func (w *stationTariff) lose(path, text string) { w.lost = append(w.lost, Loss{path, text}) }

func (w *stationTariff) limit(p *ocpi.Price) *ocpp.Price {
	if p == nil {
		return nil
	}
	var out ocpp.Price
	if v, ok := p.Net(); ok {
		out.ExclTax = &v
	}
	if v, ok := p.Gross(); ok {
		out.InclTax = &v
	}
	return &out
}

func (w *stationTariff) component(c ocpi.PriceComponent, r *ocpi.TariffRestrictions) {
	if c.StepSize > 1 && c.Type != ocpi.DimensionFlat {
		w.lose("step_size", "the station bills exactly, without steps")
	}
	reserved := r != nil && r.Reservation != ""
	if reserved && r.Reservation == ocpi.ReservationExpires {
		w.lose("reservation", "the station is not told what an unused reservation costs")
		return
	}
	price, taxes := w.net(c)
	switch c.Type {
	case ocpi.DimensionEnergy:
		w.out.Energy = grown(w.out.Energy)
		w.out.Energy.Prices = append(w.out.Energy.Prices, ocpp.TariffEnergyPrice{PriceKwh: price, Conditions: conditions(r)})
		w.out.Energy.TaxRates = taxes
	case ocpi.DimensionTime, ocpi.DimensionParking:
		to := &w.out.ChargingTime
		if reserved {
			to = &w.out.ReservationTime
		} else if c.Type == ocpi.DimensionParking {
			to = &w.out.IdleTime
		}
		*to = grown(*to)
		(*to).Prices = append((*to).Prices, ocpp.TariffTimePrice{PriceMinute: perMinute(price), Conditions: conditions(r)})
		(*to).TaxRates = taxes
	case ocpi.DimensionFlat:
		to := &w.out.FixedFee
		if reserved {
			to = &w.out.ReservationFixed
		}
		cond, plain := fixed(r)
		if !plain {
			w.lose("FLAT", "a fee that depends on how the session goes is not told to the station")
			return
		}
		*to = grown(*to)
		(*to).Prices = append((*to).Prices, ocpp.TariffFixedPrice{PriceFixed: price, Conditions: cond})
		(*to).TaxRates = taxes
	}
}

func grown[T any](p *T) *T {
	if p == nil {
		return new(T)
	}
	return p
}

// net is a price before tax, and the tax on it.
func (w *stationTariff) net(c ocpi.PriceComponent) (unit.Decimal, []ocpp.TaxRate) {
	if c.VAT == nil || w.t.Tax == ocpi.TaxNone {
		return c.Price, nil
	}
	rates := []ocpp.TaxRate{{Type: "VAT", Tax: *c.VAT}}
	if w.t.Tax != ocpi.TaxYes {
		return c.Price, rates
	}
	p := pricer{t: w.t, cost: &Cost{Currency: w.t.Currency}}
	k := Component{Dimension: c.Type, Price: c.Price, VAT: c.VAT, dim: dimensionNumber(c.Type), when: &Restrictions{}}
	whole := quantity{whole: k.perUnit()}
	excl, _ := p.amounts(&k, &whole)
	return unit.DecimalOf(int64(excl.Micros), -6), rates
}

// perMinute is a price per hour ÷ 60, to a billionth.
func perMinute(hour unit.Decimal) unit.Decimal {
	v, _ := hour.Scaled(9)
	return unit.DecimalOf((v+30)/60, -9)
}

var ocppDays = map[string]ocpp.DayOfWeekEnum{
	"MONDAY": ocpp.DayOfWeekEnumMonday, "TUESDAY": ocpp.DayOfWeekEnumTuesday, "WEDNESDAY": ocpp.DayOfWeekEnumWednesday, "THURSDAY": ocpp.DayOfWeekEnumThursday,
	"FRIDAY": ocpp.DayOfWeekEnumFriday, "SATURDAY": ocpp.DayOfWeekEnumSaturday, "SUNDAY": ocpp.DayOfWeekEnumSunday,
}

func days(names []string) []ocpp.DayOfWeekEnum {
	var out []ocpp.DayOfWeekEnum
	for _, n := range names {
		out = append(out, ocppDays[strings.ToUpper(n)])
	}
	return out
}

// conditions are in Wh, A, W and seconds.
func conditions(r *ocpi.TariffRestrictions) *ocpp.TariffConditions {
	if r == nil {
		return nil
	}
	c := ocpp.TariffConditions{
		StartTimeOfDay: r.StartTime, EndTimeOfDay: r.EndTime, DayOfWeek: days(r.DayOfWeek), ValidFromDate: r.StartDate, ValidToDate: r.EndDate,
		MinEnergy: thousand(r.MinKWh), MaxEnergy: thousand(r.MaxKWh), MinCurrent: r.MinCurrent, MaxCurrent: r.MaxCurrent,
		MinPower: thousand(r.MinPower), MaxPower: thousand(r.MaxPower), MinTime: seconds(r.MinDuration), MaxTime: seconds(r.MaxDuration),
	}
	return &c
}

// fixed are the conditions of a fee, which a station looks at only once, at
// the start; plain is false when that would not do.
func fixed(r *ocpi.TariffRestrictions) (c *ocpp.TariffConditionsFixed, plain bool) {
	if r == nil {
		return nil, true
	}
	if r.MinKWh != nil || r.MaxKWh != nil || r.MinCurrent != nil || r.MaxCurrent != nil || r.MinPower != nil || r.MaxPower != nil || r.MinDuration != nil {
		return nil, false
	}
	if r.StartTime == "" && r.EndTime == "" && len(r.DayOfWeek) == 0 && r.StartDate == "" && r.EndDate == "" {
		return nil, true
	}
	return &ocpp.TariffConditionsFixed{StartTimeOfDay: r.StartTime, EndTimeOfDay: r.EndTime, DayOfWeek: days(r.DayOfWeek), ValidFromDate: r.StartDate, ValidToDate: r.EndDate}, true
}

func thousand(d *unit.Decimal) *unit.Decimal {
	if d == nil {
		return nil
	}
	v := unit.DecimalOf(d.Coef, int(d.Exp)+3)
	return &v
}

func seconds(v *int64) *int {
	if v == nil {
		return nil
	}
	n := int(min(*v, int64(30*24*time.Hour/time.Second)))
	return &n
}
