package pki

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"strings"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// ocspRequest makes the request about a certificate named by hash data.
func ocspRequest(d ocpp.CertificateHashData) (*ocsp.Request, error) {
	h, ok := hashes[ocpp.HashAlgorithmEnum(strings.ToUpper(string(d.HashAlgorithm)))]
	if !ok {
		return nil, fault.New(fault.Invalid, "pki.hash_algorithm", "%q is not a hash algorithm of OCPP; allowed: SHA256, SHA384, SHA512", clip(string(d.HashAlgorithm), 20))
	}
	name, nameErr := hex.DecodeString(strings.TrimSpace(d.IssuerNameHash))
	key, keyErr := hex.DecodeString(strings.TrimSpace(d.IssuerKeyHash))
	serial, ok := parseSerial(d.SerialNumber)
	if nameErr != nil || keyErr != nil || !ok || len(name) != h.Size() || len(key) != h.Size() {
		return nil, fault.New(fault.Invalid, "pki.hash_data", "the hash data is not hexadecimal, or not of the length of %s", d.HashAlgorithm)
	}
	return &ocsp.Request{HashAlgorithm: h, IssuerNameHash: name, IssuerKeyHash: key, SerialNumber: serial}, nil
}

// ask gives what a responder says of a certificate: the answer as it came,
// and read. Answers are kept until they are old. issuer may be nil: then only
// a signature by the certificate in the answer is checked.
func (s *Service) ask(ctx context.Context, d ocpp.CertificateHashData, responder string, issuer *x509.Certificate) ([]byte, *ocsp.Response, error) {
	req, err := ocspRequest(d)
	if err != nil {
		return nil, nil, err
	}
	now := s.d.DB.Now()
	// What we signed ourselves we know, whatever way leads here from outside.
	own, err := s.statusOf(ctx, req)
	if err == nil {
		r, err := readAnswer(own, req, nil, now)
		return own, r, err
	}
	if !fault.Is(err, fault.NotFound) {
		return nil, nil, err
	}
	der, err := req.Marshal()
	if err != nil {
		return nil, nil, err
	}
	key := "ocsp " + responder + " " + string(der)
	if body, ok := s.cache.get(key, now); ok {
		r, err := readAnswer(body, req, issuer, now)
		return body, r, err
	}
	body, err := s.fetch(ctx, "POST", responder, "application/ocsp-request", bytes.NewReader(der), maxAnswer)
	if err != nil {
		return nil, nil, err
	}
	r, err := readAnswer(body, req, issuer, now)
	if err != nil {
		return nil, nil, err
	}
	s.cache.put(key, body, now, r.NextUpdate)
	return body, r, nil
}

// readAnswer checks that an answer is about what was asked, and current.
func readAnswer(body []byte, req *ocsp.Request, issuer *x509.Certificate, now time.Time) (*ocsp.Response, error) {
	r, err := ocsp.ParseResponseForCert(body, &x509.Certificate{SerialNumber: req.SerialNumber}, issuer)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "pki.ocsp", "the responder gave no usable answer: %v", err)
	}
	const skew = 5 * time.Minute
	if r.ThisUpdate.After(now.Add(skew)) || !r.NextUpdate.IsZero() && r.NextUpdate.Before(now.Add(-skew)) {
		return nil, fault.New(fault.Unavailable, "pki.ocsp", "the answer of the responder is out of date: %s to %s", r.ThisUpdate.UTC().Format(time.RFC3339), r.NextUpdate.UTC().Format(time.RFC3339))
	}
	return r, nil
}

func hashDataOf(d ocpp.OCSPRequestData) ocpp.CertificateHashData {
	return ocpp.CertificateHashData{HashAlgorithm: d.HashAlgorithm, IssuerNameHash: d.IssuerNameHash, IssuerKeyHash: d.IssuerKeyHash, SerialNumber: d.SerialNumber}
}

// longestAnswer is what GetCertificateStatusResponse.ocspResult can hold.
func longestAnswer(v ocpp.Version) int {
	if v == ocpp.V21 {
		return 18_000
	}
	return 5_500
}

// GetCertificateStatus asks a responder about a certificate for the station,
// which may not reach it itself (use case M06).
func (s *Service) GetCertificateStatus(ctx context.Context, p ocpp.Peer, r *ocpp.GetCertificateStatusRequest) (*ocpp.GetCertificateStatusResponse, error) {
	body, _, err := s.ask(ctx, hashDataOf(r.OcspRequestData), r.OcspRequestData.ResponderURL, nil)
	text := base64.StdEncoding.EncodeToString(body) // OCPP 2.0.1 M06.FR.09
	if err == nil && len(text) > longestAnswer(p.Version) {
		err = fault.New(fault.Unsupported, "pki.ocsp_size", "the responder's answer has %d characters, the message holds %d", len(text), longestAnswer(p.Version))
	}
	if err != nil {
		s.d.Log.Warn("the status of a certificate was not learned", "org", p.Org, "station", p.Station, "responder", clip(r.OcspRequestData.ResponderURL, 200), "why", err)
		// OCPP 2.0.1 M06.FR.04
		return &ocpp.GetCertificateStatusResponse{Status: ocpp.GetCertificateStatusEnumFailed, StatusInfo: failure(err)}, nil
	}
	return &ocpp.GetCertificateStatusResponse{Status: ocpp.GetCertificateStatusEnumAccepted, OcspResult: text}, nil
}

// failure is why something did not work, for a station's log.
func failure(err error) *ocpp.StatusInfo {
	code := "InternalError"
	if fault.Is(err, fault.Invalid) {
		code = "InvalidValue"
	}
	return &ocpp.StatusInfo{ReasonCode: code, AdditionalInfo: clip(messageOf(err), 400)}
}

// GetCertificateChainStatus asks responders or fetches revocation lists for
// each certificate (use case M07 of OCPP 2.1).
func (s *Service) GetCertificateChainStatus(ctx context.Context, p ocpp.Peer, r *ocpp.GetCertificateChainStatusRequest) (*ocpp.GetCertificateChainStatusResponse, error) {
	const most = 4 // of the schema; a list that is longer is cut
	out := &ocpp.GetCertificateChainStatusResponse{}
	for i, q := range r.CertificateStatusRequests {
		if i == most {
			break
		}
		status, next := s.chainStatus(ctx, p, q)
		out.CertificateStatus = append(out.CertificateStatus, ocpp.CertificateStatus{
			CertificateHashData: q.CertificateHashData, Source: q.Source, Status: status, NextUpdate: ocpp.AtTime(next),
		})
	}
	return out, nil
}

func (s *Service) chainStatus(ctx context.Context, p ocpp.Peer, q ocpp.CertificateStatusRequestInfo) (ocpp.CertificateStatusEnum, time.Time) {
	var last error
	for _, address := range q.Urls {
		status, next, err := s.statusFrom(ctx, q, address)
		if err == nil {
			if next.IsZero() {
				next = s.d.DB.Now().Add(ocspLife)
			}
			return status, next
		}
		last = err
	}
	s.d.Log.Warn("the status of a certificate was not learned", "org", p.Org, "station", p.Station, "why", last)
	return ocpp.CertificateStatusEnumFailed, s.d.DB.Now() // OCPP 2.1 M07.FR.02, M07.FR.05
}

func (s *Service) statusFrom(ctx context.Context, q ocpp.CertificateStatusRequestInfo, address string) (ocpp.CertificateStatusEnum, time.Time, error) {
	if q.Source == ocpp.CertificateStatusSourceEnumCRL {
		list, err := s.crl(ctx, address)
		if err != nil {
			return "", time.Time{}, err
		}
		serial, ok := parseSerial(q.CertificateHashData.SerialNumber)
		if !ok {
			return "", time.Time{}, fault.New(fault.Invalid, "pki.hash_data", "the serial number is not hexadecimal")
		}
		for _, e := range list.RevokedCertificateEntries {
			if e.SerialNumber.Cmp(serial) == 0 {
				return ocpp.CertificateStatusEnumRevoked, list.NextUpdate, nil // OCPP 2.1 M07.FR.06
			}
		}
		return ocpp.CertificateStatusEnumGood, list.NextUpdate, nil // OCPP 2.1 M07.FR.07
	}
	_, r, err := s.ask(ctx, q.CertificateHashData, address, nil)
	if err != nil {
		return "", time.Time{}, err
	}
	return map[int]ocpp.CertificateStatusEnum{
		ocsp.Good: ocpp.CertificateStatusEnumGood, ocsp.Revoked: ocpp.CertificateStatusEnumRevoked, ocsp.Unknown: ocpp.CertificateStatusEnumUnknown,
	}[r.Status], r.NextUpdate, nil // OCPP 2.1 M07.FR.03
}

// crl fetches a revocation list, DER or PEM.
func (s *Service) crl(ctx context.Context, address string) (*x509.RevocationList, error) {
	now := s.d.DB.Now()
	body, ok := s.cache.get("crl "+address, now)
	if !ok {
		var err error
		if body, err = s.fetch(ctx, "GET", address, "", nil, maxCRL); err != nil {
			return nil, err
		}
	}
	der := body
	if b, _ := pem.Decode(body); b != nil {
		der = b.Bytes
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "pki.crl", "%s gave no revocation list: %v", clip(address, 100), err)
	}
	if !list.NextUpdate.IsZero() && list.NextUpdate.Before(now) {
		return nil, fault.New(fault.Unavailable, "pki.crl", "the revocation list at %s is out of date since %s", clip(address, 100), list.NextUpdate.UTC().Format(time.RFC3339))
	}
	if !ok {
		s.cache.put("crl "+address, body, now, list.NextUpdate)
	}
	return list, nil
}
