package identity

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/foundation/money"
)

const organisationColumns = `o.id, COALESCE(o.parent, ''), o.path, o.name, o.country, o.currency, o.time_zone, o.language, o.created_at`

func scanOrganisation(row db.Scanner) (Organisation, error) {
	var o Organisation
	var oid, parent, currency string
	var created int64
	err := row.Scan(&oid, &parent, &o.Path, &o.Name, &o.Country, &currency, &o.TimeZone, &o.Language, &created)
	o.ID, o.Parent, o.Currency, o.CreatedAt = OrgID(oid), OrgID(parent), money.Currency(currency), db.Time(created)
	return o, err
}

func organisationByID(tx *db.Tx, org OrgID, in Scope) (Organisation, error) {
	text, args := db.Build(`SELECT `+organisationColumns+` FROM organisation o WHERE o.id = ?`, string(org)).And(in.Where("o.id")).SQL()
	o, err := scanOrganisation(tx.QueryRow(text, args...))
	return o, named(err, "organisation.unknown", "There is no organisation %q.", string(org))
}

// named says what was not found.
func named(err error, code, format string, args ...any) error {
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, code, format, args...)
	}
	return err
}

func insertOrganisation(tx *db.Tx, o Organisation) error {
	return tx.Send(`INSERT INTO organisation (id, org, parent, path, name, country, currency, time_zone, language, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		string(o.ID), string(o.ID), nullText(string(o.Parent)), o.Path, o.Name, o.Country, string(o.Currency), o.TimeZone, o.Language,
		db.Micros(tx.Now), db.Micros(tx.Now))
}

func updateOrganisation(tx *db.Tx, o Organisation) error {
	return tx.Send(`UPDATE organisation SET name = $1, country = $2, currency = $3, time_zone = $4, language = $5, updated_at = $6 WHERE id = $7`,
		o.Name, o.Country, string(o.Currency), o.TimeZone, o.Language, db.Micros(tx.Now), string(o.ID))
}

func nullText(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// syncRoles writes the built-in roles, so that grants can refer to them and
// lists show them.
func syncRoles(tx *db.Tx, root OrgID) error {
	for _, r := range builtin {
		b, err := json.Marshal(r.Permissions)
		if err != nil {
			return err
		}
		err = tx.Send(`INSERT INTO role (id, org, name, name_key, description, permissions, builtin, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, TRUE, $7, $8)
			ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_key = excluded.name_key, description = excluded.description, permissions = excluded.permissions`,
			string(r.ID), string(root), r.Name, strings.ToLower(r.Name), r.Description, string(b), db.Micros(tx.Now), db.Micros(tx.Now))
		if err != nil {
			return err
		}
	}
	return nil
}

const roleColumns = `r.id, r.org, r.name, r.description, r.permissions, r.builtin, r.created_at`

func scanRole(row db.Scanner) (Role, error) {
	var r Role
	var rid, org, permissions string
	var created int64
	if err := row.Scan(&rid, &org, &r.Name, &r.Description, &permissions, &r.Builtin, &created); err != nil {
		return r, err
	}
	r.ID, r.Org, r.CreatedAt = RoleID(rid), OrgID(org), db.Time(created)
	if own, ok := builtinByID[r.ID]; ok {
		r.Permissions = own.Permissions
		return r, nil
	}
	return r, json.Unmarshal([]byte(permissions), &r.Permissions)
}

// usableIn is the predicate for roles that may be used in the organisation
// with the given path: the built-in ones, and custom ones of it or above it.
func usableIn(path string) db.Cond {
	ids := strings.Split(strings.TrimSuffix(path, "/"), "/")
	args := make([]any, len(ids))
	for i, x := range ids {
		args[i] = x
	}
	return db.Cond{Text: `(r.builtin OR r.org IN (?` + strings.Repeat(", ?", len(ids)-1) + `))`, Args: args}
}

// roleFor finds a role by id, or by name among those usable at path.
func roleFor(tx *db.Tx, given RoleID, path string) (Role, error) {
	text, args := db.Build(`SELECT `+roleColumns+` FROM role r WHERE (r.id = ? OR r.name_key = ?)`, string(given), strings.ToLower(string(given))).
		And(usableIn(path)).Add(` ORDER BY CASE WHEN r.id = ? THEN 0 ELSE 1 END, r.id LIMIT 1`, string(given)).SQL()
	r, err := scanRole(tx.QueryRow(text, args...))
	if fault.Is(err, fault.NotFound) {
		return r, fault.New(fault.Invalid, "role.unknown", "There is no role %q here.", string(given)).
			With("body.role", "must be the id or name of a role, see GET /api/v1/roles", string(given))
	}
	return r, err
}

// permissionsOf gives what a role allows; nothing if it is gone.
func permissionsOf(tx *db.Tx, role RoleID) (Set, error) {
	if r, ok := builtinByID[role]; ok {
		return r.Permissions, nil
	}
	r, err := scanRole(tx.QueryRow(`SELECT `+roleColumns+` FROM role r WHERE r.id = $1`, string(role)))
	if fault.Is(err, fault.NotFound) {
		return Set{}, nil
	}
	return r.Permissions, err
}

// grantsOf gives the roles a user holds now, the widest first.
func grantsOf(tx *db.Tx, user UserID) ([]grant, error) {
	gs, err := db.Collect(tx, func(row db.Scanner) (grant, error) {
		var g grant
		var org, role string
		err := row.Scan(&org, &g.OrgName, &g.Path, &role)
		g.Org, g.Role = OrgID(org), RoleID(role)
		return g, err
	}, `SELECT g.org, o.name, o.path, g.role FROM role_grant g JOIN organisation o ON o.id = g.org
		WHERE g.person = $1 AND (g.expires_at IS NULL OR g.expires_at > $2) ORDER BY o.path, g.role`, string(user), db.Micros(tx.Now))
	if err != nil {
		return nil, err
	}
	for i := range gs {
		if gs[i].Permissions, err = permissionsOf(tx, gs[i].Role); err != nil {
			return nil, err
		}
	}
	return sortedGrants(gs), nil
}

func insertGrant(tx *db.Tx, user UserID, org OrgID, role RoleID, by string, expires *time.Time) error {
	return tx.Send(`INSERT INTO role_grant (id, org, person, role, granted_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (person, org, role) DO UPDATE SET granted_by = excluded.granted_by, expires_at = excluded.expires_at`,
		id.New[string](tx.Now), string(org), string(user), string(role), by, db.Micros(tx.Now), db.NullMicros(expires))
}
