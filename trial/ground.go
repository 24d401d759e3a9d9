package trial

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/forecourt-ev/forecourt/bench/rig"
	"github.com/forecourt-ev/forecourt/foundation/db"
)

// trial is one command at work: its platform, its stations, its result.
type trial struct {
	options
	streams Streams
	dir     string
	chance  *rand.Rand // when and how the faults come
	blind   bool       // the database cannot be looked into
	inside  []string   // under which a command sees the files of the server
	url     string     // of PostgreSQL; empty: SQLite
	nodes   []*node
	key     string
	api     *rig.API
	fleet   *fleet
	result  *Result
	ends    []func() // what the servers stand on is taken down after them, the last first

	looked    *db.DB // the database, to look where the API does not show
	sqlite    string // file of the SQLite database, as this process sees it
	seconds   time.Duration
	checkedTo map[*station]int // transactions audited
}

// node is a server process, and how it is started again.
type node struct {
	name   string
	flags  []string
	server *rig.Server
}

func (o options) open(s Streams, kind string) (*trial, error) {
	dir, err := os.MkdirTemp(o.Dir, "forecourt-trial-")
	if err != nil {
		return nil, err
	}
	t := &trial{options: o, streams: s, dir: dir, url: o.DatabaseURL, chance: rand.New(rand.NewPCG(o.Seed, 7)),
		seconds: time.Duration(o.Seconds * float64(time.Second)), checkedTo: map[*station]int{},
		result: &Result{Kind: kind, Seed: o.Seed, Stations: o.Stations}}
	t.fleet = newFleet(o.Seed, o.Stations, o.Reply, o.Tick)
	return t, nil
}

// limits off: the stations here say in seconds what others say in hours.
var unlimited = []string{"--messages-per-minute", "1000000", "--org-messages-per-second", "1000000"}

// node adds a server with flags of its own; start starts it.
func (t *trial) node(name string, flags ...string) *node {
	n := &node{name: name, flags: append(append(append(t.database(name), unlimited...), flags...), t.ServerFlag...)}
	t.nodes = append(t.nodes, n)
	return n
}

func (t *trial) database(name string) []string {
	args := []string{"--data", filepath.Join(t.dir, name), "--secret-file", filepath.Join(t.dir, "secret.key")}
	if t.url != "" {
		args = append(args, "--database-url", t.url)
	}
	return args
}

// start starts a node, tells the stations where the platform is, and points
// the API at the first node that runs.
func (t *trial) start(ctx context.Context, n *node) error {
	s, err := rig.StartServer(ctx, t.dir, n.name, n.flags...)
	if err != nil {
		return err
	}
	n.server = s
	t.point()
	return nil
}

// running are the servers that run.
func (t *trial) running() (out []*node) {
	for _, n := range t.nodes {
		if n.server == nil {
			continue
		}
		select {
		case <-n.server.Ended:
		default:
			out = append(out, n)
		}
	}
	return out
}

func (t *trial) point() {
	var doors []string
	up := t.running()
	for _, n := range up {
		doors = append(doors, n.server.Plain)
	}
	if len(up) > 0 {
		t.fleet.move(doors...)
		t.api = rig.NewAPI(up[0].server.URL, t.key, nil)
	}
}

// people makes the API key and the stations, and sets them going.
func (t *trial) people(ctx context.Context) (err error) {
	if t.key, err = rig.CreateKey(ctx, t.inside, t.database(t.nodes[0].name)...); err != nil {
		return err
	}
	t.point()
	var there struct{ Items []struct{} }
	if err := t.api.Do(ctx, "GET", "/api/v1/charging-stations?limit=1", "", nil, &there); err != nil {
		return err
	}
	if len(there.Items) > 0 {
		return fmt.Errorf("the database has stations already; a trial needs an empty one of its own")
	}
	if err := t.fleet.register(ctx, t.api); err != nil {
		return err
	}
	t.fleet.start(ctx)
	return t.wait(ctx, time.Minute, "the stations come in", func() bool { return t.fleet.connected() == len(t.fleet.stations) })
}

// single starts a platform of one node with stations on it.
func (t *trial) single(ctx context.Context, flags ...string) (*node, error) {
	if t.Postgres && t.url == "" {
		if err := t.postgres(ctx); err != nil {
			return nil, err
		}
	}
	n := t.node("server", flags...)
	if t.sqlite == "" {
		t.sqlite = filepath.Join(t.dir, n.name, "forecourt.db")
	}
	if err := t.start(ctx, n); err != nil {
		return nil, err
	}
	return n, t.people(ctx)
}

// runs repeats: load, the fault in the middle of it, load, rest, audit. The
// fault returns when what it broke is mended.
func (t *trial) runs(ctx context.Context, fault func(ctx context.Context, run int) error) error {
	for run := 1; run <= t.Runs; run++ {
		began := time.Now()
		t.fleet.resume(run)
		before := 0.2 + 0.6*t.chance.Float64()
		if !sleep(ctx, time.Duration(before*float64(t.seconds))) {
			return context.Cause(ctx)
		}
		fell := time.Now()
		if err := fault(ctx, run); err != nil {
			return fmt.Errorf("run %d: %w", run, err)
		}
		lasted := time.Since(fell)
		if !sleep(ctx, time.Duration((1-before)*float64(t.seconds))) {
			return context.Cause(ctx)
		}
		if err := t.fleet.rest(ctx, t.Deliver); err != nil {
			return fmt.Errorf("run %d: %w", run, err)
		}
		if err := t.audit(ctx, run == t.Runs); err != nil {
			return fmt.Errorf("run %d: %w", run, err)
		}
		t.result.Runs = run
		t.say("run %d of %d: fault %.1f s, %s, %.1f s in all", run, t.Runs, lasted.Seconds(), t.result.progress(), time.Since(began).Seconds())
	}
	return nil
}

// wait polls until a condition holds.
func (t *trial) wait(ctx context.Context, limit time.Duration, what string, holds func() bool) error {
	for end := time.Now().Add(limit); !holds(); {
		if time.Now().After(end) {
			return fmt.Errorf("not within %s: %s", limit, what)
		}
		if !sleep(ctx, 20*time.Millisecond) {
			return context.Cause(ctx)
		}
	}
	return nil
}

func (t *trial) say(format string, args ...any) {
	fmt.Fprintf(t.streams.Err, "trial: "+format+"\n", args...)
}

// tails shows the ends of the servers' logs, after a failure.
func (t *trial) tails() {
	for _, n := range t.nodes {
		if n.server != nil {
			t.say("end of the log of %s:\n%s", n.name, n.server.Tail())
		}
	}
}

// close stops everything and removes the data.
func (t *trial) close() {
	t.fleet.close()
	t.unlook()
	for _, n := range t.running() {
		n.server.Stop()
	}
	for i := len(t.ends) - 1; i >= 0; i-- {
		t.ends[i]()
	}
	if t.Keep {
		t.say("kept %s", t.dir)
		return
	}
	os.RemoveAll(t.dir) // a temporary directory; what is left is the system's to clean
}
