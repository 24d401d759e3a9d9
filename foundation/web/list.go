package web

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/sheet"
)

// ListInput is embedded in the input of every list route.
//
// Filters are parameters named after a field, with an optional comparison:
// status=active, energy_wh[gte]=1000, id[contains]=abc. A field given twice
// must meet both conditions.
type ListInput struct {
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"1000" doc:"How many items to return at most"`
	Cursor string `query:"cursor" maxLength:"1000" doc:"The next_cursor of the page before"`
	Sort   string `query:"sort" maxLength:"100" doc:"Field to sort by; a leading - reverses"`
	Format string `query:"format" enum:"json,csv,xlsx" doc:"csv and xlsx export every page of the list as a file; so does the media type in Accept"`

	filters []db.Filter
}

// Request gives the page that was asked for, for db.List.
func (l *ListInput) Request() (db.ListRequest, error) {
	return db.ListRequest{Filters: l.filters, Sort: l.Sort, Limit: l.Limit, Cursor: l.Cursor}, nil
}

func (l *ListInput) bind(f []db.Filter) { l.filters = f }
func (l *ListInput) page() *ListInput   { return l }

// lister is what an input that embeds ListInput can do.
type lister interface {
	bind([]db.Filter)
	page() *ListInput
}

// ListOutput is the output of every list route.
type ListOutput[T any] struct {
	Body Page[T]
}

// Page is one page of a list.
type Page[T any] struct {
	Items      []T    `json:"items" nullable:"false"`
	NextCursor string `json:"next_cursor,omitempty" doc:"Pass it as cursor to get the next page; absent on the last one"`
}

// NewList makes the output of a list route.
func NewList[T any](items []T, next string) *ListOutput[T] {
	if items == nil {
		items = []T{} // never null
	}
	return &ListOutput[T]{Body: Page[T]{Items: items, NextCursor: next}}
}

var filterOps = []string{"eq", "ne", "lt", "lte", "gt", "gte", "contains", "in"}

// opsFor lists the comparisons that make sense for a kind of field.
func opsFor(k db.FieldKind) []string {
	switch k {
	case db.Bool, db.Enum:
		return []string{"eq", "ne", "in"}
	case db.Text:
		return filterOps
	default:
		return []string{"eq", "ne", "lt", "lte", "gt", "gte", "in"}
	}
}

// checkQuery refuses query parameters that r does not have, and returns
// those that are filters.
func (r *route) checkQuery(q url.Values) ([]db.Filter, error) {
	var filters []db.Filter
	bad := fault.New(fault.Invalid, "request.invalid", "The query has parameters that do not exist.")
	for _, name := range sortedKeys(q) {
		if r.params[name] {
			continue
		}
		field, op, ok := splitFilter(name)
		if !r.lists || !ok || r.List != nil && !canFilter(r.List, field) {
			bad.With("query."+name, fmt.Sprintf("%s is not a parameter; allowed: %s", name, strings.Join(r.allowedParams(), ", ")), nil)
			continue
		}
		if !slices.Contains(filterOps, op) {
			bad.With("query."+name, fmt.Sprintf("%s is not a comparison; allowed: %s", op, strings.Join(filterOps, ", ")), nil)
			continue
		}
		for _, v := range q[name] {
			filters = append(filters, db.Filter{Field: field, Op: op, Value: v})
		}
	}
	if len(bad.Fields) > 0 {
		bad.Message = bad.Fields[0].Location + ": " + bad.Fields[0].Message
		return nil, bad
	}
	return filters, nil
}

func (r *route) allowedParams() []string {
	names := sorted(r.params)
	if r.List != nil {
		for _, f := range r.List.Fields {
			if f.Filter {
				names = append(names, f.Name)
			}
		}
	}
	if len(names) == 0 {
		return []string{"none"}
	}
	return names
}

// splitFilter reads "energy_wh[gte]" as energy_wh, gte; "status" as status, eq.
func splitFilter(name string) (field, op string, ok bool) {
	field, rest, bracket := strings.Cut(name, "[")
	if !bracket {
		return field, "eq", field != ""
	}
	op, tail, closed := strings.Cut(rest, "]")
	return field, op, closed && tail == "" && field != ""
}

func canFilter(spec *db.ListSpec, name string) bool {
	return slices.ContainsFunc(spec.Fields, func(f db.Field) bool { return f.Filter && f.Name == name })
}

func sortedKeys(q url.Values) []string {
	out := make([]string, 0, len(q))
	for k := range q {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// documentList writes filters and sort fields into the document.
func documentList(hop *huma.Operation, op Op) {
	hop.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{
		"application/json":     {}, // the schema follows from the output
		"text/csv":             {Schema: &huma.Schema{Type: huma.TypeString}},
		sheet.XLSX.MediaType(): {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
	}}}
	if op.List == nil {
		return
	}
	var sorts []string
	for _, f := range op.List.Fields {
		if f.Sort {
			sorts = append(sorts, f.Name)
		}
		if !f.Filter {
			continue
		}
		schema := filterSchema(f)
		others := opsFor(f.Kind)[1:]
		hop.Parameters = append(hop.Parameters, &huma.Param{Name: f.Name, In: "query", Schema: schema,
			Description: fmt.Sprintf("Only items with this %s. Comparisons as %s[op]: %s", f.Name, f.Name, strings.Join(others, ", "))})
	}
	if len(sorts) > 0 {
		text := "Sort fields: " + strings.Join(sorts, ", ") + " (a leading - reverses)"
		if op.List.Default != "" {
			text += "; default " + op.List.Default
		}
		hop.Description = strings.TrimSpace(hop.Description + "\n\n" + text + ".")
	}
}

func filterSchema(f db.Field) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	switch f.Kind {
	case db.Int:
		s.Type = huma.TypeInteger
	case db.Bool:
		s.Type = huma.TypeBoolean
	case db.Enum:
		for _, v := range f.Allowed {
			s.Enum = append(s.Enum, v)
		}
	case db.Instant:
		s.Format = "date-time"
	}
	return s
}
