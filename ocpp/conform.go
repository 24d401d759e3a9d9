package ocpp

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// Conform reads a message by its shape. It gives JSON that decodes into the
// generated type, and what deviates from the schema. A message that conforms
// comes back as it is, without allocation beyond a few scalars.
//
// Repaired are: null for absent, a quoted number or boolean, a number for a
// string, an object for unlimited text, a whole number written with a
// fraction, one object where a list is due, times without a zone or as seconds
// since 1970, and enumeration values in another case. What cannot be read is left out, so a
// required field may be missing from the result: the caller decides by the
// problems whether it can act. Unknown fields and unknown enumeration values
// stay. The error is a *CallError for what is not a JSON object at all.
func Conform(shape *Shape, payload json.RawMessage) (json.RawMessage, []Problem, error) {
	if !json.Valid(payload) {
		return nil, nil, &CallError{Code: CodeFormatViolation, Description: "the payload is not valid JSON"}
	}
	c := conformer{scanner: scanner{b: payload}}
	c.space()
	if c.peek() != '{' {
		return conformOther(shape, bytes.TrimSpace(payload))
	}
	c.object(shape, nil)
	if !c.repair {
		return payload, c.Problems(), nil
	}
	repaired, err := repair(shape, payload)
	return repaired, c.Problems(), err
}

// conformOther takes the empty values that stations send in place of {}.
func conformOther(shape *Shape, payload []byte) (json.RawMessage, []Problem, error) {
	switch string(payload) {
	case "null", "[]", `""`:
		_, problems, err := Conform(shape, json.RawMessage("{}"))
		return json.RawMessage("{}"), append([]Problem{{Rule: "payload", Message: string(payload) + " in place of an object"}}, problems...), err
	}
	return nil, nil, &CallError{Code: CodeFormatViolation, Description: "the payload is not a JSON object"}
}

// conformer walks valid JSON once beside the shape.
type conformer struct {
	scanner
	Check
	repair bool // something must be rewritten before it decodes
}

func (c *conformer) object(shape *Shape, at *At) {
	var seen uint64 // no OCPP type has more than 64 fields
	c.next()        // {
	for c.space(); c.peek() != '}'; c.space() {
		if c.peek() == ',' {
			c.next()
			c.space()
		}
		name := c.text()
		c.space()
		c.next() // :
		c.space()
		i := shape.find(name)
		if i < 0 {
			if !strings.EqualFold(string(name), "customData") {
				c.Add(at.Field(string(name)), "additional", "is not in the specification")
			}
			c.skip()
			continue
		}
		f := &shape.Fields[i]
		if seen&(1<<i) != 0 {
			c.Add(at.Field(f.Name), "duplicate", "is there more than once")
		}
		if c.value(f, at) {
			seen |= 1 << i
		}
	}
	c.next() // }
	for i := range shape.Fields {
		if shape.Fields[i].Required && seen&(1<<i) == 0 {
			c.Missing(at.Field(shape.Fields[i].Name))
		}
	}
}

// fold gives the enumeration value that s is but for case and blanks.
func (f *ShapeField) fold(s string) (string, bool) {
	s = strings.TrimSpace(s)
	for _, v := range f.Enum {
		if strings.EqualFold(v, s) {
			return v, true
		}
	}
	return "", false
}

// find gives the index of a field, by exact name or, as encoding/json does,
// without regard to case.
func (s *Shape) find(name []byte) int {
	for i := range s.Fields {
		if s.Fields[i].Name == string(name) {
			return i
		}
	}
	for i := range s.Fields {
		if strings.EqualFold(s.Fields[i].Name, string(name)) {
			return i
		}
	}
	return -1
}

// value reads the value of a field and reports whether there was one.
func (c *conformer) value(f *ShapeField, at *At) bool {
	if c.peek() == 'n' && f.Kind != KindAny {
		c.Add(at.Field(f.Name), "null", "is null; leave it out")
		c.repair = true
		c.skip()
		return false
	}
	if !f.List {
		return c.single(f, at.Field(f.Name))
	}
	if c.peek() != '[' {
		c.Add(at.Field(f.Name), "type", "is not a list")
		c.repair = true
		return c.single(f, at.Item(f.Name, 0))
	}
	c.next()
	n, bad := 0, false
	for c.space(); c.peek() != ']'; c.space() {
		if c.peek() == ',' {
			c.next()
			c.space()
		}
		if c.single(f, at.Item(f.Name, n)) {
			n++
		} else {
			bad = true
		}
	}
	c.next()
	if n < f.MinItems && !bad {
		c.Add(at.Field(f.Name), "items", "has %d items, at least %d are needed", n, f.MinItems)
	}
	if f.MaxItems > 0 && n > f.MaxItems {
		c.Add(at.Field(f.Name), "items", "has %d items, allowed are %d", n, f.MaxItems)
	}
	return true
}

// single reads one value and reports whether it can be used.
func (c *conformer) single(f *ShapeField, at *At) bool {
	start := c.peek()
	switch f.Kind {
	case KindObject:
		if start == '{' {
			c.object(f.Object, at)
			return true
		}
	case KindCustom:
		if start == '{' {
			c.skip()
			return true
		}
	case KindAny:
		c.skip()
		return true
	case KindString, KindEnum, KindTime:
		if start == '"' {
			c.check(f, at, c.text())
			return true
		}
	case KindInt, KindNumber:
		if start == '-' || start >= '0' && start <= '9' {
			return c.number(f, at, string(c.token()))
		}
	case KindBool:
		if start == 't' || start == 'f' {
			c.skip()
			return true
		}
	}
	return c.wrong(f, at)
}

// wrong reports a value of the wrong type; true when it can be repaired.
func (c *conformer) wrong(f *ShapeField, at *At) bool {
	c.repair = true
	token := string(c.token())
	c.Add(at, "type", "%s is not %s", clip(token), kindNames[f.Kind])
	_, ok := repairScalar(f, scalarOf(token))
	return ok
}

var kindNames = [...]string{"a string", "an integer", "a number", "a boolean", "a time", "a string", "an object", "an object", "a value"}

func (c *conformer) check(f *ShapeField, at *At, s []byte) {
	switch f.Kind {
	case KindEnum:
		for _, v := range f.Enum {
			if v == string(s) {
				return
			}
		}
		if _, ok := f.fold(string(s)); ok {
			c.repair = true
			c.Add(at, "enum", "%q is one of %s in another spelling", clip(string(s)), strings.Join(f.Enum, ", "))
			return
		}
		if len(s) == 0 && !f.Required { // written as empty where it should be left out
			c.Add(at, "enum", "is empty; leave it out")
			return
		}
		c.Enum(at, string(s), f.Enum)
	case KindTime:
		if _, strict, err := ParseDateTime(string(s)); err != nil || !strict {
			c.Add(at, "format", "%q is not RFC 3339 with a zone", clip(string(s)))
		}
	case KindString:
		if f.MaxLength > 0 && len(s) > f.MaxLength {
			c.Text(at, string(s), f.MaxLength)
		}
		if f.URI {
			c.URI(at, string(s))
		}
	}
}

func (c *conformer) number(f *ShapeField, at *At, token string) bool {
	if f.Kind == KindInt {
		n, err := strconv.ParseInt(token, 10, 64)
		if err != nil {
			c.repair = true
			c.Add(at, "type", "%s is not an integer", clip(token))
			_, ok := repairScalar(f, json.Number(token))
			return ok
		}
		if f.HasMin {
			c.RangeMin(at, n, f.Min)
		}
		if f.HasMax {
			c.RangeMax(at, n, f.Max)
		}
		return true
	}
	d, err := unit.ParseDecimal(token)
	if err != nil {
		c.repair = true
		c.Add(at, "type", "%s is too large", clip(token))
		return false
	}
	if f.HasMin {
		c.DecimalMin(at, d, f.Min)
	}
	if f.HasMax {
		c.DecimalMax(at, d, f.Max)
	}
	return true
}
