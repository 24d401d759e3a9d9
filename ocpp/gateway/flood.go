package gateway

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// What one bad station, or one bad address, can take from the others is
// bounded here: what it sends, what of it is held in memory, and how often it
// comes in. A limit slows down first, by not reading: TCP hands that on.

// pieceSize is the text that costs as much as a frame.
const pieceSize = 4 << 10

// admit counts a frame of so many bytes, whatever is in it, and has the
// reader wait when more come than four times the calls that the station may
// make. Calls have their own, lower limit, at which replies are delayed; this
// one is for what is never answered or costs before it is understood: broken
// frames, repeated calls, replies to nothing, pings, large texts. Called by the
// reader only.
func (l *link) admit(size int) {
	now := l.g.now().UnixMicro()
	unit := max(l.pace.interval.Microseconds()/4, 1)
	l.intake = max(l.intake, now) + unit*int64(1+size/pieceSize)
	wait := time.Duration(l.intake-now)*time.Microsecond - l.pace.burst
	if wait <= 0 {
		return
	}
	l.g.metrics.throttled.Inc()
	const slice = 200 * time.Millisecond // an end of the connection is noticed in between
	for ; wait > 0 && !l.ending.Load(); wait -= slice {
		time.Sleep(min(wait, slice))
	}
}

// memory bounds the text of all stations' messages that were read and not
// dealt with. Readers wait while there is no room: replies slow down, nothing
// is dropped.
type memory struct {
	limit int64
	held  atomic.Int64

	mu   sync.Mutex
	room chan struct{} // closed when there is room again; nil when nobody waits
}

// hold adds to what is held; rpc calls it with what a call takes, and with
// the same less than zero when the call is dealt with.
func (m *memory) hold(n int) {
	now := m.held.Add(int64(n))
	if n >= 0 || now >= m.limit {
		return
	}
	m.mu.Lock()
	if m.room != nil {
		close(m.room)
		m.room = nil
	}
	m.mu.Unlock()
}

func (m *memory) full() bool { return m.held.Load() >= m.limit }

// share is how full it is: 1 is full.
func (m *memory) share() float64 { return float64(m.held.Load()) / float64(m.limit) }

// wait returns when there is room, or when ended does.
func (m *memory) wait(ended <-chan struct{}) {
	for m.full() {
		m.mu.Lock()
		if m.room == nil {
			m.room = make(chan struct{})
		}
		room := m.room
		m.mu.Unlock()
		if !m.full() { // it emptied before room was there to be closed
			return
		}
		select {
		case <-room:
		case <-ended:
			return
		}
	}
}

// knocks spaces out how often something may happen per key, in a table of a
// fixed size: keys that fall together share a place, so the burst is generous
// and a wait short. Nothing grows with the number of attackers.
type knocks struct {
	seed  maphash.Seed
	every int64 // microseconds
	burst int64
	next  []atomic.Int64
}

func newKnocks(places int, every time.Duration, burst int) *knocks {
	return &knocks{seed: maphash.MakeSeed(), every: every.Microseconds(), burst: int64(burst) * every.Microseconds(), next: make([]atomic.Int64, places)}
}

// count adds one and gives how long the next has to wait.
func (k *knocks) count(key string, now time.Time) time.Duration {
	place := &k.next[maphash.String(k.seed, key)%uint64(len(k.next))]
	for at := now.UnixMicro(); ; {
		old := place.Load()
		fresh := max(old, at) + k.every
		if place.CompareAndSwap(old, fresh) {
			return time.Duration(max(fresh-at-k.burst, 0)) * time.Microsecond
		}
	}
}

// wait gives how long the key has to wait, without counting.
func (k *knocks) wait(key string, now time.Time) time.Duration {
	place := &k.next[maphash.String(k.seed, key)%uint64(len(k.next))]
	return time.Duration(max(place.Load()-now.UnixMicro()-k.burst, 0)) * time.Microsecond
}

const (
	// A station may come in this often; a mobile one that loses its line does
	// so every few minutes.
	entryEvery, entryBurst, entryPlaces = 2 * time.Second, 30, 1 << 14
	// An address may be refused this often before all from there have to wait:
	// thousands of stations of one carrier may share it, so they wait only
	// while it goes on.
	refusedEvery, refusedBurst, refusedPlaces = 200 * time.Millisecond, 100, 1 << 12
	// With TLS a refusal costs milliseconds of a core before anybody knows who
	// it is. An address may have this many handshakes come to nothing before
	// its sockets are closed unheard, the console's too where it has the same
	// door: only while it goes on, and far above what stations do.
	wastedEvery, wastedBurst, wastedPlaces = 50 * time.Millisecond, 100, 1 << 12
)

// mayKnock says how long a handshake has to wait because of what came from
// its address or for its station before.
func (g *Gateway) mayKnock(host, key string, now time.Time) time.Duration {
	return max(g.refusals.wait(pairOf(host, key), now), g.strangers.wait(host, now), g.entries.wait(key, now))
}

// waste counts a TLS handshake that came to nothing. Proxies are not counted:
// they speak for many.
func (g *Gateway) waste(remote string, now time.Time) {
	if host, ok := g.alone(remote); ok {
		g.wasted.count(host, now)
	}
}

// wasteful tells whether to spare ourselves the TLS handshake of a socket.
func (g *Gateway) wasteful(remote string, now time.Time) bool {
	host, ok := g.alone(remote)
	return ok && g.wasted.wait(host, now) > 0
}

// alone is the host of an address, if it is no trusted proxy's.
func (g *Gateway) alone(remote string) (host string, ok bool) {
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return "", false
	}
	addr := peer.Addr().Unmap()
	return addr.String(), !within(addr, g.config.TrustedProxies)
}
