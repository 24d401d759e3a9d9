package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// classify gives errors of the engine the kind that callers must tell apart:
// an engine that is away or too busy is fault.Unavailable. All others stay as
// they are, without a kind.
func classify(err error) error {
	if err == nil || fault.Of(err) != nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
			return fault.Wrap(fault.Unavailable, err, "db.busy", "the database is busy, try again")
		case lib.SQLITE_FULL:
			return fault.Wrap(fault.Unavailable, err, "db.full", "the disk of the database is full")
		case lib.SQLITE_IOERR, lib.SQLITE_CANTOPEN: // a full disk shows so, too, in the files beside the database
			return fault.Wrap(fault.Unavailable, err, "db.disk", "the disk of the database does not work")
		}
		return err
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch {
		case retriable(err):
			return fault.Wrap(fault.Unavailable, err, "db.busy", "the database is busy, try again")
		case pg.Code == "53100":
			return fault.Wrap(fault.Unavailable, err, "db.full", "the disk of the database is full")
		case pg.Code == "25006": // after a failover: a standby, or one that still replays
			return fault.Wrap(fault.Unavailable, err, "db.read_only", "the database takes no changes")
		case pg.Code == "58030":
			return fault.Wrap(fault.Unavailable, err, "db.disk", "the disk of the database does not work")
		case strings.HasPrefix(pg.Code, "08"), strings.HasPrefix(pg.Code, "53"), strings.HasPrefix(pg.Code, "57P"):
			return fault.Wrap(fault.Unavailable, err, "db.unreachable", "the database cannot be reached")
		}
		return err
	}
	var netErr net.Error
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) || errors.As(err, &netErr) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, sql.ErrConnDone) {
		return fault.Wrap(fault.Unavailable, err, "db.unreachable", "the database cannot be reached")
	}
	return err
}

// retriable reports a serialization failure or a deadlock of PostgreSQL.
func retriable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// IsUnique reports whether err says that a row with the same key exists. The
// transaction it came from cannot commit; where the case is expected, write
// ON CONFLICT DO NOTHING and look at the number of rows instead.
func IsUnique(err error) bool {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code() == lib.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == lib.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505"
}

// panicked turns a recovered panic into an error with the stack for the log.
func panicked(p any) error {
	return fault.Wrap(fault.Internal, fmt.Errorf("panic: %v\n%s", p, debug.Stack()), "db.panic", "the program failed")
}
