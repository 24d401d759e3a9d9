package ocpptest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Sends makes many instances of every command of the platform and of every
// message of a station, and holds what the dialect writes of them against the
// official schemas: requests, and answers to whatever the rooms may answer.
// A command that the version has must get through, one that it lacks must
// say which version has it.
type Sends struct {
	Dialect   Dialect
	Catalogue *ocpp.Catalogue
	Suffix    string   // how a request's schema is named
	Dirs      []string // of the official schemas
	Instances int      // of each message; default 150
	Unasked   []string // commands of the version that no neutral request becomes
}

// Run runs it.
func (s Sends) Run(t *testing.T) {
	if s.Instances == 0 {
		s.Instances = 150
	}
	o := official{dirs: s.Dirs, shared: filepath.Join(Shared(t), "ocpp"), suffix: s.Suffix}
	sent := map[string]int{} // by the version's own action
	for _, action := range ocpp.Commands() {
		t.Run("ask/"+action, func(t *testing.T) { s.ask(t, o, action, sent) })
	}
	for _, action := range s.Catalogue.Actions() {
		if s.asksOnly(action) {
			if sent[action] == 0 && !slices.Contains(s.Unasked, action) {
				t.Errorf("no neutral request became %s", action)
			}
			continue
		}
		t.Run("answer/"+action, func(t *testing.T) { s.answer(t, o, action) })
	}
}

// asksOnly reports whether stations do not send the action: the dialect
// refuses it with NotSupported, whatever it holds.
func (s Sends) asksOnly(action string) bool {
	_, err := s.Dialect.Handle(context.Background(), &Recorder{}, ocpp.Peer{Version: s.Dialect.Version()}, action, json.RawMessage("{}"))
	var c *ocpp.CallError
	return errors.As(err, &c) && c.Code == s.Dialect.Version().Spell(ocpp.CodeNotSupported)
}

// splitter is what gateway asks of a dialect that cuts requests.
type splitter interface {
	Split(req ocpp.Request) []ocpp.Request
}

// ask encodes instances of a neutral command.
func (s Sends) ask(t *testing.T, o official, action string, sent map[string]int) {
	e := ocpp.Messages.Find(action)
	speaks := slices.Contains(ocpp.Speakers(action), s.Dialect.Version())
	schemas := map[string]*jsonschema.Schema{}
	through := 0
	for i := range s.Instances {
		in := Instance(e.Request, i)
		req := e.NewRequest()
		if err := json.Unmarshal(in, req); err != nil {
			t.Fatalf("%s: %v", in, err)
		}
		parts := []ocpp.Request{req}
		if c, ok := s.Dialect.(splitter); ok {
			if cut := c.Split(req); len(cut) > 0 {
				parts = cut
			}
		}
		for _, part := range parts {
			name, payload, err := s.Dialect.Encode(part)
			if err != nil {
				refusal(t, err, in, action, speaks)
				continue
			}
			through++
			sent[name]++
			if schemas[name] == nil {
				schemas[name] = o.schema(t, name, false)
			}
			validate(t, schemas[name], payload, name, in)
		}
	}
	if speaks && through == 0 {
		t.Errorf("OCPP %s has %s, but none of %d instances could be said", s.Dialect.Version(), action, s.Instances)
	}
	if !speaks && through > 0 {
		t.Errorf("OCPP %s lacks %s, but it was sent", s.Dialect.Version(), action)
	}
}

// refusal checks that a command that is not sent is refused for a reason.
func refusal(t *testing.T, err error, in json.RawMessage, action string, speaks bool) {
	t.Helper()
	switch fault.KindOf(err) {
	case fault.Unsupported:
		if !speaks && !strings.Contains(err.Error(), string(ocpp.V21)) {
			t.Errorf("%s is lacking, and the error does not say who has it: %v", action, err)
		}
	case fault.Invalid, fault.Unavailable:
	default:
		t.Errorf("%s: %v\n%s", action, err, in)
	}
}

func validate(t *testing.T, schema *jsonschema.Schema, payload json.RawMessage, name string, in json.RawMessage) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
	if err == nil {
		err = schema.Validate(v)
	}
	if err != nil {
		t.Fatalf("%s: the official schema refuses what we send: %v\n%s\nmade of %s", name, err, payload, in)
	}
}

// answer has the dialect serve instances of a station's message while the
// rooms answer anything that the neutral schema allows.
func (s Sends) answer(t *testing.T, o official, action string) {
	e := s.Catalogue.Find(action)
	var schema *jsonschema.Schema
	if e.NewResponse != nil {
		schema = o.schema(t, action, true)
	}
	accepted := 0
	for i := range s.Instances {
		in := Instance(e.Request, i)
		r := &Recorder{Answers: answers(i)}
		ctx := ocpp.WithReceived(context.Background(), Received)
		out, err := s.Dialect.Handle(ctx, r, ocpp.Peer{Station: "CS-1", Version: s.Dialect.Version()}, action, in)
		var c *ocpp.CallError
		switch {
		case err != nil && (!errors.As(err, &c) || c.Code == s.Dialect.Version().Spell(ocpp.CodeInternalError)):
			t.Fatalf("%s: %v\n%s", action, err, in)
		case err != nil:
			continue
		case schema == nil && out != nil:
			t.Fatalf("%s has no answer, but got %s", action, out)
		}
		accepted++
		if schema != nil {
			validate(t, schema, out, action+"Response", in)
		}
	}
	if accepted == 0 {
		t.Errorf("none of %d instances of %s was served", s.Instances, action)
	}
}

// answered are the messages to which a room's answer is passed on.
var answered = []string{"BootNotification", "Heartbeat", "StatusNotification", "NotifyEvent", "Authorize", "MeterValues",
	"SecurityEventNotification", "DataTransfer"}

// answers are what the rooms say: the usual first, then anything.
func answers(i int) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	if i == 0 {
		return out
	}
	for _, action := range answered {
		out[action] = Instance(ocpp.Messages.Find(action).Response, i)
	}
	reply, _ := json.Marshal(map[string]any{
		"Response": json.RawMessage(Instance(ocpp.Messages.Find("TransactionEvent").Response, i)), "TransactionID": "1001",
	})
	out["TransactionEvent"] = reply
	return out
}

// Instance makes the i-th message that a shape allows: always the same one.
// The first has the required fields only; later ones have some, many or all.
func Instance(s *ocpp.Shape, i int) json.RawMessage {
	density := []int{0, 10, 1, 5, 3, 8}[i%6]
	return rapid.Custom(func(t *rapid.T) json.RawMessage { return draw(t, s, density) }).Example(i)
}
