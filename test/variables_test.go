package test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/ocpp/simulator"
)

// simulate creates a station and runs it until the test ends.
func (s *server) simulate(id, version string) {
	s.t.Helper()
	ac := simulator.EVSEConfig{Connector: "sType2", Phases: 3, MaxAmps: 32_000}
	first, second := ac, ac
	first.ID, second.ID = 1, 2
	station := simulator.NewStation(simulator.Config{
		ID: id, Version: version, URL: s.stations(), Password: s.station(id, nil), Vendor: "Alder Electric", Model: "Kerb Duo",
		Serial: "AL100200", Firmware: "1.2.3", MeterInterval: 45 * time.Second, Retry: 100 * time.Millisecond,
		EVSEs: []simulator.EVSEConfig{first, second},
	}, time.Now, nil)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = station.Run(ctx) }()
	s.t.Cleanup(func() { stop(); <-ended })
	eventually(s.t, id+" has booted", func() bool { return len(s.items("/charging-stations/"+id+"/boots")) > 0 })
}

// variables gives what is known of a device: component.variable → the item.
func (s *server) variables(id string) map[string]object {
	s.t.Helper()
	known := map[string]object{}
	for _, v := range s.items("/charging-stations/" + id + "/variables?limit=1000") {
		if v["evse"] == nil {
			known[v["component"].(string)+"."+v["variable"].(string)] = v
		}
	}
	return known
}

// TestFirstBootFillsTheVariables: nobody asks for anything; some seconds after
// the boot the device model is read, in each version, and set up as it should.
func TestFirstBootFillsTheVariables(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		own := map[string][]string{ // what only this version has, in neutral names
			"1.6":   {"OCPP16.NumberOfConnectors", "OCPP16.SupportedFeatureProfiles", "SmartChargingCtrlr.ProfileStackLevel"},
			"2.0.1": {"TxCtrlr.TxStartPoint", "DeviceDataCtrlr.ItemsPerMessage", "ChargingStation.AvailabilityState"},
			"2.1":   {"TxCtrlr.TxStopPoint", "SecurityCtrlr.SecurityProfile"},
		}
		for version := range own {
			s.simulate("SIM-"+version, version)
		}
		for version, names := range own {
			id := "SIM-" + version
			var device object
			for _, at := range []string{"read_at", "synced_at"} {
				eventually(t, id+" has "+at, func() bool {
					device = s.must("GET", "/charging-stations/"+id+"/device", nil)
					return device[at] != nil
				})
			}
			known := s.variables(id)
			for _, name := range append(names, "OCPPCommCtrlr.HeartbeatInterval", "TxCtrlr.EVConnectionTimeOut", "SampledDataCtrlr.TxUpdatedInterval") {
				if v := known[name]; v == nil || v["value"] == "" || v["mutability"] == nil {
					t.Errorf("%s: %s is %v", id, name, v)
				}
			}
			met := 0
			for _, one := range device["desired"].([]any) {
				if one.(object)["status"] == "met" {
					met++
				}
			}
			if met == 0 {
				t.Errorf("%s: nothing of the baseline is met: %v", id, device["desired"])
			}
			if evses := s.must("GET", "/charging-stations/"+id, nil)["evses"].([]any); len(evses) != 2 {
				t.Errorf("%s has ports %v, want 2", id, evses)
			}
		}
	})
}

// TestDeviceModelCommandsOn16: a report and several variables at once are
// commands of 2.x; a 1.6 station gets what it knows instead.
func TestDeviceModelCommandsOn16(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		s.simulate("CS-16", "1.6")
		report := s.order("CS-16", "GetBaseReport", object{"requestId": 5, "reportBase": "FullInventory"})
		expect(t, report, "accepted")
		known := s.variables("CS-16")
		if v := known["SampledDataCtrlr.TxUpdatedInterval"]; v == nil || v["value"] != "45" || v["data_type"] != "integer" {
			t.Errorf("after the report the meter interval is %v", v)
		}
		if v := known["OCPP16.NumberOfConnectors"]; v == nil || v["value"] != "2" || v["mutability"] != "ReadOnly" {
			t.Errorf("after the report the number of connectors is %v", v)
		}

		set := s.order("CS-16", "SetVariables", object{"setVariableData": []object{
			{"component": object{"name": "OCPPCommCtrlr"}, "variable": object{"name": "HeartbeatInterval"}, "attributeValue": "611"},
			{"component": object{"name": "TxCtrlr"}, "variable": object{"name": "EVConnectionTimeOut"}, "attributeValue": "77"},
		}})
		expect(t, set, "accepted")
		results, _ := set["response"].(object)["setVariableResult"].([]any)
		if len(results) != 2 {
			t.Errorf("the response is %v", set["response"])
		}
		var sent []string
		eventually(t, "both changes are in the message log", func() bool {
			sent = nil
			for _, m := range s.items("/charging-stations/CS-16/messages?direction=out&action=ChangeConfiguration&sort=at") {
				if text := m["payload"].(string); strings.Contains(text, `"611"`) || strings.Contains(text, `"77"`) {
					sent = append(sent, text)
				}
			}
			return len(sent) >= 2
		})
		if len(sent) != 2 || !strings.Contains(sent[0], `"HeartbeatInterval"`) || !strings.Contains(sent[1], `"ConnectionTimeOut"`) {
			t.Errorf("sent %v", sent)
		}
		got := s.order("CS-16", "GetVariables", object{"getVariableData": []object{
			{"component": object{"name": "OCPPCommCtrlr"}, "variable": object{"name": "HeartbeatInterval"}},
			{"component": object{"name": "TxCtrlr"}, "variable": object{"name": "EVConnectionTimeOut"}},
		}})
		expect(t, got, "accepted")
		for i, want := range []string{"611", "77"} {
			if r := got["response"].(object)["getVariableResult"].([]any)[i].(object); r["attributeValue"] != want {
				t.Errorf("the station has %v, want %s", r, want)
			}
		}
	})
}
