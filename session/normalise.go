package session

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// detail is a sampled value that the wide row has no column for, or that the
// row's column was made of.
type detail struct {
	Measurand string        `json:"measurand,omitempty"`
	Phase     string        `json:"phase,omitempty"`
	Location  string        `json:"location,omitempty"`
	Context   string        `json:"context,omitempty"`
	Value     unit.Decimal  `json:"value"`
	Unit      string        `json:"unit,omitempty"`
	Signed    *signedDetail `json:"signed,omitempty"`
}

type signedDetail struct {
	Data     string `json:"data"`
	Method   string `json:"method,omitempty"`
	Encoding string `json:"encoding,omitempty"`
	Key      string `json:"key,omitempty"`
}

// sums collects one measurand at one location: the value that stands for all
// phases, and the phases one by one (1 to 3; L1 and L1-N are the same phase).
type sums struct {
	has      bool
	total    int64
	phases   [3]int64
	hasPhase [3]bool
	lines    [3]int64 // line to line; voltages only
	hasLine  [3]bool
}

var phaseIndex = map[ocpp.PhaseEnum]int{
	"": 0, "L1": 1, "L2": 2, "L3": 3, "L1-N": 1, "L2-N": 2, "L3-N": 3, "L1-L2": 4, "L2-L3": 5, "L3-L1": 6,
}

func (s *sums) add(p ocpp.PhaseEnum, v int64) {
	i, ok := phaseIndex[p]
	switch {
	case !ok: // neutral alone, or unheard of
	case i == 0:
		if !s.has {
			s.total, s.has = v, true
		}
	case i <= 3:
		s.phases[i-1], s.hasPhase[i-1] = v, true
	default:
		s.lines[i-4], s.hasLine[i-4] = v, true
	}
}

// sum gives the total, or the phases together.
func (s *sums) sum() (int64, bool) {
	if s.has {
		return s.total, true
	}
	var t int64
	any := false
	for i, ok := range s.hasPhase {
		if ok {
			t, any = t+s.phases[i], true
		}
	}
	return t, any
}

// highest gives the total, or the highest phase.
func (s *sums) highest() (int64, bool) {
	v, any := s.total, s.has
	for i, ok := range s.hasPhase {
		if ok && !s.has && (!any || s.phases[i] > v) {
			v, any = s.phases[i], true
		}
	}
	return v, any
}

// mean gives the total, or the mean of the phases, or of the lines.
func (s *sums) mean() (int64, bool) {
	if s.has {
		return s.total, true
	}
	for _, set := range []struct {
		v  [3]int64
		ok [3]bool
	}{{s.phases, s.hasPhase}, {s.lines, s.hasLine}} {
		var t, n int64
		for i, ok := range set.ok {
			if ok {
				t, n = t+set.v[i], n+1
			}
		}
		if n > 0 {
			return t / n, true
		}
	}
	return 0, false
}

// quantity says how a measurand is read: the power of ten from its base unit
// to ours, and its units with their own powers.
type quantity struct {
	slot  int
	scale int
	units map[string]int
}

const (
	slotRegister = iota
	slotInterval
	slotPower
	slotOffered
	slotCurrent
	slotVoltage
	slotSoC
	slots
)

var (
	energyUnits  = map[string]int{"": 0, "WH": 0, "KWH": 3, "MWH": 6}
	powerUnits   = map[string]int{"": 0, "W": 0, "KW": 3, "VA": 0, "KVA": 3}
	currentUnits = map[string]int{"": 0, "A": 0, "MA": -3}
	voltageUnits = map[string]int{"": 0, "V": 0, "KV": 3, "MV": -3}
	socUnits     = map[string]int{"": 0, "PERCENT": 0, "%": 0}

	quantities = map[ocpp.MeasurandEnum]quantity{
		"":                              {slotRegister, 3, energyUnits},
		"Energy.Active.Import.Register": {slotRegister, 3, energyUnits},
		"Energy.Active.Import.Interval": {slotInterval, 3, energyUnits},
		"Power.Active.Import":           {slotPower, 0, powerUnits},
		"Power.Offered":                 {slotOffered, 0, powerUnits},
		"Current.Import":                {slotCurrent, 3, currentUnits},
		"Voltage":                       {slotVoltage, 3, voltageUnits},
		"SoC":                           {slotSoC, 3, socUnits},
		"SoCState":                      {slotSoC, 3, socUnits}, // Zephyr's client says so
	}
	locations = map[ocpp.LocationEnum]Location{"": Outlet, "Outlet": Outlet, "Inlet": Inlet, "Body": Body, "Cable": Cable, "EV": Vehicle, "Upstream": Upstream}
)

// amount reads a sampled value in the unit of its slot.
func (q quantity) amount(v ocpp.SampledValue) (int64, bool) {
	power := q.scale
	if u := v.UnitOfMeasure; u != nil {
		p, ok := q.units[strings.ToUpper(strings.TrimSpace(u.Unit))]
		if !ok {
			return 0, false
		}
		power += p
		if u.Multiplier != nil {
			if m := *u.Multiplier; m < -12 || m > 12 {
				return 0, false
			} else {
				power += m
			}
		}
	}
	return v.Value.Scaled(power)
}

// sampled is one meter value taken apart.
type sampled struct {
	energy [2][Upstream + 1][2]sums // register, interval; location; periodic, clock
	other  [slots]sums
	rest   []detail
}

// Normalise reads one MeterValue of any version and vendor: units and their
// multipliers, totals or phases, register and interval, several locations and
// contexts. What has no place in a Reading is returned as JSON, with what it
// was summed from; "" when there is nothing more.
func Normalise(mv ocpp.MeterValue) (Reading, string) {
	var s sampled
	for _, v := range mv.SampledValue {
		s.take(v)
	}
	return s.reading(), s.details()
}

func (s *sampled) take(v ocpp.SampledValue) {
	clock := 0
	if v.Context == ocpp.ReadingContextEnumSampleClock {
		clock = 1
	}
	q, known := quantities[v.Measurand]
	loc, placed := locations[v.Location]
	n, ok := int64(0), false
	if known && placed {
		n, ok = q.amount(v)
	}
	if ok {
		switch q.slot {
		case slotRegister, slotInterval:
			s.energy[q.slot][loc][clock].add(v.Phase, n)
		default:
			s.other[q.slot].add(v.Phase, n)
		}
	}
	if !ok || v.Phase != "" || loc > Outlet && q.slot <= slotInterval || v.SignedMeterValue != nil {
		s.keep(v)
	}
}

func (s *sampled) keep(v ocpp.SampledValue) {
	d := detail{Measurand: string(v.Measurand), Phase: string(v.Phase), Location: string(v.Location), Context: string(v.Context), Value: v.Value}
	if u := v.UnitOfMeasure; u != nil {
		d.Unit = u.Unit
		if u.Multiplier != nil && *u.Multiplier != 0 {
			d.Unit += "e" + strconv.Itoa(*u.Multiplier)
		}
	}
	if m := v.SignedMeterValue; m != nil {
		d.Signed = &signedDetail{Data: m.SignedMeterData, Method: m.SigningMethod, Encoding: m.EncodingMethod, Key: m.PublicKey}
	}
	s.rest = append(s.rest, d)
}

func (s *sampled) details() string {
	if len(s.rest) == 0 {
		return ""
	}
	b, err := json.Marshal(s.rest)
	if err != nil {
		return "" // strings and integers always marshal
	}
	return string(b)
}

func (s *sampled) reading() Reading {
	var r Reading
	s.energies(&r)
	set := func(has Measure, v int64, ok bool) int64 {
		if !ok {
			return 0
		}
		r.Has |= has
		return v
	}
	v, ok := s.other[slotPower].sum()
	r.Power = unit.Watts(set(HasPower, v, ok))
	v, ok = s.other[slotOffered].sum()
	r.Offered = unit.Watts(set(HasOffered, v, ok))
	v, ok = s.other[slotCurrent].highest()
	r.Current = unit.MilliAmps(set(HasCurrent, v, ok))
	v, ok = s.other[slotCurrent].sum()
	r.Amperes = unit.MilliAmps(set(HasCurrentSum, v, ok))
	v, ok = s.other[slotVoltage].mean()
	r.Voltage = unit.MilliVolts(set(HasVoltage, v, ok))
	v, ok = s.other[slotSoC].sum()
	r.SoC = unit.MilliPercent(set(HasSoC, v, ok))
	return r
}

// energies takes register and interval from the best location that has any.
func (s *sampled) energies(r *Reading) {
	for loc := Outlet; loc <= Upstream; loc++ {
		for clock := range 2 {
			if v, ok := s.energy[slotRegister][loc][clock].sum(); ok && r.Has&HasRegister == 0 {
				r.Has |= HasRegister
				r.Register = unit.Energy(v)
			}
			if v, ok := s.energy[slotInterval][loc][clock].sum(); ok && r.Has&HasInterval == 0 {
				r.Has |= HasInterval
				r.Interval, r.Clock = unit.Energy(v), clock == 1
			}
		}
		if r.Has != 0 {
			r.Location = loc
			return
		}
	}
}

// digestOf is FNV-1a: digests are stored, so they must mean the same in every process.
func digestOf(parts ...string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a
	h := uint64(offset)
	for _, p := range parts {
		for i := 0; i < len(p); i++ {
			h = (h ^ uint64(p[i])) * prime
		}
		h = (h ^ 0xff) * prime
	}
	return h
}
