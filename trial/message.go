package trial

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

type object = map[string]any

func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }

// call gives action and payload of an event in the station's version.
func (s *station) call(e *event) (action string, payload object) {
	if s.version == "1.6" {
		return s.call16(e)
	}
	return s.call201(e)
}

func (s *station) call16(e *event) (string, object) {
	switch e.kind {
	case authorize:
		return "Authorize", object{"idTag": s.token}
	case started:
		return "StartTransaction", object{"connectorId": 1, "idTag": s.token, "meterStart": e.register, "timestamp": stamp(e.at)}
	case updated:
		return "MeterValues", object{"connectorId": 1, "transactionId": json.Number(e.of.id), "meterValue": []object{{
			"timestamp": stamp(e.at), "sampledValue": []object{
				{"value": strconv.FormatInt(e.register, 10), "measurand": "Energy.Active.Import.Register", "unit": "Wh", "context": "Sample.Periodic"},
				{"value": "150000", "measurand": "Power.Active.Import", "unit": "W"}}}}}
	}
	return "StopTransaction", object{"transactionId": json.Number(e.of.id), "meterStop": e.register, "timestamp": stamp(e.at), "idTag": s.token, "reason": "Local"}
}

func (s *station) call201(e *event) (string, object) {
	token := object{"idToken": s.token, "type": "ISO14443"}
	if e.kind == authorize {
		return "Authorize", object{"idToken": token}
	}
	context := map[kind]string{started: "Transaction.Begin", updated: "Sample.Periodic", ended: "Transaction.End"}[e.kind]
	m := object{
		"eventType":       map[kind]string{started: "Started", updated: "Updated", ended: "Ended"}[e.kind],
		"triggerReason":   map[kind]string{started: "Authorized", updated: "MeterValuePeriodic", ended: "StopAuthorized"}[e.kind],
		"timestamp":       stamp(e.at),
		"seqNo":           e.seq,
		"transactionInfo": object{"transactionId": e.of.id, "chargingState": "Charging"},
		"evse":            object{"id": 1, "connectorId": 1},
		"meterValue": []object{{"timestamp": stamp(e.at), "sampledValue": []object{
			{"value": e.register, "measurand": "Energy.Active.Import.Register", "context": context, "unitOfMeasure": object{"unit": "Wh"}}}}},
	}
	if e.offline {
		m["offline"] = true
	}
	if e.kind == started {
		m["idToken"] = token
	}
	if e.kind == ended {
		m["transactionInfo"] = object{"transactionId": e.of.id, "stoppedReason": "Local"}
		m["idToken"] = token
	}
	return "TransactionEvent", m
}

func (s *station) boot() (string, object) {
	if s.version == "1.6" {
		return "BootNotification", object{"chargePointVendor": "Trial", "chargePointModel": "Ledger", "chargePointSerialNumber": s.id, "firmwareVersion": "1.0"}
	}
	return "BootNotification", object{"reason": "PowerUp", "chargingStation": object{"vendorName": "Trial", "model": "Ledger", "serialNumber": s.id, "firmwareVersion": "1.0"}}
}

// answer is what the trial reads of a CALLRESULT, of either version.
type answer struct {
	Status        string      `json:"status"`
	TransactionID json.Number `json:"transactionId"`
	Tag           struct {
		Status string `json:"status"`
	} `json:"idTagInfo"`
	Token struct {
		Status string `json:"status"`
	} `json:"idTokenInfo"`
}

// verdict reads the answer to an event; wrong says what is not as it should
// be. An event is acknowledged all the same.
func (s *station) verdict(e *event, payload json.RawMessage) (wrong error) {
	var a answer
	if err := json.Unmarshal(payload, &a); err != nil {
		return fmt.Errorf("station %s: the answer is not what the version has: %w", s.id, err)
	}
	status := a.Tag.Status + a.Token.Status
	if e.kind == started && s.version == "1.6" {
		if e.of.id = a.TransactionID.String(); e.of.id == "" {
			return fmt.Errorf("station %s: a start was answered without a transaction", s.id)
		}
	}
	if (e.kind == started || e.kind == authorize) && status != "Accepted" {
		return fmt.Errorf("station %s: the token was answered %q", s.id, status)
	}
	return nil
}

// replies are what these stations say to commands: what a plain one would.
var replies = map[string]string{
	"GetConfiguration":    `{"configurationKey":[{"key":"NumberOfConnectors","readonly":true,"value":"1"},{"key":"HeartbeatInterval","readonly":false,"value":"300"}],"unknownKey":[]}`,
	"ChangeConfiguration": `{"status":"Accepted"}`,
	"GetBaseReport":       `{"status":"NotSupported"}`,
	"ClearCache":          `{"status":"Accepted"}`,
	"TriggerMessage":      `{"status":"NotImplemented"}`,
}

func reply(id json.RawMessage, action string) []byte {
	if text, known := replies[action]; known {
		return fmt.Appendf(nil, `[3,%s,%s]`, id, text)
	}
	return fmt.Appendf(nil, `[4,%s,"NotImplemented","",{}]`, id)
}
