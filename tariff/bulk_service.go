package tariff

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/location"
	"github.com/forecourt-ev/forecourt/station"
)

// KindBulkChanged tells that a change of many prices was applied or taken
// back. Payload BulkTold.
const KindBulkChanged = "tariff.change_done"

// BulkTold is the payload of KindBulkChanged.
type BulkTold struct {
	ID     string `json:"id"`
	Title  string `json:"title,omitempty"`
	Status string `json:"status"`
	Done   int64  `json:"done"`
	Failed int64  `json:"failed"`
}

const (
	jobBulk   = "tariff.bulk"
	bulkBatch = 100
	bulkMost  = 20_000 // items of one change
)

type bulkJob struct {
	ID   string `json:"id"`
	Back bool   `json:"back,omitempty"`
}

// PlanChange works out what a change would do and stores it as a draft: the
// dry run. Nothing is priced differently until it is applied.
func (s *Service) PlanChange(ctx context.Context, title string, r BulkRequest, approval bool) (b BulkChange, err error) {
	c, err := identity.Require(ctx, identity.TariffWrite)
	if err != nil {
		return b, err
	}
	if err := r.Change.check(); err != nil {
		return b, err
	}
	asked := r
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		r = asked
		if r.Filter.Org, err = identity.Place(ctx, tx, r.Filter.Org); err != nil {
			return err
		}
		var items []bulkItem
		if r.Change.Op == OpCopy {
			items, err = s.planCopy(tx, c, r)
		} else {
			items, err = s.planPrices(tx, r)
		}
		if err != nil {
			return err
		}
		if len(items) == 0 || len(items) > bulkMost {
			return fault.New(fault.Invalid, "tariff.change_empty", "The filter selects %d prices to change; 1 to %d can be changed at once.", len(items), bulkMost).
				With("body.filter", "selects nothing that would change, or too much", len(items))
		}
		b = BulkChange{ID: newID(tx), Org: r.Filter.Org, Title: title, Request: r, Status: BulkDraft, Approval: approval, Total: int64(len(items)), CreatedAt: tx.Now, CreatedBy: c.Actor()}
		for _, x := range items {
			b.Places += int64(max(x.Plan.Uses, 1))
		}
		if err := insertBulk(tx, b, items); err != nil {
			return err
		}
		return identity.Audit(ctx, tx, identity.Entry{Org: b.Org, Action: "tariff.change_planned", Subject: b.ID, Changes: map[string]identity.Change{"items": {nil, len(items)}}})
	})
	return b, err
}

// planPrices plans a new version of every tariff that is used in the filter.
func (s *Service) planPrices(tx *db.Tx, r BulkRequest) ([]bulkItem, error) {
	uses, err := usesIn(tx, r.Filter)
	if err != nil {
		return nil, err
	}
	inside, outside := map[uid]int{}, map[uid]int{}
	var order []uid
	for _, u := range uses {
		if inside[u.uid]+outside[u.uid] == 0 {
			order = append(order, u.uid)
		}
		if u.covered {
			inside[u.uid]++
		} else {
			outside[u.uid]++
		}
	}
	elsewhere := fault.New(fault.Conflict, "tariff.used_elsewhere", "Some of the tariffs are used outside the filter as well.")
	var items []bulkItem
	for _, u := range order {
		v, err := newest(tx, u)
		if err != nil {
			return nil, err
		}
		if outside[u] > 0 && r.Elsewhere != "include" {
			elsewhere.With("body.filter", fmt.Sprintf("%s is used in %d other places; widen the filter, set elsewhere to include, or copy another tariff to these places", v.Tariff.ID, outside[u]), string(v.Tariff.ID))
			continue
		}
		if v.From.After(tx.Now) {
			return nil, plannedFault(v)
		}
		next, changed := r.Change.Altered(v.Tariff.Source)
		if !changed {
			continue
		}
		t, err := FromOCPI(next)
		if err != nil {
			return nil, err
		}
		items = append(items, bulkItem{Kind: "version", Target: string(u), Plan: itemPlan{Tariff: v.Tariff.ID, UID: u, Org: string(v.Org), Number: v.Number,
			Before: v.Tariff.Sentence(English), After: t.Sentence(English), OCPI: &next, Uses: inside[u] + outside[u]}})
	}
	if len(elsewhere.Fields) > 0 {
		return nil, elsewhere
	}
	return items, nil
}

// planCopy plans an assignment for every EVSE, station or site of the filter.
func (s *Service) planCopy(tx *db.Tx, c identity.Caller, r BulkRequest) ([]bulkItem, error) {
	t, err := one(tx, c, r.Change.Tariff, 0)
	if err != nil {
		return nil, asField(err, "body.change.tariff", string(r.Change.Tariff))
	}
	if t.Status == Retired {
		return nil, fault.New(fault.Conflict, "tariff.retired", "The tariff %q is retired; PUT a new version to use it again.", t.Tariff.ID)
	}
	after := t.Tariff.Sentence(English)
	var items []bulkItem
	seen := map[string]bool{}
	add := func(p Place) error {
		if seen[p.target()] {
			return nil
		}
		seen[p.target()] = true
		now, err := overlapping(tx, Assignment{Place: p, From: tx.Now})
		if err != nil {
			return err
		}
		before := "nothing of its own"
		if len(now) > 0 {
			if before = string(now[0].Tariff); len(now) == 1 && now[0].To == nil && now[0].Tariff == t.Tariff.ID && now[0].TariffOrg == t.Org {
				return nil
			}
		}
		items = append(items, bulkItem{Kind: "assign", Target: p.target(), Plan: itemPlan{Tariff: t.Tariff.ID, UID: t.uid, Org: string(p.Org), Before: before, After: after,
			Site: p.Site, Station: p.Station, EVSE: p.EVSE}})
		return nil
	}
	err = s.stationsAt(tx, Place{Org: r.Filter.Org}, func(st station.Station) error {
		f := r.Filter
		if len(f.Sites) > 0 && !slices.Contains(f.Sites, st.Site) ||
			len(f.Stations) > 0 && !slices.ContainsFunc(f.Stations, func(x string) bool { return strings.EqualFold(x, string(st.ID)) }) {
			return nil
		}
		p := Place{Org: identity.OrgID(st.Org), Site: st.Site, Station: string(st.ID)}
		switch r.Change.Level {
		case "site":
			if st.Site == "" {
				return nil
			}
			site, err := s.d.Locations.Get(tx, location.ID(st.Site))
			if err != nil {
				return err
			}
			return add(Place{Org: identity.OrgID(site.Org), Site: st.Site})
		case "station":
			return add(p)
		}
		ports, err := s.d.Stations.EVSEs(tx, string(st.ID))
		if err != nil {
			return err
		}
		for _, port := range ports {
			if port.EVSE == 0 || port.RemovedAt != nil {
				continue
			}
			p.EVSE = port.EVSE
			if err := add(p); err != nil {
				return err
			}
		}
		return nil
	})
	return items, err
}

// ApproveChange is the second person's consent.
func (s *Service) ApproveChange(ctx context.Context, change string) (b BulkChange, err error) {
	return s.onChange(ctx, change, "tariff.change_approved", func(tx *db.Tx, c identity.Caller, b BulkChange) error {
		if b.Status != BulkDraft {
			return wrongState(b, "approved", BulkDraft)
		}
		if c.Actor() == b.CreatedBy {
			return fault.New(fault.Forbidden, "tariff.change_own", "Somebody else must approve a change of yours.")
		}
		return tx.Send(`UPDATE tariff_change SET approved_at = $2, approved_by = $3 WHERE id = $1`, b.ID, db.Micros(tx.Now), c.Actor())
	})
}

// ApplyChange queues a change for an instant; zero is now.
func (s *Service) ApplyChange(ctx context.Context, change string, at time.Time) (b BulkChange, err error) {
	return s.onChange(ctx, change, "tariff.change_scheduled", func(tx *db.Tx, _ identity.Caller, b BulkChange) error {
		if b.Approval && b.ApprovedAt == nil {
			return fault.New(fault.Conflict, "tariff.change_unapproved", "A second person must approve this change first.")
		}
		ok, err := turn(tx, b.ID, BulkScheduled, BulkDraft, BulkScheduled)
		if err != nil {
			return err
		}
		if !ok {
			return wrongState(b, "applied", BulkDraft, BulkScheduled)
		}
		if at.Before(tx.Now) {
			at = tx.Now
		}
		if err := tx.Send(`UPDATE tariff_change SET apply_at = $2 WHERE id = $1`, b.ID, db.Micros(at)); err != nil {
			return err
		}
		if _, err := job.Cancel(tx, jobBulk, b.ID); err != nil {
			return err
		}
		return job.Enqueue(tx, job.Job{Kind: jobBulk, Key: b.ID, Org: string(b.Org), Payload: bulkJob{ID: b.ID}, RunAt: at})
	})
}

// CancelChange drops a change that has not begun.
func (s *Service) CancelChange(ctx context.Context, change string) (b BulkChange, err error) {
	return s.onChange(ctx, change, "tariff.change_cancelled", func(tx *db.Tx, _ identity.Caller, b BulkChange) error {
		ok, err := turn(tx, b.ID, BulkCancelled, BulkDraft, BulkScheduled)
		if err == nil && !ok {
			err = wrongState(b, "cancelled", BulkDraft, BulkScheduled)
		}
		if err == nil {
			_, err = job.Cancel(tx, jobBulk, b.ID)
		}
		return err
	})
}

// RollBackChange restores what was before, for sessions that start from then on.
func (s *Service) RollBackChange(ctx context.Context, change string) (b BulkChange, err error) {
	return s.onChange(ctx, change, "tariff.change_rolled_back", func(tx *db.Tx, _ identity.Caller, b BulkChange) error {
		ok, err := turn(tx, b.ID, BulkRollingBack, BulkApplied)
		if err != nil {
			return err
		}
		if !ok {
			return wrongState(b, "rolled back", BulkApplied)
		}
		if err := tx.Send(`UPDATE tariff_change SET done = 0, failed = 0, finished_at = NULL WHERE id = $1`, b.ID); err != nil {
			return err
		}
		return job.Enqueue(tx, job.Job{Kind: jobBulk, Key: b.ID, Org: string(b.Org), Payload: bulkJob{b.ID, true}})
	})
}

func wrongState(b BulkChange, what string, want ...string) error {
	return fault.New(fault.Conflict, "tariff.change_state", "A change that is %s cannot be %s; it would have to be %s.", b.Status, what, strings.Join(want, " or "))
}

// onChange does something to a change the caller may see, and audits it.
func (s *Service) onChange(ctx context.Context, change, action string, do func(*db.Tx, identity.Caller, BulkChange) error) (b BulkChange, err error) {
	c, err := identity.Require(ctx, identity.TariffWrite)
	if err != nil {
		return b, err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		if b, err = bulkByID(tx, change, c.Scope.Where("b.org")); err != nil {
			return err
		}
		if err := do(tx, c, b); err != nil {
			return err
		}
		if err := identity.Audit(ctx, tx, identity.Entry{Org: b.Org, Action: action, Subject: b.ID}); err != nil {
			return err
		}
		b, err = bulkByID(tx, change, visibleAlways)
		return err
	})
	return b, err
}

// runBulk applies a change or takes it back, a batch at a time; run again
// after a crash it goes on where it was.
func (s *Service) runBulk(ctx context.Context, j job.Job) error {
	var ask bulkJob
	if err := j.Decode(&ask); err != nil {
		return job.Stop(err)
	}
	ctx = identity.System(ctx, identity.OrgID(j.Org))
	var b BulkChange
	err := s.d.DB.Update(ctx, func(tx *db.Tx) (err error) {
		if b, err = bulkByID(tx, ask.ID, visibleAlways); err != nil {
			return err
		}
		if ask.Back {
			return nil
		}
		if ok, err := turn(tx, b.ID, BulkRunning, BulkScheduled, BulkRunning); err != nil || !ok {
			b.Status = BulkCancelled
			return err
		}
		return tx.Send(`UPDATE tariff_change SET started_at = COALESCE(started_at, $2) WHERE id = $1`, b.ID, db.Micros(tx.Now))
	})
	if err != nil || !ask.Back && b.Status == BulkCancelled {
		return err
	}
	from, done, fix, end := "planned", "applied", s.applyItem, BulkApplied
	if ask.Back {
		from, done, fix, end = "applied", "rolled_back", s.revertItem, BulkRolledBack
	}
	for after := int64(0); ; {
		n := 0
		err := s.d.DB.Update(ctx, func(tx *db.Tx) error {
			items, err := itemsOf(tx, b.ID, after, bulkBatch, from)
			if err != nil {
				return err
			}
			n = len(items)
			next, failed := after, 0
			for _, x := range items {
				next = x.Seq
				x.State, x.Problem = done, ""
				if err := fix(ctx, tx, b, &x); err != nil {
					if k := fault.KindOf(err); k == fault.Internal || k == fault.Unavailable || tx.Err() != nil {
						return err
					}
					x.Problem = err.Error()
					if !ask.Back {
						x.State = "failed"
					}
					failed++
				}
				if err := saveItem(tx, b.ID, x); err != nil {
					return err
				}
			}
			if err := tx.Send(`UPDATE tariff_change SET done = done + $2, failed = failed + $3 WHERE id = $1`, b.ID, int64(n-failed), int64(failed)); err != nil {
				return err
			}
			tx.AfterCommit(func() { after = next })
			return nil
		})
		if err != nil {
			return err
		}
		if n < bulkBatch {
			return s.endBulk(ctx, b.ID, end)
		}
	}
}

func (s *Service) endBulk(ctx context.Context, change, status string) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		if err := tx.Send(`UPDATE tariff_change SET status = $2, finished_at = $3 WHERE id = $1`, change, status, db.Micros(tx.Now)); err != nil {
			return err
		}
		b, err := bulkByID(tx, change, visibleAlways)
		if err != nil {
			return err
		}
		return event.Record(tx, event.Fact{Org: string(b.Org), Subject: "tariff-change/" + b.ID, Kind: KindBulkChanged}, BulkTold{b.ID, b.Title, b.Status, b.Done, b.Failed})
	})
}
