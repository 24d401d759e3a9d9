package device

import (
	"context"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/file"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/station"
)

type bundleBody struct {
	ID         string     `json:"id"`
	Station    string     `json:"station"`
	From       time.Time  `json:"from"`
	To         time.Time  `json:"to"`
	State      string     `json:"state" enum:"queued,running,done,failed"`
	Progress   int64      `json:"progress" doc:"Percent"`
	Reason     string     `json:"reason,omitempty"`
	CreatedAt  time.Time  `json:"created_at"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
	Actor      string     `json:"actor"`
}

func bundleBodyOf(b Bundle) bundleBody {
	return bundleBody{ID: b.ID, Station: b.Station, From: b.From, To: b.To, State: b.State, Progress: b.Progress, Reason: b.Reason, CreatedAt: b.CreatedAt, FinishedAt: b.FinishedAt, Actor: b.Actor}
}

type bundleOutput struct{ Body bundleBody }

type bundleInput struct {
	Body struct {
		Station string     `json:"station" maxLength:"48"`
		From    *time.Time `json:"from,omitempty" doc:"Default: a week before to"`
		To      *time.Time `json:"to,omitempty" doc:"Default: now"`
		Frames  int64      `json:"frames,omitempty" minimum:"0" maximum:"100000" default:"5000" doc:"OCPP frames at most, the last ones"`
	}
}

type linkOutput struct {
	Body struct {
		URL       string    `json:"url" doc:"Good for one download, without signing in"`
		ExpiresAt time.Time `json:"expires_at"`
	}
}

var bundleSpec = db.ListSpec{
	Base: "SELECT " + bundleColumns + " FROM device_bundle WHERE", Default: "-created_at", Key: "id",
	Fields: []db.Field{text("station", "station"), text("state", "state"), instant("created_at", "created_at")},
}

func (s *Service) bundleRoutes(a *web.API) {
	post := op(http.MethodPost, "/diagnostics-bundles", identity.DiagnosticsRead, "Gather what is known of a station in a ZIP")
	post.Status = http.StatusAccepted
	post.Description = "It holds what the station is and did: variables, frames, statuses, sessions, logs."
	web.Handle(a, post, s.postBundle)
	ofOrgs(s, a, "/diagnostics-bundles", identity.DiagnosticsRead, "List diagnostics bundles", bundleSpec, scanBundle, bundleBodyOf)
	web.Handle(a, op(http.MethodGet, "/diagnostics-bundles/{id}", identity.DiagnosticsRead, "Read how far a diagnostics bundle is"), func(ctx context.Context, in *idInput) (*bundleOutput, error) {
		b, err := s.bundle(ctx, in.ID)
		return &bundleOutput{bundleBodyOf(b)}, err
	})
	web.Handle(a, made(op(http.MethodPost, "/diagnostics-bundles/{id}/links", identity.DiagnosticsRead, "Make a link for one download, to hand to a maker's support")), s.postBundleLink)
	get := op(http.MethodGet, "/diagnostics-bundles/{id}/content", identity.DiagnosticsRead, "Download a diagnostics bundle")
	get.Produces = "application/zip"
	a.Raw(get, s.raw(a, func(w http.ResponseWriter, r *http.Request) error {
		b, err := s.doneBundle(r.Context(), r.PathValue("id"))
		if err != nil {
			return err
		}
		return s.serveFile(w, r, b.File)
	}))
}

func (s *Service) bundle(ctx context.Context, bundle string) (b Bundle, err error) {
	caller, err := identity.Require(ctx, identity.DiagnosticsRead)
	if err != nil {
		return b, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error { b, err = bundleOf(tx, bundle, caller.Scope.Where("org")); return err })
	return b, err
}

func (s *Service) doneBundle(ctx context.Context, bundle string) (Bundle, error) {
	b, err := s.bundle(ctx, bundle)
	if err == nil && b.State != "done" {
		err = fault.New(fault.Conflict, "device.bundle_unfinished", "the bundle is %s, %d %%", b.State, b.Progress)
	}
	return b, err
}

func (s *Service) postBundle(ctx context.Context, in *bundleInput) (*bundleOutput, error) {
	caller, err := identity.Require(ctx, identity.DiagnosticsRead)
	if err != nil {
		return nil, err
	}
	now := s.d.DB.Now()
	b := Bundle{To: now, Frames: in.Body.Frames, State: "queued", Actor: caller.Actor()}
	if in.Body.To != nil && in.Body.To.Before(now) {
		b.To = in.Body.To.UTC()
	}
	b.From = b.To.AddDate(0, 0, -7)
	if in.Body.From != nil {
		b.From = in.Body.From.UTC()
	}
	if b.To.Before(b.From) {
		return nil, fault.New(fault.Invalid, "device.range", "to is before from").With("body.to", "not before from", b.To)
	}
	err = s.d.Stations.Visible(ctx, identity.DiagnosticsRead, station.ID(in.Body.Station), func(_ *db.Tx, st station.Station) error {
		b.Station, b.Org = string(st.ID), st.Org
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		b.ID, b.CreatedAt = id.New[string](tx.Now), tx.Now
		if err := saveBundle(tx, b); err != nil {
			return err
		}
		return job.Enqueue(tx, job.Job{Kind: jobBundle, Key: b.ID, Org: b.Org, Payload: bundleJob{b.ID}})
	})
	return &bundleOutput{bundleBodyOf(b)}, err
}

func (s *Service) postBundleLink(ctx context.Context, in *idInput) (*linkOutput, error) {
	b, err := s.doneBundle(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &linkOutput{}
	return out, s.d.DB.Update(ctx, func(tx *db.Tx) (err error) {
		out.Body.ExpiresAt = tx.Now.Add(7 * 24 * time.Hour)
		out.Body.URL, err = s.d.Files.Link(tx, file.Link{File: b.File, ExpiresAt: out.Body.ExpiresAt})
		return err
	})
}
