package test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// peer is a station made of npm ocpp-rpc in strict mode (test/ocpp-rpc).
type peer struct {
	t     *testing.T
	in    io.WriteCloser
	mu    sync.Mutex
	next  int
	wait  map[int]chan object
	calls chan object
	seen  map[string]int // how often the platform called an action
	lines chan object    // open, refused, closed
	acts  map[string]func(payload object) object
}

// connect starts a station and waits for the outcome of its handshake.
func connect(t *testing.T, s *server, id, password, protocol string) (*peer, object) {
	t.Helper()
	return dial(t, exec.Command("node", "ocpp-rpc/station.mjs", "--endpoint", s.stations(), "--identity", id, "--password", password, "--protocol", protocol))
}

// dial starts a program that is a station and waits for its handshake.
func dial(t *testing.T, cmd *exec.Cmd) (*peer, object) {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("the independent station cannot be started: %v", err)
	}
	p := &peer{t: t, in: in, wait: map[int]chan object{}, calls: make(chan object, 1000), seen: map[string]int{}, lines: make(chan object, 10)}
	go p.read(out)
	t.Cleanup(func() { in.Close(); cmd.Process.Kill(); cmd.Wait() })
	select {
	case line := <-p.lines:
		return p, line
	case <-time.After(patience):
		t.Fatal("the station's handshake did not end")
	}
	return nil, nil
}

func (p *peer) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := object{}
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			continue
		}
		switch {
		case line["strict"] != nil:
			p.t.Errorf("strict schema check of the station: %v", line["strict"])
		case line["called"] != nil:
			p.mu.Lock()
			p.seen[line["called"].(string)]++
			act := p.acts[line["called"].(string)]
			p.mu.Unlock()
			if line["turn"] != nil {
				text, _ := json.Marshal(object{"turn": line["turn"], "payload": act(line["payload"].(object))})
				p.mu.Lock()
				p.in.Write(append(text, '\n'))
				p.mu.Unlock()
			}
			p.calls <- line
		case line["id"] != nil:
			p.mu.Lock()
			reply := p.wait[int(line["id"].(float64))]
			p.mu.Unlock()
			reply <- line
		default:
			p.lines <- line
		}
	}
}

func (p *peer) write(line object) chan object {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	line["id"] = p.next
	reply := make(chan object, 1)
	p.wait[p.next] = reply
	text, err := json.Marshal(line)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.in.Write(append(text, '\n')); err != nil {
		p.t.Fatal(err)
	}
	return reply
}

// say makes a CALL and gives the result; a CALLERROR fails the test.
func (p *peer) say(action string, payload object) object {
	p.t.Helper()
	select {
	case reply := <-p.write(object{"action": action, "payload": payload}):
		if reply["error"] != nil {
			p.t.Fatalf("%s was answered with an error: %v", action, reply["error"])
		}
		result, _ := reply["result"].(object)
		return result
	case <-time.After(patience):
		p.t.Fatalf("%s was not answered", action)
	}
	return nil
}

// answer sets how the station answers an action from now on.
func (p *peer) answer(action string, payload object) {
	p.t.Helper()
	<-p.write(object{"answer": action, "payload": payload})
}

// act has the test answer an action itself, as what is asked for.
func (p *peer) act(action string, answer func(payload object) object) {
	p.t.Helper()
	p.mu.Lock()
	if p.acts == nil {
		p.acts = map[string]func(object) object{}
	}
	p.acts[action] = answer
	p.mu.Unlock()
	<-p.write(object{"ask": action})
}

// called gives the platform's next CALL of this action, passing over what
// it asks on its own account after a boot.
func (p *peer) called(action string) object {
	p.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case call := <-p.calls:
			if call["called"] == action {
				return call["payload"].(object)
			}
		case <-deadline:
			p.t.Fatalf("the platform did not call %s", action)
		}
	}
}

// station creates a station through the API.
func (s *server) station(id string, more object) (password string) {
	s.t.Helper()
	body := object{"id": id}
	for k, v := range more {
		body[k] = v
	}
	made := s.must("POST", "/charging-stations", body)
	password, _ = made["password"].(string)
	if url, _ := made["url"].(string); url == "" || password == "" {
		s.t.Fatalf("creating a station must answer its url and password: %v", made)
	}
	return password
}

// site creates a site in Paris with a tariff of 0.30 EUR/kWh plus 20 % VAT.
func (s *server) site() string {
	s.t.Helper()
	site := s.must("POST", "/sites", object{
		"name": "Test site", "address": object{"street": "1 rue X", "city": "Paris", "postal_code": "75001", "country": "FR"},
		"latitude": "48.8566", "longitude": "2.3522", "time_zone": "Europe/Paris", "currency": "EUR",
	})["id"].(string)
	tariff := s.must("POST", "/tariffs", object{
		"country_code": "FR", "party_id": "TST", "id": fmt.Sprintf("T%d", time.Now().UnixNano()), "currency": "EUR",
		"elements":     []object{{"price_components": []object{{"type": "ENERGY", "price": 0.30, "vat": 20, "step_size": 1}}}},
		"last_updated": "2026-01-01T00:00:00Z",
	})["id"]
	s.must("POST", "/tariff-assignments", object{"tariff": tariff, "site": site})
	return site
}
