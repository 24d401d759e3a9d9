package gateway

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"sync"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// TLSConfig is for the listener of the stations: TLS 1.2 and later, session
// tickets, the cipher suites that OCPP asks for. With clientCA, a PEM file of
// roots, a certificate that a station shows is verified; whether it must show
// one is decided by its security profile. The files are read anew when they
// change, so that certificates can be renewed without a restart.
func TLSConfig(certFile, keyFile, clientCA string) (*tls.Config, error) {
	f := &tlsFiles{cert: certFile, key: keyFile, clientCA: clientCA}
	if _, err := f.current(); err != nil {
		return nil, err
	}
	// Session tickets stay valid over a reload: without keys of its own, the
	// configuration of a handshake uses those of this one.
	base := baseTLS()
	base.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return f.current() }
	return base, nil
}

func baseTLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"}, // websockets as stations speak them need it
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305,
			// OCPP 2.0.1 A00.FR.318 asks for these two; Go leaves them out by default.
			tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_256_GCM_SHA384,
		},
	}
}

type tlsFiles struct {
	cert, key, clientCA string

	mu     sync.Mutex
	stamps [3]time.Time
	config *tls.Config
}

// current gives the configuration of the files as they are now. Files that
// are broken or half written leave the last good one in use.
func (f *tlsFiles) current() (*tls.Config, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	stamps := f.modified()
	if f.config != nil && stamps == f.stamps {
		return f.config, nil
	}
	c, err := f.load()
	if err != nil {
		if f.config != nil {
			return f.config, nil
		}
		return nil, err
	}
	f.config, f.stamps = c, stamps
	return c, nil
}

func (f *tlsFiles) modified() (out [3]time.Time) {
	for i, name := range []string{f.cert, f.key, f.clientCA} {
		if info, err := os.Stat(name); name != "" && err == nil {
			out[i] = info.ModTime()
		}
	}
	return out
}

func (f *tlsFiles) load() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "gateway.tls", "the certificate %s with the key %s cannot be used", f.cert, f.key)
	}
	c := baseTLS()
	c.Certificates = []tls.Certificate{pair}
	if f.clientCA == "" {
		return c, nil
	}
	pem, err := os.ReadFile(f.clientCA)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "gateway.tls", "the file of client roots %s cannot be read", f.clientCA)
	}
	c.ClientCAs = x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fault.New(fault.Invalid, "gateway.tls", "%s holds no PEM certificate", f.clientCA)
	}
	c.ClientAuth = tls.RequireAndVerifyClientCert // a door of its own for profile 3 (field note 24)
	return c, nil
}
