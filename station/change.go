package station

import (
	"context"
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// change is one thing that happened to a station. do is applied to the tree
// in the order in which changes were added; it may run again when the
// transaction is retried, so it touches nothing but the tree.
type change struct {
	station string // as the station or a list writes it
	at      time.Time
	do      func(t *tree)
}

// flush applies changes of many stations in one transaction: the hot path
// of status, connections and silence.
func (s *Service) flush(tx *db.Tx, changes []change) error {
	keys := make([]string, len(changes))
	for i, c := range changes {
		keys[i] = ID(c.station).Key()
	}
	trees, err := lockTrees(tx, slices.Clone(keys))
	if err != nil {
		return err
	}
	for i, c := range changes {
		t := trees[keys[i]]
		if t == nil {
			continue // not, or no longer, in the inventory
		}
		t.quiet = false
		c.do(t)
		t.settle(c.at)
	}
	var order []*tree
	for _, key := range keys { // in the order of arrival, each once
		if t := trees[key]; t != nil {
			order = append(order, t)
			delete(trees, key)
		}
	}
	return s.finish(tx, order...)
}

// finish writes settled trees with their facts, and announces them.
func (s *Service) finish(tx *db.Tx, trees ...*tree) error {
	if err := saveTrees(tx, trees); err != nil {
		return err
	}
	if err := recordTrees(tx, trees); err != nil {
		return err
	}
	for _, t := range trees {
		if t.identityChanged() {
			s.announce(tx, t.ID)
			if t.Connected { // most likely here: its messages need the card soon
				tx.AfterCommit(func() { s.remember(t.ID.Key()) })
			}
		}
		if len(t.history) > 0 || t.Status != t.before.Status || t.Connected != t.before.Connected || t.powerChanged() {
			at := tx.Now
			tx.AfterCommit(func() { s.publish(t, at) })
		}
	}
	return nil
}

func (t *tree) powerChanged() bool {
	for _, e := range t.EVSEs {
		if old, ok := t.old(e.EVSE); !ok || old.Power != e.Power || old.Session != e.Session {
			return true
		}
	}
	return false
}

// identityChanged tells whether what other nodes cache of the station is old.
func (t *tree) identityChanged() bool {
	a, b := &t.Station, &t.before
	return a.Org != b.Org || a.Site != b.Site || a.Life != b.Life || a.Profile != b.Profile || a.Proven != b.Proven || a.Incarnation != b.Incarnation ||
		a.Heartbeat != b.Heartbeat || a.Vendor != b.Vendor || a.Model != b.Model || a.Firmware != b.Firmware ||
		a.Tolerate != b.Tolerate || a.Refuse != b.Refuse || (a.Quarantined == nil) != (b.Quarantined == nil)
}

// alter changes one station inside a transaction of another use-case.
func (s *Service) alter(tx *db.Tx, id ID, do func(t *tree) error) (*tree, error) {
	trees, err := lockTrees(tx, []string{id.Key()})
	if err != nil {
		return nil, err
	}
	t := trees[id.Key()]
	if t == nil {
		return nil, unknown(id)
	}
	if err := do(t); err != nil {
		return nil, err
	}
	t.settle(tx.Now)
	return t, s.finish(tx, t)
}

func unknown(id ID) error {
	return fault.New(fault.NotFound, "station.unknown", "there is no charging station %q", id)
}

// push queues a change for the next flush and waits until it is committed.
func (s *Service) push(ctx context.Context, id string, do func(t *tree)) error {
	return s.changes.Add(ctx, change{station: id, at: s.now(), do: do})
}
