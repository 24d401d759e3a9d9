// Package webtest runs REST scenarios: tables of a request, the answer it
// must get, and the facts it must record. Only tests import it.
//
//	client := webtest.New(t, api.Handler()).Bearer(key)
//	client.Run(webtest.Scenario{
//		Name: "a site is created", Method: "POST", Path: "/sites", Body: `{"name":"Depot"}`,
//		Status: 201, Contains: []string{`"name":"Depot"`}, Facts: []string{"site.created"},
//	})
package webtest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/web"
)

// Client sends requests as one caller. Its methods fail the test when a
// request cannot be sent at all.
type Client struct {
	t      testing.TB
	server *httptest.Server
	http   *http.Client
	header http.Header
	facts  func() []string
}

// New starts a server for h that ends with the test.
func New(t testing.TB, h http.Handler) *Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	c := &Client{t: t, server: server, header: http.Header{}}
	return c.fresh()
}

func (c *Client) fresh() *Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	n := *c
	n.header = c.header.Clone()
	n.http = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &n
}

// URL is where the server listens.
func (c *Client) URL() string { return c.server.URL }

// Bearer gives a client without cookies that sends an API key.
func (c *Client) Bearer(key string) *Client { return c.With("Authorization", "Bearer "+key) }

// With gives a client without cookies that sends one more header.
func (c *Client) With(name, value string) *Client {
	n := c.fresh()
	n.header.Set(name, value)
	return n
}

// Counting gives a client whose scenarios also compare facts: the function
// returns the kinds of all facts recorded so far, oldest first.
func (c *Client) Counting(facts func() []string) *Client {
	n := *c
	n.facts = facts
	return &n
}

// For gives a client that reports to another test, keeping its cookies.
func (c *Client) For(t testing.TB) *Client {
	n := *c
	n.t = t
	return &n
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// JSON decodes the body into v.
func (a Answer) JSON(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Body), v); err != nil {
		t.Fatalf("the answer is not the JSON expected: %v\n%s", err, a.Body)
	}
}

// Field gives a member of the body by its dotted path, as text; empty when
// there is none.
func (a Answer) Field(path string) string {
	var v any
	if json.Unmarshal([]byte(a.Body), &v) != nil {
		return ""
	}
	for _, step := range strings.Split(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		v = m[step]
	}
	if s, ok := v.(string); ok {
		return s
	}
	if v == nil {
		return ""
	}
	b, _ := json.Marshal(v) // it has just been read from JSON
	return string(b)
}

// Do sends one request. A path that does not start with /api, and is not
// marked with a leading "=", lies below the API's prefix.
func (c *Client) Do(method, path, body string, header ...string) Answer {
	c.t.Helper()
	if rest, whole := strings.CutPrefix(path, "="); whole {
		path = rest
	} else if !strings.HasPrefix(path, "/api/") {
		path = web.Prefix + path
	}
	req, err := http.NewRequest(method, c.server.URL+path, bytes.NewReader([]byte(body)))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header = c.header.Clone()
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return Answer{res.StatusCode, res.Header, string(b)}
}

// Must is Do for requests that prepare a test: any other status fails it.
func (c *Client) Must(status int, method, path, body string, header ...string) Answer {
	c.t.Helper()
	a := c.Do(method, path, body, header...)
	if a.Status != status {
		c.t.Fatalf("%s %s: status %d, want %d\n%s", method, path, a.Status, status, a.Body)
	}
	return a
}

// Scenario is one request and what must come of it.
type Scenario struct {
	Name         string
	Method, Path string
	Header       []string // name, value, name, value …
	Body         string
	Status       int
	Contains     []string // texts the body must have
	Lacks        []string // texts it must not have
	Code         string   // of the problem, when one is expected
	Facts        []string // kinds recorded by this request; nil: not compared, empty: none
	Check        func(t testing.TB, a Answer)
}

// Run plays scenarios one after the other, each as a sub-test where the
// client's test allows it.
func (c *Client) Run(list ...Scenario) {
	c.t.Helper()
	for _, s := range list {
		if t, ok := c.t.(*testing.T); ok {
			t.Run(s.Name, func(t *testing.T) { c.For(t).play(s) })
			continue
		}
		c.play(s)
	}
}

func (c *Client) play(s Scenario) {
	c.t.Helper()
	var before []string
	if c.facts != nil {
		before = c.facts()
	}
	a := c.Do(s.Method, s.Path, s.Body, s.Header...)
	if a.Status != s.Status {
		c.t.Errorf("%s %s: status %d, want %d\n%s", s.Method, s.Path, a.Status, s.Status, a.Body)
		return
	}
	for _, want := range s.Contains {
		if !strings.Contains(a.Body, want) {
			c.t.Errorf("the answer lacks %s:\n%s", want, a.Body)
		}
	}
	for _, not := range s.Lacks {
		if strings.Contains(a.Body, not) {
			c.t.Errorf("the answer must not have %s:\n%s", not, a.Body)
		}
	}
	if s.Code != "" && a.Field("code") != s.Code {
		c.t.Errorf("problem %q, want %q:\n%s", a.Field("code"), s.Code, a.Body)
	}
	if a.Status >= 400 && a.Header.Get("Content-Type") != "application/problem+json" {
		c.t.Errorf("an error came as %s", a.Header.Get("Content-Type"))
	}
	if s.Facts != nil && c.facts != nil {
		if got := c.facts()[len(before):]; !slices.Equal(got, s.Facts) && len(got)+len(s.Facts) > 0 {
			c.t.Errorf("facts recorded: %v, want %v", got, s.Facts)
		}
	}
	if s.Check != nil {
		s.Check(c.t, a)
	}
}

// Facts gives what Counting wants, from a database.
func Facts(t testing.TB, d *db.DB) func() []string {
	return func() []string {
		t.Helper()
		var kinds []string
		err := d.View(context.Background(), func(tx *db.Tx) (err error) {
			kinds, err = db.Collect(tx, func(row db.Scanner) (kind string, err error) {
				err = row.Scan(&kind)
				return kind, err
			}, `SELECT kind FROM fact ORDER BY seq`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return kinds
	}
}
