package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden file")

// TestGolden generates a small version of our own, which holds every construct
// of the official schemas, and its copying to another one.
func TestGolden(t *testing.T) {
	out := t.TempDir()
	args := []string{"-schemas", "testdata/schemas", "-version", "9.9", "-package", "v99", "-out", out, "-neutral", "testdata/neutral"}
	if err := run(args); err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(out, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(paths)
	var got bytes.Buffer
	for _, p := range paths {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		got.WriteString("=== " + filepath.Base(p) + "\n")
		got.Write(text)
	}
	const golden = "testdata/golden.txt"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got.Bytes()) {
		t.Error("the output changed; run with -update and look at the difference")
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct{ schema, want string }{
		"inline": {`{"type":"object","properties":{"thing":{"type":"object","properties":{}}}}`, "has no name in names.go"},
		"type":   {`{"type":"object","properties":{"x":{"type":"null"}}}`, "not supported"},
		"ref":    {`{"type":"object","properties":{"x":{"$ref":"#/definitions/Gone"}}}`, "no definition"},
		"clash":  {`{"type":"object","properties":{"a_b":{"type":"string"},"ab":{"type":"string"},"aB":{"type":"string"}}}`, "get one name"},
		"values": {`{"type":"object","properties":{"phase":{"type":"string","enum":["L1-N","L1N"]}}}`, "get one name"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "ThingRequest.json"), []byte(c.schema), 0o644); err != nil {
			t.Fatal(err)
		}
		err := run([]string{"-schemas", dir, "-version", "1", "-package", "x", "-out", dir})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	if err := run([]string{"-schemas", t.TempDir(), "-version", "1", "-package", "x", "-out", "."}); err == nil {
		t.Error("a directory without schemas is accepted")
	}
	if err := run(nil); err == nil {
		t.Error("flags may be left out")
	}
}

func TestFieldNames(t *testing.T) {
	for in, want := range map[string]string{
		"transactionId": "TransactionID", "evseId": "EVSEID", "evse": "EVSE", "idToken": "IdToken", "id": "ID", "limit_L2": "LimitL2",
		"responderURL": "ResponderURL", "ocppCsmsUrl": "OcppCsmsURL", "action": "ActionName", "tagIds": "TagIDs",
	} {
		if got := fieldName(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}
