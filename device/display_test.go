package device

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp"
)

func TestWhatADisplayTakes(t *testing.T) {
	one := func(change func(m *Message)) Message {
		m := Message{Number: 1, Kind: KindMessage, Priority: "InFront", Contents: []Content{{Format: "UTF8", Text: "Hello"}}}
		if change != nil {
			change(&m)
		}
		return m
	}
	for name, c := range map[string]struct {
		l      limits
		m      Message
		before int
		why    string
	}{
		"no limits":          {limits{version: ocpp.V201}, one(nil), 9, ""},
		"full":               {limits{version: ocpp.V201, most: 2}, one(nil), 2, "at most 2"},
		"off":                {limits{version: ocpp.V201, off: true}, one(nil), 0, "off"},
		"priority":           {limits{version: ocpp.V21, priorities: []string{"NormalCycle"}}, one(nil), 0, "no priority InFront"},
		"state":              {limits{version: ocpp.V21, states: []string{"Idle"}}, one(func(m *Message) { m.State = "Charging" }), 0, "state Charging"},
		"format":             {limits{version: ocpp.V21, formats: []string{"ASCII"}}, one(nil), 0, "cannot show UTF8"},
		"2.1 state on 2.0.1": {limits{version: ocpp.V201}, one(func(m *Message) { m.State = "Discharging" }), 0, "no state Discharging"},
		"long on 2.0.1":      {limits{version: ocpp.V201}, one(func(m *Message) { m.Contents[0].Text = strings.Repeat("é", 513) }), 0, "at most 512"},
		"long on 2.1":        {limits{version: ocpp.V21}, one(func(m *Message) { m.Contents[0].Text = strings.Repeat("é", 1024) }), 0, ""},
	} {
		if _, why := c.l.fit(c.m, c.before); (why == "") != (c.why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%s: %q", name, why)
		}
	}
	two := one(func(m *Message) {
		m.Contents = append(m.Contents, Content{Format: "UTF8", Language: "de", Text: "Hallo"})
	})
	if m, _ := (limits{version: ocpp.V21}).fit(two, 0); len(m.info().MessageExtra) != 1 {
		t.Error("2.1 shows each language")
	}
	if m, _ := (limits{version: ocpp.V201}).fit(two, 0); len(m.Contents) != 1 {
		t.Error("2.0.1 has one text")
	}
	local := one(func(m *Message) { m.Kind, m.Contents[0].Text = KindLocalInfo, "Toilets: 2nd floor" })
	if err := local.check(); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{`a/b`, `a\b`, `a~b`, `a"b`, `a<b`, `a|b`, strings.Repeat("x", 501)} {
		local.Contents[0].Text = bad
		if local.check() == nil {
			t.Errorf("%.10q was taken", bad)
		}
	}
}

// Whatever fits is valid in the version it goes to, and never more than was
// asked for.
func TestWhatFitsIsValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Message{Number: rapid.IntRange(1, 9).Draw(t, "number"), Kind: KindMessage, Priority: rapid.SampledFrom([]string{"AlwaysFront", "InFront", "NormalCycle"}).Draw(t, "priority"),
			State: rapid.SampledFrom([]string{"", "Charging", "Idle", "Suspended"}).Draw(t, "state")}
		for range rapid.IntRange(1, 5).Draw(t, "languages") {
			m.Contents = append(m.Contents, Content{Format: rapid.SampledFrom([]string{"UTF8", "URI", "QRCODE"}).Draw(t, "format"), Text: rapid.StringMatching(`[a-zé]{1,700}`).Draw(t, "text")})
		}
		v := rapid.SampledFrom([]ocpp.Version{ocpp.V201, ocpp.V21}).Draw(t, "version")
		fits, why := limits{version: v}.fit(m, 0)
		if why != "" {
			return
		}
		info := fits.info()
		if problems := (&ocpp.SetDisplayMessageRequest{Message: info}).Validate(); len(problems) > 0 {
			t.Fatal(problems)
		}
		if v == ocpp.V201 && (len([]rune(info.Message.Content)) > maxMessage20 || info.MessageExtra != nil || info.Message.Format == "QRCODE") {
			t.Fatalf("2.0.1 gets %+v", info)
		}
	})
}

func TestTemplates(t *testing.T) {
	m := Message{Number: 7, Priority: "InFront", Contents: []Content{{Text: `Say "hi"`, Language: "en"}}}
	if got := fill(`{"id":{id},"text":"{content}","lang":"{language}"}`, m); got != `{"id":7,"text":"Say \"hi\"","lang":"en"}` || !json.Valid([]byte(got)) {
		t.Error(got)
	}
	if got := fill("{id};{content}", m); got != `7;Say "hi"` {
		t.Error(got)
	}
}

// screen is a station's display.
type screen struct {
	shows    map[int]string
	cleared  []int
	sets     int
	transfer []string
	asked    int
}

func (s *screen) answer(req ocpp.Request) (ocpp.Response, error) {
	switch r := req.(type) {
	case *ocpp.SetDisplayMessageRequest:
		s.shows[r.Message.ID], s.sets = r.Message.Message.Content, s.sets+1
		return &ocpp.SetDisplayMessageResponse{Status: ocpp.DisplayMessageStatusEnumAccepted}, nil
	case *ocpp.ClearDisplayMessageRequest:
		delete(s.shows, r.ID)
		s.cleared = append(s.cleared, r.ID)
		return &ocpp.ClearDisplayMessageResponse{Status: ocpp.ClearMessageStatusEnumAccepted}, nil
	case *ocpp.GetDisplayMessagesRequest:
		if s.asked = r.RequestID; len(s.shows) > 0 {
			return &ocpp.GetDisplayMessagesResponse{Status: ocpp.GetDisplayMessagesStatusEnumAccepted}, nil
		}
		return &ocpp.GetDisplayMessagesResponse{Status: ocpp.GetDisplayMessagesStatusEnumUnknown}, nil
	case *ocpp.DataTransferRequest:
		s.transfer = append(s.transfer, r.VendorID+" "+r.MessageID+" "+string(r.Data))
		return &ocpp.DataTransferResponse{Status: ocpp.DataTransferStatusEnumAccepted}, nil
	}
	return nil, &ocpp.CallError{Code: ocpp.CodeNotImplemented}
}

func (h *house) shown() (out []shownBody) {
	h.t.Helper()
	var page struct {
		Items []shownBody `json:"items"`
	}
	h.north.Must(200, "GET", "/charging-stations/CS-1/display-messages?sort=changed_at", "").JSON(h.t, &page)
	return page.Items
}

// A message reaches the display, survives its restart, changes, and goes.
func TestMessageOnADisplay(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s := &screen{shows: map[int]string{}}
		h.box.answer = s.answer
		p := h.connect(ocpp.V201)
		h.boot(p, "S1")
		h.settle()
		made := h.north.Must(201, "POST", "/display-messages", `{"contents":[{"text":"Closed on Sunday"}]}`)
		id := made.Field("id")
		h.settle()
		if s.shows[1] != "Closed on Sunday" || h.shown()[0].State != "applied" {
			t.Fatalf("shows %v, stands %+v", s.shows, h.shown())
		}
		h.settle()
		h.must(h.reconcileDisplays(t.Context()))
		h.settle()
		if s.sets != 1 {
			t.Errorf("sent %d times", s.sets)
		}
		// It restarts and forgot; then it restarts and has an old one of ours.
		clear(s.shows)
		h.clock.Advance(10 * time.Minute)
		h.boot(p, "S1")
		h.settle()
		h.settle()
		if s.shows[1] == "" {
			t.Error("not shown again after the restart")
		}
		h.north.Must(200, "PUT", "/display-messages/"+id, `{"contents":[{"text":"Open"}],"priority":"InFront"}`)
		h.settle()
		if s.shows[1] != "Open" {
			t.Errorf("after the change: %v", s.shows)
		}
		h.north.Must(204, "DELETE", "/display-messages/"+id, "")
		h.settle()
		if len(s.shows) != 0 || len(h.shown()) != 0 {
			t.Errorf("after the end: %v %v", s.shows, h.shown())
		}
		second := h.north.Must(201, "POST", "/display-messages", `{"contents":[{"text":"Second"}]}`)
		h.settle()
		s.shows[1] = "Open" // it brings back what it was to forget
		h.clock.Advance(10 * time.Minute)
		h.boot(p, "S1")
		h.settle()
		h.settle()
		h.must(h.Notification(t.Context(), p, &ocpp.NotifyDisplayMessagesRequest{RequestID: s.asked, MessageInfo: []ocpp.MessageInfo{{ID: 1}, {ID: 77}}}))
		h.settle()
		if !slices.Contains(s.cleared, 1) || slices.Contains(s.cleared, 77) {
			t.Errorf("cleared %v", s.cleared)
		}
		if s.shows[2] != "Second" || second.Field("number") != "2" {
			t.Errorf("shows %v", s.shows)
		}
		h.south.Must(404, "DELETE", "/display-messages/"+second.Field("id"), "")
	})
}

func TestMessagesOn16NeedAnAdapter(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s := &screen{shows: map[int]string{}}
		h.box.answer = s.answer
		h.boot(h.connect(ocpp.V16), "S1")
		h.settle()
		h.north.Must(201, "POST", "/display-messages", `{"station":"cs-1","contents":[{"text":"Hello"}]}`)
		h.settle()
		if got := h.shown(); len(got) != 1 || got[0].State != "failed" || !strings.HasPrefix(got[0].Reason, "unsupported") {
			t.Fatalf("%+v", got)
		}
		h.north.Must(201, "POST", "/display-adapters", `{"vendor":"acme","vendor_id":"com.acme","message_id":"Text","template":"{id}={content}"}`)
		h.must(h.reconcileDisplays(t.Context()))
		h.settle()
		if got := h.shown(); got[0].State != "applied" || len(s.transfer) != 1 || s.transfer[0] != `com.acme Text "1=Hello"` {
			t.Errorf("%+v %v", got, s.transfer)
		}
	})
}

func TestBundle(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.connect(ocpp.V201)
		h.boot(p, "S1")
		h.settle()
		h.must(h.db.Update(t.Context(), func(tx *db.Tx) error {
			return saveVariables(tx, owner{"CS-1", string(h.org), ""}, "test", []Variable{{Component: "X", Name: "Y", Attribute: actual, Value: "z"}})
		}))
		h.north.Must(201, "POST", "/charging-stations/CS-1/commands",
			`{"action":"SetVariables","payload":{"setVariableData":[{"component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"},"attributeValue":"do not tell"}]}}`)
		h.south.Must(404, "POST", "/diagnostics-bundles", `{"station":"CS-1"}`)
		id := h.north.Must(202, "POST", "/diagnostics-bundles", `{"station":"CS-1"}`).Field("id")
		h.north.Must(409, "GET", "/diagnostics-bundles/"+id+"/content", "")
		h.settle()
		done := h.north.Must(200, "GET", "/diagnostics-bundles/"+id, "")
		if done.Field("state") != "done" || done.Field("progress") != "100" {
			t.Fatalf("%s", done.Body)
		}
		link := h.north.Must(201, "POST", "/diagnostics-bundles/"+id+"/links", "").Field("url")
		res, err := http.Get(link)
		h.must(err)
		defer res.Body.Close()
		content, err := io.ReadAll(res.Body)
		h.must(err)
		z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
		h.must(err)
		texts := map[string]string{}
		for _, f := range z.File {
			r, err := f.Open()
			h.must(err)
			text, err := io.ReadAll(r)
			h.must(err)
			texts[f.Name] = string(text)
		}
		for name, want := range map[string]string{"station.jsonl": "CS-1", "variables.jsonl": `"Y"`, "boots.jsonl": `"S1"`, "commands.jsonl": "BasicAuthPassword"} {
			if !strings.Contains(texts[name], want) {
				t.Errorf("%s lacks %s: %.200s", name, want, texts[name])
			}
		}
		if strings.Contains(strings.Join(slices.Collect(func(yield func(string) bool) {
			for _, text := range texts {
				yield(text)
			}
		}), ""), "do not tell") {
			t.Error("a password is in the bundle")
		}
		again, err := http.Get(link)
		h.must(err)
		again.Body.Close()
		if again.StatusCode != 410 {
			t.Errorf("the link was good twice: %s", again.Status)
		}
	})
}

func TestScrub(t *testing.T) {
	got, err := scrub(map[string]any{"location": "ftp://user:word@host/x", "password": "p", "rows": []any{map[string]any{"key": "AuthorizationKey", "value": "v"}, map[string]any{"key": "Interval", "value": "5"}}, "n": 12345678901234567})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(got)
	if s := string(text); strings.Contains(s, "word@") || strings.Contains(s, `"p"`) || strings.Contains(s, `"v"`) || !strings.Contains(s, `"5"`) || !strings.Contains(s, "12345678901234567") {
		t.Error(s)
	}
}
