package money_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/money"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]money.Micro{
		"0": 0, "12.50": 12_500_000, "-12.5": -12_500_000, "+1": 1_000_000, " 3 ": 3_000_000, "0.000001": 1, "-0.000001": -1,
		"1.0000000": 1_000_000, ".5": 500_000, "5.": 5_000_000, "007": 7_000_000,
		"9223372036854.775807": math.MaxInt64, "-9223372036854.775808": math.MinInt64,
	} {
		if got, err := money.ParseMicro(in); err != nil || got != want {
			t.Errorf("%q: %d, %v", in, got, err)
		}
	}
	for _, in := range []string{
		"", " ", ".", "-", "+-1", "--1", "1.2.3", "1,5", "1e3", "1e999999999", "0x10", "0b1", "1/2", "1_000", "NaN", "Inf", "0.0000001", "٣",
		"9223372036854.775808", "-9223372036854.775809", "99999999999999999999", strings.Repeat("1", 100),
	} {
		if got, err := money.ParseMicro(in); !fault.Is(err, fault.Invalid) || len(err.Error()) > 200 {
			t.Errorf("%q: %d, %v", in, got, err)
		}
	}
}

func TestDecimal(t *testing.T) {
	for _, c := range []struct {
		micros money.Micro
		code   money.Currency
		want   string
	}{
		{12_500_000, "EUR", "12.50"}, {12_500_000, "JPY", "12.5"}, {12_000_000, "JPY", "12"}, {12_500_000, "KWD", "12.500"}, {1, "EUR", "0.000001"},
		{-1_230_000, "EUR", "-1.23"}, {0, "EUR", "0.00"}, {0, "JPY", "0"}, {490_600, "EUR", "0.4906"}, {math.MinInt64, "EUR", "-9223372036854.775808"},
	} {
		if got := (money.Amount{Micros: c.micros, Currency: c.code}).Decimal(); got != c.want {
			t.Errorf("%d %s: %s, want %s", c.micros, c.code, got, c.want)
		}
	}
}

func TestRound(t *testing.T) {
	for _, c := range []struct {
		in            string
		code          money.Currency
		up, even, cut string
	}{
		{"1.005", "EUR", "1.01", "1.00", "1.00"}, {"1.015", "EUR", "1.02", "1.02", "1.01"}, {"-1.005", "EUR", "-1.01", "-1.00", "-1.00"},
		{"1.0049", "EUR", "1.00", "1.00", "1.00"}, {"1.0051", "EUR", "1.01", "1.01", "1.00"}, {"0.5", "JPY", "1", "0", "0"}, {"1.5", "JPY", "2", "2", "1"},
		{"-0.5", "JPY", "-1", "0", "0"}, {"1.2345", "KWD", "1.235", "1.234", "1.234"}, {"2", "EUR", "2.00", "2.00", "2.00"},
	} {
		a, err := money.Of(c.in, c.code)
		if err != nil {
			t.Fatal(err)
		}
		for rule, want := range map[money.Rule]string{money.HalfUp: c.up, money.HalfEven: c.even, money.Down: c.cut} {
			if got := a.Round(rule).Decimal(); got != want {
				t.Errorf("%s %s rule %d: %s, want %s", c.in, c.code, rule, got, want)
			}
		}
	}
}

func draw(t *rapid.T, name string) money.Amount {
	return money.Amount{Micros: money.Micro(rapid.Int64().Draw(t, name)), Currency: "EUR"}
}

func TestPrintedAmountsParse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := draw(t, "a")
		a.Currency = rapid.SampledFrom([]money.Currency{"EUR", "JPY", "KWD"}).Draw(t, "currency")
		if back, err := money.Of(a.Decimal(), a.Currency); err != nil || back != a {
			t.Fatalf("%v came back as %v: %v", a, back, err)
		}
		b, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var back money.Amount
		if err := json.Unmarshal(b, &back); err != nil || back != a {
			t.Fatalf("%s came back as %v: %v", b, back, err)
		}
	})
}

// Rounding agrees with exact rationals, and never moves by a whole step.
func TestRoundIsNearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := draw(t, "a")
		a.Micros /= 100 // room to round up
		decimals := rapid.IntRange(0, 6).Draw(t, "decimals")
		step := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(6-decimals)), nil)
		for _, rule := range []money.Rule{money.HalfUp, money.HalfEven, money.Down} {
			got := a.RoundTo(decimals, rule)
			off := new(big.Int).Abs(big.NewInt(int64(got.Micros - a.Micros)))
			rest := new(big.Int).Rem(big.NewInt(int64(got.Micros)), step)
			twice := new(big.Int).Mul(off, big.NewInt(2))
			if rest.Sign() != 0 || off.Cmp(step) >= 0 || rule != money.Down && twice.Cmp(step) > 0 {
				t.Fatalf("%v to %d decimals by rule %d: %v", a, decimals, rule, got)
			}
			if rule == money.Down && off.Sign() != 0 && (got.Micros > a.Micros) != (a.Micros < 0) {
				t.Fatalf("%v was not cut towards zero: %v", a, got)
			}
		}
	})
}

func TestSumsAreExactOrPanic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		for name, op := range map[string]func() (money.Amount, *big.Int){
			"add": func() (money.Amount, *big.Int) {
				return a.Add(b), new(big.Int).Add(big.NewInt(int64(a.Micros)), big.NewInt(int64(b.Micros)))
			},
			"sub": func() (money.Amount, *big.Int) {
				return a.Sub(b), new(big.Int).Sub(big.NewInt(int64(a.Micros)), big.NewInt(int64(b.Micros)))
			},
		} {
			func() {
				exact := new(big.Int).Add(big.NewInt(int64(a.Micros)), big.NewInt(int64(b.Micros)))
				if name == "sub" {
					exact.Sub(big.NewInt(int64(a.Micros)), big.NewInt(int64(b.Micros)))
				}
				defer func() {
					if p := recover(); p != nil && exact.IsInt64() {
						t.Fatalf("%s panics: %v", name, p)
					}
				}()
				got, want := op()
				if want.Cmp(big.NewInt(int64(got.Micros))) != 0 {
					t.Fatalf("%s of %v and %v is %v", name, a, b, got)
				}
			}()
		}
	})
}

func TestCurrenciesDoNotMeet(t *testing.T) {
	eur, usd := money.Zero("EUR"), money.Zero("USD")
	for name, op := range map[string]func(){"add": func() { eur.Add(usd) }, "sub": func() { eur.Sub(usd) }, "cmp": func() { eur.Cmp(usd) }} {
		func() {
			defer func() {
				if p := fmt.Sprint(recover()); !strings.Contains(p, "EUR and USD") {
					t.Errorf("%s: %s", name, p)
				}
			}()
			op()
		}()
	}
}

func TestCurrency(t *testing.T) {
	if c, err := money.ParseCurrency(" eur "); err != nil || c != "EUR" {
		t.Error(c, err)
	}
	for _, bad := range []string{"", "EU", "EURO", "E1R", "€€€"} {
		if _, err := money.ParseCurrency(bad); !fault.Is(err, fault.Invalid) {
			t.Error(bad, err)
		}
	}
	for _, bad := range []string{`{"amount":"1","currency":"euro"}`, `{"amount":1,"currency":"EUR"}`, `{"amount":"1e3","currency":"EUR"}`, `"1"`} {
		var a money.Amount
		if err := json.Unmarshal([]byte(bad), &a); !fault.Is(err, fault.Invalid) {
			t.Error(bad, err)
		}
	}
	a, b := money.Amount{Micros: 1, Currency: "EUR"}, money.Amount{Micros: 2, Currency: "EUR"}
	if a.Cmp(b) != -1 || b.Cmp(a) != 1 || a.Cmp(a) != 0 || a.IsZero() || !money.Zero("EUR").IsZero() || b.String() != "0.000002 EUR" {
		t.Error("comparison")
	}
}
