package gateway

import (
	"context"
	"encoding/json"
	"log/slog"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/forecourt-ev/forecourt/foundation/cluster"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/ocpp/rpc"
)

// Gateway holds the stations connected to one node. It is an http.Handler for
// /ocpp/ and the ocpp.Commander of the platform.
type Gateway struct {
	db       *db.DB
	bus      *cluster.Bus
	csms     ocpp.CSMS
	node     string
	dialects []Dialect
	silent16 Dialect // for stations that offer no subprotocol; nil without 1.6
	quirks   *QuirkTable
	config   Config
	logger   *slog.Logger
	failed   func(Failure)
	now      func() time.Time
	options  rpc.Options

	base    context.Context // of everything done for stations; ends with Shutdown
	cancel  context.CancelFunc
	started time.Time

	store     *store
	links     *links
	wheel     *wheel
	workers   *workers
	door      *door
	refusals  *refusals
	orgs      *orgPaces
	scratch   *scratch
	log       *MessageLog
	pressure  pressure
	silence   silence
	memory    memory
	routes    routes
	entries   *knocks // handshakes that came in, by station
	strangers *knocks // handshakes refused, by address
	wasted    *knocks // TLS handshakes that came to nothing, by address
	metrics   *metrics
	goodbyes  chan struct{} // bounds close handshakes under way
	reports   chan func(context.Context)

	draining atomic.Bool
	drainMu  sync.Mutex
	undrain  context.CancelFunc // nil: no drain that can be taken back
	stopping bool
	stop     sync.Once
	unserve  func()
	reading  *readers
	breaks   few // connections that broke
	leaves   few // of them, those whose end is being taken into the books
	parting  parting
	readers  tasks // one per connection, and what is done for it
	closers  tasks
	loops    sync.WaitGroup
}

// New makes a gateway. Start must follow before stations may connect.
func New(d Deps) (*Gateway, error) {
	c := d.Config.withDefaults()
	quirks, err := Quirks()
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		db: d.DB, quirks: quirks, bus: d.Bus, csms: d.CSMS, node: d.Bus.Node(), dialects: d.Dialects, config: c, logger: d.Log, now: d.Now, failed: d.Failed,
		store: newStore(d.DB, d.Bus.Node()), links: newLinks(), wheel: newWheel(int(c.PingInterval / visitEvery)),
		workers: newWorkers(c.Workers), door: newDoor(c), refusals: newRefusals(),
		orgs:    &orgPaces{perSecond: c.OrgMessagesPerSecond, paces: map[string]*pace{}},
		scratch: newScratch(), memory: memory{limit: c.MemoryInWork}, entries: newKnocks(entryPlaces, entryEvery, entryBurst), strangers: newKnocks(refusedPlaces, refusedEvery, refusedBurst),
		wasted:   newKnocks(wastedPlaces, wastedEvery, wastedBurst),
		goodbyes: make(chan struct{}, 256), reports: make(chan func(context.Context), 4096),
	}
	if g.logger == nil {
		g.logger = slog.Default()
	}
	if g.now == nil || len(d.Dialects) == 0 || d.CSMS == nil {
		return nil, fault.New(fault.Internal, "gateway.deps", "the gateway needs a clock, a CSMS and at least one dialect")
	}
	if i := slices.IndexFunc(d.Dialects, func(d Dialect) bool { return d.Version() == ocpp.V16 }); i >= 0 {
		g.silent16 = d.Dialects[i]
	}
	g.options = rpc.Options{Now: g.now, Hold: g.memory.hold, NewID: func() string { return id.New[string](g.now()) }}
	g.base, g.cancel = context.WithCancel(context.Background())
	g.reading = newReaders(g.base.Done())
	g.breaks.most, g.leaves.most = breaksAtOnce, leavesAtOnce
	g.log = newMessageLog(g)
	m, err := newMetrics(g, d.Metrics)
	g.metrics = m
	return g, err
}

// Start ends what an earlier life of this node left open, and begins to serve
// the other nodes' questions. Stations may connect once it returned.
func (g *Gateway) Start(ctx context.Context) error {
	g.started = g.now()
	if err := g.store.beat(ctx, g.started); err != nil {
		return err
	}
	err := g.abandonOwn(ctx)
	if err != nil {
		return err
	}
	if g.unserve, err = g.bus.Serve(subject+cluster.Token(g.node)+".*", g.answer); err != nil {
		return err
	}
	for range 4 {
		g.loops.Go(g.reporting)
	}
	g.loops.Go(func() { g.keepalive(g.base) })
	g.loops.Go(func() { g.beating(g.base) })
	g.loops.Go(func() { g.reconciling(g.base) })
	g.loops.Go(func() { g.pressing(g.base) })
	g.loops.Go(g.log.run)
	return nil
}

// abandonOwn ends the connections of an earlier life of this node.
func (g *Gateway) abandonOwn(ctx context.Context) error {
	var left []Connection
	err := g.abandon(ctx, g.node, "the node restarted", time.Time{}, func(some []Connection) { left = append(left, some...) })
	g.loops.Go(func() { g.tellGone(g.base, left) })
	return err
}

// later runs fn soon, off the message's path. Under pressure it is dropped,
// and counted: only reports about quirks go this way.
func (g *Gateway) later(fn func(context.Context)) {
	select {
	case g.reports <- fn:
	default:
		g.metrics.reportsLost.Inc()
	}
}

func (g *Gateway) reporting() {
	for {
		select {
		case fn := <-g.reports:
			fn(g.base)
		case <-g.base.Done():
			return
		}
	}
}

// join gives a new connection its epoch and makes it the station's. False
// means that it was refused and closed.
func (g *Gateway) join(l *link, host string) bool {
	ctx := g.base
	holder := g.links.get(l.key)
	j := &joining{key: l.key, host: host, peer: l.peer, parted: g.parting.of(l.key),
		live: holder == nil || g.now().Sub(holder.wire.lastHeard()) < liveWithin}
	if err := g.store.joins.Add(ctx, j); err != nil {
		g.logger.Error("connection not recorded", "org", l.peer.Org, "station", l.peer.Station, "err", err)
		g.abort(l, websocket.StatusTryAgainLater, "try again later")
		return false
	}
	if j.refused {
		g.quarantined(l, host)
		return false
	}
	l.mu.Lock()
	l.peer.Epoch, l.peer.Incarnation = j.epoch, j.incarnation
	peer := l.peer
	l.mu.Unlock()
	if loser := g.links.put(l); loser != nil {
		g.supersede(loser)
		if loser == l {
			g.abort(l, websocket.StatusNormalClosure, "replaced by a newer connection")
			return false
		}
	}
	if j.previousNode != "" && j.previousNode != g.node {
		g.tellReplaced(j.previousNode, l.key, j.epoch)
	}
	if j.flaps >= flapLimit {
		g.metrics.conflicts.Inc()
		l.deviate(ocpp.Deviation{Code: "identity_conflict", Detail: "devices on different addresses take turns on this identity; one is kept out for a while"})
	}
	g.metrics.connections.WithLabelValues(string(peer.Version)).Inc()
	unbooted := make(chan struct{})
	arrived := make(chan struct{})
	l.arrived, l.unbooted = arrived, unbooted
	g.readers.Go(func() {
		defer close(arrived)
		g.arrive(ocpp.WithUnbooted(g.base, unbooted), l, peer)
	})
	return true
}

// arrive tells the platform of a connection, while its reader already waits
// for the boot: both can be stored at once. Other messages wait for this to
// end, and so does the connection's own end.
func (g *Gateway) arrive(ctx context.Context, l *link, peer ocpp.Peer) {
	if err := g.csms.Connected(ctx, peer); err != nil {
		g.logger.Error("connection not taken", "org", peer.Org, "station", peer.Station, "err", err)
		l.close(websocket.StatusTryAgainLater, "try again later")
		return
	}
	l.reported.Store(g.now().UnixMilli())
	g.wheel.add(l)
	g.signal(peer, true, "")
	if g.draining.Load() { // Shutdown may have missed it
		l.leave()
	}
}

// quarantined keeps the second of two devices on one identity out.
func (g *Gateway) quarantined(l *link, host string) {
	now := g.now()
	g.metrics.conflicts.Inc()
	g.refusals.hold(pairOf(host, l.key), now.Add(refusalWait), now)
	g.logger.Warn("two devices use one identity; this one is kept out for a while", "org", l.peer.Org, "station", l.peer.Station, "remote", l.peer.RemoteAddr)
	l.deviate(ocpp.Deviation{Code: "identity_conflict", Detail: "a device on " + host + " was kept out: another one is connected under this identity"})
	g.abort(l, websocket.StatusPolicyViolation, "another device is connected under this identity")
}

// abort closes a connection that never began to be served.
func (g *Gateway) abort(l *link, code websocket.StatusCode, reason string) {
	l.ending.Store(true)
	l.conn.Close(reason)
	g.closers.Go(func() { g.goodbye(l, code, reason) })
}

// supersede closes the connection that a newer one replaced. The row is the
// newer one's already, so nothing is told to the platform.
func (g *Gateway) supersede(l *link) {
	if l.superseded.CompareAndSwap(false, true) {
		l.close(websocket.StatusNormalClosure, "replaced by a newer connection")
	}
}

func (g *Gateway) tellReplaced(node, key string, epoch int64) {
	data, err := json.Marshal(question{Op: "replaced", Epoch: epoch})
	if err == nil {
		err = g.bus.Publish(subjectOf(node, key), data)
	}
	if err != nil { // the other node finds out when it reconciles
		g.logger.Warn("the node that held the station was not told of its new connection", "node", node, "station", key, "err", err)
	}
}

// goodbye does the close handshake, if not too many are under way already.
func (g *Gateway) goodbye(l *link, code websocket.StatusCode, reason string) {
	select {
	case g.goodbyes <- struct{}{}:
		defer func() { <-g.goodbyes }()
		l.wire.recall()
		_ = l.ws.Close(code, clip(reason, 120))
	default:
		_ = l.ws.CloseNow()
	}
}

// How many connections that broke are seen to at a time, and how many ends are
// taken into the books. When thousands break at once, most are back before
// their turn comes: then there is nothing left to store.
const (
	breaksAtOnce = 8
	leavesAtOnce = 32
	leavesAtLast = 1024 // when the node sends its stations away
)

// left ends a connection's life.
func (g *Gateway) left(l *link, reason string) {
	g.wheel.remove(l)
	g.links.remove(l)
	peer := l.currentPeer()
	g.metrics.connections.WithLabelValues(string(peer.Version)).Dec()
	if l.superseded.Load() {
		return
	}
	out := &leaving{key: l.key, reason: reason, epoch: peer.Epoch, at: g.now()}
	g.readers.begin()
	g.parting.add(out.key, out.epoch)
	g.leaves.Go(func() {
		defer g.readers.done()
		defer g.parting.remove(out.key, out.epoch)
		g.book(peer, out)
	})
}

// book takes the end of a connection into the books, unless a newer one has
// the row.
func (g *Gateway) book(peer ocpp.Peer, out *leaving) {
	if now := g.links.get(out.key); now != nil && now.epoch() > out.epoch {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // also while shutting down
	defer cancel()
	if err := g.store.leaves.Add(ctx, out); err != nil {
		g.logger.Error("end of a connection not recorded", "org", peer.Org, "station", peer.Station, "err", err)
		return // the next start of this node, or another node, ends it
	}
	if out.ours {
		g.csms.Disconnected(ocpp.WithReceived(ctx, out.at), peer, out.reason)
		g.signal(peer, false, out.reason)
	}
}

// Signal is what live pages hear of a connection; it may be lost.
type Signal struct {
	Kind    string    `json:"kind"` // "connection"
	Org     string    `json:"org"`
	Site    string    `json:"site,omitempty"`
	Station string    `json:"station"`
	At      time.Time `json:"at"`
	Data    struct {
		Online  bool   `json:"online"`
		Version string `json:"version"`
		Reason  string `json:"reason,omitempty"`
	} `json:"data"`
}

func (g *Gateway) signal(p ocpp.Peer, online bool, reason string) {
	s := Signal{Kind: "connection", Org: p.Org, Site: p.Site, Station: p.Station, At: g.now().UTC()}
	s.Data.Online, s.Data.Version, s.Data.Reason = online, string(p.Version), reason
	data, err := json.Marshal(s)
	if err == nil {
		err = g.bus.Publish("signal."+cluster.Token(p.Org)+"."+s.Kind+"."+cluster.Token(p.Station), data)
	}
	if err != nil {
		g.logger.Debug("signal lost", "station", p.Station, "err", err)
	}
}

// Log is the message log, for the room that shows it.
func (g *Gateway) Log() *MessageLog { return g.log }

// Connected counts the stations on this node.
func (g *Gateway) Connected() int { return len(g.links.all()) }

// Shutdown takes no new stations, tells the connected ones to come back (to
// another node, or to this one after its restart), spread over a while, lets
// the messages in work be answered, and writes the log. It returns when all
// is written or ctx ends.
func (g *Gateway) Shutdown(ctx context.Context) error {
	err := fault.New(fault.Unavailable, "gateway.shutdown", "the gateway stopped before all connections were closed")
	g.stop.Do(func() {
		g.drainForGood()
		g.dismiss(ctx)
		if g.unserve != nil { // until now the other nodes' commands reach who is still here
			g.unserve()
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			g.readers.Wait()
			g.closers.Wait()
			g.workers.stop()
		}()
		select {
		case <-done:
			err = nil
		case <-ctx.Done():
			for _, l := range g.links.all() {
				_ = l.ws.CloseNow()
			}
			g.cancel() // handlers that still wait for the database give up
			g.leaves.widen(math.MaxInt)
			<-done
		}
		g.cancel()
		g.log.close()
		g.loops.Wait()
		g.log.storeGaps(context.WithoutCancel(ctx), g.now())
		g.store.close()
		if e := g.store.stopped(context.WithoutCancel(ctx)); e != nil {
			g.logger.Warn("the node's end is not recorded", "err", e)
		}
	})
	if err != nil && ctx.Err() == nil {
		return nil // stopped by an earlier call
	}
	if err == nil {
		return nil
	}
	return err
}
