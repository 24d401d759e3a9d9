package test

import (
	"fmt"
	"strconv"
	"testing"
	"time"
)

// A session of 20 readings by a station nobody here wrote, in each version:
// started 12:00, 7.5 kW, 125 Wh a minute, stopped after 20 minutes. The meter
// stands at 1,000,000 Wh and ends at 1,002,500.
const (
	meterStart = 1_000_000
	perMinute  = 125
	readings   = 20
	energyWh   = 2_500
)

var began = time.Now().UTC().Truncate(time.Second).Add(-25 * time.Minute)

func stamp(t time.Time) string { return t.Format("2006-01-02T15:04:05.000Z") }

func session16(p *peer, began time.Time) string {
	for _, status := range []string{"Available", "Preparing"} {
		p.say("StatusNotification", object{"connectorId": 1, "errorCode": "NoError", "status": status, "timestamp": stamp(began)})
	}
	if got := p.say("Authorize", object{"idTag": "CARD1"}); got["idTagInfo"].(object)["status"] != "Accepted" {
		p.t.Fatalf("Authorize: %v", got)
	}
	started := p.say("StartTransaction", object{"connectorId": 1, "idTag": "CARD1", "meterStart": meterStart, "timestamp": stamp(began)})
	if started["idTagInfo"].(object)["status"] != "Accepted" {
		p.t.Fatalf("StartTransaction: %v", started)
	}
	id := started["transactionId"]
	p.say("StatusNotification", object{"connectorId": 1, "errorCode": "NoError", "status": "Charging", "timestamp": stamp(began)})
	for i := 1; i <= readings; i++ {
		p.say("MeterValues", object{"connectorId": 1, "transactionId": id, "meterValue": []object{{
			"timestamp": stamp(began.Add(time.Duration(i) * time.Minute)),
			"sampledValue": []object{
				{"value": strconv.Itoa(meterStart + i*perMinute), "measurand": "Energy.Active.Import.Register", "unit": "Wh", "context": "Sample.Periodic"},
				{"value": "7500", "measurand": "Power.Active.Import", "unit": "W"},
			},
		}}})
	}
	return fmt.Sprintf("%.0f", id)
}

func stop16(p *peer, id string, end time.Time) {
	number, _ := strconv.Atoi(id)
	p.say("StopTransaction", object{"transactionId": number, "idTag": "CARD1", "meterStop": meterStart + energyWh, "timestamp": stamp(end), "reason": "Local"})
	for _, status := range []string{"Finishing", "Available"} {
		p.say("StatusNotification", object{"connectorId": 1, "errorCode": "NoError", "status": status, "timestamp": stamp(end)})
	}
}

func event2(p *peer, kind, trigger string, seq int, at time.Time, wh int, more object) object {
	info := object{"transactionId": "tx-1", "chargingState": "Charging"}
	if kind == "Ended" {
		info["stoppedReason"], info["chargingState"] = "Local", "EVConnected"
	}
	event := object{
		"eventType": kind, "timestamp": stamp(at), "triggerReason": trigger, "seqNo": seq, "transactionInfo": info, "evse": object{"id": 1, "connectorId": 1},
		"meterValue": []object{{"timestamp": stamp(at), "sampledValue": []object{
			{"value": wh, "measurand": "Energy.Active.Import.Register", "unitOfMeasure": object{"unit": "Wh"}},
			{"value": 7500, "measurand": "Power.Active.Import", "unitOfMeasure": object{"unit": "W"}},
		}}},
	}
	for k, v := range more {
		event[k] = v
	}
	return p.say("TransactionEvent", event)
}

func session2(p *peer, began time.Time) string {
	card := object{"idToken": "CARD1", "type": "ISO14443"}
	for _, status := range []string{"Available", "Occupied"} {
		p.say("StatusNotification", object{"evseId": 1, "connectorId": 1, "connectorStatus": status, "timestamp": stamp(began)})
	}
	if got := p.say("Authorize", object{"idToken": card}); got["idTokenInfo"].(object)["status"] != "Accepted" {
		p.t.Fatalf("Authorize: %v", got)
	}
	started := event2(p, "Started", "Authorized", 0, began, meterStart, object{"idToken": card})
	if started["idTokenInfo"].(object)["status"] != "Accepted" {
		p.t.Fatalf("TransactionEvent Started: %v", started)
	}
	for i := 1; i <= readings; i++ {
		event2(p, "Updated", "MeterValuePeriodic", i, began.Add(time.Duration(i)*time.Minute), meterStart+i*perMinute, nil)
	}
	return "tx-1"
}

func stop2(p *peer, _ string, end time.Time) {
	event2(p, "Ended", "StopAuthorized", readings+1, end, meterStart+energyWh, object{"idToken": object{"idToken": "CARD1", "type": "ISO14443"}})
	p.say("StatusNotification", object{"evseId": 1, "connectorId": 1, "connectorStatus": "Available", "timestamp": stamp(end)})
}

var versions = []struct {
	protocol string
	boot     object
	session  func(p *peer, began time.Time) string
	stop     func(p *peer, id string, end time.Time)
}{
	{"ocpp1.6", object{"chargePointVendor": "Maker", "chargePointModel": "One", "chargePointSerialNumber": "S1", "firmwareVersion": "1.0"}, session16, stop16},
	{"ocpp2.0.1", boot2, session2, stop2},
	{"ocpp2.1", boot2, session2, stop2},
}

var boot2 = object{"reason": "PowerUp", "chargingStation": object{"vendorName": "Maker", "model": "Two", "serialNumber": "S2", "firmwareVersion": "2.0"}}

// TestAStrangersStationCharges is the main job with a station nobody here
// wrote: boot, status, authorize, start, 20 meter values, stop; the session,
// its intervals and its CDR are right to the Wh and the cent.
func TestAStrangersStationCharges(t *testing.T) {
	t.Parallel()
	for _, v := range versions {
		t.Run(v.protocol, func(t *testing.T) {
			onBoth(t, func(t *testing.T, s *server) {
				password := s.station("CS-1", object{"site": s.site()})
				s.must("POST", "/id-tokens", object{"id_token": "CARD1", "type": "ISO14443", "status": "active"})
				p, open := connect(t, s, "CS-1", password, v.protocol)
				if open["open"] != v.protocol {
					t.Fatalf("handshake: %v", open)
				}
				if got := p.say("BootNotification", v.boot); got["status"] != "Accepted" || got["interval"].(float64) <= 0 {
					t.Fatalf("BootNotification: %v", got)
				}
				p.say("Heartbeat", object{})
				id := v.session(p, began)
				v.stop(p, id, began.Add(readings*time.Minute))
				s.checkSession(id)
			})
		})
	}
}

func (s *server) checkSession(transaction string) {
	t := s.t
	t.Helper()
	var one object
	eventually(t, "the session is complete", func() bool {
		list := s.items("/sessions")
		if len(list) != 1 {
			return false
		}
		one = list[0]
		return one["status"] == "completed"
	})
	for field, want := range map[string]any{
		"station_id": "CS-1", "evse_id": 1.0, "id_token": "CARD1", "energy_wh": float64(energyWh), "transaction_id": transaction,
		"started_at": began.Format(time.RFC3339),
	} {
		if got := one[field]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("session %s is %v, want %v", field, got, want)
		}
	}
	cost, _ := one["cost"].(object)
	if cost["excl_vat"] != "0.75" || cost["incl_vat"] != "0.90" || cost["currency"] != "EUR" {
		t.Errorf("cost %v, want 0.75 and 0.90 EUR", cost)
	}
	sum, intervals := 0.0, s.items("/sessions/"+one["id"].(string)+"/intervals")
	for _, i := range intervals {
		sum += i["energy_wh"].(float64)
	}
	if sum != energyWh || len(intervals) < 2 {
		t.Errorf("%d intervals with %v Wh, want at least 2 with %d", len(intervals), sum, energyWh)
	}
	if samples := s.items("/sessions/" + one["id"].(string) + "/samples"); len(samples) < readings {
		t.Errorf("%d samples, want at least %d", len(samples), readings)
	}
	eventually(t, "the CDR is issued", func() bool { return len(s.items("/cdrs?session_id="+one["id"].(string))) == 1 })
	cdr := s.items("/cdrs?session_id=" + one["id"].(string))[0]
	cost, _ = cdr["cost"].(object)
	if cdr["energy_wh"] != float64(energyWh) || cost["incl_vat"] != "0.90" {
		t.Errorf("CDR %v Wh for %v", cdr["energy_wh"], cost)
	}
}
