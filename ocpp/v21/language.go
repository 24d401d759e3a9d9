package v21

import "github.com/forecourt-ev/forecourt/ocpp"

// Language is the vocabulary of OCPP 2.1.
var Language = ocpp.Language{Version: ocpp.V21, Messages: ocpp.Messages, ToStation: ocpp.ToStation}
