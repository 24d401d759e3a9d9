package simulator

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Station is a simulated charging station with a socket. Its methods may be
// called from any goroutine.
type Station struct {
	// Acknowledged, when set, hears of every transaction message that the
	// platform acknowledged: what must never be lost. Set it before Run.
	Acknowledged func(action string, payload, reply json.RawMessage)

	// Frames, when set, sees every frame on the wire, sent or received, in
	// order. Set it before Run.
	Frames func(sent bool, frame []byte)

	now  func() time.Time
	log  *slog.Logger
	tick time.Duration

	mu      sync.Mutex
	m       *machine
	wire    *wire // nil while offline
	waiting *sent // the one CALL without an answer yet
	booted  bool
	paused  time.Time // stays offline until then
	reached int       // connections so far
}

type sent struct {
	call    *call
	id      string
	payload json.RawMessage
	at      time.Time
}

const (
	answerTimeout = 30 * time.Second
	maxTries      = 3
)

// NewStation makes a station that is switched off; Run switches it on. now
// is the station's clock.
func NewStation(c Config, now func() time.Time, log *slog.Logger) *Station {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Station{now: now, log: log.With("station", c.ID), tick: time.Second, m: newMachine(c)}
}

// ID gives the station's id.
func (s *Station) ID() string { return s.m.config.ID }

// Run keeps the station connected until ctx ends: it boots, reconnects with
// growing pauses, replays what it kept while offline, and lets physics go on
// in between.
func (s *Station) Run(ctx context.Context) error {
	first := s.m.config.Retry
	if first <= 0 {
		first = time.Second
	}
	pause := first
	for ctx.Err() == nil {
		began := s.now()
		if err := s.connected(ctx); err != nil && !errors.Is(err, context.Canceled) {
			s.log.Debug("station offline", "error", err)
		}
		if s.now().Sub(began) > time.Minute {
			pause = first
		}
		s.idle(ctx, pause)
		pause = min(pause*2, 30*first)
	}
	return ctx.Err()
}

// idle lets time pass without a connection: the pause by real time, so that
// a station whose clock stands still comes back too.
func (s *Station) idle(ctx context.Context, d time.Duration) {
	ticker := time.NewTicker(min(s.tick, d))
	defer ticker.Stop()
	over := time.NewTimer(d)
	defer over.Stop()
	for waited := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-over.C:
			waited = true
		case <-ticker.C:
		}
		s.mu.Lock()
		now := s.now()
		s.m.step(now)
		done := waited && !now.Before(s.paused)
		s.mu.Unlock()
		if done {
			return
		}
	}
}

// connected runs one connection from the handshake to its end.
func (s *Station) connected(ctx context.Context) error {
	s.mu.Lock()
	way := s.m.way()
	s.mu.Unlock()
	w, err := dial(ctx, way)
	if w != nil {
		w.heard = s.Frames
	}
	s.mu.Lock()
	s.m.reached(err == nil)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	defer w.close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.open(w)
	defer s.shut()
	go s.pace(ctx, cancel)
	for {
		frame, err := w.read(ctx)
		if err != nil {
			return err
		}
		s.receive(ctx, frame)
	}
}

// open says hello: status and boot in the order the quirks want.
func (s *Station) open(w *wire) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.wire, s.m.online, s.m.beat = w, true, now
	s.reached++
	kept := s.m.outbox
	s.m.outbox = nil
	if s.m.has(StopBeforeStart) {
		kept = reversed(kept)
	}
	if s.m.has(StatusFirst) {
		s.statuses(now)
	}
	if !s.booted || !s.m.has(NoBootOnReturn) {
		s.m.say(s.m.voice.boot(s.m, "PowerUp"))
	}
	s.booted = true
	if !s.m.has(StatusFirst) {
		s.statuses(now)
	}
	s.m.outbox = append(s.m.outbox, kept...)
	s.send()
}

func reversed(in []*call) []*call {
	out := make([]*call, 0, len(in))
	for i := len(in) - 1; i >= 0; i-- {
		out = append(out, in[i])
	}
	return out
}

func (s *Station) statuses(now time.Time) {
	for _, e := range s.m.evses {
		s.m.say(s.m.voice.status(s.m, e, now))
	}
}

// shut keeps what must be said again and forgets the rest.
func (s *Station) shut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting != nil && s.waiting.call.keep {
		s.m.outbox = append([]*call{s.waiting.call}, s.m.outbox...)
	}
	s.wire, s.waiting, s.m.online = nil, nil, false
	kept := s.m.outbox[:0]
	for _, c := range s.m.outbox {
		if c.keep {
			kept = append(kept, c)
		}
	}
	s.m.outbox = kept
}

// pace steps the physics while connected, and ends the connection when the
// station reboots, is paused, or its CALL is not answered.
func (s *Station) pace(ctx context.Context, cancel func()) {
	ticker := time.NewTicker(s.tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		s.mu.Lock()
		now := s.now()
		s.m.step(now)
		late := s.waiting != nil && now.Sub(s.waiting.at) > answerTimeout
		paused := now.Before(s.paused)
		reboot := s.m.rebooted && s.waiting == nil && len(s.m.outbox) == 0 && s.m.busy(now) == 0
		if reboot {
			s.m.rebooted, s.booted = false, false
			s.m.reroute()
		}
		s.send()
		s.mu.Unlock()
		if late || reboot || paused {
			cancel()
			return
		}
	}
}

// send writes the next message when none is waiting for its answer.
func (s *Station) send() {
	for s.wire != nil && s.waiting == nil && len(s.m.outbox) > 0 {
		c := s.m.outbox[0]
		if !s.m.accepted && c.keep && !s.m.has(NoBootOnReturn) && s.m.config.Version != "1.6" {
			if !s.promoteBoot() {
				return // 2.x: nothing of a transaction before the boot is accepted
			}
			c = s.m.outbox[0]
		}
		s.m.outbox = s.m.outbox[1:]
		payload, err := json.Marshal(c.payload())
		if err != nil {
			s.log.Error("message cannot be written", "action", c.action, "error", err)
			continue
		}
		id, err := s.wire.call(c.action, payload, c.send)
		if err != nil {
			if c.keep {
				s.m.outbox = append([]*call{c}, s.m.outbox...)
			}
			return
		}
		if !c.send {
			s.waiting = &sent{call: c, id: id, payload: payload, at: s.now()}
		}
	}
}

// promoteBoot brings what is not of a transaction to the front; it says
// whether there was anything.
func (s *Station) promoteBoot() bool {
	for i, c := range s.m.outbox {
		if !c.keep {
			copy(s.m.outbox[1:i+1], s.m.outbox[:i])
			s.m.outbox[0] = c
			return true
		}
	}
	if s.m.beat.Add(10 * time.Second).Before(s.now()) { // Pending: ask again
		s.m.beat = s.now()
		s.m.outbox = append([]*call{s.m.voice.boot(s.m, "PowerUp")}, s.m.outbox...)
		return true
	}
	return false
}

func (s *Station) receive(ctx context.Context, f frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch f.kind {
	case kindCall:
		reply, err := s.m.handle(f.action, f.payload, s.now())
		s.wire.answer(f.id, reply, err, s.m.config.Version)
		s.errands(ctx)
	case kindResult, kindError:
		s.answered(f)
	}
	s.send()
}

func (s *Station) answered(f frame) {
	w := s.waiting
	if w == nil || w.id != f.id {
		return
	}
	s.waiting = nil
	if f.kind == kindError {
		s.log.Debug("refused by the platform", "action", w.call.action, "code", f.action)
		if w.call.tries++; w.call.keep && w.call.tries < maxTries {
			s.m.outbox = append([]*call{w.call}, s.m.outbox...)
		}
		return
	}
	if w.call.done != nil {
		w.call.done(f.payload)
	}
	if w.call.keep && s.Acknowledged != nil {
		s.Acknowledged(w.call.action, w.payload, f.payload)
	}
}

// Plug connects a car to an EVSE.
func (s *Station) Plug(evse int, car *Car) {
	s.do(func(now time.Time) { s.m.plug(evse, car, now) })
}

// Tap shows a token at an EVSE.
func (s *Station) Tap(evse int, token Token) {
	s.do(func(now time.Time) { s.m.tap(evse, token, now) })
}

// Unplug takes the cable out.
func (s *Station) Unplug(evse int) { s.do(func(now time.Time) { s.m.unplug(evse, now) }) }

// Break puts an EVSE into a fault ("GroundFailure"), or repairs it ("").
func (s *Station) Break(evse int, code string) {
	s.do(func(now time.Time) { s.m.breakDown(evse, code, now) })
}

// Pause takes the station off the network for a while.
func (s *Station) Pause(d time.Duration) {
	s.do(func(now time.Time) { s.paused = now.Add(d) })
}

// Step advances the physics; for stations that are not running.
func (s *Station) Step(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.m.step(now)
}

func (s *Station) do(fn func(now time.Time)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn(s.now())
	s.send()
}

// View is what can be seen of an EVSE from outside.
type View struct {
	EVSE          int
	State         State
	Plugged       bool
	Car           *Car // a copy; nil when none is plugged in
	TransactionID string
	Charging      bool // a transaction runs
}

// Look shows an EVSE.
func (s *Station) Look(evse int) View {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.m.evse(evse)
	if e == nil {
		return View{}
	}
	v := View{EVSE: evse, State: e.state, Plugged: e.car != nil, Charging: e.tx != nil}
	if e.car != nil {
		car := *e.car
		v.Car = &car
	}
	if e.tx != nil {
		v.TransactionID = e.tx.id
	}
	return v
}

// Queued counts what the station still has to say.
func (s *Station) Queued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.m.outbox)
	if s.waiting != nil {
		n++
	}
	return n
}
