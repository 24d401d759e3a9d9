package ocpp

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestConform shows what is repaired and what is reported.
func TestConform(t *testing.T) {
	t.Parallel()
	shape := &Shape{Fields: []ShapeField{
		{Name: "id", Kind: KindInt, Required: true, HasMin: true, Min: 0, HasMax: true, Max: 9},
		{Name: "name", Kind: KindString, MaxLength: 3},
		{Name: "data", Kind: KindString},
		{Name: "value", Kind: KindNumber},
		{Name: "on", Kind: KindBool},
		{Name: "at", Kind: KindTime},
		{Name: "state", Kind: KindEnum, Enum: []string{"A", "B"}},
		{Name: "any", Kind: KindAny},
		{Name: "customData", Kind: KindCustom},
		{Name: "sub", Kind: KindObject, List: true, MinItems: 1, MaxItems: 2, Object: &Shape{Fields: []ShapeField{{Name: "x", Kind: KindInt, Required: true}}}},
	}}
	for _, c := range []struct{ in, out, problems string }{
		{`{"id":1}`, ``, ``},
		{`  { "id" : 1 , "name" : "äöü" }  `, ``, ``},
		{`{"id":1,"name":"äöüß"}`, ``, `max_length name`},
		{`{"id":1,"name":"\u00e4\u00f6\u00fc"}`, ``, ``},
		{`{"id":1,"name":7}`, `{"id":1,"name":"7"}`, `type name`},
		{`{"id":1,"name":true}`, `{"id":1,"name":"true"}`, `type name`},
		{`{"id":1,"name":{"a":1}}`, `{"id":1}`, `type name`},
		{`{"id":1,"data":{"a":[1,null]}}`, `{"data":"{\"a\":[1,null]}","id":1}`, `type data`},
		{`{"id":"1"}`, `{"id":1}`, `type id`},
		{`{"id":1.0}`, `{"id":1}`, `type id`},
		{`{"id":" 8.9 "}`, `{"id":8}`, `type id`},
		{`{"id":"one"}`, `{}`, `type id, required id`},
		{`{"id":99999999999999999999}`, `{}`, `type id, required id`},
		{`{"id":null}`, `{}`, `null id, required id`},
		{`{}`, ``, `required id`},
		{`{"id":10}`, ``, `range id`},
		{`{"id":-1}`, ``, `range id`},
		{`{"ID":1}`, ``, ``},
		{`{"id":1,"value":"1.50"}`, `{"id":1,"value":1.5}`, `type value`},
		{`{"id":1,"value":1e999}`, `{"id":1}`, `type value`},
		{`{"id":1,"on":"TRUE"}`, `{"id":1,"on":true}`, `type on`},
		{`{"id":1,"on":0}`, `{"id":1,"on":false}`, `type on`},
		{`{"id":1,"on":"maybe"}`, `{"id":1}`, `type on`},
		{`{"id":1,"at":"2026-01-31T12:00:00+01:00"}`, ``, ``},
		{`{"id":1,"at":"2026-01-31 12:00:00"}`, ``, `format at`},
		{`{"id":1,"at":"noon"}`, ``, `format at`},
		{`{"id":1,"at":1700000000}`, `{"at":"1700000000","id":1}`, `type at`},
		{`{"id":1,"state":"C"}`, ``, `enum state`},
		{`{"id":1,"state":" b "}`, `{"id":1,"state":"B"}`, `enum state`},
		{`{"id":1,"id":2}`, ``, `duplicate id`},
		{`{"id":1,"ID":"2"}`, `{"ID":2,"id":1}`, `duplicate id, type id`},
		{`{"id":1,"any":null}`, ``, ``},
		{`{"id":1,"customData":[]}`, `{"id":1}`, `type customData`},
		{`{"id":1,"customData":{"x":[{}]}}`, ``, ``},
		{`{"id":1,"extra":{"deep":["}",{"\"":1}]},"name":"a"}`, ``, `additional extra`},
		{`{"id":1,"sub":[]}`, ``, `items sub`},
		{`{"id":1,"sub":[{"x":1},{"x":2},{"x":3}]}`, ``, `items sub`},
		{`{"id":1,"sub":{"x":"4"}}`, `{"id":1,"sub":[{"x":4}]}`, `type sub, type sub[0].x`},
		{`{"id":1,"sub":[{"x":1},{}]}`, ``, `required sub[1].x`},
		{`{"id":1,"sub":[{"x":1},7]}`, `{"id":1,"sub":[{"x":1}]}`, `type sub[1]`},
		{`null`, `{}`, `payload , required id`},
		{`[]`, `{}`, `payload , required id`},
	} {
		if c.out == "" {
			c.out = c.in
		}
		out, problems, err := Conform(shape, json.RawMessage(c.in))
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		var seen []string
		for _, p := range problems {
			seen = append(seen, p.Rule+" "+p.Path)
		}
		if got := strings.Join(seen, ", "); string(out) != c.out || got != c.problems {
			t.Errorf("%s\ngot  %s (%s)\nwant %s (%s)", c.in, out, got, c.out, c.problems)
		}
	}
	for _, in := range []string{``, `{`, `"x"`, `[1]`, `7`, `{"id":}`, `{"id":1}}`} {
		var call *CallError
		if _, _, err := Conform(shape, json.RawMessage(in)); !errors.As(err, &call) || call.Code != CodeFormatViolation {
			t.Errorf("%s: got %v, want FormatViolation", in, err)
		}
	}
}

// TestConformAlwaysDecodes feeds arbitrary JSON of the right names: whatever
// comes out decodes.
func TestConformAlwaysDecodes(t *testing.T) {
	t.Parallel()
	value := rapid.Custom(func(t *rapid.T) any {
		return rapid.SampledFrom([]any{nil, true, "x", "12", 3.5, -7, "2026-01-31", []any{}, []any{nil}, map[string]any{}, map[string]any{"id": "1"}, []any{map[string]any{"timestamp": 5}}}).Draw(t, "value")
	})
	rapid.Check(t, func(t *rapid.T) {
		action := rapid.SampledFrom(Messages.Actions()).Draw(t, "action")
		e := Messages.Find(action)
		m := map[string]any{}
		for _, f := range e.Request.Fields {
			if rapid.Bool().Draw(t, "present") {
				m[f.Name] = value.Draw(t, f.Name)
			}
		}
		in, _ := json.Marshal(m)
		if _, err := Read(e.Request, in, e.NewRequest()); err != nil {
			t.Fatalf("%s %s: %v", action, in, err)
		}
	})
}

func BenchmarkReadTransactionEvent(b *testing.B) {
	in := json.RawMessage(`{"eventType":"Updated","timestamp":"2026-01-31T12:00:00.000Z","triggerReason":"MeterValuePeriodic","seqNo":7,"transactionInfo":{"transactionId":"0191b8a2-7c1e-7f00-8000-000000000001","chargingState":"Charging"},"evse":{"id":1,"connectorId":1},"meterValue":[{"timestamp":"2026-01-31T12:00:00.000Z","sampledValue":[{"value":12345.6,"measurand":"Energy.Active.Import.Register","unitOfMeasure":{"unit":"Wh"}},{"value":7200,"measurand":"Power.Active.Import","unitOfMeasure":{"unit":"W"}},{"value":48,"measurand":"SoC","location":"EV"}]}]}`)
	shape := Messages.Find("TransactionEvent").Request
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read(shape, in, new(TransactionEventRequest)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkConformTransactionEvent(b *testing.B) {
	in := json.RawMessage(`{"eventType":"Updated","timestamp":"2026-01-31T12:00:00.000Z","triggerReason":"MeterValuePeriodic","seqNo":7,"transactionInfo":{"transactionId":"0191b8a2-7c1e-7f00-8000-000000000001","chargingState":"Charging"},"evse":{"id":1,"connectorId":1},"meterValue":[{"timestamp":"2026-01-31T12:00:00.000Z","sampledValue":[{"value":12345.6,"measurand":"Energy.Active.Import.Register","unitOfMeasure":{"unit":"Wh"}},{"value":7200,"measurand":"Power.Active.Import","unitOfMeasure":{"unit":"W"}},{"value":48,"measurand":"SoC","location":"EV"}]}]}`)
	shape := Messages.Find("TransactionEvent").Request
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Conform(shape, in); err != nil {
			b.Fatal(err)
		}
	}
}
