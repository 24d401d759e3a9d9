package tariff

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/location"
	"github.com/forecourt-ev/forecourt/ocpi"
	"github.com/forecourt-ev/forecourt/station"
)

// Kinds of the facts this room records.
const (
	KindChanged    = "tariff.changed"    // payload Changed
	KindRetired    = "tariff.retired"    // payload Changed
	KindAssigned   = "tariff.assigned"   // payload Assigned
	KindUnassigned = "tariff.unassigned" // payload Assigned
)

// Changed tells that a tariff has a new version, or was retired.
type Changed struct {
	Tariff  ID        `json:"tariff"`
	Version VersionID `json:"version"`
	Number  int       `json:"number"`
}

// Assigned tells where a tariff came into force, or will no longer be.
type Assigned struct {
	ID      string     `json:"id"`
	Tariff  ID         `json:"tariff"`
	Level   string     `json:"level"`
	Site    string     `json:"site,omitempty"`
	Station string     `json:"station,omitempty"`
	EVSE    int        `json:"evse,omitempty"`
	From    *time.Time `json:"valid_from,omitempty"`
	To      *time.Time `json:"valid_to,omitempty"`
}

// Config of the room.
type Config struct {
	// PartyID is the operator's OCPI party id for tariffs that name none.
	PartyID string
}

// Deps are what the room needs.
type Deps struct {
	DB        *db.DB
	Log       *slog.Logger // nil: silent
	Locations *location.Service
	Stations  *station.Service
	// Driver tells who holds a token, as stations of an organisation see it;
	// nil: nobody is known. Memberships and the provider are added here.
	Driver func(tx *db.Tx, org, token string) (Driver, error)
	Config Config
}

// Service holds the use-cases of tariffs.
type Service struct {
	d Deps

	mu       sync.Mutex
	versions map[VersionID]Version
}

// New makes the room.
func New(d Deps) *Service {
	if d.Config.PartyID == "" {
		d.Config.PartyID = "FCT"
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{d: d, versions: map[VersionID]Version{}}
}

// Version gives a version by its id, from a cache: versions never change.
func (s *Service) Version(tx *db.Tx, id VersionID) (*Version, error) {
	s.mu.Lock()
	v, ok := s.versions[id]
	s.mu.Unlock()
	if ok {
		return &v, nil
	}
	v, err := versionByID(tx, id)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.versions) >= 4096 {
		clear(s.versions)
	}
	s.versions[id] = v
	return &v, nil
}

// Create stores a new tariff. An empty id, country or party is filled in; an
// empty org means the caller's own.
func (s *Service) Create(ctx context.Context, org identity.OrgID, o ocpi.Tariff) (r Record, err error) {
	c, err := identity.Require(ctx, identity.TariffWrite)
	if err != nil {
		return r, err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		own, err := identity.Place(ctx, tx, org)
		if err != nil {
			return err
		}
		v := Version{ID: id.New[VersionID](tx.Now), uid: id.New[uid](tx.Now), Org: own, Number: 1, From: tx.Now, CreatedAt: tx.Now, CreatedBy: c.Actor()}
		if o.ID == "" {
			o.ID = id.New[string](tx.Now)
		}
		if v.Tariff, err = s.settle(tx, own, o); err != nil {
			return err
		}
		fresh, err := insertTariff(tx, v)
		if err == nil && !fresh {
			err = fault.New(fault.Conflict, "tariff.exists", "This organisation already has a tariff %q; PUT a new version of it, or choose another id.", o.ID)
		}
		if err == nil {
			err = insertVersion(tx, v)
		}
		r = Record{Version: v, Status: Active, Newest: 1, UpdatedAt: tx.Now}
		return s.note(ctx, tx, err, KindChanged, "tariff.created", v)
	})
	return r, err
}

// settle fills what the operator is, stamps the tariff and checks it.
func (s *Service) settle(tx *db.Tx, org identity.OrgID, o ocpi.Tariff) (Tariff, error) {
	own, err := identity.Lookup(tx, org)
	if err != nil {
		return Tariff{}, err
	}
	if o.CountryCode == "" {
		o.CountryCode = own.Country
	}
	if o.PartyID == "" {
		o.PartyID = s.d.Config.PartyID
	}
	if o.Currency == "" {
		o.Currency = string(own.Currency)
	}
	o.LastUpdated = ocpi.At(tx.Now.Truncate(time.Second))
	t, err := Check(o)
	return t, inBody(err)
}

// inBody moves the fields of a refusal under "body".
func inBody(err error) error {
	f := fault.Of(err)
	if f == nil {
		return err
	}
	for i := range f.Fields {
		f.Fields[i].Location = "body." + f.Fields[i].Location
	}
	return f
}

// Replace writes a new version of a tariff, which holds from an instant to
// come, or from now when that is zero; sessions under way keep theirs. A later
// one that holds from now on does not undo one that is planned. A retired
// tariff becomes active again.
func (s *Service) Replace(ctx context.Context, tariff ID, o ocpi.Tariff, from time.Time) (r Record, err error) {
	c, err := identity.Require(ctx, identity.TariffWrite)
	if err != nil {
		return r, err
	}
	if o.ID == "" {
		o.ID = string(tariff)
	}
	if !strings.EqualFold(o.ID, string(tariff)) {
		return r, fault.New(fault.Invalid, "tariff.id", "The id of a tariff cannot change.").With("body.id", "must be "+string(tariff)+" or absent", o.ID)
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		old, err := one(tx, c, tariff, 0)
		if err != nil {
			return err
		}
		v := Version{ID: id.New[VersionID](tx.Now), uid: old.uid, Org: old.Org, CreatedAt: tx.Now, CreatedBy: c.Actor()}
		if v.From, err = begins(tx, old.uid, from); err != nil {
			return err
		}
		o.ID = string(old.Tariff.ID)
		if v.Tariff, err = s.settle(tx, old.Org, o); err != nil {
			return err
		}
		if err := s.stillLawful(tx, old.uid, v.Tariff); err != nil {
			return err
		}
		if v.Number, err = nextVersion(tx, old.uid, string(v.Tariff.Currency)); err == nil {
			err = insertVersion(tx, v)
		}
		r = Record{Version: v, Status: Active, Newest: v.Number, UpdatedAt: tx.Now}
		return s.note(ctx, tx, err, KindChanged, "tariff.changed", v)
	})
	return r, err
}

// begins gives the instant from which a version written now holds: now, or an
// instant to come. What was read may be sent back, the past of its version
// with it, which then says nothing.
func begins(tx *db.Tx, u uid, from time.Time) (time.Time, error) {
	if from.After(tx.Now) {
		return from, nil
	}
	if !from.IsZero() {
		known, err := beganAt(tx, u, from)
		if err != nil {
			return from, err
		}
		if !known {
			return from, fault.New(fault.Invalid, "tariff.valid_from", "What was charged before cannot change.").With("body.valid_from", "must be in the future, or absent for now", from)
		}
	}
	return tx.Now, nil
}

// Retire ends a tariff that is assigned nowhere any more.
func (s *Service) Retire(ctx context.Context, tariff ID) error {
	c, err := identity.Require(ctx, identity.TariffWrite)
	if err != nil {
		return err
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		r, err := one(tx, c, tariff, 0)
		if err != nil || r.Status == Retired {
			return err
		}
		n, err := assignedFrom(tx, r.uid, tx.Now)
		if err == nil && n > 0 {
			err = fault.New(fault.Conflict, "tariff.assigned", "The tariff is assigned in %d places; end those assignments first.", n)
		}
		if err == nil {
			err = retire(tx, r.uid)
		}
		return s.note(ctx, tx, err, KindRetired, KindRetired, r.Version)
	})
}

// note records what happened to a tariff, unless err says that it did not.
func (s *Service) note(ctx context.Context, tx *db.Tx, err error, kind, action string, v Version) error {
	if err != nil {
		return err
	}
	if err := identity.Audit(ctx, tx, identity.Entry{Org: v.Org, Action: action, Subject: string(v.Tariff.ID),
		Changes: map[string]identity.Change{"version": {v.Number - 1, v.Number}}}); err != nil {
		return err
	}
	return event.Record(tx, event.Fact{Org: string(v.Org), Subject: "tariff/" + string(v.uid), Kind: kind},
		Changed{Tariff: v.Tariff.ID, Version: v.ID, Number: v.Number})
}

// one finds the tariff that the caller means: theirs first, else the only
// one with that id below them.
func one(tx *db.Tx, c identity.Caller, tariff ID, version int) (Record, error) {
	all, err := recordsByID(tx, tariff, version, c.Scope.Where("t.org"))
	if err != nil {
		return Record{}, err
	}
	if i := slices.IndexFunc(all, func(r Record) bool { return r.Org == c.Org }); i >= 0 {
		return all[i], nil
	}
	switch len(all) {
	case 0:
		return Record{}, unknownTariff(tariff)
	case 1:
		return all[0], nil
	}
	return Record{}, fault.New(fault.Conflict, "tariff.ambiguous", "%d organisations below yours have a tariff %q; switch to the one you mean.", len(all), tariff)
}

// Read gives a tariff the caller may see; version 0 is the newest.
func (s *Service) Read(ctx context.Context, tariff ID, version int) (r Record, err error) {
	c, err := identity.Require(ctx, identity.TariffRead)
	if err != nil {
		return r, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		r, err = one(tx, c, tariff, version)
		return err
	})
	return r, err
}

// List pages through the tariffs the caller may see, each in its newest version.
func (s *Service) List(ctx context.Context, req db.ListRequest) (out []Record, next string, err error) {
	c, err := identity.Require(ctx, identity.TariffRead)
	if err != nil {
		return nil, "", err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		out, next, err = db.List(tx, tariffSpec, []db.Cond{c.Scope.Where("t.org")}, req, scanRecord)
		return err
	})
	return out, next, err
}

// Versions pages through the versions of one tariff.
func (s *Service) Versions(ctx context.Context, tariff ID, req db.ListRequest) (out []Record, next string, err error) {
	c, err := identity.Require(ctx, identity.TariffRead)
	if err != nil {
		return nil, "", err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		r, err := one(tx, c, tariff, 0)
		if err != nil {
			return err
		}
		out, next, err = db.List(tx, versionSpec, []db.Cond{{Text: "v.tariff = ?", Args: []any{string(r.uid)}}}, req, scanRecord)
		return err
	})
	return out, next, err
}

// subject names an assignment in facts.
func (a Assignment) subject() string { return fmt.Sprintf("tariff-assignment/%s", a.Place.target()) }
