package v16

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// A limit loses less than a tenth and never grows: what is granted to a
// station must not exceed what was planned.
func TestLimitsAreCutTowardsLess(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"16": "16", "16.09": "16", "16.1": "16.1", "16.19": "16.1", "0.05": "0", "-0.01": "-0.1", "-5.19": "-5.2", "-5.1": "-5.1", "11000.999": "11000.9", "1e3": "1000",
	} {
		d, err := unit.ParseDecimal(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := oneDecimal(d).String(); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := unit.DecimalOf(rapid.Int64Range(-1e15, 1e15).Draw(t, "coef"), rapid.IntRange(-12, 0).Draw(t, "exp"))
		got := oneDecimal(d)
		if got.Exp < -1 {
			t.Fatalf("%s has more than one decimal", got)
		}
		a, okA := got.Scaled(12)
		b, okB := d.Scaled(12)
		if okA && okB && (a > b || b-a >= 100_000_000_000) {
			t.Fatalf("%s became %s", d, got)
		}
	})
}

// TestProfileKeepsItsMeaning sends a profile down and reads the composite
// schedule that a station would make of it back.
func TestProfileKeepsItsMeaning(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var periods []ocpp.ChargingSchedulePeriod
		for i := range rapid.IntRange(1, 5).Draw(t, "periods") {
			limit := unit.DecimalOf(rapid.Int64Range(0, 220000).Draw(t, "limit"), -1)
			phases := rapid.SampledFrom([]*int{nil, new(int)}).Draw(t, "phases")
			periods = append(periods, ocpp.ChargingSchedulePeriod{StartPeriod: i * 60, Limit: &limit, NumberPhases: phases})
		}
		in, err := schedule(ocpp.ChargingSchedule{ID: 1, ChargingRateUnit: ocpp.ChargingRateUnitEnumW, ChargingSchedulePeriod: periods})
		if err != nil {
			t.Fatal(err)
		}
		back := decodeGetCompositeSchedule(&ocpp.GetCompositeScheduleRequest{EVSEID: 2, Duration: 600},
			&GetCompositeScheduleResponse{Status: GetCompositeScheduleStatusEnumAccepted, ChargingSchedule: &in}).(*ocpp.GetCompositeScheduleResponse)
		if back.Schedule.EVSEID != 2 || back.Schedule.Duration != 600 || len(back.Schedule.ChargingSchedulePeriod) != len(periods) {
			t.Fatalf("got %+v", back.Schedule)
		}
		for i, p := range back.Schedule.ChargingSchedulePeriod {
			if p.StartPeriod != periods[i].StartPeriod || *p.Limit != *periods[i].Limit || p.NumberPhases != periods[i].NumberPhases {
				t.Fatalf("period %d: got %+v, want %+v", i, p, periods[i])
			}
		}
	})
}
