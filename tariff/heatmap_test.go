package tariff

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// row writes a grid's row as runs: "0.30×7 0.50×16 0.30×1".
func row(g HeatGrid, i int) string {
	var out []string
	n := 0
	for j, c := range g.Rows[i] {
		n++
		if j+1 == len(g.Rows[i]) || g.Rows[i][j+1] != c {
			text := c.Incl.Decimal()
			if c.Element < 0 {
				text = "-"
			}
			if c.Mixed {
				text += "~"
			}
			out = append(out, text+"×"+Quantity(n).Decimal("FLAT"))
			n = 0
		}
	}
	return strings.Join(out, " ")
}

func TestHeatMap(t *testing.T) {
	t.Parallel()
	x := parse(t, `{"currency":"EUR","elements":[
	 {"price_components":[{"type":"ENERGY","price":0.20,"step_size":1}],"restrictions":{"day_of_week":["SATURDAY","SUNDAY"]}},
	 {"price_components":[{"type":"ENERGY","price":0.50,"vat":20,"step_size":1}],"restrictions":{"start_time":"07:30","end_time":"23:00"}},
	 {"price_components":[{"type":"ENERGY","price":0.30,"step_size":1},{"type":"PARKING_TIME","price":6,"step_size":1}]}],
	 "forecourt":{"idle":{"quiet_hours":[{"start":"22:00","end":"07:00"}]}}}`)
	m := x.HeatMap(HeatQuestion{From: time.Date(2026, 3, 23, 0, 0, 0, 0, time.UTC), Days: 7, Slot: 60})
	if len(m.Dimensions) != 2 || m.Dates[0] != "2026-03-23" || m.Dates[6] != "2026-03-29" {
		t.Fatalf("%v %d dimensions", m.Dates, len(m.Dimensions))
	}
	for i, want := range []string{"0.30×7 0.30~×1 0.60×15 0.30×1", "", "", "", "", "0.20×24", "0.20×24"} {
		if got := row(m.Dimensions[0], i); want != "" && got != want {
			t.Errorf("day %d: %s, want %s", i, got, want)
		}
	}
	if got := row(m.Dimensions[1], 0); got != "-×7 6.00×15 -×2" {
		t.Errorf("parking: %s", got)
	}
	fine := x.HeatMap(HeatQuestion{From: time.Date(2026, 3, 23, 0, 0, 0, 0, time.UTC), Days: 1, Slot: 30})
	if got := row(fine.Dimensions[0], 0); got != "0.30×15 0.60×31 0.30×2" {
		t.Errorf("half hours: %s", got)
	}
}

// TestHeatMapIsWhatIsBilled: a kWh taken in a slot costs what its cell says.
func TestHeatMapIsWhatIsBilled(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		x := genTariff(rt, false)
		hour, power := rapid.IntRange(0, 23).Draw(rt, "hour"), unit.Watts(rapid.Int64Range(1, 20_000).Draw(rt, "power"))
		from := time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 30).Draw(rt, "day"))
		m := x.HeatMap(HeatQuestion{From: from, Days: 1, Slot: 60, Power: power})
		start := from.Add(time.Duration(hour) * time.Hour)
		u := Usage{Start: start, End: start.Add(time.Second), Periods: []Period{{Start: start, End: start.Add(time.Second), Kind: Charging,
			Energy: 3600, MinPower: power, MaxPower: power}}}
		c := Price(x, u, time.UTC, Context{})
		for _, g := range m.Dimensions {
			if g.Dimension != "ENERGY" {
				continue
			}
			element := -1
			for _, l := range c.Lines {
				if l.Dimension == "ENERGY" {
					element = l.Element
				}
			}
			if got := g.Rows[0][hour].Element; got != element {
				rt.Fatalf("the map says element %d, billed by %d", got, element)
			}
		}
	})
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]Language{"": English, "fr": French, "de-CH, en;q=0.8": German, "pt-BR, fr-FR;q=0.9": French, "es": English, "fr;q=0, de": German} {
		if got := (Speaks{header}).Language(); got != want {
			t.Errorf("%q: %s", header, got)
		}
	}
	x := parse(t, `{"currency":"EUR","elements":[{"price_components":[{"type":"TIME","price":3,"step_size":1}],"restrictions":{"max_current":32}}]}`)
	c := Price(x, benchUsage(), nil, Context{})
	b, err := c.Seal()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range Languages {
		got, err := Unseal(b, l)
		want := c.View(l)
		if err != nil || len(want.Lines) == 0 || len(want.Lines) != len(got.Lines) {
			t.Fatalf("%+v %v", got, err)
		}
		if strings.Join(got.Lines[0].Explanation, "|") != strings.Join(want.Lines[0].Explanation, "|") || got.Notes[0].Text != want.Notes[0].Text {
			t.Errorf("%s: %q", l, got.Lines[0].Explanation)
		}
	}
	if old, err := Unseal([]byte(`{"currency":"EUR","lines":[{"explanation":["x"]}]}`), French); err != nil || old.Lines[0].Explanation[0] != "x" {
		t.Errorf("%+v %v", old, err)
	}
}
