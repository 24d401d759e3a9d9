package pki

import (
	"crypto"
	_ "crypto/sha256" // the algorithms that OCPP has
	_ "crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

var hashes = map[ocpp.HashAlgorithmEnum]crypto.Hash{
	ocpp.HashAlgorithmEnumSHA256: crypto.SHA256,
	ocpp.HashAlgorithmEnumSHA384: crypto.SHA384,
	ocpp.HashAlgorithmEnumSHA512: crypto.SHA512,
}

// HashData names a certificate as OCPP does (CertificateHashDataType): by the
// name and key of its issuer and its serial number. For a root, issuer is the
// root itself.
func HashData(c, issuer *x509.Certificate, a ocpp.HashAlgorithmEnum) (ocpp.CertificateHashData, error) {
	h, ok := hashes[a]
	if !ok {
		return ocpp.CertificateHashData{}, fault.New(fault.Invalid, "pki.hash_algorithm", "%q is not a hash algorithm of OCPP; allowed: SHA256, SHA384, SHA512", a)
	}
	key, err := keyBits(issuer)
	if err != nil {
		return ocpp.CertificateHashData{}, err
	}
	return ocpp.CertificateHashData{
		HashAlgorithm:  a,
		IssuerNameHash: hex.EncodeToString(digest(h, c.RawIssuer)),
		IssuerKeyHash:  hex.EncodeToString(digest(h, key)),
		SerialNumber:   serialText(c.SerialNumber),
	}, nil
}

func digest(h crypto.Hash, b []byte) []byte {
	w := h.New()
	w.Write(b)
	return w.Sum(nil)
}

// keyBits is the value of a certificate's public key: the bit string without
// tag, length and count of unused bits.
func keyBits(c *x509.Certificate) ([]byte, error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &info); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "pki.public_key", "the public key of %s cannot be read", c.Subject)
	}
	return info.Key.RightAlign(), nil
}

// sameHashData compares as stations write: any case, leading zeroes or not.
func sameHashData(a, b ocpp.CertificateHashData) bool {
	x, okX := parseSerial(a.SerialNumber)
	y, okY := parseSerial(b.SerialNumber)
	return okX && okY && x.Cmp(y) == 0 && strings.EqualFold(string(a.HashAlgorithm), string(b.HashAlgorithm)) &&
		strings.EqualFold(a.IssuerNameHash, b.IssuerNameHash) && strings.EqualFold(a.IssuerKeyHash, b.IssuerKeyHash)
}

// names reports whether the hash data names the root.
func names(d ocpp.CertificateHashData, root *x509.Certificate) bool {
	own, err := HashData(root, root, ocpp.HashAlgorithmEnum(strings.ToUpper(string(d.HashAlgorithm))))
	if err != nil {
		return false
	}
	if sameHashData(d, own) {
		return true
	}
	// A few stations take the key hash over the whole SubjectPublicKeyInfo.
	// Name and serial number of the issuer tell the certificate all the same.
	own.IssuerKeyHash = hex.EncodeToString(digest(hashes[own.HashAlgorithm], root.RawSubjectPublicKeyInfo))
	return sameHashData(d, own)
}

// issuedBy reports whether the hash data names a certificate that the issuer
// signed.
func issuedBy(d ocpp.CertificateHashData, issuer *x509.Certificate) bool {
	h, ok := hashes[ocpp.HashAlgorithmEnum(strings.ToUpper(string(d.HashAlgorithm)))]
	key, err := keyBits(issuer)
	return ok && err == nil && strings.EqualFold(d.IssuerNameHash, hex.EncodeToString(digest(h, issuer.RawSubject))) &&
		strings.EqualFold(d.IssuerKeyHash, hex.EncodeToString(digest(h, key)))
}
