package v16

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Plug & Charge over 1.6: the messages of 2.0.1 that 1.6 lacks travel as JSON
// text in DataTransfer, as the Open Charge Alliance's application note "Using
// ISO 15118 Plug & Charge with OCPP 1.6" has it.
const pncVendor = "org.openchargealliance.iso15118pnc"

// pncFromStation are the messages that a station may send this way.
var pncFromStation = []string{"Authorize", "Get15118EVCertificate", "GetCertificateStatus", "SignCertificate"}

// plugAndCharge serves a DataTransfer of that vendor; the platform's rooms see
// the neutral message.
func plugAndCharge(ctx context.Context, c *call, r *DataTransferRequest) (ocpp.Response, error) {
	i := slices.IndexFunc(pncFromStation, func(name string) bool { return strings.EqualFold(name, r.MessageID) })
	if i < 0 {
		return &DataTransferResponse{Status: DataTransferStatusEnumUnknownMessageId}, nil
	}
	action := pncFromStation[i]
	req, err := readPnC(ctx, c, action, r.Data)
	if err != nil {
		c.deviation(ctx, "plug_and_charge", action+": "+err.Error())
		return &DataTransferResponse{Status: DataTransferStatusEnumRejected}, nil
	}
	resp, err := ocpp.Dispatch(ctx, c.csms, c.peer, req)
	if err != nil {
		return nil, err
	}
	out, err := ocpp.Write(resp)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "ocpp.reply", "the answer is not valid")
	}
	return &DataTransferResponse{Status: DataTransferStatusEnumAccepted, Data: string(out)}, nil
}

// readPnC reads the text of such a message. What 1.6 stations write shorter
// than 2.0.1 is filled in: an idToken that is only text is an eMAID, and what
// is to be signed is a certificate for cars.
func readPnC(ctx context.Context, c *call, action, data string) (ocpp.Request, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(data), &fields); err != nil {
		return nil, fault.New(fault.Invalid, "ocpp.pnc", "the data is no JSON object: %v", err)
	}
	if fields == nil { // the JSON is null
		return nil, fault.New(fault.Invalid, "ocpp.pnc", "the data is no JSON object")
	}
	switch action {
	case "Authorize":
		var text string
		if json.Unmarshal(fields["idToken"], &text) == nil && text != "" {
			fields["idToken"], _ = json.Marshal(map[string]string{"idToken": text, "type": "eMAID"}) // two texts
		}
	case "SignCertificate":
		if _, ok := fields["certificateType"]; !ok {
			fields["certificateType"], _ = json.Marshal(ocpp.CertificateSigningUseEnumV2GCertificate) // a text
		}
	}
	payload, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	entry := ocpp.Messages.Find(action)
	req := entry.NewRequest()
	problems, err := ocpp.Read(entry.Request, payload, req)
	if err != nil {
		return nil, err
	}
	ocpp.Report(ctx, c.csms, c.peer, "DataTransfer", problems)
	needed := map[string]string{"Authorize": "idToken.idToken", "Get15118EVCertificate": "exiRequest", "GetCertificateStatus": "ocspRequestData", "SignCertificate": "csr"}
	return req, ocpp.Require(problems, needed[action])
}

// orPnC is a command that travels as Plug & Charge DataTransfer where 1.6
// itself cannot say it.
func orPnC(cmd command) command {
	return command{
		encode: func(req ocpp.Request) (ocpp.Request, error) {
			if !forCars(req) {
				return cmd.encode(req)
			}
			payload, err := ocpp.Write(withoutNote(req))
			return &DataTransferRequest{VendorID: pncVendor, MessageID: req.Action(), Data: string(payload)}, err
		},
		decode: func(req ocpp.Request, resp ocpp.Response) ocpp.Response {
			if s, ok := resp.(*DataTransferResponse); ok {
				return fromPnC(req, s)
			}
			return cmd.decode(req, resp)
		},
	}
}

// forCars reports whether a request is about certificates of Plug & Charge.
func forCars(req ocpp.Request) bool {
	switch r := req.(type) {
	case *ocpp.CertificateSignedRequest:
		return r.CertificateType == ocpp.CertificateSigningUseEnumV2GCertificate
	case *ocpp.InstallCertificateRequest:
		return r.CertificateType == ocpp.InstallCertificateUseEnumV2GRootCertificate || r.CertificateType == ocpp.InstallCertificateUseEnumMORootCertificate
	case *ocpp.GetInstalledCertificateIdsRequest:
		return len(r.CertificateType) > 0 && !slices.ContainsFunc(r.CertificateType, func(t ocpp.GetCertificateIdUseEnum) bool {
			return t != ocpp.GetCertificateIdUseEnumV2GRootCertificate && t != ocpp.GetCertificateIdUseEnumMORootCertificate && t != ocpp.GetCertificateIdUseEnumV2GCertificateChain
		})
	case *ocpp.TriggerMessageRequest:
		return r.RequestedMessage == ocpp.MessageTriggerEnumSignV2GCertificate
	case *ocpp.DeleteCertificateRequest:
		var note struct {
			VendorID string `json:"vendorId"`
		}
		return json.Unmarshal(r.CustomData, &note) == nil && note.VendorID == pncVendor
	}
	return false
}

// withoutNote drops what told that a deletion goes this way.
func withoutNote(req ocpp.Request) ocpp.Request {
	if r, ok := req.(*ocpp.DeleteCertificateRequest); ok {
		return &ocpp.DeleteCertificateRequest{CertificateHashData: r.CertificateHashData}
	}
	return req
}

// fromPnC reads the station's answer. A station that does not know the vendor
// or the message has refused.
func fromPnC(req ocpp.Request, s *DataTransferResponse) ocpp.Response {
	action := req.Action()
	if s.Status == DataTransferStatusEnumAccepted {
		entry := ocpp.Messages.Find(action)
		out := entry.NewResponse()
		if err := ocpp.ReadReply(action, entry.Response, json.RawMessage(s.Data), out); err == nil {
			return out
		}
	}
	why := &ocpp.StatusInfo{ReasonCode: "UnsupportedRequest", AdditionalInfo: "DataTransfer " + pncVendor + ": " + string(s.Status)}
	switch action {
	case "CertificateSigned":
		return &ocpp.CertificateSignedResponse{Status: ocpp.CertificateSignedStatusEnumRejected, StatusInfo: why}
	case "InstallCertificate":
		return &ocpp.InstallCertificateResponse{Status: ocpp.InstallCertificateStatusEnumFailed, StatusInfo: why}
	case "DeleteCertificate":
		return &ocpp.DeleteCertificateResponse{Status: ocpp.DeleteCertificateStatusEnumFailed, StatusInfo: why}
	case "GetInstalledCertificateIds":
		return &ocpp.GetInstalledCertificateIdsResponse{Status: ocpp.GetInstalledCertificateStatusEnumNotFound, StatusInfo: why}
	}
	return &ocpp.TriggerMessageResponse{Status: ocpp.TriggerMessageStatusEnumNotImplemented, StatusInfo: why}
}

// signCertificate is the message of the security extension.
func signCertificate(ctx context.Context, c *call, r *SignCertificateRequest) (ocpp.Response, error) {
	out, err := c.csms.SignCertificate(ctx, c.peer, &ocpp.SignCertificateRequest{Csr: r.Csr, CertificateType: ocpp.CertificateSigningUseEnumChargingStationCertificate})
	if err != nil || out == nil {
		return nil, orNoAnswer(err)
	}
	return &SignCertificateResponse{Status: GenericStatusEnum(out.Status)}, nil
}
