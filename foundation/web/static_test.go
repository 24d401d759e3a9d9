package web_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
)

func TestFilesServeTheWebApp(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"index.html":               {Data: []byte("<html>the app")},
		"favicon.svg":              {Data: []byte("<svg/>")},
		"assets/index-B7x2kQ9z.js": {Data: []byte("code")},
		"assets/plain.js":          {Data: []byte("code")},
	}
	a := web.New(web.Config{Guard: guard, Now: time.Now})
	a.Mount("/", web.Files(files))
	c := webtest.New(t, a.Handler())
	for path, want := range map[string]struct {
		status       int
		body, kind   string
		cacheControl string
	}{
		"=/":                         {200, "<html>the app", "text/html; charset=utf-8", "no-cache"},
		"=/stations/CS-1":            {200, "<html>the app", "text/html; charset=utf-8", "no-cache"},
		"=/favicon.svg":              {200, "<svg/>", "image/svg+xml", "no-cache"},
		"=/assets/index-B7x2kQ9z.js": {200, "code", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		"=/assets/plain.js":          {200, "code", "text/javascript; charset=utf-8", "no-cache"},
	} {
		a := c.Do("GET", path, "")
		if a.Status != want.status || a.Body != want.body || a.Header.Get("Content-Type") != want.kind || a.Header.Get("Cache-Control") != want.cacheControl {
			t.Errorf("%s: %d %q %v", path, a.Status, a.Body, a.Header)
		}
		if again := c.Do("GET", path, "", "If-None-Match", a.Header.Get("Etag")); again.Status != 304 || again.Body != "" {
			t.Errorf("%s again: %d", path, again.Status)
		}
	}
	if a := c.Do("GET", "=/stations/CP.1", "", "Accept", "text/html,*/*"); a.Status != 200 || a.Body != "<html>the app" {
		t.Errorf("the page of a station with a dot in its id: %d %q", a.Status, a.Body)
	}
	c.Run(
		webtest.Scenario{Name: "missing file", Method: "GET", Path: "=/missing.js", Status: 404, Code: "request.no_file"},
		webtest.Scenario{Name: "missing asset", Method: "GET", Path: "=/assets/gone", Status: 404},
		webtest.Scenario{Name: "the API answers for itself", Method: "GET", Path: "=/api/v2/x", Status: 404, Code: "request.no_route"},
		webtest.Scenario{Name: "no way out", Method: "GET", Path: "=/..%2f..%2fetc/passwd.txt", Status: 404},
		webtest.Scenario{Name: "no writing", Method: "POST", Path: "=/", Status: 405},
	)
}
