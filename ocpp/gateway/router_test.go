package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/forecourt-ev/forecourt/foundation/cluster"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/schema/schematest"
	"github.com/nats-io/nats-server/v2/server"
)

// startNATS runs a server that two buses can join.
func startNATS(t *testing.T) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(5 * time.Second) {
		t.Fatal("NATS does not start")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s.ClientURL()
}

func joinBus(t *testing.T, url, node string) *cluster.Bus {
	t.Helper()
	bus, err := cluster.Start(t.Context(), cluster.Config{URL: url, Node: node})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	eventually(t, "the bus", bus.Connected)
	return bus
}

// Two gateways on one bus and one database.
func pair(t *testing.T, fn func(t *testing.T, a, b *testNode)) {
	t.Helper()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		url := startNATS(t)
		fn(t, startNode(t, d, joinBus(t, url, "a")), startNode(t, d, joinBus(t, url, "b")))
	})
}

func TestCommandThroughAnotherNode(t *testing.T) {
	t.Parallel()
	pair(t, func(t *testing.T, a, b *testNode) {
		s := dial(t, a, "CS.1", "ocpp2.1")
		s.ask(`[2,"0","Heartbeat",{}]`, `[3,"0",`+heartbeatReply+`]`)
		type result struct {
			resp ocpp.Response
			err  error
		}
		done := make(chan result, 1)
		send := func(req ocpp.Request) {
			go func() { resp, err := b.Send(context.Background(), "cs.1", req); done <- result{resp, err} }()
		}
		send(&ocpp.ClearCacheRequest{})
		s.answer("ClearCache", `{"status":"Accepted"}`)
		if r := <-done; r.err != nil || r.resp.(*ocpp.ClearCacheResponse).Status != ocpp.ClearCacheStatusEnumAccepted {
			t.Fatal(r.err)
		}
		send(&ocpp.RawRequest{Name: "Own", Payload: json.RawMessage(`{"x":1}`)})
		s.answer("Own", `{"y":2}`)
		if r := <-done; r.err != nil || string(r.resp.(ocpp.RawResponse)) != `{"y":2}` {
			t.Fatal(r)
		}
		send(&ocpp.ClearCacheRequest{})
		var frame []json.RawMessage
		_ = json.Unmarshal([]byte(s.read()), &frame)
		s.send(`[4,` + string(frame[1]) + `,"NotSupported","never heard of",{}]`)
		var e *ocpp.CallError
		if r := <-done; !errors.As(r.err, &e) || e.Code != ocpp.CodeNotSupported || e.Description != "never heard of" {
			t.Fatal(r.err)
		}
	})
}

// A node remembers for a moment where a station is, and finds one that moved.
func TestCommandFollowsAStation(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		url := startNATS(t)
		a, b, c := startNode(t, d, joinBus(t, url, "a")), startNode(t, d, joinBus(t, url, "b")), startNode(t, d, joinBus(t, url, "c"))
		asks := func(s *charger) {
			done := make(chan error, 1)
			go func() {
				_, err := b.Send(context.Background(), "CS", &ocpp.ClearCacheRequest{})
				done <- err
			}()
			s.answer("ClearCache", `{"status":"Accepted"}`)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		first := dial(t, a, "CS", "ocpp2.1")
		first.ask(`[2,"0","Heartbeat",{}]`, `[3,"0",`+heartbeatReply+`]`)
		asks(first)
		if _, known := b.routes.get("cs", b.now()); !known {
			t.Error("the way is not remembered")
		}
		asks(first)
		second := dial(t, c, "CS", "ocpp2.1")
		second.ask(`[2,"0","Heartbeat",{}]`, `[3,"0",`+heartbeatReply+`]`)
		asks(second) // also while the first is still being closed
	})
}

func TestOfflineIsToldAtOnce(t *testing.T) {
	t.Parallel()
	pair(t, func(t *testing.T, a, b *testNode) {
		check := func(what string) { // who had waited would say ocpp.timeout or cluster.timeout
			t.Helper()
			_, err := b.Send(t.Context(), "gone", &ocpp.ClearCacheRequest{})
			if e := fault.Of(err); e == nil || e.Kind != fault.Unavailable || e.Code != "gateway.offline" {
				t.Errorf("%s: %v", what, err)
			}
		}
		check("never connected")
		s := dial(t, a, "gone", "ocpp1.6")
		s.ask(`[2,"0","Heartbeat",{}]`, `[3,"0",`+heartbeatReply+`]`)
		_ = s.ws.Close(websocket.StatusNormalClosure, "")
		eventually(t, "the end", func() bool { return slices.Contains(a.csms.lines(), "disconnected gone 1") })
		check("disconnected")
		// a row of a node that is no more
		if err := a.db.Update(t.Context(), func(tx *db.Tx) error {
			if _, err := tx.Exec(`INSERT INTO gateway_node (node, started_at, beat_at) VALUES ('dead', 1, 1)`); err != nil {
				return err
			}
			_, err := tx.Exec(`UPDATE connection SET disconnected_at = NULL, node = 'dead' WHERE station_key = 'gone'`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		check("on a dead node")
		// The dead node's connections are ended by a job of any other node.
		if err := b.buryNodes(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(b.csms.lines(), "disconnected gone 1") {
			t.Error(b.csms.lines())
		}
	})
}

// The second authenticated connection replaces the first, wherever that is.
func TestReplaceByEpoch(t *testing.T) {
	t.Parallel()
	pair(t, func(t *testing.T, a, b *testNode) {
		first := dial(t, a, "twice", "ocpp1.6")
		first.ask(`[2,"0","Heartbeat",{}]`, `[3,"0",`+heartbeatReply+`]`)
		second := dial(t, a, "twice", "ocpp1.6") // same node
		second.ask(`[2,"0","Heartbeat",{}]`, `[3,"0",`+heartbeatReply+`]`)
		if code := first.closed(); code != websocket.StatusNormalClosure {
			t.Errorf("the first was closed with %d", code)
		}
		third := dial(t, b, "TWICE", "ocpp2.0.1") // other node, other spelling, other version
		third.ask(`[2,"0","Heartbeat",{}]`, `[3,"0",`+heartbeatReply+`]`)
		if code := second.closed(); code != websocket.StatusNormalClosure {
			t.Errorf("the second was closed with %d", code)
		}
		eventually(t, "the end of the second", func() bool { return a.links.get("twice") == nil })
		var c Connection
		if err := a.db.View(t.Context(), func(tx *db.Tx) (err error) { c, err = Lookup(tx, "twice"); return err }); err != nil {
			t.Fatal(err)
		}
		if c.Epoch != 3 || c.Node != "b" || c.DisconnectedAt != nil || c.Version != ocpp.V201 {
			t.Errorf("%+v", c)
		}
		for _, line := range append(a.csms.lines(), b.csms.lines()...) {
			if strings.HasPrefix(line, "disconnected") {
				t.Errorf("%s, though a newer connection exists", line)
			}
		}
	})
}

// Without the signal between nodes, reconciliation closes the old connection
// and reopens a row that was closed by mistake.
func TestReconcile(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		old := dial(t, n, "old", "ocpp1.6")
		live := dial(t, n, "live", "ocpp1.6")
		for _, s := range []*charger{old, live} {
			s.ask(`[2,"0","Heartbeat",{}]`, `[3,"0",`+heartbeatReply+`]`)
		}
		if err := d.Update(t.Context(), func(tx *db.Tx) error {
			if _, err := tx.Exec(`UPDATE connection SET epoch = 9, node = 'b' WHERE station_key = 'old'`); err != nil {
				return err
			}
			_, err := tx.Exec(`UPDATE connection SET disconnected_at = 5 WHERE station_key = 'live'`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if err := n.reconcile(t.Context(), n.links.keys()); err != nil {
			t.Fatal(err)
		}
		if code := old.closed(); code != websocket.StatusNormalClosure {
			t.Errorf("closed with %d", code)
		}
		live.ask(`[2,"1","Heartbeat",{}]`, `[3,"1",`+heartbeatReply+`]`)
		lines := n.csms.lines()
		if i := slices.Index(lines, "connected live 1"); i < 0 || !slices.Contains(lines[i+1:], "connected live 1") {
			t.Error(lines)
		}
		if _, err := n.Send(t.Context(), "old", &ocpp.ClearCacheRequest{}); !fault.Is(err, fault.Unavailable) {
			t.Error(err)
		}
	})
}

func TestDrop(t *testing.T) {
	t.Parallel()
	pair(t, func(t *testing.T, a, b *testNode) {
		s := dial(t, a, "drop", "ocpp1.6")
		s.ask(`[2,"0","Heartbeat",{}]`, `[3,"0",`+heartbeatReply+`]`)
		if err := b.Drop(t.Context(), "drop", "new password"); err != nil {
			t.Fatal(err)
		}
		if code := s.closed(); code != websocket.StatusServiceRestart {
			t.Errorf("closed with %d", code)
		}
		eventually(t, "the end", func() bool { return slices.Contains(a.csms.lines(), "disconnected drop 1") })
		if err := b.Drop(t.Context(), "drop", "again"); err != nil {
			t.Error(err)
		}
	})
}

// A node that comes back after a crash ends what it left open.
func TestRestartEndsOldConnections(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		s := newStore(d, "n1")
		defer s.close()
		j := &joining{key: "x", host: "h", peer: ocpp.Peer{Org: "o", Station: "X", Version: ocpp.V16, ConnectedAt: d.Now()}}
		if err := s.joins.Add(t.Context(), j); err != nil || j.epoch != 1 {
			t.Fatal(err, j.epoch)
		}
		n := start(t, d)
		eventually(t, "the end of the old one", func() bool { return slices.Equal(n.csms.lines(), []string{"disconnected X 1"}) })
	})
}

// Field note 10: two devices that take turns are noticed, and one is kept out.
func TestTwoDevicesOnOneIdentity(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		s := newStore(d, "n1")
		defer s.close()
		now := d.Now()
		parted := int64(0)
		join := func(host string, live bool, after time.Duration) *joining {
			now = now.Add(after)
			j := &joining{key: "x", host: host, live: live, parted: parted, peer: ocpp.Peer{Org: "o", Station: "X", Version: ocpp.V16, ConnectedAt: now}}
			if err := s.joins.Add(t.Context(), j); err != nil {
				t.Fatal(err)
			}
			return j
		}
		// A mobile network gives a new address each time: no conflict.
		for _, host := range []string{"m1", "m2", "m3", "m4", "m5", "m6"} {
			if j := join(host, true, time.Minute); j.refused || j.flaps > 0 {
				t.Fatalf("%s: %+v", host, j)
			}
		}
		// One that comes back by two lines in turn, before its end is in the books.
		for _, host := range []string{"l1", "l2", "l1", "l2", "l1", "l2"} {
			j := join(host, true, time.Minute)
			if j.refused || j.flaps > 0 {
				t.Fatalf("%s: %+v", host, j)
			}
			parted = j.epoch
		}
		parted = 0
		var last *joining
		for i, host := range []string{"a", "b", "a", "b", "a"} {
			last = join(host, true, time.Minute)
			if last.refused || last.flaps != int64(max(i-1, 0)) {
				t.Fatalf("%d: %+v", i, last)
			}
		}
		if j := join("b", true, time.Second); !j.refused || j.epoch != 0 {
			t.Fatalf("the second device got in: %+v", j)
		}
		if j := join("a", true, time.Second); j.refused || j.epoch != last.epoch+1 {
			t.Fatalf("the one that holds it was kept out: %+v", j)
		}
		// If the holder is dead the other may take over; and later everyone.
		if j := join("b", false, time.Second); j.refused {
			t.Fatalf("%+v", j)
		}
		if j := join("a", true, quarantineTime+flapWindow); j.refused || j.flaps != 0 {
			t.Fatalf("%+v", j)
		}
	})
}

// A changed serial number is a new incarnation that survives reconnects.
func TestIncarnation(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		boot := func(s *charger, serial string) {
			t.Helper()
			s.ask(`[2,"1","BootNotification",{"reason":"PowerUp","chargingStation":{"serialNumber":"`+serial+`","model":"m","vendorName":"v"}}]`,
				`[3,"1",{"interval":300,"status":"Accepted"}]`)
		}
		boot(dial(t, n, "inc", "ocpp1.6"), "SN1")
		again := dial(t, n, "inc", "ocpp1.6")
		eventually(t, "the second connection", func() bool { l := n.links.get("inc"); return l != nil && l.epoch() == 2 })
		if got := n.links.get("inc").currentPeer().Incarnation; got != "SN1" {
			t.Errorf("after a reconnect: %q", got)
		}
		for _, serial := range []string{"SN2", "SN1", "SN2"} { // a clone behind the same address
			boot(again, serial)
		}
		eventually(t, "the alarm", func() bool { return n.csms.deviated("identity_conflict") })
		if lines := n.csms.lines(); !slices.Contains(lines, "boot inc SN2") {
			t.Error(lines)
		}
	})
}
