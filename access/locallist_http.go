package access

import (
	"context"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

type listBody struct {
	Status   ListStatus `json:"status" enum:"unknown,synced,pending,failed,unsupported,off"`
	Version  int64      `json:"version" doc:"Of the list that the station has; 0: none"`
	Entries  int64      `json:"entries" doc:"Tokens on the station's list"`
	LeftOut  int64      `json:"left_out" doc:"Tokens that may charge there and do not fit"`
	Pending  bool       `json:"pending" doc:"Tokens have changed since"`
	Result   string     `json:"result,omitempty" doc:"Of the last attempt"`
	Failures int64      `json:"failures" doc:"In a row"`
	TriedAt  *time.Time `json:"tried_at,omitempty"`
	SyncedAt *time.Time `json:"synced_at,omitempty"`
}

type listOutput struct{ Body listBody }

type syncInput struct {
	ID   string `path:"id"`
	Body struct {
		Full bool `json:"full,omitempty" doc:"Send the whole list, even if the station seems to have it"`
	}
}

type clearOutput struct {
	Body struct {
		Status string `json:"status" enum:"Accepted,Rejected"`
		Reason string `json:"reason,omitempty"`
	}
}

func listBodyOf(l List) listBody {
	return listBody{Status: l.Status, Version: l.Version, Entries: l.Entries, LeftOut: l.LeftOut, Pending: l.Dirty, Result: l.Result,
		Failures: l.Failures, TriedAt: l.TriedAt, SyncedAt: l.SyncedAt}
}

func (s *Service) listRoutes(a *web.API) {
	web.Handle(a, op(http.MethodGet, "/charging-stations/{id}/local-list", identity.TokenRead, "A station's local authorisation list"),
		func(ctx context.Context, in *stationInput) (*listOutput, error) {
			l, err := s.LocalList(ctx, in.ID)
			return &listOutput{Body: listBodyOf(l)}, err
		})
	web.Handle(a, op(http.MethodPost, "/charging-stations/{id}/local-list/sync", identity.TokenWrite, "Bring a station's local list up to date"),
		func(ctx context.Context, in *syncInput) (*listOutput, error) {
			l, err := s.SyncList(ctx, in.ID, in.Body.Full)
			return &listOutput{Body: listBodyOf(l)}, err
		})
	web.Handle(a, op(http.MethodPost, "/charging-stations/{id}/clear-cache", identity.StationCommand, "Have a station forget its authorisation cache"),
		func(ctx context.Context, in *stationInput) (*clearOutput, error) {
			out := &clearOutput{}
			id, _, err := s.stationOf(ctx, identity.StationCommand, in.ID)
			if err != nil {
				return nil, err
			}
			r, err := s.clearCache(ctx, id)
			if err != nil {
				return nil, err
			}
			out.Body.Status = string(r.Status)
			if r.StatusInfo != nil {
				out.Body.Reason = r.StatusInfo.ReasonCode
			}
			return out, nil
		})
}

// stationOf gives the id, as it is kept, and the organisation of a station
// that the caller may see.
func (s *Service) stationOf(ctx context.Context, p identity.Permission, asked string) (id, org string, err error) {
	if _, err := identity.Require(ctx, p); err != nil {
		return "", "", err
	}
	if !s.lists() || s.d.StationOrg == nil {
		return "", "", fault.New(fault.Unsupported, "access.lists", "this installation sends no local lists")
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		if org, err = s.d.StationOrg(ctx, tx, asked); err != nil {
			return err
		}
		st, err := s.d.Stations.Get(tx, asked)
		id = string(st.ID)
		return err
	})
	return id, org, err
}

// LocalList gives what is known of a station's list.
func (s *Service) LocalList(ctx context.Context, id string) (l List, err error) {
	id, org, err := s.stationOf(ctx, identity.TokenRead, id)
	if err != nil {
		return l, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		l, err = listOf(tx, id)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return List{Station: id, Org: org, Status: ListUnknown}, nil
	}
	return l, err
}

// SyncList has a station's list brought up to date in the background.
func (s *Service) SyncList(ctx context.Context, id string, full bool) (l List, err error) {
	id, org, err := s.stationOf(ctx, identity.TokenWrite, id)
	if err != nil {
		return l, err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		if l, err = listOf(tx, id); err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		l.Station, l.Org, l.Status, l.Dirty, l.NextAt = id, org, ListPending, true, tx.Now.Add(listReview)
		if err := identity.Audit(ctx, tx, identity.Entry{Org: identity.OrgID(org), Action: "local_list.sync", Subject: id}); err != nil {
			return err
		}
		if err := putList(tx, l); err != nil {
			return err
		}
		return job.Enqueue(tx, job.Job{Kind: jobList, Key: id, Org: org, Payload: listWork{Station: id, Full: full}})
	})
	return l, err
}
