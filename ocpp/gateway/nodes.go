package gateway

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/job"
)

const (
	beatEvery      = 5 * time.Second
	reconcileEvery = time.Minute
	reconcileMost  = 500 // connections that are compared together
	goneTogether   = 64
)

// beating tells the other nodes that this one lives.
func (g *Gateway) beating(ctx context.Context) {
	for napped(ctx, beatEvery) {
		if err := g.store.beat(ctx, g.started); err != nil && ctx.Err() == nil {
			g.logger.Warn("other nodes may take this one for dead", "err", err)
		}
		g.log.storeGaps(ctx, g.now())
	}
}

// reconciling compares this node's connections with the table, some at a time
// and all in about a minute: seven nodes that did it at once kept a database
// of 100,000 stations from all else for seconds.
func (g *Gateway) reconciling(ctx context.Context) {
	for ctx.Err() == nil {
		parts := slices.Collect(slices.Chunk(g.links.keys(), reconcileMost))
		pause := reconcileEvery / time.Duration(max(len(parts), 1))
		for _, keys := range parts {
			if !napped(ctx, pause) {
				return
			}
			if err := g.reconcile(ctx, keys); err != nil && ctx.Err() == nil {
				g.logger.Warn("the node's connections are not kept up", "err", err)
			}
		}
		if len(parts) == 0 && !napped(ctx, pause) {
			return
		}
	}
}

// napped is false when ctx ends before the time has passed.
func napped(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// reconcile heals what messages between nodes may have missed: a connection
// that a newer one elsewhere replaced is closed; a row that another node
// closed, taking us for dead, is opened again.
func (g *Gateway) reconcile(ctx context.Context, keys []string) error {
	rows, err := g.store.held(ctx, keys)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if err := g.heal(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

func (g *Gateway) heal(ctx context.Context, r row) error {
	l := g.links.get(r.key)
	switch {
	case l == nil || l.ending.Load() || l.epoch() > r.epoch:
		return nil
	case l.epoch() < r.epoch:
		g.supersede(l)
		return nil
	case r.open || r.node != g.node:
		return nil
	}
	revived, err := g.store.revive(ctx, r.key, r.epoch)
	if err != nil || !revived {
		return err
	}
	peer := l.currentPeer()
	g.logger.Warn("a living connection had been taken for dead", "org", peer.Org, "station", peer.Station)
	if err := g.csms.Connected(ctx, peer); err != nil {
		return err
	}
	g.signal(peer, true, "")
	return nil
}

// Jobs registers the gateway's periodic work: one node does each at a time.
func (g *Gateway) Jobs(r *job.Runner) {
	r.Every("gateway.dead_nodes", 10*time.Second, g.buryNodes)
	r.Every("gateway.log_days", time.Hour, g.log.makeDays)
}

// buryNodes ends the connections of nodes that died: their stations are
// offline until they return. A node is dead when it has not beaten for a
// while and does not answer either.
func (g *Gateway) buryNodes(ctx context.Context) error {
	since := g.now().Add(-g.config.NodeTimeout)
	nodes, err := g.store.silent(ctx, since)
	if err != nil {
		return err
	}
	for _, node := range nodes {
		if g.answers(ctx, node) {
			continue
		}
		ended := 0
		err := g.abandon(ctx, node, "the node was lost", since, func(some []Connection) {
			ended += len(some)
			g.tellGone(ctx, some)
		})
		g.logger.Warn("a node was lost", "node", node, "connections", ended)
		if err != nil {
			return err
		}
	}
	return nil
}

// abandonedTogether is how many connections of a node are ended at once:
// stations that come back elsewhere meanwhile write the same rows.
const abandonedTogether = 256

// abandon ends a node's connections, some after the other.
func (g *Gateway) abandon(ctx context.Context, node, reason string, since time.Time, ended func(some []Connection)) error {
	keys, err := g.store.holding(ctx, node)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(keys, abandonedTogether) {
		some, err := g.store.abandon(ctx, node, reason, part, since)
		if err != nil {
			return err
		}
		ended(some)
	}
	return nil
}

// tellGone tells the platform of connections that ended with their node, some
// at once so that they share transactions, and not all, whose writing would
// stand before those that come back. A station that is back already has a
// higher epoch.
func (g *Gateway) tellGone(ctx context.Context, gone []Connection) {
	slots := make(chan struct{}, goneTogether)
	var wg sync.WaitGroup
	for _, c := range gone {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			g.csms.Disconnected(ctx, c.peer(), c.Reason)
			g.signal(c.peer(), false, c.Reason)
		})
	}
	wg.Wait()
}

func (g *Gateway) answers(ctx context.Context, node string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := g.bus.Request(ctx, subjectOf(node, ""), []byte(`{"op":"ping"}`))
	if e := fault.Of(err); e != nil && e.Code == "cluster.no_responder" {
		return false
	}
	return err == nil
}
