package access

import (
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// TokenID names an IdToken; session and others keep it.
type TokenID string

// Status is what people decided about a token.
type Status string

const (
	Active  Status = "active"
	Blocked Status = "blocked"
	Lost    Status = "lost" // refused like blocked
	// Expired is shown when the expiry has passed; it is never stored.
	Expired Status = "expired"
)

// Kinds of token: the idToken types of OCPP 2.x. NoAuthorization is what a
// station sends when anyone may charge; nobody owns such a token.
const (
	TypeNoAuthorization = "NoAuthorization"
	TypeCentral         = "Central"
	TypeISO14443        = "ISO14443"
)

// Types lists the types a stored token may have.
var Types = []string{TypeISO14443, "ISO15693", "eMAID", "KeyCode", TypeCentral, "MacAddress", "Local", "DirectPayment", "VIN", "EVCCID"}

// typeOf finds a type whatever its case; 2.0.1 and 2.1 spell some differently.
func typeOf(s string) (string, bool) {
	for _, t := range Types {
		if strings.EqualFold(t, s) {
			return t, true
		}
	}
	return "", false
}

// IdToken is something that identifies a driver at a station.
type IdToken struct {
	ID          TokenID
	Org         string
	Value       string // as given
	Type        string
	Status      Status
	Expiry      *time.Time
	Group       string // tokens of one group may stop each other's sessions
	Driver      string // account's driver
	MaxSessions *int   // at a time; nil: the installation's default
	CreatedAt   time.Time
	UpdatedAt   time.Time
	LastUsedAt  *time.Time
}

// Shown is the status with the expiry taken into account.
func (t IdToken) Shown(now time.Time) Status {
	if t.Status == Active && t.Expiry != nil && !now.Before(*t.Expiry) {
		return Expired
	}
	return t.Status
}

// same reports whether an edit that made t of o changed nothing.
func (t IdToken) same(o IdToken) bool {
	instant := func(t *time.Time) int64 {
		if t == nil {
			return 0
		}
		return t.UnixMicro()
	}
	most := func(n *int) int {
		if n == nil {
			return 0
		}
		return *n
	}
	return t.ID == o.ID && t.Type == o.Type && t.Status == o.Status && t.Group == o.Group && t.Driver == o.Driver &&
		instant(t.Expiry) == instant(o.Expiry) && most(t.MaxSessions) == most(o.MaxSessions)
}

// Match is what two readings of the same token have in common. Readers and
// stations differ in case, separators and blanks (identifierString is
// case-insensitive in every OCPP version).
func Match(value string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', ':', '-', '\t':
			return -1
		}
		return r
	}, strings.ToUpper(value))
}

// sameType reports whether a reading of type read can be the token. OCPP 1.6
// does not tell types. A station often cannot tell one kind of card from
// another, nor a card from a token that was sent to it.
func sameType(stored, read string) bool {
	return read == "" || strings.EqualFold(stored, read) || loose(stored) && loose(read)
}

func loose(t string) bool {
	switch strings.ToUpper(t) {
	case "ISO14443", "ISO15693", "CENTRAL", "LOCAL":
		return true
	}
	return false
}

// check finds what is wrong with a token before it is stored.
func (t *IdToken) check(now time.Time, at func(field string) string) error {
	bad := fault.New(fault.Invalid, "token.invalid", "the token cannot be stored")
	if n := len(Match(t.Value)); n == 0 || len(t.Value) > 255 {
		bad.With(at("id_token"), "must have 1 to 255 characters besides blanks and separators", t.Value)
	}
	if typ, ok := typeOf(t.Type); ok {
		t.Type = typ
	} else {
		bad.With(at("type"), "must be one of "+strings.Join(Types, ", "), t.Type)
	}
	switch t.Status {
	case Active, Blocked, Lost:
	case Expired:
		// Whoever says "expired" means: from now on at the latest.
		t.Status = Active
		if t.Expiry == nil || t.Expiry.After(now) {
			t.Expiry = &now
		}
	default:
		bad.With(at("status"), "must be one of active, blocked, expired, lost", string(t.Status))
	}
	if t.MaxSessions != nil && (*t.MaxSessions < 1 || *t.MaxSessions > 1000) {
		bad.With(at("max_sessions"), "must be between 1 and 1000", *t.MaxSessions)
	}
	if len(t.Group) > 255 {
		bad.With(at("group"), "must have at most 255 characters", len(t.Group))
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// Case is everything the decision depends on.
type Case struct {
	Type    string   // as read
	Token   *IdToken // nil: nobody's
	Open    bool     // strangers may charge here
	Granted bool     // the platform asked for this very start
	Offline bool     // it began while the station was offline: it was honoured there
	At      time.Time
	Busy    int // other sessions that use the token
	Max     int
	Kept    bool // the EVSE is reserved for somebody else
}

// Rule is the decision. OCPP 2.0.1 C01–C06, C16.
func Rule(c Case) ocpp.AuthorizationStatusEnum {
	if c.Type == TypeNoAuthorization {
		return ocpp.AuthorizationStatusEnumAccepted // C02.FR.02: the station decides
	}
	if c.Kept && !c.Offline && !c.Granted {
		return ocpp.AuthorizationStatusEnumNotAtThisTime
	}
	if c.Token == nil {
		if c.Open || c.Granted {
			return ocpp.AuthorizationStatusEnumAccepted
		}
		return ocpp.AuthorizationStatusEnumUnknown
	}
	switch c.Token.Shown(c.At) {
	case Blocked, Lost:
		return ocpp.AuthorizationStatusEnumBlocked
	case Expired:
		if c.Open {
			return ocpp.AuthorizationStatusEnumAccepted
		}
		return ocpp.AuthorizationStatusEnumExpired
	}
	if c.Busy >= c.Max && !c.Offline {
		return ocpp.AuthorizationStatusEnumConcurrentTx
	}
	return ocpp.AuthorizationStatusEnumAccepted
}
