package v201

import "github.com/forecourt-ev/forecourt/ocpp"

// Dialect speaks OCPP 2.0.1. It satisfies gateway.Dialect.
type Dialect struct{ ocpp.Translator }

// New makes the dialect; it has no state.
func New() *Dialect {
	return &Dialect{ocpp.Translator{OCPP: ocpp.V201, Messages: Messages, Up: toNeutral, Down: fromNeutral}}
}
