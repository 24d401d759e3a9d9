package device

import (
	"context"
	"errors"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// Wishes are read together, and set one by one: a refused list would not tell
// which member was wrong.

func getData(v Variable) ocpp.GetVariableData {
	c, name := v.names()
	return ocpp.GetVariableData{Component: c, Variable: name, AttributeType: attributeOf(v)}
}

func setData(v Variable, value string) ocpp.SetVariableData {
	c, name := v.names()
	return ocpp.SetVariableData{Component: c, Variable: name, AttributeType: attributeOf(v), AttributeValue: value}
}

// attributeOf leaves out what everybody means (OCPP 2.0.1 B05.FR.12).
func attributeOf(v Variable) ocpp.AttributeEnum {
	if v.Attribute == actual {
		return ""
	}
	return ocpp.AttributeEnum(v.Attribute)
}

// foundOf reads one result: the value, or Unsupported when there is no such
// variable, Refused when the station would not tell.
func foundOf(got ocpp.GetVariableResult) found {
	switch got.AttributeStatus {
	case ocpp.GetVariableStatusEnumAccepted:
		return found{value: got.AttributeValue}
	case ocpp.GetVariableStatusEnumUnknownComponent, ocpp.GetVariableStatusEnumUnknownVariable, ocpp.GetVariableStatusEnumNotSupportedAttributeType:
		return found{status: Unsupported}
	}
	return found{status: Refused}
}

// read asks a station for the value of a variable. status is empty when it
// gave one. The error is for a station that went away.
func (s *Service) read(ctx context.Context, st station.Station, v Variable) (value, status string, err error) {
	answer, err := s.d.Commander.Send(ctx, string(st.ID), &ocpp.GetVariablesRequest{GetVariableData: []ocpp.GetVariableData{getData(v)}})
	if refusal(err) {
		return "", unsupportedOr(err, Refused), nil
	}
	if err != nil {
		return "", "", err
	}
	r, ok := answer.(*ocpp.GetVariablesResponse)
	if !ok || len(r.GetVariableResult) == 0 {
		return "", Refused, nil
	}
	f := foundOf(r.GetVariableResult[0])
	return f.value, f.status, nil
}

// set asks a station to change a variable, and gives its verdict.
func (s *Service) set(ctx context.Context, st station.Station, v Variable, value string) (took ocpp.SetVariableStatusEnum, detail string, err error) {
	answer, err := s.d.Commander.Send(ctx, string(st.ID), &ocpp.SetVariablesRequest{SetVariableData: []ocpp.SetVariableData{setData(v, value)}})
	if refusal(err) {
		if unsupportedOr(err, "") == Unsupported {
			return ocpp.SetVariableStatusEnumUnknownVariable, "", nil
		}
		return ocpp.SetVariableStatusEnumRejected, err.Error(), nil
	}
	if err != nil {
		return "", "", err
	}
	r, ok := answer.(*ocpp.SetVariablesResponse)
	if !ok || len(r.SetVariableResult) == 0 {
		return ocpp.SetVariableStatusEnumRejected, "the answer says nothing", nil
	}
	got := r.SetVariableResult[0]
	if got.AttributeStatusInfo != nil {
		detail = got.AttributeStatusInfo.ReasonCode + " " + got.AttributeStatusInfo.AdditionalInfo
	}
	return got.AttributeStatus, detail, nil
}

// refusal holds for a station that answered with an error, or whose version
// has no such message: it is there, but will not do it.
func refusal(err error) bool {
	var refused *ocpp.CallError
	return errors.As(err, &refused) || fault.Is(err, fault.Unsupported) || fault.Is(err, fault.Invalid)
}

func unsupportedOr(err error, otherwise string) string {
	if fault.Is(err, fault.Unsupported) {
		return Unsupported
	}
	return otherwise
}
