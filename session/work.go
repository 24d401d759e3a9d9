package session

import (
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/access"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/tariff"
)

// work is a session that is being changed in a transaction.
type work struct {
	*Session
	before   *Session // never changed
	fresh    bool     // not in the database yet
	events   []Event  // new, stored, not yet taken in
	cut      []Slice  // complete since
	refolded bool     // cut is all there is
	mark     Flag
	batched  bool     // its port is told with those of other sessions
	use      *PortUse // what is to be told then
}

func workOn(r *Session) *work {
	s := *r
	return &work{Session: &s, before: r}
}

func newWork(tx *db.Tx, m *message, boot int64) *work {
	p := m.peer
	s := Session{ID: id.New[ID](tx.Now), Org: p.Org, Site: p.Site, Station: p.Station, Incarnation: p.Incarnation,
		Transaction: m.transaction, Protocol: string(p.Version), boot: boot, Wire: m.wire}
	return &work{Session: &s, before: &Session{}, fresh: true}
}

// absorb takes the new events into the state. They are stored already, so
// that a late one can have all of them folded.
func (w *work) absorb(tx *db.Tx) error {
	if w.stale {
		return w.refold(tx)
	}
	slices.SortStableFunc(w.events, func(a, b Event) int { return keyOf(a).compare(keyOf(b)) })
	st := w.State
	var cut []Slice
	for _, e := range w.events {
		next, done, late := Next(st, e)
		if late {
			return w.refold(tx)
		}
		st, cut = next, append(cut, done...)
	}
	w.State, w.cut = st, append(w.cut, cut...)
	return nil
}

func (w *work) refold(tx *db.Tx) error {
	all, err := eventsOf(tx, w.ID)
	if err != nil {
		return err
	}
	for _, e := range all { // the row may lag behind
		if e.Received.After(w.HeardAt) {
			w.HeardAt = e.Received
		}
	}
	w.State, w.cut = Fold(all)
	w.refolded, w.stale, w.foldedAt = true, false, tx.Now
	return nil
}

// A long session is not folded more often than this while a station empties
// its queue in the wrong order: the work would grow with the square.
const (
	longSession = 500 // readings
	foldPause   = 2 * time.Second
)

// postpone reports whether late readings can wait for the next fold. They are
// stored; the session is looked at again soon.
func (w *work) postpone(now time.Time) bool {
	if w.State.Readings < longSession || now.Sub(w.foldedAt) >= foldPause || !w.SettledAt.IsZero() {
		return false
	}
	if w.stale {
		return true
	}
	for _, e := range w.events {
		if _, _, late := Next(w.State, e); late {
			w.stale = true
			return true
		}
	}
	return false
}

// billed is everything that a settled session's bill depends on.
func (s *Session) billed(parking bool) any {
	st := &s.State
	var free time.Time
	if parking {
		free = st.UnpluggedAt
	}
	return [...]any{st.Phase, st.StartedAt, st.EndedAt, st.Energy, st.Readings, st.Reason, st.Token, st.EVSE, st.Memory.Tape.Turned, free}
}

// conclude does what follows from a change and writes the session.
func (s *Service) conclude(tx *db.Tx, w *work, received time.Time) error {
	if err := s.follow(tx, w, received); err != nil {
		return err
	}
	return s.write(tx, w)
}

// follow does what follows from a change: prices, facts, settling. The row
// itself is still to be written.
func (s *Service) follow(tx *db.Tx, w *work, received time.Time) error {
	if received.After(w.HeardAt) {
		w.HeardAt = received
	}
	w.Marks |= w.mark
	if err := s.cap(tx, w); err != nil {
		return err
	}
	if err := s.lockTariff(tx, w); err != nil {
		return err
	}
	parking, err := s.parking(tx, w.Session)
	if err != nil {
		return err
	}
	if !w.before.SettledAt.IsZero() {
		if w.billed(parking) == w.before.billed(parking) {
			if w.State.UnpluggedAt.Equal(w.before.State.UnpluggedAt) {
				return nil // a repetition
			}
			return s.record(tx, w.Session, KindUpdated, w.told())
		}
		if err := s.reopen(tx, w); err != nil {
			return err
		}
	}
	wait := w.State.waits(parking)
	w.Status = w.State.Status(wait == nothing)
	if wait == nothing {
		if err := s.suspect(tx, w); err != nil {
			return err
		}
	}
	w.plan(s.d.Config, wait)
	if err := s.writeSlices(tx, w, wait == nothing); err != nil {
		return err
	}
	if err := s.reprice(tx, w, wait == nothing); err != nil {
		return err
	}
	if err := s.limits(tx, w); err != nil {
		return err
	}
	if err := s.ghosts(tx, w); err != nil {
		return err
	}
	if err := s.showCost(tx, w, wait == nothing); err != nil {
		return err
	}
	return s.tell(tx, w, wait == nothing)
}

// plan sets when the session is to be looked at again. While it runs the
// instant is moved rarely, as its column is indexed.
func (w *work) plan(c Config, wait wait) {
	if wait == nothing {
		w.SettleAt = time.Time{}
		return
	}
	after, over := c.due(wait)
	if wait == forGap && w.before.State.Phase != Stopped {
		after = c.GapAsk
	}
	at := w.HeardAt.Add(after)
	if over || w.SettleAt.IsZero() || w.SettleAt.Before(w.HeardAt.Add(after/2)) || w.SettleAt.After(at) {
		w.SettleAt = at
	}
	if end := w.State.StartedAt.Add(w.Limit.Duration); w.Limit.Duration > 0 && !w.LimitReached && wait == forMessage && end.Before(w.SettleAt) {
		w.SettleAt = end
	}
	if at := w.ghostDue(c); wait == forMessage && !at.IsZero() && at.Before(w.SettleAt) {
		w.SettleAt = at
	}
}

func (s *Service) reopen(tx *db.Tx, w *work) error {
	w.Marks |= Late
	w.SettledAt = time.Time{}
	w.Status = Ending
	if !w.refolded { // the slices of a settled session are complete; its open one was written too
		if err := w.refold(tx); err != nil {
			return err
		}
	}
	return s.record(tx, w.Session, KindReopened, w.told())
}

func (s *Service) record(tx *db.Tx, r *Session, kind string, payload any) error {
	return event.Record(tx, event.Fact{Org: r.Org, Site: r.Site, Station: r.Station, Subject: "session/" + string(r.ID), Kind: kind}, payload)
}

// writeSlices stores the slices that became complete; of a settled session
// all of them.
func (s *Service) writeSlices(tx *db.Tx, w *work, settle bool) error {
	if w.refolded && !w.fresh {
		if err := deleteSlices(tx, w.ID); err != nil {
			return err
		}
	}
	out := w.cut
	if settle {
		out = append(slices.Clone(out), w.State.Rest(w.State.EndedAt)...)
	}
	rows := make([][]any, len(out))
	for i, p := range out {
		rows[i] = sliceRow(w.Session, p)
	}
	return insertSlices(tx, rows)
}

// tell records what others must know, and frees what the session held.
func (s *Service) tell(tx *db.Tx, w *work, settle bool) error {
	over := w.State.Phase >= Vacant
	if over && (w.fresh || w.before.State.Phase < Vacant) {
		if err := s.d.Access.Release(tx, string(w.ID)); err != nil {
			return err
		}
	}
	if !over && !w.fresh && w.before.State.Phase >= Vacant && w.TokenRef != "" {
		if err := s.d.Access.Resume(tx, access.TokenID(w.TokenRef), access.Ask{Org: w.Org, Site: w.Site, Station: w.Station, EVSE: w.State.EVSE, Use: string(w.ID)}); err != nil {
			return err
		}
	}
	turned := w.fresh || w.Status != w.before.Status || w.State.Charging != w.before.State.Charging ||
		w.State.EVSE != w.before.State.EVSE || w.State.Phase != w.before.State.Phase || w.Marks != w.before.Marks
	turned = turned || !w.State.EnergyStartedAt.Equal(w.before.State.EnergyStartedAt)
	due := tx.Now.Sub(w.ToldAt) >= s.d.Config.Tell
	if turned || due {
		if err := s.tellPort(tx, w); err != nil {
			return err
		}
	}
	if w.fresh {
		w.ToldAt = tx.Now
		if err := s.record(tx, w.Session, KindStarted, w.told()); err != nil {
			return err
		}
	}
	switch {
	case settle:
		w.ToldAt, w.SettledAt = tx.Now, tx.Now
		w.Revision++
		return s.recordEnd(tx, w)
	case w.fresh:
	case turned || due:
		w.ToldAt = tx.Now
		if err := s.record(tx, w.Session, KindUpdated, w.told()); err != nil {
			return err
		}
	}
	if w.State.Readings != w.before.State.Readings && w.HeardAt.Unix() != w.before.HeardAt.Unix() {
		s.signal(tx, w.Session)
	}
	return nil
}

func (s *Service) recordEnd(tx *db.Tx, w *work) error {
	all, err := slicesOf(tx, w.ID)
	if err != nil {
		return err
	}
	parking, err := s.parking(tx, w.Session)
	if err != nil {
		return err
	}
	c, err := s.circumstances(tx, w.Session, w.State.EndedAt, parking)
	if err != nil {
		return err
	}
	u := Usage(w.State, all, w.State.EndedAt, c)
	f := Finished{}
	v, err := s.version(tx, w.Session)
	if err != nil {
		return err
	}
	if v != nil {
		if f, err = s.settledPrice(tx, w, v, &u); err != nil {
			return err
		}
	}
	return s.record(tx, w.Session, KindEnded, w.finished(u, f))
}

// settledPrice prices a settled session by what its fact will tell, so that
// both say the same, and counts what it took of allowances.
func (s *Service) settledPrice(tx *db.Tx, w *work, v *tariff.Version, u *tariff.Usage) (f Finished, err error) {
	if err = s.pricedFacts(tx, w.Session, &v.Tariff, u); err != nil {
		return f, err
	}
	excl, incl := w.Excl, w.Incl
	if err = s.d.Tariffs.Settling(tx, v, w.holder()); err != nil {
		return f, err
	}
	cost, inputs, err := s.price(tx, w.Session, v, *u)
	if err != nil {
		return f, err
	}
	f.Inputs = inputs
	if f.Quote, err = storedQuote(tx, w.ID); err != nil {
		return f, err
	}
	if w.State.Flags&Refused != 0 && w.State.Energy == 0 {
		w.Excl, w.Incl = excl, incl // see reprice
		return f, nil
	}
	return f, s.d.Tariffs.Count(tx, v, w.holder(), string(w.ID), cost)
}

// PortUse is what a session means for the port it runs on.
type PortUse struct {
	Station   string
	EVSE      int
	Session   ID
	Charging  Charging
	Over      bool // the transaction is over; the car may still be there
	Same      bool // all as it was told before, but for the power
	Power     int64
	Connector int // of 1.6; see Session.Wire
}

func (s *Service) tellPort(tx *db.Tx, w *work) error {
	if s.d.PortUse == nil || w.State.EVSE == 0 || w.State.Phase == Vacant || w.State.Phase == Stopped && w.before.State.Phase == Stopped {
		return nil
	}
	charging := w.State.shown()
	was := &w.before.State
	same := !w.fresh && was.EVSE == w.State.EVSE && was.Phase == w.State.Phase && was.shown() == charging
	use := PortUse{Station: w.Station, EVSE: w.State.EVSE, Session: w.ID, Charging: charging, Over: w.State.Phase == Stopped, Same: same,
		Power: int64(w.State.Power), Connector: w.Wire}
	if w.batched {
		w.use = &use
		return nil
	}
	return s.d.PortUse(tx, use)
}

// shown is the charging state as the port is told.
func (s *State) shown() Charging {
	switch {
	case s.Charging != Unknown:
		return s.Charging
	case s.Power > 0 || s.Energy > 0: // nobody told: a 1.6 station before its first status
		return Flowing
	}
	return Connected
}

// limits has a session stopped that is at its limit, once.
func (s *Service) limits(tx *db.Tx, w *work) error {
	if w.LimitReached || w.State.Phase != Open || !w.Limit.reached(w.State, tx.Now) {
		return nil
	}
	w.LimitReached, w.LimitAt = true, w.State.LastAt()
	if end := w.State.StartedAt.Add(w.Limit.Duration); w.Limit.Duration > 0 && !end.After(tx.Now) {
		w.LimitAt = end
	}
	return job.Enqueue(tx, job.Job{Kind: jobStop, Key: string(w.ID), Org: w.Org, Payload: wish{Session: w.ID}})
}

// write stores the row. A session that somebody else made in between is an
// error that has the transaction run again.
func (s *Service) write(tx *db.Tx, w *work) error {
	w.version++
	if !w.fresh {
		return updateSessions(tx, []*work{w})
	}
	fresh, err := insertSession(tx, w.Session)
	if err == nil && !fresh {
		err = fault.New(fault.Unavailable, "session.raced", "another message of transaction %s is being stored", w.Transaction)
	}
	return err
}

// store writes the events and the samples of a message for a session, and
// has the session absorb them.
func (s *Service) store(tx *db.Tx, w *work, m *message, answer string) error {
	if m.event.Kind != 0 {
		m.event.Refused = answer != "" && answer != string(ocpp.AuthorizationStatusEnumAccepted)
		if err := insertEvents(tx, [][]any{eventRow(w.Session, m.event, answer, m.payload)}); err != nil {
			return err
		}
	}
	rows := make([][]any, len(m.samples))
	for i, p := range m.samples {
		rows[i] = sampleRow(string(w.ID), w.Org, w.Site, w.Station, p)
	}
	if err := insertSamples(tx, rows); err != nil {
		return err
	}
	w.events = append(w.events, m.events()...)
	return w.absorb(tx)
}
