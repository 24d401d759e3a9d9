package ocpp

import "context"

// handler serves one action of a station.
type handler func(ctx context.Context, csms CSMS, p Peer, req Request) (Response, error)

// served is every message that a 2.x station sends, and what becomes of it.
var served = map[string]handler{
	"BootNotification":          call(CSMS.BootNotification),
	"Heartbeat":                 call(CSMS.Heartbeat),
	"NotifyEvent":               call(CSMS.NotifyEvent),
	"Authorize":                 call(CSMS.Authorize),
	"MeterValues":               call(CSMS.MeterValues),
	"SecurityEventNotification": call(CSMS.SecurityEventNotification),
	"DataTransfer":              call(CSMS.DataTransfer),
	"StatusNotification":        status,
	"TransactionEvent":          transaction,

	"BatterySwap":                tell(&BatterySwapResponse{}),
	"ClearedChargingLimit":       tell(&ClearedChargingLimitResponse{}),
	"ClosePeriodicEventStream":   tell(&ClosePeriodicEventStreamResponse{}),
	"FirmwareStatusNotification": tell(&FirmwareStatusNotificationResponse{}),
	"LogStatusNotification":      tell(&LogStatusNotificationResponse{}),
	"NotifyChargingLimit":        tell(&NotifyChargingLimitResponse{}),
	"NotifyCustomerInformation":  tell(&NotifyCustomerInformationResponse{}),
	"NotifyDERAlarm":             tell(&NotifyDERAlarmResponse{}),
	"NotifyDERStartStop":         tell(&NotifyDERStartStopResponse{}),
	"NotifyDisplayMessages":      tell(&NotifyDisplayMessagesResponse{}),
	"NotifyEVChargingSchedule":   tell(&NotifyEVChargingScheduleResponse{Status: GenericStatusEnumAccepted}),
	"NotifyMonitoringReport":     tell(&NotifyMonitoringReportResponse{}),
	"NotifyPeriodicEventStream":  tell(nil), // a SEND: no answer
	// Of a monitor that we set or the station has built in: OCPP 2.1 N11.FR.02.
	"OpenPeriodicEventStream":           tell(&OpenPeriodicEventStreamResponse{Status: GenericStatusEnumAccepted}),
	"NotifyPriorityCharging":            tell(&NotifyPriorityChargingResponse{}),
	"NotifySettlement":                  tell(&NotifySettlementResponse{}),
	"NotifyReport":                      tell(&NotifyReportResponse{}),
	"PublishFirmwareStatusNotification": tell(&PublishFirmwareStatusNotificationResponse{}),
	"ReportChargingProfiles":            tell(&ReportChargingProfilesResponse{}),
	"ReportDERControl":                  tell(&ReportDERControlResponse{}),
	"ReservationStatusUpdate":           tell(&ReservationStatusUpdateResponse{}),
	// OCPP 2.0.1 K15.FR.04: without a schedule to come the answer is Rejected.
	"NotifyEVChargingNeeds": tell(&NotifyEVChargingNeedsResponse{Status: NotifyEVChargingNeedsStatusEnumRejected}),

	"Get15118EVCertificate":     refuse(&Get15118EVCertificateResponse{Status: Iso15118EVCertificateStatusEnumFailed}),
	"GetCertificateStatus":      refuse(&GetCertificateStatusResponse{Status: GetCertificateStatusEnumFailed}),
	"PullDynamicScheduleUpdate": refuse(&PullDynamicScheduleUpdateResponse{Status: ChargingProfileStatusEnumRejected}),
	"SignCertificate":           refuse(&SignCertificateResponse{Status: GenericStatusEnumRejected}),
	"VatNumberValidation":       refuseVat,
	"GetCertificateChainStatus": failedChain,
}

// needed lists what a message cannot be acted on without. Everything else
// that is missing is tolerated and reported.
var needed = map[string][]string{
	"StatusNotification":         {"connectorStatus", "evseId", "connectorId"},
	"Authorize":                  {"idToken.idToken"},
	"TransactionEvent":           {"eventType", "transactionInfo.transactionId", "seqNo"},
	"MeterValues":                {"evseId"},
	"SecurityEventNotification":  {"type"},
	"DataTransfer":               {"vendorId"},
	"FirmwareStatusNotification": {"status"},
	"LogStatusNotification":      {"status"},
}

// FromStation reports whether stations send the 2.x action; DataTransfer goes
// both ways.
func FromStation(action string) bool { return served[action] != nil }

// Dispatch hands a neutral message of a station to the platform. The response
// is nil for a SEND.
func Dispatch(ctx context.Context, csms CSMS, p Peer, req Request) (Response, error) {
	h := served[req.Action()]
	if h == nil {
		return nil, &CallError{Code: CodeNotSupported, Description: req.Action() + " is not sent by stations"}
	}
	return h(ctx, csms, p, req)
}

// call makes a handler of a method of CSMS.
func call[Q, R any](method func(CSMS, context.Context, Peer, *Q) (*R, error)) handler {
	return func(ctx context.Context, csms CSMS, p Peer, req Request) (Response, error) {
		fillTimes(ctx, req)
		out, err := method(csms, ctx, p, any(req).(*Q))
		return answer(out, err)
	}
}

// answer keeps a nil *R from becoming a Response that is not nil.
func answer[R any](out *R, err error) (Response, error) {
	switch {
	case err != nil:
		return nil, err
	case out == nil:
		return nil, &CallError{Code: CodeInternalError, Description: "the message has no answer"}
	}
	return out, nil
}

func status(ctx context.Context, csms CSMS, p Peer, req Request) (Response, error) {
	fillTimes(ctx, req)
	return answer(csms.StatusNotification(ctx, p, &StatusNotification{StatusNotificationRequest: *req.(*StatusNotificationRequest)}))
}

func transaction(ctx context.Context, csms CSMS, p Peer, req Request) (Response, error) {
	fillTimes(ctx, req)
	reply, err := csms.TransactionEvent(ctx, p, &TransactionEvent{Request: *req.(*TransactionEventRequest)})
	if err != nil || reply == nil {
		return answer[TransactionEventResponse](nil, err)
	}
	return &reply.Response, nil
}

func tell(response Response) handler {
	return func(ctx context.Context, csms CSMS, p Peer, req Request) (Response, error) {
		fillTimes(ctx, req)
		if err := csms.Notification(ctx, p, req); err != nil {
			return nil, err
		}
		return response, nil
	}
}

func refuse(response Response) handler {
	return func(context.Context, CSMS, Peer, Request) (Response, error) { return response, nil }
}

func refuseVat(_ context.Context, _ CSMS, _ Peer, req Request) (Response, error) {
	r := req.(*VatNumberValidationRequest)
	return &VatNumberValidationResponse{VatNumber: r.VatNumber, EVSEID: r.EVSEID, Status: GenericStatusEnumRejected}, nil
}

// failedChain says of each certificate asked for that its state could not be
// found out; the station then decides by itself. One that is asked too often
// for a list gets as many answers as fit.
func failedChain(ctx context.Context, _ CSMS, _ Peer, req Request) (Response, error) {
	const most = 4
	out := &GetCertificateChainStatusResponse{}
	for _, q := range req.(*GetCertificateChainStatusRequest).CertificateStatusRequests {
		if len(out.CertificateStatus) == most {
			break
		}
		out.CertificateStatus = append(out.CertificateStatus, CertificateStatus{
			CertificateHashData: q.CertificateHashData, Source: q.Source, Status: CertificateStatusEnumFailed, NextUpdate: AtTime(Received(ctx)),
		})
	}
	if problems := out.Validate(); len(problems) > 0 { // nothing that could be asked about
		return nil, &CallError{Code: CodePropertyConstraintViolation, Description: "certificateStatusRequests: " + problems[0].String()}
	}
	return out, nil
}

// fillTimes stands the time of receipt in for an instant that is missing or
// cannot be read; readings take that of their message.
func fillTimes(ctx context.Context, req Request) {
	now := AtTime(Received(ctx))
	fill := func(d *DateTime) DateTime {
		if d.IsZero() {
			*d = now
		}
		return *d
	}
	switch r := req.(type) {
	case *StatusNotificationRequest:
		fill(&r.Timestamp)
	case *SecurityEventNotificationRequest:
		fill(&r.Timestamp)
	case *TransactionEventRequest:
		now = fill(&r.Timestamp)
		for i := range r.MeterValue {
			fill(&r.MeterValue[i].Timestamp)
		}
	case *MeterValuesRequest:
		for i := range r.MeterValue {
			fill(&r.MeterValue[i].Timestamp)
		}
	case *NotifyEventRequest:
		now = fill(&r.GeneratedAt)
		for i := range r.EventData {
			fill(&r.EventData[i].Timestamp)
		}
	}
}
