package bench

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/forecourt-ev/forecourt/bench/rig"
)

type clusterCmd struct {
	options     `embed:""`
	Stations    int           `help:"How many stations." default:"3000" env:"-"`
	Nodes       int           `help:"How many nodes." default:"3" env:"-"`
	NATSURL     string        `name:"nats-url" help:"NATS server; none runs one." placeholder:"nats://…" env:"-"`
	ConnectRate float64       `help:"New connections a second." default:"500" env:"-"`
	Seconds     float64       `help:"How long the load lasts; a node is killed in the middle." default:"60" env:"-"`
	Heartbeat   time.Duration `help:"Time between heartbeats of a station." default:"300s" env:"-"`
	Meter       time.Duration `help:"Time between meter values of a station that charges." default:"60s" env:"-"`
	Status      time.Duration `help:"Time between changes of status of a station." default:"15m" env:"-"`
	Charging    float64       `help:"Part of the stations that charges." default:"0.1" env:"-"`
	PerWorker   int           `help:"Stations held by one client process." default:"14000" env:"-"`
	Kill        bool          `help:"Kill a node in the middle." default:"true" negatable:"" env:"-"`
	Verify      bool          `help:"Read every sample back afterwards." default:"true" negatable:"" env:"-"`
}

// Run measures several nodes together.
func (c *clusterCmd) Run(ctx context.Context, s Streams) error {
	switch {
	case c.URL != "":
		return fmt.Errorf("bench cluster starts and kills its nodes itself; --url is not for it")
	case c.DatabaseURL == "":
		return fmt.Errorf("several nodes need PostgreSQL: name an empty database with --database-url")
	case c.Nodes < 2:
		return fmt.Errorf("a cluster has at least 2 nodes")
	}
	nats := c.NATSURL
	if nats == "" {
		url, stop, err := rig.StartNATS(ctx)
		if err != nil {
			return err
		}
		defer stop()
		nats = url
	}
	return c.run(ctx, s, false, []string{"--nats-url", nats, "--node", "n1"}, func(ctx context.Context, g *ground) (*Result, error) {
		for i := 2; i <= c.Nodes; i++ {
			name := fmt.Sprintf("n%d", i)
			if err := g.start(ctx, name, append([]string{"--nats-url", nats, "--node", name}, c.ServerFlag...)...); err != nil {
				return nil, err
			}
		}
		return c.measure(ctx, g)
	})
}

func (c *clusterCmd) measure(ctx context.Context, g *ground) (*Result, error) {
	all := g.crew(0, c.Stations)
	g.say("importing %d stations and their cards", c.Stations)
	if err := register(ctx, g.api, all, 1); err != nil {
		return nil, err
	}
	r := g.result("cluster", c.Stations)
	r.Setup += fmt.Sprintf(", %d nodes", c.Nodes)
	hands, err := c.hire(g, all)
	defer func() { dismiss(hands...) }()
	if err != nil {
		return nil, err
	}
	g.say("connecting %d stations from %d processes", c.Stations, len(hands))
	arrived, err := hear(hands, doConnect)
	if err != nil {
		return nil, err
	}
	lost := int64(0)
	for _, a := range arrived {
		lost += a.Lost
	}
	r.more("lost_while_connecting", float64(lost))
	g.memory(r)
	r.more("rss_all_nodes_connected_bytes", float64(r.ServerRSS))
	if err := c.load(ctx, g, hands, r); err != nil {
		return nil, err
	}
	return r, c.verify(ctx, g, hands, r)
}

// verify reads back what the stations were told is stored, from a node that
// was not killed, when all figures are taken. The stations stay connected:
// that they go is not what the nodes shall be busy with.
func (c *clusterCmd) verify(ctx context.Context, g *ground, hands []*hand, r *Result) error {
	if !c.Verify {
		r.note("the samples were not read back (--no-verify)")
		return nil
	}
	if err := tell(hands, doTell); err != nil {
		return err
	}
	reports, err := hear(hands, doTell)
	if err != nil {
		return err
	}
	var all []entry
	for _, one := range reports {
		all = append(all, one.Ledger...)
	}
	return g.verifySamples(ctx, all, r)
}

// hire starts the client processes and tells each its stations.
func (c *clusterCmd) hire(g *ground, all crew) (hands []*hand, err error) {
	count := (c.Stations + c.PerWorker - 1) / c.PerWorker
	per := (c.Stations + count - 1) / count
	for i := range count {
		part := all
		part.First, part.Count = i*per, min(per, c.Stations-i*per)
		part.Sources, part.Network = 1+part.Count/4000, 1+i
		h, err := g.hire(order{Crew: part, ConnectRate: c.ConnectRate / float64(count), Heartbeat: c.Heartbeat, Meter: c.Meter, Status: c.Status, Charging: c.Charging})
		if err != nil {
			return hands, err
		}
		hands = append(hands, h)
	}
	return hands, nil
}

// load runs the traffic and kills the last node in the middle.
func (c *clusterCmd) load(ctx context.Context, g *ground, hands []*hand, r *Result) error {
	g.say("the load begins, for %.0f s", c.Seconds)
	half := time.Duration(c.Seconds * float64(time.Second) / 2)
	if err := tell(hands, doLoad); err != nil {
		return err
	}
	before, _ := g.usage()
	began := time.Now()
	if err := wait(ctx, half); err != nil {
		return err
	}
	if u, ok := g.usage(); ok {
		r.more("rss_all_nodes_loaded_bytes", float64(u.RSS))
		r.more("server_cpu_cores", (u.CPU-before.CPU).Seconds()/time.Since(began).Seconds())
	}
	if c.Kill {
		g.say("killing node n%d", c.Nodes)
		g.servers[len(g.servers)-1].Kill()
	}
	if err := wait(ctx, half); err != nil {
		return err
	}
	lasted := time.Since(began)
	g.memory(r)
	r.ClientRSS = 0
	for _, h := range hands {
		if u, ok := usageOf(h.cmd.Process.Pid); ok {
			r.ClientRSS += u.RSS
		}
	}
	if err := tell(hands, doEnd); err != nil {
		return err
	}
	reports, err := hear(hands, doEnd)
	if err != nil {
		return err
	}
	g.wholeLog(ctx, r)
	return c.sum(r, reports, lasted)
}

// sum puts what the workers saw together.
func (c *clusterCmd) sum(r *Result, reports []report, lasted time.Duration) error {
	var delays Histogram
	var in int
	var offline, lost int64
	var back time.Duration
	for _, one := range reports {
		delays.merge(one.Counts, one.Longest)
		in += one.In
		offline += one.Offline
		lost += one.Lost
		back = max(back, one.Back)
		r.failed(one.What, one.Examples)
	}
	r.delays(&delays, lasted)
	r.BackSeconds = round(back.Seconds())
	r.more("connections_lost", float64(lost))
	r.more("messages_due_while_away", float64(offline))
	r.more("connected_at_the_end", float64(in))
	if in != c.Stations {
		r.failed(map[string]int{"not connected at the end": c.Stations - in}, nil)
	}
	r.note("memory per station is that of all nodes that still run at the end")
	return c.plot(reports, &delays).write(c.SVG)
}

// plot shows the load over time; the workers began it together.
func (c *clusterCmd) plot(reports []report, delays *Histogram) plot {
	connected, slowest := series{name: "connected"}, series{name: "p99"}
	for i := 0; ; i++ {
		var at, p99 float64
		n, here := 0, 0
		for _, one := range reports {
			if i < len(one.Seconds) {
				s := one.Seconds[i]
				at, n, p99, here = max(at, s.At), n+s.Connected, max(p99, s.P99), here+1
			}
		}
		if here < len(reports) || here == 0 {
			break
		}
		connected.points = append(connected.points, [2]float64{at, float64(n)})
		slowest.points = append(slowest.points, [2]float64{at, p99})
	}
	var killed []mark
	if c.Kill {
		killed = []mark{{c.Seconds / 2, "a node is killed"}}
	}
	what := fmt.Sprintf("%d stations on %d nodes", c.Stations, c.Nodes)
	return plot{
		{title: "Connected: " + what, x: "seconds of the load", y: "stations", series: []series{connected}, marks: killed},
		{title: "Reply time, p99 of each second, of the slowest client process", x: "seconds of the load", y: "ms", series: []series{slowest}, marks: killed, bar: 250},
		distribution("Reply time of all", delays),
	}
}

// natsCmd is a NATS server in a process of its own, so that its cost is
// neither the client's nor a node's.
type natsCmd struct{}

// Run serves until its standard input ends.
func (natsCmd) Run(ctx context.Context, s Streams) error { return rig.ServeNATS(os.Stdin, s.Out) }
