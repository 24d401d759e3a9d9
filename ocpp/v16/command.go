package v16

import (
	"encoding/json"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// command is how one neutral request goes to a 1.6 station and comes back.
type command struct {
	encode func(req ocpp.Request) (ocpp.Request, error)
	decode func(req ocpp.Request, resp ocpp.Response) ocpp.Response
}

// pair makes a command of two functions of the messages' own types. The
// response is *S, or of another type when encode may choose between messages.
func pair[Q, S any](encode func(r *Q) (ocpp.Request, error), decode func(r *Q, s *S) ocpp.Response) command {
	return command{
		encode: func(req ocpp.Request) (ocpp.Request, error) { return encode(any(req).(*Q)) },
		decode: func(req ocpp.Request, resp ocpp.Response) ocpp.Response { return decode(any(req).(*Q), resp.(*S)) },
	}
}

// either is pair for an encode that chooses between messages.
func either[Q any](encode func(r *Q) (ocpp.Request, error), decode func(r *Q, s ocpp.Response) ocpp.Response) command {
	return command{
		encode: func(req ocpp.Request) (ocpp.Request, error) { return encode(any(req).(*Q)) },
		decode: func(req ocpp.Request, resp ocpp.Response) ocpp.Response { return decode(any(req).(*Q), resp) },
	}
}

// commands is every neutral request that 1.6 can carry.
var commands = map[string]command{
	"CancelReservation":          pair(encodeCancelReservation, decodeCancelReservation),
	"CertificateSigned":          orPnC(pair(encodeCertificateSigned, decodeCertificateSigned)),
	"ChangeAvailability":         pair(encodeChangeAvailability, decodeChangeAvailability),
	"ClearCache":                 pair(encodeClearCache, decodeClearCache),
	"ClearChargingProfile":       pair(encodeClearChargingProfile, decodeClearChargingProfile),
	"DataTransfer":               pair(encodeDataTransfer, decodeDataTransfer),
	"DeleteCertificate":          orPnC(pair(encodeDeleteCertificate, decodeDeleteCertificate)),
	"GetBaseReport":              pair(encodeGetBaseReport, decodeGetBaseReport),
	"GetCompositeSchedule":       pair(encodeGetCompositeSchedule, decodeGetCompositeSchedule),
	"GetDiagnostics":             pair(encodeDiagnostics, decodeDiagnostics), // see Dialect.Otherwise
	"GetInstalledCertificateIds": orPnC(pair(encodeGetInstalledCertificateIds, decodeGetInstalledCertificateIds)),
	"GetLocalListVersion":        pair(encodeGetLocalListVersion, decodeGetLocalListVersion),
	"GetLog":                     pair(encodeGetLog, decodeGetLog),
	"GetVariables":               pair(encodeGetVariables, decodeGetVariables),
	"InstallCertificate":         orPnC(pair(encodeInstallCertificate, decodeInstallCertificate)),
	"RequestStartTransaction":    pair(encodeRequestStart, decodeRequestStart),
	"RequestStopTransaction":     pair(encodeRequestStop, decodeRequestStop),
	"ReserveNow":                 pair(encodeReserveNow, decodeReserveNow),
	"Reset":                      pair(encodeReset, decodeReset),
	"SendLocalList":              pair(encodeSendLocalList, decodeSendLocalList),
	"SetChargingProfile":         pair(encodeSetChargingProfile, decodeSetChargingProfile),
	"SetVariables":               pair(encodeSetVariables, decodeSetVariables),
	"TriggerMessage":             orPnC(either(encodeTriggerMessage, decodeTriggerMessage)),
	"UnlockConnector":            pair(encodeUnlockConnector, decodeUnlockConnector),
	"UpdateFirmware":             either(encodeUpdateFirmware, decodeUpdateFirmware),
}

// wire gives the 1.6 request for a neutral one.
func (d *Dialect) wire(req ocpp.Request) (ocpp.Request, command, error) {
	action := req.Action()
	cmd, ok := commands[action]
	switch {
	case !ok && ocpp.FromStation(action):
		return nil, command{}, fault.New(fault.Invalid, "ocpp.direction", "%s is sent by stations, not to them", action)
	case !ok:
		return nil, command{}, ocpp.Lacks(ocpp.V16, action)
	}
	if v, ok := req.(ocpp.Validator); ok {
		if problems := v.Validate(); len(problems) > 0 {
			return nil, command{}, ocpp.Invalid(fault.Invalid, "ocpp.invalid", problems)
		}
	}
	req, err := d.at.lower(req)
	if err != nil {
		return nil, command{}, err
	}
	out, err := cmd.encode(req)
	if err != nil {
		return nil, command{}, err
	}
	if problems := out.(ocpp.Validator).Validate(); len(problems) > 0 {
		return nil, command{}, ocpp.Invalid(fault.Unsupported, "ocpp.version", problems)
	}
	return out, cmd, nil
}

// Encode gives a neutral request as 1.6 writes it. What the neutral schema
// forbids is fault.Invalid, what 1.6 cannot say fault.Unsupported.
func (d *Dialect) Encode(req ocpp.Request) (action string, payload json.RawMessage, err error) {
	if raw, ok := req.(*ocpp.RawRequest); ok {
		return ocpp.EncodeRaw(raw)
	}
	out, _, err := d.wire(req)
	if err != nil {
		return "", nil, err
	}
	payload, err = ocpp.Write(out)
	return out.Action(), payload, err
}

// Decode reads a station's answer to a request that Encode wrote. An answer
// without the status that its schema asks for is fault.Unavailable.
func (d *Dialect) Decode(req ocpp.Request, payload json.RawMessage) (ocpp.Response, error) {
	if _, ok := req.(*ocpp.RawRequest); ok {
		return ocpp.RawResponse(payload), nil
	}
	out, cmd, err := d.wire(req)
	if err != nil {
		return nil, err
	}
	entry := Messages.Find(out.Action())
	resp := entry.NewResponse()
	if err := ocpp.ReadReply(out.Action(), entry.Response, payload, resp); err != nil {
		return nil, err
	}
	if n, ok := req.(numbered); ok {
		req = n.Request
	}
	neutral := cmd.decode(req, resp)
	if s, ok := neutral.(*ocpp.GetCompositeScheduleResponse); ok && s.Schedule != nil && d.at != nil {
		s.Schedule.EVSEID = req.(*ocpp.GetCompositeScheduleRequest).EVSEID
	}
	return neutral, nil
}

// Split cuts a request that 1.6 carries in several messages; nil when one is
// enough. Send each with Encode and Decode, then Join the answers.
func (d *Dialect) Split(req ocpp.Request) []ocpp.Request {
	switch r := req.(type) {
	case *ocpp.SetVariablesRequest:
		return splitVariables(r)
	case *ocpp.GetInstalledCertificateIdsRequest:
		return splitCertificateIds(r)
	}
	return d.at.split(req)
}

func splitVariables(r *ocpp.SetVariablesRequest) []ocpp.Request {
	if len(r.SetVariableData) < 2 {
		return nil
	}
	out := make([]ocpp.Request, len(r.SetVariableData))
	for i := range r.SetVariableData {
		out[i] = &ocpp.SetVariablesRequest{SetVariableData: r.SetVariableData[i : i+1]}
	}
	return out
}

// splitCertificateIds asks for one type at a time; no type means all, which
// in 1.6 are two.
func splitCertificateIds(r *ocpp.GetInstalledCertificateIdsRequest) []ocpp.Request {
	types := r.CertificateType
	if len(types) == 0 {
		types = []ocpp.GetCertificateIdUseEnum{ocpp.GetCertificateIdUseEnumCSMSRootCertificate, ocpp.GetCertificateIdUseEnumManufacturerRootCertificate}
	}
	if len(types) < 2 {
		return nil
	}
	out := make([]ocpp.Request, len(types))
	for i := range types {
		out[i] = &ocpp.GetInstalledCertificateIdsRequest{CertificateType: types[i : i+1]}
	}
	return out
}

// Join puts the answers to the parts of Split together.
func (d *Dialect) Join(parts []ocpp.Response) ocpp.Response {
	set := &ocpp.SetVariablesResponse{}
	var found *ocpp.GetInstalledCertificateIdsResponse
	for _, p := range parts {
		switch r := p.(type) {
		case *ocpp.SetVariablesResponse:
			set.SetVariableResult = append(set.SetVariableResult, r.SetVariableResult...)
		case *ocpp.GetInstalledCertificateIdsResponse:
			if found == nil {
				found = &ocpp.GetInstalledCertificateIdsResponse{Status: ocpp.GetInstalledCertificateStatusEnumNotFound}
			}
			found.CertificateHashDataChain = append(found.CertificateHashDataChain, r.CertificateHashDataChain...)
			if r.Status == ocpp.GetInstalledCertificateStatusEnumAccepted {
				found.Status = r.Status
			}
		}
	}
	switch {
	case found != nil:
		return found
	case len(set.SetVariableResult) > 0 || len(parts) == 0:
		return set
	}
	return joined(parts)
}

// info says why a station refused, where 1.6 has a status and 2.x a reason.
func info(text string) *ocpp.StatusInfo {
	return &ocpp.StatusInfo{ReasonCode: "UnsupportedRequest", AdditionalInfo: text}
}

func unsupported(format string, args ...any) error {
	return fault.New(fault.Unsupported, "ocpp.version", format, args...)
}
