package session

import (
	"context"
	"errors"
	"slices"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// The version belongs to the connection (field note 11). A station that comes
// back with another one keeps its sessions; what becomes of an open one:
//
//   - Messages that name its transaction go on with it.
//   - A transaction of another number on the same EVSE takes the charge over
//     (supersede): the old session ends where the new one begins, and counts
//     nothing beyond that, whatever is replayed of it later.
//   - Otherwise the station is asked (2.x, E14) whether the transaction still
//     runs. One that it does not know ends for now, where it was last heard
//     of; a late message opens it again.

// Reasons for which a session is over for now.
const (
	signReplaced  = "StationReplaced"
	signProtocol  = "ProtocolChanged"
	signContinued = "Continued" // in another session: nothing after it counts here
)

const jobReconcile = "session.reconcile"

// move is the payload of jobReconcile: the version the station speaks now.
type move struct {
	Session  ID           `json:"session"`
	Protocol ocpp.Version `json:"protocol"`
}

// sameSeries reports whether two versions count transactions alike: 1.6 by
// our numbers, 2.x by the station's ids.
func sameSeries(a, b ocpp.Version) bool { return (a == ocpp.V16) == (b == ocpp.V16) }

// Consumers gives the room's consumers of facts.
func (s *Service) Consumers() []event.Consumer {
	return []event.Consumer{
		{Name: "session.stations", Kinds: []string{station.KindBoot, station.KindReplaced}, Ahead: s.stationsTurned},
		{Name: "session.prices", Kinds: priceKinds, Handle: s.pricesTurned},
	}
}

// stationsTurned finds out first at which stations anything runs: when
// thousands boot, that is at few.
func (s *Service) stationsTurned(tx *db.Tx, facts []event.Fact) (func(event.Fact) error, error) {
	q, args := db.Build("SELECT DISTINCT station FROM session WHERE settled_at IS NULL").And(db.In("station", event.Stations(facts)...)).SQL()
	at, err := db.Collect(tx, func(row db.Scanner) (id string, err error) { return id, row.Scan(&id) }, q, args...)
	return func(f event.Fact) error { return s.stationTurned(tx, f, slices.Contains(at, f.Station)) }, err
}

func (s *Service) stationTurned(tx *db.Tx, f event.Fact, busy bool) error {
	if f.Kind == station.KindReplaced {
		if !busy {
			return nil
		}
		var r station.Replaced
		if err := f.Decode(&r); err != nil {
			return err
		}
		return s.replaced(tx, f.Station, r.To)
	}
	var b station.Boot
	if err := f.Decode(&b); err != nil {
		return err
	}
	if b.Status != string(ocpp.RegistrationStatusEnumAccepted) {
		return nil
	}
	if b.Protocol == string(ocpp.V21) {
		if err := s.setTariff(tx, f.Org, f.Station, true); err != nil {
			return err
		}
	}
	if !busy {
		return nil
	}
	open, err := openAt(tx, f.Station, 0)
	if err != nil {
		return err
	}
	for _, r := range open {
		if r.State.Phase != Open || sameSeries(ocpp.Version(r.Protocol), ocpp.Version(b.Protocol)) {
			continue
		}
		err := job.Enqueue(tx, job.Job{Kind: jobReconcile, Key: string(r.ID), Org: r.Org, RunAt: tx.Now.Add(s.d.Config.GapAsk),
			Payload: move{Session: r.ID, Protocol: ocpp.Version(b.Protocol)}})
		if err != nil {
			return err
		}
	}
	return nil
}

// replaced ends, for now, what ran on the device that was taken away.
func (s *Service) replaced(tx *db.Tx, id, now string) error {
	open, err := openAt(tx, id, 0)
	if err != nil {
		return err
	}
	for _, r := range open {
		if r.State.Phase == Open && r.Incarnation != "" && r.Incarnation != now {
			if err := s.vacate(tx, workOn(&r), signReplaced, StationReplaced); err != nil {
				return err
			}
		}
	}
	return nil
}

// vacate ends a session for now, at the last that was heard of it.
func (s *Service) vacate(tx *db.Tx, w *work, sign string, mark Flag) error {
	w.mark |= mark
	if err := s.observe(tx, w, Event{Kind: Vacated, Station: w.State.LastAt(), Received: tx.Now, Reason: sign}); err != nil {
		return err
	}
	if err := w.absorb(tx); err != nil {
		return err
	}
	return s.conclude(tx, w, w.HeardAt)
}

// reconcile settles with a station that changed its version whether an open
// transaction still runs.
func (s *Service) reconcile(ctx context.Context, j job.Job) error {
	var m move
	if err := j.Decode(&m); err != nil {
		return err
	}
	var r Session
	err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		r, err = visible(tx, m.Session, everything)
		return err
	})
	if err != nil {
		return job.Stop(err)
	}
	if r.State.Phase != Open {
		return nil
	}
	runs := false
	if m.Protocol != ocpp.V16 { // 1.6 has no such question: OCPP 2.x E14
		if runs, err = s.stillRuns(ctx, r); err != nil {
			return err
		}
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		r, err := sessionByID(tx, m.Session)
		if err != nil || r.State.Phase != Open {
			return err
		}
		w := workOn(&r)
		if !runs {
			return s.vacate(tx, w, signProtocol, ProtocolChanged)
		}
		w.mark |= ProtocolChanged
		return s.conclude(tx, w, w.HeardAt)
	})
}

// stillRuns asks a 2.x station whether a transaction is ongoing. A station
// that answers with an error does not know it.
func (s *Service) stillRuns(ctx context.Context, r Session) (bool, error) {
	answer, err := s.d.Commander.Send(ctx, r.Station, &ocpp.GetTransactionStatusRequest{TransactionID: r.Transaction})
	var refused *ocpp.CallError
	if errors.As(err, &refused) || fault.Is(err, fault.Unsupported) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	resp, ok := answer.(*ocpp.GetTransactionStatusResponse)
	return ok && resp.OngoingIndicator != nil && *resp.OngoingIndicator, nil
}
