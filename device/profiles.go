package device

import (
	"context"
	"encoding/json"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// reportedProfiles stores the charging profiles a station reported (OCPP
// 2.0.1 K09). A report without a filter replaces all, one of an EVSE those of
// the EVSE.
func reportedProfiles(tx *db.Tx, o owner, r Request, parts []string) error {
	for _, text := range parts {
		var m ocpp.ReportChargingProfilesRequest
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			return err
		}
		for _, p := range m.ChargingProfile {
			payload, err := json.Marshal(p)
			if err != nil {
				return err
			}
			err = tx.Send(`INSERT INTO device_charging_profile (station, evse, profile, source, org, purpose, kind, stack_level, transaction_id, payload, seen_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)
				ON CONFLICT (station, evse, profile, source) DO UPDATE SET purpose=excluded.purpose, kind=excluded.kind, stack_level=excluded.stack_level, transaction_id=excluded.transaction_id,
				payload=excluded.payload, seen_at=excluded.seen_at`,
				o.station, m.EVSEID, p.ID, clip(m.ChargingLimitSource, 40), o.org, string(p.ChargingProfilePurpose), string(p.ChargingProfileKind), p.StackLevel, clip(p.TransactionID, 64), string(payload), db.Micros(tx.Now))
			if err != nil {
				return err
			}
		}
	}
	if !r.Everything {
		return nil
	}
	return tx.Send("DELETE FROM device_charging_profile WHERE station = $1 AND seen_at < $2", o.station, db.Micros(r.AskedAt))
}

// everySource names all sources of limits: OCPP 2.0.1 K09.FR.03 wants a
// criterion, and this one leaves nothing out.
var everySource = []string{"EMS", "Other", "SO", "CSO"}

// AskChargingProfiles asks a station for its charging profiles.
func (s *Service) AskChargingProfiles(ctx context.Context, id station.ID) (Request, error) {
	return s.askOf(ctx, id, Request{Kind: AskProfiles, Everything: true}, func(n int) ocpp.Request {
		return &ocpp.GetChargingProfilesRequest{RequestID: n, ChargingProfile: ocpp.ChargingProfileCriterion{ChargingLimitSource: everySource}}
	})
}

// askOf asks a station that the caller may write to.
func (s *Service) askOf(ctx context.Context, id station.ID, r Request, message func(n int) ocpp.Request) (Request, error) {
	c, err := identity.Require(ctx, identity.DeviceWrite)
	if err != nil {
		return r, err
	}
	var st station.Station
	if err := s.d.Stations.Visible(ctx, identity.DeviceWrite, id, func(_ *db.Tx, found station.Station) error { st = found; return nil }); err != nil {
		return r, err
	}
	r.AskedBy = c.Name
	return s.ask(ctx, st, r, message)
}

// InstalledProfile is a charging profile that a station reported.
type InstalledProfile struct {
	EVSE, ID      int
	Source        string
	Purpose, Kind string
	StackLevel    int
	Transaction   string
	Profile       json.RawMessage
	SeenAt        time.Time
}

func scanProfile(row db.Scanner) (InstalledProfile, error) {
	var p InstalledProfile
	var payload string
	var at int64
	err := row.Scan(&p.EVSE, &p.ID, &p.Source, &p.Purpose, &p.Kind, &p.StackLevel, &p.Transaction, &payload, &at)
	p.Profile, p.SeenAt = json.RawMessage(payload), db.Time(at)
	return p, err
}

// KindChargingLimit is a fact: a limit came from elsewhere, or went. Its
// payload is ChargingLimit.
const KindChargingLimit = "device.charging_limit"

// ChargingLimit is a limit that came to a station from outside (OCPP 2.0.1
// K11–K13).
type ChargingLimit struct {
	EVSE            int             `json:"evse_id"` // 0: the station
	Source          string          `json:"source"`
	LocalGeneration bool            `json:"local_generation,omitempty"`
	GridCritical    bool            `json:"grid_critical,omitempty"`
	Schedule        json.RawMessage `json:"schedule,omitempty"`
	Since           time.Time       `json:"since"`
	Cleared         bool            `json:"cleared,omitempty"`
}

func scanLimit(row db.Scanner) (ChargingLimit, error) {
	var l ChargingLimit
	var schedule string
	var since int64
	err := row.Scan(&l.EVSE, &l.Source, &l.LocalGeneration, &l.GridCritical, &schedule, &since)
	l.Since = db.Time(since).UTC()
	if schedule != "" {
		l.Schedule = json.RawMessage(schedule)
	}
	return l, err
}

func (s *Service) chargingLimit(tx *db.Tx, o owner, r *ocpp.NotifyChargingLimitRequest) error {
	l := ChargingLimit{Source: clip(r.ChargingLimit.ChargingLimitSource, 40), Since: tx.Now}
	if r.EVSEID != nil {
		l.EVSE = *r.EVSEID
	}
	l.LocalGeneration = r.ChargingLimit.IsLocalGeneration != nil && *r.ChargingLimit.IsLocalGeneration
	l.GridCritical = r.ChargingLimit.IsGridCritical != nil && *r.ChargingLimit.IsGridCritical
	if len(r.ChargingSchedule) > 0 {
		text, err := json.Marshal(r.ChargingSchedule)
		if err != nil {
			return err
		}
		l.Schedule = text
	}
	err := tx.Send(`INSERT INTO device_charging_limit (station, evse, source, org, site, local_generation, grid_critical, schedule, since) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)
		ON CONFLICT (station, evse, source) DO UPDATE SET local_generation=excluded.local_generation, grid_critical=excluded.grid_critical, schedule=excluded.schedule, since=excluded.since`,
		o.station, l.EVSE, l.Source, o.org, o.site, l.LocalGeneration, l.GridCritical, string(l.Schedule), db.Micros(l.Since))
	if err != nil {
		return err
	}
	return recordLimit(tx, o, l)
}

func (s *Service) limitCleared(tx *db.Tx, o owner, r *ocpp.ClearedChargingLimitRequest) error {
	l := ChargingLimit{Source: clip(r.ChargingLimitSource, 40), Since: tx.Now, Cleared: true}
	var err error
	if r.EVSEID != nil {
		l.EVSE = *r.EVSEID
		err = tx.Send("DELETE FROM device_charging_limit WHERE station = $1 AND source = $2 AND evse = $3", o.station, l.Source, l.EVSE)
	} else { // of the station as a whole
		err = tx.Send("DELETE FROM device_charging_limit WHERE station = $1 AND source = $2", o.station, l.Source)
	}
	if err != nil {
		return err
	}
	return recordLimit(tx, o, l)
}

func recordLimit(tx *db.Tx, o owner, l ChargingLimit) error {
	return event.Record(tx, event.Fact{Org: o.org, Site: o.site, Station: o.station, Subject: "station/" + o.station, Kind: KindChargingLimit}, l)
}
