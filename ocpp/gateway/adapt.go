package gateway

import (
	"context"
	"slices"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// command sends a request in the form that this station can take (see the
// table of quirks) and gives the decoded reply.
func (l *link) command(ctx context.Context, req ocpp.Request) (ocpp.Response, error) {
	switch r := req.(type) {
	case *ocpp.SetChargingProfileRequest:
		return l.setProfile(ctx, *r)
	case *ocpp.SetVariablesRequest:
		return l.setVariables(ctx, r)
	case *ocpp.RequestStartTransactionRequest:
		if r.ChargingProfile != nil {
			out := *r
			p := l.fitProfile(*r.ChargingProfile)
			out.ChargingProfile = &p
			req = &out
		}
	}
	return l.send(ctx, req)
}

func (l *link) setProfile(ctx context.Context, r ocpp.SetChargingProfileRequest) (ocpp.Response, error) {
	const action = "SetChargingProfile"
	r.ChargingProfile = l.fitProfile(r.ChargingProfile)
	resp, err := l.send(ctx, &r)
	if r.ChargingProfile.ChargingProfilePurpose == ocpp.ChargingProfilePurposeEnumChargingStationMaxProfile && l.tolerates(ocpp.NoMaxProfile) && !profileTaken(resp) && err == nil {
		l.deviate(ocpp.Deviation{Code: "max_profile_refused", Action: action, Detail: "ChargingStationMaxProfile was refused; sent as TxDefaultProfile"})
		r.ChargingProfile.ChargingProfilePurpose = ocpp.ChargingProfilePurposeEnumTxDefaultProfile
		resp, err = l.send(ctx, &r)
	}
	if err != nil || !profileTaken(resp) || !l.tolerates(ocpp.VerifyProfile) {
		return resp, err
	}
	if why := l.profileDiffers(ctx, &r); why != "" {
		l.deviate(ocpp.Deviation{Code: "profile_not_applied", Action: action, Detail: why})
		answer := *resp.(*ocpp.SetChargingProfileResponse)
		answer.StatusInfo = &ocpp.StatusInfo{ReasonCode: "NotApplied", AdditionalInfo: why}
		return &answer, nil
	}
	return resp, nil
}

func profileTaken(resp ocpp.Response) bool {
	a, ok := resp.(*ocpp.SetChargingProfileResponse)
	return ok && a.Status == ocpp.ChargingProfileStatusEnumAccepted
}

// fitProfile gives a profile with the stack level and the unit that the
// station takes.
func (l *link) fitProfile(p ocpp.ChargingProfile) ocpp.ChargingProfile {
	if p.StackLevel > 0 && l.tolerates(ocpp.StackLevelZero) {
		l.deviate(ocpp.Deviation{Code: "stack_level", Action: "SetChargingProfile", Detail: "the stack level is 0 for this model"})
		p.StackLevel = 0
	}
	if !l.tolerates(ocpp.RateInWatts) {
		return p
	}
	p.ChargingSchedule = slices.Clone(p.ChargingSchedule)
	for i := range p.ChargingSchedule {
		if p.ChargingSchedule[i].ChargingRateUnit == ocpp.ChargingRateUnitEnumA {
			l.deviate(ocpp.Deviation{Code: "rate_unit", Action: "SetChargingProfile", Detail: "limits in amperes are sent in watts"})
			inWatts(&p.ChargingSchedule[i])
		}
	}
	return p
}

// nominalVoltage of a phase; a limit in watts is at most that in amperes.
const nominalVoltage = 230

func inWatts(s *ocpp.ChargingSchedule) {
	s.ChargingRateUnit = ocpp.ChargingRateUnitEnumW
	s.ChargingSchedulePeriod = slices.Clone(s.ChargingSchedulePeriod)
	for i := range s.ChargingSchedulePeriod {
		p := &s.ChargingSchedulePeriod[i]
		phases := int64(3)
		if p.NumberPhases != nil && *p.NumberPhases > 0 {
			phases = int64(*p.NumberPhases)
		}
		p.Limit = watts(p.Limit, phases)
	}
	s.MinChargingRate = watts(s.MinChargingRate, 1)
}

// watts rounds down, so that no limit is exceeded.
func watts(amps *unit.Decimal, phases int64) *unit.Decimal {
	if amps == nil {
		return nil
	}
	milli, ok := amps.Scaled(3)
	if !ok || milli > 1_000_000_000 {
		return amps
	}
	w := unit.DecimalOf(milli*nominalVoltage*phases/1000, 0)
	return &w
}

// profileDiffers compares the first limit of a profile with what the station
// says it will do; empty when it holds or the station cannot say.
func (l *link) profileDiffers(ctx context.Context, r *ocpp.SetChargingProfileRequest) string {
	s := r.ChargingProfile.ChargingSchedule
	if len(s) == 0 || len(s[0].ChargingSchedulePeriod) == 0 || s[0].ChargingSchedulePeriod[0].Limit == nil {
		return ""
	}
	resp, err := l.send(ctx, &ocpp.GetCompositeScheduleRequest{Duration: 60, EVSEID: r.EVSEID, ChargingRateUnit: s[0].ChargingRateUnit})
	a, ok := resp.(*ocpp.GetCompositeScheduleResponse)
	if err != nil || !ok || a.Schedule == nil || len(a.Schedule.ChargingSchedulePeriod) == 0 || a.Schedule.ChargingSchedulePeriod[0].Limit == nil {
		return ""
	}
	asked, _ := s[0].ChargingSchedulePeriod[0].Limit.Scaled(3)
	told, _ := a.Schedule.ChargingSchedulePeriod[0].Limit.Scaled(3)
	if told <= asked {
		return ""
	}
	return "the station accepted a limit of " + s[0].ChargingSchedulePeriod[0].Limit.String() + " and says it will allow " +
		a.Schedule.ChargingSchedulePeriod[0].Limit.String()
}

// commonMeasurands are what every meter has and no station is upset by.
var commonMeasurands = []string{"Energy.Active.Import.Register", "Power.Active.Import", "Current.Import", "Voltage", "SoC"}

func measurandList(d *ocpp.SetVariableData) bool {
	return strings.HasSuffix(d.Variable.Name, "Measurands")
}

// setVariables writes variables; lists of measurands in the way that the
// station can take.
func (l *link) setVariables(ctx context.Context, r *ocpp.SetVariablesRequest) (ocpp.Response, error) {
	cut, single := l.tolerates(ocpp.SafeMeasurands), l.tolerates(ocpp.MeasurandsOneByOne)
	if !cut && !single || !slices.ContainsFunc(r.SetVariableData, func(d ocpp.SetVariableData) bool { return measurandList(&d) }) {
		return l.send(ctx, r)
	}
	out := *r
	out.SetVariableData = slices.Clone(r.SetVariableData)
	for i := range out.SetVariableData {
		if d := &out.SetVariableData[i]; cut && measurandList(d) {
			l.cutMeasurands(d)
		}
	}
	resp, err := l.send(ctx, &out)
	answer, ok := resp.(*ocpp.SetVariablesResponse)
	if err != nil || !ok || !single {
		return resp, err
	}
	for i := range answer.SetVariableResult {
		if i < len(out.SetVariableData) && measurandList(&out.SetVariableData[i]) && answer.SetVariableResult[i].AttributeStatus == ocpp.SetVariableStatusEnumRejected {
			if err := l.oneByOne(ctx, out.SetVariableData[i], &answer.SetVariableResult[i]); err != nil {
				return nil, err
			}
		}
	}
	return answer, nil
}

func (l *link) cutMeasurands(d *ocpp.SetVariableData) {
	var keep []string
	for m := range strings.SplitSeq(d.AttributeValue, ",") {
		if m = strings.TrimSpace(m); slices.Contains(commonMeasurands, m) {
			keep = append(keep, m)
		}
	}
	if value := strings.Join(keep, ","); value != d.AttributeValue && value != "" {
		l.deviate(ocpp.Deviation{Code: "measurands_cut", Action: "SetVariables", Detail: "this model fails with some measurands; written are " + value})
		d.AttributeValue = value
	}
}

// oneByOne builds a refused list up from its first entry, leaving out what
// the station refuses.
func (l *link) oneByOne(ctx context.Context, d ocpp.SetVariableData, result *ocpp.SetVariableResult) error {
	var taken, refused []string
	for m := range strings.SplitSeq(d.AttributeValue, ",") {
		m = strings.TrimSpace(m)
		try := d
		try.AttributeValue = strings.Join(append(slices.Clone(taken), m), ",")
		resp, err := l.send(ctx, &ocpp.SetVariablesRequest{SetVariableData: []ocpp.SetVariableData{try}})
		if err != nil {
			return err
		}
		a, ok := resp.(*ocpp.SetVariablesResponse)
		if ok && len(a.SetVariableResult) == 1 && a.SetVariableResult[0].AttributeStatus != ocpp.SetVariableStatusEnumRejected {
			taken, *result = append(taken, m), a.SetVariableResult[0]
		} else {
			refused = append(refused, m)
		}
	}
	if len(refused) == 0 || len(taken) == 0 {
		return nil
	}
	why := "refused: " + strings.Join(refused, ",")
	l.deviate(ocpp.Deviation{Code: "measurands_refused", Action: "SetVariables", Detail: why})
	result.AttributeStatusInfo = &ocpp.StatusInfo{ReasonCode: "Partly", AdditionalInfo: clip(why, 500)}
	return nil
}
