package simulator

import (
	"context"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/ocpp"
)

func (m *machine) firmwareStatus(u update, status string) *call {
	if m.config.Version == "1.6" && !u.signed {
		switch status { // the core has fewer words
		case "DownloadScheduled", "InstallScheduled", "SignatureVerified", "InstallRebooting":
			return nil
		}
		return &call{action: "FirmwareStatusNotification", payload: func() any { return fields{"status": status} }}
	}
	action := "FirmwareStatusNotification"
	if m.config.Version == "1.6" {
		action = "SignedFirmwareStatusNotification"
	}
	return &call{action: action, payload: func() any { return fields{"status": status, "requestId": u.request} }}
}

func (m *machine) logStatus(u upload, status string) *call {
	if !u.diagnostics {
		return &call{action: "LogStatusNotification", payload: func() any { return fields{"status": status, "requestId": u.request} }}
	}
	if status != "Uploading" && status != "Uploaded" {
		status = "UploadFailed"
	}
	return &call{action: "DiagnosticsStatusNotification", payload: func() any { return fields{"status": status} }}
}

func (m *machine) securityEvent(kind string, now time.Time) *call {
	at := now.UTC().Format("2006-01-02T15:04:05.000Z")
	return &call{action: "SecurityEventNotification", payload: func() any { return fields{"type": kind, "timestamp": at} }}
}

// fetch begins an update, in the place of one that runs.
func (m *machine) fetch(u update) { m.errands = append(m.errands, u.run) }

// bring begins an upload; it tells whether another one gave way.
func (m *machine) bring(u upload) (name string, cancelled bool) {
	if m.uploading != nil {
		select {
		case <-m.uploadDone:
		default:
			close(m.uploading)
			cancelled = true
		}
	}
	stop, done := make(chan struct{}), make(chan struct{})
	m.uploading, m.uploadDone = stop, done
	u.cancelled, u.name = stop, strings.ToLower(u.kind)+"-"+m.suffix()+".txt"
	m.errands = append(m.errands, finally(u.run, done))
	return u.name, cancelled
}

// finally tells when an errand is over.
func finally(e errand, done chan<- struct{}) errand {
	return func(ctx context.Context, s *Station) {
		defer close(done)
		e(ctx, s)
	}
}

func pause(seconds *int) time.Duration {
	if seconds == nil {
		return time.Second
	}
	return time.Duration(*seconds) * time.Second
}

func count(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

func (voice2) onUpdateFirmware(m *machine, req *ocpp.UpdateFirmwareRequest, _ time.Time) any {
	f := req.Firmware
	m.fetch(update{request: req.RequestID, signed: f.Signature != "", location: f.Location, retrieve: f.RetrieveDateTime.Time, install: instant(f.InstallDateTime),
		retries: count(req.Retries), interval: pause(req.RetryInterval), certificate: f.SigningCertificate, signature: f.Signature})
	return ocpp.UpdateFirmwareResponse{Status: ocpp.UpdateFirmwareStatusEnumAccepted}
}

func (voice2) onGetLog(m *machine, req *ocpp.GetLogRequest, _ time.Time) any {
	name, cancelled := m.bring(upload{request: req.RequestID, kind: string(req.LogType), location: req.Log.RemoteLocation, retries: count(req.Retries), interval: pause(req.RetryInterval)})
	if cancelled {
		return ocpp.GetLogResponse{Status: ocpp.LogStatusEnumAcceptedCanceled, Filename: name}
	}
	return ocpp.GetLogResponse{Status: ocpp.LogStatusEnumAccepted, Filename: name}
}

func (voice2) onSetMessage(m *machine, req *ocpp.SetDisplayMessageRequest, _ time.Time) any {
	if m.messages == nil {
		m.messages = map[int]ocpp.MessageInfo{}
	}
	m.messages[req.Message.ID] = req.Message
	return ocpp.SetDisplayMessageResponse{Status: ocpp.DisplayMessageStatusEnumAccepted}
}

func (voice2) onClearMessage(m *machine, req *ocpp.ClearDisplayMessageRequest, _ time.Time) any {
	if _, known := m.messages[req.ID]; !known {
		return ocpp.ClearDisplayMessageResponse{Status: ocpp.ClearMessageStatusEnumUnknown}
	}
	delete(m.messages, req.ID)
	return ocpp.ClearDisplayMessageResponse{Status: ocpp.ClearMessageStatusEnumAccepted}
}

func (voice2) onGetMessages(m *machine, req *ocpp.GetDisplayMessagesRequest, _ time.Time) any {
	if len(m.messages) == 0 {
		return ocpp.GetDisplayMessagesResponse{Status: ocpp.GetDisplayMessagesStatusEnumUnknown}
	}
	told := ocpp.NotifyDisplayMessagesRequest{RequestID: req.RequestID}
	for _, one := range m.messages {
		told.MessageInfo = append(told.MessageInfo, one)
	}
	m.say(&call{action: "NotifyDisplayMessages", payload: func() any { return told }})
	return ocpp.GetDisplayMessagesResponse{Status: ocpp.GetDisplayMessagesStatusEnumAccepted}
}

// Message gives what the station's display was told under a number; empty
// without.
func (s *Station) Message(id int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m.messages[id].Message.Content
}

// files16 answers the commands of 1.6 that move files.
var files16 = map[string]func(m *machine, q request16, now time.Time) any{
	"UpdateFirmware": func(m *machine, q request16, _ time.Time) any {
		m.fetch(update{location: q.Location, retrieve: instant(q.RetrieveDate), retries: count(q.Retries), interval: pause(q.RetryInterval)})
		return fields{}
	},
	"SignedUpdateFirmware": func(m *machine, q request16, _ time.Time) any {
		f := q.Firmware
		m.fetch(update{request: q.RequestID, signed: true, location: f.Location, retrieve: f.RetrieveDateTime.Time, install: instant(f.InstallDateTime),
			retries: count(q.Retries), interval: pause(q.RetryInterval), certificate: f.SigningCertificate, signature: f.Signature})
		return fields{"status": "Accepted"}
	},
	"GetDiagnostics": func(m *machine, q request16, _ time.Time) any {
		name, _ := m.bring(upload{diagnostics: true, kind: "DiagnosticsLog", location: q.Location, retries: count(q.Retries), interval: pause(q.RetryInterval)})
		return fields{"fileName": name}
	},
	"GetLog": func(m *machine, q request16, _ time.Time) any {
		name, cancelled := m.bring(upload{request: q.RequestID, kind: q.LogType, location: q.Log.RemoteLocation, retries: count(q.Retries), interval: pause(q.RetryInterval)})
		if cancelled {
			return fields{"status": "AcceptedCanceled", "filename": name}
		}
		return fields{"status": "Accepted", "filename": name}
	},
}
