package billing

import (
	"time"

	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/session"
	"github.com/forecourt-ev/forecourt/tariff"
)

// ID is a CDR's id: a UUID, with "-C" behind it for a credit.
type ID string

// Kind of a CDR.
type Kind string

const (
	Plain  Kind = "cdr"
	Credit Kind = "credit" // takes another CDR back; its amounts are negative
)

// CDR is a sealed record as it is kept.
type CDR struct {
	ID        ID
	Org       identity.OrgID
	Site      string
	Station   string
	EVSE      int
	Session   session.ID
	Revision  int64
	Number    int64
	Kind      Kind
	Credits   ID // a credit: the CDR it takes back
	Token     string
	Driver    string
	Tariff    tariff.ID // empty: there was none
	Version   tariff.VersionID
	Excl      money.Amount
	Incl      money.Amount
	Energy    unit.Energy
	StartedAt time.Time
	EndedAt   time.Time
	IssuedAt  time.Time
	Note      string
	Digest    string
	OCPI      []byte // the OCPI object
	Cost      []byte // tariff.CostView
}

// KindIssued is the fact that a CDR was issued; its subject is the session.
const KindIssued = "cdr.issued"

// Issued is the payload of KindIssued.
type Issued struct {
	ID        ID               `json:"id"`
	Number    int64            `json:"number"`
	Kind      Kind             `json:"kind"`
	Credits   ID               `json:"credits,omitempty"`
	Session   session.ID       `json:"session_id"`
	Revision  int64            `json:"revision"`
	Token     string           `json:"id_token,omitempty"`
	Driver    string           `json:"driver,omitempty"`
	Tariff    tariff.ID        `json:"tariff,omitempty"`
	Version   tariff.VersionID `json:"tariff_version,omitempty"`
	Energy    unit.Energy      `json:"energy_mwh"`
	Excl      money.Amount     `json:"cost_excl"`
	Incl      money.Amount     `json:"cost_incl"`
	StartedAt time.Time        `json:"started_at"`
	EndedAt   time.Time        `json:"ended_at"`
	Note      string           `json:"note,omitempty"`
}

func (c CDR) issued() Issued {
	return Issued{ID: c.ID, Number: c.Number, Kind: c.Kind, Credits: c.Credits, Session: c.Session, Revision: c.Revision,
		Token: c.Token, Driver: c.Driver, Tariff: c.Tariff, Version: c.Version, Energy: c.Energy, Excl: c.Excl, Incl: c.Incl,
		StartedAt: c.StartedAt, EndedAt: c.EndedAt, Note: c.Note}
}
