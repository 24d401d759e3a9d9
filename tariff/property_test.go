package tariff

import (
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// Random tariffs and sessions, small enough that every rule meets every other
// one, on days when the clocks change in Paris and Los Angeles.

func genTariff(rt *rapid.T, steps bool) Tariff {
	o := ocpi.Tariff{CountryCode: "FR", PartyID: "FCT", ID: "r", Currency: "EUR"}
	for range rapid.IntRange(1, 6).Draw(rt, "elements") {
		o.Elements = append(o.Elements, genElement(rt, steps))
	}
	t, err := FromOCPI(o)
	if err != nil {
		rt.Fatal(err)
	}
	return t
}

func genElement(rt *rapid.T, steps bool) ocpi.TariffElement {
	var e ocpi.TariffElement
	for _, d := range ocpi.TariffDimensions {
		if !rapid.Bool().Draw(rt, string(d)) {
			continue
		}
		c := ocpi.PriceComponent{Type: d, Price: unit.DecimalOf(rapid.Int64Range(0, 900).Draw(rt, "price"), -3), StepSize: 1}
		if steps {
			c.StepSize = rapid.SampledFrom([]int64{1, 60, 300, 900, 1000}).Draw(rt, "step")
		}
		if rapid.Bool().Draw(rt, "vat?") {
			v := unit.DecimalOf(rapid.SampledFrom([]int64{0, 55, 100, 200}).Draw(rt, "vat"), -1)
			c.VAT = &v
		}
		e.PriceComponents = append(e.PriceComponents, c)
	}
	if len(e.PriceComponents) == 0 {
		e.PriceComponents = []ocpi.PriceComponent{{Type: ocpi.DimensionEnergy, Price: unit.DecimalOf(3, -1), StepSize: 1}}
	}
	if rapid.IntRange(0, 3).Draw(rt, "restricted") > 0 {
		e.Restrictions = genRestrictions(rt)
	}
	return e
}

func genRestrictions(rt *rapid.T) *ocpi.TariffRestrictions {
	var r ocpi.TariffRestrictions
	pick := func(name string) bool { return rapid.IntRange(0, 3).Draw(rt, name) == 0 }
	clock := func(name string) string {
		return fmt.Sprintf("%02d:%02d", rapid.IntRange(0, 23).Draw(rt, name), rapid.SampledFrom([]int{0, 0, 15, 30, 59}).Draw(rt, name))
	}
	if pick("time") {
		r.StartTime, r.EndTime = clock("from"), clock("to")
	}
	if pick("days") {
		r.DayOfWeek = slices.Clone(rapid.SampledFrom([][]string{ocpi.Weekdays[:5], ocpi.Weekdays[5:], ocpi.Weekdays[6:]}).Draw(rt, "days"))
	}
	if pick("date") {
		r.StartDate = rapid.SampledFrom([]string{"2026-03-08", "2026-03-29", "2026-10-25", "2026-11-01"}).Draw(rt, "date")
	}
	number := func(name string, hi int64) *unit.Decimal {
		if !pick(name) {
			return nil
		}
		d := unit.DecimalOf(rapid.Int64Range(1, hi).Draw(rt, name), 0)
		return &d
	}
	r.MinKWh, r.MaxKWh = number("min_kwh", 30), number("max_kwh", 30)
	r.MinPower, r.MaxPower = number("min_power", 15), number("max_power", 15)
	if pick("duration") {
		d := rapid.Int64Range(60, 20_000).Draw(rt, "duration")
		if rapid.Bool().Draw(rt, "min") {
			r.MinDuration = &d
		} else {
			r.MaxDuration = &d
		}
	}
	return &r
}

var starts = []time.Time{
	time.Date(2026, 3, 28, 22, 30, 0, 0, time.UTC), time.Date(2026, 10, 24, 22, 30, 0, 0, time.UTC),
	time.Date(2026, 3, 8, 8, 10, 0, 0, time.UTC), time.Date(2026, 11, 1, 7, 10, 0, 0, time.UTC),
	time.Date(2026, 6, 12, 15, 0, 0, 0, time.UTC),
}

// genUsage makes periods of tens of seconds in which every second takes a
// divisor of 10 Wh, so that whole kWh fall between two seconds and a
// second-by-second calculator can be exact.
func genUsage(rt *rapid.T) Usage {
	at := rapid.SampledFrom(starts).Draw(rt, "start").Add(time.Duration(rapid.IntRange(0, 86_400).Draw(rt, "offset")) * time.Second)
	u := Usage{Start: at}
	for range rapid.IntRange(0, 6).Draw(rt, "periods") {
		seconds := 10 * rapid.IntRange(1, 400).Draw(rt, "tens of seconds")
		p := Period{Start: at, End: at.Add(time.Duration(seconds) * time.Second),
			Kind: rapid.SampledFrom([]Kind{Charging, Charging, Parking, Suspended, Offline}).Draw(rt, "kind")}
		if p.Kind == Charging || p.Kind == Offline {
			p.Energy = unit.Energy(seconds) * unit.Energy(rapid.SampledFrom([]int64{0, 1, 2, 5, 10}).Draw(rt, "Wh/s")) * unit.WattHour
		}
		u.Periods = append(u.Periods, p)
		at = p.End
	}
	u.End = at
	return u
}

func genZone(rt *rapid.T) *time.Location {
	z, err := time.LoadLocation(rapid.SampledFrom([]string{"Europe/Paris", "America/Los_Angeles", "Asia/Kolkata", "UTC"}).Draw(rt, "zone"))
	if err != nil {
		rt.Fatal(err)
	}
	return z
}

// TestAgainstSecondBySecond compares the engine with a calculator that knows
// nothing of cuts: it asks the restrictions anew for each second, reads the
// wall clock from package time, and sums fractions.
func TestAgainstSecondBySecond(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		tariff, u, zone := genTariff(rt, true), genUsage(rt), genZone(rt)
		cost := Price(tariff, u, zone, Context{})
		want := bySecond(tariff.Source, u, zone)
		got := new(big.Rat)
		for _, l := range cost.Lines {
			got.Add(got, big.NewRat(int64(l.Excl.Micros), 1_000_000))
		}
		// Each line may be half a millionth off.
		if diff := new(big.Rat).Sub(want, got); diff.Abs(diff).Cmp(big.NewRat(int64(len(cost.Lines))+1, 2_000_000)) > 0 {
			rt.Fatalf("engine %s, second by second %s", got.FloatString(7), want.FloatString(7))
		}
	})
}

// TestSplittingChangesNothing: cutting periods anywhere, even between two
// millionths of a kWh, leaves every line as it was.
func TestSplittingChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		tariff, u, zone := genTariff(rt, true), genUsage(rt), genZone(rt)
		cut := u
		cut.Periods = nil
		for _, p := range u.Periods {
			seconds := int64(p.End.Sub(p.Start) / time.Second)
			at := rapid.Int64Range(0, seconds).Draw(rt, "at")
			a, b := p, p
			a.End = p.Start.Add(time.Duration(at) * time.Second)
			b.Start, a.Energy = a.End, p.Energy/unit.Energy(seconds)*unit.Energy(at)
			b.Energy = p.Energy - a.Energy
			cut.Periods = append(cut.Periods, a, b)
		}
		compareLines(rt, Price(tariff, u, zone, Context{}), Price(tariff, cut, zone, Context{}))
	})
}

// TestOrderOfReadings: periods may come in any order.
func TestOrderOfReadings(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		tariff, u, zone := genTariff(rt, true), genUsage(rt), genZone(rt)
		mixed := u
		mixed.Periods = rapid.Permutation(u.Periods).Draw(rt, "order")
		compareLines(rt, Price(tariff, u, zone, Context{}), Price(tariff, mixed, zone, Context{}))
	})
}

func compareLines(rt *rapid.T, a, b Cost) {
	if len(a.Lines) != len(b.Lines) || a.Excl != b.Excl || a.Incl != b.Incl || a.Energy != b.Energy {
		rt.Fatalf("%v %v against %v %v", a.Excl, a.Lines, b.Excl, b.Lines)
	}
	for i, x := range a.Lines {
		y := b.Lines[i]
		if x.Billed != y.Billed || x.Excl != y.Excl || x.Incl != y.Incl || x.component != y.component {
			rt.Fatalf("line %d: %+v against %+v", i, x, y)
		}
	}
}

// TestNeverNegativeAndAddsUp: no total below zero, tax never lowers it, lines
// make the total, periods make the energy and lie in order.
func TestNeverNegativeAndAddsUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		tariff, u, zone := genTariff(rt, true), genUsage(rt), genZone(rt)
		per := Context{Rounding: Rounding{PerLine: rapid.Bool().Draw(rt, "per line")}}
		cost := Price(tariff, u, zone, per)
		var excl, incl money.Amount = money.Zero("EUR"), money.Zero("EUR")
		for _, l := range cost.Lines {
			excl, incl = excl.Add(l.Excl), incl.Add(l.Incl)
		}
		if cost.Excl.Micros < 0 || cost.Incl.Cmp(cost.Excl) < 0 {
			rt.Fatalf("%s, %s", cost.Excl, cost.Incl)
		}
		if excl.Round(money.HalfUp) != cost.Excl || incl.Round(money.HalfUp) != cost.Incl || per.Rounding.PerLine && excl != cost.Excl {
			rt.Fatalf("lines make %s, the total is %s", excl, cost.Excl)
		}
		var energy unit.Energy
		last := u.Start
		for _, p := range cost.Periods {
			if p.Start.Before(last) || p.End.Before(p.Start) || p.Energy < 0 {
				rt.Fatalf("period %+v after %s", p, last)
			}
			energy, last = energy+p.Energy, p.End
		}
		if energy != cost.Energy {
			rt.Fatalf("periods hold %s of %s", energy, cost.Energy)
		}
	})
}

// TestMoreEnergyCostsNoLess, for tariffs without restrictions.
func TestMoreEnergyCostsNoLess(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		tariff, u, zone := genTariff(rt, true), genUsage(rt), genZone(rt)
		for i := range tariff.Source.Elements {
			tariff.Source.Elements[i].Restrictions = nil
		}
		simple, err := FromOCPI(tariff.Source)
		if err != nil {
			rt.Fatal(err)
		}
		more := u
		more.Periods = slices.Clone(u.Periods)
		for i := range more.Periods {
			if more.Periods[i].Kind == Charging {
				more.Periods[i].Energy += unit.Energy(rapid.Int64Range(0, 5_000_000).Draw(rt, "more"))
			}
		}
		a, b := Price(simple, u, zone, Context{}), Price(simple, more, zone, Context{})
		if b.Excl.Cmp(a.Excl) < 0 || b.Incl.Cmp(a.Incl) < 0 {
			rt.Fatalf("%s became %s", a.Incl, b.Incl)
		}
	})
}
