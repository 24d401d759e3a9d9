package rpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// frameParser holds the state of one parse.
type frameParser struct {
	scanner
	v ocpp.Version
	f Frame
}

func parse(v ocpp.Version, data []byte) (Frame, error) {
	p := frameParser{v: v}
	trimmed := bytes.TrimRight(bytes.TrimPrefix(data, bom), "\x00")
	if len(trimmed) != len(data) {
		p.f.Quirks |= QuirkTrailing
	}
	clean, ok := validUTF8(trimmed)
	if !ok {
		p.f.Quirks |= QuirkUTF8
	}
	p.data = clean
	if bad := p.frame(); bad != nil {
		bad.Type, bad.ID, bad.Action = p.f.Type, p.f.ID, p.f.Action
		bad.Numeric = p.f.Quirks&QuirkNumericID != 0
		return p.f, bad
	}
	if p.nul {
		p.f.Payload, p.f.Details = dropNULs(p.f.Payload), dropNULs(p.f.Details)
		p.f.Quirks |= QuirkNUL
	}
	return p.f, nil
}

func (p *frameParser) frame() *BadFrame {
	switch p.peek() {
	case '[':
		p.pos++
	case 0:
		return &BadFrame{Reason: Empty, Detail: "the message is empty"}
	default:
		if p.value(0) == nil && p.peek() == 0 {
			return &BadFrame{Reason: NotArray, Detail: "a message is a JSON array"}
		}
		return &BadFrame{Reason: NotJSON, Detail: "the message is not JSON"}
	}
	if bad := p.messageType(); bad != nil {
		return bad
	}
	if bad := p.messageID(); bad != nil {
		return bad
	}
	switch p.f.Type {
	case Call, Send:
		return p.call()
	case CallResult:
		return p.payload()
	default:
		return p.callError()
	}
}

// next moves past the comma to the next element; false when there is none.
func (p *frameParser) next() (bool, *BadFrame) {
	switch p.peek() {
	case ',':
		p.pos++
		if p.peek() == ']' {
			return false, &BadFrame{Reason: NotJSON, Detail: "a comma before the closing bracket"}
		}
		return true, nil
	case ']':
		return false, nil
	case 0:
		return false, &BadFrame{Reason: NotJSON, Detail: errShort.Error()}
	}
	return false, &BadFrame{Reason: NotJSON, Detail: errSyntax.Error()}
}

// element scans one value and returns its text.
func (p *frameParser) element() ([]byte, error) {
	p.space()
	from := p.pos
	if err := p.value(1); err != nil {
		return nil, err
	}
	return p.data[from:p.pos], nil
}

func (p *frameParser) messageType() *BadFrame {
	if p.peek() == ']' {
		return &BadFrame{Reason: TypeUnreadable, Detail: "the array is empty"}
	}
	raw, err := p.element()
	if err != nil {
		return &BadFrame{Reason: NotJSON, Detail: err.Error()}
	}
	text := raw
	if len(raw) >= 2 && raw[0] == '"' {
		text = raw[1 : len(raw)-1]
	}
	n := 0
	for _, c := range text {
		if c < '0' || c > '9' || n > 9999 {
			return p.restOr(&BadFrame{Reason: TypeUnreadable, Detail: "the message type is not a small whole number"})
		}
		n = n*10 + int(c-'0')
	}
	if len(text) == 0 {
		return p.restOr(&BadFrame{Reason: TypeUnreadable, Detail: "the message type is empty"})
	}
	top := CallError
	if p.v == ocpp.V21 {
		top = Send
	}
	if n < int(Call) || n > int(top) {
		if ok, _ := p.next(); ok {
			p.readID() // for the answer
		}
		return p.restOr(&BadFrame{Reason: TypeUnknown, Detail: "the message type is not one of this version"})
	}
	p.f.Type = Type(n)
	if raw[0] == '"' {
		p.f.Quirks |= QuirkTextType
	}
	return nil
}

// restOr gives bad when the rest of the frame is JSON, NotJSON otherwise.
func (p *frameParser) restOr(bad *BadFrame) *BadFrame {
	if broken := p.finish(); broken != nil {
		return broken
	}
	return bad
}

// finish reads elements that the message type does not have, to the end.
func (p *frameParser) finish() *BadFrame {
	for {
		more, bad := p.next()
		if bad != nil {
			return bad
		}
		if !more {
			break
		}
		if _, err := p.element(); err != nil {
			return broken(err)
		}
		p.f.Quirks |= QuirkExtraElements
	}
	p.pos++
	if p.peek() != 0 || p.pos < len(p.data) {
		return &BadFrame{Reason: NotJSON, Detail: "text after the closing bracket"}
	}
	return nil
}

func broken(err error) *BadFrame {
	bad := &BadFrame{Reason: PayloadBroken, Detail: err.Error()}
	if errors.Is(err, errDeep) {
		bad.Reason = TooDeep
	}
	return bad
}

func (p *frameParser) messageID() *BadFrame {
	more, bad := p.next()
	if bad != nil {
		return bad
	}
	if !more {
		return p.restOr(&BadFrame{Reason: IDUnreadable, Detail: "there is no message id"})
	}
	bad = p.readID()
	if bad != nil && bad.Reason != NotJSON {
		return p.restOr(bad)
	}
	return bad
}

func (p *frameParser) readID() *BadFrame {
	raw, err := p.element()
	switch {
	case err != nil:
		return &BadFrame{Reason: NotJSON, Detail: err.Error()}
	case raw[0] == '"':
		id, ok := text(raw)
		if !ok {
			return &BadFrame{Reason: NotJSON, Detail: errSyntax.Error()}
		}
		p.f.ID = id
	case raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9':
		p.f.ID = string(raw)
		p.f.Quirks |= QuirkNumericID
	default:
		return &BadFrame{Reason: IDUnreadable, Detail: "the message id is neither a text nor a number"}
	}
	switch n := len(p.f.ID); {
	case n > maxLongID:
		p.f.ID = ""
		return &BadFrame{Reason: IDTooLong, Detail: "the message id has more than 255 characters; 36 are allowed"}
	case n > MaxID:
		p.f.Quirks |= QuirkLongID
	case n == 0:
		p.f.Quirks |= QuirkEmptyID
	}
	return nil
}

func (p *frameParser) call() *BadFrame {
	more, bad := p.next()
	if bad != nil {
		return bad
	}
	if !more {
		return p.restOr(&BadFrame{Reason: ActionUnreadable, Detail: "there is no action"})
	}
	raw, err := p.element()
	if err != nil {
		return broken(err)
	}
	if len(raw) > 2 {
		if action, ok := known[string(raw[1:len(raw)-1])]; ok && raw[0] == '"' {
			p.f.Action = action
			return p.payload()
		}
	}
	action, ok := text(raw)
	if !ok || action == "" || len(action) > 64 {
		return p.restOr(&BadFrame{Reason: ActionUnreadable, Detail: "the action is not a text of 1 to 64 characters"})
	}
	p.f.Action = action
	if right, ok := folded[strings.ToLower(action)]; ok { // not in known, so in another case
		p.f.Action = right
		p.f.Quirks |= QuirkActionCase
	}
	return p.payload()
}

// payload reads the payload, which is the last element.
func (p *frameParser) payload() *BadFrame {
	more, bad := p.next()
	if bad != nil {
		return bad
	}
	p.f.Payload = emptyObject
	if !more {
		p.f.Quirks |= QuirkEmptyPayload
		return p.finish()
	}
	raw, err := p.element()
	if err != nil {
		return broken(err)
	}
	switch {
	case raw[0] == '{':
		p.f.Payload = raw
	case isEmpty(raw):
		p.f.Quirks |= QuirkEmptyPayload
	default:
		return p.restOr(&BadFrame{Reason: PayloadNotObject, Detail: "the payload is not a JSON object"})
	}
	return p.finish()
}

// isEmpty knows the ways in which libraries print a payload without members.
func isEmpty(raw []byte) bool {
	if string(raw) == "null" {
		return true
	}
	return raw[0] == '[' && len(bytes.TrimSpace(raw[1:len(raw)-1])) == 0
}

func (p *frameParser) callError() *BadFrame {
	p.f.Details = emptyObject
	for i := range 3 {
		more, bad := p.next()
		if bad != nil {
			return bad
		}
		if !more {
			if i == 0 {
				return p.restOr(&BadFrame{Reason: CodeUnreadable, Detail: "there is no error code"})
			}
			p.f.Quirks |= QuirkShortError
			return p.finish()
		}
		raw, err := p.element()
		if err != nil {
			return broken(err)
		}
		s, ok := text(raw)
		switch {
		case i == 0 && !ok:
			return p.restOr(&BadFrame{Reason: CodeUnreadable, Detail: "the error code is not a text"})
		case i == 0:
			p.f.Code = Neutral(s)
		case i == 1 && ok:
			p.f.Description = s
		case i == 2 && raw[0] == '{':
			p.f.Details = raw
		default:
			p.f.Quirks |= QuirkShortError
		}
	}
	return p.finish()
}

// text decodes a JSON string; false when raw is something else.
func text(raw []byte) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner), true
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	return strings.ReplaceAll(s, "\x00", ""), true
}
