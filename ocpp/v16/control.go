package v16

import (
	"strconv"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// connectorOf gives the connector of an EVSE: its own number. A second
// connector of one EVSE cannot be named in 1.6.
func connectorOf(e *ocpp.EVSE) (int, error) {
	switch {
	case e == nil:
		return 0, nil
	case e.ConnectorID != nil && *e.ConnectorID > 1:
		return 0, unsupported("OCPP 1.6 has one connector per EVSE here, not connector %d", *e.ConnectorID)
	}
	return e.ID, nil
}

func encodeRequestStart(r *ocpp.RequestStartTransactionRequest) (ocpp.Request, error) {
	tag, err := idTag(r.IdToken)
	if err != nil {
		return nil, err
	}
	out := &RemoteStartTransactionRequest{IdTag: tag, ConnectorID: r.EVSEID}
	if r.ChargingProfile != nil {
		// OCPP 1.6 §5.16.2: only a TxProfile may come with a remote start.
		if r.ChargingProfile.ChargingProfilePurpose != ocpp.ChargingProfilePurposeEnumTxProfile {
			return nil, fault.New(fault.Invalid, "ocpp.profile", "the profile of a remote start must have purpose TxProfile")
		}
		if out.ChargingProfile, err = profile(*r.ChargingProfile); err != nil {
			return nil, err
		}
		out.ChargingProfile.TransactionID = nil // OCPP 1.6 §5.16.2
	}
	return out, nil
}

func decodeRequestStart(_ *ocpp.RequestStartTransactionRequest, s *RemoteStartTransactionResponse) ocpp.Response {
	return &ocpp.RequestStartTransactionResponse{Status: ocpp.RequestStartStopStatusEnum(s.Status)}
}

// transactionID reads an id that this platform gave to a 1.6 transaction.
func transactionID(s string) (int, error) {
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fault.New(fault.Invalid, "ocpp.transaction_id", "%q is no transaction of an OCPP 1.6 station: those are whole numbers", s)
	}
	return int(id), nil
}

func encodeRequestStop(r *ocpp.RequestStopTransactionRequest) (ocpp.Request, error) {
	id, err := transactionID(r.TransactionID)
	return &RemoteStopTransactionRequest{TransactionID: id}, err
}

func decodeRequestStop(_ *ocpp.RequestStopTransactionRequest, s *RemoteStopTransactionResponse) ocpp.Response {
	return &ocpp.RequestStopTransactionResponse{Status: ocpp.RequestStartStopStatusEnum(s.Status)}
}

func encodeReset(r *ocpp.ResetRequest) (ocpp.Request, error) {
	switch {
	case r.EVSEID != nil && *r.EVSEID != 0:
		return nil, unsupported("OCPP 1.6 resets the whole station only")
	case r.Type == ocpp.ResetEnumImmediate:
		return &ResetRequest{Type: ResetTypeEnumHard}, nil
	case r.Type == ocpp.ResetEnumOnIdle:
		return &ResetRequest{Type: ResetTypeEnumSoft}, nil
	}
	return nil, unsupported("OCPP 1.6 has no reset %s", r.Type)
}

func decodeReset(_ *ocpp.ResetRequest, s *ResetResponse) ocpp.Response {
	return &ocpp.ResetResponse{Status: ocpp.ResetStatusEnum(s.Status)}
}

func encodeUnlockConnector(r *ocpp.UnlockConnectorRequest) (ocpp.Request, error) {
	n, err := connectorOf(&ocpp.EVSE{ID: r.EVSEID, ConnectorID: &r.ConnectorID})
	if err == nil && n < 1 {
		err = fault.New(fault.Invalid, "ocpp.evse", "an EVSE of 1 or more is needed to unlock its connector")
	}
	return &UnlockConnectorRequest{ConnectorID: n}, err
}

func decodeUnlockConnector(_ *ocpp.UnlockConnectorRequest, s *UnlockConnectorResponse) ocpp.Response {
	switch s.Status {
	case UnlockStatusEnumUnlocked:
		return &ocpp.UnlockConnectorResponse{Status: ocpp.UnlockStatusEnumUnlocked}
	case UnlockStatusEnumNotSupported: // OCPP 1.6 §7.46
		return &ocpp.UnlockConnectorResponse{Status: ocpp.UnlockStatusEnumUnlockFailed, StatusInfo: info("NotSupported: no lock, or no such connector")}
	}
	return &ocpp.UnlockConnectorResponse{Status: ocpp.UnlockStatusEnumUnlockFailed}
}

func encodeChangeAvailability(r *ocpp.ChangeAvailabilityRequest) (ocpp.Request, error) {
	n, err := connectorOf(r.EVSE)
	return &ChangeAvailabilityRequest{ConnectorID: n, Type: AvailabilityTypeEnum(r.OperationalStatus)}, err
}

func decodeChangeAvailability(_ *ocpp.ChangeAvailabilityRequest, s *ChangeAvailabilityResponse) ocpp.Response {
	return &ocpp.ChangeAvailabilityResponse{Status: ocpp.ChangeAvailabilityStatusEnum(s.Status)}
}

// triggers are the messages that the core can trigger; extendedTriggers those
// of the Security Whitepaper.
var (
	triggers = map[ocpp.MessageTriggerEnum]MessageTriggerEnum{
		ocpp.MessageTriggerEnumBootNotification:           MessageTriggerEnumBootNotification,
		ocpp.MessageTriggerEnumFirmwareStatusNotification: MessageTriggerEnumFirmwareStatusNotification,
		ocpp.MessageTriggerEnumHeartbeat:                  MessageTriggerEnumHeartbeat,
		ocpp.MessageTriggerEnumMeterValues:                MessageTriggerEnumMeterValues,
		ocpp.MessageTriggerEnumTransactionEvent:           MessageTriggerEnumMeterValues,
		ocpp.MessageTriggerEnumStatusNotification:         MessageTriggerEnumStatusNotification,
	}
	extendedTriggers = map[ocpp.MessageTriggerEnum]ExtendedMessageTriggerEnum{
		ocpp.MessageTriggerEnumLogStatusNotification:          ExtendedMessageTriggerEnumLogStatusNotification,
		ocpp.MessageTriggerEnumSignChargingStationCertificate: ExtendedMessageTriggerEnumSignChargePointCertificate,
	}
)

func encodeTriggerMessage(r *ocpp.TriggerMessageRequest) (ocpp.Request, error) {
	connector, err := triggerConnector(r)
	if err != nil {
		return nil, err
	}
	if m, ok := triggers[r.RequestedMessage]; ok {
		return &TriggerMessageRequest{RequestedMessage: m, ConnectorID: connector}, nil
	}
	if m, ok := extendedTriggers[r.RequestedMessage]; ok {
		return &ExtendedTriggerMessageRequest{RequestedMessage: m, ConnectorID: connector}, nil
	}
	return nil, unsupported("OCPP 1.6 cannot trigger %s", r.RequestedMessage)
}

// triggerConnector gives the connector, for the messages that have one.
func triggerConnector(r *ocpp.TriggerMessageRequest) (*int, error) {
	switch r.RequestedMessage {
	case ocpp.MessageTriggerEnumMeterValues, ocpp.MessageTriggerEnumTransactionEvent, ocpp.MessageTriggerEnumStatusNotification:
		if r.EVSE != nil && r.EVSE.ID > 0 { // OCPP 1.6 §6.51: connectorId > 0
			n, err := connectorOf(r.EVSE)
			return &n, err
		}
	}
	return nil, nil
}

func decodeTriggerMessage(_ *ocpp.TriggerMessageRequest, s ocpp.Response) ocpp.Response {
	status := TriggerMessageStatusEnumRejected
	switch s := s.(type) {
	case *TriggerMessageResponse:
		status = s.Status
	case *ExtendedTriggerMessageResponse:
		status = s.Status
	}
	return &ocpp.TriggerMessageResponse{Status: ocpp.TriggerMessageStatusEnum(status)}
}

func encodeDataTransfer(r *ocpp.DataTransferRequest) (ocpp.Request, error) {
	return &DataTransferRequest{VendorID: r.VendorID, MessageID: r.MessageID, Data: fromData(r.Data)}, nil
}

func decodeDataTransfer(_ *ocpp.DataTransferRequest, s *DataTransferResponse) ocpp.Response {
	return &ocpp.DataTransferResponse{Status: ocpp.DataTransferStatusEnum(s.Status), Data: toData(s.Data)}
}
