package ocpp

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// Problem is one breach of a schema.
type Problem struct {
	Path    string // "chargingStation.model", "meterValue[2].timestamp"; empty for the message itself
	Rule    string // see Deviation.Code
	Message string // what is wrong and what is allowed
}

func (p Problem) String() string {
	if p.Path == "" {
		return p.Message
	}
	return p.Path + ": " + p.Message
}

// Validator is every generated message.
type Validator interface{ Validate() []Problem }

// At is a place in a message. It is a list of steps upwards, rendered only
// when there is a problem to report.
type At struct {
	up    *At
	name  string
	index int // -1 for the field itself
}

// Field gives the place of a field of the object at a; nil is the message.
func (a *At) Field(name string) *At { return &At{up: a, name: name, index: -1} }

// Item gives the place of an item of a list in the object at a.
func (a *At) Item(name string, index int) *At { return &At{up: a, name: name, index: index} }

func (a *At) String() string {
	var b strings.Builder
	a.write(&b)
	return b.String()
}

func (a *At) write(b *strings.Builder) {
	if a == nil {
		return
	}
	a.up.write(b)
	if b.Len() > 0 {
		b.WriteByte('.')
	}
	b.WriteString(a.name)
	if a.index >= 0 {
		b.WriteByte('[')
		b.WriteString(strconv.Itoa(a.index))
		b.WriteByte(']')
	}
}

// Check gathers the problems of one message for the generated Validate.
type Check struct{ problems []Problem }

// Problems gives what was found.
func (c *Check) Problems() []Problem { return c.problems }

// Add reports a problem.
func (c *Check) Add(at *At, rule, format string, args ...any) {
	c.problems = append(c.problems, Problem{Path: at.String(), Rule: rule, Message: fmt.Sprintf(format, args...)})
}

// Missing reports a required value that is not there.
func (c *Check) Missing(at *At) { c.Add(at, "required", "is missing") }

// Unsupported reports a value that has no place in the version it goes to.
func (c *Check) Unsupported(at *At) { c.Add(at, "version", "is not known to this OCPP version") }

// Whole gives d as an integer, as an older version wants it, rounded.
func (c *Check) Whole(at *At, d unit.Decimal) int {
	n, ok := d.Scaled(0)
	if !ok {
		c.Add(at, "range", "%s is too large", d)
	}
	return int(n)
}

// Text reports a string of more than limit characters. Callers have compared
// bytes already, which is cheaper and never too lenient.
func (c *Check) Text(at *At, s string, limit int) {
	if n := utf8.RuneCountInString(s); n > limit {
		c.Add(at, "max_length", "has %d characters, allowed are %d", n, limit)
	}
}

// URI checks that a string is an absolute URI.
func (c *Check) URI(at *At, s string) {
	if u, err := url.Parse(s); err != nil || !u.IsAbs() {
		c.Add(at, "format", "%q is not an absolute URI", clip(s))
	}
}

// Enum reports a value that the specification does not have.
func (c *Check) Enum(at *At, value string, allowed []string) {
	if value == "" {
		c.Missing(at)
		return
	}
	c.Add(at, "enum", "%q is not one of %s", clip(value), strings.Join(allowed, ", "))
}

// Items checks the length of a list.
func (c *Check) Items(at *At, name string, null bool, n, least, most int, required bool) {
	switch {
	case required && null:
		c.Missing(at.Field(name))
	case n < least && (required || !null && n > 0):
		c.Add(at.Field(name), "items", "has %d items, at least %d are needed", n, least)
	case most > 0 && n > most:
		c.Add(at.Field(name), "items", "has %d items, allowed are %d", n, most)
	}
}

// RangeMin checks a lower bound.
func (c *Check) RangeMin(at *At, v, least int64) {
	if v < least {
		c.Add(at, "range", "%d is less than %d", v, least)
	}
}

// RangeMax checks an upper bound.
func (c *Check) RangeMax(at *At, v, most int64) {
	if v > most {
		c.Add(at, "range", "%d is more than %d", v, most)
	}
}

// DecimalMin checks a lower bound.
func (c *Check) DecimalMin(at *At, v unit.Decimal, least int64) {
	if compare(v, least) < 0 {
		c.Add(at, "range", "%s is less than %d", v, least)
	}
}

// DecimalMax checks an upper bound.
func (c *Check) DecimalMax(at *At, v unit.Decimal, most int64) {
	if compare(v, most) > 0 {
		c.Add(at, "range", "%s is more than %d", v, most)
	}
}

// Decimals checks how many decimals a number has.
func (c *Check) Decimals(at *At, v unit.Decimal, most int) {
	if int(v.Exp) < -most {
		c.Add(at, "range", "%s has more than %d decimal", v, most)
	}
}

// Custom checks a customData object: it names its vendor in at most 255
// characters and may hold anything else.
func (c *Check) Custom(at *At, raw json.RawMessage) {
	var head struct {
		Vendor *string `json:"vendorId"`
	}
	switch err := json.Unmarshal(raw, &head); {
	case err != nil:
		c.Add(at, "type", "is not an object with a vendorId")
	case head.Vendor == nil:
		c.Missing(at.Field("vendorId"))
	default:
		c.Text(at.Field("vendorId"), *head.Vendor, 255)
	}
}

// compare orders a decimal and a whole number, exactly.
func compare(d unit.Decimal, n int64) int {
	if d.Exp >= 0 {
		v, ok := d.Scaled(0)
		switch {
		case !ok:
			return d.Sign()
		case v < n:
			return -1
		case v > n:
			return 1
		}
		return 0
	}
	m, ok := unit.DecimalOf(n, 0).Scaled(-int(d.Exp))
	switch {
	case !ok && n > 0: // n has too many digits at this scale, so |d| < |n|
		return -1
	case !ok:
		return 1
	case d.Coef < m:
		return -1
	case d.Coef > m:
		return 1
	}
	return 0
}

func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
