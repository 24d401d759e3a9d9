package pki

import (
	"context"
	"crypto/x509"
	"slices"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/identity"
)

// NewRoot is a trust root to be added.
type NewRoot struct {
	Org, Site, Station string // Org empty: the caller's
	Purpose            string
	PEM                string
}

// checkRoot reads the one certificate of a PEM text and refuses what cannot
// be a trust root, with one clear reason.
func checkRoot(text, purpose string, now time.Time) (*x509.Certificate, error) {
	if !slices.Contains(Purposes(), purpose) {
		return nil, fault.New(fault.Invalid, "pki.purpose", "%q is no purpose of a root", clip(purpose, 50)).
			With("body.purpose", "allowed: "+strings.Join(Purposes(), ", "), purpose)
	}
	bad := func(code, format string, args ...any) error {
		f := fault.New(fault.Invalid, code, format, args...)
		return f.With("body.certificate", f.Message, nil)
	}
	certs, err := ParseCertificates(text)
	if err != nil {
		return nil, bad("pki.pem", "%s", messageOf(err))
	}
	c := certs[0]
	switch {
	case len(certs) > 1:
		return nil, bad("pki.root_many", "the text holds %d certificates; add them one by one", len(certs))
	case !c.IsCA || !c.BasicConstraintsValid:
		return nil, bad("pki.root_not_ca", "%s is not the certificate of an authority (CA:TRUE is missing)", c.Subject)
	case c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCertSign == 0:
		return nil, bad("pki.root_usage", "the key usage of %s does not allow it to sign certificates", c.Subject)
	case now.After(c.NotAfter):
		return nil, bad("pki.root_expired", "%s ended at %s", c.Subject, c.NotAfter.UTC().Format(time.RFC3339))
	case purpose != PurposeStation && (string(c.RawSubject) != string(c.RawIssuer) || c.CheckSignatureFrom(c) != nil):
		return nil, bad("pki.root_not_self_signed", "%s is not a root: it was signed by %s", c.Subject, c.Issuer)
	case len(text) > longestChain:
		return nil, bad("pki.root_size", "the certificate has %d characters, stations take at most %d", len(text), longestChain)
	}
	if err := checkKey(c.PublicKey); err != nil {
		return nil, bad("pki.weak_key", "%s", messageOf(err))
	}
	return c, nil
}

// AddRoot makes a root trusted: stations that it is for get it from now on.
// Adding the same one again gives the one that is there.
func (s *Service) AddRoot(ctx context.Context, n NewRoot) (r Root, err error) {
	if _, err := identity.Require(ctx, identity.CertificateWrite); err != nil {
		return r, err
	}
	c, err := checkRoot(n.PEM, n.Purpose, s.d.DB.Now())
	if err != nil {
		return r, err
	}
	if n.Station != "" {
		st, err := s.d.Station(ctx, n.Station)
		if err != nil {
			return r, err
		}
		n.Station, n.Site, n.Org = st.ID, st.Site, st.Org
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		org, err := identity.Place(ctx, tx, identity.OrgID(n.Org))
		if err != nil {
			return err
		}
		r = Root{
			ID: id.New[string](tx.Now), Org: string(org), Site: n.Site, Station: n.Station, Purpose: n.Purpose, Subject: c.Subject.String(), Issuer: c.Issuer.String(),
			Serial: serialText(c.SerialNumber), Fingerprint: fingerprint(c), PEM: encodePEM(c), NotBefore: c.NotBefore, NotAfter: c.NotAfter, Created: tx.Now,
		}
		same, err := scanRoot(tx.QueryRow("SELECT "+rootColumns+" FROM pki_root WHERE org = $1 AND site = $2 AND station = $3 AND purpose = $4 AND fingerprint = $5 AND removed_at IS NULL",
			r.Org, r.Site, r.Station, r.Purpose, r.Fingerprint))
		if err == nil {
			r = same
			return nil
		}
		if !fault.Is(err, fault.NotFound) {
			return err
		}
		if err := insertRoot(tx, r); err != nil {
			return err
		}
		return s.rootChanged(ctx, tx, r, KindRootAdded, "root.added")
	})
	return r, err
}

// RemoveRoot withdraws a root: stations that have it are told to delete it.
func (s *Service) RemoveRoot(ctx context.Context, root string) error {
	caller, err := identity.Require(ctx, identity.CertificateWrite)
	if err != nil {
		return err
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		r, err := visibleRoot(tx, caller, root)
		if err != nil || r.Removed != nil {
			return err
		}
		if err := tx.Send("UPDATE pki_root SET removed_at = $1 WHERE id = $2 AND removed_at IS NULL", db.Micros(tx.Now), r.ID); err != nil {
			return err
		}
		return s.rootChanged(ctx, tx, r, KindRootRemoved, "root.removed")
	})
}

func visibleRoot(tx *db.Tx, caller identity.Caller, id string) (Root, error) {
	q, args := db.Build("SELECT "+rootColumns+" FROM pki_root WHERE id = ?", id).And(caller.Scope.Where("org")).SQL()
	r, err := scanRoot(tx.QueryRow(q, args...))
	if fault.Is(err, fault.NotFound) {
		return r, fault.New(fault.NotFound, "pki.root", "there is no trust root %q", id)
	}
	return r, err
}

// rootChanged has the stations concerned compared anew.
func (s *Service) rootChanged(ctx context.Context, tx *db.Tx, r Root, kind, action string) error {
	q := db.Build("UPDATE pki_station SET next_at = ? WHERE next_at > ?", db.Micros(tx.Now), db.Micros(tx.Now))
	switch {
	case r.Station != "":
		q.Add("AND station = ?", r.Station)
	case r.Site != "":
		q.Add("AND site = ?", r.Site)
	default:
		q.And(identity.ScopeOf(identity.OrgID(r.Org)).Where("org"))
	}
	text, args := q.SQL()
	if err := tx.Send(text, args...); err != nil {
		return err
	}
	s.announce(tx)
	if err := identity.Audit(ctx, tx, identity.Entry{Org: identity.OrgID(r.Org), Action: "certificate." + action, Subject: r.ID,
		Changes: map[string]identity.Change{"subject": {nil, r.Subject}, "purpose": {nil, r.Purpose}}}); err != nil {
		return err
	}
	return recordRoot(tx, r, kind)
}
