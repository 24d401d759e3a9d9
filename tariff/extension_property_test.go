package tariff

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// genExtended is a random tariff with random extensions.
func genExtended(rt *rapid.T, steps bool) Tariff {
	o := genTariff(rt, steps).Source
	for i := range o.Elements {
		var e ElementExtension
		maybe := func(name string) bool { return rapid.IntRange(0, 4).Draw(rt, name) == 0 }
		if maybe("groups") {
			e.DriverGroups = []string{rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "group")}
		}
		if maybe("soc") {
			n := Number(unit.DecimalOf(rapid.Int64Range(0, 100).Draw(rt, "soc"), 0))
			e.MinSoC = &n
		}
		if maybe("rated") {
			n := Number(unit.DecimalOf(rapid.Int64Range(1, 100).Draw(rt, "kW"), 0))
			e.MaxRatedPower = &n
		}
		if !e.isZero() {
			o.Elements[i].Extra = ocpi.Extra{ExtensionField: toJSON(rt, e)}
		}
	}
	o.Extra = ocpi.Extra{ExtensionField: toJSON(rt, genExtension(rt))}
	t, err := FromOCPI(o)
	if err != nil {
		rt.Fatal(err)
	}
	return t
}

func toJSON(rt *rapid.T, v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		rt.Fatal(err)
	}
	return b
}

func genExtension(rt *rapid.T) Extension {
	var e Extension
	number := func(name string, hi int64, exp int) *Number {
		n := Number(unit.DecimalOf(rapid.Int64Range(1, hi).Draw(rt, name), exp))
		return &n
	}
	per := func() Per { return rapid.SampledFrom(pers).Draw(rt, "per") }
	coin := func(name string) bool { return rapid.Bool().Draw(rt, name) }
	if coin("free kWh") {
		e.Allowances = append(e.Allowances, AllowanceRule{Per: per(), KWh: number("kWh", 20_000, -3)})
	}
	if coin("free minutes") {
		m := rapid.Int64Range(1, 300).Draw(rt, "minutes")
		e.Allowances = append(e.Allowances, AllowanceRule{Per: per(), Minutes: &m})
	}
	if coin("free amount") {
		e.Allowances = append(e.Allowances, AllowanceRule{Per: per(), Amount: &PriceCap{InclVAT: number("amount", 500, -2)}})
	}
	if coin("idle") {
		e.Idle = &IdleRule{GraceMinutes: rapid.Int64Range(0, 60).Draw(rt, "grace"), OnlyWaiting: coin("waiting")}
		if coin("quiet") {
			e.Idle.QuietHours = []QuietTime{{"22:15", "06:30"}}
		}
		if coin("idle cap") {
			e.Idle.Cap = &PriceCap{ExclVAT: number("cap", 900, -2)}
		}
	}
	if coin("failed") {
		e.FailedStart = &FailedStart{MaxSeconds: 600, MaxWh: 1000}
	}
	if coin("day cap") {
		e.DayCap = &PriceCap{ExclVAT: number("day", 3000, -2)}
	}
	if coin("coins") {
		five := Number(unit.DecimalOf(5, -2))
		e.Rounding = &RoundingRule{Increment: &five}
	}
	return e
}

func genContext(rt *rapid.T) Context {
	c := Context{Rated: unit.Watts(rapid.Int64Range(0, 100_000).Draw(rt, "rated"))}
	if rapid.Bool().Draw(rt, "in a group") {
		c.Groups = []string{"a"}
	}
	if rapid.Bool().Draw(rt, "used before") {
		c.Used = []Used{{Per: PerPlan, Key: "plan", Energy: 3_000_000, Time: time.Hour, Excl: 1_000_000, Incl: 1_200_000},
			{Per: PerDay, Key: "2026-03-29", Energy: 2_000_000, Time: 20 * time.Minute}, {Per: PerMonth, Key: "2026-10", Energy: 1_500_000}}
		c.Spent = []Spent{{Date: "2026-10-25", Excl: 2_000_000, Incl: 2_300_000}}
	}
	return c
}

// genFacts adds what else a session knows: its battery, and who waited.
func genFacts(rt *rapid.T, u Usage) Usage {
	length := int64(u.End.Sub(u.Start) / time.Second)
	at := func(name string) time.Time {
		return u.Start.Add(time.Duration(rapid.Int64Range(0, max(length, 1)).Draw(rt, name)) * time.Second)
	}
	for range rapid.IntRange(0, 4).Draw(rt, "readings") {
		u.SoC = append(u.SoC, SoCReading{At: at("soc at"), SoC: unit.MilliPercent(rapid.Int64Range(0, 100_000).Draw(rt, "soc"))})
	}
	// One reading an instant: two would leave the order to decide.
	slices.SortStableFunc(u.SoC, func(a, b SoCReading) int { return a.At.Compare(b.At) })
	u.SoC = slices.CompactFunc(u.SoC, func(a, b SoCReading) bool { return a.At.Equal(b.At) })
	for range rapid.IntRange(0, 2).Draw(rt, "waiters") {
		from := at("waits from")
		u.Waiting = append(u.Waiting, TimeSpan{from, from.Add(time.Duration(rapid.IntRange(1, 3600).Draw(rt, "waits")) * time.Second)})
	}
	return u
}

// split cuts every period of a usage in two.
func split(rt *rapid.T, u Usage) Usage {
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
	return cut
}

// TestExtensionsSplitAndOrder: with every extension, cutting periods and
// mixing their order and that of the readings changes nothing.
func TestExtensionsSplitAndOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		x, zone, c := genExtended(rt, true), genZone(rt), genContext(rt)
		u := genFacts(rt, genUsage(rt))
		whole := Price(x, u, zone, c)
		compareLines(rt, whole, Price(x, split(rt, u), zone, c))
		mixed := u
		mixed.Periods = rapid.Permutation(u.Periods).Draw(rt, "order")
		mixed.SoC = rapid.Permutation(u.SoC).Draw(rt, "readings")
		mixed.Waiting = rapid.Permutation(u.Waiting).Draw(rt, "waiting")
		compareLines(rt, whole, Price(x, mixed, zone, c))
	})
}

// TestExtensionsAddUp: lines make the totals, nothing is below zero, free
// lines cost nothing, and what is used of an allowance is within it.
func TestExtensionsAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		x, zone, c := genExtended(rt, true), genZone(rt), genContext(rt)
		cost := Price(x, genFacts(rt, genUsage(rt)), zone, c)
		var excl, incl money.Micro
		var coins money.Micro
		for _, l := range cost.Lines {
			if l.Kind == LineFree && (!l.Excl.IsZero() || !l.Incl.IsZero()) {
				rt.Fatalf("free costs %s", l.Incl)
			}
			if l.Kind == LineRounding {
				coins = l.Incl.Micros
				continue
			}
			excl, incl = excl+l.Excl.Micros, incl+l.Incl.Micros
		}
		paid := money.Amount{Micros: incl, Currency: "EUR"}.Round(money.HalfUp).Micros + coins
		if paid != cost.Incl.Micros || cost.Excl.Micros < 0 || cost.Incl.Micros < 0 {
			rt.Fatalf("lines make %d with tax, the total is %d; before tax %d", paid, cost.Incl.Micros, cost.Excl.Micros)
		}
		if r := x.policy.rounding; r != nil && cost.Incl.Micros%r.Increment != 0 {
			rt.Fatalf("%s cannot be paid", cost.Incl)
		}
		for _, y := range cost.Used {
			before := c.before(y.Per, y.Key)
			for _, a := range x.policy.free {
				if a.per == y.Per && a.of == freeEnergy && y.Energy > 0 && int64(before.Energy+y.Energy) > max(a.amount, int64(before.Energy)) {
					rt.Fatalf("%s used of %d", y.Energy, a.amount)
				}
			}
		}
	})
}

// TestQuoteRunningAndFinalAgree: a session priced at any moment costs what it
// would cost if it had been quoted for, or had ended, just then.
func TestQuoteRunningAndFinalAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		x, zone, c := genExtended(rt, true), genZone(rt), genContext(rt)
		q := Quote{Start: rapid.SampledFrom(starts).Draw(rt, "start"), Energy: unit.Energy(rapid.Int64Range(1, 50).Draw(rt, "Wh/s")) * 7200 * unit.WattHour,
			Charging: 2 * time.Hour, Parking: time.Duration(rapid.IntRange(0, 90).Draw(rt, "parking")) * time.Minute}
		quoted := q.Usage()
		final := split(rt, quoted)
		compareLines(rt, Price(x, quoted, zone, c), Price(x, final, zone, c))

		// Now while it runs: the periods so far, the last one cut.
		seconds := rapid.Int64Range(1, 7200).Draw(rt, "now")
		now := q.Start.Add(time.Duration(seconds) * time.Second)
		so := Usage{Start: q.Start, End: now, Periods: []Period{{Start: q.Start, End: now, Kind: Charging, Energy: q.Energy / 7200 * unit.Energy(seconds)}}}
		ended := Quote{Start: q.Start, Energy: so.Periods[0].Energy, Charging: now.Sub(q.Start)}.Usage()
		compareLines(rt, Price(x, so, zone, c), Price(x, ended, zone, c))
	})
}
