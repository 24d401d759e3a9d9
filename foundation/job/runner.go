package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/cluster"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

const (
	poll       = time.Second
	endRest    = 20 * time.Millisecond // in which ends of jobs share a transaction
	parallel   = 16                    // jobs of one node at once
	grace      = 30 * time.Second      // a lease beyond the attempt's time-out
	firstRetry = 2 * time.Second
	lastRetry  = time.Hour
	maxError   = 2000 // bytes of an error kept
)

// Runner does the jobs of the kinds it handles, on one node.
type Runner struct {
	db   *db.DB
	bus  *cluster.Bus // nil: no other nodes to wake
	node string
	log  *slog.Logger
	poll time.Duration // between looks at the table when nothing wakes it
	ends *db.Batch[ended]
	pace pace // of the jobs of the background

	asked atomic.Bool // a job was enqueued in this process since the last look

	mu       sync.Mutex
	kinds    map[string]handler
	periodic []*periodic
}

type handler struct {
	fn func(ctx context.Context, j Job) error
	Options
}

// New makes a runner. Bus may be nil when there are no other nodes.
func New(d *db.DB, bus *cluster.Bus, node string, log *slog.Logger) *Runner {
	if log == nil {
		log = slog.Default()
	}
	r := &Runner{db: d, bus: bus, node: node, log: log, poll: poll, kinds: map[string]handler{}}
	r.ends = db.NewBatch(d, db.BatchOptions{Rest: endRest, Yields: true}, r.storeEnds)
	return r
}

// Handle says how jobs of a kind are done; before Run.
func (r *Runner) Handle(kind string, fn func(ctx context.Context, j Job) error, o Options) {
	if o.MaxAttempts <= 0 {
		o.MaxAttempts = 10
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Minute
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.kinds[kind]; ok {
		panic("job: two handlers for " + kind)
	}
	r.kinds[kind] = handler{fn, o}
}

// Pace says how the jobs of the background are paced; before Run.
func (r *Runner) Pace(p Pace) { r.pace.Pace = p }

// Run works until ctx ends; then it waits for the jobs at hand, whose context
// has ended too, gives back what they did not finish, and returns nil. Its
// transactions, and those of the work done with the context it hands out,
// yield to whom a station waits for.
func (r *Runner) Run(ctx context.Context) error {
	ctx = db.Yielding(ctx)
	wake := make(chan struct{}, 1)
	nudge := func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
	defer r.db.Listen(topic, func() {
		r.asked.Store(true)
		nudge()
	})()
	if r.bus != nil {
		unsubscribe, err := r.bus.Subscribe(wakeSubject, func(string, []byte) { nudge() })
		if err != nil {
			return err
		}
		defer unsubscribe()
	}
	var all sync.WaitGroup
	for _, p := range r.periodic {
		all.Go(func() { p.run(ctx) })
	}
	r.loop(ctx, wake, nudge, &all)
	all.Wait()
	return nil
}

func (r *Runner) loop(ctx context.Context, wake <-chan struct{}, nudge func(), all *sync.WaitGroup) {
	slots := make(chan struct{}, parallel)
	reclaimed := false
	for ctx.Err() == nil {
		if !reclaimed {
			reclaimed = r.reclaim(ctx)
		}
		free := parallel - len(slots)
		asked := r.asked.Swap(false)
		jobs, err := r.claim(ctx, free, r.pace.free(r.db.Now()))
		if err != nil && ctx.Err() == nil {
			r.log.Warn("jobs cannot be read", "err", err)
		}
		full := len(jobs) > 0 && len(slots)+urgent(jobs) == parallel
		if asked && (len(jobs) == 0 || full) {
			r.wakeOthers()
		}
		for _, j := range jobs {
			wait, leave := r.enter(j, slots)
			all.Go(func() {
				rest(ctx, wait)
				if err := r.do(ctx, j); err != nil {
					r.log.Error("the end of a job was not stored; it will run again", "job", j.ID, "kind", j.Kind, "org", j.Org, "err", err)
				}
				leave()
				nudge()
			})
		}
		if full {
			// All hands are busy: the next one to finish nudges.
			select {
			case <-ctx.Done():
			case <-wake:
			}
			continue
		}
		pause := time.NewTimer(r.poll)
		select {
		case <-ctx.Done():
		case <-wake:
		case <-pause.C:
		}
		pause.Stop()
	}
}

// enter takes a hand for the job: one of the slots, or one of the background's,
// where it waits for its turn.
func (r *Runner) enter(j Job, slots chan struct{}) (wait time.Duration, leave func()) {
	if j.Background {
		return r.pace.begin(), r.pace.end
	}
	slots <- struct{}{}
	return 0, func() { <-slots }
}

func rest(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// wakeOthers tells the other nodes of a job that was enqueued here, where this
// node did not take it or has no hand free for more: each that is woken looks.
func (r *Runner) wakeOthers() {
	if r.bus == nil {
		return
	}
	if err := r.bus.Publish(wakeSubject, nil); err != nil && fault.KindOf(err) != fault.Unavailable {
		r.log.Warn("other nodes were not woken", "err", err)
	}
}

// RunDue does all jobs that are due, one after another, and the periodic work
// that is due, then returns with the number done. Jobs made due by them are
// done too. It is meant for tests and tools.
func (r *Runner) RunDue(ctx context.Context) (n int, err error) {
	for _, p := range r.periodic {
		did, _, err := p.once(ctx)
		if err != nil {
			return n, err
		}
		if did {
			n++
		}
	}
	for {
		jobs, err := r.claim(ctx, 1, 1)
		if err != nil || len(jobs) == 0 {
			return n, err
		}
		for _, j := range jobs {
			if err := r.do(ctx, j); err != nil {
				return n, err
			}
			n++
		}
	}
}

// reclaim frees, on a locked data directory, the jobs of a process that is
// gone; elsewhere their leases run out.
func (r *Runner) reclaim(ctx context.Context) bool {
	if !r.db.Exclusive() {
		return true
	}
	err := r.db.Update(ctx, func(tx *db.Tx) error {
		return tx.Send("UPDATE job SET run_at = $1 WHERE state = 'running' AND lease_boot <> $2", db.Micros(tx.Now), r.db.Boot())
	})
	if err != nil {
		r.log.Warn("jobs of the last run were not taken back yet", "err", err)
	}
	return err == nil
}

// urgent counts the jobs that are not of the background.
func urgent(jobs []Job) (n int) {
	for _, j := range jobs {
		if !j.Background {
			n++
		}
	}
	return n
}

// claim takes due jobs, so many at most, and so many of the background. A first look without writing keeps an idle system from writing;
// it has the order of the index, or PostgreSQL expects one of all the rows to
// be due soon and reads the whole table to find none.
func (r *Runner) claim(ctx context.Context, limit, background int) ([]Job, error) {
	kinds := r.kindList()
	if limit+background <= 0 || len(kinds.Args) == 0 {
		return nil, nil
	}
	var due []bool
	err := r.db.View(ctx, func(tx *db.Tx) (err error) {
		q := db.Build("SELECT background FROM (SELECT background FROM job WHERE background = ? AND state <> 'failed' AND run_at <= ?", false, db.Micros(tx.Now)).And(kinds).Add("ORDER BY run_at LIMIT 1) AS urgent")
		if background > 0 {
			q.Add("UNION ALL SELECT background FROM (SELECT background FROM job WHERE background = ? AND state <> 'failed' AND run_at <= ?", true, db.Micros(tx.Now)).And(kinds).Add("ORDER BY run_at LIMIT 1) AS background")
		}
		query, args := q.SQL()
		due, err = db.Collect(tx, func(s db.Scanner) (b bool, err error) { return b, s.Scan(&b) }, query, args...)
		return err
	})
	if err != nil || len(due) == 0 {
		return nil, err
	}
	var jobs []Job
	err = r.db.Update(ctx, func(tx *db.Tx) error {
		jobs = nil
		for _, b := range due {
			n := limit
			if b {
				n = background
			}
			more, err := r.take(tx, kinds, b, n)
			if err != nil {
				return err
			}
			jobs = append(jobs, more...)
		}
		return nil
	})
	return jobs, err
}

// kindList holds for the kinds done here. It is written so that no index of
// kind can serve it: SQLite would prefer job_key to job_due and read every job
// of these kinds, also the thousands that are not due yet.
func (r *Runner) kindList() db.Cond {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := db.Cond{Text: "kind || '' IN (?" + strings.Repeat(", ?", max(0, len(r.kinds)-1)) + ")"}
	for kind := range r.kinds {
		c.Args = append(c.Args, kind)
	}
	return c
}

// take leases jobs, of the background or not. A job whose worker died on its
// last attempt fails here.
func (r *Runner) take(tx *db.Tx, kinds db.Cond, background bool, limit int) ([]Job, error) {
	if limit <= 0 {
		return nil, nil
	}
	lock := "" // SQLite has one writer
	if tx.Dialect == db.Postgres {
		lock = "FOR UPDATE SKIP LOCKED"
	}
	now := db.Micros(tx.Now)
	q := db.Build(`UPDATE job SET state = 'running', attempts = attempts + 1, lease_owner = ?, lease_boot = ?, updated_at = ?, run_at = ?
		WHERE id IN (SELECT id FROM job WHERE background = ? AND state <> 'failed' AND run_at <= ?`,
		r.node, r.db.Boot(), now, db.Micros(tx.Now.Add(grace)), background, now).And(kinds)
	query, args := q.Add("ORDER BY run_at LIMIT " + strconv.Itoa(limit) + " " + lock + ") RETURNING id, kind, COALESCE(key, ''), org, payload, attempts, error").SQL() // a bound LIMIT is planned anew each time
	type taken struct {
		Job
		error string
	}
	all, err := db.Collect(tx, func(s db.Scanner) (t taken, err error) {
		var data string
		err = s.Scan(&t.ID, &t.Kind, &t.Key, &t.Org, &data, &t.Attempt, &t.error)
		t.Data, t.Background = []byte(data), background
		return t, err
	}, query, args...)
	if err != nil {
		return nil, err
	}
	var out []Job
	until := map[time.Duration][]string{}
	for _, t := range all {
		h := r.kinds[t.Kind]
		if t.Attempt > h.MaxAttempts {
			if err := r.fail(tx, t.Job, errors.New("the worker ended in the last attempt; before that: "+t.error)); err != nil {
				return nil, err
			}
			continue
		}
		until[h.Timeout] = append(until[h.Timeout], t.ID)
		out = append(out, t.Job)
	}
	for timeout, ids := range until {
		query, args := db.Build("UPDATE job SET run_at = ? WHERE TRUE", db.Micros(tx.Now.Add(timeout+grace))).And(db.In("id", ids...)).SQL()
		if err := tx.Send(query, args...); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// do runs one attempt and stores its end; an error says that it could not be stored.
func (r *Runner) do(ctx context.Context, j Job) error {
	h := r.kinds[j.Kind]
	work, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	err := ctx.Err()
	if err == nil {
		err = call(work, h.fn, j)
	}
	stopped := err != nil && ctx.Err() != nil
	end, cancelEnd := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancelEnd()
	defer r.report(j, err, stopped)
	return r.ends.Add(end, ended{j, err, stopped})
}

func (r *Runner) report(j Job, err error, stopped bool) {
	log := r.log.With("job", j.ID, "kind", j.Kind, "org", j.Org, "attempt", j.Attempt)
	switch {
	case err == nil || stopped:
	case final(err) || j.Attempt >= r.kinds[j.Kind].MaxAttempts:
		log.Error("a job failed", "err", err)
	default:
		log.Warn("a job will be tried again", "err", err)
	}
}

func call(ctx context.Context, fn func(context.Context, Job) error, j Job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(ctx, j)
}
