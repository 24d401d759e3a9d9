//go:build conformance

package ocpi

import (
	"bytes"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestConformanceRoundTrip: every example tariff and CDR of the specifications
// is read without an unknown field and written back with the same value.
func TestConformanceRoundTrip(t *testing.T) {
	dir := os.Getenv("FORECOURT_SHARED")
	for pattern, least := range map[string]int{"tariff*.json": 30, "cdr*.json": 2} {
		paths, err := filepath.Glob(filepath.Join(dir, "data/ocpi/2.*/examples", pattern))
		if err != nil || len(paths) < least {
			t.Fatalf("FORECOURT_SHARED=%q has %d examples %s: %v", dir, len(paths), pattern, err)
		}
		for _, path := range paths {
			in, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var out []byte
			if strings.HasPrefix(pattern, "tariff") {
				var v Tariff
				if v, err = Parse[Tariff](in); err == nil && len(v.UnknownFields()) > 0 {
					t.Errorf("%s: unknown %v", path, v.UnknownFields())
				}
				out, _ = json.Marshal(v)
			} else {
				var v CDR
				if v, err = Parse[CDR](in); err == nil && len(v.Extra) > 0 {
					t.Errorf("%s: unknown %v", path, v.Extra)
				}
				out, _ = json.Marshal(v)
			}
			if err != nil || !reflect.DeepEqual(value(t, in), value(t, out)) {
				t.Errorf("%s: %v\n%s", path, err, out)
			}
		}
	}
}

// value reads JSON with numbers as exact fractions, so that 2.00 is 2.
func value(t *testing.T, b []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	var exact func(v any) any
	exact = func(v any) any {
		switch x := v.(type) {
		case json.Number:
			r, _ := new(big.Rat).SetString(x.String())
			return r.String()
		case map[string]any:
			for k := range x {
				x[k] = exact(x[k])
			}
		case []any:
			for i := range x {
				x[i] = exact(x[i])
			}
		}
		return v
	}
	return exact(v)
}
