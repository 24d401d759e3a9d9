package session

import (
	"math/bits"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// ID names a session for as long as the installation lives.
type ID string

// Status is where a session is in its life.
type Status string

const (
	// Active: the transaction is open.
	Active Status = "active"
	// Suspended: open, and the car or the station has paused the charge.
	Suspended Status = "suspended"
	// Ending: over as far as we know, but something may still come: the
	// station's own stop, or messages that it has not delivered yet.
	Ending Status = "ending"
	// Completed: settled. Only a late message opens it again.
	Completed Status = "completed"
	// Invalid: settled without having been a charge: refused, no energy.
	Invalid Status = "invalid"
)

// Statuses lists all of them, as the API allows to filter by.
var Statuses = []string{string(Active), string(Suspended), string(Ending), string(Completed), string(Invalid)}

// Flag marks what a person who checks the session should know.
type Flag uint64

const (
	StartMissing       Flag = 1 << iota // no start was ever received
	StopMissing                         // the station never said that it ended
	EventsMissing                       // settled although sequence numbers are missing
	SeqConflict                         // two different messages with one sequence number
	StartConflict                       // two different starts
	StopConflict                        // two different stops
	ClockUnknown                        // station time before 2015: receipt time is used
	ClockCorrected                      // a measured skew was applied
	ClockJump                           // station time went back by more than a minute
	MeterDecrease                       // a reading below the one before, by rounding
	MeterReset                          // the register began anew
	MeterRollover                       // the register went round
	MeterDropout                        // the register fell and came back
	MeterJump                           // a step that no charger can deliver; not counted
	NoReadings                          // no energy reading at all
	EnergyEstimated                     // energy from power over time
	EnergyDoubtful                      // energy and power differ by orders of magnitude
	Offline                             // parts were recorded while the station was offline
	Refused                             // the start was not accepted
	UnknownTransaction                  // a stop of a transaction that was never announced
	StationSilent                       // nothing was heard for long while it was open
	Late                                // something came after it was settled
	StatusFlood                         // connector statuses without end; not all are shown
	NoEnergy                            // it says that it charges, and nothing flows
	VeryLong                            // longer than a car can need
	VeryLarge                           // more energy than a car can take
	OverRating                          // a mean power that the port cannot deliver
	Overlapping                         // another session counts the same energy
	StationReplaced                     // another device took the station's place while it ran
	ProtocolChanged                     // the station changed its OCPP version while it ran
	Continued                           // the charge went on in another session
	StopAsked                           // the platform asked the station to end it
)

var flagNames = [...]string{
	"start_missing", "stop_missing", "events_missing", "sequence_conflict", "start_conflict", "stop_conflict",
	"clock_unknown", "clock_corrected", "clock_jump", "meter_decrease", "meter_reset", "meter_rollover",
	"meter_dropout", "meter_jump", "no_readings", "energy_estimated", "energy_doubtful", "offline", "refused",
	"unknown_transaction", "station_silent", "late_events", "status_flood",
	"no_energy", "very_long", "very_large", "over_rating", "overlapping", "station_replaced", "protocol_changed", "continued", "stop_asked",
}

// Names lists the flags as the API shows them.
func (f Flag) Names() []string {
	out := make([]string, 0, bits.OnesCount64(uint64(f)))
	for i, n := range flagNames {
		if f&(1<<i) != 0 {
			out = append(out, n)
		}
	}
	return out
}

// Phase is how far the transaction itself is.
type Phase uint8

const (
	Empty   Phase = iota // nothing is known yet
	Open                 // it runs
	Vacant               // something says that it is over, but not the station's stop
	Stopped              // the station said that it ended
)

// State is all that a session's events amount to. Its size does not grow
// with their number. The zero State is the session of no events.
type State struct {
	Phase    Phase
	Flags    Flag
	Charging Charging
	Token    Token
	EVSE     int
	Conn     int

	StartedAt       time.Time // the transaction began: what that means is the station's TxStartPoint
	EnergyStartedAt time.Time // the first energy flowed
	EnergyEndedAt   time.Time // the last energy flowed
	EndedAt         time.Time // the transaction ended: its TxStopPoint
	UnpluggedAt     time.Time // the bay became free
	Reason          string    // stoppedReason; of a Vacant session why we think so

	Energy     unit.Energy
	MeterStart unit.Energy
	MeterStop  unit.Energy
	Power      unit.Watts // the latest
	MaxPower   unit.Watts
	SoC        unit.MilliPercent // the latest; valid when HasSoC
	HasSoC     bool
	Readings   int64

	Memory Memory
}

// Memory is what Next needs to go on and nobody else reads.
type Memory struct {
	Tail    Key    `json:"k"`            // of the latest event of the transaction itself
	TailAt  int64  `json:"ta,omitempty"` // the latest instant of those events
	EndAt   int64  `json:"ea,omitempty"` // the instant the station gave for the end
	Begun   bool   `json:"b,omitempty"`  // a start was received
	Seqs    int64  `json:"sn,omitempty"` // distinct sequence numbers, from
	First   int64  `json:"s0,omitempty"`
	Last    int64  `json:"s1,omitempty"`
	Told    int64  `json:"st,omitempty"` // sequence number + 1 of the latest message,
	ToldIs  uint64 `json:"sd,omitempty"` // and its digest
	Vacated int64  `json:"v,omitempty"`  // earliest sign of an end after TailAt,
	Sign    string `json:"vr,omitempty"` // and what it was
	Freed   int64  `json:"f,omitempty"`  // earliest Available after TailAt
	FreedL  int64  `json:"fl,omitempty"` // latest Available at all
	Allot   int64  `json:"al,omitempty"` // earliest word that the allotted time or energy is used up
	Passed  int64  `json:"pa,omitempty"` // from here on the charge is another session's
	Metered bool   `json:"me,omitempty"` // a register above zero was seen: there is a meter
	Counts  counts `json:"n,omitempty"`
	Meter   meter  `json:"m"`
	Tape    tape   `json:"t"`
}
