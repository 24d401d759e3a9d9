package pki

import (
	"crypto"
	"encoding/hex"
	"strings"
	"testing"

	"golang.org/x/crypto/ocsp"
	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

func codeOf(err error) string {
	if f := fault.Of(err); f != nil {
		return f.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// The same hashes as an OCSP request has (RFC 6960 CertID), which another
// implementation makes.
func TestHashDataAgreesWithOCSP(t *testing.T) {
	root := selfSigned(t, "Root", t0)
	leaf := signed(t, "Leaf", &root, t0, nil)
	for a, hash := range map[ocpp.HashAlgorithmEnum]crypto.Hash{ocpp.HashAlgorithmEnumSHA256: crypto.SHA256, ocpp.HashAlgorithmEnumSHA384: crypto.SHA384, ocpp.HashAlgorithmEnumSHA512: crypto.SHA512} {
		for _, c := range []ca{leaf, root} {
			der, err := ocsp.CreateRequest(c.cert, root.cert, &ocsp.RequestOptions{Hash: hash})
			if err != nil {
				t.Fatal(err)
			}
			want, err := ocsp.ParseRequest(der)
			if err != nil {
				t.Fatal(err)
			}
			got, err := HashData(c.cert, root.cert, a)
			if err != nil {
				t.Fatal(err)
			}
			if got.IssuerNameHash != hex.EncodeToString(want.IssuerNameHash) || got.IssuerKeyHash != hex.EncodeToString(want.IssuerKeyHash) || !strings.EqualFold(got.SerialNumber, want.SerialNumber.Text(16)) {
				t.Errorf("%s: %+v is not what OCSP has", a, got)
			}
			back, err := ocspRequest(got)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := back.Marshal(); err != nil || string(again) != string(der) {
				t.Errorf("%s: the request made of hash data differs (%v)", a, err)
			}
			if !issuedBy(got, root.cert) || issuedBy(got, leaf.cert) {
				t.Errorf("%s: the issuer is not recognised", a)
			}
		}
		if d, _ := HashData(root.cert, root.cert, a); !names(d, root.cert) || names(d, leaf.cert) {
			t.Errorf("%s: the root is not recognised", a)
		}
	}
	if _, err := HashData(root.cert, root.cert, "MD5"); codeOf(err) != "pki.hash_algorithm" {
		t.Errorf("MD5 gives %v", err)
	}
}

func TestHashDataIsComparedAsStationsWriteIt(t *testing.T) {
	root := selfSigned(t, "Root", t0)
	d, err := HashData(root.cert, root.cert, ocpp.HashAlgorithmEnumSHA256)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		x := d
		if rapid.Bool().Draw(t, "upper") {
			x.IssuerNameHash, x.IssuerKeyHash = strings.ToUpper(d.IssuerNameHash), strings.ToUpper(d.IssuerKeyHash)
		}
		x.SerialNumber = strings.Repeat("0", rapid.IntRange(0, 6).Draw(t, "zeroes")) + strings.ToLower(d.SerialNumber)
		if rapid.Bool().Draw(t, "prefix") {
			x.SerialNumber = "0x" + x.SerialNumber
		}
		if !sameHashData(d, x) || !names(x, root.cert) {
			t.Fatalf("%+v is not recognised", x)
		}
		x.IssuerKeyHash = strings.Repeat("0", 64)
		if sameHashData(d, x) || names(x, root.cert) {
			t.Fatal("another key is taken for the root's")
		}
	})
}
