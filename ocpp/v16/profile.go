package v16

import (
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// purposes maps the purposes that both versions have.
var purposes = map[ocpp.ChargingProfilePurposeEnum]ChargingProfilePurposeEnum{
	ocpp.ChargingProfilePurposeEnumChargingStationMaxProfile: ChargingProfilePurposeEnumChargePointMaxProfile,
	ocpp.ChargingProfilePurposeEnumTxDefaultProfile:          ChargingProfilePurposeEnumTxDefaultProfile,
	ocpp.ChargingProfilePurposeEnumTxProfile:                 ChargingProfilePurposeEnumTxProfile,
}

func purpose(p ocpp.ChargingProfilePurposeEnum) (ChargingProfilePurposeEnum, error) {
	out, ok := purposes[p]
	if !ok && p != "" {
		return "", unsupported("OCPP 1.6 has no charging profiles of purpose %s", p)
	}
	return out, nil
}

// profile gives a charging profile as 1.6 has it. What 1.6 lacks and would
// change how much flows is refused; what only explains is left out.
func profile(p ocpp.ChargingProfile) (*ChargingProfile, error) {
	to, err := purpose(p.ChargingProfilePurpose)
	if err != nil {
		return nil, err
	}
	switch {
	case len(p.ChargingSchedule) != 1:
		return nil, unsupported("OCPP 1.6 has one schedule per charging profile, not %d", len(p.ChargingSchedule))
	case p.ChargingProfileKind == ocpp.ChargingProfileKindEnumDynamic:
		return nil, unsupported("OCPP 1.6 has no dynamic charging profiles")
	case p.MaxOfflineDuration != nil || p.InvalidAfterOfflineDuration != nil:
		return nil, unsupported("OCPP 1.6 has no charging profiles that end offline")
	}
	out := &ChargingProfile{
		ChargingProfileID:      p.ID,
		StackLevel:             p.StackLevel,
		ChargingProfilePurpose: to,
		ChargingProfileKind:    ChargingProfileKindEnum(p.ChargingProfileKind),
		RecurrencyKind:         RecurrencyKindEnum(p.RecurrencyKind),
		ValidFrom:              p.ValidFrom,
		ValidTo:                p.ValidTo,
	}
	if p.TransactionID != "" {
		id, err := transactionID(p.TransactionID)
		if err != nil {
			return nil, err
		}
		out.TransactionID = &id
	}
	out.ChargingSchedule, err = schedule(p.ChargingSchedule[0])
	return out, err
}

func schedule(s ocpp.ChargingSchedule) (ChargingSchedule, error) {
	out := ChargingSchedule{
		Duration:         s.Duration,
		StartSchedule:    s.StartSchedule,
		ChargingRateUnit: ChargingRateUnitEnum(s.ChargingRateUnit),
	}
	if s.LimitAtSoC != nil || s.UseLocalTime != nil && *s.UseLocalTime || s.RandomizedDelay != nil && *s.RandomizedDelay > 0 {
		return out, unsupported("OCPP 1.6 has no limit at a state of charge, local time or random delay in a schedule")
	}
	if s.MinChargingRate != nil {
		rate := oneDecimal(*s.MinChargingRate)
		out.MinChargingRate = &rate
	}
	for i, p := range s.ChargingSchedulePeriod {
		if p.Limit == nil {
			return out, fault.New(fault.Invalid, "ocpp.profile", "chargingSchedulePeriod[%d] needs a limit for OCPP 1.6", i)
		}
		if err := onlyLimit(p); err != nil {
			return out, err
		}
		out.ChargingSchedulePeriod = append(out.ChargingSchedulePeriod, ChargingSchedulePeriod{
			StartPeriod: p.StartPeriod, Limit: oneDecimal(*p.Limit), NumberPhases: p.NumberPhases,
		})
	}
	return out, nil
}

// onlyLimit refuses a period that says more than 1.6 can.
func onlyLimit(p ocpp.ChargingSchedulePeriod) error {
	for _, x := range []struct {
		name string
		set  bool
	}{
		{"limit_L2", p.LimitL2 != nil || p.LimitL3 != nil},
		{"phaseToUse", p.PhaseToUse != nil},
		{"dischargeLimit", p.DischargeLimit != nil || p.DischargeLimitL2 != nil || p.DischargeLimitL3 != nil},
		{"setpoint", p.Setpoint != nil || p.SetpointL2 != nil || p.SetpointL3 != nil},
		{"setpointReactive", p.SetpointReactive != nil || p.SetpointReactiveL2 != nil || p.SetpointReactiveL3 != nil},
		{"preconditioningRequest", p.PreconditioningRequest != nil && *p.PreconditioningRequest},
		{"evseSleep", p.EVSESleep != nil && *p.EVSESleep},
		{"operationMode", p.OperationMode != "" && p.OperationMode != ocpp.OperationModeEnumChargingOnly},
		{"v2xBaseline", p.V2xBaseline != nil || p.V2xFreqWattCurve != nil || p.V2xSignalWattCurve != nil},
	} {
		if x.set {
			return unsupported("OCPP 1.6 has no %s in a charging schedule", x.name)
		}
	}
	return nil
}

// oneDecimal cuts a rate to the one decimal that 1.6 allows (OCPP 1.6 §7.14),
// towards less, so that rounding never exceeds a limit.
func oneDecimal(d unit.Decimal) unit.Decimal {
	if d.Exp >= -1 {
		return d
	}
	coef := d.Coef
	for exp := int(d.Exp); exp < -1; exp++ {
		down := coef%10 < 0
		if coef /= 10; down {
			coef--
		}
	}
	return unit.DecimalOf(coef, -1)
}

func encodeSetChargingProfile(r *ocpp.SetChargingProfileRequest) (ocpp.Request, error) {
	p, err := profile(r.ChargingProfile)
	if err != nil {
		return nil, err
	}
	return &SetChargingProfileRequest{ConnectorID: r.EVSEID, CsChargingProfiles: *p}, nil
}

func decodeSetChargingProfile(_ *ocpp.SetChargingProfileRequest, s *SetChargingProfileResponse) ocpp.Response {
	if s.Status == ChargingProfileStatusEnumNotSupported {
		return &ocpp.SetChargingProfileResponse{Status: ocpp.ChargingProfileStatusEnumRejected, StatusInfo: info("NotSupported")}
	}
	return &ocpp.SetChargingProfileResponse{Status: ocpp.ChargingProfileStatusEnum(s.Status)}
}

func encodeClearChargingProfile(r *ocpp.ClearChargingProfileRequest) (ocpp.Request, error) {
	out := &ClearChargingProfileRequest{ID: r.ChargingProfileID}
	if c := r.ChargingProfileCriteria; c != nil {
		p, err := purpose(c.ChargingProfilePurpose)
		if err != nil {
			return nil, err
		}
		out.ConnectorID, out.ChargingProfilePurpose, out.StackLevel = c.EVSEID, p, c.StackLevel
	}
	return out, nil
}

func decodeClearChargingProfile(_ *ocpp.ClearChargingProfileRequest, s *ClearChargingProfileResponse) ocpp.Response {
	return &ocpp.ClearChargingProfileResponse{Status: ocpp.ClearChargingProfileStatusEnum(s.Status)}
}

func encodeGetCompositeSchedule(r *ocpp.GetCompositeScheduleRequest) (ocpp.Request, error) {
	return &GetCompositeScheduleRequest{
		ConnectorID: r.EVSEID, Duration: r.Duration, ChargingRateUnit: ChargingRateUnitEnum(r.ChargingRateUnit),
	}, nil
}

func decodeGetCompositeSchedule(r *ocpp.GetCompositeScheduleRequest, s *GetCompositeScheduleResponse) ocpp.Response {
	out := &ocpp.GetCompositeScheduleResponse{Status: ocpp.GenericStatusEnum(s.Status)}
	if s.ChargingSchedule == nil {
		return out
	}
	c := &ocpp.CompositeSchedule{
		EVSEID:           r.EVSEID,
		Duration:         r.Duration,
		ChargingRateUnit: ocpp.ChargingRateUnitEnum(s.ChargingSchedule.ChargingRateUnit),
	}
	if s.ConnectorID != nil {
		c.EVSEID = *s.ConnectorID
	}
	if s.ChargingSchedule.Duration != nil {
		c.Duration = *s.ChargingSchedule.Duration
	}
	switch {
	case s.ScheduleStart != nil:
		c.ScheduleStart = *s.ScheduleStart
	case s.ChargingSchedule.StartSchedule != nil:
		c.ScheduleStart = *s.ChargingSchedule.StartSchedule
	}
	for _, p := range s.ChargingSchedule.ChargingSchedulePeriod {
		limit := p.Limit
		c.ChargingSchedulePeriod = append(c.ChargingSchedulePeriod, ocpp.ChargingSchedulePeriod{
			StartPeriod: p.StartPeriod, Limit: &limit, NumberPhases: p.NumberPhases,
		})
	}
	out.Schedule = c
	return out
}
