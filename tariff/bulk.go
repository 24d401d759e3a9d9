package tariff

import (
	"fmt"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// Alteration is what is done to every tariff or place of a selection.
type Alteration struct {
	Op        string        `json:"op"` // percent, set, copy
	Dimension Dimension     `json:"dimension,omitempty"`
	Percent   *unit.Decimal `json:"percent,omitempty"`
	Price     *unit.Decimal `json:"price,omitempty"`
	Tariff    ID            `json:"tariff,omitempty"`
	Level     string        `json:"level,omitempty"` // copy: evse, station, site
}

// Operations of an Alteration.
const (
	OpPercent = "percent" // prices change by so many per cent
	OpSet     = "set"     // prices of a dimension become this
	OpCopy    = "copy"    // the places get this tariff
)

func (a Alteration) check() error {
	bad := fault.New(fault.Invalid, "tariff.change", "The change is not valid.")
	if a.Dimension != "" && dimensionNumber(a.Dimension) == noDim {
		bad.With("body.change.dimension", fmt.Sprintf("must be one of %v", ocpi.TariffDimensions), a.Dimension)
	}
	switch a.Op {
	case OpPercent:
		if a.Percent == nil || !inRange(*a.Percent, -100, 1000) || a.Percent.IsZero() {
			bad.With("body.change.percent", "must be between -100 and 1000, not 0", a.Percent)
		}
	case OpSet:
		if a.Price == nil || !inRange(*a.Price, 0, 1_000_000) {
			bad.With("body.change.price", "must be given and not be negative", a.Price)
		}
		if a.Dimension == "" {
			bad.With("body.change.dimension", "is required: say which price is set", nil)
		}
	case OpCopy:
		if a.Tariff == "" {
			bad.With("body.change.tariff", "is required: say which tariff the places get", nil)
		}
	default:
		bad.With("body.change.op", "must be percent, set or copy", a.Op)
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

func inRange(d unit.Decimal, low, high int64) bool {
	v, ok := d.Scaled(6)
	return ok && v >= low*1_000_000 && v <= high*1_000_000
}

// Altered gives a tariff with its session prices changed, and whether any
// changed. Prices of reservations, minimum and maximum stay. A price changed
// by per cent is rounded to a hundredth of a cent.
func (a Alteration) Altered(o ocpi.Tariff) (ocpi.Tariff, bool) {
	changed := false
	out := o
	out.Elements = make([]ocpi.TariffElement, len(o.Elements))
	for i, e := range o.Elements {
		reservation := e.Restrictions != nil && e.Restrictions.Reservation != ""
		comps := make([]ocpi.PriceComponent, len(e.PriceComponents))
		for j, c := range e.PriceComponents {
			if !reservation && (a.Dimension == "" || c.Type == a.Dimension) {
				if next := a.price(c.Price); !equalDecimals(next, c.Price) {
					c.Price, changed = next, true
				}
			}
			comps[j] = c
		}
		e.PriceComponents = comps
		out.Elements[i] = e
	}
	return out, changed
}

func (a Alteration) price(old unit.Decimal) unit.Decimal {
	if a.Op == OpSet {
		return *a.Price
	}
	p, _ := old.Scaled(6)
	percent, _ := a.Percent.Scaled(6)
	rounded, _ := unit.DecimalOf(scaleBy(p, 100_000_000+percent, 100_000_000), -6).Scaled(formulaDecimals)
	return unit.DecimalOf(rounded, -formulaDecimals)
}
