package session

import (
	"cmp"
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// Kind says what an Event tells.
type Kind uint8

const (
	// Started: the station says that the transaction began.
	Started Kind = iota + 1
	// Updated: a token, a charging state or an EVSE became known.
	Updated
	// Reading: one meter value, whatever message carried it.
	ReadingTaken
	// Ended: the station says that the transaction is over.
	Ended
	// Connector: the status of the connector changed; the only source of
	// charging states in OCPP 1.6.
	Connector
	// Vacated: something other than the station's own word says that the
	// session is over: the connector is Available, a new transaction runs
	// on the same EVSE, or nothing was heard for very long. It never ends a
	// session for good: status is not queued offline and overtakes queued
	// stops.
	Vacated
)

// NoSeq is the sequence number of an event that carries none (all of OCPP
// 1.6, and what the platform itself observes).
const NoSeq int64 = -1

// Charging is what the connection between car and station is doing.
type Charging uint8

const (
	Unknown Charging = iota
	Connected
	Flowing
	SuspendedEV
	SuspendedEVSE
	Idle
)

var chargingNames = [...]string{"", "EVConnected", "Charging", "SuspendedEV", "SuspendedEVSE", "Idle"}

// String gives the name that OCPP 2.x uses for a charging state.
func (c Charging) String() string { return chargingNames[c] }

// ParseCharging reads a 2.x chargingState or a 1.6 connector status; any
// other text is Unknown.
func ParseCharging(s string) Charging {
	switch s {
	case "Preparing", "Finishing":
		return Connected
	}
	if i := slices.Index(chargingNames[:], s); i > 0 {
		return Charging(i)
	}
	return Unknown
}

// Location is where a quantity was measured. Energies of two locations are
// never mixed: they differ by the losses between them.
type Location uint8

const (
	Outlet Location = iota // the default of every OCPP version
	Inlet
	Body
	Cable
	Vehicle
	Upstream
)

// Measure is the set of quantities that a Reading holds.
type Measure uint16

const (
	HasRegister Measure = 1 << iota
	HasInterval
	HasPower
	HasSoC
	HasCurrent
	HasVoltage
	HasOffered
	HasCurrentSum
)

// Reading is one meter value in neutral units.
type Reading struct {
	Has      Measure
	Location Location          // of register and interval
	Clock    bool              // clock-aligned (Sample.Clock): never summed with periodic intervals
	Register unit.Energy       // Energy.Active.Import.Register
	Interval unit.Energy       // Energy.Active.Import.Interval
	Power    unit.Watts        // Power.Active.Import, the sum of the phases
	Current  unit.MilliAmps    // Current.Import, the highest phase
	Voltage  unit.MilliVolts   // mean of the phases
	SoC      unit.MilliPercent // state of charge
	Offered  unit.Watts        // Power.Offered
	Amperes  unit.MilliAmps    // Current.Import, the sum over the phases
}

// Token identifies who charges; Type is a 2.x idToken type.
type Token struct {
	Value string `json:"id_token"`
	Type  string `json:"type"`
}

// Event is one atom of what is known of a session. A message is cut into
// atoms by the dialect-neutral part of this package, so that it does not
// matter in how many messages a station sends the same things.
type Event struct {
	Kind     Kind
	Seq      int64     // NoSeq when the station gave none
	Station  time.Time // as the station stated it
	Received time.Time // when it reached us first
	Skew     time.Duration
	Digest   uint64 // of the content; makes the order total and a repetition visible

	Charging  Charging // Started, Updated, Connector
	Token     Token    // Started, Updated: who charges
	EVSE      int      // 0 unknown
	Connector int      // 0 unknown
	Trigger   string   // 2.x triggerReason
	Reason    string   // Ended: stoppedReason; Vacated: why
	Offline   bool
	Refused   bool // Started, Updated: the token was not accepted

	Reading Reading // ReadingTaken
	Anchor  Anchor  // ReadingTaken
}

// Anchor marks the readings that OCPP 1.6 puts into the start and the stop
// themselves.
type Anchor uint8

const (
	NoAnchor Anchor = iota
	MeterStart
	MeterStop
)

// The first day that a station's clock can show in earnest; OCPP 1.6 is of 2015.
var plausibleClock = time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)

// Tolerated distance of a station's time after its receipt.
const futureTolerance = time.Minute

// clockKnown reports whether the station's clock was set at all.
func (e Event) clockKnown() bool { return !e.Station.Before(plausibleClock) }

// Time is the instant that is used for everything: station time corrected by
// the measured skew; the receipt when the clock was never set or when the
// result would lie in the future of the receipt.
func (e Event) Time() time.Time {
	return instant(Correct(e.Station, e.Received, e.Skew))
}

// Correct applies the rule of Event.Time to any station time.
func Correct(station, received time.Time, skew time.Duration) time.Time {
	if station.Before(plausibleClock) {
		return received
	}
	if t := station.Add(skew); !t.After(received.Add(futureTolerance)) {
		return t
	}
	return received
}

// instant drops what the database does not keep, so that equal instants are
// equal values.
func instant(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMicro(t.UnixMicro()).UTC()
}

// Key is an event's place in the canonical order of its session: the start
// first, the end last whatever their times and numbers say; between them the
// station's sequence number, then corrected time. The digest breaks ties, so
// the order is total.
type Key struct {
	Rank   uint8  `json:"r,omitempty"`
	Seq    int64  `json:"s,omitempty"`
	At     int64  `json:"a,omitempty"`
	Class  uint8  `json:"c,omitempty"`
	Digest uint64 `json:"d,omitempty"`
}

func keyOf(e Event) Key {
	k := Key{Rank: 1, Seq: e.Seq, At: e.Time().UnixMicro(), Class: uint8(e.Kind), Digest: e.Digest}
	switch {
	case e.Kind == Started || e.Anchor == MeterStart:
		k.Rank = 0
	case e.Kind == Ended || e.Anchor == MeterStop:
		k.Rank = 2
	}
	return k
}

func (k Key) compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Rank, o.Rank), cmp.Compare(k.Seq, o.Seq), cmp.Compare(k.At, o.At),
		cmp.Compare(k.Class, o.Class), cmp.Compare(k.Digest, o.Digest))
}
