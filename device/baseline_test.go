package device

import (
	"slices"
	"testing"
)

func ids(rules []Rule) []string {
	var out []string
	for _, r := range rules {
		out = append(out, r.ID)
	}
	return out
}

func TestRulesFor(t *testing.T) {
	t.Parallel()
	general := ids(rulesFor(baseline, kind{Version: "1.6", Vendor: "Acme", Model: "One"}))
	if !slices.Contains(general, "sampled-measurands") || slices.Contains(general, "started-measurands") || slices.Contains(general, "sampled-measurands-abb-terra-ac") {
		t.Errorf("1.6: %v", general)
	}
	abb := ids(rulesFor(baseline, kind{Version: "1.6", Vendor: "ABB", Model: "TAC-W22-T-RD"}))
	if slices.Contains(abb, "sampled-measurands") || !slices.Contains(abb, "sampled-measurands-abb-terra-ac") {
		t.Errorf("ABB: %v", abb)
	}
	if two := ids(rulesFor(baseline, kind{Version: "2.1", Vendor: "ABB", Model: "Terra AC"})); !slices.Contains(two, "sampled-measurands") || !slices.Contains(two, "started-measurands") {
		t.Errorf("2.1: %v", two)
	}
	if _, err := ParseBaseline([]byte(`[{"id":"x","component":"C","variable":"V"}]`)); err == nil {
		t.Error("a rule without candidates is taken")
	}
	if _, err := ParseBaseline([]byte(`[{"id":"x","component":"C","variable":"V","candidates":["1"],"vendor":"("}]`)); err == nil {
		t.Error("a broken expression is taken")
	}
}

func TestSatisfied(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule        Rule
		value, want string
		ok          bool
	}{
		{Rule{}, "Voltage, Energy", "Energy,Voltage", true},
		{Rule{}, "voltage", "Voltage", true},
		{Rule{}, "Voltage", "Energy,Voltage", false},
		{Rule{}, "Energy,Voltage,SoC", "Energy,Voltage", false},
		{Rule{Contains: true}, "Energy,Voltage,SoC", "Energy", true},
		{Rule{Contains: true}, "", "Energy", false},
		{Rule{Least: 5, Most: 60}, "30", "60", true},
		{Rule{Least: 5, Most: 60}, "0", "60", false},
		{Rule{Least: 5, Most: 60}, "61", "60", false},
		{Rule{Least: 5, Most: 60}, "", "60", false},
		{Rule{Least: 5, Most: 60}, "120", "120", true}, // what the station took in its place
	} {
		if got := c.rule.satisfied(c.value, c.want); got != c.ok {
			t.Errorf("%+v: %q for %q: %v", c.rule, c.value, c.want, got)
		}
	}
}

func TestFitting(t *testing.T) {
	t.Parallel()
	r := Rule{Candidates: []string{"A,B,C", "A,B", "A"}}
	for list, want := range map[string][]string{
		"":        {"A,B,C", "A,B", "A"},
		"a, c, x": {"A,C", "A"},
		"x,y":     {"A,B,C", "A,B", "A"},
		"A,B,C,D": {"A,B,C", "A,B", "A"},
	} {
		if got := r.fitting(list); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", list, got, want)
		}
	}
}

func TestSecretsAreMasked(t *testing.T) {
	t.Parallel()
	for name, secret := range map[string]bool{
		"BasicAuthPassword": true, "StationPassword": true, "AuthorizationKey": true, "WifiPSK": true, "wifi_pwd": true, "ApiKey": true, "Secret1": true,
		"HeartbeatInterval": false, "MeterValuesSampledData": false, "PinCode": true, "APN": false,
	} {
		v := Variable{Name: name, Value: "x"}
		if v.mask(); (v.Value == masked) != secret {
			t.Errorf("%s: %q", name, v.Value)
		}
	}
	if v := (Variable{Name: "Password"}); v.Value != "" {
		t.Error("an empty value became one")
	}
}
