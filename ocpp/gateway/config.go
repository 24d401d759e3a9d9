package gateway

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/forecourt-ev/forecourt/foundation/cluster"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Dialect speaks one OCPP version.
type Dialect = ocpp.Dialect

// perStation is a Dialect that needs to know with whom it talks: 1.6 has
// connectors only, and the station's map tells which EVSE each belongs to.
type perStation interface {
	For(p ocpp.Peer) ocpp.Dialect
}

// Config holds what an operator may change. Zero values mean the defaults.
type Config struct {
	TrustedProxies []netip.Prefix // whose X-Forwarded-For, -Proto and -Client-Cert are believed
	ClientRoots    *ClientRoots   // authorities of the certificates that proxies forward; nil: none

	HandshakesPerSecond int           // 500; more wait, or get 503 and an appointment
	HandshakesAtOnce    int           // 128 handshakes in work
	HandshakeWait       time.Duration // 8 s a handshake may wait for its turn

	MessagesPerMinute    int           // per station, 3000 after a burst of 500; an Admission may say otherwise
	OrgMessagesPerSecond int           // per organisation and node, 20 000
	FloodLimit           time.Duration // 5 min of sending on without waiting for delayed replies, then 1008

	MaxMessage    int           // bytes of one message, 512 KiB; an Admission may say otherwise
	NoCompression bool          // refuse permessage-deflate; OCPP 2.0.1 part 4 §3.3 wants a CSMS to have it
	PingInterval  time.Duration // 40 s, below the shortest proxy time-out
	WriteTimeout  time.Duration // 10 s for a station to take what we write
	ReleaseAfter  time.Duration // 10 s a command waits for a first message of the station
	Workers       int           // 1,024 messages in work per node

	CommandTimeouts map[string]time.Duration // by action, over the built-in table

	NodeTimeout time.Duration // 20 s without a sign of life makes a node dead

	MemoryInWork int64 // bytes of messages read and not answered, 128 MiB; readers wait above

	LogQueue int // 40 000 frames waiting to be written

	ShutdownSpread time.Duration // 20 s over which stations are told to go
}

func (c Config) withDefaults() Config {
	set := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	wait := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	set(&c.HandshakesPerSecond, 500)
	set(&c.HandshakesAtOnce, 128)
	wait(&c.HandshakeWait, 8*time.Second)
	set(&c.MessagesPerMinute, 3000)
	set(&c.OrgMessagesPerSecond, 20_000)
	wait(&c.FloodLimit, 5*time.Minute)
	set(&c.MaxMessage, 512<<10)
	wait(&c.PingInterval, 40*time.Second)
	wait(&c.WriteTimeout, 10*time.Second)
	wait(&c.ReleaseAfter, 10*time.Second)
	set(&c.Workers, 1024)
	wait(&c.NodeTimeout, 20*time.Second)
	set(&c.LogQueue, 40_000)
	if c.MemoryInWork <= 0 {
		c.MemoryInWork = 128 << 20
	}
	wait(&c.ShutdownSpread, 20*time.Second)
	return c
}

// Deps are what the gateway works with.
type Deps struct {
	DB       *db.DB
	Bus      *cluster.Bus
	CSMS     ocpp.CSMS
	Dialects []Dialect // in order of preference: 2.1, 2.0.1, 1.6
	Log      *slog.Logger
	Now      func() time.Time      // the real clock; deadlines of sockets are set by it
	Metrics  prometheus.Registerer // nil: not registered
	Failed   func(Failure)         // hears of connections that came to nothing; nil: only the log does
	Config   Config
}

// DefaultConfig has every default written out, for the commented configuration.
func DefaultConfig() Config { return Config{}.withDefaults() }
