package session

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// observed is the payload of what the platform itself adds to a session.
type observed struct {
	Charging string `json:"charging,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// eventsOf reads everything that is stored of a session, readings included.
func eventsOf(tx *db.Tx, id ID) ([]Event, error) {
	events, err := db.Collect(tx, scanEvent, `SELECT kind, seq, station_at, digest, received_at, skew_us, offline, answer, payload
		FROM session_event WHERE session = $1`, string(id))
	if err != nil {
		return nil, err
	}
	samples, err := samplesOf(tx, string(id), nil, 0)
	if err != nil {
		return nil, err
	}
	for i := range samples {
		events = append(events, samples[i].Event)
	}
	return events, nil
}

func scanEvent(row db.Scanner) (Event, error) {
	var e Event
	var kind Kind
	var at, received, skew, digest, seq int64
	var offline bool
	var answer, payload string
	if err := row.Scan(&kind, &seq, &at, &digest, &received, &skew, &offline, &answer, &payload); err != nil {
		return e, err
	}
	switch kind {
	case Connector, Vacated:
		var o observed
		if err := json.Unmarshal([]byte(payload), &o); err != nil {
			return e, unreadable(err)
		}
		e = Event{Charging: ParseCharging(o.Charging), Reason: o.Reason}
	default:
		var r ocpp.TransactionEventRequest
		if err := json.Unmarshal([]byte(payload), &r); err != nil {
			return e, unreadable(err)
		}
		e = eventOf(&r)
	}
	e.Kind, e.Seq, e.Digest, e.Offline = kind, seq, uint64(digest), offline
	e.Station, e.Received, e.Skew = db.Time(at), db.Time(received), time.Duration(skew)*time.Microsecond
	e.Refused = answer != "" && answer != string(ocpp.AuthorizationStatusEnumAccepted)
	return e, nil
}

func unreadable(err error) error {
	return fault.Wrap(fault.Internal, err, "session.event", "a stored session event cannot be read")
}

const sampleFields = `station_at, seq, digest, evse, received_at, skew_us, anchor, location, clock,
	register_mwh, interval_mwh, power_w, offered_w, current_ma, voltage_mv, soc_mpct, detail, current_sum_ma`

// place is where a page of samples ends.
type place struct{ at, seq, digest int64 }

// samplesOf reads a stream in the order of station time, after a place (nil:
// from the first); limit 0 means all.
func samplesOf(tx *db.Tx, stream string, after *place, limit int) ([]Sample, error) {
	q := db.Build(`SELECT `+sampleFields+` FROM meter_sample WHERE stream = ?`, stream)
	if after != nil {
		q.Add(` AND (station_at, seq, digest) > (?, ?, ?)`, after.at, after.seq, after.digest)
	}
	q.Add(` ORDER BY station_at, seq, digest`)
	if limit > 0 {
		q.Add(` LIMIT ?`, limit)
	}
	text, args := q.SQL()
	return db.Collect(tx, scanSample, text, args...)
}

func scanSample(row db.Scanner) (Sample, error) {
	p := Sample{Event: Event{Kind: ReadingTaken}}
	var at, received, skew, digest int64
	var register, interval, power, offered, current, voltage, soc, amperes sql.NullInt64
	err := row.Scan(&at, &p.Seq, &digest, &p.EVSE, &received, &skew, &p.Anchor, &p.Reading.Location, &p.Reading.Clock,
		&register, &interval, &power, &offered, &current, &voltage, &soc, &p.Detail, &amperes)
	p.Station, p.Received, p.Skew, p.Digest = db.Time(at), db.Time(received), time.Duration(skew)*time.Microsecond, uint64(digest)
	r := &p.Reading
	set := func(v sql.NullInt64, has Measure) int64 {
		if v.Valid {
			r.Has |= has
		}
		return v.Int64
	}
	r.Register, r.Interval = unit.Energy(set(register, HasRegister)), unit.Energy(set(interval, HasInterval))
	r.Power, r.Offered = unit.Watts(set(power, HasPower)), unit.Watts(set(offered, HasOffered))
	r.Current, r.Voltage = unit.MilliAmps(set(current, HasCurrent)), unit.MilliVolts(set(voltage, HasVoltage))
	r.SoC = unit.MilliPercent(set(soc, HasSoC))
	r.Amperes = unit.MilliAmps(set(amperes, HasCurrentSum))
	return p, err
}

// bindSamples gives a session the readings that waited for it.
func bindSamples(tx *db.Tx, from, to string) (int64, error) {
	n, err := tx.Exec(`INSERT INTO meter_sample (stream, org, site, station, at, `+sampleFields+`)
		SELECT $2, org, site, station, at, `+sampleFields+` FROM meter_sample WHERE stream = $1 ON CONFLICT DO NOTHING`, from, to)
	if err != nil || n == 0 {
		return n, err
	}
	err = tx.Send(`DELETE FROM meter_sample WHERE stream = $1`, from)
	return n, err
}

// stationRow is what the room knows of a station.
type stationRow struct {
	boot  int64
	clock Clock
}

// lockStation makes the starts of one station wait for each other.
func lockStation(tx *db.Tx, org, station string) (stationRow, error) {
	var r stationRow
	var skew int64
	err := tx.QueryRow(`INSERT INTO session_station (station, org, boot, starts, skew_us, skew_known) VALUES ($1,$2,0,1,0,$3)
		ON CONFLICT (station) DO UPDATE SET starts = session_station.starts + 1 RETURNING boot, skew_us, skew_known`, station, org, false).
		Scan(&r.boot, &skew, &r.clock.Known)
	r.clock.Skew = time.Duration(skew) * time.Microsecond
	return r, err
}

func countBoots(tx *db.Tx, all []ocpp.Peer) error {
	rows := make([][]any, len(all))
	for i, p := range all {
		rows[i] = []any{p.Station, p.Org, 1, 0, 0, false}
	}
	return db.InsertRows(tx, "session_station", bootColumns, rows, "ON CONFLICT (station) DO UPDATE SET boot = session_station.boot + 1")
}

var bootColumns = []db.Col{{Name: "station", Type: "text"}, {Name: "org", Type: "text"}, {Name: "boot", Type: "bigint"}, {Name: "starts", Type: "bigint"},
	{Name: "skew_us", Type: "bigint"}, {Name: "skew_known", Type: "boolean"}}

// storedClocks reads the clocks of stations.
func storedClocks(tx *db.Tx, stations []string) (map[string]Clock, error) {
	type clockOf struct {
		station string
		Clock
	}
	q, args := db.Build("SELECT station, skew_us, skew_known FROM session_station WHERE TRUE").And(db.In("station", stations...)).SQL()
	found, err := db.Collect(tx, func(row db.Scanner) (c clockOf, err error) {
		var skew int64
		err = row.Scan(&c.station, &skew, &c.Known)
		c.Skew = time.Duration(skew) * time.Microsecond
		return c, err
	}, q, args...)
	out := make(map[string]Clock, len(found))
	for _, c := range found {
		out[c.station] = c.Clock
	}
	return out, err
}

func storeClock(tx *db.Tx, org, station string, c Clock) error {
	return tx.Send(`INSERT INTO session_station (station, org, boot, starts, skew_us, skew_known) VALUES ($1,$2,0,0,$3,$4)
		ON CONFLICT (station) DO UPDATE SET skew_us = excluded.skew_us, skew_known = excluded.skew_known`, station, org, c.Skew.Microseconds(), c.Known)
}

const maxNumber = 1<<31 - 1

// nextNumber counts up and begins anew after 2³¹-1. On PostgreSQL a sequence
// counts: a row would hold every start up until the one before is committed.
func nextNumber(tx *db.Tx, counter string) (n int64, err error) {
	if tx.Dialect == db.Postgres {
		err = tx.QueryRow("SELECT nextval('session_number_" + counter + "')").Scan(&n)
		return n, err
	}
	err = tx.QueryRow(`UPDATE session_counter SET last = CASE WHEN last >= $2 THEN 1 ELSE last + 1 END WHERE name = $1 RETURNING last`,
		counter, maxNumber).Scan(&n)
	return n, err
}

// transactionTaken reports whether the station has had the number before.
func transactionTaken(tx *db.Tx, station, transaction string) (bool, error) {
	var n int
	err := tx.QueryRow(`SELECT COUNT(*) FROM session WHERE station = $1 AND transaction_id = $2`, station, transaction).Scan(&n)
	return n > 0, err
}

// dueSessions are those whose wait is over.
func dueSessions(tx *db.Tx, now time.Time, limit int) ([]ID, error) {
	return db.Collect(tx, func(row db.Scanner) (id ID, err error) { return id, row.Scan(&id) },
		`SELECT id FROM session WHERE settled_at IS NULL AND settle_at <= $1 ORDER BY settle_at LIMIT $2`, db.Micros(now), limit)
}

// addPartition makes the partition of samples for a span of time, unless it is
// there. Samples of that time in the default partition, from a station whose
// clock ran ahead, are moved in: PostgreSQL would refuse to attach it beside
// them. Names and bounds are our own numbers; DDL takes no parameters.
func addPartition(tx *db.Tx, from, to time.Time) error {
	name := "meter_sample_" + from.Format("2006_01")
	var there bool
	if err := tx.QueryRow(`SELECT to_regclass($1) IS NOT NULL`, name).Scan(&there); err != nil || there {
		return err
	}
	for _, statement := range []string{
		`CREATE TABLE ` + name + ` (LIKE meter_sample INCLUDING ALL)`,
		fmt.Sprintf(`WITH moved AS (DELETE FROM meter_sample_default WHERE station_at >= %d AND station_at < %d RETURNING *) INSERT INTO %s SELECT * FROM moved`,
			db.Micros(from), db.Micros(to), name),
		fmt.Sprintf(`ALTER TABLE meter_sample ATTACH PARTITION %s FOR VALUES FROM (%d) TO (%d)`, name, db.Micros(from), db.Micros(to)),
	} {
		if _, err := tx.Exec(statement); err != nil {
			return err
		}
	}
	return nil
}
