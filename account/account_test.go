package account_test

import (
	"context"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/account"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

func TestDrivers(t *testing.T) {
	schematest.EachAt(t, time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC), func(t *testing.T, d *db.DB, _ *schematest.Clock) {
		people, drivers := identity.New(identity.Deps{DB: d}), account.New(account.Deps{DB: d})
		first, _, err := people.Bootstrap(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		ctx := identity.System(context.Background(), first.Organisation)
		api := web.New(web.Config{DB: d, Guard: people.Guard})
		drivers.Routes(api)
		client := func(org identity.OrgID) *webtest.Client {
			_, key, err := people.CreateKey(ctx, identity.APIKey{Name: "test", Role: identity.Owner, Org: org})
			if err != nil {
				t.Fatal(err)
			}
			return webtest.New(t, api.Handler()).Bearer(key).Counting(webtest.Facts(t, d))
		}
		sister, err := people.CreateOrganisation(ctx, identity.Organisation{Name: "Sister", Parent: first.Organisation})
		if err != nil {
			t.Fatal(err)
		}
		owner := client(first.Organisation)
		owner.Run(
			webtest.Scenario{Name: "add", Method: "POST", Path: "/drivers", Body: `{"name":" Ada ","email":"Ada@example.org","language":"fr"}`,
				Status: 201, Contains: []string{`"name":"Ada"`, `"email":"Ada@example.org"`}, Facts: []string{account.KindCreated}},
			webtest.Scenario{Name: "the address again", Method: "POST", Path: "/drivers", Body: `{"name":"Eve","email":"ada@EXAMPLE.org"}`, Status: 409, Code: "driver.exists"},
			webtest.Scenario{Name: "nonsense", Method: "POST", Path: "/drivers", Body: `{"name":" ","email":"nowhere","language":"klingon!"}`, Status: 422,
				Contains: []string{"body.name", "body.email", "body.language"}, Facts: []string{}},
			webtest.Scenario{Name: "pool cars have no address", Method: "POST", Path: "/drivers", Body: `{"name":"Pool car 7"}`, Status: 201},
			webtest.Scenario{Name: "nor has the next", Method: "POST", Path: "/drivers", Body: `{"name":"Pool car 8"}`, Status: 201},
			webtest.Scenario{Name: "list", Method: "GET", Path: "/drivers?name[contains]=Pool&sort=-name", Status: 200, Contains: []string{"Pool car 8", "Pool car 7"}, Lacks: []string{"Ada"}},
		)
		all, _, err := drivers.List(ctx, db.ListRequest{})
		if err != nil || len(all) != 3 {
			t.Fatalf("%d drivers, %v", len(all), err)
		}
		path := "/drivers/" + string(all[0].ID)
		if err := d.View(ctx, func(tx *db.Tx) error {
			for org, want := range map[identity.OrgID]bool{first.Organisation: true, sister.ID: false} {
				if known, err := drivers.Knows(tx, string(org), string(all[0].ID)); err != nil || known != want {
					t.Errorf("known to %s: %v, %v", org, known, err)
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		client(sister.ID).Run(
			webtest.Scenario{Name: "a sister reads", Method: "GET", Path: path, Status: 404},
			webtest.Scenario{Name: "a sister changes", Method: "PATCH", Path: path, Body: `{"name":"X"}`, Status: 404, Facts: []string{}},
			webtest.Scenario{Name: "a sister deletes", Method: "DELETE", Path: path, Status: 404, Facts: []string{}},
		)
		owner.Run(
			webtest.Scenario{Name: "change", Method: "PATCH", Path: path, Body: `{"name":"Ada L.","email":null}`, Status: 200,
				Contains: []string{`"name":"Ada L."`}, Lacks: []string{"email"}, Facts: []string{account.KindChanged}},
			webtest.Scenario{Name: "read", Method: "GET", Path: path, Status: 200, Contains: []string{`"language":"fr"`}},
			webtest.Scenario{Name: "delete", Method: "DELETE", Path: path, Status: 204, Facts: []string{account.KindDeleted}},
			webtest.Scenario{Name: "gone", Method: "GET", Path: path, Status: 404, Code: "driver.unknown"},
		)
	})
}
