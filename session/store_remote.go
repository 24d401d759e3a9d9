package session

import (
	"database/sql"
	"time"

	"github.com/forecourt-ev/forecourt/access"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/unit"
)

const remoteColumns = `id, org, site, station, evse, token, token_type, state, session, limit_energy_mwh, limit_seconds, actor, requested_at, expires_at`

func scanRemote(row db.Scanner) (RemoteStart, error) {
	var r RemoteStart
	var energy, seconds sql.NullInt64
	var requested, expires int64
	err := row.Scan(&r.ID, &r.Org, &r.Site, &r.Station, &r.EVSE, &r.Token.IdToken, &r.Token.Type, &r.State, &r.Session,
		&energy, &seconds, &r.Actor, &requested, &expires)
	r.Limit = Limit{Energy: unit.Energy(energy.Int64), Duration: time.Duration(seconds.Int64) * time.Second}
	r.RequestedAt, r.ExpiresAt = db.Time(requested), db.Time(expires)
	return r, err
}

// insertRemote stores a remote start. After 2³¹ of them numbers come again;
// the old one is history by then.
func insertRemote(tx *db.Tx, r RemoteStart) error {
	if err := tx.Send(`DELETE FROM remote_start WHERE id = $1`, r.ID); err != nil {
		return err
	}
	return tx.Send(`INSERT INTO remote_start (`+remoteColumns+`, match_key) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15)`,
		r.ID, r.Org, r.Site, r.Station, r.EVSE, r.Token.IdToken, r.Token.Type, string(r.State), string(r.Session),
		nullInt(int64(r.Limit.Energy)), nullInt(int64(r.Limit.Duration/time.Second)), r.Actor, db.Micros(r.RequestedAt), db.Micros(r.ExpiresAt),
		access.Match(r.Token.IdToken))
}

func setRemote(tx *db.Tx, id int64, state RemoteState, session ID) error {
	return tx.Send(`UPDATE remote_start SET state = $2, session = $3 WHERE id = $1 AND state = $4`, id, string(state), string(session), string(Pending))
}

func remoteByID(tx *db.Tx, id int64) (RemoteStart, error) {
	return scanRemote(tx.QueryRow(`SELECT `+remoteColumns+` FROM remote_start WHERE id = $1`, id))
}

// pendingRemotes are those that a station may still answer, the oldest first.
func pendingRemotes(tx *db.Tx, station string) ([]RemoteStart, error) {
	return db.Collect(tx, scanRemote, `SELECT `+remoteColumns+` FROM remote_start WHERE station = $1 AND state = $2 ORDER BY requested_at, id`,
		station, string(Pending))
}

func expireRemotes(tx *db.Tx, before time.Time) ([]RemoteStart, error) {
	return db.Collect(tx, scanRemote, `UPDATE remote_start SET state = $2 WHERE state = $3 AND expires_at <= $1 RETURNING `+remoteColumns,
		db.Micros(before), string(TimedOut), string(Pending))
}
