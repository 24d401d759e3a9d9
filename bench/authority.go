package bench

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// authority signs the certificates of a run over TLS: the server's, and one
// for each station, all ECDSA P-256.
type authority struct {
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	shared *keyPair
}

// keyPair is an authority in DER, as a worker process is told of it.
type keyPair struct {
	Certificate []byte `json:"certificate"`
	Key         []byte `json:"key"`
}

// Serial numbers: of the authority, the server, and station 0.
const (
	serialAuthority = 1 + iota
	serialServer
	serialStation
)

func newAuthority(now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serialAuthority), Subject: pkix.Name{CommonName: "Forecourt bench"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(7 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return (&keyPair{cert, der}).open()
}

// open makes the authority of its pair.
func (p *keyPair) open() (a *authority, err error) {
	a = &authority{shared: p}
	if a.cert, err = x509.ParseCertificate(p.Certificate); err != nil {
		return nil, err
	}
	a.key, err = x509.ParseECPrivateKey(p.Key)
	return a, err
}

// issue makes a certificate; for the server its address is 127.0.0.1.
func (a *authority) issue(name string, serial int64, now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(7 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if serial == serialServer {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		template.IPAddresses, template.DNSNames = []net.IP{net.IPv4(127, 0, 0, 1)}, []string{"localhost"}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// files writes what a server needs to speak TLS and to ask for certificates,
// and gives the flags that name them.
func (a *authority) files(dir string, now time.Time) ([]string, error) {
	own, err := a.issue("localhost", serialServer, now)
	if err != nil {
		return nil, err
	}
	key, err := x509.MarshalECPrivateKey(own.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		return nil, err
	}
	var flags []string
	for _, f := range []struct {
		flag, name, kind string
		der              []byte
	}{
		{"--station-client-ca", "bench-ca.pem", "CERTIFICATE", a.cert.Raw},
		{"--tls-cert", "bench-server.pem", "CERTIFICATE", own.Certificate[0]},
		{"--tls-key", "bench-server.key", "EC PRIVATE KEY", key},
	} {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: f.kind, Bytes: f.der}), 0o600); err != nil {
			return nil, err
		}
		flags = append(flags, f.flag, path)
	}
	return append(flags, "--station-mtls-listen", "127.0.0.1:0"), nil
}

// certify makes a certificate for each station and gives how it speaks TLS. No
// session ticket is kept: every handshake is a whole one.
func (a *authority) certify(c crew, now time.Time) (func(s *station) *tls.Config, error) {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	configs := make([]*tls.Config, c.Count)
	for i := range configs {
		n := c.First + i
		cert, err := a.issue(c.stationID(n), serialStation+int64(n), now)
		if err != nil {
			return nil, err
		}
		configs[i] = &tls.Config{RootCAs: pool, ServerName: "127.0.0.1", Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true}
	}
	return func(s *station) *tls.Config { return configs[s.number-c.First] }, nil
}
