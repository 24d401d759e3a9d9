//go:build conformance

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestConformanceGenerated generates every version anew from the official
// schemas: what is committed is what they say.
func TestConformanceGenerated(t *testing.T) {
	shared := filepath.Join(os.Getenv("FORECOURT_SHARED"), "data", "ocpp")
	if _, err := os.Stat(shared); os.Getenv("FORECOURT_SHARED") == "" || err != nil {
		t.Fatalf("FORECOURT_SHARED must name the directory of shared data, got %q", os.Getenv("FORECOURT_SHARED"))
	}
	core, security := filepath.Join(shared, "1.6/core"), filepath.Join(shared, "1.6/security")
	v201, v21 := filepath.Join(shared, "2.0.1"), filepath.Join(shared, "2.1")
	for dir, args := range map[string][]string{
		"../../ocpp":      {"-schemas", v21, "-version", "2.1", "-package", "ocpp"},
		"../../ocpp/v201": {"-schemas", v201, "-version", "2.0.1", "-package", "v201", "-neutral", v21},
		"../../ocpp/v16":  {"-schemas", core + "," + security, "-version", "1.6", "-package", "v16"},
	} {
		out := t.TempDir()
		if err := run(append(args, "-out", out)); err != nil {
			t.Fatal(err)
		}
		want, err := filepath.Glob(filepath.Join(out, "*_gen.go"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := filepath.Glob(filepath.Join(dir, "*_gen.go"))
		if err != nil || len(got) != len(want) || len(got) == 0 {
			t.Errorf("%s has %d generated files, want %d", dir, len(got), len(want))
		}
		for _, path := range want {
			a, _ := os.ReadFile(path)
			b, _ := os.ReadFile(filepath.Join(dir, filepath.Base(path)))
			if !bytes.Equal(a, b) {
				t.Errorf("%s/%s is not what the schemas say; run go generate", dir, filepath.Base(path))
			}
		}
	}
}
