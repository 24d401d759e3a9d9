package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
)

var update = flag.Bool("update", false, "write the golden files")

type bay struct {
	ID     string   `json:"id"`
	Name   string   `json:"name" minLength:"2" maxLength:"20"`
	Kind   string   `json:"kind,omitempty" enum:"ac,dc"`
	Place  *place   `json:"place,omitempty"`
	Labels []string `json:"labels,omitempty"`
	Spare  []place  `json:"spare,omitempty"`
}

type place struct {
	Row    int `json:"row" minimum:"1"`
	Column int `json:"column"`
}

type patch struct {
	Name web.Maybe[string] `json:"name,omitempty"`
	Row  web.Maybe[int]    `json:"row,omitempty"`
}

// garage registers a few routes as a room would.
type garage struct {
	bays  []bay
	calls int
	patch patch
	wait  chan struct{}
}

var bayList = db.ListSpec{Fields: []db.Field{
	{Name: "id", Kind: db.Text, Sort: true, Filter: true},
	{Name: "kind", Kind: db.Enum, Allowed: []string{"ac", "dc"}, Filter: true},
	{Name: "secret", Kind: db.Text},
}}

func (g *garage) routes(a *web.API) {
	op := func(method, path, permission string) web.Op {
		return web.Op{Method: method, Path: path, Room: "garage", Permission: permission, Summary: "Test"}
	}
	list := op("GET", "/bays", "bay.read")
	list.List = &bayList
	web.Handle(a, list, func(_ context.Context, in *struct {
		web.ListInput
		Floor int `query:"floor"`
	}) (*web.ListOutput[bay], error) {
		req, err := in.Request()
		if err != nil {
			return nil, err
		}
		from := 0
		if req.Cursor != "" {
			if _, err := fmt.Sscan(req.Cursor, &from); err != nil {
				return nil, fault.New(fault.Invalid, "bay.cursor", "bad cursor")
			}
		}
		to, next := min(from+req.Limit, len(g.bays)), ""
		if to < len(g.bays) {
			next = fmt.Sprint(to)
		}
		out := append([]bay(nil), g.bays[from:to]...)
		for _, f := range req.Filters {
			out = append(out, bay{ID: f.Field + " " + f.Op + " " + f.Value, Name: in.Sort})
		}
		return web.NewList(out, next), nil
	})
	create := op("POST", "/bays", "bay.write")
	create.Status = http.StatusCreated
	web.Handle(a, create, func(ctx context.Context, in *struct{ Body bay }) (*struct {
		Location string `header:"Location"`
		Body     bay
	}, error) {
		g.calls++
		if g.wait != nil {
			<-g.wait
		}
		switch in.Body.ID {
		case "taken":
			return nil, fault.New(fault.Conflict, "bay.taken", "There is a bay %q.", in.Body.ID).With("body.id", "is taken", in.Body.ID)
		case "broken":
			return nil, errors.New("the disk says: secret details")
		case "panic":
			panic("oh")
		case "away":
			return nil, fault.New(fault.Unavailable, "bay.away", "Try again.")
		}
		return &struct {
			Location string `header:"Location"`
			Body     bay
		}{web.Prefix + "/bays/" + in.Body.ID, bay{ID: fmt.Sprintf("%s-%d", in.Body.ID, g.calls), Name: in.Body.Name}}, nil
	})
	web.Handle(a, op("PATCH", "/bays/{id}", "bay.write"), func(_ context.Context, in *struct {
		ID   string `path:"id"`
		Body patch
	}) (*struct{}, error) {
		g.patch = in.Body
		return nil, nil
	})
	web.Handle(a, op("GET", "/bays/{id}", "bay.read"), func(_ context.Context, in *struct {
		ID string `path:"id"`
	}) (*struct{ Body bay }, error) {
		for kind, status := range map[fault.Kind]string{fault.NotFound: "none", fault.Conflict: "conflict", fault.Forbidden: "forbidden",
			fault.Unauthenticated: "unknown", fault.Unavailable: "away", fault.Unsupported: "unsupported", fault.Invalid: "invalid", fault.Internal: "internal"} {
			if in.ID == status {
				return nil, fault.New(kind, "bay."+status, "It is %s.", status)
			}
		}
		return &struct{ Body bay }{bay{ID: in.ID, Name: strings.Repeat("long ", 500)}}, nil
	})
	events := op("GET", "/bays/{id}/events", "bay.read")
	events.Produces = "text/event-stream"
	a.Raw(events, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			_, _ = fmt.Fprintf(w, "data: %s %d\n\n", r.PathValue("id"), i)
			if err := http.NewResponseController(w).Flush(); err != nil {
				panic(err)
			}
		}
	}))
	upload := op("PUT", "/bays/{id}/picture", "bay.write")
	upload.MaxBody = 10
	a.Raw(upload, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Body.Read(make([]byte, 100)); err != nil && err.Error() == "http: request body too large" {
			a.Fail(w, r, fault.New(fault.Invalid, "bay.picture", "The picture is too large."))
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
}

// guard knows three callers by their key: all, reader, and cookie, which
// stands for a person with a session.
func guard(r *http.Request, op web.Op) (context.Context, error) {
	who := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if c, err := r.Cookie("session"); err == nil {
		who = c.Value
	}
	switch {
	case who == "":
		return nil, fault.New(fault.Unauthenticated, "test.unknown", "Who are you?")
	case who == "reader" && !strings.HasSuffix(op.Permission, ".read"):
		return nil, fault.New(fault.Forbidden, "test.permission", "You lack %s.", op.Permission)
	}
	p := web.Principal{ID: "key:" + who, Org: "o1"}
	if who == "cookie" {
		p.CSRF = "token"
	}
	return web.WithPrincipal(r.Context(), p), nil
}

func build(t *testing.T, c web.Config) (*garage, *web.API, *webtest.Client) {
	t.Helper()
	c.Guard = guard
	if c.DB == nil && c.Now == nil {
		c.Now = time.Now
	}
	a := web.New(c)
	g := &garage{}
	g.routes(a)
	return g, a, webtest.New(t, a.Handler()).Bearer("all")
}

// TestProblems compares every kind of refusal with testdata/problems.golden.
func TestProblems(t *testing.T) {
	t.Parallel()
	_, _, c := build(t, web.Config{})
	var out strings.Builder
	ask := func(c *webtest.Client, method, path, body string, header ...string) {
		a := c.Do(method, path, body, append(header, "X-Request-Id", "request-0001")...)
		fmt.Fprintf(&out, "%s %s %s\n%d %s", method, path, body, a.Status, a.Header.Get("Content-Type"))
		for _, name := range []string{"Allow", "Www-Authenticate", "Retry-After"} {
			if v := a.Header.Get(name); v != "" {
				fmt.Fprintf(&out, " %s: %s", name, v)
			}
		}
		fmt.Fprintf(&out, "\n%s\n", a.Body)
	}
	for _, kind := range []string{"none", "conflict", "forbidden", "unknown", "away", "unsupported", "invalid", "internal"} {
		ask(c, "GET", "/bays/"+kind, "")
	}
	ask(c, "GET", "/nowhere", "")
	ask(c, "DELETE", "/bays", "")
	ask(c, "POST", "/bays/1", `{}`)
	ask(c, "GET", "/bays?limit=0", "")
	ask(c, "GET", "/bays?limit=abc", "")
	ask(c, "GET", "/bays?colour=red&size=1", "")
	ask(c, "GET", "/bays?secret=1", "")
	ask(c, "GET", "/bays?id[like]=x", "")
	ask(c, "GET", "/bays?format=xml", "")
	ask(c, "GET", "/bays/1?x=1", "")
	ask(c, "POST", "/bays", "")
	ask(c, "POST", "/bays", `{"id":`)
	ask(c, "POST", "/bays", `[1]`)
	ask(c, "POST", "/bays", `{"id":"1","name":"x","kind":"xx","colour":"red"}`)
	ask(c, "POST", "/bays", `{"id":"1","name":"ok","place":{"row":0,"colum":2},"spare":[{"row":1,"column":1},{"row":1,"column":1,"z":1}]}`)
	ask(c, "POST", "/bays", `{"id":"1","name":"ok"}`, "Content-Type", "text/plain")
	ask(c, "POST", "/bays", `{"id":"taken","name":"ok"}`)
	ask(c, "POST", "/bays", `{"id":"broken","name":"ok"}`)
	ask(c, "POST", "/bays", `{"id":"panic","name":"ok"}`)
	ask(c, "PATCH", "/bays/1", `{"name":5}`)
	ask(c, "PUT", "/bays/1/picture", "much too long")
	ask(c.With("Authorization", "Bearer reader"), "POST", "/bays", `{"id":"1","name":"ok"}`)
	ask(c.With("Authorization", ""), "GET", "/bays", "")
	ask(c, "POST", "/bays", `{"id":"1","name":"ok"}`, "Idempotency-Key", "a key")
	golden(t, "testdata/problems.golden", out.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update writes it); got:\n%s", name, got)
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	_, _, c := build(t, web.Config{})
	big := `{"id":"1","name":"` + strings.Repeat("x", 1<<20) + `"}`
	c.Run(webtest.Scenario{Name: "too large", Method: "POST", Path: "/bays", Body: big, Status: 413, Code: "request.too_large"})
}

func TestPatchTellsAbsentFromNull(t *testing.T) {
	t.Parallel()
	g, _, c := build(t, web.Config{})
	for body, want := range map[string]patch{
		`{}`:                      {},
		`{"name":null}`:           {Name: web.Maybe[string]{Set: true, Null: true}},
		`{"name":"a","row":3}`:    {Name: web.Maybe[string]{Set: true, Value: "a"}, Row: web.Maybe[int]{Set: true, Value: 3}},
		`{"name":"","row": null}`: {Name: web.Maybe[string]{Set: true}, Row: web.Maybe[int]{Set: true, Null: true}},
	} {
		c.Must(204, "PATCH", "/bays/1", body)
		if g.patch != want {
			t.Errorf("%s decoded as %+v", body, g.patch)
		}
	}
	n := 7
	web.Maybe[int]{}.Apply(&n)
	web.Maybe[int]{Set: true, Value: 9}.Apply(&n)
	if n != 9 {
		t.Errorf("applied to %d", n)
	}
	web.Maybe[int]{Set: true, Null: true}.Apply(&n)
	if n != 0 {
		t.Errorf("cleared to %d", n)
	}
}

func TestListsTakeFilters(t *testing.T) {
	t.Parallel()
	g, _, c := build(t, web.Config{})
	g.bays = []bay{{ID: "1", Name: "one"}, {ID: "2", Name: "two"}}
	c.Run(
		webtest.Scenario{Name: "empty is a list", Method: "GET", Path: "/bays?limit=1&cursor=2", Status: 200, Contains: []string{`{"items":[]}`}},
		webtest.Scenario{Name: "page", Method: "GET", Path: "/bays?limit=1", Status: 200, Contains: []string{`"next_cursor":"1"`}},
		webtest.Scenario{Name: "filters", Method: "GET", Path: "/bays?id[contains]=a%20b&kind[in]=ac,dc&id=x&id=y&floor=2&sort=-id", Status: 200,
			Contains: []string{`"id contains a b"`, `"kind in ac,dc"`, `"id eq x"`, `"id eq y"`, `"name":"-id"`}},
	)
}

func TestCSVHasEveryPage(t *testing.T) {
	t.Parallel()
	g, _, c := build(t, web.Config{})
	for i := range 2500 {
		g.bays = append(g.bays, bay{ID: fmt.Sprint(i), Name: "n", Place: &place{i, -i}})
	}
	g.bays[0] = bay{ID: "=1+1", Name: `a "b", c`, Labels: []string{"x", "y"}}
	a := c.Must(200, "GET", "/bays?limit=3", "", "Accept", "text/csv")
	lines := strings.Split(a.Body, "\r\n")
	if len(lines) != 2502 || a.Header.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.Contains(a.Header.Get("Content-Disposition"), `"bays.csv"`) {
		t.Fatalf("%d lines, %v", len(lines), a.Header)
	}
	for i, want := range []string{"id,name,kind,place.row,place.column,labels,spare", `'=1+1,"a ""b"", c",,,,"[""x"",""y""]",`, "1,n,,1,-1,,"} {
		if lines[i] != want {
			t.Errorf("line %d is %s, want %s", i, lines[i], want)
		}
	}
}

func TestRoutesMustSayWhoMayCall(t *testing.T) {
	t.Parallel()
	for name, op := range map[string]web.Op{
		"nobody":     {Method: "GET", Path: "/x", Room: "r", Summary: "s"},
		"both":       {Method: "GET", Path: "/x", Room: "r", Summary: "s", Public: true, Permission: "p"},
		"no room":    {Method: "GET", Path: "/x", Permission: "p", Summary: "s"},
		"no summary": {Method: "GET", Path: "/x", Permission: "p", Room: "r"},
		"whole path": {Method: "GET", Path: "/api/v1/x", Permission: "p", Room: "r", Summary: "s"},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: registered", name)
				}
			}()
			_, a, _ := build(t, web.Config{})
			web.Handle(a, op, func(context.Context, *struct{}) (*struct{}, error) { return nil, nil })
		}()
	}
}

func TestDocumentAndDocsPage(t *testing.T) {
	t.Parallel()
	_, a, c := build(t, web.Config{PublicURL: "https://charge.example.org/"})
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			Permission string `json:"x-permission"`
			Security   []any
			Parameters []struct{ Name, In string }
			Responses  map[string]struct{ Content map[string]any }
		}
	}
	c.Must(200, "GET", "/openapi.json", "").JSON(t, &doc)
	if !strings.HasPrefix(doc.OpenAPI, "3.1") || strings.Contains(string(a.OpenAPI()), "$schema") {
		t.Errorf("document version %s", doc.OpenAPI)
	}
	list := doc.Paths["/api/v1/bays"]["get"]
	b, _ := json.Marshal(list)
	for _, want := range []string{`"x-permission":"bay.read"`, `"cursor"`, `"kind"`, `"floor"`, `"text/csv"`, `"application/problem+json"`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("the list's document lacks %s: %s", want, b)
		}
	}
	if strings.Contains(string(b), `"secret"`) {
		t.Error("a column that cannot be filtered is documented")
	}
	page := c.Must(200, "GET", "/docs", "")
	if strings.Contains(page.Body, "<script>") || strings.Contains(page.Body, "https://") || !strings.Contains(page.Body, "docs/docs.js") {
		t.Errorf("the docs page needs more than we serve: %s", page.Body)
	}
	c.Must(200, "GET", "/docs/docs.js", "")
	c.Must(200, "GET", "/docs/docs.css", "")
	if got := len(a.Routes()); got != 6 {
		t.Errorf("%d routes", got)
	}
}

func TestEdge(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	_, a, c := build(t, web.Config{Metrics: reg, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")},
		ContentSources: []string{"https://tiles.example.org", "bad; script-src *"}})
	a.Mount("/metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	web.Handle(a, web.Op{Method: "GET", Path: "/who", Room: "garage", Public: true, Summary: "Test"}, func(ctx context.Context, _ *struct{}) (*struct{ Body string }, error) {
		return &struct{ Body string }{fmt.Sprint(web.ClientAddr(ctx), " ", web.Secure(ctx))}, nil
	})
	who := func(header ...string) string {
		return strings.Trim(c.Must(200, "GET", "/who", "", header...).Body, "\"\n")
	}
	for want, header := range map[string][]string{
		"127.0.0.1 false":  nil,
		"192.0.2.7 true":   {"X-Forwarded-For", "203.0.113.9, 192.0.2.7, 10.1.1.1", "X-Forwarded-Proto", "https"},
		"2001:db8::1 true": {"X-Forwarded-For", "2001:db8::1", "X-Forwarded-Proto", "HTTPS"},
		"10.1.1.1 false":   {"X-Forwarded-For", "nonsense, 10.1.1.1"},
	} {
		if got := who(header...); got != want {
			t.Errorf("%v: %s, want %s", header, got, want)
		}
	}
	res := c.Must(200, "GET", "/bays", "", "X-Forwarded-Proto", "https")
	policy := res.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "worker-src 'self' blob:") || !strings.Contains(policy, "connect-src 'self' https://tiles.example.org;") || strings.Contains(policy, "script-src *") {
		t.Errorf("policy %s", policy)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Strict-Transport-Security": "max-age=31536000", "X-Frame-Options": "DENY"} {
		if res.Header.Get(name) != want {
			t.Errorf("%s: %q", name, res.Header.Get(name))
		}
	}
	if len(res.Header.Get("X-Request-Id")) != 36 {
		t.Errorf("request id %q", res.Header.Get("X-Request-Id"))
	}
	if got := c.Must(200, "GET", "/bays", "", "X-Request-Id", "evil\tid").Header.Get("X-Request-Id"); strings.Contains(got, "evil") {
		t.Errorf("request id %q was taken over", got)
	}
	c.Must(200, "GET", "/bays/abc", "")
	metrics := c.Must(200, "GET", "=/metrics", "").Body
	if !strings.Contains(metrics, `forecourt_http_requests_total{method="GET",route="/api/v1/bays/{id}",status="200"} 1`) || strings.Contains(metrics, "abc") {
		t.Errorf("metrics:\n%s", metrics)
	}
}

func TestACallerWhoLeavesIsNoFailure(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	_, a, c := build(t, web.Config{Metrics: reg})
	a.Mount("/metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	web.Handle(a, web.Op{Method: "GET", Path: "/long", Room: "garage", Public: true, Summary: "Test"}, func(ctx context.Context, _ *struct{}) (*struct{}, error) {
		return nil, ctx.Err()
	})
	gone, leave := context.WithCancel(t.Context())
	leave()
	a.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(gone, "GET", "/api/v1/long", nil))
	if metrics := c.Must(200, "GET", "=/metrics", "").Body; !strings.Contains(metrics, `route="/api/v1/long",status="499"} 1`) || strings.Contains(metrics, `status="500"`) {
		t.Errorf("metrics:\n%s", metrics)
	}
}

func TestGzipAndStreams(t *testing.T) {
	t.Parallel()
	_, _, c := build(t, web.Config{})
	a := c.Must(200, "GET", "/bays/x", "", "Accept-Encoding", "br, gzip;q=0.5")
	if a.Header.Get("Content-Encoding") != "gzip" || a.Header.Get("Vary") != "Accept-Encoding" || len(a.Body) > 500 {
		t.Errorf("not compressed: %v, %d bytes", a.Header, len(a.Body))
	}
	for _, accept := range []string{"identity", "gzip;q=0"} {
		if a := c.Must(200, "GET", "/bays/x", "", "Accept-Encoding", accept); a.Header.Get("Content-Encoding") != "" || len(a.Body) < 2500 {
			t.Errorf("%s: compressed", accept)
		}
	}
	if a := c.Must(200, "GET", "/bays", "", "Accept-Encoding", "gzip"); a.Header.Get("Content-Encoding") != "" || !strings.Contains(a.Body, "items") {
		t.Errorf("a short answer was compressed: %v", a.Header)
	}
	a = c.Must(200, "GET", "/bays/7/events", "", "Accept-Encoding", "gzip")
	if a.Body != "data: 7 0\n\ndata: 7 1\n\ndata: 7 2\n\n" {
		t.Errorf("stream: %q", a.Body)
	}
	c.Must(204, "PUT", "/bays/7/picture", "short")
}

func TestStreamsEndWithTheirCaller(t *testing.T) {
	t.Parallel()
	var revoked atomic.Bool
	a := web.New(web.Config{Now: time.Now, Recheck: 10 * time.Millisecond, Guard: func(r *http.Request, op web.Op) (context.Context, error) {
		if revoked.Load() {
			return nil, fault.New(fault.Unauthenticated, "test.revoked", "Gone.")
		}
		return guard(r, op)
	}})
	op := web.Op{Method: "GET", Path: "/stream", Room: "garage", Permission: "bay.read", Summary: "Test", Produces: "text/event-stream"}
	a.Raw(op, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		revoked.Store(true)
		select {
		case <-r.Context().Done():
			_, _ = fmt.Fprint(w, context.Cause(r.Context()))
		case <-time.After(30 * time.Second):
			_, _ = fmt.Fprint(w, "still open")
		}
	}))
	if got := webtest.New(t, a.Handler()).Bearer("all").Must(200, "GET", "/stream", ""); !strings.Contains(got.Body, "test.revoked") {
		t.Errorf("the stream ended with %q", got.Body)
	}
}

func TestCSRFAtTheEdge(t *testing.T) {
	t.Parallel()
	_, _, c := build(t, web.Config{PublicURL: "https://charge.example.org"})
	person := c.With("Authorization", "").With("Cookie", "session=cookie")
	body := `{"id":"1","name":"ok"}`
	for name, x := range map[string]struct {
		status int
		header []string
	}{
		"nothing":               {403, nil},
		"token":                 {201, []string{"X-CSRF-Token", "token"}},
		"wrong token":           {403, []string{"X-CSRF-Token", "tokem", "Origin", "https://charge.example.org"}},
		"public origin":         {201, []string{"Origin", "https://charge.example.org"}},
		"same origin":           {201, []string{"Sec-Fetch-Site", "same-origin"}},
		"foreign origin":        {403, []string{"Origin", "https://evil.example", "X-CSRF-Token", "token"}},
		"sibling of our domain": {403, []string{"Sec-Fetch-Site", "same-site", "X-CSRF-Token", "token"}},
	} {
		if a := person.Do("POST", "/bays", body, x.header...); a.Status != x.status {
			t.Errorf("%s: %d, want %d: %s", name, a.Status, x.status, a.Body)
		}
	}
	person.Must(200, "GET", "/bays", "", "Sec-Fetch-Site", "cross-site") // reading is harmless
	c.Must(201, "POST", "/bays", body, "Origin", "https://partner.example")
}
