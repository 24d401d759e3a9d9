package device

import (
	"context"
	"encoding/json"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/ocpp"
)

func (s *Service) enqueueSync(tx *db.Tx, o owner) error {
	return job.Enqueue(tx, syncOf(o))
}

// syncInTurn has a device compared when there is time for it.
func (s *Service) syncInTurn(tx *db.Tx, o owner, at time.Time) error {
	j := syncOf(o)
	j.RunAt, j.Background = at, true
	return job.Enqueue(tx, j)
}

func syncOf(o owner) job.Job {
	return job.Job{Kind: jobSync, Key: o.station, Org: o.org, Payload: syncJob{Station: o.station}}
}

// NotifyEvent stores the events and values that monitoring tells, and hands
// the availability of connectors to the station room. It is answered when that is committed.
func (s *Service) NotifyEvent(ctx context.Context, p ocpp.Peer, r *ocpp.NotifyEventRequest) (*ocpp.NotifyEventResponse, error) {
	var told []Variable
	for _, e := range r.EventData {
		v := of(e.Component, e.Variable, ocpp.AttributeEnumActual)
		v.Value = e.ActualValue
		v.mask()
		told = append(told, v)
	}
	err := s.d.DB.Update(ctx, func(tx *db.Tx) error {
		st, err := s.d.Stations.Get(tx, p.Station)
		if err != nil {
			return err
		}
		o := ownerOf(st)
		if err := saveVariables(tx, o, "NotifyEvent", told); err != nil {
			return err
		}
		for _, e := range r.EventData {
			if err := saveEvent(tx, o, e); err != nil {
				return err
			}
		}
		return compareSoon(tx, o, told)
	})
	if err != nil {
		return nil, err
	}
	if err := s.d.Stations.Told(ctx, p, r.GeneratedAt.Time); err != nil {
		return nil, err
	}
	for _, v := range told {
		if err := s.availability(ctx, p, v); err != nil {
			return nil, err
		}
	}
	return &ocpp.NotifyEventResponse{}, nil
}

// availability forwards AvailabilityState of a connector, an EVSE or the
// station (OCPP 2.0.1 part 2 appendix, components Connector, EVSE and
// ChargingStation).
func (s *Service) availability(ctx context.Context, p ocpp.Peer, v Variable) error {
	if v.Name != "AvailabilityState" {
		return nil
	}
	switch {
	case v.Component == "Connector" && v.EVSE > 0 && v.Connector > 0,
		v.Component == "EVSE" && v.EVSE > 0 && v.Connector == 0,
		v.Component == "ChargingStation" && v.EVSE == 0:
		return s.d.Stations.Availability(ctx, p, v.EVSE, v.Connector, v.Value)
	}
	return nil
}

// KindSecurityEvent is a fact; its payload is SecurityEvent.
const KindSecurityEvent = "device.security_event"

// SecurityEvent is something that touches the security of a station (OCPP
// 2.0.1 part 2 appendix, security events).
type SecurityEvent struct {
	ID         string    `json:"id"`
	Type       string    `json:"type"`
	TechInfo   string    `json:"tech_info,omitempty"`
	At         time.Time `json:"at"` // the station's clock
	ReceivedAt time.Time `json:"received_at"`
}

// SecurityEventNotification is answered when the event is stored.
func (s *Service) SecurityEventNotification(ctx context.Context, p ocpp.Peer, r *ocpp.SecurityEventNotificationRequest) (*ocpp.SecurityEventNotificationResponse, error) {
	err := s.d.DB.Update(ctx, func(tx *db.Tx) error {
		st, err := s.d.Stations.Get(tx, p.Station)
		if err != nil {
			return err
		}
		e := SecurityEvent{ID: id.New[string](tx.Now), Type: r.Type, TechInfo: r.TechInfo, At: r.Timestamp.Time, ReceivedAt: tx.Now}
		if e.At.IsZero() {
			e.At = tx.Now
		}
		if err := s.eventFirmware(tx, ownerOf(st), e.Type, e.TechInfo); err != nil {
			return err
		}
		return keepSecurityEvent(tx, ownerOf(st), e)
	})
	if err != nil {
		return nil, err
	}
	return &ocpp.SecurityEventNotificationResponse{}, nil
}

func keepSecurityEvent(tx *db.Tx, o owner, e SecurityEvent) error {
	err := tx.Send("INSERT INTO device_security_event (id, station, org, site, type, tech_info, at, received_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)",
		e.ID, o.station, o.org, o.site, clip(e.Type, 200), clip(e.TechInfo, 1000), db.Micros(e.At), db.Micros(e.ReceivedAt))
	if err != nil {
		return err
	}
	return event.Record(tx, event.Fact{Org: o.org, Site: o.site, Station: o.station, Subject: "station/" + o.station, Kind: KindSecurityEvent}, e)
}

// DataTransfer answers UnknownVendorId: no vendor's extension is known here.
// The frame stays in the message log.
func (s *Service) DataTransfer(context.Context, ocpp.Peer, *ocpp.DataTransferRequest) (*ocpp.DataTransferResponse, error) {
	return &ocpp.DataTransferResponse{Status: ocpp.DataTransferStatusEnumUnknownVendorId}, nil
}

// Notification takes every message that only tells. Reports become
// variables, firmware and log states are kept on the device; streams, what
// the grid asks and batteries have tables of their own; everything else
// is stored as it came, so that nothing is lost before a room uses it.
func (s *Service) Notification(ctx context.Context, p ocpp.Peer, req ocpp.Request) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		st, err := s.d.Stations.Get(tx, p.Station)
		if err != nil {
			return err
		}
		o := ownerOf(st)
		switch r := req.(type) {
		case *ocpp.NotifyReportRequest:
			return s.report(tx, o, r)
		case *ocpp.FirmwareStatusNotificationRequest:
			err = s.firmwareStatus(tx, o, r)
		case *ocpp.LogStatusNotificationRequest:
			err = s.logStatus(tx, o, r)
		case *ocpp.PublishFirmwareStatusNotificationRequest:
			err = s.hearsPublication(tx, o, r)
		case *ocpp.NotifyDisplayMessagesRequest:
			if err = s.hearsDisplay(tx, o, r); err == nil {
				_, err = s.assembled(tx, o, r)
			}
		case *ocpp.NotifyChargingLimitRequest:
			err = s.chargingLimit(tx, o, r)
		case *ocpp.ClearedChargingLimitRequest:
			err = s.limitCleared(tx, o, r)
		case *ocpp.OpenPeriodicEventStreamRequest:
			return opensStream(tx, o, r)
		case *ocpp.ClosePeriodicEventStreamRequest:
			return closesStream(tx, o, r)
		case *ocpp.NotifyPeriodicEventStreamRequest:
			return streamed(tx, o, r)
		case *ocpp.NotifyDERAlarmRequest:
			return derAlarmed(tx, o, r)
		case *ocpp.NotifyDERStartStopRequest:
			return derSwitched(tx, o, r)
		case *ocpp.ReportDERControlRequest:
			return derReported(tx, o, r)
		case *ocpp.BatterySwapRequest:
			return swapped(tx, o, r)
		default:
			var part bool
			if part, err = s.assembled(tx, o, req); part {
				return err
			}
		}
		if err != nil {
			return err
		}
		return insertNotice(tx, o, req.Action(), req)
	})
}

func insertNotice(tx *db.Tx, o owner, kind string, payload any) error {
	text, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	return tx.Send("INSERT INTO device_notice (id, station, org, site, kind, payload, at) VALUES ($1,$2,$3,$4,$5,$6,$7)",
		id.New[string](tx.Now), o.station, o.org, o.site, kind, string(text), db.Micros(tx.Now))
}

// KindFirmwareStatus is a fact; its payload is FirmwareStatus.
const KindFirmwareStatus = "device.firmware_status"

// FirmwareStatus is how far a firmware update got.
type FirmwareStatus struct {
	Status  string `json:"status"`
	Request *int64 `json:"request_id,omitempty"`
}

func (s *Service) firmwareStatus(tx *db.Tx, o owner, r *ocpp.FirmwareStatusNotificationRequest) error {
	st, err := stateOf(tx, o.station)
	if err != nil {
		return err
	}
	st.FirmwareStatus, st.FirmwareAt, st.FirmwareRequest = string(r.Status), &tx.Now, wide(r.RequestID)
	if err := saveState(tx, o, st); err != nil {
		return err
	}
	if err := s.hearsFirmware(tx, o, r); err != nil {
		return err
	}
	return event.Record(tx, event.Fact{Org: o.org, Site: o.site, Station: o.station, Subject: "station/" + o.station, Kind: KindFirmwareStatus},
		FirmwareStatus{Status: string(r.Status), Request: wide(r.RequestID)})
}

func (s *Service) logStatus(tx *db.Tx, o owner, r *ocpp.LogStatusNotificationRequest) error {
	st, err := stateOf(tx, o.station)
	if err != nil {
		return err
	}
	if err := s.hearsLog(tx, o, r); err != nil {
		return err
	}
	st.LogStatus, st.LogAt, st.LogRequest = string(r.Status), &tx.Now, wide(r.RequestID)
	return saveState(tx, o, st)
}

func wide(n *int) *int64 {
	if n == nil {
		return nil
	}
	w := int64(*n)
	return &w
}
