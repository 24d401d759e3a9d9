package tariff

import (
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// vector is one worked example: periods in local time, and figures that a
// specification prints.
type vector struct {
	ID       string          `json:"id"`
	Tariff   json.RawMessage `json:"tariff"` // a file, or {"inline": …}
	Zone     string          `json:"location_time_zone"`
	Periods  []vectorPeriod  `json:"charging_periods"`
	End      string          `json:"end"`
	Expired  bool            `json:"reservation_expired"`
	Expected vectorExpected  `json:"expected"`
	Kind     string          `json:"expected_kind"`
	Exact    *vectorExpected `json:"exact"`
	Lines    []string        `json:"lines"` // as Line.text writes them; absent: not compared
}

type vectorPeriod struct {
	Start      string `json:"start"`
	Kind       Kind   `json:"kind"` // ours; absent: from the dimensions
	Dimensions []struct {
		Type   string          `json:"type"`
		Volume json.RawMessage `json:"volume"`
	} `json:"dimensions"`
	CurrentA unit.Decimal `json:"current_A"`
	PowerKW  unit.Decimal `json:"power_kW"`
}

type vectorExpected struct {
	Excl       *string `json:"total_excl_vat"`
	Incl       *string `json:"total_incl_vat"`
	Components []struct {
		Dimension string  `json:"dimension"`
		Minutes   *string `json:"billed_minutes"`
		KWh       *string `json:"billed_kwh"`
		Excl      *string `json:"excl"`
		Incl      *string `json:"incl"`
	} `json:"components"`
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func vectorTariff(t *testing.T, dir string, v vector) Tariff {
	t.Helper()
	var o ocpi.Tariff
	var path string
	if json.Unmarshal(v.Tariff, &path) == nil {
		readJSON(t, filepath.Join(dir, "data/pricing", path), &o)
	} else {
		var inline struct{ Inline ocpi.Tariff }
		if err := json.Unmarshal(v.Tariff, &inline); err != nil {
			t.Fatal(err)
		}
		o = inline.Inline
	}
	out, err := FromOCPI(o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func checkVector(t *testing.T, v vector, tariff Tariff) {
	t.Helper()
	zone, err := time.LoadLocation(v.Zone)
	if err != nil {
		t.Fatal(err)
	}
	cost := Price(tariff, vectorUsage(t, v, zone), zone, Context{})
	checkTotals(t, cost, v.Expected)
	var lines []string
	for _, l := range cost.Lines {
		lines = append(lines, l.text())
	}
	if v.Lines != nil && !slices.Equal(lines, v.Lines) {
		t.Errorf("lines %q, want %q", lines, v.Lines)
	}
	used := make([]bool, len(cost.Lines))
	for _, want := range v.Expected.Components {
		found := false
		for i, l := range cost.Lines {
			if !used[i] && lineIs(l, want.Dimension) &&
				(want.Minutes == nil || printed(*want.Minutes, int64(l.Billed), 60e6)) &&
				(want.KWh == nil || printed(*want.KWh, int64(l.Billed), 1e6)) &&
				(want.Excl == nil || printed(*want.Excl, int64(l.Excl.Micros), 1e6)) &&
				(want.Incl == nil || printed(*want.Incl, int64(l.Incl.Micros), 1e6)) {
				used[i], found = true, true
				break
			}
		}
		if !found && want.Dimension != "RESERVATION" {
			t.Errorf("no line for %+v among %+v", want, cost.Lines)
		}
	}
	checkReservation(t, v, cost)
}

// checkReservation: the examples give a reservation's fee and time as one figure.
func checkReservation(t *testing.T, v vector, cost Cost) {
	t.Helper()
	excl, incl := cost.Subtotal(func(l Line) bool { return l.Kind == LineReservation })
	for _, want := range v.Expected.Components {
		if want.Dimension == "RESERVATION" &&
			(!printed(*want.Excl, int64(excl.Micros), 1e6) || !printed(*want.Incl, int64(incl.Micros), 1e6)) {
			t.Errorf("reservation costs %s, %s; want %s, %s", excl, incl, *want.Excl, *want.Incl)
		}
	}
}

func lineIs(l Line, dimension string) bool {
	return l.Kind == LineSession && string(l.Dimension) == dimension
}

func checkTotals(t *testing.T, cost Cost, want vectorExpected) {
	t.Helper()
	var excl, incl money.Micro
	for _, l := range cost.Lines {
		excl, incl = excl+l.Excl.Micros, incl+l.Incl.Micros
	}
	if want.Excl != nil && !strings.HasSuffix(*want.Excl, "...") && !printed(*want.Excl, int64(excl), 1e6) {
		t.Errorf("excl %s, want %s; lines %+v", cost.Excl, *want.Excl, cost.Lines)
	}
	if want.Incl != nil && !printed(*want.Incl, int64(incl), 1e6) {
		t.Errorf("incl %s, want %s; lines %+v", cost.Incl, *want.Incl, cost.Lines)
	}
}

// printed reports whether value ÷ unit, rounded half up to want's decimals, prints as want.
func printed(want string, value, unit int64) bool {
	decimals := 0
	if _, frac, ok := strings.Cut(want, "."); ok {
		decimals = len(frac)
	}
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil)
	got := divide(new(big.Int).Mul(big.NewInt(value), scale), big.NewInt(unit), money.HalfUp)
	return new(big.Rat).SetFrac(got, scale).FloatString(decimals) == want
}

func vectorUsage(t *testing.T, v vector, zone *time.Location) Usage {
	t.Helper()
	at := func(s string) time.Time {
		for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02T15:04Z07:00"} {
			if x, err := time.ParseInLocation(layout, s, zone); err == nil {
				return x
			}
		}
		t.Fatalf("bad instant %q", s)
		return time.Time{}
	}
	u := Usage{Start: at(v.Periods[0].Start), End: at(v.End)}
	for i, p := range v.Periods {
		end := at(v.End)
		if i+1 < len(v.Periods) {
			end = at(v.Periods[i+1].Start)
		}
		period := Period{Start: at(p.Start), End: end, Kind: Charging}
		watts, _ := p.PowerKW.Scaled(3)
		milliamps, _ := p.CurrentA.Scaled(3)
		period.MinPower, period.MaxPower = unit.Watts(watts), unit.Watts(watts)
		period.MinCurrent, period.MaxCurrent = unit.MilliAmps(milliamps), unit.MilliAmps(milliamps)
		if p.Kind != "" {
			period.Kind = p.Kind
		}
		reserved := false
		for _, d := range p.Dimensions {
			switch d.Type {
			case "ENERGY":
				var volume unit.Decimal
				if err := json.Unmarshal(d.Volume, &volume); err != nil {
					t.Fatal(err)
				}
				period.Energy, _ = unit.EnergyOf(volume, 3)
			case "PARKING_TIME":
				period.Kind = Parking
			case "RESERVATION_TIME":
				reserved = true
			}
		}
		if reserved {
			u.Reservation = &Reservation{Start: period.Start, End: end, Expired: v.Expired}
			u.Start = end
			continue
		}
		u.Periods = append(u.Periods, period)
	}
	return u
}
