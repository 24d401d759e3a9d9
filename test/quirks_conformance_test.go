//go:build conformance

package test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestConformanceQuirks: every quirk of the shared data has a test of its
// name and a row on the page, every literal frame is played.
func TestConformanceQuirks(t *testing.T) {
	shared := os.Getenv("FORECOURT_SHARED")
	if shared == "" {
		t.Fatal("FORECOURT_SHARED must name the directory of shared data")
	}
	dir := filepath.Join(shared, "data", "quirks")
	text, err := os.ReadFile(filepath.Join(dir, "quirks.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct {
		ID, Category string
		Frames       []string
	}
	if err := json.Unmarshal(text, &rows); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/quirks.md")
	if err != nil {
		t.Fatal(err)
	}
	sources := testSources(t)
	found := quirkTests(t)
	for _, r := range rows {
		if !found[r.ID] {
			t.Errorf("%s (%s) has no test", r.ID, r.Category)
		}
		if !strings.Contains(string(page), "\n| "+r.ID+" |") {
			t.Errorf("%s (%s) is not on the page", r.ID, r.Category)
		}
		for _, f := range r.Frames {
			if !strings.Contains(sources, `literal(t, "`+f+`"`) {
				t.Errorf("%s: its frame %s is not played", r.ID, f)
			}
		}
	}
	want, err := os.ReadFile(filepath.Join(dir, "frames.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile("testdata/quirks/frames.jsonl"); err != nil || string(got) != string(want) {
		t.Errorf("testdata/quirks/frames.jsonl is not the shared one (%v)", err)
	}
}

func testSources(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("quirks_*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(text)
	}
	return b.String()
}
