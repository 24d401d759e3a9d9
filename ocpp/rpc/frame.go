package rpc

import (
	"encoding/json"
	"time"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// Type is the message type number, the first element of every frame.
type Type uint8

const (
	Call            Type = 2
	CallResult      Type = 3
	CallError       Type = 4
	CallResultError Type = 5 // 2.1 and later
	Send            Type = 6 // 2.1 and later
)

var typeNames = [...]string{"", "", "call", "result", "error", "resulterror", "send"}

// String gives "call", "result", "error", "resulterror" or "send".
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return ""
}

// Quirk is a set of harmless departures from the standard that Parse accepted.
type Quirk uint32

const (
	QuirkNumericID     Quirk = 1 << iota // the message id is a number; replies carry the same number
	QuirkLongID                          // the message id has more than 36 characters
	QuirkEmptyID                         // the message id is ""
	QuirkTextType                        // the message type is "2", not 2
	QuirkEmptyPayload                    // the payload is [], null or not there at all
	QuirkExtraElements                   // more elements than the message type has
	QuirkShortError                      // a CALLERROR without description or details
	QuirkTrailing                        // NUL bytes or a byte order mark around the text
	QuirkNUL                             // \u0000 inside a text; removed
	QuirkUTF8                            // bytes that are not UTF-8; replaced by U+FFFD
	QuirkMissingValue                    // `"key":,` read as null
	QuirkStrayComma                      // commas too many: {"a":1,}
	QuirkControl                         // a raw control character or an invalid escape in a text
	QuirkLiteral                         // NaN, None, True, 007, +5: read as JSON has it
	QuirkTruncated                       // a CALL that was cut off; what came whole is used
	QuirkConcatenated                    // one of several frames in one websocket message
	QuirkActionCase                      // the action in another case
)

var quirkNames = [...]string{
	"numeric_id", "long_id", "empty_id", "text_type", "empty_payload", "extra_elements",
	"short_error", "trailing_bytes", "nul_character", "not_utf8", "missing_value",
	"stray_comma", "control_character", "bad_literal", "truncated", "concatenated", "action_case",
}

// Names lists the quirks of the set as stable lower-case codes.
func (q Quirk) Names() []string {
	var out []string
	for i, n := range quirkNames {
		if q&(1<<i) != 0 {
			out = append(out, n)
		}
	}
	return out
}

// MaxID is the longest message id the standard allows; longer ones are
// accepted up to maxLongID.
const (
	MaxID     = 36
	maxLongID = 255
)

// Frame is one parsed message. Payload and Details are parts of the text that
// was parsed: that text must not be changed while the frame is in use.
type Frame struct {
	Type        Type
	ID          string          // as text, even when it came as a number
	Action      string          // CALL and SEND
	Payload     json.RawMessage // CALL, CALLRESULT, SEND: a JSON object
	Code        string          // CALLERROR, CALLRESULTERROR: neutral (2.x) spelling
	Description string
	Details     json.RawMessage // a JSON object
	Quirks      Quirk
	At          time.Time // when Conn received it; Parse leaves it zero
}

var (
	emptyObject = json.RawMessage("{}")
	bom         = []byte("\xef\xbb\xbf")
)

// Parse reads one frame as the peer of a connection of version v may send it.
// The error is always a *BadFrame, which holds what could be read. Parse
// keeps no reference to data other than through the frame's payload.
func Parse(v ocpp.Version, data []byte) (Frame, error) {
	f, err := parse(v, data)
	if err == nil {
		return f, nil
	}
	if g, ok := again(v, data); ok {
		return g, nil
	}
	return f, err
}
