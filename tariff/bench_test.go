package tariff

import (
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// benchTariff has eight elements: fees, three time windows, a weekend price,
// an energy threshold, a duration threshold and a fallback.
const benchTariff = `{"currency":"EUR","elements":[
 {"price_components":[{"type":"FLAT","price":0.5,"vat":20,"step_size":1}]},
 {"price_components":[{"type":"ENERGY","price":0.52,"vat":20,"step_size":1}],"restrictions":{"start_time":"07:00","end_time":"10:00","day_of_week":["MONDAY","TUESDAY","WEDNESDAY","THURSDAY","FRIDAY"]}},
 {"price_components":[{"type":"ENERGY","price":0.58,"vat":20,"step_size":1}],"restrictions":{"start_time":"17:00","end_time":"21:00"}},
 {"price_components":[{"type":"ENERGY","price":0.29,"vat":20,"step_size":1}],"restrictions":{"start_time":"22:00","end_time":"06:00"}},
 {"price_components":[{"type":"ENERGY","price":0.39,"vat":20,"step_size":1}],"restrictions":{"min_kwh":30}},
 {"price_components":[{"type":"PARKING_TIME","price":0,"vat":20,"step_size":60}],"restrictions":{"max_duration":7200}},
 {"price_components":[{"type":"PARKING_TIME","price":6,"vat":20,"step_size":60}],"restrictions":{"start_time":"08:00","end_time":"22:00"}},
 {"price_components":[{"type":"ENERGY","price":0.45,"vat":20,"step_size":1},{"type":"TIME","price":0.6,"vat":20,"step_size":60}]}]}`

// benchUsage is 20 periods of a quarter of an hour, 16:07 to 21:07 in Paris:
// it passes two windows, 30 kWh and two hours.
func benchUsage() Usage {
	start := time.Date(2026, 3, 27, 15, 7, 0, 0, time.UTC)
	u := Usage{Start: start, End: start.Add(5 * time.Hour)}
	for i := range 20 {
		p := Period{Start: start.Add(time.Duration(i) * 15 * time.Minute), Kind: Charging, Energy: 2_612_345}
		p.End = p.Start.Add(15 * time.Minute)
		if i >= 15 {
			p.Kind, p.Energy = Parking, 0
		}
		p.MaxPower, p.MinPower = unit.Watts(11000), unit.Watts(10000)
		u.Periods = append(u.Periods, p)
	}
	return u
}

func BenchmarkPrice(b *testing.B) {
	t := parse(b, benchTariff)
	zone := paris(b)
	u := benchUsage()
	b.ReportAllocs()
	for b.Loop() {
		Price(t, u, zone, Context{})
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sessions/s")
}

// TestAllocations states what a price allocates: 20 periods under 8 elements
// make some 24 priced periods and 9 lines, in about 63 allocations of 8.5 kB.
func TestAllocations(t *testing.T) {
	x, u, z := parse(t, benchTariff), benchUsage(), paris(t)
	if n := testing.AllocsPerRun(50, func() { Price(x, u, z, Context{}) }); n > 80 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkPriceExtended adds every extension to the same session.
func BenchmarkPriceExtended(b *testing.B) {
	t := parse(b, benchTariff[:len(benchTariff)-1]+`,"forecourt":{"allowances":[{"per":"day","kwh":5},{"per":"session","minutes":20}],
	 "idle":{"grace_minutes":15,"cap":{"excl_vat":12},"quiet_hours":[{"start":"22:00","end":"07:00"}]},"day_cap":{"excl_vat":50},"failed_start":{"max_seconds":120,"max_wh":100}}}`)
	zone := paris(b)
	u := benchUsage()
	b.ReportAllocs()
	for b.Loop() {
		Price(t, u, zone, Context{})
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sessions/s")
}
