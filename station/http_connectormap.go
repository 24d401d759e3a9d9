package station

import (
	"context"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
)

type placeBody struct {
	Wire      int `json:"connector_number" minimum:"1" maximum:"100" doc:"As OCPP 1.6 counts them over the whole station"`
	EVSE      int `json:"evse_id" minimum:"1" maximum:"100"`
	Connector int `json:"connector_id" minimum:"1" maximum:"100" doc:"Within its EVSE"`
}

type mapChangeBody struct {
	Since   time.Time   `json:"since"`
	Actor   string      `json:"actor"`
	Inherit bool        `json:"inherit,omitempty" doc:"Back to what the model says"`
	Places  []placeBody `json:"places" nullable:"false"`
}

type mapBody struct {
	Source  MapSource       `json:"source" enum:"default,model,station" doc:"Who decided; default: connector n is EVSE n"`
	Model   string          `json:"model_map_id,omitempty"`
	Since   *time.Time      `json:"since,omitempty"`
	Places  []placeBody     `json:"places" nullable:"false" doc:"Empty: connector n is EVSE n. A connector behind the last is an EVSE of its own"`
	History []mapChangeBody `json:"history" nullable:"false" doc:"The station's own maps, the latest first; the past stays at the ids it had"`
}

type mapOutput struct{ Body mapBody }

type mapInput struct {
	ID   string `path:"id"`
	Body struct {
		Inherit bool        `json:"inherit,omitempty" doc:"Take the station's own map away: its model's holds"`
		Places  []placeBody `json:"places,omitempty" maxItems:"100" doc:"Every connector from 1 on; several with one evse_id are one port of which one can charge"`
	}
}

type modelMapBody struct {
	ID        string      `json:"id"`
	Org       string      `json:"organisation"`
	Vendor    string      `json:"vendor"`
	Model     string      `json:"model"`
	Places    []placeBody `json:"places" nullable:"false"`
	Note      string      `json:"note,omitempty"`
	Actor     string      `json:"actor"`
	CreatedAt time.Time   `json:"created_at"`
}

type modelMapInput struct {
	Body struct {
		Org    string      `json:"organisation,omitempty" doc:"Default: your own"`
		Vendor string      `json:"vendor" minLength:"1" maxLength:"100" doc:"As the station says at its boot; * stands for any text" example:"*"`
		Model  string      `json:"model" minLength:"1" maxLength:"100" example:"Duo DC*"`
		Places []placeBody `json:"places" minItems:"1" maxItems:"100"`
		Note   string      `json:"note,omitempty" maxLength:"500" doc:"Where that is known from"`
	}
}

type modelMapOutput struct{ Body modelMapBody }

func (s *Service) connectorMapRoutes(a *web.API) {
	const tag = "charging-stations"
	web.Handle(a, op(http.MethodGet, "/charging-stations/{id}/connector-map", identity.StationRead, "Read which EVSE each 1.6 connector is", tag),
		func(ctx context.Context, in *idInput) (*mapOutput, error) {
			m, err := s.ConnectorMap(ctx, ID(in.ID))
			return &mapOutput{mapBodyOf(m)}, err
		})
	put := op(http.MethodPut, "/charging-stations/{id}/connector-map", identity.StationWrite, "Say which EVSE each 1.6 connector is", tag)
	put.Description = "Holds from now on: ports move, sessions and history stay at the ids they had. The station is asked to connect again."
	web.Handle(a, put, s.putConnectorMap)
	web.Handle(a, listed(op(http.MethodGet, "/connector-maps", identity.StationRead, "List the connector maps of models", tag), &modelMapSpec), s.listModelMaps)
	post := creates(op(http.MethodPost, "/connector-maps", identity.StationWrite, "Say which EVSE each 1.6 connector of a model is", tag))
	post.Description = "For stations without a map of their own, from their next connection on. The pattern that says most counts; the same pattern replaces."
	web.Handle(a, post, s.postModelMap)
	web.Handle(a, op(http.MethodDelete, "/connector-maps/{id}", identity.StationWrite, "Forget the connector map of a model", tag),
		func(ctx context.Context, in *idInput) (*struct{}, error) { return nil, s.RemoveModelMap(ctx, in.ID) })
}

func (s *Service) putConnectorMap(ctx context.Context, in *mapInput) (*mapOutput, error) {
	var places []ocpp.Place
	if !in.Body.Inherit {
		var err error
		if places, err = placesOf(in.Body.Places); err != nil {
			return nil, err
		}
	}
	m, err := s.SetConnectorMap(ctx, ID(in.ID), places)
	if err != nil {
		return nil, err
	}
	return &mapOutput{mapBodyOf(m)}, nil
}

func (s *Service) listModelMaps(ctx context.Context, in *allCommandsInput) (*web.ListOutput[modelMapBody], error) {
	req, err := in.Request()
	if err != nil {
		return nil, err
	}
	maps, next, err := s.ModelMaps(ctx, req)
	if err != nil {
		return nil, err
	}
	items := make([]modelMapBody, len(maps))
	for i, m := range maps {
		items[i] = modelMapBodyOf(m)
	}
	return web.NewList(items, next), nil
}

func (s *Service) postModelMap(ctx context.Context, in *modelMapInput) (*modelMapOutput, error) {
	places, err := placesOf(in.Body.Places)
	if err != nil {
		return nil, err
	}
	to, err := ocpp.NewConnectorMap(places)
	if err != nil {
		return nil, err
	}
	m, err := s.AddModelMap(ctx, ModelMap{Org: in.Body.Org, Vendor: in.Body.Vendor, Model: in.Body.Model, Map: to, Note: in.Body.Note})
	if err != nil {
		return nil, err
	}
	return &modelMapOutput{modelMapBodyOf(m)}, nil
}

// placesOf orders places by connector number; they must be 1, 2, 3 …
func placesOf(in []placeBody) ([]ocpp.Place, error) {
	out := make([]ocpp.Place, len(in))
	for _, p := range in {
		if p.Wire > len(in) || out[p.Wire-1] != (ocpp.Place{}) {
			return nil, wrongPlaces(len(in))
		}
		out[p.Wire-1] = ocpp.Place{EVSE: p.EVSE, Connector: p.Connector}
	}
	return out, nil
}

func placeBodies(m ocpp.ConnectorMap) []placeBody {
	out := []placeBody{}
	for i, p := range m.Places() {
		out = append(out, placeBody{Wire: i + 1, EVSE: p.EVSE, Connector: p.Connector})
	}
	return out
}

func mapBodyOf(m ConnectorMap) mapBody {
	b := mapBody{Source: m.Source, Model: m.Model, Since: m.Since, Places: placeBodies(m.Map), History: []mapChangeBody{}}
	for _, c := range m.History {
		b.History = append(b.History, mapChangeBody{Since: c.Since, Actor: c.Actor, Inherit: c.Inherit, Places: placeBodies(c.Map)})
	}
	return b
}

func modelMapBodyOf(m ModelMap) modelMapBody {
	return modelMapBody{ID: m.ID, Org: m.Org, Vendor: m.Vendor, Model: m.Model, Places: placeBodies(m.Map), Note: m.Note, Actor: m.Actor, CreatedAt: m.CreatedAt}
}
