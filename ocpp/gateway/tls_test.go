package gateway

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// authority makes certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t}
	der, key := a.make("root", true)
	a.cert, _ = x509.ParseCertificate(der)
	a.key = key
	return a
}

func (a *authority) make(name string, ca bool) ([]byte, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<60))
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: ca, BasicConstraintsValid: true, DNSNames: []string{"localhost"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	if ca {
		template.KeyUsage = x509.KeyUsageCertSign
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	return der, key
}

// write makes a certificate and puts it with its key into files.
func (a *authority) write(dir, name string) (cert, key string) {
	a.t.Helper()
	der, private := a.make(name, false)
	raw, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	a.pem(cert, "CERTIFICATE", der)
	a.pem(key, "EC PRIVATE KEY", raw)
	return cert, key
}

func (a *authority) pem(file, kind string, der []byte) {
	a.t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		a := newAuthority(t)
		dir := t.TempDir()
		cert, key := a.write(dir, "first")
		roots := filepath.Join(dir, "ca.pem")
		a.pem(roots, "CERTIFICATE", a.cert.Raw)
		config, err := TLSConfig(cert, key, roots)
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewUnstartedServer(n)
		server.TLS = config
		server.StartTLS()
		defer server.Close()

		pool := x509.NewCertPool()
		pool.AddCert(a.cert)
		der, private := a.make("CS-CERT", false)
		client := &tls.Config{RootCAs: pool, ServerName: "localhost", ClientSessionCache: tls.NewLRUClientSessionCache(4),
			Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}}}
		if c, err := tls.Dial("tcp", server.Listener.Addr().String(), &tls.Config{RootCAs: pool, ServerName: "localhost"}); err == nil {
			_, err = c.Read(make([]byte, 1)) // TLS 1.3 tells the client only now
			c.Close()
			if err == nil {
				t.Error("a station without a certificate came in")
			}
		}
		dial := func(station string) *tls.ConnectionState {
			t.Helper()
			var state *tls.ConnectionState
			transport := &http.Transport{TLSClientConfig: client, DisableKeepAlives: true}
			ws, resp, err := websocket.Dial(t.Context(), "wss"+server.URL[5:]+"/ocpp/"+station,
				&websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}, Subprotocols: []string{"ocpp1.6"}})
			if err != nil {
				t.Fatal(err)
			}
			state = resp.TLS
			s := &charger{t: t, ws: ws}
			s.ask(`[2,"0","Heartbeat",{}]`, `[3,"0",`+heartbeatReply+`]`)
			_ = ws.Close(websocket.StatusNormalClosure, "")
			return state
		}
		if s := dial("tls"); s.Version < tls.VersionTLS12 {
			t.Error("an old TLS version")
		}
		if h := n.csms.shaken(0); !h.TLS || h.ClientCert == nil || h.ClientCert.Subject.CommonName != "CS-CERT" {
			t.Errorf("%+v", h)
		}
		// A ticket from the first connection, over a reload of the files.
		a.write(dir, "second")
		later := time.Now().Add(time.Minute)
		if err := os.Chtimes(cert, later, later); err != nil {
			t.Fatal(err)
		}
		if s := dial("tls"); !s.DidResume {
			t.Error("the session was not resumed")
		}
		client.ClientSessionCache = nil
		if s := dial("mtls"); s.PeerCertificates[0].Subject.CommonName != "second" {
			t.Errorf("served %s after the change", s.PeerCertificates[0].Subject.CommonName)
		}
		if h := n.csms.shaken(2); h.ClientCert == nil || h.ClientCert.Subject.CommonName != "CS-CERT" {
			t.Errorf("%+v", h)
		}
		// Half-written files leave the last good certificate in use.
		if err := os.WriteFile(cert, []byte("-----BEGIN"), 0o600); err != nil {
			t.Fatal(err)
		}
		dial("tls")
	})
	if _, err := TLSConfig("nowhere", "nowhere", ""); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
}
