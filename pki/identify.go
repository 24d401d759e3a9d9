package pki

import (
	"context"
	"crypto/x509"
	"slices"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// trustFor is how long what is trusted is kept without hearing of a change.
const trustFor = 30 * time.Second

// trust is what certificates of stations are checked against.
type trust struct {
	pool  *x509.CertPool
	own   []ownCert
	roots []trustedRoot // StationRoot and ManufacturerRootCertificate
	until time.Time
}

type ownCert struct {
	id   string
	kind string
	cert *x509.Certificate
}

type trustedRoot struct {
	Root
	cert *x509.Certificate
}

// StationRoots is what the listener of stations verifies their certificates
// against: our own authorities (the issuing ones too, for stations that send
// their own certificate only), also those that have handed over, and the
// roots that organisations trust to sign for stations. [Service.Identify]
// then checks that a certificate may speak for its station. It is read anew
// when anything changes, on every node; on a failure what was read last
// stays in use. Never nil.
func (s *Service) StationRoots(ctx context.Context) *x509.CertPool {
	t, err := s.trusted(ctx)
	if err != nil {
		s.d.Log.Error("the roots of stations cannot be read", "error", err)
	}
	if t == nil {
		return x509.NewCertPool()
	}
	return t.pool
}

func (s *Service) trusted(ctx context.Context) (*trust, error) {
	now := s.d.DB.Now()
	s.mu.Lock()
	last, epoch := s.trust, s.epoch
	s.mu.Unlock()
	if last != nil && now.Before(last.until) {
		return last, nil
	}
	fresh := &trust{pool: x509.NewCertPool(), until: now.Add(trustFor)}
	err := s.d.DB.View(ctx, func(tx *db.Tx) error { return s.readTrust(tx, fresh) })
	if err != nil {
		return last, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pool != nil && s.pool.Equal(fresh.pool) {
		fresh.pool = s.pool // the same one while nothing changed, so that listeners keep their configuration
	}
	s.pool = fresh.pool
	if epoch == s.epoch { // nothing changed while we read
		s.trust = fresh
	}
	return fresh, nil
}

func (s *Service) readTrust(tx *db.Tx, into *trust) error {
	rows, err := authorities(tx)
	if err != nil {
		return err
	}
	for _, r := range rows {
		certs, err := ParseCertificates(r.PEM)
		if err != nil {
			return err
		}
		into.own = append(into.own, ownCert{r.ID, r.Kind, certs[0]})
		into.pool.AddCert(certs[0])
	}
	roots, err := allRoots(tx)
	if err != nil {
		return err
	}
	for _, r := range roots {
		certs, err := ParseCertificates(r.PEM)
		if err != nil {
			s.d.Log.Error("a stored root cannot be read", "root", r.ID, "error", err)
			continue
		}
		into.roots = append(into.roots, trustedRoot{r, certs[0]})
		if signsStations(r.Purpose) {
			into.pool.AddCert(certs[0])
		}
	}
	return nil
}

// identified is a certificate that was checked.
type identified struct {
	station   string
	until     time.Time
	notBefore time.Time
	notAfter  time.Time
}

// Identify tells which station a client certificate speaks for; above are
// the intermediate certificates it came with, if known. The certificate must
// be one that we issued and did not revoke, or one that a root trusted for
// the station's organisation signed and that names the station by its id or
// serial number (OCPP 2.0.1 A00.FR.405).
//
// The first connection with a new certificate makes it the active one and
// revokes the one before.
//
// Faults: Unauthenticated with the code pki.certificate_unknown, _revoked,
// _expired or _not_yet; Unavailable when it cannot be checked now.
func (s *Service) Identify(ctx context.Context, cert *x509.Certificate, above ...*x509.Certificate) (string, error) {
	now := s.d.DB.Now()
	print := fingerprint(cert)
	s.mu.Lock()
	seen, ok := s.known[print]
	epoch := s.epoch
	s.mu.Unlock()
	if ok && now.Before(seen.until) && now.Before(seen.notAfter) {
		return seen.station, nil
	}
	if err := checkPeriod(cert, now); err != nil {
		return "", err
	}
	station, err := s.identify(ctx, cert, above, print)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if epoch == s.epoch && len(s.known) < 200_000 {
		s.known[print] = identified{station: station, until: now.Add(trustFor), notAfter: cert.NotAfter}
	}
	return station, nil
}

func checkPeriod(cert *x509.Certificate, now time.Time) error {
	if now.After(cert.NotAfter) {
		return fault.New(fault.Unauthenticated, "pki.certificate_expired", "the certificate of %s ended at %s", cert.Subject, cert.NotAfter.UTC().Format(time.RFC3339))
	}
	if now.Before(cert.NotBefore) {
		return fault.New(fault.Unauthenticated, "pki.certificate_not_yet", "the certificate of %s begins at %s", cert.Subject, cert.NotBefore.UTC().Format(time.RFC3339))
	}
	return nil
}

func (s *Service) identify(ctx context.Context, cert *x509.Certificate, above []*x509.Certificate, print string) (string, error) {
	var row Certificate
	err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		row, err = certificateByFingerprint(tx, print)
		return err
	})
	switch {
	case fault.Is(err, fault.NotFound):
		return s.identifyForeign(ctx, cert, above)
	case err != nil:
		return "", err
	}
	if isV2GOnly(row.Type) {
		return "", fault.New(fault.Unauthenticated, "pki.certificate_use", "the certificate %s of station %s is for cars, not for the connection to the platform", row.Serial, row.Station)
	}
	switch row.Status {
	case Revoked:
		return "", fault.New(fault.Unauthenticated, "pki.certificate_revoked", "the certificate %s of station %s was revoked", row.Serial, row.Station)
	case Active:
		return row.Station, nil
	}
	// OCPP 2.0.1 A02.FR.08: the station reconnects with the new certificate.
	return row.Station, s.d.DB.Update(ctx, func(tx *db.Tx) error { return s.activate(tx, row) })
}

// activate makes a certificate that the station connected with the one in
// use. Only now the one before is revoked: until here the station could have
// gone back to it (OCPP 2.0.1 A02.FR.10).
func (s *Service) activate(tx *db.Tx, c Certificate) error {
	moved, err := setStatus(tx, c.ID, Active, Signed, Delivered, Refused)
	if err != nil || !moved {
		return err
	}
	if err := tx.Send("UPDATE pki_certificate SET first_used_at = $1 WHERE id = $2 AND first_used_at IS NULL", db.Micros(tx.Now), c.ID); err != nil {
		return err
	}
	older, err := certificatesOf(tx, c.Station)
	if err != nil {
		return err
	}
	for _, o := range older {
		unused := o.Status == Signed || o.Status == Delivered
		if o.ID != c.ID && (o.Status == Active || unused) && !isV2GOnly(o.Type) && !o.Created.After(c.Created) {
			if err := s.revokeIn(tx, o, Superseded); err != nil {
				return err
			}
		}
	}
	if err := s.settleRequest(tx, c); err != nil {
		return err
	}
	s.announce(tx)
	return recordCertificate(tx, c, KindCertificateActive, "")
}

// identifyForeign checks a certificate that we did not issue.
func (s *Service) identifyForeign(ctx context.Context, cert *x509.Certificate, above []*x509.Certificate) (string, error) {
	t, err := s.trusted(ctx)
	if err != nil && t == nil {
		return "", fault.Wrap(fault.Unavailable, err, "pki.unavailable", "certificates cannot be checked now")
	}
	unknown := fault.New(fault.Unauthenticated, "pki.certificate_unknown", "the certificate %s of %s speaks for no station that is known here", serialText(cert.SerialNumber), cert.Subject)
	if t.issued(cert) {
		return "", unknown // ours by its signature, but not in the books: its station was removed
	}
	for _, st := range s.named(ctx, cert.Subject.CommonName) {
		var roots []trustedRoot
		err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
			roots, err = t.of(tx, st, signsStations)
			return err
		})
		if err != nil {
			return "", err
		}
		if _, err := verifyAt(cert, above, x509.VerifyOptions{Roots: poolOf(roots), CurrentTime: s.d.DB.Now()}); err == nil {
			return st.ID, nil
		}
	}
	return "", unknown
}

// issued reports whether one of our own authorities signed the certificate.
func (t *trust) issued(cert *x509.Certificate) bool {
	for _, o := range t.own {
		if cert.CheckSignatureFrom(o.cert) == nil {
			return true
		}
	}
	return false
}

// named gives the stations that a common name may mean: by id, else by the
// serial number of the device.
func (s *Service) named(ctx context.Context, name string) []Station {
	name = strings.TrimSpace(name)
	if name == "" {
		return nil
	}
	var out []Station
	if st, err := s.d.Station(ctx, name); err == nil && !st.Retired {
		out = append(out, st)
	}
	if s.d.BySerial == nil {
		return out
	}
	more, err := s.d.BySerial(ctx, name)
	if err != nil {
		s.d.Log.Warn("stations cannot be found by their serial number", "error", err)
	}
	for _, st := range more {
		if !st.Retired {
			out = append(out, st)
		}
	}
	return out
}

// of gives the roots with a purpose that hold for a station.
func (t *trust) of(tx *db.Tx, st Station, purpose func(string) bool) ([]trustedRoot, error) {
	line, err := lineage(tx, st.Org)
	if err != nil {
		return nil, err
	}
	var out []trustedRoot
	for _, r := range t.roots {
		if purpose(r.Purpose) && inLineage(line, r.Org) && (r.Site == "" || r.Site == st.Site) && (r.Station == "" || r.Station == st.ID) {
			out = append(out, r)
		}
	}
	return out, nil
}

func poolOf(roots []trustedRoot) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, r := range roots {
		pool.AddCert(r.cert)
	}
	return pool
}

// Certified reports whether a station has taken a certificate of ours with
// which it may connect now.
func (s *Service) Certified(tx *db.Tx, station string) (bool, error) {
	all, err := certificatesOf(tx, station)
	return slices.ContainsFunc(all, func(c Certificate) bool {
		return (c.Type == "" || c.Type == stationType) && (c.Status == Delivered || c.Status == Active) && tx.Now.Before(c.NotAfter)
	}), err
}
