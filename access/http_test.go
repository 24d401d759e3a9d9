package access

import (
	"strings"
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/identity"
)

func TestTokenRoutes(t *testing.T) {
	each(t, func(h *house) {
		api := web.New(web.Config{DB: h.d, Guard: h.id.Guard})
		h.s.Routes(api)
		anyone := webtest.New(h.t, api.Handler())
		as := func(role identity.RoleID, org string) *webtest.Client {
			_, key, err := h.id.CreateKey(h.ctx, identity.APIKey{Name: string(role), Role: role, Org: identity.OrgID(org)})
			if err != nil {
				h.t.Fatal(err)
			}
			return anyone.Bearer(key).Counting(webtest.Facts(h.t, h.d))
		}
		owner, sister := as(identity.Owner, h.a), as(identity.Owner, h.b)
		anyone.Run(webtest.Scenario{Name: "nobody reads tokens", Method: "GET", Path: "/id-tokens", Status: 401})
		owner.Run(
			webtest.Scenario{Name: "add", Method: "POST", Path: "/id-tokens", Body: `{"id_token":"04:AA","type":"iso14443","status":"active","max_sessions":2}`,
				Status: 201, Contains: []string{`"id_token":"04:AA"`, `"type":"ISO14443"`, `"max_sessions":2`}, Facts: []string{KindCreated}},
			webtest.Scenario{Name: "add it again", Method: "POST", Path: "/id-tokens", Body: `{"id_token":"04aa"}`, Status: 409, Code: "token.exists", Facts: []string{}},
			webtest.Scenario{Name: "an unknown field", Method: "POST", Path: "/id-tokens", Body: `{"id_token":"X","colour":"red"}`, Status: 422, Contains: []string{"colour"}},
			webtest.Scenario{Name: "an unknown type", Method: "POST", Path: "/id-tokens", Body: `{"id_token":"X","type":"Pigeon"}`, Status: 422, Code: "token.invalid"},
			webtest.Scenario{Name: "read", Method: "GET", Path: "/id-tokens/04AA", Status: 200, Contains: []string{`"status":"active"`}},
			webtest.Scenario{Name: "list", Method: "GET", Path: "/id-tokens?status=active&id_token[contains]=04", Status: 200, Contains: []string{`"items":[{`}},
			webtest.Scenario{Name: "list as CSV", Method: "GET", Path: "/id-tokens?format=csv", Status: 200, Contains: []string{"id_token,", "04:AA"}},
			webtest.Scenario{Name: "block", Method: "PATCH", Path: "/id-tokens/04aa", Body: `{"status":"blocked","max_sessions":null}`,
				Status: 200, Contains: []string{`"status":"blocked"`}, Lacks: []string{"max_sessions"}, Facts: []string{KindBlocked}},
			webtest.Scenario{Name: "expire", Method: "PATCH", Path: "/id-tokens/04aa", Body: `{"status":"expired"}`, Status: 200, Contains: []string{`"status":"expired"`}},
			webtest.Scenario{Name: "import", Method: "POST", Path: "/id-tokens/import", Header: []string{"Content-Type", "text/csv"},
				Body: "id_token,status\nNEW,active\n04AA,lost\nnew,active\n", Status: 200, Contains: []string{`"created":1`, `"changed":1`, `"unchanged":1`}},
			webtest.Scenario{Name: "import a bad file", Method: "POST", Path: "/id-tokens/import", Header: []string{"Content-Type", "text/csv"},
				Body: "id_token,status\nN2,active\nN3,asleep\n", Status: 422, Contains: []string{"row 3 column status"}, Facts: []string{}},
			webtest.Scenario{Name: "a template", Method: "GET", Path: "/id-tokens/import-template?format=csv", Status: 200, Contains: []string{"id_token,type,status"}},
			webtest.Scenario{Name: "policy", Method: "PUT", Path: "/access-policy", Body: `{"open_access":true}`, Status: 200, Contains: []string{`"open_access":true`}},
			webtest.Scenario{Name: "policy back", Method: "PUT", Path: "/access-policy", Body: `{"open_access":null}`, Status: 200, Contains: []string{`"open_access":false`}},
		)
		book := owner.Must(200, "GET", "/id-tokens?format=xlsx&id_token=NEW", "")
		if !strings.HasPrefix(book.Body, "PK") || !strings.Contains(book.Header.Get("Content-Disposition"), "id-tokens.xlsx") {
			h.t.Errorf("the list as XLSX: %v %.20q", book.Header, book.Body)
		}
		sister.Run(
			webtest.Scenario{Name: "a sister reads", Method: "GET", Path: "/id-tokens/04AA", Status: 404},
			webtest.Scenario{Name: "a sister changes", Method: "PATCH", Path: "/id-tokens/04AA", Body: `{"status":"active"}`, Status: 404, Facts: []string{}},
			webtest.Scenario{Name: "a sister deletes", Method: "DELETE", Path: "/id-tokens/04AA", Status: 404, Facts: []string{}},
			webtest.Scenario{Name: "a sister lists", Method: "GET", Path: "/id-tokens", Status: 200, Contains: []string{`"items":[]`}},
		)
		owner.Run(webtest.Scenario{Name: "delete", Method: "DELETE", Path: "/id-tokens/04AA", Status: 204, Facts: []string{KindDeleted}})
	})
}
