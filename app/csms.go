package app

import (
	"context"

	"github.com/forecourt-ev/forecourt/access"
	"github.com/forecourt-ev/forecourt/device"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/ocpp/gateway"
	"github.com/forecourt-ev/forecourt/pki"
	"github.com/forecourt-ev/forecourt/reservation"
	"github.com/forecourt-ev/forecourt/session"
	"github.com/forecourt-ev/forecourt/station"
)

// csms is what a station may ask, and which room answers. Rooms that keep
// sessions get the peer as the station room knows it today (Identify): its
// id as created, its site, and its incarnation also when it did not boot on
// this connection.
type csms struct {
	stations     *station.Service
	devices      *device.Service
	tokens       *access.Service
	sessions     *session.Service
	reservations *reservation.Service
	certificates *pki.Service
}

var _ ocpp.CSMS = (*csms)(nil)

func (c *csms) Connect(ctx context.Context, h ocpp.Handshake) (ocpp.Admission, error) {
	return c.stations.Connect(ctx, h)
}

// failed takes note of a connection that came to nothing.
func (c *csms) failed(f gateway.Failure) {
	if c.stations != nil {
		c.stations.Failed(context.Background(), f.Station, f.Remote, f.Reason, f.Detail)
	}
}

func (c *csms) Connected(ctx context.Context, p ocpp.Peer) error { return c.stations.Arrived(ctx, p) }

func (c *csms) Disconnected(ctx context.Context, p ocpp.Peer, reason string) {
	c.stations.Disconnected(ctx, p, reason)
	c.sessions.Disconnected(p)
}

func (c *csms) Seen(ctx context.Context, signs ...ocpp.Sign) error {
	return c.stations.Seen(ctx, signs...)
}

func (c *csms) BootNotification(ctx context.Context, p ocpp.Peer, r *ocpp.BootNotificationRequest) (*ocpp.BootNotificationResponse, error) {
	return c.devices.BootNotification(ctx, p, r)
}

func (c *csms) Heartbeat(ctx context.Context, p ocpp.Peer, r *ocpp.HeartbeatRequest) (*ocpp.HeartbeatResponse, error) {
	return c.stations.Heartbeat(ctx, p, r)
}

func (c *csms) StatusNotification(ctx context.Context, p ocpp.Peer, r *ocpp.StatusNotification) (*ocpp.StatusNotificationResponse, error) {
	p, err := c.stations.Identify(ctx, p)
	if err != nil {
		return nil, err
	}
	if p.Version == ocpp.V16 { // the map may have changed since the station connected
		at := p.Connectors.Of(r.Connector16)
		r.EVSEID, r.ConnectorID = at.EVSE, at.Connector
	}
	if err := c.sessions.StatusNotification(ctx, p, r); err != nil { // in 1.6 the only word on the charging state
		return nil, err
	}
	return c.stations.StatusNotification(ctx, p, r)
}

func (c *csms) NotifyEvent(ctx context.Context, p ocpp.Peer, r *ocpp.NotifyEventRequest) (*ocpp.NotifyEventResponse, error) {
	return c.devices.NotifyEvent(ctx, p, r)
}

func (c *csms) Authorize(ctx context.Context, p ocpp.Peer, r *ocpp.AuthorizeRequest) (*ocpp.AuthorizeResponse, error) {
	p, err := c.stations.Identify(ctx, p)
	if err != nil {
		return nil, err
	}
	return c.tokens.Authorize(ctx, p, r)
}

func (c *csms) TransactionEvent(ctx context.Context, p ocpp.Peer, e *ocpp.TransactionEvent) (*ocpp.TransactionReply, error) {
	p, err := c.stations.Identify(ctx, p)
	if err != nil {
		return nil, err
	}
	if e.Raw16 != nil && e.Raw16.ConnectorID > 0 {
		at := p.Connectors.Of(e.Raw16.ConnectorID)
		e.Request.EVSE = &ocpp.EVSE{ID: at.EVSE, ConnectorID: &at.Connector}
	}
	if p.Version != ocpp.V16 && (e.Request.Offline == nil || !*e.Request.Offline) {
		if err := c.stations.Told(ctx, p, e.Request.Timestamp.Time); err != nil {
			return nil, err
		}
	}
	return c.sessions.TransactionEvent(ctx, p, e)
}

func (c *csms) MeterValues(ctx context.Context, p ocpp.Peer, r *ocpp.MeterValuesRequest) (*ocpp.MeterValuesResponse, error) {
	p, err := c.stations.Identify(ctx, p)
	if err != nil {
		return nil, err
	}
	return c.sessions.MeterValues(ctx, p, r)
}

func (c *csms) SecurityEventNotification(ctx context.Context, p ocpp.Peer, r *ocpp.SecurityEventNotificationRequest) (*ocpp.SecurityEventNotificationResponse, error) {
	return c.devices.SecurityEventNotification(ctx, p, r)
}

func (c *csms) DataTransfer(ctx context.Context, p ocpp.Peer, r *ocpp.DataTransferRequest) (*ocpp.DataTransferResponse, error) {
	return c.devices.DataTransfer(ctx, p, r)
}

func (c *csms) SignCertificate(ctx context.Context, p ocpp.Peer, r *ocpp.SignCertificateRequest) (*ocpp.SignCertificateResponse, error) {
	return c.certificates.SignCertificate(ctx, p, r)
}

func (c *csms) Get15118EVCertificate(ctx context.Context, p ocpp.Peer, r *ocpp.Get15118EVCertificateRequest) (*ocpp.Get15118EVCertificateResponse, error) {
	return c.certificates.Get15118EVCertificate(ctx, p, r)
}

func (c *csms) GetCertificateStatus(ctx context.Context, p ocpp.Peer, r *ocpp.GetCertificateStatusRequest) (*ocpp.GetCertificateStatusResponse, error) {
	return c.certificates.GetCertificateStatus(ctx, p, r)
}

func (c *csms) GetCertificateChainStatus(ctx context.Context, p ocpp.Peer, r *ocpp.GetCertificateChainStatusRequest) (*ocpp.GetCertificateChainStatusResponse, error) {
	return c.certificates.GetCertificateChainStatus(ctx, p, r)
}

func (c *csms) Notification(ctx context.Context, p ocpp.Peer, r ocpp.Request) error {
	if update, ok := r.(*ocpp.ReservationStatusUpdateRequest); ok {
		p, err := c.stations.Identify(ctx, p)
		if err != nil {
			return err
		}
		return c.reservations.StatusUpdate(ctx, p, update)
	}
	switch told := r.(type) {
	case *ocpp.NotifySettlementRequest:
		p, err := c.stations.Identify(ctx, p)
		if err != nil {
			return err
		}
		return c.sessions.NotifySettlement(ctx, p, told)
	case *ocpp.NotifyPriorityChargingRequest:
		p, err := c.stations.Identify(ctx, p)
		if err != nil {
			return err
		}
		return c.sessions.NotifyPriorityCharging(ctx, p, told)
	}
	return c.devices.Notification(ctx, p, r)
}

func (c *csms) Deviation(ctx context.Context, p ocpp.Peer, d ocpp.Deviation) {
	c.stations.Deviation(ctx, p, d)
}
