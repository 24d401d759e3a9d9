package db

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// openArchive looks, before the engine opens the database, whether the archive
// ends where the database does.
func openArchive(d *DB, c ArchiveConfig, path string) (_ *archive, err error) {
	if c.Every == 0 {
		c.Every = 24 * time.Hour
	}
	if c.Keep == 0 {
		c.Keep = 24 * time.Hour
	}
	a := &archive{ArchiveConfig: c, db: d, path: path, ended: make(chan struct{}), wake: make(chan struct{}, 1)}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "db.archive", "the archive %s cannot be made", c.Dir)
	}
	if a.lock, err = lockDir(c.Dir); err != nil {
		return nil, err
	}
	if err = a.resume(); err != nil {
		a.lock.release()
		return nil, fault.Wrap(fault.Unavailable, err, "db.archive", "the archive %s cannot be read", c.Dir)
	}
	a.retry.Store(true)
	return a, nil
}

// resume finds the end of the archive and whether the database continues it.
func (a *archive) resume() error {
	all, err := numbers(a.Dir, segmentEnd)
	if err != nil || len(all) == 0 {
		return err
	}
	a.last = all[len(all)-1]
	end, mark, err := segmentMark(a.Dir, a.last)
	if errors.Is(err, errNoSegment) { // it was being made
		return nil
	}
	if err != nil {
		return err
	}
	a.prev, a.mark = &end, mark
	if a.sound, err = a.continues(end); err != nil || !a.sound {
		return err
	}
	bases, err := readBases(a.Dir)
	if err != nil || len(bases) == 0 {
		return err
	}
	newest := bases[len(bases)-1]
	a.most = replayMost(newest.Bytes)
	chain, err := following(a.Dir, newest.Number)
	if err == nil && chain[len(chain)-1].Number == a.last {
		a.base = newest.Begun
	}
	return err
}

// closing is written when the engine has closed the database: the file then
// holds everything that the archive does, and is recognised by this.
type closing struct {
	End  segEnd    `json:"end"`
	Size int64     `json:"size"`
	Time time.Time `json:"time"` // of the last change
	Sum  []byte    `json:"sum"`  // SHA-256 of the first page
}

func (a *archive) closingFile() string  { return filepath.Join(a.Dir, "closed.json") }
func (a *archive) restoredFile() string { return filepath.Join(a.Dir, "restored.json") }

// known gives and removes what says how the database may stand.
func (a *archive) known() (all []string, err error) {
	for _, file := range []string{a.closingFile(), a.restoredFile()} {
		text, err := os.ReadFile(file)
		if err == nil {
			all = append(all, string(text))
			err = os.Remove(file)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return all, nil
}

// stands describes the database file as it is.
func (a *archive) stands(end segEnd) (closing, error) {
	f, err := os.Open(a.path) // the engine has no locks on it now
	if err != nil {
		return closing{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return closing{}, err
	}
	page := make([]byte, 4096)
	n, err := f.ReadAt(page, 0)
	if n == 0 {
		return closing{}, err
	}
	sum := sha256.Sum256(page[:n])
	return closing{End: end, Size: info.Size(), Time: info.ModTime().UTC(), Sum: sum[:]}, nil
}

// continues says whether the database is what the archive has, and perhaps
// more in the same round of its log.
func (a *archive) continues(end segEnd) (bool, error) {
	known, err := a.known()
	if err != nil {
		return false, err
	}
	if info, err := os.Stat(a.path + "-wal"); err == nil && info.Size() > 0 {
		f, err := os.Open(a.path + "-wal")
		if err != nil {
			return false, err
		}
		defer f.Close()
		return (&walFile{file: f}).holds(a.mark)
	}
	a.mark = walMark{}
	is, err := a.stands(end)
	if err != nil {
		return false, nil // there is none: a new database
	}
	text, err := json.Marshal(is)
	return err == nil && slices.Contains(known, string(text)), err
}

// finish is called by the writer at its end, before it closes.
func (a *archive) finish(ctx context.Context, conn *liteConn) {
	if _, err := conn.exec(ctx, "BEGIN IMMEDIATE", nil); err != nil {
		a.sound = false
		return
	}
	a.retry.Store(true)
	a.begun(ctx, conn)
	if _, err := conn.exec(ctx, "ROLLBACK", nil); err != nil {
		a.db.log.Debug("rollback of nothing", "err", err)
	}
}

// close is called when the engine has closed the database.
func (a *archive) close() error {
	var err error
	if info, e := os.Stat(a.path + "-wal"); a.seg != nil && a.sound && (errors.Is(e, fs.ErrNotExist) || e == nil && info.Size() == 0) {
		var is closing
		if is, err = a.stands(*a.prev); err == nil {
			err = writeJSON(a.closingFile(), is)
		}
	}
	if a.seg != nil {
		err = errors.Join(err, a.seg.file.Close())
	}
	if a.wal != nil {
		err = errors.Join(err, a.wal.file.Close())
	}
	if a.data != nil {
		err = errors.Join(err, a.data.Close())
	}
	a.lock.release()
	return err
}

// writeJSON makes a small file durable under its name.
func writeJSON(file string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".part", text, 0o600); err != nil {
		return err
	}
	return settle(file+".part", file)
}
