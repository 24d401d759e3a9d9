package reservation

import (
	"database/sql"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

const columns = `id, org, site, station, number, evse, connector_type, token, token_type, token_group, state, reason, kept_by, at_station, actor, session, created_at, expires_at, ended_at, updated_at`

func scan(row db.Scanner) (Reservation, error) {
	var r Reservation
	var created, expires, updated int64
	var ended sql.NullInt64
	err := row.Scan(&r.ID, &r.Org, &r.Site, &r.Station, &r.Number, &r.EVSE, &r.ConnectorType, &r.Token, &r.TokenType, &r.Group,
		&r.State, &r.Reason, &r.KeptBy, &r.AtStation, &r.Actor, &r.Session, &created, &expires, &ended, &updated)
	r.CreatedAt, r.ExpiresAt, r.UpdatedAt, r.EndedAt = db.Time(created), db.Time(expires), db.Time(updated), db.TimePtr(ended)
	return r, err
}

// nextNumber counts up per station; a station would have to be reserved every
// second for 68 years to use the int32 up.
func nextNumber(tx *db.Tx, org, station string) (n int, err error) {
	err = tx.QueryRow(`INSERT INTO reservation_counter (station, org, last) VALUES ($1, $2, 1)
		ON CONFLICT (station) DO UPDATE SET last = reservation_counter.last + 1 RETURNING last`, station, org).Scan(&n)
	return n, err
}

func insert(tx *db.Tx, r Reservation) error {
	return tx.Send(`INSERT INTO reservation (`+columns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20)`,
		string(r.ID), r.Org, r.Site, r.Station, r.Number, r.EVSE, r.ConnectorType, r.Token, r.TokenType, r.Group,
		string(r.State), r.Reason, string(r.KeptBy), r.AtStation, r.Actor, r.Session,
		db.Micros(r.CreatedAt), db.Micros(r.ExpiresAt), db.NullMicros(r.EndedAt), db.Micros(r.UpdatedAt))
}

func update(tx *db.Tx, r Reservation) error {
	return tx.Send(`UPDATE reservation SET state=$2, reason=$3, kept_by=$4, at_station=$5, session=$6, ended_at=$7, updated_at=$8 WHERE id=$1`,
		string(r.ID), string(r.State), r.Reason, string(r.KeptBy), r.AtStation, r.Session, db.NullMicros(r.EndedAt), db.Micros(tx.Now))
}

// lock makes those who change the same reservation wait for each other.
func lock(tx *db.Tx, id ID, visible db.Cond) (Reservation, error) {
	q, args := db.Build(`UPDATE reservation SET updated_at = updated_at WHERE id = ?`, string(id)).And(visible).SQL()
	return scan(tx.QueryRow(q+` RETURNING `+columns, args...))
}

func read(tx *db.Tx, id ID, visible db.Cond) (Reservation, error) {
	q, args := db.Build(`SELECT `+columns+` FROM reservation WHERE id = ?`, string(id)).And(visible).SQL()
	return scan(tx.QueryRow(q, args...))
}

func byNumber(tx *db.Tx, station string, number int) (Reservation, error) {
	return scan(tx.QueryRow(`SELECT `+columns+` FROM reservation WHERE station = $1 AND number = $2`, station, number))
}

const openStates = `state IN ('requested', 'active')`

// openAt gives what is reserved at a station now, oldest first.
func openAt(tx *db.Tx, station string, now time.Time) ([]Reservation, error) {
	return db.Collect(tx, scan, `SELECT `+columns+` FROM reservation WHERE station = $1 AND `+openStates+` AND expires_at > $2 ORDER BY created_at`, station, db.Micros(now))
}

func overdue(tx *db.Tx, now time.Time, most int) ([]Reservation, error) {
	return db.Collect(tx, scan, `SELECT `+columns+` FROM reservation WHERE `+openStates+` AND expires_at <= $1 ORDER BY expires_at LIMIT $2`, db.Micros(now), most)
}

// unsettled gives the stations at which something that ended may still be held.
func unsettled(tx *db.Tx, now time.Time) ([]string, error) {
	return db.Collect(tx, func(row db.Scanner) (s string, err error) { return s, row.Scan(&s) },
		`SELECT DISTINCT station FROM reservation WHERE at_station AND NOT (`+openStates+`) AND expires_at > $1 LIMIT 1000`, db.Micros(now))
}

// heldAt gives what a station may hold.
func heldAt(tx *db.Tx, station string) ([]Reservation, error) {
	return db.Collect(tx, scan, `SELECT `+columns+` FROM reservation WHERE station = $1 AND at_station ORDER BY number`, station)
}
