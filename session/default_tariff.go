package session

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/tariff"
)

// A 2.1 station that computes costs itself has a default tariff at each EVSE
// (I07): what a stranger pays there. What it should have is what the prices in
// force say; what it has is in session_tariff. They are compared when the
// station boots, after every change of prices, and every tariffSweep, since
// prices also begin and end by the calendar.
const (
	tariffSweep   = 5 * time.Minute
	sweepStations = 50 // compared in one transaction
)

// Placed is where a station stands, and its EVSEs.
type Placed struct {
	Org, Site string
	EVSEs     []int
}

// defaultTariff is a job's payload. Anew: the station may have forgotten.
type defaultTariff struct {
	Station string `json:"station"`
	Anew    bool   `json:"anew,omitempty"`
}

// setTariff has a station sent its tariffs, if it wants any.
func (s *Service) setTariff(tx *db.Tx, org, station string, anew bool) error {
	d, err := s.display(tx, station)
	if err != nil || !d.Tariff || s.d.Tariffs == nil || s.d.Placed == nil {
		return err
	}
	return job.Enqueue(tx, job.Job{Kind: jobTariff, Key: station, Org: org, Payload: defaultTariff{station, anew}})
}

// priceKinds are the facts after which the prices of many places may differ.
var priceKinds = []string{tariff.KindAssigned, tariff.KindUnassigned, tariff.KindChanged, tariff.KindRetired, tariff.KindGroupChanged,
	tariff.KindMarketChanged, tariff.KindSeriesFed, tariff.KindSeriesLate, tariff.KindBulkChanged}

// pricesTurned has the stations compared that a change of prices may concern.
func (s *Service) pricesTurned(tx *db.Tx, f event.Fact) error {
	if f.Station != "" {
		return s.setTariff(tx, f.Org, f.Station, false)
	}
	return job.Enqueue(tx, job.Job{Kind: jobTariffs, Key: "all", Org: f.Org})
}

// wantedTariffs gives the version that is in force at each EVSE of a station;
// nil where there is none. A station that nobody has described has one tariff
// for all, at 0.
func (s *Service) wantedTariffs(tx *db.Tx, station string) (Placed, map[int]*tariff.Version, error) {
	p, err := s.d.Placed(tx, station)
	if err != nil {
		return p, nil, err
	}
	if len(p.EVSEs) == 0 {
		p.EVSEs = []int{0}
	}
	out := map[int]*tariff.Version{}
	for _, evse := range p.EVSEs {
		if out[evse], err = s.d.Tariffs.ForEVSE(tx, p.Org, p.Site, station, evse, "", tx.Now); err != nil {
			return p, nil, err
		}
	}
	return p, out, nil
}

// sentTariffs gives the version that each EVSE of a station was sent.
func sentTariffs(tx *db.Tx, station string) (map[int]tariff.VersionID, error) {
	out := map[int]tariff.VersionID{}
	_, err := db.Collect(tx, func(row db.Scanner) (struct{}, error) {
		var evse int
		var v tariff.VersionID
		err := row.Scan(&evse, (*string)(&v))
		out[evse] = v
		return struct{}{}, err
	}, `SELECT evse, version FROM session_tariff WHERE station = $1`, station)
	return out, err
}

func noteTariff(tx *db.Tx, org, station string, evse int, v tariff.VersionID) error {
	return tx.Send(`INSERT INTO session_tariff (station, evse, org, version, sent_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (station, evse) DO UPDATE SET org = excluded.org, version = excluded.version, sent_at = excluded.sent_at`,
		station, evse, org, string(v), db.Micros(tx.Now))
}

// tariffStep is one message to a station: the tariff that EVSEs are to have
// from now on; Version nil clears theirs.
type tariffStep struct {
	EVSE    int // 0: all of them
	Version *tariff.Version
	EVSEs   []int // that it concerns
}

// id is unique at the station, which refuses one that it has at another EVSE
// (I07.FR.04).
func (t tariffStep) id() string {
	if t.EVSE == 0 {
		return string(t.Version.ID)
	}
	return string(t.Version.ID) + ":" + strconv.Itoa(t.EVSE)
}

// tariffSteps lists what brings a station from what it has to what it should
// have. One message serves where all EVSEs get the same.
func tariffSteps(want map[int]*tariff.Version, have map[int]tariff.VersionID, anew bool) []tariffStep {
	var turned []int
	versions := map[tariff.VersionID]bool{}
	for _, evse := range slices.Sorted(maps.Keys(want)) {
		var v tariff.VersionID
		if want[evse] != nil {
			v = want[evse].ID
		}
		versions[v] = true
		if anew && v != "" || v != have[evse] {
			turned = append(turned, evse)
		}
	}
	if len(turned) == 0 {
		return nil
	}
	if len(turned) == len(want) && len(versions) == 1 {
		return []tariffStep{{0, want[turned[0]], turned}} // I07.FR.12
	}
	out := make([]tariffStep, len(turned))
	for i, evse := range turned {
		out[i] = tariffStep{evse, want[evse], []int{evse}} // I07.FR.11
	}
	return out
}

// sendTariff gives a station the tariffs that are in force at its EVSEs.
func (s *Service) sendTariff(ctx context.Context, j job.Job) error {
	var p defaultTariff
	if err := j.Decode(&p); err != nil {
		return err
	}
	var steps []tariffStep
	var placed Placed
	err := s.d.DB.Update(ctx, func(tx *db.Tx) error { // a price of this hour is written down
		at, want, err := s.wantedTariffs(tx, p.Station)
		if fault.Is(err, fault.NotFound) {
			steps = nil // it is gone
			return nil
		}
		if err != nil {
			return err
		}
		have, err := sentTariffs(tx, p.Station)
		placed, steps = at, tariffSteps(want, have, p.Anew)
		for evse := range want {
			if _, known := have[evse]; !known && err == nil {
				err = noteTariff(tx, at.Org, p.Station, evse, "") // so that the sweep knows it
			}
		}
		return err
	})
	for i := 0; i < len(steps) && err == nil; i++ {
		err = s.sendStep(ctx, placed.Org, p.Station, steps[i])
	}
	return err
}

// sendStep sends one message. A station that refuses is not asked again
// before its price changes or it boots.
func (s *Service) sendStep(ctx context.Context, org, station string, step tariffStep) error {
	var version tariff.VersionID
	var req ocpp.Request
	if step.Version == nil {
		clear := &ocpp.ClearTariffsRequest{} // I10.FR.01
		if step.EVSE != 0 {
			clear.EVSEID = &step.EVSE // I10.FR.03
		}
		req = clear
	} else {
		version = step.Version.ID
		wire, lost := step.Version.Tariff.ToOCPP(step.id())
		if len(lost) > 0 {
			s.d.Log.Info("a station computes with less than the tariff says", "station", station, "tariff", step.Version.Tariff.ID, "lost", len(lost))
		}
		req = &ocpp.SetDefaultTariffRequest{EVSEID: step.EVSE, Tariff: wire} // I07.FR.10
	}
	answer, err := s.d.Commander.Send(ctx, station, req)
	if err != nil {
		if timedOut(err) || fault.Is(err, fault.Unavailable) {
			return err
		}
		s.d.Log.Warn("a station did not take its tariff", "station", station, "evse", step.EVSE, "version", version, "err", err)
	}
	if r, ok := answer.(*ocpp.SetDefaultTariffResponse); ok && err == nil && r.Status != ocpp.TariffSetStatusEnumAccepted && r.Status != ocpp.TariffSetStatusEnumDuplicateTariffId {
		s.d.Log.Warn("a station refused its tariff", "station", station, "evse", step.EVSE, "version", version, "status", r.Status)
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		for _, evse := range step.EVSEs {
			if err := noteTariff(tx, org, station, evse, version); err != nil {
				return err
			}
		}
		return nil
	})
}

// sweepTariffs compares every station that was ever sent a tariff.
func (s *Service) sweepTariffs(ctx context.Context, _ job.Job) error {
	if s.d.Tariffs == nil || s.d.Placed == nil {
		return nil
	}
	for after := ""; ; {
		var page []string
		err := s.d.DB.Update(ctx, func(tx *db.Tx) (err error) {
			page, err = db.Collect(tx, func(row db.Scanner) (id string, err error) { return id, row.Scan(&id) },
				`SELECT DISTINCT station FROM session_tariff WHERE station > $1 ORDER BY station LIMIT $2`, after, sweepStations)
			for _, id := range page {
				if err == nil {
					err = s.compareTariffs(tx, id)
				}
			}
			return err
		})
		if err != nil || len(page) < sweepStations {
			return err
		}
		after = page[len(page)-1]
	}
}

func (s *Service) compareTariffs(tx *db.Tx, station string) error {
	p, want, err := s.wantedTariffs(tx, station)
	if fault.Is(err, fault.NotFound) {
		return tx.Send(`DELETE FROM session_tariff WHERE station = $1`, station)
	}
	if err != nil {
		return err
	}
	have, err := sentTariffs(tx, station)
	if err != nil || len(tariffSteps(want, have, false)) == 0 {
		return err
	}
	return s.setTariff(tx, p.Org, station, false)
}
