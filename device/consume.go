package device

import (
	"encoding/json"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// commandFinished learns from commands that people sent: values they read or
// set. What they set and the station took is their wish from now on, before
// the baseline.
func (s *Service) commandFinished(tx *db.Tx, f event.Fact) error {
	var done station.CommandFinished
	if err := f.Decode(&done); err != nil {
		return err
	}
	switch done.Action {
	case "SetVariables", "GetVariables", "ChangeConfiguration":
	default:
		return nil
	}
	cmd, err := s.d.Stations.CommandOf(tx, done.ID)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil || len(cmd.Response) == 0 {
		return err
	}
	o := owner{string(cmd.Station), cmd.Org, cmd.Site}
	if cmd.Raw {
		return s.rereadAfter(tx, o, cmd)
	}
	if done.Action == "GetVariables" {
		var r ocpp.GetVariablesResponse
		if json.Unmarshal(cmd.Response, &r) != nil {
			return nil
		}
		return saveVariables(tx, o, "command "+cmd.ID, fromGet(r.GetVariableResult))
	}
	var req ocpp.SetVariablesRequest
	var res ocpp.SetVariablesResponse
	if json.Unmarshal(cmd.Payload, &req) != nil || json.Unmarshal(cmd.Response, &res) != nil {
		return nil
	}
	if err := saveVariables(tx, o, "command "+cmd.ID, fromSet(req.SetVariableData, res.SetVariableResult)); err != nil {
		return err
	}
	return saveWishes(tx, o, cmd.ActorName, req.SetVariableData, res.SetVariableResult)
}

// saveWishes keeps accepted values as desired state. Secrets are left out:
// they are not ours to keep.
func saveWishes(tx *db.Tx, o owner, by string, req []ocpp.SetVariableData, results []ocpp.SetVariableResult) error {
	for _, r := range results {
		status := Met
		switch r.AttributeStatus {
		case ocpp.SetVariableStatusEnumAccepted:
		case ocpp.SetVariableStatusEnumRebootRequired:
			status = Reboot
		default:
			continue
		}
		v := of(r.Component, r.Variable, r.AttributeType)
		for _, d := range req {
			if v.Attribute != actual || secretName.MatchString(v.Name) || of(d.Component, d.Variable, d.AttributeType).Path() != v.Path() {
				continue
			}
			wish := Desired{Path: v.Path(), named: v, Rule: byOperator, Value: d.AttributeValue, Actual: d.AttributeValue, Status: status, TriedAt: tx.Now, WishedBy: by, WishedAt: tx.Now}
			if err := saveDesired(tx, o, wish); err != nil {
				return err
			}
		}
	}
	return nil
}

// rereadAfter has the configuration read again after a raw change of it,
// since its key is not known in neutral terms here.
func (s *Service) rereadAfter(tx *db.Tx, o owner, cmd station.Command) error {
	if cmd.Action == "GetVariables" || cmd.Status != station.Agreed {
		return nil
	}
	st, err := stateOf(tx, o.station)
	if err != nil {
		return err
	}
	st.ReadOf, st.Failures = "", 0
	if err := saveState(tx, o, st); err != nil {
		return err
	}
	return s.enqueueSync(tx, o)
}
