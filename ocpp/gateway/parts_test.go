package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

// terse is tongue for a version like 1.6: one variable per message, and the
// report in the answer to the question for it.
type terse struct{ tongue }

func (d terse) Encode(req ocpp.Request) (string, json.RawMessage, error) {
	if r, ok := req.(*ocpp.SetVariablesRequest); ok && len(r.SetVariableData) != 1 {
		return "", nil, fault.New(fault.Unsupported, "ocpp.version", "one variable at a time")
	} else if ok && r.SetVariableData[0].Variable.Name == "Unknown" {
		return "", nil, fault.New(fault.Unsupported, "ocpp.version", "no such key")
	}
	return d.tongue.Encode(req)
}

func (d terse) Split(req ocpp.Request) []ocpp.Request {
	r, ok := req.(*ocpp.SetVariablesRequest)
	if !ok || len(r.SetVariableData) < 2 {
		return nil
	}
	var out []ocpp.Request
	for _, one := range r.SetVariableData {
		out = append(out, &ocpp.SetVariablesRequest{SetVariableData: []ocpp.SetVariableData{one}})
	}
	return out
}

func (d terse) Join(parts []ocpp.Response) ocpp.Response {
	out := &ocpp.SetVariablesResponse{}
	for _, p := range parts {
		out.SetVariableResult = append(out.SetVariableResult, p.(*ocpp.SetVariablesResponse).SetVariableResult...)
	}
	return out
}

func (d terse) Follow(req ocpp.Request, reply json.RawMessage) ([]ocpp.Request, error) {
	r, ok := req.(*ocpp.GetBaseReportRequest)
	if !ok || !strings.Contains(string(reply), "Accepted") {
		return nil, nil
	}
	return []ocpp.Request{&ocpp.NotifyReportRequest{RequestID: r.RequestID}}, nil
}

// reports is a recorder that keeps the reports it gets.
type reports struct {
	*recorder
	got chan *ocpp.NotifyReportRequest
	err error
}

func (r reports) Notification(_ context.Context, p ocpp.Peer, q ocpp.Request) error {
	r.note("%s %s %s", q.Action(), p.Org, p.Station)
	if r.err == nil {
		r.got <- q.(*ocpp.NotifyReportRequest)
	}
	return r.err
}

func setting(names ...string) *ocpp.SetVariablesRequest {
	r := &ocpp.SetVariablesRequest{}
	for _, name := range names {
		r.SetVariableData = append(r.SetVariableData, ocpp.SetVariableData{AttributeValue: "1",
			Component: ocpp.Component{Name: "C"}, Variable: ocpp.Variable{Name: name}})
	}
	return r
}

func settled(name, status string) string {
	return fmt.Sprintf(`{"setVariableResult":[{"attributeStatus":%q,"component":{"name":"C"},"variable":{"name":%q}}]}`, status, name)
}

func withTerse(d *Deps) { d.Dialects = []Dialect{v21, terse{v16}} }

type result struct {
	resp ocpp.Response
	err  error
}

// command sends to a station from this node, in the background.
func (n *testNode) command(station string, req ocpp.Request) <-chan result {
	done := make(chan result, 1)
	go func() {
		resp, err := n.Send(context.Background(), station, req)
		done <- result{resp, err}
	}()
	return done
}

// A request that the version carries in several messages is sent one by one
// where the station is connected, and answered as one.
func TestCommandInParts(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		url := startNATS(t)
		a, b := startNode(t, d, joinBus(t, url, "a"), withTerse), startNode(t, d, joinBus(t, url, "b"), withTerse)
		s := dial(t, a, "parts", "ocpp1.6")
		s.ask(`[2,"0","Heartbeat",{}]`, `[3,"0",`+heartbeatReply+`]`)
		for _, from := range []*testNode{a, b} {
			done := from.command("parts", setting("A", "B"))
			s.answer("SetVariables", settled("A", "Accepted"))
			s.answer("SetVariables", settled("B", "RebootRequired"))
			r := <-done
			if r.err != nil {
				t.Fatal(r.err)
			}
			got := r.resp.(*ocpp.SetVariablesResponse).SetVariableResult
			if len(got) != 2 || got[0].Variable.Name != "A" || got[1].AttributeStatus != ocpp.SetVariableStatusEnumRebootRequired {
				t.Errorf("got %+v", got)
			}

			// What the version cannot say at all is refused before anything is sent.
			if r := <-from.command("parts", setting("A", "Unknown")); !fault.Is(r.err, fault.Unsupported) {
				t.Errorf("got %v", r.err)
			}

			// The first part that fails ends the command, and its error says so.
			done = from.command("parts", setting("A", "B", "C"))
			s.answer("SetVariables", settled("A", "Accepted"))
			var frame []json.RawMessage
			_ = json.Unmarshal([]byte(s.read()), &frame)
			s.send(`[4,` + string(frame[1]) + `,"InternalError","no",{}]`)
			var e *ocpp.CallError
			if r := <-done; !errors.As(r.err, &e) || e.Code != ocpp.CodeInternalError || e.Description != "no; the station had answered 1 of 3 parts before" {
				t.Errorf("got %v", r.err)
			}
		}
		if n := a.messages(ocpp.V16, setting("A", "B", "C")); n != 3 {
			t.Errorf("three variables take %d messages", n)
		}
		if n := a.messages(ocpp.V21, setting("A", "B", "C")); n != 1 {
			t.Errorf("three variables take %d messages in 2.1", n)
		}
	})
}

// What a 1.6 station puts into its answer reaches the platform as the
// messages of 2.x, before the command is done.
func TestReportInTheAnswerIsANotification(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		csms := reports{recorder: newRecorder(), got: make(chan *ocpp.NotifyReportRequest, 1)}
		n := start(t, d, withTerse, func(d *Deps) { d.CSMS = csms })
		s := dial(t, n, "report", "ocpp1.6")
		s.ask(`[2,"0","Heartbeat",{}]`, `[3,"0",`+heartbeatReply+`]`)
		begin := time.Now()
		done := n.command("report", &ocpp.GetBaseReportRequest{RequestID: 7, ReportBase: ocpp.ReportBaseEnumFullInventory})
		s.answer("GetBaseReport", `{"status":"Accepted"}`)
		if r := <-done; r.err != nil {
			t.Fatal(r.err)
		}
		select {
		case got := <-csms.got:
			if got.RequestID != 7 || got.GeneratedAt.Before(begin) || got.GeneratedAt.After(time.Now()) {
				t.Errorf("got %+v", got)
			}
		default:
			t.Error("the command was done before the report was stored")
		}
		done = n.command("report", &ocpp.GetBaseReportRequest{RequestID: 8})
		s.answer("GetBaseReport", `{"status":"Rejected"}`)
		if r := <-done; r.err != nil || len(csms.got) > 0 {
			t.Errorf("a refused report gave %v and %d reports", r.err, len(csms.got))
		}
	})
}

// A report that could not be stored fails the command that asked for it, so
// that it is asked for again.
func TestReportThatIsNotStored(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		csms := reports{recorder: newRecorder(), err: fault.New(fault.Unavailable, "db.busy", "the database is busy")}
		n := start(t, d, withTerse, func(d *Deps) { d.CSMS = csms })
		s := dial(t, n, "busy", "ocpp1.6")
		s.ask(`[2,"0","Heartbeat",{}]`, `[3,"0",`+heartbeatReply+`]`)
		done := n.command("busy", &ocpp.GetBaseReportRequest{RequestID: 7})
		s.answer("GetBaseReport", `{"status":"Accepted"}`)
		if r := <-done; fault.Of(r.err) == nil || fault.Of(r.err).Code != "db.busy" {
			t.Errorf("got %v", r.err)
		}
	})
}
