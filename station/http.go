package station

import (
	"context"
	"net/http"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

type listInput struct {
	web.ListInput
	Q       string `query:"q" maxLength:"100" doc:"Text anywhere in id, name, site, vendor, model, serial number or ICCID"`
	Retired bool   `query:"retired" doc:"List retired stations instead of those in the inventory"`
}

type idInput struct {
	ID string `path:"id"`
}

type createInput struct {
	Body struct {
		ID       string `json:"id" minLength:"1" maxLength:"48" doc:"The identity it connects with: letters, digits and *_=:+|@.-" example:"DE-ABC-0001"`
		Org      string `json:"organisation,omitempty" doc:"Default: that of the site, else your own"`
		Site     string `json:"site,omitempty"`
		Name     string `json:"name,omitempty" maxLength:"255"`
		Profile  *int   `json:"security_profile,omitempty" doc:"The least that may connect: 0 no password, 1 password (default), 2 TLS and password"`
		Active   *bool  `json:"active,omitempty" doc:"Default true; false: it may connect and is answered Pending"`
		Password string `json:"password,omitempty" maxLength:"100" doc:"To import an existing one; otherwise one is generated and shown once"`
	}
}

type adoptInput struct {
	ID   string `path:"id"`
	Body struct {
		Org      string `json:"organisation,omitempty" doc:"Default: that of the site, else your own"`
		Site     string `json:"site,omitempty"`
		Name     string `json:"name,omitempty" maxLength:"255"`
		Profile  *int   `json:"security_profile,omitempty" doc:"As when creating a station"`
		Active   *bool  `json:"active,omitempty"`
		Password string `json:"password,omitempty" maxLength:"100"`
	}
}

func draft(id, org, site, name string, profile *int, active *bool, password string) Draft {
	d := Draft{ID: ID(id), Org: org, Site: site, Name: name, Profile: 1, Password: password, Inactive: active != nil && !*active}
	if profile != nil {
		d.Profile = *profile
	}
	return d
}

type stationOutput struct{ Body StationBody }

type createdOutput struct {
	Body struct {
		StationBody
		Password string `json:"password,omitempty" doc:"Shown once, when it was generated"`
	}
}

type changeInput struct {
	ID   string `path:"id"`
	Body struct {
		Name        *string           `json:"name,omitempty" maxLength:"255"`
		Site        web.Maybe[string] `json:"site,omitempty" doc:"null: at no site"`
		Active      *bool             `json:"active,omitempty"`
		Profile     *int              `json:"security_profile,omitempty" doc:"0, 1 or 2"`
		Operative   *bool             `json:"operative,omitempty" doc:"false shows the whole station as out of service"`
		Quarantined *bool             `json:"quarantined,omitempty" doc:"Only false: you told the two devices apart"`
	}
}

func (in *changeInput) edit() Edit {
	b := in.Body
	e := Edit{Name: b.Name, Active: b.Active, Profile: b.Profile, Operative: b.Operative, Quarantined: b.Quarantined}
	if b.Site.Set {
		e.Site = &b.Site.Value
	}
	return e
}

type credentialsInput struct {
	ID   string `path:"id"`
	Body struct {
		Password string `json:"password,omitempty" maxLength:"100" doc:"To set this one; otherwise one is generated"`
		Now      bool   `json:"revoke_old,omitempty" doc:"The old password ends at once instead of at the first use of the new one"`
	}
}

type credentialsOutput struct {
	Body struct {
		ID       string `json:"id"`
		User     string `json:"user"`
		Password string `json:"password" doc:"Shown once"`
		URL      string `json:"url"`
	}
}

func op(method, path, permission, summary string, tag string) web.Op {
	return web.Op{Method: method, Path: path, Room: "station", Permission: permission, Summary: summary, Tags: []string{tag}}
}

func listed(o web.Op, spec *db.ListSpec) web.Op {
	o.List = spec
	return o
}

func creates(o web.Op) web.Op {
	o.Status = http.StatusCreated
	return o
}

// Routes registers the room's routes.
func (s *Service) Routes(a *web.API) {
	s.stationRoutes(a)
	s.lifeRoutes(a)
	s.portRoutes(a)
	s.commandRoutes(a)
	s.connectorMapRoutes(a)
	s.enrolRoutes(a)
	s.bulkRoutes(a)
	s.quirkRoutes(a)
}

func (s *Service) stationRoutes(a *web.API) {
	const tag = "charging-stations"
	web.Handle(a, listed(op(http.MethodGet, "/charging-stations", identity.StationRead, "List charging stations", tag), &stationSpec),
		func(ctx context.Context, in *listInput) (*web.ListOutput[StationBody], error) {
			req, err := in.Request()
			if err != nil {
				return nil, err
			}
			views, next, err := s.List(ctx, req, in.Q, in.Retired)
			if err != nil {
				return nil, err
			}
			items := make([]StationBody, len(views))
			for i, v := range views {
				items[i] = s.body(v)
			}
			return web.NewList(items, next), nil
		})
	web.Handle(a, creates(op(http.MethodPost, "/charging-stations", identity.StationWrite, "Create a charging station", tag)),
		func(ctx context.Context, in *createInput) (*createdOutput, error) {
			b := in.Body
			st, password, err := s.Create(ctx, draft(b.ID, b.Org, b.Site, b.Name, b.Profile, b.Active, b.Password))
			return s.created(ctx, st, password, err)
		})
	web.Handle(a, op(http.MethodGet, "/charging-stations/{id}", identity.StationRead, "Read a charging station", tag),
		func(ctx context.Context, in *idInput) (*stationOutput, error) { return s.output(ctx, in.ID, nil) })
	web.Handle(a, op(http.MethodPatch, "/charging-stations/{id}", identity.StationWrite, "Change a charging station", tag),
		func(ctx context.Context, in *changeInput) (*stationOutput, error) {
			_, err := s.Change(ctx, ID(in.ID), in.edit())
			return s.output(ctx, in.ID, err)
		})
	web.Handle(a, op(http.MethodDelete, "/charging-stations/{id}", identity.StationWrite, "Retire a charging station; its history stays", tag),
		func(ctx context.Context, in *idInput) (*struct{}, error) { return nil, s.Retire(ctx, ID(in.ID)) })
}

func (s *Service) lifeRoutes(a *web.API) {
	const tag = "charging-stations"
	web.Handle(a, op(http.MethodPost, "/charging-stations/{id}/activate", identity.StationWrite, "Put a station into service", tag),
		func(ctx context.Context, in *idInput) (*stationOutput, error) {
			_, err := s.Activate(ctx, ID(in.ID))
			return s.output(ctx, in.ID, err)
		})
	web.Handle(a, op(http.MethodPost, "/charging-stations/{id}/deactivate", identity.StationWrite, "Take a station out of service; it is answered Pending", tag),
		func(ctx context.Context, in *idInput) (*stationOutput, error) {
			_, err := s.Deactivate(ctx, ID(in.ID))
			return s.output(ctx, in.ID, err)
		})
	rotate := op(http.MethodPost, "/charging-stations/{id}/credentials", identity.StationWrite, "Give a station a new password", tag)
	rotate.Description = "The new password is shown once. The old one stays valid until the station connects with the new one."
	web.Handle(a, creates(rotate), func(ctx context.Context, in *credentialsInput) (*credentialsOutput, error) {
		password, err := s.Rotate(ctx, ID(in.ID), in.Body.Password, in.Body.Now)
		if err != nil {
			return nil, err
		}
		out := &credentialsOutput{}
		out.Body.ID, out.Body.User, out.Body.Password, out.Body.URL = in.ID, in.ID, password, s.d.URL(in.ID)
		return out, nil
	})
	web.Handle(a, op(http.MethodGet, "/charging-stations/{id}/devices", identity.StationRead, "List the devices that used this id, told apart by serial number", tag),
		func(ctx context.Context, in *idInput) (*web.ListOutput[deviceBody], error) {
			list, err := s.Devices(ctx, ID(in.ID))
			if err != nil {
				return nil, err
			}
			items := make([]deviceBody, len(list))
			for i, d := range list {
				items[i] = deviceBody{d.Serial, d.Vendor, d.Model, d.Firmware, d.FirstAt.UTC(), d.LastAt.UTC()}
			}
			return web.NewList(items, ""), nil
		})
}

func (s *Service) output(ctx context.Context, id string, err error) (*stationOutput, error) {
	if err != nil {
		return nil, err
	}
	v, err := s.Read(ctx, ID(id))
	if err != nil {
		return nil, err
	}
	return &stationOutput{Body: s.body(v)}, nil
}

// created answers with the new station and, once, its password.
func (s *Service) created(ctx context.Context, st Station, password string, err error) (*createdOutput, error) {
	read, err := s.output(ctx, string(st.ID), err)
	if fault.Is(err, fault.Forbidden) { // may create, but not read
		read, err = &stationOutput{Body: s.body(View{Station: st})}, nil
	}
	if err != nil {
		return nil, err
	}
	out := &createdOutput{}
	out.Body.StationBody, out.Body.Password = read.Body, password
	return out, nil
}
