package station

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
)

// A generated password has 160 random bits as 40 hex digits: the longest
// that 1.6 takes as AuthorizationKey (20 octets) and 2.0.1 as
// BasicAuthPassword (40 characters).
const passwordBytes = 20

const (
	minPassword = 16 // OCPP 2.0.1 A00.FR.205
	maxPassword = 64 // what OCPP 2.1 allows; 2.0.1 ends at 40
)

// NewPassword makes a password for a station.
func NewPassword() string { return id.Secret(passwordBytes) }

// CheckPassword tells why a password cannot be imported; nil if it can.
func CheckPassword(p string) error {
	bad := func(format string, args ...any) error {
		e := fault.New(fault.Invalid, "station.password", format, args...)
		return e.With("body.password", e.Message, nil)
	}
	if len(p) < minPassword || len(p) > maxPassword {
		return bad("a station password has %d to %d characters, not %d; for OCPP 1.6 use 32 to 40 hex digits, for 2.0.1 at most 40 characters", minPassword, maxPassword, len(p))
	}
	for i := 0; i < len(p); i++ {
		if p[i] < 0x20 || p[i] > 0x7e {
			return bad("a station password consists of printable ASCII characters; character %d is another one", i+1)
		}
	}
	if strings.Count(p, p[:1]) == len(p) {
		return bad("a station password of one repeated character is not a secret")
	}
	return nil
}

// isHexKey holds for what 1.6 calls AuthorizationKey: whole octets in hex.
func isHexKey(p string) bool {
	if len(p) < 32 || len(p) > 40 || len(p)%2 != 0 {
		return false
	}
	for i := 0; i < len(p); i++ {
		c := p[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

// spelling gives one form to all spellings of the same hex key.
func spelling(p string) string {
	if isHexKey(p) {
		return strings.ToLower(p)
	}
	return p
}

// verifier keeps and checks station passwords as HMACs under the secret of
// the installation: cheap enough for a reconnect storm, useless to a thief
// of the database alone. Long random passwords need no slow hash.
type verifier struct{ secret []byte }

func (v verifier) seal(station ID, password string) string {
	m := hmac.New(sha256.New, v.secret)
	m.Write([]byte("forecourt station password\x00" + station.Key() + "\x00" + spelling(password)))
	return hex.EncodeToString(m.Sum(nil))
}

// derive makes the password that belongs to a nonce: 40 hex digits, which
// nobody can tell without the secret of the installation.
func (v verifier) derive(station ID, nonce string) string {
	m := hmac.New(sha256.New, v.secret)
	m.Write([]byte("forecourt offered password\x00" + station.Key() + "\x00" + nonce))
	return hex.EncodeToString(m.Sum(nil)[:passwordBytes])
}

// sealedForms are the seals of what a station's password may mean.
type sealedForms []string

// forms seals what a station presented. A 1.6 station may send the octets of
// its AuthorizationKey or their literal hex (field note 22; the OCTT tests the
// octets). How many there are depends on nothing but its length.
func (v verifier) forms(station ID, presented string) sealedForms {
	forms := sealedForms{v.seal(station, presented)}
	if n := len(presented); 16 <= n && n <= 20 {
		forms = append(forms, v.seal(station, hex.EncodeToString([]byte(presented))))
	}
	return forms
}

// match compares with a sealed password; the time it takes does not tell which
// form it is, or how much of it.
func (f sealedForms) match(sealed string) bool {
	same := 0
	for _, form := range f {
		same |= subtle.ConstantTimeCompare([]byte(sealed), []byte(form))
	}
	return sealed != "" && same == 1
}
