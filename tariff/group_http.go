package tariff

import (
	"context"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

// PlaceBody names a place: the most specific part that is given counts.
type PlaceBody struct {
	Organisation string `json:"organisation,omitempty" doc:"All its stations; default: your own"`
	Site         string `json:"site,omitempty"`
	StationID    string `json:"station_id,omitempty"`
	EVSE         int    `json:"evse_id,omitempty" minimum:"0" doc:"One EVSE of station_id"`
}

func (b PlaceBody) place() Place {
	return Place{Org: identity.OrgID(b.Organisation), Site: b.Site, Station: b.StationID, EVSE: b.EVSE}
}

func placeBodyOf(p Place) PlaceBody { return PlaceBody{string(p.Org), p.Site, p.Station, p.EVSE} }

type entryBody struct {
	ID        string     `json:"id,omitempty" doc:"Ignored when writing"`
	Audience  Audience   `json:"audience" enum:"partner,fleet,subscription,driver_group,roaming,ad_hoc,default"`
	Ref       string     `json:"ref,omitempty" maxLength:"100" doc:"Which partner, fleet, plan, driver group, or provider (FR*ABC); absent: any of that audience"`
	Position  int        `json:"position,omitempty" doc:"Among entries of one audience at one place the lower comes first"`
	Tariff    ID         `json:"tariff" minLength:"1" maxLength:"36"`
	ValidFrom *time.Time `json:"valid_from,omitempty" doc:"Default: now, or the valid_from of the whole change"`
	ValidTo   *time.Time `json:"valid_to,omitempty" doc:"Default: until further notice"`
}

type boundBody struct {
	ID string `json:"id,omitempty" doc:"Ignored when writing"`
	PlaceBody
	ValidFrom *time.Time `json:"valid_from,omitempty"`
	ValidTo   *time.Time `json:"valid_to,omitempty"`
}

type groupBody struct {
	ID           string      `json:"id,omitempty" doc:"Ignored when writing"`
	Organisation string      `json:"organisation,omitempty" doc:"Default: your own; cannot change"`
	Name         string      `json:"name" minLength:"1" maxLength:"100"`
	Closed       bool        `json:"closed,omitempty" doc:"Who has a price here gets no price of a less specific place, whatever its audience"`
	Entries      []entryBody `json:"entries" nullable:"false" maxItems:"1000" doc:"What each audience pays. Precedence: override, partner, fleet, subscription, driver_group, roaming, ad_hoc, default; within one audience the most specific place, then position"`
	Places       []boundBody `json:"places" nullable:"false" maxItems:"10000" doc:"Where the group holds"`
	CreatedAt    *time.Time  `json:"created_at,omitempty" doc:"Ignored when writing"`
	UpdatedAt    *time.Time  `json:"updated_at,omitempty" doc:"Ignored when writing"`
}

func (b groupBody) group() Group {
	g := Group{Org: identity.OrgID(b.Organisation), Name: b.Name, Closed: b.Closed}
	for _, e := range b.Entries {
		g.Entries = append(g.Entries, Entry{Audience: e.Audience, Ref: e.Ref, Position: e.Position, Tariff: e.Tariff, From: instant(e.ValidFrom), To: e.ValidTo})
	}
	for _, p := range b.Places {
		g.Places = append(g.Places, Bound{Place: p.place(), From: instant(p.ValidFrom), To: p.ValidTo})
	}
	return g
}

func groupBodyOf(g Group) groupBody {
	b := groupBody{ID: g.ID, Organisation: string(g.Org), Name: g.Name, Closed: g.Closed, Entries: []entryBody{}, Places: []boundBody{},
		CreatedAt: &g.CreatedAt, UpdatedAt: &g.UpdatedAt}
	for _, e := range g.Entries {
		b.Entries = append(b.Entries, entryBody{ID: e.ID, Audience: e.Audience, Ref: e.Ref, Position: e.Position, Tariff: e.Tariff, ValidFrom: &e.From, ValidTo: e.To})
	}
	for _, p := range g.Places {
		b.Places = append(b.Places, boundBody{ID: p.ID, PlaceBody: placeBodyOf(p.Place), ValidFrom: &p.From, ValidTo: p.To})
	}
	return b
}

func instant(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

type (
	groupInput struct {
		ID string    `path:"id"`
		At time.Time `query:"at" doc:"Default: now"`
	}
	groupCreate  struct{ Body groupBody }
	groupReplace struct {
		ID   string    `path:"id"`
		From time.Time `query:"valid_from" doc:"From when it is so; default: now"`
		Body groupBody
	}
	groupOutput  struct{ Body groupBody }
	memberOutput struct{ Body Member }
	memberInput  struct {
		Body struct {
			Organisation string     `json:"organisation,omitempty" doc:"Default: your own"`
			Audience     Audience   `json:"audience" enum:"partner,fleet,subscription,driver_group"`
			Ref          string     `json:"ref" minLength:"1" maxLength:"100" doc:"Name of the partner, fleet, plan or driver group"`
			Token        string     `json:"id_token,omitempty" maxLength:"255"`
			Driver       string     `json:"driver,omitempty" maxLength:"64"`
			ValidFrom    *time.Time `json:"valid_from,omitempty" doc:"Default: now"`
			ValidTo      *time.Time `json:"valid_to,omitempty"`
		}
	}
	overrideInput struct {
		Body struct {
			PlaceBody
			Token     string     `json:"id_token" minLength:"1" maxLength:"255"`
			Tariff    ID         `json:"tariff" minLength:"1" maxLength:"36"`
			Reason    string     `json:"reason,omitempty" maxLength:"200"`
			ValidFrom *time.Time `json:"valid_from,omitempty" doc:"Default: now"`
			ValidTo   *time.Time `json:"valid_to,omitempty" doc:"Default: until further notice"`
		}
	}
	overrideBody struct {
		Override
		PlaceBody
	}
	overrideOutput struct{ Body overrideBody }
)

func (s *Service) groupRoutes(a *web.API, op makeOp) {
	list := op(http.MethodGet, "/tariff-groups", identity.TariffRead, "List tariff groups")
	list.List = &groupSpec
	web.Handle(a, list, func(ctx context.Context, in *struct{ web.ListInput }) (*web.ListOutput[groupBody], error) {
		req, err := in.Request()
		if err != nil {
			return nil, err
		}
		all, next, err := s.Groups(ctx, req)
		return listed(all, next, err, groupBodyOf)
	})
	create := op(http.MethodPost, "/tariff-groups", identity.TariffWrite, "Say who pays what at some places")
	web.Handle(a, create, func(ctx context.Context, in *groupCreate) (*groupOutput, error) {
		return groupAnswer(s.CreateGroup(ctx, in.Body.group()))
	})
	web.Handle(a, op(http.MethodGet, "/tariff-groups/{id}", identity.TariffRead, "Read a tariff group as it holds at an instant and after"), func(ctx context.Context, in *groupInput) (*groupOutput, error) {
		return groupAnswer(s.ReadGroup(ctx, in.ID, in.At))
	})
	replace := op(http.MethodPut, "/tariff-groups/{id}", identity.TariffWrite, "Say anew who pays what, from now or a later instant on")
	replace.Description = "Entries and places that stay the same are kept; others end. The past never changes, and sessions that have started keep their price."
	web.Handle(a, replace, func(ctx context.Context, in *groupReplace) (*groupOutput, error) {
		g := in.Body.group()
		g.ID = in.ID
		return groupAnswer(s.ReplaceGroup(ctx, g, in.From))
	})
	web.Handle(a, op(http.MethodDelete, "/tariff-groups/{id}", identity.TariffWrite, "End a tariff group now"), func(ctx context.Context, in *idInput) (*struct{}, error) {
		return nil, s.EndGroup(ctx, in.ID)
	})
}

func (s *Service) memberRoutes(a *web.API, op makeOp) {
	list := op(http.MethodGet, "/tariff-members", identity.TariffRead, "List who belongs to which audience")
	list.List = &memberSpec
	web.Handle(a, list, func(ctx context.Context, in *struct{ web.ListInput }) (*web.ListOutput[Member], error) {
		req, err := in.Request()
		if err != nil {
			return nil, err
		}
		all, next, err := s.Members(ctx, req)
		return listed(all, next, err, func(m Member) Member { return m })
	})
	web.Handle(a, op(http.MethodPost, "/tariff-members", identity.TariffWrite, "Put a token or a driver into an audience"), func(ctx context.Context, in *memberInput) (*memberOutput, error) {
		b := in.Body
		m, err := s.Enrol(ctx, Member{Org: identity.OrgID(b.Organisation), Audience: b.Audience, Ref: b.Ref, Token: b.Token, Driver: b.Driver, From: instant(b.ValidFrom), To: b.ValidTo})
		return &memberOutput{m}, err
	})
	web.Handle(a, op(http.MethodDelete, "/tariff-members/{id}", identity.TariffWrite, "End a membership now"), func(ctx context.Context, in *idInput) (*struct{}, error) {
		return nil, s.Withdraw(ctx, in.ID)
	})
	promises := op(http.MethodGet, "/tariff-overrides", identity.TariffRead, "List prices promised to single tokens")
	promises.List = &overrideSpec
	web.Handle(a, promises, func(ctx context.Context, in *struct{ web.ListInput }) (*web.ListOutput[overrideBody], error) {
		req, err := in.Request()
		if err != nil {
			return nil, err
		}
		all, next, err := s.Overrides(ctx, req)
		return listed(all, next, err, overrideBodyOf)
	})
	web.Handle(a, op(http.MethodPost, "/tariff-overrides", identity.TariffWrite, "Promise a tariff to one token at a place, before all others"), func(ctx context.Context, in *overrideInput) (*overrideOutput, error) {
		b := in.Body
		o, err := s.Promise(ctx, Override{Place: b.place(), Token: b.Token, Tariff: b.Tariff, Reason: b.Reason, From: instant(b.ValidFrom), To: b.ValidTo})
		return &overrideOutput{overrideBodyOf(o)}, err
	})
	web.Handle(a, op(http.MethodDelete, "/tariff-overrides/{id}", identity.TariffWrite, "End a promise now"), func(ctx context.Context, in *idInput) (*struct{}, error) {
		return nil, s.Revoke(ctx, in.ID)
	})
}

func overrideBodyOf(o Override) overrideBody { return overrideBody{o, placeBodyOf(o.Place)} }

func groupAnswer(g Group, err error) (*groupOutput, error) {
	if err != nil {
		return nil, err
	}
	return &groupOutput{groupBodyOf(g)}, nil
}

// listed turns a page into its bodies.
func listed[T, B any](all []T, next string, err error, as func(T) B) (*web.ListOutput[B], error) {
	if err != nil {
		return nil, err
	}
	items := make([]B, len(all))
	for i, x := range all {
		items[i] = as(x)
	}
	return web.NewList(items, next), nil
}

type (
	explanationInput struct {
		ID    string    `path:"id"`
		EVSE  int       `path:"evse" minimum:"1"`
		Token string    `query:"id_token" maxLength:"255" doc:"Absent: a stranger"`
		At    time.Time `query:"at" doc:"Default: now"`
	}
	explanationOutput struct{ Body explanationBody }
	explanationBody   struct {
		Driver  driverBody `json:"driver"`
		Taken   *stepBody  `json:"taken,omitempty" doc:"Absent: no price applies, the session is free"`
		Tariff  *ID        `json:"tariff,omitempty"`
		Version int        `json:"version,omitempty"`
		Summary string     `json:"summary" doc:"The price in one sentence"`
		Series  string     `json:"price_series,omitempty" doc:"The price series that the price was made from"`
		Chain   []stepBody `json:"chain" nullable:"false" doc:"Every price that somebody could have here, in order of precedence"`
	}
	driverBody struct {
		Known       bool         `json:"known" doc:"The token is one of ours"`
		Driver      string       `json:"driver,omitempty"`
		Provider    string       `json:"provider,omitempty" doc:"Of a roaming contract"`
		AdHoc       bool         `json:"ad_hoc"`
		Memberships []memberBody `json:"memberships" nullable:"false"`
	}
	memberBody struct {
		Audience Audience `json:"audience"`
		Ref      string   `json:"ref"`
	}
	stepBody struct {
		Reason    Verdict    `json:"reason" enum:"taken,not_for_them,not_in_force,closed_group,outranked,less_specific,later_in_order"`
		Source    string     `json:"source" enum:"group,assignment,override"`
		ID        string     `json:"id"`
		Group     string     `json:"group,omitempty"`
		GroupName string     `json:"group_name,omitempty"`
		Audience  Audience   `json:"audience"`
		Ref       string     `json:"ref,omitempty"`
		Level     string     `json:"level" enum:"organisation,site,station,evse"`
		Tariff    ID         `json:"tariff"`
		ValidFrom *time.Time `json:"valid_from,omitempty"`
		ValidTo   *time.Time `json:"valid_to,omitempty"`
	}
)

func (s *Service) explainRoute(a *web.API, op makeOp) {
	o := op(http.MethodGet, "/charging-stations/{id}/evses/{evse}/price-explanation", identity.TariffRead, "Explain which price a token has at an EVSE, and why")
	o.Description = "Every price that somebody could have there, in order of precedence, with the reason why it was taken or passed."
	web.Handle(a, o, func(ctx context.Context, in *explanationInput) (*explanationOutput, error) {
		r, err := s.Explain(ctx, in.ID, in.EVSE, in.Token, in.At)
		if err != nil {
			return nil, err
		}
		return &explanationOutput{explanationOf(r)}, nil
	})
}

func explanationOf(r Resolution) explanationBody {
	b := explanationBody{Chain: []stepBody{}, Summary: textNone.in(English),
		Driver: driverBody{Known: r.Driver.Known, Driver: r.Driver.ID, Provider: r.Driver.Provider, AdHoc: r.Driver.belongs(AudienceAdHoc, ""), Memberships: []memberBody{}}}
	for _, m := range r.Driver.Memberships {
		b.Driver.Memberships = append(b.Driver.Memberships, memberBody(m))
	}
	for _, s := range r.Steps {
		b.Chain = append(b.Chain, stepOf(s))
	}
	if r.Taken != nil {
		taken := stepOf(*r.Taken)
		b.Taken, b.Tariff, b.Version, b.Summary = &taken, &r.Taken.Tariff, r.Version.Number, r.Version.Tariff.Sentence(English)
	}
	if r.Dynamic != nil {
		b.Series = r.Dynamic.Series
	}
	return b
}

func stepOf(s Step) stepBody {
	b := stepBody{Reason: s.Verdict, Source: s.Source, ID: s.ID, Group: s.Group, GroupName: s.GroupName, Audience: s.Audience, Ref: s.Ref,
		Level: s.Level.String(), Tariff: s.Tariff, ValidTo: s.To}
	if !s.From.IsZero() {
		from := s.From
		b.ValidFrom = &from
	}
	return b
}
