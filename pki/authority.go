package pki

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 5280 §4.2.1.2 names keys by it; nothing rests on its strength
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/identity"
)

// Authority signs certificate requests. Our own and the external one over EST
// are authorities.
type Authority interface {
	// Name tells people who signs.
	Name() string
	// Sign gives the certificate for an order and the certificates above it,
	// without the root. fault.Unavailable: try again later; fault.Invalid:
	// this request will never be signed.
	Sign(ctx context.Context, o Order) ([]*x509.Certificate, error)
}

// Order is a checked request for a station's certificate.
type Order struct {
	Request      *x509.CertificateRequest
	CommonName   string
	Organisation string
	Type         string // a CertificateSigningUseEnum; empty: for both connections
}

// Kinds of authorities.
const (
	kindRoot    = "root"
	kindIssuing = "issuing"
)

// authority is one of our own, with its key.
type authority struct {
	row  authorityRow
	cert *x509.Certificate
	key  crypto.Signer
}

// issuer gives the issuing authority for an algorithm, making it and its root
// when they are not there or about to end.
func (s *Service) issuer(ctx context.Context, a Algorithm) (*authority, error) {
	return s.ensure(ctx, kindIssuing, a)
}

func slotOf(kind string, a Algorithm) string { return kind + "/" + string(a) }

// lifetimeOf is how long an authority of a kind lasts.
func (s *Service) lifetimeOf(kind string) time.Duration {
	if kind == kindRoot {
		return s.d.RootLifetime
	}
	return s.d.IssuingLifetime
}

// margin is the life an authority must have left to sign: what it signs must
// not outlast it.
func (s *Service) margin(kind string) time.Duration {
	if kind == kindRoot {
		return s.d.IssuingLifetime
	}
	return s.d.StationLifetime
}

func (s *Service) ensure(ctx context.Context, kind string, a Algorithm) (*authority, error) {
	slot := slotOf(kind, a)
	if found, err := s.authorityAt(ctx, slot); err != nil || found != nil {
		return found, err
	}
	s.making.Lock() // one at a time here; the table settles it between nodes
	defer s.making.Unlock()
	if found, err := s.authorityAt(ctx, slot); err != nil || found != nil {
		return found, err
	}
	var parent *authority
	if kind == kindIssuing {
		var err error
		if parent, err = s.ensure1(ctx, kindRoot, a); err != nil {
			return nil, err
		}
	}
	return s.make(ctx, kind, a, parent)
}

// ensure1 is ensure for who holds the lock already.
func (s *Service) ensure1(ctx context.Context, kind string, a Algorithm) (*authority, error) {
	if found, err := s.authorityAt(ctx, slotOf(kind, a)); err != nil || found != nil {
		return found, err
	}
	return s.make(ctx, kind, a, nil)
}

// authorityAt gives the authority that signs in a slot; nil when there is
// none or it is about to end.
func (s *Service) authorityAt(ctx context.Context, slot string) (*authority, error) {
	now := s.d.DB.Now()
	good := func(x *authority) bool { return x != nil && x.row.NotAfter.Sub(now) >= s.margin(x.row.Kind) }
	s.mu.Lock()
	cached := s.signing[slot]
	s.mu.Unlock()
	if good(cached) {
		return cached, nil
	}
	var row authorityRow
	err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		row, err = authorityIn(tx, slot)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found, err := s.unlock(row)
	if err != nil || !good(found) {
		return nil, err
	}
	s.mu.Lock()
	s.signing[slot] = found
	s.mu.Unlock()
	return found, nil
}

func (s *Service) unlock(row authorityRow) (*authority, error) {
	certs, err := ParseCertificates(row.PEM)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "pki.authority", "the stored certificate of authority %s cannot be read", row.ID)
	}
	key, err := s.sealer.open(row.ID, row.Sealed)
	if err != nil {
		return nil, err
	}
	return &authority{row, certs[0], key}, nil
}

// make creates an authority. Keys are made outside the transaction; of two
// nodes that make one at once, the first to commit wins.
func (s *Service) make(ctx context.Context, kind string, a Algorithm, parent *authority) (*authority, error) {
	key, err := newKey(a, 3072)
	if err != nil {
		return nil, err
	}
	now := s.d.DB.Now()
	cert, err := s.signAuthority(kind, a, key, parent, now)
	if err != nil {
		return nil, err
	}
	row := authorityRow{
		ID: id.New[string](now), Slot: slotOf(kind, a), Kind: kind, Algorithm: a, Subject: cert.Subject.String(), Serial: serialText(cert.SerialNumber),
		Fingerprint: fingerprint(cert), PEM: encodePEM(cert), NotBefore: cert.NotBefore, NotAfter: cert.NotAfter,
	}
	if parent != nil {
		row.Parent = parent.row.ID
	}
	if row.Sealed, err = s.sealer.seal(row.ID, key); err != nil {
		return nil, err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		row.Created = tx.Now
		return s.install(tx, &row)
	})
	if err != nil {
		return nil, err
	}
	return s.unlock(row)
}

// install takes the slot for the new authority; or gives the one that another
// node put there meanwhile.
func (s *Service) install(tx *db.Tx, row *authorityRow) error {
	top, err := identity.Root(tx)
	if err != nil {
		return err
	}
	row.Org = string(top.ID)
	limit := tx.Now.Add(s.margin(row.Kind))
	if err := tx.Send("UPDATE pki_authority SET slot = id WHERE slot = $1 AND not_after < $2", row.Slot, db.Micros(limit)); err != nil {
		return err
	}
	n, err := insertAuthority(tx, *row)
	if err != nil {
		return err
	}
	if n == 0 {
		*row, err = authorityIn(tx, row.Slot)
		return err
	}
	s.announce(tx)
	return recordAuthority(tx, *row, KindAuthorityCreated)
}

func (s *Service) signAuthority(kind string, a Algorithm, key crypto.Signer, parent *authority, now time.Time) (*x509.Certificate, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	name := map[string]string{kindRoot: "Root", kindIssuing: "Issuing"}[kind] + " CA " + map[Algorithm]string{ECDSA: "ECDSA", RSA: "RSA"}[a]
	// The year tells a renewed authority from the one before.
	subject := pkix.Name{CommonName: s.d.Organisation + " " + name + " " + now.Format("2006-01"), Organization: []string{s.d.Organisation}}
	t := &x509.Certificate{
		SerialNumber: serial, Subject: subject, NotBefore: now.Add(-s.d.Backdate), NotAfter: now.Add(s.lifetimeOf(kind)),
		IsCA: true, BasicConstraintsValid: true, MaxPathLen: 1, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
		SubjectKeyId: keyID(key.Public()),
	}
	signer, above := key, t
	if parent != nil {
		t.MaxPathLen, t.MaxPathLenZero = 0, true
		signer, above = parent.key, parent.cert
		s.locate(t, parent.row.ID)
	}
	return create(t, above, key.Public(), signer)
}

// locate writes into a certificate where its revocation can be learned.
func (s *Service) locate(t *x509.Certificate, authority string) {
	if s.d.PublicURL == "" {
		return
	}
	t.CRLDistributionPoints = []string{s.d.PublicURL + crlPath + authority + ".crl"}
	t.OCSPServer = []string{s.d.PublicURL + ocspPath}
	t.IssuingCertificateURL = []string{s.d.PublicURL + caPath + authority + ".crt"}
}

func create(t, above *x509.Certificate, pub any, signer crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, t, above, pub, signer)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func keyID(pub any) []byte {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil
	}
	sum := sha1.Sum(der)
	return sum[:]
}

// own is our own authority as an Authority.
type own struct{ s *Service }

func (own) Name() string { return ownName }

const ownName = "own"

// Sign issues a station's certificate. What it says of the station is ours,
// whatever the request says; its key is the request's.
func (o own) Sign(ctx context.Context, order Order) ([]*x509.Certificate, error) {
	pub := order.Request.PublicKey
	ca, err := o.s.issuer(ctx, algorithmOf(pub))
	if err != nil {
		return nil, err
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	now := o.s.d.DB.Now()
	t := &x509.Certificate{
		SerialNumber: serial,
		// OCPP 2.0.1 A00.FR.509, A00.FR.511: whose the station is, and which it is.
		Subject: pkix.Name{CommonName: order.CommonName, Organization: []string{order.Organisation}},
		// OCPP 2.0.1 A02.FR.06: the station's clock may be behind ours.
		NotBefore: now.Add(-o.s.d.Backdate), NotAfter: now.Add(o.s.d.StationLifetime), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyAgreement, SubjectKeyId: keyID(pub),
		// OCPP 2.0.1 A00.FR.512, A00.FR.514: a key usage, and no extended one.
	}
	if algorithmOf(pub) == RSA {
		t.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	}
	o.s.locate(t, ca.row.ID)
	cert, err := create(t, ca.cert, pub, ca.key)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "pki.sign", "the certificate cannot be made: %v", err)
	}
	return []*x509.Certificate{cert, ca.cert}, nil
}

// serverTemplate is the certificate of a server with names or addresses.
func serverTemplate(organisation string, hosts []string, from, to time.Time) (*x509.Certificate, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: serial, NotBefore: from, NotAfter: to, BasicConstraintsValid: true,
		// OCPP 2.0.1 A00.FR.510: the server's name is its common name too.
		Subject:     pkix.Name{CommonName: hosts[0], Organization: []string{organisation}},
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, // TLS stacks of stations ask for it
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	return t, nil
}
