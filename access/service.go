package access

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// Kinds of the facts this room records; their payload is Changed.
const (
	KindCreated = "token.created"
	KindChanged = "token.changed"
	KindBlocked = "token.blocked"
	KindDeleted = "token.deleted"
)

// Changed is the payload of every fact of a token. The fact's subject is the
// token's id.
type Changed struct {
	Token   string     `json:"id_token"`
	Type    string     `json:"type"`
	Status  Status     `json:"status"`
	Expiry  *time.Time `json:"expiry,omitempty"`
	Group   string     `json:"group,omitempty"`
	Driver  string     `json:"driver,omitempty"`
	Revoked bool       `json:"revoked,omitempty"` // it could charge before and cannot now
}

// Config of the room. Zero values mean the defaults.
type Config struct {
	OpenAccess  bool          `help:"Accept tokens that nobody owns, where no policy says otherwise"`
	MaxSessions int           `help:"Sessions that one token may have at a time, unless it says otherwise" default:"1"`
	Lease       time.Duration `help:"How long a station may be silent before its open sessions stop blocking their tokens elsewhere" default:"10m"`
	CacheFor    time.Duration `help:"How long stations may keep an acceptance in their cache" default:"24h"`
	NoLists     bool          `help:"Send no local authorisation lists to stations"`
	ListDelay   time.Duration `help:"How long new tokens are collected, and a station is left alone after its boot, before its local list is brought up to date; a token that may charge no longer is taken off at once" default:"30s"`
}

// Deps are what the room needs.
type Deps struct {
	DB     *db.DB
	Log    *slog.Logger
	Config Config

	// LastSeen gives when a station was last heard of; fault.NotFound when
	// there is no such station. nil: every station counts as present.
	LastSeen func(tx *db.Tx, station string) (time.Time, error)
	// StationOrg gives the organisation of a station that the caller of the
	// context may see; fault.NotFound otherwise. nil: station policies are
	// refused as unsupported.
	StationOrg func(ctx context.Context, tx *db.Tx, station string) (string, error)
	// Stations are where local lists go, Commander how; nil: nowhere.
	Stations  *station.Service
	Commander ocpp.Commander
	// Variable gives what a station states of itself: the value and, where
	// there is one, its upper limit. nil: nothing is known.
	Variable func(tx *db.Tx, station, component, variable string) (value, most string, err error)
	// AdHoc reports whether the token was made up for a remote start at the
	// station that is still awaited. nil: none is.
	AdHoc func(tx *db.Tx, station, token string) (bool, error)
	// Reserved reports whether an EVSE is reserved for others than this token
	// and its group. nil: none is.
	Reserved func(tx *db.Tx, station string, evse int, token, group string) (bool, error)
	// Contract checks the contract certificate of a car (pki.CheckContract);
	// the empty status when there is nothing to check. nil: none is checked.
	Contract func(ctx context.Context, p ocpp.Peer, token, chain string, data []ocpp.OCSPRequestData) ocpp.AuthorizeCertificateStatusEnum
	// Metrics is where the room's measurements go; nil: nowhere.
	Metrics prometheus.Registerer
	// KnowsDriver reports whether the organisation has the driver. nil: any.
	KnowsDriver func(tx *db.Tx, org, driver string) (bool, error)
}

// Service holds the use-cases of tokens.
type Service struct {
	d         Deps
	decisions prometheus.Histogram
}

// New makes the room.
func New(d Deps) *Service {
	if d.Config.MaxSessions <= 0 {
		d.Config.MaxSessions = 1
	}
	if d.Config.Lease <= 0 {
		d.Config.Lease = 10 * time.Minute
	}
	if d.Config.CacheFor <= 0 {
		d.Config.CacheFor = 24 * time.Hour
	}
	if d.Config.ListDelay <= 0 {
		d.Config.ListDelay = 30 * time.Second
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{d: d, decisions: newDecisions(d)}
}

// newDecisions makes the histogram of how long Authorize takes to decide, from
// the asking to the answer, the wait for a reader of the database included.
func newDecisions(d Deps) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "forecourt", Subsystem: "authorize", Name: "decision_seconds",
		Help:    "Time to decide what a station that asks about a token is told.",
		Buckets: []float64{.0001, .00025, .0005, .00075, .001, .0015, .002, .003, .005, .01, .025, .1, .5, 2}})
	if d.Metrics != nil {
		if err := d.Metrics.Register(h); err != nil {
			d.Log.Error("the metric of decisions is not told", "err", err)
		}
	}
	return h
}

// Jobs registers the room's periodic work.
func (s *Service) Jobs(r *job.Runner) {
	r.Every("access.grants", 10*time.Minute, func(ctx context.Context) error {
		return s.d.DB.Update(ctx, func(tx *db.Tx) error {
			if err := dropSeen(tx, tx.Now.Add(-s.d.Config.CacheFor)); err != nil {
				return err
			}
			return dropGrants(tx, tx.Now)
		})
	})
	if s.lists() {
		r.Handle(jobList, s.listJob, job.Options{MaxAttempts: 5, Timeout: 10 * time.Minute})
		r.Handle(jobCache, s.cacheJob, job.Options{MaxAttempts: 10, Timeout: time.Minute})
		r.Every("access.local-lists", 5*time.Minute, s.reviewLists)
	}
}

// open reports whether strangers may charge at the station.
func (s *Service) open(tx *db.Tx, org, station string) (bool, error) {
	ps, err := policies(tx, org, station)
	if err != nil {
		return false, err
	}
	for _, at := range []string{station, ""} {
		if open, ok := ps[at]; ok {
			return open, nil
		}
	}
	return s.d.Config.OpenAccess, nil
}

// List pages through the tokens that the caller may see.
func (s *Service) List(ctx context.Context, req db.ListRequest) (tokens []IdToken, next string, err error) {
	c, err := identity.Require(ctx, identity.TokenRead)
	if err != nil {
		return nil, "", err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		tokens, next, err = db.List(tx, tokenSpec, []db.Cond{c.Scope.Where("org")}, req, scanToken)
		return err
	})
	return tokens, next, err
}

// Read finds a token by its value, however it is written.
func (s *Service) Read(ctx context.Context, value string) (t IdToken, err error) {
	c, err := identity.Require(ctx, identity.TokenRead)
	if err != nil {
		return t, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		t, err = s.visible(tx, c, value)
		return err
	})
	return t, err
}

func (s *Service) visible(tx *db.Tx, c identity.Caller, value string) (IdToken, error) {
	all, err := tokenVisible(tx, value, string(c.Org), c.Scope.Where("org"))
	if err != nil {
		return IdToken{}, err
	}
	if len(all) == 0 {
		return IdToken{}, fault.New(fault.NotFound, "token.unknown", "there is no token %q", value)
	}
	return all[0], nil
}

// Create stores a new token; an empty Org means the caller's own.
func (s *Service) Create(ctx context.Context, t IdToken) (IdToken, error) {
	if _, err := identity.Require(ctx, identity.TokenWrite); err != nil {
		return IdToken{}, err
	}
	err := s.d.DB.Update(ctx, func(tx *db.Tx) error {
		org, err := identity.Place(ctx, tx, identity.OrgID(t.Org))
		if err != nil {
			return err
		}
		made := t
		made.Org = string(org)
		if err := s.create(ctx, tx, &made, inBody); err != nil {
			return err
		}
		t = made
		return nil
	})
	return t, err
}

func inBody(field string) string { return "body." + field }

func (s *Service) create(ctx context.Context, tx *db.Tx, t *IdToken, at func(string) string) error {
	fresh, err := s.made(tx, *t, at)
	if err != nil {
		return err
	}
	same, err := tokensByMatch(tx, Match(t.Value))
	if err != nil {
		return err
	}
	for _, o := range same {
		if o.Org == t.Org {
			return fault.New(fault.Conflict, "token.exists", "the organisation already has the token %q", o.Value).
				With(at("id_token"), "must be new; case, blanks, colons and hyphens do not count", t.Value)
		}
	}
	*t = fresh
	if err := insertToken(tx, *t); err != nil {
		return err
	}
	return s.record(ctx, tx, *t, KindCreated, false)
}

// made is a new token, checked, with what it has by default.
func (s *Service) made(tx *db.Tx, t IdToken, at func(string) string) (IdToken, error) {
	if t.Type == "" {
		t.Type = TypeISO14443
	}
	if t.Status == "" {
		t.Status = Active
	}
	if err := s.checked(tx, &t, at); err != nil {
		return t, err
	}
	t.ID = id.New[TokenID](tx.Now)
	t.CreatedAt, t.UpdatedAt = tx.Now, tx.Now
	return t, nil
}

func (s *Service) checked(tx *db.Tx, t *IdToken, at func(string) string) error {
	if err := t.check(tx.Now, at); err != nil {
		return err
	}
	if t.Driver == "" || s.d.KnowsDriver == nil {
		return nil
	}
	known, err := s.d.KnowsDriver(tx, t.Org, t.Driver)
	if err == nil && !known {
		err = fault.New(fault.Invalid, "token.driver", "there is no such driver").With(at("driver"), "must be a driver of the organisation", t.Driver)
	}
	return err
}

// Change edits a token. The value and the organisation stay.
func (s *Service) Change(ctx context.Context, value string, edit func(*IdToken)) (t IdToken, err error) {
	c, err := identity.Require(ctx, identity.TokenWrite)
	if err != nil {
		return t, err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		before, err := s.visible(tx, c, value)
		if err != nil {
			return err
		}
		t, err = s.change(ctx, tx, before, edit, inBody)
		return err
	})
	return t, err
}

func (s *Service) change(ctx context.Context, tx *db.Tx, before IdToken, edit func(*IdToken), at func(string) string) (IdToken, error) {
	t, kind, revoked, err := s.edited(tx, before, edit, at)
	if err != nil {
		return before, err
	}
	if err := updateToken(tx, t); err != nil {
		return before, err
	}
	return t, s.record(ctx, tx, t, kind, revoked)
}

// edited is a token after an edit, checked, with the kind of the fact and
// whether it may charge no longer.
func (s *Service) edited(tx *db.Tx, before IdToken, edit func(*IdToken), at func(string) string) (t IdToken, kind string, revoked bool, err error) {
	t = before
	edit(&t)
	t.ID, t.Org, t.Value, t.CreatedAt = before.ID, before.Org, before.Value, before.CreatedAt
	if err := s.checked(tx, &t, at); err != nil {
		return before, "", false, err
	}
	t.UpdatedAt = tx.Now
	revoked = before.Shown(tx.Now) == Active && t.Shown(tx.Now) != Active
	kind = KindChanged
	if revoked && t.Status != Active {
		kind = KindBlocked
	}
	return t, kind, revoked, nil
}

// Delete forgets a token. Sessions keep the value they were started with.
func (s *Service) Delete(ctx context.Context, value string) error {
	c, err := identity.Require(ctx, identity.TokenWrite)
	if err != nil {
		return err
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		t, err := s.visible(tx, c, value)
		if err != nil {
			return err
		}
		if err := deleteToken(tx, t.ID); err != nil {
			return err
		}
		return s.record(ctx, tx, t, KindDeleted, t.Shown(tx.Now) == Active)
	})
}

func (s *Service) record(ctx context.Context, tx *db.Tx, t IdToken, kind string, revoked bool) error {
	if err := identity.Audit(ctx, tx, identity.Entry{Org: identity.OrgID(t.Org), Action: kind, Subject: string(t.ID)}); err != nil {
		return err
	}
	return event.Record(tx, event.Fact{Org: t.Org, Subject: string(t.ID), Kind: kind},
		Changed{Token: t.Value, Type: t.Type, Status: t.Shown(tx.Now), Expiry: t.Expiry, Group: t.Group, Driver: t.Driver, Revoked: revoked})
}

// OpenAt reports whether strangers may charge at the station, or, for an
// empty station, at those of the caller's organisation.
func (s *Service) OpenAt(ctx context.Context, station string) (open bool, err error) {
	c, err := identity.Require(ctx, identity.TokenRead)
	if err != nil {
		return false, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		org, err := s.policyOrg(ctx, tx, c, station)
		if err != nil {
			return err
		}
		open, err = s.open(tx, org, station)
		return err
	})
	return open, err
}

// SetOpen decides whether strangers may charge; nil leaves it to what is
// above: the organisation's policy, then the installation's.
func (s *Service) SetOpen(ctx context.Context, station string, open *bool) error {
	c, err := identity.Require(ctx, identity.TokenWrite)
	if err != nil {
		return err
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		org, err := s.policyOrg(ctx, tx, c, station)
		if err != nil {
			return err
		}
		changes := map[string]identity.Change{"open_access": {nil, open}}
		if err := identity.Audit(ctx, tx, identity.Entry{Org: identity.OrgID(org), Action: "access.policy", Subject: station, Changes: changes}); err != nil {
			return err
		}
		if open == nil {
			return deletePolicy(tx, org, station)
		}
		return putPolicy(tx, org, station, *open)
	})
}

func (s *Service) policyOrg(ctx context.Context, tx *db.Tx, c identity.Caller, station string) (string, error) {
	if station == "" {
		return string(c.Org), nil
	}
	if s.d.StationOrg == nil {
		return "", fault.New(fault.Unsupported, "access.station_policy", "stations have no policy of their own here")
	}
	return s.d.StationOrg(ctx, tx, station)
}
