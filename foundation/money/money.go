// Package money holds amounts as integers of a millionth of the currency's
// main unit, with the currency beside them. Nothing here is a float, and
// amounts of two currencies never meet: that is a programming error and
// panics, since silently adding them would bill somebody wrongly.
package money

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Currency is an ISO 4217 code, upper case.
type Currency string

// Micro is a millionth of a currency's main unit.
type Micro int64

// Amount is a sum of money.
type Amount struct {
	Micros   Micro
	Currency Currency
}

const perUnit = 1_000_000

// digits lists the currencies whose smallest unit is not a hundredth.
// Source: ISO 4217 list one.
var digits = map[Currency]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0,
	"UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}

// Digits gives the number of decimals of the currency's smallest unit.
func (c Currency) Digits() int {
	if d, ok := digits[c]; ok {
		return d
	}
	return 2
}

// ParseCurrency accepts three letters of any case.
func ParseCurrency(s string) (Currency, error) {
	u := strings.ToUpper(strings.TrimSpace(s))
	if len(u) != 3 || strings.Trim(u, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return "", fault.New(fault.Invalid, "money.currency", "%q is not an ISO 4217 currency code such as EUR", s)
	}
	return Currency(u), nil
}

// Zero is no money in the currency.
func Zero(c Currency) Amount { return Amount{Currency: c} }

// Of parses a decimal string such as "12.50". More than six decimals are refused.
func Of(s string, c Currency) (Amount, error) {
	m, err := ParseMicro(s)
	return Amount{Micros: m, Currency: c}, err
}

// ParseMicro parses a decimal string with at most six decimals, without an
// exponent.
func ParseMicro(s string) (Micro, error) {
	m, ok := parseMicro(strings.TrimSpace(s))
	if !ok {
		if len(s) > 40 {
			s = s[:40] + "…"
		}
		return 0, fault.New(fault.Invalid, "money.amount", "%q is not an amount such as 12.50 (at most six decimals)", s)
	}
	return m, nil
}

func parseMicro(s string) (Micro, bool) {
	s, negative := strings.CutPrefix(s, "-")
	if !negative {
		s = strings.TrimPrefix(s, "+")
	}
	whole, decimals, _ := strings.Cut(s, ".")
	decimals = strings.TrimRight(decimals, "0")
	if len(decimals) > 6 || s == "" || s == "." {
		return 0, false
	}
	// Summed up as a negative number: its range is the larger one.
	var m Micro
	for _, c := range []byte(whole + decimals + "000000"[len(decimals):]) {
		digit := Micro(c - '0')
		if c < '0' || c > '9' || m < (math.MinInt64+digit)/10 {
			return 0, false
		}
		m = m*10 - digit
	}
	if negative {
		return m, true
	}
	return -m, m != math.MinInt64
}

func (a Amount) same(b Amount) {
	if a.Currency != b.Currency {
		panic(fmt.Sprintf("money: %s and %s cannot be combined", a.Currency, b.Currency))
	}
}

// Add gives a + b of one currency.
func (a Amount) Add(b Amount) Amount {
	a.same(b)
	sum := a.Micros + b.Micros
	if (sum > a.Micros) != (b.Micros > 0) && b.Micros != 0 {
		panic("money: a sum is out of range")
	}
	a.Micros = sum
	return a
}

// Sub gives a - b of one currency.
func (a Amount) Sub(b Amount) Amount {
	a.same(b)
	difference := a.Micros - b.Micros
	if (difference < a.Micros) != (b.Micros > 0) && b.Micros != 0 {
		panic("money: a difference is out of range")
	}
	a.Micros = difference
	return a
}

// Cmp compares two amounts of one currency: -1, 0 or 1.
func (a Amount) Cmp(b Amount) int {
	a.same(b)
	switch {
	case a.Micros < b.Micros:
		return -1
	case a.Micros > b.Micros:
		return 1
	}
	return 0
}

// IsZero reports whether there is nothing.
func (a Amount) IsZero() bool { return a.Micros == 0 }

// Rule names how an amount is rounded to the currency's smallest unit.
type Rule uint8

const (
	HalfUp   Rule = iota // half away from zero: what invoices use
	HalfEven             // banker's rounding
	Down                 // towards zero, in the payer's favour
)

// Round rounds to the currency's smallest unit.
func (a Amount) Round(rule Rule) Amount { return a.RoundTo(a.Currency.Digits(), rule) }

// RoundTo rounds to the given number of decimals (0 to 6).
func (a Amount) RoundTo(decimals int, rule Rule) Amount {
	step := Micro(1)
	for i := decimals; i < 6; i++ {
		step *= 10
	}
	q, r := a.Micros/step, a.Micros%step
	sign := Micro(1)
	if r < 0 {
		r, sign = -r, -1
	}
	up := rule == HalfUp && r*2 >= step || rule == HalfEven && (r*2 > step || r*2 == step && q%2 != 0)
	if up {
		q += sign
	}
	a.Micros = q * step
	return a
}

// decimal prints "12.50": at least min decimals, at most six.
func (m Micro) decimal(min int) string {
	neg, u := "", uint64(m)
	if m < 0 {
		neg, u = "-", uint64(-m)
	}
	s := fmt.Sprintf("%d.%06d", u/perUnit, u%perUnit)
	cut := len(s) - 6 + min
	for len(s) > cut && s[len(s)-1] == '0' {
		s = s[:len(s)-1]
	}
	return neg + strings.TrimSuffix(s, ".")
}

// Decimal prints the amount without its currency: "12.50".
func (a Amount) Decimal() string { return a.Micros.decimal(a.Currency.Digits()) }

// String prints "12.50 EUR".
func (a Amount) String() string { return a.Decimal() + " " + string(a.Currency) }

type wire struct {
	Amount   string   `json:"amount"`
	Currency Currency `json:"currency"`
}

// MarshalJSON writes {"amount":"12.50","currency":"EUR"}.
func (a Amount) MarshalJSON() ([]byte, error) {
	return json.Marshal(wire{Amount: a.Decimal(), Currency: a.Currency})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (a *Amount) UnmarshalJSON(b []byte) error {
	var w wire
	if err := json.Unmarshal(b, &w); err != nil {
		return fault.Wrap(fault.Invalid, err, "money.amount", `an amount is {"amount":"12.50","currency":"EUR"}`)
	}
	c, err := ParseCurrency(string(w.Currency))
	if err != nil {
		return err
	}
	v, err := Of(w.Amount, c)
	if err == nil {
		*a = v
	}
	return err
}
