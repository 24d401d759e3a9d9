package pki

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/cluster"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// How V2G certificates (for cars, ISO 15118) are signed.
const (
	V2GOff      = "off"      // requests for them are answered Rejected
	V2GOwn      = "own"      // our own authority: cars must trust its root
	V2GExternal = "external" // the authority in Deps.V2G
)

// Config of the room; zero values mean the defaults.
type Config struct {
	Organisation    string        // in certificates of the installation itself, and accepted in requests; "Forecourt"
	PublicURL       string        // where CRL and OCSP are reached; empty: certificates do not say
	RootLifetime    time.Duration // 20 years
	IssuingLifetime time.Duration // 8 years
	StationLifetime time.Duration // 1 year
	ServerLifetime  time.Duration // 90 days
	Backdate        time.Duration // before now that certificates begin, for stations whose clock is behind; 1 h
	RenewBefore     time.Duration // before its end a certificate is renewed; 30 days
	AlarmBefore     time.Duration // before its end a certificate that was not renewed is told of; 14 days
	ReconcileEvery  time.Duration // how often a station's roots are compared; 24 h
	Manual          bool          // every request waits for a person
	InstallOwnRoot  bool          // our own root is a CSMS root that every station shall have
	ServesOwn       bool          // our server's certificate is of our own authority: a station that moves to TLS needs our root
	V2G             string        // off, own or external; off
	RequireOCSP     bool          // a contract whose revocation cannot be learned is refused
	AllowPrivate    bool          // responders and CRLs may be at private addresses
}

func (c Config) withDefaults() Config {
	const day = 24 * time.Hour
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&c.RootLifetime, 20*365*day)
	set(&c.IssuingLifetime, 8*365*day)
	set(&c.StationLifetime, 365*day)
	set(&c.ServerLifetime, 90*day)
	set(&c.Backdate, time.Hour)
	set(&c.RenewBefore, 30*day)
	set(&c.AlarmBefore, 14*day)
	set(&c.ReconcileEvery, day)
	if c.Organisation == "" {
		c.Organisation = "Forecourt"
	}
	if c.V2G == "" {
		c.V2G = V2GOff
	}
	return c
}

// Station is what the room knows of a station.
type Station struct {
	ID, Org, Site string
	Serial        string // as it told at boot; empty: not yet
	Protocol      string // "1.6", "2.0.1", "2.1" of the last connection
	Retired       bool
}

// Deps are what the room needs.
type Deps struct {
	Config
	DB        *db.DB
	Bus       *cluster.Bus // nil: a single node
	Log       *slog.Logger
	Commander ocpp.Commander
	Secret    []byte // of the installation, at least 16 bytes: keys are sealed under it

	External  Authority        // signs in place of our own; nil: our own
	V2G       Authority        // signs V2G certificates when Config.V2G is external
	Contracts ContractProvider // nil: Get15118EVCertificate is answered Failed
	HTTP      *http.Client     // for responders and CRLs; nil: one that keeps off private networks

	// Station finds a station by its id, in any case; fault.NotFound.
	Station func(ctx context.Context, id string) (Station, error)
	// BySerial finds the stations whose device has the serial number; nil:
	// certificates are matched by id only.
	BySerial func(ctx context.Context, serial string) ([]Station, error)
	// Variable gives the value a station told for a variable; nil: unknown.
	Variable func(ctx context.Context, station, component, variable string) (string, bool)
}

// Service holds the use-cases of certificates.
type Service struct {
	d      Deps
	sealer sealer
	cache  *answers

	making  sync.Mutex // of authorities
	serving sync.Mutex
	servers map[string][]tls.Certificate // under serving

	mu      sync.Mutex
	signing map[string]*authority // by slot
	trust   *trust                // nil: to be read
	pool    *x509.CertPool        // last given out
	epoch   int64                 // of trust: grows when it is to be read anew
	known   map[string]identified // certificates that connected, by fingerprint
	lists   map[string]kept       // CRLs, by authority
}

// changedSubject tells other nodes that authorities, roots or certificates
// are others now.
const changedSubject = "pki.changed"

// New makes the room. It listens for changes on other nodes until the bus
// closes.
func New(d Deps) (*Service, error) {
	d.Config = d.Config.withDefaults()
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.V2G == nil && d.Config.V2G == V2GExternal {
		return nil, fault.New(fault.Invalid, "pki.v2g", "V2G certificates are to be signed externally, but there is no such authority configured")
	}
	seal, err := newSealer(d.Secret)
	if err != nil {
		return nil, err
	}
	if d.HTTP == nil {
		d.HTTP = outwardClient(d.AllowPrivate)
	}
	s := &Service{d: d, sealer: seal, cache: newAnswers(), servers: map[string][]tls.Certificate{}, signing: map[string]*authority{}, known: map[string]identified{}, lists: map[string]kept{}}
	if d.External == nil {
		s.d.External = own{s}
	}
	if d.Config.V2G == V2GOwn {
		s.d.V2G = own{s}
	}
	if d.Bus != nil {
		if _, err := d.Bus.Subscribe(changedSubject, func(string, []byte) { s.forget() }); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// announce makes all nodes read authorities, roots and certificates anew once
// the transaction is committed.
func (s *Service) announce(tx *db.Tx) {
	tx.AfterCommit(func() {
		s.forget()
		if s.d.Bus == nil {
			return
		}
		if err := s.d.Bus.Publish(changedSubject, nil); err != nil {
			s.d.Log.Warn("other nodes hear of changed certificates half a minute late", "error", err)
		}
	})
}

func (s *Service) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch++
	s.trust = nil
	clear(s.signing)
	clear(s.known)
	clear(s.lists)
}
