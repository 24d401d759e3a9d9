//go:build conformance

package device

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func shared(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("FORECOURT_SHARED")
	if dir == "" {
		t.Fatal("FORECOURT_SHARED must name the directory of the shared data")
	}
	return filepath.Join(dir, "data", "device-model")
}

// TestConformanceDeviceModel compares the tables with the published lists:
// every component and variable, whether it is required, its type and unit.
func TestConformanceDeviceModel(t *testing.T) {
	for version, folder := range map[string]string{"2.0.1": "2.0.1_appendices_v1.4", "2.1": "2.1_appendices_v2.0"} {
		text, err := os.ReadFile(filepath.Join(shared(t), folder, "dm_components_vars.utf8.json"))
		if err != nil {
			t.Fatal(err)
		}
		var rows []map[string]string
		if err := json.Unmarshal(text, &rows); err != nil {
			t.Fatal(err)
		}
		required, listed := map[string]bool{}, map[string]bool{}
		for _, r := range rows {
			component, name := strings.TrimSpace(strings.ReplaceAll(r["Specific Component"], "<generic>", "*")), strings.TrimSpace(r["Variable"])
			if component == "" || name == "" {
				continue
			}
			name, _, _ = strings.Cut(name, ".") // ".target" and the like are attributes
			p := standardPath(component, strings.TrimSpace(name), strings.TrimSpace(r["Instance"]))
			listed[p] = true
			required[p] = required[p] || r["Required?"] == "yes"
			s, ok := standard[p]
			if !ok || !s.In(version) {
				t.Errorf("%s: %s is missing", version, p)
				continue
			}
			if want := strings.TrimSpace(r["DataType"]); s.Type == "" && want != "" {
				t.Errorf("%s: %s has no type, published is %s", version, p, want)
			}
		}
		for p, s := range standard {
			if s.In(version) != listed[p] || s.Required(version) != required[p] {
				t.Errorf("%s: %s listed %t, required %t; published %t, %t", version, p, s.In(version), s.Required(version), listed[p], required[p])
			}
		}
	}
}

// TestConformanceKeys16 compares the keys of 1.6 with an independent list.
func TestConformanceKeys16(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared(t), "everest-v16-config-schemas", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	names := map[string]string{"boolean": "boolean", "integer": "integer"}
	for _, f := range files {
		switch filepath.Base(f) {
		case "Config.json", "PnC.json", "CostAndPrice.json", "Custom.json": // of white papers, not of 1.6 itself
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var schema struct {
			Properties map[string]struct {
				Type     string
				ReadOnly bool
			}
			Required []string
		}
		if err := json.Unmarshal(text, &schema); err != nil {
			t.Fatal(err)
		}
		for key, p := range schema.Properties {
			s, ok := StandardOf(OfKey(key))
			if !ok || s.Key != key {
				t.Errorf("%s is missing", key)
				continue
			}
			if want := names[p.Type]; want != "" && string(s.Type) != want {
				t.Errorf("%s is %s, elsewhere %s", key, s.Type, want)
			}
			if p.ReadOnly && !s.readOnly && key != "StopTransactionOnEVSideDisconnect" { // 1.6 §9.1.27: read and write
				t.Errorf("%s can be written here, elsewhere not", key)
			}
		}
		for _, key := range schema.Required {
			if s, _ := StandardOf(OfKey(key)); filepath.Base(f) == "Core.json" && !s.Required("1.6") {
				t.Errorf("%s is required", key)
			}
		}
	}
}
