package simulator

import (
	"encoding/json"
	"time"
)

// Say makes the station send any message, as if something made it: what no
// physics here brings about (a swap of batteries, an external limit) can
// still be played. send is for 2.1's messages that are not answered.
func (s *Station) Say(action string, payload json.RawMessage, send bool) {
	s.do(func(time.Time) {
		s.m.say(&call{action: action, payload: func() any { return payload }, send: send})
	})
}

// Answer gives the station an answer for a command of the platform, in the
// place of its own; nil takes it away again.
func (s *Station) Answer(action string, reply json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if reply == nil {
		delete(s.m.scripted, action)
		return
	}
	if s.m.scripted == nil {
		s.m.scripted = map[string]json.RawMessage{}
	}
	s.m.scripted[action] = reply
}

// handle answers a command, by script where there is one.
func (m *machine) handle(action string, payload json.RawMessage, now time.Time) (any, error) {
	if reply, ok := m.scripted[action]; ok {
		return reply, nil
	}
	return m.voice.handle(m, action, payload, now)
}

// Online tells whether the station has a connection.
func (s *Station) Online() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wire != nil
}

// Connections counts the connections so far.
func (s *Station) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reached
}

// Renew makes the station ask for a certificate of a use
// (ChargingStationCertificate, V2GCertificate), as it does before one ends.
func (s *Station) Renew(use string) {
	s.do(func(time.Time) { s.m.wantCertificate(use) })
}

// Settle lets physics catch up with the station's clock without waiting for
// its next tick.
func (s *Station) Settle() {
	s.do(func(now time.Time) { s.m.step(now) })
}

// Variable gives what the station holds under a 1.6 key or, of 2.x, a
// "Component.Variable".
func (s *Station) Variable(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m.variables[name]
}
