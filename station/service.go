package station

import (
	"context"
	"crypto/x509"
	"log/slog"
	"sync"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/cluster"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/location"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Config of the room; zero values mean the defaults.
type Config struct {
	AllowProfile0     bool          // stations set to profile 0 may connect without a password
	Heartbeat         time.Duration // asked of stations, ±10 % each; 300 s
	PendingRetry      time.Duration // after which a Pending station boots again; 60 s
	Debounce          time.Duration // an offline shorter than this is no fact and no outage; 60 s
	CommandTimeout    time.Duration // after which an unanswered command is given up; 60 s, see Timeouts
	MaxMessage        int           // bytes of a message; 1 MiB
	MessagesPerMinute int           // of one station; 600

	// CertificateOrganisations are the names (O) that a certificate may have
	// which CertificateOf does not know; empty: any.
	CertificateOrganisations []string
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&c.Heartbeat, 5*time.Minute)
	set(&c.PendingRetry, time.Minute)
	set(&c.Debounce, time.Minute)
	set(&c.CommandTimeout, time.Minute)
	if c.MaxMessage <= 0 {
		c.MaxMessage = 1 << 20
	}
	if c.MessagesPerMinute <= 0 {
		c.MessagesPerMinute = 600
	}
	return c
}

// Deps are what the room needs.
type Deps struct {
	Config
	DB        *db.DB
	Bus       *cluster.Bus // nil: a single node without messaging
	Log       *slog.Logger
	Locations *location.Service // nil: no station stands at a site
	Commander ocpp.Commander    // sends to stations; gateway.Router
	Messages  MessageLog        // nil: no message log
	Quirks    QuirkTable        // nil: nothing is known of any make
	Languages []ocpp.Language   // of the versions that stations speak, for raw commands

	// Drop closes the connection of a station, so that it comes back under what
	// now holds; nil: it does so when it likes. gateway.Gateway.Drop
	Drop func(ctx context.Context, station, reason string) error

	// Secret is the key of the installation, at least 16 bytes: passwords
	// are kept as HMACs under it.
	Secret []byte
	// CertificateOf tells whose station a verified client certificate is.
	// fault.NotFound: of an authority that is trusted for every station; then
	// its names decide. Other faults refuse the station. nil: always the names.
	CertificateOf func(ctx context.Context, cert *x509.Certificate) (station string, err error)
	// URL gives the address a station connects to: "wss://host/ocpp/ID".
	URL func(id string) string
	// CertificateURL gives it for security profile 3; nil or empty: as URL.
	CertificateURL func(id string) string
}

// Service holds the use-cases of stations.
type Service struct {
	d       Deps
	verify  verifier
	changes *db.Batch[change]
	joins   *db.Batch[change] // those of connections that opened; they can wait for each other
	leaves  *db.Batch[change] // those of stations that are gone: nobody waits for them

	lives   *db.Batch[seen]
	lookup  *db.Lookup[*card]
	running sync.WaitGroup // commands that wait for their station

	failures, failuresAtHome, strangers, logged *limiter

	mu           sync.Mutex
	cards        map[string]*card
	stale        map[string]struct{} // keys of cards that are read anew soon; nil: none
	arrivals     map[string]*arrival
	changed      changed // of the cards
	deviations   map[string]deviating
	samples      map[string]clockSamples  // by key of a station
	skews        map[string]time.Duration // as last written by Told
	knocks       map[string]Knock
	windows      []Window
	windowsUntil time.Time
	gathering    bool
}

// changeRest lets changes of a busy node share commits on SQLite, on the same
// beat as the readings of sessions.
const changeRest = 4 * time.Millisecond

// New makes the room. It listens for changes on other nodes until the bus
// closes, and refuses to let go of a site at which stations stand.
func New(d Deps) (*Service, error) {
	d.Config = d.Config.withDefaults()
	if len(d.Secret) < 16 {
		return nil, fault.New(fault.Invalid, "station.secret", "the secret of the installation has %d bytes, it needs at least 16", len(d.Secret))
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.URL == nil {
		d.URL = func(id string) string { return "/ocpp/" + id }
	}
	s := &Service{
		d: d, verify: verifier{secret: d.Secret},
		failures: newLimiter(10, 6*time.Second), failuresAtHome: newLimiter(60, time.Second),
		strangers: newLimiter(100, time.Second), logged: newLimiter(1, time.Minute),
		cards: map[string]*card{}, arrivals: map[string]*arrival{}, deviations: map[string]deviating{}, samples: map[string]clockSamples{}, skews: map[string]time.Duration{}, knocks: map[string]Knock{},
	}
	key := func(c change) string { return ID(c.station).Key() }
	s.changes = db.NewLanes(d.DB, db.BatchOptions{Rest: changeRest}, key, s.flush)
	s.leaves = db.NewLanes(d.DB, db.BatchOptions{Yields: true}, key, s.flush)
	s.joins = db.NewBatch(d.DB, db.BatchOptions{MaxRows: 200, Rest: joinRest, Yields: true}, s.flush)
	s.lookup = db.NewLookup(d.DB, lookupRest, s.loadCards)
	s.lives = db.NewBatch(d.DB, db.BatchOptions{Yields: true}, s.storeSeen)
	if d.Bus != nil {
		if _, err := d.Bus.Subscribe(cacheSubject, func(_ string, data []byte) { s.forget(string(data)) }); err != nil {
			return nil, err
		}
	}
	if d.Locations != nil {
		d.Locations.BeforeDelete(s.keepSite)
	}
	return s, nil
}

func (s *Service) now() time.Time { return s.d.DB.Now() }

// Close waits for commands that wait for their station, writes what was
// counted and refuses further changes. Call it before the database closes.
func (s *Service) Close() {
	s.running.Wait()
	s.gather()
	s.lives.Close()
	s.joins.Close()
	s.leaves.Close()
	s.changes.Close()
}

// gatherFor is how long counts of deviations and knocks wait in memory for
// others, to be written together.
const gatherFor = 5 * time.Second

// gatherSoon makes sure that what was just counted is written; s.mu is held.
func (s *Service) gatherSoon() {
	if !s.gathering {
		s.gathering = true
		time.AfterFunc(gatherFor, s.gather)
	}
}

func (s *Service) gather() {
	s.mu.Lock()
	s.gathering = false
	s.mu.Unlock()
	ctx := context.Background()
	if err := s.storeDeviations(ctx); err != nil {
		s.d.Log.Warn("deviations were not stored", "error", err)
	}
	if err := s.storeKnocks(ctx); err != nil {
		s.d.Log.Warn("knocking stations were not stored", "error", err)
	}
}

// Jobs registers the room's periodic and queued work.
func (s *Service) Jobs(r *job.Runner) {
	r.Every("station.silence", 15*time.Second, s.sweepSilent)
	r.Every("station.gone", 10*time.Second, s.sweepGone)
	r.Every("station.commands", 30*time.Second, s.abandonCommands)
	r.Every("station.tidy", time.Hour, s.tidy)
	r.Handle(jobTriggerBoot, s.triggerBoot, job.Options{MaxAttempts: 3, Timeout: time.Minute})
}

func (s *Service) keepSite(tx *db.Tx, site location.ID) error {
	var n int
	if err := tx.QueryRow("SELECT COUNT(*) FROM charging_station WHERE site = $1 AND life <> $2", string(site), string(Retired)).Scan(&n); err != nil || n == 0 {
		return err
	}
	return fault.New(fault.Conflict, "location.occupied", "%d charging stations stand at this site; move or retire them first", n)
}

func (s *Service) placeOfOrg(tx *db.Tx, p Place) (Place, error) {
	org, err := identity.Lookup(tx, identity.OrgID(p.Org))
	if err != nil {
		return p, err
	}
	p.Site, p.Currency = "", string(org.Currency)
	if zone, err := time.LoadLocation(org.TimeZone); err == nil {
		p.Zone = zone
	}
	return p, nil
}

// Consumers gives the room's consumers of facts.
func (s *Service) Consumers() []event.Consumer { return s.consumers() }

// site finds the site of a station; fault.NotFound when there is none.
func (s *Service) site(tx *db.Tx, site string) (location.Site, error) {
	if s.d.Locations == nil {
		return location.Site{}, fault.New(fault.NotFound, "location.unknown", "there are no sites here")
	}
	return s.d.Locations.Get(tx, location.ID(site))
}
