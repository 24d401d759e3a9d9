package gateway

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Pair names the files (PEM) of one certificate chain and its key.
type Pair struct{ Cert, Key string }

// TLS is what one listening address offers. The files are read anew when they
// change, so that certificates can be renewed without a restart.
type TLS struct {
	// Pairs are the chains to serve. Stations that know only RSA and stations
	// that know only ECDSA need one of each. OCPP 2.0.1 A00.FR.318
	Pairs []Pair
	// Own gives them instead of Pairs, when an authority of the platform makes
	// and renews them. It is asked for every handshake.
	Own func() ([]tls.Certificate, error)
	// Stations adds the cipher suites without forward secrecy that OCPP asks
	// for and browsers must not get (field note 23).
	Stations bool
	// AskAll asks every station for its certificate; AskFor only those that
	// name this host in their handshake (SNI). A certificate that is shown
	// must be good; who must show one is for the security profile to say.
	AskAll bool
	AskFor string
	Roots  *ClientRoots // required with AskAll and AskFor
}

// Config makes the configuration; fault.Invalid when a file cannot be used.
// OCPP 2.0.1 A00.FR.416: TLS 1.2 or later.
func (t TLS) Config() (*tls.Config, error) {
	f := &tlsFiles{TLS: t}
	// Session tickets stay valid over a reload: without keys of its own, the
	// configuration of a handshake uses those of this one.
	f.base = f.suites()
	if _, _, err := f.current(); err != nil {
		return nil, err
	}
	f.base.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		plain, asking, err := f.current()
		if asking != nil && (t.AskAll || t.AskFor != "" && strings.EqualFold(hello.ServerName, t.AskFor)) {
			return asking, err
		}
		return plain, err
	}
	return f.base, nil
}

func (t TLS) suites() *tls.Config {
	c := &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"}, // websockets as stations speak them need it
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305,
		},
	}
	if t.Stations {
		// OCPP 2.0.1 A00.FR.318, A00.FR.421 ask for these two; Go leaves them out by default.
		c.CipherSuites = append(c.CipherSuites, tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_256_GCM_SHA384)
	}
	return c
}

// tlsFiles keeps the configuration made of the files as they were last read.
type tlsFiles struct {
	TLS
	base *tls.Config

	mu            sync.Mutex
	stamps        []time.Time
	roots         *x509.CertPool
	plain, asking *tls.Config
}

// current gives the configurations of the files as they are now: without and
// with a request for the station's certificate. Files that are broken or half
// written leave the last good ones in use.
func (f *tlsFiles) current() (plain, asking *tls.Config, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	stamps := f.modified()
	if f.plain == nil || !slices.Equal(stamps, f.stamps) {
		certs, err := f.load()
		switch {
		case err == nil:
			f.plain, f.asking, f.stamps = f.suites(), nil, stamps
			f.plain.GetCertificate = f.choose(certs)
		case f.plain == nil:
			return nil, nil, err
		}
	}
	if !f.AskAll && f.AskFor == "" {
		return f.plain, nil, nil
	}
	if pool := f.Roots.Pool(); f.asking == nil || pool != f.roots {
		f.asking, f.roots = f.ask(pool), pool
	}
	return f.plain, f.asking, nil
}

func (f *tlsFiles) modified() []time.Time {
	var out []time.Time
	for _, p := range f.Pairs {
		out = append(out, modified(p.Cert), modified(p.Key))
	}
	return out
}

// modified is when a file was last changed; zero when that cannot be told.
func modified(file string) time.Time {
	if info, err := os.Stat(file); err == nil {
		return info.ModTime()
	}
	return time.Time{}
}

// choose serves certs, or what the authority has now.
func (f *tlsFiles) choose(certs []tls.Certificate) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if f.Own == nil {
		return chooseFrom(certs)
	}
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		now, err := f.load()
		if err != nil {
			return nil, err
		}
		return chooseFrom(now)(hello)
	}
}

func (f *tlsFiles) load() (certs []tls.Certificate, err error) {
	if f.Own != nil {
		if certs, err = f.Own(); err != nil {
			return nil, err
		}
		certs = slices.Clone(certs)
	}
	for _, p := range f.Pairs {
		c, err := tls.LoadX509KeyPair(p.Cert, p.Key)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "gateway.tls", "the certificate %s with the key %s cannot be used", p.Cert, p.Key)
		}
		certs = append(certs, c)
	}
	if len(certs) == 0 {
		return nil, fault.New(fault.Invalid, "gateway.tls", "TLS needs at least one certificate and its key")
	}
	// Who can do both gets ECDSA: smaller, and cheaper for us.
	slices.SortStableFunc(certs, func(a, b tls.Certificate) int { return cmp.Compare(rank(a), rank(b)) })
	return certs, nil
}

func rank(c tls.Certificate) int {
	if _, ok := c.PrivateKey.(*ecdsa.PrivateKey); ok {
		return 0
	}
	return 1
}

// chooseFrom serves the first chain that the station can check and that has
// the name it asked for; if none has the name, the first that it can check.
func chooseFrom(certs []tls.Certificate) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		nameless := *hello
		nameless.ServerName = ""
		for _, h := range []*tls.ClientHelloInfo{hello, &nameless} {
			for i := range certs {
				if h.SupportsCertificate(&certs[i]) == nil {
					return &certs[i], nil
				}
			}
		}
		return &certs[0], nil
	}
}

// withoutCertificate marks tickets of sessions in which no certificate was
// shown: a station that got one since must be able to show it.
const withoutCertificate = "forecourt: no client certificate"

// ask is plain with a request for the station's certificate.
func (f *tlsFiles) ask(pool *x509.CertPool) *tls.Config {
	c := f.suites()
	c.GetCertificate = f.plain.GetCertificate
	c.ClientAuth, c.ClientCAs = tls.VerifyClientCertIfGiven, pool
	c.WrapSession = func(cs tls.ConnectionState, s *tls.SessionState) ([]byte, error) {
		if len(cs.PeerCertificates) == 0 {
			s.Extra = append(s.Extra, []byte(withoutCertificate))
		}
		return f.base.EncryptTicket(cs, s)
	}
	c.UnwrapSession = func(ticket []byte, cs tls.ConnectionState) (*tls.SessionState, error) {
		s, err := f.base.DecryptTicket(ticket, cs)
		if s != nil && slices.ContainsFunc(s.Extra, func(e []byte) bool { return string(e) == withoutCertificate }) {
			return nil, nil // a full handshake, which asks again
		}
		return s, err
	}
	return c
}

// ClientRoots are the authorities whose station certificates are good: those
// of a file, read anew when it changes, and those a function gives.
type ClientRoots struct {
	file string
	more func() *x509.CertPool

	mu     sync.Mutex
	stamp  time.Time
	own    []*x509.Certificate // of the file
	others *x509.CertPool
	pool   *x509.CertPool
}

// NewClientRoots reads the file; either argument may be empty.
func NewClientRoots(file string, more func() *x509.CertPool) (*ClientRoots, error) {
	r := &ClientRoots{file: file, more: more}
	if file == "" {
		return r, nil
	}
	own, err := readCertificates(file)
	if err != nil {
		return nil, err
	}
	r.own, r.stamp = own, modified(file)
	return r, nil
}

// Vouch reports whether an authority of the file signed a certificate, rather
// than one of the function.
func (r *ClientRoots) Vouch(cert *x509.Certificate) bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	pool := x509.NewCertPool()
	for _, c := range r.own {
		pool.AddCert(c)
	}
	_, err := cert.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err == nil
}

// Pool gives the authorities of now. The same set is the same pointer. A nil
// receiver has none.
func (r *ClientRoots) Pool() *x509.CertPool {
	if r == nil {
		return x509.NewCertPool()
	}
	var others *x509.CertPool
	if r.more != nil {
		others = r.more()
	}
	if others == nil {
		others = x509.NewCertPool()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	changed := false
	if r.file != "" {
		if stamp := modified(r.file); !stamp.Equal(r.stamp) {
			if own, err := readCertificates(r.file); err == nil { // else the last good ones
				r.own, r.stamp, changed = own, stamp, true
			}
		}
	}
	if r.pool == nil || changed || others != r.others && !others.Equal(r.others) {
		r.pool = others.Clone()
		for _, c := range r.own {
			r.pool.AddCert(c)
		}
	}
	r.others = others
	return r.pool
}

func readCertificates(file string) ([]*x509.Certificate, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "gateway.tls", "the file of client roots %s cannot be read", file)
	}
	certs, err := decodeCertificates(string(text))
	if err != nil || len(certs) == 0 {
		return nil, fault.Wrap(fault.Invalid, err, "gateway.tls", "%s holds no certificates in PEM", file)
	}
	return certs, nil
}
