package station

import (
	"context"
	"crypto/x509"
	"slices"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Refused is the payload of [KindRefused]: somebody tried to connect as a
// station and failed in a way that people should look at.
type Refused struct {
	Reason     string `json:"reason"` // RefusedCertificate or RefusedProfile
	Detail     string `json:"detail"`
	RemoteAddr string `json:"remote_addr"`
}

// Reasons of a [Refused].
const (
	RefusedCertificate = "certificate" // none, a bad one, or another station's
	RefusedProfile     = "profile"     // a lower security profile than the station has proven
)

var noCertificate = fault.New(fault.Unauthenticated, "station.certificate_required", "this station must show its certificate (security profile 3)")

// byCertificate admits a station that showed a certificate the listener
// verified, if it is its own.
func (s *Service) byCertificate(ctx context.Context, c *card, h ocpp.Handshake) (int, error) {
	owner, err := "", fault.New(fault.NotFound, "station.certificate", "no room knows certificates")
	if s.d.CertificateOf != nil {
		var failed error
		if owner, failed = s.d.CertificateOf(ctx, h.ClientCert); failed == nil {
			err = nil
		} else if !fault.Is(failed, fault.NotFound) {
			if k := fault.KindOf(failed); k == fault.Unavailable || k == fault.Internal {
				return 0, failed
			}
			return 0, s.wrongCertificate(ctx, c, h, failed.Error())
		}
	}
	name := h.ClientCert.Subject.String() + " no. " + h.ClientCert.SerialNumber.Text(16)
	switch {
	case err == nil && !strings.EqualFold(owner, string(c.ID)):
		return 0, s.wrongCertificate(ctx, c, h, "the certificate "+name+" is that of station "+owner)
	case err == nil:
		return 3, nil
	case !names(h.ClientCert, string(c.ID), c.Incarnation):
		// OCPP 2.0.1 A00.FR.405: the common name is the serial number of the station; many write its id.
		return 0, s.wrongCertificate(ctx, c, h, "the certificate "+name+" names neither this station nor its serial number")
	case !s.trusts(h.ClientCert):
		// OCPP 2.0.1 A00.FR.404
		return 0, s.wrongCertificate(ctx, c, h, "the certificate "+name+" is not of an organisation trusted here ("+strings.Join(s.d.CertificateOrganisations, ", ")+")")
	}
	return 3, nil
}

// names tells whether a certificate is of the device with one of the names.
func names(cert *x509.Certificate, wanted ...string) bool {
	given := append([]string{cert.Subject.CommonName, cert.Subject.SerialNumber}, cert.DNSNames...)
	return slices.ContainsFunc(given, func(g string) bool {
		return g != "" && slices.ContainsFunc(wanted, func(w string) bool { return strings.EqualFold(g, w) })
	})
}

func (s *Service) trusts(cert *x509.Certificate) bool {
	return len(s.d.CertificateOrganisations) == 0 || slices.ContainsFunc(cert.Subject.Organization, func(o string) bool {
		return slices.ContainsFunc(s.d.CertificateOrganisations, func(w string) bool { return strings.EqualFold(o, w) })
	})
}

func (s *Service) wrongCertificate(ctx context.Context, c *card, h ocpp.Handshake, why string) error {
	s.refused(c.ID, h, why)
	s.alarm(ctx, c, h, Refused{Reason: RefusedCertificate, Detail: why})
	return fault.New(fault.Unauthenticated, "station.certificate", "the certificate is not one of this station's")
}

// alarm records that somebody was refused, at most once a minute per station
// and address.
func (s *Service) alarm(ctx context.Context, c *card, h ocpp.Handshake, r Refused) {
	r.RemoteAddr = host(h.RemoteAddr)
	if !s.logged.take(string(c.ID)+"\x00"+r.Reason+"\x00"+r.RemoteAddr, s.now()) {
		return
	}
	err := s.d.DB.Update(ctx, func(tx *db.Tx) error {
		return record(tx, &Station{ID: c.ID, Org: c.Org, Site: c.Site}, KindRefused, r)
	})
	if err != nil {
		s.d.Log.Warn("a refused connection was not recorded", "station", c.ID, "error", err)
	}
}

// Failed takes note of a connection that came to nothing before it asked for
// anything (quirk Q06): on the page of the station it was, as far as that can
// be told, or among those that knock. reason is one of FailureReasons.
func (s *Service) Failed(ctx context.Context, station, remote, reason, detail string) {
	h := ocpp.Handshake{Station: station, RemoteAddr: remote}
	if !s.strangers.take(host(remote), s.now()) {
		return
	}
	if station != "" {
		if c, err := s.card(ctx, station); err == nil && c != nil && c.Life != Retired {
			s.Deviation(ctx, ocpp.Peer{Station: string(c.ID)}, ocpp.Deviation{Code: reason, Action: "connect", Detail: detail + ", from " + host(remote)})
			return
		}
	}
	s.knock(h, reason, detail)
}

// FailureReasons are the ways in which a connection comes to nothing.
var FailureReasons = []string{"tls_failed", "tls_without_http", "plain_on_tls", "tls_on_plain"}

// RaiseProfile makes a security profile the least one that a station may
// connect with, after it has connected with it. OCPP 2.0.1 A05.FR.07
func (s *Service) RaiseProfile(tx *db.Tx, station string, profile int) error {
	_, err := s.alter(tx, ID(station), func(t *tree) error {
		if t.Profile >= profile {
			return nil
		}
		t.Profile, t.Proven = profile, max(t.Proven, profile)
		t.facts = append(t.facts, fact{KindChanged, changedOf(&t.Station)})
		return nil
	})
	return err
}

// OfferPassword gives a station a new password beside the one it has, for the
// room that will bring it there: at the first use the old one ends (field
// note 22). The password follows from the nonce and the secret of the
// installation, so that it can be sent again without being kept anywhere.
func (s *Service) OfferPassword(tx *db.Tx, station, nonce string) (password string, err error) {
	id := ID(station)
	password = s.verify.derive(id, nonce)
	n, err := tx.Exec("UPDATE charging_station SET password_next = $2 WHERE key = $1 AND password <> $2", id.Key(), s.verify.seal(id, password))
	if err == nil && n > 0 {
		s.announce(tx, id)
	}
	return password, err
}

// WithdrawPassword takes an offered password back that the station refused.
func (s *Service) WithdrawPassword(tx *db.Tx, station, nonce string) error {
	id := ID(station)
	n, err := tx.Exec("UPDATE charging_station SET password_next = '' WHERE key = $1 AND password_next = $2", id.Key(), s.verify.seal(id, s.verify.derive(id, nonce)))
	if err == nil && n > 0 {
		s.announce(tx, id)
	}
	return err
}

// UsesPassword tells whether the station has signed in with an offered
// password.
func (s *Service) UsesPassword(tx *db.Tx, station, nonce string) (bool, error) {
	id := ID(station)
	var n int
	err := tx.QueryRow("SELECT COUNT(*) FROM charging_station WHERE key = $1 AND password = $2", id.Key(), s.verify.seal(id, s.verify.derive(id, nonce))).Scan(&n)
	return n > 0, err
}
