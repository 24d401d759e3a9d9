package ocpi

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// same compares two JSON texts by value, numbers exactly.
func same(t *testing.T, a, b string) {
	t.Helper()
	read := func(s string) any {
		d := json.NewDecoder(strings.NewReader(s))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%v in %s", err, s)
		}
		return v
	}
	if !reflect.DeepEqual(read(a), read(b)) {
		t.Errorf("round trip changed the value:\n%s\n%s", a, b)
	}
}

func TestRoundTripKeepsUnknownFields(t *testing.T) {
	t.Parallel()
	in := `{"country_code":"FR","party_id":"FCT","id":"t1","currency":"EUR","colour":"blue",
	 "min_price":{"before_taxes":0.5,"after_taxes":0.6,"x_why":{"a":[1,2.50001]}},
	 "elements":[{"price_components":[{"type":"ENERGY","price":0.123456,"vat":5.5,"step_size":1,"band":"low"}],
	   "restrictions":{"start_time":"07:00","end_time":"22:00","day_of_week":["MONDAY"],"max_power":22.2,"max_soc":80},"note":null}],
	 "tax_included":"NO","energy_mix":{"is_green_energy":true,"co2":0.1},"last_updated":"2026-01-02T03:04:05Z"}`
	v, err := Parse[Tariff]([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	same(t, in, string(out))
	want := []string{"colour", "elements[0].note", "elements[0].price_components[0].band", "elements[0].restrictions.max_soc", "min_price.x_why"}
	if got := v.UnknownFields(); !reflect.DeepEqual(got, want) {
		t.Errorf("unknown fields %v, want %v", got, want)
	}
}

func TestNumbersStayExact(t *testing.T) {
	t.Parallel()
	in := `{"type":"ENERGY","price":0.123456789012345678,"step_size":1}`
	v, err := Parse[PriceComponent]([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	if out, _ := json.Marshal(v); !bytes.Contains(out, []byte("0.123456789012345678")) {
		t.Errorf("price became %s", out)
	}
}

func TestPriceOfEachVersion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, net, gross string }{
		{`4.25`, "4.25", ""},
		{`{"excl_vat":4.00,"incl_vat":4.40}`, "4", "4.4"},
		{`{"before_taxes":4,"taxes":[{"name":"VAT","amount":0.4,"percentage":10}]}`, "4", ""},
		{`{"before_taxes":4,"after_taxes":4.4}`, "4", "4.4"},
	} {
		v, err := Parse[Price]([]byte(c.in))
		if err != nil {
			t.Fatal(err)
		}
		net, _ := v.Net()
		gross, ok := v.Gross()
		if net.String() != c.net || ok != (c.gross != "") || ok && gross.String() != c.gross {
			t.Errorf("%s: net %s gross %s", c.in, net, gross)
		}
		out, _ := json.Marshal(v)
		var a, b Price
		if json.Unmarshal(out, &a) != nil || json.Unmarshal([]byte(c.in), &b) != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%s became %s", c.in, out)
		}
	}
}

func TestDateTime(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`"2015-06-29T20:39:09Z"`:      `"2015-06-29T20:39:09Z"`,
		`"2015-06-29T20:39:09"`:       `"2015-06-29T20:39:09Z"`,
		`"2016-12-29T17:45:09.2"`:     `"2016-12-29T17:45:09.2Z"`,
		`"2018-01-01T01:08:01+02:00"`: `"2017-12-31T23:08:01Z"`,
	} {
		v, err := Parse[DateTime]([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		if out, _ := json.Marshal(v); string(out) != want {
			t.Errorf("%s became %s, want %s", in, out, want)
		}
	}
	if _, err := Parse[DateTime]([]byte(`"yesterday"`)); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "yesterday") {
		t.Errorf("a bad instant gave %v", err)
	}
	if At(time.Unix(0, 0)).Format(time.RFC3339) != "1970-01-01T00:00:00Z" {
		t.Error("At does not give UTC")
	}
}

func TestParseRefusesNonsense(t *testing.T) {
	t.Parallel()
	for _, in := range []string{``, `[`, `{"id":1}`, `{"elements":{}}`, `{"elements":[{"price_components":[{"price":"x"}]}]}`} {
		if _, err := Parse[Tariff]([]byte(in)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s gave %v", in, err)
		}
	}
}
