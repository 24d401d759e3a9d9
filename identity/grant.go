package identity

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Grants lists the roles that a user of the caller's scope holds in the
// caller's scope.
func (s *Service) Grants(ctx context.Context, user UserID) ([]grantWire, error) {
	c, err := Require(ctx, UserRead)
	if err != nil {
		return nil, err
	}
	var out []grantWire
	err = s.db.View(ctx, func(tx *db.Tx) error {
		if _, err := userByID(tx, user, c.Scope); err != nil {
			return err
		}
		text, args := db.Build(grantSelect+` WHERE g.person = ?`, string(user)).And(c.Scope.Where("g.org")).Add(` ORDER BY g.created_at, g.id`).SQL()
		out, err = db.Collect(tx, scanGrant, text, args...)
		return err
	})
	return out, err
}

// Grant gives a user a role in an organisation at or below the caller's.
func (s *Service) Grant(ctx context.Context, user UserID, given RoleID, org OrgID, expires *time.Time) (grantWire, error) {
	c, err := Require(ctx, UserWrite)
	if err != nil {
		return grantWire{}, err
	}
	var out grantWire
	err = s.db.Update(ctx, func(tx *db.Tx) error {
		if expires != nil && !expires.After(tx.Now) {
			return fault.New(fault.Invalid, "grant.expired", "This grant would be over already.").With("body.expires_at", "must be in the future", expires)
		}
		if _, err := userByID(tx, user, c.Scope); err != nil {
			return err
		}
		at, err := Place(ctx, tx, org)
		if err != nil {
			return err
		}
		role, err := s.handOn(tx, c, given, at)
		if err != nil {
			return err
		}
		if err := insertGrant(tx, user, at, role.ID, c.Actor(), expires); err != nil {
			return err
		}
		out, err = scanGrant(tx.QueryRow(grantSelect+` WHERE g.person = $1 AND g.org = $2 AND g.role = $3`, string(user), string(at), string(role.ID)))
		if err != nil {
			return err
		}
		return s.changed(ctx, tx, Entry{Org: at, Action: "user.changed", Subject: string(user), Changes: map[string]Change{"grant": {nil, role.ID}}})
	})
	return out, err
}

// Revoke takes a grant away.
func (s *Service) Revoke(ctx context.Context, user UserID, grant string) error {
	c, err := Require(ctx, UserWrite)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *db.Tx) error {
		text, args := db.Build(grantSelect+` WHERE g.person = ? AND g.id = ?`, string(user), grant).And(c.Scope.Where("g.org")).SQL()
		g, err := scanGrant(tx.QueryRow(text, args...))
		if err != nil {
			return named(err, "grant.unknown", "This user has no grant %q.", grant)
		}
		permissions, err := permissionsOf(tx, g.Role)
		if err != nil {
			return err
		}
		if err := mayHandOn(c.Permissions, "/", permissions, "/"); err != nil {
			return err
		}
		if err := tx.Send(`DELETE FROM role_grant WHERE id = $1`, grant); err != nil {
			return err
		}
		if err := ownerRemains(tx); err != nil {
			return err
		}
		return s.changed(ctx, tx, Entry{Org: g.Organisation, Action: "user.changed", Subject: string(user), Changes: map[string]Change{"grant": {g.Role, nil}}})
	})
}

const grantSelect = `SELECT g.id, g.role, g.org, g.granted_by, g.created_at, g.expires_at FROM role_grant g`

func scanGrant(row db.Scanner) (grantWire, error) {
	var g grantWire
	var role, org string
	var created int64
	var expires sql.NullInt64
	err := row.Scan(&g.ID, &role, &org, &g.GrantedBy, &created, &expires)
	g.Role, g.Organisation, g.CreatedAt, g.ExpiresAt = RoleID(role), OrgID(org), db.Time(created), db.TimePtr(expires)
	return g, err
}

// Role gives a role that can be seen from the caller's organisation.
func (s *Service) Role(ctx context.Context, role RoleID) (Role, error) {
	where, err := s.rolesVisible(ctx)
	if err != nil {
		return Role{}, err
	}
	var out Role
	err = s.db.View(ctx, func(tx *db.Tx) error {
		text, args := db.Build(`SELECT `+roleColumns+` FROM role r WHERE r.id = ?`, string(role)).And(where).SQL()
		out, err = scanRole(tx.QueryRow(text, args...))
		return named(err, "role.unknown", "There is no role %q.", string(role))
	})
	return out, err
}

// rolesVisible is the predicate for roles the caller may see: those they can
// use, and those of the organisations below.
func (s *Service) rolesVisible(ctx context.Context) (db.Cond, error) {
	c, err := Require(ctx, RoleRead)
	if err != nil {
		return db.Cond{}, err
	}
	var path string
	err = s.db.View(ctx, func(tx *db.Tx) error {
		path, err = pathOf(tx, c)
		return err
	})
	own, below := usableIn(path), c.Scope.Where("r.org")
	return db.Cond{Text: `(` + own.Text + ` OR ` + below.Text + `)`, Args: append(own.Args, below.Args...)}, err
}

func scanAudit(row db.Scanner) (auditWire, error) {
	var a auditWire
	var at int64
	var org, changes string
	err := row.Scan(&a.ID, &at, &org, &a.Actor, &a.ActorName, &a.Action, &a.Subject, &changes, &a.Request, &a.Address)
	if err != nil {
		return a, err
	}
	a.At, a.Organisation = db.Time(at), OrgID(org)
	return a, json.Unmarshal([]byte(changes), &a.Changes)
}
