package v21

import "github.com/forecourt-ev/forecourt/ocpp"

// Dialect speaks OCPP 2.1. It satisfies gateway.Dialect.
type Dialect struct{ ocpp.Translator }

// New makes the dialect; it has no state.
func New() *Dialect {
	return &Dialect{ocpp.Translator{OCPP: ocpp.V21, Messages: ocpp.Messages}}
}
