package device

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// Customer names whose data a station is asked for, or to delete: one of the
// three (OCPP 2.0.1 N09.FR.04, N10).
type Customer struct {
	Identifier  string
	Token       *ocpp.IdToken
	Certificate *ocpp.CertificateHashData
}

// AskCustomerInformation asks a station what it knows of a customer, and with
// clear to forget it. What it tells is kept until it was read once.
func (s *Service) AskCustomerInformation(ctx context.Context, id station.ID, who Customer, report, clear bool) (Request, error) {
	named, subject := 0, ""
	if who.Identifier != "" {
		named, subject = named+1, "customer identifier"
	}
	if who.Token != nil {
		named, subject = named+1, "token"
	}
	if who.Certificate != nil {
		named, subject = named+1, "certificate "+who.Certificate.SerialNumber
	}
	switch {
	case named != 1: // OCPP 2.0.1 N09.FR.09
		return Request{}, fault.New(fault.Invalid, "device.customer", "Name the customer in one way.").With("body", "needs exactly one of customer_identifier, id_token and certificate", nil)
	case !report && !clear: // OCPP 2.0.1 N09.FR.07
		return Request{}, fault.New(fault.Invalid, "device.customer", "Nothing is asked.").With("body.report", "report or clear must be true", false)
	}
	if clear {
		subject += ", to be forgotten"
	}
	return s.askOf(ctx, id, Request{Kind: AskCustomer, Subject: subject}, func(n int) ocpp.Request {
		return &ocpp.CustomerInformationRequest{RequestID: n, Report: report, Clear: clear, CustomerIdentifier: who.Identifier, IdToken: who.Token, CustomerCertificate: who.Certificate}
	})
}

// RevealCustomerInformation gives what a station told of a customer, and
// deletes it: it is personal data, which no list or log may keep.
func (s *Service) RevealCustomerInformation(ctx context.Context, id station.ID, request int64) (data string, err error) {
	err = s.decide(ctx, id, "device.customer_information_read", map[string]identity.Change{"request": {nil, request}}, func(tx *db.Tx, o owner) error {
		r, err := requestOf(tx, o.station, AskCustomer, request)
		if err != nil {
			return err
		}
		switch r.Status {
		case Complete:
		case Shown:
			return fault.New(fault.NotFound, "device.customer_shown", "What the station told was read before, and is deleted.")
		default:
			return fault.New(fault.Conflict, "device.customer_open", "The station has not told everything yet (%s, %d parts).", r.Status, r.Parts)
		}
		parts, err := partsOf(tx, r)
		if err != nil {
			return err
		}
		if len(parts) == 0 {
			return fault.New(fault.NotFound, "device.customer_old", "Nobody read in time what the station told; it is deleted.")
		}
		var b strings.Builder
		for _, p := range parts {
			var text string
			if err := json.Unmarshal([]byte(p), &text); err != nil {
				return err
			}
			b.WriteString(text)
		}
		data, r.Status = b.String(), Shown
		if err := dropParts(tx, r); err != nil {
			return err
		}
		return saveRequest(tx, o, r)
	})
	return data, err
}
