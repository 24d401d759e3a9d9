package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// archiveConfig says where a second copy of everything is kept.
type archiveConfig struct {
	Archive          string `help:"SQLite: a directory, best on another disk, where each commit is kept too before it is acknowledged. Restore from it with forecourt restore." placeholder:"DIR"`
	ArchiveBaseEvery Span   `help:"How often the archive gets a new copy of the whole database; a restore replays what came after." default:"24h"`
	ArchiveKeep      Span   `help:"How far back the archive can restore any instant." default:"24h"`
}

func (c archiveConfig) check(bad *fault.Error, databaseURL string) {
	if c.Archive != "" && databaseURL != "" {
		bad.With("archive", "is for SQLite; PostgreSQL archives its own log (docs/reliability.md)", c.Archive)
	}
	if c.Archive != "" && time.Duration(c.ArchiveBaseEvery) < time.Minute {
		bad.With("archive-base-every", "at least 1m", time.Duration(c.ArchiveBaseEvery).String())
	}
}

func (c archiveConfig) config() db.ArchiveConfig {
	return db.ArchiveConfig{Dir: c.Archive, Every: time.Duration(c.ArchiveBaseEvery), Keep: max(time.Duration(c.ArchiveKeep), 1)}
}

// checkArchive refuses to write into the archive of another installation,
// which is known by the secret there.
func checkArchive(dir, secretPath string) error {
	there, err := os.ReadFile(filepath.Join(dir, secretEntry))
	if dir == "" || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	secret, err := os.ReadFile(secretPath)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !bytes.Equal(bytes.TrimSpace(there), bytes.TrimSpace(secret)) {
		return fault.New(fault.Conflict, "config.archive", "%s is the archive of another installation (its secret.key differs): restore from it (forecourt restore), or name another directory", dir)
	}
	return nil
}

// archiveSecret keeps the secret beside the data that depends on it.
func archiveSecret(dir, secretPath string) error {
	if dir == "" {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, secretEntry)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return placeSecret(secretPath, filepath.Join(dir, secretEntry))
}

// fromArchive puts the database together again, and the secret beside it.
func (c *restoreCmd) fromArchive(ctx context.Context, s streams, cfg Config) error {
	began := time.Now()
	r, err := db.RestoreArchive(ctx, c.File, cfg.databasePath(), c.To)
	if err != nil {
		return err
	}
	if err := placeSecret(filepath.Join(c.File, secretEntry), cfg.secretPath()); err != nil {
		return fmt.Errorf("the secret of the archive: %w", err)
	}
	if err := c.open(ctx, cfg); err != nil {
		return err
	}
	const layout = "2006-01-02T15:04:05.000Z07:00"
	fmt.Fprintf(s.out, "Restored into %s with everything acknowledged until %s: the base of %s and %d commits over it, in %s.\n",
		cfg.Data, r.Until.UTC().Format(layout), r.Base.UTC().Format(layout), r.Commits, time.Since(began).Round(time.Millisecond))
	if !r.More.IsZero() {
		fmt.Fprintf(s.out, "The archive was interrupted then; what it has from %s on has no base to stand on.\n", r.More.UTC().Format(layout))
	}
	return nil
}
