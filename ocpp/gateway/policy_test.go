package gateway

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// While a report is being answered, what came later and matters more goes
// ahead of what waits.
func TestFieldNote21StopAndLimitsBeforeReports(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		for _, c := range []struct {
			v         ocpp.Version
			sent, got []string
		}{
			{
				ocpp.V201,
				[]string{"GetBaseReport", "GetLog", "GetReport", "GetVariables", "UnlockConnector", "SetChargingProfile", "RequestStopTransaction"},
				[]string{"GetBaseReport", "SetChargingProfile", "RequestStopTransaction", "UnlockConnector", "GetVariables", "GetLog", "GetReport"},
			},
			{
				ocpp.V16,
				[]string{"GetConfiguration", "GetDiagnostics", "ClearCache", "RemoteStartTransaction", "RemoteStopTransaction", "ClearChargingProfile"},
				[]string{"GetConfiguration", "RemoteStopTransaction", "ClearChargingProfile", "RemoteStartTransaction", "ClearCache", "GetDiagnostics"},
			},
		} {
			n := startNode(t, d, startBus(t, "n"+cutDots(string(c.v))))
			id := "busy-" + string(c.v)
			s := dial(t, n, id, c.v.Subprotocol())
			s.ask(`[2,"0","Heartbeat",{}]`, `[3,"0",`+heartbeatReply+`]`)
			var done []<-chan result
			var call string
			for i, action := range c.sent {
				done = append(done, n.command(id, &ocpp.RawRequest{Name: action, Payload: json.RawMessage(`{}`)}))
				if i == 0 {
					call = s.read() // outstanding while the others come
				}
				eventually(t, action+" waits", func() bool { return n.links.get(key(id)).conn.Waiting() == i })
			}
			var got []string
			for i := range c.sent {
				if i > 0 {
					call = s.read()
				}
				var frame []json.RawMessage
				var action string
				if err := json.Unmarshal([]byte(call), &frame); err != nil || json.Unmarshal(frame[2], &action) != nil {
					t.Fatal(call)
				}
				got = append(got, action)
				s.send(`[3,` + string(frame[1]) + `,{}]`)
			}
			for _, one := range done {
				if r := <-one; r.err != nil {
					t.Error(r.err)
				}
			}
			if !slices.Equal(got, c.got) {
				t.Errorf("%s: sent in the order %v, want %v", c.v, got, c.got)
			}
		}
	})
}

func TestFieldNote21TimeoutPerAction(t *testing.T) {
	t.Parallel()
	for action, p := range policies {
		if p.timeout < 10*time.Second || p.timeout > 2*time.Minute {
			t.Errorf("%s may take %s", action, p.timeout)
		}
	}
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d, func(d *Deps) {
			d.Config.CommandTimeouts = map[string]time.Duration{"Reset": 30 * time.Millisecond, "GetLog": time.Hour}
		})
		if got := n.config.policy("GetLog"); got.timeout != time.Hour || got.priority != background {
			t.Errorf("a time-out of the operator gives %+v", got)
		}
		if got := n.config.policy("VendorsOwn"); got != ordinaryPolicy {
			t.Errorf("an action without a row gives %+v", got)
		}
		s := dial(t, n, "slow", "ocpp1.6")
		s.ask(`[2,"0","Heartbeat",{}]`, `[3,"0",`+heartbeatReply+`]`)
		first := n.command("slow", &ocpp.RawRequest{Name: "Reset", Payload: json.RawMessage(`{}`)})
		_ = s.read() // and no answer
		if r := <-first; fault.Of(r.err) == nil || fault.Of(r.err).Code != "ocpp.timeout" {
			t.Errorf("got %v", r.err)
		}
		next := n.command("slow", &ocpp.ClearCacheRequest{}) // the next has its own time
		s.answer("ClearCache", `{"status":"Accepted"}`)
		if r := <-next; r.err != nil {
			t.Error(r.err)
		}
	})
}
