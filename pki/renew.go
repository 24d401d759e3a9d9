package pki

import (
	"context"
	"errors"
	"strconv"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/ocpp"
)

func itoa(n int) string { return strconv.Itoa(n) }

func asCallError(err error, to **ocpp.CallError) bool { return errors.As(err, to) }

// expiry looks after everything that ends: certificates are renewed, what was
// not renewed in time is told of, our authorities hand over in time.
func (s *Service) expiry(ctx context.Context) error {
	for _, step := range []func(context.Context) error{s.renewDue, s.alarm, s.alarmRoots, s.handOver, s.tidy} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// renewDue asks stations for a new request while there is time. A station may
// also come by itself (OCPP 2.0.1 A03.FR.02).
func (s *Service) renewDue(ctx context.Context) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		due, err := db.Collect(tx, scanCertificate, `SELECT `+certificateColumns+` FROM pki_certificate c WHERE status = $1 AND not_after > $2 AND not_after <= $3
			AND (renewing_at IS NULL OR renewing_at <= $4) AND NOT EXISTS (SELECT 1 FROM pki_certificate n WHERE n.station = c.station AND n.type = c.type AND n.not_after > c.not_after AND n.status IN ($5, $6, $1))
			ORDER BY not_after, id LIMIT 500`,
			Active, db.Micros(tx.Now), db.Micros(tx.Now.Add(s.d.RenewBefore)), db.Micros(tx.Now.Add(-renewAgain)), Signed, Delivered)
		if err != nil {
			return err
		}
		for _, c := range due {
			if err := s.enqueueRenew(tx, c); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) enqueueRenew(tx *db.Tx, c Certificate) error {
	if err := tx.Send("UPDATE pki_certificate SET renewing_at = $1 WHERE id = $2", db.Micros(tx.Now), c.ID); err != nil {
		return err
	}
	return job.Enqueue(tx, job.Job{Kind: jobRenew, Key: openKey(c.Station, c.Type), Org: c.Org, Payload: stationJob{Station: c.Station, Type: c.Type}})
}

var triggerOf = map[string]ocpp.MessageTriggerEnum{
	"": ocpp.MessageTriggerEnumSignChargingStationCertificate, stationType: ocpp.MessageTriggerEnumSignChargingStationCertificate,
	v2gType: ocpp.MessageTriggerEnumSignV2GCertificate, v2g20Type: ocpp.MessageTriggerEnumSignV2G20Certificate,
}

// renew is the job that asks one station (use case A02; 1.6 has the same in
// ExtendedTriggerMessage). It is tried again while the station is away.
func (s *Service) renew(ctx context.Context, j job.Job) error {
	var what stationJob
	if err := j.Decode(&what); err != nil {
		return err
	}
	st, err := s.d.Station(ctx, what.Station)
	if fault.Is(err, fault.NotFound) || err == nil && st.Retired {
		return nil
	}
	if err != nil {
		return err
	}
	return s.Trigger(ctx, st.ID, what.Type)
}

// Trigger asks a station to send a request for a certificate of a type.
// fault.Conflict when it does not want to now.
func (s *Service) Trigger(ctx context.Context, station, kind string) error {
	answer, err := s.d.Commander.Send(ctx, station, &ocpp.TriggerMessageRequest{RequestedMessage: triggerOf[kind]})
	if err != nil {
		var no *ocpp.CallError
		if errors.As(err, &no) {
			return job.Stop(fault.Wrap(fault.Unsupported, err, "pki.trigger", "%s", messageOf(err)))
		}
		if fault.Is(err, fault.Unsupported) {
			return job.Stop(err)
		}
		return err
	}
	res, ok := answer.(*ocpp.TriggerMessageResponse)
	switch {
	case !ok || res.Status == ocpp.TriggerMessageStatusEnumRejected:
		return fault.New(fault.Conflict, "pki.trigger", "station %s does not want to renew its certificate now", station)
	case res.Status == ocpp.TriggerMessageStatusEnumNotImplemented:
		return job.Stop(fault.New(fault.Unsupported, "pki.trigger", "station %s cannot be asked for a certificate request; it must send one by itself", station))
	}
	return nil
}

// alarm tells once of each certificate in use that was not renewed in time.
func (s *Service) alarm(ctx context.Context) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		list, err := db.Collect(tx, scanCertificate, `SELECT `+certificateColumns+` FROM pki_certificate c WHERE status = $1 AND not_after <= $2 AND alerted_at IS NULL
			AND NOT EXISTS (SELECT 1 FROM pki_certificate n WHERE n.station = c.station AND n.type = c.type AND n.not_after > c.not_after AND n.status = $1) ORDER BY not_after, id LIMIT 500`,
			Active, db.Micros(tx.Now.Add(s.d.AlarmBefore)))
		if err != nil {
			return err
		}
		for _, c := range list {
			if err := tx.Send("UPDATE pki_certificate SET alerted_at = $1 WHERE id = $2", db.Micros(tx.Now), c.ID); err != nil {
				return err
			}
			if err := event.Record(tx, event.Fact{Org: c.Org, Site: c.Site, Station: c.Station, Subject: "certificates/" + c.Station, Kind: KindCertificateExpiring},
				Expiring{ID: c.ID, What: "certificate", Subject: c.Subject, NotAfter: c.NotAfter}); err != nil {
				return err
			}
		}
		return nil
	})
}

// alarmRoots tells once of each trust root that ends soon.
func (s *Service) alarmRoots(ctx context.Context) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		list, err := db.Collect(tx, scanRoot, "SELECT "+rootColumns+" FROM pki_root WHERE removed_at IS NULL AND alerted_at IS NULL AND not_after <= $1 ORDER BY not_after, id LIMIT 500",
			db.Micros(tx.Now.Add(4*s.d.AlarmBefore))) // a new root takes time to reach every station
		if err != nil {
			return err
		}
		for _, r := range list {
			if err := tx.Send("UPDATE pki_root SET alerted_at = $1 WHERE id = $2", db.Micros(tx.Now), r.ID); err != nil {
				return err
			}
			if err := event.Record(tx, event.Fact{Org: r.Org, Site: r.Site, Station: r.Station, Subject: "root/" + r.ID, Kind: KindCertificateExpiring},
				Expiring{ID: r.ID, What: "root", Subject: r.Subject, NotAfter: r.NotAfter}); err != nil {
				return err
			}
		}
		return nil
	})
}

// handOver makes new authorities a good while before the old ones cannot sign
// any more, so that stations get the new root while the old one still serves.
func (s *Service) handOver(ctx context.Context) error {
	var rows []authorityRow
	err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		rows, err = authorities(tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.Signs() && r.NotAfter.Sub(s.d.DB.Now()) < s.margin(r.Kind) {
			if _, err := s.ensure(ctx, r.Kind, r.Algorithm); err != nil {
				return err
			}
		}
	}
	return nil
}

// tidy gives up what nobody came for, and removes what ended long ago.
func (s *Service) tidy(ctx context.Context) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		if err := tx.Send("UPDATE pki_request SET status = $1, detail = $2, open = id, updated_at = $3 WHERE status IN ($4, $5) AND updated_at < $6",
			Failed, "given up after 30 days", db.Micros(tx.Now), Queued, Delivering, db.Micros(tx.Now.Add(-giveUp))); err != nil {
			return err
		}
		for _, q := range []string{
			"DELETE FROM pki_request WHERE id IN (SELECT id FROM pki_request WHERE open = id AND updated_at < $1 LIMIT 5000)",
			"DELETE FROM pki_certificate WHERE id IN (SELECT id FROM pki_certificate WHERE not_after < $1 LIMIT 5000)",
		} {
			if err := tx.Send(q, db.Micros(tx.Now.Add(-keepOver))); err != nil {
				return err
			}
		}
		return nil
	})
}
