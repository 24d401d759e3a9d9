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
				g.report(l, heard)
			}
		})
	}
	wg.Wait()
}

// report has a sign of life stored; the next visit tries again if it was not.
func (g *Gateway) report(l *link, heard time.Time) {
	peer := l.currentPeer()
	err := g.csms.Seen(g.base, peer, heard)
	if err == nil {
		l.reported.Store(heard.UnixMilli())
	} else if g.base.Err() == nil {
		g.logger.Warn("a sign of life was not stored", "station", peer.Station, "err", err)
	}
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
// row of the database written, but within the two heartbeat intervals, and two
// minutes, after which a station counts as silent: one that answers no pings
// may say nothing for an interval after what was too early to be reported, and
// is visited a turn of the pings later.
func (l *link) reportEvery() time.Duration {
	h := l.heartbeatInterval()
	if h <= 2*l.g.config.PingInterval {
		return minReport
	}
	return min(h/2, maxReport)
}

func (l *link) heartbeatInterval() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.heartbeat <= 0 {
		return defaultHeartbeat
	}
	return l.heartbeat
}
