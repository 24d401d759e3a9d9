package db

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

const (
	queueLength = 1024                   // callers waiting in order in each queue; more wait to enter
	groupSize   = 512                    // closures committed together at most
	groupTime   = 4 * time.Millisecond   // work after which a group commits
	nestedAfter = 250 * time.Millisecond // a wait after which a nested Update is looked for
	slow        = time.Second            // a closure that holds all others up is told of
)

// waiting is one Update in the writer's queue. The writer hands the connection
// over to the caller's goroutine and waits: so a panic keeps its own stack,
// and a test may end its goroutine inside a closure.
type waiting struct {
	ctx    context.Context
	batch  *batched     // its closure may be run a second time; nil: not of a batch
	yields bool         // to those that do not
	since  time.Time    // it waits
	state  atomic.Int32 // queued, started or left
	turn   chan *liteConn
	ran    chan error // the closure's end; nil asks for a commit
	end    chan error // the commit's end
}

const (
	queued int32 = iota
	started
	left
)

// Update runs fn in a read-write transaction and commits it when fn returns
// nil. fn may run more than once and must have no side effects outside the
// transaction; see the package documentation. Errors of fn come back as they
// are; fault.Unavailable means that the engine is away, full or too busy, and
// nothing was stored; with the code "db.sync", that the disk failed just then,
// and what was stored may be lost with the power.
func (d *DB) Update(ctx context.Context, fn func(tx *Tx) error) error {
	return d.update(ctx, fn, nil)
}

// batched marks the closure of a batch. It is known to bear another run on
// SQLite too, which saves it a savepoint, and to lock on PostgreSQL what it
// reads and writes back.
type batched struct {
	handed func() // SQLite's writer tells it of the commit that the disk has yet to confirm; may be nil
}

// update is Update; batch is nil but for a batch.
func (d *DB) update(ctx context.Context, fn func(tx *Tx) error, batch *batched) error {
	d.refuseNested(ctx)
	if d.dialect == Postgres {
		return d.updatePG(ctx, fn, batch != nil)
	}
	return d.updateLite(ctx, fn, batch)
}

// View runs fn in a read-only transaction over one snapshot. fn may run more
// than once.
func (d *DB) View(ctx context.Context, fn func(tx *Tx) error) error {
	d.refuseNested(ctx)
	if d.dialect == Postgres {
		return d.runPG(ctx, pgView, fn)
	}
	return d.viewLite(ctx, fn)
}

func (d *DB) updateLite(ctx context.Context, fn func(tx *Tx) error, batch *batched) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &waiting{ctx: ctx, batch: batch, yields: yields(ctx), since: time.Now(),
		turn: make(chan *liteConn, 1), ran: make(chan error, 1), end: make(chan error, 1)}
	line := d.lite.line(w)
	select {
	case line <- w:
	default:
		select {
		case line <- w:
		case <-ctx.Done():
			return ctx.Err()
		case <-d.lite.stop:
			return errClosed
		}
	}
	conn, err := d.lite.await(w)
	if err != nil {
		return err
	}
	for {
		tx, err := d.runLite(w, conn, fn)
		if err != nil {
			<-w.end
			return err
		}
		select {
		case err := <-w.end:
			if err == nil || errors.Is(err, errUnsynced) {
				tx.committed()
			}
			return err
		case conn = <-w.turn: // what it did was undone with another's failure
		}
	}
}

// await waits for the writer's turn.
func (l *lite) await(w *waiting) (*liteConn, error) {
	look := time.NewTimer(nestedAfter)
	defer look.Stop()
	for {
		select {
		case conn := <-w.turn:
			return conn, nil
		case err := <-w.end:
			return nil, err
		case <-w.ctx.Done():
			if w.state.CompareAndSwap(queued, left) {
				return nil, w.ctx.Err()
			}
			return <-w.turn, nil // started meanwhile; the closure sees the context
		case <-look.C:
			if inside(runLiteName) {
				w.state.CompareAndSwap(queued, left)
				panic("db: Update was called inside the closure of another Update: use the *db.Tx of the outer one")
			}
		case <-l.done:
			if w.state.CompareAndSwap(queued, left) {
				return nil, errClosed
			}
			return nil, <-w.end
		}
	}
}

// runLiteName is how stack frames name runLite.
var runLiteName = runtime.FuncForPC(reflect.ValueOf((*DB).runLite).Pointer()).Name()

// runLite runs the closure on the caller's goroutine and tells the writer how
// it ended, whichever way that is.
//
//go:noinline
func (d *DB) runLite(w *waiting, conn *liteConn, fn func(tx *Tx) error) (tx *Tx, err error) {
	// An interrupted statement would undo the whole group, so statements do
	// not see the cancellation of one caller; Tx.usable does, between them.
	tx = d.newTx(w.ctx, steady{conn}, true)
	err = fault.New(fault.Internal, "db.aborted", "the closure did not return")
	defer func() {
		tx.finish(nil)
		w.ran <- err
	}()
	err = tx.finish(tx.gathered(fn(tx)))
	if err == nil {
		err = w.ctx.Err()
	}
	return tx, err
}

// steady runs statements that their caller cannot interrupt.
type steady struct{ *liteConn }

// handOver tells the batches of a group that it is committed.
func handOver(group []*waiting) {
	for _, w := range group {
		if w.batch != nil && w.batch.handed != nil {
			w.batch.handed()
		}
	}
}

// writeLoop is the one writer: it takes waiting callers, gives each the
// connection under a savepoint, commits once and answers all.
func (l *lite) writeLoop(conn *liteConn) {
	defer close(l.done)
	defer func() {
		if l.archive != nil {
			l.archive.finish(context.Background(), conn)
		}
		close(l.syncs.groups)
		<-l.syncs.ended
		conn.close()
	}()
	for first := l.first(); first != nil; first = l.first() {
		if conn.bad {
			conn = l.reconnect(conn)
		}
		l.commitGroup(conn, first)
		conn.trim()
		l.checkpointLast(conn)
	}
}

func (l *lite) reconnect(old *liteConn) *liteConn {
	fresh, err := l.writer(context.Background())
	if err != nil {
		l.db.log.Error("the database file cannot be opened again", "err", err)
		return old
	}
	old.close()
	return fresh
}

// commitGroup runs first and those that wait behind it, commits, and leaves it
// to the syncer to answer them.
//
// A savepoint makes SQLite copy every page that is written under it. As long
// as all that ran before can be run again, a caller needs none: if it fails
// the whole transaction is undone and the others take their turn anew.
func (l *lite) commitGroup(conn *liteConn, first *waiting) {
	ctx := context.Background()
	if err := l.begin(ctx, conn); err != nil {
		if first.state.CompareAndSwap(queued, started) {
			first.end <- classify(err)
		}
		return
	}
	var group []*waiting
	from, again := time.Now(), true
	var broken error
	for next := first; next != nil && broken == nil; next = l.another(next, len(group), from) {
		var ran outcome
		if ran, broken = l.runOne(ctx, conn, next, again); ran == joined {
			group, again = append(group, next), again && next.batch != nil
		} else if ran == undone {
			group, broken = l.redo(ctx, conn, group)
			again = false
		}
		if broken != nil {
			break
		}
	}
	if broken == nil {
		if _, broken = conn.exec(ctx, "COMMIT", nil); broken == nil && l.archive != nil {
			l.archive.committed(ctx, conn)
		}
	}
	if broken != nil {
		// The engine may have rolled back by itself already.
		if _, err := conn.exec(ctx, "ROLLBACK", nil); err != nil {
			l.db.log.Debug("rollback after a failed group", "err", err)
		}
		tell(group, classify(broken))
	} else if len(group) > 0 {
		handOver(group)
		l.syncs.groups <- group
	}
	l.grown(conn)
}

// begin begins the transaction of a group.
func (l *lite) begin(ctx context.Context, conn *liteConn) error {
	if err := l.settle(ctx, conn); err != nil {
		return err
	}
	_, err := conn.exec(ctx, "BEGIN IMMEDIATE", nil)
	if err == nil && l.archive != nil {
		l.archive.begun(ctx, conn)
	}
	return err
}

// another takes the next caller into a group, if there is one and room: a
// group that has run for its time commits, so one that yields and takes long
// is its last. One that yielded for long has room also where no other has.
func (l *lite) another(last *waiting, members int, from time.Time) *waiting {
	switch {
	case members < groupSize && time.Since(from) < l.groupTime:
		return l.next()
	case last.yields:
		return nil
	}
	return l.patient(l.overdue)
}

// outcome is what became of a caller's turn.
type outcome uint8

const (
	passed outcome = iota // it had left, or failed; the transaction is as before
	joined                // it waits for the commit
	undone                // it failed, and the whole transaction was undone
)

// redo begins again after a failure undid the group, now with savepoints.
func (l *lite) redo(ctx context.Context, conn *liteConn, group []*waiting) ([]*waiting, error) {
	if err := l.begin(ctx, conn); err != nil {
		return group, err
	}
	kept := group[:0]
	for i, w := range group {
		ran, err := l.turn(ctx, conn, w, false)
		if ran == joined {
			kept = append(kept, w)
		}
		if err != nil {
			return append(kept, group[i+1:]...), err
		}
	}
	return kept, nil
}

// runOne gives the connection to one caller, unless it has left. An error
// means that the whole group is lost.
func (l *lite) runOne(ctx context.Context, conn *liteConn, w *waiting, bare bool) (outcome, error) {
	if !w.state.CompareAndSwap(queued, started) {
		return passed, nil
	}
	return l.turn(ctx, conn, w, bare)
}

// turn runs a caller's closure: bare, or under a savepoint.
func (l *lite) turn(ctx context.Context, conn *liteConn, w *waiting, bare bool) (outcome, error) {
	if !bare {
		if _, err := conn.exec(ctx, "SAVEPOINT u", nil); err != nil {
			w.end <- classify(err)
			return passed, fmt.Errorf("savepoint: %w", err)
		}
	}
	from := time.Now()
	w.turn <- conn
	failure := <-w.ran
	if took := time.Since(from); took > slow {
		l.db.log.Warn("a transaction held up all others", "took", took, "failed", failure != nil)
	}
	if bare {
		return l.endBare(ctx, conn, w, failure), nil
	}
	if failure != nil {
		if _, err := conn.exec(ctx, "ROLLBACK TO u", nil); err != nil {
			w.end <- nil // the caller has its own error
			return passed, fmt.Errorf("rollback to savepoint after %q: %w", failure, err)
		}
	}
	if _, err := conn.exec(ctx, "RELEASE u", nil); err != nil {
		return joined, fmt.Errorf("release of savepoint: %w", err)
	}
	if failure != nil {
		w.end <- nil
		return passed, nil
	}
	return joined, nil
}

func (l *lite) endBare(ctx context.Context, conn *liteConn, w *waiting, failure error) outcome {
	if failure == nil {
		return joined
	}
	// After a full disk the engine has rolled back by itself; whether the
	// transaction is gone shows when the next begins.
	if _, err := conn.exec(ctx, "ROLLBACK", nil); err != nil {
		l.db.log.Debug("rollback of a transaction that failed", "err", err)
	}
	w.end <- nil // the caller has its own error
	return undone
}
