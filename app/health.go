package app

import (
	"bytes"
	"context"
	"net/http"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

// health says that the process runs.
func (a *App) health(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) }

// ready says whether this node can take work: it does not stop, its database
// answers and has the schema, it is connected to its bus. The answer names what is
// missing, never why: the door is open, the log says more.
func (a *App) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	var missing []string
	if a.away.Load() || a.rooms.gateway.Draining() {
		missing = append(missing, "draining")
	}
	err := a.db.Ready(ctx, a.schema)
	switch {
	case fault.Is(err, fault.Conflict):
		missing = append(missing, "schema")
	case err != nil:
		missing = append(missing, "database")
	}
	if !a.bus.Connected() {
		missing = append(missing, "bus")
	}
	if len(missing) == 0 {
		w.Write([]byte("ready\n"))
		return
	}
	a.log.Warn("not ready", "missing", missing, "err", err)
	http.Error(w, "not ready: "+strings.Join(missing, ", "), http.StatusServiceUnavailable)
}

// profiles are those of the Go runtime that may be asked for, and how they
// are made; seconds is how long those that watch do so.
var profiles = map[string]func(w *bytes.Buffer, r *http.Request, d time.Duration) error{
	"cpu": func(w *bytes.Buffer, r *http.Request, d time.Duration) error {
		if err := pprof.StartCPUProfile(w); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
		return watch(r.Context(), d)
	},
	"trace": func(w *bytes.Buffer, r *http.Request, d time.Duration) error {
		if err := trace.Start(w); err != nil {
			return err
		}
		defer trace.Stop()
		return watch(r.Context(), d)
	},
	"heap": named("heap"), "allocs": named("allocs"), "goroutine": named("goroutine"), "threadcreate": named("threadcreate"),
}

func named(profile string) func(*bytes.Buffer, *http.Request, time.Duration) error {
	return func(w *bytes.Buffer, _ *http.Request, _ time.Duration) error {
		return pprof.Lookup(profile).WriteTo(w, 0)
	}
}

func watch(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

const (
	profileFor  = 10 * time.Second
	profileMost = 60 * time.Second
)

// healthRoutes are for who runs the whole installation; what is open to a
// load balancer and to Prometheus is mounted beside the API.
func (a *App) healthRoutes() {
	get := web.Op{Method: "GET", Path: "/system/profiles/{name}", Room: "app", Permission: identity.SystemRead, Tags: []string{"system"},
		Summary:     "Take a profile of the node that answers, for go tool pprof",
		Description: "Names: cpu, heap, allocs, goroutine, threadcreate, trace. cpu and trace watch for ?seconds=10, at most 60. One at a time."}
	get.Produces = "application/octet-stream"
	a.api.Raw(get, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.profile(w, r); err != nil {
			a.api.Fail(w, r, err)
		}
	}))
	web.Handle(a.api, web.Op{Method: "GET", Path: "/message-gaps", Room: "app", Permission: identity.StationMessage, Tags: []string{"charging-stations"},
		Summary: "List when the message log was thinned out under pressure"}, a.messageGaps)
	op := web.Op{Method: "POST", Path: "/system/drain", Room: "app", Permission: identity.SystemRead, Tags: []string{"system"},
		Summary:     "Send the stations of the node that answers to the others, spread over --drain-for",
		Description: "The node is not ready and takes no stations until it is started anew or the drain is taken back."}
	web.Handle(a.api, op, func(ctx context.Context, _ *struct{}) (*drainOutput, error) { return a.drain(ctx, true) })
	op.Method, op.Summary, op.Description = "DELETE", "Take a drain back: the node that answers takes stations again", ""
	op.Status = http.StatusOK
	web.Handle(a.api, op, func(ctx context.Context, _ *struct{}) (*drainOutput, error) { return a.drain(ctx, false) })
}

// operator is who may look into the process itself, which serves every
// organisation.
func operator(ctx context.Context, permissions ...identity.Permission) error {
	for _, p := range permissions {
		caller, err := identity.Require(ctx, p)
		if err != nil {
			return err
		}
		if !caller.Scope.All() {
			return fault.New(fault.Forbidden, "system.whole", "Only the organisation at the top may do this: it concerns the whole installation.")
		}
	}
	return nil
}

func (a *App) profile(w http.ResponseWriter, r *http.Request) error {
	if err := operator(r.Context(), identity.SystemRead); err != nil {
		return err
	}
	name, d := r.PathValue("name"), profileFor
	make := profiles[name]
	if make == nil {
		return fault.New(fault.NotFound, "system.profile", "There is no profile %q; there are cpu, heap, allocs, goroutine, threadcreate and trace.", name)
	}
	if text := r.URL.Query().Get("seconds"); text != "" {
		n, err := strconv.Atoi(text)
		if d = time.Duration(n) * time.Second; err != nil || d <= 0 || d > profileMost {
			return fault.New(fault.Invalid, "system.profile_seconds", "seconds is not usable").With("query.seconds", "allowed: 1 to 60", text)
		}
	}
	if !a.profiling.TryLock() {
		return fault.New(fault.Conflict, "system.profile_runs", "Another profile is being taken; try again when it is done.")
	}
	defer a.profiling.Unlock()
	var out bytes.Buffer
	if err := make(&out, r, d); err != nil {
		return fault.Wrap(fault.Unavailable, err, "system.profile_failed", "The profile could not be taken.")
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="`+a.bus.Node()+"-"+name+`.pprof"`)
	_, err := w.Write(out.Bytes())
	if err != nil {
		a.log.Debug("profile not taken away", "err", err)
	}
	return nil
}

type drainOutput struct {
	Body struct {
		Node     string `json:"node"`
		Draining bool   `json:"draining"`
		Stations int    `json:"stations" doc:"Still connected to this node"`
	}
}

func (a *App) drain(ctx context.Context, on bool) (*drainOutput, error) {
	if err := operator(ctx, identity.SystemRead, identity.OrganisationWrite); err != nil {
		return nil, err
	}
	out := &drainOutput{}
	out.Body.Draining = a.rooms.gateway.Drain(on)
	out.Body.Node, out.Body.Stations = a.bus.Node(), a.rooms.gateway.Connected()
	a.log.Info("drain", "on", out.Body.Draining, "stations", out.Body.Stations)
	return out, nil
}

type gapsInput struct {
	From time.Time `query:"from" doc:"Default: a day before to"`
	To   time.Time `query:"to" doc:"Default: now"`
}

type messageGap struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Node string    `json:"node" doc:"Whose stations it concerns: those that were connected to it"`
}

type gapsOutput struct {
	Body struct {
		Items []messageGap `json:"items" nullable:"false" doc:"The latest first, at most 200"`
	}
}

func (a *App) messageGaps(ctx context.Context, in *gapsInput) (*gapsOutput, error) {
	if _, err := identity.Require(ctx, identity.StationMessage); err != nil {
		return nil, err
	}
	if in.To.IsZero() {
		in.To = a.db.Now()
	}
	if in.From.IsZero() {
		in.From = in.To.Add(-24 * time.Hour)
	}
	gaps, err := a.rooms.gateway.Log().Gaps(ctx, in.From, in.To)
	out := &gapsOutput{}
	out.Body.Items = make([]messageGap, len(gaps))
	for i, g := range gaps {
		out.Body.Items[i] = messageGap{g.From, g.To, g.Node}
	}
	return out, err
}
