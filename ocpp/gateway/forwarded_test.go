package gateway

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

func text(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// nginxEscape writes a certificate as nginx's $ssl_client_escaped_cert does.
func nginxEscape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// Field note 24: behind a proxy that ends TLS the certificate comes in a
// header; it counts from trusted proxies only, and only when it is good.
func TestFieldNote24ForwardedCertificates(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		a, stranger := newAuthority(t), newAuthority(t)
		roots, err := NewClientRoots("", a.pool)
		if err != nil {
			t.Fatal(err)
		}
		trusted := start(t, d, func(d *Deps) {
			d.Config.TrustedProxies, d.Config.ClientRoots = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, roots
		})
		middle := a.make(false, func(c *x509.Certificate) {
			c.Subject.CommonName, c.IsCA, c.KeyUsage = "middle", true, x509.KeyUsageCertSign
		})
		parsed, err := x509.ParseCertificate(middle.der)
		if err != nil {
			t.Fatal(err)
		}
		leaf := (&authority{t: t, cert: parsed, key: middle.key}).station("CS-1")
		good := a.station("CS-1")
		expired := a.make(true, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
		foreign := stranger.station("CS-1")
		pem, escaped := text(good.der), nginxEscape(text(good.der))
		cases := []struct {
			name    string
			headers []string
			shown   bool
			problem string
		}{
			{"nginx", []string{"X-SSL-Client-Cert: " + escaped, "X-SSL-Client-Verify: SUCCESS"}, true, ""},
			{"nginx, before it escaped", []string{"X-SSL-Client-Cert: " + strings.ReplaceAll(strings.TrimSpace(pem), "\n", "\t")}, true, ""},
			{"haproxy", []string{"X-SSL-Client-Cert: " + base64.StdEncoding.EncodeToString(good.der), "X-SSL-Client-Verify: 0"}, true, ""},
			{"envoy", []string{`X-Forwarded-Client-Cert: By=spiffe://a/b;Hash=00ff;Cert="` + escaped + `";Subject="CN=CS-1,O=\"A, B; C\"";URI=`}, true, ""},
			{"envoy with a chain", []string{`X-Forwarded-Client-Cert: Hash=00;Cert="` + nginxEscape(text(leaf.der)) + `";Chain="` + nginxEscape(text(leaf.der)+text(middle.der)) + `"`}, true, ""},
			{"envoy, the station wrote one too", []string{`X-Forwarded-Client-Cert: Cert="` + escaped + `",Hash=1;Cert="` + nginxEscape(text(foreign.der)) + `"`}, false, "unknown authority"},
			{"without the chain", []string{"X-SSL-Client-Cert: " + nginxEscape(text(leaf.der))}, false, "unknown authority"},
			{"no certificate", []string{"X-SSL-Client-Verify: NONE", "X-SSL-Client-Cert: "}, false, ""},
			{"not verified", []string{"X-SSL-Client-Verify: FAILED:certificate has expired", "X-SSL-Client-Cert: " + escaped}, false, "not verified"},
			{"expired", []string{"X-SSL-Client-Cert: " + nginxEscape(text(expired.der))}, false, "expired"},
			{"of an authority nobody knows", []string{"X-SSL-Client-Cert: " + nginxEscape(text(foreign.der)), "X-SSL-Client-Verify: SUCCESS"}, false, "unknown authority"},
			{"twice", []string{"X-SSL-Client-Cert: " + escaped, "X-SSL-Client-Cert: " + escaped}, false, "comes 2 times"},
			{"rubbish", []string{"X-SSL-Client-Cert: rubbish!"}, false, "neither PEM nor base64"},
			{"only a hash", []string{"X-Forwarded-Client-Cert: Hash=00ff"}, false, "no Cert"},
		}
		for i, c := range cases {
			conn, head := rawDial(t, trusted.addr, "/ocpp/CS-1", append(c.headers, "Sec-WebSocket-Protocol: ocpp1.6", "X-Forwarded-Proto: https")...)
			conn.Close()
			if !strings.HasPrefix(head, "HTTP/1.1 101 ") {
				t.Fatalf("%s: %s", c.name, head)
			}
			h := trusted.csms.shaken(i)
			if (h.ClientCert != nil) != c.shown || c.shown && h.ClientCert.Subject.CommonName != "CS-1" || !strings.Contains(h.CertProblem, c.problem) || (h.CertProblem == "") != (c.problem == "") || !h.TLS {
				t.Errorf("%s: %v %q", c.name, h.ClientCert != nil, h.CertProblem)
			}
		}
	})
}

// From anybody else the header is ignored: it is the oldest trick there is.
func TestFieldNote24NobodyElseForwardsCertificates(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		a := newAuthority(t)
		roots, _ := NewClientRoots("", a.pool)
		n := start(t, d, func(d *Deps) {
			d.Config.TrustedProxies, d.Config.ClientRoots = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, roots
		})
		escaped := nginxEscape(text(a.station("CS-1").der))
		for i, header := range []string{"X-SSL-Client-Cert: " + escaped, `X-Forwarded-Client-Cert: Cert="` + escaped + `"`} {
			conn, _ := rawDial(t, n.addr, "/ocpp/CS-1", header, "X-Forwarded-Proto: https", "Sec-WebSocket-Protocol: ocpp1.6")
			conn.Close()
			if h := n.csms.shaken(i); h.ClientCert != nil || h.CertProblem != "" || h.TLS {
				t.Errorf("%s was believed: %+v", header[:20], h)
			}
		}
	})
}
