package tariff

import (
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// HeatQuestion is which prices a heat map shows: those that a session meets
// at each local time of day. What a price may depend on beside the clock is
// given, and stays the same all over the map.
type HeatQuestion struct {
	From     time.Time // a local date; its time of day and zone do not matter
	Days     int       // rows, 1 to 56
	Slot     int       // minutes per column; divides a day
	Energy   unit.Energy
	Duration time.Duration
	Power    unit.Watts
	Current  unit.MilliAmps
	SoC      *unit.MilliPercent
	Context  Context
}

// HeatMap is the price of each dimension by local date and time of day. It
// shows the clock on the wall: on a day that the clock changes, an hour is
// skipped or met twice, and its price is the same.
type HeatMap struct {
	Slot       int // minutes
	Dates      []string
	Dimensions []HeatGrid
}

// HeatGrid is one dimension: a row per date, a cell per slot.
type HeatGrid struct {
	Dimension Dimension
	Rows      [][]HeatCell
}

// HeatCell is the price per kWh, per hour or once, as the driver pays it (with
// the tax that the tariff states). Element is the one that prices it, -1 when
// nothing does. Mixed: the price changes within the slot.
type HeatCell struct {
	Element    int
	Excl, Incl money.Amount
	Mixed      bool
}

// HeatMap asks the tariff for the prices of every slot.
func (t *Tariff) HeatMap(q HeatQuestion) HeatMap {
	out := HeatMap{Slot: q.Slot}
	first := floorDiv(time.Date(q.From.Year(), q.From.Month(), q.From.Day(), 0, 0, 0, 0, time.UTC).UnixMicro(), day)
	for d := range int64(q.Days) {
		out.Dates = append(out.Dates, dateText(first+d))
	}
	step := int64(q.Slot) * minute
	for d := range dims {
		if len(t.candidates[phaseSession][d]) == 0 {
			continue
		}
		g := HeatGrid{Dimension: dimensionOf[d]}
		for _, date := range dates(first, q.Days) {
			var row []HeatCell
			for at := int64(0); at < day; at += step {
				row = append(row, t.cell(q, d, date, at, at+step))
			}
			g.Rows = append(g.Rows, row)
		}
		out.Dimensions = append(out.Dimensions, g)
	}
	return out
}

func dates(first int64, n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = first + int64(i)
	}
	return out
}

func (t *Tariff) cell(q HeatQuestion, d int8, date, from, to int64) HeatCell {
	c := t.priceAt(q, d, date, from)
	cell := HeatCell{Element: -1, Excl: money.Zero(t.Currency), Incl: money.Zero(t.Currency)}
	if c != nil {
		cell.Element = c.element
		p := pricer{t: t, cost: &Cost{Currency: t.Currency}}
		whole := quantity{whole: c.perUnit()}
		cell.Excl, cell.Incl = p.amounts(c, &whole)
	}
	cell.Mixed = slices.ContainsFunc(t.dayCuts, func(cut int64) bool {
		return cut > from && cut < to && t.priceAt(q, d, date, cut) != c
	})
	return cell
}

// priceAt is what prices a dimension at a local time; nil: it is free.
func (t *Tariff) priceAt(q HeatQuestion, d int8, date, timeOfDay int64) *Component {
	m := moment{timeOfDay: timeOfDay, date: date, weekday: uint8(((date+4)%7 + 7) % 7), energy: int64(q.Energy),
		duration: q.Duration.Microseconds(), power: int64(q.Power), current: int64(q.Current), soc: -1, context: &q.Context}
	if q.SoC != nil {
		m.soc = int64(*q.SoC)
	}
	if idle := t.policy.idle; d == dimParking && idle != nil && slices.ContainsFunc(idle.quiet, func(w window) bool { return w.holds(timeOfDay) }) {
		return nil
	}
	for _, c := range t.candidates[phaseSession][d] {
		if c.when.match(&m) {
			return c
		}
	}
	return nil
}

// Now gives the prices of one moment, with tax, by dimension; those that do
// not apply are absent. q.From is local time. grace is the time for which
// parking is free at first.
func (t *Tariff) Now(q HeatQuestion) (prices map[Dimension]money.Amount, grace time.Duration) {
	prices = map[Dimension]money.Amount{}
	wall := q.From.UnixMicro() + localOffset(q.From)
	date := floorDiv(wall, day)
	for d := range dims {
		if c := t.priceAt(q, d, date, wall-date*day); c != nil {
			p := pricer{t: t, cost: &Cost{Currency: t.Currency}}
			whole := quantity{whole: c.perUnit()}
			_, prices[c.Dimension] = p.amounts(c, &whole)
		}
	}
	if i := t.policy.idle; i != nil {
		grace = time.Duration(i.grace) * time.Microsecond
	}
	return prices, grace
}

func localOffset(t time.Time) int64 {
	_, s := t.Zone()
	return int64(s) * int64(time.Second/time.Microsecond)
}
