package tariff

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/unit"
)

func fieldsOf(err error) string {
	var f *fault.Error
	if !errors.As(err, &f) {
		return ""
	}
	return fmt.Sprint(f.Fields)
}

func TestMarketRules(t *testing.T) {
	const (
		kwh     = `{"price_components":[{"type":"ENERGY","price":0.4,"vat":20,"step_size":1}]}`
		dear    = `{"price_components":[{"type":"ENERGY","price":0.6,"vat":20,"step_size":1}],"restrictions":{"start_time":"17:00","end_time":"21:00"}}`
		hour    = `{"price_components":[{"type":"TIME","price":3,"vat":20,"step_size":1}]}`
		late    = `{"price_components":[{"type":"TIME","price":3,"vat":20,"step_size":1}],"restrictions":{"min_duration":2700}}`
		flat    = `{"price_components":[{"type":"FLAT","price":1,"vat":20,"step_size":1}]}`
		idle    = `{"price_components":[{"type":"PARKING_TIME","price":6,"vat":20,"step_size":1}]}`
		gift    = `{"price_components":[{"type":"FLAT","price":0,"step_size":1}]}`
		reserve = `{"price_components":[{"type":"FLAT","price":2,"vat":20,"step_size":1}],"restrictions":{"reservation":"RESERVATION"}}`
		noTax   = `{"price_components":[{"type":"ENERGY","price":0.4,"step_size":1}]}`
	)
	for _, x := range []struct {
		profile  string
		power    int64
		audience Audience
		elements []string
		refused  string // rule
	}{
		{"EU", 150_000, AudienceDefault, []string{kwh}, ""},
		{"EU", 150_000, AudienceDefault, []string{kwh, idle, reserve}, ""},
		{"EU", 150_000, AudienceAdHoc, []string{kwh, late}, ""},
		{"EU", 150_000, AudienceAdHoc, []string{kwh, hour}, "EU.AFIR.5.4.kwh"},
		{"EU", 150_000, AudienceDefault, []string{kwh, flat}, "EU.AFIR.5.4.kwh"},
		{"EU", 150_000, AudienceDefault, []string{hour}, "EU.AFIR.5.4.kwh"},
		{"EU", 150_000, AudienceDefault, []string{gift}, ""},
		{"EU", 150_000, AudienceFleet, []string{hour}, ""},
		{"EU", 22_000, AudienceDefault, []string{hour}, ""},
		{"DE", 11_000, AudienceDefault, []string{hour}, "DE.PAngV.14.2"},
		{"DE", 11_000, AudienceDefault, []string{kwh, flat, idle}, ""},
		{"DE", 11_000, AudienceSubscription, []string{flat}, ""},
		{"UK", 7_000, AudienceAdHoc, []string{hour}, "UK.2023-1168.11"},
		{"UK", 7_000, AudienceAdHoc, []string{kwh, hour}, ""},
		{"US-NEVI", 150_000, AudienceFleet, []string{flat}, "US.680.116.a1"},
		{"US-NEVI", 150_000, AudienceDefault, []string{dear, kwh}, "US.680.116.a2"},
		{"US-NEVI", 150_000, AudienceDefault, []string{kwh, flat}, ""},
		{"US-CA", 150_000, AudienceDefault, []string{hour}, "US-CA.4002.11"},
		{"CA-QC", 150_000, AudienceDefault, []string{hour}, ""},
		{"FR", 22_000, AudienceDefault, []string{hour}, ""},
	} {
		i := slices.IndexFunc(shipped, func(p Profile) bool { return p.ID == x.profile })
		if i < 0 {
			t.Fatalf("no profile %s", x.profile)
		}
		m := Market{Profiles: shipped[i : i+1], Public: true}
		m.Power = unit.Watts(x.power)
		tariff := parse(t, `{"currency":"EUR","elements":[`+strings.Join(x.elements, ",")+`]}`)
		got := ""
		if bad := Refused(m.Examine(&tariff, x.audience)); len(bad) > 0 {
			got = bad[0].Rule
			if bad[0].Article == "" || bad[0].Source == "" || bad[0].Fix == "" {
				t.Errorf("%s says too little: %+v", got, bad[0])
			}
		}
		if got != x.refused {
			t.Errorf("%s, %d W, %s, %v: refused by %q, want %q", x.profile, x.power, x.audience, x.elements, got, x.refused)
		}
		m.Public = false
		if len(Refused(m.Examine(&tariff, x.audience))) > 0 {
			t.Errorf("%s refuses a price that is not for the public", x.profile)
		}
	}
	untaxed := parse(t, `{"currency":"EUR","elements":[`+noTax+`]}`)
	i := slices.IndexFunc(shipped, func(p Profile) bool { return p.ID == "FR" })
	if found := (Market{Profiles: shipped[i : i+1]}).Examine(&untaxed, AudienceDefault); len(found) != 1 || found[0].Severity != SeverityWarn {
		t.Errorf("no tax in France: %+v", found)
	}
}

func TestMarketByAddress(t *testing.T) {
	for address, want := range map[string]string{"FR 75001": "EU FR", "DE 10115": "EU DE", "GB SW1A": "UK", "US 90210": "US-CA", "US 96701": "", "US 10001": "", "CA H2X 1Y4": "CA-QC", "CA M5V": "", "CH 8001": "", "AT ": "EU"} {
		country, code, _ := strings.Cut(address, " ")
		var got []string
		for _, p := range shipped {
			if p.holds(country, code) {
				got = append(got, p.ID)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", address, got, want)
		}
	}
}

func TestBadProfilesAreRefused(t *testing.T) {
	for text, field := range map[string]string{
		`{"profiles":[{"id":"X","countries":["fr"]}]}`:                         "body.countries[0]",
		`{"profiles":[{"id":"X"}]}`:                                            "body.countries",
		`{"profiles":[{"id":"X","countries":["FR"],"postal_codes":["9-12"]}]}`: "body.postal_codes[0]",
		`{"profiles":[{"id":"X","countries":["FR"],"rules":[{"id":"r","severity":"refuse","article":"a","source":"s","text":"t"}]}]}`: "body.rules[0].severity",
		`{"profiles":[{"id":"X","countries":["FR"],"rules":[{"id":"r","severity":"warn","requires":["WATER"]}]}]}`:                    "body.rules[0]",
	} {
		if _, err := parseProfiles([]byte(text)); err == nil || !strings.Contains(fieldsOf(err), field) {
			t.Errorf("%s: %v, want %s", text, err, field)
		}
	}
}

// Every shipped profile says of both limits what they are, or that there are
// none and where that stands.
func TestMarketsStateTheirLimits(t *testing.T) {
	for _, p := range shipped {
		if (p.MaxKWh == nil) == (p.NoMaxKWh == nil) || (p.OperatorKW == nil) == (p.NoOperatorKW == nil) {
			t.Errorf("%s says nothing, or two things, of a limit", p.ID)
		}
		for _, r := range p.Rules {
			if r.Article == "" || !strings.HasPrefix(r.Source, "https://") || r.Text == "" || r.Fix == "" {
				t.Errorf("%s lacks its article, source, text or fix", r.ID)
			}
		}
	}
}

// An operator's own rule may cap the price of a kWh.
func TestPriceCeiling(t *testing.T) {
	profile := func(ceiling string) Profile {
		all, err := parseProfiles([]byte(`{"profiles":[{"id":"OWN","name":"Own","countries":["FR"],"rules":[{"id":"OWN.1","severity":"refuse","max_energy_price":` + ceiling +
			`,"article":"Concession, article 7","source":"https://example.org","text":"A kWh costs at most so much."}]}]}`))
		if err != nil {
			t.Fatal(err)
		}
		return all[0]
	}
	for _, x := range []struct {
		ceiling, price, tax string
		refused             bool
	}{
		{`{"value":0.5,"currency":"EUR"}`, `0.5,"vat":20`, "", false},
		{`{"value":0.5,"currency":"EUR"}`, `0.500001,"vat":20`, "", true},
		{`{"value":0.6,"currency":"EUR","taxes_included":true}`, `0.5,"vat":20`, "", false},
		{`{"value":0.59,"currency":"EUR","taxes_included":true}`, `0.5,"vat":20`, "", true},
		{`{"value":0.5,"currency":"EUR"}`, `0.6,"vat":20`, `"tax_included":"YES",`, false},
		{`{"value":0.5,"currency":"EUR","taxes_included":true}`, `0.6,"vat":20`, `"tax_included":"YES",`, true},
		{`{"value":0.5,"currency":"GBP"}`, `0.9`, "", false},
	} {
		tariff := parse(t, `{"currency":"EUR",`+x.tax+`"elements":[{"price_components":[{"type":"ENERGY","price":`+x.price+`,"step_size":1}]}]}`)
		m := Market{Profiles: []Profile{profile(x.ceiling)}}
		if got := len(Refused(m.Examine(&tariff, AudienceDefault))) > 0; got != x.refused {
			t.Errorf("%s against %s: refused %v", x.price, x.ceiling, got)
		}
	}
}
