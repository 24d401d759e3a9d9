package ocpptest

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Profile is a charging profile of the shared data.
type Profile struct {
	Path string // "v2/grid/TxProfile_grid_hourly.json"
	Text json.RawMessage
}

// ChargingProfiles reads the profiles of one family: "v16", "v2" or "v21".
func ChargingProfiles(t *testing.T, family string) []Profile {
	t.Helper()
	dir := filepath.Join(Shared(t), "profiles")
	var out []Profile
	err := filepath.WalkDir(filepath.Join(dir, family), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		out = append(out, Profile{filepath.ToSlash(name), text})
		return err
	})
	if err != nil || len(out) == 0 {
		t.Fatalf("no profiles of %s: %v", family, err)
	}
	return out
}

// SendsProfiles encodes the profiles of the shared data that are in neutral
// terms: what the version can say must be what its official schema allows,
// what it cannot say fault.Unsupported with a reason, what no version allows
// fault.Invalid. It gives how many of each there were.
func (s Sends) SendsProfiles(t *testing.T) (said, unsupported, invalid int) {
	o := official{dirs: s.Dirs, shared: filepath.Join(Shared(t), "ocpp"), suffix: s.Suffix}
	schema := o.schema(t, "SetChargingProfile", false)
	for _, p := range append(ChargingProfiles(t, "v2"), ChargingProfiles(t, "v21")...) {
		req := &ocpp.SetChargingProfileRequest{EVSEID: 1}
		if strings.Contains(string(p.Text), "MaxProfile") {
			req.EVSEID = 0 // OCPP 2.0.1 K01.FR.03
		}
		if err := json.Unmarshal(p.Text, &req.ChargingProfile); err != nil {
			t.Fatalf("%s: %v", p.Path, err)
		}
		switch s.profile(t, schema, p, req) {
		case fault.Unsupported:
			unsupported++
		case fault.Invalid:
			invalid++
		default:
			said++
		}
	}
	return said, unsupported, invalid
}

func (s Sends) profile(t *testing.T, schema *jsonschema.Schema, p Profile, req *ocpp.SetChargingProfileRequest) fault.Kind {
	t.Helper()
	action, payload, err := s.Dialect.Encode(req)
	if err == nil {
		validate(t, schema, payload, action, p.Text)
		return 0
	}
	kind := fault.KindOf(err)
	switch wrong := len(req.Validate()) > 0; {
	case kind != fault.Unsupported && kind != fault.Invalid:
		t.Errorf("%s: %v", p.Path, err)
	case wrong && kind != fault.Invalid:
		t.Errorf("%s is valid in no version, but that is not what the error says: %v", p.Path, err)
	case !wrong && s.Dialect.Version() == ocpp.V21:
		t.Errorf("%s: OCPP 2.1 has it: %v", p.Path, err)
	}
	t.Logf("%s: %v", p.Path, err)
	return kind
}
