package trial

import (
	"context"
	"fmt"
	"time"

	"github.com/forecourt-ev/forecourt/bench/rig"
)

// pair starts two nodes on one PostgreSQL and one NATS, with stations on
// them. nats gives the address for each node; nil: the server's own.
func (t *trial) pair(ctx context.Context, nats func(server string, node int) (string, error)) error {
	if err := t.postgres(ctx); err != nil {
		return err
	}
	server, stop, err := rig.StartNATS(ctx)
	if err != nil {
		return err
	}
	t.ends = append(t.ends, stop)
	for i := range 2 {
		url := server
		if nats != nil {
			if url, err = nats(server, i); err != nil {
				return err
			}
		}
		name := fmt.Sprintf("n%d", i+1)
		if err := t.start(ctx, t.node(name, "--node", name, "--nats-url", url)); err != nil {
			return err
		}
	}
	return t.people(ctx)
}

type upgradeCmd struct {
	options `embed:""`
}

// Run drains and replaces one node after the other, as a rolling upgrade does.
func (c *upgradeCmd) Run(ctx context.Context, s Streams) error {
	return c.trialOf(ctx, s, "upgrade", 10, func(ctx context.Context, t *trial) error {
		if err := t.pair(ctx, nil); err != nil {
			return err
		}
		err := t.runs(ctx, func(ctx context.Context, run int) error {
			for i, n := range t.nodes {
				began := time.Now()
				t.fleet.move(t.nodes[1-i].server.Plain) // the load balancer takes it out
				n.server.Stop()
				t.result.most("longest_drain_s", time.Since(began))
				if err := t.start(ctx, n); err != nil {
					return err
				}
				t.result.most("longest_replacement_s", time.Since(began))
				if !sleep(ctx, t.seconds/4) {
					return context.Cause(ctx)
				}
			}
			return nil
		})
		if failed := t.fleet.counts.unserved.Load(); failed > 0 {
			t.fleet.fail("authorisation failed", fmt.Errorf("%d of %d were answered with an error", failed, t.fleet.counts.asked.Load()))
		}
		return err
	})
}
