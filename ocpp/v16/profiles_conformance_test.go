//go:build conformance

package v16

import (
	"encoding/json"
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/ocpp/ocpptest"
)

// TestConformanceProfiles sends the profiles of the shared data that are in
// neutral terms: those with transactions of 2.x have ids that 1.6 cannot name.
func TestConformanceProfiles(t *testing.T) {
	s := ocpptest.Sends{Dialect: New(), Suffix: "Request", Dirs: []string{"1.6/core", "1.6/security"}}
	said, unsupported, invalid := s.SendsProfiles(t)
	t.Logf("%d said, %d not in OCPP 1.6, %d not valid", said, unsupported, invalid)
	if said < 10 || unsupported == 0 {
		t.Errorf("%d said, %d not in OCPP 1.6", said, unsupported)
	}
}

// TestConformanceProfilesOf16 takes profiles of 1.6 to neutral terms and back:
// they must say the same.
func TestConformanceProfilesOf16(t *testing.T) {
	same := 0
	for _, p := range ocpptest.ChargingProfiles(t, "v16") {
		var in ChargingProfile
		if err := json.Unmarshal(p.Text, &in); err != nil {
			t.Fatalf("%s: %v", p.Path, err)
		}
		req := &ocpp.SetChargingProfileRequest{EVSEID: 1, ChargingProfile: raise(in)}
		_, payload, err := New().Encode(req)
		if err != nil {
			if len(in.ChargingSchedule.ChargingRateUnit) > 0 || fault.KindOf(err) != fault.Invalid {
				t.Errorf("%s: %v", p.Path, err)
			}
			continue
		}
		var out SetChargingProfileRequest
		if err := json.Unmarshal(payload, &out); err != nil {
			t.Fatal(err)
		}
		want, _ := json.Marshal(in)
		got, _ := json.Marshal(out.CsChargingProfiles)
		if string(want) != string(got) {
			t.Errorf("%s:\nwant %s\ngot  %s", p.Path, want, got)
		}
		same++
	}
	if same < 15 {
		t.Errorf("only %d profiles got through", same)
	}
}

// raise gives a 1.6 profile in neutral terms.
func raise(p ChargingProfile) ocpp.ChargingProfile {
	out := ocpp.ChargingProfile{
		ID: p.ChargingProfileID, StackLevel: p.StackLevel, ChargingProfileKind: ocpp.ChargingProfileKindEnum(p.ChargingProfileKind),
		RecurrencyKind: ocpp.RecurrencyKindEnum(p.RecurrencyKind), ValidFrom: p.ValidFrom, ValidTo: p.ValidTo,
	}
	for neutral, own := range purposes {
		if own == p.ChargingProfilePurpose {
			out.ChargingProfilePurpose = neutral
		}
	}
	if p.TransactionID != nil {
		b, _ := json.Marshal(*p.TransactionID)
		out.TransactionID = string(b)
	}
	s := ocpp.ChargingSchedule{
		ID: 1, Duration: p.ChargingSchedule.Duration, StartSchedule: p.ChargingSchedule.StartSchedule,
		ChargingRateUnit: ocpp.ChargingRateUnitEnum(p.ChargingSchedule.ChargingRateUnit), MinChargingRate: p.ChargingSchedule.MinChargingRate,
	}
	for _, x := range p.ChargingSchedule.ChargingSchedulePeriod {
		s.ChargingSchedulePeriod = append(s.ChargingSchedulePeriod, ocpp.ChargingSchedulePeriod{StartPeriod: x.StartPeriod, Limit: &x.Limit, NumberPhases: x.NumberPhases})
	}
	out.ChargingSchedule = []ocpp.ChargingSchedule{s}
	return out
}
