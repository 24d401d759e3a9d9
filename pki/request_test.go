package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/ocpp"
)

func rsaKey(t testing.TB, bits int) crypto.Signer {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestRequestIsCheckedBeforeItIsAccepted(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0") // to make the weak key that is to be refused
	rules := subjectRules{names: []string{"CS-1", "SN-1"}, nameKnown: true, organisations: []string{"Forecourt", "Top", "North"}}
	small, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text string
		code string
	}{
		"by serial number":         {csr(t, ecKey(t), "SN-1", "North"), ""},
		"by id, in another case":   {csr(t, ecKey(t), "cs-1", "north"), ""},
		"organisation above":       {csr(t, ecKey(t), "CS-1", "Top"), ""},
		"without an organisation":  {csr(t, ecKey(t), "CS-1", ""), ""},
		"RSA 2048":                 {csr(t, rsaKey(t, 2048), "CS-1", "North"), ""},
		"P-224":                    {csr(t, small, "CS-1", "North"), ""},
		"RSA 1024":                 {csr(t, rsaKey(t, 1024), "CS-1", "North"), "pki.weak_key"},
		"another organisation":     {csr(t, ecKey(t), "CS-1", "South"), "pki.csr_organisation"},
		"another station":          {csr(t, ecKey(t), "CS-2", "North"), "pki.csr_name"},
		"no name":                  {csr(t, ecKey(t), "", "North"), "pki.csr_name"},
		"a URL":                    {csr(t, ecKey(t), "https://CS-1", "North"), "pki.csr_name"},
		"an address":               {csr(t, ecKey(t), "192.0.2.1", "North"), "pki.csr_name"},
		"signed by another key":    {tampered(t), "pki.csr_signature"},
		"no PEM":                   {"hello", "pki.csr"},
		"a certificate":            {encodePEM(selfSigned(t, "CS-1", t0).cert), "pki.csr"},
		"with escaped line ends":   {strings.ReplaceAll(csr(t, ecKey(t), "CS-1", "North"), "\n", `\n`), ""},
		"as bare base64":           {bare(csr(t, ecKey(t), "CS-1", "North")), ""},
		"as OpenSSL once wrote it": {strings.ReplaceAll(csr(t, ecKey(t), "CS-1", "North"), requestBlock, oldRequestBlock), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseRequest(c.text)
			if err == nil {
				_, _, err = checkRequest(got, rules)
			}
			if code := codeOf(err); code != c.code {
				t.Errorf("got %q (%v), want %q", code, err, c.code)
			}
		})
	}
}

func bare(text string) string {
	b, _ := pem.Decode([]byte(text))
	return strings.TrimSuffix(strings.SplitN(string(pem.EncodeToMemory(b)), "-----\n", 2)[1], "-----END CERTIFICATE REQUEST-----\n")
}

// tampered is a request whose name was changed after it was signed.
func tampered(t testing.TB) string {
	b, _ := pem.Decode([]byte(csr(t, ecKey(t), "CS-9", "North")))
	der := []byte(strings.Replace(string(b.Bytes), "CS-9", "CS-1", 1))
	return string(pem.EncodeToMemory(&pem.Block{Type: requestBlock, Bytes: der}))
}

func TestRefusedRequestSaysWhyAndIsKeptOnce(t *testing.T) {
	each(t, nil, func(t *testing.T, h *house) {
		for range 3 {
			r := h.asks(csr(t, ecKey(t), "CS-2", "North"), "")
			if r.Status != ocpp.GenericStatusEnumRejected || r.StatusInfo == nil || !strings.Contains(r.StatusInfo.AdditionalInfo, "CS-1, SN-1") {
				t.Errorf("answered %+v", r)
			}
		}
		if r := h.asks("\x00\xff", "Nonsense"); r.Status != ocpp.GenericStatusEnumRejected {
			t.Errorf("nonsense is answered %+v", r)
		}
		if n := len(h.requests()); n != 1 {
			t.Errorf("%d refusals are kept, want the last one", n)
		}
	})
}

func TestCarCertificateNeedsTheSECCNameOrAPerson(t *testing.T) {
	each(t, nil, func(t *testing.T, h *house) {
		kind := ocpp.CertificateSigningUseEnumV2GCertificate
		h.asks(csr(t, ecKey(t), "DE*ABC*SECC", "North"), kind)
		h.settle()
		list := h.requests()
		if len(list) != 1 || list[0].Status != Waiting {
			t.Fatalf("with an unknown SECC id: %+v", list)
		}
		h.viewer.Must(403, "POST", "/api/v1/certificate-requests/"+list[0].ID+"/approve", "")
		h.south.Must(404, "POST", "/api/v1/certificate-requests/"+list[0].ID+"/approve", "")
		h.north.Must(200, "POST", "/api/v1/certificate-requests/"+list[0].ID+"/approve", "")
		h.north.Must(409, "POST", "/api/v1/certificate-requests/"+list[0].ID+"/approve", "")
		h.settle()
		if len(h.box.got) != 1 || h.box.got[0].CertificateType != kind {
			t.Fatalf("after approval the station got %+v", h.box.got)
		}
		leaf := parsed(t, h.box.got[0].CertificateChain)[0]
		if got := h.statuses()[fingerprint(leaf)]; got != Active {
			t.Errorf("the certificate for cars is %q", got)
		}
		h.identifies(leaf, "pki.certificate_use")
		h.north.Must(409, "POST", "/api/v1/certificate-requests/"+list[0].ID+"/reject", `{}`)
		h.vars["ISO15118Ctrlr.SeccId"] = "DE*ABC*SECC"
		if r := h.asks(csr(t, ecKey(t), "DE*XYZ*SECC", "North"), kind); r.Status != ocpp.GenericStatusEnumRejected {
			t.Errorf("another SECC's name is answered %s", r.Status)
		}
	})
}

// ca is an authority of somebody else.
type ca struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func selfSigned(t testing.TB, name string, now time.Time) ca {
	t.Helper()
	return signed(t, name, nil, now, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	})
}

func signed(t testing.TB, name string, by *ca, now time.Time, change func(*x509.Certificate)) ca {
	t.Helper()
	key := ecKey(t)
	serial, err := newSerial()
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(365 * 24 * time.Hour)}
	if change != nil {
		change(c)
	}
	above, signer := c, key
	if by != nil {
		above, signer = by.cert, by.key
	}
	cert, err := create(c, above, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return ca{cert, key}
}
