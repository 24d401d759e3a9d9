package web

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/id"
)

type (
	apiKey       struct{}
	infoKey      struct{}
	principalKey struct{}
)

// info is what the edge learns about a request before any room sees it.
type info struct {
	id     string
	addr   netip.Addr
	secure bool
	query  url.Values
	caller string // for the access log, set once the Guard knows
	org    string
}

// Principal is who a request comes from, as far as the edge needs to know.
// The Guard puts it into the context with WithPrincipal.
type Principal struct {
	ID   string // stable and unique: "user:<id>", "key:<id>"
	Org  string // the active organisation
	CSRF string // set when a cookie signed the caller in: what X-CSRF-Token must say
}

// WithPrincipal returns ctx with p.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	if i := infoOf(ctx); i != nil {
		i.caller, i.org = p.ID, p.Org
	}
	return context.WithValue(ctx, principalKey{}, p)
}

func principalOf(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok
}

func infoOf(ctx context.Context) *info {
	i, _ := ctx.Value(infoKey{}).(*info)
	return i
}

// apart gives a context for work beside the handler: what the Guard finds out
// there is not written where the edge reads it at the request's end.
func apart(ctx context.Context) context.Context {
	i := infoOf(ctx)
	if i == nil {
		return ctx
	}
	return context.WithValue(ctx, infoKey{}, new(*i))
}

// RequestID gives the id of the request that ctx belongs to; empty outside one.
func RequestID(ctx context.Context) string {
	if i := infoOf(ctx); i != nil {
		return i.id
	}
	return ""
}

// ClientAddr gives the caller's address, seen through the trusted proxies;
// the zero Addr outside a request.
func ClientAddr(ctx context.Context) netip.Addr {
	if i := infoOf(ctx); i != nil {
		return i.addr
	}
	return netip.Addr{}
}

// Secure reports whether the request reached us, or the trusted proxy before
// us, over TLS.
func Secure(ctx context.Context) bool {
	i := infoOf(ctx)
	return i != nil && i.secure
}

// inspect builds the info of r. Forwarding headers count only when the peer
// is a trusted proxy, and then the nearest address that is not one wins.
func (a *API) inspect(r *http.Request) *info {
	i := &info{id: id.New[string](a.now()), addr: peer(r.RemoteAddr), secure: r.TLS != nil}
	if given := r.Header.Get("X-Request-Id"); plainID(given) {
		i.id = given
	}
	if !a.trusted(i.addr) {
		return i
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for n := len(hops) - 1; n >= 0; n-- {
		addr, err := netip.ParseAddr(strings.TrimSpace(hops[n]))
		if err != nil {
			break
		}
		i.addr = addr.Unmap()
		if !a.trusted(i.addr) {
			break
		}
	}
	if proto := r.Header.Get("X-Forwarded-Proto"); proto != "" {
		first, _, _ := strings.Cut(proto, ",")
		i.secure = strings.EqualFold(strings.TrimSpace(first), "https")
	}
	return i
}

func (a *API) trusted(addr netip.Addr) bool {
	for _, p := range a.cfg.TrustedProxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

func peer(remote string) netip.Addr {
	if ap, err := netip.ParseAddrPort(remote); err == nil {
		return ap.Addr().Unmap()
	}
	return netip.Addr{}
}

// plainID accepts a request id from outside only if it cannot disturb a log.
func plainID(s string) bool {
	if len(s) < 8 || len(s) > 64 {
		return false
	}
	for _, c := range []byte(s) {
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
		if !ok {
			return false
		}
	}
	return true
}
