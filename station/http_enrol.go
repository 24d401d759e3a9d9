package station

import (
	"context"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

type pageInput struct{ web.ListInput }

type windowInput struct {
	Body struct {
		Org      string     `json:"organisation,omitempty" doc:"Default: that of the site, else your own"`
		Site     string     `json:"site,omitempty"`
		Label    string     `json:"label,omitempty" maxLength:"100"`
		OpensAt  *time.Time `json:"opens_at,omitempty" doc:"Default: now"`
		ClosesAt time.Time  `json:"closes_at" doc:"At most 90 days later"`
		Max      int        `json:"max_stations" minimum:"1" maximum:"10000"`
		Token    bool       `json:"token,omitempty" doc:"Let in only stations that present the token, which is shown once"`
	}
}

type windowOutput struct{ Body windowBody }

func (s *Service) enrolRoutes(a *web.API) {
	const tag = "enrolment"
	web.Handle(a, listed(op(http.MethodGet, "/knocking-stations", identity.StationRead, "List unknown stations that tried to connect", tag), &knockSpec),
		func(ctx context.Context, in *pageInput) (*web.ListOutput[knockBody], error) {
			req, err := in.Request()
			if err != nil {
				return nil, err
			}
			list, next, err := s.Knocking(ctx, req)
			if err != nil {
				return nil, err
			}
			items := make([]knockBody, len(list))
			for i, k := range list {
				items[i] = knockBody{k.ID, k.FirstAt.UTC(), k.LastAt.UTC(), k.Count, k.RemoteAddr, k.UserAgent, k.Protocols, k.Reason, k.Detail}
			}
			return web.NewList(items, next), nil
		})
	web.Handle(a, creates(op(http.MethodPost, "/knocking-stations/{id}/adopt", identity.StationWrite, "Create the station that knocked", tag)),
		func(ctx context.Context, in *adoptInput) (*createdOutput, error) {
			b := in.Body
			st, password, err := s.Adopt(ctx, draft(in.ID, b.Org, b.Site, b.Name, b.Profile, b.Active, b.Password))
			return s.created(ctx, st, password, err)
		})
	web.Handle(a, listed(op(http.MethodGet, "/enrolment-windows", identity.StationRead, "List enrolment windows", tag), &windowSpec),
		func(ctx context.Context, in *pageInput) (*web.ListOutput[windowBody], error) {
			req, err := in.Request()
			if err != nil {
				return nil, err
			}
			list, next, err := s.Windows(ctx, req)
			if err != nil {
				return nil, err
			}
			items := make([]windowBody, len(list))
			for i, w := range list {
				items[i] = windowBodyOf(w, "", s.now())
			}
			return web.NewList(items, next), nil
		})
	open := creates(op(http.MethodPost, "/enrolment-windows", identity.StationWrite, "Let unknown stations enrol for a while", tag))
	open.Description = "Stations that nobody knows are created inactive and answered Pending while the window is open."
	web.Handle(a, open, func(ctx context.Context, in *windowInput) (*windowOutput, error) {
		b := in.Body
		w := Window{Org: b.Org, Site: b.Site, Label: b.Label, ClosesAt: b.ClosesAt, Max: b.Max}
		if b.OpensAt != nil {
			w.OpensAt = *b.OpensAt
		}
		w, token, err := s.OpenWindow(ctx, w, b.Token)
		if err != nil {
			return nil, err
		}
		return &windowOutput{Body: windowBodyOf(w, token, s.now())}, nil
	})
	web.Handle(a, op(http.MethodDelete, "/enrolment-windows/{id}", identity.StationWrite, "Close an enrolment window now", tag),
		func(ctx context.Context, in *idInput) (*struct{}, error) { return nil, s.CloseWindow(ctx, in.ID) })
}
