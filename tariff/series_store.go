package tariff

import (
	"database/sql"
	"encoding/json"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpi"
)

const seriesColumns = "p.id, p.org, p.name, p.currency, p.minutes, p.source, p.last_at, p.fed_at, p.late_at, p.created_at"

var seriesSpec = db.ListSpec{
	Base:    "SELECT " + seriesColumns + " FROM tariff_series p WHERE",
	Default: "name",
	Key:     "p.id",
	Fields: []db.Field{
		{Name: "id", Column: "p.id", Kind: db.Text, Filter: true},
		{Name: "organisation", Column: "p.org", Kind: db.Text, Sort: true, Filter: true},
		{Name: "name", Column: "p.name", Kind: db.Text, Sort: true, Filter: true},
		{Name: "currency", Column: "p.currency", Kind: db.Text, Sort: true, Filter: true},
		{Name: "last_at", Column: "p.last_at", Kind: db.Instant, Sort: true, Filter: true, Nullable: true},
		{Name: "created_at", Column: "p.created_at", Kind: db.Instant, Sort: true, Filter: true},
	},
}

func scanSeries(row db.Scanner) (Series, error) {
	var s Series
	var last, fed, late sql.NullInt64
	var created int64
	err := row.Scan(&s.ID, (*string)(&s.Org), &s.Name, (*string)(&s.Currency), &s.Minutes, &s.Source, &last, &fed, &late, &created)
	s.LastAt, s.FedAt, s.LateAt, s.CreatedAt = db.TimePtr(last), db.TimePtr(fed), db.TimePtr(late), db.Time(created)
	return s, err
}

func seriesByID(tx *db.Tx, id string, visible db.Cond) (Series, error) {
	text, args := db.Build("SELECT "+seriesColumns+" FROM tariff_series p WHERE p.id = ?", id).And(visible).SQL()
	s, err := scanSeries(tx.QueryRow(text, args...))
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "tariff.series_unknown", "there is no price series %q", id)
	}
	return s, err
}

func insertSeries(tx *db.Tx, s Series) error {
	return tx.Send(`INSERT INTO tariff_series (id, org, name, currency, minutes, source, created_at, updated_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$7)`,
		s.ID, string(s.Org), s.Name, string(s.Currency), s.Minutes, s.Source, db.Micros(tx.Now))
}

var pointCols = []db.Col{{Name: "series", Type: "text"}, {Name: "start_at", Type: "bigint"}, {Name: "org", Type: "text"}, {Name: "price", Type: "bigint"}, {Name: "told_at", Type: "bigint"}}

func writePoints(tx *db.Tx, s Series, points []PricePoint) error {
	rows := make([][]any, len(points))
	last := int64(0)
	for i, p := range points {
		rows[i] = []any{s.ID, db.Micros(p.Start), string(s.Org), int64(p.Price), db.Micros(tx.Now)}
		last = max(last, db.Micros(p.End))
	}
	if err := db.InsertRows(tx, "tariff_series_point", pointCols, rows, "ON CONFLICT (series, start_at) DO UPDATE SET price = excluded.price, told_at = excluded.told_at"); err != nil {
		return err
	}
	return tx.Send(`UPDATE tariff_series SET last_at = CASE WHEN last_at IS NULL OR last_at < $2 THEN $2 ELSE last_at END, fed_at = $3, updated_at = $3,
		late_at = CASE WHEN $2 > $3 THEN NULL ELSE late_at END WHERE id = $1`, s.ID, last, db.Micros(tx.Now))
}

// pointsOf gives the intervals of a series that lie in or touch [from, to).
func pointsOf(tx *db.Tx, s Series, from, to time.Time) ([]PricePoint, error) {
	length := time.Duration(s.Minutes) * time.Minute
	return db.Collect(tx, func(row db.Scanner) (PricePoint, error) {
		var start, price int64
		err := row.Scan(&start, &price)
		return PricePoint{db.Time(start), db.Time(start).Add(length), money.Micro(price)}, err
	}, `SELECT start_at, price FROM tariff_series_point WHERE series = $1 AND start_at > $2 AND start_at < $3 ORDER BY start_at`,
		s.ID, db.Micros(from.Add(-length)), db.Micros(to))
}

// lastBefore gives the newest interval that begins before an instant.
func lastBefore(tx *db.Tx, s Series, at time.Time) (PricePoint, bool, error) {
	var start, price int64
	err := tx.QueryRow(`SELECT start_at, price FROM tariff_series_point WHERE series = $1 AND start_at <= $2 ORDER BY start_at DESC LIMIT 1`, s.ID, db.Micros(at)).Scan(&start, &price)
	if fault.Is(err, fault.NotFound) {
		return PricePoint{}, false, nil
	}
	p := PricePoint{Start: db.Time(start), Price: money.Micro(price)}
	p.End = p.Start.Add(time.Duration(s.Minutes) * time.Minute)
	return p, err == nil, err
}

// dynamicAt gives how a tariff follows a series at an instant; ok is false
// when it follows none.
func dynamicAt(tx *db.Tx, u uid, at time.Time) (d Dynamic, ok bool, err error) {
	var formula string
	var created int64
	err = tx.QueryRow(`SELECT id, series, formula, created_at FROM tariff_dynamic WHERE tariff = $1 AND created_at <= $2 ORDER BY created_at DESC, id DESC LIMIT 1`,
		string(u), db.Micros(at)).Scan(&d.ID, &d.Series, &formula, &created)
	if fault.Is(err, fault.NotFound) || err == nil && d.Series == "" {
		return d, false, nil
	}
	if err != nil {
		return d, false, err
	}
	d.CreatedAt = db.Time(created)
	return d, true, json.Unmarshal([]byte(formula), &d.Formula)
}

func insertDynamic(tx *db.Tx, org identity.OrgID, u uid, d Dynamic, actor string) error {
	text, err := json.Marshal(d.Formula)
	if err != nil {
		return err
	}
	return tx.Send(`INSERT INTO tariff_dynamic (id, org, tariff, series, formula, created_at, created_by) VALUES ($1,$2,$3,$4,$5,$6,$7)`,
		d.ID, string(org), string(u), d.Series, string(text), db.Micros(tx.Now), actor)
}

func insertSnapshot(tx *db.Tx, v Version, base VersionID, source string) error {
	text, err := json.Marshal(v.Tariff.Source)
	if err != nil {
		return err
	}
	return tx.Send(`INSERT INTO tariff_snapshot (id, org, version, ocpi, source, created_at) VALUES ($1,$2,$3,$4,$5,$6) ON CONFLICT (id) DO NOTHING`,
		string(v.ID), string(v.Org), string(base), string(text), source, db.Micros(tx.Now))
}

// snapshotByID gives a version as a price series made it.
func snapshotByID(tx *db.Tx, id VersionID) (Version, error) {
	var base, text string
	err := tx.QueryRow(`SELECT version, ocpi FROM tariff_snapshot WHERE id = $1`, string(id)).Scan(&base, &text)
	if fault.Is(err, fault.NotFound) {
		return Version{}, fault.New(fault.NotFound, "tariff.version_unknown", "there is no tariff version %q", id)
	}
	if err != nil {
		return Version{}, err
	}
	v, err := versionByID(tx, VersionID(base))
	if err != nil {
		return v, err
	}
	var o ocpi.Tariff
	if err = json.Unmarshal([]byte(text), &o); err == nil {
		v.ID = id
		v.Tariff, err = FromOCPI(o)
	}
	if err != nil {
		err = fault.Wrap(fault.Internal, err, "tariff.stored", "snapshot %s of tariff %s cannot be read", id, v.Tariff.ID)
	}
	return v, err
}

// overdue gives the series that some tariff follows and that have no price
// for an instant, unless that is known already.
func overdue(tx *db.Tx, at time.Time) ([]Series, error) {
	return db.Collect(tx, scanSeries, "SELECT "+seriesColumns+` FROM tariff_series p WHERE p.late_at IS NULL AND (p.last_at IS NULL OR p.last_at <= $1)
		AND EXISTS (SELECT 1 FROM tariff_dynamic d WHERE d.series = p.id AND d.created_at =
			(SELECT MAX(x.created_at) FROM tariff_dynamic x WHERE x.tariff = d.tariff)) ORDER BY p.id`, db.Micros(at))
}
