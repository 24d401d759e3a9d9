package station

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

type commandInput struct {
	ID     string `path:"id"`
	Prefer string `header:"Prefer" doc:"respond-async answers at once with the queued command"`
	Body   struct {
		Action  string          `json:"action" minLength:"1" maxLength:"50" doc:"An OCPP 2.1 action, whatever version the station speaks; names of 1.6 are accepted" example:"Reset"`
		Payload json.RawMessage `json:"payload,omitempty" doc:"In OCPP 2.1 terms; with raw, in the station's own version"`
		Raw     bool            `json:"raw,omitempty" doc:"Send action and payload as they are"`
		Force   bool            `json:"force,omitempty" doc:"Send a raw message although the schema of the station's version forbids it"`
		Reason  string          `json:"reason,omitempty" maxLength:"500" doc:"For the record"`
	}
}

type commandOutput struct {
	Status   int
	Location string `header:"Location"`
	Body     commandBody
}

type commandsInput struct {
	web.ListInput
	ID string `path:"id"`
}

type allCommandsInput struct{ web.ListInput }

func (s *Service) commandRoutes(a *web.API) {
	const tag = "commands"
	post := creates(op(http.MethodPost, "/charging-stations/{id}/commands", identity.StationCommand, "Send a command to a station", tag))
	post.Description = "Waits for the station's answer, as long as the action may take, and answers 201 with the finished command; " +
		"with Prefer: respond-async, 202 with the queued one. A station that is offline makes a failed command. " +
		"A raw message needs the permission device.write too, and must be what the schema of the station's version allows unless force is set. " +
		"What an action needs: GET /ocpp/actions/{action}. Actions: " + strings.Join(actions, ", ") + "."
	web.Handle(a, post, s.postCommand)
	s.actionRoutes(a)
	web.Handle(a, listed(op(http.MethodGet, "/charging-stations/{id}/commands", identity.StationRead, "List the commands of a station", tag), &commandSpec),
		func(ctx context.Context, in *commandsInput) (*web.ListOutput[commandBody], error) {
			return s.commandList(ctx, ID(in.ID), &in.ListInput)
		})
	web.Handle(a, listed(op(http.MethodGet, "/commands", identity.StationRead, "List the commands of all stations", tag), &commandSpec),
		func(ctx context.Context, in *allCommandsInput) (*web.ListOutput[commandBody], error) {
			return s.commandList(ctx, "", &in.ListInput)
		})
	web.Handle(a, op(http.MethodGet, "/commands/{id}", identity.StationRead, "Read a command", tag),
		func(ctx context.Context, in *idInput) (*commandOutput, error) {
			c, err := s.ReadCommand(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			return &commandOutput{Status: http.StatusOK, Body: commandBodyOf(c)}, nil
		})
}

func (s *Service) postCommand(ctx context.Context, in *commandInput) (*commandOutput, error) {
	async := strings.Contains(strings.ToLower(in.Prefer), "respond-async")
	c, err := s.Command(ctx, Ask{Station: ID(in.ID), Action: in.Body.Action, Payload: in.Body.Payload, Raw: in.Body.Raw, Force: in.Body.Force, Reason: in.Body.Reason}, !async)
	if err != nil {
		return nil, err
	}
	out := &commandOutput{Status: http.StatusCreated, Location: web.Prefix + "/commands/" + c.ID, Body: commandBodyOf(c)}
	if async {
		out.Status = http.StatusAccepted
	}
	return out, nil
}

func (s *Service) commandList(ctx context.Context, station ID, in *web.ListInput) (*web.ListOutput[commandBody], error) {
	req, err := in.Request()
	if err != nil {
		return nil, err
	}
	list, next, err := s.Commands(ctx, station, req)
	if err != nil {
		return nil, err
	}
	items := make([]commandBody, len(list))
	for i, c := range list {
		items[i] = commandBodyOf(c)
	}
	return web.NewList(items, next), nil
}
