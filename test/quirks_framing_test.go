package test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

func TestQuirk_Q11_MissingValue(t *testing.T) {
	during(t, func(q *quirky, w *wire, _ int) {
		w.send(literal(t, "F01"))
		w.await("<message-id>")
		w.send(literal(t, "F01", "<message-id>", "now", "2026-08-04T13:35:45.377", strings.TrimSuffix(q.at(10), "Z"), `"1750"`, fmt.Sprintf("%q", fmt.Sprint(meterStart+1250))))
		w.await("now")
		eventually(t, "the reading went to the transaction of the connector", func() bool { return q.charged()[0]["energy_wh"] == 1250.0 })
	}, "missing_value", "null", "format")
}

func TestQuirk_Q13_TruncatedAnswer(t *testing.T) {
	during(t, func(q *quirky, w *wire, _ int) {
		w.on("GetConfiguration", literal(t, "F03", "64b4a0fc-7282-4e26-ab30-cc3c2955c70d", "%id"))
		got := q.order(q.id, "GetBaseReport", object{"requestId": 1, "reportBase": "FullInventory"})
		if got["status"] == "accepted" {
			t.Errorf("half an answer was taken for one: %v", got)
		}
		w.alive()
	}, "bad_frame_payload_broken")
}

func TestQuirk_Q14_PrettyPrinted(t *testing.T) {
	during(t, func(q *quirky, w *wire, transaction int) {
		w.send(literal(t, "F04"))
		w.await("532646386")
		w.send(fmt.Sprintf("[\r\n\t2 ,\n\"p\" ,\n\"MeterValues\" ,\n{\n\t\"connectorId\" : 1 ,\n\"transactionId\" : %d ,\n\"meterValue\" : [\n{ \"timestamp\" : %q , \"sampledValue\" : [ { \"value\" : \"1001250\" } ] }\n]\n}\n]\n", transaction, q.at(10)))
		w.await("p")
		w.on("GetConfiguration", literal(t, "F12", "4233371905", "%id"))
		expect(t, q.order(q.id, "GetBaseReport", object{"requestId": 1, "reportBase": "FullInventory"}), "accepted")
	})
}

func TestQuirk_Q15_ErrorForNobody(t *testing.T) {
	during(t, func(_ *quirky, w *wire, _ int) {
		w.send(literal(t, "F05"))
		w.alive()
	}, "unknown_reply")
}

func TestQuirk_Q17_SpellingsOfAnError(t *testing.T) {
	during(t, func(q *quirky, w *wire, _ int) {
		for _, code := range []string{"FormationViolation", "FormatViolation", "OccurenceConstraintViolation", "OccurrenceConstraintViolation"} {
			w.on("ClearCache", `[4,"%id","`+code+`","no",{}]`)
			got := fmt.Sprint(q.must("GET", "/commands/"+q.order(q.id, "ClearCache", object{})["id"].(string), nil))
			if want := strings.NewReplacer("Formation", "Format", "Occurence", "Occurrence").Replace(code); !strings.Contains(got, want) {
				t.Errorf("%s was told as %s", code, got)
			}
		}
		w.send(`[2,"bad","Authorize",7]`)
		if got := w.code("bad"); got != "FormationViolation" {
			t.Errorf("1.6 is answered %s", got)
		}
		w2 := q.plug("ocpp2.0.1")
		w2.send(`[2,"bad2","Authorize",{"idToken":tru}]`)
		if got := w2.code("bad2"); got != "FormatViolation" {
			t.Errorf("2.0.1 is answered %s", got)
		}
		w2.ws.CloseNow()
		q.back = q.plug("ocpp1.6")
	})
}

// classes are whole kinds of frames: each is a reading of the charge, and
// answered like one.
var classes = []struct {
	name, frame, id string // %d the transaction, %s the time
	code            string
}{
	{"G05 commas too many", `[2,"c","MeterValues",{,"connectorId":1,"transactionId":%d,,"meterValue":[{"timestamp":"%s","sampledValue":[{"value":"1001250",},]},],},]`, "c", "stray_comma"},
	{"G06 control characters", "[2,\"c\",\"MeterValues\",{\"connectorId\":1,\"transactionId\":%d,\"vendor\":\"a\tb\x01\x00\\S\",\"meterValue\":[{\"timestamp\":\"%s\",\"sampledValue\":[{\"value\":\"1001250\"}]}]}]", "c", "control_character"},
	{"G06 escaped NUL", `[2,"c","MeterValues",{"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":"%s","sampledValue":[{"value":"1001250\u0000"}]}]}]`, "c", "nul_character"},
	{"G07 literals", `[2,"c","MeterValues",{"connectorId":01,"transactionId":+%d,"meterValue":[{"timestamp":"%s","sampledValue":[{"value":1001250.},{"value":NaN,"measurand":"Temperature"}]}]}]`, "c", "bad_literal"},
	{"G08 cut off", `[2,"c","MeterValues",{"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":"%s","sampledValue":[{"value":"1001250"},{"value":"7`, "c", "truncated"},
	{"G09 two frames", `[2,"other","Heartbeat",{}][2,"c","MeterValues",{"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":"%s","sampledValue":[{"value":"1001250"}]}]}]`, "c", "concatenated"},
	{"G10 marks around", "\ufeff[2,\"c\",\"MeterValues\",{\"connectorId\":1,\"transactionId\":%d,\"meterValue\":[{\"timestamp\":\"%s\",\"sampledValue\":[{\"value\":\"1001250\"}]}]}]\x00\x00", "c", "trailing_bytes"},
	{"G12 numeric id", `[2,4711,"MeterValues",{"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":"%s","sampledValue":[{"value":"1001250"}]}]}]`, "4711", "numeric_id"},
	{"G12 long id", `[2,"` + long + `","MeterValues",{"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":"%s","sampledValue":[{"value":"1001250"}]}]}]`, long, "long_id"},
	{"G13 type as text and elements too many", `["2","c","MeterValues",{"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":"%s","sampledValue":[{"value":"1001250"}]}]},{"more":[]}]`, "c", "text_type"},
	{"G14 action in another case", `[2,"c","meterValues",{"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":"%s","sampledValue":[{"value":"1001250"}]}]}]`, "c", "action_case"},
	{"G17 fields twice", `[2,"c","MeterValues",{"connectorId":7,"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":"%s","sampledValue":[{"value":"1001250"}]}]}]`, "c", "duplicate"},
	{"G18 unknown fields", `[2,"c","MeterValues",{"connectorId":1,"transactionId":%d,"evil":{"a":[1]},"meterValue":[{"timestamp":"%s","x":1,"sampledValue":[{"value":"1001250","y":null}]}]}]`, "c", "additional"},
	{"G19 values in another case", `[2,"c","MeterValues",{"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":"%s","sampledValue":[{"value":"1001.250","unit":"KWH","measurand":"energy.active.import.register","context":"sample.periodic"}]}]}]`, "c", "enum"},
	{"G20 numbers as text", `[2,"c","MeterValues",{"connectorId":"1","transactionId":"%d","meterValue":[{"timestamp":"%s","sampledValue":[{"value":1001250}]}]}]`, "c", "type"},
	{"G21 null and empty", `[2,"c","MeterValues",{"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":"%s","sampledValue":[{"value":"1001250","unit":null,"phase":"","location":null}]}]}]`, "c", "null"},
}

var long = strings.Repeat("long-", 10)

func class(t *testing.T, name string) {
	t.Helper()
	for _, c := range classes {
		if strings.HasPrefix(c.name, name+" ") {
			t.Run(c.name, func(t *testing.T) {
				during(t, func(q *quirky, w *wire, transaction int) {
					w.send(fmt.Sprintf(c.frame, transaction, q.at(10)))
					w.await(c.id)
					eventually(t, "the reading is taken", func() bool { return q.charged()[0]["energy_wh"] == 1250.0 })
				}, c.code)
			})
		}
	}
}

func TestQuirk_G05_CommasTooMany(t *testing.T)       { class(t, "G05") }
func TestQuirk_G06_ControlCharacters(t *testing.T)   { class(t, "G06") }
func TestQuirk_G07_Literals(t *testing.T)            { class(t, "G07") }
func TestQuirk_G09_FramesInOneMessage(t *testing.T)  { class(t, "G09") }
func TestQuirk_G10_MarksAround(t *testing.T)         { class(t, "G10") }
func TestQuirk_G12_MessageIDs(t *testing.T)          { class(t, "G12") }
func TestQuirk_G14_ActionCase(t *testing.T)          { class(t, "G14") }
func TestQuirk_G17_FieldsTwice(t *testing.T)         { class(t, "G17") }
func TestQuirk_G18_UnknownFields(t *testing.T)       { class(t, "G18") }
func TestQuirk_G19_ValuesInAnotherCase(t *testing.T) { class(t, "G19") }
func TestQuirk_G20_NumbersAsText(t *testing.T)       { class(t, "G20") }
func TestQuirk_G21_NullAndEmpty(t *testing.T)        { class(t, "G21") }

func TestQuirk_G08_CallCutOff(t *testing.T) {
	class(t, "G08")
	t.Run("stop", func(t *testing.T) { // a buffer that is too small for the readings of a stop: the stop itself is whole
		q := quirk(t, nil)
		w := q.plug("ocpp1.6")
		w.boot("Maker", "One", "1.0")
		transaction := q.start16(w)
		w.send(fmt.Sprintf(`[2,"stop","StopTransaction",{"transactionId":%d,"meterStop":1002500,"timestamp":"%s","transactionData":[{"timestamp":"%s","sampledValue":[{"value":"1001250"}]},{"timest`,
			transaction, q.at(20), q.at(10)))
		w.await("stop")
		q.free16(w, readings)
		q.settled(energyWh, "0.90")
		q.shown("truncated")
	})
}

func TestQuirk_G11_BinaryMessages(t *testing.T) {
	during(t, func(q *quirky, w *wire, transaction int) {
		w.sendAs(websocket.MessageBinary, fmt.Sprintf(`[2,"c","MeterValues",{"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":"%s","sampledValue":[{"value":"1001250"}]}]}]`, transaction, q.at(10)))
		w.await("c")
	}, "binary_message")
}

func TestQuirk_G13_ElementsTooFewOrTooMany(t *testing.T) {
	class(t, "G13")
	t.Run("errors", func(t *testing.T) {
		during(t, func(q *quirky, w *wire, _ int) {
			for _, answer := range []string{`[4,"%id","InternalError"]`, `[4,"%id","InternalError","why"]`, `[4,"%id","InternalError","why",{}]`, `[4,"%id","InternalError","why",{},null]`} {
				w.on("ClearCache", answer)
				if got := q.order(q.id, "ClearCache", object{}); got["status"] == "accepted" || got["status"] == "timed_out" {
					t.Errorf("%s ended as %v", answer, got)
				}
			}
			for i, payload := range []string{`,[]`, `,null`, ``, `,{}`} {
				id := fmt.Sprintf("e%d", i)
				w.send(`[2,"` + id + `","Heartbeat"` + payload + `]`)
				w.await(id)
			}
		}, "short_error", "extra_elements", "empty_payload")
	})
}

func TestQuirk_G15_CallsWithoutWaiting(t *testing.T) {
	during(t, func(q *quirky, w *wire, transaction int) {
		for i := 1; i <= 12; i++ {
			w.send(fmt.Sprintf(`[2,"o%d","MeterValues",{"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":"%s","sampledValue":[{"value":"%d"}]}]}]`, i, transaction, q.at(i), meterStart+i*perMinute))
		}
		for i := 1; i <= 12; i++ {
			w.await(fmt.Sprintf("o%d", i))
		}
		eventually(t, "all readings are taken", func() bool { return q.charged()[0]["energy_wh"] == 1500.0 })
	})
}

func TestQuirk_G16_AnswersOutOfTurn(t *testing.T) {
	during(t, func(q *quirky, w *wire, _ int) {
		w.on("ClearCache", `[3,"never-asked",{"status":"Accepted"}]`)
		ended := make(chan object, 1)
		go func() { ended <- q.order(q.id, "ClearCache", object{}) }()
		c := w.called("ClearCache")
		w.send(`[3,"` + c.id + `",{"status":"Accepted"}]`)
		w.send(`[3,"` + c.id + `",{"status":"Rejected"}]`)
		w.alive()
		expect(t, <-ended, "accepted")
	}, "unknown_reply", "duplicate_reply")
}
