package gateway

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// maxIdentity is the longest station identity. OCPP 2.0.1 part 4 §3.1.1
const maxIdentity = 48

// key is the form in which identities are compared: stations do not agree
// with people on upper and lower case, and some change it themselves.
func key(station string) string { return strings.ToLower(station) }

// identityOf reads the station's identity from the last element of the path,
// or from the Basic user when the path has none; the element before it, if
// there is one below /ocpp/, is an enrolment token.
func identityOf(r *http.Request) (station, token string, err error) {
	_, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	var parts []string
	for part := range strings.SplitSeq(rest, "/") {
		decoded, err := url.PathUnescape(part)
		if err != nil {
			return "", "", fault.Wrap(fault.Invalid, err, "gateway.path", "the path is not percent-encoded correctly")
		}
		if decoded = strings.TrimSpace(decoded); decoded != "" {
			parts = append(parts, decoded)
		}
	}
	user, _, _ := r.BasicAuth()
	switch n := len(parts); {
	case n == 0 && user != "":
		station = user
	case n == 0:
		return "", "", fault.New(fault.NotFound, "gateway.no_identity", "the path has no station identity: connect to …/ocpp/{identity}")
	default:
		station = parts[n-1]
		if n > 1 {
			token = parts[n-2]
		}
	}
	if token == "" {
		for name, values := range r.URL.Query() { // some stations write their whole URL in lower case, or in upper
			if strings.EqualFold(name, "token") && len(values) > 0 {
				token = values[0]
			}
		}
	}
	return station, token, checkIdentity(station)
}

func checkIdentity(s string) error {
	if s == "" || len(s) > maxIdentity {
		return fault.New(fault.NotFound, "gateway.identity", "a station identity has 1 to %d characters", maxIdentity)
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', strings.IndexByte("*_=:+|@.-", c) >= 0:
		default:
			return fault.New(fault.NotFound, "gateway.identity", "a station identity consists of letters, digits and *_=:+|@.-")
		}
	}
	return nil
}

// origin is where a request really came from.
type origin struct {
	addr string // host:port, or the host a proxy named
	host string
	tls  bool
}

// originOf believes X-Forwarded-For and X-Forwarded-Proto from trusted
// proxies only, reading the chain from the right up to the first address that
// is none of them.
func originOf(r *http.Request, trusted []netip.Prefix) origin {
	o := origin{addr: r.RemoteAddr, tls: r.TLS != nil}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		o.host = r.RemoteAddr
		return o
	}
	addr := peer.Addr().Unmap()
	o.host = addr.String()
	if !within(addr, trusted) {
		return o
	}
	if proto := r.Header.Get("X-Forwarded-Proto"); proto != "" {
		first, _, _ := strings.Cut(proto, ",")
		first = strings.ToLower(strings.TrimSpace(first))
		o.tls = first == "https" || first == "wss"
	}
	chain := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(chain) - 1; i >= 0; i-- {
		text := strings.TrimSpace(chain[i])
		hop, err := netip.ParseAddr(text)
		if err != nil {
			if hopPort, err2 := netip.ParseAddrPort(text); err2 == nil {
				hop = hopPort.Addr()
			} else {
				break
			}
		}
		hop = hop.Unmap()
		o.addr, o.host = hop.String(), hop.String()
		if !within(hop, trusted) {
			break
		}
	}
	return o
}

func within(a netip.Addr, prefixes []netip.Prefix) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// offered lists the subprotocols of all header lines, as the station wrote them.
func offered(r *http.Request) []string {
	var out []string
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for p := range strings.SplitSeq(line, ",") {
			if p = strings.TrimSpace(p); p != "" {
				out = append(out, p)
			}
		}
	}
	return out
}

// choose picks the dialect: our preference among what is offered. With
// nothing offered it is 1.6, which stations with minimal websocket clients
// mean; then nothing is echoed. nil means no common version.
func choose(dialects []Dialect, offers []string, none Dialect) (d Dialect, echo string) {
	if len(offers) == 0 {
		return none, ""
	}
	for _, d := range dialects {
		for _, o := range offers {
			if strings.EqualFold(o, d.Subprotocol()) {
				return d, o
			}
		}
	}
	return nil, ""
}
