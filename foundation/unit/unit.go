// Package unit holds the physical quantities as integers with their unit in
// the type, so that no sum ever drifts and no watt is added to an ampere.
package unit

import (
	"strconv"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Energy is an amount of energy in milliwatt-hours.
type Energy int64

const (
	MilliWattHour Energy = 1
	WattHour      Energy = 1_000
	KiloWattHour  Energy = 1_000_000
)

// WattHours gives whole watt-hours, rounded half away from zero, as REST shows them.
func (e Energy) WattHours() int64 { return roundDiv(int64(e), int64(WattHour)) }

// KWh prints kilowatt-hours exactly, without trailing zeros: "12.345678".
func (e Energy) KWh() string { return DecimalOf(int64(e), -6).String() }

func (e Energy) String() string { return e.KWh() + " kWh" }

// Watts is a power. Export is negative.
type Watts int64

func (w Watts) String() string { return strconv.FormatInt(int64(w), 10) + " W" }

// MilliAmps is a current in thousandths of an ampere.
type MilliAmps int64

func (a MilliAmps) String() string { return DecimalOf(int64(a), -3).String() + " A" }

// MilliVolts is a voltage in thousandths of a volt.
type MilliVolts int64

func (v MilliVolts) String() string { return DecimalOf(int64(v), -3).String() + " V" }

// MilliPercent is a share in thousandths of a per cent; state of charge uses it.
type MilliPercent int64

func (p MilliPercent) String() string { return DecimalOf(int64(p), -3).String() + " %" }

// EnergyOf reads a decimal of watt-hours (power 0) or kilowatt-hours (power 3).
func EnergyOf(d Decimal, power int) (Energy, error) {
	v, ok := d.Scaled(3 + power)
	if !ok {
		return 0, fault.New(fault.Invalid, "unit.energy", "%s is too large for an energy", d)
	}
	return Energy(v), nil
}

// Over gives the mean power of e delivered in d; zero when d is not positive.
func (e Energy) Over(d time.Duration) Watts {
	ms := d.Milliseconds()
	if ms <= 0 {
		return 0
	}
	// mWh × 3600 = mWs; ÷ ms = W. Split so that no session overflows.
	q, r := int64(e)/ms, int64(e)%ms
	return Watts(q*3600 + roundDiv(r*3600, ms))
}

func roundDiv(a, b int64) int64 {
	q, r := a/b, a%b
	switch {
	case r > 0 && r >= b-r:
		q++
	case r < 0 && -r >= b+r:
		q--
	}
	return q
}
