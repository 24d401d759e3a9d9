package access

import (
	"context"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Ask is a token shown at a station.
type Ask struct {
	Org, Site, Station string
	EVSE               int // 0: not known
	Token              ocpp.IdToken
	At                 time.Time // when it was shown; expiry is compared with it
	Offline            bool      // the station decided by itself then
	Use                string    // the session it is about; empty: none yet
	Take               bool      // Use begins to use the token
}

// Decision is the answer to an Ask.
type Decision struct {
	Status ocpp.AuthorizationStatusEnum
	Token  *IdToken // nil: nobody's
	cache  time.Time
}

// Accepted reports whether charging may begin.
func (d Decision) Accepted() bool { return d.Status == ocpp.AuthorizationStatusEnumAccepted }

// Info is the decision as stations want it.
func (d Decision) Info() *ocpp.IdTokenInfo {
	info := &ocpp.IdTokenInfo{Status: d.Status}
	if d.Token != nil && d.Token.Group != "" {
		info.GroupIdToken = &ocpp.IdToken{IdToken: d.Token.Group, Type: d.Token.Type}
	}
	if d.Token != nil && d.Accepted() && !d.cache.IsZero() {
		at := ocpp.AtTime(d.cache)
		info.CacheExpiryDateTime = &at
	}
	return info
}

// Decide answers a. With a.Take it also takes the token for the session, in
// the same transaction: of two starts at once only as many are accepted as
// the token allows. Taking it again for the same session changes nothing.
func (s *Service) Decide(tx *db.Tx, a Ask) (Decision, error) {
	c := Case{Type: a.Token.Type, Offline: a.Offline, At: a.At}
	if c.Type == TypeNoAuthorization {
		return Decision{Status: Rule(c)}, nil
	}
	var err error
	if c.Token, err = s.find(tx, a.Org, a.Token); err != nil {
		return Decision{}, err
	}
	if c.Open, err = s.open(tx, a.Org, a.Station); err != nil {
		return Decision{}, err
	}
	if c.Granted, err = granted(tx, a.Station, Match(a.Token.IdToken), a.At); err != nil {
		return Decision{}, err
	}
	if !c.Granted && s.d.AdHoc != nil {
		if c.Granted, err = s.d.AdHoc(tx, a.Station, a.Token.IdToken); err != nil {
			return Decision{}, err
		}
	}
	if c.Token != nil {
		if c.Busy, c.Max, err = s.busy(tx, *c.Token, a); err != nil {
			return Decision{}, err
		}
	}
	if c.Kept, err = s.kept(tx, a, c.Token); err != nil {
		return Decision{}, err
	}
	d := Decision{Status: Rule(c), Token: c.Token}
	if c.Token != nil {
		d.cache = tx.Now.Add(s.d.Config.CacheFor)
		if e := c.Token.Expiry; e != nil && e.Before(d.cache) {
			d.cache = *e
		}
	}
	if d.Accepted() && c.Token != nil && a.Take {
		if err = takeUse(tx, c.Token.ID, a); err == nil {
			err = noteSeen(tx, c.Token.ID, a)
		}
	}
	return d, err
}

// kept reports whether the EVSE is reserved for somebody else.
func (s *Service) kept(tx *db.Tx, a Ask, t *IdToken) (bool, error) {
	if s.d.Reserved == nil || a.EVSE == 0 {
		return false, nil
	}
	group := ""
	if t != nil {
		group = t.Group
	}
	return s.d.Reserved(tx, a.Station, a.EVSE, a.Token.IdToken, group)
}

// find looks the token up among those of the station's organisation, of the
// organisations above it and of those below it.
func (s *Service) find(tx *db.Tx, org string, read ocpp.IdToken) (*IdToken, error) {
	all, err := tokensByMatch(tx, Match(read.IdToken))
	if err != nil {
		return nil, err
	}
	var best *IdToken
	for i, t := range all {
		if !sameType(t.Type, read.Type) {
			continue
		}
		if t.Org == org {
			return &all[i], nil
		}
		related, err := kin(tx, t.Org, org)
		if err != nil {
			return nil, err
		}
		if related && best == nil {
			best = &all[i]
		}
	}
	return best, nil
}

// Holder gives the token of a value, whatever its type, as stations of an
// organisation know it; nil when it is nobody's. Prices ask this.
func (s *Service) Holder(tx *db.Tx, org, value string) (*IdToken, error) {
	all, err := tokensByMatch(tx, Match(value))
	if err != nil {
		return nil, err
	}
	var best *IdToken
	for i, t := range all {
		if t.Org == org {
			return &all[i], nil
		}
		related, err := kin(tx, t.Org, org)
		if err != nil {
			return nil, err
		}
		if related && best == nil {
			best = &all[i]
		}
	}
	return best, nil
}

func kin(tx *db.Tx, a, b string) (bool, error) {
	above, err := identity.ScopeOf(identity.OrgID(a)).Has(tx, identity.OrgID(b))
	if err != nil || above {
		return above, err
	}
	return identity.ScopeOf(identity.OrgID(b)).Has(tx, identity.OrgID(a))
}

// busy counts the other sessions that use the token. The lock on the token's
// row makes those who ask at the same time wait for each other.
func (s *Service) busy(tx *db.Tx, t IdToken, a Ask) (busy, most int, err error) {
	most = s.d.Config.MaxSessions
	if t.MaxSessions != nil {
		most = *t.MaxSessions
	}
	if a.Take {
		if err := lockToken(tx, t.ID); err != nil {
			return 0, 0, err
		}
	}
	uses, err := usesOf(tx, t.ID)
	if err != nil {
		return 0, 0, err
	}
	for _, u := range uses {
		here := u.station == a.Station
		switch {
		case u.id == a.Use, here && a.EVSE != 0 && u.evse == a.EVSE:
			continue
		case here && !a.Take: // it may be shown to stop what runs here
			continue
		}
		alive, err := s.alive(tx, u, a.Station)
		if err != nil {
			return 0, 0, err
		}
		if alive {
			busy++
		}
	}
	return busy, most, nil
}

// alive reports whether the lease of a use still counts.
func (s *Service) alive(tx *db.Tx, u use, asking string) (bool, error) {
	if u.station == asking || s.d.LastSeen == nil {
		return true, nil
	}
	seen, err := s.d.LastSeen(tx, u.station)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return tx.Now.Sub(seen) <= s.d.Config.Lease, err
}

// Resume takes the use of a token again for a session that turned out to go
// on. It asks nobody: the session runs.
func (s *Service) Resume(tx *db.Tx, token TokenID, a Ask) error { return takeUse(tx, token, a) }

// Release ends the use of a token by a session.
func (s *Service) Release(tx *db.Tx, session string) error { return deleteUse(tx, session) }

// Grant makes the station's own readings of the token acceptable until then,
// though nobody may own it. session calls it for remote starts.
func (s *Service) Grant(tx *db.Tx, org, site, station, token string, until time.Time) error {
	return putGrant(tx, org, site, station, Match(token), until)
}

// Revoke takes a grant back.
func (s *Service) Revoke(tx *db.Tx, station, token string) error {
	return deleteGrant(tx, station, Match(token))
}

// Authorize answers a station that asks about a token before it starts.
func (s *Service) Authorize(ctx context.Context, p ocpp.Peer, r *ocpp.AuthorizeRequest) (*ocpp.AuthorizeResponse, error) {
	var d Decision
	began := s.d.DB.Now()
	err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		d, err = s.Decide(tx, Ask{Org: p.Org, Site: p.Site, Station: p.Station, Token: r.IdToken, At: tx.Now})
		return err
	})
	s.decisions.Observe(s.d.DB.Now().Sub(began).Seconds())
	if err != nil {
		return nil, err
	}
	out := &ocpp.AuthorizeResponse{IdTokenInfo: *d.Info()}
	if s.d.Contract != nil {
		withContract(out, s.d.Contract(ctx, p, r.IdToken.IdToken, r.Certificate, r.Iso15118CertificateHashData))
	}
	return out, nil
}

// withContract adds what is known of the contract certificate to an answer.
// A contract that is not good stops charging, whoever's the token is.
func withContract(out *ocpp.AuthorizeResponse, status ocpp.AuthorizeCertificateStatusEnum) {
	out.CertificateStatus = status
	switch status {
	case "", ocpp.AuthorizeCertificateStatusEnumContractCancelled:
	case ocpp.AuthorizeCertificateStatusEnumAccepted:
		switch out.IdTokenInfo.Status {
		case ocpp.AuthorizationStatusEnumBlocked, ocpp.AuthorizationStatusEnumExpired, ocpp.AuthorizationStatusEnumInvalid, ocpp.AuthorizationStatusEnumUnknown:
			out.CertificateStatus = ocpp.AuthorizeCertificateStatusEnumContractCancelled // OCPP 2.1 C07.FR.13
		}
	case ocpp.AuthorizeCertificateStatusEnumCertificateExpired:
		out.IdTokenInfo = ocpp.IdTokenInfo{Status: ocpp.AuthorizationStatusEnumExpired} // OCPP 2.1 C07.FR.15
	default:
		out.IdTokenInfo = ocpp.IdTokenInfo{Status: ocpp.AuthorizationStatusEnumInvalid} // OCPP 2.1 C07.FR.16, C07.FR.17
	}
}
