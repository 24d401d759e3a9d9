package ocpp

import (
	"context"
	"encoding/json"
)

// Dialect speaks one OCPP version. ocpp/v16, v201 and v21 have them.
type Dialect interface {
	Version() Version
	Subprotocol() string
	// Handle serves a message of a station and gives the payload of the reply;
	// nil for a SEND.
	Handle(ctx context.Context, csms CSMS, p Peer, action string, payload json.RawMessage) (json.RawMessage, error)
	// Encode gives a request in the version's words; fault.Unsupported when it
	// has none.
	Encode(req Request) (action string, payload json.RawMessage, err error)
	// Decode reads the station's answer to an encoded request.
	Decode(req Request, reply json.RawMessage) (Response, error)
}
