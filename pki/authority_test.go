package pki

import (
	"crypto/tls"
	"crypto/x509"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

func TestServerCertificateIsTrustedByItsRootsAndKept(t *testing.T) {
	each(t, nil, func(t *testing.T, h *house) {
		certs, err := h.ServerCertificate(t.Context(), "CSMS.example.org.", "192.0.2.7")
		h.must(err)
		if len(certs) != 2 || keyType(certs[0].Leaf.PublicKey) != "ECDSA P-256" || keyType(certs[1].Leaf.PublicKey) != "RSA 2048" {
			t.Fatalf("want an ECDSA and an RSA certificate, got %d", len(certs))
		}
		roots := x509.NewCertPool()
		h.must(h.db.View(t.Context(), func(tx *db.Tx) error {
			rows, err := authorities(tx)
			for _, r := range rows {
				if r.Kind == kindRoot {
					roots.AddCert(parsed(t, r.PEM)[0])
				}
			}
			return err
		}))
		for _, c := range certs {
			trusts(t, c, roots, h.clock.Now())
		}
		again, err := h.ServerCertificate(t.Context(), "csms.example.org", "192.0.2.7")
		h.must(err)
		if again[0].Leaf.SerialNumber.Cmp(certs[0].Leaf.SerialNumber) != 0 {
			t.Error("the same names got another certificate")
		}
		h.clock.Advance(h.d.ServerLifetime * 3 / 4)
		later, err := h.ServerCertificate(t.Context(), "csms.example.org", "192.0.2.7")
		h.must(err)
		if later[0].Leaf.SerialNumber.Cmp(certs[0].Leaf.SerialNumber) == 0 {
			t.Error("the certificate was not renewed when a quarter of its life was left")
		}
	})
}

func trusts(t *testing.T, c tls.Certificate, roots *x509.CertPool, now time.Time) {
	t.Helper()
	above := x509.NewCertPool()
	for _, raw := range c.Certificate[1:] {
		ca, err := x509.ParseCertificate(raw)
		if err != nil {
			t.Fatal(err)
		}
		above.AddCert(ca)
	}
	for _, name := range []string{"csms.example.org", "192.0.2.7"} {
		if _, err := c.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: above, CurrentTime: now}); err != nil {
			t.Errorf("%s for %s: %v", keyType(c.Leaf.PublicKey), name, err)
		}
	}
}
