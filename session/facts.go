package session

import (
	"time"

	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/tariff"
)

// Kinds of the facts this room records. The subject is the session's id.
const (
	KindStarted  = "session.started"  // payload Told
	KindUpdated  = "session.updated"  // payload Told; at most one in Config.Tell unless the state changed
	KindEnded    = "session.ended"    // payload Finished: settled, nothing more is waited for
	KindReopened = "session.reopened" // payload Told: something came after it was settled; another session.ended follows
)

// SignalPower is the live signal of a session's power; it may be lost.
const SignalPower = "session.power"

// Told is a session as facts and signals tell it.
type Told struct {
	ID              ID             `json:"id"`
	Station         string         `json:"station_id"`
	EVSE            int            `json:"evse_id"`
	Connector       int            `json:"connector_id,omitempty"`
	Site            string         `json:"site,omitempty"`
	Token           string         `json:"id_token,omitempty"`
	TokenType       string         `json:"id_token_type,omitempty"`
	Driver          string         `json:"driver,omitempty"`
	Transaction     string         `json:"transaction_id"`
	Protocol        string         `json:"protocol"`
	Status          Status         `json:"status"`
	Charging        string         `json:"charging_state,omitempty"`
	StartedAt       time.Time      `json:"started_at"`
	EnergyStartedAt *time.Time     `json:"energy_started_at,omitempty"`
	EnergyEndedAt   *time.Time     `json:"energy_ended_at,omitempty"`
	EndedAt         *time.Time     `json:"ended_at,omitempty"`
	UnpluggedAt     *time.Time     `json:"unplugged_at,omitempty"`
	StopReason      string         `json:"stop_reason,omitempty"`
	Energy          unit.Energy    `json:"energy_mwh"`
	Power           unit.Watts     `json:"power_w"`
	MaxPower        unit.Watts     `json:"max_power_w"`
	SoC             *int64         `json:"soc_mpct,omitempty"`
	Currency        money.Currency `json:"currency,omitempty"`
	Excl            money.Micro    `json:"cost_excl_micros"`
	Incl            money.Micro    `json:"cost_incl_micros"`
	Flags           []string       `json:"flags,omitempty"`
}

// Finished is a settled session with everything that billing needs. A session
// that was reopened is told again with a higher revision, which replaces the
// one before.
type Finished struct {
	Told
	Org         string           `json:"organisation"`
	Revision    int64            `json:"revision"`
	TokenRef    string           `json:"token_ref,omitempty"`
	MeterStart  unit.Energy      `json:"meter_start_mwh"`
	MeterStop   unit.Energy      `json:"meter_stop_mwh"`
	Tariff      tariff.VersionID `json:"tariff_version,omitempty"`
	Authorised  string           `json:"authorisation,omitempty"` // what the station was last told
	RemoteStart int64            `json:"remote_start_id,omitempty"`
	Usage       tariff.Usage     `json:"usage"`
	Inputs      tariff.Context   `json:"price_inputs,omitzero"` // of the price besides tariff and usage
	Quote       *Quote           `json:"quote,omitempty"`       // what was shown at the start
	SettledAt   time.Time        `json:"settled_at"`
}

// Tick is the payload of SignalPower.
type Tick struct {
	ID     ID          `json:"id"`
	EVSE   int         `json:"evse_id"`
	At     time.Time   `json:"at"`
	Power  unit.Watts  `json:"power_w"`
	Energy unit.Energy `json:"energy_mwh"`
	SoC    *int64      `json:"soc_mpct,omitempty"`
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (s State) soc() *int64 {
	if !s.HasSoC {
		return nil
	}
	v := int64(s.SoC)
	return &v
}

func (s *Session) told() Told {
	st := &s.State
	return Told{
		ID: s.ID, Station: s.Station, EVSE: st.EVSE, Connector: st.Conn, Site: s.Site, Token: st.Token.Value, TokenType: st.Token.Type,
		Driver: s.Driver, Transaction: s.Transaction, Protocol: s.Protocol, Status: s.Status, Charging: st.Charging.String(),
		StartedAt: st.StartedAt, EnergyStartedAt: optional(st.EnergyStartedAt), EnergyEndedAt: optional(st.EnergyEndedAt),
		EndedAt: optional(st.EndedAt), UnpluggedAt: optional(st.UnpluggedAt), StopReason: st.Reason,
		Energy: st.Energy, Power: st.Power, MaxPower: st.MaxPower, SoC: st.soc(),
		Currency: s.Currency, Excl: s.Excl, Incl: s.Incl, Flags: s.Flags().Names(),
	}
}

func (s *Session) finished(u tariff.Usage, f Finished) Finished {
	return Finished{Told: s.told(), Org: s.Org, Revision: s.Revision, TokenRef: s.TokenRef, MeterStart: s.State.MeterStart, MeterStop: s.State.MeterStop,
		Tariff: tariff.VersionID(s.Tariff), Authorised: s.Authorisation, RemoteStart: s.RemoteStart, Usage: u, SettledAt: s.SettledAt,
		Inputs: f.Inputs, Quote: f.Quote}
}
