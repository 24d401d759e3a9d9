package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// ask gives the answer of a platform that is built and does not run.
func ask(t *testing.T, a *App, method, path, key string) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	w := httptest.NewRecorder()
	a.api.Handler().ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(body)
}

// TestReadiness: a node that drains, or whose database was put back, is not
// ready, and says which.
func TestReadiness(t *testing.T) {
	a := testApp(t)
	if code, body := ask(t, a, "GET", "/healthz", ""); code != http.StatusOK || body != "ok\n" {
		t.Errorf("healthz %d %q", code, body)
	}
	if code, body := ask(t, a, "GET", "/readyz", ""); code != http.StatusOK || body != "ready\n" {
		t.Errorf("readyz %d %q", code, body)
	}
	a.rooms.gateway.Drain(true)
	if code, body := ask(t, a, "GET", "/readyz", ""); code != http.StatusServiceUnavailable || !strings.Contains(body, "draining") {
		t.Errorf("a draining node: readyz %d %q", code, body)
	}
	a.rooms.gateway.Drain(false)
	a.schema++
	if code, body := ask(t, a, "GET", "/readyz", ""); code != http.StatusServiceUnavailable || !strings.Contains(body, "schema") {
		t.Errorf("an old schema: readyz %d %q", code, body)
	}
}

// TestProfilesAreShut: profiles and the drain are for the owner of the whole
// installation.
func TestProfilesAreShut(t *testing.T) {
	a := testApp(t)
	for _, one := range []struct{ method, path string }{{"GET", "/api/v1/system/profiles/heap"}, {"POST", "/api/v1/system/drain"}} {
		if code, _ := ask(t, a, one.method, one.path, ""); code != http.StatusUnauthorized {
			t.Errorf("%s %s without a key: %d", one.method, one.path, code)
		}
	}
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap"} {
		if _, body := ask(t, a, "GET", path, ""); strings.Contains(body, "goroutine") {
			t.Errorf("%s is open", path)
		}
	}
}

var metricName = regexp.MustCompile(`\b(forecourt|go|process)_[a-z_]+\b`)

// TestDashboard: every metric that the Grafana dashboard asks for exists, and
// each of ours is described where people look.
func TestDashboard(t *testing.T) {
	a := testApp(t)
	descs := make(chan *prometheus.Desc, 1000)
	a.metrics.Describe(descs)
	close(descs)
	known := map[string]bool{}
	fqName := regexp.MustCompile(`fqName: "([^"]+)"`)
	for d := range descs {
		known[fqName.FindStringSubmatch(d.String())[1]] = true
	}
	// The process collector leaves out what a system does not have, the Go
	// collector describes some only as it gives them.
	_, page := ask(t, a, "GET", "/metrics", "")
	for _, line := range strings.Split(page, "\n") {
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			known[strings.Fields(rest)[0]] = true
		}
	}
	dashboard, err := os.ReadFile("../deploy/grafana/forecourt.json")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, expr := range regexp.MustCompile(`"(?:expr|query)": "([^\n]*)"`).FindAllStringSubmatch(string(dashboard), -1) {
		for _, name := range metricName.FindAllString(expr[1], -1) {
			asked++
			if !known[strings.TrimSuffix(name, "_bucket")] {
				t.Errorf("the dashboard asks for %s, which is no metric", name)
			}
		}
	}
	if asked < 20 {
		t.Errorf("only %d metrics found in the dashboard", asked)
	}
	manual, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range known {
		if strings.HasPrefix(name, "forecourt_") && !strings.Contains(string(manual), "`"+name+"`") {
			t.Errorf("docs/operations.md does not describe %s", name)
		}
	}
}
