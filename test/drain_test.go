package test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// roamer is a station that goes on charging whatever node it is thrown out
// of: a message that was not acknowledged is sent again to the next node.
type roamer struct {
	id, password string
	nodes        []*server
	acked        atomic.Int64 // meter messages
	refused      atomic.Int64 // authorisations
	moves        atomic.Int64
	transaction  any
	began        time.Time
}

// enter connects to the first node that takes it.
func (r *roamer) enter(t *testing.T, ctx context.Context) *wire {
	for at := 0; ctx.Err() == nil; at++ {
		w, err := open(t, r.nodes[at%len(r.nodes)].stations()+"/"+r.id, http.Header{"Authorization": {basic(r.id, r.password)}}, "ocpp1.6")
		if err != nil {
			select {
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
			}
			continue
		}
		return w
	}
	return nil
}

// charge sends readings of the meter until ctx ends, then the stop.
func (r *roamer) charge(t *testing.T, ctx, hard context.Context) {
	w := r.enter(t, hard)
	tell := func(action string, payload object) object {
		for w != nil {
			result, code, err := w.ask(action, payload)
			if err == nil && code == "" {
				return result
			}
			if code != "" {
				t.Errorf("%s: %s was answered %s", r.id, action, code)
				return nil
			}
			w.close()
			r.moves.Add(1)
			w = r.enter(t, hard)
		}
		t.Errorf("%s did not come in again", r.id)
		return object{}
	}
	tell("BootNotification", object{"chargePointVendor": "Roamer", "chargePointModel": "R1"})
	r.transaction = tell("StartTransaction", object{"connectorId": 1, "idTag": "CARD" + r.id, "meterStart": 0, "timestamp": stamp(r.began)})["transactionId"]
	for n := 1; ctx.Err() == nil && w != nil; n++ {
		at := stamp(time.Now().UTC())
		tell("MeterValues", object{"connectorId": 1, "transactionId": r.transaction, "meterValue": []object{{"timestamp": at, "sampledValue": []object{{"value": fmt.Sprint(n)}}}}})
		r.acked.Add(1)
		info, _ := tell("Authorize", object{"idTag": "CARD" + r.id})["idTagInfo"].(object)
		if info["status"] != "Accepted" {
			r.refused.Add(1)
		}
	}
	tell("StopTransaction", object{"transactionId": r.transaction, "meterStop": r.acked.Load(), "timestamp": stamp(time.Now().UTC()), "reason": "Local"})
	if w != nil {
		w.close()
	}
}

// TestRollingRestart: a node is stopped in order while its stations charge.
// It ends by itself, they go on at the other node, no card is refused, no
// session is lost or doubled, and each has the energy that was acknowledged.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	nats := natsServer(t)
	a := serve(t, db.Postgres, "--nats-url", nats, "--messages-per-minute", "100000", "--node", "a")
	b := &server{t: t, data: t.TempDir(), key: a.key}
	b.args = append(append(b.args, a.args[:len(a.args)-1]...), "b", "--secret-file", a.data+"/secret.key")
	b.start("127.0.0.1:0")
	site := a.site()
	hard, end := context.WithTimeout(t.Context(), 2*time.Minute)
	defer end()
	ctx, finish := context.WithCancel(hard)
	defer finish()
	var all sync.WaitGroup
	var roamers []*roamer
	for i := range 6 {
		id := fmt.Sprintf("ROAM-%d", i)
		r := &roamer{id: id, password: a.station(id, object{"site": site}), nodes: []*server{a, b}, began: time.Now().UTC()}
		a.must("POST", "/id-tokens", object{"id_token": "CARD" + id, "type": "ISO14443", "status": "active"})
		roamers = append(roamers, r)
		all.Go(func() { r.charge(t, ctx, hard) })
	}
	atLeast := func(n int64) func() bool {
		return func() bool {
			for _, r := range roamers {
				if r.acked.Load() < n {
					return false
				}
			}
			return true
		}
	}
	eventually(t, "all charge at A", atLeast(3))
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-a.done:
	case <-hard.Done():
		t.Fatalf("A does not end:\n%s", a.log)
	}
	if err := a.cmd.Wait(); err != nil {
		t.Errorf("A ended with %v\n%s", err, a.log)
	}
	var most int64
	for _, r := range roamers {
		most = max(most, r.acked.Load())
	}
	eventually(t, "all charge at B", atLeast(most+3))
	finish()
	all.Wait()
	b.settled(roamers)
}

// settled checks every session against what its station was told.
func (s *server) settled(roamers []*roamer) {
	t := s.t
	t.Helper()
	var sessions []object
	eventually(t, "every session has ended", func() bool {
		sessions = s.items("/sessions")
		ended := 0
		for _, one := range sessions {
			if one["ended_at"] != nil {
				ended++
			}
		}
		return ended == len(roamers)
	})
	if len(sessions) != len(roamers) {
		t.Errorf("%d sessions for %d stations", len(sessions), len(roamers))
	}
	of := map[any]object{}
	for _, one := range sessions {
		of[one["station_id"]] = one
	}
	for _, r := range roamers {
		one := of[r.id]
		if one["transaction_id"] != fmt.Sprintf("%.0f", r.transaction) {
			t.Errorf("%s has the transaction %v, the session is of %v", r.id, r.transaction, one["transaction_id"])
		}
		if one["energy_wh"] != float64(r.acked.Load()) {
			t.Errorf("%s: %v Wh stored, %d acknowledged: %v", r.id, one["energy_wh"], r.acked.Load(), one)
		}
		if r.refused.Load() > 0 {
			t.Errorf("%s: its card was refused %d times", r.id, r.refused.Load())
		}
		if r.moves.Load() == 0 {
			t.Errorf("%s was never sent away", r.id)
		}
	}
}
