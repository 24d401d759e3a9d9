package billing

import (
	"context"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/session"
)

type heldBody struct {
	ID           string     `json:"id"`
	Organisation string     `json:"organisation"`
	SessionID    session.ID `json:"session_id"`
	Site         string     `json:"site,omitempty"`
	StationID    string     `json:"station_id"`
	State        HeldState  `json:"state" enum:"held,released,replaced"`
	Cost         costBody   `json:"cost" doc:"As it would be billed"`
	Quoted       costBody   `json:"quoted" doc:"What the formula shown at the start gives"`
	Reasons      []string   `json:"reasons"`
	HeldAt       time.Time  `json:"held_at"`
	EndedAt      *time.Time `json:"ended_at,omitempty"`
	Actor        string     `json:"actor,omitempty"`
	Note         string     `json:"note,omitempty"`
}

func heldOf(h Held) heldBody {
	return heldBody{ID: h.ID, Organisation: string(h.Org), SessionID: h.Session, Site: h.Site, StationID: h.Station, State: h.State,
		Cost:    costBody{h.Excl.Currency, h.Excl.Decimal(), h.Incl.Decimal()},
		Quoted:  costBody{h.Excl.Currency, h.Quoted[0].Decimal(), h.Quoted[1].Decimal()},
		Reasons: h.Reasons, HeldAt: h.HeldAt, EndedAt: h.EndedAt, Actor: h.Actor, Note: h.Note}
}

type releaseInput struct {
	ID   string `path:"id" maxLength:"36"`
	Body struct {
		Note string `json:"note" minLength:"1" maxLength:"500" doc:"Why it may be billed"`
	}
}

type heldOutput struct{ Body heldBody }

func (s *Service) heldRoutes(a *web.API) {
	list := web.Op{Method: http.MethodGet, Path: "/held-cdrs", Room: "billing", Permission: identity.CDRRead, Tags: []string{"cdrs"},
		Summary: "List prices held back", List: &heldSpec,
		Description: "A final price that the formula shown at the session's start does not give is not billed until somebody releases it."}
	web.Handle(a, list, func(ctx context.Context, in *struct{ web.ListInput }) (*web.ListOutput[heldBody], error) {
		req, err := in.Request()
		if err != nil {
			return nil, err
		}
		all, next, err := s.ListHeld(ctx, req)
		if err != nil {
			return nil, err
		}
		items := make([]heldBody, len(all))
		for i, h := range all {
			items[i] = heldOf(h)
		}
		return web.NewList(items, next), nil
	})
	release := web.Op{Method: http.MethodPost, Path: "/held-cdrs/{id}/release", Room: "billing", Permission: identity.TariffWrite, Tags: []string{"cdrs"},
		Summary: "Bill a price that was held back"}
	web.Handle(a, release, func(ctx context.Context, in *releaseInput) (*heldOutput, error) {
		h, err := s.Release(ctx, in.ID, in.Body.Note)
		if err != nil {
			return nil, err
		}
		return &heldOutput{heldOf(h)}, nil
	})
}
