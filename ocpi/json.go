package ocpi

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Extra holds the fields of an object that this package does not know.
type Extra map[string]json.RawMessage

// names caches, per struct type, the JSON names it reads.
var names sync.Map // reflect.Type → []string

func known(t reflect.Type) []string {
	if v, ok := names.Load(t); ok {
		return v.([]string)
	}
	var out []string
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" && name != "-" {
			out = append(out, name)
		}
	}
	names.Store(t, out)
	return out
}

// decode reads b into v, a pointer to a struct without methods of its own,
// and gathers what v has no field for.
func decode[T any](b []byte, v *T, extra *Extra) error {
	if err := json.Unmarshal(b, v); err != nil {
		return err
	}
	*extra = nil
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil || all == nil {
		return err
	}
	have := known(reflect.TypeFor[T]())
	for name, raw := range all {
		// encoding/json matches names without regard to case; so must we, or
		// a field would be written twice.
		if slices.ContainsFunc(have, func(k string) bool { return strings.EqualFold(k, name) }) {
			continue
		}
		if *extra == nil {
			*extra = Extra{}
		}
		(*extra)[name] = slices.Clone(raw)
	}
	return nil
}

// encode writes v and the unknown fields after it, in the order of their names.
func encode(v any, extra Extra) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil || len(extra) == 0 {
		return b, err
	}
	var out bytes.Buffer
	out.Write(bytes.TrimSuffix(b, []byte("}")))
	keys := make([]string, 0, len(extra))
	for k := range extra {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		name, err := json.Marshal(k)
		if err != nil {
			return nil, err
		}
		out.Write(name)
		out.WriteByte(':')
		out.Write(extra[k])
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// Parse reads one JSON value of an OCPI type. Trailing text is refused. The
// error is fault.Invalid and says where the text stops making sense.
func Parse[T any](b []byte) (T, error) {
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		if fault.Of(err) != nil {
			return v, err
		}
		return v, fault.Wrap(fault.Invalid, err, "ocpi.json", "this is not a valid OCPI object: %s", err)
	}
	return v, nil
}

// unknown collects the paths of fields kept in Extra.
type unknown []string

func (u *unknown) add(path string, e Extra) {
	for k := range e {
		if path == "" {
			*u = append(*u, k)
		} else {
			*u = append(*u, path+"."+k)
		}
	}
}
