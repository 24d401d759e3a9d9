package ocpp

import (
	"context"
	"encoding/json"
)

// Commander is what the platform may ask of a station. The gateway's router
// implements it.
type Commander interface {
	// Send gives the request to the station, wherever it is connected, and
	// waits for its answer. A station that is offline or does not answer in
	// time is fault.Unavailable (the latter with code "ocpp.timeout"), a
	// message its version lacks fault.Unsupported, a CALLERROR *CallError.
	Send(ctx context.Context, station string, req Request) (Response, error)
}

// Request is a message that wants an answer. The generated …Request types and
// RawRequest are requests.
type Request interface {
	// Action gives the message's name on the wire, in OCPP 2.1 terms.
	Action() string
}

// Response is a pointer to a generated …Response, or a RawResponse.
type Response interface{}

// RawRequest goes to the station as it is, in the station's own version.
type RawRequest struct {
	Name    string
	Payload json.RawMessage
}

// Action gives the message's name in the station's own version.
func (r *RawRequest) Action() string { return r.Name }

// RawResponse is the station's answer to a RawRequest, as it came.
type RawResponse json.RawMessage

// MarshalJSON gives the answer as it came.
func (r RawResponse) MarshalJSON() ([]byte, error) { return json.RawMessage(r).MarshalJSON() }
