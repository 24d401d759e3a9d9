package rpc

import (
	"encoding/json"
	"unicode/utf8"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// maxDescription is the length of errorDescription in characters. 2.0.1 part 4 table 7
const maxDescription = 255

// Append writes f as version v spells it behind dst. The payload must be a
// JSON object; an empty one is written as {}.
func Append(dst []byte, v ocpp.Version, f Frame) []byte {
	dst = append(dst, '[', '0'+byte(f.Type), ',')
	if f.Quirks&QuirkNumericID != 0 {
		dst = append(dst, f.ID...)
	} else {
		dst = appendString(dst, f.ID)
	}
	switch f.Type {
	case Call, Send:
		dst = append(dst, ',')
		dst = appendString(dst, f.Action)
		dst = append(dst, ',')
		dst = appendObject(dst, f.Payload)
	case CallResult:
		dst = append(dst, ',')
		dst = appendObject(dst, f.Payload)
	default:
		dst = append(dst, ',')
		dst = appendString(dst, v.Spell(f.Code))
		dst = append(dst, ',')
		dst = appendString(dst, shorten(f.Description, maxDescription))
		dst = append(dst, ',')
		dst = appendObject(dst, f.Details)
	}
	return append(dst, ']')
}

func appendObject(dst []byte, raw json.RawMessage) []byte {
	if len(raw) == 0 {
		return append(dst, "{}"...)
	}
	return append(dst, raw...)
}

// shorten cuts s to n characters.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	i := 0
	for pos := range s {
		if i == n {
			return s[:pos]
		}
		i++
	}
	return s
}

// appendString writes s as a JSON string; plain text without an allocation.
func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			quoted, err := json.Marshal(s)
			if err != nil {
				return append(dst, `""`...) // a string always marshals
			}
			return append(dst, quoted...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}
