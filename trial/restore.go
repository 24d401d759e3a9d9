package trial

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/forecourt-ev/forecourt/bench/rig"
)

type restoreCmd struct {
	options `embed:""`
}

// Run takes a backup of SQLite under load, loses the database a while later, and puts
// the backup in its place.
//
// Stations do not keep what was acknowledged. So of the events acknowledged
// between the backup and the loss nothing can be promised; they are counted
// as gone. Everything acknowledged before the backup began, and everything
// after the restored server is up, must be there.
func (c *restoreCmd) Run(ctx context.Context, s Streams) error {
	if c.DatabaseURL != "" {
		return fmt.Errorf("trial restore removes a whole PostgreSQL and makes one of its own for that (--postgres); --database-url is not for it")
	}
	return c.trialOf(ctx, s, "restore", 10, func(ctx context.Context, t *trial) error {
		if c.Postgres {
			return c.onPostgres(ctx, t)
		}
		n, err := t.single(ctx)
		if err != nil {
			return err
		}
		return t.runs(ctx, func(ctx context.Context, run int) error { return t.loseDatabase(ctx, n, run) })
	})
}

func (t *trial) loseDatabase(ctx context.Context, n *node, run int) error {
	file := filepath.Join(t.dir, fmt.Sprintf("backup-%d", run))
	kept := time.Now()
	if err := rig.Command(ctx, append([]string{"backup", file}, t.database(n.name)...)...); err != nil {
		return err
	}
	t.result.most("longest_backup_s", time.Since(kept))
	if !sleep(ctx, time.Duration(t.chance.Int64N(int64(t.seconds)))) {
		return context.Cause(ctx)
	}
	n.server.Kill()
	lost := time.Now()
	t.unlook()
	data := filepath.Join(t.dir, n.name)
	for _, gone := range []string{data, filepath.Join(t.dir, "secret.key")} {
		if err := os.RemoveAll(gone); err != nil {
			return err
		}
	}
	if err := rig.Command(ctx, append([]string{"restore", file}, t.database(n.name)...)...); err != nil {
		return err
	}
	t.forget(kept)
	if err := t.start(ctx, n); err != nil {
		return err
	}
	t.result.most("longest_restore_and_start_s", time.Since(lost))
	return os.Remove(file)
}

// forget marks what was acknowledged since an instant as gone, and lets all
// transactions be audited anew: the database is another one.
func (t *trial) forget(since time.Time) {
	gone := 0
	for _, s := range t.fleet.stations {
		s.mu.Lock()
		for _, x := range s.transactions {
			for _, e := range x.events {
				if e.acked.After(since) {
					e.gone = true
					gone++
				}
			}
		}
		s.mu.Unlock()
		t.checkedTo[s] = 0
	}
	r := t.result
	r.Transactions, r.Acknowledged, r.Found = 0, 0, 0
	r.more("events_acknowledged_between_backup_and_loss", r.More["events_acknowledged_between_backup_and_loss"]+float64(gone))
}
