package v16

import (
	"github.com/forecourt-ev/forecourt/ocpp"
)

// diagnostics is a GetLog for a station without the security extension: the
// same wish in the words of the core (OCPP 1.6 §6.25).
type diagnostics struct{ ocpp.GetLogRequest }

// Action names the message that carries it.
func (*diagnostics) Action() string { return "GetDiagnostics" }

// Otherwise gives another way to say a request that a station does not know;
// nil when there is none. A security log has none: only the extension has it.
func (d *Dialect) Otherwise(req ocpp.Request) ocpp.Request {
	if r, ok := req.(*ocpp.GetLogRequest); ok && r.LogType == ocpp.LogEnumDiagnosticsLog {
		return &diagnostics{*r}
	}
	return nil
}

// GetDiagnostics has no request id: the station's statuses name none.
func encodeDiagnostics(r *diagnostics) (ocpp.Request, error) {
	return &GetDiagnosticsRequest{
		Location: r.Log.RemoteLocation, Retries: r.Retries, RetryInterval: r.RetryInterval, StartTime: r.Log.OldestTimestamp, StopTime: r.Log.LatestTimestamp,
	}, nil
}

// An answer without a file name says that there is nothing to upload (OCPP
// 1.6 §5.10).
func decodeDiagnostics(_ *diagnostics, s *GetDiagnosticsResponse) ocpp.Response {
	if s.FileName == "" {
		return &ocpp.GetLogResponse{Status: ocpp.LogStatusEnumRejected, StatusInfo: &ocpp.StatusInfo{ReasonCode: "NoDiagnostics", AdditionalInfo: "the station has no diagnostics of that time"}}
	}
	return &ocpp.GetLogResponse{Status: ocpp.LogStatusEnumAccepted, Filename: s.FileName}
}
