package identity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

func TestOrganisationsOverREST(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		admin := h.as(t, "admin", h.north)
		below := ""
		admin.Run(
			webtest.Scenario{Name: "create takes what is missing from the parent", Method: "POST", Path: "/organisations",
				Body: `{"name":"North Partner","currency":"SEK","time_zone":"Europe/Stockholm"}`, Status: 201,
				Contains: []string{`"currency":"SEK"`, `"country":"DE"`, `"parent":"` + string(h.north) + `"`}, Facts: []string{"organisation.created"},
				Check: func(_ testing.TB, a webtest.Answer) { below = a.Field("id") }},
			webtest.Scenario{Name: "list shows own and below", Method: "GET", Path: "/organisations", Status: 200,
				Contains: []string{`"North"`, `"North Partner"`}, Lacks: []string{"South", "Forecourt"}},
			webtest.Scenario{Name: "filter and sort", Method: "GET", Path: "/organisations?name[contains]=partner&sort=-created_at", Status: 200,
				Contains: []string{"North Partner"}, Lacks: []string{`"North"`}},
			webtest.Scenario{Name: "unknown filter", Method: "GET", Path: "/organisations?colour=red", Status: 422, Contains: []string{"colour is not a parameter; allowed: "}},
			webtest.Scenario{Name: "as CSV", Method: "GET", Path: "/organisations?format=csv&limit=1", Status: 200,
				Contains: []string{"id,name,parent,country,currency,time_zone,language,created_at\r\n", "North Partner"}},
			webtest.Scenario{Name: "every wrong field is named", Method: "POST", Path: "/organisations",
				Body: `{"name":" x","country":"Germany","currency":"€","time_zone":"Mars/Base","language":"deutsch"}`, Status: 422,
				Contains: []string{"body.name", "body.country", "body.currency", "body.time_zone", "body.language"}, Facts: []string{}},
			webtest.Scenario{Name: "unknown field", Method: "POST", Path: "/organisations", Body: `{"name":"X","colour":"red"}`, Status: 422, Contains: []string{`\"colour\" is not a field; allowed: `}},
			webtest.Scenario{Name: "foreign parent", Method: "POST", Path: "/organisations", Body: `{"name":"X","parent":"` + string(h.south) + `"}`, Status: 422, Contains: []string{"body.parent"}, Facts: []string{}},
			webtest.Scenario{Name: "parent above", Method: "POST", Path: "/organisations", Body: `{"name":"X","parent":"` + string(h.first.Organisation) + `"}`, Status: 422, Contains: []string{"body.parent"}},
			webtest.Scenario{Name: "foreign row", Method: "GET", Path: "/organisations/" + string(h.south), Status: 404, Code: "organisation.unknown"},
			webtest.Scenario{Name: "foreign change", Method: "PATCH", Path: "/organisations/" + string(h.south), Body: `{"name":"Mine"}`, Status: 404, Facts: []string{}},
			webtest.Scenario{Name: "change", Method: "PATCH", Path: "/organisations/" + string(h.north), Body: `{"language":"sv"}`, Status: 200, Contains: []string{`"language":"sv"`}, Facts: []string{"organisation.changed"}},
			webtest.Scenario{Name: "change to the same is no change", Method: "PATCH", Path: "/organisations/" + string(h.north), Body: `{"language":"sv"}`, Status: 200, Facts: []string{}},
			webtest.Scenario{Name: "name cannot be emptied", Method: "PATCH", Path: "/organisations/" + string(h.north), Body: `{"name":""}`, Status: 422, Contains: []string{"body.name"}},
		)
		if a := admin.Do("GET", "/organisations/"+below, "", identity.OrgHeader, below); a.Status != 200 {
			t.Errorf("acting in an organisation below: %d %s", a.Status, a.Body)
		}
	})
}

func TestUsersOverREST(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		boss := h.user(t, "boss@example.org", identity.Owner, h.first.Organisation)
		peer := h.user(t, "peer@example.org", "admin", h.north)
		foreign := h.user(t, "foreign@example.org", "viewer", h.south)
		admin := h.as(t, "admin", h.north)
		var user, made string
		admin.Run(
			webtest.Scenario{Name: "create with a made password", Method: "POST", Path: "/users", Body: `{"email":"Ada@Example.org","name":"Ada","role":"operator"}`, Status: 201,
				Contains: []string{`"role":"operator"`, `"organisation":"` + string(h.north) + `"`, `"password":"`}, Facts: []string{"user.created"},
				Check: func(_ testing.TB, a webtest.Answer) { user, made = a.Field("id"), a.Field("password") }},
			webtest.Scenario{Name: "address is taken in any case", Method: "POST", Path: "/users", Body: `{"email":"ada@example.ORG","name":"Ada","role":"viewer"}`, Status: 409, Code: "user.email_taken", Facts: []string{}},
			webtest.Scenario{Name: "short password", Method: "POST", Path: "/users", Body: `{"email":"b@example.org","name":"B","role":"viewer","password":"short"}`, Status: 422, Contains: []string{"body.password"}, Lacks: []string{"short\""}},
			webtest.Scenario{Name: "bad address and name", Method: "POST", Path: "/users", Body: `{"email":"nobody","name":"","role":"viewer"}`, Status: 422, Contains: []string{"body.email", "body.name"}},
			webtest.Scenario{Name: "unknown role", Method: "POST", Path: "/users", Body: `{"email":"b@example.org","name":"B","role":"king"}`, Status: 422, Contains: []string{"body.role"}},
			webtest.Scenario{Name: "more than one has", Method: "POST", Path: "/users", Body: `{"email":"b@example.org","name":"B","role":"owner"}`, Status: 403, Code: "grant.exceeds", Facts: []string{}},
			webtest.Scenario{Name: "in a foreign organisation", Method: "POST", Path: "/users", Body: `{"email":"b@example.org","name":"B","role":"viewer","organisation":"` + string(h.south) + `"}`, Status: 422, Contains: []string{"body.organisation"}},
			webtest.Scenario{Name: "list", Method: "GET", Path: "/users", Status: 200, Contains: []string{"Ada@Example.org", "peer@"}, Lacks: []string{"boss@", "foreign@", "argon2", "hash"}},
			webtest.Scenario{Name: "foreign user", Method: "GET", Path: "/users/" + string(foreign), Status: 404},
			webtest.Scenario{Name: "foreign user cannot be disabled", Method: "PATCH", Path: "/users/" + string(foreign), Body: `{"disabled":true}`, Status: 404, Facts: []string{}},
			webtest.Scenario{Name: "user above cannot be seen", Method: "PATCH", Path: "/users/" + string(boss), Body: `{"disabled":true}`, Status: 404},
			webtest.Scenario{Name: "peer can be changed", Method: "PATCH", Path: "/users/" + string(peer), Body: `{"name":"Peer","language":"fr"}`, Status: 200, Contains: []string{`"language":"fr"`}, Facts: []string{"user.changed"}},
			webtest.Scenario{Name: "null clears", Method: "PATCH", Path: "/users/" + string(peer), Body: `{"language":null}`, Status: 200, Lacks: []string{`"language"`}, Facts: []string{"user.changed"}},
		)
		admin.Run(
			webtest.Scenario{Name: "demote", Method: "PATCH", Path: "/users/" + user, Body: `{"role":"viewer"}`, Status: 200, Contains: []string{`"role":"viewer"`}, Facts: []string{"user.changed"}},
			webtest.Scenario{Name: "disable", Method: "PATCH", Path: "/users/" + user, Body: `{"disabled":true}`, Status: 200, Contains: []string{`"disabled":true`}},
		)
		h.anyone.Must(401, "POST", "/sign-in", `{"email":"ada@example.org","password":"`+made+`"}`)
	})
}

func TestNobodyReachesUp(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		owner := h.user(t, "owner2@example.org", identity.Owner, h.north) // an owner below the root
		custom := h.owner.Must(201, "POST", "/roles", `{"name":"Receptionist","permissions":["user.read","user.write","role.read","role.write","apikey.write"],"organisation":"`+string(h.north)+`"}`).Field("id")
		desk := h.as(t, identity.RoleID(custom), h.north)
		desk.Run(
			webtest.Scenario{Name: "reset an owner's password", Method: "PATCH", Path: "/users/" + string(owner), Body: `{"password":"a new long password"}`, Status: 403, Code: "user.out_of_reach", Facts: []string{}},
			webtest.Scenario{Name: "give a role one lacks", Method: "POST", Path: "/users/" + string(owner) + "/grants", Body: `{"role":"viewer"}`, Status: 403, Code: "grant.exceeds"},
			webtest.Scenario{Name: "a key with more", Method: "POST", Path: "/api-keys", Body: `{"name":"k","role":"admin"}`, Status: 403, Code: "grant.exceeds"},
			webtest.Scenario{Name: "a role with more", Method: "POST", Path: "/roles", Body: `{"name":"King","permissions":["tariff.write"]}`, Status: 403, Code: "grant.exceeds"},
			webtest.Scenario{Name: "raise the own role", Method: "PATCH", Path: "/roles/" + custom, Body: `{"permissions":["user.read","user.write","tariff.write"]}`, Status: 403, Code: "grant.exceeds"},
			webtest.Scenario{Name: "unknown permission", Method: "POST", Path: "/roles", Body: `{"name":"X","permissions":["world.rule"]}`, Status: 422, Contains: []string{"body.permissions[0]", "station.read"}},
			webtest.Scenario{Name: "change a built-in role", Method: "PATCH", Path: "/roles/owner", Body: `{"name":"x"}`, Status: 409, Code: "role.builtin"},
			webtest.Scenario{Name: "take a built-in role's name", Method: "POST", Path: "/roles", Body: `{"name":"ADMIN","permissions":["user.read"]}`, Status: 422, Contains: []string{"body.name"}},
			webtest.Scenario{Name: "hand on what one has", Method: "POST", Path: "/api-keys", Body: `{"name":"k","role":"receptionist"}`, Status: 201, Contains: []string{`"key":"fk_`}, Facts: []string{"apikey.created"}},
		)
		h.owner.Run(
			webtest.Scenario{Name: "a role in use stays", Method: "DELETE", Path: "/roles/" + custom, Status: 409, Code: "role.in_use"},
			webtest.Scenario{Name: "the same name twice", Method: "POST", Path: "/roles", Body: `{"name":"receptionist","permissions":[],"organisation":"` + string(h.north) + `"}`, Status: 409},
			webtest.Scenario{Name: "the same name elsewhere", Method: "POST", Path: "/roles", Body: `{"name":"receptionist","permissions":[]}`, Status: 201, Facts: []string{"role.created"}},
		)
		south := h.as(t, "admin", h.south)
		if a := south.Do("GET", "/roles/"+custom, ""); a.Status != 404 {
			t.Errorf("a foreign role is visible: %d %s", a.Status, a.Body)
		}
		if a := south.Do("POST", "/api-keys", `{"name":"k","role":"`+custom+`"}`); a.Status != 422 {
			t.Errorf("a foreign role is usable: %d %s", a.Status, a.Body)
		}
		if a := south.Must(200, "GET", "/roles?limit=100", ""); strings.Count(a.Body, `"builtin":true`) < 12 {
			t.Errorf("fewer than 12 built-in roles: %s", a.Body)
		}
	})
}

func TestKeysOverREST(t *testing.T) {
	t.Parallel()
	schematest.EachAt(t, start, func(t *testing.T, d *db.DB, clock *schematest.Clock) {
		h := open(t, d)
		admin := h.as(t, "admin", h.north)
		a := admin.Must(201, "POST", "/api-keys", `{"name":"till","role":"viewer","expires_at":"2026-03-02T00:00:00Z"}`)
		key, id := a.Field("key"), a.Field("id")
		if !strings.HasPrefix(key, "fk_") || len(key) < 3+32 {
			t.Errorf("key %q has fewer than 128 bits", key)
		}
		till := h.anyone.Bearer(key)
		till.Must(200, "GET", "/me", "")
		list := admin.Must(200, "GET", "/api-keys?name=till", "")
		if strings.Contains(list.Body, key) || !strings.Contains(list.Body, `"last_used_at":"2026-03-01T12:00:00Z"`) {
			t.Errorf("list of keys: %s", list.Body)
		}
		h.as(t, "admin", h.south).Must(404, "DELETE", "/api-keys/"+id, "")
		admin.Must(422, "POST", "/api-keys", `{"name":"old","role":"viewer","expires_at":"2026-02-01T00:00:00Z"}`)

		clock.Advance(12 * time.Hour)
		till.Must(401, "GET", "/me", "") // expired, though cached a moment ago

		other := h.key(t, "viewer", h.north)
		h.anyone.Bearer(other).Must(200, "GET", "/me", "")
		found := admin.Must(200, "GET", "/api-keys?name[contains]=viewer", "")
		var page struct{ Items []struct{ ID string } }
		found.JSON(t, &page)
		admin.Run(webtest.Scenario{Name: "revoke", Method: "DELETE", Path: "/api-keys/" + page.Items[0].ID, Status: 204, Facts: []string{"apikey.revoked"}})
		h.anyone.Bearer(other).Must(401, "GET", "/me", "") // at once
		admin.Must(404, "DELETE", "/api-keys/"+page.Items[0].ID, "")
	})
}

func TestAuditTellsWhoDidWhat(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		admin := h.as(t, "admin", h.north)
		admin.Must(200, "PATCH", "/organisations/"+string(h.north), `{"name":"Northern"}`, "X-Request-Id", "request-0001")
		auditor := h.as(t, "auditor", h.north)
		auditor.Run(
			webtest.Scenario{Name: "own organisation", Method: "GET", Path: "/audit?action=organisation.changed", Status: 200,
				Contains: []string{`"changes":{"name":["North","Northern"]}`, `"request":"request-0001"`, `"actor":"key:`, `"address":"127.0.0.1"`}},
			webtest.Scenario{Name: "nothing of others", Method: "GET", Path: "/audit?limit=1000", Status: 200, Lacks: []string{string(h.south), `"North"],`}},
			webtest.Scenario{Name: "no secrets", Method: "GET", Path: "/audit?limit=1000", Status: 200, Lacks: []string{"fk_", "argon2"}},
		)
	})
}
