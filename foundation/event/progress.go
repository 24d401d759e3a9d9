package event

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Progress is how far a consumer has come.
type Progress struct {
	Consumer string
	Cursor   int64     // the fact up to which everything is handled or parked
	Behind   int64     // facts of its kinds after that
	Parked   int64     // subjects that wait because a fact of theirs failed
	Node     string    // works for it; empty: none
	MovedAt  time.Time // the cursor; zero: never
}

// Progress gives that of every consumer, by name. A cursor that stays behind
// over facts of other kinds is not behind.
func (l *Log) Progress(ctx context.Context) ([]Progress, error) {
	l.mu.Lock()
	consumers := slices.Clone(l.consumers)
	l.mu.Unlock()
	slices.SortFunc(consumers, func(a, b Consumer) int { return strings.Compare(a.Name, b.Name) })
	var all []Progress
	err := l.db.View(ctx, func(tx *db.Tx) error {
		all = make([]Progress, 0, len(consumers))
		for _, c := range consumers {
			p, err := progressOf(tx, c)
			if err != nil {
				return err
			}
			all = append(all, p)
		}
		return nil
	})
	return all, err
}

func progressOf(tx *db.Tx, c Consumer) (Progress, error) {
	p := Progress{Consumer: c.Name}
	var moved, until int64
	err := tx.QueryRow("SELECT seq, updated_at, lease_until, lease_owner FROM fact_cursor WHERE consumer = $1", c.Name).Scan(&p.Cursor, &moved, &until, &p.Node)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return p, err
	}
	if moved > 0 {
		p.MovedAt = db.Time(moved)
	}
	if until <= db.Micros(tx.Now) {
		p.Node = ""
	}
	query, args := db.Build("SELECT COUNT(*) FROM fact WHERE seq > ?", p.Cursor).And(ofKinds(c.Kinds)).SQL()
	if err := tx.QueryRow(query, args...).Scan(&p.Behind); err != nil {
		return p, err
	}
	return p, tx.QueryRow("SELECT COUNT(*) FROM fact_parked WHERE consumer = $1", c.Name).Scan(&p.Parked)
}
