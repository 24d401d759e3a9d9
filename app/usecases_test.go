package app_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/ocpp/v16"
	"github.com/forecourt-ev/forecourt/ocpp/v201"
	"github.com/forecourt-ev/forecourt/ocpp/v21"
)

// useCase is a row of docs/requirements/usecases.csv.
type useCase struct {
	version, id, title, status, reason, where string
}

// statuses of a use case: the platform does it, answers as specified without
// acting on it, leaves it to others for a reason, or it is being built.
var statuses = []string{"done", "answered only", "not ours", "building"}

// functionalBlocks are the use cases of part 2 of each version: their letter
// and how many there are.
var functionalBlocks = map[string]map[string]int{
	"2.0.1": {"A": 5, "B": 12, "C": 16, "D": 2, "E": 15, "F": 6, "G": 5, "H": 4, "I": 6, "J": 3, "K": 17, "L": 4, "M": 6, "N": 10, "O": 6, "P": 2},
	"2.1": {"A": 5, "B": 13, "C": 25, "D": 2, "E": 17, "F": 7, "G": 5, "H": 4, "I": 12, "J": 3, "K": 29, "L": 4, "M": 7, "N": 15, "O": 6, "P": 2,
		"Q": 12, "R": 5, "S": 4},
}

// profiles16 says to which profile of 1.6 messages belong; all others are Core.
var profiles16 = map[string][]string{
	"FirmwareManagement":      {"GetDiagnostics", "DiagnosticsStatusNotification", "UpdateFirmware", "FirmwareStatusNotification"},
	"LocalAuthListManagement": {"GetLocalListVersion", "SendLocalList"},
	"Reservation":             {"ReserveNow", "CancelReservation"},
	"SmartCharging":           {"SetChargingProfile", "ClearChargingProfile", "GetCompositeSchedule"},
	"RemoteTrigger":           {"TriggerMessage"},
	"Security": {"CertificateSigned", "DeleteCertificate", "ExtendedTriggerMessage", "GetInstalledCertificateIds", "GetLog", "InstallCertificate",
		"LogStatusNotification", "SecurityEventNotification", "SignCertificate", "SignedFirmwareStatusNotification", "SignedUpdateFirmware"},
}

// knownUseCases are all ids that need a row, by version.
func knownUseCases() map[string]bool {
	known := map[string]bool{}
	for version, blocks := range functionalBlocks {
		for letter, n := range blocks {
			for i := 1; i <= n; i++ {
				known[fmt.Sprintf("%s %s%02d", version, letter, i)] = true
			}
		}
	}
	for _, action := range v16.Messages.Actions() {
		known["1.6 "+profile16(action)+"."+action] = true
	}
	return known
}

func profile16(action string) string {
	for profile, actions := range profiles16 {
		if slices.Contains(actions, action) {
			return profile
		}
	}
	return "Core"
}

func useCases(t *testing.T) []useCase {
	t.Helper()
	f, err := os.Open("../docs/requirements/usecases.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatalf("usecases.csv: %v", err)
	}
	var out []useCase
	for _, r := range rows[1:] {
		out = append(out, useCase{r[0], r[1], r[2], r[3], r[4], r[5]})
	}
	return out
}

// TestUseCases: each use case of each version has a row, and what a row names
// exists.
func TestUseCases(t *testing.T) {
	known, seen := knownUseCases(), map[string]bool{}
	for _, u := range useCases(t) {
		name := u.version + " " + u.id
		switch {
		case !known[name]:
			t.Errorf("%s is not a use case", name)
		case seen[name]:
			t.Errorf("%s has two rows", name)
		case u.title == "":
			t.Errorf("%s has no title", name)
		case !slices.Contains(statuses, u.status):
			t.Errorf("%s: status %q is none of %s", name, u.status, strings.Join(statuses, ", "))
		case u.status != "done" && u.reason == "":
			t.Errorf("%s is %s and does not say why", name, u.status)
		case u.status == "done" && u.where == "":
			t.Errorf("%s is done, but nothing shows it", name)
		}
		if u.where != "" {
			exists(t, name, u.where)
		}
		seen[name] = true
	}
	for name := range known {
		if !seen[name] {
			t.Errorf("%s has no row in usecases.csv", name)
		}
	}
}

// exists checks "path" or "path:TestName".
func exists(t *testing.T, name, where string) {
	t.Helper()
	path, test, _ := strings.Cut(where, ":")
	text, err := os.ReadFile("../" + path)
	if err != nil {
		t.Errorf("%s names %s, which does not exist", name, path)
		return
	}
	if test != "" && !regexp.MustCompile(`(?m)^func `+regexp.QuoteMeta(test)+`\(`).Match(text) {
		t.Errorf("%s names %s, which %s does not have", name, test, path)
	}
}

// useCasePage is the first part of docs/requirements/coverage.md.
func useCasePage(all []useCase) string {
	var b strings.Builder
	b.WriteString("# OCPP: what is done\n\nMade by `go test ./app -run Golden -update` of `usecases.csv` and the tables of messages. " +
		"*Done*: the platform does its part, and the test or file named shows it. *Answered only*: stations get the specified answer, commands can be sent, nothing acts on it. " +
		"*Not ours*: it is no duty of a platform. *Building*: not finished.\n")
	for _, version := range []string{"1.6", "2.0.1", "2.1"} {
		count := map[string]int{}
		for _, u := range all {
			if u.version == version {
				count[u.status]++
			}
		}
		fmt.Fprintf(&b, "\n## OCPP %s\n\n", version)
		for _, s := range statuses {
			if count[s] > 0 {
				fmt.Fprintf(&b, "%d %s. ", count[s], s)
			}
		}
		b.WriteString("\n\n| use case | | status | why | where |\n|---|---|---|---|---|\n")
		for _, u := range all {
			if u.version == version {
				fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", u.id, u.title, u.status, u.reason, u.where)
			}
		}
	}
	b.WriteString(actionTable())
	return b.String()
}

// actionTable says of each message of each version which way it goes and what
// it is in neutral terms.
func actionTable() string {
	var b strings.Builder
	b.WriteString("\n## Messages\n\nEvery message is read, written and held against its official schema. To stations: a command that the version has goes out, one that it lacks is refused with the versions that have it. " +
		"From stations: each is answered.\n\n| message | 1.6 | 2.0.1 | 2.1 |\n|---|---|---|---|\n")
	languages := []ocpp.Language{v16.Language, v201.Language, v21.Language}
	names := map[string]bool{}
	for _, l := range languages {
		for _, a := range l.Messages.Actions() {
			names[a] = true
		}
	}
	var sorted []string
	for a := range names {
		sorted = append(sorted, a)
	}
	slices.Sort(sorted)
	for _, a := range sorted {
		fmt.Fprintf(&b, "| %s |", a)
		for _, l := range languages {
			way := ""
			switch {
			case l.Messages.Find(a) == nil:
			case a == "DataTransfer":
				way = "both ways"
			case l.ToStation(a):
				way = "to stations"
			default:
				way = "from stations"
			}
			fmt.Fprintf(&b, " %s |", way)
		}
		b.WriteString("\n")
	}
	return b.String()
}
