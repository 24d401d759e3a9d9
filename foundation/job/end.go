package job

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// ended is an attempt that is over.
type ended struct {
	Job
	err     error
	stopped bool // the end of the runner cut it short
}

// storeEnds stores how attempts ended, those that went well together.
func (r *Runner) storeEnds(tx *db.Tx, all []ended) error {
	if err := lockInOrder(tx, all); err != nil {
		return err
	}
	var well []Job
	for _, e := range all {
		var err error
		switch {
		case e.err == nil:
			well = append(well, e.Job)
		case e.stopped:
			err = r.giveBack(tx, e.Job)
		case final(e.err) || e.Attempt >= r.kinds[e.Kind].MaxAttempts:
			err = r.fail(tx, e.Job, e.err)
		default:
			err = r.postpone(tx, e.Job, e.err)
		}
		if err != nil {
			return err
		}
	}
	if len(well) == 0 {
		return nil
	}
	return r.succeed(tx, well)
}

// change runs a statement on the jobs whose leases are still those of these
// attempts.
func (r *Runner) change(tx *db.Tx, q *db.Query, which string, jobs ...Job) (int64, error) {
	ids, attempts := make([]string, len(jobs)), make([]string, len(jobs))
	for i, j := range jobs {
		ids[i], attempts[i] = j.ID, fmt.Sprintf("%s %d", j.ID, j.Attempt)
	}
	query, args := q.Add("WHERE state = 'running' AND lease_owner = ? AND lease_boot = ?", r.node, r.db.Boot()).
		And(db.Cond{Text: which}).And(db.In("id", ids...)).And(db.In("id || ' ' || attempts", attempts...)).SQL()
	return tx.Exec(query, args...)
}

// succeed removes the jobs; those that were enqueued again meanwhile wait.
func (r *Runner) succeed(tx *db.Tx, jobs []Job) error {
	gone, err := r.change(tx, db.Build("DELETE FROM job"), "NOT again", jobs...)
	if err != nil || gone == int64(len(jobs)) {
		return err
	}
	now := db.Micros(tx.Now)
	_, err = r.change(tx, db.Build("UPDATE job SET state = 'waiting', again = FALSE, attempts = 0, error = '', run_at = ?, updated_at = ?", now, now), "again", jobs...)
	tx.Wake(topic)
	return err
}

// lockInOrder locks the jobs in the order in which insert does: two that lock
// the same rows in other orders end in a deadlock. SQLite has one writer.
func lockInOrder(tx *db.Tx, all []ended) error {
	if tx.Dialect == db.SQLite || len(all) == 1 {
		return nil
	}
	ids := make([]string, len(all))
	for i, e := range all {
		ids[i] = e.ID
	}
	query, args := db.Build("SELECT id FROM job WHERE TRUE").And(db.In("id", ids...)).Add(`ORDER BY kind COLLATE "C", key COLLATE "C" FOR UPDATE`).SQL()
	return tx.Send(query, args...)
}

// giveBack returns a job that the end of this runner cut short; the attempt
// does not count.
func (r *Runner) giveBack(tx *db.Tx, j Job) error {
	now := db.Micros(tx.Now)
	_, err := r.change(tx, db.Build("UPDATE job SET state = 'waiting', attempts = attempts - 1, run_at = ?, updated_at = ?", now, now), "", j)
	tx.Wake(topic)
	return err
}

func (r *Runner) postpone(tx *db.Tx, j Job, cause error) error {
	pause := min(firstRetry<<min(j.Attempt-1, 12), lastRetry)
	pause += rand.N(pause / 4)
	now := db.Micros(tx.Now)
	_, err := r.change(tx, db.Build(`UPDATE job SET state = 'waiting', again = FALSE, error = ?, updated_at = ?,
		run_at = CASE WHEN again THEN CAST(? AS BIGINT) ELSE CAST(? AS BIGINT) END`, clip(cause), now, now, db.Micros(tx.Now.Add(pause))), "", j)
	return err
}

func (r *Runner) fail(tx *db.Tx, j Job, cause error) error {
	now := db.Micros(tx.Now)
	_, err := r.change(tx, db.Build(`UPDATE job SET state = CASE WHEN again THEN 'waiting' ELSE 'failed' END, attempts = CASE WHEN again THEN 0 ELSE attempts END,
		again = FALSE, error = ?, updated_at = ?, run_at = ?`, clip(cause), now, now), "", j)
	return err
}

func clip(err error) string {
	s := err.Error()
	if len(s) > maxError {
		s = s[:maxError]
	}
	return strings.ToValidUTF8(s, "?")
}
