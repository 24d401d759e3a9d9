package test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	natsd "github.com/nats-io/nats-server/v2/server"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// natsServer runs an external NATS for the scenario.
func natsServer(t *testing.T) string {
	t.Helper()
	ns, err := natsd.NewServer(&natsd.Options{Host: "127.0.0.1", Port: natsd.RANDOM_PORT, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	go ns.Start()
	if !ns.ReadyForConnections(10 * time.Second) {
		t.Fatal("NATS did not start")
	}
	t.Cleanup(ns.Shutdown)
	return ns.ClientURL()
}

// TestTwoNodes: a station on A is commanded through B; A is killed; the
// station returns to B; its session goes on; facts reach each consumer once.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	nats := natsServer(t)
	a := serve(t, db.Postgres, "--nats-url", nats, "--node", "a")
	b := &server{t: t, data: t.TempDir(), key: a.key}
	b.args = append(append(b.args, a.args[:len(a.args)-1]...), "b", "--secret-file", a.data+"/secret.key")
	b.start("127.0.0.1:0")

	password := a.station("CS-1", object{"site": a.site()})
	a.must("POST", "/id-tokens", object{"id_token": "CARD1", "type": "ISO14443", "status": "active"})
	p, open := connect(t, a, "CS-1", password, "ocpp1.6")
	if open["open"] != "ocpp1.6" {
		t.Fatalf("handshake at A: %v", open)
	}
	for action, payload := range answers16 {
		p.answer(action, payload)
	}
	p.say("BootNotification", versions[0].boot)
	began := time.Now().UTC().Truncate(time.Second).Add(-10 * time.Minute)
	id := p.say("StartTransaction", object{"connectorId": 1, "idTag": "CARD1", "meterStart": 0, "timestamp": stamp(began)})["transactionId"]

	expect(t, b.order("CS-1", "ClearCache", object{}), "accepted")
	p.called("ClearCache")

	a.kill()
	var again *peer
	eventually(t, "the station is accepted at B", func() bool {
		var line object
		again, line = connect(t, b, "CS-1", password, "ocpp1.6")
		return line["open"] == "ocpp1.6"
	})
	for action, payload := range answers16 {
		again.answer(action, payload)
	}
	again.say("MeterValues", object{"connectorId": 1, "transactionId": id, "meterValue": []object{{"timestamp": stamp(began.Add(5 * time.Minute)), "sampledValue": []object{{"value": "600"}}}}})
	expect(t, b.order("CS-1", "ClearCache", object{}), "accepted")
	again.say("StopTransaction", object{"transactionId": id, "meterStop": 1200, "timestamp": stamp(began.Add(10 * time.Minute)), "reason": "Local"})
	again.say("StatusNotification", object{"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": stamp(time.Now())})
	b.checkOnce(fmt.Sprintf("%.0f", id), 1200)

	res, err := http.Get(b.url + "/readyz")
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("B is not ready after A's end: %v %v", res, err)
	}
}

// checkOnce: one session, one CDR, with the energy the station counted.
func (s *server) checkOnce(transaction string, wh float64) {
	t := s.t
	t.Helper()
	var sessions, cdrs []object
	defer func() {
		if t.Failed() {
			t.Logf("sessions %v\nCDRs %v", sessions, cdrs)
		}
	}()
	eventually(t, "one session and one CDR with its energy", func() bool {
		sessions, cdrs = s.items("/sessions"), s.items("/cdrs")
		return len(sessions) == 1 && len(cdrs) == 1 && sessions[0]["energy_wh"] == wh && cdrs[0]["energy_wh"] == wh && sessions[0]["transaction_id"] == transaction
	})
	time.Sleep(1500 * time.Millisecond) // a consumer that gets a fact twice would show it now
	if n := len(s.items("/cdrs")); n != 1 {
		t.Errorf("%d CDRs for one session", n)
	}
}
