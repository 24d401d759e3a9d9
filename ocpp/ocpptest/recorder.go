package ocpptest

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// Received is the time at which every frame of a transcript arrives.
var Received = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// Call is one call of the platform by a dialect.
type Call struct {
	Method  string `json:"method"`
	Action  string `json:"action,omitempty"` // of a Notification
	Message any    `json:"message"`
}

// Recorder is an ocpp.CSMS that notes its calls.
type Recorder struct {
	// Answers are the responses by method, as JSON; without one the platform
	// accepts. With Err every call fails.
	Answers    map[string]json.RawMessage
	Err        error
	Calls      []Call
	Deviations []string
}

var _ ocpp.CSMS = (*Recorder)(nil)

// record notes a call and gives the answer: out, overwritten by the transcript's.
func record[R any](r *Recorder, method string, message any, out *R) (*R, error) {
	r.Calls = append(r.Calls, Call{Method: method, Message: message})
	if r.Err != nil {
		return nil, r.Err
	}
	if answer, ok := r.Answers[method]; ok {
		*out = *new(R)
		if err := json.Unmarshal(answer, out); err != nil {
			return nil, fmt.Errorf("answer of %s: %w", method, err)
		}
	}
	return out, nil
}

// Connect admits everything.
func (r *Recorder) Connect(context.Context, ocpp.Handshake) (ocpp.Admission, error) {
	return ocpp.Admission{Active: true}, nil
}

// Connected notes nothing.
func (r *Recorder) Connected(context.Context, ocpp.Peer) error { return nil }

// Disconnected notes nothing.
func (r *Recorder) Disconnected(context.Context, ocpp.Peer, string) {}

// Seen notes nothing.
func (r *Recorder) Seen(context.Context, ...ocpp.Sign) error { return nil }

// BootNotification accepts.
func (r *Recorder) BootNotification(_ context.Context, _ ocpp.Peer, m *ocpp.BootNotificationRequest) (*ocpp.BootNotificationResponse, error) {
	return record(r, "BootNotification", m, &ocpp.BootNotificationResponse{
		CurrentTime: ocpp.AtTime(Received), Interval: 300, Status: ocpp.RegistrationStatusEnumAccepted,
	})
}

// Heartbeat tells the time.
func (r *Recorder) Heartbeat(_ context.Context, _ ocpp.Peer, m *ocpp.HeartbeatRequest) (*ocpp.HeartbeatResponse, error) {
	return record(r, "Heartbeat", m, &ocpp.HeartbeatResponse{CurrentTime: ocpp.AtTime(Received)})
}

// StatusNotification takes note.
func (r *Recorder) StatusNotification(_ context.Context, _ ocpp.Peer, m *ocpp.StatusNotification) (*ocpp.StatusNotificationResponse, error) {
	return record(r, "StatusNotification", m, &ocpp.StatusNotificationResponse{})
}

// NotifyEvent takes note.
func (r *Recorder) NotifyEvent(_ context.Context, _ ocpp.Peer, m *ocpp.NotifyEventRequest) (*ocpp.NotifyEventResponse, error) {
	return record(r, "NotifyEvent", m, &ocpp.NotifyEventResponse{})
}

// Authorize accepts.
func (r *Recorder) Authorize(_ context.Context, _ ocpp.Peer, m *ocpp.AuthorizeRequest) (*ocpp.AuthorizeResponse, error) {
	return record(r, "Authorize", m, &ocpp.AuthorizeResponse{IdTokenInfo: ocpp.IdTokenInfo{Status: ocpp.AuthorizationStatusEnumAccepted}})
}

// TransactionEvent accepts and gives transaction 1001 when asked for an id.
func (r *Recorder) TransactionEvent(_ context.Context, _ ocpp.Peer, m *ocpp.TransactionEvent) (*ocpp.TransactionReply, error) {
	out := &ocpp.TransactionReply{}
	if m.AssignID {
		out.TransactionID = "1001"
	}
	if m.Request.IdToken != nil {
		out.Response.IdTokenInfo = &ocpp.IdTokenInfo{Status: ocpp.AuthorizationStatusEnumAccepted}
	}
	return record(r, "TransactionEvent", m, out)
}

// MeterValues takes note.
func (r *Recorder) MeterValues(_ context.Context, _ ocpp.Peer, m *ocpp.MeterValuesRequest) (*ocpp.MeterValuesResponse, error) {
	return record(r, "MeterValues", m, &ocpp.MeterValuesResponse{})
}

// SecurityEventNotification takes note.
func (r *Recorder) SecurityEventNotification(_ context.Context, _ ocpp.Peer, m *ocpp.SecurityEventNotificationRequest) (*ocpp.SecurityEventNotificationResponse, error) {
	return record(r, "SecurityEventNotification", m, &ocpp.SecurityEventNotificationResponse{})
}

// DataTransfer knows no vendor.
func (r *Recorder) DataTransfer(_ context.Context, _ ocpp.Peer, m *ocpp.DataTransferRequest) (*ocpp.DataTransferResponse, error) {
	return record(r, "DataTransfer", m, &ocpp.DataTransferResponse{Status: ocpp.DataTransferStatusEnumUnknownVendorId})
}

// SignCertificate signs nothing.
func (r *Recorder) SignCertificate(_ context.Context, _ ocpp.Peer, m *ocpp.SignCertificateRequest) (*ocpp.SignCertificateResponse, error) {
	return record(r, "SignCertificate", m, &ocpp.SignCertificateResponse{Status: ocpp.GenericStatusEnumRejected})
}

// Get15118EVCertificate has no contracts.
func (r *Recorder) Get15118EVCertificate(_ context.Context, _ ocpp.Peer, m *ocpp.Get15118EVCertificateRequest) (*ocpp.Get15118EVCertificateResponse, error) {
	return record(r, "Get15118EVCertificate", m, &ocpp.Get15118EVCertificateResponse{Status: ocpp.Iso15118EVCertificateStatusEnumFailed})
}

// GetCertificateStatus reaches no responder.
func (r *Recorder) GetCertificateStatus(_ context.Context, _ ocpp.Peer, m *ocpp.GetCertificateStatusRequest) (*ocpp.GetCertificateStatusResponse, error) {
	return record(r, "GetCertificateStatus", m, &ocpp.GetCertificateStatusResponse{Status: ocpp.GetCertificateStatusEnumFailed})
}

// GetCertificateChainStatus reaches no responder.
func (r *Recorder) GetCertificateChainStatus(_ context.Context, _ ocpp.Peer, m *ocpp.GetCertificateChainStatusRequest) (*ocpp.GetCertificateChainStatusResponse, error) {
	out := &ocpp.GetCertificateChainStatusResponse{}
	for _, q := range m.CertificateStatusRequests {
		out.CertificateStatus = append(out.CertificateStatus, ocpp.CertificateStatus{
			CertificateHashData: q.CertificateHashData, Source: q.Source, Status: ocpp.CertificateStatusEnumFailed, NextUpdate: ocpp.AtTime(Received),
		})
	}
	return record(r, "GetCertificateChainStatus", m, out)
}

// Notification takes note.
func (r *Recorder) Notification(_ context.Context, _ ocpp.Peer, m ocpp.Request) error {
	r.Calls = append(r.Calls, Call{Method: "Notification", Action: m.Action(), Message: m})
	return r.Err
}

// Deviation takes note.
func (r *Recorder) Deviation(_ context.Context, _ ocpp.Peer, d ocpp.Deviation) {
	r.Deviations = append(r.Deviations, d.Code+": "+d.Detail)
}
