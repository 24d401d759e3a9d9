package event

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// lag is how far the stored cursor may stay behind over facts that do not
// concern the consumer; it saves a write per foreign fact.
const lag = 2000

// gather is the least time between two looks without more to do, so that a
// busy system pays for one look, and moves a cursor once, per many commits.
// No station waits for a consumer.
const gather = 160 * time.Millisecond

// worker is one consumer on one node.
type worker struct {
	Consumer
	log   *Log
	owner string
	force bool // take the lease whoever has it
	known bool // the lease was looked at since this process began
	brief *db.Portion

	leased   bool
	renewAt  time.Time
	stored   int64 // the cursor as stored: what compare-and-set compares
	seen     int64 // up to here nothing concerns us any more
	parked   map[string]struct{}
	again    time.Duration // look again after; 0: the usual poll
	failures int
}

// errFenced says that another node moved the cursor.
var errFenced = errors.New("event: the cursor was moved by another node")

// handleError is a fact that its consumer could not handle. It unwraps, so
// that db.Update sees a deadlock in it and retries.
type handleError struct {
	index int
	err   error
}

func (e *handleError) Error() string { return e.err.Error() }
func (e *handleError) Unwrap() error { return e.err }

func (w *worker) run(ctx context.Context) {
	wake := w.log.watch()
	defer w.log.unwatch(wake)
	for ctx.Err() == nil {
		rest := time.After(gather)
		more, err := w.step(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			w.failures++
			pause := min(poll<<min(w.failures, 5), leaseTime)
			w.log.log.Warn("a consumer cannot work", "consumer", w.Name, "err", err, "again", pause)
			w.leased = false
			if sleep(ctx, pause) != nil {
				continue
			}
		case more:
			w.failures = 0
		case !w.leased:
			sleep(ctx, poll)
		default:
			w.failures = 0
			<-rest
			w.log.wait(ctx, wake, w.again)
		}
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := w.release(end); err != nil {
		w.log.log.Warn("a lease was not given back", "consumer", w.Name, "err", err)
	}
}

// step does one portion of work; more says that there may be more at once.
func (w *worker) step(ctx context.Context) (more bool, err error) {
	w.again = 0
	if held, err := w.lease(ctx); err != nil || !held {
		return false, err
	}
	retried, err := w.retryDue(ctx)
	if err != nil {
		return false, w.unfenced(err)
	}
	top, again, err := w.log.look(ctx, w.force)
	if err != nil {
		return false, err
	}
	w.again = again
	moved, err := w.advance(ctx, top)
	return moved || retried, w.unfenced(err)
}

// unfenced turns a lost race into a new start: the lease is asked for again.
func (w *worker) unfenced(err error) error {
	if errors.Is(err, errFenced) {
		w.leased = false
		return nil
	}
	return err
}

func (w *worker) advance(ctx context.Context, top int64) (bool, error) {
	if w.seen >= top {
		return false, nil
	}
	facts, reached, err := w.read(ctx, top)
	if err != nil {
		return false, err
	}
	if len(facts) == 0 {
		w.seen = reached
		if reached-w.stored >= lag {
			return reached < top, w.update(ctx, reached, func(*db.Tx) error { return nil })
		}
		return reached < top, nil
	}
	return true, w.handle(ctx, facts)
}

// read gives the next facts that concern us, up to reached: from the tape, or
// from the table when we are behind it.
func (w *worker) read(ctx context.Context, top int64) (facts []Fact, reached int64, err error) {
	facts, reached, ok, err := w.log.tape.between(ctx, w.seen, top, w.Kinds, w.brief.Size())
	if ok || err != nil {
		return facts, reached, err
	}
	err = w.log.db.View(ctx, func(tx *db.Tx) (err error) {
		facts, err = between(tx, w.seen, top, []db.Cond{ofKinds(w.Kinds)}, w.brief.Size())
		return err
	})
	return facts, top, err
}

// handle does all facts in one transaction, and one by one if that fails.
func (w *worker) handle(ctx context.Context, facts []Fact) error {
	err := w.update(ctx, facts[len(facts)-1].Seq, w.brief.Of(len(facts), func(tx *db.Tx) error {
		handle, err := w.ahead(tx, facts)
		if err != nil {
			return &handleError{0, err} // if it is another's fault, its turn comes
		}
		for i, f := range facts {
			if err := w.one(tx, f, handle); err != nil {
				return &handleError{i, err}
			}
		}
		return nil
	}))
	i, its := blame(ctx, err)
	if !its {
		return err
	}
	if i > 0 { // those before went well
		if err := w.handle(ctx, facts[:i]); err != nil {
			return err
		}
	}
	if err := w.handleAlone(ctx, facts[i]); err != nil {
		return err
	}
	if rest := facts[i+1:]; len(rest) > 0 {
		return w.handle(ctx, rest)
	}
	return nil
}

// blame tells a failure of a fact, with its index, from one of the database
// or of our own time, which says nothing about the fact.
func blame(ctx context.Context, err error) (index int, its bool) {
	var failed *handleError
	switch {
	case err == nil || ctx.Err() != nil || errors.Is(err, errFenced):
		return 0, false
	case errors.As(err, &failed):
		return failed.index, true
	}
	return 0, !fault.Is(err, fault.Unavailable)
}

// handleAlone does one fact, and parks its subject if it fails.
func (w *worker) handleAlone(ctx context.Context, f Fact) error {
	err := w.update(ctx, f.Seq, func(tx *db.Tx) error {
		handle, err := w.ahead(tx, []Fact{f})
		if err == nil {
			err = w.one(tx, f, handle)
		}
		if err != nil {
			return &handleError{0, err}
		}
		return nil
	})
	if _, its := blame(ctx, err); !its {
		return err
	}
	return w.park(ctx, f, err)
}

// ahead gives the function that handles each of the facts.
func (w *worker) ahead(tx *db.Tx, facts []Fact) (handle func(Fact) error, err error) {
	if w.Ahead == nil {
		return func(f Fact) error { return w.Handle(tx, f) }, nil
	}
	defer recovered(&err)
	if handle, err = w.Ahead(tx, facts); err == nil {
		err = tx.Err()
	}
	return handle, err
}

// one handles a fact unless its subject is parked: then it waits there.
func (w *worker) one(tx *db.Tx, f Fact, handle func(Fact) error) error {
	if _, waits := w.parked[f.Subject]; waits {
		return nil
	}
	return call(tx, f, handle)
}

// call handles a fact, with a panic as an error.
func call(tx *db.Tx, f Fact, handle func(Fact) error) (err error) {
	defer recovered(&err)
	if err := handle(f); err != nil {
		return err
	}
	return tx.Err() // a statement that failed, unnoticed by the consumer
}

func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	}
}

// update moves the cursor to seq in the transaction of fn, if it is still
// where we left it and the lease is ours. It yields to whom a station waits for.
func (w *worker) update(ctx context.Context, seq int64, fn func(tx *db.Tx) error) error {
	err := w.log.db.Update(db.Yielding(ctx), func(tx *db.Tx) error {
		n, err := tx.Exec(`UPDATE fact_cursor SET seq = $1, updated_at = $2 WHERE consumer = $3 AND seq = $4 AND lease_owner = $5 AND lease_boot = $6`,
			seq, db.Micros(tx.Now), w.Name, w.stored, w.owner, w.log.db.Boot())
		if err != nil {
			return err
		}
		if n != 1 {
			return errFenced
		}
		return fn(tx)
	})
	if err == nil {
		w.stored, w.seen = seq, max(seq, w.seen)
	}
	return err
}
