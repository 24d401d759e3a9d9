package ocpptest

import (
	"encoding/json"
	"strings"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// minimal gives a message with the required fields only, each as small as
// the shape allows.
func minimal(s *ocpp.Shape) map[string]any {
	out := map[string]any{}
	for i := range s.Fields {
		f := &s.Fields[i]
		if !f.Required {
			continue
		}
		out[f.Name] = fill(f, f.MinItems, smallest)
	}
	return out
}

// maximal gives a message with every field, each as large as the shape allows;
// lists are cut to most items.
func maximal(s *ocpp.Shape, most int) map[string]any {
	out := map[string]any{}
	for i := range s.Fields {
		f := &s.Fields[i]
		n := f.MaxItems
		if n == 0 || n > most {
			n = max(most, f.MinItems)
		}
		out[f.Name] = fill(f, n, func(f *ocpp.ShapeField) any { return largest(f, most) })
	}
	return out
}

func fill(f *ocpp.ShapeField, items int, value func(*ocpp.ShapeField) any) any {
	if !f.List {
		return value(f)
	}
	list := make([]any, items)
	for i := range list {
		list[i] = value(f)
	}
	return list
}

const instant = "2026-01-31T12:00:00.000Z"

func smallest(f *ocpp.ShapeField) any {
	switch f.Kind {
	case ocpp.KindObject:
		return minimal(f.Object)
	case ocpp.KindCustom:
		return map[string]any{"vendorId": ""}
	case ocpp.KindInt, ocpp.KindNumber:
		switch {
		case f.HasMin:
			return float64(f.Min)
		case f.HasMax:
			return float64(f.Max) - 1
		}
		return float64(0)
	case ocpp.KindBool:
		return false
	case ocpp.KindTime:
		return instant
	case ocpp.KindEnum:
		return f.Enum[0]
	}
	if f.URI {
		return "a:b"
	}
	return ""
}

func largest(f *ocpp.ShapeField, most int) any {
	switch f.Kind {
	case ocpp.KindObject:
		return maximal(f.Object, most)
	case ocpp.KindCustom:
		return map[string]any{"vendorId": strings.Repeat("é", 255), "more": []any{true}}
	case ocpp.KindInt:
		if f.HasMax {
			return float64(f.Max)
		}
		return float64(1<<31 - 1)
	case ocpp.KindNumber:
		if f.HasMax {
			return float64(f.Max) - 0.5
		}
		return 12345.5
	case ocpp.KindBool:
		return true
	case ocpp.KindTime:
		return instant
	case ocpp.KindEnum:
		return f.Enum[len(f.Enum)-1]
	case ocpp.KindAny:
		return map[string]any{"any": []any{"thing"}}
	}
	switch {
	case f.URI:
		return "https://example.org/a?b=c"
	case f.MaxLength > 0:
		return strings.Repeat("é", f.MaxLength) // characters, not bytes
	}
	return "text without a limit"
}

// breach is one way to break a message.
type breach struct {
	what string // "meterValue.timestamp: left out"
	rule string // the rule that must be reported
	// decodes tells that the breach survives decoding into the Go type, so
	// that Validate must see it too.
	decodes bool
	message map[string]any
}

// breaches gives every way to break one field of a message by its shape.
func breaches(s *ocpp.Shape) []breach {
	var out []breach
	walk(s, maximal(s, 1), "", func(f *ocpp.ShapeField, path string, object map[string]any, root func() map[string]any) {
		old := object[f.Name]
		try := func(what, rule string, decodes bool, value any) {
			object[f.Name] = value
			out = append(out, breach{path + f.Name + ": " + what, rule, decodes, root()})
			object[f.Name] = old
		}
		if f.Required {
			delete(object, f.Name)
			out = append(out, breach{path + f.Name + ": left out", "required", f.List || f.Kind == ocpp.KindEnum || f.Kind == ocpp.KindTime, root()})
			object[f.Name] = old
		}
		if f.Kind != ocpp.KindAny {
			try("null", "null", false, nil)
		}
		one := func(v any) any {
			if f.List {
				return []any{v}
			}
			return v
		}
		if f.List {
			try("no list", "type", false, smallest(f))
			if f.MinItems > 0 && f.Required {
				try("too few", "items", true, fill(f, f.MinItems-1, smallest))
			}
			if f.MaxItems > 0 {
				try("too many", "items", true, fill(f, f.MaxItems+1, smallest))
			}
		}
		scalarBreaches(f, one, try)
	})
	object := maximal(s, 1)
	object["unheardOf"] = 1
	return append(out, breach{"unheardOf", "additional", false, object})
}

func scalarBreaches(f *ocpp.ShapeField, one func(any) any, try func(what, rule string, decodes bool, value any)) {
	switch f.Kind {
	case ocpp.KindString:
		try("a number", "type", false, one(1))
		if f.MaxLength > 0 {
			try("too long", "max_length", true, one(strings.Repeat("é", f.MaxLength+1)))
		}
		if f.URI {
			try("no URI", "format", true, one("not a uri"))
		}
	case ocpp.KindEnum:
		try("unknown", "enum", true, one("unheardOf"))
	case ocpp.KindTime:
		try("no time", "format", false, one("soon"))
	case ocpp.KindBool:
		try("quoted", "type", false, one("true"))
	case ocpp.KindObject, ocpp.KindCustom:
		try("text", "type", false, one("text"))
	case ocpp.KindInt, ocpp.KindNumber:
		try("quoted", "type", false, one("1"))
		if f.HasMin {
			try("too small", "range", true, one(f.Min-1))
		}
		if f.HasMax {
			try("too large", "range", true, one(f.Max+1))
		}
	}
}

// walk visits every field of a message, nested ones too.
func walk(s *ocpp.Shape, root map[string]any, path string, visit func(f *ocpp.ShapeField, path string, object map[string]any, root func() map[string]any)) {
	snapshot := func() map[string]any { return clone(root) }
	var step func(s *ocpp.Shape, object map[string]any, path string)
	step = func(s *ocpp.Shape, object map[string]any, path string) {
		for i := range s.Fields {
			f := &s.Fields[i]
			visit(f, path, object, snapshot)
			if f.Kind != ocpp.KindObject {
				continue
			}
			value := object[f.Name]
			if f.List {
				value = value.([]any)[0]
			}
			step(f.Object, value.(map[string]any), path+f.Name+".")
		}
	}
	step(s, root, path)
}

func clone(m map[string]any) map[string]any {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		panic(err)
	}
	return out
}
