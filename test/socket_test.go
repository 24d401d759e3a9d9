package test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// wire is a bare station in this process, for what needs many of them or
// frames that a strict station would not send: it can say literal text.
type wire struct {
	t       *testing.T
	ws      *websocket.Conn
	mu      sync.Mutex
	replies map[string]chan []json.RawMessage
	answers map[string]func(payload json.RawMessage) string // by action: the frame behind the id, `{"status":…}` or a whole frame with %id
	asked   []string                                        // the actions that the platform called
	calls   chan call
	gone    chan struct{} // closed at the end of the connection
	end     error         // why it ended, once gone
}

type call struct {
	id, action string
	payload    json.RawMessage
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// plug connects a station; its answers may be set before the first message.
func plug(t *testing.T, s *server, id, password string, protocols ...string) *wire {
	t.Helper()
	w, err := open(t, s.stations()+"/"+id, http.Header{"Authorization": {basic(id, password)}}, protocols...)
	if err != nil {
		t.Fatalf("%s cannot connect: %v", id, err)
	}
	return w
}

// open connects to an address with headers of its own.
func open(t *testing.T, url string, h http.Header, protocols ...string) (*wire, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: protocols, HTTPHeader: h})
	if err != nil {
		return nil, err
	}
	ws.SetReadLimit(1 << 20)
	w := &wire{t: t, ws: ws, replies: map[string]chan []json.RawMessage{}, answers: map[string]func(json.RawMessage) string{}, calls: make(chan call, 100), gone: make(chan struct{})}
	go w.listen()
	t.Cleanup(w.close)
	return w, nil
}

// close breaks the connection off.
func (w *wire) close() {
	w.ws.CloseNow()
	<-w.gone
}

func (w *wire) listen() {
	defer close(w.gone)
	for {
		_, text, err := w.ws.Read(context.Background())
		if err != nil {
			w.end = err
			return
		}
		var f []json.RawMessage
		if json.Unmarshal(text, &f) != nil || len(f) < 3 {
			w.t.Errorf("the platform sent %s", text)
			continue
		}
		id := string(bytes.Trim(f[1], `"`))
		if string(f[0]) == "2" {
			w.answered(call{id, string(bytes.Trim(f[2], `"`)), f[3]})
			continue
		}
		w.reply(id) <- f
	}
}

// answered replies to a call of the platform: what the test set, or that it
// is not implemented.
func (w *wire) answered(c call) {
	w.mu.Lock()
	w.asked = append(w.asked, c.action)
	answer := w.answers[c.action]
	w.mu.Unlock()
	out := `[4,"` + c.id + `","NotImplemented","",{}]`
	if answer != nil {
		if out = answer(c.payload); strings.HasPrefix(out, "{") {
			out = `[3,"` + c.id + `",` + out + `]`
		}
		out = strings.ReplaceAll(out, "%id", c.id)
	}
	if out != "" {
		_ = w.ws.Write(context.Background(), websocket.MessageText, []byte(out))
	}
	select {
	case w.calls <- c:
	default:
	}
}

// on sets how an action of the platform is answered.
func (w *wire) on(action string, answer string) {
	w.onFunc(action, func(json.RawMessage) string { return answer })
}

func (w *wire) onFunc(action string, answer func(json.RawMessage) string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers[action] = answer
}

// called waits for a call of the platform.
func (w *wire) called(action string) call {
	w.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case c := <-w.calls:
			if c.action == action {
				return c
			}
		case <-deadline:
			w.t.Fatalf("the platform did not call %s", action)
		}
	}
}

// actions gives what the platform called so far.
func (w *wire) actions() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.asked...)
}

func (w *wire) reply(id string) chan []json.RawMessage {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.replies[id] == nil {
		w.replies[id] = make(chan []json.RawMessage, 10)
	}
	return w.replies[id]
}

// send writes literal text as one message.
func (w *wire) send(text string) {
	w.t.Helper()
	w.sendAs(websocket.MessageText, text)
}

func (w *wire) sendAs(kind websocket.MessageType, text string) {
	w.t.Helper()
	if err := w.ws.Write(w.t.Context(), kind, []byte(text)); err != nil {
		w.t.Fatalf("the connection did not stay: %v", err)
	}
}

// await gives the payload of the CALLRESULT with the id.
func (w *wire) await(id string) object {
	w.t.Helper()
	f := w.frame(id)
	out := object{}
	if string(f[0]) != "3" || json.Unmarshal(f[2], &out) != nil {
		w.t.Fatalf("message %s was answered %s", id, f)
	}
	return out
}

// frame gives the whole answer with the id.
func (w *wire) frame(id string) []json.RawMessage {
	w.t.Helper()
	f, err := w.back(id)
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

// back waits for the answer with the id.
func (w *wire) back(id string) ([]json.RawMessage, error) {
	reply := w.reply(id)
	select {
	case f := <-reply:
		return f, nil
	case <-time.After(patience):
		return nil, fmt.Errorf("message %s was not answered", id)
	case <-w.gone:
	}
	select { // it may have been the last that came
	case f := <-reply:
		return f, nil
	default:
		return nil, fmt.Errorf("message %s was not answered before the connection ended: %w", id, w.end)
	}
}

// code gives the error code of the CALLERROR with the id.
func (w *wire) code(id string) string {
	w.t.Helper()
	f := w.frame(id)
	if string(f[0]) != "4" {
		w.t.Fatalf("message %s was answered %s, want an error", id, f)
	}
	return string(bytes.Trim(f[2], `"`))
}

var serial atomic.Int64

func nextID() string { return fmt.Sprintf("m%d", serial.Add(1)) }

// ask makes a CALL and gives what came back: a result, or an error code. Other
// goroutines than the test's may use it.
func (w *wire) ask(action string, payload object) (result object, code string, err error) {
	text, err := json.Marshal(payload)
	if err != nil {
		return nil, "", err
	}
	id := nextID()
	if err := w.ws.Write(context.Background(), websocket.MessageText, []byte(`[2,"`+id+`","`+action+`",`+string(text)+`]`)); err != nil {
		return nil, "", err
	}
	f, err := w.back(id)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", action, err)
	}
	w.mu.Lock()
	delete(w.replies, id)
	w.mu.Unlock()
	if string(f[0]) == "4" {
		return nil, string(bytes.Trim(f[2], `"`)), nil
	}
	return result, "", json.Unmarshal(f[2], &result)
}

// say makes a CALL that has to succeed.
func (w *wire) say(action string, payload object) object {
	w.t.Helper()
	result, code, err := w.ask(action, payload)
	if err != nil || code != "" {
		w.t.Fatalf("%s was answered with %q, %v", action, code, err)
	}
	return result
}

// boot makes the station known as this vendor, model and firmware.
func (w *wire) boot(vendor, model, firmware string) {
	w.t.Helper()
	if got := w.say("BootNotification", object{"chargePointVendor": vendor, "chargePointModel": model, "firmwareVersion": firmware}); got["status"] != "Accepted" {
		w.t.Fatalf("the boot was answered %v", got)
	}
}

// alive shows that the connection still works.
func (w *wire) alive() {
	w.t.Helper()
	if w.say("Heartbeat", object{})["currentTime"] == "" {
		w.t.Error("a heartbeat must be answered with the time")
	}
}
