package device

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Chunker is a Commander that keeps the limits which stations state: lists of
// variables and monitors go out in parts and their answers come back as one
// (OCPP 2.0.1 B05.FR.11, B06.FR.16, N04.FR.09; GetConfigurationMaxKeys of
// 1.6). A station that refuses a list without having stated a limit gets the
// items one by one. Charging profiles that the station said it cannot take
// are refused before it does (fits.go).
type Chunker struct {
	db   *db.DB
	next ocpp.Commander
	of   func(tx *db.Tx, station string) (ocpp.Tolerance, error)
}

// NewChunker puts the limits before next. of gives what is tolerated of a
// station; nil: nothing.
func NewChunker(d *db.DB, next ocpp.Commander, of func(tx *db.Tx, station string) (ocpp.Tolerance, error)) *Chunker {
	return &Chunker{d, next, of}
}

// Limit is what one message of a kind may hold. Zero values: not stated.
type Limit struct{ Items, Bytes int }

// unstated is used where a station states no number of items: few enough for
// small controllers, and what is refused goes out one by one.
const unstated = 20

// limitsAt names the variables that state the limits of an action.
var limitsAt = map[string]string{"GetVariables": "DeviceDataCtrlr", "SetVariables": "DeviceDataCtrlr", "GetReport": "DeviceDataCtrlr",
	"SetVariableMonitoring": "MonitoringCtrlr", "ClearVariableMonitoring": "MonitoringCtrlr"}

// LimitOf reads the limit that a station stated for an action.
func LimitOf(tx *db.Tx, station, action string) (Limit, error) {
	component := limitsAt[action]
	path := func(name, instance string) string {
		return Variable{Component: component, Name: name, Instance: instance, Attribute: actual}.Path()
	}
	items, plain, bytes := path("ItemsPerMessage", action), path("ItemsPerMessage", ""), path("BytesPerMessage", action)
	have, err := variablesAt(tx, station, []string{items, plain, bytes})
	if err != nil {
		return Limit{}, err
	}
	number := func(paths ...string) int {
		for _, p := range paths {
			if n, err := strconv.Atoi(strings.TrimSpace(have[p].Value)); err == nil && n > 0 {
				return n
			}
		}
		return 0
	}
	return Limit{number(items, plain), number(bytes)}, nil
}

// Send gives the request to the station, in parts where it is too long.
func (c *Chunker) Send(ctx context.Context, station string, req ocpp.Request) (ocpp.Response, error) {
	if err := c.fits(ctx, station, req); err != nil {
		return nil, err
	}
	switch r := req.(type) {
	case *ocpp.GetVariablesRequest:
		results, err := inParts(ctx, c, station, req, r.GetVariableData, func(part []ocpp.GetVariableData) ocpp.Request {
			return &ocpp.GetVariablesRequest{GetVariableData: part}
		},
			func(a *ocpp.GetVariablesResponse) []ocpp.GetVariableResult { return a.GetVariableResult }, refusedGet)
		return joined(&ocpp.GetVariablesResponse{GetVariableResult: results}, err)
	case *ocpp.SetVariablesRequest:
		results, err := inParts(ctx, c, station, req, r.SetVariableData, func(part []ocpp.SetVariableData) ocpp.Request {
			return &ocpp.SetVariablesRequest{SetVariableData: part}
		},
			func(a *ocpp.SetVariablesResponse) []ocpp.SetVariableResult { return a.SetVariableResult }, refusedSet)
		return joined(&ocpp.SetVariablesResponse{SetVariableResult: results}, err)
	case *ocpp.SetVariableMonitoringRequest:
		results, err := inParts(ctx, c, station, req, r.SetMonitoringData, func(part []ocpp.SetMonitoringData) ocpp.Request {
			return &ocpp.SetVariableMonitoringRequest{SetMonitoringData: part}
		}, func(a *ocpp.SetVariableMonitoringResponse) []ocpp.SetMonitoringResult { return a.SetMonitoringResult }, refusedMonitor)
		return joined(&ocpp.SetVariableMonitoringResponse{SetMonitoringResult: results}, err)
	case *ocpp.ClearVariableMonitoringRequest:
		results, err := inParts(ctx, c, station, req, r.ID, func(part []int) ocpp.Request { return &ocpp.ClearVariableMonitoringRequest{ID: part} },
			func(a *ocpp.ClearVariableMonitoringResponse) []ocpp.ClearMonitoringResult {
				return a.ClearMonitoringResult
			}, refusedClear)
		return joined(&ocpp.ClearVariableMonitoringResponse{ClearMonitoringResult: results}, err)
	}
	return c.next.Send(ctx, station, req)
}

func joined(r ocpp.Response, err error) (ocpp.Response, error) {
	if err != nil {
		return nil, err
	}
	return r, nil
}

// inParts sends items in parts and joins their results. refused makes the
// result of an item that the station refused with an error when it stood alone.
func inParts[T, A, R any](ctx context.Context, c *Chunker, station string, whole ocpp.Request, items []T,
	ask func([]T) ocpp.Request, results func(*A) []R, refused func(T, error) R,
) ([]R, error) {
	send := func(part []T, req ocpp.Request) ([]R, error) {
		answer, err := c.next.Send(ctx, station, req)
		if err != nil {
			return nil, err
		}
		a, ok := any(answer).(*A)
		if !ok {
			return nil, fault.New(fault.Internal, "device.answer", "%T is no answer to %s", answer, req.Action())
		}
		return results(a), nil
	}
	if len(items) < 2 {
		return send(items, whole)
	}
	var limit Limit
	if err := c.db.View(ctx, func(tx *db.Tx) (err error) { limit, err = LimitOf(tx, station, whole.Action()); return err }); err != nil {
		return nil, err
	}
	var out []R
	parts := limit.cut(sizes(items))
	for i := 0; i < len(parts); i++ {
		part := items[parts[i].from:parts[i].to]
		got, err := send(part, ask(part))
		switch {
		case err == nil:
			out = append(out, got...)
		case len(part) > 1 && mayBeTheLength(err): // one by one from here on
			single := make([]span, 0, len(items)-parts[i].from)
			for n := parts[i].from; n < len(items); n++ {
				single = append(single, span{n, n + 1})
			}
			parts, i = single, -1
		case len(part) == 1 && len(items) > 1 && refusal(err) && !unknownAction(err):
			out = append(out, refused(part[0], err))
		case len(out) > 0:
			return nil, partly(err, len(out), len(items))
		default:
			return nil, err
		}
	}
	return out, nil
}

// partly says how far a list came before the station went away.
func partly(err error, done, all int) error {
	f := fault.Of(err)
	if f == nil {
		return err
	}
	return fault.Wrap(f.Kind, err, f.Code, "%s; the station had answered %d of %d items before", f.Message, done, all)
}

type span struct{ from, to int }

// envelope is what a message holds besides its items, in bytes.
const envelope = 128

// cut divides items of the given sizes; an item that is too long on its own
// goes alone, and the station says what it thinks of it.
func (l Limit) cut(size []int) []span {
	most := l.Items
	if most <= 0 {
		most = unstated
	}
	var out []span
	from, bytes := 0, envelope
	for i, n := range size {
		if i > from && (i-from >= most || l.Bytes > 0 && bytes+n > l.Bytes) {
			out = append(out, span{from, i})
			from, bytes = i, envelope
		}
		bytes += n
	}
	return append(out, span{from, len(size)})
}

func sizes[T any](items []T) []int {
	out := make([]int, len(items))
	for i, item := range items {
		if b, err := json.Marshal(item); err == nil {
			out[i] = len(b) + 1
		}
	}
	return out
}

// mayBeTheLength holds for refusals that a shorter list may not get.
func mayBeTheLength(err error) bool { return refusal(err) && !unknownAction(err) }

// unknownAction holds for a station that does not know the message at all.
func unknownAction(err error) bool {
	var refused *ocpp.CallError
	return errors.As(err, &refused) && (refused.Code == ocpp.CodeNotImplemented || refused.Code == ocpp.CodeNotSupported)
}

func info(err error) *ocpp.StatusInfo {
	return &ocpp.StatusInfo{ReasonCode: "Refused", AdditionalInfo: clip(fmt.Sprint(err), 500)}
}

func refusedGet(d ocpp.GetVariableData, err error) ocpp.GetVariableResult {
	r := ocpp.GetVariableResult{Component: d.Component, Variable: d.Variable, AttributeType: d.AttributeType, AttributeStatus: ocpp.GetVariableStatusEnumRejected, AttributeStatusInfo: info(err)}
	if fault.Is(err, fault.Unsupported) {
		r.AttributeStatus = ocpp.GetVariableStatusEnumUnknownVariable
	}
	return r
}

func refusedSet(d ocpp.SetVariableData, err error) ocpp.SetVariableResult {
	r := ocpp.SetVariableResult{Component: d.Component, Variable: d.Variable, AttributeType: d.AttributeType, AttributeStatus: ocpp.SetVariableStatusEnumRejected, AttributeStatusInfo: info(err)}
	if fault.Is(err, fault.Unsupported) {
		r.AttributeStatus = ocpp.SetVariableStatusEnumUnknownVariable
	}
	return r
}

func refusedMonitor(d ocpp.SetMonitoringData, err error) ocpp.SetMonitoringResult {
	return ocpp.SetMonitoringResult{Component: d.Component, Variable: d.Variable, Type: d.Type, Severity: d.Severity, Status: ocpp.SetMonitoringStatusEnumRejected, StatusInfo: info(err)}
}

func refusedClear(id int, err error) ocpp.ClearMonitoringResult {
	return ocpp.ClearMonitoringResult{ID: id, Status: ocpp.ClearMonitoringStatusEnumRejected, StatusInfo: info(err)}
}
