package identity

import (
	"context"
	"slices"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

type (
	// OrgID is an organisation's id, a UUID.
	OrgID string
	// UserID is a user's id, a UUID.
	UserID string
)

// Caller is who a request comes from, as far as rooms need to know.
type Caller struct {
	Org         OrgID  // the active organisation
	User        UserID // empty for an API key and for the system
	Key         string // the API key's id, when one was used
	Name        string // for people: in the audit, in a command's history
	Permissions Set    // in the active organisation
	Scope       Scope
}

// Actor names the caller in records: "user:…", "key:…" or "system".
func (c Caller) Actor() string {
	switch {
	case c.Key != "":
		return "key:" + c.Key
	case c.User != "":
		return "user:" + string(c.User)
	}
	return "system"
}

type callerKey struct{}

// As returns ctx with c as the caller.
func As(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// System returns ctx with the platform itself as caller: every permission,
// in org and below. An empty org means all organisations.
func System(ctx context.Context, org OrgID) context.Context {
	return As(ctx, Caller{Org: org, Name: "system", Permissions: SetOf(all...), Scope: Scope{org: org, everything: org == ""}})
}

// From gives the caller of a request or job.
func From(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}

// Require gives the caller if they have permission p; otherwise
// fault.Unauthenticated or fault.Forbidden.
func Require(ctx context.Context, p Permission) (Caller, error) {
	c, ok := From(ctx)
	if !ok {
		return c, errNobody()
	}
	if !c.Permissions.Has(p) {
		return c, errMissing(p)
	}
	return c, nil
}

func errNobody() error {
	return fault.New(fault.Unauthenticated, "identity.unknown_caller", "Sign in, or send an API key as Authorization: Bearer fk_…")
}

func errMissing(p Permission) error {
	return fault.New(fault.Forbidden, "identity.permission", "This needs the permission %s, which you do not have in this organisation.", p)
}

// Scope is the part of the organisation tree that a caller sees: an
// organisation and everything below it. The zero Scope sees nothing.
type Scope struct {
	org        OrgID
	everything bool // the root, or the system: no predicate needed
}

// ScopeOf makes the scope of an organisation, for jobs and tests.
func ScopeOf(org OrgID) Scope { return Scope{org: org} }

// Org gives the organisation at the top of the scope; empty for the system.
func (s Scope) Org() OrgID { return s.org }

// All tells whether the scope is the whole installation.
func (s Scope) All() bool { return s.everything }

// Where is the predicate that holds for rows in the scope. orgColumn names
// the column with the row's organisation, qualified if need be.
func (s Scope) Where(orgColumn string) db.Cond {
	if s.everything {
		return db.Cond{Text: "1 = 1"}
	}
	// Paths are made of ids, slashes and nothing above '~', and compare
	// bytewise on both engines.
	return db.Cond{
		Text: orgColumn + ` IN (SELECT below.id FROM organisation below JOIN organisation top
			ON below.path >= top.path AND below.path < top.path || '~' WHERE top.id = ?)`,
		Args: []any{string(s.org)},
	}
}

// Kin is the predicate that holds for rows of an organisation, of those above
// it and of those below it: whose tokens may charge at its stations.
func Kin(orgColumn string, org OrgID) db.Cond {
	return db.Cond{
		Text: orgColumn + ` IN (SELECT a.id FROM organisation a JOIN organisation b
			ON a.path >= b.path AND a.path < b.path || '~' OR b.path >= a.path AND b.path < a.path || '~' WHERE b.id = ?)`,
		Args: []any{string(org)},
	}
}

// Has reports whether org is in the scope.
func (s Scope) Has(tx *db.Tx, org OrgID) (bool, error) {
	if s.org != "" && s.org == org {
		return true, nil
	}
	text, args := db.Build("SELECT COUNT(*) FROM organisation WHERE id = ?", string(org)).And(s.Where("id")).SQL()
	var n int
	err := tx.QueryRow(text, args...).Scan(&n)
	return n == 1, err
}

// Place decides the organisation of something new: the caller's own, or the
// one asked for in the body if it is in the caller's scope. Anything else is
// fault.Invalid on body.organisation, which does not tell whether that
// organisation exists.
func Place(ctx context.Context, tx *db.Tx, asked OrgID) (OrgID, error) {
	c, ok := From(ctx)
	if !ok {
		return "", errNobody()
	}
	if asked == "" {
		if c.Org == "" {
			return rootID(tx)
		}
		return c.Org, nil
	}
	in, err := c.Scope.Has(tx, asked)
	if err != nil {
		return "", err
	}
	if !in {
		return "", fault.New(fault.Invalid, "organisation.unknown", "There is no such organisation at or below yours.").
			With("body.organisation", "must be your organisation or one below it", string(asked))
	}
	return asked, nil
}

// grant is a role held in an organisation.
type grant struct {
	Org         OrgID
	OrgName     string
	Path        string
	Role        RoleID
	Permissions Set
}

// permissionsAt sums up what grants allow in the organisation at path: each
// one reaches its own organisation and everything below.
func permissionsAt(grants []grant, path string) Set {
	var s Set
	for _, g := range grants {
		if within(path, g.Path) {
			s = s.Union(g.Permissions)
		}
	}
	return s
}

// within reports whether path is top or below it.
func within(path, top string) bool {
	return top != "" && len(path) >= len(top) && path[:len(top)] == top
}

// mayHandOn says whether a caller with own permissions at ownPath may give
// permissions at path to somebody: only what they have, only where they have
// it.
func mayHandOn(own Set, ownPath string, given Set, path string) error {
	if !within(path, ownPath) {
		return fault.New(fault.Forbidden, "grant.outside", "You can give rights only in your own organisation and below.")
	}
	if !own.Covers(given) {
		return fault.New(fault.Forbidden, "grant.exceeds", "You can give only rights that you have; you lack: %s.", given.Without(own))
	}
	return nil
}

func sortedGrants(gs []grant) []grant {
	slices.SortFunc(gs, func(a, b grant) int { return len(a.Path) - len(b.Path) })
	return gs
}
