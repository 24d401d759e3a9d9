package gateway

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// authority makes certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  crypto.Signer
}

// made is a certificate with its key.
type made struct {
	der []byte
	key crypto.Signer
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t}
	m := a.make(false, func(c *x509.Certificate) {
		c.Subject.CommonName, c.IsCA, c.KeyUsage = "root", true, x509.KeyUsageCertSign
	})
	a.cert, _ = x509.ParseCertificate(m.der)
	a.key = m.key
	return a
}

func (a *authority) make(rsaKey bool, change func(*x509.Certificate)) made {
	a.t.Helper()
	var key crypto.Signer
	var err error
	if rsaKey {
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		a.t.Fatal(err)
	}
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<60))
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "CS-CERT"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	change(template)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		a.t.Fatal(err)
	}
	return made{der, key}
}

func (a *authority) station(name string) made {
	return a.make(false, func(c *x509.Certificate) { c.Subject.CommonName = name })
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// file writes the authority's own certificate.
func (a *authority) file() string {
	name := filepath.Join(a.t.TempDir(), "ca.pem")
	writePEM(a.t, name, "CERTIFICATE", a.cert.Raw)
	return name
}

// server makes a certificate for localhost and puts it with its key into files.
func (a *authority) server(dir, name string, rsaKey bool) Pair {
	a.t.Helper()
	m := a.make(rsaKey, func(c *x509.Certificate) {
		c.Subject.CommonName, c.DNSNames = name, []string{"localhost", "mtls.localhost"}
	})
	raw, err := x509.MarshalPKCS8PrivateKey(m.key)
	if err != nil {
		a.t.Fatal(err)
	}
	kind := "ecdsa"
	if rsaKey {
		kind = "rsa"
	}
	p := Pair{filepath.Join(dir, kind+".pem"), filepath.Join(dir, kind+".key")}
	writePEM(a.t, p.Cert, "CERTIFICATE", m.der)
	writePEM(a.t, p.Key, "PRIVATE KEY", raw)
	return p
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (m made) tls() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{m.der}, PrivateKey: m.key}
}

// failures collects what the gateway says of connections that came to nothing.
type failures struct {
	mu   sync.Mutex
	list []Failure
}

func (f *failures) add(one Failure) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, one)
}

func (f *failures) last(reason string) (found Failure, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.list {
		if one.Reason == reason {
			found, n = one, n+1
		}
	}
	return found, n
}

// entrance serves the node's stations on an address of its own; without pairs it
// does not speak TLS.
func entrance(t *testing.T, n *testNode, o TLS) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	watched, hook := n.Door(l, true)
	s := &http.Server{Handler: n, ConnState: hook, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	if len(o.Pairs) > 0 {
		if s.TLSConfig, err = o.Config(); err != nil {
			t.Fatal(err)
		}
		go func() { defer close(done); _ = s.ServeTLS(watched, "", "") }()
	} else {
		go func() { defer close(done); _ = s.Serve(watched) }()
	}
	t.Cleanup(func() { s.Close(); <-done })
	return l.Addr().String()
}

// wss connects as a station; it gives the state of TLS, or the HTTP status of
// the refusal, or the error of a handshake that did not get so far.
func wss(t *testing.T, addr, station string, client *tls.Config) (*tls.ConnectionState, int, error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: client, DisableKeepAlives: true}
	ws, resp, err := websocket.Dial(t.Context(), "wss://"+addr+"/ocpp/"+station, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}, Subprotocols: []string{"ocpp1.6"}})
	if err != nil {
		if resp != nil {
			return nil, resp.StatusCode, err
		}
		return nil, 0, err
	}
	s := &charger{t: t, ws: ws}
	s.ask(`[2,"0","Heartbeat",{}]`, `[3,"0",`+heartbeatReply+`]`)
	_ = ws.Close(websocket.StatusNormalClosure, "")
	return resp.TLS, resp.StatusCode, nil
}

// Certificates are read anew when they change; sessions outlive that.
func TestTLSReload(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		a := newAuthority(t)
		dir := t.TempDir()
		pair := a.server(dir, "first", false)
		roots, err := NewClientRoots(a.file(), nil)
		if err != nil {
			t.Fatal(err)
		}
		addr := entrance(t, n, TLS{Pairs: []Pair{pair}, Stations: true, AskAll: true, Roots: roots})
		client := &tls.Config{RootCAs: a.pool(), ServerName: "localhost", ClientSessionCache: tls.NewLRUClientSessionCache(4), Certificates: []tls.Certificate{a.station("CS-CERT").tls()}}
		dial := func(station string) *tls.ConnectionState {
			t.Helper()
			state, _, err := wss(t, addr, station, client)
			if err != nil {
				t.Fatal(err)
			}
			return state
		}
		if s := dial("tls"); s.Version < tls.VersionTLS12 {
			t.Error("an old TLS version")
		}
		if h := n.csms.shaken(0); !h.TLS || h.ClientCert == nil || h.ClientCert.Subject.CommonName != "CS-CERT" {
			t.Errorf("%+v", h)
		}
		// A ticket from the first connection, over a reload of the files.
		a.server(dir, "second", false)
		later := time.Now().Add(time.Minute)
		if err := os.Chtimes(pair.Cert, later, later); err != nil {
			t.Fatal(err)
		}
		if s := dial("tls"); !s.DidResume {
			t.Error("the session was not resumed")
		}
		if h := n.csms.shaken(1); h.ClientCert == nil {
			t.Error("a resumed session has lost its certificate")
		}
		client.ClientSessionCache = nil
		if s := dial("mtls"); s.PeerCertificates[0].Subject.CommonName != "second" {
			t.Errorf("served %s after the change", s.PeerCertificates[0].Subject.CommonName)
		}
		// Half-written files leave the last good certificate in use.
		if err := os.WriteFile(pair.Cert, []byte("-----BEGIN"), 0o600); err != nil {
			t.Fatal(err)
		}
		dial("tls")
	})
	for _, o := range []TLS{{}, {Pairs: []Pair{{"nowhere", "nowhere"}}}} {
		if _, err := o.Config(); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
	}
	if _, err := NewClientRoots("nowhere", nil); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
}

// Field note 23: stations that know only RSA key exchange, and stations that
// know only ECDSA, both get what they can speak; elsewhere the old suites stay
// off.
func TestFieldNote23BothChainsAndTheOldSuites(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		a := newAuthority(t)
		dir := t.TempDir()
		pairs := []Pair{a.server(dir, "by RSA", true), a.server(dir, "by ECDSA", false)}
		stations := entrance(t, n, TLS{Pairs: pairs, Stations: true})
		people := entrance(t, n, TLS{Pairs: pairs})
		for _, c := range []struct {
			suite uint16
			kind  x509.PublicKeyAlgorithm
			old   bool
		}{
			{tls.TLS_RSA_WITH_AES_128_GCM_SHA256, x509.RSA, true},
			{tls.TLS_RSA_WITH_AES_256_GCM_SHA384, x509.RSA, true},
			{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, x509.ECDSA, false},
			{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, x509.ECDSA, false},
			{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, x509.RSA, false},
		} {
			for _, name := range []string{"localhost", "another.example.org"} { // a name that no certificate has must not decide which is served
				client := &tls.Config{InsecureSkipVerify: name != "localhost", RootCAs: a.pool(), ServerName: name, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{c.suite}}
				state, _, err := wss(t, stations, "CS-1", client)
				if err != nil || state.CipherSuite != c.suite || state.PeerCertificates[0].PublicKeyAlgorithm != c.kind {
					t.Errorf("%s for %s: %v %v", tls.CipherSuiteName(c.suite), name, state, err)
				}
			}
			_, _, err := wss(t, people, "CS-1", &tls.Config{RootCAs: a.pool(), ServerName: "localhost", MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{c.suite}})
			if (err != nil) != c.old {
				t.Errorf("%s on an address that is not for stations: %v", tls.CipherSuiteName(c.suite), err)
			}
		}
		// Without a wish the better chain is served, and TLS 1.3 spoken.
		state, _, err := wss(t, stations, "CS-1", &tls.Config{RootCAs: a.pool(), ServerName: "localhost"})
		if err != nil || state.Version != tls.VersionTLS13 || state.PeerCertificates[0].PublicKeyAlgorithm != x509.ECDSA {
			t.Errorf("%+v %v", state, err)
		}
		// OCPP 2.0.1 A00.FR.418: nothing older than TLS 1.2.
		if _, _, err := wss(t, stations, "CS-1", &tls.Config{RootCAs: a.pool(), ServerName: "localhost", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
			t.Error("TLS 1.1 was spoken")
		}
	})
}

// Field note 24: who must show a certificate comes to an address or a name
// (SNI) of its own; there a bad one ends the handshake, and it shows.
func TestFieldNote24CertificatesAtTheirOwnDoor(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		var seen failures
		n := start(t, d, func(d *Deps) { d.Failed = seen.add })
		a, stranger := newAuthority(t), newAuthority(t)
		var more *x509.CertPool // as pki gives them: they come and go
		var mu sync.Mutex
		roots, err := NewClientRoots("", func() *x509.CertPool { mu.Lock(); defer mu.Unlock(); return more })
		if err != nil {
			t.Fatal(err)
		}
		use := func(p *x509.CertPool) { mu.Lock(); defer mu.Unlock(); more = p }
		pairs := []Pair{a.server(t.TempDir(), "door", true), a.server(t.TempDir(), "door", false)}
		own := entrance(t, n, TLS{Pairs: pairs, Stations: true, AskAll: true, Roots: roots})
		shared := entrance(t, n, TLS{Pairs: pairs, Stations: true, AskFor: "mtls.localhost", Roots: roots})
		good := a.station("CS-CERT")
		count := 0
		try := func(addr, name string, cert *made, version uint16) error {
			client := &tls.Config{RootCAs: a.pool(), ServerName: name, MaxVersion: version}
			if cert != nil { // sent whatever authorities we name, as small TLS stacks do
				client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { c := cert.tls(); return &c, nil }
			}
			_, _, err := wss(t, addr, "CS-CERT", client)
			if err == nil {
				count++
			}
			return err
		}
		if try(own, "localhost", &good, 0) == nil {
			t.Error("a certificate of nobody's was taken")
		}
		use(a.pool())
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			for _, kind := range []bool{true, false} {
				cert := a.make(kind, func(*x509.Certificate) {})
				if err := try(own, "localhost", &cert, version); err != nil {
					t.Error(err)
				} else if h := n.csms.shaken(count - 1); h.ClientCert == nil || h.ClientCert.Subject.CommonName != "CS-CERT" {
					t.Errorf("%+v", h)
				}
			}
			if err := try(own, "localhost", nil, version); err != nil {
				t.Errorf("without a certificate the profile decides, not TLS: %v", err)
			} else if n.csms.shaken(count-1).ClientCert != nil {
				t.Error("a certificate out of nothing")
			}
			if err := try(shared, "mtls.localhost", &good, version); err != nil || n.csms.shaken(count-1).ClientCert == nil {
				t.Errorf("by name: %v", err)
			}
			if err := try(shared, "localhost", &good, version); err != nil || n.csms.shaken(count-1).ClientCert != nil {
				t.Errorf("nobody asked for a certificate under this name: %v", err)
			}
			expired := a.make(false, func(c *x509.Certificate) { c.Subject.CommonName, c.NotAfter = "CS-OLD", time.Now().Add(-time.Minute) })
			foreign := stranger.station("CS-FOREIGN")
			for name, bad := range map[string]*made{"CS-OLD": &expired, "CS-FOREIGN": &foreign} {
				if try(own, "localhost", bad, version) == nil {
					t.Errorf("%s came in", name)
				}
				eventually(t, name+" shows", func() bool {
					f, _ := seen.last(TLSFailed)
					return f.Station == name && strings.HasPrefix(f.Remote, "127.0.0.1:") && strings.Contains(f.Detail, name)
				})
			}
		}
		use(stranger.pool()) // the authority was replaced
		if try(own, "localhost", &good, 0) == nil {
			t.Error("an authority that was taken away still counts")
		}
	})
}

// A station that had no certificate yet and comes back with one must not be
// held to the session in which it had none.
func TestTicketWithoutCertificate(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		a := newAuthority(t)
		roots, _ := NewClientRoots(a.file(), nil)
		addr := entrance(t, n, TLS{Pairs: []Pair{a.server(t.TempDir(), "door", false)}, Stations: true, AskAll: true, Roots: roots})
		for i, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			client := &tls.Config{RootCAs: a.pool(), ServerName: "localhost", MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(4)}
			if _, _, err := wss(t, addr, "CS-1", client); err != nil {
				t.Fatal(err)
			}
			client.Certificates = []tls.Certificate{a.station("CS-1").tls()}
			state, _, err := wss(t, addr, "CS-1", client)
			if err != nil || state.DidResume || n.csms.shaken(2*i+1).ClientCert == nil {
				t.Errorf("version %x: %+v %v", version, state, err)
			}
		}
	})
}

// Quirk Q06: a station that gives up before it asks for anything must show.
func TestQuirkQ06ConnectionsWithoutRequestShow(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		var seen failures
		n := start(t, d, func(d *Deps) { d.Failed = seen.add })
		a := newAuthority(t)
		secure := entrance(t, n, TLS{Pairs: []Pair{a.server(t.TempDir(), "door", false)}, Stations: true})
		plain := entrance(t, n, TLS{})

		c, err := tls.Dial("tcp", secure, &tls.Config{RootCAs: a.pool(), ServerName: "localhost"})
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		if _, err := tls.Dial("tcp", secure, &tls.Config{ServerName: "localhost"}); err == nil { // does not know our authority
			t.Fatal("trusted")
		}
		if resp, err := http.Get("http://" + secure + "/ocpp/CS-PLAIN"); err == nil {
			resp.Body.Close()
		}
		if _, err := tls.Dial("tcp", plain, &tls.Config{ServerName: "localhost"}); err == nil {
			t.Fatal("TLS out of nothing")
		}
		for _, addr := range []string{secure, plain} { // a load balancer that looks whether we are there
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			c.Close()
		}
		if _, _, err := wss(t, secure, "CS-1", &tls.Config{RootCAs: a.pool(), ServerName: "localhost"}); err != nil {
			t.Fatal(err)
		}
		for _, reason := range []string{TLSWithoutHTTP, TLSFailed, PlainOnTLS, TLSOnPlain} {
			eventually(t, reason, func() bool { _, k := seen.last(reason); return k == 1 })
			if f, _ := seen.last(reason); !strings.HasPrefix(f.Remote, "127.0.0.1:") || f.Detail == "" || f.At.IsZero() {
				t.Errorf("%+v", f)
			}
		}
		if f, _ := seen.last(PlainOnTLS); f.Station != "CS-PLAIN" {
			t.Errorf("%+v", f)
		}
		seen.mu.Lock()
		defer seen.mu.Unlock()
		if len(seen.list) != 4 {
			t.Errorf("%d connections show: %+v", len(seen.list), seen.list)
		}
	})
}

// An address whose TLS handshakes come to nothing again and again is closed
// before the next; only while it goes on, and no other.
func TestWastedHandshakes(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		n.csms.onConnect(func(ocpp.Handshake) (ocpp.Admission, error) {
			return ocpp.Admission{}, fault.New(fault.Unauthenticated, "test", "wrong password")
		})
		a := newAuthority(t)
		addr := entrance(t, n, TLS{Pairs: []Pair{a.server(t.TempDir(), "door", false)}, Stations: true})
		client, began := &tls.Config{RootCAs: a.pool(), ServerName: "localhost"}, time.Now()
		if _, status, err := wss(t, addr, "STRANGER", client); err == nil || status != http.StatusUnauthorized {
			t.Fatalf("status %d, %v", status, err)
		}
		if n.wasted.wait("127.0.0.1", began.Add(-wastedBurst*wastedEvery)) == 0 {
			t.Error("it is not counted")
		}
		for range 2 * wastedBurst {
			n.waste("127.0.0.1:1", time.Now())
		}
		if _, status, err := wss(t, addr, "STRANGER", client); err == nil || status != 0 {
			t.Errorf("heard: status %d, %v", status, err)
		}
		now := time.Now()
		if n.wasteful("192.0.2.7:1", now) {
			t.Error("another address is not heard")
		}
		if n.wasteful("127.0.0.1:1", now.Add(time.Minute)) {
			t.Error("it goes on when the trouble has ended")
		}
	})
}
