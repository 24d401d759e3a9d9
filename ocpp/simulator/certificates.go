package simulator

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// vault is what a station keeps of certificates: roots by use, and the key of
// the certificate that it asked for.
type vault struct {
	roots  []root
	key    *ecdsa.PrivateKey // of the last request
	own    [][]byte          // its chain, DER
	ownFor string            // V2GCertificate …; empty is the station's
}

type root struct {
	use  string
	cert *x509.Certificate
}

// install keeps a root (OCPP 2.0.1 M05).
func (m *machine) install(use, text string) string {
	certs := parsePEM(text)
	if len(certs) == 0 {
		return "Rejected"
	}
	m.vault.roots = slices.DeleteFunc(m.vault.roots, func(r root) bool { return r.use == use && r.cert.Equal(certs[0]) })
	m.vault.roots = append(m.vault.roots, root{use: use, cert: certs[0]})
	return "Accepted"
}

func parsePEM(text string) []*x509.Certificate {
	var out []*x509.Certificate
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return out
		}
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			out = append(out, c)
		}
	}
}

// remove deletes a root by its hashes (OCPP 2.0.1 M04).
func (m *machine) remove(h ocpp.CertificateHashData) string {
	n := len(m.vault.roots)
	m.vault.roots = slices.DeleteFunc(m.vault.roots, func(r root) bool {
		o := CertificateHash(r.cert)
		return o.IssuerNameHash == h.IssuerNameHash && o.IssuerKeyHash == h.IssuerKeyHash && o.SerialNumber == h.SerialNumber
	})
	if len(m.vault.roots) == n {
		return "NotFound"
	}
	return "Accepted"
}

// CertificateHash identifies a self-signed root, as RFC 6960 §4.1.1 hashes: the key
// without tag, length and the count of unused bits.
func CertificateHash(c *x509.Certificate) ocpp.CertificateHashData {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &info); err != nil {
		return ocpp.CertificateHashData{}
	}
	name, key := sha256.Sum256(c.RawIssuer), sha256.Sum256(info.Key.Bytes)
	return ocpp.CertificateHashData{HashAlgorithm: ocpp.HashAlgorithmEnumSHA256, IssuerNameHash: hex.EncodeToString(name[:]), IssuerKeyHash: hex.EncodeToString(key[:]),
		SerialNumber: fmt.Sprintf("%x", c.SerialNumber)}
}

// installed lists what is kept of some uses, or of all.
func (m *machine) installed(uses []string) []root {
	var out []root
	for _, r := range m.vault.roots {
		if len(uses) == 0 || slices.Contains(uses, r.use) {
			out = append(out, r)
		}
	}
	return out
}

// wantCertificate asks for a certificate of a use (OCPP 2.0.1 A02, A03).
func (m *machine) wantCertificate(use string) bool {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return false
	}
	name := m.config.Serial
	if name == "" {
		name = m.config.ID
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
	if err != nil {
		return false
	}
	m.vault.key, m.vault.ownFor = key, use
	f := fields{"csr": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))}
	if m.config.Version != "1.6" {
		f["certificateType"] = use
	}
	m.say(&call{action: "SignCertificate", payload: func() any { return f }})
	return true
}

// signed takes a chain when it fits the key that it was asked for with.
func (m *machine) signed(chain string) string {
	certs := parsePEM(chain)
	if len(certs) == 0 || m.vault.key == nil || !m.vault.key.PublicKey.Equal(certs[0].PublicKey) {
		return "Rejected"
	}
	m.vault.own = nil
	for _, c := range certs {
		m.vault.own = append(m.vault.own, c.Raw)
	}
	if m.config.TLS != nil && m.vault.ownFor != "V2GCertificate" { // of use from the next connection on
		m.config.TLS = m.config.TLS.Clone()
		m.config.TLS.Certificates = []tls.Certificate{{Certificate: m.vault.own, PrivateKey: m.vault.key}}
	}
	return "Accepted"
}

// triggerCertificate is a TriggerMessage that concerns certificates.
func (m *machine) triggerCertificate(what string) bool {
	switch what {
	case "SignChargePointCertificate", "SignChargingStationCertificate":
		return m.wantCertificate("ChargingStationCertificate")
	case "SignV2GCertificate":
		return m.wantCertificate("V2GCertificate")
	}
	return false
}

func (voice2) onInstall(m *machine, req *ocpp.InstallCertificateRequest, _ time.Time) any {
	return fields{"status": m.install(string(req.CertificateType), req.Certificate)}
}

func (voice2) onDelete(m *machine, req *ocpp.DeleteCertificateRequest, _ time.Time) any {
	return fields{"status": m.remove(req.CertificateHashData)}
}

func (voice2) onSigned(m *machine, req *ocpp.CertificateSignedRequest, _ time.Time) any {
	return fields{"status": m.signed(req.CertificateChain)}
}

func (voice2) onInstalled(m *machine, req *ocpp.GetInstalledCertificateIdsRequest, _ time.Time) any {
	var uses []string
	for _, u := range req.CertificateType {
		uses = append(uses, string(u))
	}
	out := ocpp.GetInstalledCertificateIdsResponse{Status: ocpp.GetInstalledCertificateStatusEnumNotFound}
	for _, r := range m.installed(uses) {
		out.Status = ocpp.GetInstalledCertificateStatusEnumAccepted
		out.CertificateHashDataChain = append(out.CertificateHashDataChain, ocpp.CertificateHashDataChain{CertificateType: ocpp.GetCertificateIdUseEnum(r.use), CertificateHashData: CertificateHash(r.cert)})
	}
	return out
}

func installed16(m *machine, q request16, _ time.Time) any {
	var list []any
	for _, r := range m.installed([]string{q.CertificateType}) {
		list = append(list, CertificateHash(r.cert))
	}
	if list == nil {
		return fields{"status": "NotFound"}
	}
	return fields{"status": "Accepted", "certificateHashData": list}
}
