package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/forecourt-ev/forecourt/foundation/cluster"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/foundation/retain"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp/gateway"
	"github.com/forecourt-ev/forecourt/schema"
)

// App is a running platform. New builds it, Run serves until its context
// ends. A test may start several in one process.
type App struct {
	cfg     Config
	log     *slog.Logger
	secret  []byte
	metrics *prometheus.Registry

	schema    int64       // version this node was started with
	away      atomic.Bool // it stops and is not ready any more
	profiling sync.Mutex  // one profile at a time

	db     *db.DB
	bus    *cluster.Bus
	facts  *event.Log
	jobs   *job.Runner
	keeper *retain.Keeper
	api    *web.API
	rooms  rooms

	console  net.Listener
	stations net.Listener // nil: stations use the console's address
	plain    net.Listener // of stations without TLS; nil: none of its own
	mtls     net.Listener // of stations with certificates; nil: none of its own
	roots    *gateway.ClientRoots
	first    identity.FirstSignIn
}

// New opens the database, brings its schema up to date, builds every room
// and listens. Nothing is served before Run.
func New(ctx context.Context, cfg Config, log *slog.Logger, ownerPassword string) (_ *App, err error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	a := &App{cfg: cfg, log: log, metrics: prometheus.NewRegistry()}
	if err := a.checkFiles(); err != nil { // before a database and a first sign-in are made for nothing
		return nil, err
	}
	a.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	if err = checkArchive(cfg.Archive.Archive, cfg.secretPath()); err != nil {
		return nil, err
	}
	if a.db, err = openDatabase(ctx, cfg, log, false); err != nil {
		return nil, err
	}
	if a.schema, err = a.db.SchemaVersion(ctx); err != nil {
		return nil, err
	}
	if a.secret, err = loadSecret(cfg.secretPath()); err != nil {
		return nil, err
	}
	if err = archiveSecret(cfg.Archive.Archive, cfg.secretPath()); err != nil {
		return nil, err
	}
	if a.bus, err = cluster.Start(ctx, cluster.Config{URL: cfg.NatsURL, Node: cfg.nodeName(), Log: log}); err != nil {
		return nil, err
	}
	if err = a.listen(); err != nil {
		return nil, err
	}
	a.facts = event.New(a.db, a.bus, a.bus.Node(), log)
	a.jobs = job.New(a.db, a.bus, a.bus.Node(), log)
	if a.rooms, err = a.build(ownerPassword); err != nil {
		return nil, err
	}
	if a.first, _, err = a.rooms.identity.Bootstrap(ctx); err != nil {
		return nil, err
	}
	return a, nil
}

// openDatabase opens and migrates the database. shared is for command line
// tools beside a running server: they neither lock nor migrate.
func openDatabase(ctx context.Context, cfg Config, log *slog.Logger, shared bool) (*db.DB, error) {
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	d, err := db.Open(ctx, db.Config{URL: cfg.DatabaseURL, Path: cfg.databasePath(), Share: shared, CommitDelay: cfg.CommitDelay, Archive: cfg.Archive.config(), Log: log})
	if err != nil {
		return nil, err
	}
	if err := d.Migrate(ctx, schema.Files); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func (a *App) listen() (err error) {
	if a.console, err = net.Listen("tcp", a.cfg.Listen); err != nil {
		return err
	}
	for into, address := range map[*net.Listener]string{&a.stations: a.cfg.StationListen, &a.plain: a.cfg.StationPlain, &a.mtls: a.cfg.StationMTLS} {
		if address == "" {
			continue
		}
		if *into, err = net.Listen("tcp", address); err != nil {
			return err
		}
	}
	return nil
}

// URL is where people reach this installation.
func (a *App) URL() string { return a.cfg.publicURL(a.console.Addr().String()) }

// localURL reaches this process, whatever the public address is.
func (a *App) localURL() string {
	local := a.cfg
	local.PublicURL = ""
	return local.publicURL(a.console.Addr().String())
}

// Run serves people and stations, delivers facts and runs jobs until ctx
// ends; then it lets stations go gently and stops everything in turn.
func (a *App) Run(ctx context.Context) error {
	servers, err := a.servers()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var parts sync.WaitGroup
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	if err := a.rooms.gateway.Start(background); err != nil {
		stopBackground()
		return err
	}
	for name, run := range map[string]func(context.Context) error{"facts": a.facts.Run, "jobs": a.jobs.Run, "live": a.rooms.live.Run} {
		parts.Go(func() {
			if err := run(background); err != nil && !errors.Is(err, context.Canceled) {
				cancel(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	for _, s := range servers {
		parts.Go(func() {
			if err := s.serve(); !errors.Is(err, http.ErrServerClosed) {
				cancel(err)
			}
		})
	}
	heap := heapSQLite
	if a.db.Dialect() == db.Postgres {
		heap = heapPostgres
	}
	parts.Go(func() { heap.tune(background, a.db.Rest) })
	debug.FreeOSMemory() // migrations, schemas and routes left a heap behind that serving does not need
	a.log.Info("ready", "url", a.URL(), "stations", a.stationURL(), "profile_1", a.csmsURL(1), "profile_3", a.csmsURL(3), "node", a.bus.Node(), "database", a.db.Dialect().String(), "version", version)
	<-ctx.Done()
	a.shutdown(servers)
	stopBackground()
	parts.Wait()
	a.rooms.session.Close()
	a.rooms.station.Close()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// shutdown closes the doors: stations are told to return, requests in work
// are finished.
func (a *App) shutdown(servers []*server) {
	ctx, cancel := context.WithTimeout(context.Background(), a.cfg.DrainFor+20*time.Second)
	defer cancel()
	a.away.Store(true)
	a.rooms.live.Close()
	if err := a.rooms.gateway.Shutdown(ctx); err != nil {
		a.log.Warn("some stations were cut off", "error", err)
	}
	for _, s := range servers {
		if err := s.http.Shutdown(ctx); err != nil {
			s.http.Close() // what is still open after that long is not waited for
		}
	}
}

// Close frees what New opened. Call it after Run has returned.
func (a *App) Close() error {
	var errs []error
	for _, l := range []net.Listener{a.console, a.stations, a.plain, a.mtls} {
		if l != nil {
			l.Close() // Run may have closed it
		}
	}
	if a.bus != nil {
		a.bus.Close()
	}
	if a.db != nil {
		errs = append(errs, a.db.Close())
	}
	return errors.Join(errs...)
}
