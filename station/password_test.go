package station

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Field note 22: an AuthorizationKey may arrive as its octets or as the
// literal hex, in either case of letters.
func TestFieldNote22AuthorizationKeyAsOctetsOrHex(t *testing.T) {
	t.Parallel()
	v := verifier{secret: []byte("0123456789abcdef0123456789abcdef")}
	key := NewPassword()
	octets, err := hex.DecodeString(key)
	if err != nil || len(octets) != 20 {
		t.Fatalf("generated %q: %v", key, err)
	}
	sealed := v.seal("CS-1", key)
	for name, presented := range map[string]string{
		"literal": key, "upper case": strings.ToUpper(key), "octets": string(octets),
	} {
		if !v.forms("CS-1", presented).match(sealed) {
			t.Errorf("%s refused", name)
		}
		if !v.forms("cs-1", presented).match(sealed) {
			t.Errorf("%s refused for the id in lower case", name)
		}
		if v.forms("CS-2", presented).match(sealed) {
			t.Errorf("%s accepted for another station", name)
		}
	}
	for _, wrong := range []string{"", key[:39], key + "0", string(octets[:19]), hex.EncodeToString([]byte(key)), sealed} {
		if v.forms("CS-1", wrong).match(sealed) {
			t.Errorf("%q accepted", wrong)
		}
	}
	if v.forms("CS-1", "").match("") {
		t.Error("no password stored, empty presented: accepted")
	}
	plain := v.seal("CS-1", "Correct-Horse-Battery")
	if !v.forms("CS-1", "Correct-Horse-Battery").match(plain) || v.forms("CS-1", "correct-horse-battery").match(plain) {
		t.Error("a password that is no hex key is compared with case")
	}
	other := verifier{secret: []byte("another secret of the installation")}
	if other.forms("CS-1", key).match(sealed) {
		t.Error("accepted under another installation's secret")
	}
}

func TestCheckPassword(t *testing.T) {
	t.Parallel()
	for p, ok := range map[string]bool{
		"0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF": true,
		"1234567890abcdef":                         true,
		"short":                                    false,
		"":                                         false,
		strings.Repeat("x", 20):                    false,
		strings.Repeat("ab", 33):                   false,
		"tab\tinside-a-password":                   false,
		"ümlaut-inside-a-password":                 false,
		"with spaces and: colon":                   true,
	} {
		err := CheckPassword(p)
		if (err == nil) != ok {
			t.Errorf("%q: %v", p, err)
		}
		if err != nil && (!fault.Is(err, fault.Invalid) || len(p) > 5 && strings.Contains(err.Error(), p)) {
			t.Errorf("%q: %v shows the password or has the wrong kind", p, err)
		}
	}
}

func TestParseID(t *testing.T) {
	t.Parallel()
	for s, ok := range map[string]bool{
		"CS-1": true, "DE*ABC*E1234*1": true, "a:b+c|d@e.f_g=h": true, strings.Repeat("x", 48): true,
		"": false, strings.Repeat("x", 49): false, "a b": false, "a/b": false, "é": false, ".": false, "..": false, "a%20": false,
	} {
		if _, err := ParseID(s); (err == nil) != ok {
			t.Errorf("%q: %v", s, err)
		}
	}
}
