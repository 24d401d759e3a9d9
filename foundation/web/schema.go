package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// namer gives every Go type its own name in the document. Two rooms may each
// have a type Status; the second one gets its package's name in front.
type namer struct{ taken map[string]reflect.Type }

var (
	pageName = regexp.MustCompile(`^Page(.+)$`)
	// Rooms call the form a thing has on the wire siteBody or userWire; the
	// document calls it what it is.
	wireName = regexp.MustCompile(`^(.+)(?:Wire|Body|View)(List)?$`)
)

func (n *namer) name(t reflect.Type, hint string) string {
	if n.taken == nil {
		n.taken = map[string]reflect.Type{}
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	base := huma.DefaultSchemaNamer(t, hint)
	base = wireName.ReplaceAllString(pageName.ReplaceAllString(base, "${1}List"), "$1$2")
	for i := 0; ; i++ {
		name := base
		switch {
		case i == 1 && t.PkgPath() != "":
			room := path.Base(t.PkgPath())
			name = strings.ToUpper(room[:1]) + room[1:] + base
		case i > 0:
			name = fmt.Sprintf("%s%d", base, i+1)
		}
		if have, ok := n.taken[name]; !ok || have == t {
			n.taken[name] = t
			return name
		}
	}
}

// Maybe is a field of a PATCH body with its three meanings: absent leaves
// the value as it is (Set false), null clears it (Set and Null), anything
// else replaces it. Tag it `json:"name,omitempty"`.
type Maybe[T any] struct {
	Set, Null bool
	Value     T
}

// UnmarshalJSON is called only when the field is present.
func (m *Maybe[T]) UnmarshalJSON(b []byte) error {
	m.Set = true
	if bytes.Equal(bytes.TrimSpace(b), []byte("null")) {
		m.Null = true
		return nil
	}
	return json.Unmarshal(b, &m.Value)
}

// Schema is T's schema, or null.
func (Maybe[T]) Schema(r huma.Registry) *huma.Schema {
	s := r.Schema(reflect.TypeFor[T](), true, "")
	if s.Ref != "" {
		return &huma.Schema{OneOf: []*huma.Schema{s, {Type: "null"}}}
	}
	out := *s
	out.Nullable = true
	return &out
}

// Apply writes the field to *dst: nothing when absent, zero when null.
func (m Maybe[T]) Apply(dst *T) {
	switch {
	case m.Null:
		var zero T
		*dst = zero
	case m.Set:
		*dst = m.Value
	}
}
