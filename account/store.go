package account

import (
	"github.com/forecourt-ev/forecourt/foundation/db"
)

const driverColumns = `id, org, name, email, language, created_at, updated_at`

func scanDriver(row db.Scanner) (Driver, error) {
	var d Driver
	var created, updated int64
	err := row.Scan(&d.ID, &d.Org, &d.Name, &d.Email, &d.Language, &created, &updated)
	d.CreatedAt, d.UpdatedAt = db.Time(created), db.Time(updated)
	return d, err
}

func driverByID(tx *db.Tx, id DriverID, visible db.Cond) (Driver, error) {
	q, args := db.Build(`SELECT `+driverColumns+` FROM driver WHERE id = ?`, string(id)).And(visible).SQL()
	return scanDriver(tx.QueryRow(q, args...))
}

func driverByEmail(tx *db.Tx, org, email string) (n int, id DriverID, err error) {
	ids, err := db.Collect(tx, func(row db.Scanner) (id DriverID, err error) { return id, row.Scan(&id) },
		`SELECT id FROM driver WHERE org = $1 AND email_key = $2`, org, emailKey(email))
	if err != nil || len(ids) == 0 {
		return 0, "", err
	}
	return len(ids), ids[0], nil
}

func insertDriver(tx *db.Tx, d Driver) error {
	return tx.Send(`INSERT INTO driver (`+driverColumns+`, email_key) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)`,
		string(d.ID), d.Org, d.Name, d.Email, d.Language, db.Micros(d.CreatedAt), db.Micros(d.UpdatedAt), emailKey(d.Email))
}

func updateDriver(tx *db.Tx, d Driver) error {
	return tx.Send(`UPDATE driver SET name=$2, email=$3, language=$4, updated_at=$5, email_key=$6 WHERE id=$1`,
		string(d.ID), d.Name, d.Email, d.Language, db.Micros(d.UpdatedAt), emailKey(d.Email))
}

func deleteDriver(tx *db.Tx, id DriverID) error {
	return tx.Send(`DELETE FROM driver WHERE id = $1`, string(id))
}
