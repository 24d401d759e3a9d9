package identity_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/identity"
)

// house is an installation with two operators below the root, as the tests
// of this room need it.
type house struct {
	db           *db.DB
	service      *identity.Service
	api          *web.API
	first        identity.FirstSignIn
	anyone       *webtest.Client // not signed in
	owner        *webtest.Client // of the root
	north, south identity.OrgID
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, d *db.DB) *house {
	t.Helper()
	ctx := context.Background()
	s := identity.New(identity.Deps{DB: d})
	first, created, err := s.Bootstrap(ctx)
	if err != nil || !created {
		t.Fatalf("bootstrap: created %v, %v", created, err)
	}
	api := web.New(web.Config{DB: d, Guard: s.Guard})
	s.Routes(api)
	h := &house{db: d, service: s, api: api, first: first, anyone: webtest.New(t, api.Handler())}
	h.owner = h.anyone.Bearer(h.key(t, identity.Owner, first.Organisation)).Counting(webtest.Facts(t, d))
	h.north = h.organisation(t, "North", first.Organisation)
	h.south = h.organisation(t, "South", first.Organisation)
	return h
}

func (h *house) system() context.Context { return identity.System(context.Background(), "") }

// key makes an API key by way of the service, as the command line does.
func (h *house) key(t *testing.T, role identity.RoleID, org identity.OrgID) string {
	t.Helper()
	_, key, err := h.service.CreateKey(h.system(), identity.APIKey{Name: fmt.Sprintf("%s of %s", role, org), Role: role, Org: org})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (h *house) as(t *testing.T, role identity.RoleID, org identity.OrgID) *webtest.Client {
	t.Helper()
	return h.anyone.Bearer(h.key(t, role, org)).Counting(webtest.Facts(t, h.db))
}

func (h *house) organisation(t *testing.T, name string, parent identity.OrgID) identity.OrgID {
	t.Helper()
	o, err := h.service.CreateOrganisation(h.system(), identity.Organisation{Name: name, Parent: parent})
	if err != nil {
		t.Fatal(err)
	}
	return o.ID
}

const password = "correct horse battery"

func (h *house) user(t *testing.T, email string, role identity.RoleID, org identity.OrgID) identity.UserID {
	t.Helper()
	u, _, err := h.service.CreateUser(h.system(), identity.NewUser{Password: password,
		User: identity.User{Email: email, Name: email, Role: role, Org: org}})
	if err != nil {
		t.Fatal(err)
	}
	return u.ID
}

// signIn gives a client with a session, and its CSRF token.
func (h *house) signIn(t *testing.T, email string) (*webtest.Client, string) {
	t.Helper()
	c := h.anyone.With("Accept", "application/json")
	a := c.Must(200, "POST", "/sign-in", fmt.Sprintf(`{"email":%q,"password":%q}`, email, password))
	return c, a.Field("csrf_token")
}
