package device

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

type monitorBody struct {
	ID       int       `json:"id" doc:"Of the station; it may change when it boots"`
	Kind     string    `json:"kind" doc:"HardWiredMonitor, PreconfiguredMonitor or CustomMonitor"`
	Template string    `json:"template,omitempty" doc:"The template that asked for it"`
	SeenAt   time.Time `json:"seen_at"`
	MonitorItem
}

var monitorSpec = db.ListSpec{
	Base: "SELECT " + monitorColumns + " FROM device_monitor WHERE", Default: "component,evse,connector,variable", Key: "monitor",
	Fields: []db.Field{
		{Name: "id", Column: "monitor", Kind: db.Int, Sort: true, Filter: true}, text("component", "component"), text("variable", "variable"), text("type", "type"), text("kind", "kind"), text("template", "template"),
		{Name: "evse", Column: "evse", Kind: db.Int, Sort: true, Filter: true}, {Name: "connector", Column: "connector", Kind: db.Int, Sort: true, Filter: true},
		{Name: "severity", Column: "severity", Kind: db.Int, Sort: true, Filter: true}, instant("seen_at", "seen_at"),
	},
}

type (
	monitorsInput struct {
		ID   string `path:"id"`
		Body struct {
			Monitors []struct {
				Replace *int `json:"replace,omitempty" minimum:"0" doc:"The id of the monitor that this one replaces"`
				MonitorItem
			} `json:"monitors" minItems:"1" maxItems:"200"`
		}
	}
	monitorResult struct {
		Component string `json:"component"`
		Variable  string `json:"variable"`
		Type      string `json:"type"`
		ID        *int   `json:"id,omitempty"`
		Status    string `json:"status" doc:"As the station answered: Accepted, UnknownComponent, UnknownVariable, UnsupportedMonitorType, Rejected or Duplicate"`
		Detail    string `json:"detail,omitempty"`
	}
	monitorsOutput struct {
		Body struct {
			Results []monitorResult `json:"results" nullable:"false"`
		}
	}
	clearInput struct {
		ID       string `path:"id"`
		Monitors []int  `query:"monitor" required:"true" minItems:"1" maxItems:"200"`
	}
	clearedBody struct {
		ID     int    `json:"id"`
		Status string `json:"status" doc:"As the station answered: Accepted, Rejected or NotFound"`
	}
	clearOutput struct {
		Body struct {
			Results []clearedBody `json:"results" nullable:"false"`
		}
	}
	monitoringInput struct {
		ID   string `path:"id"`
		Body struct {
			Base  string `json:"base,omitempty" enum:"All,FactoryDefault,HardWiredOnly" doc:"FactoryDefault and HardWiredOnly remove custom monitors; templates set theirs again"`
			Level *int   `json:"level,omitempty" minimum:"0" maximum:"9" doc:"Events up to this severity are sent"`
		}
	}
	requestBody struct {
		ID      int64     `json:"id"`
		Kind    string    `json:"kind"`
		Status  string    `json:"status" enum:"waiting,complete,empty,declined,stalled,shown"`
		Subject string    `json:"subject,omitempty"`
		AskedBy string    `json:"asked_by,omitempty" doc:"Empty when a command of somebody asked for it"`
		AskedAt time.Time `json:"asked_at"`
		LastAt  time.Time `json:"last_at"`
		Parts   int64     `json:"parts"`
	}
	requestOutput struct{ Body requestBody }
	reportInput   struct {
		ID   string `path:"id"`
		Body struct {
			Base       string   `json:"base,omitempty" enum:"FullInventory,ConfigurationInventory,SummaryInventory" doc:"A whole inventory; without criteria and variables"`
			Criteria   []string `json:"criteria,omitempty" maxItems:"4" enum:"Active,Available,Enabled,Problem" doc:"Components of which one of these is true"`
			Components []struct {
				Component string `json:"component"`
				EVSE      int    `json:"evse,omitempty" minimum:"0"`
				Variable  string `json:"variable,omitempty" doc:"Left out: all variables of the component"`
				Instance  string `json:"variable_instance,omitempty"`
			} `json:"components,omitempty" maxItems:"500"`
		}
	}
	requestsOutput struct {
		Body struct {
			Requests []requestBody `json:"requests" nullable:"false"`
		}
	}
)

func requestBodyOf(r Request) requestBody {
	return requestBody{ID: r.ID, Kind: r.Kind, Status: r.Status, Subject: r.Subject, AskedBy: r.AskedBy, AskedAt: r.AskedAt.UTC(), LastAt: r.LastAt.UTC(), Parts: r.Parts}
}

func requestAnswer(r Request, err error) (*requestOutput, error) {
	if err != nil {
		return nil, err
	}
	return &requestOutput{requestBodyOf(r)}, nil
}

var requestSpec = db.ListSpec{
	Base: "SELECT " + requestColumns + " FROM device_request WHERE", Default: "-asked_at", Key: "kind || request",
	Fields: []db.Field{
		{Name: "id", Column: "request", Kind: db.Int, Filter: true}, text("kind", "kind"), text("asked_by", "asked_by"), instant("asked_at", "asked_at"),
		{Name: "status", Column: "status", Kind: db.Enum, Sort: true, Filter: true, Allowed: []string{Waiting, Complete, Empty, Declined, Stalled, Shown}},
	},
}

func accepted(o web.Op) web.Op {
	o.Status = http.StatusAccepted
	return o
}

func (s *Service) monitorRoutes(a *web.API) {
	list(s, a, "/monitors", "List the monitors of a station", monitorSpec, scanMonitor, func(m Monitor) monitorBody {
		return monitorBody{ID: m.ID, Kind: m.Kind, Template: m.Template, SeenAt: m.SeenAt.UTC(), MonitorItem: m.MonitorItem}
	})
	list(s, a, "/events", "List the events of a station's monitoring", eventSpec, scanEvent, func(e Event) Event { return e })
	everywhere(s, a, "/device-events", "List the events of monitoring over all stations", eventSpec, scanEvent, func(e Event) Event { return e })
	list(s, a, "/requests", "List what a station was asked that it answers in parts", requestSpec, scanRequest, requestBodyOf)
	set := op(http.MethodPost, "/charging-stations/{id}/monitors", identity.DeviceWrite, "Set monitors at a station (OCPP 2.x)")
	set.Status = http.StatusOK
	web.Handle(a, set, s.postMonitors)
	web.Handle(a, op(http.MethodDelete, "/charging-stations/{id}/monitors", identity.DeviceWrite, "Clear monitors of a station"), s.deleteMonitors)
	web.Handle(a, op(http.MethodPut, "/charging-stations/{id}/monitoring", identity.DeviceWrite, "Set which monitors are active, and what is worth telling"), func(ctx context.Context, in *monitoringInput) (*deviceOutput, error) {
		if err := s.SetMonitoring(ctx, station.ID(in.ID), in.Body.Base, in.Body.Level); err != nil {
			return nil, err
		}
		return s.getDevice(ctx, &idInput{ID: in.ID})
	})
	web.Handle(a, accepted(op(http.MethodPost, "/charging-stations/{id}/monitors/refresh", identity.DeviceWrite, "Read the monitors of a station")), func(ctx context.Context, in *idInput) (*requestOutput, error) {
		return requestAnswer(s.askOf(ctx, station.ID(in.ID), Request{Kind: AskMonitoring, Everything: true}, func(n int) ocpp.Request { return &ocpp.GetMonitoringReportRequest{RequestID: n} }))
	})
	web.Handle(a, accepted(op(http.MethodPost, "/charging-stations/{id}/reports", identity.DeviceWrite, "Ask a station for an inventory, or for some of its variables")), s.postReport)
}

func (s *Service) postMonitors(ctx context.Context, in *monitorsInput) (*monitorsOutput, error) {
	var items []MonitorItem
	var ids []*int
	for _, m := range in.Body.Monitors {
		items, ids = append(items, m.MonitorItem), append(ids, m.Replace)
	}
	done, err := s.SetMonitors(ctx, station.ID(in.ID), items, ids)
	if err != nil {
		return nil, err
	}
	out := &monitorsOutput{}
	out.Body.Results = []monitorResult{}
	for _, r := range done {
		out.Body.Results = append(out.Body.Results, monitorResult{Component: r.Component, Variable: r.Variable, Type: r.Type, ID: r.ID, Status: r.Status, Detail: r.Detail})
	}
	return out, nil
}

func (s *Service) deleteMonitors(ctx context.Context, in *clearInput) (*clearOutput, error) {
	done, err := s.ClearMonitors(ctx, station.ID(in.ID), in.Monitors)
	if err != nil {
		return nil, err
	}
	out := &clearOutput{}
	out.Body.Results = []clearedBody{}
	for _, id := range in.Monitors {
		out.Body.Results = append(out.Body.Results, clearedBody{ID: id, Status: done[id]})
	}
	return out, nil
}

// postReport asks for an inventory, or for a part of the device model in as
// many messages as the station's limit makes necessary (OCPP 2.0.1
// B08.FR.06); each is a request of its own.
func (s *Service) postReport(ctx context.Context, in *reportInput) (*requestsOutput, error) {
	out := &requestsOutput{}
	out.Body.Requests = []requestBody{}
	one := func(r Request, message func(n int) ocpp.Request) error {
		r, err := s.askOf(ctx, station.ID(in.ID), r, message)
		if err == nil {
			out.Body.Requests = append(out.Body.Requests, requestBodyOf(r))
		}
		return err
	}
	if in.Body.Base != "" {
		return out, one(Request{Kind: AskReport, Subject: in.Body.Base}, func(n int) ocpp.Request {
			return &ocpp.GetBaseReportRequest{RequestID: n, ReportBase: ocpp.ReportBaseEnum(in.Body.Base)}
		})
	}
	var criteria []ocpp.ComponentCriterionEnum
	for _, c := range in.Body.Criteria {
		criteria = append(criteria, ocpp.ComponentCriterionEnum(c))
	}
	var wanted []ocpp.ComponentVariable
	for _, c := range in.Body.Components {
		v := ocpp.ComponentVariable{Component: ocpp.Component{Name: c.Component}}
		if c.EVSE > 0 {
			v.Component.EVSE = &ocpp.EVSE{ID: c.EVSE}
		}
		if c.Variable != "" {
			v.Variable = &ocpp.Variable{Name: c.Variable, Instance: c.Instance}
		}
		wanted = append(wanted, v)
	}
	var limit Limit
	if err := s.d.Stations.Visible(ctx, identity.DeviceWrite, station.ID(in.ID), func(tx *db.Tx, st station.Station) (err error) {
		limit, err = LimitOf(tx, string(st.ID), "GetReport")
		return err
	}); err != nil {
		return nil, err
	}
	for _, p := range limit.cut(sizes(wanted)) {
		part := slices.Clone(wanted[p.from:p.to])
		if err := one(Request{Kind: AskReport, Subject: strconv.Itoa(len(part)) + " components"}, func(n int) ocpp.Request {
			return &ocpp.GetReportRequest{RequestID: n, ComponentVariable: part, ComponentCriteria: criteria}
		}); err != nil {
			return nil, err
		}
	}
	return out, nil
}
