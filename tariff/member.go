package tariff

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/identity"
)

// Kinds of the facts about who belongs to an audience and about promises.
const (
	KindMemberChanged   = "tariff.member_changed"   // payload Member
	KindOverrideChanged = "tariff.override_changed" // payload Override
)

// Member says that a token or a driver belongs to an audience for a time.
// Rooms above (partner, fleet, subscription, account) write their wishes here.
type Member struct {
	ID       string         `json:"id"`
	Org      identity.OrgID `json:"organisation"`
	Audience Audience       `json:"audience"`
	Ref      string         `json:"ref"`
	Token    string         `json:"id_token,omitempty"` // one of these two
	Driver   string         `json:"driver,omitempty"`
	From     time.Time      `json:"valid_from"`
	To       *time.Time     `json:"valid_to,omitempty"`
}

// Override promises a tariff to one token at a place, before everything else.
type Override struct {
	ID     string         `json:"id"`
	Place  Place          `json:"-"`
	Org    identity.OrgID `json:"-"`
	Token  string         `json:"id_token"`
	Tariff ID             `json:"tariff"`
	Reason string         `json:"reason,omitempty"`
	From   time.Time      `json:"valid_from"`
	To     *time.Time     `json:"valid_to,omitempty"`
}

// memberAudiences are those that people are put into.
var memberAudiences = []Audience{AudiencePartner, AudienceFleet, AudienceSubscription, AudienceDriverGroup}

// Enrol puts a token or a driver into an audience.
func (s *Service) Enrol(ctx context.Context, m Member) (Member, error) {
	c, err := identity.Require(ctx, identity.TariffWrite)
	if err != nil {
		return m, err
	}
	asked := m
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		m = asked
		if m.Org, err = identity.Place(ctx, tx, m.Org); err != nil {
			return err
		}
		return s.EnrolIn(ctx, tx, c.Actor(), &m)
	})
	return m, err
}

// EnrolIn is Enrol within a transaction of another room, which has decided
// the organisation and the permission.
func (s *Service) EnrolIn(ctx context.Context, tx *db.Tx, actor string, m *Member) error {
	bad := fault.New(fault.Invalid, "tariff.member", "This cannot be put into an audience.")
	known := false
	for _, a := range memberAudiences {
		known = known || a == m.Audience
	}
	if !known {
		bad.With("body.audience", fmt.Sprintf("must be one of %v; the others follow from the token", memberAudiences), m.Audience)
	}
	if m.Ref == "" || len(m.Ref) > 100 {
		bad.With("body.ref", "must name the partner, fleet, plan or driver group in 1 to 100 bytes", m.Ref)
	}
	if (m.Token == "") == (m.Driver == "") {
		bad.With("body.id_token", "give either id_token or driver", m.Token)
	}
	if m.From.IsZero() {
		m.From = tx.Now
	}
	if m.To != nil && !m.To.After(m.From) {
		bad.With("body.valid_to", "must be after valid_from", m.To)
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	m.ID = id.New[string](tx.Now)
	kind, key, shown := "driver", m.Driver, m.Driver
	if m.Token != "" {
		kind, key, shown = "token", tokenKey(m.Token), m.Token
	}
	err := tx.Send(`INSERT INTO tariff_member (id, org, audience, ref, kind, member, shown, valid_from, valid_to, created_at, created_by)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)`, m.ID, string(m.Org), string(m.Audience), m.Ref, kind, key, shown,
		db.Micros(m.From), db.NullMicros(m.To), db.Micros(tx.Now), actor)
	if err != nil {
		return err
	}
	return noteMember(ctx, tx, *m)
}

func noteMember(ctx context.Context, tx *db.Tx, m Member) error {
	err := identity.Audit(ctx, tx, identity.Entry{Org: m.Org, Action: KindMemberChanged, Subject: m.ID,
		Changes: map[string]identity.Change{string(m.Audience): {nil, m.Ref}}})
	if err != nil {
		return err
	}
	return event.Record(tx, event.Fact{Org: string(m.Org), Subject: "tariff-member/" + m.ID, Kind: KindMemberChanged}, m)
}

const memberColumns = "m.id, m.org, m.audience, m.ref, m.kind, m.shown, m.valid_from, m.valid_to"

var memberSpec = db.ListSpec{
	Base:    "SELECT " + memberColumns + " FROM tariff_member m WHERE",
	Default: "-created_at",
	Key:     "m.id",
	Fields: []db.Field{
		{Name: "id", Column: "m.id", Kind: db.Text, Filter: true},
		{Name: "organisation", Column: "m.org", Kind: db.Text, Sort: true, Filter: true},
		{Name: "audience", Column: "m.audience", Kind: db.Enum, Sort: true, Filter: true, Allowed: []string{"partner", "fleet", "subscription", "driver_group"}},
		{Name: "ref", Column: "m.ref", Kind: db.Text, Sort: true, Filter: true},
		{Name: "valid_from", Column: "m.valid_from", Kind: db.Instant, Sort: true, Filter: true},
		{Name: "valid_to", Column: "m.valid_to", Kind: db.Instant, Sort: true, Filter: true, Nullable: true},
		{Name: "created_at", Column: "m.created_at", Kind: db.Instant, Sort: true, Filter: true},
	},
}

func scanMember(row db.Scanner) (Member, error) {
	var m Member
	var kind, shown string
	var from int64
	var to sql.NullInt64
	err := row.Scan(&m.ID, (*string)(&m.Org), (*string)(&m.Audience), &m.Ref, &kind, &shown, &from, &to)
	m.From, m.To = db.Time(from), db.TimePtr(to)
	if kind == "token" {
		m.Token = shown
	} else {
		m.Driver = shown
	}
	return m, err
}

// Members pages through who belongs to which audience.
func (s *Service) Members(ctx context.Context, req db.ListRequest) (out []Member, next string, err error) {
	c, err := identity.Require(ctx, identity.TariffRead)
	if err != nil {
		return nil, "", err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		out, next, err = db.List(tx, memberSpec, []db.Cond{c.Scope.Where("m.org")}, req, scanMember)
		return err
	})
	return out, next, err
}

// Withdraw ends a membership now; sessions under way keep their price.
func (s *Service) Withdraw(ctx context.Context, member string) error {
	c, err := identity.Require(ctx, identity.TariffWrite)
	if err != nil {
		return err
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		text, args := db.Build("SELECT "+memberColumns+" FROM tariff_member m WHERE m.id = ?", member).And(c.Scope.Where("m.org")).SQL()
		m, err := scanMember(tx.QueryRow(text, args...))
		if fault.Is(err, fault.NotFound) {
			return fault.New(fault.NotFound, "tariff.member_unknown", "there is no membership %q", member)
		}
		if err != nil || m.To != nil && !m.To.After(tx.Now) {
			return err
		}
		if err := endRow(tx, "tariff_member", m.ID, tx.Now); err != nil {
			return err
		}
		now := tx.Now
		m.To = &now
		return noteMember(ctx, tx, m)
	})
}

// Promise stores an override; without From it holds from now on.
func (s *Service) Promise(ctx context.Context, o Override) (Override, error) {
	c, err := identity.Require(ctx, identity.TariffWrite)
	if err != nil {
		return o, err
	}
	asked := o
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		o = asked
		if err := s.place(ctx, tx, c, &o.Place); err != nil {
			return err
		}
		r, err := one(tx, c, o.Tariff, 0)
		if err != nil {
			return asField(err, "body.tariff", string(o.Tariff))
		}
		if o.From.IsZero() {
			o.From = tx.Now
		}
		if o.To != nil && !o.To.After(o.From) {
			return fault.New(fault.Invalid, "tariff.validity", "An override ends after it begins.").With("body.valid_to", "must be after valid_from", o.To)
		}
		if tokenKey(o.Token) == "" {
			return fault.New(fault.Invalid, "tariff.override", "An override is for one token.").With("body.id_token", "must not be empty", o.Token)
		}
		if err := s.lawful(tx, o.Place, r.Tariff, AudienceOverride); err != nil {
			return err
		}
		o.ID, o.Org = id.New[string](tx.Now), o.Place.Org
		err = tx.Send(`INSERT INTO tariff_override (id, org, site, station, evse, level, target, token, shown, tariff, reason, valid_from, valid_to, created_at, created_by)
			VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15)`, o.ID, string(o.Org), o.Place.Site, o.Place.Station, o.Place.EVSE, int(o.Place.Level()),
			o.Place.target(), tokenKey(o.Token), o.Token, string(r.uid), o.Reason, db.Micros(o.From), db.NullMicros(o.To), db.Micros(tx.Now), c.Actor())
		if err != nil {
			return err
		}
		return noteOverride(ctx, tx, o)
	})
	return o, err
}

func noteOverride(ctx context.Context, tx *db.Tx, o Override) error {
	err := identity.Audit(ctx, tx, identity.Entry{Org: o.Org, Action: KindOverrideChanged, Subject: o.ID,
		Changes: map[string]identity.Change{"tariff": {nil, string(o.Tariff)}, "place": {nil, o.Place.target()}}})
	if err != nil {
		return err
	}
	return event.Record(tx, event.Fact{Org: string(o.Org), Site: o.Place.Site, Station: o.Place.Station, Subject: "tariff-override/" + o.ID, Kind: KindOverrideChanged}, o)
}

const overrideColumns = "o.id, o.org, o.site, o.station, o.evse, o.shown, t.id, o.reason, o.valid_from, o.valid_to"

var overrideSpec = db.ListSpec{
	Base:    "SELECT " + overrideColumns + " FROM tariff_override o JOIN tariff t ON t.uid = o.tariff WHERE",
	Default: "-created_at",
	Key:     "o.id",
	Fields: []db.Field{
		{Name: "id", Column: "o.id", Kind: db.Text, Filter: true},
		{Name: "organisation", Column: "o.org", Kind: db.Text, Sort: true, Filter: true},
		{Name: "site", Column: "o.site", Kind: db.Text, Sort: true, Filter: true},
		{Name: "station_id", Column: "o.station", Kind: db.Text, Sort: true, Filter: true},
		{Name: "id_token", Column: "o.shown", Kind: db.Text, Sort: true, Filter: true},
		{Name: "tariff", Column: "t.id", Kind: db.Text, Sort: true, Filter: true},
		{Name: "valid_to", Column: "o.valid_to", Kind: db.Instant, Sort: true, Filter: true, Nullable: true},
		{Name: "created_at", Column: "o.created_at", Kind: db.Instant, Sort: true, Filter: true},
	},
}

func scanOverride(row db.Scanner) (Override, error) {
	var o Override
	var from int64
	var to sql.NullInt64
	err := row.Scan(&o.ID, (*string)(&o.Org), &o.Place.Site, &o.Place.Station, &o.Place.EVSE, &o.Token, (*string)(&o.Tariff), &o.Reason, &from, &to)
	o.Place.Org, o.From, o.To = o.Org, db.Time(from), db.TimePtr(to)
	return o, err
}

// Overrides pages through the promises.
func (s *Service) Overrides(ctx context.Context, req db.ListRequest) (out []Override, next string, err error) {
	c, err := identity.Require(ctx, identity.TariffRead)
	if err != nil {
		return nil, "", err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		out, next, err = db.List(tx, overrideSpec, []db.Cond{c.Scope.Where("o.org")}, req, scanOverride)
		return err
	})
	return out, next, err
}

// Revoke ends an override now.
func (s *Service) Revoke(ctx context.Context, override string) error {
	c, err := identity.Require(ctx, identity.TariffWrite)
	if err != nil {
		return err
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		text, args := db.Build("SELECT "+overrideColumns+" FROM tariff_override o JOIN tariff t ON t.uid = o.tariff WHERE o.id = ?", override).And(c.Scope.Where("o.org")).SQL()
		o, err := scanOverride(tx.QueryRow(text, args...))
		if fault.Is(err, fault.NotFound) {
			return fault.New(fault.NotFound, "tariff.override_unknown", "there is no override %q", override)
		}
		if err != nil || o.To != nil && !o.To.After(tx.Now) {
			return err
		}
		if err := endRow(tx, "tariff_override", o.ID, tx.Now); err != nil {
			return err
		}
		now := tx.Now
		o.To = &now
		return noteOverride(ctx, tx, o)
	})
}
