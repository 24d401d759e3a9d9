package gateway

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/forecourt-ev/forecourt/foundation/cluster"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// recorder is a CSMS that writes down what it is told. Methods that a test
// does not need are left to the embedded nil and would panic.
type recorder struct {
	deaf atomic.Bool // signs of life are not stored

	ocpp.CSMS
	mu         sync.Mutex
	connect    func(ocpp.Handshake) (ocpp.Admission, error)
	boot       ocpp.RegistrationStatusEnum
	arrive     func(context.Context, ocpp.Peer)       // during Connected; nil: it returns at once
	handle     func(p ocpp.Peer, action string) error // Heartbeat and DataTransfer
	handshakes []ocpp.Handshake
	log        []string
	deviations []string
	peers      []ocpp.Peer
}

func newRecorder() *recorder {
	return &recorder{
		connect: func(ocpp.Handshake) (ocpp.Admission, error) {
			return ocpp.Admission{Org: "org1", SecurityProfile: 1, Active: true, HeartbeatInterval: time.Hour}, nil
		},
		boot:   ocpp.RegistrationStatusEnumAccepted,
		handle: func(ocpp.Peer, string) error { return nil },
	}
}

func (r *recorder) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

func (r *recorder) onConnect(fn func(ocpp.Handshake) (ocpp.Admission, error)) {
	r.set(func() { r.connect = fn })
}
func (r *recorder) onArrival(fn func(context.Context, ocpp.Peer)) { r.set(func() { r.arrive = fn }) }
func (r *recorder) onHandle(fn func(ocpp.Peer, string) error)     { r.set(func() { r.handle = fn }) }
func (r *recorder) onBoot(s ocpp.RegistrationStatusEnum)          { r.set(func() { r.boot = s }) }

func (r *recorder) shaken(i int) (h ocpp.Handshake) {
	r.set(func() { h = r.handshakes[i] })
	return h
}

func (r *recorder) handled(p ocpp.Peer, action string) error {
	var fn func(ocpp.Peer, string) error
	r.set(func() { fn = r.handle })
	return fn(p, action)
}

func (r *recorder) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, fmt.Sprintf(format, args...))
}

func (r *recorder) lines() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.log...)
}

func (r *recorder) Connect(_ context.Context, h ocpp.Handshake) (ocpp.Admission, error) {
	r.mu.Lock()
	r.handshakes = append(r.handshakes, h)
	connect := r.connect
	r.mu.Unlock()
	return connect(h)
}

func (r *recorder) Connected(ctx context.Context, p ocpp.Peer) error {
	r.mu.Lock()
	arrive := r.arrive
	r.mu.Unlock()
	if arrive != nil {
		arrive(ctx, p)
	}
	r.note("connected %s %d", p.Station, p.Epoch)
	r.mu.Lock()
	r.peers = append(r.peers, p)
	r.mu.Unlock()
	return nil
}

func (r *recorder) Disconnected(_ context.Context, p ocpp.Peer, reason string) {
	r.note("disconnected %s %d", p.Station, p.Epoch)
}

func (r *recorder) Seen(_ context.Context, signs ...ocpp.Sign) error {
	if r.deaf.Load() {
		return errors.New("the database is gone")
	}
	for _, one := range signs {
		r.note("seen %s", one.Peer.Station)
	}
	return nil
}

func (r *recorder) BootNotification(_ context.Context, p ocpp.Peer, b *ocpp.BootNotificationRequest) (*ocpp.BootNotificationResponse, error) {
	r.note("boot %s %s", p.Station, p.Incarnation)
	r.mu.Lock()
	defer r.mu.Unlock()
	return &ocpp.BootNotificationResponse{Status: r.boot, Interval: 300}, nil
}

func (r *recorder) Heartbeat(_ context.Context, p ocpp.Peer, _ *ocpp.HeartbeatRequest) (*ocpp.HeartbeatResponse, error) {
	r.note("heartbeat %s", p.Station)
	return &ocpp.HeartbeatResponse{}, r.handled(p, "Heartbeat")
}

func (r *recorder) Notification(_ context.Context, p ocpp.Peer, q ocpp.Request) error {
	r.note("%s %s", strings.ToLower(q.Action()), p.Station)
	return r.handled(p, q.Action())
}

func (r *recorder) Deviation(_ context.Context, p ocpp.Peer, d ocpp.Deviation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deviations = append(r.deviations, d.Code)
}

func (r *recorder) deviated(code string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.deviations {
		if c == code {
			return true
		}
	}
	return false
}

// tongue is a small dialect: Boot and Heartbeat have handlers, everything
// else is a notification. The real dialects are tried in app's tests.
type tongue struct{ v ocpp.Version }

func (d tongue) Version() ocpp.Version { return d.v }
func (d tongue) Subprotocol() string   { return d.v.Subprotocol() }

func (d tongue) Handle(ctx context.Context, csms ocpp.CSMS, p ocpp.Peer, action string, payload json.RawMessage) (json.RawMessage, error) {
	switch action {
	case "BootNotification":
		var req ocpp.BootNotificationRequest
		if err := json.Unmarshal(payload, &req); err != nil {
			return nil, &ocpp.CallError{Code: ocpp.CodeTypeConstraintViolation}
		}
		resp, err := csms.BootNotification(ctx, p, &req)
		if err != nil {
			return nil, err
		}
		return json.Marshal(map[string]any{"status": resp.Status, "interval": resp.Interval})
	case "Heartbeat":
		_, err := csms.Heartbeat(ctx, p, &ocpp.HeartbeatRequest{})
		return json.RawMessage(`{"currentTime":"now"}`), err
	case "Quirky":
		csms.Deviation(ctx, p, ocpp.Deviation{Code: "enum", Action: action})
		return nil, nil
	case "NoSuch":
		return nil, &ocpp.CallError{Code: ocpp.CodeNotImplemented, Description: "NoSuch is not known"}
	}
	return nil, csms.Notification(ctx, p, &ocpp.RawRequest{Name: action, Payload: payload})
}

func (d tongue) Encode(req ocpp.Request) (string, json.RawMessage, error) {
	if req.Action() == "ClearTariffs" && d.v != ocpp.V21 {
		return "", nil, fault.New(fault.Unsupported, "ocpp.version", "no")
	}
	if raw, ok := req.(*ocpp.RawRequest); ok {
		return raw.Name, raw.Payload, nil
	}
	payload, err := json.Marshal(req)
	return req.Action(), payload, err
}

func (d tongue) Decode(req ocpp.Request, reply json.RawMessage) (ocpp.Response, error) {
	if _, ok := req.(*ocpp.RawRequest); ok {
		return ocpp.RawResponse(reply), nil
	}
	resp := ocpp.NewResponse(req.Action())
	if err := json.Unmarshal(reply, resp); err != nil {
		return nil, &ocpp.CallError{Code: ocpp.CodeTypeConstraintViolation, Description: "the answer cannot be read"}
	}
	return resp, nil
}

// node is a running gateway behind a real HTTP server.
type testNode struct {
	*Gateway
	csms *recorder
	url  string // ws://…/ocpp/
	addr string
}

var (
	v16, v201, v21 = tongue{ocpp.V16}, tongue{ocpp.V201}, tongue{ocpp.V21}
	newline        = []byte("\n")
)

// testLog gives the log to the test, so that only failures show it.
type testLog struct{ t *testing.T }

func (w testLog) Write(p []byte) (int, error) {
	w.t.Log(string(bytes.TrimSuffix(p, newline)))
	return len(p), nil
}

func startBus(t *testing.T, node string) *cluster.Bus {
	t.Helper()
	bus, err := cluster.Start(t.Context(), cluster.Config{Node: node})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	return bus
}

func startNode(t *testing.T, d *db.DB, bus *cluster.Bus, change ...func(*Deps)) *testNode {
	t.Helper()
	csms := newRecorder()
	deps := Deps{DB: d, Bus: bus, CSMS: csms, Dialects: []Dialect{v21, v201, v16}, Now: time.Now,
		Log: slog.New(slog.NewTextHandler(testLog{t}, nil)), Config: Config{ShutdownSpread: time.Millisecond}}
	for _, c := range change {
		c(&deps)
	}
	g, err := New(deps)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(g)
	n := &testNode{Gateway: g, csms: csms, addr: server.Listener.Addr().String()}
	n.url = "ws://" + n.addr + "/ocpp/"
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = g.Shutdown(ctx)
		server.Close()
	})
	return n
}

func start(t *testing.T, d *db.DB, change ...func(*Deps)) *testNode {
	return startNode(t, d, startBus(t, "n1"), change...)
}

// charger is a station's side of a websocket.
type charger struct {
	t  *testing.T
	ws *websocket.Conn
}

func dial(t *testing.T, n *testNode, id string, protocols ...string) *charger {
	t.Helper()
	ws, _, err := websocket.Dial(t.Context(), n.url+id, &websocket.DialOptions{Subprotocols: protocols})
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = ws.CloseNow() })
	return &charger{t: t, ws: ws}
}

func (c *charger) send(text string) {
	c.t.Helper()
	if err := c.ws.Write(c.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *charger) read() string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	_, b, err := c.ws.Read(ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(b)
}

// closed waits for the end and gives the close code.
func (c *charger) closed() websocket.StatusCode {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	for {
		if _, _, err := c.ws.Read(ctx); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

func (c *charger) ask(text, want string) {
	c.t.Helper()
	c.send(text)
	if got := c.read(); got != want {
		c.t.Fatalf("%s\n got %s\nwant %s", text, got, want)
	}
}

const heartbeatReply = `{"currentTime":"now"}`

// rawDial does the handshake by hand and gives the socket and the status line
// with headers.
func rawDial(t *testing.T, addr, path string, headers ...string) (net.Conn, string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	key := base64.StdEncoding.EncodeToString([]byte("0123456789abcdef"))
	request := "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + "\r\n"
	var tail string
	for _, h := range headers {
		if strings.HasPrefix(h, "\x81") || strings.HasPrefix(h, "\x01") {
			tail = h
			continue
		}
		request += h + "\r\n"
	}
	if _, err := conn.Write([]byte(request + "\r\n" + tail)); err != nil {
		t.Fatal(err)
	}
	var head []byte
	b := make([]byte, 1)
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		if _, err := conn.Read(b); err != nil {
			t.Fatalf("%v after %q", err, head)
		}
		head = append(head, b[0])
	}
	return conn, string(head)
}

// masked writes text as one masked client frame.
func masked(text string) string {
	b := []byte{0x81}
	switch n := len(text); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	default:
		b = append(b, 0x80|126, byte(n>>8), byte(n))
	}
	return string(append(append(b, 0, 0, 0, 0), text...))
}

// patience is how long a test waits for what must come, on a busy machine. It
// is no claim about speed: it only ends a test that waits in vain.
const patience = 30 * time.Second

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func status(t *testing.T, n *testNode, path string, change func(*http.Request)) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+n.addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "websocket")
	req.Header.Set("Sec-WebSocket-Version", "13")
	req.Header.Set("Sec-WebSocket-Key", base64.StdEncoding.EncodeToString([]byte("0123456789abcdef")))
	if change != nil {
		change(req)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close(); transport.CloseIdleConnections() })
	return resp
}
