package ocpp

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// repair rewrites a message so that it decodes: the slow path of Conform.
func repair(shape *Shape, payload []byte) (json.RawMessage, error) {
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		return nil, &CallError{Code: CodeFormatViolation, Description: "the payload is not a JSON object"}
	}
	repairObject(shape, m)
	out, err := json.Marshal(m)
	if err != nil {
		return nil, &CallError{Code: CodeFormatViolation, Description: "the payload cannot be read"}
	}
	return out, nil
}

func repairObject(shape *Shape, m map[string]any) {
	for name, v := range m {
		i := shape.find([]byte(name))
		if i < 0 {
			continue
		}
		f := &shape.Fields[i]
		if fixed, ok := repairField(f, v); ok {
			m[name] = fixed
		} else {
			delete(m, name)
		}
	}
}

func repairField(f *ShapeField, v any) (any, bool) {
	if v == nil {
		return nil, f.Kind == KindAny
	}
	if !f.List {
		return repairValue(f, v)
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := make([]any, 0, len(list))
	for _, item := range list {
		if fixed, ok := repairValue(f, item); ok {
			out = append(out, fixed)
		}
	}
	return out, ok || len(out) > 0
}

func repairValue(f *ShapeField, v any) (any, bool) {
	switch f.Kind {
	case KindObject:
		m, ok := v.(map[string]any)
		if ok {
			repairObject(f.Object, m)
		}
		return m, ok
	case KindCustom:
		_, ok := v.(map[string]any)
		return v, ok
	case KindAny:
		return v, true
	}
	return repairScalar(f, v)
}

// scalarOf decodes one value as repair would see it.
func scalarOf(token string) any {
	var v any
	d := json.NewDecoder(strings.NewReader(token))
	d.UseNumber()
	_ = d.Decode(&v) // valid: checked by Conform
	return v
}

// repairScalar gives the value as the field's kind; false when it cannot be.
func repairScalar(f *ShapeField, v any) (any, bool) {
	var text string
	switch v := v.(type) {
	case string:
		text = v
	case json.Number:
		text = v.String()
	case bool:
		text = strconv.FormatBool(v)
	default:
		// Text without a limit is data of the vendor's own (DataTransfer):
		// whatever it is, its JSON says it all.
		b, err := json.Marshal(v)
		if f.Kind != KindString || f.MaxLength > 0 || v == nil || err != nil {
			return nil, false
		}
		return string(b), true
	}
	switch f.Kind {
	case KindEnum:
		if v, ok := f.fold(text); ok {
			return v, true
		}
		return text, true
	case KindString, KindTime:
		return text, true
	case KindBool:
		b, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(text)))
		return b, err == nil
	case KindInt:
		return wholeNumber(text)
	case KindNumber:
		d, err := unit.ParseDecimal(text)
		return json.Number(d.String()), err == nil
	}
	return nil, false
}

// wholeNumber reads an integer, also when written 12.0 or 12.7 (cut off, as
// a register that has not reached 13 reads 12).
func wholeNumber(text string) (any, bool) {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return json.Number(strconv.FormatInt(n, 10)), true
	}
	d, err := unit.ParseDecimal(text)
	if err != nil {
		return nil, false
	}
	n, ok := d.Scaled(0)
	if !ok || n == math.MinInt64 {
		return nil, false
	}
	if compare(d, n) < 0 && n > 0 { // rounded up
		n--
	} else if compare(d, n) > 0 && n < 0 {
		n++
	}
	return json.Number(strconv.FormatInt(n, 10)), true
}
