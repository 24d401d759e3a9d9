package pki

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/identity"
)

// Reason is why a certificate was revoked, RFC 5280 §5.3.1.
type Reason int

// The reasons that make sense for certificates of stations.
const (
	Unspecified          Reason = 0
	KeyCompromise        Reason = 1
	AffiliationChanged   Reason = 3
	Superseded           Reason = 4
	CessationOfOperation Reason = 5
	PrivilegeWithdrawn   Reason = 9
)

var reasonNames = map[Reason]string{
	Unspecified: "unspecified", KeyCompromise: "key_compromise", AffiliationChanged: "affiliation_changed", Superseded: "superseded",
	CessationOfOperation: "cessation_of_operation", PrivilegeWithdrawn: "privilege_withdrawn",
}

// String gives the lower-case name.
func (r Reason) String() string {
	if n, ok := reasonNames[r]; ok {
		return n
	}
	return reasonNames[Unspecified]
}

// ParseReason reads a name; empty is unspecified.
func ParseReason(name string) (Reason, error) {
	if name == "" {
		return Unspecified, nil
	}
	var allowed []string
	for r, n := range reasonNames {
		if n == name {
			return r, nil
		}
		allowed = append(allowed, n)
	}
	slices.Sort(allowed)
	return 0, fault.New(fault.Invalid, "pki.reason", "%q is no reason to revoke; allowed: %s", name, strings.Join(allowed, ", "))
}

const (
	crlPath  = "/pki/crl/"
	ocspPath = "/pki/ocsp"
	caPath   = "/pki/ca/"

	crlLife  = 7 * 24 * time.Hour // of a list; what is revoked appears in the next one given out
	ocspLife = 24 * time.Hour
)

// Revoke makes a certificate unusable at once: its station is refused at the
// next connection. Revoking again changes nothing. The certificate itself
// stays in the books.
func (s *Service) Revoke(ctx context.Context, certificate string, why Reason) (c Certificate, err error) {
	caller, err := identity.Require(ctx, identity.CertificateWrite)
	if err != nil {
		return c, err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		if c, err = visibleCertificate(tx, caller, certificate); err != nil || c.Status == Revoked {
			return err
		}
		if err := s.revokeIn(tx, c, why); err != nil {
			return err
		}
		s.announce(tx)
		if err := identity.Audit(ctx, tx, identity.Entry{Org: identity.OrgID(c.Org), Action: "certificate.revoked", Subject: c.ID,
			Changes: map[string]identity.Change{"status": {c.Status, Revoked}, "reason": {"", why.String()}}}); err != nil {
			return err
		}
		c, err = certificateByID(tx, c.ID)
		return err
	})
	return c, err
}

func visibleCertificate(tx *db.Tx, caller identity.Caller, id string) (Certificate, error) {
	q, args := db.Build("SELECT "+certificateColumns+" FROM pki_certificate WHERE id = ?", id).And(caller.Scope.Where("org")).SQL()
	c, err := scanCertificate(tx.QueryRow(q, args...))
	if fault.Is(err, fault.NotFound) {
		return c, fault.New(fault.NotFound, "pki.certificate", "there is no certificate %q", id)
	}
	return c, err
}

// revokeIn revokes in the books and records the fact.
func (s *Service) revokeIn(tx *db.Tx, c Certificate, why Reason) error {
	n, err := tx.Exec("UPDATE pki_certificate SET status = $1, revoked_at = $2, reason = $3 WHERE id = $4 AND status <> $1", Revoked, db.Micros(tx.Now), int64(why), c.ID)
	if err != nil || n == 0 {
		return err
	}
	return recordCertificate(tx, c, KindCertificateRevoked, why.String())
}

// CRL gives the list of revoked certificates of one of our authorities, DER.
// fault.NotFound when there is no such authority. One list serves for a
// minute, or until something is revoked.
func (s *Service) CRL(ctx context.Context, ca string) ([]byte, error) {
	now := s.d.DB.Now()
	s.mu.Lock()
	last, epoch := s.lists[ca], s.epoch
	s.mu.Unlock()
	if last.body != nil && now.Before(last.until) {
		return last.body, nil
	}
	if t, err := s.trusted(ctx); err == nil && !t.owns(ca) { // before anything is written for a stranger
		return nil, noAuthority(ca)
	}
	list, err := s.makeCRL(ctx, ca)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if epoch == s.epoch {
		s.lists[ca] = kept{list, now.Add(time.Minute)}
	}
	return list, nil
}

func noAuthority(ca string) error {
	return fault.New(fault.NotFound, "pki.authority", "there is no authority %q", clip(ca, 64))
}

func (t *trust) owns(ca string) bool {
	return slices.ContainsFunc(t.own, func(o ownCert) bool { return o.id == ca })
}

func (s *Service) makeCRL(ctx context.Context, ca string) ([]byte, error) {
	var row authorityRow
	var revoked []Certificate
	err := s.d.DB.Update(ctx, func(tx *db.Tx) (err error) {
		// RFC 5280 §5.2.3: the number grows with each list.
		n, err := tx.Exec("UPDATE pki_authority SET crl_number = crl_number + 1 WHERE id = $1", ca)
		if err != nil {
			return err
		}
		if n == 0 {
			return noAuthority(ca)
		}
		if row, err = authorityByID(tx, ca); err != nil {
			return err
		}
		// Ended certificates leave the list: nothing accepts them any more.
		revoked, err = db.Collect(tx, scanCertificate, "SELECT "+certificateColumns+" FROM pki_certificate WHERE authority = $1 AND status = $2 AND not_after > $3 ORDER BY revoked_at, id", ca, Revoked, db.Micros(tx.Now))
		return err
	})
	if err != nil {
		return nil, err
	}
	x, err := s.unlock(row)
	if err != nil {
		return nil, err
	}
	now := s.d.DB.Now()
	list := &x509.RevocationList{Number: big.NewInt(row.CRLNumber), ThisUpdate: now.Add(-s.d.Backdate), NextUpdate: now.Add(crlLife)}
	for _, c := range revoked {
		n, ok := parseSerial(c.Serial)
		if !ok || c.Revoked == nil {
			continue
		}
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: n, RevocationTime: *c.Revoked, ReasonCode: c.Reason})
	}
	return x509.CreateRevocationList(rand.Reader, list, x.cert, x.key)
}
