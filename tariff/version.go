package tariff

import (
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// VersionID names one version of a tariff: what a session keeps from its start.
type VersionID string

// uid names a tariff within the database; its OCPI id is unique only within
// an organisation.
type uid string

// Status of a tariff.
type Status string

const (
	Active  Status = "active"
	Retired Status = "retired" // no longer assigned; its versions stay
)

// Record is a tariff as it is kept, in one of its versions.
type Record struct {
	Version
	Status    Status
	Newest    int // version number
	UpdatedAt time.Time
	RetiredAt *time.Time
}

// Version is what a tariff said from one moment on. It never changes.
type Version struct {
	ID        VersionID
	Org       identity.OrgID
	Tariff    Tariff    // Tariff.ID is the OCPI id
	Number    int       // from 1
	From      time.Time // since when it holds; later than CreatedAt when it was planned
	CreatedAt time.Time
	CreatedBy string

	uid uid
}

// Level says how specific an assignment is; the most specific one wins.
type Level int

const (
	LevelOrganisation Level = iota + 1
	LevelSite
	LevelStation
	LevelEVSE
)

// String gives the level's name.
func (l Level) String() string {
	return [...]string{"", "organisation", "site", "station", "evse"}[l]
}

// Place is an EVSE, or what it belongs to: the emptier, the wider. EVSE 0
// means the whole station.
type Place struct {
	Org     identity.OrgID
	Site    string
	Station string
	EVSE    int
}

// Level is the most specific part that is set.
func (p Place) Level() Level {
	switch {
	case p.EVSE != 0:
		return LevelEVSE
	case p.Station != "":
		return LevelStation
	case p.Site != "":
		return LevelSite
	}
	return LevelOrganisation
}

// Assignment puts a tariff in force at a place for a time. From zero: since
// ever. To nil: until further notice.
type Assignment struct {
	ID        string
	Place     Place // Org is always that of the place
	Tariff    ID
	TariffOrg identity.OrgID
	From      time.Time
	To        *time.Time
	CreatedAt time.Time
	CreatedBy string
}

// inForce reports whether the tariff's own validity includes at.
func inForce(o ocpi.Tariff, at time.Time) bool {
	return (o.StartDateTime == nil || !at.Before(o.StartDateTime.Time)) &&
		(o.EndDateTime == nil || at.Before(o.EndDateTime.Time))
}

func unknownTariff(id ID) error {
	return fault.New(fault.NotFound, "tariff.unknown", "there is no tariff %q", id)
}
