package identity

import (
	"context"
	"database/sql"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
)

// APIKey lets a program act in an organisation with a role.
type APIKey struct {
	ID                               string
	Org                              OrgID
	Name                             string
	Role                             RoleID
	Hint                             string // the first characters of the key
	CreatedBy                        string
	CreatedAt                        time.Time
	LastUsedAt, ExpiresAt, RevokedAt *time.Time
}

// keyBytes of randomness: 160 bits, so that a plain hash protects the key.
const keyBytes = 20

// CreateKey makes an API key and returns it; it cannot be read again. Its
// role may not exceed the caller's permissions. An empty Org is the caller's,
// or the root for the system.
func (s *Service) CreateKey(ctx context.Context, k APIKey) (APIKey, string, error) {
	c, err := Require(ctx, KeyWrite)
	if err != nil {
		return k, "", err
	}
	bad := fault.New(fault.Invalid, "apikey.invalid", "This key cannot be made.")
	checkName(bad, "body.name", k.Name)
	if k.ExpiresAt != nil && !k.ExpiresAt.After(s.db.Now()) {
		bad.With("body.expires_at", "must be in the future", k.ExpiresAt)
	}
	if err := orNil(bad); err != nil {
		return k, "", err
	}
	secret := keyPrefix + id.Secret(keyBytes)
	err = s.db.Update(ctx, func(tx *db.Tx) error {
		n := k
		if n.Org, err = Place(ctx, tx, k.Org); err != nil {
			return err
		}
		role, err := s.handOn(tx, c, k.Role, n.Org)
		if err != nil {
			return err
		}
		n.ID, n.Role, n.Hint, n.CreatedBy, n.CreatedAt = id.New[string](tx.Now), role.ID, secret[:len(keyPrefix)+4], c.Actor(), tx.Now
		err = tx.Send(`INSERT INTO api_key (id, org, name, role, hash, hint, created_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			n.ID, string(n.Org), n.Name, string(n.Role), hashOf(secret), n.Hint, n.CreatedBy, db.Micros(tx.Now), db.NullMicros(n.ExpiresAt))
		if err != nil {
			return err
		}
		k = n
		return s.changed(ctx, tx, Entry{Org: n.Org, Action: "apikey.created", Subject: n.ID,
			Changes: map[string]Change{"name": {nil, n.Name}, "role": {nil, n.Role}}})
	})
	return k, secret, err
}

// RevokeKey ends a key at once on this node, and within cacheTime on others.
func (s *Service) RevokeKey(ctx context.Context, key string) error {
	c, err := Require(ctx, KeyWrite)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *db.Tx) error {
		text, args := db.Build(`SELECT `+keyColumns+` FROM api_key k WHERE k.id = ? AND k.revoked_at IS NULL`, key).And(c.Scope.Where("k.org")).SQL()
		k, err := scanKey(tx.QueryRow(text, args...))
		if err != nil {
			return named(err, "apikey.unknown", "There is no API key %q.", key)
		}
		if err := tx.Send(`UPDATE api_key SET revoked_at = $1 WHERE id = $2`, db.Micros(tx.Now), key); err != nil {
			return err
		}
		return s.changed(ctx, tx, Entry{Org: k.Org, Action: "apikey.revoked", Subject: key, Changes: map[string]Change{"name": {k.Name, nil}}})
	})
}

const keyColumns = `k.id, k.org, k.name, k.role, k.hint, k.created_by, k.created_at, k.last_used_at, k.expires_at, k.revoked_at`

func scanKey(row db.Scanner) (APIKey, error) {
	var k APIKey
	var org, role string
	var created int64
	var used, expires, revoked sql.NullInt64
	err := row.Scan(&k.ID, &org, &k.Name, &role, &k.Hint, &k.CreatedBy, &created, &used, &expires, &revoked)
	k.Org, k.Role, k.CreatedAt = OrgID(org), RoleID(role), db.Time(created)
	k.LastUsedAt, k.ExpiresAt, k.RevokedAt = db.TimePtr(used), db.TimePtr(expires), db.TimePtr(revoked)
	return k, err
}
