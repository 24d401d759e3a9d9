package tariff

import (
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// Flag marks a usage that a person should look at before it is paid. A flag
// changes no price.
type Flag string

const (
	FlagGhost     Flag = "ghost"      // claims to charge for long, and nothing flowed
	FlagVeryShort Flag = "very_short" // under a minute
	FlagVeryLong  Flag = "very_long"  // over 48 hours
	FlagVeryLarge Flag = "very_large" // over 250 kWh
	FlagUnlikely  Flag = "unlikely"   // over 7 days or 1000 kWh: data hubs refuse it
)

// The limits of the European data checks (EVUDS: 1 min, 2 880 min, 250 kWh),
// of the French data hub (QualiCharge: 7 days, 1 000 kWh), and of our guard
// against ghosts (5 min without energy).
const (
	ghostAfter    = 5 * time.Minute
	ghostEnergy   = 50 * unit.WattHour
	shortest      = time.Minute
	longest       = 48 * time.Hour
	largest       = 250 * unit.KiloWattHour
	unlikelyLong  = 7 * 24 * time.Hour
	unlikelyLarge = 1000 * unit.KiloWattHour
)

// flags looks for what no car explains.
func (u *Usage) flags(e unit.Energy) []Flag {
	var out []Flag
	length := u.End.Sub(u.Start)
	for _, f := range []struct {
		when bool
		flag Flag
	}{
		{e < ghostEnergy && u.claimed() >= ghostAfter, FlagGhost},
		{length < shortest, FlagVeryShort},
		{length > longest, FlagVeryLong},
		{e > largest, FlagVeryLarge},
		{length > unlikelyLong || e > unlikelyLarge, FlagUnlikely},
	} {
		if f.when {
			out = append(out, f.flag)
		}
	}
	return out
}

// claimed is how long the session says that it charged or was held back.
func (u *Usage) claimed() (sum time.Duration) {
	for i := range u.Periods {
		if k := u.Periods[i].Kind; k == Charging || k == Suspended {
			sum += max(u.Periods[i].End.Sub(u.Periods[i].Start), 0)
		}
	}
	return sum
}
