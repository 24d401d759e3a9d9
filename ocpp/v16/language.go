package v16

import "github.com/forecourt-ev/forecourt/ocpp"

// Language is the vocabulary of OCPP 1.6 with its security extension.
var Language = ocpp.Language{Version: ocpp.V16, Messages: Messages, ToStation: toStation}

// toStation reports whether a central system sends the message.
func toStation(action string) bool {
	_, fromStation := served[action]
	return Messages.Find(action) != nil && (!fromStation || action == "DataTransfer")
}
