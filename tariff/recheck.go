package tariff

import (
	"encoding/json"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/timezone"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// Recheck is a CDR priced again, as `forecourt tariff price` prints it.
// Money is in Currency; energy in kWh, times in hours, as OCPI writes them.
type Recheck struct {
	OCPI         string       `json:"ocpi_version" doc:"the version the CDR was read as"`
	CDR          string       `json:"cdr_id,omitempty"`
	Tariff       string       `json:"tariff_id,omitempty"`
	TimeZone     string       `json:"time_zone"`
	TimeZoneFrom string       `json:"time_zone_from" doc:"option, cdr, country, coordinates or assumed"`
	Currency     string       `json:"currency"`
	TotalCost    Sum          `json:"total_cost" doc:"rounded as it is payable"`
	ExactCost    Sum          `json:"exact_cost" doc:"the lines' sum, to a millionth"`
	Costs        Costs        `json:"costs"`
	Quantities   Quantities   `json:"quantities"`
	Tax          TaxState     `json:"tax"`
	Lines        []LineView   `json:"lines"`
	Periods      []PeriodView `json:"periods"`
	Notes        []Note       `json:"notes,omitempty"`
	Stated       *Stated      `json:"cdr_total_cost,omitempty"`
}

// Sum is an amount before and after tax.
type Sum struct {
	ExclVAT json.Number `json:"excl_vat"`
	InclVAT json.Number `json:"incl_vat"`
}

// Costs are the subtotals of a CDR, by what they are for; an adjustment is
// what a minimum or maximum price added or took off.
type Costs struct {
	Fixed       *Sum `json:"fixed,omitempty"`
	Energy      *Sum `json:"energy,omitempty"`
	Time        *Sum `json:"time,omitempty"`
	Parking     *Sum `json:"parking,omitempty"`
	Reservation *Sum `json:"reservation,omitempty"`
	Adjustment  *Sum `json:"adjustment,omitempty"`
}

// Quantities are what was used, and what is billed after step sizes.
type Quantities struct {
	Energy        json.Number `json:"energy_kwh"`
	Time          json.Number `json:"time_h" doc:"of the whole session"`
	Parking       json.Number `json:"parking_time_h"`
	Reservation   json.Number `json:"reservation_time_h"`
	BilledEnergy  json.Number `json:"billed_energy_kwh"`
	BilledTime    json.Number `json:"billed_time_h"`
	BilledParking json.Number `json:"billed_parking_time_h"`
}

// Stated is the CDR's own total and how far it is from ours (stated minus
// ours); incl_vat where the CDR has one.
type Stated struct {
	ExclVAT       json.Number `json:"excl_vat,omitempty"`
	InclVAT       json.Number `json:"incl_vat,omitempty"`
	DifferExclVAT json.Number `json:"difference_excl_vat,omitempty"`
	DifferInclVAT json.Number `json:"difference_incl_vat,omitempty"`
	Agrees        bool        `json:"agrees" doc:"within half of the smallest coin"`
}

// Reprice prices what a CDR of OCPI 2.1.1, 2.2.1 or 2.3.0 says was used. zone
// is a name of the IANA database; empty takes the CDR's own, else derives one
// from its country or coordinates. The error is fault.Invalid.
func Reprice(t Tariff, cdr ocpi.CDR, zone string) (Recheck, error) {
	name, from, err := zoneOf(cdr, zone)
	if err != nil {
		return Recheck{}, err
	}
	location, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return Recheck{}, fault.New(fault.Invalid, "tariff.time_zone", "%q is not a time zone such as Europe/Paris", name)
	}
	if cdr.Currency != "" && cdr.Currency != string(t.Currency) {
		return Recheck{}, fault.New(fault.Invalid, "tariff.currency", "the CDR is in %s and the tariff in %s; they must be the same", cdr.Currency, t.Currency)
	}
	usage, err := UsageOf(cdr)
	if err != nil {
		return Recheck{}, err
	}
	cost := Price(t, usage, location, Context{})
	view := cost.View(English)
	out := Recheck{
		OCPI: cdr.Version(), CDR: cdr.ID, Tariff: string(t.ID), TimeZone: name, TimeZoneFrom: from, Currency: string(t.Currency),
		TotalCost: sum(cost.Excl, cost.Incl), Costs: cost.costs(), Quantities: cost.quantities(),
		Tax: cost.Tax, Lines: view.Lines, Periods: view.Periods, Notes: view.Notes,
	}
	out.ExactCost = sum(cost.Subtotal(func(Line) bool { return true }))
	out.Stated = stated(cdr.TotalCost, cost)
	return out, nil
}

func sum(excl, incl money.Amount) Sum {
	return Sum{json.Number(excl.Decimal()), json.Number(incl.Decimal())}
}

// zoneOf finds the zone to price in, and says where it is from.
func zoneOf(cdr ocpi.CDR, given string) (zone, from string, err error) {
	if given != "" {
		return given, "option", nil
	}
	place := cdr.Place()
	if place.TimeZone != "" {
		return place.TimeZone, "cdr", nil
	}
	var at *timezone.Position
	if place.Latitude != "" {
		if p, err := timezone.ParsePosition(place.Latitude, place.Longitude); err == nil {
			at = &p
		}
	}
	zone, basis, err := timezone.Of(place.Country, at)
	if err != nil {
		return "", "", fault.Wrap(fault.Invalid, err, "tariff.time_zone", "the CDR does not say where it was; give the time zone with --time-zone")
	}
	return zone, string(basis), nil
}

// costs are the subtotals by what they are for.
func (c Cost) costs() Costs {
	of := func(keep func(Line) bool) *Sum {
		for _, l := range c.Lines {
			if keep(l) {
				s := sum(c.Subtotal(keep))
				return &s
			}
		}
		return nil
	}
	session := func(d Dimension) *Sum {
		return of(func(l Line) bool { return l.Kind == LineSession && l.Dimension == d })
	}
	return Costs{
		Fixed: session(ocpi.DimensionFlat), Energy: session(ocpi.DimensionEnergy), Time: session(ocpi.DimensionTime), Parking: session(ocpi.DimensionParking),
		Reservation: of(func(l Line) bool { return l.Kind == LineReservation }),
		Adjustment:  of(func(l Line) bool { return l.Kind == LineMinimum || l.Kind == LineMaximum }),
	}
}

func (c Cost) quantities() Quantities {
	billed := map[Dimension]Quantity{}
	for _, l := range c.Lines {
		if l.Kind == LineSession {
			billed[l.Dimension] += l.Billed
		}
	}
	return Quantities{
		Energy: json.Number(c.Energy.KWh()), Time: hours(c.Duration), Parking: hours(c.ParkingTime), Reservation: hours(c.ReservedFor),
		BilledEnergy: json.Number(billed[ocpi.DimensionEnergy].Decimal(ocpi.DimensionEnergy)),
		BilledTime:   hours(time.Duration(billed[ocpi.DimensionTime]) * time.Microsecond), BilledParking: hours(time.Duration(billed[ocpi.DimensionParking]) * time.Microsecond),
	}
}

// hours writes a duration to a millionth of an hour.
func hours(d time.Duration) json.Number {
	const perMillionth = time.Hour / 1_000_000
	n := int64((d + perMillionth/2) / perMillionth)
	return json.Number(unit.DecimalOf(n, -6).String())
}

func stated(p *ocpi.Price, c Cost) *Stated {
	if p == nil {
		return nil
	}
	s := Stated{Agrees: true}
	half := money.Micro(500_000)
	for range c.Currency.Digits() {
		half /= 10
	}
	compare := func(value unit.Decimal, ours money.Amount, text, differ *json.Number) {
		micros, ok := value.Scaled(6)
		if !ok {
			s.Agrees = false
			return
		}
		theirs := money.Amount{Micros: money.Micro(micros), Currency: ours.Currency}
		off := theirs.Sub(ours)
		*text, *differ = json.Number(theirs.Decimal()), json.Number(off.Decimal())
		s.Agrees = s.Agrees && max(off.Micros, -off.Micros) <= half
	}
	if v, ok := p.Net(); ok {
		compare(v, c.Excl, &s.ExclVAT, &s.DifferExclVAT)
	}
	if v, ok := p.Gross(); ok {
		compare(v, c.Incl, &s.InclVAT, &s.DifferInclVAT)
	}
	return &s
}
