package identity

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/web"
)

// session is a new sign-in, as the browser gets it.
type session struct {
	token   string
	expires time.Time
	who     *principal
}

// errSignIn is the one answer to every failed sign-in: it does not tell
// whether the account exists, is disabled, or the password was wrong.
func errSignIn() error {
	return fault.New(fault.Unauthenticated, "identity.sign_in", "The e-mail address or the password is wrong.")
}

// SignIn checks a password and starts a session. old is the token that the
// browser had, if any: it ends, so that a planted token is worth nothing.
func (s *Service) SignIn(ctx context.Context, email, password, old, agent string) (session, error) {
	address := web.ClientAddr(ctx)
	var user User
	hash := nobody
	err := s.db.Update(ctx, func(tx *db.Tx) error {
		user, hash = User{}, nobody
		if err := attempt(tx, email, address); err != nil {
			return err
		}
		u, h, err := credentials(tx, email)
		if fault.Is(err, fault.NotFound) || err == nil && u.Disabled {
			return nil // goes on with nobody's hash, to take as long
		}
		user, hash = u, h
		return err
	})
	if err != nil {
		return session{}, err
	}
	ok, err := s.hash.matches(ctx, password, hash)
	if err != nil {
		return session{}, err
	}
	if !ok || user.ID == "" {
		s.log.InfoContext(ctx, "sign-in failed", "req", web.RequestID(ctx), "client", address.String())
		return session{}, errSignIn()
	}
	token, err := newToken()
	if err != nil {
		return session{}, err
	}
	err = s.db.Update(ctx, func(tx *db.Tx) error {
		if err := succeed(tx, email, address); err != nil {
			return err
		}
		if err := endSession(tx, old); err != nil {
			return err
		}
		return s.startSession(ctx, tx, user, token, agent)
	})
	if err != nil {
		return session{}, err
	}
	s.cache.clear()
	who, err := s.lookup(ctx, "session "+hashOf(token), s.readSession)
	if err != nil {
		return session{}, err
	}
	return session{token: token, expires: who.expires, who: who}, nil
}

func newToken() (string, error) {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// startSession writes a session in the user's own organisation and notes the
// sign-in in the audit.
func (s *Service) startSession(ctx context.Context, tx *db.Tx, u User, token, agent string) error {
	if len(agent) > 200 {
		agent = agent[:200]
	}
	address := ""
	if a := web.ClientAddr(ctx); a.IsValid() {
		address = a.String()
	}
	err := tx.Send(`INSERT INTO sign_in (hash, org, person, created_at, last_seen_at, expires_at, address, user_agent)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		hashOf(token), string(u.Org), string(u.ID), db.Micros(tx.Now), db.Micros(tx.Now), db.Micros(tx.Now.Add(s.life)), address, agent)
	if err != nil {
		return err
	}
	if err := tx.Send(`UPDATE person SET last_sign_in_at = $1 WHERE id = $2`, db.Micros(tx.Now), string(u.ID)); err != nil {
		return err
	}
	as := As(ctx, Caller{Org: u.Org, User: u.ID, Name: u.Name})
	return Audit(as, tx, Entry{Org: u.Org, Action: "user.signed_in", Subject: string(u.ID)})
}

func endSession(tx *db.Tx, token string) error {
	if token == "" {
		return nil
	}
	return tx.Send(`DELETE FROM sign_in WHERE hash = $1`, hashOf(token))
}

// SignOut ends the session that token belongs to.
func (s *Service) SignOut(ctx context.Context, token string) error {
	return s.db.Update(ctx, func(tx *db.Tx) error {
		tx.AfterCommit(s.cache.clear)
		return endSession(tx, token)
	})
}

// ChangePassword sets the caller's own password. Every session of theirs
// ends but the new one it returns.
func (s *Service) ChangePassword(ctx context.Context, current, next, agent string) (session, error) {
	c, ok := From(ctx)
	if !ok {
		return session{}, errNobody()
	}
	if c.User == "" {
		return session{}, fault.New(fault.Forbidden, "user.no_password", "An API key has no password.")
	}
	var u User
	var hash string
	err := s.db.Update(ctx, func(tx *db.Tx) error {
		var err error
		if u, err = userByID(tx, c.User, Scope{everything: true}); err != nil {
			return err
		}
		if err := attempt(tx, u.Email, web.ClientAddr(ctx)); err != nil {
			return err
		}
		_, hash, err = credentials(tx, u.Email)
		return err
	})
	if err != nil {
		return session{}, err
	}
	right, err := s.hash.matches(ctx, current, hash)
	if err != nil {
		return session{}, err
	}
	if !right {
		return session{}, fault.New(fault.Invalid, "user.wrong_password", "The current password is wrong.").With("body.current_password", "is wrong", nil)
	}
	if err := checkPassword("body.new_password", next, u.Email); err != nil {
		return session{}, err
	}
	if hash, err = s.hash.hash(ctx, next); err != nil {
		return session{}, err
	}
	token, err := newToken()
	if err != nil {
		return session{}, err
	}
	err = s.db.Update(ctx, func(tx *db.Tx) error {
		if err := succeed(tx, u.Email, web.ClientAddr(ctx)); err != nil {
			return err
		}
		if err := s.storeUser(ctx, tx, u, u, hash); err != nil { // ends every session
			return err
		}
		return s.startSession(ctx, tx, u, token, agent)
	})
	return session{token: token, expires: s.db.Now().Add(s.life)}, err
}

// credentials finds a user and their password's hash by e-mail address.
func credentials(tx *db.Tx, email string) (User, string, error) {
	var uid, hash string
	err := tx.QueryRow(`SELECT id, password_hash FROM person WHERE email_key = $1`, emailKey(email)).Scan(&uid, &hash)
	if err != nil {
		return User{}, "", err
	}
	u, err := userByID(tx, UserID(uid), Scope{everything: true})
	return u, hash, err
}

// cookie carries a session's token, or ends it when the token is empty.
func cookie(ctx context.Context, token string, life time.Duration) http.Cookie {
	c := http.Cookie{Name: CookieName, Value: token, Path: "/", HttpOnly: true, Secure: web.Secure(ctx), SameSite: http.SameSiteLaxMode}
	if token == "" {
		c.MaxAge = -1
	} else {
		c.MaxAge = int(life / time.Second)
	}
	return c
}

// Profile is what a caller may change about themselves; nil leaves a field.
type Profile struct {
	Name, Language *string
	Organisation   *OrgID // the active one of this session
}

// ChangeProfile applies p to the caller.
func (s *Service) ChangeProfile(ctx context.Context, p Profile) error {
	who, ok := ctx.Value(principalKey{}).(*principal)
	if !ok || who.user == "" {
		return fault.New(fault.Forbidden, "user.no_profile", "Only a signed-in person has a profile.")
	}
	return s.db.Update(ctx, func(tx *db.Tx) error {
		old, err := userByID(tx, who.user, Scope{everything: true})
		if err != nil {
			return err
		}
		u := old
		set(&u.Name, p.Name)
		set(&u.Language, p.Language)
		if err := u.check(); err != nil {
			return err
		}
		if p.Organisation != nil {
			if err := s.switchTo(tx, who, *p.Organisation); err != nil {
				return err
			}
		}
		return s.storeUser(ctx, tx, old, u, "")
	})
}

// switchTo makes org the session's active organisation.
func (s *Service) switchTo(tx *db.Tx, who *principal, org OrgID) error {
	o, err := Lookup(tx, org)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if err != nil || permissionsAt(who.grants, o.Path) == (Set{}) {
		return fault.New(fault.Invalid, "organisation.unknown", "You have no role in this organisation.").
			With("body.organisation", "must be an organisation in which you have a role, see GET /api/v1/me", string(org))
	}
	tx.AfterCommit(s.cache.clear)
	return tx.Send(`UPDATE sign_in SET org = $1 WHERE hash = $2`, string(org), who.session)
}
