package event

import (
	"context"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

const (
	firstRetry  = time.Second
	lastRetry   = 15 * time.Minute
	maxError    = 2000 // bytes of an error kept
	retryAtOnce = 20   // parked subjects tried between two portions of new facts
)

// Parked is a subject whose fact Seq a consumer could not handle.
type Parked struct {
	Consumer string
	Subject  string
	Org      string
	Seq      int64
	Kind     string
	Error    string
	Attempts int
	ParkedAt time.Time
	NextAt   time.Time // the next attempt
}

// Parked lists the parked subjects that meet the conditions, the oldest
// first. Columns: consumer, subject, org, seq, kind, attempts.
func (l *Log) Parked(ctx context.Context, where ...db.Cond) (all []Parked, err error) {
	err = l.db.View(ctx, func(tx *db.Tx) error {
		all, err = readParked(tx, where...)
		return err
	})
	return all, err
}

func readParked(tx *db.Tx, where ...db.Cond) ([]Parked, error) {
	q := db.Build("SELECT consumer, subject, org, seq, kind, error, attempts, parked_at, next_at FROM fact_parked WHERE TRUE")
	for _, c := range where {
		q.And(c)
	}
	query, args := q.Add("ORDER BY seq, consumer").SQL()
	return db.Collect(tx, func(s db.Scanner) (p Parked, err error) {
		var parked, next int64
		err = s.Scan(&p.Consumer, &p.Subject, &p.Org, &p.Seq, &p.Kind, &p.Error, &p.Attempts, &parked, &next)
		p.ParkedAt, p.NextAt = db.Time(parked), db.Time(next)
		return p, err
	}, query, args...)
}

// Retry makes a parked subject due now. fault.NotFound when it is not parked.
func (l *Log) Retry(ctx context.Context, consumer, subject string) error {
	return l.db.Update(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec("UPDATE fact_parked SET next_at = $1 WHERE consumer = $2 AND subject = $3", db.Micros(tx.Now), consumer, subject)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.NotFound, "event.not_parked", "%s has not parked %q", consumer, subject)
		}
		tx.Wake(topic)
		return nil
	})
}

// park stores the failure and lets the cursor pass the fact.
func (w *worker) park(ctx context.Context, f Fact, cause error) error {
	err := w.update(ctx, f.Seq, func(tx *db.Tx) error {
		return tx.Send(`INSERT INTO fact_parked (consumer, subject, org, seq, kind, error, attempts, parked_at, next_at) VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8)`,
			w.Name, f.Subject, f.Org, f.Seq, f.Kind, clip(cause), db.Micros(tx.Now), db.Micros(tx.Now.Add(firstRetry)))
	})
	if err == nil {
		w.parked[f.Subject] = struct{}{}
		w.log.log.Error("a fact failed; its subject waits", "consumer", w.Name, "fact", f.Seq, "kind", f.Kind, "subject", f.Subject, "org", f.Org, "station", f.Station, "err", cause)
	}
	return err
}

func clip(err error) string {
	s := err.Error()
	if len(s) > maxError {
		s = s[:maxError]
	}
	return s
}

// retryDue tries the parked subjects that are due.
func (w *worker) retryDue(ctx context.Context) (bool, error) {
	if len(w.parked) == 0 {
		return false, nil
	}
	var due []Parked
	err := w.log.db.View(ctx, func(tx *db.Tx) error {
		all, err := readParked(tx, db.Cond{Text: "consumer = ? AND next_at <= ?", Args: []any{w.Name, db.Micros(tx.Now)}})
		due = all[:min(len(all), retryAtOnce)]
		return err
	})
	if err != nil {
		return false, err
	}
	for _, p := range due {
		if err := w.retry(ctx, p); err != nil {
			return true, err
		}
	}
	return len(due) > 0, nil
}

// retry goes through the subject's facts from the failed one to the cursor,
// each in its own transaction, until one fails again or all are done.
func (w *worker) retry(ctx context.Context, p Parked) error {
	for {
		var left []Fact
		err := w.log.db.View(ctx, func(tx *db.Tx) (err error) {
			left, err = between(tx, p.Seq-1, w.stored, []db.Cond{{Text: "subject = ?", Args: []any{p.Subject}}, ofKinds(w.Kinds)}, batchSize)
			return err
		})
		if err != nil {
			return err
		}
		for i, f := range left {
			last := i == len(left)-1 && len(left) < batchSize
			if failed, err := w.retryOne(ctx, p, f, last); err != nil || failed {
				return err
			}
			p.Seq, p.Attempts = f.Seq+1, 0
		}
		if len(left) < batchSize {
			if len(left) == 0 { // removed meanwhile
				return w.unpark(ctx, p)
			}
			delete(w.parked, p.Subject)
			return nil
		}
	}
}

// retryOne handles one fact of a parked subject; the last one frees it.
func (w *worker) retryOne(ctx context.Context, p Parked, f Fact, last bool) (failed bool, err error) {
	err = w.update(ctx, w.stored, func(tx *db.Tx) error {
		handle, err := w.ahead(tx, []Fact{f})
		if err == nil {
			err = call(tx, f, handle)
		}
		if err != nil {
			return &handleError{0, err}
		}
		if last {
			return w.forget(tx, p)
		}
		return tx.Send("UPDATE fact_parked SET seq = $1, attempts = 0 WHERE consumer = $2 AND subject = $3", f.Seq+1, w.Name, p.Subject)
	})
	if _, its := blame(ctx, err); !its {
		return false, err
	}
	return true, w.repark(ctx, p, f, err)
}

func (w *worker) repark(ctx context.Context, p Parked, f Fact, cause error) error {
	pause := min(firstRetry<<min(p.Attempts, 12), lastRetry)
	err := w.update(ctx, w.stored, func(tx *db.Tx) error {
		return tx.Send("UPDATE fact_parked SET seq = $1, kind = $2, error = $3, attempts = $4, next_at = $5 WHERE consumer = $6 AND subject = $7",
			f.Seq, f.Kind, clip(cause), p.Attempts+1, db.Micros(tx.Now.Add(pause)), w.Name, p.Subject)
	})
	w.log.log.Warn("a parked fact failed again", "consumer", w.Name, "fact", f.Seq, "kind", f.Kind, "subject", f.Subject, "attempts", p.Attempts+1, "again", pause, "err", cause)
	return err
}

func (w *worker) unpark(ctx context.Context, p Parked) error {
	err := w.update(ctx, w.stored, func(tx *db.Tx) error { return w.forget(tx, p) })
	if err == nil {
		delete(w.parked, p.Subject)
	}
	return err
}

func (w *worker) forget(tx *db.Tx, p Parked) error {
	return tx.Send("DELETE FROM fact_parked WHERE consumer = $1 AND subject = $2", w.Name, p.Subject)
}
