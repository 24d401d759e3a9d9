package tariff

import (
	"math/big"
	"math/bits"
)

// fraction is whole + num/den with 0 <= num < den: an exact position within a
// period where a straight line meets a boundary. den is 0 when it is whole.
type fraction struct{ whole, num, den int64 }

// mulDiv gives a×b÷c exactly, for non-negative a, b and positive c with b <= c.
func mulDiv(a, b, c int64) fraction {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	q, r := bits.Div64(hi, lo, uint64(c))
	if r == 0 {
		return fraction{whole: int64(q)}
	}
	return fraction{whole: int64(q), num: int64(r), den: c}
}

// nearest rounds half up.
func (f fraction) nearest() int64 {
	if f.den != 0 && f.num >= f.den-f.num {
		return f.whole + 1
	}
	return f.whole
}

// quantity sums fractions exactly. Parts over the same denominator meet again
// when a split period's pieces come together, so parts stays short and is
// mostly empty.
type quantity struct {
	whole int64
	parts []part
	used  bool
}

type part struct{ num, den int64 }

// add puts b - a on top.
func (q *quantity) add(a, b fraction) {
	q.whole += b.whole - a.whole
	if a.den != 0 {
		q.part(-a.num, a.den)
	}
	if b.den != 0 {
		q.part(b.num, b.den)
	}
}

func (q *quantity) part(num, den int64) {
	for i := range q.parts {
		p := &q.parts[i]
		if p.den != den {
			continue
		}
		p.num += num
		switch {
		case p.num >= den:
			p.num -= den
			q.whole++
		case p.num <= -den:
			p.num += den
			q.whole--
		}
		return
	}
	q.parts = append(q.parts, part{num, den})
}

// exact reports whether the quantity is a whole number of base units.
func (q *quantity) exact() bool {
	for _, p := range q.parts {
		if p.num != 0 {
			return false
		}
	}
	return true
}

func (q *quantity) rat() *big.Rat {
	r := new(big.Rat).SetInt64(q.whole)
	for _, p := range q.parts {
		if p.num != 0 {
			r.Add(r, big.NewRat(p.num, p.den))
		}
	}
	return r
}

// single gives the only part that is not zero, the usual case of a fraction.
func (q *quantity) single() (part, bool) {
	var only part
	for _, p := range q.parts {
		if p.num != 0 && only.den != 0 {
			return part{}, false
		}
		if p.num != 0 {
			only = p
		}
	}
	return only, only.den != 0
}

// isZero reports whether nothing was used.
func (q *quantity) isZero() bool {
	if q.exact() {
		return q.whole == 0
	}
	if _, ok := q.single(); ok {
		return false // a part is less than one whole
	}
	return q.rat().Sign() == 0
}

// nearest is the quantity in whole base units, half up, for display.
func (q *quantity) nearest() int64 {
	if q.exact() {
		return q.whole
	}
	if p, ok := q.single(); ok {
		return q.whole + floorDiv(2*p.num+p.den, 2*p.den)
	}
	r := q.rat()
	return divide(r.Num(), r.Denom(), 0).Int64()
}

// plus merges o into q; both keep their exactness.
func (q *quantity) plus(o *quantity) {
	q.whole += o.whole
	for _, p := range o.parts {
		if p.num != 0 {
			q.part(p.num, p.den)
		}
	}
}

// roundUp gives what is missing to the next multiple of step, as a quantity.
func (q *quantity) missing(step int64) quantity {
	if q.exact() {
		if r := q.whole % step; r != 0 {
			return quantity{whole: step - r}
		}
		return quantity{}
	}
	total := q.rat()
	blocks := new(big.Int).Quo(total.Num(), new(big.Int).Mul(total.Denom(), big.NewInt(step)))
	up := new(big.Int).Mul(blocks.Add(blocks, big.NewInt(1)), big.NewInt(step))
	if new(big.Rat).Sub(new(big.Rat).SetInt(up), total).Cmp(new(big.Rat).SetInt64(step)) == 0 {
		return quantity{} // fractions that add up to a whole multiple
	}
	out := quantity{whole: up.Int64()}
	out.whole -= q.whole
	for _, p := range q.parts {
		if p.num != 0 {
			out.part(-p.num, p.den)
		}
	}
	return out
}
