package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// kind is a message of a station.
type kind uint8

const (
	kindBoot kind = iota
	kindHeartbeat
	kindStatus
	kindMeter
	kindAuthorize
	kindStart
	kindStop
	kinds
)

// mixture is the order in which a station of the mix speaks: of ten messages
// six MeterValues, three Heartbeats and one StatusNotification.
var mixture = [10]kind{kindMeter, kindHeartbeat, kindMeter, kindMeter, kindHeartbeat, kindMeter, kindStatus, kindMeter, kindHeartbeat, kindMeter}

// SamplesPerMessage is how many sampled values a meter message of the bench
// carries: energy, power and current.
const SamplesPerMessage = 3

// language writes the messages of one OCPP version and checks the replies.
type language struct {
	protocol string
	append   func(b []byte, s *station, k kind, at time.Time) []byte // the payload, behind the action
	action   [kinds]string
}

var languages = map[string]*language{
	"1.6": {protocol: "ocpp1.6", append: append16, action: [kinds]string{
		"BootNotification", "Heartbeat", "StatusNotification", "MeterValues", "Authorize", "StartTransaction", "StopTransaction"}},
	"2.0.1": {protocol: "ocpp2.0.1", append: append201, action: [kinds]string{
		"BootNotification", "Heartbeat", "StatusNotification", "TransactionEvent", "Authorize", "TransactionEvent", "TransactionEvent"}},
}

// call writes a whole CALL frame.
func (l *language) call(b []byte, s *station, k kind, id uint32, at time.Time) []byte {
	b = append(b, `[2,"`...)
	b = strconv.AppendUint(b, uint64(id), 10)
	b = append(append(append(b, `","`...), l.action[k]...), `",`...)
	return append(l.append(b, s, k, at), ']')
}

func appendTime(b []byte, name string, at time.Time) []byte {
	b = append(append(append(b, '"'), name...), `":"`...)
	b = at.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	return append(b, '"')
}

func appendToken(b []byte, s *station) []byte {
	return append(append(append(b, '"'), s.token...), '"')
}

func append16(b []byte, s *station, k kind, at time.Time) []byte {
	switch k {
	case kindBoot:
		return fmt.Appendf(b, `{"chargePointVendor":"Bench","chargePointModel":"Load","chargePointSerialNumber":"%s","firmwareVersion":"1.0"}`, s.id)
	case kindHeartbeat:
		return append(b, "{}"...)
	case kindStatus:
		b = append(append(append(b, `{"connectorId":1,"errorCode":"NoError","status":"`...), s.status...), `",`...)
		return append(appendTime(b, "timestamp", at), '}')
	case kindMeter:
		b = append(append(append(b, `{"connectorId":1,"transactionId":`...), s.transaction...), `,"meterValue":[{`...)
		b = append(appendTime(b, "timestamp", at), `,"sampledValue":[{"value":"`...)
		b = strconv.AppendInt(b, s.register, 10)
		return append(b, `","measurand":"Energy.Active.Import.Register","unit":"Wh"},{"value":"7200","measurand":"Power.Active.Import","unit":"W"},{"value":"31.3","measurand":"Current.Import","unit":"A"}]}]}`...)
	case kindAuthorize:
		return append(appendToken(append(b, `{"idTag":`...), s), '}')
	case kindStart:
		b = append(appendToken(append(b, `{"connectorId":1,"idTag":`...), s), `,"meterStart":0,`...)
		return append(appendTime(b, "timestamp", at), '}')
	default:
		b = append(append(append(b, `{"transactionId":`...), s.transaction...), `,"meterStop":`...)
		b = append(strconv.AppendInt(b, s.register, 10), ',')
		return append(appendTime(b, "timestamp", at), `,"reason":"Local"}`...)
	}
}

func append201(b []byte, s *station, k kind, at time.Time) []byte {
	switch k {
	case kindBoot:
		return fmt.Appendf(b, `{"reason":"PowerUp","chargingStation":{"vendorName":"Bench","model":"Load","serialNumber":"%s","firmwareVersion":"1.0"}}`, s.id)
	case kindHeartbeat:
		return append(b, "{}"...)
	case kindStatus:
		b = append(appendTime(append(b, '{'), "timestamp", at), `,"connectorStatus":"`...)
		return append(append(b, map[string]string{"Charging": "Occupied", "SuspendedEV": "Available"}[s.status]...), `","evseId":1,"connectorId":1}`...)
	case kindAuthorize:
		return append(appendToken(append(b, `{"idToken":{"type":"ISO14443","idToken":`...), s), "}}"...)
	}
	event := map[kind]string{kindStart: `"Started","triggerReason":"Authorized"`, kindMeter: `"Updated","triggerReason":"MeterValuePeriodic"`, kindStop: `"Ended","triggerReason":"StopAuthorized"`}[k]
	b = append(append(append(b, `{"eventType":`...), event...), ',')
	b = append(appendTime(b, "timestamp", at), `,"seqNo":`...)
	b = strconv.AppendInt(b, s.sequence, 10)
	b = append(append(append(b, `,"transactionInfo":{"transactionId":"`...), s.transaction...), `","chargingState":"Charging"},"evse":{"id":1,"connectorId":1}`...)
	if k == kindStart {
		b = append(appendToken(append(b, `,"idToken":{"type":"ISO14443","idToken":`...), s), '}')
	}
	b = append(appendTime(append(b, `,"meterValue":[{`...), "timestamp", at), `,"sampledValue":[{"value":`...)
	b = strconv.AppendInt(b, s.register, 10)
	return append(b, `,"measurand":"Energy.Active.Import.Register","unitOfMeasure":{"unit":"Wh"}},{"value":7200,"measurand":"Power.Active.Import","unitOfMeasure":{"unit":"W"}},{"value":31.3,"measurand":"Current.Import","unitOfMeasure":{"unit":"A"}}]}]}`...)
}

// frameHead is what stands before the payload of a received frame.
type frameHead struct {
	kind   byte // '2' a call, '3' a result, '4' an error
	id     []byte
	action []byte // of a call
	rest   []byte // payload and the closing bracket; of an error what follows the id
}

// parseFrame reads [type,"id",… as the platform writes it.
func parseFrame(text []byte) (h frameHead, ok bool) {
	text = bytes.TrimSpace(text)
	if len(text) < 6 || text[0] != '[' || text[2] != ',' || text[3] != '"' {
		return h, false
	}
	h.kind = text[1]
	h.id, h.rest, ok = bytes.Cut(text[4:], []byte(`",`))
	if ok && h.kind == '2' && len(h.rest) > 0 && h.rest[0] == '"' {
		h.action, h.rest, ok = bytes.Cut(h.rest[1:], []byte(`",`))
	}
	return h, ok && len(h.rest) > 1 && h.rest[len(h.rest)-1] == ']'
}

// payload is the object of a call or a result.
func (h frameHead) payload() []byte { return h.rest[:len(h.rest)-1] }

// reply is what the bench looks at in an answer.
type reply struct {
	Status        string      `json:"status"`      // BootNotification
	CurrentTime   string      `json:"currentTime"` // BootNotification, Heartbeat
	Interval      int         `json:"interval"`
	TransactionID json.Number `json:"transactionId"`
	Tag           tokenInfo   `json:"idTagInfo"`   // 1.6
	Token         tokenInfo   `json:"idTokenInfo"` // 2.0.1
}

type tokenInfo struct {
	Status string `json:"status"`
}

// check says what is wrong with the answer to a message; empty: nothing.
func (l *language) check(s *station, k kind, payload []byte) string {
	if string(payload) == "{}" && (k == kindMeter || k == kindStatus || k == kindStop) {
		return ""
	}
	var r reply
	if err := json.Unmarshal(payload, &r); err != nil {
		return "the payload is not the JSON it should be"
	}
	status := r.Tag.Status + r.Token.Status
	switch {
	case k == kindBoot && (r.Status != "Accepted" || r.CurrentTime == "" || r.Interval <= 0):
		return "the boot was not accepted: " + r.Status
	case k == kindHeartbeat && r.CurrentTime == "":
		return "a heartbeat's answer has no time"
	case k == kindAuthorize && status != s.expected:
		return "the token is " + status + ", not " + s.expected
	case k == kindStart && status != "Accepted":
		return "the start was answered " + status
	case k == kindStart && l.protocol == "ocpp1.6":
		if s.transaction = r.TransactionID.String(); s.transaction == "" {
			return "a start's answer has no transaction"
		}
	}
	return ""
}

// answers are what a station of the bench says to commands: what a plain
// station without configuration would. Everything else is not implemented.
var answers = map[string]string{
	"GetConfiguration":    `{"configurationKey":[{"key":"NumberOfConnectors","readonly":true,"value":"1"},{"key":"HeartbeatInterval","readonly":false,"value":"300"},{"key":"MeterValueSampleInterval","readonly":false,"value":"60"},{"key":"MeterValuesSampledData","readonly":false,"value":"Energy.Active.Import.Register,Power.Active.Import,Current.Import"},{"key":"SupportedFeatureProfiles","readonly":true,"value":"Core"}],"unknownKey":[]}`,
	"ChangeConfiguration": `{"status":"Accepted"}`,
	"GetBaseReport":       `{"status":"NotSupported"}`,
	"ClearCache":          `{"status":"Accepted"}`,
}

// answer writes the reply to a command of the platform.
func answer(b []byte, h frameHead) []byte {
	if text, known := answers[string(h.action)]; known {
		return append(append(append(append(append(b, `[3,"`...), h.id...), `",`...), text...), ']')
	}
	return append(append(append(b, `[4,"`...), h.id...), `","NotImplemented","",{}]`...)
}
