package db

import (
	"context"
	"time"

	"modernc.org/sqlite"
)

// What is committed lies in the write-ahead log until a checkpoint copies it
// into the database file, a page once however often it was written since. The
// writer would do that itself every thousand pages, while all stations wait;
// so a goroutine with a connection of its own does, beside it. The log begins
// anew only when all of it is copied, which under load is between two writes:
// the writer's own checkpoint, now rare and short, sees to that.
const (
	checkpointPages = 1000        // written since the last checkpoint make one worth while
	checkpointPause = time.Second // between two; a page that is written often is copied once
	ownPages        = "12000"     // in the log, at which the writer copies what is left; 47 MiB
)

// grown is told of each commit, and wakes the checkpointer when it pays.
func (l *lite) grown(conn *liteConn) {
	status, ok := conn.raw.(sqlite.DBStatus)
	if !ok {
		return
	}
	pages, _, err := status.Status(sqlite.DBStatusCacheWrite, true)
	if err != nil {
		return
	}
	if l.pages += pages; l.pages < checkpointPages {
		return
	}
	select {
	case l.copy <- struct{}{}:
		l.pages = 0
	default: // it is at work
	}
}

// checkpointLoop runs until the writer has ended.
func (l *lite) checkpointLoop(conn *liteConn) {
	defer close(l.copied)
	defer conn.close()
	for {
		select {
		case <-l.copy:
		case <-l.done:
			return
		}
		if _, err := conn.exec(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)", nil); err != nil {
			l.db.log.Warn("the write-ahead log is not copied into the database file; the writer will", "err", err)
		}
		select {
		case <-time.After(checkpointPause):
		case <-l.done:
			return
		}
	}
}
