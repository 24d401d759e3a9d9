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
// when a long log is copied but for what was written meanwhile, that is copied
// at once, too, and so on until little is left, and the writer sees to the few
// pages since: while it waits for the disk to have them, all stations wait.
// Its checkpoint at every so many pages is left for a disk that cannot keep up.
// SQLite syncs the database file only when all of the log is copied, which is
// by the writer, for all that the others copied since the last time: 80 to 95
// ms. So the checkpointer syncs it, too, before the writer has to. The wait
// should be seldom all the same; the log's file stays as large as it was
// (journal_size_limit): in one that grows a sync writes its new size, too.
const (
	checkpointPages = 1000        // written since the last checkpoint make one worth while
	checkpointPause = time.Second // between two; a page that is written often is copied once
	longLog         = 50_000      // pages; it should begin anew, and before, when it is as long as the database,
	shortLog        = 6000        // but not before this
	fewPages        = 250         // left for the writer
	mostPasses      = 6           // over a log for that
	ownPages        = "90000"     // in the log, at which the writer copies what is left; 350 MiB
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
		if err := l.checkpoint(conn); err != nil {
			l.db.log.Warn("the write-ahead log is not copied into the database file; the writer will", "err", err)
		}
		select {
		case <-time.After(checkpointPause):
		case <-l.done:
			return
		}
	}
}

func (l *lite) checkpoint(conn *liteConn) error {
	pages, err := conn.checkpoint()
	if err != nil || pages < shortLog {
		return err
	}
	var whole int
	if err := conn.conn.QueryRowContext(context.Background(), "PRAGMA page_count").Scan(&whole); err != nil {
		return conn.note(err)
	}
	if pages < min(whole, longLog) {
		return nil
	}
	for pass, before := 1, 0; err == nil && pages-before > fewPages && pass < mostPasses; pass++ {
		if err = l.base.sync(); err == nil {
			before = pages
			pages, err = conn.checkpoint()
		}
	}
	if err == nil {
		err = l.base.sync()
	}
	l.last.Store(true)
	return err
}

// checkpointLast copies the last pages of a long log; the writer's, between
// two groups.
func (l *lite) checkpointLast(conn *liteConn) {
	if !l.last.CompareAndSwap(true, false) {
		return
	}
	if _, err := conn.checkpoint(); err != nil {
		l.db.log.Warn("the end of the write-ahead log is not copied into the database file", "err", err)
	}
}

// checkpoint copies what it can without waiting for anybody, and gives the
// length of the log in pages.
func (c *liteConn) checkpoint() (pages int, err error) {
	var busy, copied int
	err = c.conn.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &pages, &copied)
	return pages, c.note(err)
}
