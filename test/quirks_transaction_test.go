package test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestQuirk_Q34_LargestTransactionID(t *testing.T) {
	during(t, func(q *quirky, w *wire, _ int) {
		w.send(literal(t, "F15"))
		w.await("72")
		w.send(literal(t, "F15", `"72"`, `"73"`, "2022-01-17T11:58:29Z", q.at(10)))
		w.await("73")
		if n := len(q.charged()); n != 1 {
			t.Errorf("%d sessions, want the one that runs", n)
		}
	}, "transaction_id")
}

func TestQuirk_Q35_StopOfMinusOne(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("Hager", "Witty Park", "9.0.1.0")
	w.send(literal(t, "F16", "ABCD1234", "stranger-"+q.id))
	got := w.await("9116b0f0-12c7-11ef-8012-0c8629738129")
	if id, _ := got["transactionId"].(float64); id < 1 || got["idTagInfo"].(object)["status"] == "Accepted" {
		t.Fatalf("a refused start was answered %v, want a real transaction id", got)
	}
	w.say("MeterValues", object{"connectorId": 4, "meterValue": []object{{"timestamp": "2024-05-15T14:35:12Z", "sampledValue": []object{{"value": "52880"}}}}})
	w.say("StopTransaction", object{"transactionId": -1, "meterStop": 53880, "timestamp": "2024-05-15T14:45:12Z"})
	w.say("StatusNotification", object{"connectorId": 4, "errorCode": "NoError", "status": "Available", "timestamp": "2024-05-15T14:45:13Z"})
	one := q.settled(2000, "")
	if flags := fmt.Sprint(one["flags"]); !strings.Contains(flags, "refused") {
		t.Errorf("it charged though it was refused, the flags are %s", flags)
	}
}

// withStop charges and stops by another transaction id than it was given.
func withStop(t *testing.T, id int) {
	t.Helper()
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("Delta", "AC", "1")
	transaction := q.start16(w)
	q.register16(w, transaction, 10, meterStart+1250)
	w.say("StopTransaction", object{"transactionId": id, "meterStop": meterStart + energyWh, "timestamp": q.at(readings)})
	w.say("StopTransaction", object{"transactionId": id, "meterStop": meterStart + energyWh, "timestamp": q.at(readings)}) // again: the answer was lost
	q.free16(w, readings)
	q.settled(energyWh, "0.90")
}

func TestQuirk_Q37_StopOfZero(t *testing.T) { withStop(t, 0) }

func TestQuirk_Q38_ReadingsOfZero(t *testing.T) {
	during(t, func(q *quirky, w *wire, _ int) {
		q.register16(w, 0, 10, meterStart+1250)
		eventually(t, "the reading goes to what runs on the connector", func() bool { return q.charged()[0]["energy_wh"] == 1250.0 })
	}, "transaction_id")
}

func TestQuirk_Q39_ReadingsOutsideASession(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("Wall Box Chargers", "Pulsar Plus", "5.7.18")
	w.send(literal(t, "F04"))
	w.await("532646386")
	w.send(literal(t, "F04", "532646386", "next", "2022-05-10T09:44:59Z", stamp(q.began.Add(-24*time.Hour)), "1936029036", "1936029037"))
	w.await("next")
	if n := len(q.charged()); n != 0 {
		t.Errorf("%d sessions were made of readings alone", n)
	}
	q.wholeCharge(w)
}

func TestQuirk_Q41_StartAgainAfterALostConnection(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("ABB", "Terra AC", "1.8.0")
	start := literal(t, "F17", "20:69:C0:21", q.card, "2021-03-24T07:06:40.000Z", q.at(0))
	w.send(start)
	first := w.await("0809558")["transactionId"]
	q.sampled(w, int(first.(float64)), 10, object{"value": "1250"})
	w.ws.CloseNow()
	w = q.plug("ocpp1.6")
	w.send(strings.Replace(start, "0809558", "0809559", 1))
	if again := w.await("0809559")["transactionId"]; again != first {
		t.Errorf("the same start is transaction %v and then %v", first, again)
	}
	w.say("StopTransaction", object{"transactionId": first, "meterStop": energyWh, "timestamp": q.at(readings)})
	q.free16(w, readings)
	q.settled(energyWh, "0.90")
}

func TestQuirk_Q42_SameStartTwiceBeforeTheAnswer(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("MicroOcpp", "2022", "1")
	start := fmt.Sprintf(`[2,"1000007","StartTransaction",{"connectorId":1,"idTag":"%s","meterStart":%d,"timestamp":"%s"}]`, q.card, meterStart, q.at(0))
	w.send(start)
	w.send(start)
	transaction := int(w.await("1000007")["transactionId"].(float64))
	q.stop16(w, transaction)
	q.settled(energyWh, "0.90")
}

func TestQuirk_Q43_StartInPlaceOfAStop(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("Schneider Electric", "EVB1A22P4KI", "2018")
	transaction := q.start16(w)
	q.register16(w, transaction, 10, meterStart+1250)
	q.register16(w, transaction, 20, meterStart+energyWh)
	w.say("StartTransaction", object{"connectorId": 1, "idTag": q.card, "meterStart": 0, "timestamp": q.at(21)})
	q.free16(w, 22)
	all := q.charged()
	if len(all) != 2 {
		t.Fatalf("%d sessions, want the charge and the empty one", len(all))
	}
	q.costs(all[0], energyWh, "0.90")
	q.costs(all[1], 0, "")
	for _, one := range all {
		if one["status"] == "active" || one["status"] == "suspended" {
			t.Errorf("session %v is still %v", one["transaction_id"], one["status"])
		}
	}
}

func TestQuirk_Q45_StopBelowStart(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("Huawei", "SCharger-22KT-S0", "1")
	transaction := q.start16(w)
	w.say("StopTransaction", object{"transactionId": transaction, "meterStop": meterStart - 1, "timestamp": q.at(1), "reason": "Other"})
	q.free16(w, 1)
	one := q.settled(0, "0.00")
	if !strings.Contains(fmt.Sprint(one["flags"]), "meter_decrease") {
		t.Errorf("flags %v", one["flags"])
	}
}

func TestQuirk_Q46_MeterGoesOnAfterTheStop(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("Wall Box Chargers", "Copper SB", "1")
	got := w.say("StartTransaction", object{"connectorId": 1, "idTag": q.card, "meterStart": 2257488, "timestamp": q.at(0)})
	id := fmt.Sprint(got["transactionId"])
	w.send(literal(t, "F18", "1706601047", id, "XXXXXX", q.card, "2024-01-30T14:29:16Z", q.at(readings)))
	w.await("585855959")
	w.say("MeterValues", object{"connectorId": 1, "meterValue": []object{{"timestamp": q.at(21), "sampledValue": []object{{"value": "2259992.1", "unit": "Wh"}}}}})
	q.free16(w, 22)
	q.settled(energyWh, "0.90")
}

func TestQuirk_Q47_ClosingReadingAfterTheStop(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("Ocular", "LTE Plus v3", "BS-EV22")
	transaction := q.start16(w)
	w.say("StopTransaction", object{"transactionId": transaction, "idTag": "\u0001\u0002garbled", "meterStop": meterStart + energyWh, "timestamp": q.at(readings)})
	q.register16(w, transaction, 19, meterStart+energyWh-10)
	q.free16(w, readings)
	if one := q.settled(energyWh, "0.90"); one["id_token"] != q.card {
		t.Errorf("the session is that of %v", one["id_token"])
	}
}

func TestQuirk_Q49_IDsOfItsOwn(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("Etrel", "INCH", "1")
	for i := 0; i <= 2; i++ {
		q.register16(w, 777001, 10*i, meterStart+1250*i)
	}
	w.say("StopTransaction", object{"transactionId": 777001, "idTag": q.card, "meterStop": meterStart + energyWh, "timestamp": q.at(readings)})
	one := q.settled(energyWh, "")
	if !strings.Contains(fmt.Sprint(one["flags"]), "unknown_transaction") {
		t.Errorf("flags %v", one["flags"])
	}
}

func TestQuirk_Q50_VendorDataTransfer(t *testing.T) {
	during(t, func(_ *quirky, w *wire, _ int) {
		w.send(literal(t, "F19"))
		if got := w.await("297b1602-df13-451d-b782-469b3f7c10b8")["status"]; got != "UnknownVendorId" && got != "Accepted" && got != "UnknownMessageId" {
			t.Errorf("answered %v", got)
		}
	})
}

func TestQuirk_Q71_BootAgainAndAgain(t *testing.T) {
	during(t, func(_ *quirky, w *wire, _ int) {
		for range 3 {
			w.send(literal(t, "F26"))
			if got := w.await("1000001"); got["status"] != "Accepted" {
				t.Fatalf("boot: %v", got)
			}
		}
	})
}

func TestQuirk_Q89_OwnIdentifierAsTag(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("Alfen BV", "NG910", "5.8")
	q.card = "ALFEN-PNC-" + q.id
	q.must("POST", "/id-tokens", object{"id_token": q.card, "type": "Local", "status": "active"})
	q.wholeCharge(w)
}

func TestQuirk_Q90_OrderBySeqNo(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp2.0.1")
	w.say("BootNotification", boot2)
	event := func(kind string, seq, minutes, wh int, offline bool) {
		w.say("TransactionEvent", object{"eventType": kind, "timestamp": q.at(minutes), "triggerReason": "MeterValuePeriodic", "seqNo": seq, "offline": offline,
			"transactionInfo": object{"transactionId": "tx-" + q.id}, "evse": object{"id": 1}, "idToken": object{"idToken": q.card, "type": "ISO14443"},
			"meterValue": []object{{"timestamp": q.at(minutes), "sampledValue": []object{{"value": wh}}}}})
	}
	event("Updated", 3, 15, meterStart+1875, false)
	event("Ended", 4, 20, meterStart+energyWh, false)
	event("Started", 0, 0, meterStart, true)
	event("Updated", 2, 10, meterStart+1250, true)
	event("Updated", 1, 5, meterStart+625, true)
	one := q.settled(energyWh, "0.90")
	if one["started_at"] != q.began.Format(time.RFC3339) || one["connector_id"] == 1.0 {
		t.Errorf("started at %v on connector %v", one["started_at"], one["connector_id"])
	}
}

func TestQuirk_Q91_EVSEAndTokenInEveryEvent(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp2.0.1")
	w.say("BootNotification", boot2)
	q.charge2(w, 0, meterStart)
	q.charge2(w, 1, meterStart+1250)
	w.say("TransactionEvent", object{"eventType": "Ended", "timestamp": q.at(20), "triggerReason": "RemoteStop", "seqNo": 2, "evse": object{"id": 1, "connectorId": 1},
		"transactionInfo": object{"transactionId": "tx-" + q.id, "stoppedReason": "Remote"}, "idToken": object{"idToken": "another", "type": "Central"},
		"meterValue": []object{{"timestamp": q.at(20), "sampledValue": []object{{"value": meterStart + energyWh}}}}})
	if one := q.settled(energyWh, "0.90"); one["id_token"] != q.card {
		t.Errorf("the session is that of %v", one["id_token"])
	}
}
