package app

import (
	"context"
	"log/slog"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The garbage collector's share of memory. Go lets the heap grow to twice what
// is in use, whatever is going on: with 15,000 idle stations that is as much
// again for nothing, and in a busy small server it collects all the time. Here
// the room for garbage follows the rate at which memory is taken, so that
// there is about one collection in a period, or fewer where that takes little
// room. Measured with 15,000 stations a collection takes some 60 ms of CPU: 4 %
// while they connect, and next to nothing once they are idle.
type heapRoom struct {
	period time.Duration
	whole  float64 // bytes of a heap, garbage included; or twice what is in use, if that is more
}

// With PostgreSQL on the same cores a collection takes 200 to 300 ms, and
// nearly all slow replies at 1,000 messages a second fell into one. There the
// heap has the room that SQLite's caches take otherwise: under load its bound
// decides how often it is collected, and not the period. With a period of ten
// seconds one of seven nodes on a machine collected every other second.
var (
	heapSQLite   = heapRoom{1500 * time.Millisecond, 192 << 20}
	heapPostgres = heapRoom{40 * time.Second, 256 << 20}
)

const (
	heapSeldom = 8 * time.Second // of a program that takes little,
	heapLittle = 40 << 20        // as long as that is enough room
	heapLook   = time.Second
	heapLeast  = 12 << 20 // room for garbage, bytes: when hardly any is made

	restRate  = 8 << 20 // bytes taken in a second, below which the program is at rest
	restShare = 2       // a load is over when less than the most it took, over this, is taken
	restLooks = 4       // in a row, until it gives back what it needed to start, or for what went before
)

// calm finds the end of a load: what follows it, as reading the settings of
// stations that came in, may go on for minutes and needs little of what the
// load left behind.
type calm struct {
	most  float64 // bytes a second, since the last end
	looks int
}

// look is told the rate of allocation once every heapLook and tells, once,
// that a load is over.
func (c *calm) look(rate float64) bool {
	c.most = max(c.most, rate)
	if rate >= max(restRate, c.most/restShare) {
		c.looks = 0
		return false
	}
	if c.looks++; c.looks != restLooks {
		return false
	}
	c.most = rate
	return true
}

// tune adjusts the collector until ctx ends, unless the environment says
// what it shall do. rest gives back other memory once a load is over.
func (room heapRoom) tune(ctx context.Context, rest func(context.Context) error) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	samples := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	tick := time.NewTicker(heapLook)
	defer tick.Stop()
	set, rate, quiet := 100, 0.0, calm{}
	metrics.Read(samples)
	for last := samples[0].Value.Uint64(); ; {
		select {
		case <-ctx.Done():
			debug.SetGCPercent(100)
			return
		case <-tick.C:
		}
		metrics.Read(samples)
		taken := samples[0].Value.Uint64()
		now := float64(taken-last) / heapLook.Seconds()
		rate = max(now, rate*0.7) // a pause in a storm is no end of it
		last = taken
		percent := room.percent(rate, samples[1].Value.Uint64()+samples[2].Value.Uint64()+samples[3].Value.Uint64())
		if percent > set*11/10 || percent < set*9/10 {
			set = percent
			debug.SetGCPercent(percent)
		}
		if quiet.look(now) {
			if err := rest(ctx); err != nil {
				slog.Debug("the database keeps memory it does not need", "err", err)
			}
			if _, err := dropProgramPages(); err != nil {
				slog.Debug("the program's pages stay in memory", "err", err)
			}
		}
	}
}

// percent is the setting (GOGC) for a rate of allocation in bytes a second and
// the bytes that a collection goes through.
func (room heapRoom) percent(rate float64, used uint64) int {
	used = max(used, 1)
	garbage := max(rate*room.period.Seconds(), min(rate*heapSeldom.Seconds(), heapLittle), heapLeast)
	garbage = min(garbage, max(room.whole-float64(used), float64(used)))
	return max(int(100*garbage/float64(used)), 5)
}
