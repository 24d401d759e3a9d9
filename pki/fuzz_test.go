package pki

import "testing"

// FuzzInput feeds what strangers may send as PEM, request or PKCS #7: it may
// be refused, and nothing else may happen.
func FuzzInput(f *testing.F) {
	root := selfSigned(f, "Root", t0)
	f.Add([]byte(encodePEM(root.cert)))
	f.Add([]byte(csr(f, ecKey(f), "CS-1", "North")))
	f.Add([]byte(`-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----`))
	f.Add(pkcs7(f, root.cert))
	f.Add([]byte{0x30, 0x80})
	rules := subjectRules{names: []string{"CS-1"}, nameKnown: true, organisations: []string{"North"}}
	f.Fuzz(func(t *testing.T, b []byte) {
		if certs, err := ParseCertificates(string(b)); (err == nil) == (len(certs) == 0) {
			t.Errorf("%d certificates and %v", len(certs), err)
		}
		for _, purpose := range Purposes() {
			_, _ = checkRoot(string(b), purpose, t0)
		}
		if c, err := parseRequest(string(b)); err == nil {
			_, _, _ = checkRequest(c, rules)
		}
		_, _ = parsePKCS7(b)
	})
}
