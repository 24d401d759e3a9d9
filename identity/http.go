package identity

import (
	"context"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/web"
)

// Routes registers the room's routes.
func (s *Service) Routes(a *web.API) {
	op := func(method, path, permission, summary string) web.Op {
		return web.Op{Method: method, Path: path, Room: "identity", Permission: permission, Summary: summary}
	}
	listed := func(o web.Op, spec *db.ListSpec) web.Op { o.List = spec; return o }
	created := func(o web.Op) web.Op { o.Status = http.StatusCreated; return o }

	web.Handle(a, listed(op("GET", "/organisations", OrganisationRead, "List organisations"), &organisationList), s.listOrganisations)
	web.Handle(a, created(op("POST", "/organisations", OrganisationWrite, "Create an organisation")), s.postOrganisation)
	web.Handle(a, op("GET", "/organisations/{id}", OrganisationRead, "Read an organisation"), s.getOrganisation)
	web.Handle(a, op("PATCH", "/organisations/{id}", OrganisationWrite, "Change an organisation"), s.patchOrganisation)

	web.Handle(a, listed(op("GET", "/users", UserRead, "List users"), &userList), s.listUsers)
	web.Handle(a, created(op("POST", "/users", UserWrite, "Create a user")), s.postUser)
	web.Handle(a, op("GET", "/users/{id}", UserRead, "Read a user"), s.getUser)
	web.Handle(a, op("PATCH", "/users/{id}", UserWrite, "Change or disable a user"), s.patchUser)
	web.Handle(a, op("GET", "/users/{id}/grants", UserRead, "List the roles a user holds"), s.listGrants)
	web.Handle(a, created(op("POST", "/users/{id}/grants", UserWrite, "Give a user a role in an organisation")), s.postGrant)
	web.Handle(a, op("DELETE", "/users/{id}/grants/{grant}", UserWrite, "Take a role from a user"), s.deleteGrant)

	web.Handle(a, listed(op("GET", "/roles", RoleRead, "List roles"), &roleList), s.listRoles)
	web.Handle(a, created(op("POST", "/roles", RoleWrite, "Create a role")), s.postRole)
	web.Handle(a, op("GET", "/roles/{id}", RoleRead, "Read a role"), s.getRole)
	web.Handle(a, op("PATCH", "/roles/{id}", RoleWrite, "Change a role"), s.patchRole)
	web.Handle(a, op("DELETE", "/roles/{id}", RoleWrite, "Delete a role that nobody holds"), s.deleteRole)

	web.Handle(a, listed(op("GET", "/api-keys", KeyRead, "List API keys"), &keyList), s.listKeys)
	web.Handle(a, created(op("POST", "/api-keys", KeyWrite, "Create an API key; the answer shows it once")), s.postKey)
	web.Handle(a, op("DELETE", "/api-keys/{id}", KeyWrite, "Revoke an API key"), s.deleteKey)

	web.Handle(a, listed(op("GET", "/audit", AuditRead, "List who did what"), &auditList), s.listAudit)

	signIn := op("POST", "/sign-in", "", "Sign in with e-mail address and password")
	signIn.Public = true
	web.Handle(a, signIn, s.signIn)
	web.Handle(a, op("POST", "/sign-out", web.SignedIn, "End the session"), s.signOut)
	web.Handle(a, op("GET", "/me", web.SignedIn, "Read who is signed in and what they may do"), s.getMe)
	web.Handle(a, op("PATCH", "/me", web.SignedIn, "Change one's own name, language or active organisation"), s.patchMe)
	web.Handle(a, op("POST", "/me/password", web.SignedIn, "Change one's own password"), s.postPassword)
}

type organisationWire struct {
	ID        OrgID          `json:"id"`
	Name      string         `json:"name"`
	Parent    OrgID          `json:"parent,omitempty" doc:"Absent at the root"`
	Country   string         `json:"country" doc:"ISO 3166-1"`
	Currency  money.Currency `json:"currency" doc:"ISO 4217"`
	TimeZone  string         `json:"time_zone" doc:"IANA name"`
	Language  string         `json:"language" doc:"BCP 47"`
	CreatedAt time.Time      `json:"created_at"`
}

func organisationOut(o Organisation) organisationWire {
	return organisationWire{o.ID, o.Name, o.Parent, o.Country, o.Currency, o.TimeZone, o.Language, o.CreatedAt}
}

type organisationOutput struct{ Body organisationWire }

var organisationList = db.ListSpec{
	Base: `SELECT ` + organisationColumns + ` FROM organisation o WHERE 1 = 1`,
	Fields: []db.Field{
		{Name: "id", Column: "o.id", Kind: db.Text, Filter: true},
		{Name: "name", Column: "o.name", Kind: db.Text, Sort: true, Filter: true},
		{Name: "parent", Column: "o.parent", Kind: db.Text, Filter: true},
		{Name: "country", Column: "o.country", Kind: db.Text, Sort: true, Filter: true},
		{Name: "created_at", Column: "o.created_at", Kind: db.Instant, Sort: true, Filter: true},
	},
	Default: "name", Key: "o.id",
}

func (s *Service) listOrganisations(ctx context.Context, in *struct{ web.ListInput }) (*web.ListOutput[organisationWire], error) {
	return list(ctx, s, OrganisationRead, organisationList, "o.org", &in.ListInput, scanOrganisation, organisationOut)
}

// list reads one page of a table within the caller's scope.
func list[T, W any](ctx context.Context, s *Service, p Permission, spec db.ListSpec, orgColumn string, in *web.ListInput,
	scan func(db.Scanner) (T, error), wire func(T) W) (*web.ListOutput[W], error) {
	c, err := Require(ctx, p)
	if err != nil {
		return nil, err
	}
	return page(ctx, s, spec, []db.Cond{c.Scope.Where(orgColumn)}, in, scan, wire)
}

func page[T, W any](ctx context.Context, s *Service, spec db.ListSpec, where []db.Cond, in *web.ListInput,
	scan func(db.Scanner) (T, error), wire func(T) W) (*web.ListOutput[W], error) {
	req, err := in.Request()
	if err != nil {
		return nil, err
	}
	var items []T
	var next string
	err = s.db.View(ctx, func(tx *db.Tx) error {
		items, next, err = db.List(tx, spec, where, req, scan)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]W, len(items))
	for i, x := range items {
		out[i] = wire(x)
	}
	return web.NewList(out, next), nil
}

func (s *Service) postOrganisation(ctx context.Context, in *struct {
	Body struct {
		Name     string `json:"name" minLength:"1" maxLength:"200"`
		Parent   OrgID  `json:"parent,omitempty" doc:"Default: your own"`
		Country  string `json:"country,omitempty" doc:"ISO 3166-1; default: the parent's"`
		Currency string `json:"currency,omitempty" doc:"ISO 4217; default: the parent's"`
		TimeZone string `json:"time_zone,omitempty" doc:"IANA name; default: the parent's"`
		Language string `json:"language,omitempty" doc:"BCP 47; default: the parent's"`
	}
}) (*organisationOutput, error) {
	b := in.Body
	o, err := s.CreateOrganisation(ctx, Organisation{Name: b.Name, Parent: b.Parent, Country: b.Country,
		Currency: money.Currency(b.Currency), TimeZone: b.TimeZone, Language: b.Language})
	return &organisationOutput{organisationOut(o)}, err
}

func (s *Service) getOrganisation(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*organisationOutput, error) {
	o, err := s.Organisation(ctx, OrgID(in.ID))
	return &organisationOutput{organisationOut(o)}, err
}

func (s *Service) patchOrganisation(ctx context.Context, in *struct {
	ID   string `path:"id"`
	Body struct {
		Name     *string `json:"name,omitempty"`
		Country  *string `json:"country,omitempty" doc:"ISO 3166-1"`
		Currency *string `json:"currency,omitempty" doc:"ISO 4217"`
		TimeZone *string `json:"time_zone,omitempty" doc:"IANA name"`
		Language *string `json:"language,omitempty" doc:"BCP 47"`
	}
}) (*organisationOutput, error) {
	b := in.Body
	o, err := s.ChangeOrganisation(ctx, OrgID(in.ID), func(o *Organisation) {
		set(&o.Name, b.Name)
		set(&o.Country, b.Country)
		set((*string)(&o.Currency), b.Currency)
		set(&o.TimeZone, b.TimeZone)
		set(&o.Language, b.Language)
	})
	return &organisationOutput{organisationOut(o)}, err
}

type auditWire struct {
	ID           string            `json:"id"`
	At           time.Time         `json:"at"`
	Organisation OrgID             `json:"organisation"`
	Actor        string            `json:"actor" doc:"user:…, key:… or system"`
	ActorName    string            `json:"actor_name"`
	Action       string            `json:"action"`
	Subject      string            `json:"subject" doc:"Id of what was changed"`
	Changes      map[string]Change `json:"changes" doc:"Field: value before and after"`
	Request      string            `json:"request,omitempty"`
	Address      string            `json:"address,omitempty"`
}

var auditList = db.ListSpec{
	Base: `SELECT a.id, a.at, a.org, a.actor, a.actor_name, a.action, a.subject, a.changes, a.request, a.address FROM audit_entry a WHERE 1 = 1`,
	Fields: []db.Field{
		{Name: "at", Column: "a.at", Kind: db.Instant, Sort: true, Filter: true},
		{Name: "organisation", Column: "a.org", Kind: db.Text, Filter: true},
		{Name: "actor", Column: "a.actor", Kind: db.Text, Sort: true, Filter: true},
		{Name: "action", Column: "a.action", Kind: db.Text, Sort: true, Filter: true},
		{Name: "subject", Column: "a.subject", Kind: db.Text, Filter: true},
	},
	Default: "-at", Key: "a.id",
}

func (s *Service) listAudit(ctx context.Context, in *struct{ web.ListInput }) (*web.ListOutput[auditWire], error) {
	return list(ctx, s, AuditRead, auditList, "a.org", &in.ListInput, scanAudit, func(a auditWire) auditWire { return a })
}
