package ocpptest

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// JSONSchemas checks the schemas that we hand out of a version's commands:
// they allow what the shapes allow, the example included, and mind each
// breach.
func JSONSchemas(t *testing.T, l ocpp.Language) {
	for _, action := range l.Commands() {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			shape := l.Messages.Find(action).Request
			schema := compile(t, shape, action)
			for i := range 12 {
				allows(t, schema, Instance(shape, i))
			}
			example, err := json.Marshal(shape.Example())
			if err != nil {
				t.Fatal(err)
			}
			allows(t, schema, example)
			all := breaches(shape)
			const most = 40 // of each message: the deep ones have thousands
			for i := 0; i < len(all); i += 1 + len(all)/most {
				b := all[i]
				if schema.Validate(clone(b.message)) == nil {
					t.Errorf("%s: the schema does not mind", b.what)
				}
			}
		})
	}
}

func compile(t *testing.T, shape *ocpp.Shape, action string) *jsonschema.Schema {
	t.Helper()
	text, err := json.Marshal(shape.JSONSchema(action))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(action+".json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(action + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func allows(t *testing.T, schema *jsonschema.Schema, message json.RawMessage) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(message))
	if err == nil {
		err = schema.Validate(v)
	}
	if err != nil {
		t.Errorf("the schema refuses %s: %v", message, err)
	}
}
