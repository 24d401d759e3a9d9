package unit_test

import (
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/unit"
)

func TestParseDecimal(t *testing.T) {
	for in, want := range map[string]unit.Decimal{
		"0": {}, "-0.000": {}, "12": {Coef: 12}, "1200": {Coef: 12, Exp: 2}, "-0.50": {Coef: -5, Exp: -1}, "1.2e3": {Coef: 12, Exp: 2}, "1E-3": {Coef: 1, Exp: -3},
		" +7 ": {Coef: 7}, ".5": {Coef: 5, Exp: -1}, "5.": {Coef: 5}, "0.30000000000000004": {Coef: 30000000000000004, Exp: -17},
		"0.1000000000000000055511151231257827": {Coef: 100000000000000006, Exp: -18}, "12345678901234567890": {Coef: 123456789012345679, Exp: 2},
		"999999999999999999.9": {Coef: 1, Exp: 18}, "1e-300": {}, "0000000000000000000000000001": {Coef: 1}, "1e+2": {Coef: 1, Exp: 2},
	} {
		if got, err := unit.ParseDecimal(in); err != nil || got != want {
			t.Errorf("%q: %#v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", " ", "-", "+", ".", "e3", "1e", "1e1e1", "1.2.3", "1,2", "0x1", "1_0", "NaN", "Infinity", "1e41", "1e999999999999", "1 2", "--1", strings.Repeat("x", 1000)} {
		if got, err := unit.ParseDecimal(in); !fault.Is(err, fault.Invalid) || len(err.Error()) > 200 {
			t.Errorf("%q: %#v, %v", in, got, err)
		}
	}
}

func TestDecimalJSON(t *testing.T) {
	for in, want := range map[string]string{`12.50`: "12.5", `"12.50"`: "12.5", `1e3`: "1000", `-0.003`: "-0.003", `" 7 "`: "7", `0`: "0"} {
		var d unit.Decimal
		if err := json.Unmarshal([]byte(in), &d); err != nil {
			t.Error(in, err)
		}
		if out, err := json.Marshal(d); err != nil || string(out) != want {
			t.Errorf("%s: %s, want %s", in, out, want)
		}
	}
	var pair struct{ A, B *unit.Decimal }
	if err := json.Unmarshal([]byte(`{"A":null,"B":1}`), &pair); err != nil || pair.A != nil || pair.B.Coef != 1 {
		t.Error(pair, err)
	}
	for _, bad := range []string{`""`, `"x"`, `true`, `{}`, `[1]`} {
		var d unit.Decimal
		if err := json.Unmarshal([]byte(bad), &d); err == nil {
			t.Error(bad, d)
		}
	}
}

func exact(d unit.Decimal) *big.Rat {
	r := new(big.Rat).SetInt64(d.Coef)
	ten := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(int(d.Exp), -int(d.Exp)))), nil))
	if d.Exp < 0 {
		return r.Quo(r, ten)
	}
	return r.Mul(r, ten)
}

func decimals(t *rapid.T) unit.Decimal {
	return unit.DecimalOf(rapid.Int64().Draw(t, "coef"), rapid.IntRange(-30, 15).Draw(t, "exp"))
}

// What is printed reads back as the same value, when its digits are few
// enough to be kept.
func TestDecimalRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := unit.DecimalOf(rapid.Int64Range(-1e18+1, 1e18-1).Draw(t, "coef"), rapid.IntRange(-30, 15).Draw(t, "exp"))
		back, err := unit.ParseDecimal(d.String())
		if err != nil || back != d {
			t.Fatalf("%s came back as %#v: %v", d, back, err)
		}
	})
}

// Parsing a text agrees with exact rationals to 18 digits.
func TestParseAgreesWithRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`-?[0-9]{1,25}(\.[0-9]{0,25})?([eE][-+]?[0-9])?`).Draw(t, "s")
		d, err := unit.ParseDecimal(s)
		if err != nil {
			t.Fatal(s, err)
		}
		want, _ := new(big.Rat).SetString(s)
		off := new(big.Rat).Sub(exact(d), want)
		limit := new(big.Rat).Mul(new(big.Rat).Abs(want), big.NewRat(1, 1e17))
		if off.Abs(off).Cmp(limit) > 0 {
			t.Fatalf("%s became %s", s, d)
		}
		if float, err := strconv.ParseFloat(s, 64); err == nil && (float > 0) != (d.Sign() > 0) {
			t.Fatalf("%s has the sign %d", s, d.Sign())
		}
	})
}

func TestScaled(t *testing.T) {
	for _, c := range []struct {
		d     unit.Decimal
		power int
		want  int64
		ok    bool
	}{
		{unit.DecimalOf(12345, -4), 3, 1235, true}, {unit.DecimalOf(-12345, -4), 3, -1235, true}, {unit.DecimalOf(12344, -4), 3, 1234, true}, {unit.DecimalOf(5, -1), 0, 1, true},
		{unit.DecimalOf(-5, -1), 0, -1, true}, {unit.DecimalOf(4, -1), 0, 0, true}, {unit.DecimalOf(math.MaxInt64, 0), 0, math.MaxInt64, true}, {unit.DecimalOf(math.MaxInt64, 0), 1, 0, false},
		{unit.DecimalOf(math.MinInt64, 0), 0, math.MinInt64, true}, {unit.DecimalOf(math.MaxInt64, 0), -19, 1, true}, {unit.DecimalOf(math.MinInt64, 0), -19, -1, true}, {unit.DecimalOf(4e18, 0), -19, 0, true},
		{unit.DecimalOf(1, 30), 0, 0, false}, {unit.Decimal{}, 30, 0, true},
	} {
		if got, ok := c.d.Scaled(c.power); got != c.want || ok != c.ok {
			t.Errorf("%s × 10^%d: %d %v", c.d, c.power, got, ok)
		}
	}
	half := big.NewRat(1, 2)
	rapid.Check(t, func(t *rapid.T) {
		d, power := decimals(t), rapid.IntRange(-25, 10).Draw(t, "power")
		got, ok := d.Scaled(power)
		want := exact(d)
		ten := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(power, -power))), nil))
		if power < 0 {
			want.Quo(want, ten)
		} else {
			want.Mul(want, ten)
		}
		if !ok {
			if new(big.Rat).Abs(want).Cmp(new(big.Rat).SetInt64(math.MaxInt64/10)) < 0 {
				t.Fatalf("%s × 10^%d fits", d, power)
			}
			return
		}
		off := new(big.Rat).Sub(new(big.Rat).SetInt64(got), want)
		away := off.Sign() == want.Sign()
		if c := off.Abs(off).Cmp(half); c > 0 || c == 0 && !away {
			t.Fatalf("%s × 10^%d became %d", d, power, got)
		}
	})
}

func TestEnergy(t *testing.T) {
	for _, c := range []struct {
		text  string
		power int
		want  unit.Energy
	}{{"12.345", 3, 12_345_000}, {"12.3456789", 3, 12_345_679}, {"100", 0, 100_000}, {"-0.0004", 0, 0}, {"-0.0005", 0, -1}, {"1.5", 0, 1500}} {
		d, err := unit.ParseDecimal(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := unit.EnergyOf(d, c.power); err != nil || got != c.want {
			t.Errorf("%s at %d: %d %v", c.text, c.power, got, err)
		}
	}
	if _, err := unit.EnergyOf(unit.DecimalOf(1, 17), 3); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
	for e, want := range map[unit.Energy]int64{499: 0, 500: 1, 1499: 1, -500: -1, -499: 0, 5_000_000: 5000} {
		if got := e.WattHours(); got != want {
			t.Errorf("%d mWh: %d Wh, want %d", e, got, want)
		}
	}
	for got, want := range map[string]string{
		unit.Energy(12_345_678).String(): "12.345678 kWh", unit.Energy(0).KWh(): "0", unit.Watts(-11000).String(): "-11000 W",
		unit.MilliAmps(16_050).String(): "16.05 A", unit.MilliVolts(230_000).String(): "230 V", unit.MilliPercent(55_500).String(): "55.5 %",
		(3 * unit.KiloWattHour / 2).KWh(): "1.5", (2 * unit.WattHour).KWh(): "0.002", unit.MilliWattHour.KWh(): "0.000001",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestOver(t *testing.T) {
	for _, c := range []struct {
		e    unit.Energy
		d    time.Duration
		want unit.Watts
	}{
		{11 * unit.KiloWattHour, time.Hour, 11_000}, {unit.KiloWattHour, 15 * time.Minute, 4000}, {-unit.KiloWattHour, time.Hour, -1000}, {unit.WattHour, time.Second, 3600},
		{unit.WattHour, 0, 0}, {unit.WattHour, -time.Hour, 0}, {500 * unit.MilliWattHour, time.Hour, 1}, {499 * unit.MilliWattHour, time.Hour, 0},
	} {
		if got := c.e.Over(c.d); got != c.want {
			t.Errorf("%v in %v: %v, want %v", c.e, c.d, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		e := unit.Energy(rapid.Int64Range(-1e15, 1e15).Draw(t, "mWh"))
		ms := rapid.Int64Range(1, 400*24*3600*1000).Draw(t, "ms")
		got := e.Over(time.Duration(ms) * time.Millisecond)
		off := new(big.Rat).Sub(new(big.Rat).SetInt64(int64(got)), new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(int64(e)), big.NewInt(3600)), big.NewInt(ms)))
		if off.Abs(off).Cmp(big.NewRat(1, 2)) > 0 {
			t.Fatalf("%v in %d ms: %v", e, ms, got)
		}
	})
}

func TestDecimalOfPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Fatal("no panic")
		}
	}()
	unit.DecimalOf(1, 100)
}

func FuzzParseDecimal(f *testing.F) {
	for _, s := range []string{"1", "-0.5e3", "", "1e-400", "99999999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := unit.ParseDecimal(s)
		if err != nil {
			return
		}
		if again, err := unit.ParseDecimal(d.String()); err != nil || again != d {
			t.Fatalf("%q became %#v, then %#v: %v", s, d, again, err)
		}
		d.Scaled(3)
	})
}
