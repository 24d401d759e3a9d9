package db

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Backup writes a consistent copy of a SQLite database into a new file while
// the server goes on. An existing file is not overwritten: fault.Conflict.
// PostgreSQL has tools of its own: fault.Unsupported.
func (d *DB) Backup(ctx context.Context, file string) error {
	if d.dialect == Postgres {
		return fault.New(fault.Unsupported, "db.backup", "a PostgreSQL database is backed up with its own tools: pg_dump, or continuous archiving for larger ones")
	}
	if _, err := os.Lstat(file); err == nil {
		return fault.New(fault.Conflict, "db.backup", "the file %s exists already: choose another name", file)
	}
	part := file + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(fault.Invalid, err, "db.backup", "the file %s cannot be written", part)
	}
	conn, err := d.lite.write.Conn(ctx)
	if err != nil {
		return classify(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "VACUUM INTO $1", part); err != nil {
		return errors.Join(fault.Wrap(fault.Unavailable, err, "db.backup", "the backup could not be written to %s", part), drop(part))
	}
	if err := settle(part, file); err != nil {
		return errors.Join(fault.Wrap(fault.Unavailable, err, "db.backup", "the backup could not be written to %s", file), drop(part))
	}
	return nil
}

// drop removes what an interrupted copy left.
func drop(file string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// settle makes a finished file durable under its final name.
func settle(part, file string) error {
	if err := flush(part); err != nil {
		return err
	}
	if err := os.Rename(part, file); err != nil {
		return err
	}
	return flush(filepath.Dir(file))
}

func flush(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Restore puts a file written by Backup in the place of the database at path.
// No server may be running on it (fault.Conflict); a database that is there
// is only replaced when replace says so. A file that is not a whole database
// of this program is refused and changes nothing.
func Restore(ctx context.Context, backup, path string, replace bool) error {
	lock, err := lockDir(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer lock.release()
	if _, err := os.Lstat(path); err == nil && !replace {
		return fault.New(fault.Conflict, "db.restore", "there is a database at %s already; replacing it must be asked for", path)
	}
	if err := checkBackup(ctx, backup); err != nil {
		return err
	}
	part := path + ".part"
	if err := copyFile(backup, part); err != nil {
		return errors.Join(fault.Wrap(fault.Unavailable, err, "db.restore", "the backup could not be copied to %s", part), drop(part))
	}
	// The log of the old database must not be replayed into the new one.
	for _, old := range []string{path + "-wal", path + "-shm"} {
		if err := drop(old); err != nil {
			return fault.Wrap(fault.Unavailable, err, "db.restore", "%s could not be removed", old)
		}
	}
	if err := settle(part, path); err != nil {
		return fault.Wrap(fault.Unavailable, err, "db.restore", "the database could not be put in place at %s", path)
	}
	return nil
}

func checkBackup(ctx context.Context, backup string) error {
	if _, err := os.Stat(backup); err != nil {
		return fault.Wrap(fault.Invalid, err, "db.restore", "the backup %s cannot be read", backup)
	}
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: backup}).EscapedPath()+"?mode=ro&immutable=1")
	if err != nil {
		return err
	}
	defer pool.Close()
	var verdict string
	if err := pool.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil || verdict != "ok" {
		return fault.Wrap(fault.Invalid, err, "db.restore", "%s is not a whole SQLite database %s", backup, verdict)
	}
	var version int64
	if err := pool.QueryRowContext(ctx, "SELECT MAX(version_id) FROM "+versionTable+" WHERE is_applied").Scan(&version); err != nil {
		return fault.Wrap(fault.Invalid, err, "db.restore", "%s is not a database of this program", backup)
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
