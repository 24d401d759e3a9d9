package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Bad frames over a real socket, per version; rpc has the whole table.
func TestBadFramesAreAnswered(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		for _, c := range []struct {
			protocol string
			frames   [][2]string // "" is no answer
		}{
			{"ocpp1.6", [][2]string{
				{`hello`, ""}, {`[9,"1"]`, ""}, {`[3,"zz",{}]`, ""},
				{`[2,"1","NoSuch",{}]`, `[4,"1","NotImplemented","NoSuch is not known",{}]`},
				{`[2,"1","Heartbeat","x"]`, `[4,"1","FormationViolation","the payload is not a JSON object",{}]`},
				{`[2,"1","Heartbeat",{"a":tru}]`, `[4,"1","FormationViolation","not valid JSON",{}]`},
				{`[2,5,"Heartbeat"]`, `[3,5,` + heartbeatReply + `]`},
			}},
			{"ocpp2.0.1", [][2]string{
				{`hello`, `[4,"-1","RpcFrameworkError","the message is not JSON",{}]`},
				{`[9,"1"]`, `[4,"1","MessageTypeNotSupported","the message type is not one of this version",{}]`},
				{`[6,"1","Heartbeat",{}]`, `[4,"1","MessageTypeNotSupported","the message type is not one of this version",{}]`},
				{`[3,"zz","x"]`, ""},
				{`[2,"1","Heartbeat",{"a":tru}]`, `[4,"1","FormatViolation","not valid JSON",{}]`},
			}},
			{"ocpp2.1", [][2]string{
				{`[6,"1","NotifyPeriodicEventStream",{}]`, ""},
				{`[3,"zz","x"]`, `[5,"zz","ProtocolError","the payload is not a JSON object",{}]`},
				{`[5,"zz","FormatViolation","",{}]`, ""},
			}},
		} {
			s := dial(t, n, "bad-"+c.protocol, c.protocol)
			for i, f := range c.frames {
				s.send(f[0])
				if f[1] != "" {
					if got := s.read(); got != f[1] {
						t.Errorf("%s %s\n got %s\nwant %s", c.protocol, f[0], got, f[1])
					}
					continue
				}
				id := fmt.Sprintf("probe%d", i) // nothing comes but the answer to this
				s.ask(`[2,"`+id+`","Heartbeat",{}]`, `[3,"`+id+`",`+heartbeatReply+`]`)
			}
		}
		eventually(t, "a deviation", func() bool { return n.csms.deviated("bad_frame_not_json") && n.csms.deviated("numeric_id") })
	})
}

func TestTooLargeMessage(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		n.csms.onConnect(func(ocpp.Handshake) (ocpp.Admission, error) {
			return ocpp.Admission{Org: "o", Active: true, MaxMessage: 64 << 10}, nil
		})
		s := dial(t, n, "big", "ocpp1.6")
		pad := strings.Repeat("x", 60<<10)
		s.ask(`[2,"1","Pad",{"p":"`+pad+`"}]`, `[3,"1",{}]`)
		s.send(`[2,"2","Pad",{"p":"` + pad + pad[:6<<10] + `"}]`)
		if code := s.closed(); code != websocket.StatusMessageTooBig {
			t.Errorf("closed with %d", code)
		}
	})
}

// 2.x stations may compress; the limit holds for what comes out.
func TestCompression(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d, func(d *Deps) { d.Config.MaxMessage = 100 << 10 })
		ws, resp, err := websocket.Dial(t.Context(), n.url+"deflate", &websocket.DialOptions{Subprotocols: []string{"ocpp2.0.1"},
			CompressionMode: websocket.CompressionNoContextTakeover, CompressionThreshold: 1})
		if err != nil || resp.Header.Get("Sec-WebSocket-Extensions") == "" {
			t.Fatal(err, resp.Header)
		}
		defer ws.CloseNow()
		s := &charger{t: t, ws: ws}
		s.ask(`[2,"1","Pad",{"p":"`+strings.Repeat("x", 90<<10)+`"}]`, `[3,"1",{}]`)
		s.send(`[2,"2","Pad",{"p":"` + strings.Repeat("x", 200<<10) + `"}]`)
		if code := s.closed(); code != websocket.StatusMessageTooBig {
			t.Errorf("closed with %d", code)
		}
	})
}

func TestFieldNote02NoCommandBeforeTheBootReply(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		s := dial(t, n, "boot", "ocpp1.6")
		eventually(t, "the connection", func() bool { return n.links.get("boot") != nil })
		result := make(chan error, 1)
		go func() {
			_, err := n.Send(context.Background(), "BOOT", &ocpp.ClearCacheRequest{})
			result <- err
		}()
		time.Sleep(50 * time.Millisecond)
		s.send(`[2,"b","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"m","vendorName":"v"}}]`)
		if got := s.read(); got != `[3,"b",{"interval":300,"status":"Accepted"}]` {
			t.Fatal(got)
		}
		s.answer("ClearCache", `{"status":"Accepted"}`)
		if err := <-result; err != nil {
			t.Fatal(err)
		}
	})
}

// answer reads a CALL of the action and replies to it.
func (c *charger) answer(action, payload string) {
	c.t.Helper()
	var frame []json.RawMessage
	got := c.read()
	if err := json.Unmarshal([]byte(got), &frame); err != nil || len(frame) != 4 || string(frame[2]) != `"`+action+`"` {
		c.t.Fatalf("got %s, want a CALL of %s", got, action)
	}
	c.send(`[3,` + string(frame[1]) + `,` + payload + `]`)
}

// A station that reconnects without a boot is served: acceptance belongs to
// the station (field note 1). Commands wait for its first message.
func TestFieldNote02WithoutABootCommandsWaitForTheFirstMessage(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d, func(d *Deps) { d.Config.ReleaseAfter = time.Hour })
		s := dial(t, n, "back", "ocpp1.6")
		eventually(t, "the connection", func() bool { return n.links.get("back") != nil })
		done := n.command("back", &ocpp.ClearCacheRequest{})
		time.Sleep(50 * time.Millisecond)
		s.ask(`[2,"1","Heartbeat",{}]`, `[3,"1",`+heartbeatReply+`]`) // its reply comes first
		s.answer("ClearCache", `{"status":"Accepted"}`)
		if r := <-done; r.err != nil {
			t.Fatal(r.err)
		}
	})
}

// For a station that says nothing at all they wait a moment.
func TestFieldNote02SilentStationGetsCommandsAfterAMoment(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d, func(d *Deps) { d.Config.ReleaseAfter = 150 * time.Millisecond })
		begin := time.Now() // before the dial: a busy machine comes back from it late
		s := dial(t, n, "quiet", "ocpp2.0.1")
		done := make(chan error, 1)
		eventually(t, "the connection", func() bool { return n.links.get("quiet") != nil })
		go func() { _, err := n.Send(context.Background(), "quiet", &ocpp.ClearCacheRequest{}); done <- err }()
		s.answer("ClearCache", `{"status":"Accepted"}`)
		if waited := time.Since(begin); waited < 100*time.Millisecond {
			t.Errorf("the command went out after %s", waited)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		s.ask(`[2,"1","Heartbeat",{}]`, `[3,"1",`+heartbeatReply+`]`)
	})
}

// Field note 4: a pending station gets SecurityError, but nothing about a
// transaction is lost.
func TestPendingStation(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		for _, v := range []ocpp.Version{ocpp.V16, ocpp.V201} {
			n := startNode(t, d, startBus(t, "n"+cutDots(string(v))))
			n.csms.onBoot(ocpp.RegistrationStatusEnumPending)
			n.csms.onConnect(func(ocpp.Handshake) (ocpp.Admission, error) { return ocpp.Admission{Org: "o"}, nil })
			id := "pending-" + string(v)
			s := dial(t, n, id, v.Subprotocol())
			refusal := `SecurityError","the charging station is not accepted yet; Heartbeat is not allowed",{}]`
			s.ask(`[2,"0","Heartbeat",{}]`, `[4,"0","`+refusal)
			s.ask(`[2,"1","BootNotification",{}]`, `[3,"1",{"interval":300,"status":"Pending"}]`)
			s.ask(`[2,"2","Heartbeat",{}]`, `[4,"2","`+refusal)
			for _, action := range []string{"TransactionEvent", "StartTransaction", "StopTransaction", "MeterValues", "SecurityEventNotification"} {
				s.ask(`[2,"3","`+action+`",{}]`, `[3,"3",{}]`)
			}
			_, err := n.Send(t.Context(), id, &ocpp.RawRequest{Name: startAction(v), Payload: json.RawMessage(`{}`)})
			if !fault.Is(err, fault.Conflict) {
				t.Errorf("%s: a start for a pending station gave %v", v, err)
			}
			// What we ask for may come.
			done := make(chan error, 1)
			go func() {
				_, err := n.Send(context.Background(), id, &ocpp.TriggerMessageRequest{RequestedMessage: ocpp.MessageTriggerEnumHeartbeat})
				done <- err
			}()
			s.answer("TriggerMessage", `{"status":"Accepted"}`)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			s.ask(`[2,"4","Heartbeat",{}]`, `[3,"4",`+heartbeatReply+`]`)
			// Accepted by a later boot on the same socket.
			n.csms.onBoot(ocpp.RegistrationStatusEnumAccepted)
			s.ask(`[2,"5","BootNotification",{}]`, `[3,"5",{"interval":300,"status":"Accepted"}]`)
			s.ask(`[2,"6","StatusNotification",{}]`, `[3,"6",{}]`)
		}
	})
}

func cutDots(s string) string { return strings.ReplaceAll(s, ".", "") }

func startAction(v ocpp.Version) string {
	if v == ocpp.V16 {
		return "RemoteStartTransaction"
	}
	return "RequestStartTransaction"
}

func TestMaySend(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		v      ocpp.Version
		p      phase
		action string
		ok     bool
	}{
		{ocpp.V16, accepted, "RemoteStartTransaction", true},
		{ocpp.V16, pending, "RemoteStopTransaction", false},
		{ocpp.V16, pending, "ChangeConfiguration", true},
		{ocpp.V16, rejected, "ChangeConfiguration", false},
		{ocpp.V201, pending, "SetVariables", true},
		{ocpp.V201, pending, "Reset", false},
		{ocpp.V21, rejected, "TriggerMessage", true},
	} {
		if err := maySend(c.v, c.p, c.action); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// A reply to our own call is processed while a handler of the same connection
// waits for the database.
func TestReplyPassesABlockedHandler(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		block := make(chan struct{})
		n.csms.onHandle(func(_ ocpp.Peer, action string) error {
			if action == "Slow" {
				<-block
			}
			return nil
		})
		s := dial(t, n, "blocked", "ocpp1.6")
		s.ask(`[2,"0","Heartbeat",{}]`, `[3,"0",`+heartbeatReply+`]`)
		s.send(`[2,"1","Slow",{}]`)
		done := make(chan error, 1)
		go func() { _, err := n.Send(context.Background(), "blocked", &ocpp.ClearCacheRequest{}); done <- err }()
		s.answer("ClearCache", `{"status":"Accepted"}`)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		close(block)
		if got := s.read(); got != `[3,"1",{}]` {
			t.Fatal(got)
		}
	})
}

func TestCallWhileACallIsPending(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d, func(d *Deps) {
			d.Config.CommandTimeouts = map[string]time.Duration{"ClearCache": 100 * time.Millisecond}
		})
		s := dial(t, n, "pending", "ocpp2.0.1")
		s.ask(`[2,"0","Heartbeat",{}]`, `[3,"0",`+heartbeatReply+`]`)
		// Ours is outstanding, theirs crosses it.
		done := make(chan error, 1)
		go func() { _, err := n.Send(context.Background(), "pending", &ocpp.ClearCacheRequest{}); done <- err }()
		call := s.read()
		s.ask(`[2,"1","Heartbeat",{}]`, `[3,"1",`+heartbeatReply+`]`)
		if err := <-done; fault.Of(err) == nil || fault.Of(err).Code != "ocpp.timeout" {
			t.Fatal(err)
		}
		var frame []json.RawMessage
		_ = json.Unmarshal([]byte(call), &frame)
		s.send(`[3,` + string(frame[1]) + `,{"status":"Accepted"}]`)
		s.send(`[3,` + string(frame[1]) + `,{"status":"Accepted"}]`)
		s.send(`[3,"never",{}]`)
		eventually(t, "the deviations", func() bool {
			return n.csms.deviated("late_reply") && n.csms.deviated("duplicate_reply") && n.csms.deviated("unknown_reply")
		})
		// Two of theirs at once: answered in order.
		s.send(`[2,"2","A",{}]`)
		s.send(`[2,"3","Heartbeat",{}]`)
		if a, b := s.read(), s.read(); a != `[3,"2",{}]` || b != `[3,"3",`+heartbeatReply+`]` {
			t.Fatal(a, b)
		}
	})
}

func TestCallErrorsAndUnreadableReplies(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		s := dial(t, n, "err", "ocpp2.1")
		s.ask(`[2,"0","Heartbeat",{}]`, `[3,"0",`+heartbeatReply+`]`)
		done := make(chan error, 1)
		send := func(req ocpp.Request) {
			go func() { _, err := n.Send(context.Background(), "err", req); done <- err }()
		}
		var frame []json.RawMessage

		send(&ocpp.ClearCacheRequest{})
		_ = json.Unmarshal([]byte(s.read()), &frame)
		s.send(`[4,` + string(frame[1]) + `,"FormationViolation","no",{}]`)
		var e *ocpp.CallError
		if err := <-done; !errors.As(err, &e) || e.Code != ocpp.CodeFormatViolation || e.Description != "no" {
			t.Fatal(err)
		}

		send(&ocpp.ClearCacheRequest{})
		_ = json.Unmarshal([]byte(s.read()), &frame)
		s.send(`[3,` + string(frame[1]) + `,{"status":5}]`)
		if err := <-done; err == nil {
			t.Fatal("an unreadable reply was taken")
		}
		if got := s.read(); !strings.HasPrefix(got, `[5,`+string(frame[1])+`,"TypeConstraintViolation"`) {
			t.Fatal(got)
		}
		send(&ocpp.RawRequest{Name: "X", Payload: json.RawMessage(`{"a":1}`)})
		s.answer("X", `{"b":2}`)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

// A station that does not read does not harm the others and is closed.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d, func(d *Deps) { d.Config.WriteTimeout = 200 * time.Millisecond })
		dial(t, n, "slow", "ocpp1.6") // never reads
		eventually(t, "the connection", func() bool { return n.links.get("slow") != nil })
		l := n.links.get("slow")
		l.release()
		pad := json.RawMessage(`{"p":"` + strings.Repeat("x", 8<<20) + `"}`)
		blocked := make(chan error, 1)
		go func() {
			_, err := n.Send(context.Background(), "slow", &ocpp.RawRequest{Name: "Pad", Payload: pad})
			blocked <- err
		}()
		other := dial(t, n, "quick", "ocpp1.6")
		for i := range 20 {
			id := fmt.Sprint(i)
			other.ask(`[2,"`+id+`","Heartbeat",{}]`, `[3,"`+id+`",`+heartbeatReply+`]`)
		}
		if err := <-blocked; !fault.Is(err, fault.Unavailable) {
			t.Fatal(err)
		}
		eventually(t, "the end of the slow one", func() bool { return n.links.get("slow") == nil })
	})
}

func TestDeviationsAreToldOnce(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		s := dial(t, n, "quirks", "ocpp1.6")
		for i := range 5 {
			s.ask(fmt.Sprintf(`[2,"%d","Quirky",{}]`, i), fmt.Sprintf(`[3,"%d",{}]`, i))
		}
		eventually(t, "the deviation", func() bool { return n.csms.deviated("enum") })
		n.csms.mu.Lock()
		defer n.csms.mu.Unlock()
		if count := len(slices.DeleteFunc(slices.Clone(n.csms.deviations), func(c string) bool { return c != "enum" })); count != 1 {
			t.Errorf("told %d times", count)
		}
	})
}

// A flood is delayed; who goes on sending without waiting is closed with 1008.
func TestFlood(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d, func(d *Deps) { d.Config.FloodLimit = 300 * time.Millisecond })
		n.csms.onConnect(func(ocpp.Handshake) (ocpp.Admission, error) {
			return ocpp.Admission{Org: "o", Active: true, MessagesPerMinute: 600}, nil
		})
		s := dial(t, n, "flood", "ocpp1.6")
		go func() {
			for i := range 100_000 {
				if s.ws.Write(context.Background(), websocket.MessageText, fmt.Appendf(nil, `[2,"%d","Heartbeat",{}]`, i)) != nil {
					return
				}
			}
		}()
		if code := s.closed(); code != websocket.StatusPolicyViolation {
			t.Errorf("closed with %d", code)
		}
	})
}

func TestPace(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	p := newPace(60, 3) // one a second after three at once
	var waits []time.Duration
	for range 6 {
		waits = append(waits, p.take(now))
	}
	if fmt.Sprint(waits) != "[0s 0s 0s 0s 1s 2s]" {
		t.Error(waits)
	}
	if w := p.take(now.Add(time.Minute)); w != 0 {
		t.Error(w)
	}
}
