package file

import (
	"context"
	"errors"
	"io"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Reader reads a stored file from any place, a piece at a time. It belongs to
// one goroutine.
type Reader struct {
	ctx  context.Context
	db   *db.DB
	file File
	at   int64
	seq  int64 // of the piece held; -1: none
	held []byte
	last func() error // asked before the last byte is given
}

// Open reads a file's content; fault.Conflict while none has come.
func (s *Store) Open(ctx context.Context, f File) (*Reader, error) {
	if f.CompletedAt == nil {
		return nil, fault.New(fault.Conflict, "file.empty", "the content of this file has not come yet")
	}
	return &Reader{ctx: ctx, db: s.d.DB, file: f, seq: -1}, nil
}

// Read gives the next bytes.
func (r *Reader) Read(p []byte) (int, error) {
	if r.at >= r.file.Size {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	if err := r.hold(r.at / pieceSize); err != nil {
		return 0, err
	}
	n := copy(p, r.held[r.at%pieceSize:])
	if r.at+int64(n) == r.file.Size && r.last != nil {
		if err := r.last(); err != nil {
			return 0, err
		}
		r.last = nil
	}
	r.at += int64(n)
	return n, nil
}

func (r *Reader) hold(seq int64) error {
	if seq == r.seq {
		return nil
	}
	err := r.db.View(r.ctx, func(tx *db.Tx) error {
		return tx.QueryRow("SELECT data FROM stored_piece WHERE content = $1 AND seq = $2", r.file.content, seq).Scan(&r.held)
	})
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "file.unknown", "the file was removed while it was read")
	}
	if err != nil {
		r.seq = -1
		return err
	}
	if want := min(pieceSize, r.file.Size-seq*pieceSize); int64(len(r.held)) != want {
		r.seq = -1
		return fault.New(fault.Internal, "file.damaged", "piece %d of file %s has %d bytes, not %d", seq, r.file.ID, len(r.held), want)
	}
	r.seq = seq
	return nil
}

// Seek moves the place of the next Read.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.file.Size
	}
	if offset < 0 {
		return 0, errors.New("file: seek before the start")
	}
	r.at = offset
	return offset, nil
}
