package bench

import (
	"context"
	"fmt"
	"time"
)

type mixCmd struct {
	options     `embed:""`
	Stations    int           `help:"How many stations; each charges." default:"1000" env:"-"`
	Rate        float64       `help:"Messages a second of all stations, by the clock; 0: each station sends when it was answered." default:"0" env:"-"`
	Seconds     float64       `help:"How long the load lasts." default:"30" env:"-"`
	Warm        float64       `help:"Seconds of the same load before that: what only the first message of a station or a session costs is paid then." default:"0" env:"-"`
	Minutes     float64       `help:"The same in minutes; for the memory after an hour's worth of load." default:"0" env:"-"`
	FsyncDelay  time.Duration `help:"Each fsync of SQLite's log takes this much longer, like a slow disk." env:"-"`
	ConnectRate float64       `help:"New connections a second before the load." default:"500" env:"-"`
	MTLS        bool          `name:"mtls" help:"Over TLS." env:"-"`
	Verify      bool          `help:"Read every sample back afterwards." default:"true" negatable:"" env:"-"`
}

// Run loads the platform with the mix.
func (c *mixCmd) Run(ctx context.Context, s Streams) error {
	var flags []string
	if c.Rate == 0 { // the limits are there to stop a station that sends like this
		flags = append(flags, "--messages-per-minute", "1000000", "--org-messages-per-second", "1000000")
	}
	if c.FsyncDelay > 0 {
		if c.DatabaseURL != "" || c.URL != "" {
			return fmt.Errorf("--fsync-delay slows the SQLite of the server that is started; for PostgreSQL put its disk on a slow device")
		}
		flags = append(flags, "--sqlite-commit-delay", c.FsyncDelay.String())
	}
	return c.run(ctx, s, c.MTLS, flags, c.measure)
}

func (c *mixCmd) measure(ctx context.Context, g *ground) (*Result, error) {
	f, err := g.enlistAlone(ctx, c.Stations)
	if err != nil {
		return nil, err
	}
	defer f.close()
	g.say("connecting %d stations", c.Stations)
	if err := f.connect(ctx, f.stations, c.ConnectRate); err != nil {
		return nil, err
	}
	g.say("starting %d sessions", c.Stations)
	if err := f.ask(ctx, f.stations, kindStart); err != nil {
		return nil, err
	}
	lasts := time.Duration(c.Seconds * float64(time.Second))
	if c.Minutes > 0 {
		lasts = time.Duration(c.Minutes * float64(time.Minute))
	}
	r := g.result("mix", c.Stations)
	if c.Warm > 0 {
		g.say("warming up for %g s", c.Warm)
		c.load(ctx, f, time.Duration(c.Warm*float64(time.Second)))
		f.delays.reset()
		f.warmed = f.answered.Load()
	}
	g.say("the load begins, for %s", lasts)
	l := g.measured(ctx, func() { c.load(ctx, f, lasts) })
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	g.memory(r)
	r.load(f, l)
	g.wholeLog(ctx, r)
	if err := c.verify(ctx, g, f, r); err != nil {
		return nil, err
	}
	c.remarks(r)
	r.failures(f)
	title := fmt.Sprintf("Reply time of the mix, %d stations, %.0f messages a second", c.Stations, r.MsgsPerS)
	return r, plot{distribution(title, &f.delays)}.write(c.SVG)
}

func (c *mixCmd) load(ctx context.Context, f *fleet, lasts time.Duration) {
	if c.Rate > 0 {
		f.openLoop(ctx, lasts, c.Rate, f.stations, (*station).next)
	} else {
		f.closedLoop(ctx, lasts, (*station).next)
	}
}

func (c *mixCmd) verify(ctx context.Context, g *ground, f *fleet, r *Result) error {
	if !c.Verify {
		r.note("the samples were not read back (--no-verify), so nothing is claimed to be persisted")
		return nil
	}
	if err := g.verifySamples(ctx, f.ledger(), r); err != nil {
		return err
	}
	kept := 1 - float64(r.Lost)/float64(SamplesPerMessage)/float64(max(f.answered.Load(), 1))
	r.PersistedPerS = round(r.MsgsPerS * kept)
	return nil
}

func (c *mixCmd) remarks(r *Result) {
	r.note("a meter message holds one reading of %d samples; 6 of 10 messages are such, 3 heartbeats, 1 a change of status", SamplesPerMessage)
	if c.Rate == 0 && c.URL == "" {
		r.note("the limits of messages per station and organisation were raised out of the way")
	}
	if c.Warm > 0 {
		r.note("%g s of the same load ran before; what it stored is read back too", c.Warm)
	}
	if c.FsyncDelay > 0 {
		r.note("every fsync of the log was held %s before anybody was answered and the next could begin", c.FsyncDelay)
	}
}
