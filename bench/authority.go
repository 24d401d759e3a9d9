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
	"sync/atomic"
	"time"
)

// authority signs the certificates of a run over TLS: the server's, and one
// for each station, all ECDSA P-256.
type authority struct {
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	serial atomic.Int64
}

func newAuthority(now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	a := &authority{key: key}
	a.serial.Store(1)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Forecourt bench"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(7 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	a.cert, err = x509.ParseCertificate(der)
	return a, err
}

// issue makes a certificate; for a server its address is 127.0.0.1.
func (a *authority) issue(name string, server bool, now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.serial.Add(1)), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(7 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if server {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		template.IPAddresses, template.DNSNames = []net.IP{net.IPv4(127, 0, 0, 1)}, []string{"localhost"}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// files writes what a server needs to speak TLS and to ask for certificates,
// and gives the flags that name them.
func (a *authority) files(dir string, now time.Time) ([]string, error) {
	own, err := a.issue("localhost", true, now)
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

// certify gives each station of the fleet its certificate. No session ticket
// is kept: every handshake is a whole one.
func (a *authority) certify(f *fleet, now time.Time) error {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	configs := make([]*tls.Config, len(f.stations))
	for i, s := range f.stations {
		cert, err := a.issue(s.id, false, now)
		if err != nil {
			return err
		}
		configs[i] = &tls.Config{RootCAs: pool, ServerName: "127.0.0.1", Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true}
	}
	f.tls = func(s *station) *tls.Config { return configs[s.number-f.First] }
	return nil
}
