package tariff

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// ExtensionField is the field of a tariff, and of an element, that holds what
// OCPI has no words for. ToOCPI says what becomes of it elsewhere.
const ExtensionField = "forecourt"

// Number is an exact decimal that a JSON document writes as a number.
type Number = number

// Extension is what a tariff says beyond OCPI. Everything is optional.
type Extension struct {
	Allowances  []AllowanceRule `json:"allowances,omitempty" doc:"What is free; of each kind (kWh, minutes, amount) the first that the driver has"`
	Idle        *IdleRule       `json:"idle,omitempty" doc:"When PARKING_TIME is not billed"`
	FailedStart *FailedStart    `json:"failed_start,omitempty" doc:"A session this short and small pays neither FLAT nor min_price"`
	DayCap      *PriceCap       `json:"day_cap,omitempty" doc:"A driver pays at most this per local day under this tariff"`
	Rounding    *RoundingRule   `json:"rounding,omitempty"`
}

// AllowanceRule is something that is free, counted over a session, a local
// day, a local month or a plan. One of kwh, minutes and amount is given.
type AllowanceRule struct {
	Per          Per       `json:"per" enum:"session,day,month,plan"`
	KWh          *Number   `json:"kwh,omitempty" doc:"The first kWh, whatever they would cost"`
	Minutes      *int64    `json:"minutes,omitempty" minimum:"1" doc:"The first minutes of charging and parking"`
	Amount       *PriceCap `json:"amount,omitempty" doc:"Taken off the price at the very end"`
	DriverGroups []string  `json:"driver_groups,omitempty" doc:"Only for drivers in one of these groups"`
}

// Per is what an allowance is counted over.
type Per string

const (
	PerSession Per = "session"
	PerDay     Per = "day"   // a day of the location's calendar
	PerMonth   Per = "month" // a month of the location's calendar
	PerPlan    Per = "plan"  // as long as whoever counts says (Context.Used)
)

var pers = []Per{PerSession, PerDay, PerMonth, PerPlan}

// IdleRule softens PARKING_TIME.
type IdleRule struct {
	GraceMinutes int64       `json:"grace_minutes,omitempty" minimum:"0" maximum:"1440" doc:"The first minutes of parking are free"`
	Cap          *PriceCap   `json:"cap,omitempty" doc:"Parking costs at most this per session"`
	QuietHours   []QuietTime `json:"quiet_hours,omitempty" doc:"Local times in which parking is free"`
	OnlyWaiting  bool        `json:"only_while_others_wait,omitempty" doc:"Parking costs something only while somebody waits for the EVSE"`
}

// QuietTime is a local time of day; it may pass midnight.
type QuietTime struct {
	Start string `json:"start" example:"22:00"`
	End   string `json:"end" example:"07:00"`
}

// FailedStart is what counts as a start that failed: below both limits.
type FailedStart struct {
	MaxSeconds int64 `json:"max_seconds" minimum:"1" maximum:"3600" doc:"Usually 120"`
	MaxWh      int64 `json:"max_wh" minimum:"1" maximum:"10000" doc:"Usually 100"`
}

// PriceCap is an amount before and after tax; the one that is absent follows
// from the other by the session's own share of tax.
type PriceCap struct {
	ExclVAT *Number `json:"excl_vat,omitempty"`
	InclVAT *Number `json:"incl_vat,omitempty"`
}

// RoundingRule says how the total becomes payable.
type RoundingRule struct {
	Rule      string  `json:"rule,omitempty" enum:"half_up,half_even,down" doc:"Default: half_up"`
	PerLine   bool    `json:"per_line,omitempty" doc:"Round each line, so that the total is a plain sum"`
	Increment *Number `json:"increment,omitempty" doc:"The total with tax is rounded to a multiple of this, e.g. 0.05"`
	Cash      bool    `json:"cash,omitempty" doc:"Round as cash is rounded in the tariff's country, e.g. CHF to 0.05"`
}

// ElementExtension restricts an element beyond OCPI; all that is set must
// hold, together with the element's restrictions.
type ElementExtension struct {
	DriverGroups  []string `json:"driver_groups,omitempty" doc:"The driver is in one of these groups"`
	MinSoC        *Number  `json:"min_soc,omitempty" doc:"Per cent, inclusive; the latest the vehicle told"`
	MaxSoC        *Number  `json:"max_soc,omitempty" doc:"Per cent, exclusive"`
	MinRatedPower *Number  `json:"min_rated_power,omitempty" doc:"kW that the EVSE can deliver, inclusive"`
	MaxRatedPower *Number  `json:"max_rated_power,omitempty" doc:"kW, exclusive"`
}

// isZero reports that nothing is restricted.
func (e ElementExtension) isZero() bool {
	return len(e.DriverGroups) == 0 && e.MinSoC == nil && e.MaxSoC == nil && e.MinRatedPower == nil && e.MaxRatedPower == nil
}

// ExtensionOf reads a tariff's extension; the zero value when it has none.
func ExtensionOf(o ocpi.Tariff) (Extension, error) {
	var e Extension
	return e, readExtension(o.Extra, &e)
}

// ElementExtensionOf reads an element's extension.
func ElementExtensionOf(o ocpi.TariffElement) (ElementExtension, error) {
	var e ElementExtension
	return e, readExtension(o.Extra, &e)
}

// readExtension is strict: a rule that is not understood cannot be priced.
func readExtension(extra ocpi.Extra, v any) error {
	text, ok := extra[ExtensionField]
	if !ok {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// foreign leaves out of a list of unknown fields what is an extension of ours.
func foreign(fields []string) []string {
	return slices.DeleteFunc(fields, func(f string) bool {
		if f == ExtensionField {
			return true
		}
		element, ok := strings.CutSuffix(f, "]."+ExtensionField)
		return ok && strings.HasPrefix(element, "elements[") && !strings.Contains(element, ".")
	})
}

// extension compiles what the tariff says beyond OCPI.
func (c *compiler) extension(o ocpi.Tariff, t *Tariff) {
	e, err := ExtensionOf(o)
	if err != nil {
		c.bad(ExtensionField, nil, "is not understood: %s", err)
		return
	}
	t.policy.dayCap = c.cap(ExtensionField+".day_cap", e.DayCap)
	for i, a := range e.Allowances {
		c.allowance(fmt.Sprintf("%s.allowances[%d]", ExtensionField, i), a, t)
	}
	if e.Idle != nil {
		c.idle(ExtensionField+".idle", e.Idle, t)
	}
	if f := e.FailedStart; f != nil {
		if f.MaxSeconds < 1 || f.MaxSeconds > 3600 || f.MaxWh < 1 || f.MaxWh > 10_000 {
			c.bad(ExtensionField+".failed_start", nil, "must have max_seconds from 1 to 3600 and max_wh from 1 to 10000, usually 120 and 100")
		}
		t.policy.failed = &failedStart{duration: f.MaxSeconds * 1_000_000, energy: f.MaxWh * 1000}
	}
	if e.Rounding != nil {
		c.rounding(ExtensionField+".rounding", o, e.Rounding, t)
	}
}

func (c *compiler) cap(location string, p *PriceCap) *Limit {
	if p == nil {
		return nil
	}
	var l Limit
	for _, x := range []struct {
		name string
		in   *Number
		out  **money.Micro
	}{{"excl_vat", p.ExclVAT, &l.Excl}, {"incl_vat", p.InclVAT, &l.Incl}} {
		if x.in == nil {
			continue
		}
		*x.out = c.micro(location+"."+x.name, decimal(*x.in))
		if *x.out != nil && **x.out < 0 {
			c.bad(location+"."+x.name, decimal(*x.in).String(), "must not be negative")
		}
	}
	if p.ExclVAT == nil && p.InclVAT == nil {
		c.bad(location, nil, "must give excl_vat, incl_vat or both")
	}
	if l.Excl != nil && l.Incl != nil && *l.Incl < *l.Excl {
		c.bad(location+".incl_vat", decimal(*p.InclVAT).String(), "must not be below excl_vat")
	}
	return &l
}

func (c *compiler) allowance(at string, a AllowanceRule, t *Tariff) {
	out := allowance{per: a.Per, groups: a.DriverGroups, rule: a}
	if !slices.Contains(pers, a.Per) {
		c.bad(at+".per", a.Per, "must be one of %v", pers)
	}
	given := 0
	if a.KWh != nil {
		given++
		v, ok := decimal(*a.KWh).Scaled(6)
		if !ok || v <= 0 || v > tooMuch {
			c.bad(at+".kwh", decimal(*a.KWh).String(), "must be a number above 0")
		}
		out.of, out.amount = freeEnergy, v
	}
	if a.Minutes != nil {
		given++
		if *a.Minutes <= 0 || *a.Minutes > 1_000_000 {
			c.bad(at+".minutes", *a.Minutes, "must be from 1 to 1000000")
		}
		out.of, out.amount = freeTime, *a.Minutes*60_000_000
	}
	if a.Amount != nil {
		given++
		out.of, out.limit = freeAmount, c.cap(at+".amount", a.Amount)
	}
	if given != 1 {
		c.bad(at, nil, "must give exactly one of kwh, minutes and amount")
	}
	c.groups(at+".driver_groups", a.DriverGroups)
	t.policy.free = append(t.policy.free, out)
}

func (c *compiler) groups(at string, groups []string) {
	for i, g := range groups {
		if strings.TrimSpace(g) == "" || len(g) > 64 {
			c.bad(fmt.Sprintf("%s[%d]", at, i), g, "must be the name of a driver group")
		}
	}
}

func (c *compiler) idle(at string, r *IdleRule, t *Tariff) {
	p := &idlePolicy{grace: r.GraceMinutes * 60_000_000, waiting: r.OnlyWaiting, cap: c.cap(at+".cap", r.Cap), rule: *r}
	if r.GraceMinutes < 0 || r.GraceMinutes > 24*60 {
		c.bad(at+".grace_minutes", r.GraceMinutes, "must be from 0 to 1440")
	}
	for i, q := range r.QuietHours {
		here := fmt.Sprintf("%s.quiet_hours[%d]", at, i)
		w := window{c.timeOfDay(here+".start", q.Start), c.timeOfDay(here+".end", q.End)}
		if w.from == w.to {
			c.bad(here+".end", q.End, "must not equal start; without any fee at all leave PARKING_TIME out")
		}
		p.quiet = append(p.quiet, w)
	}
	t.policy.idle = p
}

var roundingRules = map[string]money.Rule{"": money.HalfUp, "half_up": money.HalfUp, "half_even": money.HalfEven, "down": money.Down}

func (c *compiler) rounding(at string, o ocpi.Tariff, r *RoundingRule, t *Tariff) {
	rule, ok := roundingRules[r.Rule]
	if !ok {
		c.bad(at+".rule", r.Rule, "must be half_up, half_even or down")
	}
	out := Rounding{Rule: rule, PerLine: r.PerLine}
	if r.Cash {
		if out.Increment = CashIncrement(t.Currency, o.CountryCode); out.Increment == 0 {
			c.bad(at+".cash", true, "cash in %s is not rounded to anything coarser than the coin in %s; give increment instead", o.Currency, o.CountryCode)
		}
	}
	if r.Increment != nil {
		v := c.micro(at+".increment", decimal(*r.Increment))
		switch {
		case r.Cash:
			c.bad(at+".increment", decimal(*r.Increment).String(), "cannot be given together with cash")
		case v == nil:
		case *v <= 0 || *v%smallest(t.Currency) != 0:
			c.bad(at+".increment", decimal(*r.Increment).String(), "must be a multiple of the smallest coin")
		default:
			out.Increment = *v
		}
	}
	t.policy.rounding = &out
}

// elementExtension compiles what an element says beyond OCPI.
func (c *compiler) elementExtension(location string, o *ocpi.TariffElement, r *Restrictions) {
	at := location + "." + ExtensionField
	e, err := ElementExtensionOf(*o)
	if err != nil {
		c.bad(at, nil, "is not understood: %s", err)
		return
	}
	if e.isZero() {
		return
	}
	r.beyond = &e
	if len(e.DriverGroups) > 0 {
		c.groups(at+".driver_groups", e.DriverGroups)
		r.set |= onGroups
	}
	for _, f := range []struct {
		name  string
		value *Number
		most  int64
		to    *int64
		bit   restriction
	}{
		{"min_soc", e.MinSoC, 100_000, &r.minSoC, onMinSoC}, {"max_soc", e.MaxSoC, 100_001, &r.maxSoC, onMaxSoC},
		{"min_rated_power", e.MinRatedPower, tooMuch, &r.minRated, onMinRated}, {"max_rated_power", e.MaxRatedPower, tooMuch, &r.maxRated, onMaxRated},
	} {
		if f.value == nil {
			continue
		}
		v, ok := decimal(*f.value).Scaled(3)
		if !ok || v < 0 || v > f.most {
			c.bad(at+"."+f.name, decimal(*f.value).String(), "must be from 0 to %d", f.most/1000)
		}
		*f.to, r.set = v, r.set|f.bit
	}
	if r.set&onMinSoC != 0 && r.set&onMaxSoC != 0 && r.minSoC >= r.maxSoC {
		c.bad(at+".max_soc", decimal(*e.MaxSoC).String(), "must be above min_soc, or the element never applies")
	}
	if r.set&onMinRated != 0 && r.set&onMaxRated != 0 && r.minRated >= r.maxRated {
		c.bad(at+".max_rated_power", decimal(*e.MaxRatedPower).String(), "must be above min_rated_power, or the element never applies")
	}
}
