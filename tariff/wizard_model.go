package tariff

import (
	"fmt"
	"slices"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// Model is a kind of pricing that most sites need. Free stands beside the
// seven, as does utility_cost, which is per_kwh worked out from a cost.
type Model string

const (
	ModelFree         Model = "free"
	ModelPerSession   Model = "per_session"
	ModelPerHour      Model = "per_hour" // from plugging in to unplugging
	ModelPerKWh       Model = "per_kwh"
	ModelTimeOfDay    Model = "time_of_day"
	ModelLengthOfStay Model = "length_of_stay"
	ModelCombined     Model = "combined"
	ModelUtilityCost  Model = "utility_cost" // cost of electricity and a margin
)

// Models lists them.
var Models = []Model{ModelFree, ModelPerSession, ModelPerHour, ModelPerKWh, ModelTimeOfDay, ModelLengthOfStay, ModelCombined, ModelUtilityCost}

// Parameters fill a model. Prices are in the tariff's currency, before VAT
// unless TaxIncluded is YES.
type Parameters struct {
	PerKWh      *unit.Decimal
	PerHour     *unit.Decimal
	PerSession  *unit.Decimal
	IdlePerHour *unit.Decimal // connected without charging
	Windows     []PriceWindow // time_of_day; PerKWh holds outside of them
	Steps       []StayStep    // length_of_stay, in order
	Min, Max    *unit.Decimal
	Cost        *unit.Decimal // utility_cost, per kWh
	Margin      *unit.Decimal // utility_cost, per cent
	VAT         *unit.Decimal // per cent
	TaxIncluded ocpi.TaxIncluded
}

// PriceWindow is a price per kWh within hours of the local day.
type PriceWindow struct {
	From, To string // "17:00"; past midnight when To is before From
	Days     []string
	PerKWh   unit.Decimal
}

// StayStep is a price per hour until so many minutes after the start; the
// last step has no end.
type StayStep struct {
	UntilMinutes int64 // 0: to the end
	PerHour      unit.Decimal
}

// Template makes the elements of a model. It is valid OCPI but for what the
// operator is (country, party, id). The error is fault.Invalid and names
// every parameter that is missing.
func Template(m Model, p Parameters) (ocpi.Tariff, error) {
	o := ocpi.Tariff{TaxIncluded: p.TaxIncluded}
	t := maker{p: p, bad: fault.New(fault.Invalid, "tariff.template", "The model %q needs other parameters.", m)}
	switch m {
	case ModelFree:
		o.Elements = append(o.Elements, t.element(nil, t.one(ocpi.DimensionFlat, unit.Decimal{})))
	case ModelPerSession:
		o.Elements = append(o.Elements, t.element(nil, t.one(ocpi.DimensionFlat, t.need("per_session", p.PerSession))))
	case ModelPerHour:
		o.Elements = append(o.Elements, t.plugged(nil, t.need("per_hour", p.PerHour)))
	case ModelPerKWh:
		o.Elements = t.energy(t.need("per_kwh", p.PerKWh))
	case ModelUtilityCost:
		o.Elements = t.energy(marked(t.need("cost", p.Cost), t.need("margin_percent", p.Margin)))
	case ModelTimeOfDay:
		o.Elements = t.windows()
	case ModelLengthOfStay:
		o.Elements = t.stay()
	case ModelCombined:
		o.Elements = t.energy(t.need("per_kwh", p.PerKWh))
		o.Elements = append(o.Elements, t.plugged(nil, t.need("per_hour", p.PerHour)))
	default:
		t.bad.With("path.model", fmt.Sprintf("must be one of %v", Models), m)
	}
	if m != ModelPerSession && m != ModelFree && p.PerSession != nil {
		o.Elements = append(o.Elements, t.element(nil, t.one(ocpi.DimensionFlat, *p.PerSession)))
	}
	if p.IdlePerHour != nil && !slices.Contains([]Model{ModelPerHour, ModelLengthOfStay, ModelCombined, ModelFree}, m) {
		o.Elements = append(o.Elements, t.element(nil, t.one(ocpi.DimensionParking, *p.IdlePerHour)))
	}
	o.MinPrice, o.MaxPrice = t.limit(p.Min), t.limit(p.Max)
	if len(t.bad.Fields) > 0 {
		return o, t.bad
	}
	return o, nil
}

// marked adds a margin in per cent, rounded to a hundredth of a cent.
func marked(cost, margin unit.Decimal) unit.Decimal {
	c, _ := cost.Scaled(6)
	m, _ := margin.Scaled(6)
	rounded, _ := unit.DecimalOf(scaleBy(c, 100_000_000+m, 100_000_000), -6).Scaled(formulaDecimals)
	return unit.DecimalOf(rounded, -formulaDecimals)
}

type maker struct {
	p   Parameters
	bad *fault.Error
}

func (t *maker) need(name string, d *unit.Decimal) unit.Decimal {
	if d == nil {
		t.bad.With("body."+name, "is required for this model", nil)
		return unit.Decimal{}
	}
	return *d
}

func (t *maker) one(d Dimension, price unit.Decimal) ocpi.PriceComponent {
	c := ocpi.PriceComponent{Type: d, Price: price, StepSize: 1}
	if t.p.VAT != nil && t.p.TaxIncluded != ocpi.TaxNone {
		vat := *t.p.VAT
		c.VAT = &vat
	}
	return c
}

func (t *maker) element(r *ocpi.TariffRestrictions, all ...ocpi.PriceComponent) ocpi.TariffElement {
	return ocpi.TariffElement{PriceComponents: all, Restrictions: r}
}

// plugged prices the time from plugging in to unplugging.
func (t *maker) plugged(r *ocpi.TariffRestrictions, price unit.Decimal) ocpi.TariffElement {
	return t.element(r, t.one(ocpi.DimensionTime, price), t.one(ocpi.DimensionParking, price))
}

func (t *maker) energy(price unit.Decimal) []ocpi.TariffElement {
	return []ocpi.TariffElement{t.element(nil, t.one(ocpi.DimensionEnergy, price))}
}

func (t *maker) windows() (out []ocpi.TariffElement) {
	if len(t.p.Windows) == 0 {
		t.bad.With("body.windows", "name at least one window of the day with its price", nil)
	}
	for _, w := range t.p.Windows {
		out = append(out, t.element(&ocpi.TariffRestrictions{StartTime: w.From, EndTime: w.To, DayOfWeek: w.Days}, t.one(ocpi.DimensionEnergy, w.PerKWh)))
	}
	return append(out, t.energy(t.need("per_kwh", t.p.PerKWh))...)
}

func (t *maker) stay() (out []ocpi.TariffElement) {
	if len(t.p.Steps) == 0 {
		t.bad.With("body.steps", "name at least one step", nil)
	}
	last := int64(0)
	for i, s := range t.p.Steps {
		end := i == len(t.p.Steps)-1
		switch at := fmt.Sprintf("body.steps[%d].until_minutes", i); {
		case end && s.UntilMinutes != 0:
			t.bad.With(at, "must be absent in the last step", s.UntilMinutes)
		case !end && s.UntilMinutes <= last:
			t.bad.With(at, "must be above that of the step before", s.UntilMinutes)
		}
		last = s.UntilMinutes
		var r *ocpi.TariffRestrictions
		if !end {
			until := s.UntilMinutes * 60
			r = &ocpi.TariffRestrictions{MaxDuration: &until}
		}
		out = append(out, t.plugged(r, s.PerHour))
	}
	return out
}

// limit writes a minimum or maximum: before VAT, and with it when known.
func (t *maker) limit(d *unit.Decimal) *ocpi.Price {
	if d == nil {
		return nil
	}
	given, _ := d.Scaled(6)
	rate := int64(0)
	if t.p.VAT != nil && t.p.TaxIncluded != ocpi.TaxNone {
		rate, _ = t.p.VAT.Scaled(6)
	}
	net, gross := given, scaleBy(given, 100_000_000+rate, 100_000_000)
	if t.p.TaxIncluded == ocpi.TaxYes {
		net, gross = scaleBy(given, 100_000_000, 100_000_000+rate), given
	}
	excl, incl := unit.DecimalOf(net, -6), unit.DecimalOf(gross, -6)
	return &ocpi.Price{ExclVAT: &excl, InclVAT: &incl}
}
