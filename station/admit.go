package station

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Connect decides whether a station may connect. It runs before the socket
// is accepted, so a stranger never replaces the socket of a known station
// (field note 10). In the usual case it reads memory only.
//
// fault.NotFound: nobody knows the id; it is on the list of knocking stations.
// fault.Unauthenticated: no password, a wrong one, or too many wrong ones; no
// certificate where one is required, or one of another station.
// fault.Forbidden: the connection is less secure than the station requires.
func (s *Service) Connect(ctx context.Context, h ocpp.Handshake) (ocpp.Admission, error) {
	if _, err := ParseID(h.Station); err != nil {
		return ocpp.Admission{}, fault.New(fault.NotFound, "station.unknown", "%q is not a station id", clipped(h.Station))
	}
	c, err := s.card(ctx, h.Station)
	if err != nil {
		return ocpp.Admission{}, err
	}
	if c == nil || c.Life == Retired {
		c, err = s.enrol(ctx, h, c)
		if err != nil {
			return ocpp.Admission{}, err
		}
	}
	profile, err := s.authenticate(ctx, c, h)
	if err != nil {
		return ocpp.Admission{}, err
	}
	return ocpp.Admission{
		Station: string(c.ID), Org: c.Org, Site: c.Site, SecurityProfile: profile, Active: c.Life == Active && !c.Quarantined,
		HeartbeatInterval: cmp.Or(c.Heartbeat, Jitter(string(c.ID), s.d.Heartbeat)), MaxMessage: s.d.MaxMessage, MessagesPerMinute: s.d.MessagesPerMinute,
		Make: c.Make, On: c.On, Off: c.Off,
		Connectors: c.Connectors,
	}, nil
}

func clipped(v string) string {
	if len(v) > maxID {
		return v[:maxID] + "…"
	}
	return v
}

// authenticate checks what a handshake offers against what the station
// requires, and gives the security profile the connection has.
func (s *Service) authenticate(ctx context.Context, c *card, h ocpp.Handshake) (int, error) {
	// OCPP 2.0.1 A05.FR.07: never below a profile it has connected with,
	// unless an operator has set a lower one since.
	least, since := max(c.Profile, c.Proven), ""
	if c.Proven > c.Profile {
		since = ", but the station has used security profile " + strconv.Itoa(c.Proven) + " already; set its profile anew to allow a lower one"
	}
	switch {
	case least >= 2 && !h.TLS:
		s.refused(c.ID, h, "the connection is not encrypted"+since)
		s.alarm(ctx, c, h, Refused{Reason: RefusedProfile, Detail: "the connection is not encrypted" + since})
		return 0, fault.New(fault.Forbidden, "station.tls_required", "this station may connect only with TLS (wss://, security profile 2)")
	case h.CertProblem != "":
		return 0, s.wrongCertificate(ctx, c, h, h.CertProblem) // OCPP 2.0.1 A00.FR.407
	case h.ClientCert != nil:
		return s.byCertificate(ctx, c, h)
	case least >= 3:
		s.refused(c.ID, h, "no client certificate"+since)
		s.alarm(ctx, c, h, Refused{Reason: RefusedCertificate, Detail: "no client certificate" + since})
		return 0, noCertificate
	}
	if !h.HasPassword || c.Sealed == "" && c.Next == "" {
		return s.withoutPassword(c, h)
	}
	if err := s.checkPassword(ctx, c, h); err != nil {
		if c.Profile > 0 || !fault.Is(err, fault.Unauthenticated) {
			return 0, err
		}
		return s.withoutPassword(c, h) // none is required; a wrong one is a quirk
	}
	if h.TLS {
		return 2, nil
	}
	return 1, nil
}

func (s *Service) withoutPassword(c *card, h ocpp.Handshake) (int, error) {
	if c.Profile == 0 && (s.d.AllowProfile0 || c.Life != Active) { // who waits for activation can do no harm
		return 0, nil
	}
	why := "no password was sent"
	if h.HasPassword {
		why = "the station has no password yet: give it one with POST charging-stations/{id}/credentials"
	}
	s.refused(c.ID, h, why)
	return 0, fault.New(fault.Unauthenticated, "station.password_required", "send the station's id and password with HTTP Basic authentication")
}

func (s *Service) checkPassword(ctx context.Context, c *card, h ocpp.Handshake) error {
	address := host(h.RemoteAddr)
	// Only wrong passwords cost, per station and address, so that nobody can
	// lock a station out from elsewhere. The address of the last good
	// connection has more room: behind one NAT the neighbour may be broken.
	limits, key := s.failures, string(c.ID)+"\x00"+address
	if address == c.LastAddr {
		limits = s.failuresAtHome
	}
	if !limits.allowed(key, s.now()) {
		return fault.New(fault.Unauthenticated, "station.throttled", "too many wrong passwords for this station from this address; wait a minute")
	}
	wrong := fault.New(fault.Unauthenticated, "station.password", "the user name is not the station's id, or the password is wrong")
	// OCPP 2.0.1 A00.FR.204: the user name is the identity. An empty one comes
	// from stations that know only the password.
	tolerate := s.tolerated(c.Make, c.On, c.Off)
	if h.User != "" && !strings.EqualFold(h.User, string(c.ID)) && tolerate.Has(ocpp.TolerateBasicUser) {
		s.Deviation(ctx, ocpp.Peer{Station: string(c.ID)}, ocpp.Deviation{Code: "basic_user", Action: "connect", Detail: "the Basic user is " + quoted(h.User) + ", not the station's id"})
	} else if h.User != "" && !strings.EqualFold(h.User, string(c.ID)) {
		limits.take(key, s.now())
		s.refused(c.ID, h, "the user name is not the station's id")
		return wrong
	}
	told := s.verify.forms(c.ID, h.Password)
	if bare := strings.TrimSpace(h.Password); bare != h.Password && tolerate.Has(ocpp.ToleratePasswordSpace) {
		if forms := s.verify.forms(c.ID, bare); forms.match(c.Sealed) || forms.match(c.Next) {
			s.Deviation(ctx, ocpp.Peer{Station: string(c.ID)}, ocpp.Deviation{Code: "password_space", Action: "connect", Detail: "there are blanks around the password"})
			told = forms
		}
	}
	old, next := told.match(c.Sealed), told.match(c.Next)
	switch {
	case next:
		return s.promote(ctx, c)
	case old:
		return nil
	}
	// The caches of other nodes hear of a new password a moment later; look
	// once at the database before refusing, within the same limit.
	limits.take(key, s.now())
	if fresh, err := s.reread(ctx, c); err != nil {
		return err
	} else if fresh != nil && (fresh.Sealed != c.Sealed || fresh.Next != c.Next) {
		if told.match(fresh.Next) {
			return s.promote(ctx, fresh)
		}
		if told.match(fresh.Sealed) {
			return nil
		}
	}
	s.refused(c.ID, h, "the password is wrong")
	return wrong
}

func (s *Service) reread(ctx context.Context, c *card) (*card, error) {
	if s.now().Sub(c.read) < time.Second {
		return nil, nil
	}
	s.forget(c.ID.Key())
	return s.card(ctx, string(c.ID))
}

// promote makes the new password the only one, at its first use.
func (s *Service) promote(ctx context.Context, c *card) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec("UPDATE charging_station SET password = password_next, password_next = '', password_shared = $3 WHERE id = $1 AND password_next = $2", string(c.ID), c.Next, false)
		if err == nil && n > 0 {
			s.announce(tx, c.ID)
		}
		return err
	})
}

// refused keeps a refusal for the station's page, and logs it at most once
// a minute per station and address.
func (s *Service) refused(id ID, h ocpp.Handshake, why string) {
	s.Deviation(context.Background(), ocpp.Peer{Station: string(id)}, ocpp.Deviation{Code: "refused_connection", Action: "connect", Detail: why + ", from " + host(h.RemoteAddr)})
	if s.logged.take(string(id)+"\x00"+host(h.RemoteAddr), s.now()) {
		s.d.Log.Warn("a station was refused", "station", id, "why", why, "from", h.RemoteAddr)
	}
}

// forgetFailures clears the account of wrong passwords after a good
// connection.
func (s *Service) forgetFailures(p ocpp.Peer) {
	key := p.Station + "\x00" + host(p.RemoteAddr)
	s.failures.forget(key)
	s.failuresAtHome.forget(key)
}
