package db

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// FieldKind says how a column's values are written in a filter.
type FieldKind uint8

const (
	Text FieldKind = iota + 1
	Int
	Bool
	Instant // RFC 3339; the column holds microseconds
	Enum    // text that must be one of Field.Allowed
)

// Field is a column that a stranger may filter or sort by.
type Field struct {
	Name         string // as the outside calls it: "started_at"
	Column       string // SQL: "s.started_at"
	Kind         FieldKind
	Sort, Filter bool
	Allowed      []string // Enum: its values
	Nullable     bool     // NULL sorts last upwards; the filter value "null" finds it
	Scale        int64    // Int: the column holds value × Scale (Wh asked, mWh stored: 1000)
}

// ListSpec describes a list.
type ListSpec struct {
	// Base is "SELECT … FROM … WHERE", or further with conditions of its own;
	// without arguments, GROUP BY or DISTINCT.
	Base    string
	Fields  []Field
	Default string // sort order when none is asked: "-started_at"
	Key     string // SQL of a unique column, which breaks ties
	// Probe is the table of a large list whose Key is text and whose sortable
	// columns have indexes (column, key): what SQLite lacks to choose among
	// them is then found out before each list, and PostgreSQL sorts keys instead
	// of rows. Its columns are not qualified. Empty: the planner chooses.
	Probe string
}

// Filter is one condition of a request. Op: eq ne lt lte gt gte contains in
// (comma-separated); empty means eq.
type Filter struct{ Field, Op, Value string }

// ListRequest is what a caller asks for. Sort is a comma-separated list of
// field names, "-" before those that go down.
type ListRequest struct {
	Filters []Filter
	Sort    string
	Limit   int    // 1 to 1000; 0 means 50
	Cursor  string // next of the page before
}

const (
	defaultLimit = 50
	maxLimit     = 1000
	maxIn        = 200 // values of one "in"
)

// List reads one page: the items, and the cursor of the next page, empty at
// the end. Conditions that the caller must not escape (organisation scope) go
// into where. A request that asks for what the spec does not allow gives
// fault.Invalid with fields located as "query.<name>".
func List[T any](tx *Tx, spec ListSpec, where []Cond, req ListRequest, scan func(Scanner) (T, error)) (items []T, next string, err error) {
	p, err := spec.plan(req)
	if err != nil {
		return nil, "", err
	}
	if where, err = p.probe(tx, where); err != nil {
		return nil, "", err
	}
	query, args := p.build(where).SQL()
	last := p.keys()
	items, err = Collect(tx, func(s Scanner) (T, error) { return scan(behind{s, last}) }, query, args...)
	if err != nil || len(items) <= p.limit {
		return items, "", err
	}
	// One more than asked was read, only to know that there is more; the
	// cursor needs the keys of the last one given out.
	items = items[:p.limit]
	next, err = p.cursor(last)
	return items, next, err
}

// page is a checked request.
type page struct {
	spec  ListSpec
	conds []Cond
	order []order
	sort  string // canonical, to recognise a cursor of another order
	limit int
	from  []any // the cursor's keys; nil on the first page

	sortAll bool // no index gives the order
}

type order struct {
	column   string
	kind     FieldKind
	down     bool
	nullable bool
}

func (s ListSpec) plan(req ListRequest) (*page, error) {
	p := &page{spec: s, limit: req.Limit}
	bad := fault.New(fault.Invalid, "list.invalid", "the list cannot be asked this way")
	switch {
	case p.limit == 0:
		p.limit = defaultLimit
	case p.limit < 0 || p.limit > maxLimit:
		bad.With("query.limit", fmt.Sprintf("must be between 1 and %d", maxLimit), req.Limit)
	}
	for _, f := range req.Filters {
		field, ok := s.field(f.Field)
		if !ok || !field.Filter {
			bad.With("query."+f.Field, "is not a filter of this list; filters are "+s.names(func(f Field) bool { return f.Filter }), f.Value)
			continue
		}
		c, problem := field.cond(f)
		if problem != "" {
			bad.With("query."+f.Field, problem, f.Value)
			continue
		}
		p.conds = append(p.conds, c)
	}
	p.sorted(req.Sort, bad)
	if len(bad.Fields) == 0 && req.Cursor != "" && !p.resume(req.Cursor) {
		bad.With("query.cursor", "is not a cursor of this list in this order; ask for the first page without a cursor", nil)
	}
	if len(bad.Fields) > 0 {
		return nil, bad
	}
	return p, nil
}

func (s ListSpec) field(name string) (Field, bool) {
	i := slices.IndexFunc(s.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return s.Fields[i], true
}

func (s ListSpec) names(which func(Field) bool) string {
	var out []string
	for _, f := range s.Fields {
		if which(f) {
			out = append(out, f.Name)
		}
	}
	if out == nil {
		return "none"
	}
	return strings.Join(out, ", ")
}

func (p *page) sorted(sort string, bad *fault.Error) {
	if sort == "" {
		sort = p.spec.Default
	}
	down := false
	for _, name := range strings.Split(sort, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		name, minus := strings.CutPrefix(name, "-")
		f, ok := p.spec.field(name)
		if !ok || !f.Sort {
			bad.With("query.sort", "cannot sort by "+strconv.Quote(name)+"; possible are "+p.spec.names(func(f Field) bool { return f.Sort }), sort)
			return
		}
		down = minus
		if slices.ContainsFunc(p.order, func(o order) bool { return o.column == f.Column }) {
			continue
		}
		p.order = append(p.order, order{f.Column, f.Kind, down, f.Nullable})
		p.sort += map[bool]string{true: "-", false: "+"}[down] + name
	}
	p.order = append(p.order, order{column: p.spec.Key, down: down})
}

// cond is the filter as SQL, or what is wrong with it.
func (f Field) cond(in Filter) (c Cond, problem string) {
	op := in.Op
	if op == "" {
		op = "eq"
	}
	if f.Nullable && in.Value == "null" && (op == "eq" || op == "ne") {
		return Cond{Text: f.Column + map[string]string{"eq": " IS NULL", "ne": " IS NOT NULL"}[op]}, ""
	}
	if op == "contains" {
		if f.Kind != Text {
			return c, "contains works on text only"
		}
		return Cond{Text: `lower(` + f.Column + `) LIKE lower(?) ESCAPE '!'`, Args: []any{"%" + likeText.Replace(in.Value) + "%"}}, ""
	}
	if op == "in" {
		return f.in(in.Value)
	}
	sign, ok := map[string]string{"eq": "=", "ne": "IS DISTINCT FROM", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}[op]
	if !ok {
		return c, strconv.Quote(op) + " is not an operator; operators are eq, ne, lt, lte, gt, gte, contains, in"
	}
	if (f.Kind == Bool || f.Kind == Enum) && op != "eq" && op != "ne" {
		return c, "only eq, ne and in work here"
	}
	v, problem := f.parse(in.Value)
	return Cond{Text: f.Column + " " + sign + " ?", Args: []any{v}}, problem
}

var likeText = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

func (f Field) in(list string) (c Cond, problem string) {
	parts := strings.Split(list, ",")
	if len(parts) > maxIn {
		return c, fmt.Sprintf("at most %d values", maxIn)
	}
	for _, part := range parts {
		v, problem := f.parse(part)
		if problem != "" {
			return c, problem
		}
		c.Args = append(c.Args, v)
	}
	c.Text = f.Column + " IN (?" + strings.Repeat(", ?", len(parts)-1) + ")"
	return c, ""
}

func (f Field) parse(s string) (v any, problem string) {
	switch f.Kind {
	case Int:
		n, err := strconv.ParseInt(s, 10, 64)
		if f.Scale > 1 && (n > 1<<62/f.Scale || n < -1<<62/f.Scale) {
			return nil, "is too large"
		}
		if err != nil {
			return nil, "must be a whole number"
		}
		return n * max(f.Scale, 1), ""
	case Bool:
		if s != "true" && s != "false" {
			return nil, "must be true or false"
		}
		return s == "true", ""
	case Instant:
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return nil, "must be an instant such as 2026-01-31T08:00:00Z"
		}
		return Micros(t), ""
	case Enum:
		if !slices.Contains(f.Allowed, s) {
			return nil, "must be one of " + strings.Join(f.Allowed, ", ")
		}
	}
	if strings.ContainsRune(s, 0) {
		return nil, "must not contain a zero character"
	}
	return s, ""
}
