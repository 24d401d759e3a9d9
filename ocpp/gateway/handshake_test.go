package gateway

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

func TestIdentityOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ path, user, station, token string }{
		{"/ocpp/CS001", "", "CS001", ""},
		{"/ocpp/CS001/", "", "CS001", ""},
		{"/ocpp//CS001", "", "CS001", ""},
		{"/ocpp/enrol-me/CS001", "", "CS001", "enrol-me"},
		{"/ocpp/CS001?token=abc", "", "CS001", "abc"},
		{"/ocpp/DE%2AABC%2AE1", "", "DE*ABC*E1", ""},
		{"/ocpp/CS%3A1%40x", "", "CS:1@x", ""},
		{"/ocpp/", "CS7", "CS7", ""},
		{"/ocpp", "CS7", "CS7", ""},
	} {
		r, _ := http.NewRequest(http.MethodGet, "http://h"+c.path, nil)
		if c.user != "" {
			r.SetBasicAuth(c.user, "x")
		}
		station, token, err := identityOf(r)
		if err != nil || station != c.station || token != c.token {
			t.Errorf("%s: %q %q %v", c.path, station, token, err)
		}
	}
	for _, path := range []string{"/ocpp/", "/ocpp/RDAM%20123", "/ocpp/a%2Fb", "/ocpp/" + strings.Repeat("x", 49), "/ocpp/caf%C3%A9"} {
		r, _ := http.NewRequest(http.MethodGet, "http://h"+path, nil)
		if _, _, err := identityOf(r); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestOriginOf(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, c := range []struct {
		remote, forwarded, proto, host string
		tls                            bool
	}{
		{"10.1.1.1:80", "203.0.113.9", "https", "203.0.113.9", true},
		{"10.1.1.1:80", "6.6.6.6, 203.0.113.9, 10.9.9.9", "wss", "203.0.113.9", true},
		{"10.1.1.1:80", "203.0.113.9:4444", "http", "203.0.113.9", false},
		{"10.1.1.1:80", "", "", "10.1.1.1", false},
		{"203.0.113.5:80", "1.1.1.1", "https", "203.0.113.5", false}, // not a trusted proxy: nothing is believed
		{"[::1]:80", "2001:db8::1", "", "2001:db8::1", false},
		{"10.1.1.1:80", "nonsense", "", "10.1.1.1", false},
	} {
		r, _ := http.NewRequest(http.MethodGet, "http://h/ocpp/x", nil)
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if c.proto != "" {
			r.Header.Set("X-Forwarded-Proto", c.proto)
		}
		if o := originOf(r, trusted); o.host != c.host || o.tls != c.tls {
			t.Errorf("%+v: %+v", c, o)
		}
	}
}

func sqlite(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	fn(t, schematest.Open(t, db.SQLite, time.Now))
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		n.csms.onConnect(func(h ocpp.Handshake) (ocpp.Admission, error) {
			kind := map[string]fault.Kind{"unknown": fault.NotFound, "password": fault.Unauthenticated, "cert": fault.Forbidden, "db": fault.Unavailable}[h.Station]
			return ocpp.Admission{}, fault.New(kind, "test.refused", "because of %s", h.Station)
		})
		for _, c := range []struct {
			path    string
			status  int
			headers string
		}{
			{"/ocpp/unknown", 404, ""},
			{"/ocpp/bad%20id", 404, ""},
			{"/ocpp/password", 401, "WWW-Authenticate"},
			{"/ocpp/cert", 403, ""},
			{"/ocpp/db", 503, "Retry-After"},
			{"/ocpp/bug", 500, "Retry-After"},
		} {
			resp := status(t, n, c.path, nil)
			if resp.StatusCode != c.status || c.headers != "" && resp.Header.Get(c.headers) == "" {
				t.Errorf("%s: %d %v", c.path, resp.StatusCode, resp.Header)
			}
		}
		resp := status(t, n, "/ocpp/x", func(r *http.Request) { r.Header.Del("Upgrade") })
		if resp.StatusCode != http.StatusUpgradeRequired {
			t.Errorf("without a websocket: %d", resp.StatusCode)
		}
		// A station that keeps being refused has to wait, without a look at the database.
		var last *http.Response
		for range 2 * refusalFree {
			last = status(t, n, "/ocpp/unknown", nil)
		}
		wait, _ := strconv.Atoi(last.Header.Get("Retry-After"))
		if last.StatusCode != http.StatusTooManyRequests || wait < 1 {
			t.Errorf("after many refusals: %d, Retry-After %d", last.StatusCode, wait)
		}
		if resp := status(t, n, "/ocpp/password", nil); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("another station on the same address: %d", resp.StatusCode)
		}
	})
}

func TestSubprotocols(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		for _, c := range []struct {
			name    string
			headers []string
			version ocpp.Version
			echo    string
		}{
			{"a", []string{"Sec-WebSocket-Protocol: ocpp1.6, ocpp2.0.1"}, ocpp.V201, "ocpp2.0.1"},
			{"b", []string{"Sec-WebSocket-Protocol: ocpp1.6", "Sec-WebSocket-Protocol: ocpp2.1"}, ocpp.V21, "ocpp2.1"},
			{"c", []string{"Sec-WebSocket-Protocol: OCPP1.6"}, ocpp.V16, "OCPP1.6"},
			{"d", nil, ocpp.V16, ""},
		} {
			_, head := rawDial(t, n.addr, "/ocpp/"+c.name, c.headers...)
			if !strings.HasPrefix(head, "HTTP/1.1 101 ") {
				t.Fatalf("%s: %s", c.name, head)
			}
			_, after, found := strings.Cut(head, "Sec-WebSocket-Protocol: ")
			if echo, _, _ := strings.Cut(after, "\r\n"); found != (c.echo != "") || echo != c.echo {
				t.Errorf("%s: echoed %q", c.name, echo)
			}
			eventually(t, "the connection", func() bool { return n.links.get(c.name) != nil })
			if v := n.links.get(c.name).currentPeer().Version; v != c.version {
				t.Errorf("%s: version %s", c.name, v)
			}
		}
		eventually(t, "a deviation", func() bool { return n.csms.deviated("no_subprotocol") })

		// Only unknown ones: the handshake is completed without a subprotocol,
		// then closed. OCPP-J 1.6 §3.2
		ws, resp, err := websocket.Dial(t.Context(), n.url+"e", &websocket.DialOptions{Subprotocols: []string{"ocpp1.5", "ocpp2.0"}})
		if err != nil || resp.Header.Get("Sec-WebSocket-Protocol") != "" {
			t.Fatal(err)
		}
		if code := (&charger{t: t, ws: ws}).closed(); code != websocket.StatusProtocolError {
			t.Errorf("closed with %d", code)
		}
	})
}

// A frame that comes in one packet with the handshake must not be lost.
func TestPipelinedFrame(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		conn, head := rawDial(t, n.addr, "/ocpp/early", "Sec-WebSocket-Protocol: ocpp1.6", masked(`[2,"1","Heartbeat",{}]`))
		if !strings.HasPrefix(head, "HTTP/1.1 101 ") {
			t.Fatal(head)
		}
		buf := make([]byte, 200)
		m, err := conn.Read(buf)
		if err != nil || !strings.Contains(string(buf[:m]), `[3,"1",`+heartbeatReply+`]`) {
			t.Fatalf("%q %v", buf[:m], err)
		}
	})
}

// The platform may give the identity as it was created; rooms see that one.
func TestIdentityAsCreated(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		n.csms.onConnect(func(ocpp.Handshake) (ocpp.Admission, error) {
			return ocpp.Admission{Org: "o", Station: "CS-One", Active: true}, nil
		})
		dial(t, n, "cs-one", "ocpp1.6").ask(`[2,"1","Heartbeat",{}]`, `[3,"1",`+heartbeatReply+`]`)
		if lines := n.csms.lines(); !slices.Contains(lines, "heartbeat CS-One") {
			t.Error(lines)
		}
	})
}

func TestHandshakeDetails(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d, func(d *Deps) { d.Config.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
		rawDial(t, n.addr, "/ocpp/tok/CS%2B1", "Sec-WebSocket-Protocol: ocpp1.6", "Authorization: Basic Q1MrMTpwdw==",
			"X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https", "User-Agent: firmware/7")
		h := n.csms.shaken(0)
		if h.Station != "CS+1" || h.User != "CS+1" || h.Password != "pw" || !h.HasPassword || !h.TLS || h.RemoteAddr != "203.0.113.7" ||
			h.UserAgent != "firmware/7" || h.EnrolmentToken != "tok" || len(h.Protocols) != 1 || h.At.IsZero() {
			t.Errorf("%+v", h)
		}
	})
}

// A crowd waits a little and is then told when to come back.
func TestDoor(t *testing.T) {
	t.Parallel()
	d := newDoor(Config{HandshakesPerSecond: 100, HandshakesAtOnce: 1, HandshakeWait: 20e6})
	if err := d.enter(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := d.enter(context.Background()); !fault.Is(err, fault.Unavailable) {
		t.Fatal(err)
	}
	d.leave()
	if err := d.enter(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// Those who are refused come back one after the other, behind those who wait;
// nobody later than in a minute.
func TestAppointments(t *testing.T) {
	t.Parallel()
	d := newDoor(Config{HandshakesPerSecond: 100, HandshakesAtOnce: 1, HandshakeWait: 8 * time.Second})
	now := time.Now()
	for i := range 5200 {
		if got, want := d.appointment(now), 8*time.Second+time.Duration(i+1)*10*time.Millisecond; got != want {
			t.Fatalf("the appointment %d is in %v, not %v", i, got, want)
		}
	}
	for range 1000 {
		if got := d.appointment(now); got < mostAhead/2 || got > mostAhead {
			t.Fatalf("beyond the last: in %v", got)
		}
	}
	now = now.Add(2 * time.Minute)
	if got := d.appointment(now); got > 9*time.Second {
		t.Fatalf("much later: in %v", got)
	}
}
