package retain

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// Keeper runs over the stores of all rooms.
type Keeper struct {
	d      *db.DB
	log    *slog.Logger
	keep   map[string]time.Duration
	stores []Store
}

// New makes a keeper. keep says how long each group is kept; zero is for ever.
func New(d *db.DB, log *slog.Logger, keep map[string]time.Duration) *Keeper {
	return &Keeper{d: d, log: log, keep: keep}
}

// Add registers stores. It panics when a name is taken or a group has no
// setting: that is a mistake of the program.
func (k *Keeper) Add(stores ...Store) {
	for _, s := range stores {
		for _, o := range k.stores {
			if o.Name == s.Name {
				panic("retain: two stores named " + s.Name)
			}
		}
		if _, ok := k.keep[s.Group]; s.Group != "" && !ok {
			panic("retain: no setting for the group " + s.Group)
		}
		k.stores = append(k.stores, s)
	}
}

// due is how long after a run that ended the next one begins. Run is called
// more often, so that one that was cut off is soon taken up again.
const due = 23 * time.Hour

// Run removes from every store that is due what is too old. It is for one
// node at a time.
func (k *Keeper) Run(ctx context.Context) error {
	runs, err := k.runs(ctx)
	if err != nil {
		return err
	}
	var failed []error
	var removed int64
	did := false
	for _, s := range k.stores {
		keep := k.keep[s.Group]
		if s.Delete == nil || s.Group == "" || keep <= 0 {
			continue
		}
		if last, ok := runs[s.Name]; ok && last.EndedAt != nil && last.Error == "" && k.d.Now().Sub(*last.EndedAt) < due {
			continue
		}
		did = true
		n, err := k.one(ctx, s, k.d.Now().Add(-keep))
		removed += n
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", s.Name, err))
		}
	}
	if did {
		failed = append(failed, k.giveBack(ctx), k.measureAll(ctx))
		k.log.Info("old data removed", "rows", removed)
	}
	return errors.Join(failed...)
}

func (k *Keeper) one(ctx context.Context, s Store, before time.Time) (int64, error) {
	if err := k.d.Update(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO retention_run (store, started_at, ended_at, before_at, removed, error) VALUES ($1, $2, NULL, $3, 0, '')
			ON CONFLICT (store) DO UPDATE SET started_at = excluded.started_at, ended_at = NULL, before_at = excluded.before_at, removed = 0, error = ''`,
			s.Name, db.Micros(tx.Now), db.Micros(before))
		return err
	}); err != nil {
		return 0, err
	}
	n, failure := s.Delete(ctx, before)
	if ctx.Err() != nil {
		return n, ctx.Err()
	}
	text := ""
	if failure != nil {
		text = failure.Error()
	}
	err := k.d.Update(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE retention_run SET ended_at = $2, removed = $3, error = $4 WHERE store = $1`, s.Name, db.Micros(tx.Now), n, text)
		return err
	})
	return n, errors.Join(failure, err)
}

// Run is what the last run over a store did.
type Run struct {
	StartedAt time.Time
	EndedAt   *time.Time
	Before    time.Time
	Removed   int64
	Error     string
}

func (k *Keeper) runs(ctx context.Context) (map[string]Run, error) {
	out := map[string]Run{}
	err := k.d.View(ctx, func(tx *db.Tx) error {
		_, err := db.Collect(tx, func(row db.Scanner) (struct{}, error) {
			var name string
			var r Run
			var started, before int64
			var ended sql.NullInt64
			err := row.Scan(&name, &started, &ended, &before, &r.Removed, &r.Error)
			r.StartedAt, r.EndedAt, r.Before = db.Time(started), db.TimePtr(ended), db.Time(before)
			out[name] = r
			return struct{}{}, err
		}, "SELECT store, started_at, ended_at, before_at, removed, error FROM retention_run")
		return err
	})
	return out, err
}

const vacuumPages = 500 // given back in one transaction

// giveBack returns free pages of an SQLite file to the file system.
func (k *Keeper) giveBack(ctx context.Context) error {
	if k.d.Dialect() != db.SQLite {
		return nil // autovacuum does it
	}
	for {
		var mode, free, left int64
		err := k.d.Update(ctx, func(tx *db.Tx) error {
			if err := tx.QueryRow("PRAGMA auto_vacuum").Scan(&mode); err != nil || mode != 2 {
				return err
			}
			if err := tx.QueryRow("PRAGMA freelist_count").Scan(&free); err != nil || free == 0 {
				return err
			}
			_, err := db.Collect(tx, func(db.Scanner) (struct{}, error) { return struct{}{}, nil }, fmt.Sprintf("PRAGMA incremental_vacuum(%d)", vacuumPages))
			if err != nil {
				return err
			}
			return tx.QueryRow("PRAGMA freelist_count").Scan(&left)
		})
		if err != nil || mode != 2 || free == 0 || left == 0 || left >= free {
			return err
		}
		if err := Pause(ctx); err != nil {
			return err
		}
	}
}
