package test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp/simulator"
)

// play is a transcript that is being played.
type play struct {
	*recorder
	on          *stage
	id          string
	station     *simulator.Station
	waited      map[string]int // how often, by action
	connections int            // seen so far
	clock       sync.Mutex
	offset      time.Duration // of the station's clock
	err         error
	took        time.Duration
	client      http.Client
}

// away is how long a station stays offline, by its own clock.
const away = 10 * time.Minute

func newPlay(on *stage, script *script) *play {
	id := strings.ReplaceAll(script.version, ".", "") + "-" + script.id[strings.LastIndexByte(script.id, '.')+1:]
	card := fmt.Sprintf("CARD%08X", crc32.ChecksumIEEE([]byte(id)))
	base := time.Now().Truncate(time.Second).Add(123 * time.Millisecond) // instants of the platform are never just so
	return &play{recorder: newRecorder(script, card, base), on: on, id: id, waited: map[string]int{}, client: http.Client{Timeout: time.Minute}}
}

func (p *play) now() time.Time {
	p.clock.Lock()
	defer p.clock.Unlock()
	return p.base.Add(p.offset)
}

func (p *play) advance(d time.Duration) {
	p.clock.Lock()
	p.offset += d
	p.clock.Unlock()
}

// prepare makes what the file has given: the station's card first.
func (p *play) prepare() error {
	if _, err := p.expect("POST", "/id-tokens", fmt.Sprintf(`{"id_token":%q,"type":"ISO14443"}`, p.card)); err != nil {
		return err
	}
	made, err := p.expect("POST", "/charging-stations", fmt.Sprintf(`{"id":%q,"site":%q}`, p.id, p.on.place))
	if err != nil {
		return err
	}
	password, _ := made["password"].(string)
	for _, line := range p.script.given {
		method, rest, _ := strings.Cut(p.fill(line), " ")
		path, body, _ := strings.Cut(rest, " ")
		if _, err := p.expect(method, path, body); err != nil {
			return err
		}
	}
	c := simulator.Config{
		ID: p.id, Version: p.script.version, URL: p.on.stations(), Password: password, Vendor: "Alder Electric", Model: "Kerb Duo", Serial: p.id, Firmware: "1.2.3",
		Retry: 50 * time.Millisecond, Seed: uint64(crc32.ChecksumIEEE([]byte(p.id))), Variables: p.script.variables,
	}
	for i := range p.script.evses {
		c.EVSEs = append(c.EVSEs, simulator.EVSEConfig{ID: i + 1, Connector: "sType2", Phases: 3, MaxAmps: 32_000})
	}
	for _, q := range p.script.quirks {
		c.Quirks = append(c.Quirks, simulator.Quirk(q))
	}
	p.station = simulator.NewStation(c, p.now, nil)
	p.station.Frames = p.frame
	return nil
}

func (p *play) run() {
	began := time.Now()
	defer func() { p.took = time.Since(began) }()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = p.station.Run(ctx) }()
	defer func() { stop(); <-ended }()
	if p.err = p.comeBack(); p.err != nil {
		return
	}
	for _, line := range p.script.steps {
		if p.err = p.step(p.fill(line)); p.err != nil {
			p.err = fmt.Errorf("step %q: %w", line, p.err)
			return
		}
	}
	p.err = p.until("everything is answered", func() bool { return !p.pending() })
	if p.err == nil && !*update { // what the platform does on its own account takes its time
		deadline := time.Now().Add(atLeisure)
		for len(p.lines()) < len(p.script.frames) && time.Now().Before(deadline) {
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// atLeisure is how long a transcript waits: part of it is work of the
// background, which gives way on a node whose replies are slow, and is shared
// by all that play together.
const atLeisure = 2 * patience

func (p *play) until(what string, met func() bool) error {
	for deadline := time.Now().Add(atLeisure); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if met() {
			return nil
		}
	}
	return fmt.Errorf("did not happen: %s", what)
}

// settle waits until the station has said all it has to say at this instant.
func (p *play) settle() error {
	if !p.station.Online() {
		p.station.Settle()
		return nil
	}
	return p.until("the station has said everything", func() bool {
		if p.station.Queued() > 0 {
			return false
		}
		p.station.Settle()
		return p.station.Queued() == 0
	})
}

// fill puts in what only the run knows.
func (p *play) fill(line string) string {
	at := func(d time.Duration) string { return p.now().Add(d).UTC().Format("2006-01-02T15:04:05.000Z") }
	line = strings.NewReplacer("{id}", p.id, "{card}", p.card, "{site}", p.on.place, "{url}", p.on.stations(), "{request}", p.lastRequest(), "{image}", p.on.images[0], "{signed image}", p.on.images[1], "{root hash}", p.on.root[1], "{root}", p.on.root[0], "{now}", at(0)).Replace(line)
	if strings.Contains(line, "{tx}") {
		line = strings.ReplaceAll(line, "{tx}", p.station.Look(1).TransactionID)
	}
	for {
		before, rest, ok := strings.Cut(line, "{+")
		span, after, closed := strings.Cut(rest, "}")
		d, err := time.ParseDuration(span)
		if !ok || !closed || err != nil {
			return line
		}
		line = before + at(d) + after
	}
}

func (p *play) step(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	first, more, _ := strings.Cut(rest, " ")
	evse, _ := strconv.Atoi(first)
	if act, ok := p.hands()[word]; ok {
		act(evse, more)
		return p.settle()
	}
	switch word {
	case "clock":
		d, err := time.ParseDuration(rest)
		if err != nil {
			return err
		}
		p.advance(d)
		p.station.Settle()
		return p.settle()
	case "say", "send":
		p.station.Say(first, json.RawMessage(more), word == "send")
		return p.settle()
	case "answer":
		p.station.Answer(first, json.RawMessage(more))
		return nil
	case "wait":
		return p.wait(first)
	case "offline":
		p.station.Pause(away)
		return p.until("the station is offline", func() bool { return !p.station.Online() })
	case "online":
		p.advance(away)
		fallthrough
	case "return":
		return p.comeBack()
	case "command", "raw":
		return p.order(word, first, more)
	case "renew":
		p.station.Renew(first)
		return p.settle()
	case "api":
		return p.api(first, more)
	case "see":
		return p.see(first, strings.Fields(more))
	}
	return fmt.Errorf("no such step")
}

// hands is what people do at a station.
func (p *play) hands() map[string]func(evse int, rest string) {
	return map[string]func(evse int, rest string){
		"plug": func(evse int, _ string) {
			p.station.Plug(evse, &simulator.Car{Name: "car", Capacity: 60 * unit.KiloWattHour, Stored: 20 * unit.KiloWattHour, Target: 100_000, Phases: 3, ACMax: 16_000, MinAmps: 6_000})
		},
		"unplug": func(evse int, _ string) { p.station.Unplug(evse) },
		"tap": func(evse int, card string) {
			id, kind, typed := strings.Cut(card, " ")
			if !typed {
				kind = "ISO14443"
			}
			p.station.Tap(evse, simulator.Token{ID: id, Type: kind})
		},
		"break":  func(evse int, code string) { p.station.Break(evse, code) },
		"repair": func(evse int, _ string) { p.station.Break(evse, "") },
	}
}

func (p *play) comeBack() error {
	p.connections++
	if err := p.until("the station is back", func() bool { return p.station.Connections() >= p.connections && p.station.Online() }); err != nil {
		return err
	}
	return p.settle()
}

// wait waits for the next exchange of an action.
func (p *play) wait(action string) error {
	p.waited[action]++
	for late := time.After(patience); ; {
		n, moved := p.finished(action)
		if n >= p.waited[action] {
			return p.settle()
		}
		select {
		case <-moved:
		case <-late:
			return fmt.Errorf("%d of %s, and no more", n, action)
		}
	}
}

func (p *play) order(word, action, payload string) error {
	if payload == "" {
		payload = "{}"
	}
	body := fmt.Sprintf(`{"action":%q,"payload":%s,"raw":%v}`, action, payload, word == "raw")
	got, err := p.expect("POST", "/charging-stations/"+p.id+"/commands", body)
	if err != nil {
		return err
	}
	said := fmt.Sprint(got["status"])
	if text, _ := got["error"].(string); text != "" {
		said += ": " + text
	}
	p.note("%s %s: %s", word, action, said)
	return p.settle()
}

func (p *play) api(method, rest string) error {
	path, body, _ := strings.Cut(rest, " ")
	status, got, err := p.ask(method, path, body)
	if err != nil {
		return err
	}
	if status >= 300 {
		p.note("api %s %s: %d %v", method, path, status, got["detail"])
	} else {
		p.note("api %s %s: %d", method, path, status)
	}
	return p.settle()
}

// see waits until what the API shows (or one item of a list) has all values.
func (p *play) see(path string, wants []string) error {
	var last any
	var broken error
	err := p.until(strings.Join(wants, " "), func() bool {
		status, got, err := p.ask("GET", path, "")
		last = got
		if err != nil || status >= 300 {
			broken = fmt.Errorf("%d %v %w", status, got, err)
			return true
		}
		items, isList := got["items"].([]any)
		if !isList {
			items = []any{got}
		}
		for _, one := range items {
			if has(one, wants) {
				return true
			}
		}
		return false
	})
	if broken != nil {
		return broken
	}
	if err != nil {
		return fmt.Errorf("%w; last: %.1500v", err, last)
	}
	p.note("see %s %s", path, strings.Join(wants, " "))
	return nil
}

func has(item any, wants []string) bool {
	for _, want := range wants {
		field, value, _ := strings.Cut(want, "=")
		v := item
		for name := range strings.SplitSeq(field, ".") {
			o, _ := v.(object)
			v = o[name]
		}
		if fmt.Sprint(v) != value {
			return false
		}
	}
	return true
}

// ask makes a request; unlike server.call it may be used by any goroutine.
func (p *play) ask(method, path, body string) (int, object, error) {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, p.on.url+"/api/v1"+path, reader)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+p.on.key)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := p.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, nil, err
	}
	out := object{}
	if len(bytes.TrimSpace(text)) > 0 {
		if err := json.Unmarshal(text, &out); err != nil {
			return res.StatusCode, nil, fmt.Errorf("%s %s answered %d with %.300s", method, path, res.StatusCode, text)
		}
	}
	return res.StatusCode, out, nil
}

func (p *play) expect(method, path, body string) (object, error) {
	status, out, err := p.ask(method, path, body)
	if err == nil && status >= 300 {
		err = fmt.Errorf("%s %s: %d %v", method, path, status, out)
	}
	return out, err
}

// save writes the file anew, unless it is right but for how the sides
// interleave.
func (p *play) save() error {
	if lines := p.lines(); compare(p.script.frames, lines) != "" {
		head := strings.TrimRight(strings.Join(p.script.head, "\n"), "\n")
		return os.WriteFile(p.script.file, []byte(head+"\n\nframes:\n"+strings.Join(lines, "\n")+"\n"), 0o644)
	}
	return nil
}
