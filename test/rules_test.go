package test

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func status16(connector int, status string, at time.Time) object {
	return object{"connectorId": connector, "errorCode": "NoError", "status": status, "timestamp": stamp(at)}
}

func meter16(connector int, transaction any, at time.Time, wh int) object {
	m := object{"connectorId": connector, "meterValue": []object{{"timestamp": stamp(at), "sampledValue": []object{{"value": fmt.Sprint(wh)}}}}}
	if transaction != nil {
		m["transactionId"] = transaction
	}
	return m
}

// byTransaction gives the sessions by "station/transaction".
func (s *server) byTransaction() map[string]object {
	out := map[string]object{}
	for _, one := range s.items("/sessions?limit=1000") {
		out[fmt.Sprint(one["station_id"], "/", one["transaction_id"])] = one
	}
	return out
}

// Connector 0 is the station; several connectors charge at once, each a
// session of its own; a stop of a number beyond int32 keeps its number.
func TestRule_ConnectorsAndNumbers(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		s.must("POST", "/id-tokens", object{"id_token": "A", "max_sessions": 5})
		w := plug(t, s, "CS-1", s.station("CS-1", nil), "ocpp1.6")
		w.say("BootNotification", versions[0].boot)
		for c := range 3 {
			w.say("StatusNotification", status16(c, "Available", began))
		}
		w.say("MeterValues", meter16(0, nil, began, 123456))
		ids := []any{}
		for c := 1; c <= 2; c++ {
			started := w.say("StartTransaction", object{"connectorId": c, "idTag": "A", "meterStart": 0, "timestamp": stamp(began)})
			ids = append(ids, started["transactionId"])
			w.say("MeterValues", meter16(c, started["transactionId"], began.Add(time.Minute), 100*c))
		}
		w.say("MeterValues", meter16(0, nil, began.Add(2*time.Minute), 999999))
		w.say("StopTransaction", object{"transactionId": ids[0], "meterStop": 300, "timestamp": stamp(began.Add(3 * time.Minute))})
		w.say("StopTransaction", object{"transactionId": ids[1], "meterStop": 500, "timestamp": stamp(began.Add(3 * time.Minute))})
		w.say("MeterValues", meter16(1, 5_000_000_000, began.Add(4*time.Minute), 4000))
		for range 2 {
			w.say("StopTransaction", object{"transactionId": 5_000_000_000, "meterStop": 4700, "timestamp": stamp(began.Add(5 * time.Minute))})
		}
		all := s.byTransaction()
		for id, want := range map[string]float64{fmt.Sprint("CS-1/", ids[0]): 300, fmt.Sprint("CS-1/", ids[1]): 500, "CS-1/5000000000": 700} {
			if one := all[id]; one == nil || one["energy_wh"] != want || one["status"] != "completed" {
				t.Errorf("%s: %v, want %v Wh", id, one, want)
			}
		}
		if len(all) != 3 {
			t.Errorf("%d sessions, want 3", len(all))
		}
	})
}

// What a station may do before and without a boot, and what it is told then.
func TestRule_BootsAndHeartbeats(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		s.must("POST", "/id-tokens", object{"id_token": "A"})
		intervals := map[any]bool{}
		for i := range 4 {
			id := fmt.Sprintf("CS-%d", i)
			password := s.station(id, nil)
			w := plug(t, s, id, password, "ocpp1.6")
			w.say("StatusNotification", status16(1, "Available", began)) // before its boot
			interval := w.say("BootNotification", versions[0].boot)["interval"]
			if n := interval.(float64); n < 30 || n > 3600 {
				t.Errorf("heartbeats every %v s", n)
			}
			if again := w.say("BootNotification", versions[0].boot)["interval"]; again != interval {
				t.Errorf("%s is told %v s, then %v s", id, interval, again)
			}
			intervals[interval] = true
			w.close()
			w = plug(t, s, id, password, "ocpp1.6") // no boot: it has not restarted
			w.say("Heartbeat", object{})
			w.say("StatusNotification", status16(1, "Preparing", began))
			if i == 0 {
				if got := w.say("StartTransaction", object{"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": stamp(began)}); got["idTagInfo"].(object)["status"] != "Accepted" {
					t.Errorf("a start without a boot: %v", got)
				}
			}
		}
		if len(intervals) < 2 {
			t.Errorf("all are told %v: they would beat together", intervals)
		}
	})
}

// A station that is not accepted yet is asked for nothing that its version
// forbids, and what it has queued survives until it is.
func TestRule_PendingKeepsWhatIsQueued(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		s.must("POST", "/id-tokens", object{"id_token": "A"})
		for _, v := range []string{"ocpp1.6", "ocpp2.0.1"} {
			id := "CS-" + v
			w := plug(t, s, id, s.station(id, object{"active": false}), v)
			boot := boot2
			if v == "ocpp1.6" {
				boot = versions[0].boot
			}
			if got := w.say("BootNotification", boot); got["status"] != "Pending" {
				t.Fatalf("%v", got)
			}
			number := "queued"
			if v == "ocpp1.6" {
				n := w.say("StartTransaction", object{"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": stamp(began)})["transactionId"]
				w.say("StopTransaction", object{"transactionId": n, "meterStop": 800, "timestamp": stamp(began.Add(time.Minute))})
				number = fmt.Sprint(n)
			} else {
				for i, kind := range []string{"Started", "Ended"} {
					w.say("TransactionEvent", object{"eventType": kind, "timestamp": stamp(began.Add(time.Duration(i) * time.Minute)), "triggerReason": "Authorized", "seqNo": i,
						"transactionInfo": object{"transactionId": "queued"}, "evse": object{"id": 1}, "offline": true,
						"meterValue": []object{{"timestamp": stamp(began.Add(time.Duration(i) * time.Minute)), "sampledValue": []object{{"value": 800 * i}}}}})
				}
			}
			if got := s.order(id, "RequestStartTransaction", object{"evseId": 1, "idToken": object{"idToken": "A", "type": "Central"}}); got["status"] != "failed" && got["status"] != "rejected" {
				t.Errorf("%s: a start while pending is %v", v, got["status"])
			}
			if calls := w.actions(); slices.ContainsFunc(calls, func(a string) bool { return a == "RemoteStartTransaction" || a == "RequestStartTransaction" }) {
				t.Errorf("%s was asked %v", v, calls)
			}
			s.must("POST", "/charging-stations/"+id+"/activate", object{})
			if got := w.say("BootNotification", boot); got["status"] != "Accepted" {
				t.Errorf("%v", got)
			}
			if one := s.byTransaction()[id+"/"+number]; one == nil || one["energy_wh"] != 800.0 || one["status"] != "completed" {
				t.Errorf("%s: %v", v, one)
			}
		}
	})
}
