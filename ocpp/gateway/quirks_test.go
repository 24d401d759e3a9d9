package gateway

import (
	"context"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
)

var update = flag.Bool("update", false, "rewrite docs/quirks.md")

// The page is made of the table.
func TestQuirkPage(t *testing.T) {
	t.Parallel()
	table, err := Quirks()
	if err != nil {
		t.Fatal(err)
	}
	const file = "../../docs/quirks.md"
	want := quirkPage(table.All())
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != want {
		t.Errorf("docs/quirks.md is not what the table says; run `go test ./ocpp/gateway -run TestQuirkPage -update` (%v)", err)
	}
}

const pageHead = `# What stations do, and what Forecourt does about it

This page is made of ocpp/gateway/quirks.json by a test (TestQuirkPage). Each row has a test of its name in the repository.

What harms nobody is tolerated of everybody, and shown on the station's page as a deviation. What could harm another station applies only to the vendors, models and firmwares of its row, or when a person switches it on for one station:

` + "```" + `
GET /api/v1/charging-stations/{id}/quirks                    what is on, what is known of the make, what it did
PUT /api/v1/charging-stations/{id}/quirks/{switch}  {"on": true | false | null}
` + "```" + `

null leaves it to the table again. A switch is in force from the station's next boot or connection on. The date is that of the row's entry.
`

func quirkPage(rows []ocpp.Quirk) string {
	var b strings.Builder
	b.WriteString(pageHead)
	var order []string
	for _, q := range rows {
		if !slices.Contains(order, q.Category) {
			order = append(order, q.Category)
		}
	}
	cell := strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;", "{", "&#123;")
	applies := map[string]string{"everybody": "always", "model": "for these models", "switch": "when switched on"}
	for _, category := range order {
		b.WriteString("\n## " + strings.ToUpper(category[:1]) + category[1:] + "\n\n| Id | Stations | OCPP | What they do | What we do | Applies | Shown as | Source | Date |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
		for _, q := range rows {
			if q.Category != category {
				continue
			}
			when := applies[q.Applies]
			if q.Switch != "" {
				when += " (`" + q.Switch + "`)"
			}
			for _, c := range []string{q.ID, q.Stations, q.Versions, q.Behaviour, q.Response, when, strings.Join(q.Shows, ", "), q.Source, q.Date} {
				b.WriteString("| " + cell.Replace(c) + " ")
			}
			b.WriteString("|\n")
		}
	}
	return b.String()
}

func TestTolerated(t *testing.T) {
	t.Parallel()
	table, err := Quirks()
	if err != nil {
		t.Fatal(err)
	}
	everybody := ocpp.TolerateNoSubprotocol | ocpp.ToleratePasswordSpace | ocpp.TolerateOldShape | ocpp.AskForBoot
	for _, c := range []struct {
		make ocpp.Make
		more ocpp.Tolerance
	}{
		{ocpp.Make{}, 0},
		{ocpp.Make{Vendor: "Maker", Model: "One", Firmware: "4.2.2"}, 0},
		{ocpp.Make{Vendor: "OpenEVSE", Model: "Advanced Series", Firmware: "4.2.2"}, ocpp.TolerateKiloWattHours},
		{ocpp.Make{Vendor: "openevse", Model: "x", Firmware: "v4.3.0"}, 0},
		{ocpp.Make{Vendor: "Wall Box Chargers", Model: "Pulsar"}, ocpp.StackLevelZero},
		{ocpp.Make{Vendor: "ABB", Model: "Terra AC W22-T-RD-MC-0", Firmware: "1.8.21"}, ocpp.StackLevelZero | ocpp.SafeMeasurands},
		{ocpp.Make{Vendor: "ABB", Model: "Terra AC W22", Firmware: "1.8.32"}, ocpp.StackLevelZero},
		{ocpp.Make{Vendor: "ABB", Model: "Terra AC W22", Firmware: "1.6.5"}, ocpp.StackLevelZero | ocpp.SafeMeasurands},
		{ocpp.Make{Vendor: "ABB", Model: "Terra 54 CJG"}, ocpp.RateInWatts},
		{ocpp.Make{Vendor: "Huawei", Model: "SCharger/22KT"}, ocpp.RateInWatts},
		{ocpp.Make{Vendor: "Mennekes", Model: "4you 560"}, ocpp.TolerateSlowReturn},
		{ocpp.Make{Vendor: "FoxESS", Model: "A022KP1"}, ocpp.PreferV16},
	} {
		if got := table.Tolerated(c.make); got != everybody|c.more {
			t.Errorf("%+v: %s, want %s", c.make, got, everybody|c.more)
		}
	}
	used := ocpp.Tolerance(0)
	for _, q := range table.All() {
		if one, ok := ocpp.ParseTolerance(q.Switch); ok {
			used |= one
		}
		if q.Source == "" || !regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`).MatchString(q.Date) || q.Response == "" || q.Stations == "" || q.Versions == "" {
			t.Errorf("quirk %s lacks source, date, stations, versions or response", q.ID)
		}
	}
	if got := strings.Join(ocpp.Tolerances(), " "); used.String() != got {
		t.Errorf("the table uses %s, there are %s", used, got)
	}
	for _, bad := range []string{`[{"id":"X","switch":"nosuch"}]`, `[{"id":"X","switch":"rate_in_watts","applies":"model"}]`, `[`,
		`[{"id":"X","switch":"rate_in_watts","applies":"model","match":[{"vendor":"[","model":"*","firmware":"*"}]}]`} {
		if _, err := readQuirks([]byte(bad)); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

// shifted starts a node whose clock the test moves.
func shifted(t *testing.T, d *db.DB) (*testNode, func(time.Duration)) {
	var shift atomic.Int64
	n := start(t, d, func(d *Deps) { d.Now = func() time.Time { return time.Now().Add(time.Duration(shift.Load())) } })
	return n, func(by time.Duration) { shift.Add(int64(by)) }
}

// dialMute connects a station that answers no pings.
func dialMute(t *testing.T, n *testNode, id string) *charger {
	t.Helper()
	ws, _, err := websocket.Dial(t.Context(), n.url+id, &websocket.DialOptions{Subprotocols: []string{"ocpp1.6"}, OnPingReceived: func(context.Context, []byte) bool { return false }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	return &charger{t: t, ws: ws}
}

func TestQuirk_Q55_AskedToBoot(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n, pass := shifted(t, d)
		n.csms.onConnect(func(h ocpp.Handshake) (ocpp.Admission, error) {
			a := ocpp.Admission{Org: "o", Active: true, HeartbeatInterval: time.Hour}
			if h.Station == "known" {
				a.Make = ocpp.Make{Vendor: "Maker", Model: "One"}
			}
			return a, nil
		})
		silent, known := dialMute(t, n, "silent"), dialMute(t, n, "known")
		for _, s := range []*charger{silent, known} {
			s.ask(`[2,"0","Heartbeat",{}]`, `[3,"0",`+heartbeatReply+`]`)
		}
		n.visit(n.links.all())
		pass(2 * time.Minute)
		n.visit(n.links.all())
		n.visit(n.links.all()) // only once
		silent.answer("TriggerMessage", `{"status":"Accepted"}`)
		silent.send(`[2,"b","BootNotification",{"reason":"Triggered","chargingStation":{"model":"m","vendorName":"v"}}]`)
		if got := silent.read(); !strings.Contains(got, "Accepted") {
			t.Error(got)
		}
		known.ask(`[2,"1","Heartbeat",{}]`, `[3,"1",`+heartbeatReply+`]`) // it was asked for nothing
		eventually(t, "a deviation", func() bool { return n.csms.deviated("boot_asked") })
	})
}

func TestQuirk_G23_AnswersNoPings(t *testing.T) { t.Run("mute", TestPatience) }

func TestQuirk_G24_ProxiesThatCloseIdleConnections(t *testing.T) {
	t.Run("pings", TestKeepalive)
	if c := DefaultConfig(); c.PingInterval > 50*time.Second {
		t.Errorf("a ping every %s is too seldom for proxies that count a minute of silence", c.PingInterval)
	}
}

func TestQuirk_G25_SlowAndHalfOpen(t *testing.T) {
	t.Run("does not read", TestSlowReader)
	t.Run("gone without a word", TestPatience)
}

func TestQuirk_G26_ADayOfHeartbeats(t *testing.T) {
	t.Parallel()
	sqlite(t, func(t *testing.T, d *db.DB) {
		n, pass := shifted(t, d)
		n.csms.onConnect(func(ocpp.Handshake) (ocpp.Admission, error) {
			return ocpp.Admission{Org: "o", Active: true, HeartbeatInterval: 5 * time.Minute, Make: ocpp.Make{Vendor: "v"}}, nil
		})
		s := dialMute(t, n, "quiet")
		for range 24 * 60 / 5 {
			s.ask(`[2,"h","Heartbeat",{}]`, `[3,"h",`+heartbeatReply+`]`)
			pass(5 * time.Minute)
			n.visit(n.links.all())
		}
		if n.links.get("quiet") == nil || slices.ContainsFunc(n.csms.lines(), func(l string) bool { return strings.HasPrefix(l, "disconnected") }) {
			t.Error("the connection did not stay")
		}
		pass(12 * time.Minute)
		n.visit(n.links.all())
		eventually(t, "silence is noticed", func() bool { return n.links.get("quiet") == nil })
	})
}

func TestWatts(t *testing.T) {
	t.Parallel()
	two := 2
	amps, odd := decimal(t, "10"), decimal(t, "6.7")
	s := ocpp.ChargingSchedule{ChargingRateUnit: ocpp.ChargingRateUnitEnumA, ChargingSchedulePeriod: []ocpp.ChargingSchedulePeriod{
		{Limit: &amps}, {Limit: &odd, NumberPhases: &two}, {}}}
	before := s.ChargingSchedulePeriod
	inWatts(&s)
	if s.ChargingRateUnit != ocpp.ChargingRateUnitEnumW || s.ChargingSchedulePeriod[0].Limit.String() != "6900" || s.ChargingSchedulePeriod[1].Limit.String() != "3082" || s.ChargingSchedulePeriod[2].Limit != nil {
		t.Errorf("%+v", s.ChargingSchedulePeriod)
	}
	if before[0].Limit.String() != "10" {
		t.Error("the request of the caller was changed")
	}
}

func decimal(t *testing.T, text string) unit.Decimal {
	t.Helper()
	d, err := unit.ParseDecimal(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
