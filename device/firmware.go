package device

import (
	"fmt"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// Image is a firmware image of the library.
type Image struct {
	ID, Org       string
	Vendor, Model string // patterns without case; * stands for anything, empty too
	Version       string // what a station with it tells in its boot
	File          string // of the file store; empty: at URL, or still to come
	URL           string // http(s) or ftp(s), elsewhere
	Size          int64  // bytes
	SHA256        string // lower-case hex; empty for an URL whose owner gave none
	Certificate   string // PEM of the signing certificate
	Signature     string // base64, over the SHA-256 of the image
	Verified      string // how the signature was verified, see verifySignature; empty: it was not
	Notes         string
	CreatedAt     time.Time
	Actor         string
}

// Ready tells whether stations can fetch it.
func (i Image) Ready() bool { return i.File != "" || i.URL != "" }

// Signed tells whether stations are given a signature to check.
func (i Image) Signed() bool { return i.Certificate != "" && i.Signature != "" }

// Fits tells whether the image is meant for a device.
func (i Image) Fits(vendor, model string) bool {
	return matches(i.Vendor, vendor) && matches(i.Model, model)
}

// matches compares with a pattern, without case.
func matches(pattern, s string) bool {
	pattern, s = strings.ToLower(strings.TrimSpace(pattern)), strings.ToLower(strings.TrimSpace(s))
	if pattern == "" {
		return true
	}
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return s == pattern
	}
	if !strings.HasPrefix(s, parts[0]) {
		return false
	}
	s = s[len(parts[0]):]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return strings.HasSuffix(s, parts[len(parts)-1])
}

// sameVersion compares firmware versions as stations write them.
func sameVersion(a, b string) bool {
	norm := func(s string) string {
		s = strings.ToLower(strings.TrimSpace(s))
		if len(s) > 1 && s[0] == 'v' && s[1] >= '0' && s[1] <= '9' {
			s = s[1:]
		}
		return s
	}
	return norm(a) == norm(b)
}

// TaskState is where the update of one station stands.
type TaskState string

const (
	TaskWaiting     TaskState = "waiting"     // for its turn, its window, the station, or a charge to end
	TaskSending     TaskState = "sending"     // the station is being asked
	TaskRequested   TaskState = "requested"   // it agreed
	TaskDownloading TaskState = "downloading" // also scheduled or paused
	TaskDownloaded  TaskState = "downloaded"  // also verified by the station
	TaskInstalling  TaskState = "installing"  // also scheduled, or rebooting for it
	TaskInstalled   TaskState = "installed"   // the station says so; its next boot will show
	TaskVerified    TaskState = "verified"    // it booted with the new version
	TaskUnverified  TaskState = "unverified"  // it said installed and never told its version
	TaskFailed      TaskState = "failed"
	TaskSkipped     TaskState = "skipped" // not tried, with a reason
	TaskCancelled   TaskState = "cancelled"
)

var taskStates = []string{string(TaskWaiting), string(TaskSending), string(TaskRequested), string(TaskDownloading), string(TaskDownloaded), string(TaskInstalling),
	string(TaskInstalled), string(TaskVerified), string(TaskUnverified), string(TaskFailed), string(TaskSkipped), string(TaskCancelled)}

// Open tells whether the station has been asked and has not come to an end.
func (s TaskState) Open() bool {
	switch s {
	case TaskSending, TaskRequested, TaskDownloading, TaskDownloaded, TaskInstalling, TaskInstalled:
		return true
	}
	return false
}

// Final tells whether nothing more is expected.
func (s TaskState) Final() bool { return s != TaskWaiting && !s.Open() }

// Good tells whether a final state is what was wanted.
func (s TaskState) Good() bool { return s == TaskVerified || s == TaskUnverified }

// Task is the update of one station.
type Task struct {
	ID, Update         string
	Position           int64
	Station, Org, Site string
	State              TaskState
	Status             string // the last one the station told, as OCPP 2.x writes it
	Reason             string
	From, To           string // versions
	Request            int64  // requestId in OCPP; 0 before it was asked
	Attempts           int64
	CreatedAt, NextAt  time.Time
	SentAt             *time.Time
	DeadlineAt         *time.Time // then it counts as stalled
	FinishedAt         *time.Time
}

// progress says what a status of the station means (OCPP 2.0.1 §3.26
// FirmwareStatusEnumType; those of 1.6 are some of them). Idle means nothing:
// it answers a trigger.
var progress = map[ocpp.FirmwareStatusEnum]TaskState{
	ocpp.FirmwareStatusEnumDownloadScheduled: TaskDownloading, ocpp.FirmwareStatusEnumDownloading: TaskDownloading, ocpp.FirmwareStatusEnumDownloadPaused: TaskDownloading,
	ocpp.FirmwareStatusEnumDownloaded: TaskDownloaded, ocpp.FirmwareStatusEnumSignatureVerified: TaskDownloaded,
	ocpp.FirmwareStatusEnumInstallScheduled: TaskInstalling, ocpp.FirmwareStatusEnumInstalling: TaskInstalling, ocpp.FirmwareStatusEnumInstallRebooting: TaskInstalling,
	ocpp.FirmwareStatusEnumInstalled:      TaskInstalled,
	ocpp.FirmwareStatusEnumDownloadFailed: TaskFailed, ocpp.FirmwareStatusEnumInstallationFailed: TaskFailed,
	ocpp.FirmwareStatusEnumInstallVerificationFailed: TaskFailed, ocpp.FirmwareStatusEnumInvalidSignature: TaskFailed,
}

var failures = map[ocpp.FirmwareStatusEnum]string{
	ocpp.FirmwareStatusEnumDownloadFailed:            "the station could not download the image",
	ocpp.FirmwareStatusEnumInstallationFailed:        "the station could not install the image",
	ocpp.FirmwareStatusEnumInstallVerificationFailed: "the station found the installed firmware damaged",
	ocpp.FirmwareStatusEnumInvalidSignature:          "the station did not accept the signature of the image",
}

// hears takes a status of the station. It reports whether the task changed.
//
// A station that tries again after a failure opens the task again (OCPP 2.0.1
// L01.FR.30); one that already came back with the new version stays verified,
// since Installed may follow the boot (OCPP 2.0.1 L01.FR.32).
func (t *Task) hears(status ocpp.FirmwareStatusEnum, detail string, now time.Time) bool {
	to, known := progress[status]
	if !known || t.State == TaskWaiting || t.State == TaskCancelled || t.State == TaskSkipped {
		return false
	}
	t.Status = string(status)
	if t.State.Good() {
		return true
	}
	if to == TaskFailed {
		t.fail(failures[status]+detail, now)
		return true
	}
	if to == TaskInstalled && t.Reason == asItWas { // OCPP 2.0.1 L01.FR.32: the new firmware would have said this
		t.fail("version did not change: the station came back with "+t.From, now)
		return true
	}
	t.State, t.Reason, t.FinishedAt = to, "", nil
	return true
}

// asItWas marks a station that restarted for the installation and still has
// the old version.
const asItWas = "the station restarted with the old version"

func (t *Task) fail(reason string, now time.Time) { t.finish(TaskFailed, reason, now) }

func (t *Task) finish(s TaskState, reason string, now time.Time) {
	t.State, t.Reason, t.FinishedAt, t.DeadlineAt = s, reason, &now, nil
}

// boots takes a boot with a firmware version into account. It reports whether
// the task changed.
func (t *Task) boots(version string, now time.Time) bool {
	lateInstall := t.State == TaskUnverified
	if !t.State.Open() && !lateInstall || t.State == TaskSending || version == "" {
		return false
	}
	switch {
	case sameVersion(version, t.To):
		t.finish(TaskVerified, "", now)
	case t.State != TaskInstalling && t.State != TaskInstalled && !lateInstall:
		return false // it restarted before it installed anything
	case t.Status == string(ocpp.FirmwareStatusEnumInstallScheduled):
		return false
	case t.Status == string(ocpp.FirmwareStatusEnumInstallRebooting) && sameVersion(version, t.From):
		t.Reason = asItWas // OCPP 2.0.1 L01.FR.15: perhaps it installs only now
	case t.From != "" && sameVersion(version, t.From):
		t.fail("version did not change: the station came back with "+version, now)
	default:
		t.fail(fmt.Sprintf("the station came back with version %s, not %s", version, t.To), now)
	}
	return true
}

// securityFailures are security events that end an update (OCPP 2.0.1
// L01.FR.02 and L01.FR.03).
var securityFailures = map[string]string{
	"InvalidFirmwareSignature":          "the station did not accept the signature of the image",
	"InvalidFirmwareSigningCertificate": "the station did not accept the signing certificate",
}

// stalls ends a task that nothing was heard of until its deadline. ask tells
// that the station is to be asked for a boot first, which tells its version.
func (t *Task) stalls(now time.Time) {
	last := t.Status
	if last == "" {
		last = "no status at all"
	}
	if t.State == TaskInstalled {
		t.finish(TaskUnverified, "the station said Installed and has not told its version since", now)
		return
	}
	t.fail("stalled: nothing was heard after "+last, now)
}
