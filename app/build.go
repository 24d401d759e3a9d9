package app

import (
	"net/http"
	"net/netip"
	"net/url"
	"time"
	_ "time/tzdata" // prices follow local time, also on machines without zone files

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/forecourt-ev/forecourt/access"
	"github.com/forecourt-ev/forecourt/account"
	"github.com/forecourt-ev/forecourt/billing"
	"github.com/forecourt-ev/forecourt/device"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/file"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/foundation/retain"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/live"
	"github.com/forecourt-ev/forecourt/location"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/ocpp/gateway"
	"github.com/forecourt-ev/forecourt/ocpp/v16"
	"github.com/forecourt-ev/forecourt/ocpp/v201"
	"github.com/forecourt-ev/forecourt/ocpp/v21"
	"github.com/forecourt-ev/forecourt/pki"
	"github.com/forecourt-ev/forecourt/reservation"
	"github.com/forecourt-ev/forecourt/session"
	"github.com/forecourt-ev/forecourt/station"
	"github.com/forecourt-ev/forecourt/tariff"
	"github.com/forecourt-ev/forecourt/ui"
)

// rooms are the services of this process.
type rooms struct {
	identity *identity.Service
	account  *account.Service
	location *location.Service
	station  *station.Service
	device   *device.Service
	files    *file.Store
	pki      *pki.Service
	access   *access.Service
	tariff   *tariff.Service
	session  *session.Service
	billing  *billing.Service
	reserve  *reservation.Service
	live     *live.Service
	gateway  *gateway.Gateway
}

// build makes every room with what it needs, from the ground up. The gateway
// comes first because rooms send through it; what stations may ask (csms) is
// filled in when the rooms exist, before anything is served.
func (a *App) build(ownerPassword string) (rooms, error) {
	var r rooms
	var err error
	asks := &csms{}
	if r.gateway, err = a.buildGateway(asks); err != nil {
		return r, err
	}
	r.identity = identity.New(identity.Deps{DB: a.db, Log: a.log, Config: identity.Config{FirstPassword: ownerPassword}})
	r.account = account.New(account.Deps{DB: a.db, Log: a.log})
	if r.location, err = location.New(location.Deps{DB: a.db, Bus: a.bus, Log: a.log}); err != nil {
		return r, err
	}
	quirks, err := gateway.Quirks()
	if err != nil {
		return r, err
	}
	limited := device.NewChunker(a.db, r.gateway, func(tx *db.Tx, id string) (ocpp.Tolerance, error) { return r.station.Tolerance(tx, id) }) // keeps what stations state of their limits
	r.station, err = station.New(station.Deps{
		DB: a.db, Bus: a.bus, Log: a.log, Locations: r.location, Commander: limited, Messages: station.Frames[gateway.Message](r.gateway.Log()),
		Quirks: quirks, Secret: a.secret, URL: func(id string) string { return a.stationURL() + "/" + url.PathEscape(id) },
		CertificateURL: func(id string) string {
			if base := a.csmsURL(3); base != "" {
				return base + "/" + url.PathEscape(id)
			}
			return ""
		},
		CertificateOf: a.certificateOf(&r),
		Drop:          r.gateway.Drop,
		Languages:     []ocpp.Language{v16.Language, v201.Language, v21.Language},
		Config:        a.cfg.Tuning.station(a.cfg),
	})
	if err != nil {
		return r, err
	}
	between := seams{db: a.db, stations: r.station, locations: r.location}
	if err = a.buildPKI(&r, between); err != nil {
		return r, err
	}
	r.files = file.New(file.Deps{DB: a.db, Log: a.log, URL: a.fileURL, Config: file.Config{Quota: a.cfg.FileQuota, MaxSize: a.cfg.FileMaxSize}})
	r.device = device.New(device.Deps{DB: a.db, Log: a.log, Stations: r.station, Commander: r.gateway, Sites: between.orgOfSite, CSMSURL: a.csmsURL, Certified: a.certified(r.pki), ServerRoots: a.serverRoots(r.pki),
		Files: r.files, Config: a.cfg.Tuning.device(a.cfg.FTPURL), Sessions: sessionsOf(&r),
		Booted: func(tx *db.Tx, all []ocpp.Peer) error { return r.session.BootedIn(tx, all...) }}) // dates before 2015 mean something within one boot only
	between.devices = r.device
	r.access = access.New(access.Deps{Config: a.cfg.Tuning.Access, DB: a.db, Log: a.log, Metrics: a.metrics, LastSeen: r.station.LastSeen, StationOrg: r.station.OrgOf, AdHoc: r.station.AdHoc, KnowsDriver: r.account.Knows, Contract: r.pki.CheckContract,
		Stations: r.station, Commander: r.gateway, Variable: between.variable,
		Reserved: func(tx *db.Tx, station string, evse int, token, group string) (bool, error) {
			return r.reserve.KeepsOut(tx, station, evse, token, group)
		}})
	r.tariff = tariff.New(tariff.Deps{DB: a.db, Log: a.log, Stations: r.station, Locations: r.location, Driver: holder(r.access)})
	r.session = session.New(session.Deps{
		DB: a.db, Bus: a.bus, Log: a.log, Access: r.access, Tariffs: r.tariff, Commander: limited, Zone: between.zone, PortUse: between.portUse, Config: a.cfg.Tuning.Session, Unbilled: a.unbilled,
		Currency: between.currency, Rating: between.rating, Offline: between.offline, Display: between.display, Groups: r.tariff.DriverGroups, ConnectionTimeout: between.connectionTimeout,
		Waiting: func(tx *db.Tx, station string, evse int, from, until time.Time) ([]tariff.TimeSpan, error) {
			return between.waiting(tx, r.reserve, station, evse, from, until) // made below
		},
		Cap: r.tariff.SessionCap, Placed: between.placed,
	})
	r.billing = billing.New(billing.Deps{DB: a.db, Log: a.log, Stations: r.station, Locations: r.location, Tariffs: r.tariff})
	r.live = live.New(live.Deps{DB: a.db, Facts: a.facts, Bus: a.bus, Log: a.log})
	r.reserve = reservation.New(reservation.Deps{DB: a.db, Log: a.log, Stations: r.station, Access: r.access, Commander: r.gateway})
	*asks = csms{reservations: r.reserve, stations: r.station, devices: r.device, tokens: r.access, sessions: r.session, certificates: r.pki}
	a.connect(r)
	return r, nil
}

func (a *App) buildGateway(asks *csms) (*gateway.Gateway, error) {
	return gateway.New(gateway.Deps{
		DB: a.db, Bus: a.bus, CSMS: asks, Log: a.log, Now: a.db.Now, Metrics: a.metrics,
		Dialects: []gateway.Dialect{v21.New(), v201.New(), v16.New()},
		Failed:   func(f gateway.Failure) { asks.failed(f) },
		Config: a.cfg.Tuning.gateway(gateway.Config{
			TrustedProxies: a.trustedProxies(), ClientRoots: a.roots, HandshakesPerSecond: a.cfg.HandshakesPerSec, ShutdownSpread: max(a.cfg.DrainFor, time.Millisecond),
		}),
	})
}

func (a *App) trustedProxies() []netip.Prefix {
	var out []netip.Prefix
	for _, text := range a.cfg.TrustedProxy {
		out = append(out, netip.MustParsePrefix(text)) // check has parsed it
	}
	return out
}

// room is what every room offers for wiring; each offers some of it.
type (
	routed    interface{ Routes(*web.API) }
	consuming interface{ Consumers() []event.Consumer }
	working   interface{ Jobs(*job.Runner) }
	growing   interface{ Stores() []retain.Store }
)

// connect gives each room its routes, facts and jobs.
func (a *App) connect(r rooms) {
	a.api = web.New(web.Config{
		DB: a.db, Log: a.log, Version: version, PublicURL: a.cfg.PublicURL, TrustedProxies: a.trustedProxies(),
		ContentSources: a.tileSources(), Guard: r.identity.Guard, Metrics: a.metrics,
	})
	a.keeper = retain.New(a.db, a.log, a.cfg.Retention.groups())
	for _, one := range []any{r.identity, r.account, r.location, r.station, r.files, r.device, r.pki, r.access, r.tariff, r.session, r.billing, r.reserve, r.live, r.gateway} {
		if x, ok := one.(routed); ok {
			x.Routes(a.api)
		}
		if x, ok := one.(consuming); ok {
			a.facts.Consume(x.Consumers()...)
		}
		if x, ok := one.(working); ok {
			x.Jobs(a.jobs)
		}
		if x, ok := one.(growing); ok {
			a.keeper.Add(x.Stores()...)
		}
	}
	a.jobs.Pace(job.Pace{PerSecond: a.cfg.Tuning.BackgroundPerSecond, Busy: r.gateway.Busy})
	a.systemRoutes()
	a.healthRoutes()
	a.systemJobs()
	a.retention()
	a.mount(r)
}

// mount adds what is not the API: the web app, health, metrics and, on the
// same port, the stations.
func (a *App) mount(r rooms) {
	a.api.Mount("GET /healthz", http.HandlerFunc(a.health))
	a.api.Mount("GET /readyz", http.HandlerFunc(a.ready))
	a.metrics.MustRegister(a.backlog())
	a.api.Mount("GET /metrics", promhttp.HandlerFor(a.metrics, promhttp.HandlerOpts{}))
	a.api.Mount("/", web.Files(ui.Files()))
	a.consoleRoutes()
}
