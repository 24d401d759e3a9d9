package session

import (
	"context"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/ocpp"
)

const (
	jobStop = "session.stop"
	jobAsk  = "session.ask"
)

// wish is the payload of a job about a session.
type wish struct {
	Session ID `json:"session"`
}

// Jobs registers the room's periodic work and jobs.
func (s *Service) Jobs(r *job.Runner) {
	r.Every("session.settle", 5*time.Second, s.Settle)
	r.Every("session.remote-starts", 15*time.Second, s.ExpireStarts)
	r.Every("session.partitions", 12*time.Hour, s.Partition)
	r.Handle(jobStop, s.stopAtLimit, job.Options{MaxAttempts: 20, Timeout: time.Minute})
	r.Handle(jobReconcile, s.reconcile, job.Options{MaxAttempts: 8, Timeout: time.Minute})
	s.costJobs(r)
	r.Handle(jobAsk, s.ask, job.Options{MaxAttempts: 1, Timeout: time.Minute})
}

func (s *Service) stopAtLimit(ctx context.Context, j job.Job) error {
	var w wish
	if err := j.Decode(&w); err != nil {
		return err
	}
	var r Session
	err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		r, err = visible(tx, w.Session, everything)
		return err
	})
	if err != nil {
		return job.Stop(err)
	}
	if _, err := s.stop(ctx, r); err != nil && !fault.Is(err, fault.Conflict) {
		return err
	}
	return nil
}

// ExpireStarts ends the wait for remote starts whose time is over.
func (s *Service) ExpireStarts(ctx context.Context) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		gone, err := expireRemotes(tx, tx.Now)
		if err != nil {
			return err
		}
		for _, r := range gone {
			if err := s.d.Access.Revoke(tx, r.Station, r.Token.IdToken); err != nil {
				return err
			}
		}
		return nil
	})
}

// settleBatch bounds one round of Settle.
const settleBatch = 500

// Settle looks at the sessions whose wait is over: it settles what waited
// long enough, asks for missing messages, stops what is at its limit, and
// flags what fell silent.
func (s *Service) Settle(ctx context.Context) error {
	var due []ID
	err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		due, err = dueSessions(tx, tx.Now, settleBatch)
		return err
	})
	if err != nil {
		return err
	}
	failed := 0
	for _, id := range due {
		// One session that cannot be settled must not keep back the others.
		if err := s.d.DB.Update(ctx, func(tx *db.Tx) error { return s.look(tx, id) }); err != nil {
			failed++
			s.d.Log.Error("session cannot be settled", "session", id, "err", err)
		}
	}
	if failed > 0 {
		return fault.New(fault.Internal, "session.settle", "%d of %d sessions could not be settled", failed, len(due))
	}
	return nil
}

func (s *Service) look(tx *db.Tx, id ID) error {
	r, err := sessionByID(tx, id)
	if err != nil || !r.SettledAt.IsZero() || r.SettleAt.IsZero() || r.SettleAt.After(tx.Now) {
		return err
	}
	w := workOn(&r)
	if w.stale {
		if err := w.absorb(tx); err != nil {
			return err
		}
		return s.conclude(tx, w, w.HeardAt)
	}
	parking, err := s.parking(tx, w.Session)
	if err != nil {
		return err
	}
	switch w.State.waits(parking) {
	case forGap:
		if tx.Now.Sub(w.HeardAt) >= s.d.Config.GapHold || w.Protocol == string(ocpp.V16) {
			return s.force(tx, w, EventsMissing)
		}
		w.SettleAt = w.HeardAt.Add(s.d.Config.GapHold)
		if err := updateSession(tx, w.Session); err != nil {
			return err
		}
		return job.Enqueue(tx, job.Job{Kind: jobAsk, Key: string(id), Org: w.Org, Payload: wish{Session: id}})
	case forStop, forUnplug:
		return s.force(tx, w, 0)
	case forMessage:
		return s.silent(tx, w)
	}
	return s.conclude(tx, w, w.HeardAt)
}

// ask asks a 2.x station whether it still has messages of the transaction
// (E14). If it has none, what is missing is lost and the session is settled
// without; if it has, or cannot be asked, the rest of the time is waited.
func (s *Service) ask(ctx context.Context, j job.Job) error {
	var w wish
	if err := j.Decode(&w); err != nil {
		return err
	}
	var r Session
	err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		r, err = visible(tx, w.Session, everything)
		return err
	})
	if err != nil {
		return job.Stop(err)
	}
	if !r.SettledAt.IsZero() || r.State.Complete() {
		return nil
	}
	queued, err := s.messagesQueued(ctx, r)
	if err != nil || queued {
		s.d.Log.Debug("messages of a session are missing", "station", r.Station, "session", r.ID, "queued", queued, "err", err)
		return nil
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		r, err := sessionByID(tx, w.Session)
		if err != nil || !r.SettledAt.IsZero() || r.State.Complete() || r.State.Phase != Stopped {
			return err
		}
		return s.force(tx, workOn(&r), EventsMissing)
	})
}

// silent flags an open session that is not heard of, and ends it for now when
// that lasts: whatever comes later opens it again.
func (s *Service) silent(tx *db.Tx, w *work) error {
	if err := s.limits(tx, w); err != nil {
		return err
	}
	if err := s.ghosts(tx, w); err != nil {
		return err
	}
	quiet := tx.Now.Sub(w.HeardAt)
	if quiet < s.d.Config.SilentAfter {
		w.SettleAt = w.HeardAt.Add(s.d.Config.SilentAfter)
		if at := w.ghostDue(s.d.Config); at.After(tx.Now) && at.Before(w.SettleAt) {
			w.SettleAt = at
		}
		if w.Marks != w.before.Marks {
			if err := s.record(tx, w.Session, KindUpdated, w.told()); err != nil {
				return err
			}
		}
		return updateSession(tx, w.Session)
	}
	if quiet >= s.d.Config.AbandonAfter {
		last := w.State.LastAt()
		if err := s.observe(tx, w, Event{Kind: Vacated, Station: last, Received: tx.Now, Reason: "Silent"}); err != nil {
			return err
		}
		if err := w.absorb(tx); err != nil {
			return err
		}
		w.mark = StationSilent
		return s.force(tx, w, 0)
	}
	w.mark = StationSilent
	if err := s.conclude(tx, w, w.HeardAt); err != nil {
		return err
	}
	w.SettleAt = w.HeardAt.Add(s.d.Config.AbandonAfter)
	return updateSession(tx, w.Session)
}

// force settles a session with what is known.
func (s *Service) force(tx *db.Tx, w *work, mark Flag) error {
	w.Marks |= mark | w.mark
	if err := s.suspect(tx, w); err != nil {
		return err
	}
	w.Status, w.SettleAt = w.State.Status(true), time.Time{}
	if err := s.writeSlices(tx, w, true); err != nil {
		return err
	}
	if err := s.reprice(tx, w, true); err != nil {
		return err
	}
	if err := s.showCost(tx, w, true); err != nil {
		return err
	}
	if err := s.tell(tx, w, true); err != nil {
		return err
	}
	return s.write(tx, w)
}

// messagesQueued asks a 2.x station whether it still has messages of the
// transaction (E14).
func (s *Service) messagesQueued(ctx context.Context, r Session) (bool, error) {
	answer, err := s.d.Commander.Send(ctx, r.Station, &ocpp.GetTransactionStatusRequest{TransactionID: r.Transaction})
	if err != nil {
		return false, err
	}
	resp, ok := answer.(*ocpp.GetTransactionStatusResponse)
	if !ok {
		return false, fault.New(fault.Internal, "session.answer", "the station's answer was not understood")
	}
	return resp.MessagesInQueue, nil
}

// Partition makes the monthly partitions of the samples ahead of time.
// PostgreSQL only: SQLite has none.
func (s *Service) Partition(ctx context.Context) error {
	if s.d.DB.Dialect() != db.Postgres {
		return nil
	}
	now := s.d.DB.Now()
	for months := range 3 {
		from := time.Date(now.Year(), now.Month()+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
		if err := s.d.DB.Update(ctx, func(tx *db.Tx) error { return addPartition(tx, from, from.AddDate(0, 1, 0)) }); err != nil {
			return err
		}
	}
	return nil
}
