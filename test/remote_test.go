package test

import (
	"strings"
	"testing"
	"time"
)

// command sends a command through the API and gives the tracked Command.
func (s *server) order(station, action string, payload object) object {
	s.t.Helper()
	return s.must("POST", "/charging-stations/"+station+"/commands", object{"action": action, "payload": payload})
}

// expect checks a command's final state.
func expect(t *testing.T, command object, status string) {
	t.Helper()
	if command["status"] != status {
		t.Errorf("%v is %v, want %s: %v", command["action"], command["status"], status, command)
	}
}

// profile is a limit of 10 A for an hour in neutral terms.
func limit(evse int) object {
	return object{"evseId": evse, "chargingProfile": object{
		"id": 7, "stackLevel": 1, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Absolute",
		"chargingSchedule": []object{{"id": 1, "startSchedule": stamp(time.Now()), "duration": 3600, "chargingRateUnit": "A",
			"chargingSchedulePeriod": []object{{"startPeriod": 0, "limit": 10}}}},
	}}
}

// TestCommandsReachAStrangersStation sends each command of the main job, in
// neutral terms, to a station that checks every request against the official
// schemas, and reads the tracked result.
func TestCommandsReachAStrangersStation(t *testing.T) {
	t.Parallel()
	for _, v := range versions {
		t.Run(v.protocol, func(t *testing.T) {
			onBoth(t, func(t *testing.T, s *server) {
				password := s.station("CS-1", nil)
				p, _ := connect(t, s, "CS-1", password, v.protocol)
				answers := answers2
				if v.protocol == "ocpp1.6" {
					answers = answers16
				}
				for action, payload := range answers {
					p.answer(action, payload)
				}
				p.say("BootNotification", v.boot)
				for _, c := range commands {
					got := s.order("CS-1", c.action, c.payload)
					expect(t, got, c.want)
					again := s.must("GET", "/commands/"+got["id"].(string), nil)
					expect(t, again, c.want)
				}
				raw := s.must("POST", "/charging-stations/CS-1/commands", object{"action": "ClearCache", "payload": object{}, "raw": true})
				expect(t, raw, "accepted")
			})
		})
	}
}

var commands = []struct {
	action  string
	payload object
	want    string
}{
	{"RequestStartTransaction", object{"evseId": 1, "remoteStartId": 42, "idToken": object{"idToken": "CARD1", "type": "Central"}}, "accepted"},
	{"RequestStopTransaction", object{"transactionId": "12345"}, "rejected"},
	{"Reset", object{"type": "Immediate"}, "accepted"},
	{"UnlockConnector", object{"evseId": 1, "connectorId": 1}, "accepted"},
	{"ChangeAvailability", object{"operationalStatus": "Operative", "evse": object{"id": 1}}, "accepted"},
	{"TriggerMessage", object{"requestedMessage": "StatusNotification", "evse": object{"id": 1, "connectorId": 1}}, "accepted"},
	{"SetVariables", object{"setVariableData": []object{{"component": object{"name": "OCPPCommCtrlr"}, "variable": object{"name": "HeartbeatInterval"}, "attributeValue": "600"}}}, "accepted"},
	{"GetVariables", object{"getVariableData": []object{{"component": object{"name": "OCPPCommCtrlr"}, "variable": object{"name": "HeartbeatInterval"}}}}, "accepted"},
	{"SetChargingProfile", limit(1), "accepted"},
	{"GetCompositeSchedule", object{"evseId": 1, "duration": 600}, "accepted"},
	{"ClearChargingProfile", object{"chargingProfileId": 7}, "accepted"},
}

var heartbeatVariable = object{"component": object{"name": "OCPPCommCtrlr"}, "variable": object{"name": "HeartbeatInterval"}}

var answers2 = map[string]object{
	"RequestStartTransaction": {"status": "Accepted"},
	"RequestStopTransaction":  {"status": "Rejected"},
	"Reset":                   {"status": "Accepted"},
	"UnlockConnector":         {"status": "Unlocked"},
	"ChangeAvailability":      {"status": "Accepted"},
	"TriggerMessage":          {"status": "Accepted"},
	"SetVariables":            {"setVariableResult": []object{{"attributeStatus": "Accepted", "component": heartbeatVariable["component"], "variable": heartbeatVariable["variable"]}}},
	"GetVariables":            {"getVariableResult": []object{{"attributeStatus": "Accepted", "attributeValue": "600", "component": heartbeatVariable["component"], "variable": heartbeatVariable["variable"]}}},
	"SetChargingProfile":      {"status": "Accepted"},
	"GetCompositeSchedule": {"status": "Accepted", "schedule": object{"evseId": 1, "duration": 600, "scheduleStart": "2026-01-01T00:00:00Z", "chargingRateUnit": "A",
		"chargingSchedulePeriod": []object{{"startPeriod": 0, "limit": 10}}}},
	"ClearChargingProfile": {"status": "Accepted"},
	"ClearCache":           {"status": "Accepted"},
	"GetBaseReport":        {"status": "NotSupported"},
}

var answers16 = map[string]object{
	"RemoteStartTransaction": {"status": "Accepted"},
	"RemoteStopTransaction":  {"status": "Rejected"},
	"Reset":                  {"status": "Accepted"},
	"UnlockConnector":        {"status": "Unlocked"},
	"ChangeAvailability":     {"status": "Accepted"},
	"TriggerMessage":         {"status": "Accepted"},
	"ChangeConfiguration":    {"status": "Accepted"},
	"GetConfiguration":       {"configurationKey": []object{{"key": "HeartbeatInterval", "readonly": false, "value": "600"}}},
	"SetChargingProfile":     {"status": "Accepted"},
	"GetCompositeSchedule": {"status": "Accepted", "connectorId": 1, "scheduleStart": "2026-01-01T00:00:00Z",
		"chargingSchedule": object{"duration": 600, "chargingRateUnit": "A", "chargingSchedulePeriod": []object{{"startPeriod": 0, "limit": 10}}}},
	"ClearChargingProfile": {"status": "Accepted"},
	"ClearCache":           {"status": "Accepted"},
}

// TestRemoteStartAndStop runs a whole session from the platform's side.
func TestRemoteStartAndStop(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		password := s.station("CS-1", object{"site": s.site()})
		s.must("POST", "/id-tokens", object{"id_token": "APP1", "type": "Central", "status": "active"})
		p, _ := connect(t, s, "CS-1", password, "ocpp1.6")
		for action, payload := range answers16 {
			p.answer(action, payload)
		}
		p.answer("RemoteStopTransaction", object{"status": "Accepted"})
		p.say("BootNotification", versions[0].boot)
		p.say("StatusNotification", object{"connectorId": 1, "errorCode": "NoError", "status": "Preparing", "timestamp": stamp(time.Now())})

		expect(t, s.order("CS-1", "RequestStartTransaction", object{"evseId": 1, "idToken": object{"idToken": "APP1", "type": "Central"}}), "accepted")
		if got := p.called("RemoteStartTransaction"); got["idTag"] != "APP1" || got["connectorId"] != 1.0 {
			t.Errorf("RemoteStartTransaction %v", got)
		}
		started := p.say("StartTransaction", object{"connectorId": 1, "idTag": "APP1", "meterStart": 0, "timestamp": stamp(time.Now())})
		var session object
		eventually(t, "the session is there", func() bool {
			list := s.items("/sessions?status=active")
			if len(list) == 1 {
				session = list[0]
			}
			return session != nil
		})
		if got := s.must("POST", "/sessions/"+session["id"].(string)+"/stop", object{}); got["status"] != "Accepted" {
			t.Errorf("stop was answered %v", got)
		}
		if got := p.called("RemoteStopTransaction"); got["transactionId"] != started["transactionId"] {
			t.Errorf("stop of %v, want %v", got["transactionId"], started["transactionId"])
		}
		p.say("StopTransaction", object{"transactionId": started["transactionId"], "meterStop": 1000, "timestamp": stamp(time.Now().Add(time.Second)), "reason": "Remote"})
	})
}

// TestOfflineStationRefusesAtOnce: a command to a station that is not there
// fails with a clear reason and without waiting.
func TestOfflineStationRefusesAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		s.station("CS-1", nil)
		got := s.order("CS-1", "Reset", object{"type": "Immediate"})
		expect(t, got, "failed") // one that had been waited for is timed_out
		if why, _ := got["error"].(string); !strings.Contains(why, "not connected") {
			t.Errorf("the reason given is %q", why)
		}
	})
}
