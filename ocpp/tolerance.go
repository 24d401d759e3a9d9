package ocpp

import "strings"

// Tolerance is a set of things that the platform does differently for one
// station, because the station does something its own way. What is tolerated
// of everybody without a switch is no tolerance in this sense: see Deviation.
type Tolerance uint32

// The tolerances. The table of quirks (gateway/quirks.json) says to which
// stations they apply and why.
const (
	TolerateNoSubprotocol      Tolerance = 1 << iota // no websocket subprotocol offered: OCPP 1.6 is spoken
	TolerateNoConnectionHeader                       // the upgrade request lacks "Connection: Upgrade"
	TolerateBasicUser                                // the Basic user is not the identity; the password must be right
	ToleratePasswordSpace                            // blanks around the Basic password
	TolerateOldShape                                 // messages of 1.6 on a 2.x connection
	TolerateSlowReturn                               // absent for up to 15 minutes without being reported offline
	TolerateKiloWattHours                            // energy in kWh under the unit Wh
	PreferV16                                        // 1.6 is chosen when it is offered, whatever else is
	AskForBoot                                       // a station that never said who it is is asked to boot
	StackLevelZero                                   // charging profiles go out with stack level 0
	RateInWatts                                      // charging profiles go out in watts
	NoMaxProfile                                     // a refused ChargingStationMaxProfile is sent again as TxDefaultProfile
	VerifyProfile                                    // an accepted profile is checked with GetCompositeSchedule
	MeasurandsOneByOne                               // a refused list of measurands is built up entry by entry
	SafeMeasurands                                   // lists of measurands are cut to those that every meter has
)

var toleranceNames = [...]string{
	"no_subprotocol", "no_connection_header", "basic_user", "password_space", "old_shape", "slow_return", "kilowatt_hours", "prefer_16",
	"ask_for_boot", "stack_level_zero", "rate_in_watts", "no_max_profile", "verify_profile", "measurands_one_by_one", "safe_measurands",
}

// Has reports whether all of o are in t.
func (t Tolerance) Has(o Tolerance) bool { return t&o == o }

// Names lists the set as stable lower-case words.
func (t Tolerance) Names() []string {
	var out []string
	for i, n := range toleranceNames {
		if t&(1<<i) != 0 {
			out = append(out, n)
		}
	}
	return out
}

// String gives the names, separated by blanks.
func (t Tolerance) String() string { return strings.Join(t.Names(), " ") }

// ParseTolerance gives the tolerance of a name; false for an unknown one.
func ParseTolerance(name string) (Tolerance, bool) {
	for i, n := range toleranceNames {
		if n == name {
			return 1 << i, true
		}
	}
	return 0, false
}

// Tolerances lists all names.
func Tolerances() []string { return Tolerance(1<<len(toleranceNames) - 1).Names() }

// ParseToleranceSet reads names separated by blanks; unknown ones are of
// another release and left out.
func ParseToleranceSet(text string) Tolerance {
	var out Tolerance
	for name := range strings.FieldsSeq(text) {
		t, _ := ParseTolerance(name)
		out |= t
	}
	return out
}

// Make is what a station says it is.
type Make struct{ Vendor, Model, Firmware string }

// Known reports whether the station has said anything of itself.
func (m Make) Known() bool { return m.Vendor != "" || m.Model != "" }

// Quirk is a row of the table of quirks: what some station does, and what the
// platform does about it.
type Quirk struct {
	ID        string   // "Q01"; "G…" for whole classes
	Stations  string   // vendor, model and firmware, as people write them
	Versions  string   // "1.6", "1.6, 2.0.1"
	Category  string   // "handshake", "framing", "schema" …
	Behaviour string   // what the station does
	Response  string   // what we do
	Source    string   // where it is told
	Date      string   // when the row was entered, 2026-11-21
	Switch    string   // name of the Tolerance; empty: nothing to switch
	Applies   string   // "everybody", "model" (those that match) or "switch" (when a person says so)
	Shows     []string // codes of the deviations that it leaves on the station's page
}
