package access

import (
	"context"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

var tokenSpec = db.ListSpec{
	Base:    "SELECT " + tokenColumns + " FROM id_token WHERE 1=1",
	Default: "-created_at",
	Key:     "id",
	Fields: []db.Field{
		{Name: "id_token", Column: "value", Kind: db.Text, Sort: true, Filter: true},
		{Name: "type", Column: "type", Kind: db.Text, Sort: true, Filter: true},
		{Name: "status", Column: "status", Kind: db.Enum, Allowed: []string{"active", "blocked", "lost"}, Sort: true, Filter: true},
		{Name: "expiry", Column: "expires_at", Kind: db.Instant, Nullable: true, Sort: true, Filter: true},
		{Name: "group", Column: "group_value", Kind: db.Text, Sort: true, Filter: true},
		{Name: "driver", Column: "driver", Kind: db.Text, Filter: true},
		{Name: "organisation", Column: "org", Kind: db.Text, Sort: true, Filter: true},
		{Name: "created_at", Column: "created_at", Kind: db.Instant, Sort: true, Filter: true},
		{Name: "last_used_at", Column: "last_used_at", Kind: db.Instant, Nullable: true, Sort: true, Filter: true},
	},
}

type tokenBody struct {
	IdToken      string     `json:"id_token"`
	Type         string     `json:"type"`
	Status       Status     `json:"status" enum:"active,blocked,expired,lost"`
	Expiry       *time.Time `json:"expiry,omitempty"`
	Group        string     `json:"group,omitempty"`
	Driver       string     `json:"driver,omitempty"`
	MaxSessions  *int       `json:"max_sessions,omitempty"`
	Organisation string     `json:"organisation"`
	CreatedAt    time.Time  `json:"created_at"`
	LastUsedAt   *time.Time `json:"last_used_at,omitempty"`
}

func (s *Service) bodyOf(t IdToken) tokenBody {
	return tokenBody{IdToken: t.Value, Type: t.Type, Status: t.Shown(s.d.DB.Now()), Expiry: t.Expiry, Group: t.Group, Driver: t.Driver,
		MaxSessions: t.MaxSessions, Organisation: t.Org, CreatedAt: t.CreatedAt, LastUsedAt: t.LastUsedAt}
}

type createInput struct {
	Body struct {
		IdToken      string     `json:"id_token" minLength:"1" maxLength:"255" doc:"As printed on the card; case and separators do not matter"`
		Type         string     `json:"type,omitempty" maxLength:"20" doc:"Default ISO14443" example:"ISO14443"`
		Status       string     `json:"status,omitempty" enum:"active,blocked,expired,lost" doc:"Default active"`
		Expiry       *time.Time `json:"expiry,omitempty"`
		Group        string     `json:"group,omitempty" maxLength:"255" doc:"Tokens of one group may stop each other's sessions"`
		Driver       string     `json:"driver,omitempty" maxLength:"64"`
		MaxSessions  *int       `json:"max_sessions,omitempty" doc:"At a time; default: the installation's"`
		Organisation string     `json:"organisation,omitempty" maxLength:"64" doc:"Default: your own"`
	}
}

type changeInput struct {
	Value string `path:"id_token"`
	Body  struct {
		Type        web.Maybe[string]    `json:"type,omitempty"`
		Status      web.Maybe[string]    `json:"status,omitempty" doc:"active, blocked, expired or lost"`
		Expiry      web.Maybe[time.Time] `json:"expiry,omitempty"`
		Group       web.Maybe[string]    `json:"group,omitempty"`
		Driver      web.Maybe[string]    `json:"driver,omitempty"`
		MaxSessions web.Maybe[int]       `json:"max_sessions,omitempty"`
	}
}

func (in *changeInput) apply(t *IdToken) {
	b := &in.Body
	b.Type.Apply(&t.Type)
	b.Group.Apply(&t.Group)
	b.Driver.Apply(&t.Driver)
	if b.Status.Set {
		t.Status = Status(b.Status.Value)
	}
	if b.Expiry.Set {
		t.Expiry = nil
		if !b.Expiry.Null {
			t.Expiry = &b.Expiry.Value
		}
	}
	if b.MaxSessions.Set {
		t.MaxSessions = nil
		if !b.MaxSessions.Null {
			t.MaxSessions = &b.MaxSessions.Value
		}
	}
}

type tokenInput struct {
	Value string `path:"id_token"`
}

type tokenOutput struct{ Body tokenBody }

type policyBody struct {
	OpenAccess bool `json:"open_access" doc:"Strangers may charge"`
}

type policyOutput struct{ Body policyBody }

type policyInput struct {
	ID   string `path:"id"`
	Body struct {
		OpenAccess *bool `json:"open_access" nullable:"true" doc:"null: as the organisation or the installation has it"`
	}
}

type ownPolicyInput struct {
	Body struct {
		OpenAccess *bool `json:"open_access" nullable:"true" doc:"null: as the installation has it"`
	}
}

type stationInput struct {
	ID string `path:"id"`
}

func op(method, path, permission, summary string) web.Op {
	return web.Op{Method: method, Path: path, Room: "access", Permission: permission, Summary: summary, Tags: []string{"id-tokens"}}
}

// Routes registers the room's routes.
func (s *Service) Routes(a *web.API) {
	list := op(http.MethodGet, "/id-tokens", identity.TokenRead, "List tokens")
	list.List = &tokenSpec
	web.Handle(a, list, s.handleList)
	create := op(http.MethodPost, "/id-tokens", identity.TokenWrite, "Add a token")
	create.Status = http.StatusCreated
	web.Handle(a, create, s.handleCreate)
	web.Handle(a, op(http.MethodGet, "/id-tokens/{id_token}", identity.TokenRead, "Read a token"), func(ctx context.Context, in *tokenInput) (*tokenOutput, error) {
		return s.answer(s.Read(ctx, in.Value))
	})
	web.Handle(a, op(http.MethodPatch, "/id-tokens/{id_token}", identity.TokenWrite, "Change a token"), func(ctx context.Context, in *changeInput) (*tokenOutput, error) {
		return s.answer(s.Change(ctx, in.Value, in.apply))
	})
	web.Handle(a, op(http.MethodDelete, "/id-tokens/{id_token}", identity.TokenWrite, "Delete a token"), func(ctx context.Context, in *tokenInput) (*struct{}, error) {
		return nil, s.Delete(ctx, in.Value)
	})
	s.importRoute(a)
	s.policyRoutes(a)
	s.listRoutes(a)
}

func (s *Service) answer(t IdToken, err error) (*tokenOutput, error) {
	if err != nil {
		return nil, err
	}
	return &tokenOutput{Body: s.bodyOf(t)}, nil
}

type listInput struct{ web.ListInput }

func (s *Service) handleList(ctx context.Context, in *listInput) (*web.ListOutput[tokenBody], error) {
	req, err := in.Request()
	if err != nil {
		return nil, err
	}
	tokens, next, err := s.List(ctx, req)
	if err != nil {
		return nil, err
	}
	items := make([]tokenBody, len(tokens))
	for i, t := range tokens {
		items[i] = s.bodyOf(t)
	}
	return web.NewList(items, next), nil
}

func (s *Service) handleCreate(ctx context.Context, in *createInput) (*tokenOutput, error) {
	b := in.Body
	return s.answer(s.Create(ctx, IdToken{Org: b.Organisation, Value: b.IdToken, Type: b.Type, Status: Status(b.Status), Expiry: b.Expiry,
		Group: b.Group, Driver: b.Driver, MaxSessions: b.MaxSessions}))
}

func (s *Service) policyRoutes(a *web.API) {
	read := func(ctx context.Context, station string) (*policyOutput, error) {
		open, err := s.OpenAt(ctx, station)
		return &policyOutput{Body: policyBody{OpenAccess: open}}, err
	}
	web.Handle(a, op(http.MethodGet, "/access-policy", identity.TokenRead, "Whether strangers may charge at the organisation's stations"),
		func(ctx context.Context, _ *struct{}) (*policyOutput, error) { return read(ctx, "") })
	web.Handle(a, op(http.MethodPut, "/access-policy", identity.TokenWrite, "Decide whether strangers may charge at the organisation's stations"),
		func(ctx context.Context, in *ownPolicyInput) (*policyOutput, error) {
			if err := s.SetOpen(ctx, "", in.Body.OpenAccess); err != nil {
				return nil, err
			}
			return read(ctx, "")
		})
	web.Handle(a, op(http.MethodGet, "/charging-stations/{id}/access-policy", identity.TokenRead, "Whether strangers may charge at a station"),
		func(ctx context.Context, in *stationInput) (*policyOutput, error) { return read(ctx, in.ID) })
	web.Handle(a, op(http.MethodPut, "/charging-stations/{id}/access-policy", identity.TokenWrite, "Decide whether strangers may charge at a station"),
		func(ctx context.Context, in *policyInput) (*policyOutput, error) {
			if err := s.SetOpen(ctx, in.ID, in.Body.OpenAccess); err != nil {
				return nil, err
			}
			return read(ctx, in.ID)
		})
}
