package gateway

import (
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Headers in which proxies that end TLS hand on the certificate a station
// showed them (field note 24). Envoy writes the first; nginx, HAProxy and
// others are configured to write the second, and the third beside it.
const (
	forwardedCert = "X-Forwarded-Client-Cert"
	sslCert       = "X-SSL-Client-Cert"
	sslVerify     = "X-SSL-Client-Verify"
)

// certificateOf gives the certificate a station showed, verified: to us, or
// to a trusted proxy in front of us. problem says why one that was shown does
// not count. What anybody else writes into these headers is ignored.
func (g *Gateway) certificateOf(r *http.Request) (cert *x509.Certificate, problem string) {
	told := r.Header.Get(forwardedCert) != "" || r.Header.Get(sslCert) != "" || r.Header.Get(sslVerify) != ""
	if !told {
		return clientCert(r), ""
	}
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || !within(peer.Addr().Unmap(), g.config.TrustedProxies) {
		g.metrics.handshake("forged_certificate")
		g.logger.Warn("a client certificate in a header was ignored: the sender is no trusted proxy", "remote", r.RemoteAddr, "path", clip(r.URL.Path, 100))
		return clientCert(r), ""
	}
	chain, err := forwardedChain(r.Header)
	if err != nil {
		return nil, err.Error()
	}
	if len(chain) == 0 {
		return nil, ""
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	// The proxy saw that the station has the key; whether we trust the
	// certificate is not left to how the proxy is configured.
	_, err = chain[0].Verify(x509.VerifyOptions{
		Roots: g.config.ClientRoots.Pool(), Intermediates: between, CurrentTime: g.now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return nil, subjectOfCert(chain[0]) + ": " + err.Error()
	}
	return chain[0], ""
}

// clientCert is the certificate that the TLS listener verified.
func clientCert(r *http.Request) *x509.Certificate {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 || len(r.TLS.PeerCertificates) == 0 {
		return nil
	}
	return r.TLS.PeerCertificates[0]
}

func subjectOfCert(c *x509.Certificate) string {
	return "certificate " + clip(c.Subject.String(), 150) + " no. " + c.SerialNumber.Text(16)
}

func badHeader(name, format string, args ...any) error {
	return fault.New(fault.Invalid, "gateway.forwarded_certificate", "header "+name+" of the proxy: "+format, args...)
}

// forwardedChain reads what the proxy wrote: the station's certificate first;
// empty when it showed none.
func forwardedChain(h http.Header) ([]*x509.Certificate, error) {
	switch verdict := strings.ToUpper(strings.TrimSpace(h.Get(sslVerify))); {
	case verdict == "NONE":
		return nil, nil
	case verdict != "" && verdict != "SUCCESS" && verdict != "0": // HAProxy writes the number of the error
		return nil, badHeader(sslVerify, "the certificate was not verified: %s", clip(verdict, 100))
	}
	if lines := h.Values(sslCert); len(lines) > 1 {
		return nil, badHeader(sslCert, "it comes %d times; the proxy must replace what the station sent", len(lines))
	} else if len(lines) == 1 && strings.TrimSpace(lines[0]) != "" && lines[0] != "-" {
		return decodeHeader(sslCert, lines[0])
	}
	// Envoy appends, so the last element is what the proxy itself saw.
	elements := splitQuoted(strings.Join(h.Values(forwardedCert), ","), ',')
	var leaf, chain string
	for _, field := range splitQuoted(elements[len(elements)-1], ';') {
		name, value, _ := strings.Cut(field, "=")
		value = strings.ReplaceAll(strings.Trim(strings.TrimSpace(value), `"`), `\"`, `"`)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "cert":
			leaf = value
		case "chain":
			chain = value
		}
	}
	if leaf == "" && chain == "" {
		return nil, badHeader(forwardedCert, "it has no Cert; set forwarding of the certificate itself")
	}
	if leaf == "" {
		return decodeHeader(forwardedCert, chain)
	}
	certs, err := decodeHeader(forwardedCert, leaf)
	if err != nil || chain == "" {
		return certs, err
	}
	more, err := decodeHeader(forwardedCert, chain)
	return append(certs, more...), err
}

func decodeHeader(name, value string) ([]*x509.Certificate, error) {
	text, err := url.PathUnescape(value) // not QueryUnescape: base64 has its own plus signs
	if err != nil {
		return nil, badHeader(name, "not percent-encoded correctly")
	}
	certs, err := decodeCertificates(text)
	if err != nil {
		return nil, badHeader(name, "%v", err)
	}
	return certs, nil
}

const (
	pemBegin = "-----BEGIN CERTIFICATE-----"
	pemEnd   = "-----END CERTIFICATE-----"
)

// decodeCertificates reads PEM, also with its line ends turned into blanks as
// headers need it, or bare base64 of DER.
func decodeCertificates(text string) ([]*x509.Certificate, error) {
	var bodies []string
	if !strings.Contains(text, pemBegin) {
		bodies = []string{text}
	}
	for {
		_, rest, found := strings.Cut(text, pemBegin)
		if !found {
			break
		}
		body, after, found := strings.Cut(rest, pemEnd)
		if !found {
			return nil, fault.New(fault.Invalid, "gateway.certificate", "a certificate in PEM has no end")
		}
		bodies, text = append(bodies, body), after
	}
	var out []*x509.Certificate
	for _, body := range bodies {
		der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(body), ""))
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "gateway.certificate", "a certificate is neither PEM nor base64 of DER")
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "gateway.certificate", "a certificate cannot be read")
		}
		out = append(out, c)
	}
	return out, nil
}

// splitQuoted cuts at a separator that stands outside of double quotes.
func splitQuoted(s string, sep byte) []string {
	var out []string
	quoted, from := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			out = append(out, s[from:i])
			from = i + 1
		}
	}
	return append(out, s[from:])
}
