package simulator

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// voice2 speaks OCPP 2.0.1 and 2.1: on the messages used here the two agree
// as long as no field is set that only 2.1 knows.
type voice2 struct{}

func (voice2) boot(m *machine, reason string) *call {
	c := m.config
	return &call{action: "BootNotification", payload: func() any {
		return ocpp.BootNotificationRequest{Reason: ocpp.BootReasonEnum(reason), ChargingStation: ocpp.ChargingStation{
			VendorName: c.Vendor, Model: c.Model, SerialNumber: c.Serial, FirmwareVersion: c.Firmware,
		}}
	}, done: m.booted}
}

func (voice2) status(m *machine, e *EVSE, now time.Time) *call {
	state := ocpp.ConnectorStatusEnumOccupied
	switch e.state {
	case Available:
		state = ocpp.ConnectorStatusEnumAvailable
	case Reserved:
		state = ocpp.ConnectorStatusEnumReserved
	case Unavailable:
		state = ocpp.ConnectorStatusEnumUnavailable
	case Faulted:
		state = ocpp.ConnectorStatusEnumFaulted
	}
	return &call{action: "StatusNotification", payload: func() any {
		return ocpp.StatusNotificationRequest{Timestamp: stamp2(now), ConnectorStatus: state, EVSEID: e.config.ID, ConnectorID: 1}
	}}
}

func stamp2(t time.Time) ocpp.DateTime {
	return ocpp.DateTime{Time: t.UTC().Truncate(time.Millisecond)}
}

func token2(t Token) ocpp.IdToken { return ocpp.IdToken{IdToken: t.ID, Type: t.Type} }

func (voice2) authorize(m *machine, token Token, done func(bool)) *call {
	return &call{action: "Authorize", payload: func() any { return ocpp.AuthorizeRequest{IdToken: token2(token)} },
		done: func(reply json.RawMessage) {
			var r ocpp.AuthorizeResponse
			done(json.Unmarshal(reply, &r) == nil && r.IdTokenInfo.Status == ocpp.AuthorizationStatusEnumAccepted)
		}}
}

func (v voice2) start(m *machine, e *EVSE, tx *transaction, r reading) *call {
	tx.id = fmt.Sprintf("%s-%d-%s", shortened(m.config.ID), tx.number, m.suffix())
	req := v.event(m, e, tx, ocpp.TransactionEventEnumStarted, ocpp.TriggerReasonEnumAuthorized, r)
	token := token2(tx.token)
	req.IdToken = &token
	if tx.remoteID != nil {
		req.TriggerReason, req.TransactionInfo.RemoteStartID = ocpp.TriggerReasonEnumRemoteStart, tx.remoteID
	}
	req.ReservationID = tx.reservation
	return &call{action: "TransactionEvent", keep: true, payload: func() any { return req }, done: func(reply json.RawMessage) {
		var r ocpp.TransactionEventResponse
		if json.Unmarshal(reply, &r) == nil && r.IdTokenInfo != nil && r.IdTokenInfo.Status != ocpp.AuthorizationStatusEnumAccepted && e.tx == tx {
			m.finish(e, "DeAuthorized", e.stepped)
		}
	}}
}

func shortened(s string) string { return s[:min(len(s), 12)] }

func (m *machine) suffix() string { return fmt.Sprintf("%08x", m.rng.Uint32()) }

func (v voice2) update(m *machine, e *EVSE, tx *transaction, trigger string, r reading) *call {
	req := v.event(m, e, tx, ocpp.TransactionEventEnumUpdated, ocpp.TriggerReasonEnum(trigger), r)
	return &call{action: "TransactionEvent", keep: true, payload: func() any { return req }}
}

func (v voice2) stop(m *machine, e *EVSE, tx *transaction, r reading) *call {
	trigger := map[string]ocpp.TriggerReasonEnum{
		"Local": ocpp.TriggerReasonEnumStopAuthorized, "Remote": ocpp.TriggerReasonEnumRemoteStop, "DeAuthorized": ocpp.TriggerReasonEnumDeauthorized,
		"EVDisconnected": ocpp.TriggerReasonEnumEVDeparted, "ImmediateReset": ocpp.TriggerReasonEnumResetCommand, "Reboot": ocpp.TriggerReasonEnumResetCommand,
	}[tx.reason]
	if trigger == "" {
		trigger = ocpp.TriggerReasonEnumAbnormalCondition
	}
	req := v.event(m, e, tx, ocpp.TransactionEventEnumEnded, trigger, r)
	req.TransactionInfo.StoppedReason = ocpp.ReasonEnum(tx.reason)
	req.TransactionInfo.ChargingState = ocpp.ChargingStateEnumEVConnected
	for _, kept := range tx.data {
		req.MeterValue = append([]ocpp.MeterValue{meterValue2(m, kept)}, req.MeterValue...)
	}
	if tx.reason == "Local" {
		token := token2(tx.token)
		req.IdToken = &token
	}
	return &call{action: "TransactionEvent", keep: true, payload: func() any { return req }}
}

func (voice2) event(m *machine, e *EVSE, tx *transaction, kind ocpp.TransactionEventEnum, trigger ocpp.TriggerReasonEnum, r reading) ocpp.TransactionEventRequest {
	connector := 1
	req := ocpp.TransactionEventRequest{
		EventType: kind, Timestamp: stamp2(m.told(r.at)), TriggerReason: trigger, SeqNo: tx.seq,
		TransactionInfo: ocpp.Transaction{TransactionID: tx.id, ChargingState: chargingState(e.state)},
		EVSE:            &ocpp.EVSE{ID: e.config.ID, ConnectorID: &connector},
		MeterValue:      []ocpp.MeterValue{meterValue2(m, r)},
	}
	tx.seq++
	if !m.online {
		offline := true
		req.Offline = &offline
	}
	return req
}

func chargingState(s State) ocpp.ChargingStateEnum {
	switch s {
	case Charging:
		return ocpp.ChargingStateEnumCharging
	case SuspendedEV:
		return ocpp.ChargingStateEnumSuspendedEV
	case SuspendedEVSE:
		return ocpp.ChargingStateEnumSuspendedEVSE
	}
	return ocpp.ChargingStateEnumEVConnected
}

func meterValue2(m *machine, r reading) ocpp.MeterValue {
	register := ocpp.SampledValue{Measurand: ocpp.MeasurandEnumEnergyActiveImportRegister, Context: ocpp.ReadingContextEnum(r.context)}
	switch {
	case m.has(KiloWattHours):
		register.Value, register.UnitOfMeasure = unit.DecimalOf(int64(r.register), -6), &ocpp.UnitOfMeasure{Unit: "kWh"}
	default:
		register.Value = unit.DecimalOf(r.register.WattHours(), 0)
		if !m.has(NoUnit) {
			register.UnitOfMeasure = &ocpp.UnitOfMeasure{Unit: "Wh"}
		}
	}
	values := []ocpp.SampledValue{register}
	add := func(what ocpp.MeasurandEnum, v unit.Decimal, u string) {
		values = append(values, ocpp.SampledValue{Measurand: what, Context: ocpp.ReadingContextEnum(r.context), Value: v, UnitOfMeasure: &ocpp.UnitOfMeasure{Unit: u}})
	}
	add(ocpp.MeasurandEnumPowerActiveImport, unit.DecimalOf(int64(r.power), 0), "W")
	add(ocpp.MeasurandEnumCurrentImport, unit.DecimalOf(int64(r.amps), -3), "A")
	if r.hasSoC {
		add(ocpp.MeasurandEnumSoC, unit.DecimalOf(int64(r.soc)/1000, 0), "Percent")
	}
	return ocpp.MeterValue{Timestamp: stamp2(m.told(r.at)), SampledValue: values}
}

func (voice2) meter(m *machine, e *EVSE, r reading) *call {
	return &call{action: "MeterValues", payload: func() any {
		return ocpp.MeterValuesRequest{EVSEID: e.config.ID, MeterValue: []ocpp.MeterValue{meterValue2(m, r)}}
	}}
}

// handle answers the platform's commands.
func (v voice2) handle(m *machine, action string, payload json.RawMessage, now time.Time) (any, error) {
	answer, known := answers2[action]
	if !known {
		answer, known = more2[action]
	}
	if !known {
		return nil, errNotImplemented
	}
	return answer(v, m, payload, now)
}

type answer2 func(v voice2, m *machine, payload json.RawMessage, now time.Time) (any, error)

// into adapts a typed answer to the table.
func into[Req any](fn func(v voice2, m *machine, req *Req, now time.Time) any) answer2 {
	return func(v voice2, m *machine, payload json.RawMessage, now time.Time) (any, error) {
		req := new(Req)
		if err := json.Unmarshal(payload, req); err != nil {
			return nil, fmt.Errorf("%w: %v", errFormat, err)
		}
		return fn(v, m, req, now), nil
	}
}

var answers2 = map[string]answer2{
	"RequestStartTransaction": into(voice2.onStart),
	"RequestStopTransaction":  into(voice2.onStop),
	"Reset":                   into(voice2.onReset),
	"ChangeAvailability":      into(voice2.onAvailability),
	"UnlockConnector":         into(voice2.onUnlock),
	"TriggerMessage":          into(voice2.onTrigger),
	"GetVariables":            into(voice2.onGetVariables),
	"SetVariables":            into(voice2.onSetVariables),
	"GetBaseReport":           into(voice2.onBaseReport),
	"SetNetworkProfile":       into(voice2.onSetNetworkProfile),
	"GetReport":               into(voice2.onReport),
	"SetVariableMonitoring":   into(voice2.onSetMonitoring),
	"ClearVariableMonitoring": into(voice2.onClearMonitoring),
	"SetMonitoringBase":       into(voice2.onMonitoringBase),
	"SetMonitoringLevel":      into(voice2.onMonitoringLevel),
	"GetMonitoringReport":     into(voice2.onMonitoringReport),
	"CustomerInformation":     into(voice2.onCustomer),
	"SetChargingProfile":      into(voice2.onSetProfile),
	"ClearChargingProfile":    into(voice2.onClearProfile),
	"GetCompositeSchedule":    into(voice2.onComposite),
	"UpdateFirmware":          into(voice2.onUpdateFirmware),
	"GetLog":                  into(voice2.onGetLog),
	"SetDisplayMessage":       into(voice2.onSetMessage),
	"ClearDisplayMessage":     into(voice2.onClearMessage),
	"GetDisplayMessages":      into(voice2.onGetMessages),
	"GetLocalListVersion": into(func(_ voice2, m *machine, _ *ocpp.GetLocalListVersionRequest, _ time.Time) any {
		return ocpp.GetLocalListVersionResponse{VersionNumber: m.listVer}
	}),
	"ClearCache": into(func(_ voice2, m *machine, _ *ocpp.ClearCacheRequest, _ time.Time) any {
		clear(m.cache)
		return ocpp.ClearCacheResponse{Status: ocpp.ClearCacheStatusEnumAccepted}
	}),
	"DataTransfer": into(func(voice2, *machine, *ocpp.DataTransferRequest, time.Time) any {
		return ocpp.DataTransferResponse{Status: ocpp.DataTransferStatusEnumUnknownVendorId}
	}),
}

func (voice2) onStart(m *machine, req *ocpp.RequestStartTransactionRequest, now time.Time) any {
	id := 0
	if req.EVSEID != nil {
		id = *req.EVSEID
	}
	remoteID := req.RemoteStartID
	if !m.remoteStart(id, Token{ID: req.IdToken.IdToken, Type: req.IdToken.Type}, &remoteID, now) {
		return ocpp.RequestStartTransactionResponse{Status: ocpp.RequestStartStopStatusEnumRejected}
	}
	out := ocpp.RequestStartTransactionResponse{Status: ocpp.RequestStartStopStatusEnumAccepted}
	for _, e := range m.evses {
		if e.tx != nil && e.tx.remoteID != nil && *e.tx.remoteID == remoteID {
			out.TransactionID = e.tx.id
			if req.ChargingProfile != nil {
				m.store(profile2(*req.ChargingProfile, e.config.ID))
			}
		}
	}
	return out
}

func (voice2) onStop(m *machine, req *ocpp.RequestStopTransactionRequest, now time.Time) any {
	e := m.running(req.TransactionID)
	if e == nil {
		return ocpp.RequestStopTransactionResponse{Status: ocpp.RequestStartStopStatusEnumRejected}
	}
	m.finish(e, "Remote", now)
	return ocpp.RequestStopTransactionResponse{Status: ocpp.RequestStartStopStatusEnumAccepted}
}

func (voice2) onReset(m *machine, req *ocpp.ResetRequest, now time.Time) any {
	if req.Type == ocpp.ResetEnumOnIdle && m.busy(now) > 0 {
		m.rebooted = true
		return ocpp.ResetResponse{Status: ocpp.ResetStatusEnumScheduled}
	}
	m.stopAll("ImmediateReset", now)
	m.rebooted = true
	return ocpp.ResetResponse{Status: ocpp.ResetStatusEnumAccepted}
}

func (m *machine) stopAll(reason string, now time.Time) {
	for _, e := range m.evses {
		m.finish(e, reason, now)
	}
}

func (voice2) onAvailability(m *machine, req *ocpp.ChangeAvailabilityRequest, now time.Time) any {
	id := 0
	if req.EVSE != nil {
		id = req.EVSE.ID
	}
	known, done := m.change(id, req.OperationalStatus == ocpp.OperationalStatusEnumOperative, now)
	switch {
	case !known:
		return ocpp.ChangeAvailabilityResponse{Status: ocpp.ChangeAvailabilityStatusEnumRejected}
	case !done:
		return ocpp.ChangeAvailabilityResponse{Status: ocpp.ChangeAvailabilityStatusEnumScheduled}
	}
	return ocpp.ChangeAvailabilityResponse{Status: ocpp.ChangeAvailabilityStatusEnumAccepted}
}

func (voice2) onUnlock(m *machine, req *ocpp.UnlockConnectorRequest, _ time.Time) any {
	e := m.evse(req.EVSEID)
	switch {
	case e == nil:
		return ocpp.UnlockConnectorResponse{Status: ocpp.UnlockStatusEnumUnknownConnector}
	case e.tx != nil:
		return ocpp.UnlockConnectorResponse{Status: ocpp.UnlockStatusEnumOngoingAuthorizedTransaction}
	}
	return ocpp.UnlockConnectorResponse{Status: ocpp.UnlockStatusEnumUnlocked}
}

func (v voice2) onTrigger(m *machine, req *ocpp.TriggerMessageRequest, now time.Time) any {
	id := 0
	if req.EVSE != nil {
		id = req.EVSE.ID
	}
	if !m.trigger(string(req.RequestedMessage), id, now) {
		return ocpp.TriggerMessageResponse{Status: ocpp.TriggerMessageStatusEnumNotImplemented}
	}
	return ocpp.TriggerMessageResponse{Status: ocpp.TriggerMessageStatusEnumAccepted}
}

func (voice2) onSetProfile(m *machine, req *ocpp.SetChargingProfileRequest, _ time.Time) any {
	if req.EVSEID != 0 && m.evse(req.EVSEID) == nil || len(req.ChargingProfile.ChargingSchedule) == 0 {
		return ocpp.SetChargingProfileResponse{Status: ocpp.ChargingProfileStatusEnumRejected}
	}
	m.store(profile2(req.ChargingProfile, req.EVSEID))
	return ocpp.SetChargingProfileResponse{Status: ocpp.ChargingProfileStatusEnumAccepted}
}

func profile2(in ocpp.ChargingProfile, evse int) profile {
	s := in.ChargingSchedule[0]
	p := profile{
		id: in.ID, stack: in.StackLevel, evse: evse, transaction: in.TransactionID, from: instant(in.ValidFrom), to: instant(in.ValidTo),
		told: in, purpose: purposeOf(string(in.ChargingProfilePurpose)), every: recurrence(string(in.RecurrencyKind)), start: instant(s.StartSchedule),
		inWatts: s.ChargingRateUnit == ocpp.ChargingRateUnitEnumW, duration: seconds(s.Duration),
	}
	if in.ChargingProfileKind == ocpp.ChargingProfileKindEnumRelative {
		p.start = time.Time{}
	}
	for _, q := range s.ChargingSchedulePeriod {
		one := period{offset: time.Duration(q.StartPeriod) * time.Second}
		if q.Limit != nil {
			one.limit = scaled(*q.Limit, p.inWatts)
		}
		if q.NumberPhases != nil {
			one.phases = *q.NumberPhases
		}
		p.periods = append(p.periods, one)
	}
	return p
}

// scaled gives watts or milliamperes.
func scaled(d unit.Decimal, watts bool) int64 {
	power := 3
	if watts {
		power = 0
	}
	v, _ := d.Scaled(power)
	return v
}

func instant(t *ocpp.DateTime) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}

func seconds(n *int) time.Duration {
	if n == nil {
		return 0
	}
	return time.Duration(*n) * time.Second
}

func purposeOf(s string) purpose {
	switch {
	case strings.HasSuffix(s, "MaxProfile"), s == "ChargingStationExternalConstraints":
		return stationMax
	case s == "TxDefaultProfile":
		return txDefault
	}
	return txOwn
}

func recurrence(s string) time.Duration {
	return map[string]time.Duration{"Daily": 24 * time.Hour, "Weekly": 7 * 24 * time.Hour}[s]
}

func (voice2) onClearProfile(m *machine, req *ocpp.ClearChargingProfileRequest, _ time.Time) any {
	found := m.clear(func(p profile) bool {
		if req.ChargingProfileID != nil {
			return p.id == *req.ChargingProfileID
		}
		c := req.ChargingProfileCriteria
		return c == nil || (c.EVSEID == nil || *c.EVSEID == p.evse) && (c.StackLevel == nil || *c.StackLevel == p.stack) &&
			(c.ChargingProfilePurpose == "" || purposeOf(string(c.ChargingProfilePurpose)) == p.purpose)
	})
	if !found {
		return ocpp.ClearChargingProfileResponse{Status: ocpp.ClearChargingProfileStatusEnumUnknown}
	}
	return ocpp.ClearChargingProfileResponse{Status: ocpp.ClearChargingProfileStatusEnumAccepted}
}

func (voice2) onComposite(m *machine, req *ocpp.GetCompositeScheduleRequest, now time.Time) any {
	e := m.evse(req.EVSEID)
	if e == nil && req.EVSEID == 0 && len(m.evses) > 0 {
		e = m.evses[0]
	}
	if e == nil {
		return ocpp.GetCompositeScheduleResponse{Status: ocpp.GenericStatusEnumRejected}
	}
	s := &ocpp.CompositeSchedule{EVSEID: req.EVSEID, Duration: req.Duration, ScheduleStart: stamp2(now), ChargingRateUnit: ocpp.ChargingRateUnitEnumA}
	for _, p := range m.composite(e, now, time.Duration(req.Duration)*time.Second) {
		limit := unit.DecimalOf(p.limit, -3)
		one := ocpp.ChargingSchedulePeriod{StartPeriod: int(p.offset / time.Second), Limit: &limit}
		if p.phases > 0 {
			one.NumberPhases = &p.phases
		}
		s.ChargingSchedulePeriod = append(s.ChargingSchedulePeriod, one)
	}
	return ocpp.GetCompositeScheduleResponse{Status: ocpp.GenericStatusEnumAccepted, Schedule: s}
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
