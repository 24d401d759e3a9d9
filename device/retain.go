package device

import (
	"context"
	"strconv"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// Retention is how long the rows of a table are kept.
type Retention struct {
	Table string
	Keep  time.Duration

	query string // deletes rows older than $1, where there may be many at most atOnce
}

// atOnce bounds one transaction of a retention, so that writers of stations
// do not wait for it.
const atOnce = 5000

// Retentions lists the tables that grow with time.
func (s *Service) Retentions() []Retention {
	old := func(table, key, at string, keep time.Duration) Retention {
		return Retention{table, keep, "DELETE FROM " + table + " WHERE " + key + " IN (SELECT " + key + " FROM " + table + " WHERE " + at + " < $1 ORDER BY " + at + " LIMIT " + strconv.Itoa(atOnce) + ")"}
	}
	pair := func(table, keys, at string, keep time.Duration) Retention {
		return Retention{table, keep, "DELETE FROM " + table + " WHERE (" + keys + ") IN (SELECT " + keys + " FROM " + table + " WHERE " + at + " < $1 LIMIT " + strconv.Itoa(atOnce) + ")"}
	}
	return []Retention{
		old("device_notice", "id", "at", s.d.KeepNotices),
		old("device_event", "id", "received_at", s.d.KeepEvents),
		old("device_security_event", "id", "received_at", s.d.KeepHistory),
		pair("device_boot", "station, at", "at", s.d.KeepHistory),
		pair("device_variable_history", "station, path, at", "at", s.d.KeepHistory),
		{"device_request_part", s.d.KeepAnswers, "DELETE FROM device_request_part WHERE (station, kind, request) IN (SELECT station, kind, request FROM device_request WHERE last_at < $1)"},
		pair("device_request", "station, kind, request", "last_at", s.d.KeepNotices),
	}
}

// Retain removes what is older than it is kept, a piece at a time. It gives
// how many rows went.
func (s *Service) Retain(ctx context.Context, r Retention, now time.Time) (removed int64, err error) {
	for n := int64(atOnce); n >= atOnce; removed += n {
		if err := s.d.DB.Update(ctx, func(tx *db.Tx) (err error) {
			n, err = tx.Exec(r.query, db.Micros(now.Add(-r.Keep)))
			return err
		}); err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// tidy keeps every table to its time.
func (s *Service) tidy(ctx context.Context) error {
	now := s.d.DB.Now()
	for _, r := range s.Retentions() {
		if _, err := s.Retain(ctx, r, now); err != nil {
			return err
		}
	}
	return nil
}
