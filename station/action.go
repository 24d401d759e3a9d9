package station

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Timeouts says how long each action may wait for its answer, where that
// differs from Config.CommandTimeout: a lock moves slowly, stopping must not
// hang (field note 21).
var timeouts = map[string]time.Duration{
	"RequestStopTransaction": 30 * time.Second, "RequestStartTransaction": 30 * time.Second, "Reset": 30 * time.Second,
	"UnlockConnector": 90 * time.Second, "GetBaseReport": 90 * time.Second, "GetVariables": 90 * time.Second,
	"SendLocalList": 2 * time.Minute, "GetCompositeSchedule": 90 * time.Second,
}

// actions are the messages of OCPP 2.1 that the platform sends to stations.
var actions = ocpp.Commands()

// aliases are the names of OCPP 1.6 for the same wishes.
var aliases = map[string]string{
	"RemoteStartTransaction": "RequestStartTransaction", "RemoteStopTransaction": "RequestStopTransaction",
	"ChangeConfiguration": "SetVariables", "GetConfiguration": "GetVariables", "GetDiagnostics": "GetLog",
	"ExtendedTriggerMessage": "TriggerMessage", "SignedUpdateFirmware": "UpdateFirmware",
}

// Actions lists the neutral actions a command may have.
func Actions() []string { return slices.Clone(actions) }

// ParseAction gives the neutral name of an action; names of 1.6 are accepted.
func ParseAction(name string) (string, error) {
	if to, ok := aliases[name]; ok {
		name = to
	}
	if slices.Contains(actions, name) {
		return name, nil
	}
	return "", fault.New(fault.Invalid, "station.action", "%q is not an action a station can be asked for; allowed are %s. With \"raw\": true any action of the station's own version is sent as it is.", clipped(name), strings.Join(actions, ", ")).
		With("body.action", "one of "+strings.Join(actions, ", "), clipped(name))
}

// decodeRequest reads a neutral payload and checks it against the schema of
// OCPP 2.1.
func decodeRequest(action string, payload json.RawMessage) (ocpp.Request, error) {
	req := ocpp.NewRequest(action)
	if req == nil {
		return nil, fault.New(fault.Internal, "station.action", "no type for %s", action)
	}
	d := json.NewDecoder(bytes.NewReader(payload))
	d.DisallowUnknownFields()
	if err := d.Decode(req); err != nil {
		return nil, payloadFault(action, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, payloadFault(action, errors.New("there is something behind the object"))
	}
	return req, nil
}

func payloadFault(action string, err error) error {
	text := strings.TrimPrefix(err.Error(), "json: ")
	at := "body.payload"
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		at += "." + wrong.Field
		text = "a " + wrong.Value + " is not allowed here"
	}
	return fault.New(fault.Invalid, "station.payload", "the payload is not a %s: %s", action, text).With(at, text, nil)
}

// validate refuses what the schema forbids, before the station does.
func validate(action string, req ocpp.Request) error {
	v, ok := req.(ocpp.Validator)
	if !ok {
		return nil
	}
	problems := v.Validate()
	if len(problems) == 0 {
		return nil
	}
	bad := fault.New(fault.Invalid, "station.payload", "the payload is not a valid %s (OCPP 2.1 terms)", action)
	for i, p := range problems {
		if i == 20 {
			break
		}
		at := "body.payload"
		if p.Path != "" {
			at += "." + p.Path
		}
		bad.With(at, p.Message, nil)
	}
	return bad
}

// agreed are the status values of responses that mean yes.
var agreed = map[string]bool{
	"Accepted": true, "Scheduled": true, "Unlocked": true, "RebootRequired": true, "AcceptedCanceled": true,
	"InstallationPending": true, "Processing": true, "EmptyResultSet": true, "Unpublished": true,
}

// lists hold one status per item, in responses without a status of their own.
var lists = []struct{ list, status string }{
	{"setVariableResult", "attributeStatus"}, {"getVariableResult", "attributeStatus"}, {"setMonitoringResult", "status"},
	{"clearMonitoringResult", "status"}, {"clearTariffsResult", "status"},
}

// Accepted tells whether a station's answer means yes: by its status, or,
// where each item has its own, when at least one was accepted. An answer
// without a status is a yes. Raw answers are read the same way; 1.6 spells
// these fields alike.
func Accepted(answer json.RawMessage) bool {
	var fields map[string]json.RawMessage
	if json.Unmarshal(answer, &fields) != nil {
		return true
	}
	var status string
	if raw, ok := fields["status"]; ok && json.Unmarshal(raw, &status) == nil && status != "" {
		return agreed[status]
	}
	for _, l := range lists {
		raw, ok := fields[l.list]
		if !ok {
			continue
		}
		var items []map[string]any
		if json.Unmarshal(raw, &items) != nil || len(items) == 0 {
			return true
		}
		return slices.ContainsFunc(items, func(item map[string]any) bool {
			s, _ := item[l.status].(string)
			return agreed[s]
		})
	}
	return true
}
