package tariff

import (
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpi"
)

func TestUsageOfCDR(t *testing.T) {
	t.Parallel()
	x := parse(t, `{"currency":"EUR","elements":[{"price_components":[{"type":"ENERGY","price":0.5,"step_size":1},{"type":"TIME","price":2,"step_size":300},
	 {"type":"PARKING_TIME","price":6,"step_size":60}]},{"price_components":[{"type":"TIME","price":3,"step_size":1}],"restrictions":{"reservation":"RESERVATION"}}]}`)
	for _, c := range []struct{ name, in, want string }{
		{"volumes rounded to the spec's decimals mean the whole period", `{"start_date_time":"2015-06-29T21:39:09Z","end_date_time":"2015-06-29T23:37:32Z",
			"charging_periods":[{"start_date_time":"2015-06-29T21:39:09Z","dimensions":[{"type":"TIME","volume":1.973}]}]}`, "4.00"},
		{"charging and parking in one period", `{"start_date_time":"2026-03-10T08:00:00Z","end_date_time":"2026-03-10T10:00:00Z",
			"charging_periods":[{"start_date_time":"2026-03-10T08:00:00Z","dimensions":[{"type":"ENERGY","volume":10},{"type":"TIME","volume":1.5},{"type":"PARKING_TIME","volume":0.5}]}]}`, "11.00"},
		{"neither charging nor parking", `{"start_date_time":"2026-03-10T08:00:00Z","end_date_time":"2026-03-10T10:00:00Z",
			"charging_periods":[{"start_date_time":"2026-03-10T08:00:00Z","dimensions":[{"type":"ENERGY","volume":10}]}]}`, "5.00"},
		{"after a reservation", `{"start_date_time":"2026-03-10T08:00:00Z","end_date_time":"2026-03-10T10:00:00Z",
			"charging_periods":[{"start_date_time":"2026-03-10T08:00:00Z","dimensions":[{"type":"RESERVATION_TIME","volume":1}]},
			{"start_date_time":"2026-03-10T09:00:00Z","dimensions":[{"type":"ENERGY","volume":1},{"type":"TIME","volume":1},{"type":"MAX_POWER","volume":7.4}]}]}`, "5.50"},
	} {
		o, err := ocpi.Parse[ocpi.CDR]([]byte(c.in))
		if err != nil {
			t.Fatal(err)
		}
		u, err := UsageOf(o)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := Price(x, u, nil, Context{}).Excl.Decimal(); got != c.want {
			t.Errorf("%s: %s, want %s; %+v", c.name, got, c.want, u)
		}
	}
	for _, in := range []string{`{"start_date_time":"2026-03-10T08:00:00Z"}`,
		`{"start_date_time":"2026-03-10T08:00:00Z","end_date_time":"2026-03-10T09:00:00Z","charging_periods":[{"start_date_time":"2026-03-10T10:00:00Z","dimensions":[]}]}`} {
		o, err := ocpi.Parse[ocpi.CDR]([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := UsageOf(o); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s gave %v", in, err)
		}
	}
}
