package gateway

import (
	queue "container/list"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Failure is a connection that never became a request: a station that does
// not trust us, or whose certificate we do not trust, or that speaks TLS where
// there is none. Without it such a station would be silent (quirk Q06).
type Failure struct {
	Station string // as far as it told: of a certificate's subject or a plain request's path; else empty
	Remote  string // host:port
	Reason  string // one of the constants below
	Detail  string
	At      time.Time
}

// Reasons of a [Failure].
const (
	TLSFailed      = "tls_failed"       // the TLS handshake did not succeed
	TLSWithoutHTTP = "tls_without_http" // it succeeded, and then nothing was asked
	PlainOnTLS     = "plain_on_tls"     // ws:// on an address that speaks TLS
	TLSOnPlain     = "tls_on_plain"     // wss:// on an address that does not
)

// Door watches a listening address on which stations connect, by TLS if it is
// secure: serve on the listener it gives, with the hook as http.Server.ConnState.
func (g *Gateway) Door(l net.Listener, secure bool) (net.Listener, func(net.Conn, http.ConnState)) {
	d := doorListener{Listener: l, g: g, arrivals: arrivals(secure, g.config.HandshakesPerSecond)}
	if secure {
		d.turns = newTurns()
	}
	return d, g.state
}

// How many sockets a door accepts a second, and at once. Those above wait in
// the system's queue, where they cost nothing: as goroutines that all have
// their request read they would stand before the messages of other stations. A
// TLS handshake takes milliseconds of a core; thousands at the same time would
// all take longer than stations wait, and begin again. Where few handshakes a
// second are let in, refusing the others takes its time, too: a quarter of what
// it takes until all are in; but a full queue of the system, 4,096, is to be
// seen to before those in it give up.
const (
	socketsPerSecond    = 1000
	socketsAtLeast      = 250
	socketsPerHandshake = 4
	helloesPerCore      = 175 // a second, with TLS
	socketsAtOnce       = 64
)

func arrivals(secure bool, handshakes int) *rate.Limiter {
	most := socketsPerSecond
	if secure {
		most = helloesPerCore * runtime.GOMAXPROCS(0)
	}
	return rate.NewLimiter(rate.Limit(min(most, max(socketsPerHandshake*handshakes, socketsAtLeast))), socketsAtOnce)
}

type doorListener struct {
	net.Listener
	g        *Gateway
	arrivals *rate.Limiter
	turns    turns // nil without TLS
}

func (l doorListener) Accept() (net.Conn, error) {
	c, err := l.next()
	if err != nil {
		return nil, err
	}
	one := &guest{Conn: c, silence: &l.g.silence, turns: l.turns}
	for _, old := range l.g.silence.add(one, l.g.now()) {
		l.g.metrics.handshake("half_open")
		old.Close() // its reader ends with it
	}
	return one, nil
}

// next is the next socket that may speak.
func (l doorListener) next() (net.Conn, error) {
	for {
		_ = l.arrivals.Wait(l.g.base) // a node that stops holds nobody back
		c, err := l.Listener.Accept()
		if err != nil || l.turns == nil || !l.g.wasteful(c.RemoteAddr().String(), l.g.now()) {
			return c, err
		}
		l.g.metrics.handshake("too_many_refusals")
		c.Close() // nothing was said
	}
}

// guest is a connection of which the first bytes are looked at.
type guest struct {
	net.Conn
	first atomic.Pointer[opening]
	asked atomic.Bool // it made a request
	turns turns       // of its TLS handshake, its request included; nil without TLS
	turn  atomic.Bool // it has one

	silence *silence
	since   time.Time
	place   *queue.Element // among the silent; nil: not there
}

// opening is how a connection begins.
type opening struct {
	tls  bool
	path string // of a plain request
}

var tlsOpening, otherOpening = &opening{tls: true}, &opening{}

const tlsHandshake = 0x16 // RFC 8446 §5.1: the content type of a ClientHello

func (c *guest) Read(p []byte) (int, error) {
	c.rest()
	n, err := c.Conn.Read(p)
	if n > 0 && c.first.Load() == nil {
		c.first.Store(openingOf(p[:n]))
		c.silence.remove(c)
	}
	if n > 0 && c.turns != nil && !c.asked.Load() {
		c.turns.take()
		c.turn.Store(true)
	}
	return n, err
}

// rest gives the turn back: what was read has been worked on.
func (c *guest) rest() {
	if c.turn.CompareAndSwap(true, false) {
		c.turns.give()
	}
}

func (c *guest) Close() error {
	c.rest()
	return c.Conn.Close()
}

func openingOf(b []byte) *opening {
	if b[0] == tlsHandshake {
		return tlsOpening
	}
	line, _, _ := strings.Cut(string(b[:min(len(b), 300)]), "\r\n")
	method, rest, found := strings.Cut(line, " ")
	if !found || method != http.MethodGet {
		return otherOpening
	}
	path, _, _ := strings.Cut(rest, " ")
	return &opening{path: strings.Clone(path)} // and not all of the request
}

// station is the identity in the path of a plain request, if there is one.
func (o *opening) station() string {
	r, err := http.NewRequest(http.MethodGet, o.path, nil)
	if err != nil {
		return ""
	}
	station, _, err := identityOf(r)
	if err != nil {
		return ""
	}
	return station
}

// state follows a connection's life for the HTTP server.
func (g *Gateway) state(c net.Conn, s http.ConnState) {
	secure, _ := c.(*tls.Conn)
	raw := c
	if secure != nil {
		raw = secure.NetConn()
	}
	guest, ok := raw.(*guest)
	if !ok {
		return
	}
	guest.rest()
	switch s {
	case http.StateHijacked: // a websocket from now on: how it began matters no more
		guest.asked.Store(true)
		guest.first.Store(otherOpening)
	case http.StateActive:
		guest.asked.Store(true)
	case http.StateClosed:
		g.silence.remove(guest)
		if f, ok := failureOf(secure, guest); ok {
			g.fail(f)
		}
		if secure != nil && !guest.asked.Load() && distrusted(secure) != nil {
			g.waste(guest.RemoteAddr().String(), g.now())
		}
	}
}

// distrusted is why a certificate was refused, once the connection has ended;
// nil when it was not. Who went away in the middle, as in a storm, is another case.
func distrusted(secure *tls.Conn) (err *tls.CertificateVerificationError) {
	errors.As(secure.Handshake(), &err) // it ended: this only gives its error again
	return err
}

// failureOf tells what went wrong with a connection that closed; false when
// it did what it should, or never said a word, as load balancers do to see
// whether we are there.
func failureOf(secure *tls.Conn, c *guest) (Failure, bool) {
	f := Failure{Remote: c.RemoteAddr().String()}
	first := c.first.Load()
	switch {
	case first == nil:
		return f, false
	case secure == nil && first.tls:
		f.Reason, f.Detail = TLSOnPlain, "the station speaks TLS (wss://) on an address without it (ws://)"
		return f, true
	case secure == nil || c.asked.Load():
		return f, false
	case !first.tls:
		f.Reason, f.Station, f.Detail = PlainOnTLS, first.station(), "the station speaks plain text (ws://) on an address with TLS (wss://)"
		return f, true
	}
	state := secure.ConnectionState()
	if len(state.PeerCertificates) > 0 {
		f.Station = nameIn(state.PeerCertificates[0].Subject.CommonName)
	}
	if state.HandshakeComplete {
		f.Reason, f.Detail = TLSWithoutHTTP, "TLS was set up, then the station closed the connection without a request; many do so when they want a certificate uploaded first"
		return f, true
	}
	f.Reason = TLSFailed
	if unverified := distrusted(secure); unverified != nil && len(unverified.UnverifiedCertificates) > 0 {
		leaf := unverified.UnverifiedCertificates[0]
		f.Station, f.Detail = nameIn(leaf.Subject.CommonName), subjectOfCert(leaf)+": "+unverified.Err.Error()
	} else if err := secure.Handshake(); err != nil {
		f.Detail = err.Error()
	}
	return f, true
}

// nameIn is a certificate's common name where it can be a station's id.
func nameIn(commonName string) string {
	if checkIdentity(commonName) != nil {
		return ""
	}
	return commonName
}

func (g *Gateway) fail(f Failure) {
	peer, err := netip.ParseAddrPort(f.Remote)
	if err == nil && within(peer.Addr().Unmap(), g.config.TrustedProxies) {
		return // a proxy's look whether we are alive
	}
	f.At, f.Detail = g.now(), clip(f.Detail, 400)
	g.metrics.handshake(f.Reason)
	g.logger.Info("connection without a request", "station", f.Station, "remote", f.Remote, "reason", f.Reason, "detail", f.Detail)
	if g.failed != nil {
		g.later(func(context.Context) { g.failed(f) })
	}
}
