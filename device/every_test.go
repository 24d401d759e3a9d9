package device

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp"
)

func TestEveryEVSE(t *testing.T) {
	ports := []port{{1, []int{1, 2}}, {3, []int{1}}}
	power := func(every string, evse, connector int, value string) Item {
		return Item{Component: "EVSE", Variable: "Power", Every: every, EVSE: evse, Connector: connector, Value: value}
	}
	for name, c := range map[string]struct {
		items []Item
		want  string
	}{
		"nothing general":          {[]Item{power("", 0, 0, "1"), power("", 1, 0, "2")}, "evse:power=1 evse@1:power=2"},
		"every EVSE":               {[]Item{power("evse", 0, 0, "1")}, "evse@1:power=1 evse@3:power=1"},
		"every connector":          {[]Item{power("connector", 0, 0, "1")}, "evse@1.1:power=1 evse@1.2:power=1 evse@3.1:power=1"},
		"the particular first":     {[]Item{power("evse", 0, 0, "1"), power("", 3, 0, "2")}, "evse@3:power=2 evse@1:power=1"},
		"beside that of the whole": {[]Item{power("evse", 0, 0, "1"), power("", 0, 0, "2")}, "evse:power=2 evse@1:power=1 evse@3:power=1"},
	} {
		tpl := Template{Name: "T", Variables: c.items}
		if err := tpl.check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var got []string
		for _, i := range tpl.expand(ports).Variables {
			got = append(got, i.named().Path()+"="+i.Value)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %s, want %s", name, s, c.want)
		}
	}
	monitors := Template{Monitors: []MonitorItem{{Component: "EVSE", Variable: "Power", Type: "Delta", Every: "evse", Severity: 5}, {Component: "EVSE", Variable: "Power", Type: "Delta", EVSE: 1, Severity: 5, InTransaction: true}}}
	if got := monitorsOf([]Template{monitors.expand(ports)}); len(got) != 2 || got[0].EVSE != 1 || !got[0].InTransaction || got[1].EVSE != 3 || got[1].InTransaction {
		t.Errorf("monitors %+v", got)
	}
	if got := monitors.expand(nil).Monitors; len(got) != 1 {
		t.Errorf("without a port: %+v", got)
	}
	for _, bad := range []Item{power("evse", 1, 0, "1"), power("cable", 0, 0, "1"), {Key: "X", Every: "evse", Value: "1"}} {
		if (Template{Name: "T", Variables: []Item{bad}}).check() == nil {
			t.Errorf("taken: %+v", bad)
		}
	}
	if (Template{Name: "T", Variables: []Item{power("evse", 0, 0, "1"), power("evse", 0, 0, "2")}}).check() == nil {
		t.Error("the same wildcard twice was taken")
	}
}

// Whatever a template says: a variable is wished for once, by its number when
// it is named so, and nothing general is left.
func TestExpandWishesForEachOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tpl Template
		for i := range rapid.IntRange(0, 12).Draw(t, "items") {
			item := Item{Component: "EVSE", Variable: rapid.SampledFrom([]string{"Power", "Limit"}).Draw(t, "variable"), Value: fmt.Sprint(i)}
			if item.Every = rapid.SampledFrom([]string{"", "evse", "connector"}).Draw(t, "every"); item.Every == "" {
				item.EVSE = rapid.IntRange(0, 3).Draw(t, "evse")
			}
			tpl.Variables = append(tpl.Variables, item)
		}
		tpl.Variables = slices.CompactFunc(slices.SortedFunc(slices.Values(tpl.Variables), func(a, b Item) int {
			return strings.Compare(a.Every+"|"+a.named().Path(), b.Every+"|"+b.named().Path())
		}),
			func(a, b Item) bool { return a.Every == b.Every && a.named().Path() == b.named().Path() }) // as check asks
		var ports []port
		for e := range rapid.IntRange(0, 3).Draw(t, "evses") {
			ports = append(ports, port{evse: e + 1, connectors: []int{1, 2}[:rapid.IntRange(0, 2).Draw(t, "connectors")]})
		}
		named := map[string]string{}
		for _, i := range tpl.Variables {
			if i.Every == "" {
				named[i.named().Path()] = i.Value
			}
		}
		seen := map[string]bool{}
		for _, i := range tpl.expand(ports).Variables {
			p := i.named().Path()
			if want, ok := named[p]; seen[p] || i.Every != "" || ok && i.Value != want {
				t.Fatalf("%s: seen %v, %+v, by its number %q", p, seen[p], i, want)
			}
			seen[p] = true
		}
	})
}

// A template that says something of every EVSE reaches those that a station
// has, and drift of one is told and corrected.
func TestTemplateForEveryEVSE(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.ready(ocpp.V201, entry("EVSE", 1, 0, "AllowReset", "true"), entry("EVSE", 2, 0, "AllowReset", "true"))
		for evse := 1; evse <= 2; evse++ {
			_, err := h.stations.StatusNotification(t.Context(), p, &ocpp.StatusNotification{StatusNotificationRequest: ocpp.StatusNotificationRequest{EVSEID: evse, ConnectorID: 1, ConnectorStatus: ocpp.ConnectorStatusEnumAvailable, Timestamp: ocpp.DateTime{Time: h.clock.Now()}}})
			h.must(err)
		}
		h.box.values["EVSE.AllowReset"] = "true" // the box has one for both
		h.settle()
		north := h.north.For(t)
		const body = `{"name":"All","vendor":"acme*","enabled":true,"variables":[{"component":"EVSE","variable":"AllowReset","every":"evse","value":"false"}]}`
		if s := north.Must(200, "POST", "/device-templates/preview", body).Body; strings.Count(s, `"wanted":"false","what":"change"`) != 2 {
			t.Errorf("preview: %s", s)
		}
		id := north.Must(201, "POST", "/device-templates", body).Field("id")
		h.later(p, time.Minute)
		paths := func() (out []string) {
			h.must(h.db.View(t.Context(), func(tx *db.Tx) error {
				all, err := desiredOf(tx, "CS-1")
				for _, d := range all {
					if d.Rule == fromTemplate+id {
						out = append(out, d.Path+" "+d.Value)
					}
				}
				return err
			}))
			return out
		}
		if got := paths(); !slices.Equal(got, []string{"evse@1:allowreset false", "evse@2:allowreset false"}) {
			t.Errorf("wished for: %v", got)
		}
		h.box.values["EVSE.AllowReset"] = "true" // somebody at its own web page
		h.later(p, time.Hour)
		if v := h.box.value("EVSE.AllowReset"); v != "false" {
			t.Errorf("drift was not corrected: %s", v)
		}
	})
}
