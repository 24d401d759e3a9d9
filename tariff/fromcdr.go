package tariff

import (
	"fmt"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// UsageOf reads what a CDR says was used, so that a partner's bill can be
// priced again. A period ends where the next one begins. TIME is charging,
// PARKING_TIME parking, and time that is neither is billed as neither. The
// error is fault.Invalid and names the period.
func UsageOf(c ocpi.CDR) (Usage, error) {
	ended := c.End()
	if ended == nil || ended.Before(c.StartDateTime.Time) {
		return Usage{}, fault.New(fault.Invalid, "tariff.cdr", "the CDR must have an end_date_time (2.1.1: stop_date_time) that is not before its start_date_time")
	}
	u := Usage{Start: c.StartDateTime.Time, End: ended.Time}
	for i, p := range c.ChargingPeriods {
		end := u.End
		if i+1 < len(c.ChargingPeriods) {
			end = c.ChargingPeriods[i+1].StartDateTime.Time
		}
		v, err := volumesOf(p.Dimensions)
		if err == nil && end.Before(p.StartDateTime.Time) {
			err = fault.New(fault.Invalid, "tariff.cdr", "charging periods must be in order and end with the session")
		}
		if err != nil {
			return u, err.With(fmt.Sprintf("charging_periods[%d]", i), "cannot be priced", p.StartDateTime.Time)
		}
		if v.reserved {
			u.Reservation = &Reservation{Start: p.StartDateTime.Time, End: end, Expired: len(c.ChargingPeriods) == 1}
			u.Start = end
			continue
		}
		u.Periods = append(u.Periods, v.split(p.StartDateTime.Time, end)...)
	}
	return u, nil
}

// volumes are the dimensions of one charging period.
type volumes struct {
	period         Period // energy, power, current
	time, parking  time.Duration
	reserved, idle bool // idle: PARKING_TIME is given
}

func volumesOf(dimensions []ocpi.CdrDimension) (volumes, *fault.Error) {
	var v volumes
	for _, d := range dimensions {
		power := 3 // kW, A
		switch d.Type {
		case ocpi.CdrEnergy:
			power = 6
		case ocpi.CdrTime, ocpi.CdrParkingTime, ocpi.CdrReservationTime:
			power = 9
		}
		n, ok := d.Volume.Scaled(power)
		if !ok {
			return v, fault.New(fault.Invalid, "tariff.cdr", "%s is too large for %s", d.Volume, d.Type)
		}
		switch d.Type {
		case ocpi.CdrEnergy:
			v.period.Energy = unit.Energy(n)
		case ocpi.CdrTime:
			v.time = nanoHours(n)
		case ocpi.CdrParkingTime:
			v.parking, v.idle = nanoHours(n), true
		case ocpi.CdrReservationTime:
			v.reserved = true
		case ocpi.CdrMinPower:
			v.period.MinPower = unit.Watts(n)
		case ocpi.CdrMaxPower:
			v.period.MaxPower = unit.Watts(n)
		case ocpi.CdrMinCurrent:
			v.period.MinCurrent = unit.MilliAmps(n)
		case ocpi.CdrMaxCurrent:
			v.period.MaxCurrent = unit.MilliAmps(n)
		}
	}
	return v, nil
}

// nanoHours turns billionths of an hour (3.6 µs) into a duration.
func nanoHours(n int64) time.Duration { return time.Duration(n) * (3600 * time.Nanosecond) }

// split lays charging first, then parking, then what is neither. Volumes are
// rounded to four decimals (0.36 s), so a second more or less is the whole
// period.
func (v volumes) split(start, end time.Time) []Period {
	var out []Period
	add := func(k Kind, until time.Time) {
		if until.Add(time.Second).After(end) {
			until = end
		}
		if !until.After(start) && len(out) > 0 {
			return
		}
		p := v.period
		p.Start, p.End, p.Kind = start, until, k
		if len(out) > 0 {
			p.Energy = 0
		}
		out, start = append(out, p), until
	}
	if v.time > 0 {
		add(Charging, start.Add(v.time))
	}
	if v.idle {
		add(Parking, start.Add(v.parking))
	}
	if start.Before(end) || len(out) == 0 {
		add(Suspended, end)
	}
	return out
}
