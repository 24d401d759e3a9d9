package v16

import (
	"context"
	"fmt"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// scale is a unit of 1.6 in the terms of 2.x.
type scale struct {
	unit       string
	multiplier int
}

// units maps what stations write. Besides the schema's: "Hertz" and "C",
// which are sent in the field.
var units = map[string]scale{
	"Wh": {"Wh", 0}, "kWh": {"Wh", 3}, "varh": {"varh", 0}, "kvarh": {"varh", 3},
	"W": {"W", 0}, "kW": {"W", 3}, "VA": {"VA", 0}, "kVA": {"VA", 3}, "var": {"var", 0}, "kvar": {"var", 3},
	"A": {"A", 0}, "V": {"V", 0}, "K": {"K", 0}, "Percent": {"Percent", 0},
	"Celsius": {"Celsius", 0}, "Celcius": {"Celsius", 0}, "Fahrenheit": {"Fahrenheit", 0},
	"Hertz": {"Hz", 0}, "Hz": {"Hz", 0}, "C": {"Celsius", 0}, "%": {"Percent", 0}, "RPM": {"RPM", 0},
}

// defaultUnits gives the unit of a measurand that came without one, by the
// beginning of its name. OCPP 1.6 §7.43 fixes Wh for energy only; the others
// have but one base unit.
var defaultUnits = []struct{ measurand, unit string }{
	{"Energy.Active", "Wh"}, {"Energy.Reactive", "varh"}, {"Power.Active", "W"}, {"Power.Offered", "W"},
	{"Power.Reactive", "var"}, {"Current", "A"}, {"Voltage", "V"}, {"SoC", "Percent"},
	{"Temperature", "Celsius"}, {"Frequency", "Hz"}, {"RPM", "RPM"},
}

// readings turns meter values into neutral ones. Signed readings are set
// aside; a value that is no number is left out and reported. An entry stays
// even when nothing in it can be used, for its timestamp.
func (c *call) readings(ctx context.Context, in []MeterValue, at ocpp.DateTime) (out []ocpp.MeterValue, signed []ocpp.Signed16) {
	for _, m := range in {
		v := ocpp.MeterValue{Timestamp: m.Timestamp, SampledValue: []ocpp.SampledValue{}}
		if v.Timestamp.IsZero() {
			v.Timestamp = at
		}
		for _, s := range m.SampledValue {
			if strings.EqualFold(string(s.Format), string(ValueFormatEnumSignedData)) {
				signed = append(signed, ocpp.Signed16{
					Timestamp: v.Timestamp, Context: string(readingContext(s.Context)),
					Measurand: string(measurand(s.Measurand)), Data: s.Value,
				})
				continue
			}
			if n, ok := c.reading(ctx, s); ok {
				v.SampledValue = append(v.SampledValue, n)
			}
		}
		out = append(out, v)
	}
	return out, signed
}

func (c *call) reading(ctx context.Context, s SampledValue) (ocpp.SampledValue, bool) {
	text := strings.Trim(s.Value, " \t\r\n\x00")
	value, err := unit.ParseDecimal(text)
	if err != nil && strings.Count(text, ",") == 1 {
		value, err = unit.ParseDecimal(strings.Replace(text, ",", ".", 1))
	}
	if err != nil {
		c.deviation(ctx, "value", fmt.Sprintf("sampledValue.value: %.40q is not a number", s.Value))
		return ocpp.SampledValue{}, false
	}
	out := ocpp.SampledValue{
		Value:     value,
		Measurand: measurand(s.Measurand),
		Context:   readingContext(s.Context),
		Phase:     ocpp.PhaseEnum(s.Phase),
		Location:  ocpp.LocationEnum(s.Location),
	}
	if out.Location == "" {
		out.Location = ocpp.LocationEnumOutlet
	}
	out.UnitOfMeasure = c.unit(ctx, string(s.Unit), string(out.Measurand))
	if u := out.UnitOfMeasure; u != nil && u.Unit == "Wh" && u.Multiplier == nil && c.inKilo(ctx) {
		kilo := 3
		u.Multiplier = &kilo
	}
	return out, true
}

func measurand(m MeasurandEnum) ocpp.MeasurandEnum {
	if m == "" {
		return ocpp.MeasurandEnumEnergyActiveImportRegister
	}
	for _, v := range valuesMeasurandEnum {
		if strings.EqualFold(v, string(m)) {
			return ocpp.MeasurandEnum(v)
		}
	}
	return ocpp.MeasurandEnum(m)
}

func readingContext(r ReadingContextEnum) ocpp.ReadingContextEnum {
	if r == "" {
		return ocpp.ReadingContextEnumSamplePeriodic
	}
	return ocpp.ReadingContextEnum(r)
}

// unit gives the neutral unit, nil for a quantity without one. A unit that is
// not known stays as it is: the reading is of no use, but not lost.
func (c *call) unit(ctx context.Context, name, measurand string) *ocpp.UnitOfMeasure {
	if name == "" {
		for _, d := range defaultUnits {
			if strings.HasPrefix(measurand, d.measurand) {
				return &ocpp.UnitOfMeasure{Unit: d.unit}
			}
		}
		return nil
	}
	s, ok := units[fold(name, units)]
	if !ok {
		c.deviation(ctx, "unit", fmt.Sprintf("sampledValue.unit: %.40q is not known", name))
		return &ocpp.UnitOfMeasure{Unit: name}
	}
	out := &ocpp.UnitOfMeasure{Unit: s.unit}
	if s.multiplier != 0 {
		out.Multiplier = &s.multiplier
	}
	return out
}

// inKilo reports whether the station's energies are in kWh whatever it says.
func (c *call) inKilo(ctx context.Context) bool {
	if !c.peer.Tolerate.Has(ocpp.TolerateKiloWattHours) {
		return false
	}
	c.deviation(ctx, "kilowatt_hours", "energies are read as kWh, though the unit says Wh")
	return true
}

// register gives a whole register in Wh as a reading of its own; nil and no
// reading when it is too large for an energy.
func (c *call) register(ctx context.Context, wh int, context ocpp.ReadingContextEnum, at ocpp.DateTime) (*unit.Energy, *ocpp.MeterValue) {
	value := unit.DecimalOf(int64(wh), 0)
	if c.inKilo(ctx) {
		value = unit.DecimalOf(int64(wh), 3)
	}
	e, err := unit.EnergyOf(value, 0)
	if err != nil {
		return nil, nil
	}
	return &e, &ocpp.MeterValue{Timestamp: at, SampledValue: []ocpp.SampledValue{{
		Value:         value,
		Context:       context,
		Measurand:     ocpp.MeasurandEnumEnergyActiveImportRegister,
		Location:      ocpp.LocationEnumOutlet,
		UnitOfMeasure: &ocpp.UnitOfMeasure{Unit: "Wh"},
	}}}
}
