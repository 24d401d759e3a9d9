package device

import (
	"context"
	"errors"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// Each exchange carries one variable: 1.6 sets one per message, some 2.x
// stations state no limit and refuse more, and a refused list would not tell
// which member was wrong.

// read asks a station for the value of a variable. status is empty when it
// gave one, Unsupported when it has no such variable, Refused when it would
// not tell. The error is for a station that went away.
func (s *Service) read(ctx context.Context, st station.Station, v Variable) (value, status string, err error) {
	c, name := v.names()
	answer, err := s.d.Commander.Send(ctx, string(st.ID), &ocpp.GetVariablesRequest{GetVariableData: []ocpp.GetVariableData{{Component: c, Variable: name}}})
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
	switch got := r.GetVariableResult[0]; got.AttributeStatus {
	case ocpp.GetVariableStatusEnumAccepted:
		return got.AttributeValue, "", nil
	case ocpp.GetVariableStatusEnumUnknownComponent, ocpp.GetVariableStatusEnumUnknownVariable:
		return "", Unsupported, nil
	}
	return "", Refused, nil
}

// set asks a station to change a variable, and gives its verdict.
func (s *Service) set(ctx context.Context, st station.Station, v Variable, value string) (took ocpp.SetVariableStatusEnum, detail string, err error) {
	c, name := v.names()
	answer, err := s.d.Commander.Send(ctx, string(st.ID), &ocpp.SetVariablesRequest{SetVariableData: []ocpp.SetVariableData{{Component: c, Variable: name, AttributeValue: value}}})
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
