package account

import (
	"context"
	"log/slog"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/identity"
)

// Kinds of the facts this room records; their payload is Changed.
const (
	KindCreated = "driver.created"
	KindChanged = "driver.changed"
	KindDeleted = "driver.deleted"
)

// Changed is the payload of every fact of a driver. The fact's subject is the
// driver's id.
type Changed struct {
	Name     string `json:"name"`
	Email    string `json:"email,omitempty"`
	Language string `json:"language,omitempty"`
}

// Deps are what the room needs.
type Deps struct {
	DB  *db.DB
	Log *slog.Logger
}

// Service holds the use-cases of drivers.
type Service struct{ d Deps }

// New makes the room.
func New(d Deps) *Service { return &Service{d: d} }

// Consumers gives none: the room follows nobody's facts.
func (s *Service) Consumers() []event.Consumer { return nil }

// Jobs registers none: the room has no periodic work.
func (s *Service) Jobs(*job.Runner) {}

// Knows reports whether the organisation has the driver, for other rooms: no
// permission is checked.
func (s *Service) Knows(tx *db.Tx, org, driver string) (bool, error) {
	_, err := driverByID(tx, DriverID(driver), db.Cond{Text: "org = ?", Args: []any{org}})
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// List pages through the drivers that the caller may see.
func (s *Service) List(ctx context.Context, req db.ListRequest) (drivers []Driver, next string, err error) {
	c, err := identity.Require(ctx, identity.TokenRead)
	if err != nil {
		return nil, "", err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		drivers, next, err = db.List(tx, driverSpec, []db.Cond{c.Scope.Where("org")}, req, scanDriver)
		return err
	})
	return drivers, next, err
}

// Read finds a driver that the caller may see.
func (s *Service) Read(ctx context.Context, driver DriverID) (d Driver, err error) {
	c, err := identity.Require(ctx, identity.TokenRead)
	if err != nil {
		return d, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		d, err = visible(tx, c, driver)
		return err
	})
	return d, err
}

func visible(tx *db.Tx, c identity.Caller, driver DriverID) (Driver, error) {
	d, err := driverByID(tx, driver, c.Scope.Where("org"))
	if fault.Is(err, fault.NotFound) {
		return d, fault.New(fault.NotFound, "driver.unknown", "there is no driver %q", driver)
	}
	return d, err
}

// Create adds a driver; an empty Org means the caller's own.
func (s *Service) Create(ctx context.Context, d Driver) (Driver, error) {
	if _, err := identity.Require(ctx, identity.TokenWrite); err != nil {
		return Driver{}, err
	}
	err := s.d.DB.Update(ctx, func(tx *db.Tx) error {
		org, err := identity.Place(ctx, tx, identity.OrgID(d.Org))
		if err != nil {
			return err
		}
		made := d
		made.Org, made.ID = string(org), id.New[DriverID](tx.Now)
		made.CreatedAt, made.UpdatedAt = tx.Now, tx.Now
		if err := checked(tx, &made); err != nil {
			return err
		}
		if err := insertDriver(tx, made); err != nil {
			return err
		}
		d = made
		return record(ctx, tx, made, KindCreated)
	})
	return d, err
}

func checked(tx *db.Tx, d *Driver) error {
	if err := d.check(); err != nil {
		return err
	}
	if d.Email == "" {
		return nil
	}
	n, other, err := driverByEmail(tx, d.Org, d.Email)
	if err == nil && n > 0 && other != d.ID {
		err = fault.New(fault.Conflict, "driver.exists", "the organisation already has a driver with the address %s", d.Email).
			With("body.email", "must not be another driver's", d.Email)
	}
	return err
}

// Change edits a driver. Its organisation stays.
func (s *Service) Change(ctx context.Context, driver DriverID, edit func(*Driver)) (d Driver, err error) {
	c, err := identity.Require(ctx, identity.TokenWrite)
	if err != nil {
		return d, err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		before, err := visible(tx, c, driver)
		if err != nil {
			return err
		}
		d = before
		edit(&d)
		d.ID, d.Org, d.CreatedAt, d.UpdatedAt = before.ID, before.Org, before.CreatedAt, tx.Now
		if err := checked(tx, &d); err != nil {
			return err
		}
		if err := updateDriver(tx, d); err != nil {
			return err
		}
		return record(ctx, tx, d, KindChanged)
	})
	return d, err
}

// Delete forgets a driver. Tokens and sessions that name them keep the id.
func (s *Service) Delete(ctx context.Context, driver DriverID) error {
	c, err := identity.Require(ctx, identity.TokenWrite)
	if err != nil {
		return err
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		d, err := visible(tx, c, driver)
		if err != nil {
			return err
		}
		if err := deleteDriver(tx, d.ID); err != nil {
			return err
		}
		return record(ctx, tx, d, KindDeleted)
	})
}

func record(ctx context.Context, tx *db.Tx, d Driver, kind string) error {
	if err := identity.Audit(ctx, tx, identity.Entry{Org: identity.OrgID(d.Org), Action: kind, Subject: string(d.ID)}); err != nil {
		return err
	}
	return event.Record(tx, event.Fact{Org: d.Org, Subject: string(d.ID), Kind: kind}, Changed{Name: d.Name, Email: d.Email, Language: d.Language})
}
