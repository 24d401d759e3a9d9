package live

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

const (
	keepAlive    = 20 * time.Second // below the idle time-outs of proxies
	writeTimeout = 15 * time.Second
	streamFor    = 30 * time.Minute
	maxResume    = 50_000 // facts that a viewer may have missed
	maxFilter    = 200    // values of one parameter
	atOnce       = 64     // events written between two flushes
)

// Routes registers the room's route.
func (s *Service) Routes(a *web.API) {
	op := web.Op{
		Method: http.MethodGet, Path: "/events", Room: "live", Permission: identity.EventRead, Summary: "Follow facts and signals as server-sent events",
		Description: "Each event has its kind as event and {kind, org, site, station, at, data} as data. Facts have an id: a client that comes back with it in Last-Event-ID gets what it missed, " +
			"or an event gap when that is too much. Signals have none and may be lost. Parameters, each a comma-separated list: kind (a trailing .* matches all that begin so), station, site.",
		Produces: "text/event-stream", Tags: []string{"events"},
	}
	a.Raw(op, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, err := identity.Require(r.Context(), identity.EventRead)
		if err == nil {
			var f filter
			var after int64
			if f, after, err = parse(r); err == nil {
				s.stream(w, r, caller.Scope, f, after)
				return
			}
		}
		a.Fail(w, r, err)
	}))
}

// parse reads the filter and the number to resume after; 0 means from now on.
func parse(r *http.Request) (f filter, after int64, err error) {
	q := r.URL.Query()
	bad := fault.New(fault.Invalid, "live.query", "the events cannot be asked for this way")
	for name := range q {
		if !slices.Contains([]string{"kind", "station", "site", "last_event_id"}, name) {
			bad.With("query."+name, name+" is not a parameter; allowed: kind, last_event_id, site, station", nil)
		}
	}
	f = filter{kinds: values(q, "kind", bad), sites: values(q, "site", bad)}
	for _, v := range values(q, "station", bad) {
		f.stations = append(f.stations, strings.ToLower(v))
	}
	last := r.Header.Get("Last-Event-ID")
	if last == "" {
		last = q.Get("last_event_id") // EventSource cannot set the header on its first request
	}
	if last != "" {
		if after, err = strconv.ParseInt(last, 10, 64); err != nil || after < 0 {
			bad.With("header.Last-Event-ID", "the id of an event, a whole number", last)
		}
	}
	if len(bad.Fields) > 0 {
		return f, 0, bad
	}
	return f, after, nil
}

func values(q url.Values, name string, bad *fault.Error) []string {
	var out []string
	for _, list := range q[name] {
		for v := range strings.SplitSeq(list, ",") {
			if v = strings.TrimSpace(v); v != "" {
				out = append(out, v)
			}
		}
	}
	if len(out) > maxFilter {
		bad.With("query."+name, "at most 200 values", nil)
	}
	return out
}

// out writes to one viewer; the first failure ends the stream.
type out struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	err error
}

// write sends frames and flushes. A viewer that takes nothing for too long is
// cut off: the deadline in the past ends the write that hangs.
func (o *out) write(frames ...[]byte) bool {
	if o.err != nil {
		return false
	}
	cut := time.AfterFunc(writeTimeout, func() { _ = o.rc.SetWriteDeadline(time.Unix(1, 0)) })
	defer cut.Stop()
	for _, f := range frames {
		if _, o.err = o.w.Write(f); o.err != nil {
			return false
		}
	}
	o.err = o.rc.Flush()
	return o.err == nil
}

var (
	hello     = []byte("retry: 3000\n: connected\n\n")
	stillHere = []byte(": keepalive\n\n")
	dropped   = []byte("event: dropped\ndata: {\"reason\":\"you read too slowly; reconnect to resume\"}\n\n")
	gap       = []byte("event: gap\ndata: {\"reason\":\"you missed too much to send again; reload\"}\n\n")
)

func (s *Service) stream(w http.ResponseWriter, r *http.Request, scope identity.Scope, f filter, after int64) {
	ctx := r.Context()
	select {
	case <-s.hub.want():
	case <-ctx.Done():
		return
	}
	v, upTo, recent, whole := s.hub.join(scope, f, after)
	defer s.hub.leave(scope, v)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	o := &out{w: w, rc: http.NewResponseController(w)}
	if !o.write(hello) {
		return
	}
	if after > 0 && after < upTo && !s.resume(ctx, o, scope, f, after, upTo, recent, whole) {
		return
	}
	s.follow(ctx, o, v)
}

// follow sends what the hub hands over until the viewer leaves, is let go, or
// has watched for long enough.
func (s *Service) follow(ctx context.Context, o *out, v *viewer) {
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	end := time.NewTimer(streamFor)
	defer end.Stop()
	for {
		frames := make([][]byte, 0, 4)
		select {
		case <-ctx.Done():
			return
		case <-end.C:
			return
		case <-v.over:
			if v.slow {
				o.write(dropped)
			}
			return
		case <-alive.C:
			frames = append(frames, stillHere)
		case it := <-v.events:
			frames = append(frames, it.written())
			for len(frames) < atOnce && len(v.events) > 0 {
				frames = append(frames, (<-v.events).written())
			}
		}
		if !o.write(frames...) {
			return
		}
	}
}

// resume sends the facts after a number up to where the live ones begin: from
// memory, or from the log when memory does not reach back that far.
func (s *Service) resume(ctx context.Context, o *out, scope identity.Scope, f filter, after, upTo int64, recent []*item, whole bool) bool {
	if !whole && upTo-after > maxResume {
		return o.write(gap)
	}
	var frames [][]byte
	send := func(it *item) error {
		if f.wants(it) && s.hub.maySee(scope, it.Org) {
			frames = append(frames, it.written())
		}
		if len(frames) >= atOnce {
			o.write(frames...)
			frames = frames[:0]
		}
		return o.err
	}
	if whole {
		for _, it := range recent {
			if send(it) != nil {
				return false
			}
		}
		return o.write(frames...)
	}
	err := s.d.Facts.Replay(ctx, after, upTo, func(fact event.Fact) error { return send(factItem(fact)) })
	if err != nil && o.err == nil && ctx.Err() == nil {
		s.d.Log.Warn("a viewer could not resume", "after", after, "error", err)
	}
	return err == nil && o.write(frames...)
}
