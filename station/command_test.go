package station

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/ocpp"
)

type reply = func(context.Context, string, ocpp.Request) (ocpp.Response, error)

func says(v ocpp.Response) reply {
	return func(context.Context, string, ocpp.Request) (ocpp.Response, error) { return v, nil }
}

func fails(err error) reply {
	return func(context.Context, string, ocpp.Request) (ocpp.Response, error) { return nil, err }
}

func TestCommandsOverREST(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.create(Draft{ID: "CS-1"})
		const path = "/charging-stations/CS-1/commands"
		reset := `{"action":"Reset","payload":{"type":"Immediate"},"reason":"display is frozen"}`
		play := func(r reply, s webtest.Scenario) {
			h.line.answers(r)
			h.north.For(t).Run(s)
		}
		play(nil, webtest.Scenario{Name: "offline", Method: "POST", Path: path, Body: reset, Status: 201,
			Contains: []string{`"status":"failed"`, `the station is not connected`, `"reason":"display is frozen"`}, Facts: []string{KindCommandFinished}})
		var id string
		play(says(&ocpp.ResetResponse{Status: "Accepted"}), webtest.Scenario{Name: "accepted", Method: "POST", Path: path, Body: reset, Status: 201,
			Contains: []string{`"status":"accepted"`, `"response":{"status":"Accepted"}`, `"sent_at"`, `"finished_at"`}, Facts: []string{KindCommandFinished},
			Check: func(_ testing.TB, a webtest.Answer) { id = a.Field("id") }})
		play(says(&ocpp.ResetResponse{Status: "Scheduled"}), webtest.Scenario{Name: "scheduled is a yes", Method: "POST", Path: path, Body: reset, Status: 201, Contains: []string{`"status":"accepted"`}})
		play(says(&ocpp.ResetResponse{Status: "Rejected"}), webtest.Scenario{Name: "rejected", Method: "POST", Path: path, Body: reset, Status: 201, Contains: []string{`"status":"rejected"`}})
		play(fails(&ocpp.CallError{Code: "NotSupported", Description: "no such thing"}), webtest.Scenario{Name: "error of the station", Method: "POST", Path: path, Body: reset, Status: 201,
			Contains: []string{`"status":"failed"`, "NotSupported: no such thing"}})
		play(fails(fault.New(fault.Unavailable, "ocpp.timeout", "late")), webtest.Scenario{Name: "no answer", Method: "POST", Path: path, Body: reset, Status: 201, Contains: []string{`"status":"timed_out"`}})
		play(fails(fault.New(fault.Unsupported, "v16.action", "OCPP 1.6 has no such message")), webtest.Scenario{Name: "not in its version", Method: "POST", Path: path, Body: reset, Status: 201,
			Contains: []string{`"status":"failed"`, "OCPP 1.6 has no such message"}})
		play(says(ocpp.RawResponse(`{"status":"UnknownMessageId"}`)), webtest.Scenario{Name: "raw", Method: "POST", Path: path, Body: `{"action":"ChangeConfiguration","raw":true,"payload":{"key":"a","value":"b"}}`, Status: 201,
			Contains: []string{`"status":"rejected"`, `"raw":true`, `"response":{"status":"UnknownMessageId"}`}})
		play(says(&ocpp.ResetResponse{Status: "Accepted"}), webtest.Scenario{Name: "unknown action", Method: "POST", Path: path, Body: `{"action":"Explode"}`, Status: 422,
			Contains: []string{"body.action", "RequestStartTransaction", "Reset"}, Facts: []string{}})
		h.north.For(t).Run(
			webtest.Scenario{Name: "a message of stations", Method: "POST", Path: path, Body: `{"action":"BootNotification"}`, Status: 422, Contains: []string{"body.action"}},
			webtest.Scenario{Name: "unknown field of the payload", Method: "POST", Path: path, Body: `{"action":"Reset","payload":{"type":"Immediate","colour":"red"}}`, Status: 422, Contains: []string{"colour"}},
			webtest.Scenario{Name: "value outside the schema", Method: "POST", Path: path, Body: `{"action":"Reset","payload":{"type":"Hard"}}`, Status: 422, Contains: []string{"body.payload.type", "Immediate"}, Facts: []string{}},
			webtest.Scenario{Name: "wrong type", Method: "POST", Path: path, Body: `{"action":"Reset","payload":{"type":7}}`, Status: 422, Contains: []string{"body.payload.type"}},
			webtest.Scenario{Name: "read one", Method: "GET", Path: "/commands/" + id, Status: 200, Contains: []string{`"action":"Reset"`}},
			webtest.Scenario{Name: "list of the station", Method: "GET", Path: path + "?status=rejected&action=Reset", Status: 200, Contains: []string{`"rejected"`}, Lacks: []string{"timed_out"}},
			webtest.Scenario{Name: "list of all", Method: "GET", Path: "/commands?limit=1", Status: 200, Contains: []string{`"next_cursor"`}},
		)
		h.south.For(t).Run(
			webtest.Scenario{Name: "foreign station", Method: "POST", Path: path, Body: reset, Status: 404, Code: "station.unknown", Facts: []string{}},
			webtest.Scenario{Name: "foreign command", Method: "GET", Path: "/commands/" + id, Status: 404},
			webtest.Scenario{Name: "foreign list", Method: "GET", Path: path, Status: 404},
			webtest.Scenario{Name: "others' commands", Method: "GET", Path: "/commands", Status: 200, Lacks: []string{"CS-1"}},
		)
		h.viewer.For(t).Run(
			webtest.Scenario{Name: "a viewer sends nothing", Method: "POST", Path: path, Body: reset, Status: 403, Facts: []string{}},
			webtest.Scenario{Name: "a viewer reads", Method: "GET", Path: "/commands/" + id, Status: 200},
		)
	})
}

func TestCommandWithoutWaiting(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.create(Draft{ID: "CS-1"})
		release := make(chan struct{})
		h.line.answers(func(context.Context, string, ocpp.Request) (ocpp.Response, error) {
			<-release
			return &ocpp.ClearCacheResponse{Status: "Accepted"}, nil
		})
		a := h.north.For(t).Must(202, "POST", "/charging-stations/CS-1/commands", `{"action":"ClearCache"}`, "Prefer", "respond-async")
		if a.Field("status") != "queued" || a.Header.Get("Location") != "/api/v1/commands/"+a.Field("id") {
			t.Fatalf("%s %s", a.Header.Get("Location"), a.Body)
		}
		close(release)
		wait(t, "the command to finish", func() bool {
			c, err := h.ReadCommand(h.ctx(), a.Field("id"))
			return err == nil && c.Status == Agreed && c.FinishedAt != nil
		})
	})
}

// A command in flight when its node stops is ended by a job, with the
// reason; one that is still allowed to run is left alone.
func TestCommandsOfAStoppedNodeEnd(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.create(Draft{ID: "CS-1"})
		var ids []string
		h.must(h.db.Update(t.Context(), func(tx *db.Tx) error {
			ids = ids[:0]
			for i, status := range []CommandStatus{Queued, Sent, Sent} {
				c := Command{ID: "c" + string(rune('0'+i)), Station: "CS-1", Org: string(h.northID), Action: "Reset", Payload: json.RawMessage("{}"), Status: status, CreatedAt: tx.Now, deadline: tx.Now.Add(time.Minute)}
				if i == 2 {
					c.deadline = tx.Now.Add(time.Hour)
				}
				ids = append(ids, c.ID)
				if err := insertCommand(tx, c); err != nil {
					return err
				}
			}
			return nil
		}))
		h.clock.Advance(3 * time.Minute)
		h.facts()
		h.must(h.abandonCommands(t.Context()))
		h.must(h.abandonCommands(t.Context()))
		h.wantFacts(KindCommandFinished, KindCommandFinished)
		for i, want := range []struct{ status, text string }{{"failed", "before the command was sent"}, {"failed", "whether the station acted is not known"}, {"sent", ""}} {
			c, err := h.ReadCommand(h.ctx(), ids[i])
			if err != nil || string(c.Status) != want.status || !strings.Contains(c.Error, want.text) {
				t.Errorf("%d: %s %q, %v", i, c.Status, c.Error, err)
			}
		}
	})
}

// Field note 18 in part: a remote start always has a remoteStartId, and a
// token made up for it fits 1.6 and is accepted at that station.
func TestRemoteStartIsCompleted(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.create(Draft{ID: "CS-1"})
		h.status(h.connect("CS-1"), 1, 1, "Available")
		h.line.answers(says(&ocpp.RequestStartTransactionResponse{Status: "Accepted"}))
		run := func(payload string) ocpp.RequestStartTransactionRequest {
			c, err := h.Command(h.ctx(), Ask{Station: "CS-1", Action: "RemoteStartTransaction", Payload: json.RawMessage(payload)}, true)
			h.must(err)
			if c.Action != "RequestStartTransaction" || c.Status != Agreed {
				t.Fatalf("%+v", c)
			}
			return decode[ocpp.RequestStartTransactionRequest](t, c.Payload)
		}
		first := run(`{"idToken":{"idToken":"04A1","type":"ISO14443"},"evseId":1}`)
		second := run(`{"evseId":1}`)
		if first.RemoteStartID <= 0 || second.RemoteStartID == first.RemoteStartID || first.IdToken.IdToken != "04A1" {
			t.Errorf("%+v %+v", first, second)
		}
		if kept := run(`{"remoteStartId":77,"idToken":{"idToken":"x","type":"Central"}}`); kept.RemoteStartID != 77 {
			t.Errorf("%+v", kept)
		}
		token := second.IdToken.IdToken
		if len(token) != 20 || second.IdToken.Type != "Central" {
			t.Errorf("made-up token %+v", second.IdToken)
		}
		accepted := func(station, token string) (ok bool) {
			h.must(h.db.View(t.Context(), func(tx *db.Tx) (err error) { ok, err = h.AdHoc(tx, station, token); return err }))
			return ok
		}
		if !accepted("cs-1", token) || accepted("CS-2", token) || accepted("CS-1", "04A1") {
			t.Error("the made-up token is good at its station only")
		}
		h.clock.Advance(adhocFor + time.Second)
		if accepted("CS-1", token) {
			t.Error("the made-up token does not expire")
		}
		h.line.answers(says(&ocpp.RequestStartTransactionResponse{Status: "Rejected"}))
		for range SuspectAfter {
			if _, err := h.Command(h.ctx(), Ask{Station: "CS-1", Action: "RequestStartTransaction", Payload: json.RawMessage(`{"evseId":1}`)}, true); err != nil {
				t.Fatal(err)
			}
		}
		if v := h.view("CS-1"); !v.Suspect || v.Status != Available {
			t.Errorf("three refused starts: %s suspect=%v", v.Status, v.Suspect)
		}
	})
}

// Activation asks a waiting station to boot; a boot after an accepted Reset
// proves that it happened.
func TestResetIsVerifiedByTheBoot(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.create(Draft{ID: "CS-1"})
		p := h.connect("CS-1")
		h.line.answers(says(&ocpp.ResetResponse{Status: "Accepted"}))
		c, err := h.Command(h.ctx(), Ask{Station: "CS-1", Action: "Reset", Payload: json.RawMessage(`{"type":"OnIdle"}`)}, true)
		h.must(err)
		h.clock.Advance(time.Minute)
		h.boot(p, "S1")
		if c, err = h.ReadCommand(h.ctx(), c.ID); err != nil || c.VerifiedAt == nil {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

func TestAccepted(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{
		`{"status":"Accepted"}`: true, `{"status":"Unlocked"}`: true, `{"status":"Unpublished"}`: true, `{"status":"NoFirmware"}`: false, `{"status":"RebootRequired"}`: true, `{"status":"Scheduled"}`: true,
		`{"status":"Rejected"}`: false, `{"status":"NotSupported"}`: false, `{"status":"UnlockFailed"}`: false, `{"status":"UnknownVendorId"}`: false,
		`{}`: true, `{"listVersion":3}`: true, ``: true, `[]`: true,
		`{"setVariableResult":[{"attributeStatus":"Accepted"},{"attributeStatus":"Rejected"}]}`: true,
		`{"setVariableResult":[{"attributeStatus":"UnknownVariable"}]}`:                         false,
		`{"getVariableResult":[{"attributeStatus":"Accepted","attributeValue":"1"}]}`:           true,
		`{"configurationKey":[],"unknownKey":["a"]}`:                                            true,
	} {
		if got := Accepted(json.RawMessage(answer)); got != want {
			t.Errorf("%s: %v", answer, got)
		}
	}
}

func TestParseAction(t *testing.T) {
	t.Parallel()
	for _, a := range Actions() {
		if got, err := ParseAction(a); err != nil || got != a {
			t.Errorf("%s: %s, %v", a, got, err)
		}
		if ocpp.NewRequest(a) == nil {
			t.Errorf("%s has no type", a)
		}
	}
	for from, to := range aliases {
		if got, err := ParseAction(from); err != nil || got != to {
			t.Errorf("%s: %s, %v", from, got, err)
		}
	}
	if _, err := ParseAction("Heartbeat"); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
}
