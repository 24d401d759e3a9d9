package simulator

import (
	"crypto/tls"
	"encoding/json"
	"math/rand/v2"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Config describes one simulated station.
type Config struct {
	ID, Password, URL string // URL is the platform's base, ws://host:port/ocpp
	Version           string // "1.6", "2.0.1", "2.1"
	Vendor, Model     string
	Serial, Firmware  string
	EVSEs             []EVSEConfig
	MeterInterval     time.Duration // between readings of a transaction
	Quirks            []Quirk
	Retry             time.Duration // first pause before a reconnect, doubled up to 30 times; 0 is a second
	Seed              uint64
	Variables         map[string]string // instead of the defaults: 1.6 keys, or "Component.Variable"

	SecurityProfile int            // it begins with; default: what URL and Password make of it
	URLs            map[int]string // 1.6: where it goes for a security profile; default: URL, as wss:// from 2 on
	TLS             *tls.Config    // whom it trusts and, for profile 3, its certificate; nil: the system's roots
}

// machine is the station without its socket: EVSEs, transactions, profiles,
// variables and what it still has to say. It is advanced with explicit
// instants and never blocks, so that a day can be played in a moment.
type machine struct {
	config    Config
	evses     []*EVSE
	profiles  []profile
	variables map[string]string
	monitors  monitors
	voice     voice
	outbox    []*call
	online    bool
	accepted  bool
	interval  time.Duration // heartbeat
	beat      time.Time
	count     int // transactions so far
	listVer   int
	rebooted  bool // a reset was asked for
	path      path
	rng       *rand.Rand

	errands    []errand      // to be started
	news       []*call       // to be said after the next boot
	uploading  chan struct{} // closed to end the last upload
	uploadDone chan struct{}
	messages   map[int]ocpp.MessageInfo // on the display

	scripted map[string]json.RawMessage // answers given by hand
	reserved map[int]*reserved          // by EVSE
	list     map[string]listed          // the local list, by id of the token
	cache    map[Token]struct{}         // tokens that were accepted
	vault    vault
}

// call is one CALL the station wants to make. The payload is built when it
// is sent, since a 1.6 StopTransaction needs the id that StartTransaction's
// reply will bring.
type call struct {
	action  string
	payload func() any
	done    func(reply json.RawMessage)
	keep    bool // transaction messages survive being offline
	send    bool // 2.1 SEND: no reply comes
	tries   int
}

// voice says things in one version of OCPP and understands its commands.
type voice interface {
	boot(m *machine, reason string) *call
	status(m *machine, e *EVSE, now time.Time) *call
	authorize(m *machine, token Token, done func(accepted bool)) *call
	start(m *machine, e *EVSE, tx *transaction, r reading) *call
	update(m *machine, e *EVSE, tx *transaction, trigger string, r reading) *call
	stop(m *machine, e *EVSE, tx *transaction, r reading) *call
	meter(m *machine, e *EVSE, r reading) *call
	handle(m *machine, action string, payload json.RawMessage, now time.Time) (any, error)
}

func newMachine(c Config) *machine {
	m := &machine{
		config: c, variables: map[string]string{}, monitors: newMonitors(), interval: 5 * time.Minute,
		rng: rand.New(rand.NewPCG(c.Seed, 0x5eed)), voice: voiceOf(c.Version),
	}
	for _, e := range c.EVSEs {
		m.evses = append(m.evses, &EVSE{config: e, state: Available, register: unit.Energy(m.rng.Int64N(5_000)) * unit.KiloWattHour})
	}
	m.defaults()
	m.secureDefaults()
	for name, value := range c.Variables {
		m.variables[name] = value
		m.apply(name, value)
	}
	return m
}

func (m *machine) say(c *call) {
	if c == nil {
		return
	}
	if !m.online && !c.keep {
		return // status, heartbeats and readings without a transaction are not kept
	}
	m.outbox = append(m.outbox, c)
}

func (m *machine) evse(id int) *EVSE {
	for _, e := range m.evses {
		if e.config.ID == id {
			return e
		}
	}
	return nil
}

func (m *machine) running(id string) *EVSE {
	for _, e := range m.evses {
		if e.tx != nil && e.tx.id == id {
			return e
		}
	}
	return nil
}

// enter changes an EVSE's state and tells the platform.
func (m *machine) enter(e *EVSE, s State, now time.Time) {
	if e.state == s {
		return
	}
	e.state = s
	m.say(m.voice.status(m, e, now))
}

// step advances the physics to now and says what has become due.
func (m *machine) step(now time.Time) {
	for _, e := range m.evses {
		before := e.state
		after := e.flow(now, m.limitAt(e, now))
		if e.tx != nil && before != Faulted {
			if after != before {
				m.enter(e, after, now)
				m.say(m.voice.update(m, e, e.tx, "ChargingStateChanged", e.read(now, "Sample.Periodic")))
			}
			m.sample(e, now)
		}
		if e.waiting != nil && now.After(e.waiting.until) {
			e.waiting = nil
			if e.state == Preparing && e.car == nil {
				m.enter(e, Available, now)
			}
		}
	}
	m.expire(now)
	if m.online && m.accepted && now.Sub(m.beat) >= m.interval {
		m.beat = now
		m.say(&call{action: "Heartbeat", payload: func() any { return struct{}{} }})
	}
}

func (m *machine) sample(e *EVSE, now time.Time) {
	every := m.config.MeterInterval
	if every <= 0 || now.Sub(e.sampled) < every {
		return
	}
	e.sampled = now
	r := e.read(now, "Sample.Periodic")
	if m.has(StopDataOnly) {
		e.tx.data = append(e.tx.data, r)
		return
	}
	m.say(m.voice.update(m, e, e.tx, "MeterValuePeriodic", r))
}

// plug connects a car's cable to an EVSE.
func (m *machine) plug(id int, car *Car, now time.Time) {
	e := m.evse(id)
	if e == nil || e.car != nil || e.disabled || e.state == Faulted {
		return
	}
	e.car = car
	if e.waiting != nil {
		w := e.waiting
		e.waiting = nil
		m.enter(e, Preparing, now)
		m.begin(e, w.token, w.remoteID, now)
		return
	}
	m.enter(e, Preparing, now)
}

// tap shows a token at an EVSE: it starts, or stops its own transaction.
func (m *machine) tap(id int, token Token, now time.Time) {
	e := m.evse(id)
	switch {
	case e == nil || e.state == Faulted || e.disabled:
	case e.tx != nil && e.tx.token == token:
		m.finish(e, "Local", now)
	case e.tx != nil || e.waiting != nil || m.keeps(e, token):
	case m.onList(token, now):
		m.admit(e, token, now)
	case !m.online && m.listVer > 0 && !m.allowsUnknown(): // OCPP 2.0.1 C13, C15
	case !m.online: // offline: charging goes on, the platform decides later
		m.admit(e, token, now)
	default:
		m.say(m.voice.authorize(m, token, func(accepted bool) {
			if !accepted || e.tx != nil {
				return
			}
			m.remember(token)
			m.admit(e, token, later(now, e.stepped))
		}))
	}
}

// admit starts charging, or waits a while for a cable when the card came
// first (OCPP 2.0.1 E03).
func (m *machine) admit(e *EVSE, token Token, now time.Time) {
	if e.car != nil {
		m.begin(e, token, nil, now)
		return
	}
	e.waiting = &remote{token: token, until: now.Add(time.Minute)}
	m.enter(e, Preparing, now)
}

// begin opens a transaction.
func (m *machine) begin(e *EVSE, token Token, remoteID *int, now time.Time) {
	m.count++
	now = later(now, e.stepped)
	reservation := m.use(e, token)
	e.tx = &transaction{reservation: reservation, number: m.count, evse: e.config.ID, token: token, remoteID: remoteID, started: now, begin: e.register, offline: !m.online}
	e.stepped, e.sampled = now, now
	start := m.voice.start(m, e, e.tx, e.read(now, "Transaction.Begin"))
	m.say(start)
	if m.has(DuplicateStart) {
		m.say(start)
	}
}

// finish closes the transaction; the bay stays occupied until unplugged.
func (m *machine) finish(e *EVSE, reason string, now time.Time) {
	tx := e.tx
	if tx == nil {
		return
	}
	now = later(now, e.stepped)
	e.flow(now, m.limitAt(e, now))
	tx.ended, tx.end, tx.reason = now, e.register, reason
	e.tx, e.power, e.amps = nil, 0, 0
	stop := m.voice.stop(m, e, tx, e.read(now, "Transaction.End"))
	m.say(stop)
	if m.has(DuplicateStop) {
		m.say(stop)
	}
	m.clear(func(p profile) bool { return p.purpose == txOwn && p.evse == e.config.ID })
	if e.state != Faulted {
		m.enter(e, Finishing, now)
	}
}

// unplug takes the cable out, ending what still runs.
func (m *machine) unplug(id int, now time.Time) {
	e := m.evse(id)
	if e == nil || e.car == nil {
		return
	}
	m.finish(e, "EVDisconnected", now)
	e.car = nil
	if e.state == Faulted {
		return
	}
	if e.disabled {
		m.enter(e, Unavailable, now)
		return
	}
	m.enter(e, Available, now)
}

// breakDown puts an EVSE into a fault with a 1.6 error code, or repairs it
// with an empty one. A running transaction goes on: the platform must cope.
func (m *machine) breakDown(id int, code string, now time.Time) {
	e := m.evse(id)
	if e == nil {
		return
	}
	e.fault = code
	switch {
	case code != "":
		m.enter(e, Faulted, now)
	case e.tx != nil:
		m.enter(e, Charging, now)
	case e.car != nil:
		m.enter(e, Finishing, now)
	default:
		m.enter(e, Available, now)
	}
}

// remoteStart answers a start asked for by the platform.
func (m *machine) remoteStart(id int, token Token, remoteID *int, now time.Time) bool {
	e := m.evse(id)
	if id == 0 {
		e = m.free()
	}
	if e == nil || e.tx != nil || e.disabled || e.state == Faulted || m.keeps(e, token) {
		return false
	}
	if e.car != nil {
		m.begin(e, token, remoteID, now)
		return true
	}
	e.waiting = &remote{token: token, remoteID: remoteID, until: now.Add(time.Minute)}
	m.enter(e, Preparing, now)
	return true
}

func (m *machine) free() *EVSE {
	var plugged, empty *EVSE
	for _, e := range m.evses {
		if e.tx != nil || e.disabled || e.state == Faulted {
			continue
		}
		if e.car != nil {
			plugged = e
		} else if empty == nil {
			empty = e
		}
	}
	if plugged != nil {
		return plugged
	}
	return empty
}

// change switches an EVSE (or with 0 all) between operative and inoperative;
// it reports false when a transaction makes it wait.
func (m *machine) change(id int, operative bool, now time.Time) (known, done bool) {
	done = true
	for _, e := range m.evses {
		if id != 0 && e.config.ID != id {
			continue
		}
		known = true
		e.disabled = !operative
		switch {
		case e.tx != nil || e.car != nil:
			done = false
		case e.state == Faulted:
		case operative:
			m.enter(e, Available, now)
		default:
			m.enter(e, Unavailable, now)
		}
	}
	return known, done
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
