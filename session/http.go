package session

import (
	"context"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

var sessionSpec = db.ListSpec{
	Base:    "SELECT " + sessionColumns + " FROM session WHERE 1=1",
	Default: "-started_at",
	Key:     "id",
	Fields: []db.Field{
		{Name: "id", Column: "id", Kind: db.Text, Filter: true},
		{Name: "station_id", Column: "station", Kind: db.Text, Sort: true, Filter: true},
		{Name: "evse_id", Column: "evse", Kind: db.Int, Filter: true},
		{Name: "site", Column: "site", Kind: db.Text, Sort: true, Filter: true},
		{Name: "organisation", Column: "org", Kind: db.Text, Sort: true, Filter: true},
		{Name: "id_token", Column: "token", Kind: db.Text, Sort: true, Filter: true},
		{Name: "driver", Column: "driver", Kind: db.Text, Filter: true},
		{Name: "transaction_id", Column: "transaction_id", Kind: db.Text, Filter: true},
		{Name: "status", Column: "status", Kind: db.Enum, Allowed: Statuses, Sort: true, Filter: true},
		{Name: "charging_state", Column: "charging", Kind: db.Text, Filter: true},
		{Name: "started_at", Column: "started_at", Kind: db.Instant, Sort: true, Filter: true},
		{Name: "ended_at", Column: "ended_at", Kind: db.Instant, Nullable: true, Sort: true, Filter: true},
		{Name: "stop_reason", Column: "stop_reason", Kind: db.Text, Filter: true},
		{Name: "energy_wh", Column: "energy_mwh", Kind: db.Int, Scale: int64(unit.WattHour), Sort: true, Filter: true},
		{Name: "max_power_w", Column: "max_power_w", Kind: db.Int, Sort: true, Filter: true},
		{Name: "tariff", Column: "tariff_id", Kind: db.Text, Filter: true},
		{Name: "protocol", Column: "protocol", Kind: db.Text, Filter: true},
	},
}

type costBody struct {
	Currency money.Currency `json:"currency"`
	ExclVAT  string         `json:"excl_vat"`
	InclVAT  string         `json:"incl_vat"`
}

type sessionBody struct {
	ID              ID         `json:"id"`
	StationID       string     `json:"station_id"`
	EVSEID          int        `json:"evse_id"`
	ConnectorID     int        `json:"connector_id,omitempty"`
	Site            string     `json:"site,omitempty"`
	Organisation    string     `json:"organisation"`
	IdToken         string     `json:"id_token,omitempty"`
	IdTokenType     string     `json:"id_token_type,omitempty"`
	Driver          string     `json:"driver,omitempty"`
	Authorisation   string     `json:"authorisation,omitempty" doc:"What the station was last told about the token"`
	TransactionID   string     `json:"transaction_id"`
	Status          Status     `json:"status" enum:"active,suspended,ending,completed,invalid"`
	ChargingState   string     `json:"charging_state,omitempty" enum:"EVConnected,Charging,SuspendedEV,SuspendedEVSE,Idle"`
	StartedAt       time.Time  `json:"started_at"`
	EnergyStartedAt *time.Time `json:"energy_started_at,omitempty"`
	EnergyEndedAt   *time.Time `json:"energy_ended_at,omitempty"`
	EndedAt         *time.Time `json:"ended_at,omitempty"`
	UnpluggedAt     *time.Time `json:"unplugged_at,omitempty"`
	StopReason      string     `json:"stop_reason,omitempty"`
	EnergyWh        int64      `json:"energy_wh"`
	MeterStartWh    int64      `json:"meter_start_wh"`
	MeterStopWh     int64      `json:"meter_stop_wh"`
	PowerW          int64      `json:"power_w"`
	MaxPowerW       int64      `json:"max_power_w"`
	SoC             *int64     `json:"soc,omitempty" doc:"Per cent"`
	Cost            *costBody  `json:"cost,omitempty" doc:"So far, or final once completed; zero without a tariff"`
	Tariff          string     `json:"tariff,omitempty" doc:"The tariff whose version was locked at the start; absent: none, free of charge"`
	TariffVersion   int        `json:"tariff_version,omitempty"`
	RemoteStartID   int64      `json:"remote_start_id,omitempty"`
	Flags           []string   `json:"flags" nullable:"false"`
	Protocol        string     `json:"protocol"`
}

func bodyOf(r Session) sessionBody {
	st := &r.State
	b := sessionBody{
		ID: r.ID, StationID: r.Station, EVSEID: st.EVSE, ConnectorID: st.Conn, Site: r.Site, Organisation: r.Org,
		IdToken: st.Token.Value, IdTokenType: st.Token.Type, Driver: r.Driver, Authorisation: r.Authorisation, TransactionID: r.Transaction,
		Status: r.Status, ChargingState: r.chargingState(), StartedAt: st.StartedAt, EnergyStartedAt: optional(st.EnergyStartedAt),
		EnergyEndedAt: optional(st.EnergyEndedAt), EndedAt: optional(st.EndedAt), UnpluggedAt: optional(st.UnpluggedAt), StopReason: st.Reason,
		EnergyWh: st.Energy.WattHours(), MeterStartWh: st.MeterStart.WattHours(), MeterStopWh: st.MeterStop.WattHours(),
		PowerW: int64(st.Power), MaxPowerW: int64(st.MaxPower), Tariff: r.TariffID, TariffVersion: r.TariffNo, RemoteStartID: r.RemoteStart,
		Flags: r.Flags().Names(), Protocol: r.Protocol,
	}
	if st.HasSoC {
		soc := (int64(st.SoC) + 500) / 1000
		b.SoC = &soc
	}
	if r.Currency != "" {
		excl, incl := money.Amount{Micros: r.Excl, Currency: r.Currency}, money.Amount{Micros: r.Incl, Currency: r.Currency}
		b.Cost = &costBody{Currency: r.Currency, ExclVAT: excl.Decimal(), InclVAT: incl.Decimal()}
	}
	return b
}

var everything = db.Cond{Text: "1=1"}

func visible(tx *db.Tx, id ID, where db.Cond) (Session, error) {
	q, args := db.Build(`SELECT `+sessionColumns+` FROM session WHERE id = ?`, string(id)).And(where).SQL()
	r, err := scanSession(tx.QueryRow(q, args...))
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "session.unknown", "there is no session %q", id)
	}
	return r, err
}

type listInput struct{ web.ListInput }

type sessionInput struct {
	ID string `path:"id"`
}

type sessionOutput struct{ Body sessionBody }

type stopOutput struct {
	Body struct {
		Status string `json:"status" enum:"Accepted,Rejected" doc:"The station's answer; the session ends when its stop comes"`
		Reason string `json:"reason,omitempty"`
	}
}

func op(method, path, permission, summary string) web.Op {
	return web.Op{Method: method, Path: path, Room: "session", Permission: permission, Summary: summary, Tags: []string{"sessions"}}
}

// Routes registers the room's routes.
func (s *Service) Routes(a *web.API) {
	list := op(http.MethodGet, "/sessions", identity.SessionRead, "List sessions")
	list.List = &sessionSpec
	web.Handle(a, list, func(ctx context.Context, in *listInput) (*web.ListOutput[sessionBody], error) {
		req, err := in.Request()
		if err != nil {
			return nil, err
		}
		sessions, next, err := s.List(ctx, req)
		if err != nil {
			return nil, err
		}
		items := make([]sessionBody, len(sessions))
		for i, r := range sessions {
			items[i] = bodyOf(r)
		}
		return web.NewList(items, next), nil
	})
	web.Handle(a, op(http.MethodGet, "/sessions/{id}", identity.SessionRead, "Read a session"), func(ctx context.Context, in *sessionInput) (*sessionOutput, error) {
		r, err := s.Read(ctx, ID(in.ID))
		if err != nil {
			return nil, err
		}
		return &sessionOutput{Body: bodyOf(r)}, nil
	})
	web.Handle(a, op(http.MethodPost, "/sessions/{id}/stop", identity.SessionWrite, "Ask the station to end a session"), func(ctx context.Context, in *sessionInput) (*stopOutput, error) {
		resp, err := s.Stop(ctx, ID(in.ID))
		if err != nil {
			return nil, err
		}
		out := &stopOutput{}
		out.Body.Status = string(resp.Status)
		if resp.StatusInfo != nil {
			out.Body.Reason = resp.StatusInfo.ReasonCode
		}
		return out, nil
	})
	s.seriesRoutes(a)
	s.settlementRoutes(a)
}

// List pages through the sessions that the caller may see.
func (s *Service) List(ctx context.Context, req db.ListRequest) (sessions []Session, next string, err error) {
	c, err := identity.Require(ctx, identity.SessionRead)
	if err != nil {
		return nil, "", err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		sessions, next, err = db.List(tx, sessionSpec, []db.Cond{c.Scope.Where("org")}, req, scanSession)
		return err
	})
	return sessions, next, err
}

// Read finds a session that the caller may see.
func (s *Service) Read(ctx context.Context, id ID) (r Session, err error) {
	c, err := identity.Require(ctx, identity.SessionRead)
	if err != nil {
		return r, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		r, err = visible(tx, id, c.Scope.Where("org"))
		return err
	})
	return r, err
}

// chargingState is what the car is doing; of a session that is over, nothing.
func (r *Session) chargingState() string {
	if !r.State.EndedAt.IsZero() {
		return Idle.String()
	}
	return r.State.Charging.String()
}
