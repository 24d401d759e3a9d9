package trial

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/db/pgserver"
)

// shipping is a PostgreSQL whose log is received elsewhere before a commit is
// acknowledged: pg_receivewal as its synchronous standby.
type shipping struct {
	*pgserver.Server
	archive  string
	count    int
	receiver *exec.Cmd
}

// onPostgres loses a PostgreSQL with all its files, and restores it from a base
// backup and the log that was received. The platform runs all the while.
func (c *restoreCmd) onPostgres(ctx context.Context, t *trial) error {
	p, err := t.ownPostgres(ctx)
	if err != nil {
		return err
	}
	s := &shipping{Server: p}
	t.ends = append(t.ends, s.hangUp)
	if err := s.receive(ctx); err != nil {
		return err
	}
	for _, statement := range []string{"ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"} {
		if err := p.Exec(ctx, statement); err != nil {
			return err
		}
	}
	if _, err := t.single(ctx); err != nil {
		return err
	}
	t.result.note("PostgreSQL: pg_basebackup under load, pg_receivewal --synchronous as its synchronous standby; the data directory was removed and recovered from the two")
	return t.runs(ctx, func(ctx context.Context, run int) error { return t.loseCluster(ctx, s, run) })
}

// receive starts a receiver with an archive of its own: the recovered server
// begins a new timeline in the middle of a segment, which one that knows the
// old segment as whole cannot follow.
func (s *shipping) receive(ctx context.Context) error {
	s.count++
	s.archive = filepath.Join(s.Dir(), fmt.Sprintf("archive-%d", s.count))
	create, err := s.Tool(ctx, "pg_receivewal", "--slot=trial", "--create-slot", "--if-not-exists")
	if err != nil {
		return err
	}
	if out, err := create.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_receivewal: %w: %s", err, out)
	}
	made, err := s.Tool(ctx, "pg_receivewal", "-D", s.archive, "--slot=trial", "--synchronous", "--status-interval=1")
	if err != nil {
		return err
	}
	room := exec.CommandContext(ctx, "/bin/mkdir", "-p", s.archive)
	room.SysProcAttr = made.SysProcAttr
	if out, err := room.CombinedOutput(); err != nil {
		return fmt.Errorf("the archive: %w: %s", err, out)
	}
	s.receiver = made
	return made.Start()
}

// hangUp ends the receiver.
func (s *shipping) hangUp() {
	if s.receiver != nil && s.receiver.Process != nil {
		s.receiver.Process.Signal(os.Interrupt) // it may have ended
		s.receiver.Wait()
		s.receiver = nil
	}
}

func (t *trial) loseCluster(ctx context.Context, s *shipping, run int) error {
	began := time.Now()
	base := filepath.Join(s.Dir(), fmt.Sprintf("base-%d", run))
	backup, err := s.Tool(ctx, "pg_basebackup", "-D", base, "--checkpoint=fast", "--wal-method=none", "--no-sync")
	if err != nil {
		return err
	}
	if out, err := backup.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_basebackup: %w: %s", err, out)
	}
	t.result.most("longest_backup_s", time.Since(began))
	if !sleep(ctx, time.Duration(t.chance.Int64N(int64(t.seconds)))) {
		return context.Cause(ctx)
	}
	t.unlook()
	if err := s.Signal(falls[0]); err != nil {
		return err
	}
	lost := time.Now()
	s.Stop()
	s.hangUp()
	if err := s.complete(); err != nil {
		return err
	}
	if err := s.Recover(base, "cp "+s.archive+"/%f %p"); err != nil { // what the backup needs was received since it began
		return err
	}
	if err := s.Start(ctx); err != nil {
		return err
	}
	if err := t.wait(ctx, 5*time.Minute, "PostgreSQL has replayed its log", func() bool { return t.recovered(ctx, s) }); err != nil {
		return err
	}
	if err := s.receive(ctx); err != nil {
		return err
	}
	if err := t.wait(ctx, time.Minute, "the server stores again", func() bool { return t.write(ctx) == nil }); err != nil {
		return err
	}
	t.result.most("longest_restore_s", time.Since(lost))
	return nil
}

// complete makes the segment that was being received a whole one.
func (s *shipping) complete() error {
	parts, err := filepath.Glob(filepath.Join(s.archive, "*.partial"))
	if err != nil {
		return err
	}
	for _, part := range parts {
		if err := os.Rename(part, strings.TrimSuffix(part, ".partial")); err != nil {
			return err
		}
	}
	return nil
}

// recovered says whether the server takes writes.
func (t *trial) recovered(ctx context.Context, s *shipping) bool {
	d, err := db.Open(ctx, db.Config{URL: s.URL("postgres"), MaxConns: 1})
	if err != nil {
		return false
	}
	defer d.Close()
	replays := true
	err = d.View(ctx, func(tx *db.Tx) error { return tx.QueryRow("SELECT pg_is_in_recovery()").Scan(&replays) })
	return err == nil && !replays
}
