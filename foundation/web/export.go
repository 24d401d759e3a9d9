package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/sheet"
)

// exportPage is how many rows an export reads at a time.
const exportPage = 1000

// exportFormat tells whether a list was asked for as a file.
func exportFormat(r *http.Request, l lister) (sheet.Format, bool) {
	if f := l.page().Format; f != "" {
		return sheet.Format(f), f != "json"
	}
	accept := r.Header.Get("Accept")
	switch {
	case strings.Contains(accept, "application/json"):
		return "", false
	case strings.Contains(accept, "text/csv"):
		return sheet.CSV, true
	}
	return sheet.XLSX, strings.Contains(accept, sheet.XLSX.MediaType())
}

// exporter is what a ListOutput can do, whatever its items are.
type exporter interface {
	export() (items reflect.Value, next string)
}

func (o *ListOutput[T]) export() (reflect.Value, string) {
	return reflect.ValueOf(o.Body.Items), o.Body.NextCursor
}

// exportList writes every page of a list as one file: CSV (RFC 4180) page by
// page, XLSX when it is whole. Errors before the first byte are answered as
// usual; a later one cuts the connection, so that nobody takes half a list
// for all of it.
func exportList[I, O any](ctx context.Context, req *request, in *I, l lister, format sheet.Format, fn func(context.Context, *I) (*O, error)) error {
	x := &export{req: req, format: format}
	defer x.discard()
	page := l.page()
	page.Limit, page.Cursor = exportPage, ""
	for {
		o, err := fn(ctx, in)
		if err != nil {
			return x.failed(err)
		}
		list, ok := any(o).(exporter)
		if !ok {
			return fault.New(fault.Invalid, "request.no_csv", "This route has no form as a file.").With("query.format", "allowed: json", string(format))
		}
		items, next := list.export()
		if err := x.page(items); err != nil {
			return x.failed(err)
		}
		if ctx.Err() != nil {
			return x.failed(ctx.Err())
		}
		if next == "" {
			return x.end()
		}
		page.Cursor = next
	}
}

// export is a file on its way out.
type export struct {
	req     *request
	format  sheet.Format
	columns []column
	out     sheet.Writer
	begun   bool // the answer has a first byte
}

func (x *export) page(items reflect.Value) error {
	if x.out == nil {
		if err := x.start(items.Type().Elem()); err != nil {
			return err
		}
	}
	for i := range items.Len() {
		if err := x.out.Row(cells(x.columns, items.Index(i))); err != nil {
			return err
		}
	}
	if x.format == sheet.XLSX {
		return nil
	}
	if err := x.out.Flush(); err != nil {
		return err
	}
	return http.NewResponseController(x.req.w).Flush()
}

func (x *export) start(item reflect.Type) (err error) {
	x.columns = columnsOf(item, "", nil)
	heads := make([]string, len(x.columns))
	for i, c := range x.columns {
		heads[i] = c.name
	}
	if x.format == sheet.CSV {
		x.header()
	}
	x.out, err = sheet.NewWriter(x.req.w, x.format, heads)
	return err
}

// header says what comes; from here on the answer cannot be another one.
func (x *export) header() {
	path := x.req.r.URL.Path
	name := strings.Trim(path[strings.LastIndexByte(path, '/'):], "/")
	if name == "export" {
		name = strings.Trim(path[strings.LastIndexByte(strings.TrimSuffix(path, "/export"), '/'):strings.LastIndexByte(path, '/')], "/")
	}
	h := x.req.w.Header()
	h.Set("Content-Type", x.format.MediaType())
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name+"."+string(x.format)))
	x.req.w.WriteHeader(http.StatusOK)
	x.begun = true
}

func (x *export) failed(err error) error {
	if x.begun {
		panic(http.ErrAbortHandler)
	}
	return err
}

func (x *export) end() error {
	if !x.begun {
		x.header()
	}
	if err := x.out.Close(); err != nil {
		return x.failed(err)
	}
	return errAnswered
}

func (x *export) discard() {
	if x.out != nil {
		x.out.Discard()
	}
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

func cells(columns []column, item reflect.Value) []sheet.Cell {
	out := make([]sheet.Cell, len(columns))
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
func cell(v reflect.Value) sheet.Cell {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v.Interface()); err != nil {
		return sheet.Cell{}
	}
	text := strings.TrimSuffix(buf.String(), "\n")
	if text == "null" {
		return sheet.Cell{}
	}
	var s string
	if strings.HasPrefix(text, `"`) && json.Unmarshal([]byte(text), &s) == nil {
		return sheet.Cell{Text: s}
	}
	return sheet.Cell{Text: text, Number: strings.Trim(text, "-0123456789.eE+") == ""}
}
