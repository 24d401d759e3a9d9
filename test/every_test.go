package test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// stationSays are the messages that stations send, by version; what else a schema
// has, the platform sends. DataTransfer goes both ways.
var stationSays = map[string]string{
	"1.6": `Authorize BootNotification DataTransfer DiagnosticsStatusNotification FirmwareStatusNotification Heartbeat LogStatusNotification
		MeterValues SecurityEventNotification SignCertificate SignedFirmwareStatusNotification StartTransaction StatusNotification StopTransaction`,
	"2.0.1": `Authorize BootNotification ClearedChargingLimit DataTransfer FirmwareStatusNotification Get15118EVCertificate GetCertificateStatus
		Heartbeat LogStatusNotification MeterValues NotifyChargingLimit NotifyCustomerInformation NotifyDisplayMessages NotifyEVChargingNeeds
		NotifyEVChargingSchedule NotifyEvent NotifyMonitoringReport NotifyReport PublishFirmwareStatusNotification ReportChargingProfiles
		ReservationStatusUpdate SecurityEventNotification SignCertificate StatusNotification TransactionEvent`,
	"2.1": `Authorize BatterySwap BootNotification ClearedChargingLimit ClosePeriodicEventStream DataTransfer FirmwareStatusNotification
		Get15118EVCertificate GetCertificateChainStatus GetCertificateStatus Heartbeat LogStatusNotification MeterValues NotifyChargingLimit
		NotifyCustomerInformation NotifyDERAlarm NotifyDERStartStop NotifyDisplayMessages NotifyEVChargingNeeds NotifyEVChargingSchedule
		NotifyEvent NotifyMonitoringReport NotifyPriorityCharging NotifyReport NotifySettlement OpenPeriodicEventStream
		PublishFirmwareStatusNotification PullDynamicScheduleUpdate ReportChargingProfiles ReportDERControl ReservationStatusUpdate
		SecurityEventNotification SignCertificate StatusNotification TransactionEvent VatNumberValidation`,
}

// A SEND has no answer; test/wire speaks it in raw frames.
const sendOnly = "NotifyPeriodicEventStream"

// split gives the actions of a version by who sends them.
func split(version string, all map[string]object) (station, platform []string) {
	byStation := map[string]bool{}
	for _, action := range strings.Fields(stationSays[version]) {
		byStation[action] = true
	}
	for name := range all {
		action, ok := strings.CutSuffix(name, ".req")
		if !ok || action == sendOnly {
			continue
		}
		if byStation[action] {
			station = append(station, action)
		}
		if !byStation[action] || action == "DataTransfer" {
			platform = append(platform, action)
		}
	}
	slices.Sort(station)
	slices.Sort(platform)
	return station, platform
}

// stranger is a station program of somebody else.
type stranger struct {
	name     string
	versions []string
	command  func(t *testing.T) []string
	refuses  []string // answers that are valid by the schema and not to its author
}

var strangers = []stranger{
	{name: "ocpp-rpc", versions: []string{"1.6", "2.0.1", "2.1"}, command: func(*testing.T) []string { return []string{"node", "ocpp-rpc/station.mjs"} }},
	{name: "ocpp-go", versions: []string{"1.6", "2.0.1"}, command: ocppGo,
		// It wants an exiResponse that is not empty also when the status is
		// Failed, and knows no status Failed of GetCertificateStatus.
		refuses: []string{"Get15118EVCertificate", "GetCertificateStatus"}},
}

var buildOcppGo = sync.OnceValues(func() (string, error) {
	out := filepath.Join(filepath.Dir(binary), "ocpp-go-station")
	build := exec.Command("go", "build", "-trimpath", "-o", out, ".")
	build.Dir, build.Env = "ocpp-go", append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	text, err := build.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("building the ocpp-go station: %w\n%s", err, text)
	}
	return out, err
})

func ocppGo(t *testing.T) []string {
	t.Helper()
	program, err := buildOcppGo()
	if err != nil {
		t.Fatal(err)
	}
	return []string{program}
}

// start connects the stranger to the platform.
func (x stranger) start(t *testing.T, url, id, password, version string, more ...string) (*peer, object) {
	t.Helper()
	args := append(x.command(t), "--endpoint", url, "--identity", id, "--protocol", "ocpp"+version)
	if password != "" {
		args = append(args, "--password", password)
	}
	args = append(args, more...)
	return dial(t, exec.Command(args[0], args[1:]...))
}

// TestEveryMessageWithStrangers sends each message that a station of this
// version can send, in its shortest and its fullest form, and each message
// that the platform can send, to stations made of somebody else's code, which
// check every frame: all are answered, and nothing we say is refused.
func TestEveryMessageWithStrangers(t *testing.T) {
	t.Parallel()
	for _, x := range strangers {
		for _, version := range x.versions {
			t.Run(x.name+"/"+version, func(t *testing.T) {
				t.Parallel()
				everyMessage(t, x, version)
			})
		}
	}
}

func everyMessage(t *testing.T, x stranger, version string) {
	s := serve(t, db.SQLite)
	all := schemas(t, version)
	station, platform := split(version, all)
	p, opened := x.start(t, s.stations(), "CS-1", s.station("CS-1", nil), version)
	if opened["open"] != "ocpp"+version {
		t.Fatalf("the handshake gave %v", opened)
	}
	for _, action := range platform {
		p.answer(action, instance(all[action+".conf"], false))
	}
	p.say("BootNotification", instance(all["BootNotification.req"], true))
	for _, action := range station {
		if slices.Contains(x.refuses, action) {
			continue
		}
		p.must(action, instance(all[action+".req"], false))
		p.must(action, instance(all[action+".req"], true))
	}
	neutralCommands(t, s, version)
	if version == "1.6" { // logs come by GetDiagnostics where the security extension is missing
		p.answer("GetLog", nil)
		s.order("CS-1", "GetLog", object{"requestId": 2, "logType": "DiagnosticsLog", "log": object{"remoteLocation": "https://example.com/x"}})
		p.answer("GetLog", instance(all["GetLog.conf"], false))
	}
	for _, action := range platform {
		if p.times(action) == 0 {
			t.Errorf("%s cannot be sent in neutral terms", action)
		}
		got := s.must("POST", "/charging-stations/CS-1/commands", object{"action": action, "raw": true, "payload": instance(all[action+".req"], false)})
		if !answered(got) {
			t.Errorf("raw %s: %v", action, got)
		}
	}
	t.Logf("%d messages of the station, %d of the platform", len(station), len(platform))
}

func answered(command object) bool {
	return command["status"] == "accepted" || command["status"] == "rejected"
}

// narrower are neutral requests that an older version has under a narrower
// meaning: whole numbers for transactions, its own kinds of certificates, its
// keys, fields that OCPP 2.1 made optional.
var narrower = map[string]object{
	"GetInstalledCertificateIds": {"certificateType": []string{"CSMSRootCertificate"}},
	"GetVariables":               {"getVariableData": []object{heartbeatVariable}},
	"InstallCertificate":         {"certificateType": "CSMSRootCertificate", "certificate": "ABC1"},
	"RequestStopTransaction":     {"transactionId": "1"},
	"SetChargingProfile":         limit(1),
	"SetNetworkProfile": {"configurationSlot": 1, "connectionData": object{"ocppVersion": "OCPP20", "ocppTransport": "JSON", "ocppCsmsUrl": "wss://example.com/x",
		"messageTimeout": 30, "securityProfile": 2, "ocppInterface": "Wired0"}},
	"SetVariables":   {"setVariableData": []object{{"component": heartbeatVariable["component"], "variable": heartbeatVariable["variable"], "attributeValue": "600"}}},
	"TriggerMessage": {"requestedMessage": "SignChargingStationCertificate"},
	"UpdateFirmware": {"requestId": 1, "firmware": object{"location": "https://example.com/x", "retrieveDateTime": "2026-05-04T12:00:00Z",
		"signingCertificate": "ABC1", "signature": "ABC1"}},
	"GetLog": {"requestId": 1, "logType": "SecurityLog", "log": object{"remoteLocation": "https://example.com/x"}},
}

// neutralCommands sends every action in the words of OCPP 2.1; one that the
// station's version does not have fails and says so.
func neutralCommands(t *testing.T, s *server, version string) {
	t.Helper()
	newest := schemas(t, "2.1")
	_, platform := split("2.1", newest)
	for _, action := range platform {
		payloads := []object{instance(newest[action+".req"], false)}
		switch {
		case action == "SetChargingProfile": // the first of each word makes no profile that may be sent
			payloads = []object{narrower[action]}
		case version != "2.1" && narrower[action] != nil:
			payloads = append(payloads, narrower[action])
		}
		for _, payload := range payloads {
			got := s.order("CS-1", action, payload)
			if text, _ := got["error"].(string); !answered(got) && (version == "2.1" || !refusal(text, version)) {
				t.Errorf("neutral %s: %v", action, got)
			}
		}
	}
}

// refusal tells whether a text says why a version cannot have a request.
func refusal(text, version string) bool {
	return strings.Contains(text, "OCPP "+version) || strings.HasPrefix(text, "the OCPP message is not valid: ") && strings.HasSuffix(text, ": is missing")
}

// times tells how often the platform called an action.
func (p *peer) times(action string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen[action]
}

// must makes a CALL that has to be answered with a CALLRESULT.
func (p *peer) must(action string, payload object) {
	p.t.Helper()
	reply := <-p.write(object{"action": action, "payload": payload})
	if reply["error"] != nil {
		p.t.Errorf("%s %v: %v", action, slices.Sorted(maps.Keys(payload)), reply["error"])
	}
}
