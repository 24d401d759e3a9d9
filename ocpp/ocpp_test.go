package ocpp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/unit"
)

func TestDateTime(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		in     string
		want   time.Time
		strict bool
	}{
		{"2026-01-31T12:00:00Z", noon, true},
		{"2026-01-31T12:00:00.740Z", noon.Add(740 * time.Millisecond), true},
		{"2026-01-31T13:00:00+01:00", noon, true},
		{"2026-01-31T12:00:00", noon, false},
		{"2026-01-31T12:00:00.5", noon.Add(time.Second / 2), false},
		{"2026-01-31 12:00:00", noon, false},
		{"2026-01-31 12:00:00 UTC", noon, false},
		{"2026-01-31t12:00:00z", noon, false},
		{" 2026-01-31T12:00:00Z ", noon, false},
		{"2026-01-31T13:00:00+0100", noon, false},
		{"2026-01-31T12:00", noon, false},
		{"2026-01-31", noon.Add(-12 * time.Hour), false},
		{"2026-01-31T12:00:00,000Z", noon, false},
		{"20260131T120000Z", noon, false},
		{"2026/01/31 12:00:00", noon, false},
		{"1769860800", noon, false},
		{"1769860800000", noon, false},
		{"1970-01-01T00:00:00.740Z", time.UnixMilli(740).UTC(), true},
	} {
		got, strict, err := ParseDateTime(c.in)
		if err != nil || !got.Equal(c.want) || strict != c.strict {
			t.Errorf("%q: got %v %v %v, want %v %v", c.in, got, strict, err, c.want, c.strict)
		}
	}
	for _, in := range []string{"", "noon", "31.01.2026", "2026-13-01T00:00:00Z"} {
		if _, _, err := ParseDateTime(in); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: got %v, want invalid", in, err)
		}
	}
	out, err := json.Marshal(AtTime(noon.Add(1234567 * time.Nanosecond).In(time.FixedZone("", 3600))))
	if err != nil || string(out) != `"2026-01-31T12:00:00.001Z"` {
		t.Errorf("got %s %v", out, err)
	}
	var d DateTime
	if err := json.Unmarshal([]byte(`"never"`), &d); err != nil || !d.IsZero() || d.Pointer() != nil {
		t.Errorf("an unreadable time: got %v %v, want zero and no error", d, err)
	}
}

// The codes of 1.6 are spelled as OCPP-J 1.6 §4.2.3 does, typing error included.
func TestErrorCodes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err       error
		v16, v201 string
		text      string
	}{
		{&CallError{Code: CodeFormatViolation, Description: "x"}, "FormationViolation", "FormatViolation", "x"},
		{&CallError{Code: CodeOccurrenceConstraintViolation}, "OccurenceConstraintViolation", "OccurrenceConstraintViolation", ""},
		{&CallError{Code: CodeMessageTypeNotSupported}, "GenericError", "MessageTypeNotSupported", ""},
		{fmt.Errorf("wrapped: %w", &CallError{Code: CodeNotSupported}), "NotSupported", "NotSupported", ""},
		{fault.New(fault.Invalid, "x", "wrong"), "PropertyConstraintViolation", "PropertyConstraintViolation", "wrong"},
		{fault.New(fault.Forbidden, "x", "not you"), "SecurityError", "SecurityError", "not you"},
		{fault.New(fault.Unsupported, "x", "cannot"), "NotSupported", "NotSupported", "cannot"},
		{fault.New(fault.Unavailable, "x", "later"), "InternalError", "InternalError", "later"},
		{fault.New(fault.Internal, "x", "secret"), "InternalError", "InternalError", ""},
		{errors.New("secret"), "InternalError", "InternalError", ""},
		{fault.New(fault.Invalid, "x", "%s", strings.Repeat("ä", 300)), "PropertyConstraintViolation", "PropertyConstraintViolation", strings.Repeat("ä", 255)},
	} {
		for v, want := range map[Version]string{V16: c.v16, V201: c.v201, V21: c.v201} {
			got := v.AsCallError(c.err)
			if got.Code != want || got.Description != c.text {
				t.Errorf("%v in %s: got %s %q, want %s %q", c.err, v, got.Code, got.Description, want, c.text)
			}
		}
	}
	err := V16.AsCallError(fault.New(fault.Unavailable, "db.busy", "later"))
	if !fault.Is(err, fault.Unavailable) {
		t.Error("the cause of a CALLERROR is lost to the log")
	}
}

func TestCompareDecimal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		coef, n int64
		exp     int
		want    int
	}{
		{0, 0, 0, 0}, {1, 0, -40, 1}, {-1, 0, -40, -1}, {1001, 100, -1, 1}, {1000, 100, -1, 0}, {999, 100, -1, -1},
		{1, 100, 2, 0}, {1, 100, 30, 1}, {-1, 100, 30, -1}, {1, 1 << 60, -18, -1}, {-1, -1 << 60, -18, 1}, {5, 100, 0, -1},
	} {
		if got := compare(unit.DecimalOf(c.coef, c.exp), c.n); got != c.want {
			t.Errorf("%de%d with %d: got %d, want %d", c.coef, c.exp, c.n, got, c.want)
		}
	}
}

func TestRequire(t *testing.T) {
	t.Parallel()
	missing := []Problem{{Path: "idToken", Rule: "required"}, {Path: "evseId", Rule: "type"}, {Path: "evseId", Rule: "required"}, {Path: "id", Rule: "type"}}
	for path, want := range map[string]string{
		"idToken":         CodeOccurrenceConstraintViolation,
		"idToken.idToken": CodeOccurrenceConstraintViolation, // the whole object is missing
		"idTokenInfo":     "",
		"evseId":          CodeTypeConstraintViolation,
		"id":              "", // of the wrong type, but repaired
	} {
		got := ""
		if err := Require(missing, path); err != nil {
			got = err.(*CallError).Code
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

// deviations is a CSMS of which only Deviation is called.
type deviations struct {
	CSMS
	seen []string
}

func (d *deviations) Deviation(_ context.Context, _ Peer, v Deviation) {
	d.seen = append(d.seen, v.Code+" "+v.Detail)
}

func TestReportOncePerField(t *testing.T) {
	t.Parallel()
	var problems []Problem
	for i := range 500 {
		problems = append(problems, Problem{Path: fmt.Sprintf("meterValue[%d].unit", i), Rule: "enum", Message: "m"})
	}
	d := &deviations{}
	Report(context.Background(), d, Peer{}, "MeterValues", problems)
	if len(d.seen) != 1 || d.seen[0] != "enum meterValue[0].unit: m" {
		t.Errorf("got %q", d.seen)
	}
	problems = nil
	for i := range 30 {
		problems = append(problems, Problem{Path: fmt.Sprintf("field%d", i), Rule: "additional"})
	}
	d = &deviations{}
	Report(context.Background(), d, Peer{}, "MeterValues", problems)
	if len(d.seen) != 10 || d.seen[9] != "many and 21 more" {
		t.Errorf("got %d: %q", len(d.seen), d.seen)
	}
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	for _, action := range Messages.Actions() {
		if r := NewRequest(action); r == nil || r.Action() != action {
			t.Errorf("%s: got %v", action, r)
		}
		if (NewResponse(action) == nil) != (action == "NotifyPeriodicEventStream") {
			t.Errorf("%s: got response %v", action, NewResponse(action))
		}
	}
	if NewRequest("StartTransaction") != nil || NewResponse("StartTransaction") != nil {
		t.Error("a 1.6 message is no neutral one")
	}
	for action := range served {
		if NewRequest(action) == nil {
			t.Errorf("%s is served, but is no message of 2.1", action)
		}
	}
}

func TestRawRequest(t *testing.T) {
	t.Parallel()
	d := &Translator{OCPP: V21, Messages: Messages}
	action, payload, err := d.Encode(&RawRequest{Name: "Vendor", Payload: json.RawMessage(`{"any": 1}`)})
	if err != nil || action != "Vendor" || string(payload) != `{"any": 1}` {
		t.Errorf("got %s %s %v", action, payload, err)
	}
	for _, bad := range []*RawRequest{{Payload: json.RawMessage(`{}`)}, {Name: "X"}, {Name: "X", Payload: json.RawMessage(`[1]`)}, {Name: "X", Payload: json.RawMessage(`null`)}} {
		if _, _, err := d.Encode(bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s %s: got %v, want invalid", bad.Name, bad.Payload, err)
		}
	}
	resp, err := d.Decode(&RawRequest{Name: "Vendor"}, json.RawMessage(`{"x":1}`))
	if out, _ := json.Marshal(resp); err != nil || string(out) != `{"x":1}` {
		t.Errorf("got %s %v", out, err)
	}
}

func TestValidateNamesThePlace(t *testing.T) {
	t.Parallel()
	m := &SetVariablesRequest{SetVariableData: []SetVariableData{
		{AttributeValue: "1", Component: Component{Name: "A"}, Variable: Variable{Name: "B"}},
		{AttributeType: "Sometimes", Component: Component{Name: strings.Repeat("x", 51), EVSE: &EVSE{ID: -1}}, Variable: Variable{Name: "B"}, CustomData: json.RawMessage(`{}`)},
	}}
	var got []string
	for _, p := range m.Validate() {
		got = append(got, p.Rule+" "+p.Path)
	}
	want := "enum setVariableData[1].attributeType, range setVariableData[1].component.evse.id, max_length setVariableData[1].component.name, required setVariableData[1].customData.vendorId"
	if strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
	if _, err := Write(m); !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v, want invalid", err)
	}
}

func TestBoot16(t *testing.T) {
	t.Parallel()
	want := Boot16{ChargeBoxSerialNumber: "B", MeterType: "MID", MeterSerialNumber: "M"}
	c := ChargingStation{CustomData: want.CustomData()}
	if got := c.Boot16(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if (Boot16{}).CustomData() != nil {
		t.Error("an empty extension is sent")
	}
	for _, other := range []string{``, `{}`, `{"vendorId":"acme","meterType":"x"}`, `[1]`} {
		if got := (&ChargingStation{CustomData: json.RawMessage(other)}).Boot16(); got != (Boot16{}) {
			t.Errorf("%s: got %+v", other, got)
		}
	}
}
