package test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestQuirk_Q51_KiloWattHoursUnderAnotherName(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("OpenEVSE", "Advanced Series", "4.2.2.dev")
	got := w.say("StartTransaction", object{"connectorId": 1, "idTag": q.card, "meterStart": 361, "timestamp": q.at(0)})
	w.send(literal(t, "F20", "2023-07-01T21:45:30.000Z", q.at(10), `"361"`, `"362"`))
	w.await("1")
	w.say("StopTransaction", object{"transactionId": got["transactionId"], "meterStop": 364, "timestamp": q.at(readings)})
	q.free16(w, readings)
	q.settled(3000, "1.08")
	q.shown("kilowatt_hours")

	other := quirk16(q, nil) // the same words of another make are what they say
	w = other.plug("ocpp1.6")
	w.boot("Maker", "One", "4.2.2")
	other.wholeCharge(w)
}

// quirk16 is one more station in the same test.
func quirk16(q *quirky, more object) *quirky {
	q.t.Helper()
	field.Lock()
	defer field.Unlock()
	field.n++
	out := &quirky{server: q.server, id: fmt.Sprintf("Q%03d", field.n), card: fmt.Sprintf("CARD%04d", field.n), began: q.began}
	body := object{"site": field.site}
	for k, v := range more {
		body[k] = v
	}
	out.password = q.station(out.id, body)
	q.must("POST", "/id-tokens", object{"id_token": out.card, "type": "ISO14443", "status": "active"})
	return out
}

func TestQuirk_Q53_RegisterOfTheSession(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("ABB", "Terra AC", "1.8.20")
	for session := range 2 {
		from := session * 10
		got := w.say("StartTransaction", object{"connectorId": 1, "idTag": q.card, "meterStart": 0, "timestamp": q.at(from)})
		tx := int(got["transactionId"].(float64))
		q.sampled(w, tx, from+2, object{"value": "800"})
		q.sampled(w, tx, from+3, object{"value": "0"}) // a gap in the register
		q.sampled(w, tx, from+4, object{"value": "1600"})
		w.say("StopTransaction", object{"transactionId": tx, "meterStop": energyWh, "timestamp": q.at(from + 8)})
		q.free16(w, from+8)
	}
	for _, one := range q.charged() {
		q.costs(one, energyWh, "0.90")
		if !flagged(one, "meter_dropout") {
			t.Errorf("flags %v", one["flags"])
		}
	}
}

func TestQuirk_Q54_BacklogOfReadings(t *testing.T) {
	during(t, func(q *quirky, w *wire, transaction int) {
		w.send(literal(t, "F21"))
		w.await("9263512")
		for _, minute := range []int{15, 3, 9, 6, 12} {
			w.send(literal(t, "F21", "9263512", fmt.Sprintf("b%d", minute), "1761064545", fmt.Sprint(transaction), "2025-10-21T20:00:03.000Z", q.at(minute),
				`"7160"`, fmt.Sprintf(`"%d"`, meterStart+minute*perMinute)))
			w.await(fmt.Sprintf("b%d", minute))
		}
		eventually(t, "the readings are in their own order", func() bool {
			one := q.charged()[0]
			return one["energy_wh"] == 1875.0 && !flagged(one, "meter_reset") && !flagged(one, "meter_dropout")
		})
	})
}

func TestQuirk_Q57_Phases(t *testing.T) {
	during(t, func(q *quirky, w *wire, transaction int) {
		amps := func(phase, value string) object {
			return object{"value": value, "measurand": "Current.Import", "phase": phase, "unit": "A"}
		}
		q.sampled(w, transaction, 10, amps("L1-N", "9"), amps("L2-N", "8"), amps("N", "99"), object{"value": "1001250", "phase": "L1"},
			object{"value": "2000", "measurand": "Power.Active.Import", "phase": "L1", "unit": "W"}, object{"value": "1800", "measurand": "Power.Active.Import", "phase": "L2", "unit": "W"})
		eventually(t, "the phases are put together", func() bool {
			one := q.charged()[0]
			return one["energy_wh"] == 1250.0 && one["power_w"] == 3800.0
		})
	})
}

func TestQuirk_Q58_DecimalsAndBlanks(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("go-e", "Charger", "055")
	got := w.say("StartTransaction", object{"connectorId": 1, "idTag": q.card, "meterStart": 165000, "timestamp": q.at(0)})
	w.send(literal(t, "F22", "2023-07-02T20:27:40.908Z", q.at(10)))
	w.await("531531542")
	q.sampled(w, int(got["transactionId"].(float64)), 15, object{"value": "  165400,0 ", "unit": "Wh"})
	eventually(t, "both readings are taken", func() bool { return q.charged()[0]["energy_wh"] == 400.0 })
	w.say("StopTransaction", object{"transactionId": got["transactionId"], "meterStop": 167500, "timestamp": q.at(readings)})
	q.free16(w, readings)
	q.settled(energyWh, "0.90")
}

func TestQuirk_Q59_ClockAlignedBesidePeriodic(t *testing.T) {
	during(t, func(q *quirky, w *wire, transaction int) {
		for i := 1; i <= 4; i++ {
			q.sampled(w, transaction, i*5, object{"value": fmt.Sprint(meterStart + i*5*perMinute), "context": "Sample.Clock"}, object{"value": fmt.Sprint(meterStart + i*5*perMinute), "context": "Sample.Periodic"},
				object{"value": "625", "measurand": "Energy.Active.Import.Interval", "context": "Sample.Clock"}, object{"value": "625", "measurand": "Energy.Active.Import.Interval", "context": "Sample.Periodic"})
		}
		eventually(t, "nothing is counted twice", func() bool { return q.charged()[0]["energy_wh"] == 2500.0 })
	})
}

func TestQuirk_Q61_LocalTimeMarkedUTC(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("Chago", "Wave", "1")
	offset := 2 * time.Hour
	ahead := func() string { // another second each time: the same one again tells nothing of a clock
		offset += time.Second
		return time.Now().UTC().Add(offset).Format("2006-01-02T15:04:05Z")
	}
	w.send(literal(t, "F23", "2019-05-10T16:05:33Z", ahead()))
	w.await("156167709")
	w.say("StatusNotification", object{"connectorId": 1, "errorCode": "NoError", "status": "Preparing", "timestamp": ahead()})
	got := w.say("StartTransaction", object{"connectorId": 1, "idTag": q.card, "meterStart": meterStart, "timestamp": ahead()})
	w.say("StopTransaction", object{"transactionId": got["transactionId"], "meterStop": meterStart + energyWh, "timestamp": ahead()})
	w.say("StatusNotification", object{"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": ahead()})
	one := q.settled(energyWh, "0.90")
	began, _ := time.Parse(time.RFC3339, fmt.Sprint(one["started_at"]))
	if time.Until(began) > time.Minute || time.Since(began) > 5*time.Minute {
		t.Errorf("the session began at %v, two hours off", one["started_at"])
	}
	if skew, _ := q.device()["clock_skew_s"].(float64); skew < 7000 {
		t.Errorf("the skew is shown as %v s", skew)
	}
}

func TestQuirk_Q62_ClockNeverSet(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("MicroOcpp", "Device", "1")
	w.send(literal(t, "F24"))
	w.await("1000001")
	got := w.say("StartTransaction", object{"connectorId": 1, "idTag": q.card, "meterStart": meterStart, "timestamp": "1970-01-01T00:01:00.740Z"})
	w.say("MeterValues", object{"connectorId": 1, "transactionId": got["transactionId"], "meterValue": []object{{"timestamp": "1970-01-01T00:02:00.740Z", "sampledValue": []object{{"value": "1001250"}}}}})
	w.say("StopTransaction", object{"transactionId": got["transactionId"], "meterStop": meterStart + energyWh, "timestamp": stamp(time.Now())})
	q.free16(w, readings)
	one := q.settled(energyWh, "0.90")
	if !flagged(one, "clock_unknown") || strings.HasPrefix(fmt.Sprint(one["started_at"]), "1970") {
		t.Errorf("started at %v, flags %v", one["started_at"], one["flags"])
	}
}

func TestQuirk_Q63_NoZone(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("AEFA", "Home", "A1B_2.8")
	bare := func(minutes int) string { return strings.TrimSuffix(q.at(minutes), "Z") }
	got := w.say("StartTransaction", object{"connectorId": 1, "idTag": q.card, "meterStart": meterStart, "timestamp": bare(0)})
	w.say("StopTransaction", object{"transactionId": got["transactionId"], "meterStop": meterStart + energyWh, "timestamp": bare(20)})
	q.free16(w, readings)
	if one := q.settled(energyWh, "0.90"); one["started_at"] != q.began.Format(time.RFC3339) {
		t.Errorf("started at %v", one["started_at"])
	}
	q.shown("format")
}

// status tells the status of connector 1.
func (q *quirky) status(w *wire, connector, minutes int, status, code string) {
	q.t.Helper()
	w.say("StatusNotification", object{"connectorId": connector, "errorCode": code, "status": status, "timestamp": q.at(minutes)})
}

func TestQuirk_Q65_AnyOrderOfStatuses(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("EN+", "AC7000-AE-45", "SN1005")
	q.status(w, 1, 0, "Available", "NoError")
	q.status(w, 1, 0, "Preparing", "NoError")
	w.send(literal(t, "F13"))
	w.await("2717")
	q.status(w, 1, 0, "SuspendedEVSE", "NoError")
	if n := len(q.charged()); n != 0 {
		t.Errorf("%d sessions were made of statuses", n)
	}
	q.wholeCharge(w)
}

func TestQuirk_Q66_StaysFinishing(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("Autel", "PFA0102", "1")
	q.status(w, 0, 0, "Available", "NoError")
	tx := q.start16(w)
	w.say("StopTransaction", object{"transactionId": tx, "meterStop": meterStart + energyWh, "timestamp": q.at(10), "reason": "Remote"})
	q.status(w, 1, 10, "Finishing", "NoError")
	if q.port()["status"] == "available" {
		t.Error("connector 0 speaks for the station, not for the port")
	}
	got := w.say("StartTransaction", object{"connectorId": 1, "idTag": q.card, "meterStart": meterStart + energyWh, "timestamp": q.at(12)})
	w.say("StopTransaction", object{"transactionId": got["transactionId"], "meterStop": meterStart + 2*energyWh, "timestamp": q.at(20)})
	q.free16(w, 20)
	for _, one := range q.charged() {
		q.costs(one, energyWh, "0.90")
	}
}

func TestQuirk_Q67_SameStatusTwice(t *testing.T) {
	during(t, func(q *quirky, w *wire, _ int) {
		w.send(literal(t, "F25"))
		w.await("13y1rw4x2en6uusvl2t06242")
		before := len(q.items("/charging-stations/" + q.id + "/status-history"))
		w.send(literal(t, "F25", "13y1rw4x2en6uusvl2t06242", "13y1rw4x2en6uusvl2t06243"))
		w.await("13y1rw4x2en6uusvl2t06243")
		if after := len(q.items("/charging-stations/" + q.id + "/status-history")); after != before {
			t.Errorf("the history grew from %d to %d", before, after)
		}
	})
}

func TestQuirk_Q69_SuspendedForMinutes(t *testing.T) {
	during(t, func(q *quirky, w *wire, _ int) {
		q.status(w, 1, 1, "Charging", "NoError")
		q.status(w, 1, 2, "SuspendedEVSE", "NoError")
		if one := q.charged()[0]; one["status"] != "suspended" {
			t.Errorf("the session is %v", one["status"])
		}
		if st := q.port()["status"]; st == "faulted" || st == "unreachable" {
			t.Errorf("the port is %v", st)
		}
		q.status(w, 1, 6, "Charging", "NoError")
	})
}

func TestQuirk_Q70_FinishingWithAnError(t *testing.T) {
	during(t, func(q *quirky, w *wire, _ int) {
		q.status(w, 1, 19, "Finishing", "OtherError")
		if st := q.port()["status"]; st == "faulted" {
			t.Errorf("the port is %v", st)
		}
	})
}
