package tariff

import (
	"time"

	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// ID names a tariff within its organisation: what OCPI calls Tariff.id.
type ID string

// Dimension is what a component prices.
type Dimension = ocpi.TariffDimension

// Dimensions by number, so that the engine indexes instead of comparing text.
const (
	dimEnergy int8 = iota
	dimFlat
	dimTime
	dimParking
	dims
	noDim int8 = -1
)

var dimensionOf = [dims]Dimension{ocpi.DimensionEnergy, ocpi.DimensionFlat, ocpi.DimensionTime, ocpi.DimensionParking}

func dimensionNumber(d Dimension) int8 {
	for i, x := range dimensionOf {
		if x == d {
			return int8(i)
		}
	}
	return noDim
}

// Tariff is a tariff ready to price with: parsed, checked, immutable. Make one
// with FromOCPI or None; the zero Tariff prices everything at nothing and says
// that there was no tariff.
type Tariff struct {
	ID       ID
	Currency money.Currency
	Tax      ocpi.TaxIncluded
	Min, Max *Limit
	Elements []Element
	// Source is the OCPI object it came from, with every field.
	Source ocpi.Tariff

	// What splits a period: instants within a day (µs of local time), session
	// energy (mWh) and time since the start (µs), each in rising order.
	dayCuts, energyCuts, durationCuts []int64
	candidates                        [phases][dims][]*Component
	components                        []*Component

	policy policy
	daily  bool // something is counted by local days
	bySoC  bool // something depends on the battery
}

// Limit is a minimum or maximum price. A figure that the tariff does not give
// follows from the other by the session's own tax share.
type Limit struct{ Excl, Incl *money.Micro }

// Element is a group of components under the same restrictions.
type Element struct {
	Components []Component
	When       Restrictions
}

// Component prices one dimension. Price is per kWh, per hour, or once. VAT is
// in per cent, nil when none applies. Step is in mWh or µs; 0 bills exactly.
type Component struct {
	Dimension Dimension
	Price     unit.Decimal
	VAT       *unit.Decimal
	Step      int64

	dim     int8
	index   int
	element int
	when    *Restrictions
}

// None is the tariff of a session that has none: everything costs nothing.
func None(c money.Currency) Tariff { return Tariff{Currency: c} }

// IsNone reports whether there is no tariff.
func (t *Tariff) IsNone() bool { return len(t.Elements) == 0 }

// Restrictions are those of one element in engine units. Only what set names
// is meaningful; all that is set must hold (OCPI 2.2.1 TariffRestrictions).
type Restrictions struct {
	set                      restriction
	fromTime, toTime         int64 // µs of the local day; wrapping past midnight when to <= from
	fromDate, toDate         int64 // days since 1970-01-01, local; to exclusive
	minEnergy, maxEnergy     int64 // mWh
	minCurrent, maxCurrent   int64 // mA
	minPower, maxPower       int64 // W
	minDuration, maxDuration int64 // µs
	days                     uint8 // bit n: time.Weekday n
	reservation              ocpi.ReservationRestriction
	minSoC, maxSoC           int64 // thousandths of a per cent
	minRated, maxRated       int64 // W
	source                   *ocpi.TariffRestrictions
	beyond                   *ElementExtension // nil: none
}

// restriction is a set of restriction kinds.
type restriction uint32

const (
	onTime restriction = 1 << iota
	onStartDate
	onEndDate
	onMinEnergy
	onMaxEnergy
	onMinCurrent
	onMaxCurrent
	onMinPower
	onMaxPower
	onMinDuration
	onMaxDuration
	onDays
	onGroups
	onMinSoC
	onMaxSoC
	onMinRated
	onMaxRated
)

const (
	local   = onTime | onStartDate | onEndDate | onDays // needs the location's clock
	current = onMinCurrent | onMaxCurrent
	soc     = onMinSoC | onMaxSoC
	rated   = onMinRated | onMaxRated
	beyond  = onGroups | soc | rated // what OCPI has no words for
)

const day = int64(24 * time.Hour / time.Microsecond)

// moment is everything a restriction may ask about one instant.
type moment struct {
	timeOfDay, date int64 // µs, days, local
	weekday         uint8
	energy          int64 // of the session so far
	duration        int64 // since its start
	power, current  int64
	soc             int64 // thousandths of a per cent; -1: not known
	context         *Context
}

// match reports whether all restrictions hold: minima inclusive, maxima
// exclusive.
func (r *Restrictions) match(m *moment) bool {
	s := r.set
	if s == 0 {
		return true
	}
	if s&local != 0 && !r.matchLocal(m) || s&beyond != 0 && !r.matchBeyond(m) {
		return false
	}
	return (s&onMinEnergy == 0 || m.energy >= r.minEnergy) &&
		(s&onMaxEnergy == 0 || m.energy < r.maxEnergy) &&
		(s&onMinDuration == 0 || m.duration >= r.minDuration) &&
		(s&onMaxDuration == 0 || m.duration < r.maxDuration) &&
		(s&onMinPower == 0 || m.power >= r.minPower) &&
		(s&onMaxPower == 0 || m.power < r.maxPower) &&
		(s&onMinCurrent == 0 || m.current >= r.minCurrent) &&
		(s&onMaxCurrent == 0 || m.current < r.maxCurrent)
}

// matchLocal compares with the location's clock and calendar. Time of day and
// day of week are separate conditions (a logical AND at each moment), so
// 22:00–06:00 on FRIDAY means the first and the last hours of that Friday.
func (r *Restrictions) matchLocal(m *moment) bool {
	s := r.set
	if s&onDays != 0 && r.days&(1<<m.weekday) == 0 ||
		s&onStartDate != 0 && m.date < r.fromDate ||
		s&onEndDate != 0 && m.date >= r.toDate {
		return false
	}
	if s&onTime == 0 {
		return true
	}
	if r.fromTime < r.toTime {
		return m.timeOfDay >= r.fromTime && m.timeOfDay < r.toTime
	}
	return m.timeOfDay >= r.fromTime || m.timeOfDay < r.toTime
}

// matchBeyond compares with who charges, the battery and the EVSE. What is
// not known is in no band.
func (r *Restrictions) matchBeyond(m *moment) bool {
	s, power := r.set, int64(m.context.Rated)
	return (s&onGroups == 0 || m.context.in(r.beyond.DriverGroups)) &&
		(s&soc == 0 || m.soc >= 0) && (s&rated == 0 || power > 0) &&
		(s&onMinSoC == 0 || m.soc >= r.minSoC) && (s&onMaxSoC == 0 || m.soc < r.maxSoC) &&
		(s&onMinRated == 0 || power >= r.minRated) && (s&onMaxRated == 0 || power < r.maxRated)
}
