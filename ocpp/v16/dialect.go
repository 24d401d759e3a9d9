package v16

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Dialect speaks OCPP 1.6. It satisfies gateway.Dialect.
type Dialect struct {
	at *place // nil: connector n is EVSE n
}

// New makes the dialect; only what For gives has state.
func New() *Dialect { return &Dialect{} }

// Version gives the OCPP version.
func (*Dialect) Version() ocpp.Version { return ocpp.V16 }

// Subprotocol gives the websocket subprotocol.
func (*Dialect) Subprotocol() string { return ocpp.V16.Subprotocol() }

// call is one message of a station while it is served.
type call struct {
	csms     ocpp.CSMS
	at       *place
	peer     ocpp.Peer
	action   string
	problems []ocpp.Problem
	told     map[string]bool // deviations reported: each once per message
}

// missing reports whether a field was left out or could not be read.
func (c *call) missing(path string) bool {
	return slices.ContainsFunc(c.problems, func(p ocpp.Problem) bool { return p.Path == path && p.Rule == "required" })
}

func (c *call) deviation(ctx context.Context, code, detail string) {
	if c.told == nil {
		c.told = map[string]bool{}
	}
	const most = 10
	if c.told[code+detail] || len(c.told) == most {
		return
	}
	c.told[code+detail] = true
	c.csms.Deviation(ctx, c.peer, ocpp.Deviation{Code: code, Action: c.action, Detail: detail})
}

// Handle serves a message of a station and gives the payload of its answer.
// The error is a *ocpp.CallError, spelled as 1.6 does.
func (d *Dialect) Handle(ctx context.Context, csms ocpp.CSMS, p ocpp.Peer, action string, payload json.RawMessage) (json.RawMessage, error) {
	out, err := handle(ctx, &call{csms: csms, at: d.at, peer: p, action: action}, payload)
	if err != nil {
		return nil, ocpp.V16.AsCallError(err)
	}
	return out, nil
}

func handle(ctx context.Context, c *call, payload json.RawMessage) (json.RawMessage, error) {
	entry := Messages.Find(c.action)
	if entry == nil {
		return nil, &ocpp.CallError{Code: ocpp.CodeNotImplemented, Description: "not a message of OCPP 1.6"}
	}
	s, ok := served[c.action]
	if !ok {
		return nil, &ocpp.CallError{Code: ocpp.CodeNotSupported, Description: c.action + " is not sent by stations"}
	}
	req := entry.NewRequest()
	var err error
	c.problems, err = ocpp.Read(entry.Request, payload, req)
	ocpp.Report(ctx, c.csms, c.peer, c.action, c.problems)
	if err == nil {
		err = ocpp.Require(c.problems, s.needed...)
	}
	if err != nil {
		return nil, err
	}
	resp, err := s.serve(ctx, c, req)
	if err != nil {
		return nil, err
	}
	out, err := ocpp.Write(resp)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "ocpp.reply", "the answer is not valid")
	}
	return out, nil
}

// service is how one message of a station is served.
type service struct {
	needed []string // fields without which it cannot be acted on
	serve  func(ctx context.Context, c *call, req ocpp.Request) (ocpp.Response, error)
}

// as makes a service of a function of the message's own type.
func as[Q any](f func(ctx context.Context, c *call, r *Q) (ocpp.Response, error), needed ...string) service {
	return service{needed: needed, serve: func(ctx context.Context, c *call, req ocpp.Request) (ocpp.Response, error) {
		return f(ctx, c, any(req).(*Q))
	}}
}

// served is every message that a 1.6 station sends.
var served = map[string]service{
	"Authorize":                        as(authorize, "idTag"),
	"BootNotification":                 as(boot),
	"DataTransfer":                     as(dataTransfer, "vendorId"),
	"DiagnosticsStatusNotification":    as(diagnosticsStatus, "status"),
	"FirmwareStatusNotification":       as(firmwareStatus, "status"),
	"Heartbeat":                        as(heartbeat),
	"LogStatusNotification":            as(logStatus, "status"),
	"MeterValues":                      as(meterValues),
	"SecurityEventNotification":        as(securityEvent, "type"),
	"SignCertificate":                  as(signCertificate),
	"SignedFirmwareStatusNotification": as(signedFirmwareStatus, "status"),
	"StartTransaction":                 as(startTransaction),
	"StatusNotification":               as(statusNotification, "status", "connectorId"),
	"StopTransaction":                  as(stopTransaction),
}

// noAnswer is the error for a platform that answers nothing: a bug of ours.
var noAnswer = &ocpp.CallError{Code: ocpp.CodeInternalError, Description: "the message has no answer"}

// orReceived gives the instant, or that of receipt when it is missing.
func orReceived(ctx context.Context, d ocpp.DateTime) ocpp.DateTime {
	if d.IsZero() {
		return ocpp.AtTime(ocpp.Received(ctx))
	}
	return d
}
