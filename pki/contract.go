package pki

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// ContractProvider gives cars their contract certificates: a mobility
// operator or a certificate provisioning service.
type ContractProvider interface {
	// Contract answers the car's request, EXI in base64 as ISO 15118 has it;
	// remaining counts the contracts that can still be fetched, nil: not told.
	// An error becomes the status Failed.
	Contract(ctx context.Context, r *ocpp.Get15118EVCertificateRequest) (exiResponse string, remaining *int, err error)
}

// HTTPContracts is a ContractProvider over HTTP: it posts
//
//	{"iso15118_schema_version", "action", "exi_request", "maximum_contract_certificate_chains", "prioritized_emaids"}
//
// and expects 200 with {"exi_response", "remaining_contracts"}.
type HTTPContracts struct {
	URL    string
	Token  string // sent as Bearer; empty: none
	Client *http.Client
}

type contractAsk struct {
	SchemaVersion string   `json:"iso15118_schema_version"`
	Action        string   `json:"action"`
	EXIRequest    string   `json:"exi_request"`
	Chains        *int     `json:"maximum_contract_certificate_chains,omitempty"`
	EMAIDs        []string `json:"prioritized_emaids,omitempty"`
}

// Contract posts the request.
func (h HTTPContracts) Contract(ctx context.Context, r *ocpp.Get15118EVCertificateRequest) (string, *int, error) {
	body, err := json.Marshal(contractAsk{r.Iso15118SchemaVersion, string(r.ActionName), r.ExiRequest, r.MaximumContractCertificateChains, r.PrioritizedEMAIDs})
	if err != nil {
		return "", nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return "", nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if h.Token != "" {
		req.Header.Set("Authorization", "Bearer "+h.Token)
	}
	client := h.Client
	if client == nil {
		client = &http.Client{Timeout: 30 * time.Second}
	}
	res, err := client.Do(req)
	if err != nil {
		return "", nil, fault.Wrap(fault.Unavailable, err, "pki.contracts", "the provider of contract certificates cannot be reached")
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", nil, fault.New(fault.Unavailable, "pki.contracts", "the provider of contract certificates answered %s", res.Status)
	}
	var out struct {
		EXIResponse string `json:"exi_response"`
		Remaining   *int   `json:"remaining_contracts"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&out); err != nil {
		return "", nil, fault.Wrap(fault.Unavailable, err, "pki.contracts", "the answer of the provider of contract certificates cannot be read")
	}
	if out.EXIResponse == "" {
		return "", nil, fault.New(fault.Unavailable, "pki.contracts", "the provider of contract certificates gave no exi_response")
	}
	return out.EXIResponse, out.Remaining, nil
}

// Get15118EVCertificate passes a car's request for contract certificates on
// (use cases M01 and M02).
func (s *Service) Get15118EVCertificate(ctx context.Context, p ocpp.Peer, r *ocpp.Get15118EVCertificateRequest) (*ocpp.Get15118EVCertificateResponse, error) {
	err := error(fault.New(fault.Unsupported, "pki.no_contracts", "no provider of contract certificates is configured (--pki-contracts-url)"))
	if s.d.Contracts != nil {
		var exi string
		var remaining *int
		if exi, remaining, err = s.d.Contracts.Contract(ctx, r); err == nil {
			err = checkEXI(exi, p.Version)
		}
		if err == nil {
			return &ocpp.Get15118EVCertificateResponse{Status: ocpp.Iso15118EVCertificateStatusEnumAccepted, ExiResponse: exi, RemainingContracts: remaining}, nil
		}
	}
	s.d.Log.Warn("a car got no contract certificate", "org", p.Org, "station", p.Station, "why", err)
	return &ocpp.Get15118EVCertificateResponse{Status: ocpp.Iso15118EVCertificateStatusEnumFailed, StatusInfo: failure(err)}, nil
}

func checkEXI(exi string, v ocpp.Version) error {
	most := 5_600 // OCPP 2.0.1
	if v == ocpp.V21 {
		most = 17_000
	}
	if len(exi) > most {
		return fault.New(fault.Unsupported, "pki.exi_size", "the answer has %d characters, the message holds %d", len(exi), most)
	}
	return nil
}

// CheckContract says whether a contract certificate is good, for use case C07
// (Authorize with a contract of ISO 15118): chain is the PEM the station sent
// because it cannot check it itself, data names the certificates for
// revocation. Both may be empty: then there is nothing to say and the status
// is empty. It asks responders, within seconds, and never fails: what cannot
// be learned about revocation counts as good unless Config.RequireOCSP.
func (s *Service) CheckContract(ctx context.Context, p ocpp.Peer, token, chain string, data []ocpp.OCSPRequestData) ocpp.AuthorizeCertificateStatusEnum {
	if chain == "" && len(data) == 0 {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, 2*fetchTimeout)
	defer cancel()
	err := s.checkContract(ctx, p, token, chain, data)
	if err == nil {
		return ocpp.AuthorizeCertificateStatusEnumAccepted // OCPP 2.1 C07.FR.14
	}
	s.d.Log.Info("a contract certificate is not good", "org", p.Org, "station", p.Station, "why", err)
	if f := fault.Of(err); f != nil && f.Code == codeExpired {
		return ocpp.AuthorizeCertificateStatusEnumCertificateExpired // OCPP 2.1 C07.FR.15
	} else if f != nil && f.Code == codeRevoked {
		return ocpp.AuthorizeCertificateStatusEnumCertificateRevoked // OCPP 2.1 C07.FR.16
	}
	return ocpp.AuthorizeCertificateStatusEnumCertChainError // OCPP 2.1 C07.FR.17
}

const (
	codeExpired = "pki.contract_expired"
	codeRevoked = "pki.contract_revoked"
)

func (s *Service) checkContract(ctx context.Context, p ocpp.Peer, token, chain string, data []ocpp.OCSPRequestData) error {
	if chain != "" {
		certs, err := ParseCertificates(chain)
		if err != nil {
			return err
		}
		path, err := s.contractPath(ctx, p, token, certs)
		if err != nil {
			return err
		}
		if err := s.checkPath(ctx, path); err != nil {
			return err
		}
	}
	for _, d := range data {
		if err := s.checkOne(ctx, hashDataOf(d), d.ResponderURL, nil); err != nil {
			return err
		}
	}
	return nil
}

// contractPath verifies a contract's chain up to a root of a mobility
// operator or V2G root that holds for the station.
func (s *Service) contractPath(ctx context.Context, p ocpp.Peer, token string, certs []*x509.Certificate) ([]*x509.Certificate, error) {
	t, err := s.trusted(ctx)
	if err != nil {
		return nil, err
	}
	var roots []trustedRoot
	err = s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		roots, err = t.of(tx, Station{ID: p.Station, Org: p.Org, Site: p.Site}, signsContracts)
		return err
	})
	if err != nil {
		return nil, err
	}
	if name := certs[0].Subject.CommonName; !sameContract(name, token) {
		return nil, fault.New(fault.Invalid, "pki.contract_name", "the contract certificate is for %q, the token is another one", clip(name, 40))
	}
	now := s.d.DB.Now()
	paths, err := verifyAt(certs[0], certs[1:], x509.VerifyOptions{Roots: poolOf(roots), CurrentTime: now})
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason == x509.Expired || err != nil && now.After(certs[0].NotAfter) {
		return nil, fault.New(fault.Invalid, codeExpired, "the contract certificate or one above it has ended")
	}
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "pki.contract_chain", "the contract certificate leads to no root that is trusted here: %v", err)
	}
	return paths[0], nil
}

// sameContract compares the name in a contract certificate with the token: an
// e-mobility account identifier with or without hyphens and check digit.
func sameContract(name, token string) bool {
	const bare = 14 // without check digit
	plain := func(s string) string {
		s = strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(s), "-", ""))
		return s[:min(len(s), bare)]
	}
	return token == "" || name != "" && plain(name) == plain(token)
}

func (s *Service) checkPath(ctx context.Context, path []*x509.Certificate) error {
	for i, c := range path[:len(path)-1] {
		if len(c.OCSPServer) == 0 {
			continue
		}
		d, err := HashData(c, path[i+1], ocpp.HashAlgorithmEnumSHA256)
		if err != nil {
			return err
		}
		if err := s.checkOne(ctx, d, c.OCSPServer[0], path[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// checkOne refuses a certificate that its responder calls revoked.
func (s *Service) checkOne(ctx context.Context, d ocpp.CertificateHashData, responder string, issuer *x509.Certificate) error {
	_, r, err := s.ask(ctx, d, responder, issuer)
	if fault.Is(err, fault.Invalid) {
		return err
	}
	if err != nil || r.Status == ocsp.Unknown {
		why := fmt.Sprint(err)
		if err == nil {
			why = "the responder does not know the certificate"
		}
		if s.d.RequireOCSP {
			return fault.New(fault.Unavailable, "pki.contract_unchecked", "the revocation of certificate %s is not known: %s", clip(d.SerialNumber, 40), why)
		}
		// The driver is not to suffer for a responder that is down; the
		// contract itself is decided by its token.
		s.d.Log.Warn("the revocation of a contract certificate is not known", "serial", clip(d.SerialNumber, 40), "why", why)
		return nil
	}
	if r.Status == ocsp.Revoked {
		return fault.New(fault.Invalid, codeRevoked, "certificate %s was revoked at %s", clip(d.SerialNumber, 40), r.RevokedAt.UTC().Format(time.RFC3339))
	}
	return nil
}
