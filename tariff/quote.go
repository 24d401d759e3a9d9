package tariff

import (
	"context"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/identity"
)

// Quote describes a session to be priced before it happens.
type Quote struct {
	Start    time.Time // zero: now
	Energy   unit.Energy
	Charging time.Duration
	Parking  time.Duration
	Power    unit.Watts     // zero: the mean
	Current  unit.MilliAmps // zero: not known
	Zone     string         // IANA name; empty: the tariff's organisation's
	Version  int            // 0: the newest
	Context  Context        // who charges, and where
}

// Usage is the session the quote describes: energy flows evenly, then the
// vehicle stays.
func (q Quote) Usage() Usage {
	full := q.Start.Add(q.Charging)
	u := Usage{Start: q.Start, End: full.Add(q.Parking)}
	u.Periods = append(u.Periods, Period{Start: q.Start, End: full, Energy: q.Energy, Kind: Charging,
		MinPower: q.Power, MaxPower: q.Power, MinCurrent: q.Current, MaxCurrent: q.Current})
	if q.Parking > 0 {
		u.Periods = append(u.Periods, Period{Start: full, End: u.End, Kind: Parking})
	}
	return u
}

// Quote prices q under a tariff the caller may see.
func (s *Service) Quote(ctx context.Context, tariff ID, q Quote) (cost Cost, r Record, err error) {
	c, err := identity.Require(ctx, identity.TariffRead)
	if err != nil {
		return cost, r, err
	}
	zone := q.Zone
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		if r, err = one(tx, c, tariff, q.Version); err != nil {
			return err
		}
		if q.Start.IsZero() {
			q.Start = tx.Now
		}
		org, err := identity.Lookup(tx, r.Org)
		if zone == "" {
			zone = org.TimeZone
		}
		return err
	})
	if err != nil {
		return cost, r, err
	}
	location, err := time.LoadLocation(zone)
	if err != nil || zone == "Local" {
		return cost, r, fault.New(fault.Invalid, "tariff.time_zone", "%q is not a time zone.", zone).
			With("body.time_zone", "must be an IANA time zone such as Europe/Paris", zone)
	}
	return Price(r.Tariff, q.Usage(), location, q.Context), r, nil
}

type quoteInput struct {
	Speaks
	ID   string `path:"id" maxLength:"36"`
	Body struct {
		Start          *time.Time `json:"start,omitempty" doc:"Default: now"`
		EnergyWh       int64      `json:"energy_wh" minimum:"0" maximum:"100000000"`
		Minutes        int64      `json:"minutes" minimum:"0" maximum:"100000" doc:"Charging"`
		ParkingMinutes int64      `json:"parking_minutes,omitempty" minimum:"0" maximum:"100000" doc:"Connected afterwards without charging"`
		PowerW         int64      `json:"power_w,omitempty" minimum:"0" doc:"Default: energy_wh over minutes"`
		CurrentA       int64      `json:"current_a,omitempty" minimum:"0" maximum:"10000" doc:"Sum over the phases"`
		TimeZone       string     `json:"time_zone,omitempty" maxLength:"64" doc:"Default: the organisation's" example:"Europe/Paris"`
		Version        int        `json:"version,omitempty" minimum:"0" doc:"Default: the newest"`
		DriverGroups   []string   `json:"driver_groups,omitempty" maxItems:"50" doc:"The driver's"`
		RatedPowerW    int64      `json:"rated_power_w,omitempty" minimum:"0" doc:"What the EVSE can deliver"`
	}
}

type quoteOutput struct {
	Body struct {
		Tariff  ID        `json:"tariff"`
		Version int       `json:"version"`
		Summary string    `json:"summary" doc:"The tariff in one sentence"`
		Start   time.Time `json:"start"`
		Cost    CostView  `json:"cost"`
	}
}

func (s *Service) quote(ctx context.Context, in *quoteInput) (*quoteOutput, error) {
	b := in.Body
	q := Quote{Energy: unit.Energy(b.EnergyWh) * unit.WattHour, Charging: time.Duration(b.Minutes) * time.Minute,
		Parking: time.Duration(b.ParkingMinutes) * time.Minute, Power: unit.Watts(b.PowerW),
		Current: unit.MilliAmps(b.CurrentA) * 1000, Zone: b.TimeZone, Version: b.Version,
		Context: Context{Groups: b.DriverGroups, Rated: unit.Watts(b.RatedPowerW)}}
	if b.Start != nil {
		q.Start = *b.Start
	}
	cost, r, err := s.Quote(ctx, ID(in.ID), q)
	if err != nil {
		return nil, err
	}
	var out quoteOutput
	out.Body.Tariff, out.Body.Version, out.Body.Summary = r.Tariff.ID, r.Number, r.Tariff.Sentence(in.Language())
	out.Body.Start = cost.Start
	out.Body.Cost = cost.View(in.Language())
	return &out, nil
}
