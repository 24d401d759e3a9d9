package pki

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// ServerCertificate gives certificates of our own authority for a server with
// these names or addresses: one with an ECDSA and one with an RSA key, since
// stations know one or the other (OCPP 2.0.1 A00.FR.318). They are kept, and
// renewed when a third of their life is left, so that it may be asked for
// every handshake. Keys live in memory only: each process has its own.
func (s *Service) ServerCertificate(ctx context.Context, hosts ...string) ([]tls.Certificate, error) {
	var names []string
	for _, h := range hosts {
		if h = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(h)), "."); h != "" {
			names = append(names, h)
		}
	}
	if len(names) == 0 {
		return nil, fault.New(fault.Invalid, "pki.server_name", "a server certificate needs at least one host name or address")
	}
	s.serving.Lock()
	defer s.serving.Unlock()
	key := strings.Join(names, " ")
	now := s.d.DB.Now()
	if x := s.servers[key]; x != nil && x[0].Leaf.NotAfter.Sub(now) > s.d.ServerLifetime/3 {
		return x, nil
	}
	var out []tls.Certificate
	for _, a := range Algorithms() {
		one, err := s.serverCertificate(ctx, a, names)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	s.servers[key] = out
	return out, nil
}

func (s *Service) serverCertificate(ctx context.Context, a Algorithm, hosts []string) (tls.Certificate, error) {
	ca, err := s.issuer(ctx, a)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := newKey(a, 2048)
	if err != nil {
		return tls.Certificate{}, err
	}
	now := s.d.DB.Now()
	t, err := serverTemplate(s.d.Organisation, hosts, now.Add(-s.d.Backdate), now.Add(s.d.ServerLifetime))
	if err != nil {
		return tls.Certificate{}, err
	}
	s.locate(t, ca.row.ID)
	cert, err := create(t, ca.cert, key.Public(), ca.key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{cert.Raw, ca.cert.Raw}, PrivateKey: key, Leaf: cert}, nil
}

// verifyAt checks a chain at an instant, for any use.
func verifyAt(cert *x509.Certificate, above []*x509.Certificate, o x509.VerifyOptions) ([][]*x509.Certificate, error) {
	o.Intermediates = x509.NewCertPool()
	for _, c := range above {
		o.Intermediates.AddCert(c)
	}
	o.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
	return cert.Verify(o)
}
