package pki

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// responder answers about certificates of an authority of others.
type responder struct {
	*httptest.Server
	ca      ca
	now     func() time.Time
	revoked atomic.Pointer[big.Int]
	calls   atomic.Int64
	down    atomic.Bool
}

func newResponder(t *testing.T, by ca, now func() time.Time) *responder {
	t.Helper()
	r := &responder{ca: by, now: now}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.calls.Add(1)
		if r.down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		at := r.now()
		if req.URL.Path == "/list.crl" {
			list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: at, NextUpdate: at.Add(time.Hour)}
			if n := r.revoked.Load(); n != nil {
				list.RevokedCertificateEntries = []x509.RevocationListEntry{{SerialNumber: n, RevocationTime: at}}
			}
			der, err := x509.CreateRevocationList(rand.Reader, list, by.cert, by.key)
			if err != nil {
				t.Error(err)
			}
			w.Write(der)
			return
		}
		body, _ := io.ReadAll(req.Body)
		ask, err := ocsp.ParseRequest(body)
		if err != nil {
			w.Write(ocsp.MalformedRequestErrorResponse)
			return
		}
		out := ocsp.Response{Status: ocsp.Good, SerialNumber: ask.SerialNumber, ThisUpdate: at, NextUpdate: at.Add(time.Hour), IssuerHash: ask.HashAlgorithm}
		if n := r.revoked.Load(); n != nil && n.Cmp(ask.SerialNumber) == 0 {
			out.Status, out.RevokedAt = ocsp.Revoked, at
		}
		der, err := ocsp.CreateResponse(by.cert, by.cert, out, by.key)
		if err != nil {
			t.Error(err)
		}
		w.Write(der)
	}))
	t.Cleanup(r.Close)
	return r
}

func TestStatusOfACertificateIsAskedForTheStationAndKept(t *testing.T) {
	each(t, func(d *Deps) { d.AllowPrivate = true }, func(t *testing.T, h *house) {
		root := selfSigned(t, "V2G Root", t0)
		leaf := signed(t, "SECC", &root, t0, nil)
		r := newResponder(t, root, h.clock.Now)
		d, err := HashData(leaf.cert, root.cert, ocpp.HashAlgorithmEnumSHA384)
		h.must(err)
		ask := func(url string) *ocpp.GetCertificateStatusResponse {
			out, err := h.GetCertificateStatus(t.Context(), h.peer(), &ocpp.GetCertificateStatusRequest{OcspRequestData: ocpp.OCSPRequestData{
				HashAlgorithm: d.HashAlgorithm, IssuerNameHash: d.IssuerNameHash, IssuerKeyHash: d.IssuerKeyHash, SerialNumber: d.SerialNumber, ResponderURL: url,
			}})
			h.must(err)
			if problems := out.Validate(); len(problems) > 0 {
				t.Errorf("the answer is not valid: %v", problems)
			}
			return out
		}
		for range 3 {
			out := ask(r.URL)
			body, err := base64.StdEncoding.DecodeString(out.OcspResult)
			h.must(err)
			if got, err := ocsp.ParseResponseForCert(body, leaf.cert, root.cert); err != nil || got.Status != ocsp.Good || out.Status != ocpp.GetCertificateStatusEnumAccepted {
				t.Fatalf("answered %+v, %v", out, err)
			}
		}
		if n := r.calls.Load(); n != 1 {
			t.Errorf("the responder was asked %d times, want once", n)
		}
		h.clock.Advance(2 * time.Hour)
		r.down.Store(true)
		for _, url := range []string{r.URL, "ftp://127.0.0.1/", "not a URL", ""} {
			if out := ask(url); out.Status != ocpp.GetCertificateStatusEnumFailed || out.OcspResult != "" {
				t.Errorf("%q: answered %+v", url, out)
			}
		}
		r.down.Store(false)
		chain := &ocpp.GetCertificateChainStatusRequest{CertificateStatusRequests: []ocpp.CertificateStatusRequestInfo{
			{CertificateHashData: d, Source: ocpp.CertificateStatusSourceEnumOCSP, Urls: []string{"ftp://x/", r.URL}},
			{CertificateHashData: d, Source: ocpp.CertificateStatusSourceEnumCRL, Urls: []string{r.URL + "/list.crl"}},
			{CertificateHashData: d, Source: ocpp.CertificateStatusSourceEnumCRL, Urls: []string{r.URL + "/none"}},
		}}
		h.chain(chain, ocpp.CertificateStatusEnumGood, ocpp.CertificateStatusEnumGood, ocpp.CertificateStatusEnumFailed)
		r.revoked.Store(leaf.cert.SerialNumber)
		h.clock.Advance(2 * time.Hour)
		h.chain(chain, ocpp.CertificateStatusEnumRevoked, ocpp.CertificateStatusEnumRevoked, ocpp.CertificateStatusEnumFailed)
	})
}

func (h *house) chain(r *ocpp.GetCertificateChainStatusRequest, want ...ocpp.CertificateStatusEnum) {
	h.t.Helper()
	out, err := h.GetCertificateChainStatus(h.t.Context(), h.peer(), r)
	h.must(err)
	if problems := out.Validate(); len(problems) > 0 {
		h.t.Errorf("the answer is not valid: %v", problems)
	}
	for i, s := range out.CertificateStatus {
		if s.Status != want[i] {
			h.t.Errorf("certificate %d is %s, want %s", i, s.Status, want[i])
		}
	}
}

func TestPrivateNetworksAreNotAskedUnlessAllowed(t *testing.T) {
	for address, good := range map[string]bool{
		"93.184.216.34:80": true, "[2606:4700::1111]:443": true,
		"127.0.0.1:80": false, "10.1.2.3:80": false, "192.168.0.1:80": false, "172.16.5.5:80": false, "169.254.169.254:80": false, "100.64.0.1:80": false,
		"0.0.0.0:80": false, "[::1]:80": false, "[fe80::1]:80": false, "[fd00::1]:80": false, "[::ffff:127.0.0.1]:80": false, "224.0.0.1:80": false, "[64:ff9b::7f00:1]:80": false,
	} {
		if err := publicOnly(address); (err == nil) != good {
			t.Errorf("%s: %v", address, err)
		}
	}
	each(t, nil, func(t *testing.T, h *house) {
		root := selfSigned(t, "Root", t0)
		r := newResponder(t, root, h.clock.Now)
		d, err := HashData(root.cert, root.cert, ocpp.HashAlgorithmEnumSHA256)
		h.must(err)
		if _, _, err := h.ask(t.Context(), d, r.URL, nil); codeOf(err) != "pki.unreachable" || r.calls.Load() != 0 {
			t.Errorf("a private address was asked: %v", err)
		}
	})
}

func TestContractIsChecked(t *testing.T) {
	each(t, func(d *Deps) { d.AllowPrivate = true }, func(t *testing.T, h *house) {
		root := selfSigned(t, "MO Root", t0)
		sub := signed(t, "MO Sub", &root, t0, func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true })
		r := newResponder(t, sub, h.clock.Now)
		contract := signed(t, "DE-ABC-C12345678-9", &sub, t0, func(c *x509.Certificate) { c.OCSPServer = []string{r.URL} })
		chain := encodePEM(contract.cert, sub.cert)
		d, err := HashData(contract.cert, sub.cert, ocpp.HashAlgorithmEnumSHA256)
		h.must(err)
		data := []ocpp.OCSPRequestData{{HashAlgorithm: d.HashAlgorithm, IssuerNameHash: d.IssuerNameHash, IssuerKeyHash: d.IssuerKeyHash, SerialNumber: d.SerialNumber, ResponderURL: r.URL}}
		check := func(want ocpp.AuthorizeCertificateStatusEnum, token, chain string, data []ocpp.OCSPRequestData) {
			t.Helper()
			if got := h.CheckContract(t.Context(), h.peer(), token, chain, data); got != want {
				t.Errorf("the contract is %q, want %q", got, want)
			}
		}
		const token = "DEABCC12345678"
		check("", token, "", nil)
		check(ocpp.AuthorizeCertificateStatusEnumCertChainError, token, chain, nil) // its root is not known
		h.addRoot(root.cert, purposeMO, "")
		check(ocpp.AuthorizeCertificateStatusEnumAccepted, token, chain, nil)
		check(ocpp.AuthorizeCertificateStatusEnumAccepted, token, "", data)
		check(ocpp.AuthorizeCertificateStatusEnumCertChainError, "DEABCC99999999", chain, nil)
		check(ocpp.AuthorizeCertificateStatusEnumCertChainError, token, "garbage", nil)
		r.down.Store(true)
		h.clock.Advance(2 * time.Hour)
		check(ocpp.AuthorizeCertificateStatusEnumAccepted, token, chain, data) // the driver does not suffer
		h.d.RequireOCSP = true
		check(ocpp.AuthorizeCertificateStatusEnumCertChainError, token, chain, data)
		r.down.Store(false)
		r.revoked.Store(contract.cert.SerialNumber)
		check(ocpp.AuthorizeCertificateStatusEnumCertificateRevoked, token, chain, nil)
		check(ocpp.AuthorizeCertificateStatusEnumCertificateRevoked, token, "", data)
		h.clock.Advance(400 * 24 * time.Hour)
		check(ocpp.AuthorizeCertificateStatusEnumCertificateExpired, token, chain, nil)
	})
}

func TestContractCertificatesComeFromTheProvider(t *testing.T) {
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var ask map[string]any
		if err := json.NewDecoder(r.Body).Decode(&ask); err != nil || r.Header.Get("Authorization") != "Bearer secret" || ask["exi_request"] == "bad" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		json.NewEncoder(w).Encode(map[string]any{"exi_response": "answer to " + ask["exi_request"].(string), "remaining_contracts": 1})
	}))
	t.Cleanup(provider.Close)
	each(t, func(d *Deps) { d.Contracts = HTTPContracts{URL: provider.URL, Token: "secret"} }, func(t *testing.T, h *house) {
		ask := func(exi string) *ocpp.Get15118EVCertificateResponse {
			out, err := h.Get15118EVCertificate(t.Context(), h.peer(), &ocpp.Get15118EVCertificateRequest{Iso15118SchemaVersion: "urn:iso:15118:2:2013:MsgDef", ActionName: ocpp.CertificateActionEnumInstall, ExiRequest: exi})
			h.must(err)
			if problems := out.Validate(); len(problems) > 0 {
				t.Errorf("the answer is not valid: %v", problems)
			}
			return out
		}
		if out := ask("hello"); out.Status != ocpp.Iso15118EVCertificateStatusEnumAccepted || out.ExiResponse != "answer to hello" || out.RemainingContracts == nil {
			t.Errorf("answered %+v", out)
		}
		if out := ask("bad"); out.Status != ocpp.Iso15118EVCertificateStatusEnumFailed || out.ExiResponse != "" || out.StatusInfo == nil {
			t.Errorf("answered %+v", out)
		}
		h.d.Contracts = nil
		if out := ask("hello"); out.Status != ocpp.Iso15118EVCertificateStatusEnumFailed {
			t.Errorf("answered %+v", out)
		}
	})
}
