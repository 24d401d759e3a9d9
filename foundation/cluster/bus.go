package cluster

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
)

// Config says which bus to join.
type Config struct {
	URL  string       // nats://…; empty means a server inside this process
	Node string       // this node's name, one token; empty means a random one
	Log  *slog.Logger // nil means slog.Default()
}

const (
	maxPayload   = 8 << 20 // of the embedded server; an external one has its own
	startTimeout = 10 * time.Second
	drainTimeout = 5 * time.Second
)

// Bus is a connection to the other nodes, or to ourselves.
type Bus struct {
	node   string
	log    *slog.Logger
	conn   *nats.Conn
	server *server.Server // embedded
	closed chan struct{}  // the connection has ended for good

	shedding atomic.Bool
	shed     atomic.Int64

	mu      sync.Mutex
	serving map[*service]struct{}
	once    sync.Once
}

// Start joins the bus. An external server that cannot be reached yet is tried
// for ever in the background: until then requests are fault.Unavailable and
// signals are lost.
func Start(ctx context.Context, c Config) (*Bus, error) {
	b := &Bus{node: c.Node, log: c.Log, closed: make(chan struct{}), serving: map[*service]struct{}{}}
	if b.node == "" {
		b.node = id.Secret(6)
	}
	if b.log == nil {
		b.log = slog.Default()
	}
	if Token(b.node) != b.node {
		return nil, fault.New(fault.Invalid, "cluster.node", "the node name %q may hold only letters, digits and -", b.node)
	}
	options := []nats.Option{
		nats.Name("forecourt " + b.node),
		nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond), nats.ReconnectJitter(250*time.Millisecond, time.Second),
		nats.ReconnectBufSize(-1), // a signal is late or lost, never replayed
		nats.RetryOnFailedConnect(true),
		nats.ClosedHandler(func(*nats.Conn) { close(b.closed) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				b.log.Warn("connection to NATS lost", "err", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { b.log.Info("connection to NATS is back") }),
		nats.ErrorHandler(b.asyncError),
	}
	if c.URL == "" {
		if err := b.embed(); err != nil {
			return nil, err
		}
		options = append(options, nats.InProcessServer(b.server))
	}
	conn, err := nats.Connect(c.URL, options...)
	if err != nil {
		if b.server != nil {
			b.server.Shutdown()
		}
		return nil, fault.Wrap(fault.Unavailable, err, "cluster.connect", "NATS cannot be reached")
	}
	b.conn = conn
	return b, nil
}

func (b *Bus) embed() error {
	s, err := server.NewServer(&server.Options{
		ServerName: "forecourt-" + b.node, DontListen: true, NoSigs: true, NoLog: true, MaxPayload: maxPayload,
	})
	if err != nil {
		return fault.Wrap(fault.Internal, err, "cluster.embed", "the embedded NATS server cannot be set up")
	}
	s.Start()
	if !s.ReadyForConnections(startTimeout) {
		s.Shutdown()
		return fault.New(fault.Internal, "cluster.embed", "the embedded NATS server does not start")
	}
	b.server = s
	return nil
}

func (b *Bus) asyncError(_ *nats.Conn, sub *nats.Subscription, err error) {
	subject := ""
	if sub != nil {
		subject = sub.Subject
	}
	b.log.Warn("NATS", "err", err, "subject", subject)
}

// Node is this node's name.
func (b *Bus) Node() string { return b.node }

// Connected reports whether the bus can be used now.
func (b *Bus) Connected() bool { return b.conn.IsConnected() }

// Publish sends a signal to all who subscribed, this node included. It does
// not wait; fault.Unavailable means that it is lost.
func (b *Bus) Publish(subject string, data []byte) error {
	if b.shedding.Load() && strings.HasPrefix(subject, "signal.") {
		b.shed.Add(1)
		return nil
	}
	if err := b.conn.Publish(subject, data); err != nil {
		return unavailable(err)
	}
	return nil
}

// Shed has what this node publishes under "signal." dropped, for as long as
// it is on: what live pages show is the first thing a node under pressure can
// do without. Everything else is sent.
func (b *Bus) Shed(on bool) { b.shedding.Store(on) }

// ShedSignals counts what was dropped.
func (b *Bus) ShedSignals() int64 { return b.shed.Load() }

// Subscribe calls fn for each signal, one after another, in a goroutine of
// the subscription. After unsubscribe has returned fn is not running any
// more; fn itself must not call it. A subscriber too slow for its signals
// loses some.
func (b *Bus) Subscribe(subject string, fn func(subject string, data []byte)) (unsubscribe func(), err error) {
	var mu sync.Mutex
	over := false
	sub, err := b.conn.Subscribe(subject, func(m *nats.Msg) {
		mu.Lock()
		defer mu.Unlock()
		if !over {
			fn(m.Subject, m.Data)
		}
	})
	if err != nil {
		return nil, unavailable(err)
	}
	b.settle()
	return func() {
		if err := sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, nats.ErrBadSubscription) {
			b.log.Debug("unsubscribe", "subject", subject, "err", err)
		}
		mu.Lock()
		defer mu.Unlock()
		over = true
	}, nil
}

// settle waits until the server knows our subscriptions, so that a signal
// sent after Subscribe returned is seen. Without a connection it cannot.
func (b *Bus) settle() {
	if b.conn.IsConnected() {
		if err := b.conn.FlushTimeout(2 * time.Second); err != nil {
			b.log.Debug("flush", "err", err)
		}
	}
}

func unavailable(err error) error {
	return fault.Wrap(fault.Unavailable, err, "cluster.unavailable", "the other nodes cannot be reached now")
}

// Close stops serving, waits for running answers a short while, and leaves.
func (b *Bus) Close() {
	b.once.Do(func() {
		b.mu.Lock()
		var all []*service
		for s := range b.serving {
			all = append(all, s)
		}
		b.mu.Unlock()
		for _, s := range all {
			s.stop()
		}
		if b.conn.IsConnected() {
			if err := b.conn.FlushTimeout(drainTimeout); err != nil {
				b.log.Debug("flush at the end", "err", err)
			}
		}
		b.conn.Close()
		<-b.closed
		if b.server != nil {
			b.server.Shutdown()
			b.server.WaitForShutdown()
		}
	})
}
