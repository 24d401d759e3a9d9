package station

import (
	"context"
	"net/http"

	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
)

type switchBody struct {
	Name   string   `json:"name" example:"kilowatt_hours"`
	On     bool     `json:"on"`
	Forced *bool    `json:"forced,omitempty" doc:"What a person has switched; absent: as the table of quirks says"`
	Rows   []string `json:"quirks" nullable:"false" doc:"Rows of the table that this is for"`
}

type quirkBody struct {
	ID        string   `json:"id"`
	Stations  string   `json:"stations"`
	Versions  string   `json:"versions"`
	Category  string   `json:"category"`
	Behaviour string   `json:"behaviour"`
	Response  string   `json:"response" doc:"What the platform does about it"`
	Source    string   `json:"source"`
	Date      string   `json:"date"`
	Switch    string   `json:"switch,omitempty"`
	Applies   string   `json:"applies" enum:"everybody,model,switch"`
	Shows     []string `json:"deviations" nullable:"false" doc:"Codes it leaves on the station's page"`
}

type quirksOutput struct {
	Body struct {
		Station    ID              `json:"station_id"`
		Switches   []switchBody    `json:"switches" nullable:"false"`
		Known      []quirkBody     `json:"known" nullable:"false" doc:"Rows about this vendor, model and firmware"`
		Deviations []deviationBody `json:"deviations" nullable:"false" doc:"What the station did, with counts"`
	}
}

type switchInput struct {
	ID   string `path:"id"`
	Name string `path:"switch"`
	Body struct {
		On *bool `json:"on" nullable:"true" doc:"null: as the table of quirks says"`
	}
}

func (s *Service) quirkRoutes(a *web.API) {
	const tag = "charging-stations"
	web.Handle(a, op(http.MethodGet, "/charging-stations/{id}/quirks", identity.StationRead, "Read what is tolerated of a station, and what it did", tag),
		func(ctx context.Context, in *idInput) (*quirksOutput, error) { return s.quirksOutput(ctx, in.ID, nil) })
	put := op(http.MethodPut, "/charging-stations/{id}/quirks/{switch}", identity.StationWrite, "Switch a tolerance on or off for a station", tag)
	put.Description = "In force from the station's next boot or connection on."
	web.Handle(a, put, func(ctx context.Context, in *switchInput) (*quirksOutput, error) {
		return s.quirksOutput(ctx, in.ID, s.Tolerate(ctx, ID(in.ID), in.Name, in.Body.On))
	})
}

func (s *Service) quirksOutput(ctx context.Context, id string, err error) (*quirksOutput, error) {
	if err != nil {
		return nil, err
	}
	q, err := s.Quirks(ctx, ID(id))
	if err != nil {
		return nil, err
	}
	out := &quirksOutput{}
	b := &out.Body
	b.Station, b.Switches, b.Known, b.Deviations = q.Station.ID, []switchBody{}, []quirkBody{}, deviationBodies(q.Seen)
	for _, w := range q.Switches {
		b.Switches = append(b.Switches, switchBody{w.Name, w.On, w.Forced, w.ids()})
	}
	for _, k := range q.Known {
		b.Known = append(b.Known, quirkBodyOf(k))
	}
	return out, nil
}

func quirkBodyOf(q ocpp.Quirk) quirkBody {
	shows := q.Shows
	if shows == nil {
		shows = []string{}
	}
	return quirkBody{q.ID, q.Stations, q.Versions, q.Category, q.Behaviour, q.Response, q.Source, q.Date, q.Switch, q.Applies, shows}
}

func deviationBodies(all []Deviation) []deviationBody {
	out := make([]deviationBody, 0, len(all))
	for _, d := range all {
		out = append(out, deviationBody{Code: d.Code, Action: d.Action, Detail: d.Detail, Count: d.Count, FirstAt: d.FirstAt.UTC(), LastAt: d.LastAt.UTC()})
	}
	return out
}
