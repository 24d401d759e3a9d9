package tariff

import (
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// bySecond is a second, naive pricing of a session, written from the text of
// OCPI without any of the engine's code: it walks whole seconds, compares wall
// clock strings, and keeps fractions. Only before tax, without limits.
func bySecond(t ocpi.Tariff, u Usage, zone *time.Location) *big.Rat {
	type key struct{ element, component int }
	used := map[key]int64{} // seconds, or Wh
	var lastEnergy, lastTime *key
	var wh int64
	total := new(big.Rat)
	flat := false
	bill := func(d ocpi.TariffDimension, at time.Time, power int64, amount int64) *key {
		for i, e := range t.Elements {
			for j, c := range e.PriceComponents {
				if c.Type == d && applies(e.Restrictions, at.In(zone), int64(at.Sub(u.Start)/time.Second), wh, power) {
					if amount > 0 {
						used[key{i, j}] += amount
					}
					return &key{i, j}
				}
			}
		}
		return nil
	}
	fee := func(at time.Time, power int64) {
		if k := bill(ocpi.DimensionFlat, at, power, 0); k != nil && !flat {
			flat = true
			total.Add(total, rat(t.Elements[k.element].PriceComponents[k.component].Price))
		}
	}
	for _, p := range u.Periods {
		seconds := int64(p.End.Sub(p.Start) / time.Second)
		each := int64(p.Energy/unit.WattHour) / seconds
		power := each * 3600
		for s := range seconds {
			at := p.Start.Add(time.Duration(s) * time.Second)
			fee(at, power)
			if k := bill(ocpi.DimensionEnergy, at, power, each); k != nil && each > 0 {
				lastEnergy = k
			}
			d := ocpi.DimensionTime
			switch {
			case p.Kind == Parking:
				d = ocpi.DimensionParking
			case p.Kind == Suspended, p.Kind == Offline && each == 0:
				d = ""
			}
			if d != "" {
				if k := bill(d, at, power, 1); k != nil {
					lastTime = k
				}
			}
			wh += each
		}
	}
	if len(u.Periods) == 0 {
		fee(u.Start, 0)
	}
	component := func(k key) ocpi.PriceComponent { return t.Elements[k.element].PriceComponents[k.component] }
	for _, last := range []*key{lastEnergy, lastTime} {
		if last == nil {
			continue
		}
		var sum int64
		for k, v := range used {
			if component(k).Type == component(*last).Type {
				sum += v
			}
		}
		if step := component(*last).StepSize; sum%step != 0 {
			used[*last] += step - sum%step
		}
	}
	for k, v := range used {
		per := int64(3600)
		if component(k).Type == ocpi.DimensionEnergy {
			per = 1000
		}
		total.Add(total, new(big.Rat).Mul(rat(component(k).Price), big.NewRat(v, per)))
	}
	return total
}

func rat(d unit.Decimal) *big.Rat {
	r, ok := new(big.Rat).SetString(d.String())
	if !ok {
		panic(d.String())
	}
	return r
}

func applies(r *ocpi.TariffRestrictions, at time.Time, seconds, wh, watts int64) bool {
	if r == nil {
		return true
	}
	clock, date, weekday := wall(at)
	inWindow := true
	if r.StartTime != "" || r.EndTime != "" {
		end := r.EndTime
		if end == "" || end == "00:00" {
			end = "24:00"
		}
		if r.StartTime < end {
			inWindow = clock >= r.StartTime && clock < end
		} else {
			inWindow = clock >= r.StartTime || clock < end
		}
	}
	above := func(v int64, limit *unit.Decimal) bool {
		return limit == nil || big.NewRat(v, 1000).Cmp(rat(*limit)) >= 0
	}
	below := func(v int64, limit *unit.Decimal) bool { return limit == nil || !above(v, limit) }
	return inWindow && (r.StartDate == "" || date >= r.StartDate) && (r.EndDate == "" || date < r.EndDate) &&
		(len(r.DayOfWeek) == 0 || slices.Contains(r.DayOfWeek, weekday)) &&
		above(wh, r.MinKWh) && below(wh, r.MaxKWh) && above(watts, r.MinPower) && below(watts, r.MaxPower) &&
		(r.MinDuration == nil || seconds >= *r.MinDuration) && (r.MaxDuration == nil || seconds < *r.MaxDuration)
}

// wall reads the clock and the calendar on it.
func wall(at time.Time) (clock, date, weekday string) {
	h, m, _ := at.Clock()
	return string([]byte{'0' + byte(h/10), '0' + byte(h%10), ':', '0' + byte(m/10), '0' + byte(m%10)}),
		at.Format(time.DateOnly), strings.ToUpper(at.Weekday().String())
}
