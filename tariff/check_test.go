package tariff

import (
	"strings"
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpi"
)

const head = `"country_code":"FR","party_id":"FCT","id":"t","currency":"EUR",`

// TestCheckNamesThePlace: each bad tariff is refused with exactly the fields
// that are wrong.
func TestCheckNamesThePlace(t *testing.T) {
	t.Parallel()
	component := `{"type":"ENERGY","price":0.3,"step_size":1}`
	restricted := func(r string) string {
		return `{` + head + `"elements":[{"price_components":[` + component + `],"restrictions":{` + r + `}}]}`
	}
	windows := func(a, b, c, d string) string {
		return `{` + head + `"elements":[{"price_components":[` + component + `],"restrictions":{"start_time":"` + a + `","end_time":"` + b + `"}},
		 {"price_components":[` + component + `],"restrictions":{"start_time":"` + c + `","end_time":"` + d + `"}}]}`
	}
	for _, c := range []struct{ in, at, says string }{
		{`{` + head + `"elements":[]}`, "elements", "at least one element"},
		{`{"currency":"EURO","country_code":"F","party_id":"fct","id":"","elements":[{"price_components":[` + component + `]}]}`,
			"country_code currency id party_id", ""},
		{`{` + head + `"colour":1,"elements":[{"price_components":[` + component + `],"when":2}]}`, "colour elements[0].when", "not a field"},
		{`{` + head + `"elements":[{"price_components":[]}]}`, "elements[0].price_components", "at least one component"},
		{`{` + head + `"elements":[{"price_components":[{"type":"POWER","price":1,"step_size":1}]}]}`, "elements[0].price_components[0].type", "ENERGY"},
		{`{` + head + `"elements":[{"price_components":[{"type":"TIME","price":-1,"step_size":0}]}]}`,
			"elements[0].price_components[0].price elements[0].price_components[0].step_size", ""},
		{`{` + head + `"elements":[{"price_components":[{"type":"TIME","price":1,"vat":101,"step_size":1}]}]}`, "elements[0].price_components[0].vat", "0 and 100"},
		{`{` + head + `"elements":[{"price_components":[` + component + `,` + component + `]}]}`, "elements[0].price_components[1].type", "twice"},
		{`{` + head + `"elements":[{"price_components":[` + component + `]},{"price_components":[` + component + `],"restrictions":{"max_kwh":3}}]}`,
			"elements[1]", "never applies"},
		{`{` + head + `"min_price":{"excl_vat":5},"max_price":{"excl_vat":4},"elements":[{"price_components":[` + component + `]}]}`, "max_price.excl_vat", "below min_price"},
		{`{` + head + `"min_price":{"excl_vat":5,"incl_vat":4},"elements":[{"price_components":[` + component + `]}]}`, "min_price.incl_vat", "below excl_vat"},
		{`{` + head + `"tax_included":"MAYBE","elements":[{"price_components":[` + component + `]}]}`, "tax_included", "YES"},
		{`{` + head + `"type":"CHEAP","elements":[{"price_components":[` + component + `]}]}`, "type", "PROFILE_CHEAP"},
		{`{` + head + `"start_date_time":"2026-01-02T00:00:00Z","end_date_time":"2026-01-01T00:00:00Z","elements":[{"price_components":[` + component + `]}]}`, "end_date_time", "after"},
		{`{` + head + `"tariff_alt_url":"here","tariff_alt_text":[{"language":"english","text":""}],"elements":[{"price_components":[` + component + `]}]}`,
			"tariff_alt_text[0].language tariff_alt_text[0].text tariff_alt_url", ""},
		{restricted(`"start_time":"7:00","end_time":"24:00"`), "elements[0].restrictions.end_time elements[0].restrictions.start_time", "00:00 to 23:59"},
		{restricted(`"start_time":"07:00","end_time":"07:00"`), "elements[0].restrictions.end_time", "whole day"},
		{restricted(`"start_date":"2026-02-30"`), "elements[0].restrictions.start_date", "a date"},
		{restricted(`"start_date":"2026-02-20","end_date":"2026-02-20"`), "elements[0].restrictions.end_date", "after start_date"},
		{restricted(`"min_kwh":10,"max_kwh":10`), "elements[0].restrictions.max_kwh", "never applies"},
		{restricted(`"max_power":0`), "elements[0].restrictions.max_power", "above 0"},
		{restricted(`"min_current":-1`), "elements[0].restrictions.min_current", "from 0"},
		{restricted(`"min_duration":60,"max_duration":60`), "elements[0].restrictions.max_duration", "never applies"},
		{restricted(`"day_of_week":["MONDAY","Mon","MONDAY"]`), "elements[0].restrictions.day_of_week[1] elements[0].restrictions.day_of_week[2]", ""},
		{restricted(`"reservation":"RESERVATION"`), "elements[0].price_components[0].type", "FLAT or TIME"},
		{windows("07:00", "23:00", "22:00", "07:00"), "elements[1].restrictions.start_time", "overlaps elements[0] (from 07:00 to 23:00)"},
		{windows("06:00", "12:00", "11:00", "07:00"), "elements[1].restrictions.start_time", "let one end where the other begins"},
		{windows("07:00", "22:00", "23:00", "07:00"), "elements[1]", "nothing prices ENERGY from Mon 22:00 to Mon 23:00, Tue 22:00 to Tue 23:00, Wed 22:00 to Wed 23:00 and 4 more"},
		{windows("07:00", "22:00", "08:00", "10:00"), "elements[1].restrictions elements[1]", "never applies"},
		{restricted(`"reservation":"BOOKED"`), "elements[0].price_components[0].type elements[0].restrictions.reservation", ""},
	} {
		o, err := ocpi.Parse[ocpi.Tariff]([]byte(c.in))
		if err != nil {
			t.Fatalf("%s: %v", c.in, err)
		}
		_, err = Check(o)
		f := fault.Of(err)
		if f == nil || f.Kind != fault.Invalid {
			t.Errorf("%s was accepted: %v", c.in, err)
			continue
		}
		for _, at := range strings.Fields(c.at) {
			if !strings.Contains(err.Error(), "["+at+": ") {
				t.Errorf("%s: no word on %s in %v", c.in, at, err)
			}
		}
		if len(f.Fields) != len(strings.Fields(c.at)) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.in, err)
		}
	}
}

func TestSentence(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ elements, rest, en, fr, de string }{
		{`{"price_components":[{"type":"FLAT","price":0,"step_size":0}]}`, "", "Free of charge.", "Gratuit.", "Kostenlos."},
		{`{"price_components":[{"type":"FLAT","price":0.5,"vat":20,"step_size":1},{"type":"ENERGY","price":0.45,"vat":20,"step_size":1},{"type":"PARKING_TIME","price":5,"vat":20,"step_size":900}]}`,
			`,"max_price":{"excl_vat":40,"incl_vat":48}`,
			"Energy 0.54 EUR per kWh; time connected without charging 6.00 EUR per hour (billed in steps of 15 min); start fee 0.60 EUR; at most 48.00 EUR; including VAT.",
			"Énergie 0,54 EUR par kWh; temps de branchement sans charge 6,00 EUR par heure (facturé par tranches de 15 min); frais de démarrage 0,60 EUR; au plus 48,00 EUR; TVA comprise.",
			"Energie 0,54 EUR je kWh; Standzeit ohne Laden 6,00 EUR je Stunde (abgerechnet in Schritten von 15 min); Startgebühr 0,60 EUR; höchstens 48,00 EUR; inklusive Mehrwertsteuer."},
		{`{"price_components":[{"type":"ENERGY","price":0.3,"step_size":1}],"restrictions":{"start_time":"22:00","end_time":"06:00","day_of_week":["MONDAY","TUESDAY","WEDNESDAY","SUNDAY"]}},{"price_components":[{"type":"ENERGY","price":0.4,"step_size":1}]}`,
			`,"tax_included":"NO"`,
			"Energy 0.30 EUR per kWh Mon–Wed, Sun, from 22:00 to 06:00, otherwise 0.40 EUR per kWh; plus taxes.", "", ""},
		{`{"price_components":[{"type":"TIME","price":3,"step_size":1}],"restrictions":{"reservation":"RESERVATION"}},{"price_components":[{"type":"FLAT","price":4,"step_size":1}],"restrictions":{"reservation":"RESERVATION_EXPIRES"}},{"price_components":[{"type":"ENERGY","price":0,"step_size":1}],"restrictions":{"max_kwh":5}},{"price_components":[{"type":"ENERGY","price":0.4,"step_size":1}]}`,
			"", "Energy 0.00 EUR per kWh up to 5 kWh, otherwise 0.40 EUR per kWh; reservation 3.00 EUR per hour; unused reservation 4.00 EUR.", "", ""},
	} {
		x := parse(t, `{`+head+`"elements":[`+c.elements+`]`+c.rest+`}`)
		for l, want := range map[Language]string{English: c.en, French: c.fr, German: c.de} {
			if got := x.Sentence(l); want != "" && got != want {
				t.Errorf("%s\n got %s\nwant %s", l, got, want)
			}
		}
	}
	none := None("EUR")
	if none.Sentence("xx") != "No tariff." {
		t.Error(none.Sentence("xx"))
	}
}
