package device

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// maxValue is the longest value a SetVariables may carry (OCPP 2.0.1 part 2
// §2.46); maxValue16 that of ChangeConfiguration in 1.6.
const (
	maxValue   = 2500
	maxValue16 = 500
)

// typed completes what a station told of a variable with the standard: the
// station's own word counts.
func (v Variable) typed() Variable {
	s, ok := StandardOf(v)
	if !ok {
		return v
	}
	// A 1.6 dialect calls keys it has no type for strings.
	if v.DataType == "" || v.DataType == string(ocpp.DataEnumString) && v.Component == component16 {
		v.DataType = string(s.Type)
	}
	if v.Unit == "" && !strings.Contains(s.Unit, ",") {
		v.Unit = s.Unit
	}
	if v.Mutability == "" && s.readOnly {
		v.Mutability = string(ocpp.MutabilityEnumReadOnly)
	}
	return v
}

// Check tells what is wrong with a value for the variable, and what is
// allowed; empty when it fits (OCPP 2.0.1 part 2 §2.49, data types).
func (v Variable) Check(value, version string) string {
	v = v.typed()
	if v.Mutability == string(ocpp.MutabilityEnumReadOnly) {
		return "the station says that this variable cannot be changed (ReadOnly)"
	}
	if most := v.longest(version); len(value) > most {
		return "is longer than " + strconv.Itoa(most) + " characters"
	}
	switch ocpp.DataEnum(v.DataType) {
	case ocpp.DataEnumBoolean:
		if value != "true" && value != "false" {
			return "must be true or false"
		}
	case ocpp.DataEnumInteger:
		if _, err := strconv.ParseInt(value, 10, 64); err != nil {
			return "must be a whole number" + v.bounds()
		}
		return v.inRange(value)
	case ocpp.DataEnumDecimal:
		if _, err := unit.ParseDecimal(value); err != nil {
			return "must be a number" + v.bounds()
		}
		return v.inRange(value)
	case ocpp.DataEnumDateTime:
		if _, err := time.Parse(time.RFC3339, value); err != nil {
			return "must be an instant such as 2026-01-31T12:00:00Z"
		}
	case ocpp.DataEnumOptionList:
		if v.ValuesList != "" && !slices.Contains(members(v.ValuesList), value) {
			return "must be one of " + strings.Join(members(v.ValuesList), ", ")
		}
	case ocpp.DataEnumSequenceList, ocpp.DataEnumMemberList:
		return v.list(value)
	}
	return ""
}

// longest gives the longest value: a limit of a text is its length.
func (v Variable) longest(version string) int {
	most := maxValue
	if version == string(ocpp.V16) {
		most = maxValue16
	}
	if n, err := strconv.Atoi(v.Max); err == nil && n > 0 && v.DataType == string(ocpp.DataEnumString) {
		most = min(most, n)
	}
	return most
}

func (v Variable) bounds() string {
	switch {
	case v.Min != "" && v.Max != "":
		return " between " + v.Min + " and " + v.Max + v.in()
	case v.Min != "":
		return " of at least " + v.Min + v.in()
	case v.Max != "":
		return " of at most " + v.Max + v.in()
	}
	return ""
}

func (v Variable) in() string {
	if v.Unit == "" {
		return ""
	}
	return " " + v.Unit
}

func (v Variable) inRange(value string) string {
	n, ok := new(big.Rat).SetString(value)
	if !ok {
		return "must be a number" + v.bounds()
	}
	least, hasLeast := new(big.Rat).SetString(v.Min)
	most, hasMost := new(big.Rat).SetString(v.Max)
	if hasLeast && n.Cmp(least) < 0 || hasMost && n.Cmp(most) > 0 {
		return "must be" + v.bounds()
	}
	return ""
}

func (v Variable) list(value string) string {
	given := members(value)
	for i, m := range given {
		if slices.Contains(given[:i], m) {
			return "names " + strconv.Quote(m) + " twice"
		}
		if v.ValuesList != "" && !slices.Contains(members(v.ValuesList), m) {
			return strconv.Quote(m) + " is not possible here; allowed are " + strings.Join(members(v.ValuesList), ", ")
		}
	}
	return ""
}
