package identity

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
)

// CreateRole adds a custom role. It may hold only what the caller has.
func (s *Service) CreateRole(ctx context.Context, r Role, names []Permission) (Role, error) {
	c, err := Require(ctx, RoleWrite)
	if err != nil {
		return r, err
	}
	if r.Permissions, err = parseSet("body.permissions", names); err != nil {
		return r, err
	}
	err = s.db.Update(ctx, func(tx *db.Tx) error {
		n := r
		if n.Org, err = Place(ctx, tx, r.Org); err != nil {
			return err
		}
		if err := c.mayShape(n); err != nil {
			return err
		}
		n.ID, n.CreatedAt, n.Builtin = id.New[RoleID](tx.Now), tx.Now, false
		if err := insertRole(tx, n); err != nil {
			return err
		}
		r = n
		return s.changed(ctx, tx, Entry{Org: n.Org, Action: "role.created", Subject: string(n.ID),
			Changes: map[string]Change{"name": {nil, n.Name}, "permissions": {nil, n.Permissions}}})
	})
	return r, err
}

// mayShape checks a role's own fields and that it does not exceed the caller.
func (c Caller) mayShape(r Role) error {
	bad := fault.New(fault.Invalid, "role.invalid", "This role cannot be stored.")
	checkName(bad, "body.name", r.Name)
	if len(r.Description) > 500 {
		bad.With("body.description", "must have at most 500 characters", nil)
	}
	for _, b := range builtin {
		if strings.EqualFold(r.Name, b.Name) || strings.EqualFold(r.Name, string(b.ID)) {
			bad.With("body.name", "is the name of a built-in role", r.Name)
		}
	}
	if err := orNil(bad); err != nil {
		return err
	}
	return mayHandOn(c.Permissions, "/", r.Permissions, "/") // Place has checked the organisation
}

// RoleEdit is a change to a custom role; nil leaves a field as it is.
type RoleEdit struct {
	Name, Description *string
	Permissions       *[]Permission
}

// ChangeRole applies an edit to a custom role of the caller's organisation
// or one below. Neither its old nor its new permissions may exceed the
// caller's.
func (s *Service) ChangeRole(ctx context.Context, role RoleID, e RoleEdit) (Role, error) {
	c, err := Require(ctx, RoleWrite)
	if err != nil {
		return Role{}, err
	}
	var out Role
	err = s.db.Update(ctx, func(tx *db.Tx) error {
		old, err := ownRole(tx, c, role)
		if err != nil {
			return err
		}
		out = old
		set(&out.Name, e.Name)
		set(&out.Description, e.Description)
		if e.Permissions != nil {
			if out.Permissions, err = parseSet("body.permissions", *e.Permissions); err != nil {
				return err
			}
		}
		if err := c.mayShape(out); err != nil {
			return err
		}
		d := diff{}
		d.add("name", old.Name, out.Name)
		d.add("description", old.Description, out.Description)
		d.add("permissions", old.Permissions, out.Permissions)
		if len(d) == 0 {
			return nil
		}
		if err := updateRole(tx, out); err != nil {
			return err
		}
		return s.changed(ctx, tx, Entry{Org: out.Org, Action: "role.changed", Subject: string(out.ID), Changes: d})
	})
	return out, err
}

// DeleteRole removes a custom role that nobody holds.
func (s *Service) DeleteRole(ctx context.Context, role RoleID) error {
	c, err := Require(ctx, RoleWrite)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *db.Tx) error {
		r, err := ownRole(tx, c, role)
		if err != nil {
			return err
		}
		var holders int
		err = tx.QueryRow(`SELECT (SELECT COUNT(*) FROM role_grant WHERE role = $1) + (SELECT COUNT(*) FROM api_key WHERE role = $1 AND revoked_at IS NULL)`,
			string(role)).Scan(&holders)
		if err != nil {
			return err
		}
		if holders > 0 {
			return fault.New(fault.Conflict, "role.in_use", "%d users and keys hold this role; give them another one first.", holders)
		}
		if err := tx.Send(`DELETE FROM api_key WHERE role = $1`, string(role)); err != nil { // revoked ones
			return err
		}
		if err := tx.Send(`DELETE FROM role WHERE id = $1`, string(role)); err != nil {
			return err
		}
		return s.changed(ctx, tx, Entry{Org: r.Org, Action: "role.deleted", Subject: string(role), Changes: map[string]Change{"name": {r.Name, nil}}})
	})
}

// ownRole finds a custom role that the caller may change.
func ownRole(tx *db.Tx, c Caller, role RoleID) (Role, error) {
	if _, ok := builtinByID[role]; ok {
		return Role{}, fault.New(fault.Conflict, "role.builtin", "Built-in roles cannot be changed; make a role of your own.")
	}
	text, args := db.Build(`SELECT `+roleColumns+` FROM role r WHERE r.id = ?`, string(role)).And(c.Scope.Where("r.org")).SQL()
	r, err := scanRole(tx.QueryRow(text, args...))
	if err != nil {
		return r, named(err, "role.unknown", "There is no role %q of your organisation.", string(role))
	}
	return r, mayHandOn(c.Permissions, "/", r.Permissions, "/")
}

func insertRole(tx *db.Tx, r Role) error {
	b, err := json.Marshal(r.Permissions)
	if err != nil {
		return err
	}
	n, err := tx.Exec(`INSERT INTO role (id, org, name, name_key, description, permissions, builtin, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, FALSE, $7, $8) ON CONFLICT (org, name_key) DO NOTHING`,
		string(r.ID), string(r.Org), r.Name, strings.ToLower(r.Name), r.Description, string(b), db.Micros(tx.Now), db.Micros(tx.Now))
	if err == nil && n == 0 {
		err = errRoleTaken(r.Name)
	}
	return err
}

func errRoleTaken(name string) error {
	return fault.New(fault.Conflict, "role.name_taken", "Another role of this organisation has this name.").With("body.name", "is taken", name)
}

func updateRole(tx *db.Tx, r Role) error {
	b, err := json.Marshal(r.Permissions)
	if err != nil {
		return err
	}
	var taken int
	err = tx.QueryRow(`SELECT COUNT(*) FROM role WHERE org = $1 AND name_key = $2 AND id <> $3`, string(r.Org), strings.ToLower(r.Name), string(r.ID)).Scan(&taken)
	if err != nil {
		return err
	}
	if taken > 0 {
		return errRoleTaken(r.Name)
	}
	return tx.Send(`UPDATE role SET name = $1, name_key = $2, description = $3, permissions = $4, updated_at = $5 WHERE id = $6`,
		r.Name, strings.ToLower(r.Name), r.Description, string(b), db.Micros(tx.Now), string(r.ID))
}
