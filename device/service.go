package device

import (
	"log/slog"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// Config of the room; zero values mean the defaults.
type Config struct {
	SyncAfterBoot  time.Duration // lets a station settle before it is asked; 10 s
	ReportTimeout  time.Duration // after which a report that stopped coming is asked for again; 10 min
	ReconcileEvery time.Duration // how often each device is compared with its baseline; 24 h
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&c.SyncAfterBoot, 10*time.Second)
	set(&c.ReportTimeout, 10*time.Minute)
	set(&c.ReconcileEvery, 24*time.Hour)
	return c
}

// Deps are what the room needs.
type Deps struct {
	Config
	DB        *db.DB
	Log       *slog.Logger
	Stations  *station.Service
	Commander ocpp.Commander
}

// Service holds the use-cases of devices.
type Service struct {
	d     Deps
	rules []Rule
}

// New makes the room.
func New(d Deps) *Service {
	d.Config = d.Config.withDefaults()
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	d.Commander = NewChunker(d.DB, d.Commander)
	return &Service{d: d, rules: baseline}
}

// Jobs registers the room's periodic and queued work.
func (s *Service) Jobs(r *job.Runner) {
	r.Handle(jobSync, s.sync, job.Options{MaxAttempts: 5, Timeout: 10 * time.Minute})
	r.Every("device.reconcile", 5*time.Minute, s.reconcile)
}

// Consumers gives the room's consumers of facts.
func (s *Service) Consumers() []event.Consumer {
	return []event.Consumer{{Name: "device.commands", Kinds: []string{station.KindCommandFinished}, Handle: s.commandFinished}}
}

func ownerOf(st station.Station) owner { return owner{string(st.ID), st.Org, st.Site} }
