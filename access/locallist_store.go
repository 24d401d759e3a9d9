package access

import (
	"database/sql"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
)

const listColumns = `station, org, site, status, version, entries, left_out, result, known, dirty, failures, tried_at, synced_at, next_at`

func scanList(row db.Scanner) (List, error) {
	var l List
	var tried, synced sql.NullInt64
	var next int64
	err := row.Scan(&l.Station, &l.Org, &l.Site, &l.Status, &l.Version, &l.Entries, &l.LeftOut, &l.Result, &l.Known, &l.Dirty, &l.Failures, &tried, &synced, &next)
	l.TriedAt, l.SyncedAt, l.NextAt = db.TimePtr(tried), db.TimePtr(synced), db.Time(next)
	return l, err
}

func listOf(tx *db.Tx, station string) (List, error) {
	return scanList(tx.QueryRow(`SELECT `+listColumns+` FROM local_list WHERE station = $1`, station))
}

// listsOf gives the lists of those stations that have one.
func listsOf(tx *db.Tx, stations []string) (map[string]List, error) {
	q, args := db.Build(`SELECT ` + listColumns + ` FROM local_list WHERE TRUE`).And(db.In("station", stations...)).SQL()
	all, err := db.Collect(tx, scanList, q, args...)
	out := make(map[string]List, len(all))
	for _, l := range all {
		out[l.Station] = l
	}
	return out, err
}

var listCols = []db.Col{{Name: "station", Type: "text"}, {Name: "org", Type: "text"}, {Name: "site", Type: "text"}, {Name: "status", Type: "text"},
	{Name: "version", Type: "bigint"}, {Name: "entries", Type: "bigint"}, {Name: "left_out", Type: "bigint"}, {Name: "result", Type: "text"},
	{Name: "known", Type: "boolean"}, {Name: "dirty", Type: "boolean"}, {Name: "failures", Type: "bigint"}, {Name: "tried_at", Type: "bigint"},
	{Name: "synced_at", Type: "bigint"}, {Name: "next_at", Type: "bigint"}}

func putList(tx *db.Tx, l List) error { return putLists(tx, []List{l}) }

// putLists stores lists of different stations.
func putLists(tx *db.Tx, all []List) error {
	rows := make([][]any, len(all))
	for i, l := range all {
		rows[i] = []any{l.Station, l.Org, l.Site, string(l.Status), l.Version, l.Entries, l.LeftOut, l.Result, l.Known, l.Dirty, l.Failures,
			db.NullMicros(l.TriedAt), db.NullMicros(l.SyncedAt), db.Micros(l.NextAt)}
	}
	return db.InsertRows(tx, "local_list", listCols, rows, `ON CONFLICT (station) DO UPDATE SET org=excluded.org, site=excluded.site, status=excluded.status, version=excluded.version, entries=excluded.entries,
		left_out=excluded.left_out, result=excluded.result, known=excluded.known, dirty=excluded.dirty, failures=excluded.failures,
		tried_at=excluded.tried_at, synced_at=excluded.synced_at, next_at=excluded.next_at`)
}

// markDirty notes on the lists of an organisation's kin that tokens have
// changed, and gives those on which that is news.
func markDirty(tx *db.Tx, org string) ([]string, error) {
	q, args := db.Build(`UPDATE local_list SET dirty = ? WHERE NOT dirty AND status NOT IN ('unsupported', 'off')`, true).
		And(identity.Kin("org", identity.OrgID(org))).Add(` RETURNING station`).SQL()
	return db.Collect(tx, scanText, q, args...)
}

func scanText(row db.Scanner) (s string, err error) { return s, row.Scan(&s) }

// holdersOf gives the stations that have a token on their list.
func holdersOf(tx *db.Tx, key string) ([]string, error) {
	return db.Collect(tx, scanText, `SELECT station FROM local_list_entry WHERE match_key = $1`, key)
}

func dueLists(tx *db.Tx, limit int) ([]List, error) {
	return db.Collect(tx, scanList, `SELECT `+listColumns+` FROM local_list WHERE next_at < $1 AND status NOT IN ('unsupported') ORDER BY next_at LIMIT $2`,
		db.Micros(tx.Now), limit)
}

func entriesOf(tx *db.Tx, station string) ([]held, error) {
	return db.Collect(tx, func(row db.Scanner) (h held, err error) { return h, row.Scan(&h.token, &h.typ, &h.digest) },
		`SELECT token, type, digest FROM local_list_entry WHERE station = $1 ORDER BY token`, station)
}

var entryColumns = []db.Col{{Name: "station", Type: "text"}, {Name: "token", Type: "text"}, {Name: "match_key", Type: "text"},
	{Name: "org", Type: "text"}, {Name: "type", Type: "text"}, {Name: "digest", Type: "bigint"}}

// putEntries makes the remembered entries those of want.
func putEntries(tx *db.Tx, l List, have []held, want []ocpp.AuthorizationData) error {
	for _, e := range difference(have, want) {
		if e.IdTokenInfo != nil {
			continue
		}
		if err := tx.Send(`DELETE FROM local_list_entry WHERE station = $1 AND token = $2`, l.Station, e.IdToken.IdToken); err != nil {
			return err
		}
	}
	var rows [][]any
	for _, e := range difference(have, want) {
		if e.IdTokenInfo != nil {
			rows = append(rows, []any{l.Station, e.IdToken.IdToken, Match(e.IdToken.IdToken), l.Org, e.IdToken.Type, digestOf(e)})
		}
	}
	return db.InsertRows(tx, "local_list_entry", entryColumns, rows,
		`ON CONFLICT (station, token) DO UPDATE SET match_key=excluded.match_key, type=excluded.type, digest=excluded.digest`)
}

func dropEntries(tx *db.Tx, station string) error {
	return tx.Send(`DELETE FROM local_list_entry WHERE station = $1`, station)
}

// chargersAt gives the tokens that may charge at the stations of an
// organisation, the most important first, and how many there are. A few more
// than fit, as a card may be known to several organisations; none that is too
// long to be written.
func chargersAt(tx *db.Tx, org string, l Limits) ([]IdToken, int, error) {
	kin := identity.Kin("org", identity.OrgID(org))
	active := `status = 'active' AND (expires_at IS NULL OR expires_at > ?)`
	q, args := db.Build(`SELECT COUNT(*) FROM id_token WHERE `+active, db.Micros(tx.Now)).And(kin).SQL()
	longest := l.MaxToken
	if longest == 0 {
		longest = 255
	}
	var all int
	if err := tx.QueryRow(q, args...).Scan(&all); err != nil {
		return nil, 0, err
	}
	q, args = db.Build(`SELECT `+tokenColumns+` FROM id_token WHERE `+active+` AND LENGTH(value) <= ?`, db.Micros(tx.Now), longest).And(kin).
		Add(` ORDER BY CASE WHEN org = ? THEN 0 ELSE 1 END, COALESCE(last_used_at, 0) DESC, CASE WHEN driver <> '' THEN 0 ELSE 1 END, created_at, id LIMIT ?`, org, l.withDefaults().Entries+100).SQL()
	out, err := db.Collect(tx, scanToken, q, args...)
	return out, all, err
}

// noteSeen remembers where a token was accepted: there it may be in a cache.
func noteSeen(tx *db.Tx, token TokenID, a Ask) error {
	return tx.Send(`INSERT INTO token_seen (token, station, org, at) VALUES ($1,$2,$3,$4)
		ON CONFLICT (token, station) DO UPDATE SET at = excluded.at`, string(token), a.Station, a.Org, db.Micros(tx.Now))
}

func seenAt(tx *db.Tx, token string, since time.Time) ([]string, error) {
	return db.Collect(tx, scanText, `SELECT station FROM token_seen WHERE token = $1 AND at >= $2`, token, db.Micros(since))
}

func dropSeen(tx *db.Tx, before time.Time) error {
	return tx.Send(`DELETE FROM token_seen WHERE at < $1`, db.Micros(before))
}
