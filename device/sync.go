package device

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

const jobSync = "device.sync"

type syncJob struct{ Station string }

// maxReadFailures is how often a full read is tried before the baseline goes
// on without it.
const maxReadFailures = 3

// quietFor is how long a device that was just compared is left alone: some
// stations boot again and again without having restarted.
const quietFor = 2 * time.Minute

// retryIn is when a device that could not be reconciled is looked at again.
const retryIn = 15 * time.Minute

// sync reads a device where that is due, and brings its baseline about. A
// station that goes away in between is left as it is: the next boot or the
// reconciling job starts again from what is stored.
func (s *Service) sync(ctx context.Context, j job.Job) error {
	var p syncJob
	if err := j.Decode(&p); err != nil {
		return err
	}
	var st station.Station
	var known state
	err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		if st, err = s.d.Stations.Get(tx, p.Station); err == nil {
			known, err = stateOf(tx, p.Station)
		}
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if !st.Connected || st.Life != station.Active || st.Quarantined != nil {
		return s.later(ctx, st, s.d.DB.Now().Add(retryIn), false)
	}
	now := s.d.DB.Now()
	if known.ReadOf == readOf(st) && known.SyncedAt != nil && now.Sub(*known.SyncedAt) < quietFor && !known.wishedSince() {
		return nil
	}
	if known.ReadOf != readOf(st) && known.Failures < maxReadFailures {
		if known.ReportID != 0 && known.ReportAt != nil && now.Sub(*known.ReportAt) < s.d.ReportTimeout {
			return nil // it is coming; its end enqueues the next sync
		}
		waiting, err := s.startRead(ctx, st, known)
		if waiting || err != nil {
			return gone(err)
		}
	}
	err = s.applyWishes(ctx, st, known)
	if err == nil {
		err = s.applyMonitors(ctx, st)
	}
	if err != nil {
		if gone(err) == nil {
			return s.later(ctx, st, s.d.DB.Now().Add(retryIn), false)
		}
		return err
	}
	return s.later(ctx, st, s.d.DB.Now().Add(station.Jitter(string(st.ID), s.d.ReconcileEvery)), true)
}

// gone forgives a station that went away or is too slow.
func gone(err error) error {
	if fault.Is(err, fault.Unavailable) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// startRead asks for the full inventory; waiting tells that parts will come.
func (s *Service) startRead(ctx context.Context, st station.Station, known state) (waiting bool, err error) {
	o := ownerOf(st)
	if known.ReportID != 0 { // asked before, and it never came to its end
		known.Failures++
	}
	known.ReportID = reportID(s.d.DB.Now())
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		fresh, err := stateOf(tx, o.station)
		if err != nil {
			return err
		}
		fresh.Failures, fresh.ReportID, fresh.ReportAt, fresh.Parts, fresh.Last = known.Failures, known.ReportID, &tx.Now, 0, -1
		fresh.NextAt = tx.Now.Add(s.d.ReportTimeout + time.Minute)
		return saveState(tx, o, fresh)
	})
	if err != nil || known.Failures >= maxReadFailures {
		return false, err
	}
	answer, err := s.d.Commander.Send(ctx, o.station, &ocpp.GetBaseReportRequest{RequestID: int(known.ReportID), ReportBase: ocpp.ReportBaseEnumFullInventory})
	var refused *ocpp.CallError
	switch {
	case errors.As(err, &refused), fault.Is(err, fault.Unsupported):
		return false, s.noReport(ctx, st, o)
	case err != nil:
		return false, err
	}
	if r, ok := answer.(*ocpp.GetBaseReportResponse); ok && r.Status != ocpp.GenericDeviceModelStatusEnumAccepted {
		return false, s.noReport(ctx, st, o)
	}
	return true, nil
}

// noReport takes note that this device gives no inventory; it is not asked
// again until it changes.
func (s *Service) noReport(ctx context.Context, st station.Station, o owner) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		fresh, err := stateOf(tx, o.station)
		if err != nil {
			return err
		}
		fresh.ReportID, fresh.ReportAt, fresh.ReadOf = 0, nil, readOf(st)
		return saveState(tx, o, fresh)
	})
}

// reportID makes a request id that no report of late had: a positive int32.
func reportID(now time.Time) int64 { return now.UnixMilli()%2_000_000_000 + 1 }

// later notes when the device is to be looked at again.
func (s *Service) later(ctx context.Context, st station.Station, at time.Time, synced bool) error {
	o := ownerOf(st)
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		fresh, err := stateOf(tx, o.station)
		if err != nil {
			return err
		}
		if fresh.NextAt = at; synced {
			fresh.SyncedAt = &tx.Now
		}
		return saveState(tx, o, fresh)
	})
}

// reconcileAtOnce is how many devices one transaction looks at.
const reconcileAtOnce = 500

// reconcile enqueues a sync for devices that are due.
func (s *Service) reconcile(ctx context.Context) error {
	for n := reconcileAtOnce; n == reconcileAtOnce; {
		err := s.d.DB.Update(ctx, func(tx *db.Tx) error {
			due, err := db.Collect(tx, func(row db.Scanner) (o owner, err error) {
				err = row.Scan(&o.station, &o.org)
				return o, err
			}, "SELECT station, org FROM device_state WHERE next_at < $1 ORDER BY next_at LIMIT "+strconv.Itoa(reconcileAtOnce), db.Micros(tx.Now))
			if err != nil {
				return err
			}
			n = len(due)
			for _, o := range due {
				if err := tx.Send("UPDATE device_state SET next_at = $2 WHERE station = $1", o.station, db.Micros(tx.Now.Add(retryIn))); err != nil {
					return err
				}
				if err := s.syncInTurn(tx, o, tx.Now); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
