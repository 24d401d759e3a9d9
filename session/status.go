package session

import (
	"context"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
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
	at := spot{evse: n.EVSEID, connector: n.ConnectorID, wire: n.Connector16}
	since := e.Time().Add(-unplugWindow)
	if s.idle(ctx, p.Station, at, since) && clock == nil {
		return nil
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		if clock != nil {
			if err := s.setClock(tx, p, *clock); err != nil {
				return err
			}
		}
		last, err := lastAt(tx, p.Station, at, since)
		if err != nil || len(last) == 0 || !last[0].listens() {
			return err
		}
		w := workOn(last[0])
		if e.Charging == Connected && n.Status16 == string(station.ReportPreparing) && w.State.Phase == Stopped {
			e.Charging, e.Reason = Unknown, "Preparing" // the next driver plugs in: nobody waits for Available any more
		}
		if err := s.observe(tx, w, e); err != nil {
			return err
		}
		if err := w.absorb(tx); err != nil {
			return err
		}
		return s.conclude(tx, w, e.Received)
	})
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

// idle tells without a write that no session cares: by far the most frequent
// case.
func (s *Service) idle(ctx context.Context, station string, at spot, since time.Time) bool {
	none := false
	err := s.d.DB.View(ctx, func(tx *db.Tx) error {
		listening, err := listeningAt(tx, station, at, since)
		none = !listening
		return err
	})
	return err == nil && none
}

// listens reports whether a status can still change the session.
func (s *Session) listens() bool { return s.State.Phase < Stopped || s.State.UnpluggedAt.IsZero() }
