package test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// serveOwnAuthority starts a platform whose doors and stations have their
// certificates from its own authority, and writes that authority's roots to a
// file.
func serveOwnAuthority(t *testing.T) (s *server, at doors, roots string) {
	t.Helper()
	s = &server{t: t, data: t.TempDir(), tls: &tls.Config{InsecureSkipVerify: true}} // until its root is known
	s.args = []string{"--tls-own-ca", "--station-listen", "127.0.0.1:0", "--station-plain-listen", "127.0.0.1:0", "--station-mtls-listen", "127.0.0.1:0"}
	s.start("127.0.0.1:0")
	s.key = s.command("api-key", "create", "--name", "test", "--role", "owner")
	m := doorURLs.FindStringSubmatch(s.said)
	if m == nil {
		t.Fatalf("the server does not say where stations connect: %s", s.said)
	}
	pool := x509.NewCertPool()
	text := ""
	for _, one := range s.items("/certificate-authorities") {
		if one["kind"] == "root" {
			text += one["certificate"].(string) + "\n"
		}
	}
	if !pool.AppendCertsFromPEM([]byte(text)) {
		t.Fatalf("no root among %v", s.items("/certificate-authorities"))
	}
	roots = filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.tls = &tls.Config{RootCAs: pool}
	return s, doors{plain: m[2], secure: m[1], mtls: m[3]}, roots
}

// TestStrangersUnderEverySecurityProfile connects stations of somebody else
// with a password in clear, with TLS, and with a certificate that they asked
// the platform to sign.
func TestStrangersUnderEverySecurityProfile(t *testing.T) {
	t.Parallel()
	s, at, roots := serveOwnAuthority(t)
	for _, x := range strangers {
		for _, version := range x.versions {
			t.Run(x.name+"/"+version, func(t *testing.T) { everyProfile(t, s, at, roots, x, version) })
		}
	}
}

func everyProfile(t *testing.T, s *server, at doors, roots string, x stranger, version string) {
	id := x.name + "-" + version
	all := schemas(t, version)
	password := s.station(id, nil)
	begin := func(url, password string, more ...string) *peer {
		p, opened := x.start(t, url, id, password, version, more...)
		if opened["open"] == nil {
			t.Fatalf("%s: %v", url, opened)
		}
		if got := p.say("BootNotification", instance(all["BootNotification.req"], true)); got["status"] != "Accepted" {
			t.Errorf("%s: boot %v", url, got)
		}
		return p
	}
	begin(at.plain, password).close(t)

	p := begin(at.secure, password, "--ca", roots)
	certificate, key := p.askCertificate(t, id)
	eventually(t, "the station has said that it took the certificate", func() bool {
		return len(s.items("/certificates?status=delivered&station="+id)) == 1
	})
	p.close(t)

	s.must("PATCH", "/charging-stations/"+id, object{"security_profile": 3})
	begin(at.mtls, "", "--ca", roots, "--cert", certificate, "--key", key).close(t)
	if got := s.must("GET", "/charging-stations/"+id, nil); got["proven_profile"] != 3.0 {
		t.Errorf("proven is profile %v", got["proven_profile"])
	}
	for _, url := range []string{at.mtls, at.secure} {
		if _, opened := x.start(t, url, id, password, version, "--ca", roots); opened["open"] != nil {
			t.Errorf("without its certificate it came in by %s", url)
		}
	}
}

// askCertificate has the platform sign a new key and gives the files.
func (p *peer) askCertificate(t *testing.T, id string) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: id, Organization: []string{"Forecourt"}}}, private)
	if err != nil {
		t.Fatal(err)
	}
	p.answer("CertificateSigned", object{"status": "Accepted"})
	if got := p.say("SignCertificate", object{"csr": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr}))}); got["status"] != "Accepted" {
		t.Fatalf("SignCertificate: %v", got)
	}
	chain := p.called("CertificateSigned")["certificateChain"].(string)
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, text := range map[string][]byte{certificate: []byte(chain), key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}

// close ends the connection from the station's side.
func (p *peer) close(t *testing.T) {
	t.Helper()
	if _, err := p.in.Write([]byte("{\"close\":true}\n")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.lines:
	case <-time.After(patience):
		t.Error("the station did not close")
	}
}
