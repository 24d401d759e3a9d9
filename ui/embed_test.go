package ui

import (
	"io/fs"
	"strings"
	"testing"
)

func TestFilesAlwaysHasAPage(t *testing.T) {
	t.Parallel()
	page, err := fs.ReadFile(Files(), "index.html")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "<title>Forecourt</title>") {
		t.Errorf("index.html is not the console's page:\n%s", page)
	}
	if Built() == strings.Contains(string(page), "npm run build") {
		t.Errorf("Built() = %v, but the page says otherwise", Built())
	}
}

func TestPlaceholderNeedsNothingElse(t *testing.T) {
	t.Parallel()
	page, err := placeholder.ReadFile("placeholder/index.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, external := range []string{"http://", "https://", "<script", "src="} {
		if strings.Contains(string(page), external) {
			t.Errorf("the placeholder contains %q; it must stand alone", external)
		}
	}
}
