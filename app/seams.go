package app

import (
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/location"
	"github.com/forecourt-ev/forecourt/session"
	"github.com/forecourt-ev/forecourt/station"
)

// seams hand a room what it asks of one that it may not import, as functions.
type seams struct {
	stations  *station.Service
	locations *location.Service
}

// zone is the time zone that prices at a site follow; the organisation's
// without a site.
func (s seams) zone(tx *db.Tx, org, site string) (*time.Location, error) {
	if site == "" {
		owner, err := identity.Lookup(tx, identity.OrgID(org))
		if err != nil {
			return nil, err
		}
		return time.LoadLocation(owner.TimeZone)
	}
	place, err := s.locations.Get(tx, location.ID(site))
	if err != nil {
		return nil, err
	}
	return place.Zone(), nil
}

// portUse tells a port what its session is doing.
func (s seams) portUse(tx *db.Tx, id string, evse int, u session.PortUse) error {
	use := station.Use(u.Charging.String())
	if u.Over {
		use = station.UseEnded
	}
	return s.stations.SetUse(tx, id, evse, station.Usage{State: use, Session: string(u.Session), Power: u.Power, Connector: u.Connector})
}

// orgOfSite is the organisation of a site.
func (s seams) orgOfSite(tx *db.Tx, site string) (string, error) {
	place, err := s.locations.Get(tx, location.ID(site))
	return string(place.Org), err
}
