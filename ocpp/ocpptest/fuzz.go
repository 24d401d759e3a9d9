package ocpptest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// FuzzHandle feeds a dialect with anything a station could send.
//
//   - It does not panic, fails with a *ocpp.CallError only, and answers what
//     the schema of its version allows.
//   - No event is lost: a message about transactions, meters, statuses or
//     security is either refused or told to the platform, and one that the
//     schema allows is not refused.
//   - Memory is bounded: what becomes of a message is in proportion to it.
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
		r := &Recorder{}
		out, err := d.Handle(ctx, r, ocpp.Peer{Version: d.Version()}, action, payload)
		bounded(t, r, payload)
		if err != nil {
			var call *ocpp.CallError
			if !errors.As(err, &call) || call.Code == "" || out != nil {
				t.Fatalf("%s %s: %v (answer %s)", action, payload, err, out)
			}
			if slices.Contains(events, action) && allowed(c, action, payload) {
				t.Fatalf("%s %s is what the schema allows, but refused: %v", action, payload, err)
			}
			return
		}
		if slices.Contains(events, action) && len(r.Calls) == 0 && !empty(r, payload) {
			t.Fatalf("%s %s: answered, but nobody was told", action, payload)
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

// events are the messages that must not be lost.
var events = []string{"StartTransaction", "StopTransaction", "TransactionEvent", "StatusNotification", "MeterValues", "SecurityEventNotification",
	"BootNotification", "FirmwareStatusNotification", "SignedFirmwareStatusNotification", "LogStatusNotification", "DiagnosticsStatusNotification",
	"NotifyEvent", "NotifyReport", "NotifyPeriodicEventStream"}

// empty reports meter values in which there is nothing to tell: none, or only
// readings that are no numbers, each of which is reported.
func empty(r *Recorder, payload []byte) bool {
	return len(r.Deviations) > 0 || !bytes.Contains(payload, []byte("sampledValue"))
}

// allowed reports whether the schema allows the message.
func allowed(c *ocpp.Catalogue, action string, payload []byte) bool {
	e := c.Find(action)
	if e == nil {
		return false
	}
	_, problems, err := ocpp.Conform(e.Request, payload)
	return err == nil && len(problems) == 0
}

// bounded checks that what a message became is in proportion to it.
func bounded(t *testing.T, r *Recorder, payload []byte) {
	t.Helper()
	most := 64<<10 + 64*len(payload)
	size := 0
	for _, d := range r.Deviations {
		size += len(d)
	}
	if text, err := json.Marshal(r.Calls); err == nil {
		size += len(text)
	}
	if size > most || len(r.Deviations) > 64 {
		t.Fatalf("%d bytes became %d, with %d deviations", len(payload), size, len(r.Deviations))
	}
}

// FuzzDecode feeds a dialect with anything a station could answer to the
// commands of the platform: it must not panic, and fail with a fault only.
func FuzzDecode(f *testing.F, d Dialect, c *ocpp.Catalogue) {
	f.Helper()
	requests := map[string]ocpp.Request{}
	for _, action := range ocpp.Commands() {
		if req := sayable(d, action); req != nil {
			requests[action] = req
			if e := c.Find(action); e != nil {
				for _, m := range []map[string]any{minimal(e.Response), maximal(e.Response, 1)} {
					payload, _ := json.Marshal(m)
					f.Add(action, payload)
				}
			}
			for _, payload := range []string{"", "null", "[]", `{"status":7}`, `{"status":null}`, `{"status":"Accepted","configurationKey":[{}]}`} {
				f.Add(action, []byte(payload))
			}
		}
	}
	f.Fuzz(func(t *testing.T, action string, payload []byte) {
		req := requests[action]
		if req == nil {
			return
		}
		resp, err := d.Decode(req, payload)
		if err != nil {
			if fault.Of(err) == nil || resp != nil {
				t.Fatalf("%s answered %s: %v", action, payload, err)
			}
			return
		}
		text, err := json.Marshal(resp)
		if err != nil || len(text) > 64<<10+64*len(payload) {
			t.Fatalf("%s: %d bytes became %d: %v", action, len(payload), len(text), err)
		}
	})
}

// sayable gives a request of the action that the version can say; nil without
// one.
func sayable(d Dialect, action string) ocpp.Request {
	for i := range 300 {
		req := ocpp.NewRequest(action)
		if json.Unmarshal(Instance(ocpp.Messages.Find(action).Request, i), req) != nil {
			continue
		}
		if _, _, err := d.Encode(req); err == nil {
			return req
		}
	}
	return nil
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
