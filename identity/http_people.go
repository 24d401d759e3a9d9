package identity

import (
	"context"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/web"
)

type userWire struct {
	ID           UserID     `json:"id"`
	Email        string     `json:"email"`
	Name         string     `json:"name"`
	Role         RoleID     `json:"role" doc:"Held in the user's own organisation"`
	Organisation OrgID      `json:"organisation"`
	Language     string     `json:"language,omitempty" doc:"Absent: the organisation's"`
	Disabled     bool       `json:"disabled"`
	CreatedAt    time.Time  `json:"created_at"`
	LastSignInAt *time.Time `json:"last_sign_in_at,omitempty"`
}

func userOut(u User) userWire {
	return userWire{u.ID, u.Email, u.Name, u.Role, u.Org, u.Language, u.Disabled, u.CreatedAt, u.LastSignInAt}
}

type userOutput struct{ Body userWire }

var userList = db.ListSpec{
	Base: `SELECT ` + userColumns + ` FROM person p WHERE 1 = 1`,
	Fields: []db.Field{
		{Name: "id", Column: "p.id", Kind: db.Text, Filter: true},
		{Name: "email", Column: "p.email", Kind: db.Text, Sort: true, Filter: true},
		{Name: "name", Column: "p.name", Kind: db.Text, Sort: true, Filter: true},
		{Name: "organisation", Column: "p.org", Kind: db.Text, Filter: true},
		{Name: "disabled", Column: "p.disabled", Kind: db.Bool, Filter: true},
		{Name: "created_at", Column: "p.created_at", Kind: db.Instant, Sort: true, Filter: true},
	},
	Default: "email", Key: "p.id",
}

func (s *Service) listUsers(ctx context.Context, in *struct{ web.ListInput }) (*web.ListOutput[userWire], error) {
	return list(ctx, s, UserRead, userList, "p.org", &in.ListInput, scanUser, userOut)
}

type newUserWire struct {
	userWire
	Password string `json:"password,omitempty" doc:"Shown once, when it was made here"`
}

func (s *Service) postUser(ctx context.Context, in *struct {
	Body struct {
		Email        string `json:"email" maxLength:"254"`
		Name         string `json:"name" maxLength:"200"`
		Role         RoleID `json:"role" minLength:"1" doc:"Id or name of a role"`
		Organisation OrgID  `json:"organisation,omitempty" doc:"Default: your own"`
		Language     string `json:"language,omitempty"`
		Password     string `json:"password,omitempty" doc:"At least 12 characters; one is made when absent"`
	}
}) (*struct{ Body newUserWire }, error) {
	b := in.Body
	u, password, err := s.CreateUser(ctx, NewUser{Password: b.Password,
		User: User{Email: b.Email, Name: b.Name, Role: b.Role, Org: b.Organisation, Language: b.Language}})
	return &struct{ Body newUserWire }{newUserWire{userOut(u), password}}, err
}

func (s *Service) getUser(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*userOutput, error) {
	u, err := s.User(ctx, UserID(in.ID))
	return &userOutput{userOut(u)}, err
}

func (s *Service) patchUser(ctx context.Context, in *struct {
	ID   string `path:"id"`
	Body struct {
		Email    *string           `json:"email,omitempty"`
		Name     *string           `json:"name,omitempty"`
		Role     *RoleID           `json:"role,omitempty" doc:"Replaces the roles held in the user's own organisation"`
		Language web.Maybe[string] `json:"language,omitempty" doc:"null: the organisation's"`
		Disabled *bool             `json:"disabled,omitempty" doc:"true ends every session and refuses sign-in"`
		Password *string           `json:"password,omitempty" doc:"Ends every session"`
	}
}) (*userOutput, error) {
	b := in.Body
	e := UserEdit{Email: b.Email, Name: b.Name, Role: b.Role, Disabled: b.Disabled, Password: b.Password}
	if b.Language.Set {
		e.Language = &b.Language.Value
	}
	u, err := s.ChangeUser(ctx, UserID(in.ID), e)
	return &userOutput{userOut(u)}, err
}

type grantWire struct {
	ID           string     `json:"id"`
	Role         RoleID     `json:"role"`
	Organisation OrgID      `json:"organisation"`
	GrantedBy    string     `json:"granted_by"`
	CreatedAt    time.Time  `json:"created_at"`
	ExpiresAt    *time.Time `json:"expires_at,omitempty"`
}

func (s *Service) listGrants(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*web.ListOutput[grantWire], error) {
	gs, err := s.Grants(ctx, UserID(in.ID))
	return web.NewList(gs, ""), err
}

func (s *Service) postGrant(ctx context.Context, in *struct {
	ID   string `path:"id"`
	Body struct {
		Role         RoleID     `json:"role" minLength:"1" doc:"Id or name of a role"`
		Organisation OrgID      `json:"organisation,omitempty" doc:"Default: your own"`
		ExpiresAt    *time.Time `json:"expires_at,omitempty"`
	}
}) (*struct{ Body grantWire }, error) {
	g, err := s.Grant(ctx, UserID(in.ID), in.Body.Role, in.Body.Organisation, in.Body.ExpiresAt)
	return &struct{ Body grantWire }{g}, err
}

func (s *Service) deleteGrant(ctx context.Context, in *struct {
	ID    string `path:"id"`
	Grant string `path:"grant"`
}) (*struct{}, error) {
	return nil, s.Revoke(ctx, UserID(in.ID), in.Grant)
}

type roleWire struct {
	ID           RoleID       `json:"id"`
	Name         string       `json:"name"`
	Description  string       `json:"description"`
	Permissions  []Permission `json:"permissions" nullable:"false"`
	Builtin      bool         `json:"builtin"`
	Organisation OrgID        `json:"organisation,omitempty" doc:"Absent for built-in roles"`
}

func roleOut(r Role) roleWire {
	w := roleWire{r.ID, r.Name, r.Description, r.Permissions.List(), r.Builtin, r.Org}
	if r.Builtin {
		w.Organisation = ""
	}
	return w
}

type roleOutput struct{ Body roleWire }

var roleList = db.ListSpec{
	Base: `SELECT ` + roleColumns + ` FROM role r WHERE 1 = 1`,
	Fields: []db.Field{
		{Name: "id", Column: "r.id", Kind: db.Text, Sort: true, Filter: true},
		{Name: "name", Column: "r.name", Kind: db.Text, Sort: true, Filter: true},
		{Name: "builtin", Column: "r.builtin", Kind: db.Bool, Filter: true},
		{Name: "organisation", Column: "r.org", Kind: db.Text, Filter: true},
	},
	Default: "name", Key: "r.id",
}

// listRoles shows what can be used here: built-in roles and those of this
// organisation, of those above it, and of those below.
func (s *Service) listRoles(ctx context.Context, in *struct{ web.ListInput }) (*web.ListOutput[roleWire], error) {
	where, err := s.rolesVisible(ctx)
	if err != nil {
		return nil, err
	}
	return page(ctx, s, roleList, []db.Cond{where}, &in.ListInput, scanRole, roleOut)
}

func (s *Service) postRole(ctx context.Context, in *struct {
	Body struct {
		Name         string       `json:"name" maxLength:"200"`
		Description  string       `json:"description,omitempty" maxLength:"500"`
		Permissions  []Permission `json:"permissions" nullable:"false"`
		Organisation OrgID        `json:"organisation,omitempty" doc:"Default: your own"`
	}
}) (*roleOutput, error) {
	b := in.Body
	r, err := s.CreateRole(ctx, Role{Name: b.Name, Description: b.Description, Org: b.Organisation}, b.Permissions)
	return &roleOutput{roleOut(r)}, err
}

func (s *Service) getRole(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*roleOutput, error) {
	r, err := s.Role(ctx, RoleID(in.ID))
	return &roleOutput{roleOut(r)}, err
}

func (s *Service) patchRole(ctx context.Context, in *struct {
	ID   string `path:"id"`
	Body struct {
		Name        *string       `json:"name,omitempty"`
		Description *string       `json:"description,omitempty"`
		Permissions *[]Permission `json:"permissions,omitempty"`
	}
}) (*roleOutput, error) {
	b := in.Body
	r, err := s.ChangeRole(ctx, RoleID(in.ID), RoleEdit{Name: b.Name, Description: b.Description, Permissions: b.Permissions})
	return &roleOutput{roleOut(r)}, err
}

func (s *Service) deleteRole(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*struct{}, error) {
	return nil, s.DeleteRole(ctx, RoleID(in.ID))
}

type keyWire struct {
	ID           string     `json:"id"`
	Name         string     `json:"name"`
	Role         RoleID     `json:"role"`
	Organisation OrgID      `json:"organisation"`
	Hint         string     `json:"hint" doc:"How the key begins"`
	CreatedBy    string     `json:"created_by"`
	CreatedAt    time.Time  `json:"created_at"`
	LastUsedAt   *time.Time `json:"last_used_at,omitempty" doc:"To the minute"`
	ExpiresAt    *time.Time `json:"expires_at,omitempty"`
}

func keyOut(k APIKey) keyWire {
	return keyWire{k.ID, k.Name, k.Role, k.Org, k.Hint, k.CreatedBy, k.CreatedAt, k.LastUsedAt, k.ExpiresAt}
}

var keyList = db.ListSpec{
	Base: `SELECT ` + keyColumns + ` FROM api_key k WHERE k.revoked_at IS NULL`,
	Fields: []db.Field{
		{Name: "name", Column: "k.name", Kind: db.Text, Sort: true, Filter: true},
		{Name: "role", Column: "k.role", Kind: db.Text, Sort: true, Filter: true},
		{Name: "organisation", Column: "k.org", Kind: db.Text, Filter: true},
		{Name: "created_at", Column: "k.created_at", Kind: db.Instant, Sort: true, Filter: true},
	},
	Default: "name", Key: "k.id",
}

func (s *Service) listKeys(ctx context.Context, in *struct{ web.ListInput }) (*web.ListOutput[keyWire], error) {
	return list(ctx, s, KeyRead, keyList, "k.org", &in.ListInput, scanKey, keyOut)
}

type newKeyWire struct {
	keyWire
	Key string `json:"key" doc:"Shown only here"`
}

func (s *Service) postKey(ctx context.Context, in *struct {
	Body struct {
		Name         string     `json:"name" maxLength:"200"`
		Role         RoleID     `json:"role" minLength:"1" doc:"Id or name of a role"`
		Organisation OrgID      `json:"organisation,omitempty" doc:"Default: your own"`
		ExpiresAt    *time.Time `json:"expires_at,omitempty"`
	}
}) (*struct{ Body newKeyWire }, error) {
	b := in.Body
	k, key, err := s.CreateKey(ctx, APIKey{Name: b.Name, Role: b.Role, Org: b.Organisation, ExpiresAt: b.ExpiresAt})
	return &struct{ Body newKeyWire }{newKeyWire{keyOut(k), key}}, err
}

func (s *Service) deleteKey(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*struct{}, error) {
	return nil, s.RevokeKey(ctx, in.ID)
}
