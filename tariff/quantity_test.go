package tariff

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// TestQuickIsExact compares the 128-bit path with fractions, ties included.
func TestQuickIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := Component{dim: rapid.SampledFrom([]int8{dimEnergy, dimFlat, dimTime}).Draw(rt, "dimension"),
			Price: unit.DecimalOf(rapid.Int64Range(0, 1_000_000_000).Draw(rt, "price"), rapid.IntRange(-6, 0).Draw(rt, "exponent"))}
		q := quantity{whole: rapid.Int64Range(0, 1_000_000_000_000).Draw(rt, "quantity")}
		num, den := vatFactor(unit.DecimalOf(rapid.SampledFrom([]int64{0, 55, 200, 149_75}).Draw(rt, "vat"), -1))
		rule := rapid.SampledFrom([]money.Rule{money.HalfUp, money.HalfEven, money.Down}).Draw(rt, "rule")
		got, ok := c.quick(&q, num, den, rule)
		exact := new(big.Rat).Mul(rat(c.Price), new(big.Rat).SetFrac64(q.whole, c.perUnit()))
		exact.Mul(exact, big.NewRat(num, den)).Mul(exact, big.NewRat(1_000_000, 1))
		want := divide(new(big.Int).Set(exact.Num()), exact.Denom(), rule)
		if ok && want.Cmp(big.NewInt(got)) != 0 || !ok && want.BitLen() < 60 {
			rt.Fatalf("%d (%v), want %s", got, ok, want)
		}
	})
}

// TestFractionsMeetAgain: pieces over one denominator add up to the whole.
func TestFractionsMeetAgain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		total := rapid.Int64Range(1, 1_000_000_000_000).Draw(rt, "total")
		over := rapid.Int64Range(1, 1_000_000_000_000).Draw(rt, "over")
		var a, b quantity
		last := fraction{}
		for range rapid.IntRange(1, 6).Draw(rt, "cuts") {
			at := mulDiv(total, rapid.Int64Range(0, over).Draw(rt, "at"), over)
			a.add(last, at)
			b.add(at, last)
			last = at
		}
		a.add(last, fraction{whole: total})
		a.plus(&b)
		b = quantity{}
		b.add(fraction{}, last)
		a.plus(&b)
		if !a.exact() && a.rat().Cmp(big.NewRat(total, 1)) == 0 || a.nearest() != total {
			rt.Fatalf("%+v is not %d", a, total)
		}
		step := rapid.Int64Range(1, 1_000_000).Draw(rt, "step")
		missing := b.missing(step)
		b.plus(&missing)
		if !b.exact() || b.whole%step != 0 || missing.rat().Cmp(big.NewRat(step, 1)) >= 0 || missing.rat().Sign() < 0 {
			rt.Fatalf("%+v is not a multiple of %d, %+v was missing", b, step, missing)
		}
	})
}
