package simulator

import (
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// Car is a vehicle's battery and its charging limits. Powers are watts,
// currents milliamperes, state of charge thousandths of a per cent.
type Car struct {
	Name     string
	Capacity unit.Energy       // usable battery
	Stored   unit.Energy       // in the battery now
	Target   unit.MilliPercent // where the driver's limit stops charging
	Phases   int               // AC phases the on-board charger uses: 1, 2 or 3
	ACMax    unit.MilliAmps    // per phase
	DCMax    unit.Watts        // zero when the car has no DC inlet
	MinAmps  unit.MilliAmps    // below this it pauses (IEC 61851: 6 A)
}

const (
	volts       = 230
	fullSoC     = 100_000 // milli-percent
	taperStart  = 55_000  // DC power falls from here …
	taperEnd    = 100_000
	taperFloor  = 12 // … to this per cent of the maximum
	acTaperFrom = 96_000
)

// SoC is the state of charge now.
func (c *Car) SoC() unit.MilliPercent {
	if c.Capacity <= 0 {
		return 0
	}
	return unit.MilliPercent(int64(c.Stored) * fullSoC / int64(c.Capacity))
}

// goal is the stored energy at which the car stops charging.
func (c *Car) goal() unit.Energy {
	return c.Capacity * unit.Energy(min(c.Target, fullSoC)) / fullSoC
}

// Full reports whether the car takes no more energy.
func (c *Car) Full() bool { return c.Stored >= c.goal() }

// DrawAC gives the power taken at a limit per phase on a supply with the
// given number of phases, and the current per phase.
func (c *Car) DrawAC(limit unit.MilliAmps, supplyPhases int) (unit.Watts, unit.MilliAmps) {
	amps := min(limit, c.ACMax)
	if c.Full() || amps < c.MinAmps || amps <= 0 {
		return 0, 0
	}
	if c.SoC() > acTaperFrom { // the last per cent are balanced slowly
		left := int64(fullSoC-c.SoC()) * 100 / (fullSoC - acTaperFrom)
		amps = max(amps*unit.MilliAmps(left)/100, min(amps, c.MinAmps))
	}
	phases := min(c.Phases, supplyPhases)
	return unit.Watts(int64(amps) * volts * int64(phases) / 1000), amps
}

// DrawDC gives the power taken at a limit: constant at first, then falling
// with the state of charge as cells fill.
func (c *Car) DrawDC(limit unit.Watts) unit.Watts {
	if c.Full() || limit <= 0 {
		return 0
	}
	share := int64(100)
	if c.SoC() > taperStart {
		share = 100 - (100-taperFloor)*int64(c.SoC()-taperStart)/(taperEnd-taperStart)
	}
	return min(limit, c.DCMax*unit.Watts(share)/100)
}

// Charge puts the energy of power over d into the battery and returns it.
// What the battery cannot take is not drawn.
func (c *Car) Charge(power unit.Watts, d time.Duration) unit.Energy {
	e := unit.Energy(int64(power) * d.Milliseconds() / 3600)
	e = max(0, min(e, c.goal()-c.Stored))
	c.Stored += e
	return e
}

func milli(amps int) unit.MilliAmps { return unit.MilliAmps(amps) * 1000 }

func watts(kilo int) unit.Watts { return unit.Watts(kilo) * 1000 }
