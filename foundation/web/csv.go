package web

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// csvPage is how many rows an export reads at a time.
const csvPage = 1000

// wantsCSV reports whether a list was asked for as CSV.
func wantsCSV(r *http.Request, l lister) bool {
	if f := l.page().Format; f != "" {
		return f == "csv"
	}
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "text/csv") && !strings.Contains(accept, "application/json")
}

// exporter is what a ListOutput can do, whatever its items are.
type exporter interface {
	export() (items reflect.Value, next string)
}

func (o *ListOutput[T]) export() (reflect.Value, string) {
	return reflect.ValueOf(o.Body.Items), o.Body.NextCursor
}

// exportCSV writes every page of a list as one CSV file (RFC 4180). Errors
// before the first byte are answered as usual; a later one cuts the
// connection, so that nobody takes half a list for all of it.
func exportCSV[I, O any](ctx context.Context, req *request, in *I, l lister, fn func(context.Context, *I) (*O, error)) error {
	var out *csv.Writer
	var columns []column
	page := l.page()
	page.Limit, page.Cursor = csvPage, ""
	for {
		o, err := fn(ctx, in)
		if err != nil {
			if out == nil {
				return err
			}
			panic(http.ErrAbortHandler)
		}
		x, ok := any(o).(exporter)
		if !ok {
			return fault.New(fault.Invalid, "request.no_csv", "This route has no CSV form.").With("query.format", "allowed: json", "csv")
		}
		items, next := x.export()
		if out == nil {
			columns = columnsOf(items.Type().Elem(), "", nil)
			out = startCSV(req, columns)
		}
		for i := range items.Len() {
			if err := out.Write(cells(columns, items.Index(i))); err != nil {
				panic(http.ErrAbortHandler)
			}
		}
		out.Flush()
		if err := http.NewResponseController(req.w).Flush(); err != nil || out.Error() != nil || ctx.Err() != nil {
			panic(http.ErrAbortHandler)
		}
		if next == "" {
			return errAnswered
		}
		page.Cursor = next
	}
}

func startCSV(req *request, columns []column) *csv.Writer {
	name := strings.Trim(req.r.URL.Path[strings.LastIndexByte(req.r.URL.Path, '/'):], "/")
	h := req.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name+".csv"))
	req.w.WriteHeader(http.StatusOK)
	out := csv.NewWriter(req.w)
	out.UseCRLF = true
	head := make([]string, len(columns))
	for i, c := range columns {
		head[i] = c.name
	}
	_ = out.Write(head) // buffered; Flush reports
	return out
}

// column is one value inside an item: its dotted name and how to reach it.
type column struct {
	name string
	path []int
}

// columnsOf flattens a struct: nested objects become name.part, lists stay
// JSON in one cell.
func columnsOf(t reflect.Type, prefix string, path []int) []column {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || selfWritten(t) {
		return []column{{strings.TrimSuffix(prefix, "."), path}}
	}
	var out []column
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		at := append(append([]int{}, path...), i)
		switch {
		case !f.IsExported() && !f.Anonymous || name == "-":
		case f.Anonymous && name == "":
			out = append(out, columnsOf(f.Type, prefix, at)...)
		case len(path) > 6: // a type that holds itself ends somewhere
			out = append(out, column{prefix + name, at})
		default:
			if name == "" {
				name = f.Name
			}
			out = append(out, columnsOf(f.Type, prefix+name+".", at)...)
		}
	}
	return out
}

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[interface{ MarshalText() ([]byte, error) }]()
)

func selfWritten(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(jsonMarshaler) || p.Implements(textMarshaler)
}

func cells(columns []column, item reflect.Value) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		if v, ok := reach(item, c.path); ok {
			out[i] = cell(v)
		}
	}
	return out
}

func reach(v reflect.Value, path []int) (reflect.Value, bool) {
	for {
		for v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		if len(path) == 0 {
			return v, true
		}
		v, path = v.Field(path[0]), path[1:]
	}
}

// cell writes a value as its JSON would show it, without the quotes.
func cell(v reflect.Value) string {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v.Interface()); err != nil {
		return ""
	}
	text := strings.TrimSuffix(buf.String(), "\n")
	if text == "null" {
		return ""
	}
	var s string
	if strings.HasPrefix(text, `"`) && json.Unmarshal([]byte(text), &s) == nil {
		return harmless(s)
	}
	return text
}

// harmless keeps spreadsheets from running text that looks like a formula.
func harmless(s string) string {
	if s == "" || !strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return s
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return s
	}
	return "'" + s
}
