package account

import (
	"context"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

var driverSpec = db.ListSpec{
	Base:    "SELECT " + driverColumns + " FROM driver WHERE 1=1",
	Default: "name",
	Key:     "id",
	Fields: []db.Field{
		{Name: "id", Column: "id", Kind: db.Text, Filter: true},
		{Name: "name", Column: "name", Kind: db.Text, Sort: true, Filter: true},
		{Name: "email", Column: "email", Kind: db.Text, Sort: true, Filter: true},
		{Name: "language", Column: "language", Kind: db.Text, Filter: true},
		{Name: "organisation", Column: "org", Kind: db.Text, Sort: true, Filter: true},
		{Name: "created_at", Column: "created_at", Kind: db.Instant, Sort: true, Filter: true},
	},
}

type driverBody struct {
	ID           DriverID  `json:"id"`
	Organisation string    `json:"organisation"`
	Name         string    `json:"name"`
	Email        string    `json:"email,omitempty"`
	Language     string    `json:"language,omitempty"`
	CreatedAt    time.Time `json:"created_at"`
}

func bodyOf(d Driver) driverBody {
	return driverBody{ID: d.ID, Organisation: d.Org, Name: d.Name, Email: d.Email, Language: d.Language, CreatedAt: d.CreatedAt}
}

type createInput struct {
	Body struct {
		Organisation string `json:"organisation,omitempty" maxLength:"64" doc:"Default: your own"`
		Name         string `json:"name" minLength:"1" maxLength:"255"`
		Email        string `json:"email,omitempty" maxLength:"255"`
		Language     string `json:"language,omitempty" maxLength:"35" example:"fr"`
	}
}

type changeInput struct {
	ID   string `path:"id"`
	Body struct {
		Name     web.Maybe[string] `json:"name,omitempty"`
		Email    web.Maybe[string] `json:"email,omitempty"`
		Language web.Maybe[string] `json:"language,omitempty"`
	}
}

type driverInput struct {
	ID string `path:"id"`
}

type driverOutput struct{ Body driverBody }

type listInput struct{ web.ListInput }

func answer(d Driver, err error) (*driverOutput, error) {
	if err != nil {
		return nil, err
	}
	return &driverOutput{Body: bodyOf(d)}, nil
}

// Routes registers the room's routes.
func (s *Service) Routes(a *web.API) {
	op := func(method, path, permission, summary string) web.Op {
		return web.Op{Method: method, Path: path, Room: "account", Permission: permission, Summary: summary, Tags: []string{"drivers"}}
	}
	list := op(http.MethodGet, "/drivers", identity.TokenRead, "List drivers")
	list.List = &driverSpec
	web.Handle(a, list, func(ctx context.Context, in *listInput) (*web.ListOutput[driverBody], error) {
		req, err := in.Request()
		if err != nil {
			return nil, err
		}
		drivers, next, err := s.List(ctx, req)
		if err != nil {
			return nil, err
		}
		items := make([]driverBody, len(drivers))
		for i, d := range drivers {
			items[i] = bodyOf(d)
		}
		return web.NewList(items, next), nil
	})
	create := op(http.MethodPost, "/drivers", identity.TokenWrite, "Add a driver")
	create.Status = http.StatusCreated
	web.Handle(a, create, func(ctx context.Context, in *createInput) (*driverOutput, error) {
		b := in.Body
		return answer(s.Create(ctx, Driver{Org: b.Organisation, Name: b.Name, Email: b.Email, Language: b.Language}))
	})
	web.Handle(a, op(http.MethodGet, "/drivers/{id}", identity.TokenRead, "Read a driver"), func(ctx context.Context, in *driverInput) (*driverOutput, error) {
		return answer(s.Read(ctx, DriverID(in.ID)))
	})
	web.Handle(a, op(http.MethodPatch, "/drivers/{id}", identity.TokenWrite, "Change a driver"), func(ctx context.Context, in *changeInput) (*driverOutput, error) {
		return answer(s.Change(ctx, DriverID(in.ID), func(d *Driver) {
			in.Body.Name.Apply(&d.Name)
			in.Body.Email.Apply(&d.Email)
			in.Body.Language.Apply(&d.Language)
		}))
	})
	web.Handle(a, op(http.MethodDelete, "/drivers/{id}", identity.TokenWrite, "Delete a driver"), func(ctx context.Context, in *driverInput) (*struct{}, error) {
		return nil, s.Delete(ctx, DriverID(in.ID))
	})
}
