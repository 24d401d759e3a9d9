package session

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/forecourt-ev/forecourt/access"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// TransactionEvent takes what a station tells of a transaction: stored first,
// answered then. A refusal never prevents storing, a stop is always taken.
func (s *Service) TransactionEvent(ctx context.Context, p ocpp.Peer, e *ocpp.TransactionEvent) (*ocpp.TransactionReply, error) {
	received := s.received(ctx)
	live := e.Request.Timestamp.Time
	if e.Request.Offline != nil && *e.Request.Offline {
		live = time.Time{}
	}
	skew, clock, err := s.skew(ctx, p, live, received)
	if err != nil {
		return nil, err
	}
	m, err := translate(p, e, received, skew)
	if err != nil {
		return nil, err
	}
	if m.reading() {
		r := &reading{m: m, clock: clock}
		if err := s.hot.Add(ctx, r); err != nil || !r.unknown {
			return &ocpp.TransactionReply{}, err
		}
	}
	var reply *ocpp.TransactionReply
	err = s.d.DB.Update(ctx, func(tx *db.Tx) (err error) {
		if clock != nil {
			if err := s.setClock(tx, p, *clock); err != nil {
				return err
			}
		}
		reply, err = s.transact(tx, m, e.AssignID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return reply, nil
}

// received is the receipt of the message in hand.
func (s *Service) received(ctx context.Context) time.Time {
	if at := ocpp.Received(ctx); !at.IsZero() {
		return instant(at)
	}
	return s.d.DB.Now()
}

func (s *Service) transact(tx *db.Tx, m *message, assign bool) (*ocpp.TransactionReply, error) {
	m = new(*m) // what is found out here must not outlive a try that PostgreSQL has repeated
	w, err := s.find(tx, m, assign)
	if err != nil {
		return nil, err
	}
	pending, err := s.matchRemote(tx, w, m)
	if err != nil {
		return nil, err
	}
	if m.event.Kind == Started || w.fresh {
		if err := s.supersede(tx, w, m); err != nil {
			return nil, err
		}
	}
	reply := &ocpp.TransactionReply{}
	d, asked, err := s.decide(tx, w, m, assign)
	if err != nil {
		return nil, err
	}
	answer := ""
	if asked {
		reply.Response.IdTokenInfo = d.Info()
		answer = string(d.Status)
	}
	if asked && d.Accepted() && m.starts() {
		if err := s.overtake(tx, w, m, pending); err != nil {
			return nil, err
		}
	}
	if assign && w.fresh {
		if err := s.number(tx, w); err != nil {
			return nil, err
		}
	}
	if err := s.store(tx, w, m, answer); err != nil {
		return nil, err
	}
	w.own(m, d, answer)
	if err := s.conclude(tx, w, m.received); err != nil {
		return nil, err
	}
	if assign {
		reply.TransactionID = w.Transaction
	}
	if err := s.runningCost(tx, w, m, &reply.Response); err != nil {
		return nil, err
	}
	if m.event.Kind == Ended && m.peer.Version != ocpp.V16 {
		reply.Response.TotalCost = w.totalCost() // E07, I03: the final cost when there is one
	}
	return reply, nil
}

// own keeps what was decided about the token that the session belongs to.
func (w *work) own(m *message, d access.Decision, answer string) {
	if m.token == nil || m.event.Kind == Ended || w.State.Token.Value != m.token.IdToken {
		return
	}
	w.Authorisation = answer
	if d.Token != nil {
		w.TokenRef, w.Driver = string(d.Token.ID), d.Token.Driver
	}
}

// find gives the session of the message, a new one if need be.
func (s *Service) find(tx *db.Tx, m *message, assign bool) (*work, error) {
	switch {
	case assign:
		return s.findStart(tx, m)
	case m.peer.Version == ocpp.V16:
		return s.findStop(tx, m)
	}
	w, err := byTransaction(tx, m)
	if w != nil || err != nil {
		return w, err
	}
	// The lock makes two first messages of one transaction wait for each other.
	row, err := lockStation(tx, m.peer.Org, m.peer.Station)
	if err != nil {
		return nil, err
	}
	if w, err = byTransaction(tx, m); w != nil || err != nil {
		return w, err
	}
	return newWork(tx, m, row.boot), nil
}

func byTransaction(tx *db.Tx, m *message) (*work, error) {
	all, err := sessionsByRef(tx, ref{m.peer.Station, m.transaction})
	if err != nil {
		return nil, err
	}
	if best := m.pick(pointers(all)); best != nil {
		return workOn(best), nil
	}
	return nil, nil
}

// pick finds the session that the message means among those that have its
// transaction id. A 2.x message may go on with a transaction that the station
// began under 1.6 and still knows by our number, but a number that the two
// versions share by chance means nothing: a start is always new, and so is
// what happens elsewhere or after the end.
func (m *message) pick(all []*Session) *Session {
	var own, other []*Session
	for _, r := range all {
		if sameSeries(ocpp.Version(r.Protocol), m.peer.Version) {
			own = append(own, r)
		} else if m.peer.Version != ocpp.V16 && m.event.Kind != Started && r.State.Phase < Stopped && r.SettledAt.IsZero() &&
			(m.evse == 0 || r.State.EVSE == 0 || m.evse == r.State.EVSE) {
			other = append(other, r)
		}
	}
	if best := pickIncarnation(own, m.peer.Station, m.transaction, m.peer.Incarnation); best != nil {
		return best
	}
	return pickIncarnation(other, m.peer.Station, m.transaction, m.peer.Incarnation)
}

func pointers(all []Session) []*Session {
	out := make([]*Session, len(all))
	for i := range all {
		out[i] = &all[i]
	}
	return out
}

// pickIncarnation finds the session of this incarnation of the station. Until
// the station has booted with us we do not know which it is; the latest then.
func pickIncarnation(all []*Session, station, transaction, incarnation string) *Session {
	var best *Session
	for _, r := range all {
		if r.Station != station || r.Transaction != transaction || r.Incarnation != incarnation && r.Incarnation != "" && incarnation != "" {
			continue
		}
		if r.Incarnation == incarnation {
			return r
		}
		if best == nil || r.State.StartedAt.After(best.State.StartedAt) {
			best = r
		}
	}
	return best
}

// findStart serves a 1.6 start. The same start again (the answer was lost, or
// the station came back and begins from its notes) is the same session, as
// long as that one runs or its number was never used. Before 2015 a timestamp
// says something only within one boot.
func (s *Service) findStart(tx *db.Tx, m *message) (*work, error) {
	row, err := lockStation(tx, m.peer.Org, m.peer.Station)
	if err != nil {
		return nil, err
	}
	key := m.startKey()
	same, err := sameStart(tx, m.peer.Station, key)
	if err != nil {
		return nil, err
	}
	for i := range same {
		r := &same[i]
		sameBoot := m.event.clockKnown() || r.boot == row.boot
		sameStation := r.Incarnation == m.peer.Incarnation || r.Incarnation == "" || m.peer.Incarnation == ""
		if sameBoot && sameStation && (r.State.Phase != Stopped || !r.usedID) {
			return workOn(r), nil
		}
	}
	w := newWork(tx, m, row.boot)
	w.startKey = key
	return w, nil
}

// number gives a session the positive int32 that 1.6 wants, also when it was
// refused: the station may charge all the same.
func (s *Service) number(tx *db.Tx, w *work) error {
	for {
		n, err := nextNumber(tx, "transaction")
		if err != nil {
			return err
		}
		w.Transaction = strconv.FormatInt(n, 10)
		// Only after going round once can the station have had it.
		if taken, err := transactionTaken(tx, w.Station, w.Transaction); err != nil || !taken {
			return err
		}
	}
}

// findStop serves a 1.6 stop. Some stations always stop transaction 0 or -1:
// then the one open session that it can mean is taken. A stop that belongs to
// nothing makes a session of its own, so that nothing is lost.
func (s *Service) findStop(tx *db.Tx, m *message) (*work, error) {
	if m.known {
		w, err := byTransaction(tx, m)
		if w != nil {
			w.usedID = true
		}
		if w != nil || err != nil {
			return w, err
		}
	} else if w, err := stoppedByGuess(tx, m); w != nil || err != nil {
		return w, err
	}
	row, err := lockStation(tx, m.peer.Org, m.peer.Station)
	if err != nil {
		return nil, err
	}
	if !m.known {
		m.transaction += "@" + strconv.FormatInt(m.event.Station.UnixMicro(), 10)
	}
	if w, err := byTransaction(tx, m); w != nil || err != nil {
		return w, err
	}
	w := newWork(tx, m, row.boot)
	w.mark |= UnknownTransaction
	if _, err := bindSamples(tx, unknownStream(m), string(w.ID)); err != nil {
		return nil, err
	}
	w.stale = true // its readings are stored already: fold them with the stop
	return w, nil
}

// stoppedByGuess finds the session that a stop without a usable number means:
// one that it has stopped already, or the only open one that fits.
func stoppedByGuess(tx *db.Tx, m *message) (*work, error) {
	all, err := recentAt(tx, m.peer.Station, m.event.Time().Add(-30*24*time.Hour))
	if err != nil {
		return nil, err
	}
	var fits []*Session
	for _, r := range pointers(all) {
		if r.State.Phase == Stopped {
			if r.State.Memory.EndAt == m.event.Time().UnixMicro() {
				return workOn(r), nil
			}
			continue
		}
		if r.Protocol == string(ocpp.V16) && r.canStop(m) {
			fits = append(fits, r)
		}
	}
	if len(fits) > 1 && m.token != nil {
		fits = slices.DeleteFunc(fits, func(r *Session) bool {
			return access.Match(r.State.Token.Value) != access.Match(m.token.IdToken)
		})
	}
	if len(fits) == 1 {
		return workOn(fits[0]), nil
	}
	return nil, nil
}

func (s *Session) canStop(m *message) bool {
	if s.State.StartedAt.After(m.event.Time().Add(time.Minute)) {
		return false
	}
	return m.anchor == nil || !s.State.Memory.Meter.Channel.register() || m.anchor.Reading.Register+jitter >= s.State.MeterStart
}

// decide asks access about the token that the message brings. A token that
// stops a session takes nothing.
func (s *Service) decide(tx *db.Tx, w *work, m *message, assign bool) (access.Decision, bool, error) {
	if m.token == nil && !assign {
		return access.Decision{}, false, nil
	}
	var token ocpp.IdToken
	if m.token != nil {
		token = *m.token
	}
	evse := m.evse
	if evse == 0 {
		evse = w.State.EVSE
	}
	// A second card that is shown while the first one's session runs takes
	// nothing either.
	takes := m.starts() && (w.State.Token.Value == "" || w.State.Flags&Refused != 0 || access.Match(w.State.Token.Value) == access.Match(token.IdToken))
	d, err := s.d.Access.Decide(tx, access.Ask{Org: w.Org, Site: w.Site, Station: w.Station, EVSE: evse, Token: token,
		At: m.event.Time(), Offline: m.event.Offline, Use: string(w.ID), Take: takes && w.State.Phase < Vacant})
	return d, true, err
}

// starts reports whether a token in the message means to charge, not to stop.
func (m *message) starts() bool {
	return m.event.Kind != Ended && m.event.Trigger != string(ocpp.TriggerReasonEnumStopAuthorized)
}

// evseNow gives the EVSE of the session as the station's connectors are mapped
// today; its own, which it keeps, says how they were when it began.
func (s *Session) evseNow(p ocpp.Peer) int {
	if s.Wire > 0 && p.Version == ocpp.V16 {
		return p.Connectors.Of(s.Wire).EVSE
	}
	return s.State.EVSE
}

// observe stores what the platform itself has seen of a session.
func (s *Service) observe(tx *db.Tx, w *work, e Event) error {
	row, e := seen(w, e)
	if err := insertEvents(tx, [][]any{row}); err != nil {
		return err
	}
	w.events = append(w.events, e)
	return nil
}

// seen gives the row of something that the platform itself has seen, and the
// event as it is read back from there.
func seen(w *work, e Event) ([]any, Event) {
	e.Seq = NoSeq
	o := observed{Charging: e.Charging.String(), Reason: e.Reason}
	e.Digest = digestOf(o.Charging, o.Reason)
	payload := `{"charging":` + strconv.Quote(o.Charging) + `,"reason":` + strconv.Quote(o.Reason) + `}`
	return eventRow(w.Session, e, "", payload), e
}
