package test

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// framed is a 2.1 station that writes and reads frames as text.
type framed struct {
	t  *testing.T
	ws *websocket.Conn
}

func (s *server) framed(id, password, protocol string) *framed {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, s.stations()+"/"+id, &websocket.DialOptions{Subprotocols: []string{protocol},
		HTTPHeader: http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+password))}}})
	if err != nil {
		s.t.Fatal(err)
	}
	ws.SetReadLimit(1 << 20)
	s.t.Cleanup(func() { _ = ws.CloseNow() })
	return &framed{s.t, ws}
}

func (w *framed) send(frame string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.ws.Write(ctx, websocket.MessageText, []byte(frame)); err != nil {
		w.t.Fatal(err)
	}
}

// reads gives the next frame, passing over what the platform asks on its own
// account, until one begins as wanted.
func (w *framed) reads(begin string) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		_, text, err := w.ws.Read(ctx)
		if err != nil {
			w.t.Fatalf("nothing that begins with %s: %v", begin, err)
		}
		got := string(text)
		if strings.HasPrefix(got, begin) {
			return got
		}
		if !strings.HasPrefix(got, "[2,") {
			w.t.Errorf("the platform sent %s, want %s…", got, begin)
		}
	}
}

// TestFramesOf21: SEND goes through and is never answered, CALLRESULTERROR is
// noted, an unknown message type is refused, and the connection lives on.
// OCPP 2.1 part 4 §4.1.3, §4.2.3, §4.2.4
func TestFramesOf21(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		w := s.framed("CS-1", s.station("CS-1", nil), "ocpp2.1")
		w.send(`[2,"b","BootNotification",{"reason":"PowerUp","chargingStation":{"vendorName":"Maker","model":"Two"}}]`)
		w.reads(`[3,"b",`)
		w.send(`[2,"o","OpenPeriodicEventStream",{"constantStreamData":{"id":1,"variableMonitoringId":2,"params":{"interval":60}}}]`)
		if got := w.reads(`[3,"o",`); !strings.Contains(got, `"Accepted"`) {
			t.Errorf("a stream was not opened: %s", got)
		}
		for _, silent := range []string{
			`[6,"s1","NotifyPeriodicEventStream",{"id":1,"pending":0,"basetime":"2026-01-31T12:00:00Z","data":[{"t":0,"v":"16.2"},{"t":1,"v":"16.4"}]}]`,
			`[6,"s2","NotifyPeriodicEventStream",{"id":1}]`,
			`[6,"s3","NoSuchMessage",{}]`,
			`[6,"s4"]`,
			`[6,"s5","NotifyPeriodicEventStream",{"id":]`,
			`[5,"zz","FormatViolation","the answer is not right",{}]`,
			`[5,"zz"]`,
		} {
			w.send(silent)
		}
		w.send(`[2,"h","Heartbeat",{}]`)
		w.reads(`[3,"h",`) // the first answer is that of the heartbeat
		w.send(`[7,"u1",{}]`)
		w.reads(`[4,"u1","MessageTypeNotSupported",`)
		w.send(`[3,"r1","no object"]`)
		w.reads(`[5,"r1",`)
		w.send(`[2,"c","ClosePeriodicEventStream",{"id":1}]`)
		w.reads(`[3,"c",{}]`)
		eventually(t, "the stream's values are kept", func() bool {
			return len(s.items("/charging-stations/CS-1/event-stream-values?value=16.4&stream_id=1&monitor_id=2")) == 1
		})
		eventually(t, "the deviations are on the station's page", func() bool {
			seen := map[any]bool{}
			list, _ := s.must("GET", "/charging-stations/CS-1", nil)["deviations"].([]any)
			for _, d := range list {
				seen[d.(object)["code"]] = true
			}
			return seen["result_error"] && seen["bad_frame_type_unknown"]
		})
	})
}

// TestFramesOf201: what came with 2.1 is no message type before it. OCPP 2.0.1
// part 4 §4.1.3
func TestFramesOf201(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		w := s.framed("CS-1", s.station("CS-1", nil), "ocpp2.0.1")
		w.send(`[2,"b","BootNotification",{}]`) // served, with deviations
		w.reads(`[3,"b",`)
		for _, kind := range []string{"5", "6", "7", "1", "0"} {
			w.send(`[` + kind + `,"x` + kind + `","NotifyPeriodicEventStream",{}]`)
			w.reads(`[4,"x` + kind + `","MessageTypeNotSupported",`)
		}
		w.send(`[2,"n","NotifyPeriodicEventStream",{}]`)
		w.reads(`[4,"n","NotImplemented",`)
	})
}
