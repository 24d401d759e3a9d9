package reservation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/access"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// Config of the room. Zero values mean the defaults.
type Config struct {
	Longest time.Duration `help:"How far ahead a reservation may end" default:"24h"`
}

// Deps are what the room needs.
type Deps struct {
	DB        *db.DB
	Log       *slog.Logger
	Stations  *station.Service
	Access    *access.Service
	Commander ocpp.Commander
	Config    Config
}

// Service holds the use-cases of reservations.
type Service struct{ d Deps }

// New makes the room.
func New(d Deps) *Service {
	if d.Config.Longest <= 0 {
		d.Config.Longest = 24 * time.Hour
	}
	return &Service{d: d}
}

// Draft is what somebody wants to reserve.
type Draft struct {
	Station          string
	EVSE             int    // 0: any
	ConnectorType    string // of 2.x (cCCS2 …); empty: any
	Token, TokenType string
	Until            time.Time
}

// List pages through the reservations that the caller may see.
func (s *Service) List(ctx context.Context, req db.ListRequest) (items []Reservation, next string, err error) {
	c, err := identity.Require(ctx, identity.ReservationRead)
	if err != nil {
		return nil, "", err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		items, next, err = db.List(tx, listSpec, []db.Cond{c.Scope.Where("org")}, req, scan)
		return err
	})
	return items, next, err
}

// Read finds a reservation that the caller may see.
func (s *Service) Read(ctx context.Context, rid ID) (r Reservation, err error) {
	c, err := identity.Require(ctx, identity.ReservationRead)
	if err != nil {
		return r, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		r, err = read(tx, rid, c.Scope.Where("org"))
		return orUnknown(err, rid)
	})
	return r, err
}

func orUnknown(err error, rid ID) error {
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "reservation.unknown", "there is no reservation %q", rid)
	}
	return err
}

// Reserve keeps an EVSE for a token. It is stored before the station is
// asked; the answer gives what the station said, in State and Reason.
func (s *Service) Reserve(ctx context.Context, w Draft) (Reservation, error) {
	c, err := identity.Require(ctx, identity.ReservationWrite)
	if err != nil {
		return Reservation{}, err
	}
	var r Reservation
	if err := s.d.DB.Update(ctx, func(tx *db.Tx) (err error) {
		r, err = s.prepare(ctx, tx, c, w)
		return err
	}); err != nil {
		return r, err
	}
	keep, reason, at, err := s.ask(ctx, r)
	if err != nil {
		reason = err.Error()
	}
	e := s.d.DB.Update(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		fresh, err := lock(tx, r.ID, db.Cond{})
		if err != nil {
			return err
		}
		fresh.AtStation = at
		if keep == "" {
			fresh.end(Rejected, reason, tx.Now)
		} else if fresh.State == Requested {
			fresh.State, fresh.KeptBy, fresh.Reason = Active, keep, reason
		}
		r = fresh
		return s.save(tx, fresh)
	})
	return r, errors.Join(err, e)
}

// prepare stores the wish under a number of the station.
func (s *Service) prepare(ctx context.Context, tx *db.Tx, c identity.Caller, w Draft) (Reservation, error) {
	if _, err := s.d.Stations.OrgOf(ctx, tx, w.Station); err != nil {
		return Reservation{}, err
	}
	st, err := s.d.Stations.Get(tx, w.Station)
	if err != nil {
		return Reservation{}, err
	}
	r := Reservation{Org: st.Org, Site: st.Site, Station: string(st.ID), EVSE: w.EVSE, ConnectorType: w.ConnectorType, Token: strings.TrimSpace(w.Token), TokenType: w.TokenType,
		State: Requested, KeptBy: ByStation, AtStation: true, Actor: actor(c), CreatedAt: tx.Now, ExpiresAt: w.Until, UpdatedAt: tx.Now}
	if r.TokenType == "" {
		r.TokenType = access.TypeISO14443
	}
	if err := s.check(tx, &r); err != nil {
		return r, err
	}
	if r.Number, err = nextNumber(tx, r.Org, r.Station); err != nil {
		return r, err
	}
	if err := s.clash(tx, r); err != nil {
		return r, err
	}
	r.ID = id.New[ID](tx.Now)
	return r, insert(tx, r)
}

func actor(c identity.Caller) string {
	if c.User != "" {
		return "user:" + string(c.User)
	}
	return "key:" + c.Key
}

// check refuses what cannot be reserved, and finds the token's group.
func (s *Service) check(tx *db.Tx, r *Reservation) error {
	bad := fault.New(fault.Invalid, "reservation.invalid", "the reservation is not valid")
	if r.Token == "" || len(r.Token) > 255 {
		bad.With("body.id_token", "must have 1 to 255 characters", r.Token)
	}
	if !r.ExpiresAt.After(tx.Now) || r.ExpiresAt.Sub(tx.Now) > s.d.Config.Longest {
		bad.With("body.expires_at", fmt.Sprintf("must be in the future and at most %s ahead", s.d.Config.Longest), r.ExpiresAt)
	}
	if r.EVSE != 0 {
		ports, err := s.d.Stations.EVSEs(tx, r.Station)
		if err != nil {
			return err
		}
		known := []string{}
		for _, p := range ports {
			known = append(known, fmt.Sprint(p.EVSE))
		}
		if !slices.Contains(known, fmt.Sprint(r.EVSE)) {
			bad.With("body.evse_id", "must be one of the station's EVSEs ("+strings.Join(known, ", ")+"), or 0 for any", r.EVSE)
		}
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	d, err := s.d.Access.Decide(tx, access.Ask{Org: r.Org, Site: r.Site, Station: r.Station, Token: ocpp.IdToken{IdToken: r.Token, Type: r.TokenType}, At: tx.Now})
	if err != nil {
		return err
	}
	if !d.Accepted() && d.Status != ocpp.AuthorizationStatusEnumConcurrentTx {
		return fault.New(fault.Conflict, "reservation.token", "the token may not charge at this station: %s", d.Status).With("body.id_token", "must be a token that may charge here", r.Token)
	}
	if d.Token != nil {
		r.Group = d.Token.Group
	}
	return nil
}

// clash refuses a second reservation of the same EVSE, and more reservations
// of "any" than the station has EVSEs.
func (s *Service) clash(tx *db.Tx, r Reservation) error {
	open, err := openAt(tx, r.Station, tx.Now)
	if err != nil {
		return err
	}
	ports, err := s.d.Stations.EVSEs(tx, r.Station)
	if err != nil {
		return err
	}
	for _, o := range open {
		if r.EVSE != 0 && o.EVSE == r.EVSE {
			return fault.New(fault.Conflict, "reservation.taken", "EVSE %d of %s is reserved until %s", r.EVSE, r.Station, o.ExpiresAt.UTC().Format(time.RFC3339))
		}
	}
	if len(ports) > 0 && len(open) >= len(ports) {
		return fault.New(fault.Conflict, "reservation.full", "all %d EVSEs of %s are reserved", len(ports), r.Station)
	}
	return nil
}

// ask tells the station. keep says who keeps others away from now on, empty
// when nobody does; at, whether the station may hold the reservation.
func (s *Service) ask(ctx context.Context, r Reservation) (keep Keeper, reason string, at bool, err error) {
	answer, err := s.d.Commander.Send(ctx, r.Station, r.request())
	var refused *ocpp.CallError
	switch {
	case errors.As(err, &refused), fault.Is(err, fault.Unsupported):
		return ByPlatform, "the station has no such reservations: " + err.Error(), false, nil
	case err != nil:
		return "", "", timedOut(err), err
	}
	resp, ok := answer.(*ocpp.ReserveNowResponse)
	if !ok {
		return "", "", true, fault.New(fault.Internal, "reservation.answer", "the station's answer was not understood")
	}
	if resp.Status != ocpp.ReserveNowStatusEnumAccepted {
		return "", string(resp.Status), false, nil
	}
	return ByStation, "", true, nil
}

func timedOut(err error) bool {
	f := fault.Of(err)
	return f != nil && f.Code == "ocpp.timeout"
}

// request is the reservation in the words of OCPP. H01.FR.02: the number of a
// reservation that the station has replaces it.
func (r Reservation) request() *ocpp.ReserveNowRequest {
	q := &ocpp.ReserveNowRequest{ID: r.Number, ExpiryDateTime: ocpp.AtTime(r.ExpiresAt), ConnectorType: r.ConnectorType,
		IdToken: ocpp.IdToken{IdToken: r.Token, Type: r.TokenType}}
	if r.EVSE != 0 {
		q.EVSEID = &r.EVSE
	}
	if r.Group != "" {
		q.GroupIdToken = &ocpp.IdToken{IdToken: r.Group, Type: r.TokenType}
	}
	return q
}

// Cancel gives a reservation up. The station is told at once when it can be
// reached, else as soon as it can.
func (s *Service) Cancel(ctx context.Context, rid ID) (Reservation, error) {
	c, err := identity.Require(ctx, identity.ReservationWrite)
	if err != nil {
		return Reservation{}, err
	}
	var r Reservation
	err = s.d.DB.Update(ctx, func(tx *db.Tx) (err error) {
		if r, err = lock(tx, rid, c.Scope.Where("org")); err != nil {
			return orUnknown(err, rid)
		}
		if !r.end(Cancelled, "", tx.Now) {
			return fault.New(fault.Conflict, "reservation.over", "the reservation is %s already", r.State)
		}
		return s.save(tx, r)
	})
	if err != nil || !r.AtStation {
		return r, err
	}
	if s.withdraw(ctx, r) {
		r.AtStation = false
	}
	return r, nil
}

// withdraw cancels at the station what has ended here; it says whether the
// station no longer holds it. One that does not know it (Rejected) does not.
func (s *Service) withdraw(ctx context.Context, r Reservation) bool {
	_, err := s.d.Commander.Send(ctx, r.Station, &ocpp.CancelReservationRequest{ReservationID: r.Number})
	var refused *ocpp.CallError
	if err != nil && !errors.As(err, &refused) && !fault.Is(err, fault.Unsupported) {
		return false
	}
	err = s.d.DB.Update(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		fresh, err := lock(tx, r.ID, db.Cond{})
		if err != nil {
			return err
		}
		fresh.AtStation = false
		return update(tx, fresh)
	})
	if err != nil {
		s.d.Log.Error("reservation was cancelled at the station and could not be stored so", "org", r.Org, "station", r.Station, "error", err)
	}
	return err == nil
}

// save stores a changed state with its fact, and shows or frees the port.
func (s *Service) save(tx *db.Tx, r Reservation) error {
	if err := update(tx, r); err != nil {
		return err
	}
	if r.EVSE != 0 {
		hold, ref := station.HoldNone, ""
		if r.State == Active {
			hold, ref = station.HoldReserved, string(r.ID)
		}
		if err := s.d.Stations.SetHold(tx, r.Station, r.EVSE, hold, ref); err != nil {
			return err
		}
	}
	return event.Record(tx, event.Fact{Org: r.Org, Site: r.Site, Station: r.Station, Subject: string(r.ID), Kind: r.State.kind()},
		Told{Station: r.Station, EVSE: r.EVSE, Number: r.Number, Token: r.Token, TokenType: r.TokenType, State: r.State, Reason: r.Reason,
			Session: r.Session, CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt})
}

// KeepsOut reports whether an EVSE of a station is reserved for somebody
// else than this token and group, for access: no permission is checked.
// Reservations of "any" EVSE are left to the station, which knows which are free.
func (s *Service) KeepsOut(tx *db.Tx, stationID string, evse int, token, group string) (bool, error) {
	open, err := openAt(tx, stationID, tx.Now)
	if err != nil || len(open) == 0 || evse == 0 {
		return false, err
	}
	for _, r := range open {
		if r.State == Active && r.Admits(token, group) {
			return false, nil
		}
	}
	for _, r := range open {
		if r.State == Active && r.EVSE == evse {
			return true, nil
		}
	}
	return false, nil
}
