package location

import (
	"context"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

type addressBody struct {
	Street     string `json:"street,omitempty" maxLength:"255"`
	City       string `json:"city,omitempty" maxLength:"100"`
	PostalCode string `json:"postal_code,omitempty" maxLength:"20"`
	Country    string `json:"country,omitempty" maxLength:"2" doc:"ISO 3166-1 alpha-2" example:"FR"`
}

type supplyBody struct {
	Phases     int   `json:"phases,omitempty" doc:"1 or 3"`
	VoltageV   int64 `json:"voltage_v,omitempty" doc:"Between phase and neutral" example:"230"`
	MaxCurrent int64 `json:"max_current_a,omitempty" doc:"Per phase" example:"160"`
}

type siteBody struct {
	ID           ID          `json:"id"`
	Organisation string      `json:"organisation"`
	Name         string      `json:"name"`
	Address      addressBody `json:"address"`
	Latitude     string      `json:"latitude,omitempty"`
	Longitude    string      `json:"longitude,omitempty"`
	TimeZone     string      `json:"time_zone"`
	Currency     string      `json:"currency"`
	Supply       *supplyBody `json:"electrical_supply,omitempty"`
	CreatedAt    time.Time   `json:"created_at"`
}

type createInput struct {
	Body struct {
		Organisation string      `json:"organisation,omitempty" doc:"Default: your own"`
		Name         string      `json:"name" minLength:"1" maxLength:"255"`
		Address      addressBody `json:"address,omitempty"`
		Latitude     string      `json:"latitude,omitempty" maxLength:"12" doc:"Decimal degrees" example:"48.85837"`
		Longitude    string      `json:"longitude,omitempty" maxLength:"12" doc:"Decimal degrees" example:"2.29448"`
		TimeZone     string      `json:"time_zone,omitempty" maxLength:"64" doc:"IANA name; default: that of the country if it has one, else of the organisation" example:"Europe/Paris"`
		Currency     string      `json:"currency,omitempty" maxLength:"3" doc:"ISO 4217; default: that of the country, else of the organisation" example:"EUR"`
		Supply       *supplyBody `json:"electrical_supply,omitempty"`
	}
}

type changeInput struct {
	ID   string `path:"id"`
	Body struct {
		Name      web.Maybe[string] `json:"name,omitempty"`
		Address   *addressBody      `json:"address,omitempty" doc:"Replaces the whole address"`
		Latitude  web.Maybe[string] `json:"latitude,omitempty"`
		Longitude web.Maybe[string] `json:"longitude,omitempty"`
		TimeZone  web.Maybe[string] `json:"time_zone,omitempty" doc:"null derives it again"`
		Currency  web.Maybe[string] `json:"currency,omitempty" doc:"null derives it again"`
		Supply    *supplyBody       `json:"electrical_supply,omitempty" doc:"Replaces the whole description"`
	}
}

type siteInput struct {
	ID string `path:"id"`
}

type siteOutput struct{ Body siteBody }

type listInput struct {
	web.ListInput
	Q string `query:"q" maxLength:"100" doc:"Text anywhere in name and address"`
}

// Routes registers the room's routes.
func (s *Service) Routes(a *web.API) {
	op := func(method, path, permission, summary string) web.Op {
		return web.Op{Method: method, Path: path, Room: "location", Permission: permission, Summary: summary, Tags: []string{"sites"}}
	}
	list := op(http.MethodGet, "/sites", identity.SiteRead, "List sites")
	list.List = &siteSpec
	web.Handle(a, list, func(ctx context.Context, in *listInput) (*web.ListOutput[siteBody], error) {
		req, err := in.Request()
		if err != nil {
			return nil, err
		}
		sites, next, err := s.List(ctx, req, in.Q)
		if err != nil {
			return nil, err
		}
		items := make([]siteBody, len(sites))
		for i, site := range sites {
			items[i] = bodyOf(site)
		}
		return web.NewList(items, next), nil
	})
	create := op(http.MethodPost, "/sites", identity.SiteWrite, "Create a site")
	create.Status = http.StatusCreated
	web.Handle(a, create, func(ctx context.Context, in *createInput) (*siteOutput, error) {
		b := in.Body
		return answer(s.Create(ctx, Site{
			Org: b.Organisation, Name: b.Name, Address: Address(b.Address), Latitude: b.Latitude, Longitude: b.Longitude,
			TimeZone: b.TimeZone, Currency: money.Currency(b.Currency), Supply: supplyOf(b.Supply),
		}))
	})
	web.Handle(a, op(http.MethodGet, "/sites/{id}", identity.SiteRead, "Read a site"), func(ctx context.Context, in *siteInput) (*siteOutput, error) {
		return answer(s.Read(ctx, ID(in.ID)))
	})
	web.Handle(a, op(http.MethodPatch, "/sites/{id}", identity.SiteWrite, "Change a site"), func(ctx context.Context, in *changeInput) (*siteOutput, error) {
		return answer(s.Change(ctx, ID(in.ID), in.apply))
	})
	web.Handle(a, op(http.MethodDelete, "/sites/{id}", identity.SiteWrite, "Delete a site at which no station stands"), func(ctx context.Context, in *siteInput) (*struct{}, error) {
		return nil, s.Delete(ctx, ID(in.ID))
	})
}

func (in *changeInput) apply(site *Site) {
	b := &in.Body
	b.Name.Apply(&site.Name)
	if b.Address != nil {
		site.Address = Address(*b.Address)
	}
	b.Latitude.Apply(&site.Latitude)
	b.Longitude.Apply(&site.Longitude)
	b.TimeZone.Apply(&site.TimeZone)
	currency := string(site.Currency)
	b.Currency.Apply(&currency)
	site.Currency = money.Currency(currency)
	if b.Supply != nil {
		site.Supply = supplyOf(b.Supply)
	}
}

func supplyOf(b *supplyBody) Supply {
	if b == nil {
		return Supply{}
	}
	return Supply(*b)
}

func bodyOf(s Site) siteBody {
	b := siteBody{
		ID: s.ID, Organisation: s.Org, Name: s.Name, Address: addressBody(s.Address), Latitude: s.Latitude, Longitude: s.Longitude,
		TimeZone: s.TimeZone, Currency: string(s.Currency), CreatedAt: s.CreatedAt.UTC(),
	}
	if s.Supply != (Supply{}) {
		supply := supplyBody(s.Supply)
		b.Supply = &supply
	}
	return b
}

func answer(s Site, err error) (*siteOutput, error) {
	if err != nil {
		return nil, err
	}
	return &siteOutput{Body: bodyOf(s)}, nil
}
