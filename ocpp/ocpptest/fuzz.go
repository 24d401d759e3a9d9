package ocpptest

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// FuzzHandle feeds a dialect with anything: it must neither panic nor answer
// what the schema of its version forbids, and fail with a *ocpp.CallError only.
func FuzzHandle(f *testing.F, d Dialect, c *ocpp.Catalogue) {
	f.Helper()
	for _, action := range c.Actions() {
		for _, m := range []map[string]any{minimal(c.Find(action).Request), maximal(c.Find(action).Request, 1)} {
			payload, _ := json.Marshal(m)
			f.Add(action, payload)
		}
	}
	for _, payload := range []string{"", "null", "[]", "{", `{"connectorId":1e999}`, `{"meterValue":[[{}]]}`, "{\"a\":\"\\ud800\"}"} {
		f.Add("MeterValues", []byte(payload))
	}
	f.Fuzz(func(t *testing.T, action string, payload []byte) {
		ctx := ocpp.WithReceived(context.Background(), Received)
		out, err := d.Handle(ctx, &Recorder{}, ocpp.Peer{Version: d.Version()}, action, payload)
		if err != nil {
			var call *ocpp.CallError
			if !errors.As(err, &call) || call.Code == "" || out != nil {
				t.Fatalf("%s %s: %v (answer %s)", action, payload, err, out)
			}
			return
		}
		e := c.Find(action)
		if e.NewResponse == nil {
			return
		}
		if _, problems, err := ocpp.Conform(e.Response, out); err != nil || len(problems) > 0 {
			t.Fatalf("%s %s: answered %s: %v %v", action, payload, out, err, problems)
		}
	})
}

// Draw makes a random message that the shape allows, as JSON.
func Draw(t *rapid.T, s *ocpp.Shape) json.RawMessage {
	b, err := json.Marshal(drawObject(t, s, 3))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func drawObject(t *rapid.T, s *ocpp.Shape, depth int) map[string]any {
	out := map[string]any{}
	for i := range s.Fields {
		f := &s.Fields[i]
		if !f.Required && (depth == 0 || rapid.IntRange(0, 2).Draw(t, "present") == 0) {
			continue
		}
		n := 1
		if f.List {
			n = max(f.MinItems, rapid.IntRange(1, 2).Draw(t, "items"))
			if f.MaxItems > 0 {
				n = min(n, f.MaxItems)
			}
		}
		out[f.Name] = fill(f, n, func(f *ocpp.ShapeField) any { return drawValue(t, f, depth) })
	}
	return out
}

func drawValue(t *rapid.T, f *ocpp.ShapeField, depth int) any {
	switch f.Kind {
	case ocpp.KindObject:
		return drawObject(t, f.Object, max(depth-1, 0))
	case ocpp.KindInt:
		least, most := int64(-1<<31), int64(1<<31-1)
		if f.HasMin {
			least = f.Min
		}
		if f.HasMax {
			most = f.Max
		}
		return rapid.Int64Range(least, most).Draw(t, "integer")
	case ocpp.KindBool:
		return rapid.Bool().Draw(t, "boolean")
	case ocpp.KindEnum:
		return rapid.SampledFrom(f.Enum).Draw(t, "value")
	case ocpp.KindString:
		if f.URI {
			return "https://example.org"
		}
		n := 20
		if f.MaxLength > 0 {
			n = min(n, f.MaxLength)
		}
		return rapid.StringN(1, n, -1).Draw(t, "text")
	}
	return largest(f, 1)
}
