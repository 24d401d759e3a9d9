package db

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// With synchronous=FULL SQLite waits for the disk inside COMMIT, and nobody
// can write meanwhile. What FULL promises is kept in another way: the writer
// commits with synchronous=NORMAL, which leaves the log to the system, and
// hands the group to a goroutine that syncs the log and only then answers. So
// the next group runs while the disk works, and one sync serves all that were
// committed meanwhile. The log is written in order and a round of it begins
// after a checkpoint that was synced, so what was answered never depends on
// what was not. Readers, and closures that fail, may see what is not on disk
// yet; a write that follows from it is on disk no sooner. Connections other than
// the writer's have FULL.
type syncer struct {
	beside               // the write-ahead log
	delay  time.Duration // Config.CommitDelay

	doubt atomic.Bool // a part of the log may not be on disk, whatever later syncs say

	groups chan []*waiting // committed, in order
	ended  chan struct{}
}

const unsyncedGroups = 64 // committed ones that wait for the disk; then the writer waits

func newSyncer(path string, delay time.Duration) *syncer {
	return &syncer{beside: beside{path: path + "-wal", flush: syncData}, delay: delay, groups: make(chan []*waiting, unsyncedGroups), ended: make(chan struct{})}
}

// errUnsynced is what those are told whose changes are committed but may not
// be on disk. They are in the database, and are on disk before anything else
// is written, but for a power failure until then.
var errUnsynced = fault.New(fault.Unavailable, "db.sync", "the disk did not confirm what was written")

// loop answers groups until there are no more. The system reports a failure
// once, so after one all are told of it until the log is settled.
func (s *syncer) loop(log *slog.Logger) {
	defer close(s.ended)
	var groups [][]*waiting
	for group := range s.groups {
		groups = s.more(append(groups[:0], group))
		err := s.sync()
		time.Sleep(s.delay) // none but when measuring
		if err != nil {
			log.Error("the write-ahead log cannot be synced; nothing is written before it is in the database file", "err", err)
			s.doubt.Store(true)
		}
		if err = nil; s.doubt.Load() {
			err = errUnsynced
		}
		for _, group := range groups {
			tell(group, err)
		}
		clear(groups)
	}
	s.close()
}

// more takes the groups that wait already.
func (s *syncer) more(groups [][]*waiting) [][]*waiting {
	for {
		select {
		case group, ok := <-s.groups:
			if !ok {
				return groups
			}
			groups = append(groups, group)
		default:
			return groups
		}
	}
}

// beside is a file of SQLite's that is synced beside it. One goroutine uses it.
type beside struct {
	path  string
	file  *os.File // nil before the first sync
	flush func(*os.File) error
}

func (b *beside) sync() (err error) {
	if b.file == nil {
		if b.file, err = os.OpenFile(b.path, os.O_RDWR, 0); errors.Is(err, fs.ErrNotExist) {
			return nil // nothing was ever written
		} else if err != nil {
			return err
		}
	}
	return b.flush(b.file)
}

func (b *beside) close() {
	if b.file != nil {
		b.file.Close() // nothing was written through it
	}
}

func tell(group []*waiting, err error) {
	for _, w := range group {
		w.end <- err
	}
}

// writer is a connection for the writer alone.
func (l *lite) writer(ctx context.Context) (*liteConn, error) {
	conn, err := l.connect(ctx, l.write)
	if err != nil {
		return nil, err
	}
	if _, err := conn.exec(ctx, "PRAGMA synchronous=NORMAL", nil); err != nil {
		conn.close()
		return nil, err
	}
	return conn, nil
}

// settle brings a log that is in doubt into the database file, whole and
// synced, before anything is written behind it.
func (l *lite) settle(ctx context.Context, conn *liteConn) error {
	if !l.syncs.doubt.Load() {
		return nil
	}
	var busy, pages, copied int
	err := conn.conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &copied)
	if err == nil && busy != 0 {
		err = errors.New("readers are in the way")
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, conn.note(err), "db.sync", "the disk did not confirm what was written before, and it cannot be written again yet")
	}
	l.syncs.doubt.Store(false)
	l.db.log.Info("the write-ahead log is in the database file; writing goes on")
	return nil
}
