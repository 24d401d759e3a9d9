package gateway

import (
	"slices"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// phase is how far a station is accepted on one connection.
type phase int32

const (
	accepted phase = iota // active, or answered Accepted
	pending               // inactive, or answered Pending
	rejected              // answered Rejected
)

func phaseOf(status ocpp.RegistrationStatusEnum) phase {
	switch status {
	case ocpp.RegistrationStatusEnumAccepted:
		return accepted
	case ocpp.RegistrationStatusEnumRejected:
		return rejected
	}
	return pending
}

const bootNotification = "BootNotification"

// kept are the messages that are taken in every phase. The specifications
// recommend SecurityError for them too, but a station has finite attempts to
// deliver them: refused, a session would be lost (field note 4).
var kept = []string{"TransactionEvent", "StartTransaction", "StopTransaction", "MeterValues", "SecurityEventNotification"}

// mayArrive reports whether a station in phase p may send the action.
// triggered lists what we asked it for ourselves.
func mayArrive(p phase, action string, triggered []string) bool {
	switch {
	case p == accepted, action == bootNotification, slices.Contains(kept, action):
		return true
	case p == pending:
		return slices.Contains(triggered, action)
	}
	return false
}

// tooEarly is the answer to a message that may not arrive yet.
// OCPP 2.0.1 B02.FR.09, B03.FR.07; OCPP-J 1.6 errata 2025-04 §3.10
func tooEarly(action string) error {
	return &ocpp.CallError{Code: ocpp.CodeSecurityError, Description: "the charging station is not accepted yet; " + action + " is not allowed"}
}

// asked are the commands that a pending 2.x station answers.
// OCPP 2.0.1 B02.FR.01
var asked = []string{"SetVariables", "GetVariables", "GetReport", "GetBaseReport", "TriggerMessage"}

// maySend refuses a command that the phase forbids. A pending 1.6 station may
// be asked anything but to start or stop (OCPP 1.6 §4.2); a rejected one only
// to boot again.
func maySend(v ocpp.Version, p phase, action string) error {
	ok := true
	switch {
	case p == accepted:
	case p == rejected:
		ok = action == "TriggerMessage"
	case v == ocpp.V16:
		ok = action != "RemoteStartTransaction" && action != "RemoteStopTransaction"
	default:
		ok = slices.Contains(asked, action)
	}
	if ok {
		return nil
	}
	state := "pending"
	if p == rejected {
		state = "rejected"
	}
	return fault.New(fault.Conflict, "gateway."+state, "the station is %s: activate it before sending %s", state, action)
}

// triggers lists the messages that a command makes a pending station send.
func triggers(req ocpp.Request) []string {
	switch r := req.(type) {
	case *ocpp.GetBaseReportRequest, *ocpp.GetReportRequest:
		return []string{"NotifyReport"}
	case *ocpp.TriggerMessageRequest:
		switch r.RequestedMessage {
		case ocpp.MessageTriggerEnumSignChargingStationCertificate, ocpp.MessageTriggerEnumSignV2GCertificate,
			ocpp.MessageTriggerEnumSignV2G20Certificate, ocpp.MessageTriggerEnumSignCombinedCertificate:
			return []string{"SignCertificate"}
		case ocpp.MessageTriggerEnumLogStatusNotification:
			return []string{"LogStatusNotification", "DiagnosticsStatusNotification"}
		}
		return []string{string(r.RequestedMessage)}
	}
	return nil
}
