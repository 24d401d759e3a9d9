package tariff

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/ocpi"
)

func parse(t testing.TB, s string) Tariff {
	t.Helper()
	o, err := ocpi.Parse[ocpi.Tariff]([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	out, err := FromOCPI(o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestGolden prices our own worked sessions: the models of the product, the
// examples of the standard restated, both changes of the clock in two zones,
// midnight, thresholds inside a period, what is not billed, taxes.
func TestGolden(t *testing.T) {
	t.Parallel()
	var file struct {
		Vectors []vector `json:"vectors"`
	}
	readJSON(t, "testdata/golden.json", &file)
	if len(file.Vectors) < 60 {
		t.Fatalf("only %d golden sessions", len(file.Vectors))
	}
	for _, v := range file.Vectors {
		t.Run(v.ID, func(t *testing.T) {
			tariff := vectorTariff(t, "", v)
			if _, err := Check(tariff.Source); err != nil {
				t.Error(err)
			}
			checkVector(t, v, tariff)
		})
	}
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func paris(t testing.TB) *time.Location { return zone(t, "Europe/Paris") }

func TestWithoutTariff(t *testing.T) {
	t.Parallel()
	c := Price(None("CHF"), benchUsage(), nil, Context{})
	if !c.Excl.IsZero() || c.Excl.Currency != "CHF" || len(c.Lines) != 0 || !c.HasNote(NoteNoTariff) {
		t.Errorf("%+v", c)
	}
	if c.Energy == 0 || c.ParkingTime != 75*time.Minute || c.Duration != 5*time.Hour {
		t.Errorf("what was used is lost: %s %s %s", c.Energy, c.ParkingTime, c.Duration)
	}
}

// TestExplanation: a line says which element, which restriction and what the
// step did, and the view's figures are the ones that were billed.
func TestExplanation(t *testing.T) {
	t.Parallel()
	x := parse(t, `{"currency":"EUR","min_price":{"excl_vat":5},"elements":[
	 {"price_components":[{"type":"ENERGY","price":0.2,"vat":20,"step_size":500}],"restrictions":{"end_time":"17:00"}},
	 {"price_components":[{"type":"ENERGY","price":0.27,"vat":20,"step_size":500}]}]}`)
	start := time.Date(2026, 3, 10, 15, 0, 0, 0, time.UTC)
	u := Usage{Start: start, End: start.Add(2 * time.Hour), Periods: []Period{
		{Start: start, End: start.Add(time.Hour), Energy: 4_300_000, Kind: Charging},
		{Start: start.Add(time.Hour), End: start.Add(2 * time.Hour), Energy: 1_100_000, Kind: Charging}}}
	v := Price(x, u, paris(t), Context{}).View(English)
	if len(v.Lines) != 3 || v.ExclVAT != "5.00" || v.InclVAT != "6.00" {
		t.Fatalf("%+v", v)
	}
	want := [][]string{
		{"element 1 of the tariff", "until 17:00", "4.3 kWh used"},
		{"element 2 of the tariff", "no restriction", "1.1 kWh used",
			"a total of 5.4 kWh is rounded up to 5.5 kWh (steps of 0.5 kWh); the difference is billed here"},
		{"raised to the minimum price"},
	}
	for i, l := range v.Lines {
		if !slices.Equal(l.Explanation, want[i]) {
			t.Errorf("line %d: %q", i, l.Explanation)
		}
	}
	if l := v.Lines[1]; l.Quantity != "1.1" || l.Billed != "1.2" || l.Unit != "kWh" || l.ExclVAT != "0.324" || *l.Element != 1 || l.VAT != "20" {
		t.Errorf("%+v", l)
	}
	if b, err := json.Marshal(Price(x, u, paris(t), Context{})); err != nil || !json.Valid(b) {
		t.Error(err)
	}
}

// TestUsageIsPutInOrder: overlaps and negative energy neither crash nor credit.
func TestUsageIsPutInOrder(t *testing.T) {
	t.Parallel()
	x := parse(t, `{"currency":"EUR","elements":[{"price_components":[{"type":"ENERGY","price":1,"step_size":1},{"type":"TIME","price":1,"step_size":1}]}]}`)
	at := func(m int) time.Time { return time.Date(2026, 3, 10, 8, m, 0, 0, time.UTC) }
	u := Usage{Start: at(0), End: at(60), Periods: []Period{
		{Start: at(20), End: at(60), Energy: 2_000_000, Kind: Charging},
		{Start: at(0), End: at(30), Energy: 1_000_000, Kind: Charging},
		{Start: at(50), End: at(40), Energy: -5_000_000, Kind: Charging},
	}}
	c := Price(x, u, nil, Context{})
	if c.Excl.Decimal() != "4.00" || !c.HasNote(NoteUsageCorrected) {
		t.Errorf("%s %v", c.Excl, c.Notes)
	}
	if c.HasNote(NoteCurrentUnknown) {
		t.Error("nobody asked for the current")
	}
}

// TestCurrentUnknown: without a measured current the lower band applies, and
// the cost says so.
func TestCurrentUnknown(t *testing.T) {
	t.Parallel()
	x := parse(t, `{"currency":"EUR","elements":[{"price_components":[{"type":"TIME","price":1,"step_size":1}],"restrictions":{"max_current":32}},
	 {"price_components":[{"type":"TIME","price":9,"step_size":1}],"restrictions":{"min_current":32}}]}`)
	start := time.Date(2026, 3, 10, 15, 0, 0, 0, time.UTC)
	u := Usage{Start: start, End: start.Add(time.Hour), Periods: []Period{{Start: start, End: start.Add(time.Hour), Energy: 9_000_000, Kind: Charging}}}
	if c := Price(x, u, nil, Context{}); c.Excl.Decimal() != "1.00" || !c.HasNote(NoteCurrentUnknown) {
		t.Errorf("%s %v", c.Excl, c.Notes)
	}
	u.Periods[0].MinCurrent, u.Periods[0].MaxCurrent = 20_000, 48_000
	if c := Price(x, u, nil, Context{}); c.Excl.Decimal() != "9.00" || c.HasNote(NoteCurrentUnknown) {
		t.Errorf("%s %v", c.Excl, c.Notes)
	}
}
