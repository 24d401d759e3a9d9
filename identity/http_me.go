package identity

import (
	"context"
	"net/http"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/web"
)

type meWire struct {
	User         *meUser        `json:"user,omitempty" doc:"Absent for an API key"`
	Key          *meKey         `json:"key,omitempty"`
	Organisation meOrganisation `json:"organisation" doc:"The active one"`
	Grants       []meGrant      `json:"grants" nullable:"false" doc:"Where this caller has a role: the organisations to switch between, each with those below it"`
	Permissions  []Permission   `json:"permissions" nullable:"false" doc:"In the active organisation"`
	Language     string         `json:"language"`
	CSRFToken    string         `json:"csrf_token,omitempty" doc:"Send it as X-CSRF-Token with every change made by cookie"`
}

type meUser struct {
	ID    UserID `json:"id"`
	Email string `json:"email"`
	Name  string `json:"name"`
}

type meKey struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type meOrganisation struct {
	ID       OrgID          `json:"id"`
	Name     string         `json:"name"`
	Country  string         `json:"country"`
	Currency money.Currency `json:"currency"`
	TimeZone string         `json:"time_zone"`
}

type meGrant struct {
	Organisation OrgID  `json:"organisation"`
	Name         string `json:"name"`
	Role         RoleID `json:"role"`
}

type sessionOutput struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      meWire
}

func (s *Service) signIn(ctx context.Context, in *struct {
	Cookie    string `cookie:"forecourt_session" hidden:"true"`
	UserAgent string `header:"User-Agent" hidden:"true"`
	Body      struct {
		Email    string `json:"email" minLength:"1" maxLength:"254"`
		Password string `json:"password" minLength:"1" maxLength:"1000"`
	}
}) (*sessionOutput, error) {
	n, err := s.SignIn(ctx, in.Body.Email, in.Body.Password, in.Cookie, in.UserAgent)
	if err != nil {
		return nil, err
	}
	me, err := s.me(ctx, n.who, callerAt(n.who, n.who.home, n.who.homePath))
	me.CSRFToken = csrfOf(n.token)
	return &sessionOutput{[]http.Cookie{cookie(ctx, n.token, s.life)}, me}, err
}

func (s *Service) signOut(ctx context.Context, in *struct {
	Cookie string `cookie:"forecourt_session" hidden:"true"`
}) (*struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
}, error) {
	out := &struct {
		SetCookie []http.Cookie `header:"Set-Cookie"`
	}{[]http.Cookie{cookie(ctx, "", 0)}}
	return out, s.SignOut(ctx, in.Cookie)
}

func (s *Service) getMe(ctx context.Context, in *struct {
	Cookie string `cookie:"forecourt_session" hidden:"true"`
}) (*struct{ Body meWire }, error) {
	who, _ := ctx.Value(principalKey{}).(*principal)
	c, ok := From(ctx)
	if who == nil || !ok {
		return nil, errNobody()
	}
	me, err := s.me(ctx, who, c)
	if who.session != "" {
		me.CSRFToken = csrfOf(in.Cookie)
	}
	return &struct{ Body meWire }{me}, err
}

// me describes a caller.
func (s *Service) me(ctx context.Context, who *principal, c Caller) (meWire, error) {
	out := meWire{Permissions: c.Permissions.List(), Grants: []meGrant{}}
	for _, g := range who.grants {
		out.Grants = append(out.Grants, meGrant{g.Org, g.OrgName, g.Role})
	}
	if who.key != "" {
		out.Key = &meKey{who.key, who.name}
	}
	err := s.db.View(ctx, func(tx *db.Tx) error {
		o, err := Lookup(tx, c.Org)
		if err != nil {
			return err
		}
		out.Organisation = meOrganisation{o.ID, o.Name, o.Country, o.Currency, o.TimeZone}
		out.Language = o.Language
		if who.user == "" {
			return nil
		}
		u, err := userByID(tx, who.user, Scope{everything: true})
		if err != nil {
			return err
		}
		out.User = &meUser{u.ID, u.Email, u.Name}
		if u.Language != "" {
			out.Language = u.Language
		}
		return nil
	})
	return out, err
}

func (s *Service) patchMe(ctx context.Context, in *struct {
	Body struct {
		Name         *string           `json:"name,omitempty"`
		Language     web.Maybe[string] `json:"language,omitempty" doc:"null: the organisation's"`
		Organisation *OrgID            `json:"organisation,omitempty" doc:"Becomes the active one of this session"`
	}
}) (*struct{}, error) {
	p := Profile{Name: in.Body.Name, Organisation: in.Body.Organisation}
	if in.Body.Language.Set {
		p.Language = &in.Body.Language.Value
	}
	return nil, s.ChangeProfile(ctx, p)
}

func (s *Service) postPassword(ctx context.Context, in *struct {
	UserAgent string `header:"User-Agent" hidden:"true"`
	Body      struct {
		Current string `json:"current_password" minLength:"1" maxLength:"1000"`
		New     string `json:"new_password" minLength:"12" maxLength:"200"`
	}
}) (*struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      struct {
		CSRFToken string `json:"csrf_token"`
	}
}, error) {
	n, err := s.ChangePassword(ctx, in.Body.Current, in.Body.New, in.UserAgent)
	if err != nil {
		return nil, err
	}
	out := &struct {
		SetCookie []http.Cookie `header:"Set-Cookie"`
		Body      struct {
			CSRFToken string `json:"csrf_token"`
		}
	}{SetCookie: []http.Cookie{cookie(ctx, n.token, s.life)}}
	out.Body.CSRFToken = csrfOf(n.token)
	return out, nil
}
