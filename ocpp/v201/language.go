package v201

import "github.com/forecourt-ev/forecourt/ocpp"

// Language is the vocabulary of OCPP 2.0.1.
var Language = ocpp.Language{Version: ocpp.V201, Messages: Messages, ToStation: func(action string) bool {
	return Messages.Find(action) != nil && ocpp.ToStation(action)
}}
