package billing

import (
	"context"
	"log/slog"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/retain"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/location"
	"github.com/forecourt-ev/forecourt/session"
	"github.com/forecourt-ev/forecourt/station"
	"github.com/forecourt-ev/forecourt/tariff"
)

// Config of the room.
type Config struct {
	PartyID string `help:"OCPI party id of the operator in CDRs" default:"FCT"`
}

// Deps are what the room needs.
type Deps struct {
	Config
	DB        *db.DB
	Log       *slog.Logger
	Locations *location.Service
	Stations  *station.Service
	Tariffs   *tariff.Service
}

// Service holds the use-cases of CDRs.
type Service struct{ d Deps }

// New makes the room.
func New(d Deps) *Service {
	if d.PartyID == "" {
		d.PartyID = "FCT"
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{d: d}
}

// Consumers gives what the room listens to.
func (s *Service) Consumers() []event.Consumer {
	return []event.Consumer{{Name: "billing.cdr", Kinds: []string{session.KindEnded}, Handle: s.onEnded}}
}

func (s *Service) onEnded(tx *db.Tx, f event.Fact) error {
	var done session.Finished
	if err := f.Decode(&done); err != nil {
		return err
	}
	return s.Settle(tx, done)
}

// Settle bills a session that ended: the first time by a CDR, later times by
// a credit and a new CDR if what is billed differs. A revision that is not
// newer than the one billed changes nothing; neither does a session that was
// refused and took no energy.
func (s *Service) Settle(tx *db.Tx, f session.Finished) error { return s.bill(tx, f, false) }

// bill is Settle; released passes a price whose quote does not explain it.
func (s *Service) bill(tx *db.Tx, f session.Finished, released bool) error {
	last, found, err := latest(tx, f.ID)
	if err != nil || found && last.Revision >= f.Revision {
		return err
	}
	if !found && f.Status == session.Invalid && f.Energy == 0 {
		return nil
	}
	if !released {
		held, err := lastHeld(tx, f.ID)
		if err != nil || held >= f.Revision {
			return err
		}
		if err := replaceHeld(tx, f.ID); err != nil {
			return err
		}
	}
	in, err := s.prepare(tx, f)
	if err != nil {
		return err
	}
	if !released {
		quoted, breaches, err := integrity(f, in.version, in.cost)
		if err != nil {
			return err
		}
		if len(breaches) > 0 {
			return s.hold(tx, f, in.cost, quoted, breaches)
		}
	}
	next, err := in.seal()
	if err != nil || found && last.Digest == next.Digest {
		return err
	}
	if found {
		back, err := last.credit()
		if err != nil {
			return err
		}
		if err := s.issue(tx, back); err != nil {
			return err
		}
	}
	next.ID = id.New[ID](tx.Now)
	return s.issue(tx, next)
}

// prepare prices a session.
func (s *Service) prepare(tx *db.Tx, f session.Finished) (settled, error) {
	org, err := identity.Lookup(tx, identity.OrgID(f.Org))
	if err != nil {
		return settled{}, err
	}
	in := settled{session: f, country: org.Country, party: s.d.PartyID}
	if in.place, err = s.whereabouts(tx, f); err != nil {
		return in, err
	}
	prices := tariff.None(currencyOf(f, in.place, org))
	if f.Tariff != "" {
		if in.version, err = s.d.Tariffs.Version(tx, f.Tariff); err != nil {
			return in, err
		}
		prices = in.version.Tariff
	}
	in.cost = tariff.Price(prices, f.Usage, in.place.zone, f.Inputs)
	return in, nil
}

// currencyOf is the currency of a price of zero.
func currencyOf(f session.Finished, p place, org identity.Organisation) money.Currency {
	for _, c := range []money.Currency{f.Currency, p.site.Currency} {
		if c != "" {
			return c
		}
	}
	return org.Currency
}

func (s settled) org() identity.OrgID { return identity.OrgID(s.session.Org) }

// issue numbers, stamps and stores a record, and tells of it.
func (s *Service) issue(tx *db.Tx, c CDR) error {
	var err error
	if c.Number, err = nextNumber(tx, c.Org); err != nil {
		return err
	}
	c.IssuedAt = tx.Now
	if err := c.stamp(); err != nil {
		return err
	}
	if err := insert(tx, c); err != nil {
		return err
	}
	return event.Record(tx, event.Fact{Org: string(c.Org), Site: c.Site, Station: c.Station, Subject: string(c.Session), Kind: KindIssued}, c.issued())
}

// List pages through the CDRs the caller may see.
func (s *Service) List(ctx context.Context, req db.ListRequest) (out []CDR, next string, err error) {
	c, err := identity.Require(ctx, identity.CDRRead)
	if err != nil {
		return nil, "", err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		out, next, err = db.List(tx, cdrSpec, []db.Cond{c.Scope.Where("c.org")}, req, scan)
		return err
	})
	return out, next, err
}

// Read gives a CDR the caller may see.
func (s *Service) Read(ctx context.Context, cdr ID) (out CDR, err error) {
	c, err := identity.Require(ctx, identity.CDRRead)
	if err != nil {
		return out, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		out, err = byID(tx, cdr, c.Scope.Where("c.org"))
		if fault.Is(err, fault.NotFound) {
			err = fault.New(fault.NotFound, "cdr.unknown", "there is no CDR %q", cdr)
		}
		return err
	})
	return out, err
}

// Stores tells how much room charge records take. They are kept.
func (s *Service) Stores() []retain.Store {
	return []retain.Store{{Name: "cdr", Tables: []string{"cdr", "cdr_sequence", "cdr_held"},
		Oldest: func(tx *db.Tx) (time.Time, error) { return retain.Oldest(tx, "cdr", "issued_at") }}}
}
