package ocpptest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
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
func Draw(t *rapid.T, s *ocpp.Shape) json.RawMessage { return draw(t, s, 7) }

// draw makes a message in which about density of ten optional fields are
// present.
func draw(t *rapid.T, s *ocpp.Shape, density int) json.RawMessage {
	rapid.Bool().Draw(t, "") // rapid wants at least one choice, and some messages have no fields
	b, err := json.Marshal(drawObject(t, s, drawing{depth: 3, density: density}))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type drawing struct{ depth, density int }

func (d drawing) deeper() drawing { return drawing{max(d.depth-1, 0), d.density} }

// pairs are optional fields that mean something only together.
var pairs = []string{"signature", "signingCertificate"}

// pairing is the density at which pairs are present together.
const pairing = 3

// present decides about an optional field. A limit came to be optional in 2.1
// only, so that without one no older version could carry a schedule.
func (d drawing) present(t *rapid.T, f *ocpp.ShapeField) bool {
	if slices.Contains(pairs, f.Name) && d.density == pairing {
		return true
	}
	if f.Name == "limit" && rapid.Bool().Draw(t, "usual") {
		return true
	}
	return d.depth > 0 && rapid.IntRange(1, 10).Draw(t, "present") <= d.density
}

func drawObject(t *rapid.T, s *ocpp.Shape, d drawing) map[string]any {
	out := map[string]any{}
	for i := range s.Fields {
		f := &s.Fields[i]
		if !f.Required && !d.present(t, f) {
			continue
		}
		n := 1
		if f.List {
			n = max(f.MinItems, rapid.IntRange(1, 2).Draw(t, "items"))
			if f.MaxItems > 0 {
				n = min(n, f.MaxItems)
			}
		}
		out[f.Name] = fill(f, n, func(f *ocpp.ShapeField) any { return drawValue(t, f, d) })
	}
	return out
}

func drawValue(t *rapid.T, f *ocpp.ShapeField, d drawing) any {
	switch f.Kind {
	case ocpp.KindObject:
		return drawObject(t, f.Object, d.deeper())
	case ocpp.KindInt:
		least, most := int64(-1<<31), int64(1<<31-1)
		if f.HasMin {
			least = f.Min
		}
		if f.HasMax {
			most = f.Max
		}
		if least <= 1 && rapid.Bool().Draw(t, "usual") {
			return int64(1) // the first EVSE, connector, id …
		}
		return rapid.Int64Range(least, most).Draw(t, "integer")
	case ocpp.KindBool:
		return rapid.Bool().Draw(t, "boolean")
	case ocpp.KindEnum:
		return rapid.SampledFrom(f.Enum).Draw(t, "value")
	case ocpp.KindString:
		return drawText(t, f)
	}
	return largest(f, 1)
}

// usual are values that mean something in every version; anything else is
// drawn as well.
var usual = map[string]string{"transactionId": "1001", "type": "ISO14443", "name": "OCPP16", "location": "https://example.org/f"}

func drawText(t *rapid.T, f *ocpp.ShapeField) any {
	if f.URI {
		return "https://example.org"
	}
	if v, ok := usual[f.Name]; ok && (f.MaxLength == 0 || len(v) <= f.MaxLength) && rapid.IntRange(0, 3).Draw(t, "usual") > 0 {
		return v
	}
	n := 20
	if f.MaxLength > 0 {
		n = min(n, f.MaxLength)
	}
	return rapid.StringN(1, n, -1).Draw(t, "text")
}
