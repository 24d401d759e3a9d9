package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/bench/rig"
	"github.com/forecourt-ev/forecourt/foundation/id"
)

// Command is `forecourt bench`.
type Command struct {
	Connect   connectCmd   `cmd:"" help:"Stations connect and boot: memory and CPU of each."`
	Mix       mixCmd       `cmd:"" help:"Meter values, heartbeats and status changes, stored before they are answered."`
	Storm     stormCmd     `cmd:"" help:"All stations drop at once and come back."`
	Authorize authorizeCmd `cmd:"" help:"Cards asked for among very many."`
	List      listCmd      `cmd:"" help:"The list of stations with any filter and order."`
	Cluster   clusterCmd   `cmd:"" help:"Several nodes on PostgreSQL and NATS, one of them killed."`
	Table     tableCmd     `cmd:"" help:"The table of docs/benchmarks.md, from what scripts/bench-all.sh wrote."`
	Bad       badCmd       `cmd:"" help:"What one bad station does to the reply times of the others."`
	Worker    workerCmd    `cmd:"" hidden:"" help:"A client process of bench cluster and bench storm; reads its orders from standard input."`
	NATS      natsCmd      `cmd:"" name:"nats" hidden:"" help:"The NATS server of bench cluster."`
}

// Streams are where a command writes: Out the result, Err what it does.
type Streams struct{ Out, Err io.Writer }

// options are what all commands have.
type options struct {
	OCPP        string        `name:"ocpp" help:"Version that the stations speak." enum:"1.6,2.0.1" default:"1.6" env:"-"`
	URL         string        `help:"A running platform to measure; none starts one on an empty database. Its stations and cards are imported there and stay." placeholder:"http://…" env:"-"`
	Key         string        `help:"API key for --url, of an owner." env:"-"`
	PID         int           `name:"pid" help:"Process of --url on this machine, to read its CPU and memory." env:"-"`
	DatabaseURL string        `help:"An empty PostgreSQL database for the server that is started; none is SQLite." placeholder:"postgres://…" env:"-"`
	ServerFlag  []string      `help:"A further flag of the server that is started, such as --server-flag=--log-level=debug." sep:"none" env:"-"`
	Dir         string        `help:"Where the temporary data directory is made; its disk is part of what is measured." placeholder:"DIR" env:"-"`
	Keep        bool          `help:"Keep the data directory and the server's log." env:"-"`
	Prefix      string        `help:"Stations are named PREFIX-000000 and on." default:"BENCH" env:"-"`
	Reply       time.Duration `help:"How long an answer may take before it counts as missing." default:"30s" env:"-"`
	Limit       time.Duration `help:"The run is given up after this." default:"2h" env:"-"`
	JSON        bool          `name:"json" help:"End with one line of JSON." env:"-"`
	SVG         string        `name:"svg" help:"Write the plot there." placeholder:"FILE" env:"-"`

	Profile map[string]string `help:"Write a profile of the (first) server for go tool pprof: cpu or trace of 20 s from the beginning of the load, heap, allocs or goroutine at its end (allocs at the beginning, too, as FILE.before). bench cluster takes none." placeholder:"cpu=FILE" env:"-"`
}

// ground is what a run stands on: a platform, and what is known of it.
type ground struct {
	options
	streams Streams
	dir     string
	servers []*rig.Server
	flags   []string // of the first
	key     string   // API key
	api     *rig.API
	ca      *authority // nil: plain
	secret  string
	before  logged // of a platform given by --url, which has had others
}

// prepare starts or finds the platform. Call close.
func (o options) prepare(ctx context.Context, s Streams, mtls bool, flags ...string) (g *ground, err error) {
	g = &ground{options: o, streams: s, secret: id.Secret(20)}
	if o.URL != "" {
		if o.Key == "" {
			return nil, fmt.Errorf("--url needs --key: an API key of the platform, of an owner")
		}
		if mtls {
			return nil, fmt.Errorf("--mtls makes the server's certificates and cannot be had with --url")
		}
		g.api = rig.NewAPI(o.URL, o.Key, nil)
		g.before, _ = g.messageLog(ctx) // what cannot be read is told at the end
		return g, nil
	}
	defer func() {
		if err != nil {
			g.close()
		}
	}()
	if g.dir, err = os.MkdirTemp(o.Dir, "forecourt-bench-"); err != nil {
		return nil, err
	}
	if mtls {
		if g.ca, err = newAuthority(time.Now()); err != nil {
			return nil, err
		}
		extra, err := g.ca.files(g.dir, time.Now())
		if err != nil {
			return nil, err
		}
		flags = append(flags, extra...)
	}
	g.say("starting the server")
	g.flags = append(flags, o.ServerFlag...)
	if err = g.start(ctx, firstServer, g.flags...); err != nil {
		return nil, err
	}
	return g, g.enter(ctx)
}

// start runs one more server process on the database of this run.
func (g *ground) start(ctx context.Context, name string, flags ...string) error {
	args := append(g.database(name), flags...)
	s, err := rig.StartServer(ctx, g.dir, name, args...)
	if err != nil {
		return err
	}
	g.servers = append(g.servers, s)
	return nil
}

// firstServer names the first server, its log and its data directory.
const firstServer = "server"

func (g *ground) database(name string) []string {
	args := []string{"--data", filepath.Join(g.dir, name), "--secret-file", filepath.Join(g.dir, "secret.key")}
	if g.DatabaseURL != "" {
		args = append(args, "--database-url", g.DatabaseURL)
	}
	return args
}

// enter makes the API key of a server that was started, and refuses a
// database that somebody uses.
func (g *ground) enter(ctx context.Context) error {
	key, err := rig.CreateKey(ctx, nil, g.database(firstServer)...)
	if err != nil {
		return err
	}
	g.key = key
	g.call()
	var there struct{ Items []struct{} }
	if err := g.api.Do(ctx, "GET", "/api/v1/charging-stations?limit=1", "", nil, &there); err != nil {
		return err
	}
	if len(there.Items) > 0 {
		return fmt.Errorf("the database has stations already; a bench needs an empty one of its own")
	}
	return nil
}

// call has the API calls go to the first server.
func (g *ground) call() {
	g.api = g.apiOf(g.servers[0])
}

func (g *ground) apiOf(s *rig.Server) *rig.API {
	if g.ca != nil {
		return rig.NewAPI(s.URL, g.key, rig.Trusting(g.ca.cert))
	}
	return rig.NewAPI(s.URL, g.key, nil)
}

// apis are those of all nodes that run.
func (g *ground) apis() (all []*rig.API) {
	if g.URL != "" {
		return []*rig.API{g.api}
	}
	for _, s := range g.running() {
		all = append(all, g.apiOf(s))
	}
	return all
}

// again ends the only server and starts it anew, so that what an import left
// in its memory is not measured with the stations.
func (g *ground) again(ctx context.Context) error {
	if len(g.servers) != 1 {
		return nil
	}
	g.servers[0].Stop()
	g.servers = nil
	if err := g.start(ctx, firstServer, g.flags...); err != nil {
		return err
	}
	g.call()
	return nil
}

// crew are stations of this run, count from first.
func (g *ground) crew(first, count int) crew {
	c := crew{Prefix: g.Prefix, First: first, Count: count, Version: g.OCPP, Secret: g.secret, Sources: 1 + count/4000, Network: 1, Reply: g.Reply}
	for _, s := range g.servers {
		if g.ca != nil {
			c.URLs = append(c.URLs, s.Secure)
		} else {
			c.URLs = append(c.URLs, s.Plain)
		}
	}
	if g.ca != nil {
		c.Authority = g.ca.shared
	}
	if g.URL != "" {
		c.URLs = []string{"ws" + strings.TrimPrefix(strings.TrimRight(g.URL, "/"), "http") + "/ocpp"}
		if !strings.Contains(g.URL, "://127.") && !strings.Contains(g.URL, "://localhost") {
			c.Sources = 1
		}
	}
	return c
}

// enlist imports count stations, numbered from first, and makes the fleet of
// them.
func (g *ground) enlist(ctx context.Context, first, count int) (*fleet, error) {
	if err := g.admit(ctx, first, count); err != nil {
		return nil, err
	}
	return g.fleet(first, count)
}

// enlistAlone is enlist for a run of one fleet whose memory is a figure: the
// server is started anew after the import.
func (g *ground) enlistAlone(ctx context.Context, count int) (*fleet, error) {
	if err := g.admit(ctx, 0, count); err != nil {
		return nil, err
	}
	if err := g.again(ctx); err != nil {
		return nil, err
	}
	return g.fleet(0, count)
}

func (g *ground) admit(ctx context.Context, first, count int) error {
	if most := descriptors(); most > 0 && first+count > most-200 {
		return fmt.Errorf("this process may hold %d open files, too few for %d stations; raise the limit (ulimit -n)", most, first+count)
	}
	profile := 1
	if g.ca != nil {
		profile = 3
	}
	g.say("importing %d stations and their cards", count)
	return register(ctx, g.api, g.crew(first, count), profile)
}

func (g *ground) fleet(first, count int) (*fleet, error) {
	if g.ca != nil {
		g.say("making %d certificates", count)
	}
	return newFleet(g.crew(first, count))
}

// result begins the result of a run.
func (g *ground) result(name string, stations int) *Result {
	database := "SQLite"
	if g.DatabaseURL != "" {
		database = "PostgreSQL"
	}
	if g.URL != "" {
		database = "a platform given by --url"
	}
	transport := "plain"
	if g.ca != nil {
		transport = "mTLS"
	}
	return &Result{Bench: name, Stations: stations, Setup: fmt.Sprintf("%s, OCPP %s, %s", database, g.OCPP, transport), Machine: machine()}
}

// usage is what the servers have taken so far.
func (g *ground) usage() (Usage, bool) {
	if g.URL != "" {
		return usageOf(g.PID)
	}
	var pids []int
	for _, s := range g.running() {
		pids = append(pids, s.PID())
	}
	return usages(pids)
}

// running are the servers that were not killed.
func (g *ground) running() (all []*rig.Server) {
	for _, s := range g.servers {
		select {
		case <-s.Ended:
		default:
			all = append(all, s)
		}
	}
	return all
}

// memory fills in the memory of both sides.
func (g *ground) memory(r *Result) {
	if u, ok := g.usage(); ok && r.Stations > 0 {
		r.ServerRSS, r.RSSPerStation = u.RSS, u.RSS/int64(r.Stations)
	}
	if u, ok := usageOf(os.Getpid()); ok {
		r.ClientRSS = u.RSS
	}
}

func (g *ground) say(format string, args ...any) {
	fmt.Fprintf(g.streams.Err, "bench: "+format+"\n", args...)
}

// close stops the servers and removes their data.
func (g *ground) close() {
	for _, s := range g.servers {
		s.Stop()
	}
	if g.dir == "" {
		return
	}
	if g.Keep {
		g.say("kept %s", g.dir)
		return
	}
	os.RemoveAll(g.dir) // a temporary directory; what is left is the system's to clean
}

// run is the frame of a command: a limit in time, a platform, a result.
func (o options) run(ctx context.Context, s Streams, mtls bool, flags []string, work func(ctx context.Context, g *ground) (*Result, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, o.Limit, fmt.Errorf("the run was given up after %s (--limit)", o.Limit))
	defer cancel()
	g, err := o.prepare(ctx, s, mtls, flags...)
	if err != nil {
		return err
	}
	defer g.close()
	r, err := work(ctx, g)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = fmt.Errorf("%w: %w", cause, err)
		}
		for _, one := range g.servers {
			g.say("end of the log of %s:\n%s", filepath.Base(one.Log), one.Tail())
		}
		return err
	}
	if err := r.print(s.Out, o.JSON); err != nil {
		return err
	}
	return r.verdict()
}

// wait sleeps, but not past the end of the run.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
