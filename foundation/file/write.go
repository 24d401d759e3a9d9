package file

import (
	"context"
	"crypto/md5" //nolint:gosec // OCPP PublishFirmware names firmware by its MD5
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
)

type nullInt = sql.NullInt64

// Save stores a file whole. When r fails, or the file is larger than the
// store or the quota allows, nothing is kept.
func (s *Store) Save(ctx context.Context, d Draft, r io.Reader) (f File, err error) {
	err = s.d.DB.Update(ctx, func(tx *db.Tx) (err error) {
		f, err = s.Reserve(tx, d)
		return err
	})
	if err != nil {
		return f, err
	}
	a, err := s.receive(ctx, f, s.d.MaxSize, r)
	if err == nil {
		err = s.d.DB.Update(ctx, func(tx *db.Tx) (err error) {
			f, err = s.adopt(tx, f.ID, a.id, false)
			return err
		})
	}
	if err != nil {
		s.undo(ctx, func(tx *db.Tx) error { return s.Delete(tx, f.ID) })
	}
	return f, err
}

// Write brings the content of a reserved file; an earlier content is
// replaced. When it fails the file stays as it was.
func (s *Store) Write(ctx context.Context, f File, r io.Reader) (File, error) {
	a, err := s.receive(ctx, f, s.d.MaxSize, r)
	if err != nil {
		s.undo(ctx, func(tx *db.Tx) error { return drop(tx, "id = $1", a.id) })
		return f, err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) (err error) {
		f, err = s.adopt(tx, f.ID, a.id, false)
		return err
	})
	return f, err
}

// undo cleans up although the caller may have left.
func (s *Store) undo(ctx context.Context, do func(tx *db.Tx) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := s.d.DB.Update(ctx, do); err != nil {
		s.d.Log.Warn("what was left of an upload stays until it is swept", "error", err)
	}
}

// attempt is content that comes.
type attempt struct {
	id   string
	size int64
}

// receive stores what r gives, piece by piece. When r fails, what came stays
// as an attempt that may be taken later.
func (s *Store) receive(ctx context.Context, f File, most int64, r io.Reader) (attempt, error) {
	var a attempt
	ctx = context.WithoutCancel(ctx) // when the sender leaves, r fails; what came by then is kept
	err := s.d.DB.Update(ctx, func(tx *db.Tx) error {
		a = attempt{id: id.New[string](tx.Now)}
		return tx.Send("INSERT INTO stored_content (id, file, org, size, sha256, md5, name, started_at, touched_at, dropped) VALUES ($1,$2,$3,0,'','','',$4,$4,FALSE)",
			a.id, f.ID, f.Org, db.Micros(tx.Now))
	})
	if err != nil {
		return a, err
	}
	sums := []hash.Hash{sha256.New(), md5.New()} //nolint:gosec // see the import
	buf := make([]byte, pieceSize)
	failed := error(nil)
	for seq := 0; failed == nil; seq++ {
		n, err := fill(r, buf)
		if n > 0 {
			for _, h := range sums {
				h.Write(buf[:n])
			}
			if a.size+int64(n) > most {
				return a, tooLarge(most)
			}
			if err := s.piece(ctx, f.Org, a.id, seq, buf[:n]); err != nil {
				return a, err
			}
			a.size += int64(n)
		}
		failed = err
	}
	if errors.Is(failed, io.EOF) {
		failed = nil
	}
	err = s.ended(ctx, a, sums)
	if failed != nil {
		return a, fault.Wrap(fault.Invalid, failed, "file.cut_off", "the upload broke off after %d bytes; send it again", a.size)
	}
	return a, err
}

// fill reads until buf is full or r ends. Unlike io.ReadFull it leaves
// io.ErrUnexpectedEOF to readers that say so: a body that was cut.
func fill(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = r.Read(buf[n:])
		n += m
	}
	return n, err
}

func (s *Store) ended(ctx context.Context, a attempt, sums []hash.Hash) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		return tx.Send("UPDATE stored_content SET sha256 = $2, md5 = $3 WHERE id = $1", a.id, hex.EncodeToString(sums[0].Sum(nil)), hex.EncodeToString(sums[1].Sum(nil)))
	})
}

func tooLarge(most int64) error {
	return fault.New(fault.Invalid, "file.too_large", "the file is larger than the %s that are allowed here", Bytes(most))
}

// piece stores one piece and counts it against the quota.
func (s *Store) piece(ctx context.Context, org, content string, seq int, data []byte) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		var used int64
		err := tx.QueryRow("INSERT INTO file_usage (org, bytes) VALUES ($1, $2) ON CONFLICT (org) DO UPDATE SET bytes = file_usage.bytes + excluded.bytes RETURNING bytes", org, len(data)).Scan(&used)
		if err != nil {
			return err
		}
		if used > s.d.Quota {
			return fault.New(fault.Conflict, "file.quota", "the files of this organisation would take %s, more than the %s it may store; delete firmware images, logs or bundles that are not needed",
				Bytes(used), Bytes(s.d.Quota))
		}
		if err := tx.Send("INSERT INTO stored_piece (content, seq, data) VALUES ($1, $2, $3)", content, seq, data); err != nil {
			return err
		}
		n, err := tx.Exec("UPDATE stored_content SET size = size + $2, touched_at = $3 WHERE id = $1 AND NOT dropped", content, len(data), db.Micros(tx.Now))
		if err == nil && n == 0 {
			err = fault.New(fault.Conflict, "file.gone", "the file was removed while it came")
		}
		return err
	})
}

// adopt makes an attempt the content of its file and drops every other.
func (s *Store) adopt(tx *db.Tx, file, content string, partial bool) (File, error) {
	n, err := tx.Exec(`UPDATE stored_file SET content = $2, partial = $3, completed_at = $4, size = c.size, sha256 = c.sha256, md5 = c.md5
		FROM stored_content c WHERE c.id = $2 AND NOT c.dropped AND stored_file.id = $1`, file, content, partial, db.Micros(tx.Now))
	if err != nil {
		return File{}, err
	}
	if n == 0 {
		return File{}, fault.New(fault.NotFound, "file.unknown", "the file was removed while it came")
	}
	if err := drop(tx, "file = $1 AND id <> $2", file, content); err != nil {
		return File{}, err
	}
	return s.Get(tx, file)
}

// Salvage keeps what came of an upload that never ended: the longest attempt
// becomes the file, marked Partial. It reports false when nothing came.
func (s *Store) Salvage(tx *db.Tx, file string) (File, bool, error) {
	best, err := ids(tx, "SELECT id FROM stored_content WHERE file = $1 AND NOT dropped AND size > 0 ORDER BY size DESC, id LIMIT 1", file)
	if err != nil || len(best) == 0 {
		return File{}, false, err
	}
	f, err := s.adopt(tx, file, best[0], true)
	return f, err == nil, err
}

// Bytes writes a size for people.
func Bytes(n int64) string {
	const unit = 1024
	switch {
	case n < unit:
		return fmt.Sprintf("%d bytes", n)
	case n < unit*unit:
		return tenths(n, unit, "KiB")
	case n < unit*unit*unit:
		return tenths(n, unit*unit, "MiB")
	}
	return tenths(n, unit*unit*unit, "GiB")
}

func tenths(n, unit int64, name string) string {
	t := (n*10 + unit/2) / unit
	if t%10 == 0 {
		return fmt.Sprintf("%d %s", t/10, name)
	}
	return fmt.Sprintf("%d.%d %s", t/10, t%10, name)
}
