package identity

import (
	"context"
	"database/sql"
	"net/mail"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
)

// User is a person who signs in.
type User struct {
	ID           UserID
	Org          OrgID // the one they belong to
	Email        string
	Name         string
	Language     string // empty: the organisation's
	Role         RoleID // held in Org
	Disabled     bool
	CreatedAt    time.Time
	LastSignInAt *time.Time
}

// NewUser is what creating a user needs.
type NewUser struct {
	User
	Password string // empty: one is made and returned
}

// UserEdit is a change to a user; nil leaves a field as it is.
type UserEdit struct {
	Email, Name, Language, Password *string
	Role                            *RoleID
	Disabled                        *bool
}

// emailKey is the form in which addresses are compared.
func emailKey(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

func (u User) check() error {
	bad := fault.New(fault.Invalid, "user.invalid", "This user cannot be stored.")
	if a, err := mail.ParseAddress(u.Email); err != nil || a.Address != u.Email || len(u.Email) > 254 {
		bad.With("body.email", "must be an e-mail address such as ada@example.org", u.Email)
	}
	checkName(bad, "body.name", u.Name)
	if u.Language != "" {
		checkLanguage(bad, u.Language)
	}
	return orNil(bad)
}

// CreateUser adds a user with a role. It returns the password only if it was
// made here. A role may not exceed the caller's own permissions.
func (s *Service) CreateUser(ctx context.Context, n NewUser) (User, string, error) {
	c, err := Require(ctx, UserWrite)
	if err != nil {
		return n.User, "", err
	}
	if err := n.check(); err != nil {
		return n.User, "", err
	}
	shown := ""
	if n.Password == "" {
		shown = id.Secret(10)
		n.Password = shown
	}
	if err := checkPassword("body.password", n.Password, n.Email); err != nil {
		return n.User, "", err
	}
	hash, err := s.hash.hash(ctx, n.Password)
	if err != nil {
		return n.User, "", err
	}
	err = s.db.Update(ctx, func(tx *db.Tx) error {
		u := n.User
		if u.Org, err = Place(ctx, tx, n.Org); err != nil {
			return err
		}
		role, err := s.handOn(tx, c, n.Role, u.Org)
		if err != nil {
			return err
		}
		u.ID, u.Role, u.CreatedAt = id.New[UserID](tx.Now), role.ID, tx.Now
		if err := insertUser(tx, u, hash); err != nil {
			return err
		}
		if err := insertGrant(tx, u.ID, u.Org, role.ID, c.Actor(), nil); err != nil {
			return err
		}
		n.User = u
		return s.changed(ctx, tx, Entry{Org: u.Org, Action: "user.created", Subject: string(u.ID),
			Changes: map[string]Change{"email": {nil, u.Email}, "role": {nil, u.Role}}})
	})
	return n.User, shown, err
}

// handOn finds a role and checks that c may give it in org.
func (s *Service) handOn(tx *db.Tx, c Caller, given RoleID, org OrgID) (Role, error) {
	o, err := Lookup(tx, org)
	if err != nil {
		return Role{}, err
	}
	role, err := roleFor(tx, given, o.Path)
	if err != nil {
		return role, err
	}
	top, err := pathOf(tx, c)
	if err != nil {
		return role, err
	}
	return role, mayHandOn(c.Permissions, top, role.Permissions, o.Path)
}

// pathOf gives the path of the caller's organisation; the system stands at
// the root.
func pathOf(tx *db.Tx, c Caller) (string, error) {
	if c.Org == "" {
		o, err := Root(tx)
		return o.Path, err
	}
	o, err := Lookup(tx, c.Org)
	return o.Path, err
}

// ChangeUser applies an edit to a user in the caller's scope. Users who may
// do more than the caller are out of reach: otherwise a password reset would
// be a way up.
func (s *Service) ChangeUser(ctx context.Context, user UserID, e UserEdit) (User, error) {
	c, err := Require(ctx, UserWrite)
	if err != nil {
		return User{}, err
	}
	hash, err := s.newHash(ctx, e)
	if err != nil {
		return User{}, err
	}
	var out User
	err = s.db.Update(ctx, func(tx *db.Tx) error {
		old, err := userByID(tx, user, c.Scope)
		if err != nil {
			return err
		}
		if err := s.inReach(tx, c, old); err != nil {
			return err
		}
		out = e.apply(old)
		if err := out.check(); err != nil {
			return err
		}
		if e.Password != nil {
			if err := checkPassword("body.password", *e.Password, out.Email); err != nil {
				return err
			}
		}
		if err := s.regrant(tx, c, old, &out); err != nil {
			return err
		}
		return s.storeUser(ctx, tx, old, out, hash)
	})
	return out, err
}

func (s *Service) newHash(ctx context.Context, e UserEdit) (string, error) {
	if e.Password == nil {
		return "", nil
	}
	if err := checkPassword("body.password", *e.Password, ""); err != nil {
		return "", err
	}
	return s.hash.hash(ctx, *e.Password)
}

func (e UserEdit) apply(u User) User {
	set(&u.Email, e.Email)
	set(&u.Name, e.Name)
	set(&u.Language, e.Language)
	set(&u.Role, e.Role)
	set(&u.Disabled, e.Disabled)
	return u
}

func set[T any](dst, src *T) {
	if src != nil {
		*dst = *src
	}
}

// inReach refuses users with more rights than the caller, anywhere.
func (s *Service) inReach(tx *db.Tx, c Caller, u User) error {
	if c.User != "" && c.User == u.ID {
		return nil
	}
	grants, err := grantsOf(tx, u.ID)
	if err != nil {
		return err
	}
	top, err := pathOf(tx, c)
	if err != nil {
		return err
	}
	for _, g := range grants {
		if !within(g.Path, top) || !c.Permissions.Covers(g.Permissions) {
			return fault.New(fault.Forbidden, "user.out_of_reach", "This user has rights that you do not have; somebody with those rights must make the change.")
		}
	}
	return nil
}

// regrant changes the role that u holds in their own organisation.
func (s *Service) regrant(tx *db.Tx, c Caller, old User, u *User) error {
	if u.Role == old.Role {
		return nil
	}
	role, err := s.handOn(tx, c, u.Role, u.Org)
	if err != nil {
		return err
	}
	if u.Role = role.ID; u.Role == old.Role {
		return nil
	}
	if err := tx.Send(`DELETE FROM role_grant WHERE person = $1 AND org = $2`, string(u.ID), string(u.Org)); err != nil {
		return err
	}
	return insertGrant(tx, u.ID, u.Org, role.ID, c.Actor(), nil)
}

// storeUser writes a changed user. A new password and a disabled user end
// every session.
func (s *Service) storeUser(ctx context.Context, tx *db.Tx, old, u User, hash string) error {
	d := diff{}
	d.add("email", old.Email, u.Email)
	d.add("name", old.Name, u.Name)
	d.add("language", old.Language, u.Language)
	d.add("role", old.Role, u.Role)
	d.add("disabled", old.Disabled, u.Disabled)
	if hash != "" {
		d["password"] = Change{"***", "***"}
	}
	if len(d) == 0 {
		return nil
	}
	if err := updateUser(tx, u, hash); err != nil {
		return err
	}
	if hash != "" || u.Disabled {
		if err := tx.Send(`DELETE FROM sign_in WHERE person = $1`, string(u.ID)); err != nil {
			return err
		}
	}
	if err := ownerRemains(tx); err != nil {
		return err
	}
	return s.changed(ctx, tx, Entry{Org: u.Org, Action: "user.changed", Subject: string(u.ID), Changes: d})
}

// ownerRemains keeps the installation from locking everybody out.
func ownerRemains(tx *db.Tx) error {
	var n int
	err := tx.QueryRow(`SELECT COUNT(*) FROM role_grant g JOIN person p ON p.id = g.person JOIN organisation o ON o.id = g.org
		WHERE g.role = $1 AND o.parent IS NULL AND NOT p.disabled AND g.expires_at IS NULL`, string(Owner)).Scan(&n)
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, "user.last_owner", "The installation needs at least one owner who can sign in.")
	}
	return err
}

// User gives one user in the caller's scope.
func (s *Service) User(ctx context.Context, user UserID) (User, error) {
	c, err := Require(ctx, UserRead)
	if err != nil {
		return User{}, err
	}
	var out User
	err = s.db.View(ctx, func(tx *db.Tx) error {
		out, err = userByID(tx, user, c.Scope)
		return err
	})
	return out, err
}

const userColumns = `p.id, p.org, p.email, p.name, p.language, p.disabled, p.created_at, p.last_sign_in_at,
	COALESCE((SELECT MIN(g.role) FROM role_grant g WHERE g.person = p.id AND g.org = p.org), '')`

func scanUser(row db.Scanner) (User, error) {
	var u User
	var uid, org, role string
	var created int64
	var seen sql.NullInt64
	err := row.Scan(&uid, &org, &u.Email, &u.Name, &u.Language, &u.Disabled, &created, &seen, &role)
	u.ID, u.Org, u.Role, u.CreatedAt, u.LastSignInAt = UserID(uid), OrgID(org), RoleID(role), db.Time(created), db.TimePtr(seen)
	return u, err
}

func userByID(tx *db.Tx, user UserID, in Scope) (User, error) {
	text, args := db.Build(`SELECT `+userColumns+` FROM person p WHERE p.id = ?`, string(user)).And(in.Where("p.org")).SQL()
	u, err := scanUser(tx.QueryRow(text, args...))
	return u, named(err, "user.unknown", "There is no user %q.", string(user))
}

func insertUser(tx *db.Tx, u User, hash string) error {
	n, err := tx.Exec(`INSERT INTO person (id, org, email, email_key, name, language, password_hash, disabled, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (email_key) DO NOTHING`,
		string(u.ID), string(u.Org), u.Email, emailKey(u.Email), u.Name, u.Language, hash, u.Disabled, db.Micros(tx.Now), db.Micros(tx.Now))
	if err == nil && n == 0 {
		err = errEmailTaken(u.Email)
	}
	return err
}

func errEmailTaken(email string) error {
	return fault.New(fault.Conflict, "user.email_taken", "Another user has this e-mail address.").With("body.email", "is taken", email)
}

// updateUser writes u; an empty hash keeps the password.
func updateUser(tx *db.Tx, u User, hash string) error {
	var taken int
	err := tx.QueryRow(`SELECT COUNT(*) FROM person WHERE email_key = $1 AND id <> $2`, emailKey(u.Email), string(u.ID)).Scan(&taken)
	if err != nil {
		return err
	}
	if taken > 0 {
		return errEmailTaken(u.Email)
	}
	return tx.Send(`UPDATE person SET email = $1, email_key = $2, name = $3, language = $4, disabled = $5, updated_at = $6,
		password_hash = CASE WHEN $7 = '' THEN password_hash ELSE $7 END WHERE id = $8`,
		u.Email, emailKey(u.Email), u.Name, u.Language, u.Disabled, db.Micros(tx.Now), hash, string(u.ID))
}
