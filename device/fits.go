package device

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// profileLimits are what a station stated of the charging profiles it takes.
// Zero values: not stated.
type profileLimits struct {
	stack   int // highest stackLevel; -1: not stated, since 0 is a level
	periods int
	units   []string // A, W
}

// check refuses a profile that the station said it cannot take, before it
// does: many stations answer Rejected without a word why. The 2.x variables
// ProfileStackLevel, PeriodsPerSchedule and RateUnit; the 1.6 keys
// ChargeProfileMaxStackLevel, ChargingScheduleMaxPeriods and
// ChargingScheduleAllowedChargingRateUnit.
func (l profileLimits) check(p *ocpp.ChargingProfile) error {
	bad := fault.New(fault.Invalid, "device.profile", "the station cannot take this charging profile")
	shape(bad, p)
	if l.stack >= 0 && p.StackLevel > l.stack {
		bad.With("body.payload.chargingProfile.stackLevel", fmt.Sprintf("at most %d (SmartChargingCtrlr.ProfileStackLevel of the station)", l.stack), p.StackLevel)
	}
	for i, s := range p.ChargingSchedule {
		at := fmt.Sprintf("body.payload.chargingProfile.chargingSchedule[%d]", i)
		if n := len(s.ChargingSchedulePeriod); l.periods > 0 && n > l.periods {
			bad.With(at+".chargingSchedulePeriod", fmt.Sprintf("at most %d periods (SmartChargingCtrlr.PeriodsPerSchedule of the station)", l.periods), n)
		}
		if unit := string(s.ChargingRateUnit); len(l.units) > 0 && !slices.Contains(l.units, unit) {
			bad.With(at+".chargingRateUnit", "one of "+strings.Join(l.units, ", ")+" (SmartChargingCtrlr.RateUnit of the station)", unit)
		}
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// shape holds a profile to what a CSMS may send, whatever the station.
func shape(bad *fault.Error, p *ocpp.ChargingProfile) {
	const at = "body.payload.chargingProfile"
	if p.ChargingProfilePurpose == ocpp.ChargingProfilePurposeEnumChargingStationExternalConstraints { // OCPP 2.0.1 K01.FR.22
		bad.With(at+".chargingProfilePurpose", "not ChargingStationExternalConstraints: only other systems set those", p.ChargingProfilePurpose)
	}
	if p.ChargingProfilePurpose == ocpp.ChargingProfilePurposeEnumChargingStationMaxProfile && p.ChargingProfileKind == ocpp.ChargingProfileKindEnumRelative { // OCPP 2.0.1 K01.FR.38
		bad.With(at+".chargingProfileKind", "not Relative for a ChargingStationMaxProfile", p.ChargingProfileKind)
	}
	for i, s := range p.ChargingSchedule {
		here := fmt.Sprintf("%s.chargingSchedule[%d]", at, i)
		fixed := p.ChargingProfileKind == ocpp.ChargingProfileKindEnumAbsolute || p.ChargingProfileKind == ocpp.ChargingProfileKindEnumRecurring
		if fixed && s.StartSchedule == nil { // OCPP 2.0.1 K01.FR.40
			bad.With(here+".startSchedule", "needed for an Absolute or Recurring profile", nil)
		}
		if p.ChargingProfileKind == ocpp.ChargingProfileKindEnumRelative && s.StartSchedule != nil { // OCPP 2.0.1 K01.FR.41
			bad.With(here+".startSchedule", "must be absent in a Relative profile, which starts with the transaction", s.StartSchedule.Time)
		}
		last := -1
		for n, period := range s.ChargingSchedulePeriod {
			there := fmt.Sprintf("%s.chargingSchedulePeriod[%d]", here, n)
			if n == 0 && period.StartPeriod != 0 { // OCPP 2.0.1 K01.FR.31
				bad.With(there+".startPeriod", "the first must be 0", period.StartPeriod)
			}
			if period.StartPeriod <= last { // OCPP 2.0.1 K01.FR.35
				bad.With(there+".startPeriod", fmt.Sprintf("must be above that of the period before, %d", last), period.StartPeriod)
			}
			last = period.StartPeriod
			if period.PhaseToUse != nil && (period.NumberPhases == nil || *period.NumberPhases != 1) { // OCPP 2.0.1 K01.FR.19
				bad.With(there+".phaseToUse", "only with numberPhases 1", *period.PhaseToUse)
			}
		}
	}
}

// fits checks the charging profile that a request carries, if it does.
func (c *Chunker) fits(ctx context.Context, station string, req ocpp.Request) error {
	var profile *ocpp.ChargingProfile
	switch r := req.(type) {
	case *ocpp.SetChargingProfileRequest:
		profile = &r.ChargingProfile
	case *ocpp.RequestStartTransactionRequest:
		profile = r.ChargingProfile
	}
	if profile == nil {
		return nil
	}
	var limits profileLimits
	err := c.db.View(ctx, func(tx *db.Tx) (err error) {
		if limits, err = profileLimitsOf(tx, station); err != nil || c.of == nil {
			return err
		}
		tolerance, err := c.of(tx, station)
		if tolerance.Has(ocpp.RateInWatts) { // the gateway turns amperes into watts for it
			limits.units = nil
		}
		return err
	})
	if err != nil {
		return err
	}
	return limits.check(profile)
}

func profileLimitsOf(tx *db.Tx, station string) (profileLimits, error) {
	path := func(name string) string {
		return Variable{Component: "SmartChargingCtrlr", Name: name, Attribute: actual}.Path()
	}
	stack, periods, units := path("ProfileStackLevel"), path("PeriodsPerSchedule"), path("RateUnit")
	have, err := variablesAt(tx, station, []string{stack, periods, units})
	l := profileLimits{stack: -1}
	if n, err := strconv.Atoi(strings.TrimSpace(have[stack].Value)); err == nil && n >= 0 {
		l.stack = n
	}
	if n, err := strconv.Atoi(strings.TrimSpace(have[periods].Value)); err == nil && n > 0 {
		l.periods = n
	}
	for _, u := range strings.FieldsFunc(have[units].Value, func(r rune) bool { return r == ',' || r == ';' || r == ' ' }) {
		if u == "A" || u == "W" {
			l.units = append(l.units, u)
		}
	}
	return l, err
}
