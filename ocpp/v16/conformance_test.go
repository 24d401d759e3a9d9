//go:build conformance

package v16

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/ocpp/ocpptest"
)

func TestConformanceSchemas(t *testing.T) {
	ocpptest.Conformance(t, Messages, "Request", []string{"1.6-core", "1.6-security"}, []string{"1.6/core", "1.6/security"})
}

// TestConformanceKeys checks the table of keys against the device model: each
// variable exists there, with that type.
func TestConformanceKeys(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(ocpptest.Shared(t), "device-model", "2.1_appendices_v2.0", "dm_components_vars.utf8.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	if err := json.Unmarshal(text, &rows); err != nil {
		t.Fatal(err)
	}
	known := map[variableOf]bool{}
	for _, r := range rows {
		kind := ocpp.DataEnum(r["DataType"])
		if kind == "passwordString" { // on the wire a string: DataEnumType has no other
			kind = isString
		}
		known[variableOf{r["Specific Component"], r["Variable"], r["Instance"], kind}] = true
	}
	for k, v := range keys {
		if !known[v] {
			t.Errorf("%s: the device model has no %+v", k, v)
		}
	}
}

// TestConformanceQuirks sends frames of real stations: none may be refused.
func TestConformanceQuirks(t *testing.T) {
	file, err := os.Open(filepath.Join(ocpptest.Shared(t), "quirks", "frames.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	seen := 0
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var row struct {
			ID    string `json:"id"`
			Raw   string `json:"raw"`
			Valid bool   `json:"valid_json"`
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		if row.Valid && quirk(t, row.ID, row.Raw) {
			seen++
		}
	}
	if seen < 15 {
		t.Errorf("only %d frames were tried", seen)
	}
}

// quirk reports whether the frame was one for a dialect.
func quirk(t *testing.T, id, raw string) bool {
	t.Helper()
	var frame []json.RawMessage
	if err := json.Unmarshal([]byte(raw), &frame); err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	switch {
	case string(frame[0]) == "2":
		var action string
		if err := json.Unmarshal(frame[2], &action); err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		r := &ocpptest.Recorder{}
		ctx := ocpp.WithReceived(context.Background(), ocpptest.Received)
		if _, err := New().Handle(ctx, r, ocpp.Peer{}, action, frame[3]); err != nil || len(r.Calls) == 0 {
			t.Errorf("%s: %v, %d calls\n%s", id, err, len(r.Calls), raw)
		}
		return true
	case string(frame[0]) == "3" && strings.Contains(raw, "configurationKey"):
		req := &ocpp.GetBaseReportRequest{ReportBase: ocpp.ReportBaseEnumFullInventory}
		got, err := New().Follow(req, frame[2])
		if err != nil || len(got) != 1 {
			t.Errorf("%s: %v %v", id, got, err)
		}
		return true
	}
	return false
}

// TestConformanceSends: everything we send, asked or answered, is what the
// official schemas allow.
func TestConformanceSends(t *testing.T) {
	ocpptest.Sends{Dialect: New(), Catalogue: Messages, Suffix: "Request", Dirs: []string{"1.6/core", "1.6/security"}, Unasked: []string{"GetDiagnostics"}}.Run(t)
}
