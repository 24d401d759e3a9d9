package identity_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

func TestBootstrapHappensOnce(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		if len(h.first.Password) < 12 || h.first.Email == "" {
			t.Errorf("first sign-in %+v", h.first)
		}
		c := h.anyone.With("Accept", "application/json")
		c.Must(200, "POST", "/sign-in", `{"email":"`+h.first.Email+`","password":"`+h.first.Password+`"}`)
		again, created, err := h.service.Bootstrap(t.Context())
		if err != nil || created || again.Password != "" || again.Organisation != h.first.Organisation {
			t.Errorf("second bootstrap: %+v %v %v", again, created, err)
		}
	})
}

func TestSessionsByCookie(t *testing.T) {
	t.Parallel()
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, clock *schematest.Clock) {
		h := open(t, d)
		h.user(t, "ada@example.org", "admin", h.north)
		c, csrf := h.signIn(t, "ada@example.org")
		me := c.Must(200, "GET", "/me", "")
		if me.Field("csrf_token") != csrf || csrf == "" || me.Field("user.email") != "ada@example.org" || me.Field("organisation.name") != "North" {
			t.Errorf("me: %s", me.Body)
		}
		body := `{"name":"North One"}`
		c.Run(
			webtest.Scenario{Name: "a change without a token", Method: "POST", Path: "/organisations", Body: body, Status: 403, Code: "request.csrf"},
			webtest.Scenario{Name: "a wrong token", Method: "POST", Path: "/organisations", Body: body, Header: []string{"X-CSRF-Token", strings.Repeat("0", 32)}, Status: 403, Code: "request.csrf"},
			webtest.Scenario{Name: "another site, even with the token", Method: "POST", Path: "/organisations", Body: body, Header: []string{"X-CSRF-Token", csrf, "Origin", "https://evil.example"}, Status: 403, Code: "request.cross_site"},
			webtest.Scenario{Name: "the browser says cross-site", Method: "POST", Path: "/organisations", Body: body, Header: []string{"X-CSRF-Token", csrf, "Sec-Fetch-Site", "cross-site"}, Status: 403, Code: "request.cross_site"},
			webtest.Scenario{Name: "the token", Method: "POST", Path: "/organisations", Body: body, Header: []string{"X-CSRF-Token", csrf}, Status: 201},
			webtest.Scenario{Name: "our own page", Method: "POST", Path: "/organisations", Body: `{"name":"North Two"}`, Header: []string{"Origin", c.URL()}, Status: 201},
		)
		t.Run("nobody is signed in by another site", func(t *testing.T) {
			c.For(t).Must(403, "POST", "/sign-in", `{"email":"ada@example.org","password":"`+password+`"}`, "Origin", "https://evil.example")
		})
		t.Run("a bad header is not saved by a good cookie", func(t *testing.T) {
			c.For(t).Must(401, "GET", "/me", "", "Authorization", "Bearer fk_0000")
			c.For(t).Must(401, "GET", "/me", "", "Authorization", "Basic YTpi")
		})
		t.Run("idle sessions end", func(t *testing.T) {
			clock.Advance(11 * time.Hour)
			c.For(t).Must(200, "GET", "/me", "") // keeps it alive
			clock.Advance(11 * time.Hour)
			c.For(t).Must(200, "GET", "/me", "")
			clock.Advance(12*time.Hour + time.Second)
			c.For(t).Must(401, "GET", "/me", "")
		})
		t.Run("busy ones end after a week", func(t *testing.T) {
			c, _ := h.signIn(t, "ada@example.org")
			for range 7 * 3 {
				c.Must(200, "GET", "/me", "")
				clock.Advance(8 * time.Hour)
			}
			c.Must(401, "GET", "/me", "")
		})
		t.Run("sign-out ends it", func(t *testing.T) {
			c, csrf := h.signIn(t, "ada@example.org")
			c.Must(204, "POST", "/sign-out", "", "X-CSRF-Token", csrf)
			c.Must(401, "GET", "/me", "")
		})
		if err := h.service.Tidy(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestSignInRotatesAndHidesTheCookie(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		h.user(t, "ada@example.org", "viewer", h.north)
		sign := func(cookie string) *http.Cookie {
			header := []string{}
			if cookie != "" {
				header = []string{"Cookie", identity.CookieName + "=" + cookie}
			}
			a := h.anyone.With("Accept", "*/*").Must(200, "POST", "/sign-in", `{"email":" ADA@example.org","password":"`+password+`"}`, header...)
			c, err := http.ParseSetCookie(a.Header.Get("Set-Cookie"))
			if err != nil {
				t.Fatal(err)
			}
			if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure || c.Path != "/" || len(c.Value) < 40 || strings.Contains(a.Body, c.Value) {
				t.Errorf("cookie %v, body %s", c, a.Body)
			}
			return c
		}
		one := sign("")
		two := sign(one.Value)
		if one.Value == two.Value {
			t.Error("the token survived a sign-in")
		}
		h.anyone.Must(401, "GET", "/me", "", "Cookie", identity.CookieName+"="+one.Value)
		h.anyone.Must(200, "GET", "/me", "", "Cookie", identity.CookieName+"="+two.Value)
		err := d.View(t.Context(), func(tx *db.Tx) error {
			var n int
			if err := tx.QueryRow(`SELECT COUNT(*) FROM sign_in WHERE hash = $1`, two.Value).Scan(&n); err != nil {
				return err
			}
			if n != 0 {
				t.Error("the token itself is stored")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestPasswordChange(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		ada := h.user(t, "ada@example.org", "viewer", h.north)
		c, csrf := h.signIn(t, "ada@example.org")
		other, _ := h.signIn(t, "ada@example.org")
		token := []string{"X-CSRF-Token", csrf}
		c.Run(
			webtest.Scenario{Name: "the current one must be right", Method: "POST", Path: "/me/password", Header: token, Body: `{"current_password":"x","new_password":"another long password"}`, Status: 422, Code: "user.wrong_password"},
			webtest.Scenario{Name: "the new one must be long", Method: "POST", Path: "/me/password", Header: token, Body: `{"current_password":"` + password + `","new_password":"short"}`, Status: 422, Contains: []string{"body.new_password"}, Lacks: []string{`"short"`, password}},
			webtest.Scenario{Name: "and not all the same", Method: "POST", Path: "/me/password", Header: token, Body: `{"current_password":"` + password + `","new_password":"aaaaaaaaaaaaaaaa"}`, Status: 422, Code: "user.password"},
			webtest.Scenario{Name: "changed", Method: "POST", Path: "/me/password", Header: token, Body: `{"current_password":"` + password + `","new_password":"another long password"}`, Status: 200},
		)
		c.Must(200, "GET", "/me", "") // goes on with a new session
		other.Must(401, "GET", "/me", "")
		h.anyone.Must(401, "POST", "/sign-in", `{"email":"ada@example.org","password":"`+password+`"}`)

		admin := h.as(t, "admin", h.north)
		admin.Must(200, "PATCH", "/users/"+string(ada), `{"disabled":true}`)
		c.Must(401, "GET", "/me", "") // at once
		h.anyone.Must(401, "POST", "/sign-in", `{"email":"ada@example.org","password":"another long password"}`)
		h.owner.Must(403, "POST", "/me/password", `{"current_password":"x","new_password":"another long password"}`)
	})
}

func TestFailedSignInsAreThrottled(t *testing.T) {
	t.Parallel()
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, clock *schematest.Clock) {
		h := open(t, d)
		h.user(t, "ada@example.org", "viewer", h.north)
		try := func(email, pass string) webtest.Answer {
			return h.anyone.Do("POST", "/sign-in", `{"email":"`+email+`","password":"`+pass+`"}`)
		}
		var seen [2][]string
		for i, email := range []string{"ada@example.org", "nobody@example.org"} { // the same whether or not the account exists
			for range 6 {
				a := try(email, "wrong")
				seen[i] = append(seen[i], a.Field("code")+" "+a.Field("detail"))
			}
			a := try(email, password)
			if a.Status != http.StatusTooManyRequests || a.Header.Get("Retry-After") != "1" {
				t.Errorf("%s after six failures: %d %v %s", email, a.Status, a.Header["Retry-After"], a.Body)
			}
		}
		if strings.Join(seen[0], "|") != strings.Join(seen[1], "|") {
			t.Errorf("answers tell accounts apart:\n%v\n%v", seen[0], seen[1])
		}
		clock.Advance(time.Second)
		try("ada@example.org", "wrong")
		clock.Advance(time.Second)
		if a := try("ada@example.org", password); a.Status != http.StatusTooManyRequests {
			t.Errorf("the wait did not double: %d", a.Status)
		}
		clock.Advance(time.Second)
		if a := try("ada@example.org", password); a.Status != http.StatusOK {
			t.Errorf("the right password after the wait: %d %s", a.Status, a.Body)
		}
		if a := try("ada@example.org", "wrong"); a.Status != http.StatusUnauthorized {
			t.Errorf("success did not clear the account: %d", a.Status)
		}
		for i := range 30 { // many accounts from one address
			try("user"+string(rune('a'+i))+"@example.org", "wrong")
		}
		if a := try("fresh@example.org", "wrong"); a.Status != http.StatusTooManyRequests {
			t.Errorf("the address is not throttled: %d", a.Status)
		}
		clock.Advance(2 * time.Hour)
		if a := try("fresh@example.org", "wrong"); a.Status != http.StatusUnauthorized {
			t.Errorf("failures are never forgotten: %d", a.Status)
		}
	})
}

func TestManyGuessesAtOnceAreCounted(t *testing.T) {
	t.Parallel()
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, _ *schematest.Clock) {
		h := open(t, d)
		h.user(t, "ada@example.org", "viewer", h.north)
		var mu sync.Mutex
		count := map[int]int{}
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() {
				a := h.anyone.Do("POST", "/sign-in", `{"email":"ada@example.org","password":"wrong"}`)
				mu.Lock()
				defer mu.Unlock()
				count[a.Status]++
			})
		}
		wg.Wait()
		if count[401] != 6 || count[429] != 6 {
			t.Errorf("answers %v, want six tries checked and six refused", count)
		}
	})
}

func TestSwitchingOrganisations(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		ada := h.user(t, "ada@example.org", "viewer", h.north)
		h.owner.Run(
			webtest.Scenario{Name: "a second role elsewhere", Method: "POST", Path: "/users/" + string(ada) + "/grants", Body: `{"role":"admin","organisation":"` + string(h.south) + `"}`, Status: 201, Facts: []string{"user.changed"}},
			webtest.Scenario{Name: "a role that is over", Method: "POST", Path: "/users/" + string(ada) + "/grants", Body: `{"role":"viewer","expires_at":"2020-01-01T00:00:00Z"}`, Status: 422},
		)
		c, csrf := h.signIn(t, "ada@example.org")
		south := []string{identity.OrgHeader, string(h.south), "X-CSRF-Token", csrf}
		c.Run(
			webtest.Scenario{Name: "viewer at home", Method: "GET", Path: "/users", Status: 403},
			webtest.Scenario{Name: "admin there", Method: "GET", Path: "/users", Header: south, Status: 200, Lacks: []string{"owner@"}},
			webtest.Scenario{Name: "nobody at the root", Method: "GET", Path: "/me", Header: []string{identity.OrgHeader, string(h.first.Organisation)}, Status: 403, Code: "identity.organisation"},
			webtest.Scenario{Name: "nobody nowhere", Method: "GET", Path: "/me", Header: []string{identity.OrgHeader, "none"}, Status: 403, Code: "identity.organisation"},
			webtest.Scenario{Name: "switch the session", Method: "PATCH", Path: "/me", Header: south[2:], Body: `{"organisation":"` + string(h.south) + `","language":"fr"}`, Status: 204},
			webtest.Scenario{Name: "now admin without the header", Method: "GET", Path: "/me", Status: 200, Contains: []string{`"name":"South"`, `"user.write"`, `"language":"fr"`, `"role":"viewer"`}},
			webtest.Scenario{Name: "but not to the root", Method: "PATCH", Path: "/me", Header: south[2:], Body: `{"organisation":"` + string(h.first.Organisation) + `"}`, Status: 422, Contains: []string{"body.organisation"}},
		)
		list := h.owner.Must(200, "GET", "/users/"+string(ada)+"/grants", "")
		var grants struct {
			Items []struct{ ID, Organisation string }
		}
		list.JSON(t, &grants)
		for _, g := range grants.Items {
			if g.Organisation == string(h.south) {
				h.as(t, "admin", h.north).Must(404, "DELETE", "/users/"+string(ada)+"/grants/"+g.ID, "")
				h.owner.Must(204, "DELETE", "/users/"+string(ada)+"/grants/"+g.ID, "")
			}
		}
		if me := c.Must(200, "GET", "/me", ""); me.Field("permissions") != "[]" {
			t.Errorf("a role taken away still works: %s", me.Body)
		}
	})
}

func TestTheLastOwnerStays(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		var page struct{ Items []struct{ ID, Email string } }
		h.owner.Must(200, "GET", "/users?email="+h.first.Email, "").JSON(t, &page)
		path := "/users/" + page.Items[0].ID
		h.owner.Run(
			webtest.Scenario{Name: "not disabled", Method: "PATCH", Path: path, Body: `{"disabled":true}`, Status: 409, Code: "user.last_owner", Facts: []string{}},
			webtest.Scenario{Name: "not demoted", Method: "PATCH", Path: path, Body: `{"role":"viewer"}`, Status: 409, Code: "user.last_owner", Facts: []string{}},
		)
		h.user(t, "second@example.org", identity.Owner, h.first.Organisation)
		h.owner.Must(200, "PATCH", path, `{"role":"viewer"}`)
	})
}

// The matrix: every role meets every route. What a role may not do is 403
// before anything else is looked at; what it may do is never 401 or 403.
func TestEveryRoleMeetsEveryRoute(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		for _, r := range identity.BuiltinRoles() {
			client := h.as(t, r.ID, h.north)
			for _, op := range h.api.Routes() {
				if op.Room != "identity" || op.Path == "/sign-in" {
					continue
				}
				path := strings.NewReplacer("{id}", string(h.south), "{grant}", "x").Replace(op.Path)
				a := client.Do(op.Method, path, "", "Content-Type", "application/json")
				may := op.Permission == web.SignedIn || r.Permissions.Has(identity.Permission(op.Permission))
				denied := a.Field("code") == "identity.permission"
				if may == denied || a.Status == 401 || a.Status >= 500 {
					t.Errorf("%s on %s %s: may %v, got %d %s", r.ID, op.Method, op.Path, may, a.Status, a.Body)
				}
				if strings.Contains(op.Path, "{id}") && a.Status < 300 {
					t.Errorf("%s reached a foreign row: %s %s", r.ID, op.Method, op.Path)
				}
			}
		}
		for _, op := range h.api.Routes() {
			if !op.Public {
				h.anyone.Must(401, op.Method, op.Path, "")
			}
		}
	})
}
