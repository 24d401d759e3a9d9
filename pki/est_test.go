package pki

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// estServer is an authority that signs what it is sent, over EST. Its answer
// may be set in place.
type estServer struct {
	*httptest.Server
	root, sub ca
	answer    atomic.Int64 // a status in place of signing
	calls     atomic.Int64
}

func newESTServer(t *testing.T) *estServer {
	t.Helper()
	e := &estServer{root: selfSigned(t, "EST Root", t0)}
	e.sub = signed(t, "EST Sub", &e.root, t0, func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true })
	e.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { e.serve(t, w, r) }))
	t.Cleanup(e.Close)
	return e
}

func (e *estServer) serve(t *testing.T, w http.ResponseWriter, r *http.Request) {
	e.calls.Add(1)
	if user, password, _ := r.BasicAuth(); user != "forecourt" || password != "est" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if status := e.answer.Load(); status != 0 {
		w.Header().Set("Retry-After", "60")
		http.Error(w, "no", int(status))
		return
	}
	switch r.URL.Path {
	case "/.well-known/est/cacerts":
		certsOnly(t, w, e.root.cert, e.sub.cert)
	case "/.well-known/est/simpleenroll":
		text, _ := io.ReadAll(r.Body)
		der, err := base64.StdEncoding.DecodeString(string(text))
		csr, err2 := x509.ParseCertificateRequest(der)
		if err != nil || err2 != nil || csr.CheckSignature() != nil || r.Header.Get("Content-Type") != "application/pkcs10" {
			http.Error(w, "not a request", http.StatusBadRequest)
			return
		}
		serial, _ := newSerial()
		c, err := create(&x509.Certificate{SerialNumber: serial, Subject: csr.Subject, NotBefore: t0, NotAfter: t0.Add(90 * 24 * time.Hour)}, e.sub.cert, csr.PublicKey, e.sub.key)
		if err != nil {
			t.Error(err)
			return
		}
		certsOnly(t, w, c)
	default:
		http.NotFound(w, r)
	}
}

// certsOnly writes a PKCS #7 list of certificates, in lines as servers do.
func certsOnly(t *testing.T, w http.ResponseWriter, certs ...*x509.Certificate) {
	text := base64.StdEncoding.EncodeToString(pkcs7(t, certs...))
	w.Header().Set("Content-Type", "application/pkcs7-mime; smime-type=certs-only")
	for len(text) > 64 {
		io.WriteString(w, text[:64]+"\r\n")
		text = text[64:]
	}
	io.WriteString(w, text)
}

func pkcs7(t testing.TB, certs ...*x509.Certificate) []byte {
	t.Helper()
	var raw []byte
	for _, c := range certs {
		raw = append(raw, c.Raw...)
	}
	wrap := func(class, tag int, body []byte) asn1.RawValue {
		return asn1.RawValue{Class: class, Tag: tag, IsCompound: true, Bytes: body}
	}
	marshal := func(v any) []byte {
		b, err := asn1.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var body []byte
	body = append(body, marshal(1)...)
	body = append(body, marshal(wrap(asn1.ClassUniversal, asn1.TagSet, nil))...)
	body = append(body, marshal(wrap(asn1.ClassUniversal, asn1.TagSequence, marshal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1})))...)
	body = append(body, marshal(wrap(asn1.ClassContextSpecific, 0, raw))...)
	body = append(body, marshal(wrap(asn1.ClassUniversal, asn1.TagSet, nil))...)
	signed := marshal(wrap(asn1.ClassUniversal, asn1.TagSequence, body))
	outer := append(marshal(oidSignedData), marshal(wrap(asn1.ClassContextSpecific, 0, signed))...)
	return marshal(wrap(asn1.ClassUniversal, asn1.TagSequence, outer))
}

func (e *estServer) client(t *testing.T, password string) *EST {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: e.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := NewEST(ESTConfig{URL: e.URL, User: "forecourt", Password: password, CAFile: file})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestExternalAuthoritySigns(t *testing.T) {
	server := newESTServer(t)
	external := server.client(t, "est")
	each(t, func(d *Deps) { d.External = external }, func(t *testing.T, h *house) {
		server.answer.Store(0)
		chain := h.certified(ecKey(t))
		if len(chain) != 2 || chain[0].CheckSignatureFrom(server.sub.cert) != nil || !chain[1].Equal(server.sub.cert) {
			t.Fatalf("the chain is not the external authority's: %d", len(chain))
		}
		h.identifies(chain[0], "")
		if list := h.requests(); list[0].Status != Done {
			t.Errorf("the request is %+v", list[0])
		}
	})
}

func TestExternalAuthorityThatFailsIsAskedAgainAndExplained(t *testing.T) {
	server := newESTServer(t)
	external := server.client(t, "est")
	each(t, func(d *Deps) { d.External = external }, func(t *testing.T, h *house) {
		server.answer.Store(http.StatusServiceUnavailable)
		h.asks(csr(t, ecKey(t), "SN-1", "North"), "")
		h.settle()
		list := h.requests()
		if len(list) != 1 || list[0].Status != Queued || !strings.Contains(list[0].Detail, "503") {
			t.Fatalf("while the authority is down the request is %+v", list)
		}
		server.answer.Store(0)
		h.clock.Advance(time.Hour)
		h.settle()
		if list = h.requests(); list[0].Status != Done {
			t.Errorf("after it came back the request is %+v", list[0])
		}
		server.answer.Store(http.StatusBadRequest)
		h.asks(csr(t, ecKey(t), "SN-1", "North"), "")
		h.settle()
		if list = h.requests(); list[len(list)-1].Status != Failed {
			t.Errorf("after a refusal the request is %+v", list[len(list)-1])
		}
		server.answer.Store(0)
	})
}

func TestWrongCredentialsAndAddressesOfTheExternalAuthority(t *testing.T) {
	server := newESTServer(t)
	order := Order{Request: mustCSR(t, csr(t, ecKey(t), "CS-1", "North"))}
	if _, err := server.client(t, "wrong").Sign(t.Context(), order); codeOf(err) != "pki.est_credentials" {
		t.Errorf("a wrong password gives %v", err)
	}
	server.answer.Store(http.StatusAccepted)
	if _, err := server.client(t, "est").Sign(t.Context(), order); codeOf(err) != "pki.est_pending" {
		t.Errorf("an answer that is to come gives %v", err)
	}
	if _, err := NewEST(ESTConfig{URL: "http://est.example.org"}); codeOf(err) != "pki.est_url" {
		t.Errorf("without TLS: %v", err)
	}
	if _, err := NewEST(ESTConfig{URL: "https://est.example.org", CAFile: "/none"}); codeOf(err) != "pki.est_ca" {
		t.Errorf("without its roots: %v", err)
	}
	away, err := NewEST(ESTConfig{URL: "https://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := away.Sign(t.Context(), order); codeOf(err) != "pki.est" || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("nobody there gives %v", err)
	}
}
