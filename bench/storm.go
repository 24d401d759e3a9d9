package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

type stormCmd struct {
	options     `embed:""`
	Stations    int     `help:"How many stations drop." default:"15000" env:"-"`
	Others      int     `help:"How many stay connected meanwhile, and are timed." default:"200" env:"-"`
	Rate        float64 `help:"Messages a second of the others." default:"100" env:"-"`
	ConnectRate float64 `help:"New connections a second before the storm." default:"500" env:"-"`
	MTLS        bool    `name:"mtls" help:"Over TLS; nobody has a session ticket." env:"-"`

	curve  series    // stations that have booted again, over time
	delays Histogram // of the others
}

// Run drops the stations and brings them back.
func (c *stormCmd) Run(ctx context.Context, s Streams) error {
	return c.run(ctx, s, c.MTLS, nil, c.measure)
}

func (c *stormCmd) measure(ctx context.Context, g *ground) (*Result, error) {
	f, err := g.enlist(ctx, 0, c.Stations)
	if err != nil {
		return nil, err
	}
	defer f.close()
	g.say("connecting %d stations and starting their sessions", c.Stations)
	if err := f.connect(ctx, f.stations, c.ConnectRate); err != nil {
		return nil, err
	}
	if err := f.ask(ctx, f.stations, kindStart); err != nil {
		return nil, err
	}
	others, err := c.beside(ctx, g)
	defer func() { dismiss(others...) }()
	if err != nil {
		return nil, err
	}
	r := g.result("storm", c.Stations)
	before := f.attempts.Load()
	l := g.measured(ctx, func() { err = c.storm(ctx, g, f, others, r) })
	if err != nil {
		return nil, err
	}
	r.more("attempts_per_station", float64(f.attempts.Load()-before)/float64(c.Stations))
	if l.measured {
		r.CPUPerConnect = round(float64(l.server.Microseconds()) / float64(c.Stations))
		r.note("CPU per connect is all that the server took during the storm, the others' load and the old connections' end included, divided by the stations")
	}
	g.memory(r)
	return r, c.settle(ctx, g, f, others, r)
}

// beside has the others connect and charge, from a process of their own: in
// this one their answers would wait for 15,000 that dial, not for the server.
func (c *stormCmd) beside(ctx context.Context, g *ground) ([]*hand, error) {
	if c.Others == 0 {
		return nil, nil
	}
	if err := g.admit(ctx, c.Stations, c.Others); err != nil {
		return nil, err
	}
	crew := g.crew(c.Stations, c.Others)
	crew.Sources = 1 // the stations have the addresses 127.1.0.x
	h, err := g.hire(order{Crew: crew, ConnectRate: c.ConnectRate, Charging: 1, Mixed: c.Rate})
	if err != nil {
		return nil, err
	}
	_, err = hear([]*hand{h}, doConnect)
	return []*hand{h}, err
}

// storm cuts every connection off at once and waits until all have booted
// again, while the others go on.
func (c *stormCmd) storm(ctx context.Context, g *ground, f *fleet, others []*hand, r *Result) error {
	if err := tell(others, doLoad); err != nil {
		return err
	}
	wait(ctx, 2*time.Second) // the others are under way when it begins
	ignore := func(*station) {}
	f.onDrop.Store(&ignore)
	g.say("dropping %d stations", len(f.stations))
	began := time.Now()
	for _, s := range f.stations {
		s.cut()
	}
	for _, s := range f.stations { // its own end: the reader has seen it
		for s.connected() && ctx.Err() == nil {
			wait(ctx, time.Millisecond)
		}
	}
	if err := c.home(ctx, f, began, r); err != nil {
		return err
	}
	f.onDrop.Store(nil)
	return c.others(others, time.Since(began)+2*time.Second, r)
}

// home waits until all have booted again.
func (c *stormCmd) home(ctx context.Context, f *fleet, began time.Time, r *Result) error {
	home := &timeline{began: began}
	err := f.each(ctx, f.stations, len(f.stations), nil, func(s *station) error {
		err := f.bring(ctx, s)
		if err != nil {
			f.fail("not connected", err)
			return err
		}
		home.add(time.Now())
		return nil
	})
	r.BackSeconds = round(time.Since(began).Seconds())
	c.curve = home.series("booted")
	return err
}

// others ends their load, which has lasted so long, and takes their times.
func (c *stormCmd) others(others []*hand, lasted time.Duration, r *Result) error {
	if err := tell(others, doEnd); err != nil {
		return err
	}
	reports, err := hear(others, doEnd)
	for _, one := range reports {
		c.delays.merge(one.Counts, one.Longest)
		r.failed(one.What, one.Examples)
		if lost := max(int(one.Lost), c.Others-one.In); lost > 0 {
			r.failed(map[string]int{"lost a connection that should have stayed": lost}, nil)
		}
	}
	r.delays(&c.delays, lasted)
	return err
}

// settle ends the sessions and looks whether each is there, once.
func (c *stormCmd) settle(ctx context.Context, g *ground, f *fleet, others []*hand, r *Result) error {
	if n := f.connected(); n != len(f.stations) {
		f.fail("not connected", fmt.Errorf("%d of %d stations are connected after the storm", n, len(f.stations)))
	}
	if err := f.stop(ctx, f.stations); err != nil {
		return err
	}
	if err := tell(others, doSettle); err != nil {
		return err
	}
	reports, err := hear(others, doSettle)
	if err != nil {
		return err
	}
	ledger := f.ledger()
	for _, one := range reports {
		ledger = append(ledger, one.Ledger...)
	}
	if err := g.verifySessions(ctx, ledger, r); err != nil {
		return err
	}
	g.wholeLog(ctx, r)
	r.failures(f)
	r.note("reply times are those of %d stations that stayed, in a process of their own", c.Others)
	return plot{
		{title: fmt.Sprintf("%d stations come back after all dropped at once", c.Stations), x: "seconds after the drop", y: "stations booted", series: []series{c.curve}},
		distribution("Reply time of the others meanwhile", &c.delays),
	}.write(c.SVG)
}

// timeline takes down when something happened, from many goroutines.
type timeline struct {
	began time.Time
	mu    sync.Mutex
	at    []time.Duration
}

func (t *timeline) add(at time.Time) {
	t.mu.Lock()
	t.at = append(t.at, at.Sub(t.began))
	t.mu.Unlock()
}

// series counts what had happened by then, at most about 200 points.
func (t *timeline) series(name string) series {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.Sort(t.at)
	s := series{name: name, points: [][2]float64{{0, 0}}}
	step := max(len(t.at)/200, 1)
	for i, at := range t.at {
		if (i+1)%step == 0 || i == len(t.at)-1 {
			s.points = append(s.points, [2]float64{at.Seconds(), float64(i + 1)})
		}
	}
	return s
}
