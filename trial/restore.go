package trial

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/bench/rig"
)

type restoreCmd struct {
	options `embed:""`
	Backup  bool `help:"SQLite: restore from a file of forecourt backup, which lacks what was acknowledged since, instead of an archive (serve --archive)." env:"-"`
}

// Run loses a database with all its files, under load, and restores it: on
// PostgreSQL from a base backup and the log that was received elsewhere, on
// SQLite from the archive that the server keeps, or with --backup from a file.
// Everything acknowledged must be there; of a file, everything acknowledged
// before it was begun.
func (c *restoreCmd) Run(ctx context.Context, s Streams) error {
	if c.DatabaseURL != "" {
		return fmt.Errorf("trial restore removes a whole PostgreSQL and makes one of its own for that (--postgres); --database-url is not for it")
	}
	if c.Postgres && c.Backup {
		return fmt.Errorf("--backup is about SQLite; --postgres is not for it")
	}
	return c.trialOf(ctx, s, "restore", 10, func(ctx context.Context, t *trial) error {
		if c.Postgres {
			return c.onPostgres(ctx, t)
		}
		lose, flags := t.loseDatabase, []string(nil)
		if !c.Backup {
			lose, flags = t.loseArchived, []string{"--archive", t.archive()}
			t.result.note("SQLite: the server keeps an archive (--archive); the data directory and the secret were removed and restored from it")
		}
		n, err := t.single(ctx, flags...)
		if err != nil {
			return err
		}
		return t.runs(ctx, func(ctx context.Context, run int) error { return lose(ctx, n, run) })
	})
}

func (t *trial) archive() string { return filepath.Join(t.dir, "archive") }

// loseArchived kills the server, removes all it had but the archive, and
// restores from that. Nothing may be missing: what stations had no answer for
// they say again.
func (t *trial) loseArchived(ctx context.Context, n *node, run int) error {
	if !sleep(ctx, time.Duration(t.chance.Int64N(int64(t.seconds)))) {
		return context.Cause(ctx)
	}
	if err := t.wait(ctx, time.Minute, "the archive has a base", func() bool { return t.archived(ctx, n) }); err != nil {
		return err
	}
	lost, err := t.remove(n)
	if err != nil {
		return err
	}
	if err := rig.Command(ctx, append([]string{"restore", t.archive()}, t.database(n.name)...)...); err != nil {
		return err
	}
	t.result.most("longest_restore_s", time.Since(lost))
	t.again()
	if err := t.start(ctx, n); err != nil {
		return err
	}
	t.result.most("longest_restore_and_start_s", time.Since(lost))
	return nil
}

// archived says whether the archive of a server is whole.
func (t *trial) archived(ctx context.Context, n *node) bool {
	ask, err := http.NewRequestWithContext(ctx, "GET", n.server.URL+"/metrics", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(ask)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return err == nil && strings.Contains(string(text), "\nforecourt_archive_failing 0\n")
}

// remove kills a server and removes its data.
func (t *trial) remove(n *node) (lost time.Time, err error) {
	n.server.Kill()
	lost = time.Now()
	t.unlook()
	for _, gone := range []string{filepath.Join(t.dir, n.name), filepath.Join(t.dir, "secret.key")} {
		if err := os.RemoveAll(gone); err != nil {
			return lost, err
		}
	}
	return lost, nil
}

// again lets all transactions be audited anew: the database is another one.
func (t *trial) again() {
	clear(t.checkedTo)
	r := t.result
	r.Transactions, r.Acknowledged, r.Found = 0, 0, 0
}

// loseDatabase takes a backup of SQLite under load, loses the database a while
// later, and puts the backup in its place.
//
// Stations do not keep what was acknowledged. So of the events acknowledged
// between the backup and the loss nothing can be promised; they are counted
// as gone. Everything acknowledged before the backup began, and everything
// after the restored server is up, must be there.
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
	lost, err := t.remove(n)
	if err != nil {
		return err
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

// forget marks what was acknowledged since an instant as gone.
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
	}
	t.again()
	r := t.result
	r.more("events_acknowledged_between_backup_and_loss", r.More["events_acknowledged_between_backup_and_loss"]+float64(gone))
}
