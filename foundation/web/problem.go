package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Problem is the body of every error answer (RFC 9457,
// application/problem+json). Code is stable and meant for machines;
// Errors point at single parts of the request.
type Problem struct {
	Type    string         `json:"type" doc:"Always about:blank: the code member tells problems apart" example:"about:blank"`
	Title   string         `json:"title" doc:"The HTTP status in words" example:"Unprocessable Entity"`
	Status  int            `json:"status" doc:"The HTTP status" example:"422"`
	Detail  string         `json:"detail,omitempty" doc:"What was wrong and what is allowed"`
	Code    string         `json:"code" doc:"Stable name of the problem, room first" example:"station.unknown"`
	Errors  []ProblemField `json:"errors,omitempty" nullable:"false" doc:"The parts of the request that are wrong"`
	Request string         `json:"request,omitempty" doc:"Id of the request, as in the server's log"`
	header  http.Header
}

// ProblemField is one wrong part of a request.
type ProblemField struct {
	Location string `json:"location" doc:"Where: body.site, query.sort, row 3" example:"body.site"`
	Message  string `json:"message" doc:"What is wrong and what is allowed"`
	Value    any    `json:"value,omitempty" doc:"What was given, unless it may be a secret"`
}

// Error satisfies error.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus gives huma the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders gives huma the headers that go with the status.
func (p *Problem) GetHeaders() http.Header { return p.header }

// ContentType makes huma send the problem media type, whatever was negotiated.
func (p *Problem) ContentType(string) string { return problemType }

const problemType = "application/problem+json"

// statusOf is the one table from fault kinds to HTTP.
var statusOf = map[fault.Kind]int{
	fault.Internal:        http.StatusInternalServerError,
	fault.Invalid:         http.StatusUnprocessableEntity,
	fault.NotFound:        http.StatusNotFound,
	fault.Conflict:        http.StatusConflict,
	fault.Forbidden:       http.StatusForbidden,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.Unavailable:     http.StatusServiceUnavailable,
	fault.Unsupported:     http.StatusNotImplemented,
}

// problemOf maps any error to its problem. Errors that are not faults, and
// internal ones, show nothing of their text.
func problemOf(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	f := fault.Of(err)
	if f == nil || f.Kind == fault.Internal {
		return newProblem(http.StatusInternalServerError, "internal", "Something went wrong on our side. The log has the details under the request's id.")
	}
	p = newProblem(statusOf[f.Kind], f.Code, f.Message)
	for _, x := range f.Fields {
		p.Errors = append(p.Errors, ProblemField{Location: x.Location, Message: x.Message, Value: shown(x.Location, x.Value)})
	}
	if f.Kind == fault.Unauthenticated {
		p.header = http.Header{"Www-Authenticate": {`Bearer realm="forecourt"`}}
	}
	return p
}

// Throttled is the error for a caller who tries too often: 429, with the
// time to wait.
func Throttled(wait time.Duration) error {
	seconds := strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10)
	p := newProblem(http.StatusTooManyRequests, "request.throttled", "Too many attempts. Try again in "+seconds+" s.")
	p.header = http.Header{"Retry-After": {seconds}}
	return p
}

func newProblem(status int, code, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}

// write sends p as the whole answer.
func (p *Problem) write(w http.ResponseWriter, r *http.Request) {
	p.Request = RequestID(r.Context())
	for k, v := range p.header {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(p) // the client may be gone; there is nobody left to tell
}

// fail answers err and logs it if it is our own fault.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	a.logInternal(r, err)
	problemOf(err).write(w, r)
}

func (a *API) logInternal(r *http.Request, err error) {
	var p *Problem
	if errors.As(err, &p) || fault.KindOf(err) != fault.Internal {
		return
	}
	if r.Context().Err() != nil { // the client went away; what failed because of it is no news
		return
	}
	a.log.LogAttrs(r.Context(), slog.LevelError, "request failed",
		slog.String("req", RequestID(r.Context())), slog.String("method", r.Method),
		slog.String("route", r.Pattern), slog.String("error", err.Error()))
}

// codes names the problems that huma itself finds.
var codes = map[int]string{
	http.StatusBadRequest:            "request.malformed",
	http.StatusRequestTimeout:        "request.too_slow",
	http.StatusRequestEntityTooLarge: "request.too_large",
	http.StatusUnsupportedMediaType:  "request.media_type",
	http.StatusUnprocessableEntity:   "request.invalid",
}

// huma asks these two package variables for its errors, so they are set once
// for the whole program and not per API.
func init() {
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return humaProblem(nil, status, msg, errs)
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		return humaProblem(ctx, status, msg, errs)
	}
}

func humaProblem(ctx huma.Context, status int, msg string, errs []error) *Problem {
	code := codes[status]
	if code == "" {
		code = "internal"
		if status < 500 {
			code = "request.refused"
		}
	}
	p := newProblem(status, code, msg)
	for _, err := range errs {
		p.add(ctx, err)
	}
	slices.SortStableFunc(p.Errors, func(a, b ProblemField) int { return strings.Compare(a.Location, b.Location) })
	switch {
	case status == http.StatusBadRequest && len(p.Errors) == 0:
		p.Detail = "This route needs a JSON body."
	case status == http.StatusUnsupportedMediaType:
		p.Detail, p.Errors = "Send the body as application/json.", nil
	case len(p.Errors) == 1:
		p.Detail = p.Errors[0].Location + ": " + p.Errors[0].Message
	case len(p.Errors) > 1:
		p.Detail = fmt.Sprintf("%s: %s (and %d more, see errors)", p.Errors[0].Location, p.Errors[0].Message, len(p.Errors)-1)
	}
	if ctx != nil {
		p.Request = RequestID(ctx.Context())
	}
	return p
}

func (p *Problem) add(ctx huma.Context, err error) {
	var d huma.ErrorDetailer
	if !errors.As(err, &d) {
		if err != nil {
			p.Errors = append(p.Errors, ProblemField{Location: "request", Message: err.Error()})
		}
		return
	}
	x := d.ErrorDetail()
	f := ProblemField{Location: x.Location, Message: x.Message, Value: shown(x.Location, x.Value)}
	if p.Status == http.StatusBadRequest {
		f.Message, f.Value = "is not valid JSON: "+x.Message, nil
	}
	if x.Message == validation.MsgUnexpectedProperty {
		f.Message, f.Value = unknownField(ctx, x.Location), nil
	}
	p.Errors = append(p.Errors, f)
}

// unknownField names the unknown field and, where the schema can be found,
// the fields there are.
func unknownField(ctx huma.Context, location string) string {
	name := location[strings.LastIndexByte(location, '.')+1:]
	msg := fmt.Sprintf("%q is not a field", name)
	if names := siblings(ctx, location); len(names) > 0 {
		msg += "; allowed: " + strings.Join(names, ", ")
	}
	return msg
}

// siblings lists the fields of the object that holds location, a path such
// as body.evses[2].status.
func siblings(ctx huma.Context, location string) []string {
	if ctx == nil || ctx.Operation() == nil || ctx.Operation().RequestBody == nil {
		return nil
	}
	media := ctx.Operation().RequestBody.Content["application/json"]
	api, ok := ctx.Context().Value(apiKey{}).(*API)
	if media == nil || !ok {
		return nil
	}
	registry := api.huma.OpenAPI().Components.Schemas
	s := resolve(registry, media.Schema)
	path := strings.Split(location, ".")
	for _, step := range path[1 : len(path)-1] {
		name, _, indexed := strings.Cut(step, "[")
		if s == nil {
			return nil
		}
		if s = resolve(registry, s.Properties[name]); s != nil && indexed {
			s = resolve(registry, s.Items)
		}
	}
	if s == nil {
		return nil
	}
	names := make([]string, 0, len(s.Properties))
	for n := range s.Properties {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func resolve(r huma.Registry, s *huma.Schema) *huma.Schema {
	if s != nil && s.Ref != "" {
		return r.SchemaFromRef(s.Ref)
	}
	return s
}

// shown keeps secrets and bulk out of answers.
func shown(location string, v any) any {
	last := strings.ToLower(location[strings.LastIndexByte(location, '.')+1:])
	for _, secret := range []string{"password", "secret", "key", "token"} {
		if strings.Contains(last, secret) && last != "id_token" {
			return nil
		}
	}
	switch x := v.(type) {
	case string:
		if len(x) > 200 {
			return x[:200] + "…"
		}
	case map[string]any, []any, map[any]any: // a missing field would repeat its whole object
		return nil
	}
	return v
}
