package app

import (
	"context"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// backlog tells Prometheus what waits inside: facts that a consumer has not
// taken, jobs. It asks the database, so it does so only every few seconds
// however often it is scraped, and leaves out what it cannot have in time.
type backlog struct {
	a *App

	behind, parked, jobs, info, archive, draining *prometheus.Desc

	mu    sync.Mutex
	at    time.Time
	facts map[string]int64
	stuck int64
	work  map[string]int64
	known bool
}

const backlogEvery = 5 * time.Second

func (a *App) backlog() *backlog {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("forecourt_"+name, help, labels, nil)
	}
	return &backlog{a: a,
		behind:   desc("facts_waiting", "Facts that a consumer has not taken yet; the same on every node.", "consumer"),
		parked:   desc("facts_parked", "Subjects whose fact a consumer could not take; the same on every node."),
		jobs:     desc("jobs", "Jobs by state (due, later, running, failed); the same on every node.", "state"),
		info:     desc("build_info", "1, with the version of the program.", "version", "go", "database"),
		archive:  desc("archive_failing", "1 while the archive of SQLite (--archive) cannot be written, or has no base yet; 0 when all is well or there is none."),
		draining: desc("draining", "1 while this node sends its stations away."),
	}
}

// Describe is for Prometheus.
func (b *backlog) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{b.behind, b.parked, b.jobs, b.info, b.archive, b.draining} {
		out <- d
	}
}

// Collect is for Prometheus.
func (b *backlog) Collect(out chan<- prometheus.Metric) {
	b.mu.Lock()
	defer b.mu.Unlock()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(b.info, 1, version, goVersion(), b.a.db.Dialect().String())
	away := 0.0
	if b.a.away.Load() || b.a.rooms.gateway.Draining() {
		away = 1
	}
	gauge(b.draining, away)
	failing := 0.0
	if state, ok := b.a.db.Archive(); ok && (state.Err != nil || state.Base.IsZero()) {
		failing = 1
	}
	gauge(b.archive, failing)
	if now := b.a.db.Now(); now.Sub(b.at) >= backlogEvery {
		b.at = now
		b.look()
	}
	if !b.known {
		return
	}
	for consumer, n := range b.facts {
		gauge(b.behind, float64(n), consumer)
	}
	gauge(b.parked, float64(b.stuck))
	for state, n := range b.work {
		gauge(b.jobs, float64(n), state)
	}
}

func (b *backlog) look() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	b.known = false
	var err error
	if b.facts, b.stuck, err = b.a.facts.Waiting(ctx); err != nil {
		return
	}
	if b.work, err = b.a.jobs.Counts(ctx); err == nil {
		b.known = true
	}
}

func goVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.GoVersion
	}
	return "unknown"
}
