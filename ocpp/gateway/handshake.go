package gateway

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

func pairOf(host, key string) string { return host + " " + key }

// ServeHTTP takes a station's handshake on /ocpp/{identity}.
//
// Refusals: 404 unknown identity, 401 wrong or missing password, 403
// forbidden (a profile that is not allowed, a certificate of another
// station), 429 and 503 with Retry-After, 426 for anything but a websocket.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from := originOf(r, g.config.TrustedProxies)
	station, token, err := identityOf(r)
	if err != nil {
		g.refuse(w, from, station, err)
		return
	}
	if !isWebsocket(r) {
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Connection", "Upgrade")
		g.metrics.handshake("not_websocket")
		http.Error(w, "This is the address for charging stations: connect with a websocket (headers Connection: Upgrade, Upgrade: websocket).",
			http.StatusUpgradeRequired)
		return
	}
	pair, now := pairOf(from.host, key(station)), g.now()
	if g.draining.Load() {
		w.Header().Set("Connection", "close") // the next try goes through the load balancer, to another node
		g.refuse(w, from, station, fault.New(fault.Unavailable, "gateway.draining", "the server is being restarted"))
		return
	}
	if wait := g.mayKnock(from.host, key(station), now); wait > 0 {
		g.metrics.handshake("too_many_refusals")
		g.wasteOf(r, now)
		w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+retryAfter(1, 5)))
		http.Error(w, "Too many attempts; this station may try again later.", http.StatusTooManyRequests)
		return
	}
	if err := g.crowded(); err != nil {
		g.refuse(w, from, station, err)
		return
	}
	if err := g.door.enter(r.Context()); err != nil {
		if r.Context().Err() != nil {
			return // it is gone
		}
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(g.door.appointment(g.now()).Seconds()))))
		g.refuse(w, from, station, err)
		return
	}
	entered := false
	defer func() {
		if !entered {
			g.door.leave()
		}
	}()
	h := g.handshakeOf(r, station, token, from, now)
	admission, err := g.csms.Connect(r.Context(), h)
	if err != nil {
		if k := fault.KindOf(err); k != fault.Unavailable && k != fault.Internal {
			g.refusals.add(pair, now)
			g.strangers.count(from.host, now)
			g.wasteOf(r, now)
		}
		g.refuse(w, from, station, err)
		return
	}
	g.refusals.forget(pair)
	g.entries.count(key(station), now)
	entered = g.upgrade(w, r, h, admission, from)
}

// wasteOf counts the TLS handshake of a request that is refused.
func (g *Gateway) wasteOf(r *http.Request, now time.Time) {
	if r.TLS != nil {
		g.waste(r.RemoteAddr, now)
	}
}

// upgrade completes the handshake and starts the reader, which leaves the
// door once the station is joined. It reports whether the reader was started.
func (g *Gateway) upgrade(w http.ResponseWriter, r *http.Request, h ocpp.Handshake, a ocpp.Admission, from origin) bool {
	tolerate := g.tolerated(a.Make, a)
	dialect, echo := g.chosen(h.Protocols, tolerate)
	l := g.newLink(h, a, dialect)
	l.peer.Tolerate = tolerate
	if !g.upgradable(w, r, l) {
		return false
	}
	options := &websocket.AcceptOptions{
		InsecureSkipVerify: true, // stations are no browsers; who they are is told by Connect
		OnPingReceived:     func(context.Context, []byte) bool { l.admit(0); l.wire.frameEnds(); return true },
		OnPongReceived:     func(context.Context, []byte) { l.wire.pongs.Store(true); l.wire.frameEnds() },
	}
	if echo != "" {
		options.Subprotocols = []string{echo}
	}
	if !g.config.NoCompression {
		options.CompressionMode = websocket.CompressionNoContextTakeover
		options.CompressionThreshold = 1024
	}
	ws, err := websocket.Accept(&smallHijack{ResponseWriter: w, wire: l.wire}, r, options)
	if err != nil {
		g.metrics.handshake("not_websocket")
		g.logger.Info("handshake failed", "station", h.Station, "remote", from.addr, "err", err)
		return false
	}
	l.ws = ws
	if dialect == nil {
		// OCPP-J 1.6 §3.2, 2.0.1 part 4 §3.2: complete the handshake without a
		// subprotocol, then close at once.
		g.metrics.handshake("no_common_version")
		g.logger.Warn("no common OCPP version", "org", a.Org, "station", h.Station, "remote", from.addr,
			"offered", strings.Join(h.Protocols, ", "), "spoken", strings.Join(g.subprotocols(), ", "))
		g.without(l, ws, h.Protocols)
		return false
	}
	ws.SetReadLimit(int64(orDefault(a.MaxMessage, g.config.MaxMessage)))
	g.metrics.handshake("accepted")
	if len(h.Protocols) == 0 {
		l.deviate(ocpp.Deviation{Code: "no_subprotocol", Detail: "no websocket subprotocol was offered; OCPP 1.6 is assumed"})
	}
	host := from.host
	g.readers.begin() // until serve sees the end
	go func() {
		joined := g.join(l, host)
		g.door.leave()
		if !joined {
			g.readers.done()
			return
		}
		l.serve()
	}()
	return true
}

func (g *Gateway) newLink(h ocpp.Handshake, a ocpp.Admission, d Dialect) *link {
	l := &link{
		g: g, dialect: d, key: key(h.Station), admission: a,
		wire:      &wire{now: g.now, timeout: g.config.WriteTimeout},
		heartbeat: a.HeartbeatInterval,
		org:       g.orgs.of(a.Org),
	}
	perMinute := orDefault(a.MessagesPerMinute, g.config.MessagesPerMinute)
	l.pace = newPace(perMinute, max(perMinute/6, 10))
	version := ocpp.V16
	if d != nil {
		version = d.Version()
	}
	l.peer = ocpp.Peer{
		Org: a.Org, Site: a.Site, Station: cmp.Or(a.Station, h.Station), Version: version, ConnectedAt: h.At,
		SecurityProfile: a.SecurityProfile, RemoteAddr: h.RemoteAddr, Connectors: a.Connectors,
	}
	if s, ok := d.(perStation); ok {
		l.dialect = s.For(l.peer)
	}
	if !a.Active {
		l.phase.Store(int32(pending))
	}
	l.conn.Init(l, version, &g.options, true)
	return l
}

func orDefault(v, d int) int {
	if v > 0 {
		return v
	}
	return d
}

func (g *Gateway) subprotocols() []string {
	var out []string
	for _, d := range g.dialects {
		out = append(out, d.Subprotocol())
	}
	return out
}

func (g *Gateway) handshakeOf(r *http.Request, station, token string, from origin, now time.Time) ocpp.Handshake {
	h := ocpp.Handshake{
		Station: station, TLS: from.tls, Protocols: offered(r), RemoteAddr: from.addr, UserAgent: clip(r.UserAgent(), 200),
		EnrolmentToken: token, Path: r.URL.Path, At: now,
	}
	h.User, h.Password, h.HasPassword = r.BasicAuth()
	h.ClientCert, h.CertProblem = g.certificateOf(r)
	h.TLS = h.TLS || h.ClientCert != nil
	return h
}

// isWebsocket leaves the details to the websocket library.
func isWebsocket(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Contains(strings.ToLower(r.Header.Get("Upgrade")), "websocket")
}

// statuses are the HTTP answers of refused handshakes, by kind of fault.
var statuses = map[fault.Kind]int{
	fault.Invalid:         http.StatusBadRequest,
	fault.NotFound:        http.StatusNotFound,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.Forbidden:       http.StatusForbidden,
	fault.Conflict:        http.StatusForbidden,
	fault.Unsupported:     http.StatusForbidden,
	fault.Unavailable:     http.StatusServiceUnavailable,
}

func (g *Gateway) refuse(w http.ResponseWriter, from origin, station string, err error) {
	kind := fault.KindOf(err)
	status, known := statuses[kind]
	message := "The server failed; try again later."
	if !known {
		status = http.StatusInternalServerError
	} else if e := fault.Of(err); e != nil {
		message = e.Message
	}
	switch status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Basic realm="ocpp", charset="UTF-8"`)
	case http.StatusServiceUnavailable, http.StatusInternalServerError:
		if w.Header().Get("Retry-After") == "" {
			w.Header().Set("Retry-After", strconv.Itoa(retryAfter(5, 30)))
		}
	}
	g.metrics.handshake(kind.String())
	level := g.logger.Info
	if status == http.StatusInternalServerError && !errors.Is(err, context.Canceled) {
		level = g.logger.Error
	}
	level("handshake refused", "station", clip(station, maxIdentity), "remote", from.addr, "status", status, "err", err)
	http.Error(w, message, status)
}
