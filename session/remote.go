package session

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/forecourt-ev/forecourt/access"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// RemoteState is what became of a remote start.
type RemoteState string

const (
	Pending   RemoteState = "pending"   // the station was asked; no transaction yet
	Begun     RemoteState = "started"   // its transaction came
	Rejected  RemoteState = "rejected"  // the station refused, or could not be asked
	TimedOut  RemoteState = "expired"   // no transaction came in time
	Overtaken RemoteState = "overtaken" // another token started on the EVSE first
)

// RemoteStart is a start that the platform asked a station for.
//
// Who wins when somebody taps a card at the same moment: the transaction that
// reaches us first. A remote start for that EVSE is then overtaken; the
// station may still begin it later, as a session of its own.
type RemoteStart struct {
	ID                 int64 // remoteStartId
	Org, Site, Station string
	EVSE               int // 0: any
	Token              ocpp.IdToken
	State              RemoteState
	Session            ID // that it became, or that came first
	Limit              Limit
	Actor              string
	RequestedAt        time.Time
	ExpiresAt          time.Time
}

// StartRequest asks a station to begin a transaction.
type StartRequest struct {
	Org, Site, Station string
	EVSE               int           // 0: any
	Token              *ocpp.IdToken // nil: one made for this start
	Limit              Limit
	Profile            *ocpp.ChargingProfile
	Actor              string // who wants it, for the record
}

// maxToken is what a 1.6 idTag can carry.
const maxToken = 20

// Start asks a station to begin. The token is accepted at that station from
// now until the start expires, also when nobody owns it, so that a station
// which asks back is answered. The caller has checked who may do this; the
// station's answer is given as it is.
func (s *Service) Start(ctx context.Context, q StartRequest) (RemoteStart, *ocpp.RequestStartTransactionResponse, error) {
	var r RemoteStart
	err := s.d.DB.Update(ctx, func(tx *db.Tx) (err error) {
		r, err = s.prepare(tx, q)
		return err
	})
	if err != nil {
		return r, nil, err
	}
	req := &ocpp.RequestStartTransactionRequest{RemoteStartID: int(r.ID), IdToken: r.Token, ChargingProfile: q.Profile}
	if q.EVSE > 0 {
		req.EVSEID = &q.EVSE
	}
	answer, err := s.d.Commander.Send(ctx, q.Station, req)
	resp, _ := answer.(*ocpp.RequestStartTransactionResponse)
	if err == nil && resp == nil {
		err = fault.New(fault.Internal, "session.answer", "the station's answer was not understood")
	}
	// A time-out is no refusal: the station may have heard us.
	refused := err != nil && !timedOut(err) || err == nil && resp.Status != ocpp.RequestStartStopStatusEnumAccepted
	if refused {
		r.State = Rejected
		if e := s.d.DB.Update(ctx, func(tx *db.Tx) error { return s.withdraw(tx, r, Rejected) }); e != nil {
			err = errors.Join(err, e)
		}
	}
	return r, resp, err
}

func timedOut(err error) bool {
	f := fault.Of(err)
	return f != nil && f.Code == "ocpp.timeout"
}

// prepare stores the remote start before the station hears of it: its
// transaction may come faster than its answer.
func (s *Service) prepare(tx *db.Tx, q StartRequest) (RemoteStart, error) {
	n, err := nextNumber(tx, "remote_start")
	if err != nil {
		return RemoteStart{}, err
	}
	r := RemoteStart{ID: n, Org: q.Org, Site: q.Site, Station: q.Station, EVSE: q.EVSE, State: Pending, Limit: q.Limit, Actor: q.Actor,
		RequestedAt: tx.Now}
	if r.ExpiresAt, err = s.expiry(tx, q.Station); err != nil {
		return r, err
	}
	if q.Token != nil {
		r.Token = *q.Token
	} else {
		// Random, and short enough for 1.6: an ad-hoc token must not be guessed.
		r.Token = ocpp.IdToken{IdToken: id.Secret(maxToken / 2), Type: access.TypeCentral}
	}
	if r.Token.Type == "" {
		r.Token.Type = access.TypeCentral
	}
	d, err := s.d.Access.Decide(tx, access.Ask{Org: q.Org, Site: q.Site, Station: q.Station, EVSE: q.EVSE, Token: r.Token, At: tx.Now})
	if err != nil {
		return r, err
	}
	if d.Token != nil && !d.Accepted() && d.Status != ocpp.AuthorizationStatusEnumConcurrentTx {
		return r, fault.New(fault.Conflict, "session.token", "the token may not charge: %s", d.Status)
	}
	if err := s.d.Access.Grant(tx, q.Org, q.Site, q.Station, r.Token.IdToken, r.ExpiresAt); err != nil {
		return r, err
	}
	return r, insertRemote(tx, r)
}

// A transaction may reach us this much after the station's own time-out.
const startGrace = 30 * time.Second

// expiry is when a remote start that begins now is over: the station waits as
// long as its ConnectionTimeOut says (OCPP 1.6 §4.8, 2.x EVConnectionTimeOut).
func (s *Service) expiry(tx *db.Tx, station string) (time.Time, error) {
	after := s.d.Config.StartTimeout
	if s.d.ConnectionTimeout != nil {
		stated, err := s.d.ConnectionTimeout(tx, station)
		if err != nil {
			return time.Time{}, err
		}
		if stated > 0 && stated <= maxConnectionTimeout {
			after = stated + startGrace
		}
	}
	return tx.Now.Add(after), nil
}

// More than this is no time to wait for a cable, but a mistake.
const maxConnectionTimeout = time.Hour

func (s *Service) withdraw(tx *db.Tx, r RemoteStart, state RemoteState) error {
	if err := setRemote(tx, r.ID, state, ""); err != nil {
		return err
	}
	return s.d.Access.Revoke(tx, r.Station, r.Token.IdToken)
}

// matchRemote finds the remote start that a transaction answers: in 2.x by
// its number, in 1.6, and where the number was left out, by connector and
// token. A car that was plugged in first has a transaction already: then a
// later message of it brings the number. The starts that wait are returned.
func (s *Service) matchRemote(tx *db.Tx, w *work, m *message) ([]RemoteStart, error) {
	if w.RemoteStart != 0 || m.event.Kind == Ended || m.token == nil && m.remote == 0 {
		return nil, nil
	}
	pending, err := pendingRemotes(tx, m.peer.Station)
	if err != nil {
		return nil, err
	}
	for _, r := range pending {
		if w.RemoteStart == 0 && r.answeredBy(m) {
			w.RemoteStart, w.Limit = r.ID, w.Limit.lowest(r.Limit)
			if err := setRemote(tx, r.ID, Begun, w.ID); err != nil {
				return nil, err
			}
		}
	}
	return pending, nil
}

// overtake ends the wait for other remote starts on the EVSE: somebody else
// was accepted there first. Plugging in, or a card that is refused, wins
// nothing.
func (s *Service) overtake(tx *db.Tx, w *work, m *message, pending []RemoteStart) error {
	evse := m.evse
	if evse == 0 {
		evse = w.State.EVSE
	}
	for _, r := range pending {
		if r.ID == w.RemoteStart || r.EVSE == 0 || r.EVSE != evse || m.event.Time().Before(r.RequestedAt.Add(-clockNoise)) {
			continue
		}
		if err := setRemote(tx, r.ID, Overtaken, w.ID); err != nil {
			return err
		}
	}
	return nil
}

func (r RemoteStart) answeredBy(m *message) bool {
	if m.remote != 0 {
		return r.ID == m.remote
	}
	if m.token == nil || r.EVSE != 0 && m.evse != 0 && r.EVSE != m.evse {
		return false
	}
	at := m.event.Time()
	return access.Match(r.Token.IdToken) == access.Match(m.token.IdToken) && !at.Before(r.RequestedAt.Add(-clockNoise)) && !at.After(r.ExpiresAt)
}

// Stop asks the station to end a session. The station's answer is given as it
// is; the session ends when its stop comes.
func (s *Service) Stop(ctx context.Context, session ID) (*ocpp.RequestStopTransactionResponse, error) {
	c, err := identity.Require(ctx, identity.SessionWrite)
	if err != nil {
		return nil, err
	}
	var r Session
	if err := s.d.DB.View(ctx, func(tx *db.Tx) error {
		r, err = visible(tx, session, c.Scope.Where("org"))
		return err
	}); err != nil {
		return nil, err
	}
	return s.stop(ctx, r)
}

func (s *Service) stop(ctx context.Context, r Session) (*ocpp.RequestStopTransactionResponse, error) {
	if r.State.Phase == Stopped || !r.SettledAt.IsZero() {
		return nil, fault.New(fault.Conflict, "session.over", "the session is over already")
	}
	answer, err := s.d.Commander.Send(ctx, r.Station, &ocpp.RequestStopTransactionRequest{TransactionID: r.Transaction})
	if err != nil {
		return nil, err
	}
	resp, ok := answer.(*ocpp.RequestStopTransactionResponse)
	if !ok {
		return nil, fault.New(fault.Internal, "session.answer", "the station's answer was not understood")
	}
	return resp, nil
}

// RemoteStartOf gives a remote start, for the rooms that asked for it.
func (s *Service) RemoteStartOf(tx *db.Tx, start int64) (RemoteStart, error) {
	r, err := remoteByID(tx, start)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "session.remote_start", "there is no remote start %s", strconv.FormatInt(start, 10))
	}
	return r, err
}
