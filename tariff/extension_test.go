package tariff

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// worked is a session worked out by hand: periods of [local start, kind,
// kWh], and the lines that must come out, as text.
type worked struct {
	ID      string          `json:"id"`
	Why     string          `json:"why"`
	Zone    string          `json:"zone"`
	Tariff  json.RawMessage `json:"tariff"`
	Periods [][3]string     `json:"periods"`
	End     string          `json:"end"`
	Context Context         `json:"context"`
	SoC     [][2]string     `json:"soc"`     // [local time, per cent]
	Waiting [][2]string     `json:"waiting"` // [local start, end]
	Lines   []string        `json:"lines"`
	Excl    string          `json:"excl"`
	Incl    string          `json:"incl"`
	Flags   []Flag          `json:"flags"`
	Used    []string        `json:"used"`
}

func (w worked) usage(t *testing.T) (Usage, *time.Location) {
	t.Helper()
	z := zone(t, w.Zone)
	at := func(s string) time.Time {
		x, err := time.ParseInLocation("2006-01-02T15:04", s, z)
		if strings.ContainsAny(s, "Z+") {
			x, err = time.Parse("2006-01-02T15:04Z07:00", s)
		} else if err != nil {
			x, err = time.ParseInLocation("2006-01-02T15:04:05", s, z)
		}
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	u := Usage{Start: at(w.Periods[0][0]), End: at(w.End)}
	for i, p := range w.Periods {
		end := u.End
		if i+1 < len(w.Periods) {
			end = at(w.Periods[i+1][0])
		}
		volume, err := unit.ParseDecimal(p[2])
		if err != nil {
			t.Fatal(err)
		}
		e, _ := unit.EnergyOf(volume, 3)
		u.Periods = append(u.Periods, Period{Start: at(p[0]), End: end, Kind: Kind(p[1]), Energy: e})
	}
	for _, s := range w.SoC {
		d, err := unit.ParseDecimal(s[1])
		if err != nil {
			t.Fatal(err)
		}
		v, _ := d.Scaled(3)
		u.SoC = append(u.SoC, SoCReading{at(s[0]), unit.MilliPercent(v)})
	}
	for _, s := range w.Waiting {
		u.Waiting = append(u.Waiting, TimeSpan{at(s[0]), at(s[1])})
	}
	return u, z
}

// text writes a line as the golden files do.
func (l Line) text() string {
	parts := []string{string(l.Kind)}
	if l.Reason != "" {
		parts = append(parts, string(l.Reason))
	}
	if l.Dimension != "" {
		q := l.Billed
		if l.Kind == LineFree {
			q = l.Quantity
		}
		parts = append(parts, string(l.Dimension), q.Text(l.Dimension))
	}
	if l.Kind != LineFree {
		parts = append(parts, l.Excl.Decimal())
		if l.Incl != l.Excl {
			parts = append(parts, l.Incl.Decimal())
		}
	}
	if l.Date != "" {
		parts = append(parts, l.Date)
	}
	return strings.Join(parts, " ")
}

// TestGoldenExtensions prices what OCPI has no words for.
func TestGoldenExtensions(t *testing.T) {
	t.Parallel()
	var all []worked
	readJSON(t, "testdata/extensions.json", &all)
	for _, w := range all {
		t.Run(w.ID, func(t *testing.T) {
			o, err := ocpi.Parse[ocpi.Tariff]([]byte(`{` + head + strings.TrimPrefix(string(w.Tariff), "{")))
			if err != nil {
				t.Fatal(err)
			}
			x, err := Check(o)
			if err != nil {
				t.Fatal(err)
			}
			u, z := w.usage(t)
			c := Price(x, u, z, w.Context)
			var lines, used []string
			for _, l := range c.Lines {
				lines = append(lines, l.text())
				for _, lang := range []Language{English, French, German} {
					for _, s := range l.Explain(lang) {
						if s == "" || strings.Contains(s, "%!") {
							t.Errorf("%s: %q", lang, s)
						}
					}
				}
			}
			for _, y := range c.Used {
				v := y.view(c.Currency)
				used = append(used, strings.Join(strings.Fields(strings.Join([]string{string(v.Per), v.Key, v.KWh, v.Minutes, v.InclVAT}, " ")), " "))
			}
			if !slices.Equal(lines, w.Lines) || c.Excl.Decimal() != w.Excl || w.Incl != "" && c.Incl.Decimal() != w.Incl {
				t.Errorf("%s\n got %s %s\n  %s\nwant %s %s\n  %s", w.Why, c.Excl.Decimal(), c.Incl.Decimal(), strings.Join(lines, "\n  "), w.Excl, w.Incl, strings.Join(w.Lines, "\n  "))
			}
			if !slices.Equal(c.Flags, w.Flags) || w.Used != nil && !slices.Equal(used, w.Used) {
				t.Errorf("flags %v, used %q", c.Flags, used)
			}
		})
	}
}

// TestExtensionRoundTrip: an extension survives OCPI's form, and is no
// unknown field.
func TestExtensionRoundTrip(t *testing.T) {
	t.Parallel()
	o, err := ocpi.Parse[ocpi.Tariff]([]byte(`{` + head + fullExtension))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Check(o); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	back, err := ocpi.Parse[ocpi.Tariff](b)
	if again, _ := json.Marshal(back); err != nil || string(again) != string(b) {
		t.Errorf("%v\n%s\n%s", err, b, again)
	}
	e, err := ExtensionOf(back)
	if err != nil || e.Idle.GraceMinutes != 15 || len(e.Allowances) != 3 || e.DayCap == nil {
		t.Errorf("%+v, %v", e, err)
	}
}

const fullExtension = `"elements":[
 {"price_components":[{"type":"ENERGY","price":0.2,"vat":20,"step_size":1}],"forecourt":{"driver_groups":["staff"]}},
 {"price_components":[{"type":"ENERGY","price":0.9,"vat":20,"step_size":1}],"forecourt":{"min_soc":80}},
 {"price_components":[{"type":"ENERGY","price":0.6,"vat":20,"step_size":1}],"forecourt":{"min_rated_power":50}},
 {"price_components":[{"type":"FLAT","price":1,"vat":20,"step_size":1},{"type":"ENERGY","price":0.5,"vat":20,"step_size":1},{"type":"PARKING_TIME","price":6,"vat":20,"step_size":1}]}],
 "forecourt":{"allowances":[{"per":"session","kwh":5},{"per":"month","minutes":60,"driver_groups":["members"]},{"per":"plan","amount":{"incl_vat":10}}],
 "idle":{"grace_minutes":15,"cap":{"excl_vat":12},"quiet_hours":[{"start":"22:00","end":"07:00"}],"only_while_others_wait":true},
 "failed_start":{"max_seconds":120,"max_wh":100},"day_cap":{"excl_vat":50,"incl_vat":60},"rounding":{"increment":0.05}}}`

// TestExtensionSentence: the sentence says everything the extension promises.
func TestExtensionSentence(t *testing.T) {
	t.Parallel()
	x := parse(t, `{`+head+fullExtension)
	for l, want := range map[Language]string{
		English: "Energy 0.24 EUR per kWh for staff, 1.08 EUR per kWh from a battery of 80 % on, 0.72 EUR per kWh at EVSEs of 50 kW or more, otherwise 0.60 EUR per kWh; time connected without charging 7.20 EUR per hour; start fee 1.20 EUR; the first 15 min of parking are free; parking is free from 22:00 to 07:00; parking costs something only while others wait; parking at most 12.00 EUR; 5 kWh free per session; 60 min free per month for members; 10.00 EUR free with the plan; no start fee below 2 min and 0.1 kWh; at most 60.00 EUR per day; rounded to 0.05 EUR; including VAT.",
		French:  "Énergie 0,24 EUR par kWh pour staff, 1,08 EUR par kWh à partir d'une batterie à 80 %, 0,72 EUR par kWh sur les points de 50 kW ou plus, sinon 0,60 EUR par kWh; temps de branchement sans charge 7,20 EUR par heure; frais de démarrage 1,20 EUR; les premières 15 min de stationnement sont gratuites; le stationnement est gratuit de 22:00 à 07:00; le stationnement n'est facturé que si d'autres attendent; stationnement au plus 12,00 EUR; 5 kWh gratuits par session; 60 min gratuits par mois pour members; 10,00 EUR gratuits avec l'abonnement; pas de frais de démarrage en dessous de 2 min et 0,1 kWh; au plus 60,00 EUR par jour; arrondi à 0,05 EUR; TVA comprise.",
		German:  "Energie 0,24 EUR je kWh für staff, 1,08 EUR je kWh ab einem Ladestand von 80 %, 0,72 EUR je kWh an Ladepunkten ab 50 kW, sonst 0,60 EUR je kWh; Standzeit ohne Laden 7,20 EUR je Stunde; Startgebühr 1,20 EUR; die ersten 15 min Standzeit sind frei; Standzeit ist frei von 22:00 bis 07:00; Standzeit kostet nur, solange andere warten; Standzeit höchstens 12,00 EUR; 5 kWh frei pro Ladevorgang; 60 min frei pro Monat für members; 10,00 EUR frei mit dem Abo; keine Startgebühr unter 2 min und 0,1 kWh; höchstens 60,00 EUR pro Tag; gerundet auf 0,05 EUR; inklusive Mehrwertsteuer.",
	} {
		if got := x.Sentence(l); got != want {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
	}
}

// TestExtensionRefused: what makes no sense is refused with its place.
func TestExtensionRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ element, tariff, at string }{
		{`{"colour":1}`, `{}`, "elements[0].forecourt"},
		{`{}`, `{"graze":1}`, "forecourt"},
		{`{"min_soc":80,"max_soc":80}`, `{}`, "elements[0].forecourt.max_soc"},
		{`{"max_soc":101}`, `{}`, "elements[0].forecourt.max_soc"},
		{`{"min_rated_power":50,"max_rated_power":22}`, `{}`, "elements[0].forecourt.max_rated_power"},
		{`{"driver_groups":[""]}`, `{}`, "elements[0].forecourt.driver_groups[0]"},
		{`{}`, `{"allowances":[{"per":"week","kwh":5}]}`, "forecourt.allowances[0].per"},
		{`{}`, `{"allowances":[{"per":"day","kwh":5,"minutes":4}]}`, "forecourt.allowances[0]"},
		{`{}`, `{"allowances":[{"per":"day","kwh":0}]}`, "forecourt.allowances[0].kwh"},
		{`{}`, `{"idle":{"grace_minutes":-1}}`, "forecourt.idle.grace_minutes"},
		{`{}`, `{"idle":{"quiet_hours":[{"start":"7","end":"08:00"}]}}`, "forecourt.idle.quiet_hours[0].start"},
		{`{}`, `{"idle":{"quiet_hours":[{"start":"08:00","end":"08:00"}]}}`, "forecourt.idle.quiet_hours[0].end"},
		{`{}`, `{"idle":{"cap":{}}}`, "forecourt.idle.cap"},
		{`{}`, `{"day_cap":{"excl_vat":-1}}`, "forecourt.day_cap.excl_vat"},
		{`{}`, `{"day_cap":{"excl_vat":2,"incl_vat":1}}`, "forecourt.day_cap.incl_vat"},
		{`{}`, `{"failed_start":{"max_seconds":0,"max_wh":100}}`, "forecourt.failed_start"},
		{`{}`, `{"rounding":{"rule":"up"}}`, "forecourt.rounding.rule"},
		{`{}`, `{"rounding":{"increment":0.001}}`, "forecourt.rounding.increment"},
		{`{}`, `{"rounding":{"cash":true}}`, "forecourt.rounding.cash"},
	} {
		o, err := ocpi.Parse[ocpi.Tariff]([]byte(`{` + head + `"elements":[{"price_components":[{"type":"ENERGY","price":1,"step_size":1}],"forecourt":` + c.element + `}],"forecourt":` + c.tariff + `}`))
		if err != nil {
			t.Fatal(err)
		}
		_, err = Check(o)
		if f := fault.Of(err); f == nil || !strings.Contains(err.Error(), "["+c.at+": ") {
			t.Errorf("%s %s: %v", c.element, c.tariff, err)
		}
	}
}
