package ocpp

import "github.com/forecourt-ev/forecourt/foundation/unit"

// TransactionEvent is one step of a charging transaction, whatever version
// told it: a 2.x TransactionEvent, or a 1.6 StartTransaction (Started),
// StopTransaction (Ended) or MeterValues with a transactionId (Updated).
//
// From 2.x, Request is what the station sent and the other fields are empty.
//
// From 1.6:
//   - SeqNo is always 0 and says nothing, Offline is false though the event may
//     be a replay: order and duplicates are told by timestamps and content.
//   - Request.EVSE is set by Start and MeterValues (connector n is EVSE n,
//     connector 1) and nil for Stop.
//   - Request.TransactionInfo.TransactionID is the decimal text of the 1.6
//     transactionId; empty for Start, and for Stop when the station left it
//     out. Stop passes "0" and "-1" on as they came; MeterValues without a
//     positive id are not transaction events but CSMS.MeterValues.
//   - ChargingState is not set, RemoteStartID neither: 1.6 has neither.
//   - IdToken has type "" (1.6 does not tell what kind a tag is); nil when no
//     tag was given.
//   - MeterValue holds meterStart (context Transaction.Begin) or meterStop
//     (Transaction.End) as a first or last entry of its own, besides what the
//     station sampled. Readings carry the defaults of 1.6 written out, units
//     are those of 2.x with a multiplier of 3 for kilo; an entry may be empty.
type TransactionEvent struct {
	Request TransactionEventRequest
	// AssignID asks for a transaction id: the reply must carry a positive
	// int32 in decimal, also when the token is refused.
	AssignID bool
	// MeterStart and MeterStop are the registers of 1.6 Start and Stop.
	MeterStart, MeterStop *unit.Energy
	// Raw16 holds what 1.6 said in its own terms; nil for 2.x.
	Raw16 *Raw16
}

// Raw16 is a 1.6 transaction message in its own terms.
type Raw16 struct {
	Action        string // "StartTransaction", "StopTransaction", "MeterValues"
	ConnectorID   int    // of 1.6, whatever EVSE it belongs to; 0 for Stop
	TransactionID *int64 // nil when left out or unreadable, and for Start
	IdTag         string // as sent; may be longer than 20 characters
	Reason        string // Stop: as sent; "" means Local by the specification
	ReservationID *int   // Start only
	NoTimestamp   bool   // the station sent none; Request.Timestamp is the time of receipt
	Signed        []Signed16
}

// Signed16 is a 1.6 reading of format SignedData. Its text holds the reading
// and the signature in a format of its own (such as OCMF), so it is no number
// that a MeterValue could carry.
type Signed16 struct {
	Timestamp          DateTime
	Context, Measurand string
	Data               string // as sent
}

// TransactionReply answers a TransactionEvent.
type TransactionReply struct {
	Response TransactionEventResponse
	// TransactionID is the id given to a 1.6 StartTransaction (AssignID), a
	// positive int32 in decimal; ignored otherwise.
	TransactionID string
}

// StatusNotification is a connector's status. From 1.6 it carries what
// ConnectorStatus is too coarse for; the extra fields are empty for 2.x.
// 1.6 connector 0 (the station itself) is EVSE 0, connector 0.
type StatusNotification struct {
	StatusNotificationRequest
	// Status16 is the 1.6 status: Available, Preparing, Charging,
	// SuspendedEVSE, SuspendedEV, Finishing, Reserved, Unavailable, Faulted.
	Status16    string
	Connector16 int // the 1.6 connector, whatever EVSE it belongs to; 0 is the station
	// ErrorCode is the 1.6 error code as sent; "NoError" when there is none.
	ErrorCode                       string
	Info, VendorID, VendorErrorCode string
}
