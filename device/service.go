package device

import (
	"context"
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
	UpgradeTimeout time.Duration // how long a move to a security profile waits for its station; 14 days
	VerifyTimeout  time.Duration // in which a restarted station must be back with its new profile; 30 min
	KeepNotices    time.Duration // 90 days
	KeepHistory    time.Duration // of variables, boots and security events; 400 days
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
	set(&c.ReconcileEvery, day)
	set(&c.UpgradeTimeout, 14*day)
	set(&c.VerifyTimeout, 30*time.Minute)
	set(&c.KeepNotices, 90*day)
	set(&c.KeepHistory, 400*day)
	return c
}

// Deps are what the room needs.
type Deps struct {
	Config
	DB        *db.DB
	Log       *slog.Logger
	Stations  *station.Service
	Commander ocpp.Commander

	// CSMSURL is where stations of a security profile connect, without their
	// id; empty when the installation has no such address. nil: it has none.
	CSMSURL func(profile int) string
	// Certified tells whether we know of a certificate of the station that is
	// good for security profile 3. nil: nobody knows, the station is believed.
	Certified func(tx *db.Tx, station string) (bool, error)
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
	if d.CSMSURL == nil {
		d.CSMSURL = func(int) string { return "" }
	}
	return &Service{d: d, rules: baseline}
}

// Jobs registers the room's periodic and queued work.
func (s *Service) Jobs(r *job.Runner) {
	r.Handle(jobSync, s.sync, job.Options{MaxAttempts: 5, Timeout: 10 * time.Minute})
	r.Every("device.reconcile", 5*time.Minute, s.reconcile)
	r.Handle(jobUpgrade, s.upgrade, job.Options{MaxAttempts: 5, Timeout: 5 * time.Minute})
	r.Every("device.upgrades", 10*time.Second, s.sweepUpgrades)
	r.Every("device.tidy", time.Hour, s.tidy)
}

// Consumers gives the room's consumers of facts.
func (s *Service) Consumers() []event.Consumer {
	return []event.Consumer{
		{Name: "device.commands", Kinds: []string{station.KindCommandFinished}, Handle: s.commandFinished},
		{Name: "device.refused", Kinds: []string{station.KindRefused}, Handle: s.refusedFact},
	}
}

func ownerOf(st station.Station) owner { return owner{string(st.ID), st.Org, st.Site} }

// tidy removes what is older than it is kept, a piece at a time.
func (s *Service) tidy(ctx context.Context) error {
	now := s.d.DB.Now()
	for _, t := range []struct {
		query  string
		before time.Time
	}{
		{"DELETE FROM device_notice WHERE id IN (SELECT id FROM device_notice WHERE at < $1 ORDER BY at LIMIT 5000)", now.Add(-s.d.KeepNotices)},
		{"DELETE FROM device_boot WHERE at < $1", now.Add(-s.d.KeepHistory)},
		{"DELETE FROM device_security_event WHERE received_at < $1", now.Add(-s.d.KeepHistory)},
		{"DELETE FROM device_variable_history WHERE at < $1", now.Add(-s.d.KeepHistory)},
	} {
		if err := s.d.DB.Update(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(t.query, db.Micros(t.before))
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}
