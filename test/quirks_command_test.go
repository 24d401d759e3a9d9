package test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// setting is a write of one variable.
func oneVariable(component, variable, value string) object {
	return object{"setVariableData": []object{{"attributeValue": value, "component": object{"name": component}, "variable": object{"name": variable}}}}
}

func TestQuirk_Q55_AcceptsButNeverSends(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	if got := w.say("BootNotification", object{"chargePointVendor": "Wall Box Chargers", "chargePointModel": "Pulsar Pro", "firmwareVersion": "6.11.16", "meterType": "Internal NON compliant"}); got["status"] != "Accepted" {
		t.Fatalf("boot: %v", got)
	}
	q.stop16(w, q.start16(w)) // not one reading between
	q.settled(energyWh, "0.90")
}

func TestQuirk_Q73_NeverAllMeasurands(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("ABB", "Terra AC W22", "1.8.20")
	w.on("ChangeConfiguration", `{"status":"Accepted"}`)
	expect(t, q.order(q.id, "SetVariables", oneVariable("SampledDataCtrlr", "TxUpdatedMeasurands", "Energy.Active.Import.Register,Power.Factor,Temperature,Voltage,RPM")), "accepted")
	for {
		var sent struct{ Key, Value string }
		if err := json.Unmarshal(w.called("ChangeConfiguration").payload, &sent); err != nil {
			t.Fatal(err)
		}
		if sent.Key == "MeterValuesSampledData" && strings.Contains(sent.Value, "Voltage") {
			if sent.Value != "Energy.Active.Import.Register,Voltage" {
				t.Errorf("written was %s", sent.Value)
			}
			break
		}
	}
	q.shown("measurands_cut")
	q.wholeCharge(w)
}

func TestQuirk_Q74_MeasurandsOneByOne(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("EV-BOX", "Elvi", "1")
	held := ""
	w.onFunc("ChangeConfiguration", func(payload json.RawMessage) string {
		var r struct{ Key, Value string }
		if json.Unmarshal(payload, &r) != nil || strings.Contains(r.Value, "SoC") {
			return `{"status":"Rejected"}`
		}
		held = r.Value
		return `{"status":"Accepted"}`
	})
	got := q.order(q.id, "SetVariables", oneVariable("SampledDataCtrlr", "TxUpdatedMeasurands", "Energy.Active.Import.Register,SoC,Voltage"))
	if held != "Energy.Active.Import.Register,Voltage" || !strings.Contains(fmt.Sprint(got), "refused: SoC") {
		t.Errorf("the station holds %q; told was %v", held, got)
	}
	q.shown("measurands_refused")
	q.wholeCharge(w)
}

func TestQuirk_Q75_NotSupportedIsNotFatal(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("EN+", "Morek", "1")
	w.on("ChangeConfiguration", `{"status":"NotSupported"}`)
	w.on("GetConfiguration", `{"configurationKey":[{"key":"ClockAlignedDataInterval","readonly":true,"value":"900"}],"unknownKey":["WebSocketPingInterval"]}`)
	got := q.order(q.id, "SetVariables", oneVariable("OCPPCommCtrlr", "WebSocketPingInterval", "60"))
	if got["status"] == "timed_out" || got["status"] == "queued" {
		t.Errorf("the command is %v", got["status"])
	}
	q.wholeCharge(w)
}

func TestQuirk_Q77_SecretsInTheConfiguration(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("United Chargers", "Grizzl-E Smart v2", "1")
	const secret = "hunter2-hunter2-hunter2"
	q.readConfiguration(w, literal(t, "F27", "da48e3e2-57da-4beb-9a05-40315ba6a802", "%id", "REDACTED-IN-THIS-COPY", secret))
	eventually(t, "the configuration is stored", func() bool { return q.variable("OCPP16.SetCurrent") != nil })
	eventually(t, "the answer is in the log", func() bool {
		return strings.Contains(fmt.Sprint(q.items("/charging-stations/"+q.id+"/messages?limit=1000")), "StationPassword")
	})
	for _, path := range []string{"/variables?limit=1000", "/messages?limit=1000"} {
		if strings.Contains(fmt.Sprint(q.items("/charging-stations/"+q.id+path)), secret) {
			t.Errorf("%s shows the station's password", path)
		}
	}
	q.wholeCharge(w)
}

func TestQuirk_Q78_TriggerIsRejected(t *testing.T) {
	during(t, func(q *quirky, w *wire, transaction int) {
		w.on("TriggerMessage", `{"status":"Rejected"}`)
		if got := q.order(q.id, "TriggerMessage", object{"requestedMessage": "MeterValues", "evse": object{"id": 1}}); got["status"] != "rejected" {
			t.Errorf("the command is %v", got["status"])
		}
		q.register16(w, transaction, 10, meterStart+1250)
	})
}

// profiled sends a profile to a station of this make and gives what arrived.
func profiled(t *testing.T, vendor, model, firmware string, profile object, answers map[string]string) (*quirky, *wire, object, string) {
	t.Helper()
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot(vendor, model, firmware)
	for action, answer := range answers {
		w.on(action, answer)
	}
	if answers["SetChargingProfile"] == "" {
		w.on("SetChargingProfile", `{"status":"Accepted"}`)
	}
	got := q.order(q.id, "SetChargingProfile", profile)
	return q, w, got, string(w.called("SetChargingProfile").payload)
}

func TestQuirk_Q79_StackLevelZero(t *testing.T) {
	for _, m := range [][3]string{{"Wall Box Chargers", "Pulsar", "5.17"}, {"Wallbox", "Copper SB", "5"}, {"ABB", "Terra AC W7", "1.8.21"}, {"Maker", "One", "1"}} {
		t.Run(m[1], func(t *testing.T) {
			q, w, got, sent := profiled(t, m[0], m[1], m[2], limit(1), nil)
			expect(t, got, "accepted")
			want := `"stackLevel":0`
			if m[0] == "Maker" {
				want = `"stackLevel":1`
			}
			if !strings.Contains(sent, want) {
				t.Errorf("sent was %s", sent)
			}
			q.wholeCharge(w)
		})
	}
}

func TestQuirk_Q81_NoMaxProfile(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("EV-BOX", "Elvi", "1")
	w.onFunc("SetChargingProfile", func(payload json.RawMessage) string {
		if strings.Contains(string(payload), "ChargePointMaxProfile") {
			return literal(t, "F28", "b81b0376-0d78-4d2e-b0f9-8166c2844c4e", "%id")
		}
		return `{"status":"Accepted"}`
	})
	profile := limit(0)
	profile["chargingProfile"].(object)["chargingProfilePurpose"] = "ChargingStationMaxProfile"
	expect(t, q.order(q.id, "SetChargingProfile", profile), "accepted")
	q.shown("max_profile_refused")
	q.wholeCharge(w)
}

func TestQuirk_Q82_AcceptedButNotApplied(t *testing.T) {
	q, w, got, _ := profiled(t, "United Chargers", "Grizzl-E", "GCW-03.09.0", limit(1), map[string]string{
		"GetCompositeSchedule": `{"status":"Accepted","connectorId":1,"chargingSchedule":{"duration":60,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":32}]}}`,
	})
	if !strings.Contains(fmt.Sprint(got), "NotApplied") {
		t.Errorf("told was %v", got)
	}
	q.shown("profile_not_applied")
	q.wholeCharge(w)
}

func TestQuirk_Q83_WattsOnly(t *testing.T) {
	q, w, got, sent := profiled(t, "Huawei", "SCharger-22KT-S0", "1", limit(1), nil)
	expect(t, got, "accepted")
	if !strings.Contains(sent, `"chargingRateUnit":"W"`) || !strings.Contains(sent, `"limit":6900`) {
		t.Errorf("sent was %s", sent)
	}
	q.shown("rate_unit")
	q.wholeCharge(w)
}

func TestQuirk_Q85_LimitInMilliamperes(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("Keba AG", "KC-P30", "1")
	w.on("ChangeConfiguration", `{"status":"Accepted"}`)
	q.order(q.id, "SetVariables", oneVariable("OCPP16", "ChargeRateLimit", "16000"))
	for {
		if sent := string(w.called("ChangeConfiguration").payload); strings.Contains(sent, "ChargeRateLimit") {
			if !strings.Contains(sent, `"16000"`) {
				t.Errorf("written was %s", sent)
			}
			break
		}
	}
	q.wholeCharge(w)
}

func TestQuirk_Q86_DirectCurrent(t *testing.T) {
	q, w, got, sent := profiled(t, "ABB", "Terra 54 DC", "1", limit(1), map[string]string{"SetChargingProfile": `[4,"%id","NotSupported","",{}]`})
	if got["status"] == "accepted" || !strings.Contains(fmt.Sprint(q.must("GET", "/commands/"+got["id"].(string), nil)), "NotSupported") {
		t.Errorf("a refusal ended as %v", got)
	}
	if !strings.Contains(sent, `"chargingRateUnit":"W"`) {
		t.Errorf("sent was %s", sent)
	}
	start := w.say("StartTransaction", object{"connectorId": 1, "idTag": q.card, "meterStart": 365000, "timestamp": q.at(0)})
	w.send(literal(t, "F29", "2026-05-22T14:57:10.605Z", q.at(10), "1779460174", fmt.Sprint(start["transactionId"])))
	w.await("36:367")
	eventually(t, "the reading is taken", func() bool {
		one := q.charged()[0]
		return one["energy_wh"] == 1211.0 && one["power_w"] == 19430.0 && one["soc"] == 48.0
	})
	w.say("StopTransaction", object{"transactionId": start["transactionId"], "meterStop": 365000 + energyWh, "timestamp": q.at(readings)})
	q.free16(w, readings)
	q.settled(energyWh, "0.90")
}
