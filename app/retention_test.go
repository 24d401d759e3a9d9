package app

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/identity"
)

func TestStorage(t *testing.T) {
	a := testApp(t)
	if err := a.keeper.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	out, err := a.storage(identity.System(t.Context(), ""), nil)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, i := range out.Body.Items {
		names[i.Name] = true
		if i.LastRun != nil {
			t.Errorf("%s was shrunk, though everything is kept for ever", i.Name)
		}
		for _, table := range i.Tables {
			names[table] = true
		}
	}
	for _, want := range []string{"messages", "samples", "status history", "variable history", "boots", "notices", "commands", "audit", "facts", "charging_station", "id_token", "cdr"} {
		if !names[want] {
			t.Errorf("%s is not measured", want)
		}
	}
	if out.Body.Bytes == 0 || out.Body.Database != "sqlite" {
		t.Errorf("%+v", out.Body)
	}
	org, err := a.rooms.identity.CreateOrganisation(identity.System(t.Context(), ""), identity.Organisation{Name: "Below", Parent: a.first.Organisation})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.storage(identity.System(t.Context(), org.ID), nil); err == nil {
		t.Error("an organisation below sees what the installation takes")
	}
}

func TestSpans(t *testing.T) {
	for text, want := range map[string]time.Duration{"90d": 90 * 24 * time.Hour, "0": 0, "0d": 0, "36h": 36 * time.Hour, "-1d": -1, "-1h": -1, "d": -1, "soon": -1, "1.5d": -1} {
		var s Span
		if err := s.UnmarshalText([]byte(text)); (err != nil) != (want < 0) || err == nil && time.Duration(s) != want {
			t.Errorf("%q: %v, %v", text, time.Duration(s), err)
		}
	}
}

func TestRetentionFlags(t *testing.T) {
	var out, errOut bytes.Buffer
	if code := Main(t.Context(), []string{"serve", "--sample-retention", "3d", "--data", t.TempDir()}, &out, &errOut); code == 0 || !strings.Contains(errOut.String(), "at least 31d") {
		t.Error(code, errOut.String())
	}
	errOut.Reset()
	if code := Main(t.Context(), []string{"serve", "--audit-retention", "soon"}, &out, &errOut); code != 2 || !strings.Contains(errOut.String(), "90d") {
		t.Error(code, errOut.String())
	}
	out.Reset()
	if Main(t.Context(), []string{"config"}, &out, &errOut); !strings.Contains(out.String(), "# sample-retention = 400d") {
		t.Error(out.String())
	}
}
