package v16

import (
	"context"
	"math"
	"strconv"
	"strings"

	"github.com/forecourt-ev/forecourt/ocpp"
)

func startTransaction(ctx context.Context, c *call, r *StartTransactionRequest) (ocpp.Response, error) {
	connector := r.ConnectorID
	if c.missing("connectorId") || connector < 1 {
		connector = 1 // energy flows somewhere; the first connector is the best guess
	}
	e := c.event(ctx, ocpp.TransactionEventEnumStarted, r.Timestamp)
	e.AssignID = true
	e.Raw16.ConnectorID, e.Raw16.IdTag, e.Raw16.ReservationID = connector, r.IdTag, r.ReservationID
	e.Request.TriggerReason = ocpp.TriggerReasonEnumAuthorized
	e.Request.EVSE = c.evse(connector)
	e.Request.IdToken = token(r.IdTag)
	e.Request.ReservationID = r.ReservationID
	if !c.missing("meterStart") {
		start, reading := c.register(ctx, r.MeterStart, ocpp.ReadingContextEnumTransactionBegin, e.Request.Timestamp)
		e.MeterStart = start
		e.Request.MeterValue = appendReading(nil, reading)
	}
	out, err := c.csms.TransactionEvent(ctx, c.peer, e)
	if err != nil || out == nil {
		return nil, orNoAnswer(err)
	}
	id, err := strconv.ParseInt(out.TransactionID, 10, 32)
	if err != nil || id < 1 {
		return nil, &ocpp.CallError{Code: ocpp.CodeInternalError, Description: "the transaction has no id"}
	}
	c.at.started(out.TransactionID, connector)
	return &StartTransactionResponse{TransactionID: int(id), IdTagInfo: tagInfo(out.Response.IdTokenInfo)}, nil
}

// event makes what the three transaction messages have in common.
func (c *call) event(ctx context.Context, kind ocpp.TransactionEventEnum, at ocpp.DateTime) *ocpp.TransactionEvent {
	return &ocpp.TransactionEvent{
		Request: ocpp.TransactionEventRequest{EventType: kind, Timestamp: orReceived(ctx, at)},
		Raw16:   &ocpp.Raw16{Action: c.action, NoTimestamp: at.IsZero()},
	}
}

func (c *call) evse(connector int) *ocpp.EVSE {
	p := c.peer.Connectors.Of(connector)
	return &ocpp.EVSE{ID: p.EVSE, ConnectorID: &p.Connector}
}

func appendReading(to []ocpp.MeterValue, m *ocpp.MeterValue) []ocpp.MeterValue {
	if m == nil {
		return to
	}
	return append(to, *m)
}

// stopped maps the reason to that of 2.x and to what triggered the event.
// OCPP 1.6 §7.36: a station that gives no reason means Local.
var stopped = map[string]struct {
	reason  ocpp.ReasonEnum
	trigger ocpp.TriggerReasonEnum
}{
	"":               {ocpp.ReasonEnumLocal, ocpp.TriggerReasonEnumStopAuthorized},
	"Local":          {ocpp.ReasonEnumLocal, ocpp.TriggerReasonEnumStopAuthorized},
	"Remote":         {ocpp.ReasonEnumRemote, ocpp.TriggerReasonEnumRemoteStop},
	"DeAuthorized":   {ocpp.ReasonEnumDeAuthorized, ocpp.TriggerReasonEnumDeauthorized},
	"EVDisconnected": {ocpp.ReasonEnumEVDisconnected, ocpp.TriggerReasonEnumEVDeparted},
	"EmergencyStop":  {ocpp.ReasonEnumEmergencyStop, ocpp.TriggerReasonEnumAbnormalCondition},
	"PowerLoss":      {ocpp.ReasonEnumPowerLoss, ocpp.TriggerReasonEnumAbnormalCondition},
	"HardReset":      {ocpp.ReasonEnumImmediateReset, ocpp.TriggerReasonEnumResetCommand},
	"SoftReset":      {ocpp.ReasonEnumImmediateReset, ocpp.TriggerReasonEnumResetCommand},
	"Reboot":         {ocpp.ReasonEnumReboot, ocpp.TriggerReasonEnumResetCommand},
	"UnlockCommand":  {ocpp.ReasonEnumRemote, ocpp.TriggerReasonEnumUnlockCommand},
	"Other":          {ocpp.ReasonEnumOther, ocpp.TriggerReasonEnumAbnormalCondition},
}

func stopTransaction(ctx context.Context, c *call, r *StopTransactionRequest) (ocpp.Response, error) {
	e := c.event(ctx, ocpp.TransactionEventEnumEnded, r.Timestamp)
	e.Raw16.IdTag, e.Raw16.Reason = r.IdTag, string(r.Reason)
	if !c.missing("transactionId") {
		id := int64(r.TransactionID)
		e.Raw16.TransactionID = &id
		e.Request.TransactionInfo.TransactionID = strconv.FormatInt(id, 10)
	}
	why, ok := stopped[fold(string(r.Reason), stopped)]
	if !ok {
		why = stopped["Other"]
	}
	e.Request.TransactionInfo.StoppedReason = why.reason
	e.Request.TriggerReason = why.trigger
	e.Request.IdToken = token(r.IdTag)
	e.Request.MeterValue, e.Raw16.Signed = c.readings(ctx, r.TransactionData, e.Request.Timestamp)
	if !c.missing("meterStop") {
		stop, reading := c.register(ctx, r.MeterStop, ocpp.ReadingContextEnumTransactionEnd, e.Request.Timestamp)
		e.MeterStop = stop
		e.Request.MeterValue = appendReading(e.Request.MeterValue, reading)
	}
	out, err := c.csms.TransactionEvent(ctx, c.peer, e)
	if err != nil || out == nil {
		return nil, orNoAnswer(err)
	}
	resp := &StopTransactionResponse{}
	if strings.TrimSpace(r.IdTag) != "" && out.Response.IdTokenInfo != nil {
		info := tagInfo(out.Response.IdTokenInfo)
		resp.IdTagInfo = &info
	}
	return resp, nil
}

func meterValues(ctx context.Context, c *call, r *MeterValuesRequest) (ocpp.Response, error) {
	connector := max(r.ConnectorID, 0)
	at := ocpp.AtTime(ocpp.Received(ctx))
	if r.TransactionID == nil || *r.TransactionID < 1 {
		return c.looseValues(ctx, r, connector, at)
	}
	if len(r.MeterValue) > 0 && !r.MeterValue[0].Timestamp.IsZero() {
		at = r.MeterValue[0].Timestamp
	}
	e := c.event(ctx, ocpp.TransactionEventEnumUpdated, at)
	id := int64(*r.TransactionID)
	e.Raw16.ConnectorID, e.Raw16.TransactionID = connector, &id
	e.Raw16.NoTimestamp = len(r.MeterValue) == 0 || r.MeterValue[0].Timestamp.IsZero()
	e.Request.TransactionInfo.TransactionID = strconv.FormatInt(id, 10)
	if connector > 0 {
		e.Request.EVSE = c.evse(connector)
	}
	e.Request.MeterValue, e.Raw16.Signed = c.readings(ctx, r.MeterValue, e.Request.Timestamp)
	e.Request.TriggerReason = sampled(r.MeterValue)
	if id > math.MaxInt32 {
		c.deviation(ctx, "transaction_id", "transactionId: "+strconv.FormatInt(id, 10)+" was not given by this platform")
	}
	if _, err := c.csms.TransactionEvent(ctx, c.peer, e); err != nil {
		return nil, err
	}
	return &MeterValuesResponse{}, nil
}

// looseValues serves meter values without a transaction that could be ours.
func (c *call) looseValues(ctx context.Context, r *MeterValuesRequest, connector int, at ocpp.DateTime) (ocpp.Response, error) {
	if err := ocpp.Require(c.problems, "connectorId"); err != nil {
		return nil, err
	}
	if r.TransactionID != nil {
		c.deviation(ctx, "transaction_id", "transactionId: "+strconv.Itoa(*r.TransactionID)+" is no transaction")
	}
	values, signed := c.readings(ctx, r.MeterValue, at)
	if len(signed) > 0 {
		c.deviation(ctx, "signed_data", "a signed reading outside a transaction was left out")
	}
	if len(values) > 0 { // the neutral message holds at least one
		if _, err := c.csms.MeterValues(ctx, c.peer, &ocpp.MeterValuesRequest{EVSEID: c.peer.Connectors.Of(connector).EVSE, MeterValue: values}); err != nil {
			return nil, err
		}
	}
	return &MeterValuesResponse{}, nil
}

// sampled tells why meter values were sent, by the context of the first.
func sampled(m []MeterValue) ocpp.TriggerReasonEnum {
	if len(m) > 0 && len(m[0].SampledValue) > 0 {
		switch m[0].SampledValue[0].Context {
		case ReadingContextEnumSampleClock:
			return ocpp.TriggerReasonEnumMeterValueClock
		case ReadingContextEnumTrigger:
			return ocpp.TriggerReasonEnumTrigger
		}
	}
	return ocpp.TriggerReasonEnumMeterValuePeriodic
}
