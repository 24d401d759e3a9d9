package tariff

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpi"
)

//go:embed market.json
var marketFile []byte

// Severity is what a finding means.
type Severity string

const (
	SeverityRefuse Severity = "refuse" // the tariff may not be used there
	SeverityWarn   Severity = "warn"   // probably not what the law wants
	SeverityDuty   Severity = "duty"   // nothing wrong with the tariff: something to do beside it
)

// Profile is the rules that hold in one market, as data with their sources.
type Profile struct {
	ID        string   `json:"id" pattern:"^[A-Za-z0-9-]{2,20}$"`
	Name      string   `json:"name" minLength:"1" maxLength:"100"`
	Countries []string `json:"countries" nullable:"false" doc:"ISO 3166-1 alpha-2"`
	// PostalCodes narrow a country down: prefixes ("H"), or ranges of the
	// first digits ("900-961").
	PostalCodes []string     `json:"postal_codes,omitempty"`
	ByChoice    bool         `json:"by_choice,omitempty" doc:"Holds only for sites that are put under it"`
	ReadOn      string       `json:"read_on,omitempty" doc:"When the sources were read"`
	Rules       []MarketRule `json:"rules" nullable:"false"`
	// MaxKWh is the most a session may deliver; OperatorKW the power of an
	// operator's EVSEs in the market from which on it must register.
	MaxKWh     *SourcedNumber `json:"max_kwh_per_session,omitempty"`
	OperatorKW *SourcedNumber `json:"operator_kw,omitempty"`
	// That there is no such limit is stated too, with why.
	NoMaxKWh     *NoLimit `json:"no_max_kwh,omitempty"`
	NoOperatorKW *NoLimit `json:"no_operator_kw,omitempty"`
}

// NoLimit says where it stands that a market has no limit of a kind, or that
// the sources read have none.
type NoLimit struct {
	Article string `json:"article" minLength:"1"`
	Source  string `json:"source" minLength:"1" doc:"Web address"`
	Text    string `json:"text" minLength:"1"`
}

// PriceCeiling is the most that a kWh may cost, in one currency.
type PriceCeiling struct {
	Value    Number         `json:"value" doc:"Per kWh"`
	Currency money.Currency `json:"currency" minLength:"3" maxLength:"3"`
	Taxed    bool           `json:"taxes_included,omitempty"`
}

// SourcedNumber is a limit with where it stands.
type SourcedNumber struct {
	Value   int64  `json:"value" minimum:"1"`
	Article string `json:"article" minLength:"1"`
	Source  string `json:"source" minLength:"1" doc:"Web address"`
	Text    string `json:"text,omitempty"`
}

// MarketRule is one rule. Conditions that are absent always hold.
type MarketRule struct {
	ID        string     `json:"id" minLength:"1"`
	Severity  Severity   `json:"severity" enum:"refuse,warn,duty"`
	Public    bool       `json:"public,omitempty" doc:"Only at public sites"`
	Audiences []Audience `json:"audiences,omitempty" doc:"Only for prices of these audiences"`
	MinPower  int64      `json:"min_power_kw,omitempty" doc:"Only at EVSEs of so much power"`

	Requires    []Dimension   `json:"requires,omitempty" doc:"A tariff that is not free prices these"`
	Allows      []Dimension   `json:"allows,omitempty" doc:"A tariff prices nothing but these"`
	TimeAfter   bool          `json:"allows_time_after_start,omitempty" doc:"With allows: TIME with a min_duration is an occupancy fee"`
	WhenPriced  []Dimension   `json:"when_priced,omitempty" doc:"Holds for tariffs that price one of these"`
	Constant    bool          `json:"constant_energy_price,omitempty" doc:"The price per kWh may not depend on time or energy"`
	Locked      bool          `json:"locked_at_start,omitempty" doc:"Prices from a series stay as they were at the start"`
	MaxPrice    *PriceCeiling `json:"max_energy_price,omitempty" doc:"A kWh may cost no more"`
	RequiresTax bool          `json:"requires_tax,omitempty" doc:"It must be possible to state the price with taxes"`

	Display []string `json:"display,omitempty" doc:"What is shown to drivers, in this order"`
	Article string   `json:"article" minLength:"1"`
	Source  string   `json:"source" minLength:"1" doc:"Web address"`
	Text    string   `json:"text" minLength:"1"`
	Fix     string   `json:"fix,omitempty"`
}

// Finding is a rule that a tariff breaks, or that asks for something.
type Finding struct {
	Profile  string   `json:"profile"`
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity" enum:"refuse,warn,duty"`
	Article  string   `json:"article"`
	Source   string   `json:"source"`
	Text     string   `json:"text"`
	Fix      string   `json:"fix,omitempty"`
	Display  []string `json:"display,omitempty"`
}

// Market is where a tariff is to be used, as far as rules care.
type Market struct {
	Profiles []Profile
	Public   bool
	Power    unit.Watts // of the strongest EVSE; 0: not known
}

// shipped are the profiles we know, parsed once.
var shipped = func() []Profile {
	all, err := parseProfiles(marketFile)
	if err != nil {
		panic("tariff: market.json: " + err.Error())
	}
	return all
}()

func parseProfiles(text []byte) ([]Profile, error) {
	var file struct{ Profiles []Profile }
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, err
	}
	for _, p := range file.Profiles {
		if err := p.check(); err != nil {
			return nil, err
		}
	}
	return file.Profiles, nil
}

// MarketProfiles gives the profiles we ship.
func MarketProfiles() []Profile { return slices.Clone(shipped) }

var (
	codePrefix = regexp.MustCompile(`^[A-Z0-9]{1,6}$`)
	codeRange  = regexp.MustCompile(`^([0-9]{1,6})-([0-9]{1,6})$`)
)

// check refuses a profile that could not be applied.
func (p Profile) check() error {
	bad := fault.New(fault.Invalid, "tariff.market_profile", "The market profile %q is not valid.", p.ID)
	for i, c := range p.Countries {
		if len(c) != 2 || strings.Trim(c, letters) != "" {
			bad.With(fmt.Sprintf("body.countries[%d]", i), "must be an ISO 3166-1 alpha-2 code", c)
		}
	}
	for i, c := range p.PostalCodes {
		m := codeRange.FindStringSubmatch(c)
		if !codePrefix.MatchString(c) && (m == nil || len(m[1]) != len(m[2]) || m[1] > m[2]) {
			bad.With(fmt.Sprintf("body.postal_codes[%d]", i), "must be a prefix such as H, or a range such as 900-961", c)
		}
	}
	if len(p.Countries) == 0 && !p.ByChoice {
		bad.With("body.countries", "name at least one, or set by_choice", nil)
	}
	if p.MaxKWh != nil && p.NoMaxKWh != nil {
		bad.With("body.no_max_kwh", "leave it out where there is max_kwh_per_session", nil)
	}
	if p.OperatorKW != nil && p.NoOperatorKW != nil {
		bad.With("body.no_operator_kw", "leave it out where there is operator_kw", nil)
	}
	for i, r := range p.Rules {
		at := fmt.Sprintf("body.rules[%d]", i)
		for _, d := range slices.Concat(r.Requires, r.Allows, r.WhenPriced) {
			if dimensionNumber(d) == noDim {
				bad.With(at, fmt.Sprintf("must name dimensions of %v", ocpi.TariffDimensions), d)
			}
		}
		for _, a := range r.Audiences {
			if a.rank() < 0 {
				bad.With(at+".audiences", fmt.Sprintf("must be of %v", Audiences), a)
			}
		}
		if r.Severity == SeverityRefuse && len(r.Requires)+len(r.Allows) == 0 && !r.Constant && !r.RequiresTax && r.MaxPrice == nil && len(r.WhenPriced) == 0 {
			bad.With(at+".severity", "refuse needs something that a tariff can break (requires, allows, when_priced, constant_energy_price, max_energy_price, requires_tax)", r.Severity)
		}
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// holds reports whether the profile applies to an address by itself.
func (p Profile) holds(country, postal string) bool {
	if p.ByChoice || !slices.Contains(p.Countries, country) {
		return false
	}
	if len(p.PostalCodes) == 0 {
		return true
	}
	code := strings.ToUpper(strings.ReplaceAll(postal, " ", ""))
	return slices.ContainsFunc(p.PostalCodes, func(c string) bool {
		if m := codeRange.FindStringSubmatch(c); m != nil {
			n := len(m[1])
			return len(code) >= n && code[:n] >= m[1] && code[:n] <= m[2]
		}
		return strings.HasPrefix(code, c)
	})
}

// Locked reports whether prices that follow a series stay as they were at the
// start of a session.
func (m Market) Locked() bool {
	for _, p := range m.Profiles {
		for _, r := range p.Rules {
			if r.Locked && (m.Public || !r.Public) {
				return true
			}
		}
	}
	return false
}

// Examine tells what the rules of a market say about a tariff for an
// audience. A rule that is kept is not mentioned; one that asks for something
// beside the tariff is.
func (m Market) Examine(t *Tariff, a Audience) []Finding {
	out := []Finding{}
	for _, p := range m.Profiles {
		for _, r := range p.Rules {
			if r.concerns(m, a) && r.met(t) {
				out = append(out, Finding{p.ID, r.ID, r.Severity, r.Article, r.Source, r.Text, r.Fix, r.Display})
			}
		}
	}
	return out
}

// concerns reports whether the rule looks at such a place and audience. An
// override is a price for one person, which no rule about groups of people
// that names its audiences concerns.
func (r MarketRule) concerns(m Market, a Audience) bool {
	return (m.Public || !r.Public) &&
		(len(r.Audiences) == 0 || slices.Contains(r.Audiences, a)) &&
		(r.MinPower == 0 || int64(m.Power) >= r.MinPower*1000)
}

// met reports whether the rule has something to say about the tariff.
func (r MarketRule) met(t *Tariff) bool {
	if t.Free() {
		return r.Severity == SeverityDuty && len(r.WhenPriced) == 0
	}
	if len(r.WhenPriced) > 0 && !slices.ContainsFunc(r.WhenPriced, t.prices) {
		return false
	}
	tests := false
	for _, x := range []struct {
		asked  bool
		broken func() bool
	}{
		{len(r.Requires) > 0, func() bool {
			return slices.ContainsFunc(r.Requires, func(d Dimension) bool { return !t.prices(d) })
		}},
		{len(r.Allows) > 0, func() bool { return r.forbidden(t) }},
		{r.Constant, func() bool { return !t.constantEnergy() }},
		{r.MaxPrice != nil, func() bool { return r.MaxPrice.exceeded(t) }},
		{r.RequiresTax, func() bool { return !t.statesTax() }},
	} {
		tests = tests || x.asked
		if x.asked && x.broken() {
			return true
		}
	}
	return !tests
}

// exceeded reports whether a kWh can cost more. A tariff in another currency
// is not compared; a tax that the tariff does not state is taken as none.
func (m PriceCeiling) exceeded(t *Tariff) bool {
	if m.Currency != t.Currency {
		return false
	}
	for _, e := range t.sessionElements() {
		for _, c := range e.PriceComponents {
			if c.Type == ocpi.DimensionEnergy && m.below(c, t.Tax) {
				return true
			}
		}
	}
	return false
}

// below reports whether the ceiling is below a price, exactly: price × (1 +
// VAT) where one has the tax and the other has not.
func (m PriceCeiling) below(c ocpi.PriceComponent, tax ocpi.TaxIncluded) bool {
	price, limit := rational(c.Price), rational(unit.Decimal(m.Value))
	if c.VAT != nil && tax != ocpi.TaxNone {
		num, den := vatFactor(*c.VAT)
		factor := big.NewRat(num, den)
		switch {
		case m.Taxed && tax != ocpi.TaxYes:
			price.Mul(price, factor)
		case !m.Taxed && tax == ocpi.TaxYes:
			limit.Mul(limit, factor)
		}
	}
	return price.Cmp(limit) > 0
}

func rational(d unit.Decimal) *big.Rat {
	r, _ := new(big.Rat).SetString(d.String()) // a Decimal writes what SetString reads
	return r
}

// sessionElements gives the elements that price sessions, not reservations.
func (t *Tariff) sessionElements() []ocpi.TariffElement {
	return slices.DeleteFunc(slices.Clone(t.Source.Elements), func(e ocpi.TariffElement) bool {
		return e.Restrictions != nil && e.Restrictions.Reservation != ""
	})
}

// forbidden reports whether the tariff prices something the rule does not allow.
func (r MarketRule) forbidden(t *Tariff) bool {
	for _, e := range t.sessionElements() {
		late := e.Restrictions != nil && e.Restrictions.MinDuration != nil && *e.Restrictions.MinDuration > 0
		for _, c := range e.PriceComponents {
			occupancy := r.TimeAfter && c.Type == ocpi.DimensionTime && late
			if c.Price.Sign() > 0 && !slices.Contains(r.Allows, c.Type) && !occupancy {
				return true
			}
		}
	}
	if t.Source.MinPrice == nil {
		return false
	}
	least, ok := t.Source.MinPrice.Net()
	return ok && least.Sign() > 0
}

// prices reports whether a session can cost something for a dimension.
func (t *Tariff) prices(d Dimension) bool {
	return slices.ContainsFunc(t.sessionElements(), func(e ocpi.TariffElement) bool {
		return slices.ContainsFunc(e.PriceComponents, func(c ocpi.PriceComponent) bool { return c.Type == d && c.Price.Sign() > 0 })
	})
}

// constantEnergy reports whether every kWh of a session has the same price.
func (t *Tariff) constantEnergy() bool {
	var price *unit.Decimal
	always := false
	for _, e := range t.sessionElements() {
		for _, c := range e.PriceComponents {
			if c.Type != ocpi.DimensionEnergy || always {
				continue
			}
			if price != nil && !equalDecimals(*price, c.Price) {
				return false
			}
			price, always = &c.Price, unrestricted(e.Restrictions)
		}
	}
	return price == nil || always
}

// unrestricted reports whether restrictions always hold.
func unrestricted(r *ocpi.TariffRestrictions) bool {
	return r == nil || reflect.DeepEqual(*r, ocpi.TariffRestrictions{})
}

func equalDecimals(a, b unit.Decimal) bool { return !less(a, b) && !less(b, a) }

// statesTax reports whether prices with taxes can be worked out.
func (t *Tariff) statesTax() bool {
	if t.Tax == ocpi.TaxYes || t.Tax == ocpi.TaxNone {
		return true
	}
	return !slices.ContainsFunc(t.Source.Elements, func(e ocpi.TariffElement) bool {
		return slices.ContainsFunc(e.PriceComponents, func(c ocpi.PriceComponent) bool { return c.Price.Sign() > 0 && c.VAT == nil })
	})
}

// Refused gives the findings that forbid the tariff.
func Refused(all []Finding) []Finding {
	return slices.DeleteFunc(slices.Clone(all), func(f Finding) bool { return f.Severity != SeverityRefuse })
}

// refusal says which rules forbid a tariff, with the article.
func refusal(t ID, where string, all []Finding) error {
	f := fault.New(fault.Invalid, "tariff.market_rule", "The tariff %q may not be used at %s: %s", t, where, all[0].Article)
	for _, x := range all {
		f.With("body.tariff", fmt.Sprintf("%s: %s %s", x.Article, x.Text, x.Fix), string(t))
	}
	return f
}
