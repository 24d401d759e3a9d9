package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// SignedIn is the permission of routes that every signed-in caller may use,
// such as reading one's own name.
const SignedIn = "signed-in"

// Op describes a route.
type Op struct {
	Method, Path string // path below Prefix, with {name} parameters: "/sites/{id}"
	Room         string // the package that answers
	Permission   string // what the caller needs, or SignedIn
	Public       bool   // no sign-in at all; excludes Permission

	Summary, Description string   // for the document; the summary is one line
	Tags                 []string // groups in the document; default: Room
	Status               int      // of success; default 200, or 204 without a body

	// List names the columns that the list may be filtered and sorted by;
	// they appear in the document, and others are refused before the room is
	// asked.
	List *db.ListSpec

	MaxBody  int64  // bytes; default 1 MiB
	Produces string // media type of a Raw route's answer
}

const (
	routeKey       = "forecourt.route"
	defaultMaxBody = 1 << 20
)

// route is an Op with what registration worked out.
type route struct {
	Op
	raw    bool
	params map[string]bool // declared query parameters
	lists  bool            // input embeds ListInput: filters are parameters too
}

var wildcards = regexp.MustCompile(`\{[^}]*\}`)

// Handle registers a route. I is the input: fields tagged path, query or
// header, and Body for a JSON body; embed ListInput for lists. O is the
// output: a Body field, header fields, optionally Status. See huma's
// documentation for the tags that become schema (doc, enum, minLength,
// maximum …). Names the schema does not have are refused. fn's errors are
// answered by their fault.Kind.
//
// It panics when op says neither who may call it nor that anyone may.
func Handle[I, O any](a *API, op Op, fn func(ctx context.Context, in *I) (*O, error)) {
	r := a.newRoute(op)
	r.params, r.lists = queryParams(reflect.TypeFor[I]())
	hop := a.document(r)
	if r.lists {
		documentList(&hop, r.Op)
	}
	huma.Register(a.huma, hop, func(ctx context.Context, in *I) (*O, error) {
		req, _ := ctx.Value(requestKey{}).(*request)
		if l, ok := any(in).(lister); ok && req != nil {
			l.bind(req.filters)
			if format, ok := exportFormat(req.r, l); ok {
				return nil, a.answer(ctx, exportList(ctx, req, in, l, format, fn))
			}
		}
		out, err := fn(ctx, in)
		if err != nil {
			return nil, a.answer(ctx, err)
		}
		return out, nil
	})
}

// Raw registers a route whose handler reads and writes by itself: streams
// (SSE, through http.ResponseController) and uploads. Guard, CSRF check and
// body limit apply; path parameters are in r.PathValue. Answer errors with
// Fail.
func (a *API) Raw(op Op, h http.Handler) {
	r := a.newRoute(op)
	r.raw = true
	hop := a.document(r)
	content := map[string]*huma.MediaType{}
	if op.Produces != "" {
		content[op.Produces] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
	}
	status := op.Status
	if status == 0 {
		status = http.StatusOK
	}
	for _, m := range wildcards.FindAllString(op.Path, -1) {
		name := strings.TrimSuffix(strings.Trim(m, "{}"), "...")
		hop.Parameters = append(hop.Parameters, &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	hop.Responses = map[string]*huma.Response{
		fmt.Sprint(status): {Description: http.StatusText(status), Content: content},
		"default":          a.problemResponse(),
	}
	a.huma.OpenAPI().AddOperation(&hop)
	if op.Produces == eventStream && !op.Public {
		h = a.watched(r, h)
	}
	a.handle(r, h)
}

const eventStream = "text/event-stream"

// watched ends a stream when its caller may no longer have it: a key is
// revoked, a session ends.
func (a *API) watched(r *route, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ctx, cancel := context.WithCancelCause(req.Context())
		defer cancel(nil)
		again := req.WithContext(apart(ctx))
		go func() {
			tick := time.NewTicker(a.cfg.Recheck)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
				_, err := a.cfg.Guard(again, r.Op)
				if fault.Is(err, fault.Unauthenticated) || fault.Is(err, fault.Forbidden) {
					cancel(err)
					return
				}
			}
		}()
		h.ServeHTTP(w, req.WithContext(ctx))
	})
}

// Fail answers err from a Raw handler, in the same form as everywhere.
func (a *API) Fail(w http.ResponseWriter, r *http.Request, err error) { a.fail(w, r, err) }

func (a *API) newRoute(op Op) *route {
	at := "web: " + op.Method + " " + op.Path
	switch {
	case op.Public && op.Permission != "":
		panic(at + ": is public and has a permission")
	case !op.Public && op.Permission == "":
		panic(at + ": has no permission; name one, use SignedIn, or say Public")
	case op.Room == "":
		panic(at + ": has no room")
	case !strings.HasPrefix(op.Path, "/") || strings.HasPrefix(op.Path, Prefix):
		panic(at + ": the path is relative to " + Prefix + " and starts with a slash")
	case op.Summary == "":
		panic(at + ": has no summary")
	}
	if op.MaxBody == 0 {
		op.MaxBody = defaultMaxBody
	}
	if op.Tags == nil {
		op.Tags = []string{op.Room}
	}
	a.routes = append(a.routes, op)
	return &route{Op: op}
}

// document makes the operation for the OpenAPI document.
func (a *API) document(r *route) huma.Operation {
	op := huma.Operation{
		OperationID: operationID(r.Method, r.Path), Method: r.Method, Path: Prefix + r.Path,
		Summary: r.Summary, Description: r.Description, Tags: r.Tags, DefaultStatus: r.Status,
		MaxBodyBytes: r.MaxBody + 1, BodyReadTimeout: -1, // both limits are held before huma reads
		Metadata: map[string]any{routeKey: r}, Extensions: map[string]any{"x-room": r.Room},
	}
	if r.Public {
		op.Security = []map[string][]string{{}}
	} else {
		op.Security = []map[string][]string{{"key": {}}, {"session": {}}}
		op.Extensions["x-permission"] = r.Permission
	}
	if r.Method == http.MethodPost && !r.Public && !r.raw {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "Idempotency-Key", In: "header",
			Description: "Makes a repeated request safe: the first answer is kept for a day and given again.",
			Schema:      &huma.Schema{Type: huma.TypeString}})
	}
	return op
}

func operationID(method, path string) string {
	words := strings.FieldsFunc(strings.ToLower(method)+path, func(r rune) bool { return strings.ContainsRune("/{}.", r) })
	return strings.Join(words, "-")
}

// queryParams finds the query parameters that t declares, and whether it
// embeds ListInput.
func queryParams(t reflect.Type) (map[string]bool, bool) {
	out, lists := map[string]bool{}, false
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && f.Type.Kind() == reflect.Struct {
			inner, l := queryParams(f.Type)
			lists = lists || l || f.Type == reflect.TypeFor[ListInput]()
			for n := range inner {
				out[n] = true
			}
		}
		if name, _, _ := strings.Cut(f.Tag.Get("query"), ","); name != "" {
			out[name] = true
		}
	}
	return out, lists
}

// answer turns a room's error into what huma sends, and logs it if it is ours.
func (a *API) answer(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, errAnswered) {
		return nil
	}
	if req, ok := ctx.Value(requestKey{}).(*request); ok {
		a.logInternal(req.r, err)
	}
	p := problemOf(err)
	p.Request = RequestID(ctx)
	return p
}

// errAnswered says that the handler has already written the answer itself.
var errAnswered = errors.New("answered")

func sorted(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for n := range set {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}
