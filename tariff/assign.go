package tariff

import (
	"context"
	"fmt"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/location"
	"github.com/forecourt-ev/forecourt/station"
)

// Assign puts a tariff in force at a place. Without From it is since ever
// when the place had none, else from now on. An assignment that is open-ended
// ends when the new one begins; one that lies within the same time otherwise
// is a conflict. Assigning again what is in force changes nothing.
func (s *Service) Assign(ctx context.Context, tariff ID, a Assignment) (Assignment, error) {
	c, err := identity.Require(ctx, identity.TariffWrite)
	if err != nil {
		return a, err
	}
	asked := a
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		a = asked
		if err := s.place(ctx, tx, c, &a.Place); err != nil {
			return err
		}
		r, err := one(tx, c, tariff, 0)
		if err != nil {
			return asField(err, "body.tariff", string(tariff))
		}
		if r.Status == Retired {
			return fault.New(fault.Conflict, "tariff.retired", "The tariff %q is retired; PUT a new version to use it again.", tariff)
		}
		if err := s.sameCurrency(tx, a.Place, &r.Tariff); err != nil {
			return err
		}
		if err := s.lawful(tx, a.Place, r.Tariff, AudienceDefault); err != nil {
			return err
		}
		a.ID, a.CreatedAt, a.CreatedBy, a.Tariff, a.TariffOrg = id.New[string](tx.Now), tx.Now, c.Actor(), r.Tariff.ID, r.Org
		own := a.ID
		if err := makeRoom(tx, &a); err != nil || a.ID != own {
			return err
		}
		if err := insertAssignment(tx, a, r.uid); err != nil {
			return err
		}
		return s.noteAssignment(ctx, tx, KindAssigned, a)
	})
	return a, err
}

// place completes a place and checks that the caller may price it.
func (s *Service) place(ctx context.Context, tx *db.Tx, c identity.Caller, p *Place) error {
	var err error
	switch {
	case p.Level() == LevelOrganisation:
		p.Org, err = identity.Place(ctx, tx, p.Org)
		return err
	case p.EVSE != 0 && p.Station == "":
		return fault.New(fault.Invalid, "tariff.place", "An EVSE is named together with its station.").With("body.station_id", "is required with evse_id", nil)
	case p.EVSE < 0:
		return fault.New(fault.Invalid, "tariff.place", "EVSEs are numbered from 1.").With("body.evse_id", "must be 1 or more", p.EVSE)
	case p.Station != "":
		var st station.Station
		if st, err = s.d.Stations.Get(tx, p.Station); err == nil {
			p.Org, p.Site, p.Station = identity.OrgID(st.Org), st.Site, string(st.ID)
		}
	default:
		var site location.Site
		if site, err = s.d.Locations.Get(tx, location.ID(p.Site)); err == nil {
			p.Org = identity.OrgID(site.Org)
		}
	}
	seen := false
	if err == nil {
		seen, err = c.Scope.Has(tx, p.Org)
	}
	if err == nil && seen || err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	at, what, value := "body.site", "site", p.Site
	if p.Station != "" {
		at, what, value = "body.station_id", "charging station", p.Station
	}
	return fault.New(fault.Invalid, "tariff.place", "There is no %s %q.", what, value).With(at, "must be one that you can see", value)
}

// asField turns a missing tariff into a wrong field of the body.
func asField(err error, at, value string) error {
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	return fault.New(fault.Invalid, "tariff.unknown", "There is no tariff %q.", value).With(at, "must be the id of a tariff that you can see", value)
}

// makeRoom decides when a begins and ends what it follows.
func makeRoom(tx *db.Tx, a *Assignment) error {
	if a.To != nil && !a.To.After(a.From) {
		return fault.New(fault.Invalid, "tariff.validity", "An assignment ends after it begins.").With("body.valid_to", "must be after valid_from", a.To)
	}
	others, err := overlapping(tx, *a)
	if err != nil {
		return err
	}
	if len(others) > 0 && a.From.IsZero() {
		if o := others[len(others)-1]; o.To == nil && a.To == nil && !o.From.After(tx.Now) && o.Tariff == a.Tariff && o.TariffOrg == a.TariffOrg {
			*a = o // already so, until further notice
			return nil
		}
		a.From = tx.Now
		if others, err = overlapping(tx, *a); err != nil {
			return err
		}
	}
	if len(others) == 0 {
		return nil
	}
	if o := others[0]; len(others) == 1 && o.To == nil && o.From.Before(a.From) {
		return endAssignment(tx, o.ID, a.From)
	}
	o := others[len(others)-1]
	return fault.New(fault.Conflict, "tariff.overlap", "The %s has the tariff %q %s; end that assignment first, or choose another time.",
		a.Place.Level(), o.Tariff, validity(o))
}

func validity(a Assignment) string {
	out := "at that time"
	if !a.From.IsZero() {
		out = fmt.Sprintf("from %s on", a.From.Format(time.RFC3339))
	}
	if a.To != nil {
		out += fmt.Sprintf(" until %s", a.To.Format(time.RFC3339))
	}
	return out
}

// Unassign ends an assignment now; one that has not begun is removed.
func (s *Service) Unassign(ctx context.Context, assignment string) error {
	c, err := identity.Require(ctx, identity.TariffWrite)
	if err != nil {
		return err
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		a, err := assignmentByID(tx, assignment, c.Scope.Where("a.org"))
		if err != nil || a.To != nil && !a.To.After(tx.Now) {
			return err
		}
		if a.From.Before(tx.Now) {
			err = endAssignment(tx, a.ID, tx.Now)
		} else {
			err = deleteAssignment(tx, a.ID)
		}
		if err != nil {
			return err
		}
		now := tx.Now
		a.To = &now
		return s.noteAssignment(ctx, tx, KindUnassigned, a)
	})
}

// Assignments pages through the assignments the caller may see.
func (s *Service) Assignments(ctx context.Context, req db.ListRequest) (out []Assignment, next string, err error) {
	c, err := identity.Require(ctx, identity.TariffRead)
	if err != nil {
		return nil, "", err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		out, next, err = db.List(tx, assignmentSpec, []db.Cond{c.Scope.Where("a.org")}, req, scanAssignment)
		return err
	})
	return out, next, err
}

// ReadAssignment gives one assignment the caller may see.
func (s *Service) ReadAssignment(ctx context.Context, assignment string) (a Assignment, err error) {
	c, err := identity.Require(ctx, identity.TariffRead)
	if err != nil {
		return a, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		a, err = assignmentByID(tx, assignment, c.Scope.Where("a.org"))
		return err
	})
	return a, err
}

func (s *Service) noteAssignment(ctx context.Context, tx *db.Tx, kind string, a Assignment) error {
	payload := Assigned{ID: a.ID, Tariff: a.Tariff, Level: a.Place.Level().String(), Site: a.Place.Site, Station: a.Place.Station, EVSE: a.Place.EVSE, To: a.To}
	if !a.From.IsZero() {
		payload.From = &a.From
	}
	err := identity.Audit(ctx, tx, identity.Entry{Org: a.Place.Org, Action: kind, Subject: a.Place.target(),
		Changes: map[string]identity.Change{"tariff": {nil, string(a.Tariff)}}})
	if err != nil {
		return err
	}
	return event.Record(tx, event.Fact{Org: string(a.Place.Org), Site: a.Place.Site, Station: a.Place.Station, Subject: a.subject(), Kind: kind}, payload)
}
