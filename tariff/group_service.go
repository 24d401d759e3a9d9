package tariff

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/identity"
)

// KindGroupChanged tells that who pays what in a tariff group changes. Payload GroupChanged.
const KindGroupChanged = "tariff.group_changed"

// GroupChanged is the payload of KindGroupChanged. Sites are those whose
// prices it concerns; empty when it holds for whole organisations.
type GroupChanged struct {
	Group string    `json:"group"`
	Name  string    `json:"name"`
	From  time.Time `json:"valid_from"`
}

// Group says which tariff each audience has at its places.
type Group struct {
	ID        string
	Org       identity.OrgID
	Name      string
	Closed    bool // nothing less specific is looked at for those who have a price here
	Entries   []Entry
	Places    []Bound
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Entry is what one audience pays, from From on and before To.
type Entry struct {
	ID       string
	Audience Audience
	Ref      string // which partner, fleet, plan, driver group or provider; empty: any
	Position int
	Tariff   ID
	From     time.Time
	To       *time.Time

	uid uid
}

// Bound is a place where a group holds, from From on and before To.
type Bound struct {
	ID    string
	Place Place
	From  time.Time
	To    *time.Time
}

func (e Entry) same(o Entry) bool {
	return e.Audience == o.Audience && strings.EqualFold(e.Ref, o.Ref) && e.Position == o.Position && e.uid == o.uid && sameEnd(e.To, o.To)
}

func (b Bound) same(o Bound) bool {
	return b.Place.target() == o.Place.target() && sameEnd(b.To, o.To)
}

func sameEnd(a, b *time.Time) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Equal(*b)
}

// CreateGroup makes a group; entries and places without From hold from now on.
func (s *Service) CreateGroup(ctx context.Context, g Group) (Group, error) {
	c, err := identity.Require(ctx, identity.TariffWrite)
	if err != nil {
		return g, err
	}
	asked := g
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		g = asked
		if g.Org, err = identity.Place(ctx, tx, g.Org); err != nil {
			return err
		}
		g.ID = id.New[string](tx.Now)
		if err := checkGroupName(g.Name); err != nil {
			return err
		}
		if err := insertGroup(tx, g); err != nil {
			return err
		}
		g, err = s.define(ctx, tx, c, g, tx.Now)
		return err
	})
	return g, err
}

// ReplaceGroup says anew what holds from an instant on (zero: now). What was
// before stays as it was, so that every past price can be explained.
func (s *Service) ReplaceGroup(ctx context.Context, g Group, from time.Time) (Group, error) {
	c, err := identity.Require(ctx, identity.TariffWrite)
	if err != nil {
		return g, err
	}
	asked := g
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		g = asked
		old, err := groupByID(tx, g.ID, c.Scope.Where("g.org"))
		if err != nil {
			return err
		}
		if from.IsZero() {
			from = tx.Now
		}
		if from.Before(tx.Now) {
			return fault.New(fault.Invalid, "tariff.past", "What was cannot be changed.").With("body.valid_from", "must not be in the past", from)
		}
		if err := checkGroupName(g.Name); err != nil {
			return err
		}
		g.Org, g.CreatedAt = old.Org, old.CreatedAt
		if err := updateGroup(tx, g); err != nil {
			return err
		}
		g, err = s.define(ctx, tx, c, g, from)
		return err
	})
	return g, err
}

func checkGroupName(name string) error {
	if n := len([]rune(name)); n < 1 || n > 100 || strings.TrimSpace(name) != name {
		return fault.New(fault.Invalid, "tariff.group_name", "A tariff group has a name.").With("body.name", "must have 1 to 100 characters, none of them blank at either end", name)
	}
	return nil
}

// define makes the group's entries and places from an instant on be those of g.
func (s *Service) define(ctx context.Context, tx *db.Tx, c identity.Caller, g Group, from time.Time) (Group, error) {
	if err := s.settleGroup(ctx, tx, c, &g, from); err != nil {
		return g, err
	}
	if err := s.groupLawful(tx, g); err != nil {
		return g, err
	}
	oldEntries, err := entriesFrom(tx, g.ID, from)
	if err != nil {
		return g, err
	}
	err = reconcile(oldEntries, g.Entries, from, Entry.same,
		func(e Entry) error { return endRow(tx, "tariff_group_entry", e.ID, from) },
		func(e Entry) error { return insertEntry(tx, g, e, c.Actor()) })
	if err != nil {
		return g, err
	}
	oldPlaces, err := placesFrom(tx, g.ID, from)
	if err != nil {
		return g, err
	}
	err = reconcile(oldPlaces, g.Places, from, Bound.same,
		func(b Bound) error { return endRow(tx, "tariff_group_place", b.ID, from) },
		func(b Bound) error { return insertBound(tx, g, b, c.Actor()) })
	if err != nil {
		return g, err
	}
	if err := s.noteGroup(ctx, tx, g, from); err != nil {
		return g, err
	}
	now := from
	if now.Before(tx.Now) {
		now = tx.Now
	}
	return loadGroup(tx, g.ID, visibleAlways, now)
}

var visibleAlways = db.Cond{Text: "1=1"}

type validFrom interface{ begins() time.Time }

func (e Entry) begins() time.Time { return e.From }
func (b Bound) begins() time.Time { return b.From }

// reconcile keeps what stays the same, ends what is not wanted any more and
// adds what is new. Both begin at or before from when they are the same.
func reconcile[T validFrom](old, want []T, from time.Time, same func(T, T) bool, end, add func(T) error) error {
	kept := make([]bool, len(want))
	for _, o := range old {
		found := false
		for i, w := range want {
			if !kept[i] && same(o, w) && (o.begins().Equal(w.begins()) || !o.begins().After(from) && w.begins().Equal(from)) {
				kept[i], found = true, true
				break
			}
		}
		if !found {
			if err := end(o); err != nil {
				return err
			}
		}
	}
	for i, w := range want {
		if kept[i] {
			continue
		}
		if err := add(w); err != nil {
			return err
		}
	}
	return nil
}

// settleGroup checks a definition and completes it.
func (s *Service) settleGroup(ctx context.Context, tx *db.Tx, c identity.Caller, g *Group, from time.Time) error {
	bad := fault.New(fault.Invalid, "tariff.group", "The tariff group is not valid.")
	for i := range g.Entries {
		e, at := &g.Entries[i], fmt.Sprintf("body.entries[%d]", i)
		checkEntry(bad, at, *e)
		r, err := one(tx, c, e.Tariff, 0)
		switch {
		case fault.Is(err, fault.NotFound):
			bad.With(at+".tariff", "must be the id of a tariff that you can see", e.Tariff)
		case err != nil:
			return err
		case r.Status == Retired:
			bad.With(at+".tariff", "is retired; PUT a new version of it to use it again", e.Tariff)
		}
		e.uid, e.ID = r.uid, id.New[string](tx.Now)
		settleTimes(bad, at, &e.From, e.To, from)
	}
	for i := range g.Places {
		b, at := &g.Places[i], fmt.Sprintf("body.places[%d]", i)
		if err := s.place(ctx, tx, c, &b.Place); err != nil {
			return relocate(err, at)
		}
		seen, err := identity.ScopeOf(g.Org).Has(tx, b.Place.Org)
		if err != nil {
			return err
		}
		if !seen {
			bad.With(at, "must belong to the group's organisation or to one below it", b.Place.target())
		}
		b.ID = id.New[string](tx.Now)
		settleTimes(bad, at, &b.From, b.To, from)
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// relocate moves the fields of a refusal from the body to a part of it.
func relocate(err error, at string) error {
	f := fault.Of(err)
	if f == nil {
		return err
	}
	for i := range f.Fields {
		f.Fields[i].Location = at + strings.TrimPrefix(f.Fields[i].Location, "body")
	}
	return f
}

func settleTimes(bad *fault.Error, at string, begins *time.Time, to *time.Time, from time.Time) {
	if begins.IsZero() || begins.Before(from) {
		*begins = from
	}
	if to != nil && !to.After(*begins) {
		bad.With(at+".valid_to", "must be after valid_from", to)
	}
}

func checkEntry(bad *fault.Error, at string, e Entry) {
	switch {
	case e.Audience == AudienceOverride:
		bad.With(at+".audience", "overrides are not part of a group; POST /tariff-overrides", e.Audience)
	case e.Audience.rank() < 0:
		bad.With(at+".audience", fmt.Sprintf("must be one of %v", Audiences[1:]), e.Audience)
	case e.Ref != "" && (e.Audience == AudienceAdHoc || e.Audience == AudienceDefault):
		bad.With(at+".ref", "must be absent: there is only one such audience", e.Ref)
	}
}

// noteGroup records that a group changes.
func (s *Service) noteGroup(ctx context.Context, tx *db.Tx, g Group, from time.Time) error {
	err := identity.Audit(ctx, tx, identity.Entry{Org: g.Org, Action: KindGroupChanged, Subject: g.ID,
		Changes: map[string]identity.Change{"name": {nil, g.Name}, "entries": {nil, len(g.Entries)}, "places": {nil, len(g.Places)}}})
	if err != nil {
		return err
	}
	return event.Record(tx, event.Fact{Org: string(g.Org), Subject: "tariff-group/" + g.ID, Kind: KindGroupChanged}, GroupChanged{g.ID, g.Name, from})
}

func loadGroup(tx *db.Tx, group string, visible db.Cond, at time.Time) (Group, error) {
	g, err := groupByID(tx, group, visible)
	if err == nil {
		g.Entries, err = entriesFrom(tx, group, at)
	}
	if err == nil {
		g.Places, err = placesFrom(tx, group, at)
	}
	return g, err
}

// ReadGroup gives a group with what holds at or after an instant; zero: now.
func (s *Service) ReadGroup(ctx context.Context, group string, at time.Time) (g Group, err error) {
	c, err := identity.Require(ctx, identity.TariffRead)
	if err != nil {
		return g, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		if at.IsZero() {
			at = tx.Now
		}
		g, err = loadGroup(tx, group, c.Scope.Where("g.org"), at)
		return err
	})
	return g, err
}

// Groups pages through the groups the caller may see.
func (s *Service) Groups(ctx context.Context, req db.ListRequest) (out []Group, next string, err error) {
	c, err := identity.Require(ctx, identity.TariffRead)
	if err != nil {
		return nil, "", err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		if out, next, err = db.List(tx, groupSpec, []db.Cond{c.Scope.Where("g.org")}, req, scanGroup); err != nil {
			return err
		}
		for i := range out {
			if out[i], err = loadGroup(tx, out[i].ID, visibleAlways, tx.Now); err != nil {
				return err
			}
		}
		return nil
	})
	return out, next, err
}

// EndGroup ends everything that a group says now; its past stays.
func (s *Service) EndGroup(ctx context.Context, group string) error {
	c, err := identity.Require(ctx, identity.TariffWrite)
	if err != nil {
		return err
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		g, err := groupByID(tx, group, c.Scope.Where("g.org"))
		if err != nil {
			return err
		}
		if err := updateGroup(tx, g); err != nil {
			return err
		}
		_, err = s.define(ctx, tx, c, g, tx.Now)
		return err
	})
}
