package station

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// TestActionsOverREST: each action has a schema and an example that a command
// would take.
func TestActionsOverREST(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.d.Languages = []ocpp.Language{{Version: ocpp.V21, Messages: ocpp.Messages, ToStation: ocpp.ToStation}}
		h.viewer.For(t).Run(
			webtest.Scenario{Name: "list", Method: "GET", Path: "/ocpp/actions", Status: 200,
				Contains: []string{`{"action":"Reset","versions":["1.6","2.0.1","2.1"]}`, `{"action":"AFRRSignal","versions":["2.1"]}`, `{"version":"2.1","actions":["AFRRSignal"`}},
			webtest.Scenario{Name: "one", Method: "GET", Path: "/ocpp/actions/Reset", Status: 200,
				Contains: []string{`"required":["type"]`, `"enum":["Immediate","OnIdle","ImmediateAndResume"]`, `"example":{"type":"Immediate"}`}},
			webtest.Scenario{Name: "by its old name", Method: "GET", Path: "/ocpp/actions/RemoteStartTransaction", Status: 200, Contains: []string{`"action":"RequestStartTransaction"`}},
			webtest.Scenario{Name: "in a version", Method: "GET", Path: "/ocpp/actions/Reset?version=2.1", Status: 200, Contains: []string{`"versions":["2.1"]`}},
			webtest.Scenario{Name: "of stations", Method: "GET", Path: "/ocpp/actions/BootNotification", Status: 404},
			webtest.Scenario{Name: "of stations, raw", Method: "GET", Path: "/ocpp/actions/BootNotification?version=2.1", Status: 404},
			webtest.Scenario{Name: "no such version", Method: "GET", Path: "/ocpp/actions/Reset?version=3", Status: 422},
		)
		for _, action := range Actions() {
			var got struct {
				Example json.RawMessage `json:"example"`
				Schema  struct {
					Title string `json:"title"`
				} `json:"schema"`
			}
			h.viewer.For(t).Run(webtest.Scenario{Name: action, Method: http.MethodGet, Path: "/ocpp/actions/" + action, Status: 200,
				Check: func(_ testing.TB, a webtest.Answer) { a.JSON(t, &got) }})
			req, err := decodeRequest(action, got.Example)
			if err == nil {
				err = validate(action, req)
			}
			if err != nil || got.Schema.Title != action {
				t.Errorf("%s: %v\n%s", action, err, got.Example)
			}
		}
	})
}

func TestRawCommandsAreChecked(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.d.Languages = []ocpp.Language{{Version: ocpp.V21, Messages: ocpp.Messages, ToStation: ocpp.ToStation}}
		h.create(Draft{ID: "CS-1"})
		h.create(Draft{ID: "CS-2"})
		h.must(h.db.Update(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec("UPDATE charging_station SET protocol = $1 WHERE id = $2", "2.1", "CS-1")
			return err
		}))
		h.line.answers(says(ocpp.RawResponse(`{"status":"Accepted"}`)))
		const path = "/charging-stations/CS-1/commands"
		h.north.For(t).Run(
			webtest.Scenario{Name: "good", Method: "POST", Path: path, Body: `{"raw":true,"action":"Reset","payload":{"type":"Immediate"}}`, Status: 201, Contains: []string{`"accepted"`}},
			webtest.Scenario{Name: "not in the version", Method: "POST", Path: path, Body: `{"raw":true,"action":"ChangeConfiguration","payload":{}}`, Status: 422,
				Contains: []string{"OCPP 2.1 has no message ChangeConfiguration", "force"}, Facts: []string{}},
			webtest.Scenario{Name: "the wrong way", Method: "POST", Path: path, Body: `{"raw":true,"action":"Heartbeat","payload":{}}`, Status: 422, Facts: []string{}},
			webtest.Scenario{Name: "not by the schema", Method: "POST", Path: path, Body: `{"raw":true,"action":"Reset","payload":{"type":"Hard"}}`, Status: 422,
				Contains: []string{"body.payload.type", "force"}, Facts: []string{}},
			webtest.Scenario{Name: "forced", Method: "POST", Path: path, Body: `{"raw":true,"force":true,"action":"Reset","payload":{"type":"Hard"}}`, Status: 201, Contains: []string{`"accepted"`}},
			webtest.Scenario{Name: "to one that never connected", Method: "POST", Path: "/charging-stations/CS-2/commands", Body: `{"raw":true,"action":"Anything","payload":{}}`, Status: 201},
		)
	})
}
