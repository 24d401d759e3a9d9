package main

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

type kind int

const (
	kindString kind = iota
	kindInt
	kindNumber
	kindBool
	kindTime
	kindRaw
	kindCustom
	kindEnum
	kindObject
)

// model is what the schemas of one version define.
type model struct {
	types    map[string]*goType
	messages []message
}

type message struct {
	Action   string
	Request  *goType
	Response *goType // nil for a SEND
}

// goType is a struct or, with values, an enumeration.
type goType struct {
	Name     string
	Values   []string
	Fields   []field
	Messages []string // the messages that use it; a message itself has none
}

type field struct {
	JSON, Go  string
	Kind      kind
	Ref       string // name of the enumeration or struct
	List      bool
	Required  bool
	MaxLength int
	MinItems  int
	MaxItems  int
	Min, Max  *int64
	Decimals  int  // decimals allowed, when limited
	URI       bool // a string of format uri
}

func (t *goType) isEnum() bool { return t.Values != nil }

func (t *goType) field(json string) *field {
	for i := range t.Fields {
		if t.Fields[i].JSON == json {
			return &t.Fields[i]
		}
	}
	return nil
}

// loader turns one document after the other into types.
type loader struct {
	model *model
	v16   bool
	defs  properties // of the current document
	doc   string
}

func load(dirs []string) (*model, error) {
	docs, err := read(dirs)
	if err != nil {
		return nil, err
	}
	l := loader{model: &model{types: map[string]*goType{}}}
	names := map[string]bool{}
	for _, d := range docs {
		names[d.Name] = true
	}
	for _, d := range docs {
		action := strings.TrimSuffix(strings.TrimSuffix(d.Name, "Response"), "Request")
		response := strings.HasSuffix(d.Name, "Response")
		// 1.6 has "Action.json" with "ActionResponse.json"; 2.x has "ActionRequest.json".
		if d.Name == action && names[action+"Response"] {
			l.v16 = true
		}
		name := action + "Request"
		if response {
			name = action + "Response"
		}
		l.defs, l.doc = d.Schema.Definitions, name
		t, err := l.object(name, d.Schema)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.Name, err)
		}
		l.model.add(action, t, response)
	}
	sort.Slice(l.model.messages, func(i, j int) bool { return l.model.messages[i].Action < l.model.messages[j].Action })
	return l.model, nil
}

func (m *model) add(action string, t *goType, response bool) {
	i := slices.IndexFunc(m.messages, func(x message) bool { return x.Action == action })
	if i < 0 {
		m.messages = append(m.messages, message{Action: action})
		i = len(m.messages) - 1
	}
	if response {
		m.messages[i].Response = t
	} else {
		m.messages[i].Request = t
	}
}

func (l *loader) object(name string, s *schema) (*goType, error) {
	t := &goType{Name: name, Fields: []field{}}
	for _, p := range s.Properties {
		f, err := l.field(name, p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		f.Required = slices.Contains(s.Required, p.Name)
		t.Fields = append(t.Fields, f)
	}
	return t, l.keep(t)
}

// keep stores a type; the same name must mean the same everywhere.
func (l *loader) keep(t *goType) error {
	if old, ok := l.model.types[t.Name]; ok {
		if fmt.Sprint(old.Values) != fmt.Sprint(t.Values) || describe(old) != describe(t) {
			return fmt.Errorf("type %s is defined twice, differently", t.Name)
		}
		t = old
	}
	l.model.types[t.Name] = t
	if t.Name != l.doc && !slices.Contains(t.Messages, l.doc) {
		t.Messages = append(t.Messages, l.doc)
	}
	return nil
}

func describe(t *goType) string {
	var b strings.Builder
	for _, f := range t.Fields {
		min, max := "-", "-"
		if f.Min != nil {
			min = fmt.Sprint(*f.Min)
		}
		if f.Max != nil {
			max = fmt.Sprint(*f.Max)
		}
		f.Min, f.Max = nil, nil
		fmt.Fprintf(&b, "%+v %s %s;", f, min, max)
	}
	return b.String()
}

func (l *loader) field(owner string, p property) (field, error) {
	f := field{JSON: p.Name, Go: fieldName(p.Name)}
	s := p.Schema
	if s.Type == "array" {
		f.List, f.MinItems, f.MaxItems = true, s.MinItems, s.MaxItems
		if s = s.Items; s == nil {
			return f, fmt.Errorf("array without items")
		}
	}
	if s.Ref != "" {
		return f, l.reference(&f, s.Ref)
	}
	f.MaxLength, f.Min, f.Max = s.MaxLength, whole(s.Minimum), whole(s.Maximum)
	switch {
	case s.Enum != nil:
		f.Kind = kindEnum
		return f, l.inline(&f, owner, p.Name, s)
	case s.Type == "object":
		f.Kind = kindObject
		return f, l.inline(&f, owner, p.Name, s)
	case s.Type == "string" && s.Format == "date-time":
		f.Kind = kindTime
	case s.Type == "string":
		f.Kind, f.URI = kindString, s.Format == "uri"
	case s.Type == "integer":
		f.Kind = kindInt
	case s.Type == "boolean":
		f.Kind = kindBool
	case s.Type == "number":
		f.Kind = kindNumber
		if s.MultipleOf != nil {
			if *s.MultipleOf != 0.1 {
				return f, fmt.Errorf("multipleOf %v is not supported", *s.MultipleOf)
			}
			f.Decimals = 1
		}
	case s.Type == "":
		f.Kind = kindRaw
	default:
		return f, fmt.Errorf("type %q is not supported", s.Type)
	}
	return f, nil
}

func whole(v *float64) *int64 {
	if v == nil {
		return nil
	}
	n := int64(*v)
	if float64(n) != *v {
		panic("ocppgen: a limit that is not a whole number")
	}
	return &n
}

func (l *loader) reference(f *field, ref string) error {
	def := strings.TrimPrefix(ref, "#/definitions/")
	if def == "CustomDataType" {
		f.Kind = kindCustom
		return nil
	}
	i := slices.IndexFunc(l.defs, func(p property) bool { return p.Name == def })
	if i < 0 {
		return fmt.Errorf("no definition %s", ref)
	}
	s := l.defs[i].Schema
	f.Ref = strings.TrimSuffix(def, "Type")
	if s.JavaType != "" {
		f.Ref = s.JavaType
	}
	if to, ok := renamedTypes["1.6 "+f.Ref]; ok && l.v16 {
		f.Ref = to
	}
	return l.define(f, s)
}

func (l *loader) inline(f *field, owner, name string, s *schema) error {
	var ok bool
	if f.Ref, ok = inlineTypes[owner+"."+name]; !ok {
		if f.Ref, ok = inlineTypes[name]; !ok {
			return fmt.Errorf("the inline type of %s.%s has no name in names.go", owner, name)
		}
	}
	return l.define(f, s)
}

func (l *loader) define(f *field, s *schema) error {
	if s.Enum != nil {
		f.Kind = kindEnum
		return l.keep(&goType{Name: f.Ref, Values: s.Enum})
	}
	f.Kind = kindObject
	_, err := l.object(f.Ref, s)
	return err
}
