package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// edge surrounds every request: id, headers, panics, log, metrics, gzip.
func (a *API) edge(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i := a.inspect(r)
		r = r.WithContext(context.WithValue(r.Context(), infoKey{}, i))
		a.secureHeaders(w, i)
		start := a.now()
		a.metrics.running(1)
		rec := &recorder{ResponseWriter: w}
		out, finish := compress(rec, r)
		defer func() {
			cause, cut := recover(), rec.wrote
			if cause != nil && !isAbort(cause) {
				a.log.ErrorContext(r.Context(), "request panicked", "req", i.id, "method", r.Method,
					"route", r.Pattern, "panic", cause, "stack", string(debug.Stack()))
				if !cut {
					if z, ok := out.(*gzipWriter); ok {
						z.status, z.held = 0, nil // nothing of the answer has left yet
					}
					newProblem(http.StatusInternalServerError, "internal",
						"Something went wrong on our side. The log has the details under the request's id.").write(out, r)
				}
			}
			finish()
			a.metrics.running(-1)
			a.observe(r, rec, i, a.now().Sub(start))
			if cause != nil && (cut || isAbort(cause)) {
				panic(http.ErrAbortHandler) // the client must not take a cut answer for a whole one
			}
		}()
		next.ServeHTTP(out, r)
	})
}

func isAbort(cause any) bool {
	err, ok := cause.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

func (a *API) secureHeaders(w http.ResponseWriter, i *info) {
	h := w.Header()
	h.Set("X-Request-Id", i.id)
	h.Set("Content-Security-Policy", a.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), payment=(), usb=()")
	if i.secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// contentPolicy allows what the web app needs and nothing else: the map
// draws in a blob worker, and both it and the components set inline styles.
func contentPolicy(sources []string) string {
	extra := ""
	for _, s := range sources {
		if s != "" && !strings.ContainsAny(s, " ;,\r\n") {
			extra += " " + s
		}
	}
	return "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:" + extra +
		"; connect-src 'self'" + extra + "; worker-src 'self' blob:; font-src 'self' data:; object-src 'none'; " +
		"base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
}

// statusGone is what the log and the metrics say of a request whose caller
// left before its answer: what failed because of that is no fault of ours, and
// nobody saw the status. Reverse proxies have long used the number for it.
const statusGone = 499

func (a *API) observe(r *http.Request, rec *recorder, i *info, took time.Duration) {
	status := rec.status
	if status == 0 {
		status = http.StatusOK
	}
	if status >= 500 && errors.Is(r.Context().Err(), context.Canceled) {
		status = statusGone
	}
	a.metrics.observe(r.Method, r.Pattern, status, took)
	level := slog.LevelInfo
	if status < 400 || !strings.HasPrefix(r.URL.Path, "/api/") { // what went well, assets and probes would drown the rest
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{slog.String("req", i.id), slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.Int("status", status), slog.Int64("bytes", rec.bytes), slog.Duration("took", took)}
	if i.addr.IsValid() {
		attrs = append(attrs, slog.String("client", i.addr.String()))
	}
	if i.caller != "" {
		attrs = append(attrs, slog.String("caller", i.caller), slog.String("org", i.org))
	}
	a.log.LogAttrs(r.Context(), level, "request", attrs...)
}

// recorder notes status and size of an answer, and drops a second status.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
	wrote  bool
}

// WriteHeader passes the first final status on.
func (w *recorder) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		if w.wrote {
			return
		}
		w.wrote, w.status = true, status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write counts.
func (w *recorder) Write(b []byte) (int, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// metrics counts requests by route, never by id.
type metrics struct {
	count    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		count: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "forecourt_http_requests_total",
			Help: "HTTP requests answered."}, []string{"method", "route", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "forecourt_http_request_seconds",
			Help: "Time to answer an HTTP request.", Buckets: []float64{.001, .005, .025, .1, .5, 2.5, 10, 60}}, []string{"method", "route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "forecourt_http_requests_in_flight",
			Help: "HTTP requests being answered now, event streams included."}),
	}
	if reg != nil {
		reg.MustRegister(m.count, m.duration, m.inFlight)
	}
	return m
}

func (m *metrics) running(by float64) { m.inFlight.Add(by) }

func (m *metrics) observe(method, pattern string, status int, took time.Duration) {
	_, route, ok := strings.Cut(pattern, " ")
	if !ok {
		route = pattern
	}
	if route == "" {
		route = "none"
	}
	if !knownMethod(method) {
		method = "other" // a label made by strangers must stay bounded
	}
	m.count.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(method, route).Observe(took.Seconds())
}

func knownMethod(m string) bool {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return true
	}
	return false
}
