package tariff

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/location"
	"github.com/forecourt-ev/forecourt/ocpi"
	"github.com/forecourt-ev/forecourt/station"
)

type (
	templateInput struct{ Body TemplateBody }
	// TemplateBody fills a model.
	TemplateBody struct {
		ID           string       `json:"id,omitempty" maxLength:"36" doc:"Default: a new one"`
		Organisation string       `json:"organisation,omitempty" doc:"Default: your own"`
		Create       bool         `json:"create,omitempty" doc:"Store the tariff; otherwise it is only shown"`
		Currency     string       `json:"currency,omitempty" maxLength:"3" doc:"Default: the organisation's"`
		VAT          *number      `json:"vat,omitempty" doc:"Per cent"`
		TaxIncluded  string       `json:"tax_included,omitempty" enum:"YES,NO,N/A"`
		PerKWh       *number      `json:"per_kwh,omitempty"`
		PerHour      *number      `json:"per_hour,omitempty" doc:"From plugging in to unplugging"`
		PerSession   *number      `json:"per_session,omitempty"`
		IdlePerHour  *number      `json:"idle_per_hour,omitempty" doc:"Connected without charging"`
		Cost         *number      `json:"cost,omitempty" doc:"utility_cost: of electricity, per kWh"`
		Margin       *number      `json:"margin_percent,omitempty" doc:"utility_cost"`
		Min          *number      `json:"min,omitempty" doc:"A session costs at least this"`
		Max          *number      `json:"max,omitempty" doc:"A session costs at most this"`
		Windows      []WindowBody `json:"windows,omitempty" maxItems:"48" doc:"time_of_day; per_kwh holds outside of them"`
		Steps        []StepBody   `json:"steps,omitempty" maxItems:"20" doc:"length_of_stay, in order"`
	}
	// WindowBody is a price within hours of the local day.
	WindowBody struct {
		From   string   `json:"from" example:"17:00"`
		To     string   `json:"to" example:"21:00"`
		Days   []string `json:"days,omitempty" enum:"MONDAY,TUESDAY,WEDNESDAY,THURSDAY,FRIDAY,SATURDAY,SUNDAY"`
		PerKWh number   `json:"per_kwh"`
	}
	// StepBody is a price until so long after the start.
	StepBody struct {
		Until   int64  `json:"until_minutes,omitempty" minimum:"0" doc:"After the start; absent in the last step"`
		PerHour number `json:"per_hour"`
	}
	templateOutput struct {
		Body struct {
			Model   Model      `json:"model"`
			Created bool       `json:"created"`
			Summary string     `json:"summary"`
			Tariff  tariffBody `json:"tariff"`
		}
	}
	wizardInput struct {
		Body struct {
			Site   string  `json:"site" minLength:"1"`
			Sector string  `json:"sector" enum:"fleet,highway,hotel,multifamily,municipal,retail,workplace"`
			Goal   Goal    `json:"goal" enum:"cost_recovery,turnover,amenity,profit"`
			Cost   number  `json:"electricity_cost" doc:"Per kWh before VAT, in the site's currency"`
			Ports  int64   `json:"ports,omitempty" minimum:"0" maximum:"10000" doc:"Default: the site's EVSEs"`
			Stay   int64   `json:"typical_stay_minutes,omitempty" minimum:"0" maximum:"10080" doc:"Default: the sector's"`
			VAT    *number `json:"vat,omitempty" doc:"Per cent"`
		}
	}
	wizardOutput struct{ Body WizardBody }
	// WizardBody is the wizard's answer.
	WizardBody struct {
		Site        string           `json:"site"`
		Currency    string           `json:"currency"`
		Market      SiteMarket       `json:"market"`
		Suggestions []SuggestionBody `json:"suggestions" nullable:"false" doc:"Two or three, the best first"`
		Excluded    []ExcludedBody   `json:"excluded" nullable:"false" doc:"What would have served the goal but is not allowed here"`
	}
	// SuggestionBody is a tariff to take as it is: POST it to /tariffs.
	SuggestionBody struct {
		Model    Model      `json:"model"`
		Reason   string     `json:"reason"`
		Summary  string     `json:"summary"`
		Tariff   tariffBody `json:"tariff"`
		Outcome  Outcome    `json:"thirty_days"`
		Findings []Finding  `json:"findings" nullable:"false" doc:"What the market's rules ask for beside the price"`
	}
	// ExcludedBody says which article forbids a model.
	ExcludedBody struct {
		Model    Model     `json:"model"`
		Summary  string    `json:"summary"`
		Findings []Finding `json:"findings" nullable:"false"`
	}
)

func (b TemplateBody) parameters() Parameters {
	p := Parameters{PerKWh: (*unit.Decimal)(b.PerKWh), PerHour: (*unit.Decimal)(b.PerHour), PerSession: (*unit.Decimal)(b.PerSession), IdlePerHour: (*unit.Decimal)(b.IdlePerHour),
		Min: (*unit.Decimal)(b.Min), Max: (*unit.Decimal)(b.Max), Cost: (*unit.Decimal)(b.Cost), Margin: (*unit.Decimal)(b.Margin), VAT: (*unit.Decimal)(b.VAT), TaxIncluded: ocpi.TaxIncluded(b.TaxIncluded)}
	for _, w := range b.Windows {
		p.Windows = append(p.Windows, PriceWindow{w.From, w.To, w.Days, unit.Decimal(w.PerKWh)})
	}
	for _, s := range b.Steps {
		p.Steps = append(p.Steps, StayStep{s.Until, unit.Decimal(s.PerHour)})
	}
	return p
}

func (s *Service) wizardRoutes(a *web.API, op makeOp) {
	for _, m := range Models { // one route each: {model} would be ambiguous with /tariffs/{id}/quote
		o := op(http.MethodPost, "/tariffs/templates/"+string(m), identity.TariffWrite, "Make a tariff from the model "+string(m))
		o.Status = http.StatusOK
		web.Handle(a, o, func(ctx context.Context, in *templateInput) (*templateOutput, error) {
			return s.template(ctx, m, in.Body)
		})
	}
	suggest := op(http.MethodPost, "/tariffs/wizard", identity.TariffRead, "Suggest tariffs for a site")
	suggest.Status = http.StatusOK
	suggest.Description = "Two or three tariffs that serve the goal and are allowed at the site, each with what the site's own sessions of the last 30 days would have brought, or those of a stated benchmark when there are none."
	web.Handle(a, suggest, s.suggest)
}

func (s *Service) template(ctx context.Context, m Model, b TemplateBody) (*templateOutput, error) {
	o, err := Template(m, b.parameters())
	if err != nil {
		return nil, err
	}
	o.ID, o.Currency = b.ID, b.Currency
	var out templateOutput
	out.Body.Model, out.Body.Created = m, b.Create
	var r Record
	if b.Create {
		r, err = s.Create(ctx, identity.OrgID(b.Organisation), o)
	} else {
		r, err = s.Preview(ctx, identity.OrgID(b.Organisation), o)
	}
	if err != nil {
		return nil, err
	}
	out.Body.Summary = r.Tariff.Sentence(English)
	out.Body.Tariff, err = bodyOf(English, r, nil)
	return &out, err
}

// Preview checks a tariff as Create does, but stores nothing.
func (s *Service) Preview(ctx context.Context, org identity.OrgID, o ocpi.Tariff) (r Record, err error) {
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		own, err := identity.Place(ctx, tx, org)
		if err != nil {
			return err
		}
		if o.ID == "" {
			o.ID = newID(tx)
		}
		r.Org = own
		r.Tariff, err = s.settle(tx, own, o)
		return err
	})
	return r, err
}

func (s *Service) suggest(ctx context.Context, in *wizardInput) (*wizardOutput, error) {
	c, err := identity.Require(ctx, identity.TariffRead)
	if err != nil {
		return nil, err
	}
	b := in.Body
	if b.Cost.negative() {
		return nil, fault.New(fault.Invalid, "tariff.cost", "Electricity costs something, or nothing.").With("body.electricity_cost", "must not be negative", b.Cost)
	}
	a := Answers{Sector: b.Sector, Goal: b.Goal, Cost: unit.Decimal(b.Cost), Ports: b.Ports, Stay: b.Stay, VAT: (*unit.Decimal)(b.VAT)}
	var out wizardOutput
	var place wizardPlace
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		place, err = s.wizardPlace(tx, c, b.Site, &a)
		return err
	})
	if err != nil {
		return nil, err
	}
	out.Body = WizardBody{Site: b.Site, Currency: string(a.Currency), Market: place.market, Suggestions: []SuggestionBody{}, Excluded: []ExcludedBody{}}
	all, err := Suggest(a)
	if err != nil {
		return nil, err
	}
	for _, x := range all {
		if len(out.Body.Suggestions) == 3 {
			break
		}
		if err := s.weigh(ctx, &out.Body, a, place, x); err != nil {
			return nil, err
		}
	}
	return &out, nil
}

// wizardPlace is the site that prices are suggested for.
type wizardPlace struct {
	site   location.Site
	market SiteMarket
	rules  Market
	past   Selection
	count  int64
	now    time.Time
}

func (s *Service) wizardPlace(tx *db.Tx, c identity.Caller, id string, a *Answers) (p wizardPlace, err error) {
	if p.site, err = s.siteFor(tx, c, id); err != nil {
		return p, err
	}
	a.Currency = p.site.Currency
	if p.market, _, err = s.siteMarket(tx, p.site); err != nil {
		return p, err
	}
	org := identity.OrgID(p.site.Org)
	found, err := s.locales(tx, Place{Org: org, Site: id})
	if err != nil {
		return p, err
	}
	for _, l := range found {
		p.rules = l.market
	}
	if a.Ports == 0 {
		if a.Ports, err = s.ports(tx, p.site); err != nil {
			return p, err
		}
	}
	a.Ports = max(a.Ports, 1)
	p.now = tx.Now
	p.past = Selection{Org: org, Sites: []string{id}, From: tx.Now.AddDate(0, 0, -backtestDays), To: tx.Now}
	p.count, err = countPast(tx, p.past)
	return p, err
}

// weigh adds a suggestion, or says why it is none.
func (s *Service) weigh(ctx context.Context, b *WizardBody, a Answers, p wizardPlace, x Suggestion) error {
	x.Tariff.ID = fmt.Sprintf("%s-%s", x.Model, p.now.UTC().Format("20060102-1504"))
	x.Tariff.CountryCode = p.site.Address.Country // the operator's is for tariffs without a place
	r, err := s.Preview(ctx, identity.OrgID(p.site.Org), x.Tariff)
	if err != nil {
		return err
	}
	found := p.rules.Examine(&r.Tariff, AudienceDefault)
	if bad := Refused(found); len(bad) > 0 {
		b.Excluded = append(b.Excluded, ExcludedBody{x.Model, r.Tariff.Sentence(English), bad})
		return nil
	}
	outcome := Outcome{}
	if p.count == 0 {
		outcome = a.Estimate(r.Tariff, p.site.Zone(), p.now)
	} else {
		past, err := s.replay(ctx, p.past, r.Tariff, func(int64) error { return nil })
		if err != nil {
			return err
		}
		outcome = a.outcome(past.Total, "own_sessions", "")
	}
	body, err := bodyOf(English, r, nil)
	if err != nil {
		return err
	}
	body.Organisation, body.Status = p.site.Org, ""
	if slices.ContainsFunc(b.Suggestions, func(o SuggestionBody) bool { return sameElements(o.Tariff, body) }) {
		return nil
	}
	b.Suggestions = append(b.Suggestions, SuggestionBody{x.Model, x.Reason, body.Summary, body, outcome, found})
	return nil
}

// sameElements reports whether two tariffs price alike.
func sameElements(a, b tariffBody) bool {
	x, err1 := json.Marshal(a.Elements)
	y, err2 := json.Marshal(b.Elements)
	return err1 == nil && err2 == nil && string(x) == string(y)
}

// ports counts the EVSEs of a site.
func (s *Service) ports(tx *db.Tx, site location.Site) (n int64, err error) {
	err = s.stationsAt(tx, Place{Org: identity.OrgID(site.Org), Site: string(site.ID)}, func(st station.Station) error {
		all, err := s.d.Stations.EVSEs(tx, string(st.ID))
		for _, p := range all {
			if p.RemovedAt == nil && p.EVSE > 0 {
				n++
			}
		}
		return err
	})
	return n, err
}

func (n number) negative() bool { return unit.Decimal(n).Sign() < 0 }
