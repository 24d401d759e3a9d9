package pki

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// messageOf is what to tell people of an error.
func messageOf(err error) string {
	if f := fault.Of(err); f != nil {
		return f.Message
	}
	var refused *ocpp.CallError
	if errors.As(err, &refused) {
		return strings.TrimSpace("the station answered " + string(refused.Code) + " " + refused.Description)
	}
	return err.Error()
}

// deliver hands a signed certificate to its station.
func (s *Service) deliver(ctx context.Context, r SigningRequest) error {
	var c Certificate
	err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		c, err = certificateByID(tx, r.Certificate)
		return err
	})
	if err != nil {
		return err
	}
	if c.Status == Revoked {
		return s.fail(ctx, r, "the certificate was revoked before the station had it")
	}
	chain, err := s.fitting(ctx, c)
	if err != nil {
		return s.refused(ctx, r, c, messageOf(err))
	}
	msg := &ocpp.CertificateSignedRequest{CertificateChain: chain, CertificateType: ocpp.CertificateSigningUseEnum(r.Type)} // OCPP 2.0.1 A02.FR.14
	if r.RequestID != nil {
		n := int(*r.RequestID)
		msg.RequestID = &n // OCPP 2.1 A02.FR.25
	}
	answer, err := s.d.Commander.Send(ctx, r.Station, msg)
	var no *ocpp.CallError
	if errors.As(err, &no) || fault.Is(err, fault.Unsupported) || fault.Is(err, fault.Invalid) {
		return s.refused(ctx, r, c, messageOf(err))
	}
	if err != nil {
		s.note(ctx, r, err)
		return err
	}
	res, ok := answer.(*ocpp.CertificateSignedResponse)
	if !ok || res.Status != ocpp.CertificateSignedStatusEnumAccepted {
		why := "the station rejected the certificate"
		if ok && res.StatusInfo != nil {
			why += ": " + res.StatusInfo.ReasonCode + " " + res.StatusInfo.AdditionalInfo
		}
		return s.refused(ctx, r, c, why) // OCPP 2.0.1 A02.FR.07
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		if _, err := setStatus(tx, c.ID, Delivered, Signed); err != nil {
			return err
		}
		if _, err := move(tx, r, Done, ""); err != nil || !isV2GOnly(r.Type) {
			return err
		}
		return s.replaceV2G(tx, c)
	})
}

// replaceV2G makes a certificate for cars the one in use: there is no
// connection to us that would tell (OCPP 2.0.1 A02.FR.15: the station uses
// the newest). The one before is left to end by itself, since the cars may
// still see it.
func (s *Service) replaceV2G(tx *db.Tx, c Certificate) error {
	if _, err := setStatus(tx, c.ID, Active, Delivered); err != nil {
		return err
	}
	return recordCertificate(tx, c, KindCertificateActive, "")
}

// refused ends a request whose certificate the station did not take.
func (s *Service) refused(ctx context.Context, r SigningRequest, c Certificate, why string) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		if _, err := setStatus(tx, c.ID, Refused, Signed); err != nil {
			return err
		}
		moved, err := move(tx, r, Failed, why)
		if err != nil || !moved {
			return err
		}
		r.Status, r.Detail = Failed, clip(why, 1000)
		return recordRequest(tx, r, KindRequestFailed)
	})
}

// settleRequest ends the request of a certificate that the station uses
// already: its answer to CertificateSigned was lost.
func (s *Service) settleRequest(tx *db.Tx, c Certificate) error {
	r, err := scanRequest(tx.QueryRow("SELECT "+requestColumns+" FROM pki_request WHERE certificate = $1", c.ID))
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil || r.Status != Delivering {
		return err
	}
	_, err = move(tx, r, Done, "")
	return err
}

// longestChain is what the message can hold.
const longestChain = 10_000

// fitting gives the chain as the station can take it (OCPP 2.0.1 A02.FR.16):
// without the certificates above when the whole is too long.
func (s *Service) fitting(ctx context.Context, c Certificate) (string, error) {
	most := longestChain
	if text, ok := s.variable(ctx, c.Station, "SecurityCtrlr", "MaxCertificateChainSize"); ok {
		if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil && n > 0 && n < most {
			most = n
		}
	}
	if len(c.Chain) <= most {
		return c.Chain, nil
	}
	certs, err := ParseCertificates(c.Chain)
	if err != nil {
		return "", err
	}
	if alone := encodePEM(certs[0]); len(alone) <= most {
		return alone, nil
	}
	return "", fault.New(fault.Invalid, "pki.chain_size", "the certificate has %d characters, the station takes %d (MaxCertificateChainSize)", len(encodePEM(certs[0])), most)
}
