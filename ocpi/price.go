package ocpi

import (
	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// Price is an amount of money before and after tax.
//
// 2.2.1 writes excl_vat and incl_vat. 2.3.0 writes before_taxes with a list of
// taxes, and for limits (min_price, max_price) before_taxes with after_taxes.
// 2.1.1 has a plain number for total_cost: it is read as excl_vat.
type Price struct {
	ExclVAT     *unit.Decimal `json:"excl_vat,omitempty"`
	InclVAT     *unit.Decimal `json:"incl_vat,omitempty"`
	BeforeTaxes *unit.Decimal `json:"before_taxes,omitempty"`
	AfterTaxes  *unit.Decimal `json:"after_taxes,omitempty"`
	Taxes       []TaxAmount   `json:"taxes,omitempty"`
	Extra       Extra         `json:"-"`
	plain       bool          // 2.1.1: written back as the number it was
}

// TaxAmount is one tax within a price (2.3.0).
type TaxAmount struct {
	Name          string        `json:"name"`
	AccountNumber string        `json:"account_number,omitempty"`
	Percentage    *unit.Decimal `json:"percentage,omitempty"`
	Amount        unit.Decimal  `json:"amount"`
	Extra         Extra         `json:"-"`
}

// NewPrice makes a 2.2.1 price.
func NewPrice(excl, incl unit.Decimal) *Price { return &Price{ExclVAT: &excl, InclVAT: &incl} }

// Net is the amount before tax, whatever version wrote it.
func (p Price) Net() (unit.Decimal, bool) {
	for _, v := range []*unit.Decimal{p.ExclVAT, p.BeforeTaxes} {
		if v != nil {
			return *v, true
		}
	}
	return unit.Decimal{}, false
}

// Gross is the amount after tax, when the price states it.
func (p Price) Gross() (unit.Decimal, bool) {
	for _, v := range []*unit.Decimal{p.InclVAT, p.AfterTaxes} {
		if v != nil {
			return *v, true
		}
	}
	return unit.Decimal{}, false
}

func (p Price) MarshalJSON() ([]byte, error) {
	if p.plain && p.ExclVAT != nil {
		return p.ExclVAT.MarshalJSON()
	}
	type wire Price
	return encode(wire(p), p.Extra)
}

func (p *Price) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] != '{' && string(b) != "null" {
		var d unit.Decimal
		if err := d.UnmarshalJSON(b); err != nil {
			return err
		}
		*p = Price{ExclVAT: &d, plain: true}
		return nil
	}
	type wire Price
	return decode(b, (*wire)(p), &p.Extra)
}

func (t TaxAmount) MarshalJSON() ([]byte, error) {
	type wire TaxAmount
	return encode(wire(t), t.Extra)
}

func (t *TaxAmount) UnmarshalJSON(b []byte) error {
	type wire TaxAmount
	return decode(b, (*wire)(t), &t.Extra)
}

func (p *Price) unknown(u *unknown, path string) {
	if p == nil {
		return
	}
	u.add(path, p.Extra)
	for _, t := range p.Taxes {
		u.add(path+".taxes", t.Extra)
	}
}
