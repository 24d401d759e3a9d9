package db

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// ArchiveConfig says where everything that SQLite commits is kept a second
// time: best on another disk. A commit is acknowledged when both have it.
//
// The archive never refuses service: while it cannot be written the database
// goes on alone, the log says so and [DB.Archive] too, and when it can be
// written again it takes up where it was, or begins with a new base.
type ArchiveConfig struct {
	Dir   string        // made when missing; empty: no archive
	Every time.Duration // between two bases; 0 means 24 hours
	Keep  time.Duration // how far back any instant can be restored; 0 means 24 hours
}

// archiveTick is how often foreign changes and failures are looked after.
var archiveTick = 10 * time.Second

// archive is kept by the writer, which holds the engine's write lock when it
// calls begun: nothing can be committed, and the log cannot be begun anew,
// between that look at the log and its own commit. What other processes (the
// command line) commit in between two looks is found by the next; a round of
// the log that may have been missed makes a new base.
type archive struct {
	ArchiveConfig
	db   *DB
	lock *dirLock
	path string // of the database

	// The writer's.
	wal     *walFile
	seg     *segment // nil: must be begun, or cannot be written
	prev    *segEnd  // where the next segment follows; nil: it follows nothing
	last    int64    // number of the newest segment
	mark    walMark  // all before it is in the archive
	sound   bool     // the mark is of this database
	told    time.Time
	version int64 // of the data, as the engine counts what others commit

	retry atomic.Bool // seg may be begun
	wake  chan struct{}
	turn  atomic.Bool // a segment is to be begun that a base can stand under

	data  *os.File // the loop's; open as long as the engine: closing it earlier would drop the engine's locks
	ended chan struct{}

	mu    sync.Mutex // what follows
	place segEnd     // the durable end
	from  int64      // segment from which the next base counts; 0: none
	base  time.Time  // the newest base under all that follows
	since int64      // bytes of commits since it was begun
	most  int64      // of them, at which a new base is taken
	err   error
}

// ArchiveState is how the archive does.
type ArchiveState struct {
	Dir  string
	Base time.Time // when the newest usable base was begun; zero: none yet
	Err  error     // why it cannot be written at the moment
}

// Archive tells how the archive does; false when there is none.
func (d *DB) Archive() (ArchiveState, bool) {
	if d.lite == nil || d.lite.archive == nil {
		return ArchiveState{}, false
	}
	a := d.lite.archive
	a.mu.Lock()
	defer a.mu.Unlock()
	return ArchiveState{Dir: a.Dir, Base: a.base, Err: a.err}, true
}

// begun is called by the writer at the beginning of each transaction.
func (a *archive) begun(ctx context.Context, conn *liteConn) {
	if a.seg == nil && !a.retry.Swap(false) {
		return
	}
	err := a.catchUp(ctx, conn)
	a.fail(err)
}

func (a *archive) catchUp(ctx context.Context, conn *liteConn) (err error) {
	if a.wal == nil {
		f, err := os.Open(a.path + "-wal")
		if err != nil {
			return err
		}
		a.wal = &walFile{file: f}
	}
	begin, turns, ok, err := a.wal.round()
	if err != nil {
		return err
	}
	sound := a.sound
	switch {
	case a.mark.Off == 0: // the log was empty
		if sound = sound && (!ok || turns == 0); ok {
			a.mark = begin
		}
	case a.seg == nil:
		if sound {
			sound, err = a.wal.holds(a.mark)
		}
	default:
		sound = sound && ok && begin.Salt == a.mark.Salt
	}
	if err != nil {
		return err
	}
	switch {
	case !sound:
		if a.seg != nil || a.last > 0 {
			a.db.log.Info("the archive begins with a new base: something may have been changed that it did not see", "archive", a.Dir)
		}
		a.prev = nil
		err = a.roll(begin, true)
	case a.turn.Load():
		err = a.roll(begin, true)
	case a.seg == nil || a.seg.end > segmentMost:
		err = a.roll(begin, false)
	}
	if err != nil {
		return err
	}
	more := false
	if a.mark.Off > 0 {
		if more, err = a.wal.more(a.mark); err == nil && more {
			err = a.ship()
		}
	}
	if err == nil && (more || a.version == 0) {
		a.version, err = dataVersion(ctx, conn)
	}
	return err
}

// roll begins a segment; a whole one takes the round from its beginning.
func (a *archive) roll(begin walMark, whole bool) error {
	head := segmentHead{Number: a.last + 1, Made: time.Now().UTC(), Whole: whole, Follows: a.prev, At: a.mark}
	if whole {
		head.At = begin
	}
	seg, err := makeSegment(a.Dir, head)
	if err != nil {
		return err
	}
	if a.seg != nil {
		a.seg.file.Close() // synced
	}
	a.seg, a.last, a.mark, a.sound = seg, head.Number, head.At, true
	if whole {
		a.turn.Store(false)
	}
	if whole && a.mark.Off > 0 {
		err = a.ship()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if head.Follows == nil {
		a.base = time.Time{}
	}
	if whole {
		a.from, a.since = head.Number, 0
		select {
		case a.wake <- struct{}{}:
		default: // it is awake
		}
	}
	a.durable()
	return err
}

// durable notes the end of what is safe. mu is held.
func (a *archive) durable() {
	if a.place.Number == a.seg.Number {
		a.since += a.seg.end - a.place.Off
	}
	a.prev = &segEnd{a.seg.Number, a.seg.end}
	a.place = *a.prev
}

// ship brings what was committed behind the mark into the segment.
func (a *archive) ship() error {
	to, err := a.wal.scan(a.mark, -1, nil)
	if err != nil || to == a.mark {
		return err
	}
	now := later(a.told, time.Now()) // also when the clock goes back
	a.told = now
	got, err := a.wal.scan(a.mark, to.Off, func(frames []byte, at int64) error {
		return a.seg.add(chunk{at: now, page: a.wal.page, commit: at+int64(len(frames)) == to.Off, frames: frames})
	})
	if err == nil && got != to {
		err = errors.New("the write-ahead log changed while it was read")
	}
	if err == nil {
		err = a.seg.sync()
	}
	if err != nil {
		return err
	}
	a.mark = to
	a.mu.Lock()
	defer a.mu.Unlock()
	a.durable()
	return nil
}

// committed is called by the writer after its commit, before anybody is told.
func (a *archive) committed(ctx context.Context, conn *liteConn) {
	if a.seg == nil {
		return
	}
	begin, _, ok, err := a.wal.round()
	anew := err == nil && ok && begin.Salt != a.mark.Salt
	if anew {
		a.mark = begin
	}
	if err == nil && ok {
		err = a.ship()
	}
	if err == nil && anew {
		// The writer began the log anew, unless somebody else has committed
		// since it looked: then a round may have gone by.
		var version int64
		if version, err = dataVersion(ctx, conn); version != a.version {
			a.sound = false
		}
		a.version = version
	}
	if err != nil && anew {
		a.sound = false
	}
	a.fail(err)
}

// fail ends the segment, for now; nil says that all is well.
func (a *archive) fail(err error) {
	a.mu.Lock()
	was := a.err
	a.err = err
	a.mu.Unlock()
	switch {
	case err != nil:
		if was == nil {
			a.db.log.Error("the archive cannot be written: what is committed is in the database only", "archive", a.Dir, "err", err)
		}
		if a.seg != nil {
			a.seg.file.Close() // it failed already
			a.seg = nil
		}
	case was != nil:
		a.db.log.Info("the archive is written again", "archive", a.Dir)
	}
}

func dataVersion(ctx context.Context, conn *liteConn) (v int64, err error) {
	rows, err := conn.query(ctx, "PRAGMA data_version", nil)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		err = rows.Scan(&v)
	}
	return v, errors.Join(err, rows.Err())
}
