package access

import (
	"database/sql"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

const tokenColumns = `id, org, value, type, status, expires_at, group_value, driver, max_sessions, created_at, updated_at, last_used_at`

func scanToken(row db.Scanner) (IdToken, error) {
	var t IdToken
	var expires, most, used sql.NullInt64
	var created, updated int64
	err := row.Scan(&t.ID, &t.Org, &t.Value, &t.Type, &t.Status, &expires, &t.Group, &t.Driver, &most, &created, &updated, &used)
	t.Expiry, t.LastUsedAt = db.TimePtr(expires), db.TimePtr(used)
	t.CreatedAt, t.UpdatedAt = db.Time(created), db.Time(updated)
	if most.Valid {
		n := int(most.Int64)
		t.MaxSessions = &n
	}
	return t, err
}

func maxOf(t IdToken) any {
	if t.MaxSessions == nil {
		return nil
	}
	return int64(*t.MaxSessions)
}

func tokensByMatch(tx *db.Tx, key string) ([]IdToken, error) {
	return db.Collect(tx, scanToken, `SELECT `+tokenColumns+` FROM id_token WHERE match_key = $1 ORDER BY created_at, id`, key)
}

// tokenVisible finds the caller's token with that value; of several, that of
// the caller's own organisation.
func tokenVisible(tx *db.Tx, value, own string, visible db.Cond) ([]IdToken, error) {
	q, args := db.Build(`SELECT `+tokenColumns+` FROM id_token WHERE match_key = ?`, Match(value)).And(visible).
		Add(` ORDER BY CASE WHEN org = ? THEN 0 ELSE 1 END, created_at, id`, own).SQL()
	return db.Collect(tx, scanToken, q, args...)
}

func tokensByMatches(tx *db.Tx, keys []string) ([]IdToken, error) {
	q, args := db.Build(`SELECT ` + tokenColumns + ` FROM id_token WHERE TRUE`).And(db.In("match_key", keys...)).SQL()
	return db.Collect(tx, scanToken, q, args...)
}

func insertToken(tx *db.Tx, t IdToken) error { return putTokens(tx, []IdToken{t}) }

var tokenRow = []db.Col{{Name: "id", Type: "text"}, {Name: "org", Type: "text"}, {Name: "value", Type: "text"}, {Name: "type", Type: "text"},
	{Name: "status", Type: "text"}, {Name: "expires_at", Type: "bigint"}, {Name: "group_value", Type: "text"}, {Name: "driver", Type: "text"},
	{Name: "max_sessions", Type: "bigint"}, {Name: "created_at", Type: "bigint"}, {Name: "updated_at", Type: "bigint"},
	{Name: "last_used_at", Type: "bigint"}, {Name: "match_key", Type: "text"}}

// putTokens stores tokens: new ones, and of changed ones all but the last use.
// No id may be there twice.
func putTokens(tx *db.Tx, tokens []IdToken) error {
	rows := make([][]any, len(tokens))
	for i, t := range tokens {
		rows[i] = []any{string(t.ID), t.Org, t.Value, t.Type, string(t.Status), db.NullMicros(t.Expiry), t.Group, t.Driver, maxOf(t),
			db.Micros(t.CreatedAt), db.Micros(t.UpdatedAt), db.NullMicros(t.LastUsedAt), Match(t.Value)}
	}
	return db.InsertRows(tx, "id_token", tokenRow, rows, `ON CONFLICT (id) DO UPDATE SET type=excluded.type, status=excluded.status,
		expires_at=excluded.expires_at, group_value=excluded.group_value, driver=excluded.driver, max_sessions=excluded.max_sessions, updated_at=excluded.updated_at`)
}

func updateToken(tx *db.Tx, t IdToken) error {
	return tx.Send(`UPDATE id_token SET type=$2, status=$3, expires_at=$4, group_value=$5, driver=$6, max_sessions=$7, updated_at=$8 WHERE id=$1`,
		string(t.ID), t.Type, string(t.Status), db.NullMicros(t.Expiry), t.Group, t.Driver, maxOf(t), db.Micros(t.UpdatedAt))
}

func deleteToken(tx *db.Tx, id TokenID) error {
	return tx.Send(`DELETE FROM id_token WHERE id = $1`, string(id))
}

// lockToken notes the use and holds the row until the commit.
func lockToken(tx *db.Tx, id TokenID) error {
	return tx.Send(`UPDATE id_token SET last_used_at = $2 WHERE id = $1`, string(id), db.Micros(tx.Now))
}

type use struct {
	id, station string
	evse        int
}

func usesOf(tx *db.Tx, id TokenID) ([]use, error) {
	return db.Collect(tx, func(row db.Scanner) (u use, err error) {
		return u, row.Scan(&u.id, &u.station, &u.evse)
	}, `SELECT id, station, evse FROM token_use WHERE token = $1`, string(id))
}

func takeUse(tx *db.Tx, token TokenID, a Ask) error {
	return tx.Send(`INSERT INTO token_use (id, org, site, station, evse, token, taken_at) VALUES ($1,$2,$3,$4,$5,$6,$7)
		ON CONFLICT (id) DO UPDATE SET token = excluded.token, evse = excluded.evse`,
		a.Use, a.Org, a.Site, a.Station, a.EVSE, string(token), db.Micros(tx.Now))
}

func deleteUse(tx *db.Tx, session string) error {
	return tx.Send(`DELETE FROM token_use WHERE id = $1`, session)
}

func granted(tx *db.Tx, station, key string, at time.Time) (bool, error) {
	var n int
	err := tx.QueryRow(`SELECT COUNT(*) FROM token_grant WHERE station = $1 AND match_key = $2 AND expires_at > $3`, station, key, db.Micros(at)).Scan(&n)
	return n > 0, err
}

func putGrant(tx *db.Tx, org, site, station, key string, until time.Time) error {
	return tx.Send(`INSERT INTO token_grant (station, match_key, org, site, expires_at) VALUES ($1,$2,$3,$4,$5)
		ON CONFLICT (station, match_key) DO UPDATE SET expires_at = excluded.expires_at`, station, key, org, site, db.Micros(until))
}

func deleteGrant(tx *db.Tx, station, key string) error {
	return tx.Send(`DELETE FROM token_grant WHERE station = $1 AND match_key = $2`, station, key)
}

func dropGrants(tx *db.Tx, before time.Time) error {
	return tx.Send(`DELETE FROM token_grant WHERE expires_at <= $1`, db.Micros(before))
}

// policies gives the answers of an organisation and of one of its stations.
func policies(tx *db.Tx, org, station string) (map[string]bool, error) {
	rows, err := tx.Query(`SELECT station, open_access FROM access_policy WHERE org = $1 AND station IN ('', $2)`, org, station)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]bool{}
	for rows.Next() {
		var at string
		var open bool
		if err := rows.Scan(&at, &open); err != nil {
			return nil, err
		}
		out[at] = open
	}
	return out, rows.Err()
}

func putPolicy(tx *db.Tx, org, station string, open bool) error {
	return tx.Send(`INSERT INTO access_policy (org, station, open_access, updated_at) VALUES ($1,$2,$3,$4)
		ON CONFLICT (org, station) DO UPDATE SET open_access = excluded.open_access, updated_at = excluded.updated_at`,
		org, station, open, db.Micros(tx.Now))
}

func deletePolicy(tx *db.Tx, org, station string) error {
	return tx.Send(`DELETE FROM access_policy WHERE org = $1 AND station = $2`, org, station)
}
