package ocpp

import (
	"encoding/json"
	"errors"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// CallError is an OCPP-J CALLERROR, received or to be sent.
type CallError struct {
	Code        string // one of the Code… constants or what the station sent
	Description string // at most 255 characters on the wire
	Details     json.RawMessage
	Err         error // the cause, for the log; never sent
}

func (e *CallError) Error() string {
	if e.Description == "" {
		return "ocpp: " + e.Code
	}
	return "ocpp: " + e.Code + ": " + e.Description
}

func (e *CallError) Unwrap() error { return e.Err }

// Error codes, in the spelling of OCPP 2.x. Spell gives those of a version.
const (
	CodeFormatViolation               = "FormatViolation"
	CodeGenericError                  = "GenericError"
	CodeInternalError                 = "InternalError"
	CodeMessageTypeNotSupported       = "MessageTypeNotSupported"
	CodeNotImplemented                = "NotImplemented"
	CodeNotSupported                  = "NotSupported"
	CodeOccurrenceConstraintViolation = "OccurrenceConstraintViolation"
	CodePropertyConstraintViolation   = "PropertyConstraintViolation"
	CodeProtocolError                 = "ProtocolError"
	CodeRpcFrameworkError             = "RpcFrameworkError"
	CodeSecurityError                 = "SecurityError"
	CodeTypeConstraintViolation       = "TypeConstraintViolation"
)

// spelling16 holds the codes that OCPP-J 1.6 spells differently or lacks.
var spelling16 = map[string]string{
	CodeFormatViolation:               "FormationViolation",
	CodeOccurrenceConstraintViolation: "OccurenceConstraintViolation",
	CodeMessageTypeNotSupported:       "GenericError",
	CodeRpcFrameworkError:             "GenericError",
}

// Spell gives the error code as v writes it: 1.6 has "FormationViolation" and
// "OccurenceConstraintViolation", and lacks two codes of 2.x.
func (v Version) Spell(code string) string {
	if s, ok := spelling16[code]; ok && v == V16 {
		return s
	}
	return code
}

// faultCodes maps what went wrong in a room to what the station is told.
// Details of a fault stay here: they are for people, not for stations.
var faultCodes = map[fault.Kind]string{
	fault.Invalid:         CodePropertyConstraintViolation,
	fault.NotFound:        CodePropertyConstraintViolation,
	fault.Conflict:        CodeGenericError,
	fault.Forbidden:       CodeSecurityError,
	fault.Unauthenticated: CodeSecurityError,
	fault.Unavailable:     CodeInternalError,
	fault.Unsupported:     CodeNotSupported,
	fault.Internal:        CodeInternalError,
}

// maxDescription is the length of errorDescription in OCPP-J.
const maxDescription = 255

// AsCallError makes the CALLERROR by which v answers a failed message. A
// *CallError keeps its code and text, any other error is mapped by its kind;
// internal texts are not shown.
func (v Version) AsCallError(err error) *CallError {
	var c *CallError
	if errors.As(err, &c) {
		out := *c
		out.Code = v.Spell(out.Code)
		return &out
	}
	kind := fault.KindOf(err)
	out := &CallError{Code: v.Spell(faultCodes[kind]), Err: err}
	if f := fault.Of(err); f != nil && kind != fault.Internal {
		out.Description = f.Message
		if r := []rune(out.Description); len(r) > maxDescription {
			out.Description = string(r[:maxDescription])
		}
	}
	return out
}
