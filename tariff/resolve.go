package tariff

import (
	"context"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/identity"
)

// Resolution is which price a driver has at an EVSE, and the chain that led
// to it. Version is nil when there is none: the session is free.
type Resolution struct {
	Driver  Driver
	Steps   []Step
	Taken   *Step
	Version *Version
	Dynamic *Dynamic // Version is what a price series made of the tariff
}

// ForEVSE gives the version that applies to a session starting at an EVSE at
// an instant, to be kept for the whole session; nil when there is none. Who
// holds the token decides by Choose. evse 0 and an empty site are allowed. A
// version that a price series makes is stored, so that the session can be
// priced again years later; tx must be able to write for that.
func (s *Service) ForEVSE(tx *db.Tx, org, site, station string, evse int, token string, at time.Time) (*Version, error) {
	d, err := s.driver(tx, org, token, at)
	if err != nil {
		return nil, err
	}
	r, err := s.resolve(tx, spot{org, site, station, evse}, d, at, false)
	if err != nil {
		return nil, err
	}
	if r.Taken == nil && len(r.Steps) > 0 {
		s.d.Log.Warn("a session is free because no tariff that this driver could have here is in force by its own dates", "org", org, "station", station, "tariff", r.Steps[0].Tariff)
	}
	if r.Dynamic != nil {
		if err := insertSnapshot(tx, *r.Version, r.Dynamic.base, r.Dynamic.Source()); err != nil {
			return nil, err
		}
	}
	return r.Version, nil
}

// spot is an EVSE and what it belongs to.
type spot struct {
	org, site, station string
	evse               int
}

// places lists what may have a price for the spot, wide to narrow.
func (p spot) places(tx *db.Tx) ([]Place, error) {
	o, err := identity.Lookup(tx, identity.OrgID(p.org))
	if err != nil {
		return nil, err
	}
	var places []Place
	for _, above := range strings.Split(strings.Trim(o.Path, "/"), "/") {
		places = append(places, Place{Org: identity.OrgID(above)})
	}
	if p.site != "" {
		places = append(places, Place{Site: p.site})
	}
	if p.station != "" {
		places = append(places, Place{Station: p.station})
	}
	if p.station != "" && p.evse != 0 {
		places = append(places, Place{Station: p.station, EVSE: p.evse})
	}
	return places, nil
}

// driver finds out who holds a token.
func (s *Service) driver(tx *db.Tx, org, token string, at time.Time) (Driver, error) {
	var d Driver
	if token != "" && s.d.Driver != nil {
		var err error
		if d, err = s.d.Driver(tx, org, token); err != nil {
			return d, err
		}
	}
	if d.Token == "" {
		d.Token = tokenKey(token)
	}
	if !d.Known && d.Provider == "" {
		d.Provider = Provider(token)
	}
	more, err := memberships(tx, identity.OrgID(org), d, at)
	d.Memberships = append(d.Memberships, more...)
	return d, err
}

// DriverGroups are the groups of drivers that the holder of a token is in at
// an instant, for prices that depend on them.
func (s *Service) DriverGroups(tx *db.Tx, org, token string, at time.Time) (groups []string, err error) {
	if token == "" {
		return nil, nil
	}
	d, err := s.driver(tx, org, token, at)
	return d.groups(), err
}

// groups are the groups of drivers that a driver is in.
func (d Driver) groups() (out []string) {
	for _, m := range d.Memberships {
		if m.Audience == AudienceDriverGroup {
			out = append(out, m.Ref)
		}
	}
	return out
}

// tokenKey is what readings of one token have in common: without case,
// separators and blanks, as the access room compares them.
func tokenKey(token string) string {
	return strings.NewReplacer(" ", "", ":", "", "-", "", "\t", "").Replace(strings.ToUpper(token))
}

// resolve finds the price of a driver at a spot. all: also what is not for
// this driver, to explain it.
func (s *Service) resolve(tx *db.Tx, at spot, d Driver, when time.Time, all bool) (Resolution, error) {
	r := Resolution{Driver: d}
	places, err := at.places(tx)
	if err != nil {
		return r, err
	}
	found, err := candidates(tx, places, d, when, all)
	if err != nil {
		return r, err
	}
	r.Steps, err = Choose(found, d, func(c Candidate) (bool, error) {
		v, err := s.Version(tx, c.Version)
		return err == nil && inForce(v.Tariff.Source, when), err
	})
	if err != nil {
		return r, err
	}
	step, ok := Taken(r.Steps)
	if !ok {
		return r, nil
	}
	r.Taken = &step
	if r.Version, err = s.Version(tx, step.Version); err != nil {
		return r, err
	}
	r.Version, r.Dynamic, err = s.materialise(tx, *r.Version, at, when)
	return r, err
}

// Explain tells which price a token has at an EVSE at an instant and why; the
// caller must see both the tariff and the station. at zero is now.
func (s *Service) Explain(ctx context.Context, station string, evse int, token string, at time.Time) (r Resolution, err error) {
	c, err := identity.Require(ctx, identity.TariffRead)
	if err != nil {
		return r, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		if at.IsZero() {
			at = tx.Now
		}
		p, err := s.spotOf(tx, c, station, evse)
		if err != nil {
			return err
		}
		d, err := s.driver(tx, p.org, token, at)
		if err != nil {
			return err
		}
		r, err = s.resolve(tx, p, d, at, true)
		return err
	})
	return r, err
}

// spotOf finds an EVSE that the caller may see.
func (s *Service) spotOf(tx *db.Tx, c identity.Caller, station string, evse int) (spot, error) {
	st, err := s.d.Stations.Get(tx, station)
	if err == nil {
		var seen bool
		if seen, err = c.Scope.Has(tx, identity.OrgID(st.Org)); err == nil && !seen {
			err = fault.New(fault.NotFound, "station.unknown", "there is no charging station %q", station)
		}
	}
	if err != nil {
		return spot{}, err
	}
	return spot{st.Org, st.Site, string(st.ID), evse}, nil
}

func newID(tx *db.Tx) string { return id.New[string](tx.Now) }
