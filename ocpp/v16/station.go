package v16

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"github.com/forecourt-ev/forecourt/ocpp"
)

func boot(ctx context.Context, c *call, r *BootNotificationRequest) (ocpp.Response, error) {
	station := ocpp.ChargingStation{
		VendorName:      r.ChargePointVendor,
		Model:           r.ChargePointModel,
		SerialNumber:    r.ChargePointSerialNumber,
		FirmwareVersion: r.FirmwareVersion,
	}
	if station.SerialNumber == "" {
		station.SerialNumber = r.ChargeBoxSerialNumber // deprecated, but often the only one
	}
	if r.Iccid != "" || r.Imsi != "" {
		station.Modem = &ocpp.Modem{Iccid: r.Iccid, Imsi: r.Imsi}
	}
	station.CustomData = ocpp.Boot16{
		ChargeBoxSerialNumber: r.ChargeBoxSerialNumber, MeterType: r.MeterType, MeterSerialNumber: r.MeterSerialNumber,
	}.CustomData()
	out, err := c.csms.BootNotification(ctx, c.peer, &ocpp.BootNotificationRequest{
		ChargingStation: station,
		Reason:          ocpp.BootReasonEnumUnknown,
	})
	if err != nil || out == nil {
		return nil, orNoAnswer(err)
	}
	return &BootNotificationResponse{
		Status:      RegistrationStatusEnum(out.Status),
		CurrentTime: out.CurrentTime,
		Interval:    out.Interval,
	}, nil
}

func orNoAnswer(err error) error {
	if err == nil {
		return noAnswer
	}
	return err
}

func heartbeat(ctx context.Context, c *call, _ *HeartbeatRequest) (ocpp.Response, error) {
	out, err := c.csms.Heartbeat(ctx, c.peer, &ocpp.HeartbeatRequest{})
	if err != nil || out == nil {
		return nil, orNoAnswer(err)
	}
	return &HeartbeatResponse{CurrentTime: out.CurrentTime}, nil
}

func authorize(ctx context.Context, c *call, r *AuthorizeRequest) (ocpp.Response, error) {
	t := token(r.IdTag)
	if t == nil {
		return &AuthorizeResponse{IdTagInfo: tagInfo(nil)}, nil
	}
	out, err := c.csms.Authorize(ctx, c.peer, &ocpp.AuthorizeRequest{IdToken: *t})
	if err != nil || out == nil {
		return nil, orNoAnswer(err)
	}
	return &AuthorizeResponse{IdTagInfo: tagInfo(&out.IdTokenInfo)}, nil
}

// connectorStatus maps the 1.6 status to the coarser one of 2.x. "Occupied"
// is what 1.5 had, and some stations still send.
var connectorStatus = map[string]ocpp.ConnectorStatusEnum{
	string(ChargePointStatusEnumAvailable):     ocpp.ConnectorStatusEnumAvailable,
	string(ChargePointStatusEnumPreparing):     ocpp.ConnectorStatusEnumOccupied,
	string(ChargePointStatusEnumCharging):      ocpp.ConnectorStatusEnumOccupied,
	string(ChargePointStatusEnumSuspendedEV):   ocpp.ConnectorStatusEnumOccupied,
	string(ChargePointStatusEnumSuspendedEVSE): ocpp.ConnectorStatusEnumOccupied,
	string(ChargePointStatusEnumFinishing):     ocpp.ConnectorStatusEnumOccupied,
	string(ChargePointStatusEnumReserved):      ocpp.ConnectorStatusEnumReserved,
	string(ChargePointStatusEnumUnavailable):   ocpp.ConnectorStatusEnumUnavailable,
	string(ChargePointStatusEnumFaulted):       ocpp.ConnectorStatusEnumFaulted,
	"Occupied":                                 ocpp.ConnectorStatusEnumOccupied,
}

func statusNotification(ctx context.Context, c *call, r *StatusNotificationRequest) (ocpp.Response, error) {
	status16 := fold(string(r.Status), connectorStatus)
	neutral, ok := connectorStatus[status16]
	if !ok {
		return nil, &ocpp.CallError{Code: ocpp.CodePropertyConstraintViolation, Description: "status is not one of " + strings.Join(valuesChargePointStatusEnum, ", ")}
	}
	n := ocpp.StatusNotification{
		Status16:        status16,
		Connector16:     max(r.ConnectorID, 0),
		ErrorCode:       string(r.ErrorCode),
		Info:            withoutNull(r.Info),
		VendorID:        withoutNull(r.VendorID),
		VendorErrorCode: withoutNull(r.VendorErrorCode),
	}
	switch {
	case n.ErrorCode == "":
		n.ErrorCode = string(ChargePointErrorCodeEnumNoError)
	case !r.ErrorCode.Valid():
		n.ErrorCode = string(ChargePointErrorCodeEnumOtherError)
		if n.VendorErrorCode == "" {
			n.VendorErrorCode = string(r.ErrorCode)
		}
	}
	c.at.told(r.ConnectorID, status16)
	place := c.peer.Connectors.Of(r.ConnectorID)
	at := ocpp.DateTime{}
	if r.Timestamp != nil {
		at = *r.Timestamp
	}
	n.StatusNotificationRequest = ocpp.StatusNotificationRequest{
		Timestamp:       orReceived(ctx, at),
		ConnectorStatus: neutral,
		EVSEID:          place.EVSE,
		ConnectorID:     place.Connector,
	}
	if _, err := c.csms.StatusNotification(ctx, c.peer, &n); err != nil {
		return nil, err
	}
	return &StatusNotificationResponse{}, nil
}

// fold finds the key of m that differs from s in case only; s without one.
func fold[V any](s string, m map[string]V) string {
	if _, ok := m[s]; ok {
		return s
	}
	for k := range m {
		if strings.EqualFold(k, s) {
			return k
		}
	}
	return s
}

// withoutNull drops the word that some stations write for an empty field.
func withoutNull(s string) string {
	if s == "null" {
		return ""
	}
	return s
}

func dataTransfer(ctx context.Context, c *call, r *DataTransferRequest) (ocpp.Response, error) {
	out, err := c.csms.DataTransfer(ctx, c.peer, &ocpp.DataTransferRequest{
		VendorID: r.VendorID, MessageID: r.MessageID, Data: toData(r.Data),
	})
	if err != nil || out == nil {
		return nil, orNoAnswer(err)
	}
	return &DataTransferResponse{Status: DataTransferStatusEnum(out.Status), Data: fromData(out.Data)}, nil
}

// toData gives the text of a 1.6 DataTransfer as 2.x data: a JSON string.
func toData(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	out, _ := json.Marshal(s) // a string
	return out
}

// fromData gives 2.x data as text: a JSON string is what it says, anything
// else its JSON.
func fromData(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}

func securityEvent(ctx context.Context, c *call, r *SecurityEventNotificationRequest) (ocpp.Response, error) {
	_, err := c.csms.SecurityEventNotification(ctx, c.peer, &ocpp.SecurityEventNotificationRequest{
		Type: r.Type, Timestamp: orReceived(ctx, r.Timestamp), TechInfo: r.TechInfo,
	})
	return &SecurityEventNotificationResponse{}, err
}

func signCertificate(context.Context, *call, *SignCertificateRequest) (ocpp.Response, error) {
	return &SignCertificateResponse{Status: GenericStatusEnumRejected}, nil
}

func diagnosticsStatus(ctx context.Context, c *call, r *DiagnosticsStatusNotificationRequest) (ocpp.Response, error) {
	status := ocpp.UploadLogStatusEnum(r.Status)
	if r.Status == DiagnosticsStatusEnumUploadFailed {
		status = ocpp.UploadLogStatusEnumUploadFailure
	}
	return &DiagnosticsStatusNotificationResponse{}, c.tell(ctx, &ocpp.LogStatusNotificationRequest{Status: status})
}

func logStatus(ctx context.Context, c *call, r *LogStatusNotificationRequest) (ocpp.Response, error) {
	return &LogStatusNotificationResponse{}, c.tell(ctx, &ocpp.LogStatusNotificationRequest{
		Status: ocpp.UploadLogStatusEnum(r.Status), RequestID: r.RequestID,
	})
}

func firmwareStatus(ctx context.Context, c *call, r *FirmwareStatusNotificationRequest) (ocpp.Response, error) {
	return &FirmwareStatusNotificationResponse{}, c.tell(ctx, &ocpp.FirmwareStatusNotificationRequest{Status: ocpp.FirmwareStatusEnum(r.Status)})
}

func signedFirmwareStatus(ctx context.Context, c *call, r *SignedFirmwareStatusNotificationRequest) (ocpp.Response, error) {
	return &SignedFirmwareStatusNotificationResponse{}, c.tell(ctx, &ocpp.FirmwareStatusNotificationRequest{
		Status: ocpp.FirmwareStatusEnum(r.Status), RequestID: r.RequestID,
	})
}

func (c *call) tell(ctx context.Context, r ocpp.Request) error {
	return c.csms.Notification(ctx, c.peer, r)
}
