package gateway

import (
	"context"
	"sync"
	"time"
)

// visitEvery is the wheel's tick; a turn takes PingInterval.
const visitEvery = 250 * time.Millisecond

// defaultHeartbeat is assumed of stations whose interval is not known.
const defaultHeartbeat = time.Hour

// Between two reports that a station lives.
const minReport, maxReport = 20 * time.Second, 150 * time.Second

// keepalive turns the wheel until ctx ends.
func (g *Gateway) keepalive(ctx context.Context) {
	tick := time.NewTicker(visitEvery)
	defer tick.Stop()
	var batch []*link
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		batch = g.wheel.next(batch)
		g.visit(batch)
		clear(batch)
	}
}

// visit looks after some connections at once: the slow ones do not hold up
// the others.
func (g *Gateway) visit(batch []*link) {
	now := g.now()
	var wg sync.WaitGroup
	slots := make(chan struct{}, 64)
	for _, l := range batch {
		heard := l.wire.lastHeard()
		if idle, limit := now.Sub(heard), l.patience(); idle > limit {
			l.g.metrics.dead.Inc()
			l.kill("nothing was heard for " + idle.Truncate(time.Second).String())
			continue
		}
		l.askForBoot(now)
		seen := heard.UnixMilli()-l.reported.Load() >= l.reportEvery().Milliseconds()
		due := now.Sub(l.wire.lastTold()) > g.config.PingInterval/2 // a proxy counts silence in either direction
		if !seen && !due {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if due {
				l.pinged.Store(now.UnixMilli())
				if err := ping(l.ws); err != nil {
					return // the reader sees it too
				}
			}
			if seen {
				l.reported.Store(heard.UnixMilli())
				g.csms.Seen(g.base, l.currentPeer(), heard)
			}
		})
	}
	wg.Wait()
}

// patience is how long a connection may be silent. A station that answers
// pings is dead after three without a word. One that never did is only
// expected to keep its heartbeat interval: some answer no pings, and any byte
// counts as life.
func (l *link) patience() time.Duration {
	pings := 3*l.g.config.PingInterval + 10*time.Second
	if l.pongs.Load() {
		return pings
	}
	return max(pings, 2*l.heartbeatInterval()+time.Minute)
}

// reportEvery is how often a sign of life is reported: seldom, for each is a
// row of the database written, but well within the two heartbeat intervals
// after which a station counts as silent.
func (l *link) reportEvery() time.Duration {
	return min(max(l.heartbeatInterval()/2, minReport), maxReport)
}

func (l *link) heartbeatInterval() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.heartbeat <= 0 {
		return defaultHeartbeat
	}
	return l.heartbeat
}
