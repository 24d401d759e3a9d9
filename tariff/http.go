package tariff

import (
	"context"
	"net/http"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

type (
	tariffInput struct {
		Speaks
		ID      string `path:"id" maxLength:"36"`
		Version int    `query:"version" minimum:"1" doc:"Default: the newest"`
	}
	writeInput struct {
		Speaks
		Body tariffBody
	}
	changeInput struct {
		Speaks
		ID   string `path:"id" maxLength:"36"`
		Body tariffBody
	}
	versionsInput struct {
		web.ListInput
		Speaks
		ID string `path:"id" maxLength:"36"`
	}
	listInput struct {
		web.ListInput
		Speaks
	}
	idInput struct {
		ID string `path:"id" maxLength:"36"`
	}
	tariffOutput     struct{ Body tariffBody }
	assignmentOutput struct{ Body assignmentBody }
)

// Routes registers the room's routes.
func (s *Service) Routes(a *web.API) {
	op := func(method, path, permission, summary string) web.Op {
		o := web.Op{Method: method, Path: path, Room: "tariff", Permission: permission, Summary: summary, Tags: []string{"tariffs"}}
		if method == http.MethodPost {
			o.Status = http.StatusCreated
		}
		return o
	}
	s.tariffRoutes(a, op)
	s.assignmentRoutes(a, op)
	s.audienceRoutes(a, op)
	quote := op(http.MethodPost, "/tariffs/{id}/quote", identity.TariffRead, "Price a session that has not happened")
	quote.Status = http.StatusOK
	quote.Description = "The same engine that prices sessions: energy flows evenly for `minutes`, then the vehicle stays for `parking_minutes`."
	web.Handle(a, quote, s.quote)
	s.viewRoutes(a, op)
	s.previewRoutes(a, op)
}

// audienceRoutes are those about who pays what, where and when.
func (s *Service) audienceRoutes(a *web.API, op makeOp) {
	s.groupRoutes(a, op)
	s.memberRoutes(a, op)
	s.explainRoute(a, op)
	s.marketRoutes(a, op)
	s.seriesRoutes(a, op)
	s.backtestRoutes(a, op)
	s.wizardRoutes(a, op)
	s.bulkRoutes(a, op)
	s.listRoute(a, op)
}

type makeOp func(method, path, permission, summary string) web.Op

func (s *Service) tariffRoutes(a *web.API, op makeOp) {
	list := op(http.MethodGet, "/tariffs", identity.TariffRead, "List tariffs")
	list.List = &tariffSpec
	web.Handle(a, list, func(ctx context.Context, in *listInput) (*web.ListOutput[tariffBody], error) {
		req, err := in.Request()
		if err != nil {
			return nil, err
		}
		all, next, err := s.List(ctx, req)
		return tariffList(in.Language(), all, next, err)
	})
	create := op(http.MethodPost, "/tariffs", identity.TariffWrite, "Create a tariff")
	create.Description = "An OCPI 2.2.1 tariff (2.3.0's tax_included is understood). It prices nothing until it is assigned: see tariff-assignments."
	web.Handle(a, create, func(ctx context.Context, in *writeInput) (*tariffOutput, error) {
		o, err := in.Body.ocpi()
		if err != nil {
			return nil, err
		}
		if in.Body.ValidFrom != nil && in.Body.ValidFrom.After(s.d.DB.Now()) {
			return nil, fault.New(fault.Invalid, "tariff.valid_from", "A new tariff prices nothing yet.").With("body.valid_from", "is for later versions; give the tariff's assignment a valid_from", *in.Body.ValidFrom)
		}
		r, err := s.Create(ctx, identity.OrgID(in.Body.Organisation), o)
		return tariffAnswer(bodyOf(in.Language(), r, err))
	})
	web.Handle(a, op(http.MethodGet, "/tariffs/{id}", identity.TariffRead, "Read a tariff"), func(ctx context.Context, in *tariffInput) (*tariffOutput, error) {
		r, err := s.Read(ctx, ID(in.ID), in.Version)
		return tariffAnswer(bodyOf(in.Language(), r, err))
	})
	change := op(http.MethodPut, "/tariffs/{id}", identity.TariffWrite, "Write a new version of a tariff")
	change.Description = "Sessions that have started keep the version they started with. With `valid_from` the version holds from then on, and the present one until then; a later one without it does not undo what is planned."
	web.Handle(a, change, func(ctx context.Context, in *changeInput) (*tariffOutput, error) {
		o, err := in.Body.ocpi()
		if err != nil {
			return nil, err
		}
		r, err := s.Replace(ctx, ID(in.ID), o, instant(in.Body.ValidFrom))
		return tariffAnswer(bodyOf(in.Language(), r, err))
	})
	web.Handle(a, op(http.MethodDelete, "/tariffs/{id}", identity.TariffWrite, "Retire a tariff that is assigned nowhere"), func(ctx context.Context, in *idInput) (*struct{}, error) {
		return nil, s.Retire(ctx, ID(in.ID))
	})
	versions := op(http.MethodGet, "/tariffs/{id}/versions", identity.TariffRead, "List the versions of a tariff")
	versions.List = &versionSpec
	web.Handle(a, versions, func(ctx context.Context, in *versionsInput) (*web.ListOutput[tariffBody], error) {
		req, err := in.Request()
		if err != nil {
			return nil, err
		}
		all, next, err := s.Versions(ctx, ID(in.ID), req)
		return tariffList(in.Language(), all, next, err)
	})
}

func (s *Service) assignmentRoutes(a *web.API, op makeOp) {
	list := op(http.MethodGet, "/tariff-assignments", identity.TariffRead, "List where tariffs apply")
	list.List = &assignmentSpec
	web.Handle(a, list, func(ctx context.Context, in *struct{ web.ListInput }) (*web.ListOutput[assignmentBody], error) {
		req, err := in.Request()
		if err != nil {
			return nil, err
		}
		all, next, err := s.Assignments(ctx, req)
		if err != nil {
			return nil, err
		}
		items := make([]assignmentBody, len(all))
		for i, x := range all {
			items[i] = assignmentOf(x)
		}
		return web.NewList(items, next), nil
	})
	create := op(http.MethodPost, "/tariff-assignments", identity.TariffWrite, "Put a tariff in force at an organisation, a site, a station or an EVSE")
	create.Description = "The most specific assignment wins: EVSE, station, site, organisation, then the organisations above. An open-ended assignment of the same place ends when the new one begins."
	web.Handle(a, create, func(ctx context.Context, in *assignInput) (*assignmentOutput, error) {
		return assignmentAnswer(s.Assign(ctx, ID(in.Body.Tariff), in.assignment()))
	})
	web.Handle(a, op(http.MethodGet, "/tariff-assignments/{id}", identity.TariffRead, "Read where a tariff applies"), func(ctx context.Context, in *idInput) (*assignmentOutput, error) {
		return assignmentAnswer(s.ReadAssignment(ctx, in.ID))
	})
	web.Handle(a, op(http.MethodDelete, "/tariff-assignments/{id}", identity.TariffWrite, "End an assignment now"), func(ctx context.Context, in *idInput) (*struct{}, error) {
		return nil, s.Unassign(ctx, in.ID)
	})
}

func tariffAnswer(b tariffBody, err error) (*tariffOutput, error) {
	if err != nil {
		return nil, err
	}
	return &tariffOutput{Body: b}, nil
}

func tariffList(l Language, all []Record, next string, err error) (*web.ListOutput[tariffBody], error) {
	if err != nil {
		return nil, err
	}
	items := make([]tariffBody, len(all))
	for i, r := range all {
		if items[i], err = bodyOf(l, r, nil); err != nil {
			return nil, err
		}
	}
	return web.NewList(items, next), nil
}

func assignmentAnswer(a Assignment, err error) (*assignmentOutput, error) {
	if err != nil {
		return nil, err
	}
	return &assignmentOutput{Body: assignmentOf(a)}, nil
}
