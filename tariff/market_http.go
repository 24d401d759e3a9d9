package tariff

import (
	"context"
	"net/http"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

type (
	profilesOutput struct {
		Body struct {
			Items []Profile `json:"items" nullable:"false"`
		}
	}
	profileInput struct {
		ID           string `path:"id" maxLength:"20"`
		Organisation string `query:"organisation" doc:"Default: your own"`
		Body         Profile
	}
	profileOutput   struct{ Body Profile }
	siteMarketInput struct {
		ID   string `path:"id"`
		Body struct {
			Profiles []string `json:"profiles" nullable:"true" doc:"Names of market profiles; null: by the site's address"`
			Public   bool     `json:"public" doc:"Open to the public"`
		}
	}
	marketCheckOutput struct{ Body MarketCheck }
	examineInput      struct {
		Body struct {
			Site     string      `json:"site,omitempty" doc:"Whose rules are asked; or profiles"`
			Profiles []string    `json:"profiles,omitempty"`
			Public   bool        `json:"public,omitempty" doc:"With profiles: a place open to the public"`
			PowerW   int64       `json:"power_w,omitempty" minimum:"0" doc:"Of the EVSE; default: the strongest of the site"`
			Audience Audience    `json:"audience,omitempty" enum:"override,partner,fleet,subscription,driver_group,roaming,ad_hoc,default" doc:"Default: default"`
			TariffID ID          `json:"tariff_id,omitempty" maxLength:"36" doc:"A tariff that is stored; or tariff"`
			Tariff   *tariffBody `json:"tariff,omitempty" doc:"A tariff that is not"`
		}
	}
	examineOutput struct {
		Body struct {
			OK       bool      `json:"ok" doc:"No rule forbids the tariff there"`
			Summary  string    `json:"summary"`
			Profiles []string  `json:"profiles" nullable:"false"`
			Findings []Finding `json:"findings" nullable:"false"`
		}
	}
)

func (s *Service) marketRoutes(a *web.API, op makeOp) {
	web.Handle(a, op(http.MethodGet, "/market-profiles", identity.TariffRead, "List the market rules we know, with their sources"), func(ctx context.Context, _ *struct{}) (*profilesOutput, error) {
		var out profilesOutput
		var err error
		out.Body.Items, err = s.Profiles(ctx)
		return &out, err
	})
	put := op(http.MethodPut, "/market-profiles/{id}", identity.TariffWrite, "Add market rules of your own, or replace shipped ones for your organisation")
	web.Handle(a, put, func(ctx context.Context, in *profileInput) (*profileOutput, error) {
		in.Body.ID = in.ID
		p, err := s.SetProfile(ctx, identity.OrgID(in.Organisation), in.Body)
		return &profileOutput{p}, err
	})
	web.Handle(a, op(http.MethodGet, "/sites/{id}/market-check", identity.TariffRead, "Check every price in use at a site against its market's rules"), func(ctx context.Context, in *idInput) (*marketCheckOutput, error) {
		c, err := s.CheckSite(ctx, in.ID)
		return &marketCheckOutput{c}, err
	})
	set := op(http.MethodPut, "/sites/{id}/market", identity.TariffWrite, "Choose which market rules hold for a site")
	set.Description = "The answer lists what the site's prices break under these rules. They stay in force until somebody changes them; new assignments that break a rule are refused."
	web.Handle(a, set, func(ctx context.Context, in *siteMarketInput) (*marketCheckOutput, error) {
		c, err := s.SetSiteMarket(ctx, in.ID, in.Body.Profiles, in.Body.Public)
		return &marketCheckOutput{c}, err
	})
	examine := op(http.MethodPost, "/tariffs/market-check", identity.TariffRead, "Check a tariff against market rules")
	examine.Status = http.StatusOK
	web.Handle(a, examine, s.examine)
}

func (s *Service) examine(ctx context.Context, in *examineInput) (*examineOutput, error) {
	c, err := identity.Require(ctx, identity.TariffRead)
	if err != nil {
		return nil, err
	}
	var out examineOutput
	b := in.Body
	if b.Audience == "" {
		b.Audience = AudienceDefault
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		market, err := s.asked(tx, c, b.Site, b.Profiles, b.Public, b.PowerW)
		if err != nil {
			return err
		}
		t, err := s.given(ctx, tx, c, b.TariffID, b.Tariff)
		if err != nil {
			return err
		}
		out.Body.Findings, out.Body.Summary, out.Body.Profiles = market.Examine(&t, b.Audience), t.Sentence(English), []string{}
		for _, p := range market.Profiles {
			out.Body.Profiles = append(out.Body.Profiles, p.ID)
		}
		out.Body.OK = len(Refused(out.Body.Findings)) == 0
		return nil
	})
	return &out, err
}

// asked gives the market of a site, or one put together from profiles.
func (s *Service) asked(tx *db.Tx, c identity.Caller, site string, names []string, public bool, power int64) (Market, error) {
	if site != "" {
		where, err := s.siteFor(tx, c, site)
		if err != nil {
			return Market{}, err
		}
		all, err := s.locales(tx, Place{Org: identity.OrgID(where.Org), Site: site})
		if err != nil || len(all) == 0 {
			return Market{}, err
		}
		if power > 0 {
			all[0].market.Power = unit.Watts(power)
		}
		return all[0].market, nil
	}
	own, err := identity.Place(tx.Context(), tx, c.Org)
	if err != nil {
		return Market{}, err
	}
	known, err := profilesOf(tx, own)
	if err != nil {
		return Market{}, err
	}
	m := Market{Public: public, Power: unit.Watts(power)}
	for _, name := range names {
		found := false
		for _, p := range known {
			if p.ID == name {
				m.Profiles, found = append(m.Profiles, p), true
			}
		}
		if !found {
			return m, fault.New(fault.Invalid, "tariff.market_unknown", "There is no market profile %q.", name).With("body.profiles", "must be of GET /market-profiles", name)
		}
	}
	return m, nil
}

// given is a stored tariff, or one that comes with the request.
func (s *Service) given(ctx context.Context, tx *db.Tx, c identity.Caller, stored ID, b *tariffBody) (Tariff, error) {
	if b == nil {
		r, err := one(tx, c, stored, 0)
		return r.Tariff, asField(err, "body.tariff_id", string(stored))
	}
	o, err := b.ocpi()
	if err != nil {
		return Tariff{}, err
	}
	own, err := identity.Place(ctx, tx, identity.OrgID(b.Organisation))
	if err != nil {
		return Tariff{}, err
	}
	if o.ID == "" {
		o.ID = "preview"
	}
	return s.settle(tx, own, o)
}
