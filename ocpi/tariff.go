package ocpi

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// TariffDimension is TariffDimensionType: what a price component prices.
type TariffDimension string

const (
	DimensionEnergy  TariffDimension = "ENERGY"       // per kWh, step in Wh
	DimensionFlat    TariffDimension = "FLAT"         // once
	DimensionParking TariffDimension = "PARKING_TIME" // per hour not charging, step in s
	DimensionTime    TariffDimension = "TIME"         // per hour charging (or reserved), step in s
)

// TariffDimensions lists the allowed values.
var TariffDimensions = []TariffDimension{DimensionEnergy, DimensionFlat, DimensionParking, DimensionTime}

// TariffType says for whom a tariff is meant.
type TariffType string

const (
	TariffAdHoc        TariffType = "AD_HOC_PAYMENT"
	TariffProfileCheap TariffType = "PROFILE_CHEAP"
	TariffProfileFast  TariffType = "PROFILE_FAST"
	TariffProfileGreen TariffType = "PROFILE_GREEN"
	TariffRegular      TariffType = "REGULAR"
)

// TariffTypes lists the allowed values.
var TariffTypes = []TariffType{TariffAdHoc, TariffProfileCheap, TariffProfileFast, TariffProfileGreen, TariffRegular}

// TaxIncluded says whether a tariff's prices contain tax (2.3.0). Absent, as
// in 2.2.1, prices are before VAT.
type TaxIncluded string

const (
	TaxYes  TaxIncluded = "YES"
	TaxNo   TaxIncluded = "NO"
	TaxNone TaxIncluded = "N/A" // no tax applies
)

// TaxIncludedValues lists the allowed values.
var TaxIncludedValues = []TaxIncluded{TaxYes, TaxNo, TaxNone}

// ReservationRestriction marks elements that price a reservation.
type ReservationRestriction string

const (
	Reservation        ReservationRestriction = "RESERVATION"
	ReservationExpires ReservationRestriction = "RESERVATION_EXPIRES"
)

// Weekdays lists the allowed values of day_of_week, Monday first.
var Weekdays = []string{"MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"}

// Tariff is the Tariff object: elements in order of precedence.
type Tariff struct {
	CountryCode   string          `json:"country_code,omitempty"`
	PartyID       string          `json:"party_id,omitempty"`
	ID            string          `json:"id,omitempty"`
	Currency      string          `json:"currency,omitempty"`
	Type          TariffType      `json:"type,omitempty"`
	TariffAltText []DisplayText   `json:"tariff_alt_text,omitempty"`
	TariffAltURL  string          `json:"tariff_alt_url,omitempty"`
	MinPrice      *Price          `json:"min_price,omitempty"`
	MaxPrice      *Price          `json:"max_price,omitempty"`
	Elements      []TariffElement `json:"elements,omitempty"`
	TaxIncluded   TaxIncluded     `json:"tax_included,omitempty"`
	StartDateTime *DateTime       `json:"start_date_time,omitempty"`
	EndDateTime   *DateTime       `json:"end_date_time,omitempty"`
	EnergyMix     json.RawMessage `json:"energy_mix,omitempty"` // carried, not read
	LastUpdated   DateTime        `json:"last_updated,omitzero"`
	Extra         Extra           `json:"-"`
}

// TariffElement is a group of components under the same restrictions.
type TariffElement struct {
	PriceComponents []PriceComponent    `json:"price_components"`
	Restrictions    *TariffRestrictions `json:"restrictions,omitempty"`
	Extra           Extra               `json:"-"`
}

// PriceComponent prices one dimension: per kWh, per hour, or once. VAT is in
// per cent; absent means that none applies. StepSize is in Wh or seconds.
type PriceComponent struct {
	Type     TariffDimension `json:"type"`
	Price    unit.Decimal    `json:"price"`
	VAT      *unit.Decimal   `json:"vat,omitempty"`
	StepSize int64           `json:"step_size"`
	Extra    Extra           `json:"-"`
}

// TariffRestrictions says when an element applies; all that are set must
// hold. Times and dates are the location's. kWh, A (sum over the phases), kW
// and seconds.
type TariffRestrictions struct {
	StartTime   string                 `json:"start_time,omitempty"`
	EndTime     string                 `json:"end_time,omitempty"`
	StartDate   string                 `json:"start_date,omitempty"`
	EndDate     string                 `json:"end_date,omitempty"`
	MinKWh      *unit.Decimal          `json:"min_kwh,omitempty"`
	MaxKWh      *unit.Decimal          `json:"max_kwh,omitempty"`
	MinCurrent  *unit.Decimal          `json:"min_current,omitempty"`
	MaxCurrent  *unit.Decimal          `json:"max_current,omitempty"`
	MinPower    *unit.Decimal          `json:"min_power,omitempty"`
	MaxPower    *unit.Decimal          `json:"max_power,omitempty"`
	MinDuration *int64                 `json:"min_duration,omitempty"`
	MaxDuration *int64                 `json:"max_duration,omitempty"`
	DayOfWeek   []string               `json:"day_of_week,omitempty"`
	Reservation ReservationRestriction `json:"reservation,omitempty"`
	Extra       Extra                  `json:"-"`
}

// DisplayText is a text in one language (ISO 639-1).
type DisplayText struct {
	Language string `json:"language"`
	Text     string `json:"text"`
	Extra    Extra  `json:"-"`
}

// UnknownFields names, sorted, every field that no version of OCPI handled
// here defines, as "elements[0].restrictions.max_kw".
func (t Tariff) UnknownFields() []string {
	var u unknown
	u.add("", t.Extra)
	t.MinPrice.unknown(&u, "min_price")
	t.MaxPrice.unknown(&u, "max_price")
	for i, x := range t.TariffAltText {
		u.add(fmt.Sprintf("tariff_alt_text[%d]", i), x.Extra)
	}
	for i, e := range t.Elements {
		path := fmt.Sprintf("elements[%d]", i)
		u.add(path, e.Extra)
		for j, c := range e.PriceComponents {
			u.add(fmt.Sprintf("%s.price_components[%d]", path, j), c.Extra)
		}
		if e.Restrictions != nil {
			u.add(path+".restrictions", e.Restrictions.Extra)
		}
	}
	slices.Sort(u)
	return u
}

func (t Tariff) MarshalJSON() ([]byte, error) {
	type wire Tariff
	return encode(wire(t), t.Extra)
}

func (t *Tariff) UnmarshalJSON(b []byte) error {
	type wire Tariff
	return decode(b, (*wire)(t), &t.Extra)
}

func (e TariffElement) MarshalJSON() ([]byte, error) {
	type wire TariffElement
	return encode(wire(e), e.Extra)
}

func (e *TariffElement) UnmarshalJSON(b []byte) error {
	type wire TariffElement
	return decode(b, (*wire)(e), &e.Extra)
}

func (c PriceComponent) MarshalJSON() ([]byte, error) {
	type wire PriceComponent
	return encode(wire(c), c.Extra)
}

func (c *PriceComponent) UnmarshalJSON(b []byte) error {
	type wire PriceComponent
	return decode(b, (*wire)(c), &c.Extra)
}

func (r TariffRestrictions) MarshalJSON() ([]byte, error) {
	type wire TariffRestrictions
	return encode(wire(r), r.Extra)
}

func (r *TariffRestrictions) UnmarshalJSON(b []byte) error {
	type wire TariffRestrictions
	return decode(b, (*wire)(r), &r.Extra)
}

func (d DisplayText) MarshalJSON() ([]byte, error) {
	type wire DisplayText
	return encode(wire(d), d.Extra)
}

func (d *DisplayText) UnmarshalJSON(b []byte) error {
	type wire DisplayText
	return decode(b, (*wire)(d), &d.Extra)
}
