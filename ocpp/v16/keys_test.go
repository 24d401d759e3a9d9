package v16

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/ocpp"
)

func TestKeysAreOneToOne(t *testing.T) {
	t.Parallel()
	if len(keyOf) != len(keys) {
		t.Errorf("%d keys have %d variables: two keys share one", len(keys), len(keyOf))
	}
	for k := range keys {
		c, v, _ := variable(k)
		if back, ok := key(c, v); !ok || back != k {
			t.Errorf("%s became %s.%s and came back as %q", k, c.Name, v.Name, back)
		}
		if c.Name == KeyComponent {
			t.Errorf("%s is in the table and yet in %s", k, KeyComponent)
		}
	}
}

// TestNoKeyIsLost takes any key a station may have, standard or its own.
func TestNoKeyIsLost(t *testing.T) {
	t.Parallel()
	standard := make([]string, 0, len(keys))
	for k := range keys {
		standard = append(standard, k)
	}
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.OneOf(rapid.StringN(1, 50, -1), rapid.SampledFrom(standard)).Draw(t, "key")
		c, v, _ := variable(k)
		back, ok := key(c, v)
		if !ok || !strings.EqualFold(back, k) {
			t.Fatalf("%q became %s.%s and came back as %q", k, c.Name, v.Name, back)
		}
		// Through the messages: a set of the variable is a set of the key.
		sent, err := encodeSetVariables(&ocpp.SetVariablesRequest{SetVariableData: []ocpp.SetVariableData{{Component: c, Variable: v, AttributeValue: "x"}}})
		if err != nil || sent.(*ChangeConfigurationRequest).Key != back {
			t.Fatalf("%q: sent %v, %v", k, sent, err)
		}
	})
}

func TestKeyOfOtherVariables(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		component, instance, variable, variableInstance string
		evse                                            int
		want                                            string
	}{
		{"OCPPCommCtrlr", "", "HeartbeatInterval", "", 0, "HeartbeatInterval"},
		{"ocppcommctrlr", "", "heartbeatinterval", "", 0, "HeartbeatInterval"}, // names are compared without case
		{"OCPPCommCtrlr", "", "HeartbeatInterval", "", 1, ""},
		{"OCPPCommCtrlr", "2", "HeartbeatInterval", "", 0, ""},
		{"OCPPCommCtrlr", "", "MessageAttempts", "TransactionEvent", 0, "TransactionMessageAttempts"},
		{"OCPPCommCtrlr", "", "MessageAttempts", "", 0, ""},
		{"OCPP16", "", "LightIntensity", "", 0, "LightIntensity"},
		{"OCPP16", "", "", "", 0, ""},
	} {
		got, _ := key(ocpp.Component{Name: c.component, Instance: c.instance, EVSE: &ocpp.EVSE{ID: c.evse}}, ocpp.Variable{Name: c.variable, Instance: c.variableInstance})
		if got != c.want {
			t.Errorf("%+v: got %q", c, got)
		}
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ key, wire, neutral, back string }{
		{"LocalPreAuthorize", "TRUE", "true", "true"},
		{"localpreauthorize", " False ", "false", "false"},
		{"LocalPreAuthorize", "maybe", "maybe", "maybe"},
		{"HeartbeatInterval", " 300", "300", "300"},
		{"MeterValuesSampledData", "SoC, Voltage", "SoC,Voltage", "SoC,Voltage"},
		{"MeterValuesSampledData", "", "", ""},
		{"ChargingScheduleAllowedChargingRateUnit", "Current,Power", "A,W", "Current,Power"},
		{"ChargingScheduleAllowedChargingRateUnit", "W", "W", "Power"},
		{"VendorKey", " As It Is ", " As It Is ", " As It Is "},
	} {
		got := fromValue(c.key, c.wire)
		if got != c.neutral || toValue(c.key, got) != c.back {
			t.Errorf("%s=%q: got %q, back %q", c.key, c.wire, got, toValue(c.key, got))
		}
	}
}

func TestSplitAndJoin(t *testing.T) {
	t.Parallel()
	d := New()
	one := ocpp.SetVariableData{Component: ocpp.Component{Name: KeyComponent}, Variable: ocpp.Variable{Name: "A"}, AttributeValue: "1"}
	two := one
	two.Variable.Name = "B"
	if got := d.Split(&ocpp.SetVariablesRequest{SetVariableData: []ocpp.SetVariableData{one}}); got != nil {
		t.Errorf("one variable is split: %v", got)
	}
	if got := d.Split(&ocpp.ResetRequest{}); got != nil {
		t.Errorf("a reset is split: %v", got)
	}
	parts := d.Split(&ocpp.SetVariablesRequest{SetVariableData: []ocpp.SetVariableData{one, two}})
	replies := []string{`{"status":"Accepted"}`, `{"status":"RebootRequired"}`}
	var answers []ocpp.Response
	for i, p := range parts {
		if _, _, err := d.Encode(p); err != nil {
			t.Fatal(err)
		}
		a, err := d.Decode(p, json.RawMessage(replies[i]))
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, a)
	}
	joined := d.Join(answers).(*ocpp.SetVariablesResponse)
	if problems := joined.Validate(); len(parts) != 2 || len(problems) > 0 {
		t.Fatalf("%d parts, %v", len(parts), problems)
	}
	for i, want := range []ocpp.SetVariableStatusEnum{ocpp.SetVariableStatusEnumAccepted, ocpp.SetVariableStatusEnumRebootRequired} {
		r := joined.SetVariableResult[i]
		if r.AttributeStatus != want || r.Variable.Name != []string{"A", "B"}[i] {
			t.Errorf("part %d: got %+v", i, r)
		}
	}
}

func TestFollowReportsEveryKey(t *testing.T) {
	t.Parallel()
	req := &ocpp.GetBaseReportRequest{RequestID: 7, ReportBase: ocpp.ReportBaseEnumFullInventory}
	got, err := New().Follow(req, json.RawMessage(`{"configurationKey":[{"key":"HeartbeatInterval","readonly":false,"value":"300"},{"key":"NumberOfConnectors","readonly":"true","value":2},{"key":"Vendor"}]}`))
	if err != nil || len(got) != 1 {
		t.Fatalf("got %v %v", got, err)
	}
	report := got[0].(*ocpp.NotifyReportRequest)
	report.GeneratedAt = ocpp.DateTime{Time: report.GeneratedAt.AddDate(2025, 0, 0)} // the caller's part
	if problems := report.Validate(); len(problems) > 0 {
		t.Errorf("the report is not valid: %v", problems)
	}
	out, _ := json.Marshal(report.ReportData)
	want := `[{"component":{"name":"OCPPCommCtrlr"},"variable":{"name":"HeartbeatInterval"},"variableAttribute":[{"type":"Actual","value":"300","mutability":"ReadWrite"}],"variableCharacteristics":{"dataType":"integer","supportsMonitoring":false}},` +
		`{"component":{"name":"OCPP16"},"variable":{"name":"NumberOfConnectors"},"variableAttribute":[{"type":"Actual","value":"2","mutability":"ReadOnly"}],"variableCharacteristics":{"dataType":"string","supportsMonitoring":false}},` +
		`{"component":{"name":"OCPP16"},"variable":{"name":"Vendor"},"variableAttribute":[{"type":"Actual","mutability":"ReadWrite"}],"variableCharacteristics":{"dataType":"string","supportsMonitoring":false}}]`
	if string(out) != want {
		t.Errorf("got  %s\nwant %s", out, want)
	}
	if got, err := New().Follow(&ocpp.ResetRequest{}, json.RawMessage(`{}`)); got != nil || err != nil {
		t.Errorf("a reset is followed by %v %v", got, err)
	}
}
