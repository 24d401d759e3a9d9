package test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// schemas are the messages of one version as npm ocpp-rpc ships them, by
// "Action.req" and "Action.conf": what an independent station believes.
func schemas(t *testing.T, version string) map[string]object {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("ocpp-rpc", "node_modules", "ocpp-rpc", "lib", "schemas", "ocpp"+strings.ReplaceAll(version, ".", "_")+".json"))
	if err != nil {
		t.Fatalf("npm ci in test/ocpp-rpc is needed: %v", err)
	}
	var all []object
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	out := map[string]object{}
	for _, s := range all {
		name := strings.TrimPrefix(s["$id"].(string), "urn:")
		if cut, ok := strings.CutSuffix(name, "Request"); ok {
			name = cut + ".req"
		} else if cut, ok := strings.CutSuffix(name, "Response"); ok {
			name = cut + ".conf"
		}
		out[name] = s
	}
	return out
}

// filler makes an instance of a schema: with what is required only, or with
// every field to a bounded depth.
type filler struct {
	root object
	full bool
}

const deepest = 5

func instance(schema object, full bool) object {
	f := filler{root: schema, full: full}
	return f.value(schema, "", 0).(object)
}

func (f filler) value(s object, name string, depth int) any {
	if ref, ok := s["$ref"].(string); ok {
		return f.value(f.root["definitions"].(object)[strings.TrimPrefix(ref, "#/definitions/")].(object), name, depth)
	}
	if enum, ok := s["enum"].([]any); ok {
		return enum[0]
	}
	switch s["type"] {
	case "object":
		return f.object(s, depth)
	case "array":
		return []any{f.value(s["items"].(object), name, depth+1)}
	case "integer":
		return number(s, 1)
	case "number":
		return number(s, 1.5)
	case "boolean":
		return true
	case "string":
		return text(s, name)
	}
	return object{}
}

func (f filler) object(s object, depth int) object {
	out := object{}
	required := map[string]bool{}
	for _, name := range list(s["required"]) {
		required[name.(string)] = true
	}
	properties, _ := s["properties"].(object)
	for name, property := range properties {
		if required[name] || f.full && depth < deepest && name != "customData" {
			out[name] = f.value(property.(object), name, depth+1)
		}
	}
	return out
}

func list(v any) []any {
	out, _ := v.([]any)
	return out
}

func number(s object, preferred float64) float64 {
	if low, ok := s["minimum"].(float64); ok && preferred < low {
		return low
	}
	if high, ok := s["maximum"].(float64); ok && preferred > high {
		return high
	}
	if s["multipleOf"] != nil {
		return 1
	}
	return preferred
}

// text is a string that its field can mean: an instant, an address, a number.
func text(s object, name string) string {
	lower := strings.ToLower(name)
	switch {
	case s["format"] == "date-time":
		return "2026-05-04T12:00:00Z"
	case s["format"] == "uri" || strings.HasSuffix(lower, "url") || lower == "location" || lower == "remotelocation":
		return "https://example.com/x"
	case lower == "value" || lower == "transactionid":
		return "1"
	case lower == "type":
		return "Central" // of an IdToken, the one free text that must be a known word
	}
	const preferred = "ABC1"
	if most, ok := s["maxLength"].(float64); ok && int(most) < len(preferred) {
		return preferred[:int(most)]
	}
	return preferred
}
