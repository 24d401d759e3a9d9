package app

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func testApp(t *testing.T) *App {
	t.Helper()
	a, err := New(t.Context(), Config{Data: t.TempDir(), Listen: "127.0.0.1:0"}, slog.New(slog.DiscardHandler), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// TestGoldenRoutes keeps the list of doors in sight: a new one, or one with
// another permission, is a line in a diff.
func TestGoldenRoutes(t *testing.T) {
	var b strings.Builder
	for _, r := range testApp(t).api.Routes() {
		permission := r.Permission
		if r.Public {
			permission = "public"
		}
		fmt.Fprintf(&b, "%-6s %-60s %-20s %s\n", r.Method, r.Path, permission, r.Room)
	}
	golden(t, "testdata/routes.golden", b.String())
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs; if that is wanted: go test ./app -run Golden -update\n%s", path, diff(string(want), got))
	}
}

func diff(want, got string) string {
	has := func(text string) map[string]bool {
		lines := map[string]bool{}
		for _, l := range strings.Split(text, "\n") {
			lines[l] = true
		}
		return lines
	}
	var b strings.Builder
	for _, l := range strings.Split(want, "\n") {
		if !has(got)[l] {
			fmt.Fprintln(&b, "-", l)
		}
	}
	for _, l := range strings.Split(got, "\n") {
		if !has(want)[l] {
			fmt.Fprintln(&b, "+", l)
		}
	}
	return b.String()
}

// TestGoldenOpenAPI: the web app's types are made from the committed
// document, so it must be the program's own.
func TestGoldenOpenAPI(t *testing.T) {
	want, err := os.ReadFile("../ui/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	if err := (openAPICmd{}).Run(t.Context(), streams{out: &got}); err != nil {
		t.Fatal(err)
	}
	if string(want) != got.String() {
		t.Error("ui/openapi.json is not what `forecourt openapi` prints; run `make golden`")
	}
}

// TestConfigPrintsEverySetting and reads back what it prints.
func TestConfigPrintsEverySetting(t *testing.T) {
	var out, errs strings.Builder
	if code := Main(t.Context(), []string{"config"}, &out, &errs); code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	for _, name := range []string{"listen = localhost:8080", "station-client-ca", "message-retention = 90d", "database-url"} {
		if !strings.Contains(out.String(), name) {
			t.Errorf("config does not print %q", name)
		}
	}
}

func TestUnknownSettingIsRefused(t *testing.T) {
	file := t.TempDir() + "/f.conf"
	if err := os.WriteFile(file, []byte("lissten = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	if code := Main(t.Context(), []string{"serve", "--config", file}, &out, &errs); code == 0 || !strings.Contains(errs.String(), "lissten") {
		t.Errorf("exit %d: %s", code, errs.String())
	}
}

func TestConfigChecks(t *testing.T) {
	cases := []struct{ name, want string }{
		{"--tls-cert=x", "go together"},
		{"--trusted-proxy=10.0.0.1", "10.0.0.0/8"},
		{"--database-url=mysql://x/y", "postgres://"},
		{"--station-client-ca=x", "--station-listen"},
	}
	for _, c := range cases {
		var out, errs strings.Builder
		if code := Main(t.Context(), []string{"serve", "--data", t.TempDir(), c.name}, &out, &errs); code == 0 || !strings.Contains(errs.String(), c.want) {
			t.Errorf("%s: exit %d: %s", c.name, code, errs.String())
		}
	}
}
