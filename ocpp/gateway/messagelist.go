package gateway

import (
	"context"
	"fmt"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/retain"
)

// Message is one frame as it was logged.
type Message struct {
	ID         int64
	At         time.Time
	Org        string
	Station    string // in lower case from List; as asked for from Messages
	Connection int64  // the epoch of the connection
	Direction  string // "in" from the station, "out" to it
	Type       string // "call", "result", "error", "resulterror", "send", "unreadable"
	Action     string // of a reply: that of its call
	MessageID  string
	Payload    string // the whole frame as text, passwords removed
}

var messageList = db.ListSpec{
	Base: `SELECT id, at, org, station, epoch, direction, type, action, message_id, payload FROM message_log WHERE`,
	Fields: []db.Field{
		{Name: "at", Column: "at", Kind: db.Instant, Sort: true, Filter: true},
		{Name: "direction", Column: "direction", Kind: db.Enum, Filter: true, Allowed: []string{"in", "out"}},
		{Name: "type", Column: "type", Kind: db.Enum, Filter: true, Allowed: []string{"call", "result", "error", "resulterror", "send", "unreadable"}},
		{Name: "action", Column: "action", Kind: db.Text, Filter: true},
		{Name: "message_id", Column: "message_id", Kind: db.Text, Filter: true},
		{Name: "payload", Column: "payload", Kind: db.Text, Filter: true}, // contains: text search
		{Name: "connection", Column: "epoch", Kind: db.Int, Filter: true},
	},
	Default: "-at",
	Key:     "id",
}

// List reads a page of the log, newest first by default. Filters: at,
// direction, type, action, message_id, payload (contains), connection. where
// holds the caller's scope: conditions on the columns org and station, the
// latter in lower case, as identities are compared.
func (m *MessageLog) List(tx *db.Tx, where []db.Cond, req db.ListRequest) ([]Message, string, error) {
	return db.List(tx, messageList, where, req, func(row db.Scanner) (Message, error) {
		var out Message
		var at int64
		err := row.Scan(&out.ID, &at, &out.Org, &out.Station, &out.Connection, &out.Direction, &out.Type, &out.Action, &out.MessageID, &out.Payload)
		out.At = db.Time(at)
		return out, err
	})
}

// Spec names what List can be filtered and sorted by.
func (m *MessageLog) Spec() db.ListSpec { return messageList }

// Messages is List for one station, in a transaction of its own. The caller
// has checked that the station may be seen.
func (m *MessageLog) Messages(ctx context.Context, station string, req db.ListRequest) (list []Message, next string, err error) {
	err = m.g.db.View(ctx, func(tx *db.Tx) (err error) {
		list, next, err = m.List(tx, []db.Cond{{Text: "station = ?", Args: []any{key(station)}}}, req)
		return err
	})
	for i := range list {
		list[i].Station = station
	}
	return list, next, err
}

const (
	day       = 24 * time.Hour
	daysAhead = 7
)

// makeDays makes the partitions of the days to come. SQLite has none.
func (m *MessageLog) makeDays(ctx context.Context) error {
	if m.g.db.Dialect() != db.Postgres {
		return nil
	}
	today := m.g.now().UTC().Truncate(day)
	for i := range daysAhead + 1 {
		if err := m.makeDay(ctx, today.Add(time.Duration(i)*day)); err != nil {
			return err
		}
	}
	return nil
}

func partition(d time.Time) string { return "message_log_p" + d.Format("20060102") }

// makeDay makes one partition and moves in what landed in the default one,
// without which PostgreSQL would refuse to attach it. Names and numbers are
// our own, so they may stand in the text: DDL takes no parameters.
func (m *MessageLog) makeDay(ctx context.Context, d time.Time) error {
	name, from, to := partition(d), db.Micros(d), db.Micros(d.Add(day))
	return m.g.db.Update(ctx, func(tx *db.Tx) error {
		var exists bool
		if err := tx.QueryRow(`SELECT to_regclass($1) IS NOT NULL`, name).Scan(&exists); err != nil || exists {
			return err
		}
		for _, statement := range []string{
			`CREATE TABLE ` + name + ` (LIKE message_log INCLUDING ALL)`,
			fmt.Sprintf(`WITH moved AS (DELETE FROM message_log_default WHERE at >= %d AND at < %d RETURNING *) INSERT INTO %s SELECT * FROM moved`, from, to, name),
			fmt.Sprintf(`ALTER TABLE message_log ATTACH PARTITION %s FOR VALUES FROM (%d) TO (%d)`, name, from, to),
		} {
			if _, err := tx.Exec(statement); err != nil {
				return err
			}
		}
		return nil
	})
}

// Stores are what the gateway keeps for a limited time: the messages.
func (g *Gateway) Stores() []retain.Store {
	return []retain.Store{
		{Name: "messages", Group: "message", Tables: []string{"message_log"}, Oldest: g.log.oldest, Delete: g.log.remove},
		retain.Rows{Name: "message gaps", Group: "message", Table: "message_gap", At: "to_at"}.Store(g.db),
	}
}

func messageDays(tx *db.Tx) ([]retain.Partition, error) {
	return retain.Partitions(tx, "message_log", "message_log_p", "20060102", func(from time.Time) time.Time { return from.Add(day) })
}

// oldest is exact on SQLite, whose ids begin with the time, and the day on
// PostgreSQL.
func (m *MessageLog) oldest(tx *db.Tx) (time.Time, error) {
	if tx.Dialect == db.Postgres {
		days, err := messageDays(tx)
		if err != nil || len(days) == 0 {
			return time.Time{}, err
		}
		return days[0].From, nil
	}
	var first int64
	err := tx.QueryRow(`SELECT COALESCE(MIN(id), 0) FROM message_log`).Scan(&first)
	if err != nil || first == 0 {
		return time.Time{}, err
	}
	return time.UnixMilli(first >> 22).UTC(), nil
}

// remove removes what is older than end: on PostgreSQL whole days, on SQLite
// a piece at a time, so that stations do not wait.
func (m *MessageLog) remove(ctx context.Context, end time.Time) (removed int64, err error) {
	query, limit := `DELETE FROM message_log WHERE id IN (SELECT id FROM message_log WHERE id < $1 ORDER BY id LIMIT 2000)`, end.UnixMilli()<<22
	if m.g.db.Dialect() == db.Postgres {
		if removed, err = m.dropDays(ctx, end); err != nil {
			return removed, err
		}
		// What came when no day was there, which is little.
		query, limit = `DELETE FROM message_log_default WHERE ctid = ANY (ARRAY(SELECT ctid FROM message_log_default WHERE at < $1 LIMIT 2000))`, db.Micros(end)
	}
	for {
		var n int64
		err := m.g.db.Update(ctx, func(tx *db.Tx) (err error) {
			n, err = tx.Exec(query, limit)
			return err
		})
		removed += n
		if err != nil || n == 0 {
			return removed, err
		}
		if err := retain.Pause(ctx); err != nil {
			return removed, err
		}
	}
}

func (m *MessageLog) dropDays(ctx context.Context, end time.Time) (removed int64, err error) {
	var days []retain.Partition
	err = m.g.db.View(ctx, func(tx *db.Tx) (err error) {
		days, err = messageDays(tx)
		return err
	})
	for _, d := range days {
		if err != nil || d.To.After(end) {
			break
		}
		var n int64
		n, err = retain.Drop(ctx, m.g.db, d)
		removed += n
	}
	return removed, err
}
