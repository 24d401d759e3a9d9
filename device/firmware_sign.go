package device

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

const (
	maxCertificate = 5500 // characters, OCPP 2.0.1 §2.27 FirmwareType
	maxSignature   = 800
)

// signingCertificate reads the first certificate of a PEM text.
func signingCertificate(text string) (*x509.Certificate, error) {
	bad := func(why string) error {
		return fault.New(fault.Invalid, "device.certificate", "the signing certificate %s", why).With("body.signing_certificate", why, nil)
	}
	if len(text) > maxCertificate {
		return nil, bad("has more than the 5500 characters that OCPP carries")
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, bad("must be a PEM certificate")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, bad("cannot be read: " + err.Error())
	}
	switch c.PublicKey.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey:
		return c, nil
	}
	return nil, bad("must hold an RSA or an EC key")
}

// checkSigning checks certificate and signature as far as that goes without
// the image.
func checkSigning(certificate, signature string, now time.Time) error {
	if certificate == "" && signature == "" {
		return nil
	}
	if certificate == "" || signature == "" {
		return fault.New(fault.Invalid, "device.signature", "signed firmware needs both signing_certificate and signature").
			With("body.signature", "goes together with signing_certificate", nil)
	}
	c, err := signingCertificate(certificate)
	if err != nil {
		return err
	}
	if now.After(c.NotAfter) {
		return fault.New(fault.Invalid, "device.certificate", "the signing certificate expired on %s; stations would refuse it", c.NotAfter.Format(time.DateOnly)).
			With("body.signing_certificate", "must be valid", nil)
	}
	_, err = decodeSignature(signature)
	return err
}

func decodeSignature(text string) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil || len(raw) == 0 || len(text) > maxSignature {
		return nil, fault.New(fault.Invalid, "device.signature", "the signature must be base64 of at most %d characters", maxSignature).
			With("body.signature", "base64, at most 800 characters", nil)
	}
	return raw, nil
}

// verifySignature checks the signature over the SHA-256 of an image, and
// names the scheme that fits: RSA-PSS, as OCPP 2.0.1 L01.FR.04 has it,
// RSA-PKCS1v15, as many makers sign, or ECDSA.
func verifySignature(certificate, signature, sum string) (scheme string, err error) {
	c, err := signingCertificate(certificate)
	if err != nil {
		return "", err
	}
	sig, err := decodeSignature(signature)
	if err != nil {
		return "", err
	}
	digest, err := hex.DecodeString(sum)
	if err != nil || len(digest) != 32 {
		return "", fault.New(fault.Invalid, "device.checksum", "sha256 must be 64 hex digits").With("body.sha256", "64 hex digits", sum)
	}
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if rsa.VerifyPSS(key, crypto.SHA256, digest, sig, nil) == nil {
			return "RSA-PSS", nil
		}
		if rsa.VerifyPKCS1v15(key, crypto.SHA256, digest, sig) == nil {
			return "RSA-PKCS1v15", nil
		}
	case *ecdsa.PublicKey:
		if ecdsa.VerifyASN1(key, digest, sig) {
			return "ECDSA", nil
		}
	}
	return "", fault.New(fault.Invalid, "device.signature", "the signature does not fit the image and the certificate (tried RSA-PSS, RSA-PKCS1v15 and ECDSA over its SHA-256); stations would refuse the image").
		With("body.signature", "must be of this image, by the key of this certificate", nil)
}
