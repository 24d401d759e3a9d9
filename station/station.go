package station

import (
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// ID is the identity a station connects with: the last part of its OCPP URL.
// It is unique in the installation, compared without case, shown as created.
type ID string

const maxID = 48 // OCPP 2.0.1 part 4 §3.1.1

// ParseID checks a station identity: 1–48 of A-Z a-z 0-9 * _ = : + | @ . -
func ParseID(s string) (ID, error) {
	if s == "" || len(s) > maxID {
		return "", fault.New(fault.Invalid, "station.id", "a station id has 1 to %d characters, not %d", maxID, len(s)).With("body.id", "1 to 48 characters", s)
	}
	for i := 0; i < len(s); i++ {
		if !idChar(s[i]) {
			return "", fault.New(fault.Invalid, "station.id", "the character %q is not allowed in a station id; allowed are letters, digits and * _ = : + | @ . -", s[i]).With("body.id", "letters, digits and *_=:+|@.-", s)
		}
	}
	if s == "." || s == ".." { // would vanish from the URL path
		return "", fault.New(fault.Invalid, "station.id", "%q cannot be the id of a station, since it is the last part of its URL", s).With("body.id", "not a path step", s)
	}
	return ID(s), nil
}

func idChar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("*_=:+|@.-", c) >= 0
}

// Key is the form in which ids are compared and looked up.
func (id ID) Key() string { return strings.ToLower(string(id)) }

// Station is one charging station with what lists show of it.
type Station struct {
	ID           ID
	Org          string
	Site         string // empty: not at a site yet
	SiteName     string
	Name         string
	Life         Life
	Profile      int // the least OCPP security profile that may connect: 0 no password, 1 Basic, 2 TLS and Basic, 3 TLS and certificate
	Proven       int // the highest of 2 and 3 it connected with since people set Profile; it may not go below
	LinkProfile  int // of the last connection
	Vendor       string
	Model        string
	Serial       string
	Firmware     string
	ICCID, IMSI  string // of the modem
	Protocol     string // "1.6", "2.0.1", "2.1" of the last connection; empty before the first
	Incarnation  string // names the device behind the id: the last serial number it told
	Connected    bool   // a socket is open and not silent
	Epoch        int64  // of the last connection; the higher wins
	RemoteAddr   string
	ConnectedAt  *time.Time
	GoneAt       *time.Time // when the last connection was lost
	LastSeenAt   *time.Time // to somewhat more than half a heartbeat interval, at most 3.5 minutes
	BootedAt     *time.Time // last boot that was answered Accepted
	Heartbeat    time.Duration
	Announced    bool   // that it is offline stands in a fact
	Report       Report // of the station as a whole
	Operative    bool   // our wish for the whole station
	Status       State  // Summary over the ports
	StatusSince  time.Time
	InUse        bool
	Suspect      bool
	Skew         time.Duration // station clock minus ours, as last measured
	Quarantined  *time.Time    // two devices use this id
	CreatedAt    time.Time
	ActivatedAt  *time.Time
	RetiredAt    *time.Time
	HasPassword  bool
	Rotating     bool           // a new password was given out, the station still uses the old one
	SharedSecret bool           // it signs in with an enrolment token, which others may know
	Tolerate     ocpp.Tolerance // switched on by a person, over the table of quirks
	Refuse       ocpp.Tolerance // switched off
}

// EVSE is one port: an outlet, or several of which one works at a time, for
// one car.
type EVSE struct {
	EVSE       int
	Label      string // printed on the housing
	Operative  bool
	Report     Report
	ReportAt   time.Time // of the last change of Report
	Sibling    bool      // became Unavailable because another port is in use
	Use        Use
	Session    string
	Power      int64 // W, as last told by the session room
	Energised  bool  // energy flowed since the bay was last free
	Hold       Hold
	HoldRef    string // who holds: a reservation or an offer
	Failed     int    // starts in a row that brought no energy
	Status     Status
	Since      time.Time // of Status.State
	ChangedAt  time.Time // of the last entry in the history
	MaxPower   int64     // W; 0 unknown
	Edited     bool      // people described it: what the station says of itself no longer counts
	RemovedAt  *time.Time
	Connectors []Connector
}

// Connector is one outlet or cable of an EVSE.
type Connector struct {
	ID         int
	Type       string // OCPI 2.2.1 ConnectorType where known, else as the station writes it
	Format     string // SOCKET or CABLE; empty unknown
	PowerType  string // OCPI PowerType; empty unknown
	MaxPower   int64  // W; 0 unknown
	Report     Report
	ReportedAt time.Time
	Error      string // the station's error code; empty when there is none
	VendorCode string
	Info       string
}

// Deviation counts a tolerated quirk of a station.
type Deviation struct {
	Code, Action, Detail string
	Count                int64
	FirstAt, LastAt      time.Time
}

// online tells whether the station can be reached as far as we know.
func (s Station) online() bool { return s.Connected }
