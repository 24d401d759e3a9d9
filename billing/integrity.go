package billing

import (
	"fmt"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/session"
	"github.com/forecourt-ev/forecourt/tariff"
)

// integrity compares a final price with the quote that was shown when the
// session began. It gives what the quote's formula makes of the usage, and a
// text for each thing that does not agree: none means that what was shown is
// what is billed.
//
// The formula is the tariff version, the time zone and who charged, all as
// they were at the start; what the driver used up of allowances meanwhile is
// in the session's fact. Sessions without a quote had no tariff.
func integrity(f session.Finished, v *tariff.Version, cost tariff.Cost) (quoted tariff.Cost, breaches []string, err error) {
	q := f.Quote
	if q == nil || v == nil {
		return cost, nil, nil
	}
	bad := func(format string, args ...any) { breaches = append(breaches, fmt.Sprintf(format, args...)) }
	if q.Version != v.ID {
		bad("The driver was shown version %d of tariff %s; the bill is by version %d of %s.", q.Number, q.Tariff, v.Number, v.Tariff.ID)
	}
	example, err := q.Example(v.Tariff)
	if err != nil {
		return cost, nil, err
	}
	if example.Excl.Micros != q.Excl || example.Incl.Micros != q.Incl || example.Currency != q.Currency {
		bad("The example that the quote priced at %s costs %s now.", money.Amount{Micros: q.Incl, Currency: q.Currency}, example.Incl)
	}
	zone, err := time.LoadLocation(q.Zone)
	if err != nil {
		return cost, nil, fault.Wrap(fault.Internal, err, "billing.quote", "the time zone %q of a quote is not known", q.Zone)
	}
	inputs := q.Context
	inputs.Used, inputs.Spent = f.Inputs.Used, f.Inputs.Spent
	quoted = tariff.Price(v.Tariff, f.Usage, zone, inputs)
	if quoted.Excl != cost.Excl || quoted.Incl != cost.Incl {
		bad("The quote's formula gives %s, the bill %s.", quoted.Incl, cost.Incl)
	}
	if f.Status != session.Invalid && (f.Excl != cost.Excl.Micros || f.Incl != cost.Incl.Micros) {
		bad("The session was told to cost %s, the bill is %s.", money.Amount{Micros: f.Incl, Currency: cost.Currency}, cost.Incl)
	}
	return quoted, breaches, nil
}
