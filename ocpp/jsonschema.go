package ocpp

import "strings"

// JSONSchema gives the shape of a message as a JSON Schema (draft 2020-12),
// made from our own table and no copy of anybody's.
func (s *Shape) JSONSchema(title string) map[string]any {
	out := s.jsonObject()
	out["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	out["title"] = title
	return out
}

func (s *Shape) jsonObject() map[string]any {
	properties, required := map[string]any{}, []string{}
	for i := range s.Fields {
		f := &s.Fields[i]
		properties[f.Name] = f.jsonField()
		if f.Required {
			required = append(required, f.Name)
		}
	}
	out := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func (f *ShapeField) jsonField() map[string]any {
	if !f.List {
		return f.jsonValue()
	}
	out := map[string]any{"type": "array", "items": f.jsonValue()}
	if f.MinItems > 0 {
		out["minItems"] = f.MinItems
	}
	if f.MaxItems > 0 {
		out["maxItems"] = f.MaxItems
	}
	return out
}

func (f *ShapeField) jsonValue() map[string]any {
	switch f.Kind {
	case KindObject:
		return f.Object.jsonObject()
	case KindCustom:
		return map[string]any{"type": "object", "required": []string{"vendorId"},
			"properties": map[string]any{"vendorId": map[string]any{"type": "string", "maxLength": 255}}}
	case KindAny:
		return map[string]any{}
	case KindBool:
		return map[string]any{"type": "boolean"}
	case KindTime:
		return map[string]any{"type": "string", "format": "date-time"}
	case KindEnum:
		return map[string]any{"type": "string", "enum": f.Enum}
	case KindInt, KindNumber:
		return f.jsonNumber()
	}
	out := map[string]any{"type": "string"}
	if f.MaxLength > 0 {
		out["maxLength"] = f.MaxLength
	}
	if f.URI {
		out["format"] = "uri"
	}
	return out
}

func (f *ShapeField) jsonNumber() map[string]any {
	out := map[string]any{"type": "number"}
	if f.Kind == KindInt {
		out["type"] = "integer"
	}
	if f.HasMin {
		out["minimum"] = f.Min
	}
	if f.HasMax {
		out["maximum"] = f.Max
	}
	return out
}

// Example gives a small message of the shape: what is required, with values
// that a person recognises.
func (s *Shape) Example() map[string]any {
	out := map[string]any{}
	for i := range s.Fields {
		f := &s.Fields[i]
		// A limit is optional only for 2.1; an id without its kind says little.
		if !f.Required && f.Name != "limit" {
			continue
		}
		out[f.Name] = f.example()
	}
	return out
}

func (f *ShapeField) example() any {
	one := f.exampleValue()
	if !f.List {
		return one
	}
	list := make([]any, max(f.MinItems, 1))
	for i := range list {
		list[i] = one
	}
	return list
}

// exampleTexts are texts by the name of their field.
var exampleTexts = map[string]string{
	"idToken": "04A1B2C3", "type": "ISO14443", "transactionId": "T-1001", "vendorId": "org.example", "location": "https://example.org/firmware.bin",
	"remoteLocation": "https://example.org/logs", "checksum": "d41d8cd98f00b204e9800998ecf8427e", "currency": "EUR",
}

func (f *ShapeField) exampleValue() any {
	switch f.Kind {
	case KindObject:
		return f.Object.Example()
	case KindCustom:
		return map[string]any{"vendorId": "org.example"}
	case KindBool:
		return true
	case KindTime:
		return "2030-01-31T12:00:00Z"
	case KindEnum:
		return f.Enum[0]
	case KindInt, KindNumber:
		return f.exampleNumber()
	case KindAny:
		return "anything"
	}
	text, ok := exampleTexts[f.Name]
	switch {
	case ok && (f.MaxLength == 0 || len(text) <= f.MaxLength):
		return text
	case f.URI || strings.Contains(strings.ToLower(f.Name), "url"):
		return "https://example.org"
	case f.MaxLength > 0 && f.MaxLength < 7:
		return "text"[:min(4, f.MaxLength)]
	}
	return "example"
}

func (f *ShapeField) exampleNumber() int64 {
	n := int64(1)
	switch f.Name {
	case "startPeriod", "stackLevel":
		n = 0
	case "limit":
		n = 16
	case "duration", "interval":
		n = 3600
	}
	if f.HasMin {
		n = max(n, f.Min)
	}
	if f.HasMax {
		n = min(n, f.Max)
	}
	return n
}
