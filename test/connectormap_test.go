package test

import (
	"fmt"
	"testing"
	"time"
)

// TestFieldNote12MapChangesDuringASession: a cabinet whose connectors 1 (CCS)
// and 2 (CHAdeMO) charge one at a time was installed as two EVSEs. While a car
// charges at connector 2 somebody says that both are EVSE 1. Nothing of the
// session is lost, the past keeps its ids, and from then on both ways speak of
// EVSE 1, whose free sibling is no outage (field note 13).
func TestFieldNote12MapChangesDuringASession(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		password := s.station("CS-1", object{"site": s.site()})
		s.must("POST", "/id-tokens", object{"id_token": "CARD1", "type": "ISO14443", "status": "active"})
		p, _ := connect(t, s, "CS-1", password, "ocpp1.6")
		p.say("BootNotification", versions[0].boot)
		status(p, 1, "Available")
		status(p, 2, "Preparing")
		started := p.say("StartTransaction", object{"connectorId": 2, "idTag": "CARD1", "meterStart": 100, "timestamp": stamp(began)})["transactionId"]
		status(p, 2, "Charging")
		value(p, started, 1, 1100)

		got := s.must("PUT", "/charging-stations/CS-1/connector-map", object{"places": []object{
			{"connector_number": 1, "evse_id": 1, "connector_id": 1}, {"connector_number": 2, "evse_id": 1, "connector_id": 2}}})
		if got["source"] != "station" || len(got["places"].([]any)) != 2 || len(got["history"].([]any)) != 1 {
			t.Fatalf("the map is %v", got)
		}
		p, _ = connect(t, s, "CS-1", password, "ocpp1.6") // it was asked to come back, and needs not boot
		for action, payload := range answers16 {
			p.answer(action, payload)
		}
		status(p, 1, "Unavailable") // while its sibling charges
		status(p, 2, "Charging")
		value(p, started, 2, 2100)
		eventually(t, "the station has one port, charging", func() bool {
			ports := s.items("/charging-stations/CS-1/evses")
			return len(ports) == 1 && ports[0]["id"] == 1.0 && ports[0]["status"] == "charging" && len(ports[0]["connectors"].([]any)) == 2
		})
		// What is asked of EVSE 1 goes to the connector that is meant.
		expect(t, s.order("CS-1", "UnlockConnector", object{"evseId": 1, "connectorId": 2}), "accepted")
		if call := p.called("UnlockConnector"); call["connectorId"] != 2.0 {
			t.Errorf("UnlockConnector %v", call)
		}
		s.order("CS-1", "ChangeAvailability", object{"evse": object{"id": 1}, "operationalStatus": "Operative"})
		for _, want := range []float64{1, 2} {
			if call := p.called("ChangeAvailability"); call["connectorId"] != want {
				t.Errorf("ChangeAvailability %v, want connector %v", call, want)
			}
		}
		p.say("StopTransaction", object{"transactionId": started, "meterStop": 3100, "timestamp": stamp(began.Add(20 * time.Minute)), "reason": "Local"})
		status(p, 2, "Finishing")
		status(p, 1, "Available") // says nothing about the car at connector 2
		status(p, 2, "Available")
		var session object
		eventually(t, "the session is complete", func() bool {
			list := s.items("/sessions")
			if len(list) == 1 && list[0]["status"] == "completed" {
				session = list[0]
			}
			return session != nil
		})
		for field, want := range map[string]string{"evse_id": "2", "connector_id": "1", "energy_wh": "3000", "transaction_id": fmt.Sprint(started)} {
			if fmt.Sprint(session[field]) != want {
				t.Errorf("%s is %v, want %s: history keeps its ids", field, session[field], want)
			}
		}
		history := s.items("/charging-stations/CS-1/status-history?limit=100")
		seen := map[string]bool{}
		for _, h := range history {
			seen[fmt.Sprint(h["evse_id"], " ", h["status"])] = true
		}
		if !seen["2 charging"] || !seen["1 charging"] {
			t.Errorf("the history lacks the port that was or the one that is: %v", seen)
		}
		// The next session is at the new place, and the way back is open.
		p.say("StartTransaction", object{"connectorId": 2, "idTag": "CARD1", "meterStart": 3100, "timestamp": stamp(time.Now())})
		eventually(t, "a session at EVSE 1, connector 2", func() bool {
			list := s.items("/sessions?status=active")
			return len(list) == 1 && list[0]["evse_id"] == 1.0 && list[0]["connector_id"] == 2.0
		})
		if got := s.must("PUT", "/charging-stations/CS-1/connector-map", object{"inherit": true}); got["source"] != "default" || len(got["history"].([]any)) != 2 {
			t.Errorf("taken away, the map is %v", got)
		}
		eventually(t, "the port of connector 2 is back", func() bool { return len(s.items("/charging-stations/CS-1/evses")) == 2 })
	})
}

func status(p *peer, connector int, is string) {
	p.t.Helper()
	p.say("StatusNotification", object{"connectorId": connector, "errorCode": "NoError", "status": is, "timestamp": stamp(time.Now())})
}

func value(p *peer, transaction any, minute, wh int) {
	p.t.Helper()
	p.say("MeterValues", object{"connectorId": 2, "transactionId": transaction, "meterValue": []object{{
		"timestamp":    stamp(began.Add(time.Duration(minute) * time.Minute)),
		"sampledValue": []object{{"value": fmt.Sprint(wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}},
	}}})
}

// TestFieldNote12MapOfAModel: stations of a model share a map, unless one has
// its own.
func TestFieldNote12MapOfAModel(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		password := s.station("CS-1", nil)
		places := []object{{"connector_number": 1, "evse_id": 1, "connector_id": 1}, {"connector_number": 2, "evse_id": 1, "connector_id": 2}}
		boot := versions[0].boot
		s.must("POST", "/connector-maps", object{"vendor": "*", "model": "nothing like it", "places": places})
		made := s.must("POST", "/connector-maps", object{"vendor": boot["chargePointVendor"], "model": boot["chargePointModel"].(string)[:1] + "*", "places": places, "note": "data sheet"})
		p, _ := connect(t, s, "CS-1", password, "ocpp1.6")
		p.say("BootNotification", boot)
		p, _ = connect(t, s, "CS-1", password, "ocpp1.6") // now the model is known
		status(p, 2, "Preparing")
		eventually(t, "connector 2 is one of EVSE 1", func() bool {
			ports := s.items("/charging-stations/CS-1/evses")
			return len(ports) == 1 && ports[0]["id"] == 1.0 && ports[0]["status"] == "preparing"
		})
		if got := s.must("GET", "/charging-stations/CS-1/connector-map", nil); got["source"] != "model" || got["model_map_id"] != made["id"] {
			t.Errorf("the map is %v", got)
		}
		if code, answer := s.call("PUT", "/charging-stations/CS-1/connector-map", object{"places": places[1:]}); code != 422 {
			t.Errorf("a map without connector 1: %d %v", code, answer)
		}
		if code, _ := s.call("DELETE", "/connector-maps/"+made["id"].(string), nil); code != 204 {
			t.Errorf("delete: %d", code)
		}
		if got := s.must("GET", "/charging-stations/CS-1/connector-map", nil); got["source"] != "default" {
			t.Errorf("the map is %v", got)
		}
	})
}
