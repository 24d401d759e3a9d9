package ocpptest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// Shared gives the data directory below the one that FORECOURT_SHARED names.
// The test fails without it: a check that cannot run is not a check.
func Shared(t *testing.T) string {
	t.Helper()
	shared := os.Getenv("FORECOURT_SHARED")
	dir := filepath.Join(shared, "data")
	if _, err := os.Stat(filepath.Join(dir, "ocpp")); shared == "" || err != nil {
		t.Fatalf("FORECOURT_SHARED must name the directory of shared data, got %q", shared)
	}
	return dir
}

// Conformance compares the catalogue of a version with the official schemas.
// lists are the names of the version's lists in actions.json, dirs the
// schemas' directories beside it; suffix is how a request's file is named.
func Conformance(t *testing.T, c *ocpp.Catalogue, suffix string, lists, dirs []string) {
	shared := filepath.Join(Shared(t), "ocpp")
	sameActions(t, c, filepath.Join(shared, "actions.json"), lists)
	o := official{dirs: dirs, shared: shared, suffix: suffix}
	for _, action := range c.Actions() {
		e := c.Find(action)
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			o.message(t, action, false, e.Request, func() any { return e.NewRequest() })
			if e.Response != nil {
				o.message(t, action, true, e.Response, func() any { return e.NewResponse() })
			}
		})
	}
}

func sameActions(t *testing.T, c *ocpp.Catalogue, path string, lists []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, l := range lists {
		var actions []string
		if err := json.Unmarshal(all[l], &actions); err != nil {
			t.Fatalf("%s: list %s: %v", path, l, err)
		}
		want = append(want, actions...)
	}
	slices.Sort(want)
	if got := c.Actions(); !slices.Equal(got, want) {
		t.Errorf("actions differ:\nwant %v\ngot  %v", want, got)
	}
}

type official struct {
	shared, suffix string
	dirs           []string
}

// schema compiles the official schema of a message.
func (o official) schema(t *testing.T, action string, response bool) *jsonschema.Schema {
	t.Helper()
	names := []string{action + o.suffix, action}
	if response {
		names = []string{action + "Response"}
	}
	for _, dir := range o.dirs {
		for _, name := range names {
			path := filepath.Join(o.shared, dir, name+".json")
			if _, err := os.Stat(path); err != nil {
				continue
			}
			compiler := jsonschema.NewCompiler()
			compiler.AssertFormat()
			s, err := compiler.Compile(path)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
	}
	t.Fatalf("no official schema of %s", action)
	return nil
}

func (o official) message(t *testing.T, action string, response bool, shape *ocpp.Shape, make func() any) {
	t.Helper()
	s := o.schema(t, action, response)
	for what, m := range map[string]map[string]any{"minimal": minimal(shape), "maximal": maximal(shape, 3)} {
		accepted(t, s, shape, make, what, m)
	}
	for _, b := range breaches(shape) {
		refused(t, s, shape, make, b)
	}
}

// accepted sends a message through the Go type: it must stay what it was and
// nobody may object.
func accepted(t *testing.T, s *jsonschema.Schema, shape *ocpp.Shape, make func() any, what string, m map[string]any) {
	t.Helper()
	in, _ := json.Marshal(m)
	if problems := s.Validate(clone(m)); problems != nil {
		t.Errorf("%s: the official schema refuses what the shape allows: %v\n%s", what, problems, in)
	}
	typed := make()
	problems, err := ocpp.Read(shape, in, typed)
	if err != nil || len(problems) > 0 {
		t.Errorf("%s: Read: %v %v\n%s", what, err, problems, in)
		return
	}
	out, err := ocpp.Write(typed)
	if err != nil {
		t.Errorf("%s: Write: %v\n%s", what, err, in)
		return
	}
	var back map[string]any
	if err := json.Unmarshal(out, &back); err != nil {
		t.Fatal(err)
	}
	if problems := s.Validate(back); problems != nil {
		t.Errorf("%s: the official schema refuses what the type writes: %v\n%s", what, problems, out)
	}
	if !reflect.DeepEqual(back, clone(m)) {
		t.Errorf("%s: changed on its way\nwant %s\ngot  %s", what, in, out)
	}
}

// refused checks that a breach is seen by the official schema and by us.
func refused(t *testing.T, s *jsonschema.Schema, shape *ocpp.Shape, make func() any, b breach) {
	t.Helper()
	if s.Validate(clone(b.message)) == nil {
		t.Errorf("%s: the official schema does not mind", b.what)
	}
	in, _ := json.Marshal(b.message)
	typed := make()
	problems, err := ocpp.Read(shape, in, typed)
	if err != nil {
		t.Errorf("%s: Read: %v", b.what, err)
		return
	}
	if !slices.ContainsFunc(problems, func(p ocpp.Problem) bool { return p.Rule == b.rule }) {
		t.Errorf("%s: Conform reports %v, not %s", b.what, problems, b.rule)
	}
	if b.decodes && len(typed.(ocpp.Validator).Validate()) == 0 {
		t.Errorf("%s: Validate does not mind", b.what)
	}
}
