package gateway

import (
	"context"
	"time"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// station is the platform as a dialect sees it for one connection. It learns
// from the boot reply and keeps deviations from delaying replies.
type station struct {
	ocpp.CSMS
	l *link
}

// BootNotification notes what the platform answered: the phase of the
// connection, the heartbeat interval and the serial number.
func (s station) BootNotification(ctx context.Context, p ocpp.Peer, r *ocpp.BootNotificationRequest) (*ocpp.BootNotificationResponse, error) {
	l := s.l
	serial := r.ChargingStation.SerialNumber
	var noted chan error
	if serial != "" && serial != p.Incarnation {
		p.Incarnation = serial
		noted = make(chan error, 1)
		go func() { noted <- l.incarnate(ctx, serial) }() // with the boot in one commit
	}
	out, err := s.CSMS.BootNotification(ctx, p, r)
	if noted != nil {
		if e := <-noted; e != nil && err == nil {
			return nil, e
		}
	}
	if err != nil || out == nil {
		return out, err
	}
	l.next.Store(int32(phaseOf(out.Status)) + 1)
	c := &r.ChargingStation
	tolerate := l.g.tolerated(ocpp.Make{Vendor: c.VendorName, Model: c.Model, Firmware: c.FirmwareVersion}, l.admission)
	l.mu.Lock()
	l.peer.Tolerate, l.booted = tolerate, true
	l.triggered = nil
	if out.Interval > 0 && out.Status == ocpp.RegistrationStatusEnumAccepted {
		l.heartbeat = time.Duration(out.Interval) * time.Second
	}
	l.mu.Unlock()
	return out, nil
}

// incarnate takes the serial number of a boot to the connection's row.
func (l *link) incarnate(ctx context.Context, serial string) error {
	changed, err := l.g.store.incarnate(ctx, l, serial)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.peer.Incarnation = serial
	l.mu.Unlock()
	if changed >= flapLimit {
		l.deviate(ocpp.Deviation{Code: "identity_conflict", Action: bootNotification,
			Detail: "devices with different serial numbers take turns on this identity, the last is " + clip(serial, 50)})
		l.g.metrics.conflicts.Inc()
	}
	return nil
}

// Deviation passes a deviation on, each kind once in a while.
func (s station) Deviation(_ context.Context, _ ocpp.Peer, d ocpp.Deviation) { s.l.deviate(d) }
