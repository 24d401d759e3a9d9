package job

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

const (
	periodicLease = time.Minute // renewed while the work lasts
	longestNap    = 30 * time.Second
	leaseWrite    = 10 * time.Second
)

// periodic is work done again and again, by one node at a time.
type periodic struct {
	r     *Runner
	name  string
	every time.Duration
	fn    func(ctx context.Context) error
}

// Every does fn each time the period has passed since its last start, on one
// node at a time; before Run. A run that lasts longer than the period delays
// the next; none is made up for. The first is due at once.
func (r *Runner) Every(name string, every time.Duration, fn func(ctx context.Context) error) {
	if every <= 0 {
		panic("job: the period of " + name + " is not positive")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.periodic {
		if p.name == name {
			panic("job: two periodic works named " + name)
		}
	}
	r.periodic = append(r.periodic, &periodic{r, name, every, fn})
}

func (p *periodic) run(ctx context.Context) {
	for ctx.Err() == nil {
		did, due, err := p.once(ctx)
		if err != nil && ctx.Err() == nil {
			p.r.log.Warn("periodic work cannot be taken", "name", p.name, "err", err)
		}
		wait := p.nap(due)
		if !did { // whoever did it last goes first, so that nodes seldom take it from each other
			wait += rand.N(min(p.every/10, poll) + 1)
		}
		nap := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-nap.C:
		}
		nap.Stop()
	}
}

// nap is the time until the work is due, or may be.
func (p *periodic) nap(due time.Time) time.Duration {
	return max(10*time.Millisecond, min(due.Sub(p.r.db.Now()), p.every, longestNap))
}

// state is when the work is due, and whether somebody has it now: then due is
// when to look again.
func (p *periodic) state(ctx context.Context) (due time.Time, taken bool, err error) {
	err = p.r.db.View(ctx, func(tx *db.Tx) error {
		var next, until int64
		var boot string
		err := tx.QueryRow("SELECT next_at, lease_until, lease_boot FROM job_periodic WHERE name = $1", p.name).Scan(&next, &until, &boot)
		if fault.Is(err, fault.NotFound) {
			due = tx.Now
			return nil
		}
		due = db.Time(next)
		taken = until > db.Micros(tx.Now) && !p.void(boot)
		if taken {
			due = tx.Now.Add(poll)
		}
		return err
	})
	return due, taken, err
}

// void says that a lease is of a process that is certainly gone.
func (p *periodic) void(boot string) bool { return p.r.db.Exclusive() && boot != p.r.db.Boot() }

// once does the work if it is due and free, and tells when to look again.
func (p *periodic) once(ctx context.Context) (did bool, due time.Time, err error) {
	later := p.r.db.Now().Add(poll)
	due, taken, err := p.state(ctx)
	if err != nil {
		return false, later, err
	}
	if taken || due.After(p.r.db.Now()) {
		return false, due, nil
	}
	var got bool
	err = p.r.db.Update(ctx, func(tx *db.Tx) (err error) {
		due = tx.Now.Add(p.every)
		got, err = p.take(tx)
		return err
	})
	if err != nil || !got {
		return false, later, err
	}
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.keep(work, cancel)
	}()
	failure := p.call(work)
	cancel()
	<-ended
	if failure != nil && ctx.Err() == nil {
		p.r.log.Error("periodic work failed", "name", p.name, "err", failure)
	}
	return true, due, p.finish(ctx, failure)
}

func (p *periodic) take(tx *db.Tx) (bool, error) {
	now := db.Micros(tx.Now)
	until, next := db.Micros(tx.Now.Add(periodicLease)), db.Micros(tx.Now.Add(p.every))
	q := db.Build(`INSERT INTO job_periodic (name, next_at, lease_owner, lease_boot, lease_until, last_at, error) VALUES (?, ?, ?, ?, ?, ?, '')
		ON CONFLICT (name) DO UPDATE SET next_at = excluded.next_at, lease_owner = excluded.lease_owner, lease_boot = excluded.lease_boot,
			lease_until = excluded.lease_until, last_at = excluded.last_at
		WHERE job_periodic.next_at <= ? AND (job_periodic.lease_until <= ?`, p.name, next, p.r.node, p.r.db.Boot(), until, now, now, now)
	if p.r.db.Exclusive() {
		q.Add("OR job_periodic.lease_boot <> ?", p.r.db.Boot())
	}
	query, args := q.Add(")").SQL()
	n, err := tx.Exec(query, args...)
	return n == 1, err
}

// keep renews the lease while the work lasts, and ends the work when it is lost.
func (p *periodic) keep(ctx context.Context, lost func()) {
	for {
		t := time.NewTimer(periodicLease / 4)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		var n int64
		err := p.r.db.Update(ctx, func(tx *db.Tx) (err error) {
			n, err = tx.Exec("UPDATE job_periodic SET lease_until = $1 WHERE name = $2 AND lease_owner = $3 AND lease_boot = $4",
				db.Micros(tx.Now.Add(periodicLease)), p.name, p.r.node, p.r.db.Boot())
			return err
		})
		if err == nil && n == 0 {
			p.r.log.Warn("periodic work was taken over by another node", "name", p.name)
			lost()
			return
		}
	}
}

func (p *periodic) call(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return p.fn(ctx)
}

func (p *periodic) finish(ctx context.Context, failure error) error {
	text := ""
	if failure != nil {
		text = clip(failure)
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseWrite)
	defer cancel()
	return p.r.db.Update(end, func(tx *db.Tx) error {
		return tx.Send("UPDATE job_periodic SET lease_until = 0, error = $1 WHERE name = $2 AND lease_owner = $3 AND lease_boot = $4",
			text, p.name, p.r.node, p.r.db.Boot())
	})
}
