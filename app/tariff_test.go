package app

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const dayAndNight = `{"country_code":"DE","party_id":"ABC","id":"N1","currency":"EUR","elements":[
 {"price_components":[{"type":"ENERGY","price":0.20,"vat":19,"step_size":1}],"restrictions":{"start_time":"22:00","end_time":"06:00"}},
 {"price_components":[{"type":"ENERGY","price":0.40,"vat":19,"step_size":1}]}],"last_updated":"2026-01-01T00:00:00Z"}`

// Half of the energy falls before 22:00 in Berlin, which is 21:00 UTC.
const evening = `{"id":"C1","start_date_time":"2026-01-15T20:00:00Z",%s"currency":"EUR",
 "charging_periods":[{"start_date_time":"2026-01-15T20:00:00Z","dimensions":[{"type":"ENERGY","volume":20},{"type":"TIME","volume":2}]}],`

var cdrs = map[string]string{
	"2.1.1": strings.Replace(evening, "%s", `"stop_date_time":"2026-01-15T22:00:00Z",`, 1) +
		`"location":{"id":"L","country":"DEU","coordinates":{"latitude":"52.5","longitude":"13.4"}},"total_cost":6.00}`,
	"2.2.1": strings.Replace(evening, "%s", `"end_date_time":"2026-01-15T22:00:00Z",`, 1) +
		`"cdr_location":{"id":"L","address":"","city":"","country":"DEU","coordinates":{"latitude":"52.5","longitude":"13.4"},"evse_uid":"","evse_id":"","connector_id":"","connector_standard":"","connector_format":"","connector_power_type":""},"total_cost":{"excl_vat":6.00,"incl_vat":7.14}}`,
	"2.3.0": strings.Replace(evening, "%s", `"end_date_time":"2026-01-15T22:00:00Z",`, 1) +
		`"country_code":"DE","total_cost":{"before_taxes":6.10,"taxes":[{"name":"VAT","amount":1.16}]}}`,
}

func written(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "x.json")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func run(args ...string) (code int, out, errOut string) {
	var o, e strings.Builder
	code = Main(context.Background(), args, &o, &e)
	return code, o.String(), e.String()
}

func TestTariffPriceReadsEveryVersion(t *testing.T) {
	for version, cdr := range cdrs {
		code, out, errOut := run("tariff", "price", "--tariff", written(t, dayAndNight), "--cdr", written(t, cdr))
		if code != 0 {
			t.Fatalf("%s: %s", version, errOut)
		}
		var got struct {
			Version string `json:"ocpi_version"`
			Zone    string `json:"time_zone"`
			From    string `json:"time_zone_from"`
			Total   struct {
				Excl json.Number `json:"excl_vat"`
				Incl json.Number `json:"incl_vat"`
			} `json:"total_cost"`
			Stated struct {
				Agrees bool        `json:"agrees"`
				Differ json.Number `json:"difference_excl_vat"`
			} `json:"cdr_total_cost"`
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		if got.Version != version || got.Zone != "Europe/Berlin" || got.From != "country" || got.Total.Excl != "6.00" || got.Total.Incl != "7.14" {
			t.Errorf("%s: %+v", version, got)
		}
		if got.Stated.Agrees != (version != "2.3.0") {
			t.Errorf("%s: the CDR's own total: %+v", version, got.Stated)
		}
	}
}

func TestTariffPriceInAnotherZone(t *testing.T) {
	code, out, _ := run("tariff", "price", "--tariff", written(t, dayAndNight), "--cdr", written(t, cdrs["2.2.1"]), "--time-zone", "America/New_York")
	if code != 0 || !strings.Contains(out, `"excl_vat": 8.00`) || !strings.Contains(out, `"time_zone_from": "option"`) {
		t.Errorf("at noon in New York all 20 kWh cost 0.40: %d %s", code, out)
	}
}

func TestTariffCommandsRefuseWithPlaceAndFix(t *testing.T) {
	bad := strings.Replace(dayAndNight, `"price":0.40`, `"price":-0.40,"prize":1`, 1)
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"tariff", "check", written(t, bad)}, []string{"elements[1].price_components[0].price: must not be negative", "prize"}},
		{[]string{"tariff", "check", written(t, "{")}, []string{"not a valid OCPI object"}},
		{[]string{"tariff", "price", "--tariff", written(t, dayAndNight), "--cdr", "nowhere.json"}, []string{"cannot be read"}},
		{[]string{"tariff", "price", "--tariff", written(t, dayAndNight), "--cdr", written(t, cdrs["2.2.1"]), "--time-zone", "Mars/Base"}, []string{"Mars/Base"}},
		{[]string{"tariff", "price", "--cdr", written(t, cdrs["2.2.1"])}, []string{"0 tariffs"}},
		{[]string{"tariff", "price", "--tariff", written(t, strings.Replace(dayAndNight, "EUR", "USD", 1)), "--cdr", written(t, cdrs["2.2.1"])}, []string{"EUR", "USD"}},
	} {
		code, _, errOut := run(c.args...)
		if code == 0 {
			t.Errorf("%v was accepted", c.args)
		}
		for _, want := range c.want {
			if !strings.Contains(errOut, want) {
				t.Errorf("%v: %q does not say %q", c.args, errOut, want)
			}
		}
	}
}

func TestTariffCheckSaysTheSentence(t *testing.T) {
	code, out, errOut := run("tariff", "check", written(t, dayAndNight))
	if code != 0 || !strings.HasPrefix(out, "ok: Energy ") {
		t.Errorf("%d %q %q", code, out, errOut)
	}
}
