package gateway

import (
	"cmp"
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/ocpp/rpc"
)

// metrics has no label per station: there may be a hundred thousand.
type metrics struct {
	connections *prometheus.GaugeVec   // version
	handshakes  *prometheus.CounterVec // result
	in, out     frameCounter
	bad         *prometheus.CounterVec // reason
	events      *prometheus.CounterVec // event
	calls       *prometheus.CounterVec // result
	handle      prometheus.Histogram
	throttled   prometheus.Counter
	dead        prometheus.Counter
	conflicts   prometheus.Counter
	reportsLost prometheus.Counter
	logDropped  prometheus.Counter
	logWritten  prometheus.Counter
}

// frameCounter has its counters looked up once.
type frameCounter [rpc.Send + 1]prometheus.Counter

func (c *frameCounter) count(t rpc.Type) { c[t].Inc() }

func newMetrics(g *Gateway, r prometheus.Registerer) (*metrics, error) {
	name := func(n, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "forecourt", Subsystem: "gateway", Name: n, Help: help}
	}
	counter := func(n, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts(name(n, help)))
	}
	vec := func(n, help string, label ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts(name(n, help)), label)
	}
	frames := vec("messages_total", "OCPP messages by direction and type.", "direction", "type")
	m := &metrics{
		connections: prometheus.NewGaugeVec(prometheus.GaugeOpts(name("connections", "Stations connected to this node.")), []string{"version"}),
		handshakes:  vec("handshakes_total", "Handshakes by result.", "result"),
		bad:         vec("bad_frames_total", "Frames that could not be used, by reason.", "reason"),
		events:      vec("events_total", "What connections dealt with, by event.", "event"),
		calls:       vec("commands_total", "Commands to stations by result.", "result"),
		handle: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "forecourt", Subsystem: "gateway", Name: "handle_seconds",
			Help: "Time from taking a station's message to its reply.", Buckets: []float64{.00025, .0005, .001, .0015, .002, .003, .005, .01, .025, .05, .1, .25, .5, 1, 5}}),
		throttled:   counter("throttled_total", "Messages delayed by the limits of a station or an organisation."),
		dead:        counter("dead_connections_total", "Connections closed because nothing was heard."),
		conflicts:   counter("identity_conflicts_total", "Identities that two devices share."),
		reportsLost: counter("reports_lost_total", "Deviations not reported because too many came at once."),
		logDropped:  counter("log_sampled_total", "Messages left out of the message log under pressure."),
		logWritten:  counter("log_written_total", "Messages written to the message log."),
	}
	for t := range m.in {
		kind := cmp.Or(rpc.Type(t).String(), "unreadable")
		m.in[t] = frames.WithLabelValues("in", kind)
		m.out[t] = frames.WithLabelValues("out", kind)
	}
	gauge := func(n, help string, f func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts(name(n, help)), f)
	}
	all := []prometheus.Collector{
		m.connections, m.handshakes, frames, m.bad, m.events, m.calls, m.handle, m.throttled, m.dead, m.conflicts, m.reportsLost,
		m.logDropped, m.logWritten,
		gauge("messages_in_work", "Messages being handled.", func() float64 { busy, _ := g.workers.load(); return float64(busy) }),
		gauge("messages_waiting", "Messages waiting for a worker.", func() float64 { _, waiting := g.workers.load(); return float64(waiting) }),
		gauge("held_bytes", "Text of messages read and not answered yet.", func() float64 { return float64(g.memory.held.Load()) }),
		gauge("pressure", "Load shedding: 0 none, 1 live signals, 2 also the message log, 3 also new connections.", func() float64 { return float64(g.pressure.level.Load()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts(name("signals_shed_total", "Live signals not sent under pressure.")), func() float64 { return float64(g.bus.ShedSignals()) }),
		gauge("log_queue", "Messages waiting to be written to the log.", func() float64 { return float64(g.log.waiting()) }),
	}
	if r != nil {
		for _, c := range all {
			if err := r.Register(c); err != nil {
				return nil, fault.Wrap(fault.Internal, err, "gateway.metrics", "the metrics cannot be registered")
			}
		}
	}
	return m, nil
}

func (m *metrics) event(e rpc.Event)       { m.events.WithLabelValues(e.String()).Inc() }
func (m *metrics) badFrame(r rpc.Reason)   { m.bad.WithLabelValues(r.String()).Inc() }
func (m *metrics) handshake(result string) { m.handshakes.WithLabelValues(result).Inc() }

func (m *metrics) call(err error) {
	result := "ok"
	var e *ocpp.CallError
	switch {
	case err == nil:
	case errors.As(err, &e):
		result = "call_error"
	case fault.Of(err) != nil && fault.Of(err).Code == "ocpp.timeout":
		result = "timeout"
	case fault.Of(err) != nil && fault.Of(err).Code == "gateway.offline":
		result = "offline"
	default:
		result = fault.KindOf(err).String()
	}
	m.calls.WithLabelValues(result).Inc()
}
