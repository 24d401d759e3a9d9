package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// recorder keeps the exchanges of one station, in the order in which their
// requests were seen on its wire.
type recorder struct {
	script *script
	card   string
	base   time.Time

	mu    sync.Mutex
	list  []*turn
	byID  map[string]*turn
	asked string            // the last number that the platform gave a request
	names map[string]string // values that differ from run to run, by their name
	moved chan struct{}     // closed at the next frame
}

// turn is a request and its answer, or what the API said (note).
type turn struct {
	ours    bool // the station's request
	action  string
	request string // normalised
	reply   string // "= {…}", "! Code"; empty: none yet
	send    bool
	note    string
}

func newRecorder(s *script, card string, base time.Time) *recorder {
	return &recorder{script: s, card: card, base: base, byID: map[string]*turn{}, names: map[string]string{}, moved: make(chan struct{})}
}

// frame is Station.Frames.
func (r *recorder) frame(sent bool, text []byte) {
	var parts []json.RawMessage
	var kind int
	var id string
	if json.Unmarshal(text, &parts) != nil || len(parts) < 3 || json.Unmarshal(parts[0], &kind) != nil || json.Unmarshal(parts[1], &id) != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	key := fmt.Sprint(sent, id)
	switch kind {
	case 2, 6:
		var action string
		if len(parts) < 4 || json.Unmarshal(parts[2], &action) != nil || !r.script.counts(action, string(parts[3])) {
			return
		}
		e := &turn{ours: sent, action: action, request: r.normal(parts[3], sent), send: kind == 6}
		r.list, r.byID[key] = append(r.list, e), e
		var numbered struct {
			RequestID json.Number `json:"requestId"`
		}
		if !sent && json.Unmarshal(parts[3], &numbered) == nil && numbered.RequestID != "" {
			r.asked = numbered.RequestID.String()
		}
	case 3, 4:
		key = fmt.Sprint(!sent, id)
		e := r.byID[key]
		if e == nil {
			return
		}
		delete(r.byID, key)
		if e.reply = "= " + r.normal(parts[2], sent); kind == 4 {
			e.reply = "! " + strings.Trim(string(parts[2]), `"`)
		}
	}
	close(r.moved)
	r.moved = make(chan struct{})
}

func (r *recorder) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, &turn{note: r.plain(fmt.Sprintf(format, args...))})
}

// finished counts the exchanges of an action that are over.
func (r *recorder) finished(action string) (n int, moved <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.list {
		if e.action == action && (e.reply != "" || e.send) {
			n++
		}
	}
	return n, r.moved
}

func (r *recorder) pending() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.list, func(e *turn) bool { return e.note == "" && e.reply == "" && !e.send })
}

func (r *recorder) lastRequest() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

// lines is the transcript.
func (r *recorder) lines() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, e := range r.list {
		if e.note != "" {
			out = append(out, "= "+e.note)
			continue
		}
		here, there := "< ", "> "
		if e.ours {
			here, there = there, here
		}
		if e.send {
			here += "~ "
		}
		out = append(out, here+e.action+" "+e.request)
		if e.reply != "" {
			out = append(out, there+e.reply)
		}
	}
	return out
}

// compare holds what was recorded against the file, each side's requests in
// their order; how the two sides' requests interleave is left open.
func compare(want, got []string) string {
	for _, side := range []string{"> ", "< ", "= "} {
		w, g := requests(want, side), requests(got, side)
		for i := range max(len(w), len(g)) {
			a, b := "nothing", "nothing"
			if i < len(w) {
				a = w[i]
			}
			if i < len(g) {
				b = g[i]
			}
			if a != b {
				return fmt.Sprintf("file:\n%s\nnow:\n%s", a, b)
			}
		}
	}
	return ""
}

// requests are the requests of a side, each with its answer.
func requests(lines []string, side string) []string {
	var out []string
	mine := false
	for _, line := range lines {
		answer := len(line) > 3 && line[0] != '=' && (line[2:4] == "= " || line[2:4] == "! ")
		switch {
		case answer && mine:
			out[len(out)-1] += "\n" + line
		case answer:
		default:
			if mine = strings.HasPrefix(line, side); mine {
				out = append(out, line)
			}
		}
	}
	return out
}

var (
	instantText = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$`)
	address     = regexp.MustCompile(`(https?|wss?)://(127\.0\.0\.1|localhost):\d+[^\s"\\]*`)
)

// volatile are fields whose values are numbered in the order of their
// appearance; secret are those that are only named.
var (
	volatile = []string{"transactionId", "requestId", "remoteStartId", "reservationId", "listVersion", "versionNumber"}
	secret   = []string{"csr", "certificate", "certificateChain", "signingCertificate", "signature", "issuerNameHash", "issuerKeyHash", "filename", "fileName",
		"exiRequest", "exiResponse", "ocspResult"}
)

// normal writes a payload so that two runs give the same text.
func (r *recorder) normal(payload json.RawMessage, sent bool) string {
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return string(payload)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r.value("", v, sent)); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(b.String())
}

func (r *recorder) value(key string, v any, sent bool) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, one := range v {
			out[k] = r.value(k, one, sent)
		}
		if v["issuerNameHash"] != nil {
			out["serialNumber"] = "<serialNumber>"
		}
		if name := fmt.Sprint(v["variable"], v["key"]); strings.Contains(name, "BasicAuthPassword") || strings.Contains(name, "AuthorizationKey") {
			for _, k := range []string{"attributeValue", "value"} {
				if out[k] != nil {
					out[k] = "<password>"
				}
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, one := range v {
			if key != "localAuthorizationList" || strings.Contains(fmt.Sprint(one), r.card) { // everybody's cards are on the list
				out = append(out, r.value(key, one, sent))
			}
		}
		return out
	case string:
		return r.text(key, v, sent)
	case json.Number:
		if r.differs(key) && v != "0" {
			return r.numbered(key, v.String())
		}
	}
	return v
}

func (r *recorder) text(key, v string, sent bool) any {
	switch {
	case v == "":
	case r.differs(key):
		return r.numbered(key, v)
	case slices.Contains(secret, key):
		return "<" + key + ">"
	case instantText.MatchString(v):
		at, err := time.Parse(time.RFC3339, v)
		if d := at.Sub(r.base); err == nil && sent && d%time.Second == 0 {
			return fmt.Sprintf("@%+ds", int(d/time.Second))
		}
		return "@"
	}
	return r.plain(v)
}

// differs tells whether a field has another value in each run.
func (r *recorder) differs(key string) bool {
	return slices.Contains(volatile, key) || slices.Contains(r.script.volatile, key)
}

func (r *recorder) numbered(key, v string) string {
	name, known := r.names[key+v]
	if !known {
		n := 1
		for k := range r.names {
			if strings.HasPrefix(k, key) {
				n++
			}
		}
		name = fmt.Sprintf("<%s %d>", key, n)
		r.names[key+v] = name
	}
	return name
}

func (r *recorder) plain(v string) string {
	return address.ReplaceAllString(strings.ReplaceAll(v, r.card, "{card}"), "<address>")
}
