package rpc

import (
	"strings"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// Reason says in what way a frame is bad.
type Reason uint8

const (
	_                Reason = iota
	Empty                   // no text at all
	NotJSON                 // broken before the message id could be read, or after the payload
	NotArray                // JSON, but not an array
	TypeUnreadable          // the first element is no whole number
	TypeUnknown             // a number this version does not have
	IDUnreadable            // the second element is missing, or neither text nor number
	IDTooLong               // more than 255 characters
	ActionUnreadable        // a CALL or SEND without an action
	PayloadBroken           // type and id were read, then the JSON is broken or cut off
	PayloadNotObject        // the payload is a text, a number, a list with something in it
	TooDeep                 // nested deeper than anything in OCPP
	CodeUnreadable          // a CALLERROR without a code
)

var reasonNames = [...]string{
	"", "empty", "not_json", "not_array", "type_unreadable", "type_unknown", "id_unreadable", "id_too_long",
	"action_unreadable", "payload_broken", "payload_not_object", "too_deep", "code_unreadable",
}

// String gives the stable lower-case code of the reason.
func (r Reason) String() string { return reasonNames[r] }

// BadFrame is a frame that cannot be used. Type, ID and Action hold what was
// read before it went wrong; Type is 0 and ID is "" when they were not.
type BadFrame struct {
	Reason  Reason
	Type    Type
	ID      string
	Numeric bool // the id was a number
	Action  string
	Detail  string
}

func (b *BadFrame) Error() string {
	return "ocpp-j: " + b.Reason.String() + ": " + b.Detail
}

// NoID is the message id of an answer to a frame whose id cannot be read.
// OCPP 2.0.1 part 4 §4.2.3
const NoID = "-1"

// Answer gives the frame that version v wants sent back for b, and whether
// anything is to be sent at all.
//
//   - A reply (3, 4, 5) is never answered by a CALLERROR, and a SEND never at
//     all. 2.1 answers a bad CALLRESULT with CALLRESULTERROR. (2.1 FR.06, FR.07)
//   - 1.6 has no way to answer a frame without an id, and ignores unknown
//     message types (§4.1.3); 2.x answers "-1" and MessageTypeNotSupported (§4.4).
func Answer(v ocpp.Version, b *BadFrame) (Frame, bool) {
	out := Frame{Type: CallError, ID: b.ID, Description: b.Detail, Details: emptyObject}
	if b.Numeric {
		out.Quirks = QuirkNumericID
	}
	switch b.Type {
	case CallError, CallResultError, Send:
		return out, false
	case CallResult:
		out.Type = CallResultError
		out.Code = code(v, b.Reason)
		return out, v == ocpp.V21 && b.ID != ""
	}
	if v == ocpp.V16 {
		// Without a type it may be a reply: silence is the only safe answer.
		out.Code = code(v, b.Reason)
		return out, b.Type == Call && b.ID != ""
	}
	if b.ID == "" {
		out.ID, out.Quirks = NoID, 0
	}
	out.Code = code(v, b.Reason)
	return out, true
}

// code is the neutral error code for a reason. 2.0.1 part 4 table 8; 1.6 calls
// a payload that is no object a FormationViolation (1.6-J table 7).
func code(v ocpp.Version, r Reason) string {
	switch r {
	case TypeUnknown:
		return ocpp.CodeMessageTypeNotSupported
	case PayloadBroken, TooDeep:
		return ocpp.CodeFormatViolation
	case PayloadNotObject:
		if v == ocpp.V16 {
			return ocpp.CodeFormatViolation
		}
		return ocpp.CodeProtocolError
	}
	return ocpp.CodeRpcFrameworkError
}

// Neutral gives the 2.x spelling of a code as any station may write it.
func Neutral(s string) string {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "formationviolation", "formatviolation":
		return ocpp.CodeFormatViolation
	case "occurenceconstraintviolation", "occurrenceconstraintviolation":
		return ocpp.CodeOccurrenceConstraintViolation
	}
	return strings.TrimSpace(s)
}
