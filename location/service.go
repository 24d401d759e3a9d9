package location

import (
	"context"
	"log/slog"
	"sync"

	"github.com/forecourt-ev/forecourt/foundation/cluster"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/identity"
)

// Kinds of the facts this room records; their payload is Changed.
const (
	KindCreated = "site.created"
	KindChanged = "site.changed"
	KindDeleted = "site.deleted"
)

// Changed is the payload of every fact of a site: what it is now, or was
// when it was deleted.
type Changed struct {
	ID        ID     `json:"id"`
	Name      string `json:"name"`
	Country   string `json:"country,omitempty"`
	Latitude  string `json:"latitude,omitempty"`
	Longitude string `json:"longitude,omitempty"`
	TimeZone  string `json:"time_zone"`
	Currency  string `json:"currency"`
}

// Deps are what the room needs.
type Deps struct {
	DB  *db.DB
	Bus *cluster.Bus // nil: a single node without messaging
	Log *slog.Logger
}

// Service holds the use-cases of sites.
type Service struct {
	d Deps

	mu     sync.RWMutex
	cached map[ID]Site
	guards []func(tx *db.Tx, site ID) error
}

const changedSubject = "cache.location"

// New makes the room. It listens for changes on other nodes until the bus
// closes.
func New(d Deps) (*Service, error) {
	s := &Service{d: d, cached: map[ID]Site{}}
	if d.Bus != nil {
		if _, err := d.Bus.Subscribe(changedSubject, func(_ string, data []byte) { s.forget(ID(data)) }); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// BeforeDelete registers a check that can refuse the deletion of a site, for
// rooms that this one may not know, such as station.
func (s *Service) BeforeDelete(check func(tx *db.Tx, site ID) error) {
	s.guards = append(s.guards, check)
}

// Get finds a site for another room: no permission is checked. It answers
// from a cache; fault.NotFound when there is none.
func (s *Service) Get(tx *db.Tx, id ID) (Site, error) {
	s.mu.RLock()
	site, ok := s.cached[id]
	s.mu.RUnlock()
	if ok {
		return site, nil
	}
	site, err := siteByID(tx, id, everything)
	if err != nil {
		return Site{}, notFound(err, id)
	}
	s.mu.Lock()
	s.cached[id] = site
	s.mu.Unlock()
	return site, nil
}

var everything = db.Cond{Text: "1=1"}

func (s *Service) forget(id ID) {
	s.mu.Lock()
	delete(s.cached, id)
	s.mu.Unlock()
}

func notFound(err error, id ID) error {
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "location.unknown", "there is no site %q", id)
	}
	return err
}

// Read finds a site that the caller may see.
func (s *Service) Read(ctx context.Context, id ID) (site Site, err error) {
	c, err := identity.Require(ctx, identity.SiteRead)
	if err != nil {
		return Site{}, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		site, err = siteByID(tx, id, c.Scope.Where("org"))
		return notFound(err, id)
	})
	return site, err
}

// List pages through the sites that the caller may see; search matches
// anywhere in name and address, empty matches all.
func (s *Service) List(ctx context.Context, req db.ListRequest, search string) (sites []Site, next string, err error) {
	c, err := identity.Require(ctx, identity.SiteRead)
	if err != nil {
		return nil, "", err
	}
	where := []db.Cond{c.Scope.Where("org")}
	if search != "" {
		where = append(where, matching(search))
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		sites, next, err = db.List(tx, siteSpec, where, req, scanSite)
		return err
	})
	return sites, next, err
}

// Create adds a site; an empty Org means the caller's own.
func (s *Service) Create(ctx context.Context, site Site) (made Site, err error) {
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		made, err = s.CreateIn(ctx, tx, site)
		return err
	})
	return made, err
}

// CreateIn is Create inside a transaction of another room.
func (s *Service) CreateIn(ctx context.Context, tx *db.Tx, site Site) (Site, error) {
	if _, err := identity.Require(ctx, identity.SiteWrite); err != nil {
		return Site{}, err
	}
	org, err := identity.Place(ctx, tx, identity.OrgID(site.Org))
	if err != nil {
		return Site{}, err
	}
	site.Org = string(org)
	if site, err = settled(tx, site); err != nil {
		return Site{}, err
	}
	site.ID, site.CreatedAt, site.ChangedAt = id.New[ID](tx.Now), tx.Now, tx.Now
	if err := insertSite(tx, site); err != nil {
		return Site{}, err
	}
	return site, record(tx, KindCreated, site)
}

// Find gives the site of that id, else those of that name, of which the
// caller may see: none, one or several.
func (s *Service) Find(ctx context.Context, tx *db.Tx, idOrName string) ([]Site, error) {
	c, err := identity.Require(ctx, identity.SiteRead)
	if err != nil {
		return nil, err
	}
	site, err := siteByID(tx, ID(idOrName), c.Scope.Where("org"))
	if err == nil {
		return []Site{site}, nil
	}
	if !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	q, args := db.Build("SELECT "+siteColumns+" FROM site WHERE name = ?", idOrName).And(c.Scope.Where("org")).Add("ORDER BY id LIMIT 10").SQL()
	return db.Collect(tx, scanSite, q, args...)
}

// settled is Settled with the defaults of the site's organisation.
func settled(tx *db.Tx, s Site) (Site, error) {
	org, err := identity.Lookup(tx, identity.OrgID(s.Org))
	if err != nil {
		return s, err
	}
	return Settled(s, org.TimeZone, string(org.Currency))
}

// Change applies edit to a site that the caller may see. What edit leaves
// empty of time zone and currency is derived again.
func (s *Service) Change(ctx context.Context, id ID, edit func(*Site)) (site Site, err error) {
	c, err := identity.Require(ctx, identity.SiteWrite)
	if err != nil {
		return Site{}, err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		if site, err = siteByID(tx, id, c.Scope.Where("org")); err != nil {
			return notFound(err, id)
		}
		before := site
		edit(&site)
		if site, err = settled(tx, site); err != nil || site == before {
			return err
		}
		site.ChangedAt = tx.Now
		if err := updateSite(tx, site); err != nil {
			return err
		}
		s.announce(tx, id)
		return record(tx, KindChanged, site)
	})
	return site, err
}

// Delete removes a site at which nothing stands any more.
func (s *Service) Delete(ctx context.Context, id ID) error {
	c, err := identity.Require(ctx, identity.SiteWrite)
	if err != nil {
		return err
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		site, err := siteByID(tx, id, c.Scope.Where("org"))
		if err != nil {
			return notFound(err, id)
		}
		for _, check := range s.guards {
			if err := check(tx, id); err != nil {
				return err
			}
		}
		if err := deleteSite(tx, id); err != nil {
			return err
		}
		s.announce(tx, id)
		return record(tx, KindDeleted, site)
	})
}

// announce drops the site from the caches of all nodes after the commit.
func (s *Service) announce(tx *db.Tx, id ID) {
	tx.AfterCommit(func() {
		s.forget(id)
		if s.d.Bus == nil {
			return
		}
		if err := s.d.Bus.Publish(changedSubject, []byte(id)); err != nil {
			s.d.Log.Warn("other nodes may show an old site for a while", "site", id, "error", err)
		}
	})
}

func record(tx *db.Tx, kind string, s Site) error {
	return event.Record(tx, event.Fact{Org: s.Org, Site: string(s.ID), Subject: "site/" + string(s.ID), Kind: kind}, Changed{
		ID: s.ID, Name: s.Name, Country: s.Address.Country, Latitude: s.Latitude, Longitude: s.Longitude, TimeZone: s.TimeZone, Currency: string(s.Currency),
	})
}
