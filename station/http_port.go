package station

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

type portInput struct {
	ID   string `path:"id"`
	EVSE int    `path:"evse" minimum:"1"`
	Body struct {
		Label      *string          `json:"label,omitempty" maxLength:"50" doc:"As printed on the housing"`
		MaxPower   *int64           `json:"max_power_w,omitempty" minimum:"0"`
		Operative  *bool            `json:"operative,omitempty" doc:"false shows the port as out of service"`
		Connectors *[]connectorEdit `json:"connectors,omitempty" doc:"Replaces the list"`
	}
}

type connectorEdit struct {
	ID        int    `json:"id" minimum:"1" maximum:"1000"`
	Type      string `json:"type,omitempty" maxLength:"50" doc:"OCPI ConnectorType, such as IEC_62196_T2_COMBO"`
	Format    string `json:"format,omitempty" enum:"SOCKET,CABLE"`
	PowerType string `json:"power_type,omitempty" enum:"AC_1_PHASE,AC_2_PHASE,AC_2_PHASE_SPLIT,AC_3_PHASE,DC"`
	MaxPower  int64  `json:"max_power_w,omitempty" minimum:"0"`
}

type portOutput struct{ Body evseBody }

type portID struct {
	ID   string `path:"id"`
	EVSE int    `path:"evse" minimum:"1"`
}

type historyInput struct {
	web.ListInput
	ID string    `path:"id"`
	At time.Time `query:"at" doc:"The state of every port at this instant, instead of the list"`
}

type outagesInput struct {
	ID   string    `path:"id"`
	From time.Time `query:"from" doc:"Default: 30 days ago"`
	To   time.Time `query:"to" doc:"Default: now"`
}

type messagesInput struct {
	web.ListInput
	ID string `path:"id"`
}

func (s *Service) portRoutes(a *web.API) {
	const tag = "charging-stations"
	web.Handle(a, op(http.MethodGet, "/charging-stations/{id}/evses", identity.StationRead, "List the ports of a station", tag),
		func(ctx context.Context, in *idInput) (*web.ListOutput[evseBody], error) {
			v, err := s.Read(ctx, ID(in.ID))
			if err != nil {
				return nil, err
			}
			return web.NewList(evseBodies(v.EVSEs), ""), nil
		})
	web.Handle(a, op(http.MethodPatch, "/charging-stations/{id}/evses/{evse}", identity.StationWrite, "Describe a port; one the station has not told of is added", tag), s.patchPort)
	web.Handle(a, op(http.MethodDelete, "/charging-stations/{id}/evses/{evse}", identity.StationWrite, "Take a port out of the lists; it returns when the station tells of it", tag),
		func(ctx context.Context, in *portID) (*struct{}, error) {
			gone := true
			_, err := s.ChangePort(ctx, ID(in.ID), in.EVSE, PortEdit{Removed: &gone})
			return nil, err
		})
	history := listed(op(http.MethodGet, "/charging-stations/{id}/status-history", identity.StationRead, "What states the ports took, or had at an instant", tag), &historySpec)
	web.Handle(a, history, s.getHistory)
	web.Handle(a, op(http.MethodGet, "/charging-stations/{id}/outages", identity.StationRead, "When ports were unreachable or faulted", tag), s.getOutages)
	web.Handle(a, listed(op(http.MethodGet, "/charging-stations/{id}/messages", identity.StationMessage, "Read the OCPP frames of a station", tag), s.messageSpec()), s.getMessages)
}

func (s *Service) patchPort(ctx context.Context, in *portInput) (*portOutput, error) {
	e := PortEdit{Label: in.Body.Label, MaxPower: in.Body.MaxPower, Operative: in.Body.Operative}
	if in.Body.Connectors != nil {
		e.Connectors = []ConnectorSpec{}
		for _, c := range *in.Body.Connectors {
			e.Connectors = append(e.Connectors, ConnectorSpec{ID: c.ID, Type: c.Type, Format: c.Format, PowerType: c.PowerType, MaxPower: c.MaxPower})
		}
	}
	port, err := s.ChangePort(ctx, ID(in.ID), in.EVSE, e)
	if err != nil {
		return nil, err
	}
	return &portOutput{Body: evseBodyOf(port)}, nil
}

func (s *Service) getHistory(ctx context.Context, in *historyInput) (*web.ListOutput[changeBody], error) {
	if !in.At.IsZero() {
		changes, err := s.At(ctx, ID(in.ID), in.At)
		if err != nil {
			return nil, err
		}
		return web.NewList(changeBodies(changes), ""), nil
	}
	req, err := in.Request()
	if err != nil {
		return nil, err
	}
	changes, next, err := s.History(ctx, ID(in.ID), req)
	if err != nil {
		return nil, err
	}
	return web.NewList(changeBodies(changes), next), nil
}

func (s *Service) getOutages(ctx context.Context, in *outagesInput) (*web.ListOutput[outageBody], error) {
	now := s.now()
	if in.To.IsZero() || in.To.After(now) {
		in.To = now
	}
	if in.From.IsZero() {
		in.From = in.To.Add(-30 * 24 * time.Hour)
	}
	if !in.From.Before(in.To) {
		return nil, fault.New(fault.Invalid, "station.period", "from must lie before to and before now").With("query.from", "before to", in.From)
	}
	list, err := s.OutagesOf(ctx, ID(in.ID), in.From, in.To)
	if err != nil {
		return nil, err
	}
	return web.NewList(outageBodies(list, in.To), ""), nil
}

func (s *Service) getMessages(ctx context.Context, in *messagesInput) (*web.ListOutput[messageBody], error) {
	req, err := in.Request()
	if err != nil {
		return nil, err
	}
	list, next, err := s.ReadMessages(ctx, ID(in.ID), req)
	if err != nil {
		return nil, err
	}
	items := make([]messageBody, len(list))
	for i, m := range list {
		items[i] = messageBody{
			ID: strconv.FormatInt(m.ID, 10), Station: m.Station, At: m.At.UTC(), Direction: m.Direction, Type: m.Type, Action: m.Action,
			MessageID: m.MessageID, Payload: m.Payload, Connection: strconv.FormatInt(m.Connection, 10),
		}
	}
	return web.NewList(items, next), nil
}
