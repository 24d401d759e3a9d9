package test

import (
	"fmt"
	"strings"
	"testing"
)

// variable reads a variable of the station as the platform has it.
func (q *quirky) variable(name string) object {
	q.t.Helper()
	return q.variables(q.id)[name]
}

// readConfiguration makes the platform read the station's configuration.
func (q *quirky) readConfiguration(w *wire, answer string) {
	q.t.Helper()
	w.on("GetConfiguration", answer)
	expect(q.t, q.order(q.id, "GetBaseReport", object{"requestId": 1, "reportBase": "FullInventory"}), "accepted")
}

func (q *quirky) device() object { q.t.Helper(); return q.must("GET", "/charging-stations/"+q.id, nil) }

func TestQuirk_Q18_LongSerialNumbers(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.send(literal(t, "F07"))
	if got := w.await("2"); got["status"] != "Accepted" {
		t.Fatalf("boot: %v", got)
	}
	if st := q.device(); st["serial_number"] != "3N123456789F2S1B1234567890" || st["model"] != "EVlink Smart Wallbox" {
		t.Errorf("stored as %v %v", st["serial_number"], st["model"])
	}
	q.wholeCharge(w)
	q.shown("max_length")
}

func TestQuirk_Q19_LongModel(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	model := "HICI-ABCDEFGHIJKLMNOPQR"
	w.boot("HICI", model, "1")
	if st := q.device(); st["model"] != model {
		t.Errorf("stored as %v", st["model"])
	}
	q.wholeCharge(w)
	q.shown("max_length")
}

// port gives the first port of the station.
func (q *quirky) port() object {
	q.t.Helper()
	all, _ := q.device()["evses"].([]any)
	if len(all) == 0 {
		return object{}
	}
	return all[0].(object)
}

func (q *quirky) connector() object {
	q.t.Helper()
	all, _ := q.port()["connectors"].([]any)
	if len(all) == 0 {
		return object{}
	}
	return all[0].(object)
}

func TestQuirk_Q21_UnknownErrorCode(t *testing.T) {
	during(t, func(q *quirky, w *wire, _ int) {
		w.send(literal(t, "F09"))
		w.await("28240181849166013077")
		w.send(literal(t, "F09", `"connectorId":0`, `"connectorId":1`, "28240181849166013077", "one", `"Faulted"`, `"Charging"`))
		w.await("one")
		if c := q.connector(); c["error_code"] != "OtherError" || c["vendor_error"] != "Error" && c["vendor_error_code"] != "Error" {
			t.Errorf("the connector shows %v", c)
		}
	}, "enum")
}

func TestQuirk_Q22_ObjectForAList(t *testing.T) {
	during(t, func(q *quirky, w *wire, transaction int) {
		w.send(literal(t, "F10"))
		w.await("661eb557000000570056")
		w.send(literal(t, "F10", "661eb557000000570056", "mine", `"transactionId":1`, fmt.Sprintf(`"transactionId":%d`, transaction),
			"2024-04-16T17:28:55.000Z", q.at(10), `"0.00"`, `"1001.25"`))
		w.await("mine")
		eventually(t, "the reading is taken", func() bool { return q.charged()[0]["energy_wh"] == 1250.0 })
	}, "type")
}

func TestQuirk_Q23_NoSampledValues(t *testing.T) {
	during(t, func(q *quirky, w *wire, transaction int) {
		w.say("MeterValues", object{"connectorId": 1, "transactionId": transaction, "meterValue": []object{{"timestamp": q.at(5), "sampledValue": []object{}}}})
		w.say("MeterValues", object{"connectorId": 1, "transactionId": transaction, "meterValue": []object{}})
	})
}

func TestQuirk_Q25_ConfigurationAsText(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("EFR", "Wall-E", "1")
	q.readConfiguration(w, literal(t, "F11", "4010434209", "%id"))
	eventually(t, "the configuration is stored", func() bool { return q.variable("SmartChargingCtrlr.ProfileStackLevel")["value"] == "5" })
	v := q.variable("SmartChargingCtrlr.RateUnit")
	if v["value"] != "W" && v["value"] != "Power" {
		t.Errorf("the unit is stored as %v", v)
	}
	w.on("SetChargingProfile", `{"status":"Accepted"}`)
	expect(t, q.order(q.id, "SetChargingProfile", limit(1)), "accepted")
	if sent := string(w.called("SetChargingProfile").payload); !strings.Contains(sent, `"chargingRateUnit":"W"`) || !strings.Contains(sent, `"limit":6900`) {
		t.Errorf("sent was %s", sent)
	}
	q.wholeCharge(w)
}

func TestQuirk_Q26_ReadonlyAsNumber(t *testing.T) {
	during(t, func(q *quirky, w *wire, _ int) {
		q.readConfiguration(w, `{"configurationKey":[{"key":"VendorA","readonly":0,"value":"x"},{"key":"VendorB","readonly":1,"value":"y"}]}`)
		eventually(t, "both keys are stored", func() bool {
			return q.variable("OCPP16.VendorA")["mutability"] == "ReadWrite" && q.variable("OCPP16.VendorB")["mutability"] == "ReadOnly"
		})
	})
}

func TestQuirk_Q27_BooleansInUpperCase(t *testing.T) {
	during(t, func(q *quirky, w *wire, _ int) {
		q.readConfiguration(w, literal(t, "F12", "4233371905", "%id"))
		eventually(t, "the key is stored as a boolean", func() bool {
			for _, v := range q.variables(q.id) {
				if strings.Contains(fmt.Sprint(v), "UnknownId") || strings.Contains(fmt.Sprint(v), "OfflineTxForUnknown") {
					return strings.EqualFold(fmt.Sprint(v["value"]), "false")
				}
			}
			return false
		})
	})
}

// sampled tells one reading of the charge with more values in it.
func (q *quirky) sampled(w *wire, transaction, minutes int, values ...object) {
	q.t.Helper()
	w.say("MeterValues", object{"connectorId": 1, "transactionId": transaction, "meterValue": []object{{"timestamp": q.at(minutes), "sampledValue": values}}})
}

func TestQuirk_Q29_SpellingsOfUnits(t *testing.T) {
	during(t, func(q *quirky, w *wire, transaction int) {
		q.sampled(w, transaction, 10, object{"value": "21", "measurand": "Temperature", "unit": "Celsius"}, object{"value": "21", "measurand": "Temperature", "unit": "Celcius", "location": "Body"},
			object{"value": "22.5", "measurand": "Temperature", "unit": "C", "location": "Inlet"}, object{"value": "50", "measurand": "Frequency", "unit": "Hertz"},
			object{"value": "55", "measurand": "SoC", "unit": "%"}, object{"value": "1001250"})
		eventually(t, "the reading is taken", func() bool { return q.charged()[0]["energy_wh"] == 1250.0 })
	}, "enum")
}

func TestQuirk_Q30_UnknownMeasurand(t *testing.T) {
	during(t, func(q *quirky, w *wire, transaction int) {
		q.sampled(w, transaction, 10, object{"value": "61", "measurand": "SoCState", "unit": "Percent"}, object{"value": "3", "measurand": "Vendor.Thing"}, object{"value": "1001250"})
		eventually(t, "energy and state of charge are taken", func() bool {
			one := q.charged()[0]
			return one["energy_wh"] == 1250.0 && one["soc"] == 61.0
		})
	}, "enum")
}

func TestQuirk_Q31_OneBadValue(t *testing.T) {
	during(t, func(q *quirky, w *wire, transaction int) {
		q.sampled(w, transaction, 10, object{"value": "9", "measurand": "Voltage", "unit": "furlong"}, object{"value": "broken", "measurand": "Current.Import", "unit": "A"},
			object{"value": "1001250", "unit": "Wh"})
		eventually(t, "the energy is taken", func() bool { return q.charged()[0]["energy_wh"] == 1250.0 })
	}, "unit", "value", "enum")
}

func TestQuirk_Q33_LiteralNull(t *testing.T) {
	during(t, func(q *quirky, w *wire, _ int) {
		w.send(literal(t, "F14"))
		w.await("3965102")
		if c := q.connector(); strings.Contains(fmt.Sprint(c), "null") {
			t.Errorf("the word null is shown: %v", c)
		}
	})
}

func TestQuirk_G22_WaysToWriteATime(t *testing.T) {
	during(t, func(q *quirky, w *wire, transaction int) {
		for i, form := range []string{"2006-01-02T15:04:05,000Z", "2006-01-02 15:04:05", "2006-01-02T15:04:05+0000", "20060102T150405Z"} {
			when := q.began.Add(timeOf(10 + i)).Format(form)
			w.say("MeterValues", object{"connectorId": 1, "transactionId": transaction, "meterValue": []object{{"timestamp": when, "sampledValue": []object{{"value": fmt.Sprint(meterStart + (10+i)*perMinute)}}}}})
		}
		for i, when := range []any{q.began.Add(timeOf(14)).Unix(), q.began.Add(timeOf(15)).UnixMilli(), fmt.Sprint(q.began.Add(timeOf(16)).Unix())} {
			w.say("MeterValues", object{"connectorId": 1, "transactionId": transaction, "meterValue": []object{{"timestamp": when, "sampledValue": []object{{"value": fmt.Sprint(meterStart + (14+i)*perMinute)}}}}})
		}
		eventually(t, "all readings are taken", func() bool { return q.charged()[0]["energy_wh"] == 2000.0 })
	}, "format", "type")
}
