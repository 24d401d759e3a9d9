package pki

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

const (
	certificateBlock = "CERTIFICATE"
	requestBlock     = "CERTIFICATE REQUEST"
	oldRequestBlock  = "NEW CERTIFICATE REQUEST" // as OpenSSL once wrote it

	maxCertificates = 20 // of one PEM text
)

func encodePEM(certs ...*x509.Certificate) string {
	var b bytes.Buffer
	for _, c := range certs {
		_ = pem.Encode(&b, &pem.Block{Type: certificateBlock, Bytes: c.Raw}) // a Buffer takes everything
	}
	return b.String()
}

// ParseCertificates reads the certificates of a PEM text, in its order. Other
// blocks are refused: a private key does not belong here.
func ParseCertificates(text string) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	rest := []byte(unescape(text))
	for {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			break
		}
		if b.Type != certificateBlock {
			return nil, fault.New(fault.Invalid, "pki.pem", "the PEM text holds a %s; only CERTIFICATE blocks are allowed", b.Type)
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "pki.pem", "certificate %d of the PEM text cannot be read: %v", len(out)+1, err)
		}
		if out = append(out, c); len(out) > maxCertificates {
			return nil, fault.New(fault.Invalid, "pki.pem", "the PEM text holds more than %d certificates", maxCertificates)
		}
	}
	if len(out) == 0 {
		return nil, fault.New(fault.Invalid, "pki.pem", "there is no PEM certificate (-----BEGIN CERTIFICATE-----) in the text")
	}
	return out, nil
}

// parseRequest reads a certificate request: PEM as the specification wants
// it, or the bare base64 that some stations send.
func parseRequest(text string) (*x509.CertificateRequest, error) {
	text = unescape(text)
	der := []byte(nil)
	if b, _ := pem.Decode([]byte(text)); b != nil {
		if b.Type != requestBlock && b.Type != oldRequestBlock {
			return nil, fault.New(fault.Invalid, "pki.csr", "the PEM text holds a %s, not a CERTIFICATE REQUEST", b.Type)
		}
		der = b.Bytes
	} else if raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), "")); err == nil {
		der = raw
	}
	if len(der) == 0 {
		return nil, fault.New(fault.Invalid, "pki.csr", "the certificate request is not PEM (RFC 2986 in -----BEGIN CERTIFICATE REQUEST-----)")
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "pki.csr", "the certificate request cannot be read: %v", err)
	}
	return csr, nil
}

// unescape mends PEM whose line ends were written as the two characters \n.
func unescape(text string) string {
	if !strings.Contains(text, "\n") && strings.Contains(text, `\n`) {
		return strings.NewReplacer(`\r`, "", `\n`, "\n").Replace(text)
	}
	return text
}

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// newSerial makes an unguessable serial number of 126 or 127 bits, which
// always has 32 hexadecimal digits.
func newSerial() (*big.Int, error) {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return nil, err
	}
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b[:]), nil
}

// serialText writes a serial number as OCPP does.
func serialText(n *big.Int) string { return strings.ToUpper(n.Text(16)) } // hexadecimal without prefix and leading zeroes

// parseSerial reads one, however it is written.
func parseSerial(s string) (*big.Int, bool) {
	s = strings.ReplaceAll(strings.TrimSpace(s), ":", "")
	s = strings.TrimPrefix(strings.TrimPrefix(s, "0x"), "0X")
	if s == "" || len(s) > 64 {
		return nil, false
	}
	n, ok := new(big.Int).SetString(s, 16)
	return n, ok && n.Sign() >= 0
}
