package tariff

import (
	"encoding/json"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// CostView is a Cost as REST and stored records show it: money and quantities
// as decimal texts, energy in whole Wh, explanations in one language.
type CostView struct {
	Currency money.Currency `json:"currency"`
	ExclVAT  string         `json:"excl_vat"`
	InclVAT  string         `json:"incl_vat"`
	Tax      TaxState       `json:"tax" enum:"exact,added_later,included" doc:"exact: both totals are right; added_later: taxes come on top of both; included: both contain taxes not itemised"`
	Lines    []LineView     `json:"lines"`
	Periods  []PeriodView   `json:"periods"`
	Notes    []Note         `json:"notes,omitempty"`
	Flags    []Flag         `json:"flags,omitempty" enum:"ghost,very_short,very_long,very_large,unlikely" doc:"What should be looked at before this is paid"`
	Used     []UsedView     `json:"allowances_used,omitempty" doc:"What this session takes of allowances"`
}

// UsedView is what a session takes of an allowance.
type UsedView struct {
	Per     Per    `json:"per" enum:"session,day,month,plan"`
	Key     string `json:"key,omitempty" doc:"The local day or month it counts for"`
	KWh     string `json:"kwh,omitempty"`
	Minutes string `json:"minutes,omitempty"`
	InclVAT string `json:"incl_vat,omitempty"`
}

// LineView is one line of a cost.
type LineView struct {
	Kind        LineKind  `json:"kind" enum:"session,reservation,min_price,max_price,free,reduction,rounding"`
	Reason      Reason    `json:"reason,omitempty" enum:"grace,quiet_hours,nobody_waits,allowance,failed_start,day_cap,idle_cap,allowance_amount,cash_rounding" doc:"Why something was free or taken off"`
	Date        string    `json:"date,omitempty" doc:"The local day, where the tariff counts days"`
	Element     *int      `json:"element,omitempty" doc:"index of the tariff element that priced it, from 0"`
	Dimension   Dimension `json:"dimension,omitempty" enum:"ENERGY,FLAT,PARKING_TIME,TIME"`
	Quantity    string    `json:"quantity,omitempty" doc:"what was used, in unit"`
	Billed      string    `json:"billed_quantity,omitempty" doc:"what is billed after step_size"`
	Unit        string    `json:"unit,omitempty" enum:"kWh,min"`
	UnitPrice   string    `json:"unit_price,omitempty" doc:"per kWh, per hour, or once"`
	VAT         string    `json:"vat,omitempty" doc:"per cent; absent when none applies"`
	ExclVAT     string    `json:"excl_vat"`
	InclVAT     string    `json:"incl_vat"`
	Explanation []string  `json:"explanation"`
}

// PeriodView is a stretch in which the same components applied.
type PeriodView struct {
	Start    time.Time         `json:"start"`
	End      time.Time         `json:"end"`
	Kind     Kind              `json:"kind,omitempty" enum:"charging,parking,suspended,offline,reserved"`
	EnergyWh int64             `json:"energy_wh"`
	Elements map[Dimension]int `json:"elements,omitempty" doc:"index of the element that priced each dimension"`
}

// View renders c in the given language.
func (c Cost) View(l Language) CostView {
	v := CostView{Currency: c.Currency, ExclVAT: c.Excl.Decimal(), InclVAT: c.Incl.Decimal(), Tax: c.Tax,
		Lines: make([]LineView, 0, len(c.Lines)), Periods: make([]PeriodView, 0, len(c.Periods)), Flags: c.Flags}
	for _, n := range c.Notes {
		v.Notes = append(v.Notes, n.in(l))
	}
	for _, u := range c.Used {
		v.Used = append(v.Used, u.view(c.Currency))
	}
	for _, line := range c.Lines {
		v.Lines = append(v.Lines, line.view(l))
	}
	var sum unit.Energy
	for _, p := range c.Periods {
		// Whole Wh of a running total, so that the periods add up.
		before := sum.WattHours()
		sum += p.Energy
		pv := PeriodView{Start: p.Start, End: p.End, Kind: p.Kind(), EnergyWh: sum.WattHours() - before, Elements: p.Elements()}
		if p.Reserved {
			pv.Kind = "reserved"
		}
		v.Periods = append(v.Periods, pv)
	}
	return v
}

func (l Line) view(lang Language) LineView {
	v := LineView{Kind: l.Kind, Reason: l.Reason, Date: l.Date, ExclVAT: l.Excl.Decimal(), InclVAT: l.Incl.Decimal(), Explanation: l.Explain(lang)}
	if l.Element < 0 {
		return v
	}
	v.Element, v.Dimension = &l.Element, l.Dimension
	v.Quantity, v.Billed, v.Unit = l.Quantity.Decimal(l.Dimension), l.Billed.Decimal(l.Dimension), l.Quantity.Unit(l.Dimension)
	v.UnitPrice = l.Price.String()
	if l.VAT != nil {
		v.VAT = l.VAT.String()
	}
	return v
}

func (u Used) view(c money.Currency) UsedView {
	v := UsedView{Per: u.Per, Key: u.Key}
	if u.Energy != 0 {
		v.KWh = u.Energy.KWh()
	}
	if u.Time != 0 {
		v.Minutes = Quantity(u.Time.Microseconds()).Decimal(ocpi.DimensionTime)
	}
	if u.Incl != 0 {
		v.InclVAT = money.Amount{Micros: u.Incl, Currency: c}.Decimal()
	}
	return v
}

// MarshalJSON writes the English view.
func (c Cost) MarshalJSON() ([]byte, error) { return json.Marshal(c.View(English)) }
