package rpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/forecourt-ev/forecourt/ocpp"
)

var versions = []ocpp.Version{ocpp.V16, ocpp.V201, ocpp.V21}

// TestParseGood holds what is accepted, and with which quirks.
func TestParseGood(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`[`, 40) + strings.Repeat(`]`, 40)
	for _, c := range []struct {
		in, id, action, payload string
		typ                     Type
		quirks                  string
	}{
		{`[2,"1","Heartbeat",{}]`, "1", "Heartbeat", `{}`, Call, ""},
		{" [ 2 ,\r\n\"1\",\t\"Heartbeat\" , { } ]\n\n", "1", "Heartbeat", `{ }`, Call, ""},
		{`[2,"1","Heartbeat",[]]`, "1", "Heartbeat", `{}`, Call, "empty_payload"},
		{`[2,"1","Heartbeat",[ ]]`, "1", "Heartbeat", `{}`, Call, "empty_payload"},
		{`[2,"1","Heartbeat",null]`, "1", "Heartbeat", `{}`, Call, "empty_payload"},
		{`[2,"1","Heartbeat"]`, "1", "Heartbeat", `{}`, Call, "empty_payload"},
		{`[2,17,"Heartbeat",{}]`, "17", "Heartbeat", `{}`, Call, "numeric_id"},
		{`["2","1","Heartbeat",{}]`, "1", "Heartbeat", `{}`, Call, "text_type"},
		{`[2,"","Heartbeat",{}]`, "", "Heartbeat", `{}`, Call, "empty_id"},
		{`[2,"` + strings.Repeat("a", 37) + `","Heartbeat",{}]`, strings.Repeat("a", 37), "Heartbeat", `{}`, Call, "long_id"},
		{`[2,"36:367","MeterValues",{"a":1}]`, "36:367", "MeterValues", `{"a":1}`, Call, ""},
		{`[2,"1","Vendor \"X\"",{}]`, "1", `Vendor "X"`, `{}`, Call, ""},
		{`[2,"1","Heartbeat",{},{"ext":1}]`, "1", "Heartbeat", `{}`, Call, "extra_elements"},
		{"[2,\"1\",\"Heartbeat\",{}]\x00\x00", "1", "Heartbeat", `{}`, Call, "trailing_bytes"},
		{"\xef\xbb\xbf[2,\"1\",\"Heartbeat\",{}]", "1", "Heartbeat", `{}`, Call, "trailing_bytes"},
		{`[2,"1","DataTransfer",{"data":"a\u0000b\\u0000"}]`, "1", "DataTransfer", `{"data":"ab\\u0000"}`, Call, "nul_character"},
		{"[2,\"1\",\"DataTransfer\",{\"data\":\"\xff\"}]", "1", "DataTransfer", "{\"data\":\"\ufffd\"}", Call, "not_utf8"},
		{`[2,"1","MeterValues",{"transactionId":,"a":"x:,y"}]`, "1", "MeterValues", `{"transactionId":null,"a":"x:,y"}`, Call, "missing_value"},
		{`[2,"1","MeterValues",{"transactionId": }]`, "1", "MeterValues", `{"transactionId":null}`, Call, "missing_value"},
		{`[2,"1","Heartbeat",{},]`, "1", "Heartbeat", `{}`, Call, "stray_comma"},
		{`[2,"1","MeterValues",{,"a":[1,,2,],"b":{"c":1,},}]`, "1", "MeterValues", `{"a":[1,2],"b":{"c":1}}`, Call, "stray_comma"},
		{"[2,\"1\",\"DataTransfer\",{\"a\":\"x\ny\x00\"}]", "1", "DataTransfer", `{"a":"x\u000ay"}`, Call, "control_character"},
		{`[2,"1","DataTransfer",{"a":"C:\S\x"}]`, "1", "DataTransfer", `{"a":"C:\\S\\x"}`, Call, "control_character"},
		{`[2,"1","MeterValues",{"a":NaN,"b":True,"c":None,"d":-Infinity,"e":007,"f":+5,"g":.5,"h":-5.}]`, "1", "MeterValues",
			`{"a":null,"b":true,"c":null,"d":null,"e":7,"f":5,"g":0.5,"h":-5}`, Call, "bad_literal"},
		{`[2,"1","StopTransaction",{"transactionId":7,"meterStop":4711,"transactionData":[{"timestamp":"2026-01-01T00:00:00Z","sampledValue":[{"value":"47`, "1",
			"StopTransaction", `{"transactionId":7,"meterStop":4711,"transactionData":[{"timestamp":"2026-01-01T00:00:00Z","sampledValue":[{}]}]}`, Call, "truncated"},
		{`[2,"1","StopTransaction",{"transactionId":7,"meterStop":47`, "1", "StopTransaction", `{"transactionId":7}`, Call, "truncated"},
		{`[2,"1","StopTransaction",{"transactionId":7,"meterStop":`, "1", "StopTransaction", `{"transactionId":7}`, Call, "truncated"},
		{`[2,"1","metervalues",{"a":1}]`, "1", "MeterValues", `{"a":1}`, Call, "action_case"},
		{`[2,"1","DataTransfer",{"data":` + deep + `}]`, "1", "DataTransfer", `{"data":` + deep + `}`, Call, ""},
		{`[3,"1",{"status":"Accepted"}]`, "1", "", `{"status":"Accepted"}`, CallResult, ""},
		{`[3,"1",[]]`, "1", "", `{}`, CallResult, "empty_payload"},
		{`[3,"1"]`, "1", "", `{}`, CallResult, "empty_payload"},
	} {
		for _, v := range versions {
			f, err := Parse(v, []byte(c.in))
			if err != nil {
				t.Errorf("%s %s: %v", v, c.in, err)
				continue
			}
			if f.Type != c.typ || f.ID != c.id || f.Action != c.action || string(f.Payload) != c.payload {
				t.Errorf("%s %s: got %+v", v, c.in, f)
			}
			if got := strings.Join(f.Quirks.Names(), " "); got != c.quirks {
				t.Errorf("%s %s: quirks %q, want %q", v, c.in, got, c.quirks)
			}
		}
	}
}

func TestParseCallError(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, code, description, details, quirks string }{
		{`[4,"1","NotSupported","no",{"a":1}]`, "NotSupported", "no", `{"a":1}`, ""},
		{`[4,"1","FormationViolation","",{}]`, ocpp.CodeFormatViolation, "", `{}`, ""},
		{`[4,"1","OccurenceConstraintViolation","",{}]`, ocpp.CodeOccurrenceConstraintViolation, "", `{}`, ""},
		{`[4,"1"," GenericError"]`, ocpp.CodeGenericError, "", `{}`, "short_error"},
		{`[4,"1","GenericError",null,null]`, ocpp.CodeGenericError, "", `{}`, "short_error"},
		{`[4,"1","GenericError","x","y",3]`, ocpp.CodeGenericError, "x", `{}`, "extra_elements short_error"},
	} {
		for _, v := range versions {
			f, err := Parse(v, []byte(c.in))
			if err != nil {
				t.Errorf("%s %s: %v", v, c.in, err)
				continue
			}
			if f.Type != CallError || f.Code != c.code || f.Description != c.description || string(f.Details) != c.details {
				t.Errorf("%s %s: got %+v", v, c.in, f)
			}
			if got := strings.Join(f.Quirks.Names(), " "); got != c.quirks {
				t.Errorf("%s %s: quirks %q, want %q", v, c.in, got, c.quirks)
			}
		}
	}
}

// badFrames is the golden table: every kind of bad frame, and what each
// version answers ("" is silence).
var badFrames = []struct {
	in             string
	reason         Reason
	v16, v201, v21 string
}{
	{``, Empty, ``, `[4,"-1","RpcFrameworkError"`, `[4,"-1","RpcFrameworkError"`},
	{"  \n", Empty, ``, `[4,"-1","RpcFrameworkError"`, `[4,"-1","RpcFrameworkError"`},
	{`hello`, NotJSON, ``, `[4,"-1","RpcFrameworkError"`, `[4,"-1","RpcFrameworkError"`},
	{`{"a":1}`, NotArray, ``, `[4,"-1","RpcFrameworkError"`, `[4,"-1","RpcFrameworkError"`},
	{`"x"`, NotArray, ``, `[4,"-1","RpcFrameworkError"`, `[4,"-1","RpcFrameworkError"`},
	{`[`, NotJSON, ``, `[4,"-1","RpcFrameworkError"`, `[4,"-1","RpcFrameworkError"`},
	{`[]`, TypeUnreadable, ``, `[4,"-1","RpcFrameworkError"`, `[4,"-1","RpcFrameworkError"`},
	{`[true,"1"]`, TypeUnreadable, ``, `[4,"-1","RpcFrameworkError"`, `[4,"-1","RpcFrameworkError"`},
	{`["","1"]`, TypeUnreadable, ``, `[4,"-1","RpcFrameworkError"`, `[4,"-1","RpcFrameworkError"`},
	{`[2.5,"1","Heartbeat",{}]`, TypeUnreadable, ``, `[4,"-1","RpcFrameworkError"`, `[4,"-1","RpcFrameworkError"`},
	{`[-2,"1","Heartbeat",{}]`, TypeUnreadable, ``, `[4,"-1","RpcFrameworkError"`, `[4,"-1","RpcFrameworkError"`},
	{`[1,"1","Heartbeat",{}]`, TypeUnknown, ``, `[4,"1","MessageTypeNotSupported"`, `[4,"1","MessageTypeNotSupported"`},
	{`[7,"1","Heartbeat",{}]`, TypeUnknown, ``, `[4,"1","MessageTypeNotSupported"`, `[4,"1","MessageTypeNotSupported"`},
	{`[99]`, TypeUnknown, ``, `[4,"-1","MessageTypeNotSupported"`, `[4,"-1","MessageTypeNotSupported"`},
	{`[5,"1","InternalError","",{}]`, TypeUnknown, ``, `[4,"1","MessageTypeNotSupported"`, `good`},
	{`[6,"1","NotifyPeriodicEventStream",{}]`, TypeUnknown, ``, `[4,"1","MessageTypeNotSupported"`, `good`},
	{`[2]`, IDUnreadable, ``, `[4,"-1","RpcFrameworkError"`, `[4,"-1","RpcFrameworkError"`},
	{`[2,null,"Heartbeat",{}]`, IDUnreadable, ``, `[4,"-1","RpcFrameworkError"`, `[4,"-1","RpcFrameworkError"`},
	{`[2,{},"Heartbeat",{}]`, IDUnreadable, ``, `[4,"-1","RpcFrameworkError"`, `[4,"-1","RpcFrameworkError"`},
	{`[2,"` + strings.Repeat("x", 256) + `","Heartbeat",{}]`, IDTooLong, ``, `[4,"-1","RpcFrameworkError"`, `[4,"-1","RpcFrameworkError"`},
	{`[2,"1"]`, ActionUnreadable, `[4,"1","GenericError"`, `[4,"1","RpcFrameworkError"`, `[4,"1","RpcFrameworkError"`},
	{`[2,"1",{}]`, ActionUnreadable, `[4,"1","GenericError"`, `[4,"1","RpcFrameworkError"`, `[4,"1","RpcFrameworkError"`},
	{`[2,"1","",{}]`, ActionUnreadable, `[4,"1","GenericError"`, `[4,"1","RpcFrameworkError"`, `[4,"1","RpcFrameworkError"`},
	{`[2,7,null,{}]`, ActionUnreadable, `[4,7,"GenericError"`, `[4,7,"RpcFrameworkError"`, `[4,7,"RpcFrameworkError"`},
	{`[2,"1","Heartbeat","text"]`, PayloadNotObject, `[4,"1","FormationViolation"`, `[4,"1","ProtocolError"`, `[4,"1","ProtocolError"`},
	{`[2,"1","Heartbeat",[1]]`, PayloadNotObject, `[4,"1","FormationViolation"`, `[4,"1","ProtocolError"`, `[4,"1","ProtocolError"`},
	{`[2,"1","Heartbeat",{"a":tru}]`, PayloadBroken, `[4,"1","FormationViolation"`, `[4,"1","FormatViolation"`, `[4,"1","FormatViolation"`},
	{`[2,"1","MeterValues",{"a":,]}]`, PayloadBroken, `[4,"1","FormationViolation"`, `[4,"1","FormatViolation"`, `[4,"1","FormatViolation"`},
	{`[2,"1","Heartbeat",{"a":"b`, PayloadBroken, `[4,"1","FormationViolation"`, `[4,"1","FormatViolation"`, `[4,"1","FormatViolation"`},
	{`[2,"1","Heartbeat",{}`, NotJSON, `[4,"1","GenericError"`, `[4,"1","RpcFrameworkError"`, `[4,"1","RpcFrameworkError"`},
	{`[2,"1","Heartbeat",{}]]`, NotJSON, `[4,"1","GenericError"`, `[4,"1","RpcFrameworkError"`, `[4,"1","RpcFrameworkError"`},
	{`[2,"1","A",` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `]`, TooDeep, `[4,"1","FormationViolation"`, `[4,"1","FormatViolation"`, `[4,"1","FormatViolation"`},
	// a reply is never answered by a CALLERROR; 2.1 has CALLRESULTERROR
	{`[3,"1","text"]`, PayloadNotObject, ``, ``, `[5,"1","ProtocolError"`},
	{`[3,"1",{"configurationKey":[]`, PayloadBroken, ``, ``, `[5,"1","FormatViolation"`},
	{`[3]`, IDUnreadable, ``, ``, ``},
	{`[4,"1"]`, CodeUnreadable, ``, ``, ``},
	{`[4,"1",5,"",{}]`, CodeUnreadable, ``, ``, ``},
	{`[4,"1","GenericError","",{"a"`, PayloadBroken, ``, ``, ``},
}

func TestParseBad(t *testing.T) {
	t.Parallel()
	for _, c := range badFrames {
		for i, want := range []string{c.v16, c.v201, c.v21} {
			v := versions[i]
			_, err := Parse(v, []byte(c.in))
			if want == "good" {
				if err != nil {
					t.Errorf("%s %s: %v", v, c.in, err)
				}
				continue
			}
			var bad *BadFrame
			if !errors.As(err, &bad) {
				t.Errorf("%s %s: no error", v, c.in)
				continue
			}
			if bad.Reason != c.reason {
				t.Errorf("%s %s: reason %s, want %s", v, c.in, bad.Reason, c.reason)
			}
			got := ""
			if answer, ok := Answer(v, bad); ok {
				got = string(Append(nil, v, answer))
			}
			if !strings.HasPrefix(got, want) || want == "" && got != "" {
				t.Errorf("%s %s: answer %s, want %s…", v, c.in, got, want)
			}
			if got != "" && !json.Valid([]byte(got)) {
				t.Errorf("%s %s: the answer is not JSON: %s", v, c.in, got)
			}
		}
	}
}

func TestAppendSpelling(t *testing.T) {
	t.Parallel()
	f := Frame{Type: CallError, ID: `a"b`, Code: ocpp.CodeOccurrenceConstraintViolation, Description: strings.Repeat("ü", 300)}
	got := string(Append(nil, ocpp.V16, f))
	if want := `[4,"a\"b","OccurenceConstraintViolation","` + strings.Repeat("ü", 255) + `",{}]`; got != want {
		t.Errorf("got %s", got)
	}
	got = string(Append(nil, ocpp.V201, Frame{Type: CallResult, ID: "5", Quirks: QuirkNumericID}))
	if got != `[3,5,{}]` {
		t.Errorf("got %s", got)
	}
}

// fieldFrames are literal frames of stations in the field.
func fieldFrames(t testing.TB) [][]byte {
	t.Helper()
	text, err := os.ReadFile("../../test/testdata/quirks/frames.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	for line := range bytes.Lines(text) {
		var one struct{ Raw string }
		if err := json.Unmarshal(line, &one); err != nil {
			t.Fatal(err)
		}
		out = append(out, []byte(one.Raw))
	}
	return out
}

// Several frames in one message are dealt with one by one.
func TestFramesInOneMessage(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int{
		`[2,"1","Heartbeat",{}][2,"2","Heartbeat",{}]`:                2,
		"[2,\"1\",\"A\",{}]\n[3,\"2\",{}]\x00[4,\"3\",\"x\",\"\",{}]": 3,
		`[2,"1","Heartbeat",{}]`:                                      0,
		`[2,"1","Heartbeat",{}][2,"2"`:                                0,
		`[2,"1","Heartbeat",{}]{}`:                                    0,
	} {
		if got := len(split([]byte(in))); got != want {
			t.Errorf("%s: %d frames, want %d", in, got, want)
		}
	}
}

// FuzzFrame: the parser never panics, agrees with encoding/json on what JSON
// is, gives payloads that are JSON objects, and reads back what it writes.
func FuzzFrame(f *testing.F) {
	for _, c := range badFrames {
		f.Add([]byte(c.in))
	}
	f.Add([]byte(`[2,"1","MeterValues",{"transactionId":,"a":[1e5,-0.1,"\ud800\u0000"]}]`))
	f.Add([]byte(`[4,"1","GenericError","x",{"a":null}]`))
	f.Add([]byte(`[2,"1",[}`))
	f.Add([]byte(`[2,"1","A",{,"a":[1,,NaN,],"b":+.5,"c":"\S`))
	for _, raw := range fieldFrames(f) {
		f.Add(raw)
		f.Add(raw[:len(raw)/2])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := slices.Clone(data)
		for _, v := range versions {
			frame, err := Parse(v, data)
			if !slices.Equal(before, data) {
				t.Fatal("the input was changed")
			}
			if err != nil {
				bad := err.(*BadFrame)
				if bad.Reason == 0 || bad.Reason.String() == "" {
					t.Fatalf("no reason for %q", data)
				}
				if answer, ok := Answer(v, bad); ok && !json.Valid(Append(nil, v, answer)) {
					t.Fatalf("the answer to %q is not JSON", data)
				}
				continue
			}
			if frame.Quirks&(QuirkTrailing|QuirkMissingValue|QuirkUTF8|QuirkStrayComma|QuirkControl|QuirkLiteral|QuirkTruncated) == 0 && !json.Valid(data) {
				t.Fatalf("accepted %q, which is not JSON", data)
			}
			for _, raw := range []json.RawMessage{frame.Payload, frame.Details} {
				var object map[string]json.RawMessage
				if len(raw) > 0 && json.Unmarshal(raw, &object) != nil {
					t.Fatalf("%q: the payload %q is not an object", data, raw)
				}
			}
			again, err := Parse(v, Append(nil, v, frame))
			if err != nil {
				t.Fatalf("%q does not read back: %v", data, err)
			}
			key := func(f Frame) string {
				return fmt.Sprint(f.Type, f.ID, f.Action, string(f.Payload), v.Spell(f.Code), string(f.Details))
			}
			if key(again) != key(frame) {
				t.Fatalf("%q reads back as %q, not %q", data, key(again), key(frame))
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	data := []byte(`[2,"c4f1f3a4-7b3e-4ed4-9b58-2d6b3f8a1c11","MeterValues",{"connectorId":1,"transactionId":17,"meterValue":[{"timestamp":"2026-01-01T00:00:00Z","sampledValue":[{"value":"1234.5","measurand":"Energy.Active.Import.Register","unit":"Wh"},{"value":"11000","measurand":"Power.Active.Import","unit":"W"},{"value":"57","measurand":"SoC","unit":"Percent"}]}]}]`)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(ocpp.V16, data); err != nil {
			b.Fatal(err)
		}
	}
}
