package ocpp

import (
	"context"
	"encoding/json"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Translator is the dialect of a 2.x version: its messages are the neutral
// ones, or copies of them with other limits.
type Translator struct {
	OCPP     Version
	Messages *Catalogue
	// Up gives the neutral form of a message, Down the version's form of a
	// neutral one, reporting what it has no place for; nil when the version
	// lacks the message. Both are nil when the version is the neutral one.
	Up   func(message any) any
	Down func(message any, c *Check) any
}

// Version gives the OCPP version.
func (t *Translator) Version() Version { return t.OCPP }

// Subprotocol gives the websocket subprotocol.
func (t *Translator) Subprotocol() string { return t.OCPP.Subprotocol() }

// Handle serves a message of a station and gives the payload of its answer;
// nil for a SEND. The error is a *CallError, spelled as the version does.
func (t *Translator) Handle(ctx context.Context, csms CSMS, p Peer, action string, payload json.RawMessage) (json.RawMessage, error) {
	out, err := t.handle(ctx, csms, p, action, payload)
	if err != nil {
		return nil, t.OCPP.AsCallError(err)
	}
	return out, nil
}

func (t *Translator) handle(ctx context.Context, csms CSMS, p Peer, action string, payload json.RawMessage) (json.RawMessage, error) {
	e := t.Messages.Find(action)
	if e == nil {
		return nil, &CallError{Code: CodeNotImplemented, Description: clip(action) + " is not a message of OCPP " + string(t.OCPP)}
	}
	req := e.NewRequest()
	problems, err := Read(e.Request, payload, req)
	Report(ctx, csms, p, action, problems)
	if err == nil {
		err = Require(problems, needed[action]...)
	}
	if err != nil {
		return nil, err
	}
	if t.Up != nil {
		req = t.Up(req).(Request)
	}
	resp, err := Dispatch(ctx, csms, p, req)
	if err != nil || resp == nil {
		return nil, err
	}
	if t.Down != nil {
		resp = t.Down(resp, new(Check)) // what an older station cannot be told is left out
	}
	return reply(resp)
}

// reply encodes our answer. A room that answers what the schema forbids is a
// bug of ours, which the station must see as such.
func reply(resp Response) (json.RawMessage, error) {
	b, err := Write(resp)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "ocpp.reply", "the answer is not valid")
	}
	return b, nil
}

// Encode gives a request as the version writes it. What the schema forbids is
// fault.Invalid, what the version lacks fault.Unsupported.
func (t *Translator) Encode(req Request) (action string, payload json.RawMessage, err error) {
	if raw, ok := req.(*RawRequest); ok {
		return EncodeRaw(raw)
	}
	action = req.Action()
	if FromStation(action) && action != "DataTransfer" {
		return "", nil, fault.New(fault.Invalid, "ocpp.direction", "%s is sent by stations, not to them", action)
	}
	if t.Down == nil {
		payload, err = Write(req)
		return action, payload, err
	}
	// Against the neutral schema first: it tells a wrong wish from an old version.
	if v, ok := req.(Validator); ok {
		if problems := v.Validate(); len(problems) > 0 {
			return "", nil, Invalid(fault.Invalid, "ocpp.invalid", problems)
		}
	}
	var c Check
	down, ok := t.Down(req, &c).(Validator)
	if !ok {
		return "", nil, Lacks(t.OCPP, action)
	}
	if problems := append(c.Problems(), down.Validate()...); len(problems) > 0 {
		return "", nil, Invalid(fault.Unsupported, "ocpp.version", problems)
	}
	payload, err = Write(down)
	return action, payload, err
}

// Decode reads a station's answer to a request that Encode wrote. An answer
// without the status that its schema asks for is fault.Unavailable.
func (t *Translator) Decode(req Request, payload json.RawMessage) (Response, error) {
	if _, ok := req.(*RawRequest); ok {
		return RawResponse(payload), nil
	}
	e := t.Messages.Find(req.Action())
	if e == nil || e.NewResponse == nil {
		return nil, fault.New(fault.Internal, "ocpp.reply", "%s has no answer in OCPP %s", req.Action(), t.OCPP)
	}
	resp := e.NewResponse()
	if err := ReadReply(req.Action(), e.Response, payload, resp); err != nil {
		return nil, err
	}
	if t.Up != nil {
		return t.Up(resp), nil
	}
	return resp, nil
}

// ReadReply reads an answer liberally; without its status it is of no use.
func ReadReply(action string, shape *Shape, payload json.RawMessage, into any) error {
	problems, err := Read(shape, payload, into)
	if err == nil {
		err = Require(problems, "status")
	}
	if err == nil {
		return nil
	}
	// Not wrapped: a *CallError would look as if the station had sent it.
	why := err.Error()
	if c, ok := err.(*CallError); ok {
		why = c.Description
	}
	return fault.New(fault.Unavailable, "ocpp.reply", "the station's answer to %s cannot be read: %s", action, why)
}

// EncodeRaw passes a raw request on, if it is a JSON object.
func EncodeRaw(raw *RawRequest) (string, json.RawMessage, error) {
	var object map[string]json.RawMessage
	switch err := json.Unmarshal(raw.Payload, &object); {
	case raw.Name == "":
		return "", nil, fault.New(fault.Invalid, "ocpp.raw", "a raw message needs the name of its action")
	case err != nil || object == nil:
		return "", nil, fault.New(fault.Invalid, "ocpp.raw", "the payload of a raw message must be a JSON object")
	}
	return raw.Name, raw.Payload, nil
}
