package access

import (
	"slices"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// Consumers gives the room's consumers of facts.
func (s *Service) Consumers() []event.Consumer {
	if !s.lists() {
		return nil
	}
	return []event.Consumer{
		{Name: "access.tokens", Kinds: []string{KindCreated, KindChanged, KindBlocked, KindDeleted}, Handle: s.tokenTurned},
		{Name: "access.stations", Kinds: []string{station.KindBoot, station.KindConnected, station.KindReplaced}, Ahead: s.stationsTurned},
	}
}

// tokenTurned has the lists of the token's stations brought up to date: at
// once where it may charge no longer, else together with what comes within
// a while.
func (s *Service) tokenTurned(tx *db.Tx, f event.Fact) error {
	var c Changed
	if err := f.Decode(&c); err != nil {
		return err
	}
	db.Gather(tx, "access.dirty", f.Org, s.markLists) // thousands come together when tokens are imported
	if !c.Revoked {
		return nil
	}
	holders, err := holdersOf(tx, Match(c.Token))
	if err != nil {
		return err
	}
	for _, id := range holders {
		if err := wantList(tx, id, f.Org); err != nil {
			return err
		}
	}
	caches, err := seenAt(tx, f.Subject, tx.Now.Add(-s.d.Config.CacheFor))
	if err != nil {
		return err
	}
	for _, id := range caches {
		if err := job.Enqueue(tx, job.Job{Kind: jobCache, Key: id, Org: f.Org, Payload: listWork{Station: id}}); err != nil {
			return err
		}
	}
	return nil
}

// markLists has the lists of the organisations' kin brought up to date in a
// while.
func (s *Service) markLists(tx *db.Tx, orgs []string) error {
	slices.Sort(orgs)
	for _, org := range slices.Compact(orgs) {
		dirty, err := markDirty(tx, org)
		if err != nil {
			return err
		}
		for _, id := range dirty {
			if err := listInTurn(tx, id, org, tx.Now.Add(s.d.Config.ListDelay)); err != nil {
				return err
			}
		}
	}
	return nil
}

// stationsTurned looks at the list of a station after its boot, and at what
// waited for it when it is back. Another device has no list of ours.
func (s *Service) stationsTurned(tx *db.Tx, facts []event.Fact) (func(event.Fact) error, error) {
	lists, err := listsOf(tx, event.Stations(facts))
	return func(f event.Fact) error { return s.stationTurned(tx, f, lists) }, err
}

func (s *Service) stationTurned(tx *db.Tx, f event.Fact, lists map[string]List) error {
	l, known := lists[f.Station]
	switch f.Kind {
	case station.KindReplaced:
		if !known {
			return nil
		}
		l.Known, l.Version, l.Entries, l.Status, l.Dirty = false, 0, 0, ListUnknown, true
		if err := dropEntries(tx, f.Station); err != nil {
			return err
		}
		if err := tx.Flush(); err != nil { // it may be a new list
			return err
		}
		lists[f.Station] = l
		return putList(tx, l)
	case station.KindConnected:
		if !known || !l.Dirty || l.Status == ListUnsupported || l.Status == ListOff {
			return nil
		}
		return s.wantSoon(tx, f)
	}
	var b station.Boot
	if err := f.Decode(&b); err != nil {
		return err
	}
	if b.Status != string(ocpp.RegistrationStatusEnumAccepted) {
		return nil
	}
	if !known {
		l = List{Station: f.Station, Org: f.Org, Site: f.Site, Status: ListUnknown, NextAt: tx.Now.Add(listReview)}
		lists[f.Station] = l
		db.Gather(tx, "local_list", l, putLists)
	}
	return s.wantSoon(tx, f)
}

func (s *Service) wantSoon(tx *db.Tx, f event.Fact) error {
	return listInTurn(tx, f.Station, f.Org, tx.Now.Add(s.d.Config.ListDelay))
}
