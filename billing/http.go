package billing

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/session"
	"github.com/forecourt-ev/forecourt/tariff"
)

type costBody struct {
	Currency money.Currency `json:"currency"`
	ExclVAT  string         `json:"excl_vat"`
	InclVAT  string         `json:"incl_vat"`
}

type cdrBody struct {
	ID           ID              `json:"id"`
	Number       int64           `json:"number" doc:"Counts without gaps within the organisation"`
	Kind         Kind            `json:"kind" enum:"cdr,credit"`
	Credits      ID              `json:"credits,omitempty" doc:"A credit: the CDR it takes back"`
	Organisation string          `json:"organisation"`
	SessionID    session.ID      `json:"session_id"`
	Site         string          `json:"site,omitempty"`
	StationID    string          `json:"station_id"`
	EVSE         int             `json:"evse_id,omitempty"`
	IDToken      string          `json:"id_token,omitempty"`
	StartedAt    time.Time       `json:"started_at"`
	EndedAt      time.Time       `json:"ended_at"`
	IssuedAt     time.Time       `json:"issued_at"`
	EnergyWh     int64           `json:"energy_wh"`
	Cost         costBody        `json:"cost"`
	Tariff       tariff.ID       `json:"tariff,omitempty" doc:"Absent: there was none"`
	Note         string          `json:"note,omitempty" doc:"What a reader of the amount must know"`
	OCPI         json.RawMessage `json:"ocpi" doc:"The OCPI 2.2.1 CDR"`
}

// cdrDetail adds how the amount came about.
type cdrDetail struct {
	cdrBody
	Explanation tariff.CostView `json:"explanation" doc:"Lines, periods and notes of the price, as in a tariff quote"`
}

func bodyOf(c CDR) cdrBody {
	return cdrBody{ID: c.ID, Number: c.Number, Kind: c.Kind, Credits: c.Credits, Organisation: string(c.Org), SessionID: c.Session,
		Site: c.Site, StationID: c.Station, EVSE: c.EVSE, IDToken: c.Token, StartedAt: c.StartedAt, EndedAt: c.EndedAt, IssuedAt: c.IssuedAt,
		EnergyWh: c.Energy.WattHours(), Cost: costBody{c.Excl.Currency, c.Excl.Decimal(), c.Incl.Decimal()},
		Tariff: c.Tariff, Note: c.Note, OCPI: c.OCPI}
}

type (
	cdrInput struct {
		tariff.Speaks
		ID string `path:"id" maxLength:"39"`
	}
	cdrOutput struct{ Body cdrDetail }
)

// Routes registers the room's routes.
func (s *Service) Routes(a *web.API) {
	op := func(path, summary string) web.Op {
		return web.Op{Method: http.MethodGet, Path: path, Room: "billing", Permission: identity.CDRRead, Summary: summary, Tags: []string{"cdrs"}}
	}
	list := op("/cdrs", "List charge detail records")
	list.Description = "Sealed when issued. A session that changes afterwards has its CDR taken back by one of kind credit and gets a new one."
	list.List = &cdrSpec
	web.Handle(a, list, func(ctx context.Context, in *struct{ web.ListInput }) (*web.ListOutput[cdrBody], error) {
		req, err := in.Request()
		if err != nil {
			return nil, err
		}
		all, next, err := s.List(ctx, req)
		if err != nil {
			return nil, err
		}
		items := make([]cdrBody, len(all))
		for i, c := range all {
			items[i] = bodyOf(c)
		}
		return web.NewList(items, next), nil
	})
	web.Handle(a, op("/cdrs/{id}", "Read a charge detail record"), func(ctx context.Context, in *cdrInput) (*cdrOutput, error) {
		c, err := s.Read(ctx, ID(in.ID))
		if err != nil {
			return nil, err
		}
		why, err := tariff.Unseal(c.Cost, in.Language())
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "cdr.stored", "the explanation of CDR %s cannot be read", c.ID)
		}
		return &cdrOutput{Body: cdrDetail{cdrBody: bodyOf(c), Explanation: why}}, nil
	})
	s.heldRoutes(a)
}
