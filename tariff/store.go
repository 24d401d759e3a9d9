package tariff

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpi"
)

const versionColumns = `v.id, v.org, t.uid, t.id, v.version, v.ocpi, v.valid_from, v.created_at, v.created_by`

const recordColumns = versionColumns + `, t.status, t.version, t.updated_at, t.retired_at`

var tariffSpec = db.ListSpec{
	Base:    "SELECT " + recordColumns + " FROM tariff t JOIN tariff_version v ON v.tariff = t.uid AND v.version = t.version WHERE",
	Default: "id",
	Key:     "t.uid",
	Fields: []db.Field{
		{Name: "id", Column: "t.id", Kind: db.Text, Sort: true, Filter: true},
		{Name: "organisation", Column: "t.org", Kind: db.Text, Sort: true, Filter: true},
		{Name: "currency", Column: "t.currency", Kind: db.Text, Sort: true, Filter: true},
		{Name: "status", Column: "t.status", Kind: db.Enum, Sort: true, Filter: true, Allowed: []string{string(Active), string(Retired)}},
		{Name: "version", Column: "t.version", Kind: db.Int, Sort: true, Filter: true},
		{Name: "created_at", Column: "t.created_at", Kind: db.Instant, Sort: true, Filter: true},
		{Name: "last_updated", Column: "t.updated_at", Kind: db.Instant, Sort: true, Filter: true},
	},
}

var versionSpec = db.ListSpec{
	Base:    "SELECT " + recordColumns + " FROM tariff t JOIN tariff_version v ON v.tariff = t.uid WHERE",
	Default: "-version",
	Key:     "v.id",
	Fields: []db.Field{
		{Name: "version", Column: "v.version", Kind: db.Int, Sort: true, Filter: true},
		{Name: "last_updated", Column: "v.created_at", Kind: db.Instant, Sort: true, Filter: true},
		{Name: "valid_from", Column: "v.valid_from", Kind: db.Instant, Sort: true, Filter: true},
	},
}

func scanVersionInto(row db.Scanner, v *Version, more ...any) error {
	var org, tid, oid, text string
	var from, created int64
	if err := row.Scan(append([]any{(*string)(&v.ID), &org, &tid, &oid, &v.Number, &text, &from, &created, &v.CreatedBy}, more...)...); err != nil {
		return err
	}
	v.Org, v.uid, v.CreatedAt = identity.OrgID(org), uid(tid), db.Time(created)
	v.From = db.Time(from)
	var o ocpi.Tariff
	err := json.Unmarshal([]byte(text), &o)
	if err == nil {
		v.Tariff, err = FromOCPI(o)
	}
	if err != nil {
		return fault.Wrap(fault.Internal, err, "tariff.stored", "version %s of tariff %s cannot be read", v.ID, oid)
	}
	return nil
}

func scanRecord(row db.Scanner) (Record, error) {
	var r Record
	var updated int64
	var retired sql.NullInt64
	err := scanVersionInto(row, &r.Version, (*string)(&r.Status), &r.Newest, &updated, &retired)
	r.UpdatedAt, r.RetiredAt = db.Time(updated), db.TimePtr(retired)
	return r, err
}

// recordsByID finds the tariffs with an OCPI id that the caller may see, in
// their newest version, or in version number n.
func recordsByID(tx *db.Tx, id ID, n int, visible db.Cond) ([]Record, error) {
	q := db.Build("SELECT "+recordColumns+" FROM tariff t JOIN tariff_version v ON v.tariff = t.uid WHERE t.id_key = ?", key(id)).And(visible)
	if n > 0 {
		q.Add("AND v.version = ?", n)
	} else {
		q.Add("AND v.version = t.version")
	}
	text, args := q.Add("ORDER BY t.created_at, t.uid").SQL()
	return db.Collect(tx, scanRecord, text, args...)
}

func key(id ID) string { return strings.ToLower(string(id)) }

func versionByID(tx *db.Tx, id VersionID) (Version, error) {
	var v Version
	row := tx.QueryRow("SELECT "+versionColumns+" FROM tariff_version v JOIN tariff t ON t.uid = v.tariff WHERE v.id = $1", string(id))
	err := scanVersionInto(row, &v)
	if fault.Is(err, fault.NotFound) {
		return snapshotByID(tx, id)
	}
	return v, err
}

// insertTariff adds the tariff's row; false when its organisation has one with that id.
func insertTariff(tx *db.Tx, v Version) (bool, error) {
	n, err := tx.Exec(`INSERT INTO tariff (uid, org, id, id_key, currency, status, version, created_at, updated_at)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$8) ON CONFLICT (org, id_key) DO NOTHING`,
		string(v.uid), string(v.Org), string(v.Tariff.ID), key(v.Tariff.ID), string(v.Tariff.Currency), string(Active), v.Number, db.Micros(v.CreatedAt))
	return n == 1, err
}

func insertVersion(tx *db.Tx, v Version) error {
	if v.From.IsZero() {
		v.From = v.CreatedAt
	}
	text, err := json.Marshal(v.Tariff.Source)
	if err != nil {
		return err
	}
	return tx.Send(`INSERT INTO tariff_version (id, org, tariff, version, ocpi, valid_from, created_at, created_by) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)`,
		string(v.ID), string(v.Org), string(v.uid), v.Number, string(text), db.Micros(v.From), db.Micros(v.CreatedAt), v.CreatedBy)
}

// beganAt reports whether a version of a tariff holds since an instant.
func beganAt(tx *db.Tx, u uid, at time.Time) (bool, error) {
	var n int
	err := tx.QueryRow(`SELECT COUNT(*) FROM tariff_version WHERE tariff = $1 AND valid_from = $2`, string(u), db.Micros(at)).Scan(&n)
	return n > 0, err
}

// nextVersion serialises writers of one tariff and gives its next number.
func nextVersion(tx *db.Tx, u uid, currency string) (int, error) {
	var n int
	err := tx.QueryRow(`UPDATE tariff SET version = version + 1, currency = $2, status = $3, retired_at = NULL, updated_at = $4
		WHERE uid = $1 RETURNING version`, string(u), currency, string(Active), db.Micros(tx.Now)).Scan(&n)
	return n, err
}

func retire(tx *db.Tx, u uid) error {
	return tx.Send(`UPDATE tariff SET status = $2, retired_at = $3, updated_at = $3 WHERE uid = $1`, string(u), string(Retired), db.Micros(tx.Now))
}

// assignedFrom counts the assignments, group entries and overrides of a
// tariff that are in force at or after an instant.
func assignedFrom(tx *db.Tx, u uid, at time.Time) (n int, err error) {
	err = tx.QueryRow(`SELECT (SELECT COUNT(*) FROM tariff_assignment WHERE tariff = $1 AND (valid_to IS NULL OR valid_to > $2))
		+ (SELECT COUNT(*) FROM tariff_group_entry WHERE tariff = $1 AND (valid_to IS NULL OR valid_to > $2))
		+ (SELECT COUNT(*) FROM tariff_override WHERE tariff = $1 AND (valid_to IS NULL OR valid_to > $2))`,
		string(u), db.Micros(at)).Scan(&n)
	return n, err
}

const assignmentColumns = `a.id, a.org, a.site, a.station, a.evse, t.id, t.org, a.valid_from, a.valid_to, a.created_at, a.created_by`

var assignmentSpec = db.ListSpec{
	Base:    "SELECT " + assignmentColumns + " FROM tariff_assignment a JOIN tariff t ON t.uid = a.tariff WHERE",
	Default: "-created_at",
	Key:     "a.id",
	Fields: []db.Field{
		{Name: "id", Column: "a.id", Kind: db.Text, Filter: true},
		{Name: "tariff", Column: "t.id", Kind: db.Text, Sort: true, Filter: true},
		{Name: "organisation", Column: "a.org", Kind: db.Text, Sort: true, Filter: true},
		{Name: "site", Column: "a.site", Kind: db.Text, Sort: true, Filter: true},
		{Name: "station_id", Column: "a.station", Kind: db.Text, Sort: true, Filter: true},
		{Name: "evse_id", Column: "a.evse", Kind: db.Int, Sort: true, Filter: true},
		{Name: "valid_from", Column: "a.valid_from", Kind: db.Instant, Sort: true, Filter: true},
		{Name: "valid_to", Column: "a.valid_to", Kind: db.Instant, Sort: true, Filter: true, Nullable: true},
		{Name: "created_at", Column: "a.created_at", Kind: db.Instant, Sort: true, Filter: true},
	},
}

func scanAssignment(row db.Scanner) (Assignment, error) {
	var a Assignment
	var from, created int64
	var to sql.NullInt64
	err := row.Scan(&a.ID, (*string)(&a.Place.Org), &a.Place.Site, &a.Place.Station, &a.Place.EVSE,
		(*string)(&a.Tariff), (*string)(&a.TariffOrg), &from, &to, &created, &a.CreatedBy)
	if from != 0 {
		a.From = db.Time(from)
	}
	a.To, a.CreatedAt = db.TimePtr(to), db.Time(created)
	return a, err
}

func assignmentByID(tx *db.Tx, id string, visible db.Cond) (Assignment, error) {
	text, args := db.Build("SELECT "+assignmentColumns+" FROM tariff_assignment a JOIN tariff t ON t.uid = a.tariff WHERE a.id = ?", id).And(visible).SQL()
	a, err := scanAssignment(tx.QueryRow(text, args...))
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "tariff.assignment_unknown", "there is no tariff assignment %q", id)
	}
	return a, err
}

// target is the key under which an assignment of this place is found.
func (p Place) target() string {
	switch p.Level() {
	case LevelEVSE:
		return fmt.Sprintf("evse/%s/%d", strings.ToLower(p.Station), p.EVSE)
	case LevelStation:
		return "station/" + strings.ToLower(p.Station)
	case LevelSite:
		return "site/" + p.Site
	}
	return "organisation/" + string(p.Org)
}

// overlapping gives the target's assignments that are in force at some time
// from a.From on and before a.To, oldest first.
func overlapping(tx *db.Tx, a Assignment) ([]Assignment, error) {
	q := db.Build("SELECT "+assignmentColumns+" FROM tariff_assignment a JOIN tariff t ON t.uid = a.tariff WHERE a.target = ?", a.Place.target())
	q.Add("AND (a.valid_to IS NULL OR a.valid_to > ?)", from(a))
	if a.To != nil {
		q.Add("AND a.valid_from < ?", db.Micros(*a.To))
	}
	text, args := q.Add("ORDER BY a.valid_from").SQL()
	return db.Collect(tx, scanAssignment, text, args...)
}

func from(a Assignment) int64 {
	if a.From.IsZero() {
		return 0
	}
	return db.Micros(a.From)
}

func insertAssignment(tx *db.Tx, a Assignment, u uid) error {
	return tx.Send(`INSERT INTO tariff_assignment (id, org, site, station, evse, level, target, tariff, valid_from, valid_to, created_at, created_by)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)`,
		a.ID, string(a.Place.Org), a.Place.Site, a.Place.Station, a.Place.EVSE, int(a.Place.Level()), a.Place.target(), string(u),
		from(a), db.NullMicros(a.To), db.Micros(a.CreatedAt), a.CreatedBy)
}

func endAssignment(tx *db.Tx, id string, at time.Time) error {
	return tx.Send(`UPDATE tariff_assignment SET valid_to = $2 WHERE id = $1`, id, db.Micros(at))
}

func deleteAssignment(tx *db.Tx, id string) error {
	return tx.Send(`DELETE FROM tariff_assignment WHERE id = $1`, id)
}
