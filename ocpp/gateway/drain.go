package gateway

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/coder/websocket"
)

// drainStep is between two groups of stations that are told to go.
const drainStep = 50 * time.Millisecond

// lingers is how long a station with an exchange under way may finish it.
const lingers = 5 * time.Second

const goingAway = "the server goes away"

// Draining tells whether the node sends its stations away and takes none.
func (g *Gateway) Draining() bool { return g.draining.Load() }

// Drain sends the stations to the other nodes, spread over
// Config.ShutdownSpread, and takes no new ones until it is taken back with
// false or the node stops. It returns at once, with what holds now: a node
// that stops cannot take it back.
func (g *Gateway) Drain(on bool) bool {
	g.drainMu.Lock()
	defer g.drainMu.Unlock()
	switch {
	case g.stopping:
		return true
	case on && g.undrain == nil:
		ctx, cancel := context.WithCancel(g.base)
		g.undrain = cancel
		g.draining.Store(true)
		g.leaves.widen(leavesAtLast)
		g.closers.Go(func() { g.dismiss(ctx) })
	case !on && g.undrain != nil:
		g.undrain()
		g.undrain = nil
		g.draining.Store(false)
		g.leaves.widen(leavesAtOnce)
		for _, l := range g.links.all() {
			l.leaving.Store(false)
		}
	}
	return on
}

// drainForGood is the beginning of the node's end.
func (g *Gateway) drainForGood() {
	g.drainMu.Lock()
	defer g.drainMu.Unlock()
	g.stopping = true
	g.draining.Store(true)
	g.leaves.widen(leavesAtLast)
	if g.undrain != nil {
		g.undrain() // Shutdown goes on with it
	}
}

// dismiss closes all connections with 1001 in small groups over the
// configured time, few stations faster. Who is in the middle of an exchange
// finishes it first, for a while. It ends early with ctx.
func (g *Gateway) dismiss(ctx context.Context) {
	all := g.links.all()
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	steps := max(int(g.config.ShutdownSpread/drainStep), 1)
	each := max((len(all)+steps-1)/steps, 1)
	tick := time.NewTicker(drainStep)
	defer tick.Stop()
	for part := range slices.Chunk(all, each) {
		for _, l := range part {
			l.leave()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
	for over := time.After(lingers); ; {
		all = slices.DeleteFunc(all, func(l *link) bool { l.leave(); return l.ending.Load() })
		if len(all) == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		case <-over:
			for _, l := range all {
				l.close(websocket.StatusGoingAway, goingAway)
			}
			return
		}
	}
}

// leave closes the connection with 1001, now or when its exchange is done. A
// call that crosses the close is not acknowledged: the station sends it again
// to the node it comes back to.
func (l *link) leave() {
	l.leaving.Store(true)
	if l.conn.Engaged() == 0 {
		l.close(websocket.StatusGoingAway, goingAway)
	}
}

// finished closes a connection that leaves, after the last reply.
func (l *link) finished() {
	if l.leaving.Load() && l.conn.Engaged() <= 1 { // the one just answered
		l.close(websocket.StatusGoingAway, goingAway)
	}
}
