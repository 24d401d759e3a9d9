package trial

import (
	"context"
	"time"
)

type killCmd struct {
	options `embed:""`
}

// Run kills the server again and again, and starts it on the same data.
func (c *killCmd) Run(ctx context.Context, s Streams) error {
	return c.trialOf(ctx, s, "kill", 50, func(ctx context.Context, t *trial) error {
		n, err := t.single(ctx)
		if err != nil {
			return err
		}
		return t.runs(ctx, func(ctx context.Context, run int) error {
			began := time.Now()
			n.server.Kill()
			// Sometimes it stays away for a while, and stations collect what
			// they have to say.
			if !sleep(ctx, time.Duration(t.chance.Int64N(int64(t.seconds/4)))) {
				return context.Cause(ctx)
			}
			if err := t.start(ctx, n); err != nil {
				return err
			}
			t.result.most("longest_restart_s", time.Since(began))
			return nil
		})
	})
}
