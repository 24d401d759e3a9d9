package device

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// An upgrade brings a station to a higher security profile (OCPP 2.0.1 A05,
// B09, B10; in 1.6 the Security Whitepaper's key SecurityProfile), or gives it
// a new password over the air (A01). It is desired state: what has been done
// is stored after each step, so that it goes on after an outage of the
// station or of the platform, and every step may be done twice.
//
// The old profile and the old password stay good until the station has
// connected with the new ones: a station that cannot do what it promised
// falls back and is still there.

// UpgradeKind is what an upgrade changes.
type UpgradeKind string

// Kinds of upgrades.
const (
	ToProfile  UpgradeKind = "profile"
	ToPassword UpgradeKind = "password"
)

// Step is where an upgrade stands.
type Step string

// Steps of an upgrade, in their order; the last three are ends.
const (
	StepPassword    Step = "password"    // the new password is brought to the station
	StepCertificate Step = "certificate" // the station needs a certificate first
	StepConfigure   Step = "configure"   // it is told the new profile
	StepRestart     Step = "restart"     // it has to restart, once no session runs
	StepVerify      Step = "verify"      // it has to come back with what is new
	StepDone        Step = "done"
	StepFailed      Step = "failed"
	StepCancelled   Step = "cancelled"
)

var allSteps = []string{"password", "certificate", "configure", "restart", "verify", "done", "failed", "cancelled"}

// Upgrade is the last upgrade of a station.
type Upgrade struct {
	Station, Org, Site string
	Kind               UpgradeKind
	Target             int // profile; of ToPassword the one it has
	Origin             int // profile of its connection when it began
	Step               Step
	Reason             string // why it waits, or failed
	Attempts           int    // times the station came back without the new profile
	Nonce              string // of the offered password; empty: none
	Slot               int    // configurationSlot of the new network profile
	Priority           string // NetworkConfigurationPriority before
	Options            UpgradeOptions
	Epoch              int64 // of the connection over which it was told to restart
	Actor              string
	CreatedAt          time.Time
	StepAt             time.Time
	NextAt             time.Time
	Deadline           time.Time
	FinishedAt         *time.Time
}

// UpgradeOptions are what people may say about an upgrade, and what has to
// be remembered of it.
type UpgradeOptions struct {
	Interface     string     `json:"interface,omitempty"`       // OCPPInterfaceEnum of the new network profile
	Slot          int        `json:"slot,omitempty"`            // 0: a free one
	Configuration []KeyValue `json:"configuration,omitempty"`   // 1.6: set before SecurityProfile, such as the maker's key of the address
	NewPassword   bool       `json:"rotate_password,omitempty"` // bring a new password too
	Reset         bool       `json:"reset,omitempty"`           // of ToPassword: restart the station, so that it is used at once
	AskedAt       *time.Time `json:"asked_at,omitempty"`        // for a certificate
	RootsAt       *time.Time `json:"roots_at,omitempty"`        // when the roots of our server were seen to
	RootsRefused  string     `json:"roots_refused,omitempty"`   // what the station did not take of them
}

// KeyValue is a configuration key of 1.6 with its value.
type KeyValue struct {
	Key   string `json:"key" minLength:"1" maxLength:"50"`
	Value string `json:"value" maxLength:"500"`
}

// finished tells whether nothing more is to be done.
func (u Upgrade) finished() bool { return u.FinishedAt != nil }

// steps are those that this upgrade takes, in order.
func (u Upgrade) steps(st station.Station) []Step {
	if u.Kind == ToPassword {
		if u.Options.Reset {
			return []Step{StepPassword, StepRestart, StepVerify}
		}
		return []Step{StepPassword, StepVerify}
	}
	var out []Step
	if u.Target < 3 && (u.Options.NewPassword || u.Nonce != "" || !st.HasPassword) {
		out = append(out, StepPassword) // A05: the prerequisites first
	}
	if u.Target == 3 {
		out = append(out, StepCertificate)
	}
	return append(out, StepConfigure, StepRestart, StepVerify)
}

// after gives the step that follows.
func (u Upgrade) after(st station.Station, s Step) Step {
	all := u.steps(st)
	if i := slices.Index(all, s); i >= 0 && i+1 < len(all) {
		return all[i+1]
	}
	return StepDone
}

// What is to be done about an upgrade now.
type standing int

const (
	wait     standing = iota // look again later
	act                      // do the step
	succeed                  // the station is where it should be
	fallBack                 // it restarted and came back as it was
	expire                   // it took too long
)

// settleFor is how long a station that came back with its old profile without
// a boot may still be on its way: it may just have lost its connection.
const settleFor = 2 * time.Minute

// decide looks at a station and says what is next, and why it waits. signedIn
// tells that the station used the offered password.
func (u Upgrade) decide(st station.Station, signedIn bool, now time.Time) (standing, string) {
	arrived := st.Connected && st.LinkProfile >= u.Target
	if u.Kind == ToPassword {
		arrived = signedIn
	}
	if arrived {
		return succeed, ""
	}
	if u.Step == StepVerify {
		return u.decideVerify(st, now)
	}
	switch {
	case now.After(u.Deadline):
		return expire, "it was not possible until now: " + u.Reason
	case !st.Connected:
		return wait, "the station is offline"
	case (u.Step == StepConfigure || u.Step == StepRestart) && st.InUse:
		return wait, "a session runs at the station"
	}
	return act, ""
}

func (u Upgrade) decideVerify(st station.Station, now time.Time) (standing, string) {
	back := st.Connected && st.Epoch > u.Epoch && st.ConnectedAt != nil
	booted := st.BootedAt != nil && st.BootedAt.After(u.StepAt)
	restarted := u.Kind == ToProfile || u.Options.Reset
	switch {
	case restarted && back && (booted || now.Sub(*st.ConnectedAt) > settleFor):
		if u.Kind == ToPassword {
			return fallBack, "the station came back with its old password"
		}
		return fallBack, "the station came back with security profile " + strconv.Itoa(st.LinkProfile)
	case now.After(u.Deadline) && st.Connected && !back:
		return expire, "the station did not restart"
	case now.After(u.Deadline):
		return expire, "the station did not come back"
	case u.Kind == ToPassword:
		return wait, "the station has the new password and uses it at its next connection"
	}
	return wait, "the station restarts"
}

// freeSlot chooses the configuration slot for a new network profile: one that
// is allowed and not in use, else the last in use that is not active. allowed
// is the values list of NetworkConfigurationPriority; empty when the station
// told none. OCPP 2.0.1 B09.FR.05, B09.FR.06.
func freeSlot(priority, allowed, active string) (slot int, ok bool) {
	inUse := numbers(priority)
	choice := numbers(allowed)
	if len(choice) == 0 {
		choice = []int{1, 2} // every station has two
		if slices.Contains(inUse, 0) {
			choice = []int{0, 1} // some count from zero
		}
	}
	now := numbers(active)
	if len(now) == 0 && len(inUse) > 0 {
		now = inUse[:1]
	}
	for _, c := range choice {
		if !slices.Contains(inUse, c) && !slices.Contains(now, c) {
			return c, true
		}
	}
	for i := len(inUse) - 1; i >= 0; i-- {
		if !slices.Contains(now, inUse[i]) {
			return inUse[i], true
		}
	}
	return 0, false
}

func numbers(list string) []int {
	var out []int
	for _, m := range strings.Split(list, ",") {
		if n, err := strconv.Atoi(strings.TrimSpace(m)); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// first puts a slot before all others.
func first(slot int, priority string) string {
	out := []string{strconv.Itoa(slot)}
	for _, n := range numbers(priority) {
		if n != slot {
			out = append(out, strconv.Itoa(n))
		}
	}
	return strings.Join(out, ",")
}

// interfaceOf is the network interface for a new profile where nobody named
// one: any in 2.1, the modem of a station that has a SIM card, else the cable.
func interfaceOf(o UpgradeOptions, st station.Station) ocpp.OCPPInterfaceEnum {
	switch {
	case o.Interface != "":
		return ocpp.OCPPInterfaceEnum(o.Interface)
	case st.Protocol == string(ocpp.V21):
		return ocpp.OCPPInterfaceEnumAny
	case st.ICCID != "":
		return ocpp.OCPPInterfaceEnumWireless0
	}
	return ocpp.OCPPInterfaceEnumWired0
}
