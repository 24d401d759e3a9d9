package pki

import (
	"context"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/ocpp"
)

const (
	jobRenew     = "pki.renew"
	jobReconcile = "pki.reconcile"

	renewAgain = 24 * time.Hour      // a station that took the trigger and sent no request is asked again
	giveUp     = 30 * 24 * time.Hour // a certificate that no station came for
	keepOver   = 400 * 24 * time.Hour
)

type stationJob struct {
	Station string `json:"station"`
	Type    string `json:"type,omitempty"`
}

// Jobs registers the room's periodic and queued work.
func (s *Service) Jobs(r *job.Runner) {
	r.Handle(jobSign, s.sign, job.Options{MaxAttempts: 60, Timeout: 2 * time.Minute})
	r.Handle(jobRenew, s.renew, job.Options{MaxAttempts: 30, Timeout: 2 * time.Minute})
	r.Handle(jobReconcile, s.reconcileStation, job.Options{MaxAttempts: 5, Timeout: 10 * time.Minute})
	r.Every("pki.expiry", time.Hour, s.expiry)
	r.Every("pki.reconcile", 5*time.Minute, s.reconcileDue)
}

// Consumers gives the room's consumers of facts.
func (s *Service) Consumers() []event.Consumer {
	return []event.Consumer{
		{Name: "pki.boots", Kinds: []string{stationBoot}, Ahead: s.booted},
		{Name: "pki.retired", Kinds: []string{stationRetired}, Handle: s.retired},
	}
}

// reconcileDue enqueues the comparison of roots for the stations that are due.
func (s *Service) reconcileDue(ctx context.Context) error {
	const batch = 500
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		type due struct{ station, org string }
		list, err := db.Collect(tx, func(row db.Scanner) (d due, err error) { return d, row.Scan(&d.station, &d.org) },
			"SELECT station, org FROM pki_station WHERE next_at <= $1 ORDER BY next_at, station LIMIT "+itoa(batch), db.Micros(tx.Now))
		if err != nil {
			return err
		}
		for _, d := range list {
			if err := tx.Send("UPDATE pki_station SET next_at = $1 WHERE station = $2", db.Micros(tx.Now.Add(s.d.ReconcileEvery)), d.station); err != nil {
				return err
			}
			if err := enqueueReconcile(tx, d.station, d.org, tx.Now); err != nil {
				return err
			}
		}
		return nil
	})
}

func enqueueReconcile(tx *db.Tx, station, org string, at time.Time) error {
	return job.Enqueue(tx, job.Job{Kind: jobReconcile, Key: station, Org: org, Payload: stationJob{Station: station}, RunAt: at, Background: true})
}

// reconcileStation is the job of one station. One that is offline is compared
// after its next boot.
func (s *Service) reconcileStation(ctx context.Context, j job.Job) error {
	var what stationJob
	if err := j.Decode(&what); err != nil {
		return err
	}
	st, err := s.d.Station(ctx, what.Station)
	if fault.Is(err, fault.NotFound) || err == nil && st.Retired {
		return nil
	}
	if err == nil {
		err = s.reconcile(ctx, st)
	}
	detail := ""
	if err != nil {
		detail = messageOf(err)
	}
	noted := s.d.DB.Update(ctx, func(tx *db.Tx) error {
		return tx.Send("UPDATE pki_station SET detail = $1 WHERE station = $2 AND detail <> $1", clean(clip(detail, 500)), what.Station)
	})
	switch fault.KindOf(err) {
	case fault.Unavailable, fault.Unsupported:
		return noted
	}
	var no *ocpp.CallError
	if asCallError(err, &no) {
		return noted
	}
	return err
}

var stationColumns = []db.Col{{Name: "station", Type: "text"}, {Name: "org", Type: "text"}, {Name: "site", Type: "text"},
	{Name: "next_at", Type: "bigint"}, {Name: "detail", Type: "text"}}

// booted looks after stations that just started: their roots, and what waits
// for them.
func (s *Service) booted(tx *db.Tx, facts []event.Fact) (func(event.Fact) error, error) {
	const settle = 30 * time.Second // the device room reads its variables first
	q, args := db.Build("SELECT "+requestColumns+" FROM pki_request WHERE status IN (?, ?)", Queued, Delivering).And(db.In("station", event.Stations(facts)...)).SQL()
	waiting, err := db.Collect(tx, scanRequest, q, args...)
	if err != nil {
		return nil, err
	}
	rows := map[string][]any{}
	return func(f event.Fact) error {
		row := []any{f.Station, f.Org, f.Site, db.Micros(tx.Now.Add(s.d.ReconcileEvery)), ""}
		if before, again := rows[f.Station]; again {
			copy(before, row)
		} else {
			rows[f.Station] = row
			db.Gather(tx, "pki_station", row, putStations)
		}
		for _, r := range waiting {
			if r.Station != f.Station {
				continue
			}
			if err := enqueueSign(tx, r); err != nil {
				return err
			}
		}
		return enqueueReconcile(tx, f.Station, f.Org, tx.Now.Add(settle))
	}, nil
}

func putStations(tx *db.Tx, rows [][]any) error {
	return db.InsertRows(tx, "pki_station", stationColumns, rows, "ON CONFLICT (station) DO UPDATE SET org=excluded.org, site=excluded.site, next_at=excluded.next_at")
}

// retired revokes what a station had that is no longer ours.
func (s *Service) retired(tx *db.Tx, f event.Fact) error {
	list, err := certificatesOf(tx, f.Station)
	if err != nil {
		return err
	}
	for _, c := range list {
		if c.Status == Revoked || tx.Now.After(c.NotAfter) {
			continue
		}
		if err := s.revokeIn(tx, c, CessationOfOperation); err != nil {
			return err
		}
	}
	if len(list) > 0 {
		s.announce(tx)
	}
	if err := tx.Send("UPDATE pki_request SET status = $1, detail = 'the station was retired', open = id WHERE station = $2 AND status IN ($3, $4, $5)", Failed, f.Station, Waiting, Queued, Delivering); err != nil {
		return err
	}
	for _, table := range []string{"pki_station", "pki_installed", "pki_root_state"} {
		if err := tx.Send("DELETE FROM "+table+" WHERE station = $1", f.Station); err != nil {
			return err
		}
	}
	return nil
}
