package session

import (
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// supersede closes what still seems to run on the EVSE on which a transaction
// begins: its stop was lost or is still to come. The new meter reading closes
// it as well, if it can, since no energy flows between two transactions. A car
// that still stood there after its charge has left.
func (s *Service) supersede(tx *db.Tx, w *work, m *message) error {
	if m.evse == 0 {
		return nil
	}
	open, err := openAt(tx, m.peer.Station, 0)
	if err != nil {
		return err
	}
	at := m.event.Time()
	for _, r := range open {
		if r.ID == w.ID || r.evseNow(m.peer) != m.evse || r.State.Phase == Stopped && !r.waitsAt(m) || !r.State.StartedAt.Before(at) {
			continue
		}
		if err := s.close(tx, workOn(&r), m); err != nil {
			return err
		}
	}
	return nil
}

// waitsAt reports whether the car of a session that is over may still stand at
// the connector of the message. At another connector of the EVSE it disturbs
// nobody, and goes on standing there.
func (s *Session) waitsAt(m *message) bool {
	other := s.Wire > 0 && m.wire > 0 && s.Wire != m.wire || s.State.Conn != 0 && m.connector != 0 && s.State.Conn != m.connector
	return s.State.UnpluggedAt.IsZero() && !other
}

// close ends a session for now because another began on its EVSE.
func (s *Service) close(tx *db.Tx, old *work, m *message) error {
	e := Event{Kind: Vacated, Station: m.event.Station, Received: m.received, Skew: m.skew, Reason: "Superseded"}
	switch {
	case old.State.Phase == Stopped:
		e.Kind = Connector
	case !sameSeries(ocpp.Version(old.Protocol), m.peer.Version):
		e.Reason = signContinued
		old.mark |= ProtocolChanged
	}
	if err := s.observe(tx, old, e); err != nil {
		return err
	}
	if p, ok := closing(old.State, m); ok && old.State.Phase != Stopped {
		if err := insertSamples(tx, [][]any{sampleRow(string(old.ID), old.Org, old.Site, old.Station, p)}); err != nil {
			return err
		}
		old.events = append(old.events, p.Event)
	}
	if err := old.absorb(tx); err != nil {
		return err
	}
	return s.conclude(tx, old, m.received)
}

// Above this mean power the meter reading of the next start is not the end of
// the session before.
const closingPower = 400_000

// closing gives the reading at which the next transaction began, as a reading
// of the one before.
func closing(old State, m *message) (Sample, bool) {
	meter, first := &old.Memory.Meter, m.opening()
	if first == nil || meter.Channel != outletRegister || old.Memory.Seqs != 0 || meter.Dropped {
		return Sample{}, false
	}
	d := first.Reading.Register - meter.Last
	since := m.event.Time().Sub(micros(meter.LastAt))
	if d <= 0 || since <= 0 || d.Over(since) > closingPower {
		return Sample{}, false
	}
	p := *first
	p.Anchor, p.Seq, p.Station = NoAnchor, NoSeq, m.event.Station
	return p, true
}

// opening is the register at which the transaction of the message begins.
func (m *message) opening() *Sample {
	for i := range m.samples {
		if r := &m.samples[i].Reading; m.anchor == nil && r.Has&HasRegister != 0 && r.Location == Outlet {
			return &m.samples[i]
		}
	}
	return m.anchor
}
