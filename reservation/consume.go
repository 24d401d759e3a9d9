package reservation

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/forecourt-ev/forecourt/access"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/session"
	"github.com/forecourt-ev/forecourt/station"
)

// Consumers follow sessions, which use reservations, and stations that come
// back, which may hold some that are over.
func (s *Service) Consumers() []event.Consumer {
	return []event.Consumer{
		{Name: "reservation.sessions", Kinds: []string{session.KindStarted}, Handle: s.began},
		{Name: "reservation.stations", Kinds: []string{station.KindConnected, station.KindBoot}, Ahead: s.returned},
	}
}

// began ends the reservation that a session's token, or one of its group, had.
func (s *Service) began(tx *db.Tx, f event.Fact) error {
	var told session.Told
	if err := json.Unmarshal(f.Data, &told); err != nil {
		return err
	}
	open, err := openAt(tx, told.Station, told.StartedAt)
	if err != nil || len(open) == 0 {
		return err
	}
	d, err := s.d.Access.Decide(tx, access.Ask{Org: f.Org, Site: f.Site, Station: told.Station, Token: ocpp.IdToken{IdToken: told.Token, Type: told.TokenType}, At: told.StartedAt})
	if err != nil {
		return err
	}
	group := ""
	if d.Token != nil {
		group = d.Token.Group
	}
	var best *Reservation // that of the EVSE itself, before one of any EVSE
	for i, r := range open {
		if r.Covers(told.EVSE) && r.Admits(told.Token, group) && (best == nil || best.EVSE == 0) {
			best = &open[i]
		}
	}
	if best == nil {
		return nil
	}
	r, err := lock(tx, best.ID, db.Cond{})
	if err != nil || !r.end(Used, "", tx.Now) {
		return err
	}
	r.Session, r.AtStation = string(told.ID), false // H03: the station ends it with the transaction
	return s.save(tx, r)
}

// returned has the reservations that stations hold compared with ours.
func (s *Service) returned(tx *db.Tx, facts []event.Fact) (func(event.Fact) error, error) {
	q, args := db.Build("SELECT DISTINCT station FROM reservation WHERE at_station").And(db.In("station", event.Stations(facts)...)).SQL()
	held, err := db.Collect(tx, func(row db.Scanner) (id string, err error) { return id, row.Scan(&id) }, q, args...)
	return func(f event.Fact) error {
		if !slices.Contains(held, f.Station) {
			return nil
		}
		return job.Enqueue(tx, job.Job{Kind: jobSettle, Key: jobSettle + " " + f.Station, Org: f.Org, Payload: settle{Station: f.Station, Again: f.Kind == station.KindBoot, At: f.At}, RunAt: tx.Now})
	}, err
}

// StatusUpdate takes a station's word that a reservation is over there (2.x).
// Unknown numbers change nothing: the station may have had them from another
// platform.
func (s *Service) StatusUpdate(ctx context.Context, p ocpp.Peer, u *ocpp.ReservationStatusUpdateRequest) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		r, err := byNumber(tx, p.Station, u.ReservationID)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if r, err = lock(tx, r.ID, db.Cond{}); err != nil {
			return err
		}
		r.AtStation = false
		end, reason := Cancelled, "removed at the station"
		switch u.ReservationUpdateStatus {
		case ocpp.ReservationUpdateStatusEnumExpired:
			end, reason = Expired, ""
		case ocpp.ReservationUpdateStatusEnumNoTransaction:
			end, reason = Expired, "used without a transaction"
		}
		if !r.end(end, reason, tx.Now) {
			return update(tx, r)
		}
		return s.save(tx, r)
	})
}
