package test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// mover is a station that changes while it charges: 1 Wh is counted for each
// step of its register, which never goes back.
type mover struct {
	id, password string
	wire         *wire
	register     int
	at           time.Time
	number       any    // 1.6 transactionId
	tx           string // 2.x transactionId
	seq          int
	err          error
}

func (m *mover) say(action string, payload object) object {
	if m.err != nil {
		return object{}
	}
	result, code, err := m.wire.ask(action, payload)
	if err == nil && code != "" {
		err = errors.New(code)
	}
	if err != nil {
		m.err = fmt.Errorf("%s: %s: %w", m.id, action, err)
	}
	return result
}

func (m *mover) step(wh int) {
	m.register += wh
	m.at = m.at.Add(time.Minute)
}

func (m *mover) meters16(n int) {
	for range n {
		m.step(100)
		m.say("MeterValues", meter16(1, m.number, m.at, m.register))
	}
}

func (m *mover) event(kind string) {
	e := object{"eventType": kind, "timestamp": stamp(m.at), "triggerReason": "MeterValuePeriodic", "seqNo": m.seq,
		"transactionInfo": object{"transactionId": m.tx, "chargingState": "Charging"}, "evse": object{"id": 1, "connectorId": 1},
		"meterValue": []object{{"timestamp": stamp(m.at), "sampledValue": []object{{"value": m.register, "measurand": "Energy.Active.Import.Register"}}}}}
	if kind == "Started" {
		e["idToken"] = object{"idToken": m.id, "type": "ISO14443"}
	}
	m.say("TransactionEvent", e)
	m.seq++
}

func (m *mover) events(n int) {
	for range n {
		m.step(100)
		m.event("Updated")
	}
}

func (m *mover) stop16(number any) {
	m.say("StopTransaction", object{"transactionId": number, "meterStop": m.register, "timestamp": stamp(m.at)})
}

// boots16 and boots2 come back with a version, a firmware and a serial number.
func (m *mover) boots16(t *testing.T, s *server, firmware, serial string) {
	m.wire = plug(t, s, m.id, m.password, "ocpp1.6")
	m.say("BootNotification", object{"chargePointVendor": "Maker", "chargePointModel": "One", "chargePointSerialNumber": serial, "firmwareVersion": firmware})
}

func (m *mover) boots2(t *testing.T, s *server, protocol, firmware, serial string) {
	m.wire = plug(t, s, m.id, m.password, protocol)
	m.say("BootNotification", object{"reason": "FirmwareUpdate", "chargingStation": object{"vendorName": "Maker", "model": "One", "serialNumber": serial, "firmwareVersion": firmware}})
}

// moves are the ways in which stations change; each gives how many sessions
// its charge is in the end.
var moves = []struct {
	name     string
	sessions int
	live     func(t *testing.T, s *server, m *mover)
}{
	{"new firmware, same version", 1, func(t *testing.T, s *server, m *mover) {
		m.boots16(t, s, "2.0", m.id)
		m.meters16(3)
		m.stop16(m.number)
	}},
	{"2.0.1 goes on with our number", 1, func(t *testing.T, s *server, m *mover) {
		m.boots2(t, s, "ocpp2.0.1", "2.0", m.id)
		m.tx = fmt.Sprint(m.number)
		m.events(3)
		m.event("Ended")
	}},
	{"2.1 counts anew", 2, func(t *testing.T, s *server, m *mover) {
		m.boots2(t, s, "ocpp2.1", "3.0", m.id)
		m.tx = "new"
		m.event("Started")
		m.events(3)
		m.event("Ended")
	}},
	{"to 2.0.1 and back", 2, func(t *testing.T, s *server, m *mover) {
		m.boots2(t, s, "ocpp2.0.1", "2.0", m.id)
		m.tx = "trial"
		m.event("Started")
		m.events(2)
		m.wire.close()
		m.boots16(t, s, "1.0", m.id) // ends what it knows with the register of today
		m.stop16(m.number)
		m.wire.close()
		m.boots2(t, s, "ocpp2.0.1", "2.1", m.id)
		m.event("Ended")
	}},
	{"another device", 2, func(t *testing.T, s *server, m *mover) {
		m.boots16(t, s, "1.0", m.id+"-new")
		old := m.register
		m.number = m.say("StartTransaction", object{"connectorId": 1, "idTag": m.id, "meterStart": m.register, "timestamp": stamp(m.at)})["transactionId"]
		m.meters16(3)
		m.stop16(m.number)
		if m.register != old+300 {
			m.err = fmt.Errorf("%s counted %d", m.id, m.register-old)
		}
	}},
}

// TestFieldNote11StationsChangeUnderLoad: a hundred stations come back with
// another version, firmware or serial number in the middle of a charge, all
// at once: nothing is lost and nothing is counted twice.
func TestFieldNote11StationsChangeUnderLoad(t *testing.T) {
	const n = 100
	onBoth(t, func(t *testing.T, s *server) {
		all := make([]*mover, n)
		for i := range all {
			id := fmt.Sprintf("MV-%03d", i)
			s.must("POST", "/id-tokens", object{"id_token": id, "max_sessions": 3})
			all[i] = &mover{id: id, password: s.station(id, nil), register: 1_000_000, at: began}
		}
		var done sync.WaitGroup
		for i, m := range all {
			done.Go(func() {
				m.boots16(t, s, "1.0", m.id)
				m.number = m.say("StartTransaction", object{"connectorId": 1, "idTag": m.id, "meterStart": m.register, "timestamp": stamp(m.at)})["transactionId"]
				m.meters16(4)
				m.wire.close()
				moves[i%len(moves)].live(t, s, m)
			})
		}
		done.Wait()
		for _, m := range all {
			if m.err != nil {
				t.Error(m.err)
			}
		}
		energy, sessions := map[string]float64{}, map[string]int{}
		for _, one := range s.items("/sessions?limit=1000") {
			id := one["station_id"].(string)
			energy[id] += one["energy_wh"].(float64)
			sessions[id]++
		}
		for i, m := range all {
			move := moves[i%len(moves)]
			if want := float64(m.register - 1_000_000); energy[m.id] != want || sessions[m.id] != move.sessions {
				t.Errorf("%s (%s): %v Wh in %d sessions, the meter counted %v in %d", m.id, move.name, energy[m.id], sessions[m.id], want, move.sessions)
			}
			st := s.must("GET", "/charging-stations/"+m.id, nil)
			if evses, _ := st["evses"].([]any); len(evses) != 1 {
				t.Errorf("%s has %d EVSEs after its change", m.id, len(evses))
			}
		}
	})
}
