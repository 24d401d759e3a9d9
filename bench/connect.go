package bench

import (
	"context"
	"time"
)

type connectCmd struct {
	options  `embed:""`
	Stations int           `help:"How many stations." default:"15000" env:"-"`
	Rate     float64       `help:"New connections a second." default:"500" env:"-"`
	MTLS     bool          `name:"mtls" help:"Over TLS, each with a certificate of its own." env:"-"`
	Settle   time.Duration `help:"Time from the last boot to reading the memory." default:"10s" env:"-"`
	Steps    []int         `help:"Also read at these numbers of stations, for the growth plot." placeholder:"1000,3000" env:"-"`
}

// Run connects the stations step by step.
func (c *connectCmd) Run(ctx context.Context, s Streams) error {
	return c.run(ctx, s, c.MTLS, nil, c.measure)
}

func (c *connectCmd) measure(ctx context.Context, g *ground) (*Result, error) {
	f, err := g.enlistAlone(ctx, c.Stations)
	if err != nil {
		return nil, err
	}
	defer f.close()
	r := g.result("connect", c.Stations)
	before, measured := g.usage()
	if measured {
		r.more("server_idle_rss_bytes", float64(before.RSS))
	}
	defer g.profiled(ctx)()
	var spent time.Duration
	from := 0
	for _, to := range c.steps() {
		g.say("connecting stations %d to %d", from+1, to)
		start, _ := g.usage()
		began := time.Now()
		if err := f.connect(ctx, f.stations[from:to], c.Rate); err != nil {
			return nil, err
		}
		took := time.Since(began)
		end, _ := g.usage()
		spent += end.CPU - start.CPU
		if err := wait(ctx, c.Settle); err != nil {
			return nil, err
		}
		if u, ok := g.usage(); ok {
			r.Steps = append(r.Steps, Step{Stations: to, RSSPerStation: u.RSS / int64(to), RSSAboveIdle: (u.RSS - before.RSS) / int64(to), CPUPerConnect: round(float64((end.CPU - start.CPU).Microseconds()) / float64(to-from))})
		}
		r.more("connects_per_s", float64(to-from)/took.Seconds())
		from = to
	}
	if n := f.connected(); n != c.Stations {
		r.note("%d of %d stations are still connected", n, c.Stations)
	}
	g.memory(r)
	if measured {
		r.CPUPerConnect = round(float64(spent.Microseconds()) / float64(c.Stations))
		r.note("CPU per connect is all that the server took from the first connection to the last boot of each step, divided by the stations; the commands it sent to them meanwhile are in it (%d in the whole run)", f.commands.Load())
	}
	r.more("attempts", float64(f.attempts.Load()))
	g.wholeLog(ctx, r)
	r.failures(f)
	return r, c.plot(r).write(c.SVG)
}

// steps are the numbers of stations to stop at, ending with all.
func (c *connectCmd) steps() []int {
	var out []int
	last := 0
	for _, n := range c.Steps {
		if n > last && n < c.Stations {
			out, last = append(out, n), n
		}
	}
	return append(out, c.Stations)
}

func (c *connectCmd) plot(r *Result) plot {
	all, above, cpu := series{name: "whole server"}, series{name: "above idle"}, series{name: "connect and boot"}
	for _, s := range r.Steps {
		n := float64(s.Stations)
		all.points = append(all.points, [2]float64{n, float64(s.RSSPerStation) / 1024})
		above.points = append(above.points, [2]float64{n, float64(s.RSSAboveIdle) / 1024})
		cpu.points = append(cpu.points, [2]float64{n, s.CPUPerConnect})
	}
	return plot{
		{title: "Server memory per connected station", x: "connected stations", y: "KiB of VmRSS", series: []series{all, above}, dots: true},
		{title: "Server CPU per station", x: "connected stations", y: "µs", series: []series{cpu}, dots: true},
	}
}
