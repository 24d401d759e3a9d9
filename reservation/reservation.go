package reservation

import (
	"time"

	"github.com/forecourt-ev/forecourt/access"
)

// ID is a UUIDv7.
type ID string

// State of a reservation.
type State string

// Requested and Active are open, the others are ends.
const (
	Requested State = "requested" // the station was asked and has not answered
	Active    State = "active"
	Used      State = "used" // a session of its token, or of the token's group, began
	Cancelled State = "cancelled"
	Expired   State = "expired"
	Rejected  State = "rejected" // by the station; Reason says why
)

// States lists all.
func States() []State { return []State{Requested, Active, Used, Cancelled, Expired, Rejected} }

// Open reports whether it may still be used.
func (s State) Open() bool { return s == Requested || s == Active }

// Keeper is who keeps others away from the EVSE.
type Keeper string

// Keepers.
const (
	ByStation  Keeper = "station"
	ByPlatform Keeper = "platform" // the station has no reservations
)

// Reservation keeps an EVSE of a station for a token.
type Reservation struct {
	ID                 ID
	Org, Site, Station string
	Number             int    // the station's name for it: 1 to 2^31-1
	EVSE               int    // 0: any of the station
	ConnectorType      string // empty: any
	Token, TokenType   string
	Group              string // whose other tokens may use it too; empty: none
	State              State
	Reason             string
	KeptBy             Keeper
	AtStation          bool // the station may still hold it
	Actor              string
	Session            string // that used it
	CreatedAt          time.Time
	ExpiresAt          time.Time
	EndedAt            *time.Time
	UpdatedAt          time.Time
}

// Admits reports whether a token may charge under the reservation.
func (r Reservation) Admits(token, group string) bool {
	return access.Match(token) == access.Match(r.Token) || r.Group != "" && r.Group == group
}

// Covers reports whether it concerns an EVSE.
func (r Reservation) Covers(evse int) bool { return r.EVSE == 0 || evse == 0 || r.EVSE == evse }

// end closes the reservation; a second end changes nothing.
func (r *Reservation) end(s State, reason string, now time.Time) bool {
	if !r.State.Open() {
		return false
	}
	r.State, r.Reason, r.EndedAt = s, reason, &now
	return true
}

// Told is a reservation as facts tell it. The subject is its id.
type Told struct {
	Station   string    `json:"station_id"`
	EVSE      int       `json:"evse_id,omitempty"`
	Number    int       `json:"number"`
	Token     string    `json:"id_token"`
	TokenType string    `json:"id_token_type"`
	State     State     `json:"status"`
	Reason    string    `json:"reason,omitempty"`
	Session   string    `json:"session,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// kind names the fact of a state.
func (s State) kind() string { return "reservation." + string(s) }
