package ocpp

// Version is the OCPP version of a connection, as people write it.
type Version string

// The versions that Forecourt speaks.
const (
	V16  Version = "1.6"
	V201 Version = "2.0.1"
	V21  Version = "2.1"
)

// Subprotocol gives the websocket subprotocol of v: "ocpp1.6".
func (v Version) Subprotocol() string { return "ocpp" + string(v) }
