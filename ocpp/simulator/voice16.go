package simulator

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// voice16 speaks OCPP 1.6-J. Its messages are few and flat, so they are
// written down here as a station's firmware would, independent of the
// platform's own 1.6 types: a mistake there does not hide itself here.
type voice16 struct{}

type fields map[string]any

func (voice16) boot(m *machine, _ string) *call {
	c := m.config
	return &call{action: "BootNotification", payload: func() any {
		f := fields{"chargePointVendor": c.Vendor, "chargePointModel": c.Model}
		if c.Serial != "" {
			f["chargePointSerialNumber"] = c.Serial
		}
		if c.Firmware != "" {
			f["firmwareVersion"] = c.Firmware
		}
		if m.has(LongStrings) {
			f["chargeBoxSerialNumber"] = "EVB1A22P2KI3N12345678901234567890"
		}
		if m.has(ExtraFields) {
			f["vendorNotes"] = "as built"
		}
		return f
	}, done: m.booted}
}

func (m *machine) number(n int) any {
	if m.has(QuotedNumbers) {
		return strconv.Itoa(n)
	}
	return n
}

// told is an instant as this station's clock shows it.
func (m *machine) told(t time.Time) time.Time {
	if m.has(LocalAsUTC) {
		return t.Add(2 * time.Hour)
	}
	return t
}

func (m *machine) stamp16(t time.Time) string {
	layout := "2006-01-02T15:04:05.000Z"
	if m.has(NoZone) {
		layout = "2006-01-02T15:04:05.000"
	}
	return m.told(t).UTC().Format(layout)
}

func (voice16) status(m *machine, e *EVSE, now time.Time) *call {
	code := "NoError"
	if e.state == Faulted {
		code = e.fault
	}
	f := fields{"connectorId": m.number(e.config.ID), "status": string(e.state), "errorCode": code, "timestamp": m.stamp16(now)}
	return &call{action: "StatusNotification", payload: func() any { return f }}
}

type reply16 struct {
	TransactionID int64 `json:"transactionId"`
	IDTagInfo     struct {
		Status string `json:"status"`
	} `json:"idTagInfo"`
}

func (voice16) authorize(_ *machine, token Token, done func(bool)) *call {
	return &call{action: "Authorize", payload: func() any { return fields{"idTag": token.ID} }, done: func(reply json.RawMessage) {
		var r reply16
		done(json.Unmarshal(reply, &r) == nil && r.IDTagInfo.Status == "Accepted")
	}}
}

func (voice16) start(m *machine, e *EVSE, tx *transaction, r reading) *call {
	f := fields{"connectorId": m.number(e.config.ID), "idTag": tx.token.ID, "meterStart": m.number(int(r.register.WattHours())), "timestamp": m.stamp16(r.at)}
	if tx.reservation != nil {
		f["reservationId"] = *tx.reservation
	}
	return &call{action: "StartTransaction", keep: true, payload: func() any { return f }, done: func(reply json.RawMessage) {
		var r reply16
		if json.Unmarshal(reply, &r) != nil || tx.id != "" {
			return
		}
		tx.id = strconv.FormatInt(r.TransactionID, 10)
		if r.IDTagInfo.Status != "Accepted" && e.tx == tx {
			tx.refused = true
			m.finish(e, "DeAuthorized", e.stepped)
		}
	}}
}

func (t *transaction) id16() any {
	n, err := strconv.ParseInt(t.id, 10, 64)
	if err != nil {
		return 0 // the start's reply never came
	}
	return n
}

func (v voice16) update(m *machine, e *EVSE, tx *transaction, trigger string, r reading) *call {
	if trigger == "ChargingStateChanged" {
		return nil // 1.6 says that with its status
	}
	value := v.meterValue(m, r)
	return &call{action: "MeterValues", keep: true, payload: func() any {
		return fields{"connectorId": m.number(e.config.ID), "transactionId": tx.id16(), "meterValue": []any{value}}
	}}
}

func (v voice16) stop(m *machine, _ *EVSE, tx *transaction, r reading) *call {
	f := fields{"meterStop": m.number(int(r.register.WattHours())), "timestamp": m.stamp16(r.at), "reason": tx.reason}
	if tx.reason == "Local" {
		f["idTag"] = tx.token.ID
	}
	var data []any
	for _, kept := range tx.data {
		data = append(data, v.meterValue(m, kept))
	}
	if len(data) > 0 {
		f["transactionData"] = data
	}
	if f["reason"] == "ImmediateReset" {
		f["reason"] = "HardReset"
	}
	return &call{action: "StopTransaction", keep: true, payload: func() any {
		f["transactionId"] = tx.id16()
		return f
	}}
}

func (v voice16) meter(m *machine, e *EVSE, r reading) *call {
	value := v.meterValue(m, r)
	return &call{action: "MeterValues", payload: func() any {
		return fields{"connectorId": m.number(e.config.ID), "meterValue": []any{value}}
	}}
}

func (voice16) meterValue(m *machine, r reading) any {
	register := fields{"measurand": "Energy.Active.Import.Register", "context": r.context, "location": "Outlet", "unit": "Wh", "value": strconv.FormatInt(r.register.WattHours(), 10)}
	switch {
	case m.has(KiloWattHours):
		register["unit"], register["value"] = "kWh", unit.DecimalOf(r.register.WattHours(), -3).String()
	case m.has(NoUnit):
		delete(register, "unit")
		delete(register, "measurand")
	}
	values := []any{register,
		fields{"measurand": "Power.Active.Import", "context": r.context, "unit": "W", "value": strconv.FormatInt(int64(r.power), 10)},
	}
	for l := 1; l <= r.phases; l++ {
		values = append(values, fields{"measurand": "Current.Import", "context": r.context, "unit": "A", "phase": fmt.Sprintf("L%d", l), "value": unit.DecimalOf(int64(r.amps), -3).String()})
	}
	if r.hasSoC {
		values = append(values, fields{"measurand": "SoC", "context": r.context, "unit": "Percent", "location": "EV", "value": strconv.FormatInt(int64(r.soc)/1000, 10)})
	}
	return fields{"timestamp": m.stamp16(r.at), "sampledValue": values}
}

func voiceOf(version string) voice {
	if version == "1.6" {
		return voice16{}
	}
	return voice2{}
}
