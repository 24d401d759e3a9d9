package device

import (
	"database/sql"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Stream is a stream of values that a station opened (OCPP 2.1 N11).
type Stream struct {
	Stream   int64      `json:"stream_id" doc:"The station's number"`
	Monitor  int64      `json:"monitor_id" doc:"The monitor whose variable streams"`
	Interval *int64     `json:"interval_s,omitempty" doc:"Between two messages; unknown when left out"`
	Values   *int64     `json:"values,omitempty" doc:"Values that make a message full; unknown when left out"`
	Pending  int64      `json:"pending" doc:"Values that wait at the station, as it last told"`
	OpenedAt time.Time  `json:"opened_at"`
	ClosedAt *time.Time `json:"closed_at,omitempty" doc:"Absent while it runs"`
	LastAt   *time.Time `json:"last_at,omitempty" doc:"When values last came"`
}

// StreamValue is a value of a stream (OCPP 2.1 N15).
type StreamValue struct {
	ID         string    `json:"id"`
	Stream     int64     `json:"stream_id"`
	Monitor    *int64    `json:"monitor_id,omitempty" doc:"Unknown when the stream was opened before we saw it"`
	Value      string    `json:"value"`
	At         time.Time `json:"at" doc:"By the station's clock"`
	ReceivedAt time.Time `json:"received_at"`
}

const (
	streamColumns      = "stream, monitor, seconds, most, pending, opened_at, closed_at, last_at"
	streamValueColumns = "id, stream, monitor, value, at, received_at"
)

func scanStream(row db.Scanner) (x Stream, err error) {
	var seconds, most, closed, last sql.NullInt64
	var opened int64
	err = row.Scan(&x.Stream, &x.Monitor, &seconds, &most, &x.Pending, &opened, &closed, &last)
	x.Interval, x.Values, x.OpenedAt, x.ClosedAt, x.LastAt = number(seconds), number(most), db.Time(opened).UTC(), db.TimePtr(closed), db.TimePtr(last)
	return x, err
}

func scanStreamValue(row db.Scanner) (x StreamValue, err error) {
	var monitor sql.NullInt64
	var at, received int64
	err = row.Scan(&x.ID, &x.Stream, &monitor, &x.Value, &at, &received)
	x.Monitor, x.At, x.ReceivedAt = number(monitor), db.Time(at).UTC(), db.Time(received).UTC()
	return x, err
}

func whole(name, column string) db.Field {
	return db.Field{Name: name, Column: column, Kind: db.Int, Sort: true, Filter: true}
}

var streamSpec = db.ListSpec{
	Base: "SELECT " + streamColumns + " FROM device_stream WHERE", Default: "stream_id", Key: "stream",
	Fields: []db.Field{
		whole("stream_id", "stream"), whole("monitor_id", "monitor"), whole("pending", "pending"), instant("opened_at", "opened_at"),
		{Name: "closed_at", Column: "closed_at", Kind: db.Instant, Sort: true, Filter: true, Nullable: true}, {Name: "last_at", Column: "last_at", Kind: db.Instant, Sort: true, Filter: true, Nullable: true},
	},
}

var streamValueSpec = db.ListSpec{
	Base: "SELECT " + streamValueColumns + " FROM device_stream_value WHERE", Default: "-at", Key: "id",
	Fields: []db.Field{
		whole("stream_id", "stream"), {Name: "monitor_id", Column: "monitor", Kind: db.Int, Filter: true, Nullable: true}, text("value", "value"), instant("at", "at"), instant("received_at", "received_at"),
	},
}

// opensStream keeps a stream that a station opens; a number that was used
// before begins anew.
func opensStream(tx *db.Tx, o owner, r *ocpp.OpenPeriodicEventStreamRequest) error {
	d := r.ConstantStreamData
	return tx.Send(`INSERT INTO device_stream (station, org, site, `+streamColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,0,$8,NULL,NULL)
		ON CONFLICT (station, stream) DO UPDATE SET org=excluded.org, site=excluded.site, monitor=excluded.monitor, seconds=excluded.seconds, most=excluded.most, pending=0,
		opened_at=excluded.opened_at, closed_at=NULL, last_at=NULL`,
		o.station, o.org, o.site, d.ID, d.VariableMonitoringID, orNull(wide(d.Params.Interval)), orNull(wide(d.Params.Values)), db.Micros(tx.Now))
}

func closesStream(tx *db.Tx, o owner, r *ocpp.ClosePeriodicEventStreamRequest) error {
	return tx.Send("UPDATE device_stream SET closed_at = $3 WHERE station = $1 AND stream = $2 AND closed_at IS NULL", o.station, r.ID, db.Micros(tx.Now))
}

// streamed keeps the values of a stream, also of one that nobody saw opened.
func streamed(tx *db.Tx, o owner, r *ocpp.NotifyPeriodicEventStreamRequest) error {
	var monitor sql.NullInt64
	rows, err := db.Collect(tx, func(row db.Scanner) (m int64, err error) { return m, row.Scan(&m) },
		"UPDATE device_stream SET pending = $3, last_at = $4 WHERE station = $1 AND stream = $2 RETURNING monitor", o.station, r.ID, r.Pending, db.Micros(tx.Now))
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		monitor = sql.NullInt64{Int64: rows[0], Valid: true}
	}
	for _, d := range r.Data {
		err := tx.Send("INSERT INTO device_stream_value (station, org, site, "+streamValueColumns+") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)",
			o.station, o.org, o.site, id.New[string](tx.Now), r.ID, monitor, clip(d.V, maxValue), db.Micros(streamTime(r.Basetime.Time, d.T, tx.Now)), db.Micros(tx.Now))
		if err != nil {
			return err
		}
	}
	return nil
}

// streamTime is the instant of a value: seconds after the message's base
// time, which may be fractions. A station without a clock gives the receipt.
func streamTime(base time.Time, after unit.Decimal, now time.Time) time.Time {
	micros, ok := after.Scaled(6)
	if base.Year() < 2015 || !ok {
		return now
	}
	return base.Add(time.Duration(micros) * time.Microsecond)
}

// idList is how ids stand in one column.
func idList(ids []string) string { return strings.Join(ids, ",") }
