package reservation

import (
	"context"
	"errors"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/job"
)

const jobSettle = "reservation.settle"

// settle compares one station with what is stored. Again: it started anew
// and may have forgotten what was running at that time.
type settle struct {
	Station string    `json:"station"`
	Again   bool      `json:"again"`
	At      time.Time `json:"at"`
}

// Jobs registers the room's work.
func (s *Service) Jobs(r *job.Runner) {
	r.Handle(jobSettle, s.settle, job.Options{MaxAttempts: 3, Timeout: 2 * time.Minute})
	r.Every("reservation.expire", 20*time.Second, s.expire)
	r.Every("reservation.sweep", 5*time.Minute, s.sweep)
}

// expire ends what is over; the station keeps the same time.
func (s *Service) expire(ctx context.Context) error {
	const batch = 200
	for {
		n := 0
		err := s.d.DB.Update(ctx, func(tx *db.Tx) error {
			late, err := overdue(tx, tx.Now, batch)
			if err != nil {
				return err
			}
			n = len(late)
			for _, r := range late {
				r, err := lock(tx, r.ID, db.Cond{})
				if err != nil {
					return err
				}
				r.AtStation = false
				if r.end(Expired, "", tx.Now) {
					if err := s.save(tx, r); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil || n < batch {
			return err
		}
	}
}

// sweep tries again to cancel at stations what ended while they were away.
func (s *Service) sweep(ctx context.Context) error {
	var stations []string
	if err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		stations, err = unsettled(tx, tx.Now)
		return err
	}); err != nil {
		return err
	}
	for _, one := range stations {
		if err := s.settleStation(ctx, settle{Station: one}); err != nil && !fault.Is(err, fault.Unavailable) {
			return err
		}
	}
	return nil
}

func (s *Service) settle(ctx context.Context, j job.Job) error {
	var w settle
	if err := j.Decode(&w); err != nil {
		return err
	}
	if err := s.settleStation(ctx, w); err != nil && !fault.Is(err, fault.Unavailable) {
		return err
	}
	return nil
}

// settleStation brings a station to what is stored: it cancels what is over
// and tells again what is running.
func (s *Service) settleStation(ctx context.Context, w settle) error {
	var held []Reservation
	if err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		held, err = heldAt(tx, w.Station)
		return err
	}); err != nil {
		return err
	}
	for _, r := range held {
		switch {
		case !r.State.Open():
			if !s.withdraw(ctx, r) {
				return nil // out of reach again
			}
		case r.State == Active && w.Again && (w.At.IsZero() || !r.CreatedAt.After(w.At)):
			if err := s.tellAgain(ctx, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// tellAgain makes sure that a station which started anew still keeps r. A
// station that refuses now leaves it to the platform: the driver has our word.
func (s *Service) tellAgain(ctx context.Context, r Reservation) error {
	keep, reason, at, err := s.ask(ctx, r)
	if err != nil {
		if fault.Is(err, fault.Unavailable) || errors.Is(err, context.DeadlineExceeded) {
			return nil
		}
		return err
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		fresh, err := lock(tx, r.ID, db.Cond{})
		if err != nil || !fresh.State.Open() {
			return err
		}
		fresh.AtStation, fresh.KeptBy, fresh.Reason = at, keep, reason
		if keep == "" {
			fresh.KeptBy, fresh.Reason = ByPlatform, "the station did not take it again after its restart: "+reason
		}
		return update(tx, fresh)
	})
}
