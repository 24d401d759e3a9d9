package unit

import (
	"math"
	"strconv"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Decimal is an exact decimal number Coef × 10^Exp as it travels in JSON.
// It stands where a schema says "number": no float ever holds a reading or
// a price. Digits past the eighteenth are rounded half away from zero, as
// stations print floats like 0.30000000000000004.
type Decimal struct {
	Coef int64
	Exp  int8
}

const maxDigits = 18

// ParseDecimal reads "12", "-0.50", "1.2e3". Blanks around and a leading
// plus are allowed, since stations send them.
func ParseDecimal(s string) (Decimal, error) {
	d, ok := parse(strings.TrimSpace(s))
	if !ok {
		return Decimal{}, fault.New(fault.Invalid, "unit.decimal", "%q is not a decimal number such as 12, -0.5 or 1.2e3", clip(s))
	}
	return d, nil
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

type scan struct {
	coef    int64
	exp     int
	digits  int // significant digits taken
	seen    int // digits seen at all
	rounded bool
	point   bool
}

func (a *scan) digit(c byte) {
	a.seen++
	v := int64(c - '0')
	switch {
	case a.digits < maxDigits:
		a.coef = a.coef*10 + v
		if a.coef != 0 {
			a.digits++
		}
		if a.point {
			a.exp--
		}
	default:
		if !a.rounded && v >= 5 {
			a.coef++
		}
		a.rounded = true
		if !a.point {
			a.exp++
		}
	}
}

func parse(s string) (Decimal, bool) {
	neg := false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = s[1:]
	}
	var a scan
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			a.digit(c)
		case c == '.' && !a.point:
			a.point = true
		case (c == 'e' || c == 'E') && a.seen > 0:
			e, err := strconv.Atoi(s[i+1:])
			if err != nil || e > 40 || e < -400 {
				return Decimal{}, false
			}
			a.exp += e
			s = s[:i]
		default:
			return Decimal{}, false
		}
	}
	if a.seen == 0 {
		return Decimal{}, false
	}
	if neg {
		a.coef = -a.coef
	}
	return shrink(a.coef, a.exp)
}

// shrink drops trailing zeros so that equal numbers are equal values.
func shrink(coef int64, exp int) (Decimal, bool) {
	if coef == 0 {
		return Decimal{}, true
	}
	for coef%10 == 0 {
		coef /= 10
		exp++
	}
	if exp < -120 {
		return Decimal{}, true
	}
	if exp > 40 {
		return Decimal{}, false
	}
	return Decimal{Coef: coef, Exp: int8(exp)}, true
}

// DecimalOf makes coef × 10^exp.
func DecimalOf(coef int64, exp int) Decimal {
	d, ok := shrink(coef, exp)
	if !ok {
		panic("unit: decimal out of range")
	}
	return d
}

// Scaled gives d × 10^power as an integer, rounded half away from zero; ok
// is false when it does not fit an int64. Scaled(3) of 1.2345 is 1235.
func (d Decimal) Scaled(power int) (int64, bool) {
	shift := int(d.Exp) + power
	v := d.Coef
	for ; shift > 0; shift-- {
		if v > math.MaxInt64/10 || v < math.MinInt64/10 {
			return 0, false
		}
		v *= 10
	}
	switch { // 10^19 does not fit an int64
	case shift == -19 && v >= 5_000_000_000_000_000_000:
		return 1, true
	case shift == -19 && v <= -5_000_000_000_000_000_000:
		return -1, true
	case shift < -18:
		return 0, true
	}
	if shift == 0 {
		return v, true
	}
	div := int64(1)
	for ; shift < 0; shift++ {
		div *= 10
	}
	q, r := v/div, v%div
	switch {
	case r >= div-r && r > 0:
		q++
	case -r >= div+r && r < 0:
		q--
	}
	return q, true
}

// IsZero reports whether d is 0.
func (d Decimal) IsZero() bool { return d.Coef == 0 }

// Sign gives -1, 0 or 1.
func (d Decimal) Sign() int {
	switch {
	case d.Coef < 0:
		return -1
	case d.Coef > 0:
		return 1
	}
	return 0
}

// String prints d without an exponent: "12.5", "-0.003", "1200".
func (d Decimal) String() string {
	s := strconv.FormatInt(d.Coef, 10)
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	switch {
	case d.Exp >= 0:
		s += strings.Repeat("0", int(d.Exp))
	default:
		n := -int(d.Exp)
		if len(s) <= n {
			s = strings.Repeat("0", n-len(s)+1) + s
		}
		s = s[:len(s)-n] + "." + s[len(s)-n:]
	}
	if neg {
		return "-" + s
	}
	return s
}

// MarshalJSON writes a JSON number.
func (d Decimal) MarshalJSON() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalJSON reads a JSON number, or a string that holds one, since some
// stations quote their numbers. null leaves zero.
func (d *Decimal) UnmarshalJSON(b []byte) error {
	s := string(b)
	if s == "null" {
		return nil
	}
	v, err := ParseDecimal(strings.Trim(s, `"`))
	if err == nil {
		*d = v
	}
	return err
}
