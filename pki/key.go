package pki

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Algorithm is the kind of key an authority has; certificates get the same
// kind, so that a station that knows one of them finds it in its whole chain.
type Algorithm string

// The algorithms. OCPP 2.0.1 A00.FR.318 asks for cipher suites of both.
const (
	ECDSA Algorithm = "ecdsa" // P-256
	RSA   Algorithm = "rsa"   // 3072 bits for authorities, 2048 for servers
)

// Algorithms lists them.
func Algorithms() []Algorithm { return []Algorithm{ECDSA, RSA} }

func newKey(a Algorithm, rsaBits int) (crypto.Signer, error) {
	if a == RSA {
		return rsa.GenerateKey(rand.Reader, rsaBits)
	}
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

// keyType names a public key for people: "RSA 2048", "ECDSA P-256".
func keyType(pub any) string {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", k.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + k.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return "unknown"
}

// algorithmOf tells which hierarchy signs a key.
func algorithmOf(pub any) Algorithm {
	if _, ok := pub.(*rsa.PublicKey); ok {
		return RSA
	}
	return ECDSA
}

// checkKey refuses a key that is too weak; the text says what is allowed.
func checkKey(pub any) error {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < 2048 { // OCPP 2.0.1 A00.FR.502
			return fault.New(fault.Invalid, "pki.weak_key", "the RSA key has %d bits, at least 2048 are needed", k.N.BitLen())
		}
		return nil
	case *ecdsa.PublicKey:
		if k.Params().BitSize < 224 { // OCPP 2.0.1 A00.FR.503
			return fault.New(fault.Invalid, "pki.weak_key", "the elliptic curve has %d bits, at least 224 are needed", k.Params().BitSize)
		}
		return nil
	case ed25519.PublicKey:
		return nil // 128 bits of strength; OCPP 2.1 stations may use it for ISO 15118-20
	}
	return fault.New(fault.Invalid, "pki.key_type", "the key is neither RSA nor of an elliptic curve that is known here")
}

// sealer keeps private keys under the secret of the installation.
type sealer struct{ aead cipher.AEAD }

func newSealer(secret []byte) (sealer, error) {
	if len(secret) < 16 {
		return sealer{}, fault.New(fault.Invalid, "pki.secret", "the secret of the installation has %d bytes, it needs at least 16", len(secret))
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "forecourt pki authority keys", 32)
	if err != nil {
		return sealer{}, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, err
	}
	aead, err := cipher.NewGCM(block)
	return sealer{aead}, err
}

// seal encrypts the key; it opens for the same id only.
func (s sealer) seal(id string, key crypto.Signer) (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, s.aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(s.aead.Seal(nonce, nonce, der, []byte(id))), nil
}

func (s sealer) open(id, sealed string) (crypto.Signer, error) {
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil || len(raw) < s.aead.NonceSize() {
		return nil, fault.New(fault.Internal, "pki.sealed_key", "the stored key of authority %s is damaged", id)
	}
	n := s.aead.NonceSize()
	der, err := s.aead.Open(nil, raw[:n], raw[n:], []byte(id))
	if err != nil {
		return nil, fault.New(fault.Internal, "pki.sealed_key", "the key of authority %s does not open: the secret of the installation is another one than when it was made; restore secret.key from a backup", id)
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "pki.sealed_key", "the stored key of authority %s cannot be read", id)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fault.New(fault.Internal, "pki.sealed_key", "the stored key of authority %s cannot sign", id)
	}
	return signer, nil
}
