package device

import (
	"context"
	"log/slog"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/file"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// Config of the room; zero values mean the defaults.
type Config struct {
	SyncAfterBoot  time.Duration // lets a station settle before it is asked; 10 s
	ReportTimeout  time.Duration // after which a report that stopped coming is asked for again; 10 min
	ReconcileEvery time.Duration // how often each device is compared with what it is to be; 50 min, so that drift is seen within the hour
	KeepAnswers    time.Duration // what a station told of a customer and nobody read; 7 days
	VerifyWithin   time.Duration // in which a station that installed firmware tells its version; 30 min
	LogTimeout     time.Duration // without news of a log, after which what came of it is kept; 30 min
	KeepLogs       time.Duration // and diagnostics bundles; 90 days
	FTP            string        // an external FTP server for stations that upload nowhere else: ftp://user:password@host/dir
	UpgradeTimeout time.Duration // how long a move to a security profile waits for its station; 14 days
	VerifyTimeout  time.Duration // in which a restarted station must be back with its new profile; 30 min
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	const day = 24 * time.Hour
	set(&c.SyncAfterBoot, 10*time.Second)
	set(&c.ReportTimeout, 10*time.Minute)
	set(&c.ReconcileEvery, 50*time.Minute)
	set(&c.KeepAnswers, 7*day)
	set(&c.VerifyWithin, 30*time.Minute)
	set(&c.LogTimeout, 30*time.Minute)
	set(&c.KeepLogs, 90*day)
	set(&c.UpgradeTimeout, 14*day)
	set(&c.VerifyTimeout, 30*time.Minute)
	return c
}

// Deps are what the room needs.
type Deps struct {
	Config
	DB        *db.DB
	Log       *slog.Logger
	Stations  *station.Service
	Commander ocpp.Commander
	// Sites gives the organisation of a site, fault.NotFound without one; nil
	// leaves sites unchecked.
	Sites func(tx *db.Tx, site string) (org string, err error)
	Files *file.Store
	// Booted is told of boots of different stations in the transaction that
	// stores them; nil: nobody.
	Booted func(tx *db.Tx, all []ocpp.Peer) error
	// Sessions pages through sessions (filters station_id, started_at), for
	// diagnostics bundles; nil: none.
	Sessions func(ctx context.Context, req db.ListRequest) (list []any, next string, err error)

	// CSMSURL is where stations of a security profile connect, without their
	// id; empty when the installation has no such address. nil: it has none.
	CSMSURL func(profile int) string
	// Certified tells whether we know of a certificate of the station that is
	// good for security profile 3. nil: nobody knows, the station is believed.
	Certified func(tx *db.Tx, station string) (bool, error)
	// ServerRoots puts the roots of our server's certificate on a station that
	// lacks them; refused says what it did not take, err that it was not
	// reached. nil: that is not ours to do.
	ServerRoots func(ctx context.Context, station string) (refused string, err error)
}

// Service holds the use-cases of devices.
type Service struct {
	d     Deps
	rules []Rule
	boots *db.Batch[*booting]

	// displayed takes the display messages that a station reported in answer
	// to a request; nil where nobody keeps them.
	displayed func(tx *db.Tx, o owner, r Request, messages []ocpp.MessageInfo) error
}

// New makes the room.
func New(d Deps) *Service {
	d.Config = d.Config.withDefaults()
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.CSMSURL == nil {
		d.CSMSURL = func(int) string { return "" }
	}
	d.Commander = NewChunker(d.DB, d.Commander, d.Stations.Tolerance)
	s := &Service{d: d, rules: baseline}
	s.boots = db.NewBatch(d.DB, db.BatchOptions{MaxRows: 100, Rest: bootRest, Yields: true}, s.storeBoots)
	if d.Files != nil {
		d.Files.OnUpload(purposeLog, s.logArrived)
	}
	return s
}

// Jobs registers the room's periodic and queued work.
func (s *Service) Jobs(r *job.Runner) {
	r.Handle(jobSync, s.sync, job.Options{MaxAttempts: 5, Timeout: 10 * time.Minute})
	r.Every("device.reconcile", time.Minute, s.reconcile)
	r.Every("device.forget", time.Hour, s.forget)
	r.Every("device.requests", time.Minute, s.stall)
	r.Every("device.clocks", 5*time.Minute, s.watchClocks)
	s.firmwareJobs(r)
	r.Handle(jobUpgrade, s.upgrade, job.Options{MaxAttempts: 5, Timeout: 5 * time.Minute})
	r.Every("device.upgrades", 10*time.Second, s.sweepUpgrades)
}

// Consumers gives the room's consumers of facts.
func (s *Service) Consumers() []event.Consumer {
	return []event.Consumer{
		{Name: "device.commands", Kinds: []string{station.KindCommandFinished}, Handle: s.commandFinished},
		{Name: "device.refused", Kinds: []string{station.KindRefused}, Handle: s.refusedFact},
	}
}

func ownerOf(st station.Station) owner { return owner{string(st.ID), st.Org, st.Site} }
