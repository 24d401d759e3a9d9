package pki

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// ESTConfig names an external authority that speaks EST (RFC 7030).
type ESTConfig struct {
	URL            string // https://host[:port][/.well-known/est/label]
	User, Password string // HTTP Basic; empty: none
	CertFile       string // client certificate and key, PEM; empty: none
	KeyFile        string
	CAFile         string // roots of its TLS certificate; empty: the system's
}

// EST is an external authority over EST: simpleenroll for each request, and
// cacerts for the certificates above.
type EST struct {
	base, user, password string
	client               *http.Client
}

const maxEST = 256 << 10

// NewEST makes the client of an external authority. It does not connect yet.
func NewEST(c ESTConfig) (*EST, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, fault.New(fault.Invalid, "pki.est_url", "the address of the EST server must be https://…, not %q", clip(c.URL, 200))
	}
	base := strings.TrimRight(c.URL, "/")
	if !strings.Contains(u.Path, "/.well-known/est") {
		base += "/.well-known/est" // RFC 7030 §3.2.2
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "pki.est_ca", "the roots of the EST server cannot be read: %v", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fault.New(fault.Invalid, "pki.est_ca", "%s holds no PEM certificate", c.CAFile)
		}
	}
	if c.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "pki.est_cert", "the client certificate for the EST server cannot be used: %v", err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return &EST{base: base, user: c.User, password: c.Password, client: &http.Client{
		Timeout:       30 * time.Second,
		Transport:     &http.Transport{TLSClientConfig: t, Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: 30 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // no password elsewhere
	}}, nil
}

// Name is the address, without what is secret.
func (e *EST) Name() string { return "est:" + strings.TrimPrefix(e.base, "https://") }

// Sign enrols the request, RFC 7030 §4.2.
func (e *EST) Sign(ctx context.Context, o Order) ([]*x509.Certificate, error) {
	body := base64.StdEncoding.EncodeToString(o.Request.Raw)
	got, err := e.ask(ctx, http.MethodPost, "/simpleenroll", "application/pkcs10", body)
	if err != nil {
		return nil, err
	}
	above, err := e.ask(ctx, http.MethodGet, "/cacerts", "", "")
	if err != nil {
		return nil, err
	}
	return order(got, above, o.Request.PublicKey)
}

// order puts the certificate for the key first and those that lead up from it
// behind, without the root.
func order(got, above []*x509.Certificate, key any) ([]*x509.Certificate, error) {
	want, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "pki.est", "the key of the request cannot be read")
	}
	var chain []*x509.Certificate
	for _, c := range got {
		if bytes.Equal(c.RawSubjectPublicKeyInfo, want) {
			chain = []*x509.Certificate{c}
		}
	}
	if chain == nil {
		return nil, fault.New(fault.Invalid, "pki.est", "the EST server gave no certificate for the key of the request")
	}
	all := append(append([]*x509.Certificate(nil), got...), above...)
	for len(chain) < maxCertificates {
		next := above1(chain[len(chain)-1], all)
		if next == nil || bytes.Equal(next.RawSubject, next.RawIssuer) {
			return chain, nil
		}
		chain = append(chain, next)
	}
	return chain, nil
}

func above1(c *x509.Certificate, all []*x509.Certificate) *x509.Certificate {
	for _, a := range all {
		if !a.Equal(c) && bytes.Equal(a.RawSubject, c.RawIssuer) && c.CheckSignatureFrom(a) == nil {
			return a
		}
	}
	return nil
}

func (e *EST) ask(ctx context.Context, method, path, kind, body string) ([]*x509.Certificate, error) {
	req, err := http.NewRequestWithContext(ctx, method, e.base+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
		req.Header.Set("Content-Transfer-Encoding", "base64")
	}
	req.Header.Set("Accept", "application/pkcs7-mime")
	if e.user != "" || e.password != "" {
		req.SetBasicAuth(e.user, e.password)
	}
	res, err := e.client.Do(req)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "pki.est", "the EST server %s cannot be reached: %v", e.Name(), err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxEST))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "pki.est", "the answer of the EST server %s broke off", e.Name())
	}
	if err := e.judge(res, path, text); err != nil {
		return nil, err
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil {
		der = text // some servers send it as it is
	}
	certs, err := parsePKCS7(der)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "pki.est", "the EST server %s answered %s with what is no PKCS #7 list of certificates: %v", e.Name(), path, err)
	}
	return certs, nil
}

// judge turns a status into a fault: what the operator can mend is worth
// another try, what the authority refused is not.
func (e *EST) judge(res *http.Response, path string, text []byte) error {
	why := strings.TrimSpace(clip(strings.ToValidUTF8(string(text), ""), 200))
	switch {
	case res.StatusCode == http.StatusOK:
		return nil
	case res.StatusCode == http.StatusAccepted: // RFC 7030 §4.2.3
		return fault.New(fault.Unavailable, "pki.est_pending", "the EST server %s wants to look at the request first; it is asked again (Retry-After: %s)", e.Name(), res.Header.Get("Retry-After"))
	case res.StatusCode == http.StatusUnauthorized, res.StatusCode == http.StatusForbidden:
		return fault.New(fault.Unavailable, "pki.est_credentials", "the EST server %s refuses our user, password or client certificate (%s)", e.Name(), res.Status)
	case res.StatusCode == http.StatusBadRequest && path == "/simpleenroll":
		return fault.New(fault.Invalid, "pki.est_refused", "the EST server %s refused the request: %s", e.Name(), why)
	}
	return fault.New(fault.Unavailable, "pki.est", "the EST server %s answered %s to %s: %s", e.Name(), res.Status, path, why)
}

var (
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidData       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
)

// contentInfo and signedData are the parts of PKCS #7 (RFC 5652) that carry
// certificates only, as EST has them.
type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,tag:0,optional"`
}

type signedData struct {
	Version      int
	Digests      []pkix.AlgorithmIdentifier `asn1:"set"`
	Inner        contentInfo
	Certificates asn1.RawValue   `asn1:"optional,tag:0"`
	CRLs         asn1.RawValue   `asn1:"optional,tag:1"`
	Signers      []asn1.RawValue `asn1:"set"`
}

func parsePKCS7(der []byte) ([]*x509.Certificate, error) {
	var outer contentInfo
	if _, err := asn1.Unmarshal(der, &outer); err != nil {
		return nil, err
	}
	if !outer.Type.Equal(oidSignedData) {
		return nil, fault.New(fault.Invalid, "pki.pkcs7", "it is of type %s, not signedData", outer.Type)
	}
	var data signedData
	if _, err := asn1.Unmarshal(outer.Content.Bytes, &data); err != nil {
		return nil, err
	}
	certs, err := x509.ParseCertificates(data.Certificates.Bytes)
	if err == nil && (len(certs) == 0 || len(certs) > maxCertificates) {
		err = fault.New(fault.Invalid, "pki.pkcs7", "it holds %d certificates", len(certs))
	}
	return certs, err
}
