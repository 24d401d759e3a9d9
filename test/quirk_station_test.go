package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// field is the one platform at which the stations of the quirk tests charge:
// each has a station, a token and a session of its own.
var field struct {
	sync.Mutex
	s    *server
	dir  string
	site string
	n    int
}

func stopField() {
	if field.s != nil {
		field.s.kill()
		os.RemoveAll(field.dir)
	}
}

// quirky is a station in the field and what its test asks of it.
type quirky struct {
	back *wire // the connection that a charge ends on, when the test opened another
	*server
	id, password, card string
	began              time.Time
}

// quirk prepares a station; more goes into its creation.
func quirk(t *testing.T, more object) *quirky {
	t.Helper()
	t.Parallel()
	field.Lock()
	defer field.Unlock()
	if field.s == nil {
		dir, err := os.MkdirTemp("", "forecourt-field")
		if err != nil {
			t.Fatal(err)
		}
		s := &server{t: t, data: dir, args: []string{"--allow-profile-0"}}
		s.launch("127.0.0.1:0")
		s.key = s.command("api-key", "create", "--name", "test", "--role", "owner")
		field.s, field.dir = s, dir
		field.site = s.site()
	}
	field.n++
	mine := *field.s
	mine.t = t
	q := &quirky{server: &mine, id: fmt.Sprintf("Q%03d", field.n), card: fmt.Sprintf("CARD%04d", field.n), began: time.Now().UTC().Truncate(time.Second).Add(-25 * time.Minute)}
	body := object{"site": field.site}
	for k, v := range more {
		body[k] = v
	}
	q.password = q.station(q.id, body)
	q.must("POST", "/id-tokens", object{"id_token": q.card, "type": "ISO14443", "status": "active"})
	return q
}

// plug opens the websocket of the station.
func (q *quirky) plug(protocols ...string) *wire {
	q.t.Helper()
	return plug(q.t, q.server, q.id, q.password, protocols...)
}

func (q *quirky) open(path string, h http.Header, protocols ...string) (*wire, error) {
	q.t.Helper()
	return open(q.t, q.stations()+path, h, protocols...)
}

// frames are the literal frames of the field, by id.
var frames = sync.OnceValue(func() map[string]string {
	text, err := os.ReadFile("testdata/quirks/frames.jsonl")
	if err != nil {
		panic(err)
	}
	out := map[string]string{}
	for line := range bytes.Lines(text) {
		var one struct{ ID, Raw string }
		if err := json.Unmarshal(line, &one); err != nil {
			panic(err)
		}
		out[one.ID] = one.Raw
	}
	return out
})

// literal gives a frame of the field with some words of it replaced.
func literal(t *testing.T, id string, oldNew ...string) string {
	t.Helper()
	raw, ok := frames()[id]
	if !ok {
		t.Fatalf("there is no frame %s", id)
	}
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(raw, oldNew[i]) {
			t.Fatalf("frame %s holds no %q", id, oldNew[i])
		}
	}
	return strings.NewReplacer(oldNew...).Replace(raw)
}

// start16 begins a charge at 1,000,000 Wh and gives the transaction.
func (q *quirky) start16(w *wire) int {
	q.t.Helper()
	got := w.say("StartTransaction", object{"connectorId": 1, "idTag": q.card, "meterStart": meterStart, "timestamp": stamp(q.began)})
	id, _ := got["transactionId"].(float64)
	if got["idTagInfo"].(object)["status"] != "Accepted" || id < 1 {
		q.t.Fatalf("StartTransaction: %v", got)
	}
	return int(id)
}

func (q *quirky) at(minutes int) string {
	return stamp(q.began.Add(time.Duration(minutes) * time.Minute))
}

// register16 tells the register some minutes into the charge.
func (q *quirky) register16(w *wire, transaction, minutes, wh int) {
	q.t.Helper()
	w.say("MeterValues", object{"connectorId": 1, "transactionId": transaction, "meterValue": []object{{"timestamp": q.at(minutes), "sampledValue": []object{
		{"value": fmt.Sprint(wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
	}}}})
}

// stop16 ends the charge after 20 minutes at 1,002,500 Wh.
func (q *quirky) stop16(w *wire, transaction int) {
	q.t.Helper()
	w.say("StopTransaction", object{"transactionId": transaction, "idTag": q.card, "meterStop": meterStart + energyWh, "timestamp": q.at(readings), "reason": "Local"})
	q.free16(w, readings)
}

func (q *quirky) free16(w *wire, minutes int) {
	q.t.Helper()
	w.say("StatusNotification", object{"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": q.at(minutes)})
}

// sessions16 lists the station's sessions, the oldest first.
func (q *quirky) charged() []object {
	q.t.Helper()
	return q.items("/sessions?sort=started_at&station_id=" + q.id)
}

// settled waits for the station's only session and checks energy and money.
func (q *quirky) settled(wh int, inclVAT string) object {
	q.t.Helper()
	var one object
	eventually(q.t, "the one session is settled", func() bool {
		all := q.charged()
		if len(all) != 1 {
			return false
		}
		one = all[0]
		return one["status"] == "completed" || one["status"] == "invalid"
	})
	q.costs(one, wh, inclVAT)
	return one
}

func (q *quirky) costs(one object, wh int, inclVAT string) {
	q.t.Helper()
	cost, _ := one["cost"].(object)
	if one["energy_wh"] != float64(wh) || inclVAT != "" && cost["incl_vat"] != inclVAT {
		q.t.Errorf("the session has %v Wh for %v, want %d for %s; flags %v", one["energy_wh"], cost, wh, inclVAT, one["flags"])
	}
}

// shown waits until the station's page shows these deviations.
func (q *quirky) shown(codes ...string) {
	q.t.Helper()
	var seen []string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		seen = q.deviations()
		if !slices.ContainsFunc(codes, func(c string) bool { return !slices.Contains(seen, c) }) {
			return
		}
	}
	q.t.Errorf("the station's page shows %v, want %v", seen, codes)
}

func (q *quirky) deviations() []string {
	q.t.Helper()
	list, _ := q.must("GET", "/charging-stations/"+q.id+"/quirks", nil)["deviations"].([]any)
	var out []string
	for _, d := range list {
		out = append(out, d.(object)["code"].(string))
	}
	return out
}

// flip switches a tolerance of the station.
func (q *quirky) flip(name string, on any) {
	q.t.Helper()
	q.must("PUT", "/charging-stations/"+q.id+"/quirks/"+name, object{"on": on})
}

// flagged reports a flag of a session.
func flagged(one object, flag string) bool {
	all, _ := one["flags"].([]any)
	return slices.Contains(all, any(flag))
}

// during sends something in the middle of an ordinary 1.6 charge, and checks
// that the charge is worth what it is worth without.
func during(t *testing.T, what func(q *quirky, w *wire, transaction int), codes ...string) {
	t.Helper()
	q := quirk(t, nil)
	w := q.plug("ocpp1.6")
	w.boot("Maker", "One", "1.0")
	transaction := q.start16(w)
	what(q, w, transaction)
	if q.back != nil {
		w = q.back
	}
	q.stop16(w, transaction)
	q.settled(energyWh, "0.90")
	q.shown(codes...)
}

// TestFieldOnPostgres charges once on the other database; the rest of the
// quirks is the same there, since the rooms are tested on both.
func TestFieldOnPostgres(t *testing.T) {
	t.Parallel()
	s := serve(t, db.Postgres)
	q := &quirky{server: s, id: "PG", card: "PGCARD", began: time.Now().UTC().Truncate(time.Second).Add(-25 * time.Minute)}
	q.password = s.station("PG", object{"site": s.site()})
	s.must("POST", "/id-tokens", object{"id_token": q.card, "type": "ISO14443", "status": "active"})
	w := q.plug("ocpp1.6")
	w.boot("Maker", "One", "1.0")
	transaction := q.start16(w)
	w.send(literal(t, "F01", `"transactionId":,`, `"transactionId":,`))
	w.await("<message-id>")
	q.stop16(w, transaction)
	q.settled(energyWh, "0.90")
	q.shown("missing_value")
}

func timeOf(minutes int) time.Duration { return time.Duration(minutes) * time.Minute }
