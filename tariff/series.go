package tariff

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/bits"
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// Formula makes a price per kWh out of one of a series:
// clamp(factor × price + fee, floor, ceiling), rounded to Decimals.
type Formula struct {
	Factor  unit.Decimal  `json:"factor"`
	Fee     unit.Decimal  `json:"fee"`
	Floor   *unit.Decimal `json:"floor,omitempty"`
	Ceiling *unit.Decimal `json:"ceiling,omitempty"`
	// Lock keeps the price of the session's start for the whole session;
	// otherwise it follows the series.
	Lock bool `json:"lock"`
	// Hold is for how long the last price of a late series still counts, in
	// minutes. After that the tariff's own price per kWh holds.
	Hold int `json:"hold_minutes,omitempty"`
}

// PricePoint is the price of one interval, per kWh in millionths.
type PricePoint struct {
	Start time.Time   `json:"start"`
	End   time.Time   `json:"end"`
	Price money.Micro `json:"price_micros"`
}

// formulaDecimals is how fine a price per kWh gets: a hundredth of a cent.
const formulaDecimals = 4

// check refuses a formula that cannot be worked out.
func (f Formula) check() error {
	bad := fault.New(fault.Invalid, "tariff.formula", "The formula is not valid.")
	within := func(at string, d unit.Decimal, low, high int64) {
		if v, ok := d.Scaled(6); !ok || v < low*1_000_000 || v > high*1_000_000 {
			bad.With("body."+at, "is out of range", d.String())
		}
	}
	within("factor", f.Factor, 0, 100)
	within("fee", f.Fee, -1000, 1000)
	if f.Floor != nil {
		within("floor", *f.Floor, 0, 1000)
	}
	if f.Ceiling != nil {
		within("ceiling", *f.Ceiling, 0, 1000)
		if f.Floor != nil && less(*f.Ceiling, *f.Floor) {
			bad.With("body.ceiling", "must not be below floor", f.Ceiling.String())
		}
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// Apply gives the price per kWh; never below zero.
func (f Formula) Apply(p money.Micro) unit.Decimal {
	factor, _ := f.Factor.Scaled(6)
	fee, _ := f.Fee.Scaled(6)
	v := scale(int64(p), factor) + fee
	if f.Floor != nil {
		low, _ := f.Floor.Scaled(6)
		v = max(v, low)
	}
	if f.Ceiling != nil {
		high, _ := f.Ceiling.Scaled(6)
		v = min(v, high)
	}
	rounded, _ := unit.DecimalOf(max(v, 0), -6).Scaled(formulaDecimals)
	return unit.DecimalOf(rounded, -formulaDecimals)
}

// scale gives a × b millionths, rounded half away from zero; it saturates.
func scale(a, b int64) int64 { return scaleBy(a, b, 1_000_000) }

// scaleBy gives a × b ÷ c for b and c above or at 0, rounded half away from
// zero; it saturates.
func scaleBy(a, b, c int64) int64 {
	sign := int64(1)
	if a < 0 {
		a, sign = -a, -1
	}
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	lo, carry := bits.Add64(lo, uint64(c)/2, 0)
	hi += carry
	if hi >= uint64(c) {
		return sign * (1 << 62)
	}
	q, _ := bits.Div64(hi, lo, uint64(c))
	return sign * int64(min(q, 1<<62))
}

// Dynamic is how a tariff follows a series, and what was made of it.
type Dynamic struct {
	ID        string
	Series    string
	Formula   Formula
	CreatedAt time.Time

	Points   []PricePoint // that the price was made from
	Locked   bool         // the price is that of the start
	Fallback bool         // the series had no price: the tariff's own holds

	base VersionID
}

// Source says where a materialised price is from.
func (d *Dynamic) Source() string {
	text, err := json.Marshal(struct {
		Series  string       `json:"series"`
		Formula Formula      `json:"formula"`
		Locked  bool         `json:"locked"`
		Points  []PricePoint `json:"points"`
	}{d.Series, d.Formula, d.Locked, d.Points})
	if err != nil {
		return "{}" // a formula came from JSON and goes back
	}
	return string(text)
}

// Materialise writes the prices of a series into a tariff: one price when it
// is locked at the start, else one element per stretch of local time with the
// same price. The tariff's own price per kWh is what holds outside the
// intervals, and its VAT and step size are those of the new prices. ok is
// false when no interval has a price: then the tariff stays as it is.
//
// OCPI restrictions know local time only. In the hour that a change of the
// clock repeats, the lower of the two prices holds.
func Materialise(o ocpi.Tariff, f Formula, points []PricePoint, zone *time.Location, at time.Time, locked bool) (made ocpi.Tariff, ok bool) {
	energy := ocpi.PriceComponent{Type: ocpi.DimensionEnergy, StepSize: 1}
	found := false
	for _, e := range o.Elements {
		for _, c := range e.PriceComponents {
			if c.Type == ocpi.DimensionEnergy && !found {
				energy, found = c, true
			}
		}
	}
	made = o
	if locked {
		i := slices.IndexFunc(points, func(p PricePoint) bool { return !at.Before(p.Start) && at.Before(p.End) })
		if i < 0 {
			return o, false
		}
		energy.Price = f.Apply(points[i].Price)
		made.Elements = append([]ocpi.TariffElement{{PriceComponents: []ocpi.PriceComponent{energy}}}, withoutEnergy(o.Elements)...)
		return made, true
	}
	made.Elements = nil
	for _, r := range runs(f, points, zone) {
		c := energy
		c.Price = r.price
		made.Elements = append(made.Elements, ocpi.TariffElement{PriceComponents: []ocpi.PriceComponent{c}, Restrictions: r.restrictions()})
	}
	if len(made.Elements) == 0 {
		return o, false
	}
	made.Elements = append(made.Elements, o.Elements...)
	return made, true
}

// withoutEnergy leaves out prices per kWh, which the locked one replaces.
func withoutEnergy(all []ocpi.TariffElement) (out []ocpi.TariffElement) {
	for _, e := range all {
		var rest []ocpi.PriceComponent
		for _, c := range e.PriceComponents {
			if c.Type != ocpi.DimensionEnergy {
				rest = append(rest, c)
			}
		}
		if len(rest) > 0 {
			e.PriceComponents = rest
			out = append(out, e)
		}
	}
	return out
}

// run is a stretch of a local day with one price; minutes of the day.
type run struct {
	date     time.Time
	from, to int
	price    unit.Decimal
}

const quarter = 15 // minutes: no interval and no time zone is finer

// runs lays the points out on the local calendar.
func runs(f Formula, points []PricePoint, zone *time.Location) []run {
	type slot struct {
		date   string
		minute int
	}
	prices := map[slot]unit.Decimal{}
	var order []slot
	for _, p := range points {
		price := f.Apply(p.Price)
		for at := p.Start; at.Before(p.End); at = at.Add(quarter * time.Minute) {
			l := at.In(zone)
			k := slot{l.Format(time.DateOnly), l.Hour()*60 + l.Minute()}
			old, twice := prices[k]
			switch {
			case !twice:
				order = append(order, k)
				prices[k] = price
			case less(price, old):
				prices[k] = price
			}
		}
	}
	var out []run
	for _, k := range order {
		if n := len(out) - 1; n >= 0 && out[n].date.Format(time.DateOnly) == k.date && out[n].to == k.minute && equalDecimals(out[n].price, prices[k]) {
			out[n].to += quarter
			continue
		}
		day, err := time.Parse(time.DateOnly, k.date)
		if err != nil {
			continue // it was formatted just now
		}
		out = append(out, run{day, k.minute, k.minute + quarter, prices[k]})
	}
	return out
}

func (r run) restrictions() *ocpi.TariffRestrictions {
	out := &ocpi.TariffRestrictions{StartDate: r.date.Format(time.DateOnly), EndDate: r.date.AddDate(0, 0, 1).Format(time.DateOnly)}
	if r.from == 0 && r.to == 24*60 {
		return out
	}
	clock := func(m int) string { return r.date.Add(time.Duration(m%(24*60)) * time.Minute).Format("15:04") }
	out.StartTime, out.EndTime = clock(r.from), clock(r.to)
	return out
}

// snapshotID names what a version became; the same content has the same name.
func snapshotID(base VersionID, o ocpi.Tariff) (VersionID, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append([]byte(base+"\n"), text...))
	return VersionID("dyn-" + hex.EncodeToString(sum[:16])), nil
}
