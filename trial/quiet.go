package trial

import (
	"context"
	"time"
)

type slowDiskCmd struct {
	options `embed:""`
	Delay   time.Duration `help:"How much longer each fsync of the log takes, for which commits wait." default:"100ms" env:"-"`
}

// Run charges on a slow disk: replies take longer, nothing else happens.
func (c *slowDiskCmd) Run(ctx context.Context, s Streams) error {
	if err := c.onSQLite(); err != nil {
		return err
	}
	return c.trialOf(ctx, s, "slow-disk", 5, func(ctx context.Context, t *trial) error {
		if _, err := t.single(ctx, "--sqlite-commit-delay", c.Delay.String()); err != nil {
			return err
		}
		t.result.more("commit_delay_s", c.Delay.Seconds())
		return t.runs(ctx, func(context.Context, int) error { return nil }) // it is slow all the time
	})
}

type clockJumpCmd struct {
	options `embed:""`
}

// leaps are how far a clock goes wrong: a time zone, daylight saving, a flat
// battery, a typing error.
var leaps = []time.Duration{
	time.Minute, time.Hour, 2 * time.Hour, 11 * time.Hour, 24 * time.Hour, 30 * 24 * time.Hour,
	365 * 24 * time.Hour, 5 * 365 * 24 * time.Hour,
}

// Run lets the clock of every station jump in the middle of its sessions,
// forward and back, a few times a run.
func (c *clockJumpCmd) Run(ctx context.Context, s Streams) error {
	return c.trialOf(ctx, s, "clock-jump", 20, func(ctx context.Context, t *trial) error {
		if _, err := t.single(ctx); err != nil {
			return err
		}
		return t.runs(ctx, func(ctx context.Context, run int) error {
			for range 3 {
				for _, s := range t.fleet.stations {
					by := leaps[t.chance.IntN(len(leaps))]
					if t.chance.IntN(2) == 0 {
						by = -by
					}
					s.jump(by)
				}
				if !sleep(ctx, t.seconds/4) {
					return context.Cause(ctx)
				}
			}
			for _, s := range t.fleet.stations { // somebody sets it right
				s.jump(-s.wrong())
			}
			return nil
		})
	})
}
