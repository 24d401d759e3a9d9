package ocpp

import (
	"context"
	"crypto/x509"
	"time"
)

// CSMS is what a charging station may ask of the platform. Dialects and the
// gateway call it; app implements it, one line per message naming its room.
//
// A method returns when what must last is committed: the station forgets a
// message once it is answered. An error becomes a CALLERROR by one table (see
// AsCallError), so a refusal the protocol has a status for is not an error.
//
// An instant that the station left out is the time of receipt when the
// gateway put it into the context (WithReceived), else zero.
type CSMS interface {
	// Connect decides about a handshake. fault.NotFound becomes HTTP 404,
	// Unauthenticated 401, Forbidden 403, Unavailable 503.
	Connect(ctx context.Context, h Handshake) (Admission, error)
	// Connected follows the upgrade, once the connection has its epoch. A boot
	// may come on it before this returns, no other message (Unbooted).
	Connected(ctx context.Context, p Peer) error
	Disconnected(ctx context.Context, p Peer, reason string)
	// Seen reports life: any frame counts, and somewhat more than half a
	// heartbeat interval may pass between two reports. Those that were not
	// stored are made again.
	Seen(ctx context.Context, signs ...Sign) error

	BootNotification(ctx context.Context, p Peer, r *BootNotificationRequest) (*BootNotificationResponse, error)
	Heartbeat(ctx context.Context, p Peer, r *HeartbeatRequest) (*HeartbeatResponse, error)
	StatusNotification(ctx context.Context, p Peer, r *StatusNotification) (*StatusNotificationResponse, error)
	NotifyEvent(ctx context.Context, p Peer, r *NotifyEventRequest) (*NotifyEventResponse, error)
	Authorize(ctx context.Context, p Peer, r *AuthorizeRequest) (*AuthorizeResponse, error)
	TransactionEvent(ctx context.Context, p Peer, e *TransactionEvent) (*TransactionReply, error)
	MeterValues(ctx context.Context, p Peer, r *MeterValuesRequest) (*MeterValuesResponse, error)
	SecurityEventNotification(ctx context.Context, p Peer, r *SecurityEventNotificationRequest) (*SecurityEventNotificationResponse, error)
	DataTransfer(ctx context.Context, p Peer, r *DataTransferRequest) (*DataTransferResponse, error)

	SignCertificate(ctx context.Context, p Peer, r *SignCertificateRequest) (*SignCertificateResponse, error)
	Get15118EVCertificate(ctx context.Context, p Peer, r *Get15118EVCertificateRequest) (*Get15118EVCertificateResponse, error)
	GetCertificateStatus(ctx context.Context, p Peer, r *GetCertificateStatusRequest) (*GetCertificateStatusResponse, error)
	GetCertificateChainStatus(ctx context.Context, p Peer, r *GetCertificateChainStatusRequest) (*GetCertificateChainStatusResponse, error)

	// Notification takes every message that only tells: FirmwareStatus-
	// Notification, LogStatusNotification, NotifyReport, NotifyMonitoring-
	// Report, ReportChargingProfiles, ReservationStatusUpdate, NotifyCharging-
	// Limit … The station gets the empty or default reply.
	Notification(ctx context.Context, p Peer, r Request) error
	// Deviation reports a quirk that was tolerated, for the station's page.
	Deviation(ctx context.Context, p Peer, d Deviation)
}

// Peer is one connection of a station.
type Peer struct {
	Org, Site, Station string
	Version            Version
	Epoch              int64 // grows with each connection of the station
	ConnectedAt        time.Time
	SecurityProfile    int
	RemoteAddr         string
	Incarnation        string // empty until boot; another one when the serial number changed
	Connectors         ConnectorMap
	Tolerate           Tolerance
}

// Handshake is what a station shows when it connects.
type Handshake struct {
	Station        string // the last element of the path, decoded
	User, Password string
	HasPassword    bool
	TLS            bool
	ClientCert     *x509.Certificate // verified; nil without mTLS
	CertProblem    string            // a certificate was shown, and this is why it does not count
	Protocols      []string          // subprotocols offered, in its order
	RemoteAddr     string
	UserAgent      string
	EnrolmentToken string
	Path           string
	At             time.Time
}

// Admission is the platform's answer to a handshake.
type Admission struct {
	Org, Site         string
	Station           string // the identity as it was created; empty: as the station wrote it
	SecurityProfile   int
	Active            bool // false: connected, but boot is answered Pending
	HeartbeatInterval time.Duration
	MaxMessage        int // bytes
	MessagesPerMinute int
	Connectors        ConnectorMap // of a 1.6 station
	Make              Make         // as it said when it last booted
	On, Off           Tolerance    // what a person has switched, over the table of quirks
}

// Deviation is something a station did against the specification and we let
// pass. Code is stable and lower case: "required", "type", "max_length",
// "enum", "format", "items", "range", "additional", "null", "payload",
// "duplicate", "many"
// (the rest of a long list), of 1.6 "value", "unit", "transaction_id",
// "kilowatt_hours" and "signed_data", or one of the gateway's.
type Deviation struct {
	Code   string
	Action string // the version's own name of the message
	Detail string // where and what: "chargePointVendor: missing"
}

type unbootedKey struct{}

// WithUnbooted puts a channel into the context of Connected that is closed when
// no boot comes next on the connection: another message did, or its end.
func WithUnbooted(ctx context.Context, none <-chan struct{}) context.Context {
	return context.WithValue(ctx, unbootedKey{}, none)
}

// Unbooted gives the channel put by WithUnbooted; nil, which is never closed,
// without one.
func Unbooted(ctx context.Context) <-chan struct{} {
	none, _ := ctx.Value(unbootedKey{}).(<-chan struct{})
	return none
}

type receivedKey struct{}

// WithReceived puts the time a frame was received into the context, so that
// dialects can stand it in for a timestamp that the station left out.
func WithReceived(ctx context.Context, at time.Time) context.Context {
	return context.WithValue(ctx, receivedKey{}, at)
}

// Received gives the time put by WithReceived; zero without one.
func Received(ctx context.Context) time.Time {
	at, _ := ctx.Value(receivedKey{}).(time.Time)
	return at
}

// Sign is a sign of life.
type Sign struct {
	Peer Peer
	At   time.Time
}
