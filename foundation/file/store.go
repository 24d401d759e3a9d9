package file

import (
	"context"
	"log/slog"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/foundation/job"
)

// Config of the store; zero values mean the defaults.
type Config struct {
	Quota   int64         // bytes that one organisation may store; 10 GiB
	MaxSize int64         // bytes of one file; 1 GiB
	Abandon time.Duration // after which an attempt that brings nothing more is given up; 1 h
}

// Deps are what the store needs.
type Deps struct {
	Config
	DB  *db.DB
	Log *slog.Logger
	// URL is the address below which /files/ is served. plain asks for the
	// one for stations without TLS; both may be the same.
	URL func(plain bool) string
}

// Store keeps files.
type Store struct {
	d       Deps
	arrived map[string]func(tx *db.Tx, f File) error
}

// New makes a store.
func New(d Deps) *Store {
	if d.Quota <= 0 {
		d.Quota = 10 << 30
	}
	if d.MaxSize <= 0 {
		d.MaxSize = 1 << 30
	}
	if d.Abandon <= 0 {
		d.Abandon = time.Hour
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.URL == nil {
		d.URL = func(bool) string { return "" }
	}
	return &Store{d: d, arrived: map[string]func(*db.Tx, File) error{}}
}

// MaxSize is the size a file may have at most, in bytes.
func (s *Store) MaxSize() int64 { return s.d.MaxSize }

// OnUpload has fn called when a file of the purpose came by a link, in the
// transaction that completes it. Register before serving.
func (s *Store) OnUpload(purpose string, fn func(tx *db.Tx, f File) error) { s.arrived[purpose] = fn }

// Jobs registers the clean-up.
func (s *Store) Jobs(r *job.Runner) { r.Every("file.sweep", 5*time.Minute, s.Sweep) }

const fileColumns = "id, org, purpose, subject, name, content_type, content, size, sha256, md5, partial, created_at, completed_at, expires_at"

func scanFile(row db.Scanner) (File, error) {
	var f File
	var created int64
	var completed, expires nullInt
	err := row.Scan(&f.ID, &f.Org, &f.Purpose, &f.Subject, &f.Name, &f.ContentType, &f.content, &f.Size, &f.SHA256, &f.MD5, &f.Partial, &created, &completed, &expires)
	f.CreatedAt, f.CompletedAt, f.ExpiresAt = db.Time(created), db.TimePtr(completed), db.TimePtr(expires)
	return f, err
}

// Reserve makes a file whose content comes later, by a link.
func (s *Store) Reserve(tx *db.Tx, d Draft) (File, error) {
	if d.Org == "" || d.Purpose == "" {
		return File{}, fault.New(fault.Internal, "file.incomplete", "a file needs an organisation and a purpose")
	}
	f := File{ID: id.New[string](tx.Now), Org: d.Org, Purpose: d.Purpose, Subject: d.Subject, Name: safeName(d.Name, nameless), ContentType: d.ContentType, CreatedAt: tx.Now, ExpiresAt: d.ExpiresAt}
	if f.ContentType == "" {
		f.ContentType = octets
	}
	err := tx.Send("INSERT INTO stored_file ("+fileColumns+") VALUES ($1,$2,$3,$4,$5,$6,'',0,'','',FALSE,$7,NULL,$8)",
		f.ID, f.Org, f.Purpose, f.Subject, f.Name, f.ContentType, db.Micros(tx.Now), db.NullMicros(f.ExpiresAt))
	return f, err
}

// Get finds a file. fault.NotFound when there is none.
func (s *Store) Get(tx *db.Tx, file string) (File, error) {
	f, err := scanFile(tx.QueryRow("SELECT "+fileColumns+" FROM stored_file WHERE id = $1", file))
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "file.unknown", "there is no such file")
	}
	return f, err
}

// Expire says when a file is removed; nil keeps it.
func (s *Store) Expire(tx *db.Tx, file string, at *time.Time) error {
	return tx.Send("UPDATE stored_file SET expires_at = $2 WHERE id = $1", file, db.NullMicros(at))
}

// Delete removes a file, its links and its content. Its bytes are free for
// the quota at once; the rows of its pieces go in the background.
func (s *Store) Delete(tx *db.Tx, file string) error {
	if err := tx.Send("DELETE FROM file_link WHERE file = $1", file); err != nil {
		return err
	}
	if err := tx.Send("DELETE FROM stored_file WHERE id = $1", file); err != nil {
		return err
	}
	return drop(tx, "file = $1", file)
}

// drop marks attempts for removal and frees their bytes.
func drop(tx *db.Tx, where string, args ...any) error {
	type attempt struct {
		id, org string
		size    int64
	}
	found, err := db.Collect(tx, func(row db.Scanner) (a attempt, err error) {
		err = row.Scan(&a.id, &a.org, &a.size)
		return a, err
	}, "SELECT id, org, size FROM stored_content WHERE NOT dropped AND "+where, args...)
	if err != nil {
		return err
	}
	for _, a := range found {
		n, err := tx.Exec("UPDATE stored_content SET dropped = TRUE WHERE id = $1 AND NOT dropped", a.id)
		if err != nil {
			return err
		}
		if n == 0 {
			continue // another transaction did
		}
		if err := tx.Send("UPDATE file_usage SET bytes = bytes - $2 WHERE org = $1", a.org, a.size); err != nil {
			return err
		}
	}
	return nil
}

// Used gives the bytes that an organisation stores, and how many it may.
func (s *Store) Used(tx *db.Tx, org string) (used, quota int64, err error) {
	err = tx.QueryRow("SELECT COALESCE(SUM(bytes), 0) FROM file_usage WHERE org = $1", org).Scan(&used)
	return used, s.d.Quota, err
}

const sweepAtOnce = 200

// Sweep removes files and links that expired, attempts that nothing more came
// of, and the pieces of what was dropped.
func (s *Store) Sweep(ctx context.Context) error {
	for _, step := range []func(tx *db.Tx) (more bool, err error){s.sweepFiles, s.sweepAttempts, s.sweepLinks, s.sweepPieces} {
		for more := true; more; {
			err := s.d.DB.Update(ctx, func(tx *db.Tx) (err error) {
				more, err = step(tx)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func ids(tx *db.Tx, query string, args ...any) ([]string, error) {
	return db.Collect(tx, func(row db.Scanner) (v string, err error) { err = row.Scan(&v); return v, err }, query, args...)
}

func (s *Store) sweepFiles(tx *db.Tx) (bool, error) {
	gone, err := ids(tx, "SELECT id FROM stored_file WHERE expires_at < $1 ORDER BY expires_at LIMIT 200", db.Micros(tx.Now))
	for _, file := range gone {
		if err == nil {
			err = s.Delete(tx, file)
		}
	}
	return len(gone) == sweepAtOnce, err
}

// sweepAttempts gives up what broke off, unless its file still waits with a
// link that is good: then what came may be wanted when the wait ends.
func (s *Store) sweepAttempts(tx *db.Tx) (bool, error) {
	return false, drop(tx, `touched_at < $1 AND id NOT IN (SELECT content FROM stored_file WHERE content <> '')
		AND file NOT IN (SELECT file FROM file_link WHERE upload AND NOT revoked AND expires_at > $2)`, db.Micros(tx.Now.Add(-s.d.Abandon)), db.Micros(tx.Now))
}

func (s *Store) sweepLinks(tx *db.Tx) (bool, error) {
	n, err := tx.Exec("DELETE FROM file_link WHERE hash IN (SELECT hash FROM file_link WHERE expires_at < $1 LIMIT 200)", db.Micros(tx.Now.Add(-24*time.Hour)))
	return n == sweepAtOnce, err
}

// sweepPieces removes a few megabytes at a time, so that nobody waits long.
func (s *Store) sweepPieces(tx *db.Tx) (bool, error) {
	gone, err := ids(tx, "SELECT id FROM stored_content WHERE dropped ORDER BY id LIMIT 1")
	if err != nil || len(gone) == 0 {
		return false, err
	}
	n, err := tx.Exec("DELETE FROM stored_piece WHERE content = $1 AND seq IN (SELECT seq FROM stored_piece WHERE content = $1 ORDER BY seq LIMIT 32)", gone[0])
	if err != nil || n > 0 {
		return true, err
	}
	err = tx.Send("DELETE FROM stored_content WHERE id = $1", gone[0])
	return true, err
}
