package session

import (
	"context"
	"time"

	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// How long after its start a session may still learn that the bay is free.
const unplugWindow = 14 * 24 * time.Hour

// StatusNotification takes a connector's status as far as sessions care: in
// 1.6 it is the only word on the charging state, and in every version
// Available means that the bay is free. It never ends a session for good
// (field note 6).
func (s *Service) StatusNotification(ctx context.Context, p ocpp.Peer, n *ocpp.StatusNotification) error {
	e, ok := observedStatus(p, n)
	if !ok {
		return nil
	}
	e.Received = s.received(ctx)
	skew, clock, err := s.skew(ctx, p, e.Station, e.Received)
	if err != nil {
		return err
	}
	e.Skew = skew
	seen := &sighting{e: e, at: spot{evse: n.EVSEID, connector: n.ConnectorID, wire: n.Connector16},
		preparing: e.Charging == Connected && n.Status16 == string(station.ReportPreparing)}
	return s.hot.Add(ctx, &reading{m: &message{peer: p}, clock: clock, status: seen})
}

// sighting is a status on its way through the batch.
type sighting struct {
	e         Event
	at        spot
	preparing bool // 1.6: a cable is plugged in, or a driver shows a card
}

// see stores a status with the session it can mean something to. That there
// is none is by far the most frequent case.
func (b *batch) see(p ocpp.Peer, g *sighting) error {
	last, err := lastAt(b.tx, p.Station, g.at, g.e.Time().Add(-unplugWindow))
	if err != nil || len(last) == 0 || !last[0].listens() {
		return err
	}
	w, e := b.work(&last[0]), g.e
	if g.preparing && w.State.Phase == Stopped {
		e.Charging, e.Reason = Unknown, "Preparing" // the next driver plugs in: nobody waits for Available any more
	}
	row, e := seen(w, e)
	b.events = append(b.events, row)
	w.events = append(w.events, e)
	if e.Received.After(b.heard[w.ID]) {
		b.heard[w.ID] = e.Received
	}
	return nil
}

// observedStatus reads a status; false when it says nothing about a session.
func observedStatus(p ocpp.Peer, n *ocpp.StatusNotification) (Event, bool) {
	e := Event{Kind: Connector, Station: n.Timestamp.Time, EVSE: n.EVSEID}
	if n.EVSEID == 0 {
		return e, false
	}
	if n.Status16 == "Available" || n.Status16 == "" && n.ConnectorStatus == ocpp.ConnectorStatusEnumAvailable {
		e.Reason = "Available"
		return e, true
	}
	if p.Version == ocpp.V16 {
		e.Charging = ParseCharging(n.Status16)
	}
	return e, e.Charging != Unknown
}

// listens reports whether a status can still change the session.
func (s *Session) listens() bool { return s.State.Phase < Stopped || s.State.UnpluggedAt.IsZero() }
