package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/ocpp/rpc"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

func list(t *testing.T, n *testNode, req db.ListRequest, where ...db.Cond) []Message {
	t.Helper()
	var out []Message
	err := n.db.View(t.Context(), func(tx *db.Tx) (err error) {
		out, _, err = n.Log().List(tx, where, req)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEveryFrameIsLogged(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		s := dial(t, n, "Logged", "ocpp2.0.1")
		s.ask(`[2,"1","Heartbeat",{}]`, `[3,"1",`+heartbeatReply+`]`)
		s.ask("bro\x00ken", `[4,"-1","RpcFrameworkError","the message is not JSON",{}]`)
		done := make(chan error, 1)
		go func() {
			_, err := n.Send(context.Background(), "Logged", &ocpp.RawRequest{Name: "SetVariables", Payload: json.RawMessage(
				`{"setVariableData":[{"attributeValue":"s3cret!!","component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"}}]}`)})
			done <- err
		}()
		s.answer("SetVariables", `{"setVariableResult":[]}`)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		eventually(t, "six frames", func() bool { return len(list(t, n, db.ListRequest{})) == 6 })
		var got []string
		for _, m := range list(t, n, db.ListRequest{Sort: "at"}) {
			if m.Org != "org1" || m.Station != "logged" || m.Connection != 1 || m.ID == 0 || time.Since(m.At) > time.Minute {
				t.Errorf("%+v", m)
			}
			if m.Action == "SetVariables" {
				m.MessageID = "u"
			}
			got = append(got, fmt.Sprintf("%s %s %s %s", m.Direction, m.Type, m.Action, m.MessageID))
			if strings.Contains(m.Payload, "s3cret") {
				t.Errorf("a password was logged: %s", m.Payload)
			}
		}
		want := []string{"in call Heartbeat 1", "out result Heartbeat 1", "in unreadable  ", "out error  -1", "out call SetVariables u", "in result SetVariables u"}
		if !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		for _, c := range []struct {
			field, op, value string
			count            int
		}{
			{"action", "eq", "SetVariables", 2}, {"message_id", "eq", "1", 2}, {"payload", "contains", "redacted", 1},
			{"direction", "eq", "in", 3}, {"type", "in", "error,unreadable", 2}, {"at", "gt", time.Now().Add(time.Hour).Format(time.RFC3339), 0},
			{"connection", "eq", "1", 6},
		} {
			if m := list(t, n, db.ListRequest{Filters: []db.Filter{{Field: c.field, Op: c.op, Value: c.value}}}); len(m) != c.count {
				t.Errorf("%s %s %s: %d messages", c.field, c.op, c.value, len(m))
			}
		}
		if m := list(t, n, db.ListRequest{}, db.Cond{Text: "org = ?", Args: []any{"another"}}); len(m) != 0 {
			t.Error("another organisation sees messages")
		}
		if m, _, err := n.Log().Messages(t.Context(), "LOGGED", db.ListRequest{Limit: 2}); err != nil || len(m) != 2 || m[0].Type != "result" || m[0].Station != "LOGGED" {
			t.Error(m, err)
		}
	})
}

// Under pressure the log is what gives way; it says so, and ids keep their order.
func TestLogIsSampled(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d, func(d *Deps) { d.Config.LogQueue = 100 })
		l := &link{g: n.Gateway, key: "s", peer: ocpp.Peer{Org: "o", Station: "S"}}
		now := time.Now()
		for i := range 10_000 {
			n.log.frame(l, "in", &rpc.Frame{Type: rpc.Call, ID: fmt.Sprint(i)}, []byte("[]"), now)
		}
		left, when := n.log.Sampled()
		if left == 0 || !when.Equal(now) {
			t.Fatal("nothing was left out")
		}
		eventually(t, "the rest", func() bool {
			return n.log.waiting() == 0 && int64(len(list(t, n, db.ListRequest{Limit: 1000}))) == 10_000-left
		})
		all := list(t, n, db.ListRequest{Sort: "at", Limit: 1000})
		if !slices.IsSortedFunc(all, func(a, b Message) int { return int(a.ID - b.ID) }) {
			t.Error("ids are out of order")
		}
	})
}

func TestLogDaysAndRetention(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		today := time.Now().UTC().Truncate(day)
		put := func(at time.Time) {
			t.Helper()
			e := entry{id: at.UnixMilli() << 22, at: db.Micros(at), org: "o", station: "S", direction: "in", frame: "call"}
			if !n.log.write(t.Context(), []entry{e}) {
				t.Fatal("not written")
			}
		}
		put(today.Add(time.Hour)) // lands in the default partition and is moved
		put(today.Add(-10 * day))
		for range 2 { // again is harmless
			if err := n.log.makeDays(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		put(today.Add(2 * time.Hour))
		if d.Dialect() == db.Postgres {
			var rest, days int
			if err := d.View(t.Context(), func(tx *db.Tx) error {
				if err := tx.QueryRow(`SELECT count(*) FROM message_log_default`).Scan(&rest); err != nil {
					return err
				}
				return tx.QueryRow(`SELECT count(*) FROM ` + partition(today)).Scan(&days)
			}); err != nil || rest != 1 || days != 2 {
				t.Fatal(rest, days, err)
			}
			// An old day goes whole.
			if err := n.log.makeDay(t.Context(), today.Add(-5*day)); err != nil {
				t.Fatal(err)
			}
			put(today.Add(-5 * day))
		}
		if _, err := n.log.remove(t.Context(), time.Now().Add(-48*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if left := list(t, n, db.ListRequest{}); len(left) != 2 {
			t.Errorf("%d messages are left", len(left))
		}
		if d.Dialect() == db.Postgres {
			if err := d.View(t.Context(), func(tx *db.Tx) error {
				var gone bool
				if err := tx.QueryRow(`SELECT to_regclass($1) IS NULL`, partition(today.Add(-5*day))).Scan(&gone); err != nil || !gone {
					t.Error("the old day is still there", err)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// One frame that the database refuses does not hold up the log.
func TestLogGivesUpWhatIsRefused(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n := start(t, d)
		if err := d.Update(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(`CREATE TRIGGER refuse BEFORE INSERT ON message_log WHEN new.action = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		l := &link{g: n.Gateway, key: "s", peer: ocpp.Peer{Org: "o"}}
		for i := range 100 {
			action := "good"
			if i == 37 {
				action = "bad"
			}
			n.log.frame(l, "in", &rpc.Frame{Type: rpc.Call, Action: action}, []byte("[]"), time.Now())
		}
		eventually(t, "the others", func() bool { return len(list(t, n, db.ListRequest{Limit: 200})) == 99 })
	})
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{`[2,"1","Heartbeat",{}]`, ``},
		{`[2,"1","GetDiagnostics",{"location":"ftp://user:pa55@host/dir"}]`, `[2,"1","GetDiagnostics",{"location":"ftp://user:[redacted]@host/dir"}]`},
		{`[2,"1","GetDiagnostics",{"location":"ftp:\/\/user:pa55@host\/dir"}]`, `[2,"1","GetDiagnostics",{"location":"ftp:\/\/user:[redacted]@host\/dir"}]`},
		{`[2,"1","DataTransfer",{"vendorId":"a@b","data":"12:30 http://host:80/x@y"}]`, ``},
		{`[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"0001"}]`, `[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"[redacted]"}]`},
		{`[2,"1","ChangeConfiguration",{ "value" : "0001" , "key":"authorizationkey" }]`, `[2,"1","ChangeConfiguration",{ "value" : "[redacted]" , "key":"authorizationkey" }]`},
		{`[2,"1","ChangeConfiguration",{"key":"HeartbeatInterval","value":"password"}]`, ``},
		{`[3,"1",{"configurationKey":[{"key":"A","readonly":true,"value":"1"},{"key":"StationPassword","readonly":false,"value":"pw"}]}]`,
			`[3,"1",{"configurationKey":[{"key":"A","readonly":true,"value":"1"},{"key":"StationPassword","readonly":false,"value":"[redacted]"}]}]`},
		{`[2,"1","SetVariables",{"setVariableData":[{"attributeValue":"x\"y","component":{"name":"C"},"variable":{"name":"BasicAuthPassword"}},{"attributeValue":"ok","component":{"name":"C"},"variable":{"name":"Z"}}]}]`,
			`[2,"1","SetVariables",{"setVariableData":[{"attributeValue":"[redacted]","component":{"name":"C"},"variable":{"name":"BasicAuthPassword"}},{"attributeValue":"ok","component":{"name":"C"},"variable":{"name":"Z"}}]}]`},
		{`[2,"1","NotifyReport",{"reportData":[{"variable":{"name":"BasicAuthPassword"},"variableAttribute":[{"value":"pw"}]}]}]`,
			`[2,"1","NotifyReport",{"reportData":[{"variable":{"name":"BasicAuthPassword"},"variableAttribute":"[redacted]"}]}]`},
		{`[2,"1","SetNetworkProfile",{"connectionData":{"apn":{"apnPassword":"p"},"basicAuthPassword":"q","ocppCsmsUrl":"wss://x"}}]`,
			`[2,"1","SetNetworkProfile",{"connectionData":{"apn":{"apnPassword":"[redacted]"},"basicAuthPassword":"[redacted]","ocppCsmsUrl":"wss://x"}}]`},
		{`[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"00`, `"[redacted: an unreadable message that mentions a secret]"`},
	} {
		want := c[1]
		if want == "" {
			want = c[0]
		}
		if got := string(redact([]byte(c[0]))); got != want {
			t.Errorf("%s\n got %s\nwant %s", c[0], got, want)
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add([]byte(`[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"0001"}]`))
	f.Add([]byte(`{"password":{"password":[1,"a"]},"key":"secret","value":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if out := redact(data); json.Valid(data) && !json.Valid(out) {
			t.Fatalf("%q became %q", data, out)
		}
	})
}
