package db

import (
	"math/bits"
	"strconv"
	"strings"
)

// Cond is a condition with "?" for its arguments, without AND or WHERE. An
// empty text is no condition.
type Cond struct {
	Text string
	Args []any

	// Few says that mostly few rows fit, that the planner cannot know it, and
	// that an index holds what the conditions of a list with a Probe look at:
	// PostgreSQL then looks for what fits before it sorts.
	Few bool
}

// In is the condition that a column is one of the values. The list is filled
// up to a power of two with the last one, so that few statements serve lists
// of any length: preparing one costs more than running it. Without values it
// holds for no row.
func In(column string, values ...string) Cond {
	if len(values) == 0 {
		return Cond{Text: "1 = 0"}
	}
	n := 1 << bits.Len(uint(len(values)-1))
	c := Cond{Text: column + " IN (?" + strings.Repeat(", ?", n-1) + ")", Args: make([]any, n)}
	for i := range c.Args {
		c.Args[i] = values[min(i, len(values)-1)]
	}
	return c
}

// Query puts a statement together from fragments. Each "?" outside quotes
// becomes the next $n, so fragments need not know of each other.
type Query struct {
	text strings.Builder
	args []any
}

// Build starts a statement.
func Build(text string, args ...any) *Query { return new(Query).Add(text, args...) }

// Add appends a fragment, after a blank. Fragments are fixed text; what comes
// from outside goes into args.
func (q *Query) Add(text string, args ...any) *Query {
	q.text.Grow(len(text) + 1 + 2*len(args)) // "?" becomes "$12"
	if q.text.Len() > 0 {
		q.text.WriteByte(' ')
	}
	n, quote := len(q.args), byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '?':
			n++
			q.text.WriteByte('$')
			q.text.WriteString(strconv.Itoa(n))
			continue
		}
		q.text.WriteByte(c)
	}
	if n != len(q.args)+len(args) {
		panic("db: " + strconv.Itoa(n-len(q.args)) + " marks for " + strconv.Itoa(len(args)) + " arguments in: " + text)
	}
	q.args = append(q.args, args...)
	return q
}

// And appends "AND (condition)"; nothing for an empty one.
func (q *Query) And(c Cond) *Query {
	if c.Text == "" {
		return q
	}
	return q.Add("AND ("+c.Text+")", c.Args...)
}

// SQL gives the statement and its arguments.
func (q *Query) SQL() (string, []any) { return q.text.String(), q.args }
