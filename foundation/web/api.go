package web

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Prefix is the path below which every route of an Op lies.
const Prefix = "/api/v1"

// Config of the edge.
type Config struct {
	DB      *db.DB       // keeps Idempotency-Key answers; nil refuses the header
	Log     *slog.Logger // nil discards
	Version string       // of the program, shown in the document

	// PublicURL is where people reach us, such as https://charge.example.org;
	// empty when only the request knows.
	PublicURL string
	// TrustedProxies may say who the client is (X-Forwarded-For, -Proto).
	TrustedProxies []netip.Prefix
	// ContentSources are further origins the web app may load from, such as
	// a tile server; they enter the Content-Security-Policy.
	ContentSources []string

	// Guard finds the caller and checks op's permission. It returns the
	// request's context with the caller in it (and a Principal, see
	// WithPrincipal), or fault.Unauthenticated or fault.Forbidden. It is not
	// asked for public routes.
	Guard func(r *http.Request, op Op) (context.Context, error)

	// Recheck is how often an open event stream asks the Guard again, so that
	// a revoked caller does not listen on; 0: 5 s.
	Recheck time.Duration

	Metrics prometheus.Registerer // nil: none
	Now     func() time.Time      // nil: DB.Now
}

// API holds the routes of a program. Routes are registered at start, before
// the first request; afterwards it is safe for concurrent use.
type API struct {
	cfg     Config
	log     *slog.Logger
	now     func() time.Time
	mux     *http.ServeMux
	methods *methods
	huma    huma.API
	routes  []Op
	metrics *metrics
	cross   *http.CrossOriginProtection
	policy  string // Content-Security-Policy
	spec    specCache
	names   namer
}

// New makes an API without routes but its own document and docs page. It
// panics when the configuration cannot work, as there is no way to start.
func New(c Config) *API {
	if c.Guard == nil {
		panic("web: Config.Guard is missing")
	}
	if c.Now == nil {
		if c.DB == nil {
			panic("web: Config needs Now or DB")
		}
		c.Now = c.DB.Now
	}
	if c.Recheck == 0 {
		c.Recheck = 5 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	a := &API{cfg: c, log: c.Log, now: c.Now, mux: http.NewServeMux(), methods: newMethods(),
		metrics: newMetrics(c.Metrics), cross: http.NewCrossOriginProtection(), policy: contentPolicy(c.ContentSources)}
	if u, err := url.Parse(c.PublicURL); err == nil && u.Host != "" {
		_ = a.cross.AddTrustedOrigin(u.Scheme + "://" + u.Host) // cannot fail: scheme and host are set
	}
	a.huma = huma.NewAPI(a.humaConfig(), adapter{a})
	a.mux.HandleFunc("/api/", a.noRoute)
	a.mountDocs()
	return a
}

// Handler gives the whole edge: routes, mounted handlers, and what surrounds
// them.
func (a *API) Handler() http.Handler { return a.edge(a.mux) }

// Mount adds a handler outside the API, such as the web app or /metrics,
// under a ServeMux pattern. It gets the edge's headers, log and metrics, but
// neither Guard nor document.
func (a *API) Mount(pattern string, h http.Handler) { a.mux.Handle(pattern, h) }

// Routes lists every registered route, by path, then method.
func (a *API) Routes() []Op {
	out := slices.Clone(a.routes)
	slices.SortFunc(out, func(x, y Op) int {
		if c := strings.Compare(x.Path, y.Path); c != 0 {
			return c
		}
		return strings.Compare(x.Method, y.Method)
	})
	return out
}

// URL gives the address of a path below PublicURL; the path alone when that
// is not configured.
func (a *API) URL(path string) string { return strings.TrimSuffix(a.cfg.PublicURL, "/") + path }

func (a *API) humaConfig() huma.Config {
	c := huma.DefaultConfig("Forecourt", a.cfg.Version)
	if c.Info.Version == "" {
		c.Info.Version = "dev"
	}
	c.Info.Description = about
	c.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	if a.cfg.PublicURL != "" {
		c.Servers = []*huma.Server{{URL: strings.TrimSuffix(a.cfg.PublicURL, "/")}}
	}
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", "" // served by us: offline, and under our names
	c.CreateHooks = nil                                   // else every body gains a $schema member
	c.Formats = map[string]huma.Format{"application/json": jsonFormat, "json": jsonFormat}
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", a.names.name)
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"key":     {Type: "http", Scheme: "bearer", Description: "An API key: Authorization: Bearer fk_…"},
		"session": {Type: "apiKey", In: "cookie", Name: "forecourt_session", Description: "Set by signing in. Changes also need the header X-CSRF-Token, or a same-origin Origin header."},
	}
	return c
}

const about = `The API of Forecourt, an open platform for networks of EV charging stations.

Sign in with an API key (Authorization: Bearer fk_…) or with the session cookie of the web app. The header Forecourt-Organisation chooses the organisation to act in; without it, it is the caller's own. Rows of organisations outside it do not exist for the caller.

Lists take limit, cursor and sort, and filters named after fields: status=active, energy_wh[gte]=1000, id[contains]=abc, started_at[lt]=2026-01-01T00:00:00Z, status[in]=active,suspended. Accept: text/csv or format=csv exports every page.

Times are RFC 3339 in UTC, energy is whole Wh, money is a decimal string with its currency. Errors are problem documents (RFC 9457). Names that do not exist are refused. A POST with an Idempotency-Key can be repeated safely for a day.`

// jsonFormat refuses nothing itself: unknown fields are found by the schema,
// which knows their place.
var jsonFormat = huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: json.Unmarshal}

// adapter lets huma register into our mux with our route handling around it.
type adapter struct{ a *API }

// Handle registers one operation of huma.
func (x adapter) Handle(op *huma.Operation, handler func(huma.Context)) {
	r := op.Metadata[routeKey].(*route)
	x.a.handle(r, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		handler(humago.NewContext(op, req, w))
	}))
}

// ServeHTTP satisfies huma's adapter; requests come through Handler instead.
func (x adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) { x.a.mux.ServeHTTP(w, r) }

// methods remembers which methods a path has, so that a wrong one is 405 and
// not 404.
type methods struct {
	mux  *http.ServeMux
	have map[string]*allowed
}

type allowed struct{ list []string }

func (*allowed) ServeHTTP(http.ResponseWriter, *http.Request) {}

func newMethods() *methods { return &methods{mux: http.NewServeMux(), have: map[string]*allowed{}} }

func (m *methods) add(method, path string) {
	key := wildcards.ReplaceAllString(path, "{}") // {id} and {station} are the same path to a mux
	h := m.have[key]
	if h == nil {
		h = &allowed{}
		m.have[key] = h
		m.mux.Handle(path, h)
	}
	h.list = append(h.list, method)
	slices.Sort(h.list)
}

func (m *methods) of(r *http.Request) []string {
	h, _ := m.mux.Handler(r)
	if x, ok := h.(*allowed); ok {
		return x.list
	}
	return nil
}

// noRoute answers whatever under /api/ has no route.
func (a *API) noRoute(w http.ResponseWriter, r *http.Request) {
	if list := a.methods.of(r); list != nil {
		allow := strings.Join(list, ", ")
		p := newProblem(http.StatusMethodNotAllowed, "request.method", r.Method+" is not allowed here; allowed: "+allow)
		p.header = http.Header{"Allow": {allow}}
		p.write(w, r)
		return
	}
	a.fail(w, r, fault.New(fault.NotFound, "request.no_route", "There is no route %s. The document %s/openapi.json lists them.", r.URL.Path, Prefix))
}
