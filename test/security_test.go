package test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp/simulator"
)

// issuer signs certificates for a test.
type issuer struct {
	t    *testing.T
	cert *x509.Certificate
	key  crypto.Signer
}

func newIssuer(t *testing.T, name string) *issuer {
	i := &issuer{t: t}
	c := i.issue(false, func(c *x509.Certificate) {
		c.Subject.CommonName, c.IsCA, c.KeyUsage = name, true, x509.KeyUsageCertSign
	})
	parsed, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	i.cert, i.key = parsed, c.PrivateKey.(crypto.Signer)
	return i
}

func (i *issuer) issue(rsaKey bool, change func(*x509.Certificate)) tls.Certificate {
	i.t.Helper()
	var key crypto.Signer
	var err error
	if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); rsaKey {
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		i.t.Fatal(err)
	}
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<60))
	c := &x509.Certificate{SerialNumber: serial, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	change(c)
	parent, signer := i.cert, i.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		i.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// station issues a certificate to a station by its name.
func (i *issuer) station(name string) *tls.Certificate {
	c := i.issue(false, func(c *x509.Certificate) { c.Subject = pkix.Name{CommonName: name, Organization: []string{"Test CPO"}} })
	return &c
}

func (i *issuer) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(i.cert)
	return p
}

func (i *issuer) write(name, kind string, der []byte) string {
	i.t.Helper()
	file := filepath.Join(i.t.TempDir(), name)
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		i.t.Fatal(err)
	}
	return file
}

// server issues a certificate to the platform and gives its flags.
func (i *issuer) server(rsaKey bool) []string {
	c := i.issue(rsaKey, func(c *x509.Certificate) {
		c.Subject.CommonName, c.DNSNames = "localhost", []string{"localhost"}
		c.IPAddresses = loopback
	})
	raw, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		i.t.Fatal(err)
	}
	return []string{"--tls-cert", i.write("cert.pem", "CERTIFICATE", c.Certificate[0]), "--tls-key", i.write("key.pem", "PRIVATE KEY", raw)}
}

var loopback = []net.IP{net.IPv4(127, 0, 0, 1)}

// escapedPEM writes a certificate as nginx's $ssl_client_escaped_cert does.
func escapedPEM(der []byte) string {
	return strings.ReplaceAll(url.QueryEscape(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))), "+", "%20")
}

// doors are where stations of each profile connect.
type doors struct{ plain, secure, mtls string }

var doorURLs = regexp.MustCompile(`stations=(\S+) profile_1=(\S+) profile_3=(\S+)`)

// serveSecurely starts a platform with a door for each profile.
func serveSecurely(t *testing.T, dialect db.Dialect, own *issuer, more ...string) (*server, doors) {
	t.Helper()
	flags := append(own.server(true), own.server(false)...)
	flags = append(flags, "--station-listen", "127.0.0.1:0", "--station-plain-listen", "127.0.0.1:0", "--station-mtls-listen", "127.0.0.1:0",
		"--station-client-ca", own.write("ca.pem", "CERTIFICATE", own.cert.Raw))
	s := serve(t, dialect, append(flags, more...)...)
	s.tls = &tls.Config{RootCAs: own.pool()}
	m := doorURLs.FindStringSubmatch(s.said)
	if m == nil {
		t.Fatalf("the server does not say where stations connect: %s", s.said)
	}
	return s, doors{plain: m[2], secure: m[1], mtls: m[3]}
}

// TestMoveThroughAllProfiles: a station begins with a password over plain
// text, moves to TLS, then to a certificate, and can never go back by itself.
// OCPP 2.0.1 A05
func TestMoveThroughAllProfiles(t *testing.T) {
	t.Parallel()
	for _, dialect := range []db.Dialect{db.SQLite, db.Postgres} {
		t.Run(dialect.String(), func(t *testing.T) {
			t.Parallel()
			own := newIssuer(t, "Test CA")
			s, at := serveSecurely(t, dialect, own)
			for _, version := range []string{"1.6", "2.0.1", "2.1"} {
				t.Run(version, func(t *testing.T) { s.moveThrough(t, at, own, version) })
			}
		})
	}
}

func (s *server) moveThrough(t *testing.T, at doors, own *issuer, version string) {
	id := "MOVE-" + version
	password := s.station(id, nil)
	station := simulator.NewStation(simulator.Config{
		ID: id, Version: version, URL: at.plain, Password: password, Vendor: "Alder Electric", Model: "Kerb", Serial: "SER-" + version, Firmware: "1", MeterInterval: time.Minute,
		Retry: 100 * time.Millisecond, EVSEs: []simulator.EVSEConfig{{ID: 1, Connector: "sType2", Phases: 3, MaxAmps: 32_000}},
		URLs: map[int]string{1: at.plain, 2: at.secure, 3: at.mtls}, TLS: &tls.Config{RootCAs: own.pool()},
	}, time.Now, nil)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = station.Run(ctx) }()
	defer func() { stop(); <-ended }()
	eventually(t, "it has booted", func() bool { return len(s.items("/charging-stations/"+id+"/boots")) > 0 })

	// The password goes over the air; the station uses it when it is back.
	s.must("POST", "/charging-stations/"+id+"/credentials/rotate", object{"reset": true})
	s.upgraded(t, id, "done")
	if code, _ := handshake(t, at.plain, id, password, nil, nil); code != http.StatusUnauthorized {
		t.Errorf("the old password after the new one was used: %d", code)
	}
	for target := 2; target <= 3; target++ {
		if target == 3 { // without a certificate the station itself refuses
			for _, action := range []string{"TriggerMessage", "ExtendedTriggerMessage"} { // nor can it ask for one
				station.Answer(action, json.RawMessage(`{"status":"NotImplemented"}`))
			}
			s.must("POST", "/charging-stations/"+id+"/security-profile", object{"profile": 3})
			s.upgraded(t, id, "failed")
			station.Renew("ChargingStationCertificate") // by itself: OCPP 2.0.1 A03
			eventually(t, id+" has a certificate", func() bool { return len(s.items("/certificates?status=delivered&station="+id)) == 1 })
		}
		s.must("POST", "/charging-stations/"+id+"/security-profile", object{"profile": target})
		s.upgraded(t, id, "done")
		state := s.must("GET", "/charging-stations/"+id+"/security-profile", nil)
		if state["security_profile"] != float64(target) || state["connected_profile"] != float64(target) || station.SecurityProfile() != target {
			t.Errorf("after the move to %d: %v, the station has %d", target, state, station.SecurityProfile())
		}
	}
	if code, _ := handshake(t, at.secure, id, password, nil, own); code != http.StatusUnauthorized {
		t.Errorf("a password instead of the certificate: %d", code)
	}
	if code, _ := handshake(t, at.plain, id, password, nil, nil); code != http.StatusForbidden {
		t.Errorf("without TLS: %d", code)
	}
}

// upgraded waits for the end of an upgrade.
func (s *server) upgraded(t *testing.T, id, want string) {
	t.Helper()
	var last object
	eventually(t, "the upgrade of "+id+" is "+want, func() bool {
		last, _ = s.must("GET", "/charging-stations/"+id+"/security-profile", nil)["upgrade"].(object)
		if last["finished_at"] != nil && last["step"] != want {
			t.Fatalf("the upgrade is %v", last)
		}
		return last["step"] == want
	})
}

// handshake connects as a station and closes again. code is 101, the status
// of the refusal, or 0 when TLS failed.
func handshake(t *testing.T, base, id, password string, cert *tls.Certificate, trust *issuer, headers ...string) (code int, err error) {
	t.Helper()
	client := &tls.Config{}
	if trust != nil {
		client.RootCAs = trust.pool()
	}
	if cert != nil { // whatever authorities the platform names
		client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
	}
	h := http.Header{}
	if password != "" {
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(id+":"+password)))
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		h.Set(name, value)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ws, resp, err := websocket.Dial(ctx, base+"/"+id, &websocket.DialOptions{HTTPHeader: h, Subprotocols: []string{"ocpp2.0.1"},
		HTTPClient: &http.Client{Transport: &http.Transport{TLSClientConfig: client, DisableKeepAlives: true}}})
	if err == nil {
		_ = ws.Close(websocket.StatusNormalClosure, "")
		return http.StatusSwitchingProtocols, nil
	}
	if resp == nil {
		return 0, err
	}
	return resp.StatusCode, err
}

// TestCertificatesThatDoNotCount: who shows none, a bad one or another
// station's is refused, and people can see it.
func TestCertificatesThatDoNotCount(t *testing.T) {
	own, stranger := newIssuer(t, "Test CA"), newIssuer(t, "Somebody")
	s, at := serveSecurely(t, db.SQLite, own, "--station-cert-organisation", "Test CPO")
	for _, id := range []string{"CS-1", "CS-2"} {
		s.must("POST", "/charging-stations", object{"id": id, "security_profile": 3})
	}
	rsaCert := own.issue(true, func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: "CS-1", Organization: []string{"Test CPO"}}
	})
	expired := own.issue(false, func(c *x509.Certificate) { c.Subject.CommonName, c.NotAfter = "CS-1", time.Now().Add(-time.Minute) })
	otherOrg := own.issue(false, func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: "CS-1", Organization: []string{"Other CPO"}}
	})
	for _, c := range []struct {
		name string
		cert *tls.Certificate
		want int
		show string // in the deviations of the station
	}{
		{"ECDSA", own.station("CS-1"), http.StatusSwitchingProtocols, ""},
		{"RSA", &rsaCert, http.StatusSwitchingProtocols, ""},
		{"none", nil, http.StatusUnauthorized, "no client certificate"},
		{"another station's", own.station("CS-2"), http.StatusUnauthorized, "names neither this station"},
		{"of an organisation not trusted", &otherOrg, http.StatusUnauthorized, "not of an organisation trusted"},
		{"expired", &expired, 0, "expired"},
		{"of an authority nobody knows", stranger.station("CS-1"), 0, "unknown authority"},
	} {
		if code, err := handshake(t, at.mtls, "CS-1", "", c.cert, own); code != c.want {
			t.Errorf("%s: %d %v, want %d", c.name, code, err, c.want)
		}
		if c.show == "" {
			continue
		}
		eventually(t, c.name+" shows on the station's page", func() bool {
			found := false
			for _, d := range s.must("GET", "/charging-stations/CS-1", nil)["deviations"].([]any) {
				found = found || strings.Contains(d.(object)["detail"].(string), c.show) && strings.Contains(d.(object)["detail"].(string), "127.0.0.1")
			}
			return found
		})
	}
	eventually(t, "a security event", func() bool {
		events := s.items("/charging-stations/CS-1/security-events")
		return len(events) > 0 && events[0]["type"] == "InvalidChargingStationCertificate"
	})
	// Nobody's certificate, and no certificate, at doors that know no station of the name.
	if code, _ := handshake(t, at.mtls, "NOBODY", "", stranger.station("NOBODY"), own); code != 0 {
		t.Errorf("a stranger: %d", code)
	}
	if code, _ := handshake(t, at.secure, "CS-1", "", nil, nil); code != 0 { // does not trust us
		t.Errorf("without trust: %d", code)
	}
	eventually(t, "both are on the knocking list", func() bool {
		named, nameless := false, false
		for _, k := range s.items("/knocking-stations") {
			named = named || k["id"] == "NOBODY" && k["reason"] == "tls_failed"
			nameless = nameless || k["id"] == "" && k["reason"] == "tls_failed" && k["remote_addr"] == "127.0.0.1" && k["detail"] != ""
		}
		return named && nameless
	})
}

// TestFieldNote24BehindAProxy: a proxy that ends TLS hands certificates on;
// from anybody else they are ignored.
func TestFieldNote24BehindAProxy(t *testing.T) {
	own := newIssuer(t, "Test CA")
	ca := own.write("ca.pem", "CERTIFICATE", own.cert.Raw)
	cert := "X-SSL-Client-Cert: " + escapedPEM(own.station("CS-1").Certificate[0])
	other := "X-SSL-Client-Cert: " + escapedPEM(own.station("CS-2").Certificate[0])
	var current *server
	for _, c := range []struct {
		name    string
		flags   []string
		headers []string
		want    int
	}{
		{"trusted", []string{"--trusted-proxy", "127.0.0.0/8", "--station-client-ca", ca, "--station-mtls-url", "wss://mtls.example.org/ocpp"}, []string{cert, "X-Forwarded-Proto: https"}, http.StatusSwitchingProtocols},
		{"trusted, another station's", nil, []string{other, "X-Forwarded-Proto: https"}, http.StatusUnauthorized},
		{"trusted, none", nil, []string{"X-SSL-Client-Verify: NONE", "X-Forwarded-Proto: https"}, http.StatusUnauthorized},
		{"not trusted", []string{"--trusted-proxy", "10.0.0.0/8", "--station-client-ca", ca}, []string{cert, "X-Forwarded-Proto: https"}, http.StatusForbidden},
	} {
		if c.flags != nil {
			current = serve(t, db.SQLite, c.flags...)
			current.must("POST", "/charging-stations", object{"id": "CS-1", "security_profile": 3})
		}
		if code, err := handshake(t, current.stations(), "CS-1", "", nil, nil, c.headers...); code != c.want {
			t.Errorf("%s: %d %v, want %d", c.name, code, err, c.want)
		}
	}
}
