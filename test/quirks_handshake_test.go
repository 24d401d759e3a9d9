package test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// shake does the handshake by hand and gives the socket and the answer's head.
func (q *quirky) shake(headers ...string) (net.Conn, *bufio.Reader, *http.Response) {
	q.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(q.url, "http://"))
	if err != nil {
		q.t.Fatal(err)
	}
	q.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	head := "GET /ocpp/" + q.id + " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nAuthorization: " +
		basic(q.id, q.password) + "\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n"
	if _, err := io.WriteString(conn, head); err != nil {
		q.t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		q.t.Fatal(err)
	}
	return conn, r, res
}

// exchange writes a frame on a socket and reads one.
func exchange(t *testing.T, conn net.Conn, r *bufio.Reader, text string) []json.RawMessage {
	t.Helper()
	if _, err := conn.Write(append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...)); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 2)
	if _, err := io.ReadFull(r, head); err != nil || head[1] > 125 {
		t.Fatalf("%v %v", head, err)
	}
	body := make([]byte, head[1])
	if _, err := io.ReadFull(r, body); err != nil {
		t.Fatal(err)
	}
	var f []json.RawMessage
	if err := json.Unmarshal(body, &f); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return f
}

func (q *quirky) wholeCharge(w *wire) {
	q.t.Helper()
	transaction := q.start16(w)
	q.register16(w, transaction, 10, meterStart+1250)
	q.stop16(w, transaction)
	q.settled(energyWh, "0.90")
}

func TestQuirk_Q01_NoSubprotocol(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug()
	if got := w.ws.Subprotocol(); got != "" {
		t.Errorf("the subprotocol %q was echoed, though none was offered", got)
	}
	w.boot("United Chargers", "Grizzl-E Smart", "05.621")
	q.wholeCharge(w)
	q.shown("no_subprotocol")

	q.flip("no_subprotocol", false)
	again := q.plug()
	if <-again.gone; websocket.CloseStatus(again.end) != websocket.StatusProtocolError {
		t.Errorf("switched off, the connection ended with %v, want a protocol error", again.end)
	}
}

func TestQuirk_Q02_EmptySubprotocolList(t *testing.T) {
	q := quirk(t, nil)
	w, err := q.open("/"+q.id, http.Header{"Authorization": {basic(q.id, q.password)}, "Sec-Websocket-Protocol": {""}})
	if err != nil {
		t.Fatal(err)
	}
	w.boot("Maker", "L2", "1")
	q.wholeCharge(w)
	q.shown("no_subprotocol")
}

func TestQuirk_Q03_NoConnectionHeader(t *testing.T) {
	q := quirk(t, nil)
	_, _, res := q.shake("Sec-WebSocket-Protocol: ocpp1.6")
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "Connection: Upgrade") {
		t.Errorf("%d %q, want 400 with the reason", res.StatusCode, body)
	}
	q.shown("no_connection_header")
	q.flip("no_connection_header", true)
	conn, r, res := q.shake("Sec-WebSocket-Protocol: ocpp1.6")
	if res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("switched on, the handshake is answered %d", res.StatusCode)
	}
	if f := exchange(t, conn, r, `[2,"h","Heartbeat",{}]`); string(f[0]) != "3" || string(f[1]) != `"h"` {
		t.Errorf("heartbeat: %s", f)
	}
	q.flip("no_connection_header", nil)
	if _, _, res := q.shake("Sec-WebSocket-Protocol: ocpp1.6"); res.StatusCode != http.StatusBadRequest {
		t.Errorf("left to the table again: %d", res.StatusCode)
	}
}

func TestQuirk_Q05_LowerCasedAddress(t *testing.T) {
	q := quirk(t, nil)
	w, err := q.open("/"+strings.ToLower(q.id), http.Header{"Authorization": {basic(strings.ToLower(q.id), q.password)}}, "ocpp1.6")
	if err != nil {
		t.Fatal(err)
	}
	w.boot("DBT", "Dual", "1")
	q.wholeCharge(w)

	window := q.must("POST", "/enrolment-windows", object{"closes_at": time.Now().Add(time.Hour), "max_stations": 1, "token": true, "site": field.site})
	token, _ := window["token"].(string)
	fresh := *q
	fresh.id = q.id + "-new"
	if _, err := fresh.open("/"+strings.ToLower(fresh.id)+"?TOKEN="+token, nil, "ocpp1.6"); err != nil {
		t.Errorf("the name of a query parameter in another case: %v", err)
	}
}

func TestQuirk_Q07_ProbeInAnotherVersion(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp2.0.1")
	w.say("BootNotification", boot2)
	q.charge2(w, 0, meterStart)
	probe := q.plug("ocpp1.6")
	probe.alive()
	probe.ws.Close(websocket.StatusNormalClosure, "")
	w = q.plug("ocpp2.0.1")
	q.charge2(w, 1, meterStart+1250)
	q.charge2(w, 2, meterStart+energyWh)
	q.settled(energyWh, "0.90")
	if st := q.must("GET", "/charging-stations/"+q.id, nil); st["protocol"] != "2.0.1" {
		t.Errorf("protocol %v", st["protocol"])
	}
	if seen := q.deviations(); slices.Contains(seen, "identity_conflict") {
		t.Error("the probe was taken for a second device")
	}
}

// charge2 tells one event of a 2.0.1 charge of three, ten minutes apart.
func (q *quirky) charge2(w *wire, seq, wh int) object {
	q.t.Helper()
	kind, trigger := []string{"Started", "Updated", "Ended"}[seq], []string{"Authorized", "MeterValuePeriodic", "StopAuthorized"}[seq]
	info := object{"transactionId": "tx-" + q.id, "chargingState": "Charging"}
	if seq == 2 {
		info["stoppedReason"] = "Local"
	}
	return w.say("TransactionEvent", object{"eventType": kind, "timestamp": q.at(10 * seq), "triggerReason": trigger, "seqNo": seq, "transactionInfo": info,
		"evse": object{"id": 1, "connectorId": 1}, "idToken": object{"idToken": q.card, "type": "ISO14443"},
		"meterValue": []object{{"timestamp": q.at(10 * seq), "sampledValue": []object{{"value": wh, "measurand": "Energy.Active.Import.Register", "unitOfMeasure": object{"unit": "Wh"}}}}}})
}

func TestQuirk_Q09_NeverComesBack(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("Teison", "Smart MINI", "1")
	transaction := q.start16(w)
	q.register16(w, transaction, 10, meterStart+1250)
	w.ws.CloseNow()
	eventually(t, "the station shows as gone", func() bool { return q.must("GET", "/charging-stations/"+q.id, nil)["online"] == false })
	if one := q.charged()[0]; one["status"] != "active" || one["energy_wh"] != 1250.0 {
		t.Errorf("the session of an absent station is %v with %v Wh", one["status"], one["energy_wh"])
	}
	w = q.plug("ocpp1.6") // somebody rebooted it over Bluetooth
	q.stop16(w, transaction)
	q.settled(energyWh, "0.90")
}

func TestQuirk_Q87_OldMessagesOnANewConnection(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6", "ocpp2.0.1")
	if got := w.ws.Subprotocol(); got != "ocpp2.0.1" {
		t.Fatalf("chosen was %q", got)
	}
	w.boot("FoxESS", "A022KP1", "1.10") // in the words of 1.6
	q.wholeCharge(w)
	q.shown("old_shape")
	w.ws.CloseNow()
	if got := q.plug("ocpp1.6", "ocpp2.0.1").ws.Subprotocol(); got != "ocpp1.6" {
		t.Errorf("once the model is known 1.6 is chosen, not %q", got)
	}
	if got := q.plug("ocpp2.0.1").ws.Subprotocol(); got != "ocpp2.0.1" {
		t.Errorf("where 1.6 is not offered %q was chosen", got)
	}
}

func TestQuirk_G01_BasicUserIsNotTheIdentity(t *testing.T) {
	q := quirk(t, nil)
	header := http.Header{"Authorization": {basic("SN-4711", q.password)}}
	if _, err := q.open("/"+q.id, header, "ocpp1.6"); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("another user name: %v, want 401", err)
	}
	q.flip("basic_user", true)
	w, err := q.open("/"+q.id, header, "ocpp1.6")
	if err != nil {
		t.Fatal(err)
	}
	w.alive()
	q.shown("basic_user")
	if _, err := q.open("/"+q.id, http.Header{"Authorization": {basic("SN-4711", "0123456789abcdef0123")}}, "ocpp1.6"); err == nil {
		t.Error("the password must be right all the same")
	}
}

func TestQuirk_G02_BlanksAroundThePassword(t *testing.T) {
	q := quirk(t, nil)
	header := http.Header{"Authorization": {basic(q.id, q.password+"\r\n")}}
	w, err := q.open("/"+q.id, header, "ocpp1.6")
	if err != nil {
		t.Fatal(err)
	}
	w.alive()
	q.shown("password_space")
	q.flip("password_space", false)
	if _, err := q.open("/"+q.id, header, "ocpp1.6"); err == nil {
		t.Error("switched off, blanks count")
	}
}

func TestQuirk_G03_OldMessagesOn21(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp2.1")
	w.boot("Maker", "One", "1")
	q.wholeCharge(w)
	q.shown("old_shape")
}

func TestQuirk_G04_WaysToWriteTheAddress(t *testing.T) {
	q := quirk(t, nil)
	header := http.Header{"Authorization": {basic(q.id, q.password)}}
	encoded := ""
	for _, c := range []byte(q.id) {
		encoded += "%" + strings.ToUpper(string("0123456789abcdef"[c>>4])+string("0123456789abcdef"[c&15]))
	}
	for _, path := range []string{"//" + q.id, "/" + q.id + "/", "/" + encoded, "/" + strings.ToLower(q.id), "", "/"} {
		w, err := q.open(path, header, "OCPP1.6")
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		w.alive()
		w.ws.CloseNow()
	}
	ws, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(q.url, "http")+"/OCPP/"+q.id, &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		t.Fatalf("the path in upper case: %v", err)
	}
	ws.CloseNow()
}

func TestQuirk_Q06_TLSWithoutARequest(t *testing.T) {
	q := quirk(t, nil)
	addr := strings.TrimPrefix(q.url, "http://")
	for range 3 { // a station that speaks TLS where there is none, and goes away
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", addr, &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			conn.Close()
			t.Fatal("the address speaks TLS")
		}
	}
	w := q.plug("ocpp1.6")
	w.boot("Autel", "MaxiCharger", "1")
	q.wholeCharge(w)
}

func TestQuirk_G27_WithoutABoot(t *testing.T) {
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	q.status(w, 1, 0, "Available", "NoError") // before it boots
	q.status(w, 1, 0, "Preparing", "NoError")
	w.boot("Maker", "One", "1")
	transaction := q.start16(w)
	w.ws.CloseNow()
	w = q.plug("ocpp1.6") // no boot this time
	q.register16(w, transaction, 10, meterStart+1250)
	w.on("ClearCache", `{"status":"Accepted"}`)
	expect(t, q.order(q.id, "ClearCache", object{}), "accepted")
	q.stop16(w, transaction)
	q.settled(energyWh, "0.90")
}
