package session

import (
	"time"

	"github.com/forecourt-ev/forecourt/foundation/money"
)

// Session is a charging session as it is kept: the state that its events
// amount to, and what the platform adds.
type Session struct {
	ID                 ID
	Org, Site, Station string
	Incarnation        string // of the station: a replaced one counts anew
	Transaction        string // 2.x transactionId; 1.6 our number in decimal
	Protocol           string
	State              State

	TokenRef      string // access's token; empty: nobody's
	Driver        string
	Authorisation string // what the station was last told about the token
	Status        Status
	Marks         Flag // flags that do not follow from the events

	Tariff   string // the version locked at the start; empty: none
	TariffID string // OCPI id of that tariff
	TariffNo int    // number of that version
	Currency money.Currency
	Excl     money.Micro
	Incl     money.Micro
	PricedAt time.Time // zero: never

	RemoteStart  int64 // 0: none
	Limit        Limit
	LimitReached bool
	LimitAt      time.Time // when the limit was reached; zero: it was not

	HeardAt   time.Time // receipt of the latest message
	ToldAt    time.Time // latest session.updated
	SettleAt  time.Time // when to look whether it can be settled
	SettledAt time.Time // zero: not settled
	Revision  int64     // how often it was settled

	foldedAt time.Time // latest Fold; zero: never
	stale    bool      // events are stored that the state does not hold yet
	lag      lag       // how the row stands to this state
	startKey string
	Wire     int // the 1.6 connector, counted over the station; 0: 2.x or not known
	usedID   bool
	boot     int64
	version  int64
}

// Flags are all that apply.
func (s Session) Flags() Flag { return s.State.Flags | s.Marks }

// Sample is a stored meter value.
type Sample struct {
	Event
	Detail string // JSON: phases, other measurands, signed values; may be empty
}
