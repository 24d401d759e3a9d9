package gateway

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// visitEvery is the wheel's tick; a turn takes PingInterval.
const visitEvery = 250 * time.Millisecond

// defaultHeartbeat is assumed of stations whose interval is not known.
const defaultHeartbeat = time.Hour

// Between two reports that a station lives.
const minReport, maxReport = 20 * time.Second, 150 * time.Second

// reportTicks is how many ticks' signs of life are stored together, maxLiving
// how many wait at most.
const reportTicks, maxLiving = 4, 20_000

// life is a connection with a sign of life that is to be reported.
type life struct {
	*link
	heard time.Time
}

// keepalive turns the wheel until ctx ends. It never waits for the database:
// signs of life that come while others are being stored wait for the next time.
func (g *Gateway) keepalive(ctx context.Context) {
	tick := time.NewTicker(visitEvery)
	defer tick.Stop()
	var batch []*link
	var living []life
	free := make(chan struct{}, 1)
	free <- struct{}{}
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		batch = g.wheel.next(batch)
		living = append(living, g.visit(batch)...)
		clear(batch)
		if n%reportTicks != 0 || len(living) == 0 {
			continue
		}
		select {
		case <-free:
			all := living
			living = nil
			g.loops.Go(func() {
				g.report(all)
				free <- struct{}{}
			})
		default:
			if len(living) > maxLiving { // the database hangs; their next visits find them again
				living = nil
			}
		}
	}
}

// visit looks after some connections at once, and gives those that are to be
// reported alive.
func (g *Gateway) visit(batch []*link) (living []life) {
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
		if heard.UnixMilli()-l.reported.Load() >= l.reportEvery().Milliseconds() {
			living = append(living, life{l, heard})
		}
		if now.Sub(l.wire.lastTold()) <= g.config.PingInterval/2 || l.wire.pingNow() { // a proxy counts silence in either direction
			continue
		}
		slots <- struct{}{}
		wg.Go(func() { // the slow ones do not hold up the others
			_ = ping(l.ws) // the reader sees what is wrong, too
			<-slots
		})
	}
	wg.Wait()
	return living
}

// report has signs of life stored; the next visit tries again if they were not.
func (g *Gateway) report(living []life) {
	living = slices.DeleteFunc(living, func(l life) bool { return g.links.get(l.key) != l.link }) // their end is stored
	if len(living) == 0 {
		return
	}
	signs := make([]ocpp.Sign, len(living))
	for i, l := range living {
		signs[i] = ocpp.Sign{Peer: l.currentPeer(), At: l.heard}
	}
	if err := g.csms.Seen(g.base, signs...); err != nil {
		if g.base.Err() == nil {
			g.logger.Warn("signs of life were not stored", "stations", len(signs), "first", signs[0].Peer.Station, "err", err)
		}
		return
	}
	for _, l := range living {
		l.reported.Store(l.heard.UnixMilli())
	}
}

// patience is how long a connection may be silent. A station that answers
// pings is dead after three without a word. One that never did is only
// expected to keep its heartbeat interval: some answer no pings, and any byte
// counts as life.
func (l *link) patience() time.Duration {
	pings := 3*l.g.config.PingInterval + 10*time.Second
	if l.wire.pongs.Load() {
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
