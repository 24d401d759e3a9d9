package event

import (
	"context"
	"sync"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// lease makes sure that this node works for the consumer. On a locked data
// directory the lease of a process that is gone is void at once, elsewhere
// that of the process which this one comes after: it had the node's name, which
// is unique. That counts for the first look only, so that two that share a name
// by mistake do not take it from each other without end; what both do is fenced
// by the cursor as ever.
func (w *worker) lease(ctx context.Context) (bool, error) {
	now := w.log.db.Now()
	if w.leased && now.Before(w.renewAt) {
		return true, nil
	}
	had := w.leased
	w.leased = false
	heir := !w.known
	if !had && !w.force {
		free, err := w.free(ctx, heir)
		w.known = w.known || err == nil
		if err != nil || !free {
			return false, err
		}
	}
	err := w.log.db.Update(ctx, func(tx *db.Tx) error { return w.take(tx, had, heir) })
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !had {
		w.seen = w.stored
		if err := w.loadParked(ctx); err != nil {
			return false, err
		}
	}
	w.leased, w.renewAt = true, now.Add(w.leaseTime()/3)
	return true, nil
}

// leaseTime is long where a lease of a process that is gone is void anyway:
// an idle system then need not write.
func (w *worker) leaseTime() time.Duration {
	if w.log.db.Exclusive() {
		return time.Hour
	}
	return leaseTime
}

// free looks, without writing, whether the lease can be had.
func (w *worker) free(ctx context.Context, heir bool) (bool, error) {
	now := w.log.db.Now()
	all, err := w.log.leases.look(ctx)
	if err != nil {
		return false, err
	}
	l, had := all[w.Name]
	mine := l.owner == w.owner && l.boot == w.log.db.Boot()
	return !had || mine || l.until <= db.Micros(now) || w.log.db.Exclusive() && l.boot != w.log.db.Boot() || heir && l.owner == w.owner, nil
}

// leases are those of all consumers, read once for all of a node that look
// at about the same time.
type leases struct {
	db *db.DB

	mu  sync.Mutex
	all map[string]holding // nil: to be read
}

type holding struct {
	consumer, owner, boot string
	until                 int64
}

// leasesFor is how long they are kept; a consumer looks again after poll.
const leasesFor = poll / 2

func (l *leases) look(ctx context.Context) (map[string]holding, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all != nil {
		return l.all, nil
	}
	var found []holding
	err := l.db.View(ctx, func(tx *db.Tx) (err error) {
		found, err = db.Collect(tx, func(row db.Scanner) (h holding, err error) {
			return h, row.Scan(&h.consumer, &h.owner, &h.boot, &h.until)
		}, "SELECT consumer, lease_owner, lease_boot, lease_until FROM fact_cursor")
		return err
	})
	if err != nil {
		return nil, err
	}
	l.all = make(map[string]holding, len(found))
	for _, h := range found {
		l.all[h.consumer] = h
	}
	time.AfterFunc(leasesFor, l.forget)
	return l.all, nil
}

func (l *leases) forget() {
	l.mu.Lock()
	l.all = nil
	l.mu.Unlock()
}

// take gets or renews the lease; fault.NotFound when another has it.
func (w *worker) take(tx *db.Tx, renew, heir bool) error {
	now, until := db.Micros(tx.Now), db.Micros(tx.Now.Add(w.leaseTime()))
	q := db.Build(`INSERT INTO fact_cursor (consumer, seq, lease_owner, lease_boot, lease_until, updated_at) VALUES (?, 0, ?, ?, ?, ?)
		ON CONFLICT (consumer) DO UPDATE SET lease_owner = excluded.lease_owner, lease_boot = excluded.lease_boot, lease_until = excluded.lease_until
		WHERE (fact_cursor.lease_owner = ? AND fact_cursor.lease_boot = ?)`,
		w.Name, w.owner, w.log.db.Boot(), until, now, w.owner, w.log.db.Boot())
	switch {
	case w.force:
		q.Add("OR TRUE")
	case !renew:
		q.Add("OR fact_cursor.lease_until <= ?", now)
		if w.log.db.Exclusive() {
			q.Add("OR fact_cursor.lease_boot <> ?", w.log.db.Boot())
		}
		if heir {
			q.Add("OR fact_cursor.lease_owner = ?", w.owner)
		}
	}
	query, args := q.Add("RETURNING seq").SQL()
	return tx.QueryRow(query, args...).Scan(&w.stored)
}

// release gives the lease back, so that another node need not wait.
func (w *worker) release(ctx context.Context) error {
	if !w.leased {
		return nil
	}
	w.leased = false
	return w.log.db.Update(ctx, func(tx *db.Tx) error {
		return tx.Send("UPDATE fact_cursor SET lease_until = 0 WHERE consumer = $1 AND lease_owner = $2 AND lease_boot = $3",
			w.Name, w.owner, w.log.db.Boot())
	})
}

func (w *worker) loadParked(ctx context.Context) error {
	w.parked = map[string]struct{}{}
	return w.log.db.View(ctx, func(tx *db.Tx) error {
		all, err := readParked(tx, db.Cond{Text: "consumer = ?", Args: []any{w.Name}})
		for _, p := range all {
			w.parked[p.Subject] = struct{}{}
		}
		return err
	})
}
