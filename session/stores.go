package session

import (
	"context"
	"fmt"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/retain"
)

// Stores are what the room keeps for a limited time: the raw samples. The
// intervals of a quarter of an hour that were made of them stay with their
// session.
func (s *Service) Stores() []retain.Store {
	return []retain.Store{
		{Name: "samples", Group: "sample", Tables: []string{"meter_sample"}, Oldest: s.oldestSample, Delete: s.removeSamples},
		{Name: "sessions", Tables: []string{"session", "session_event", "session_interval", "session_quote", "remote_start", "session_station", "session_tariff", "session_counter", "session_settlement", "session_priority"},
			Oldest: func(tx *db.Tx) (time.Time, error) { return retain.Oldest(tx, "session", "started_at") }},
	}
}

// samplesGone names the row of session_counter that says up to which start
// the samples of all sessions are removed.
const samplesGone = "samples_removed"

func (s *Service) oldestSample(tx *db.Tx) (at time.Time, err error) {
	if tx.Dialect == db.Postgres {
		parts, err := sampleMonths(tx)
		if err != nil || len(parts) == 0 {
			return time.Time{}, err
		}
		return parts[0].From, nil
	}
	var oldest int64
	err = tx.QueryRow(`SELECT COALESCE(MIN(started_at), 0) FROM session WHERE started_at > COALESCE((SELECT last FROM session_counter WHERE name = $1), 0)`, samplesGone).Scan(&oldest)
	if err != nil || oldest == 0 {
		return time.Time{}, err
	}
	return db.Time(oldest), nil
}

func sampleMonths(tx *db.Tx) ([]retain.Partition, error) {
	return retain.Partitions(tx, "meter_sample", "meter_sample_", "2006_01", func(from time.Time) time.Time { return from.AddDate(0, 1, 0) })
}

// removeSamples removes the samples of sessions that are settled and billed,
// and those that never found a session. Whole months go on PostgreSQL; of
// what is left, and on SQLite, the samples go session by session.
func (s *Service) removeSamples(ctx context.Context, before time.Time) (removed int64, err error) {
	needed := map[ID]bool{}
	if s.d.Unbilled != nil {
		ids, err := s.d.Unbilled(ctx)
		if err != nil {
			return 0, err
		}
		for _, id := range ids {
			needed[id] = true
		}
	}
	if s.d.DB.Dialect() == db.Postgres {
		if removed, err = s.dropMonths(ctx, before, needed); err != nil {
			return removed, err
		}
	}
	n, err := s.removeBySession(ctx, before, needed)
	removed += n
	if err != nil {
		return removed, err
	}
	n, err = s.removeStrays(ctx, before)
	return removed + n, err
}

// dropMonths drops the months that are over, up to the start of the oldest
// session that needs its samples.
func (s *Service) dropMonths(ctx context.Context, before time.Time, needed map[ID]bool) (removed int64, err error) {
	var months []retain.Partition
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		open, err := db.Collect(tx, func(row db.Scanner) (at int64, err error) { return at, row.Scan(&at) },
			`SELECT started_at FROM session WHERE settled_at IS NULL AND started_at < $1 ORDER BY started_at LIMIT 1`, db.Micros(before))
		if err != nil {
			return err
		}
		for id := range needed {
			start, err := db.Collect(tx, func(row db.Scanner) (at int64, err error) { return at, row.Scan(&at) }, `SELECT started_at FROM session WHERE id = $1`, string(id))
			if err != nil {
				return err
			}
			open = append(open, start...)
		}
		for _, at := range open {
			if start := db.Time(at); start.Before(before) {
				before = start
			}
		}
		months, err = sampleMonths(tx)
		return err
	})
	for _, m := range months {
		if err != nil || m.To.After(before) {
			break
		}
		var n int64
		n, err = retain.Drop(ctx, s.d.DB, m)
		removed += n
	}
	return removed, err
}

const sessionStep = 50 // sessions whose samples go in one transaction

// removeBySession goes along the starts of sessions, from where the last run
// ended. It stops before one that needs its samples, so that it is seen again.
func (s *Service) removeBySession(ctx context.Context, before time.Time, needed map[ID]bool) (removed int64, err error) {
	var from int64
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		err := tx.QueryRow(`SELECT last FROM session_counter WHERE name = $1`, samplesGone).Scan(&from)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		return err
	})
	kept := int64(0) // the first start that must be seen again
	for err == nil {
		var n int64
		var more bool
		err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
			part := passage{from: from, before: db.Micros(before), kept: kept, needed: needed}
			if err := part.remove(tx); err != nil {
				return err
			}
			from, kept, n, more = part.to, part.kept, part.removed, part.more
			return nil
		})
		removed += n
		if err != nil || !more {
			return removed, err
		}
		err = retain.Pause(ctx)
	}
	return removed, err
}

// passage is one step along the sessions.
type passage struct {
	from, before, kept int64
	needed             map[ID]bool

	to, removed int64
	more        bool
}

func (p *passage) remove(tx *db.Tx) error {
	type old struct {
		id      ID
		started int64
		settled bool
	}
	sessions, err := db.Collect(tx, func(row db.Scanner) (o old, err error) { return o, row.Scan(&o.id, &o.started, &o.settled) },
		`SELECT id, started_at, settled_at IS NOT NULL FROM session WHERE started_at > $1 AND started_at < $2 ORDER BY started_at, id LIMIT $3`, p.from, p.before, sessionStep)
	if err != nil || len(sessions) == 0 {
		p.to = p.from
		return err
	}
	p.to, p.more = sessions[len(sessions)-1].started, len(sessions) == sessionStep
	for _, o := range sessions {
		if !o.settled || p.needed[o.id] {
			if p.kept == 0 {
				p.kept = o.started
			}
			continue
		}
		n, err := tx.Exec(`DELETE FROM meter_sample WHERE stream = $1`, string(o.id))
		if err != nil {
			return err
		}
		p.removed += n
	}
	mark := p.to
	if p.kept != 0 {
		mark = min(mark, p.kept-1)
	}
	return tx.Send(`INSERT INTO session_counter (name, org, last) VALUES ($1, '', $2) ON CONFLICT (name) DO UPDATE SET last = excluded.last`, samplesGone, mark)
}

const strayStep = 1000

// removeStrays removes samples that never found a session, and those whose
// station clock puts them outside of every month.
func (s *Service) removeStrays(ctx context.Context, before time.Time) (removed int64, err error) {
	const key = "stream, station_at, seq, digest"
	table := "meter_sample"
	if s.d.DB.Dialect() == db.Postgres { // months are dropped whole
		table = "meter_sample_default"
	}
	for _, kind := range []string{"evse:", "tx:"} {
		end := kind[:len(kind)-1] + ";" // the character after the colon
		query := fmt.Sprintf(`DELETE FROM %[1]s WHERE (%[2]s) IN (SELECT %[2]s FROM %[1]s WHERE stream >= $1 AND stream < $2 AND received_at < $3 LIMIT %[3]d)`, table, key, strayStep)
		for {
			var n int64
			err := s.d.DB.Update(ctx, func(tx *db.Tx) (err error) {
				n, err = tx.Exec(query, kind, end, db.Micros(before))
				return err
			})
			removed += n
			if err != nil {
				return removed, err
			}
			if n < strayStep {
				break
			}
			if err := retain.Pause(ctx); err != nil {
				return removed, err
			}
		}
	}
	return removed, nil
}
