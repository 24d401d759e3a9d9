package identity

import (
	"context"
	"database/sql"
	"net/http"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/web"
)

const (
	// CookieName is the cookie that carries a session's token.
	CookieName = "forecourt_session"
	// OrgHeader chooses the active organisation of one request.
	OrgHeader = "Forecourt-Organisation"

	keyPrefix = "fk_"
	// seenStep is how exactly the last use of a key or session is known;
	// finer would write to the database with every request.
	seenStep = time.Minute
)

// principal is a resolved credential: everything a request needs, whatever
// organisation it chooses.
type principal struct {
	id       string // "user:…" or "key:…"
	user     UserID
	key      string
	name     string
	home     OrgID // active unless the request chooses
	homePath string
	grants   []grant
	expires  time.Time // zero: never
	session  string    // hash of the session, when one was used
}

type principalKey struct{}

// Guard finds the caller of a request and checks op's permission; web calls
// it for every route that is not public.
func (s *Service) Guard(r *http.Request, op web.Op) (context.Context, error) {
	p, csrf, err := s.identify(r)
	if err != nil {
		return nil, err
	}
	caller, err := s.activate(r.Context(), p, OrgID(r.Header.Get(OrgHeader)))
	if err != nil {
		return nil, err
	}
	ctx := web.WithPrincipal(r.Context(), web.Principal{ID: p.id, Org: string(caller.Org), CSRF: csrf})
	if op.Permission != web.SignedIn && !caller.Permissions.Has(Permission(op.Permission)) {
		return nil, errMissing(Permission(op.Permission))
	}
	return context.WithValue(As(ctx, caller), principalKey{}, p), nil
}

// identify reads the request's credential. An Authorization header excludes
// the cookie: whoever sends both means the header.
func (s *Service) identify(r *http.Request) (*principal, string, error) {
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, key, _ := strings.Cut(h, " ")
		if key = strings.TrimSpace(key); !strings.EqualFold(scheme, "Bearer") || !strings.HasPrefix(key, keyPrefix) {
			return nil, "", errNobody()
		}
		p, err := s.lookup(r.Context(), "key "+hashOf(key), s.readKey)
		return p, "", err
	}
	c, err := r.Cookie(CookieName)
	if err != nil || c.Value == "" {
		return nil, "", errNobody()
	}
	p, err := s.lookup(r.Context(), "session "+hashOf(c.Value), s.readSession)
	return p, csrfOf(c.Value), err
}

// csrfOf derives the token that changes made by cookie must carry; it tells
// nothing about the cookie.
func csrfOf(token string) string { return hashOf("csrf " + token)[:32] }

// lookup resolves a credential, from the cache if it is fresh.
func (s *Service) lookup(ctx context.Context, key string, read func(context.Context, string) (*principal, error)) (*principal, error) {
	now := s.db.Now()
	p, generation := s.cache.get(key, now)
	if p == nil {
		_, hash, _ := strings.Cut(key, " ")
		var err error
		if p, err = read(ctx, hash); fault.Is(err, fault.NotFound) {
			return nil, errNobody()
		} else if err != nil {
			return nil, err
		}
		s.cache.put(key, p, now, generation)
	}
	if !p.expires.IsZero() && !now.Before(p.expires) {
		return nil, errNobody()
	}
	return p, nil
}

// activate settles the organisation of a request and what the caller may do
// there.
func (s *Service) activate(ctx context.Context, p *principal, chosen OrgID) (Caller, error) {
	org, path := p.home, p.homePath
	if chosen != "" && chosen != org {
		err := s.db.View(ctx, func(tx *db.Tx) error {
			return tx.QueryRow(`SELECT path FROM organisation WHERE id = $1`, string(chosen)).Scan(&path)
		})
		if err != nil && !fault.Is(err, fault.NotFound) {
			return Caller{}, err
		}
		org = chosen
		if err != nil || permissionsAt(p.grants, path) == (Set{}) {
			return Caller{}, fault.New(fault.Forbidden, "identity.organisation", "You have no role in the organisation that the header %s names.", OrgHeader)
		}
	}
	return callerAt(p, org, path), nil
}

func callerAt(p *principal, org OrgID, path string) Caller {
	return Caller{Org: org, User: p.user, Key: p.key, Name: p.name, Permissions: permissionsAt(p.grants, path),
		Scope: Scope{org: org, everything: strings.Count(path, "/") == 1}} // the root's path is its own id
}

// readKey resolves an API key by its hash and notes its use.
func (s *Service) readKey(ctx context.Context, hash string) (*principal, error) {
	var p principal
	var g grant
	stale := false
	err := s.db.View(ctx, func(tx *db.Tx) error {
		var expires, used sql.NullInt64
		var role, org string
		err := tx.QueryRow(`SELECT k.id, k.name, k.role, k.org, o.path, o.name, k.expires_at, k.last_used_at
			FROM api_key k JOIN organisation o ON o.id = k.org WHERE k.hash = $1 AND k.revoked_at IS NULL`, hash).
			Scan(&p.key, &p.name, &role, &org, &p.homePath, &g.OrgName, &expires, &used)
		if err != nil {
			return err
		}
		p.id, p.home = "key:"+p.key, OrgID(org)
		if expires.Valid {
			p.expires = db.Time(expires.Int64)
		}
		stale = !used.Valid || tx.Now.Sub(db.Time(used.Int64)) >= seenStep
		g.Org, g.Path, g.Role = p.home, p.homePath, RoleID(role)
		if g.Permissions, err = permissionsOf(tx, g.Role); err == nil {
			p.grants = []grant{g}
		}
		return err
	})
	if err != nil || !stale {
		return &p, err
	}
	return &p, s.db.Update(ctx, func(tx *db.Tx) error {
		return tx.Send(`UPDATE api_key SET last_used_at = $1 WHERE id = $2`, db.Micros(tx.Now), p.key)
	})
}

// readSession resolves a session by its token's hash and notes its use.
func (s *Service) readSession(ctx context.Context, hash string) (*principal, error) {
	p := principal{session: hash}
	stale := false
	err := s.db.View(ctx, func(tx *db.Tx) error {
		var user, org string
		var seen, expires int64
		err := tx.QueryRow(`SELECT p.id, p.name, i.org, o.path, i.last_seen_at, i.expires_at
			FROM sign_in i JOIN person p ON p.id = i.person JOIN organisation o ON o.id = i.org
			WHERE i.hash = $1 AND NOT p.disabled`, hash).Scan(&user, &p.name, &org, &p.homePath, &seen, &expires)
		if err != nil {
			return err
		}
		p.id, p.user, p.home, p.expires = "user:"+user, UserID(user), OrgID(org), db.Time(expires)
		if idle := db.Time(seen).Add(s.idle); !tx.Now.Before(idle) {
			return fault.New(fault.NotFound, "identity.session_ended", "This session has ended.")
		}
		stale = tx.Now.Sub(db.Time(seen)) >= seenStep
		p.grants, err = grantsOf(tx, p.user)
		return err
	})
	if err != nil || !stale {
		return &p, err
	}
	return &p, s.db.Update(ctx, func(tx *db.Tx) error {
		return tx.Send(`UPDATE sign_in SET last_seen_at = $1 WHERE hash = $2`, db.Micros(tx.Now), hash)
	})
}
