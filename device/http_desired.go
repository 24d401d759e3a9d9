package device

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/station"
)

type wishBody struct {
	Station    string     `json:"station_id"`
	Path       string     `json:"path"`
	Component  string     `json:"component"`
	EVSE       int        `json:"evse,omitempty"`
	Variable   string     `json:"variable"`
	Rule       string     `json:"rule" doc:"A rule of the baseline, operator for what somebody set, template/<id>"`
	Value      string     `json:"value" doc:"As it is wanted"`
	Actual     string     `json:"actual" doc:"As the station last said"`
	Status     string     `json:"status" enum:"pending,met,reboot_required,rejected,unsupported,read_only,unverified,drifted"`
	Detail     string     `json:"detail,omitempty"`
	WishedBy   string     `json:"wished_by,omitempty"`
	DriftedAt  *time.Time `json:"drifted_at,omitempty" doc:"Since when it is not what it was"`
	TriedAt    time.Time  `json:"tried_at"`
	VerifiedAt *time.Time `json:"verified_at,omitempty"`
}

func wishBodyOf(d Desired) wishBody {
	return wishBody{
		Station: d.Station, Path: d.Path, Component: d.named.Component, EVSE: d.named.EVSE, Variable: d.named.Name, Rule: d.Rule, Value: d.Value, Actual: d.Actual, Status: d.Status,
		Detail: d.Detail, WishedBy: d.WishedBy, DriftedAt: utc(d.DriftedAt), TriedAt: d.TriedAt.UTC(), VerifiedAt: utc(d.VerifiedAt),
	}
}

var desiredSpec = db.ListSpec{
	Base: "SELECT " + desiredColumns + " FROM device_desired WHERE", Default: "station_id,path", Key: "station || ' ' || path",
	Fields: []db.Field{
		text("station_id", "station"), text("path", "path"), text("component", "component"), text("variable", "variable"), text("rule", "rule"), text("value", "value"), text("actual", "actual"),
		{Name: "status", Column: "status", Kind: db.Enum, Sort: true, Filter: true, Allowed: []string{Pending, Met, Reboot, Refused, Unsupported, FixedValue, Unverified, Drifted}},
		{Name: "drifted", Column: "(drifted_at IS NOT NULL)", Kind: db.Bool, Filter: true},
		{Name: "drifted_at", Column: "drifted_at", Kind: db.Instant, Sort: true, Filter: true, Nullable: true}, instant("tried_at", "tried_at"),
	},
}

type (
	patchInput struct {
		ID   string `path:"id"`
		Body struct {
			Variables []Item `json:"variables" minItems:"1" maxItems:"200"`
			Once      bool   `json:"once,omitempty" doc:"Set it now and do not keep it as a wish; a wish that differs will set it back"`
		}
	}
	writtenBody struct {
		Path      string `json:"path"`
		Status    string `json:"status" doc:"pending for a wish; once: as the station answered"`
		Detail    string `json:"detail,omitempty"`
		DesiredBy string `json:"desired_by,omitempty" doc:"once: the rule that keeps this variable and may set it back"`
	}
	patchOutput struct {
		Body struct {
			Results []writtenBody `json:"results" nullable:"false"`
		}
	}
	withdrawInput struct {
		ID   string `path:"id"`
		Path string `query:"path" required:"true" maxLength:"500"`
	}
	pauseInput struct {
		ID   string `path:"id"`
		Body struct {
			Paused bool `json:"paused"`
		}
	}
	draftInput struct {
		ID         string `path:"id"`
		Everything bool   `query:"everything" doc:"Also Target, MinSet and MaxSet"`
	}
	missingBody struct {
		Component string `json:"component"`
		Variable  string `json:"variable"`
		Instance  string `json:"instance,omitempty"`
		Key       string `json:"key,omitempty" doc:"In OCPP 1.6"`
		Meaning   string `json:"meaning"`
		DataType  string `json:"data_type,omitempty"`
		Unit      string `json:"unit,omitempty"`
	}
	missingOutput struct {
		Body struct {
			Protocol string        `json:"protocol"`
			Missing  []missingBody `json:"missing" nullable:"false"`
		}
	}
	overruledBody struct {
		Path  string `json:"path"`
		Rule  string `json:"rule"`
		Value string `json:"value"`
		By    string `json:"by" doc:"The rule that counts"`
	}
	appliedOutput struct {
		Body struct {
			Templates []templateBody  `json:"templates" nullable:"false" doc:"The strongest first"`
			Overruled []overruledBody `json:"overruled" nullable:"false" doc:"Wishes of templates that something stronger overrules"`
		}
	}
)

func (s *Service) desiredRoutes(a *web.API) {
	everywhere(s, a, "/desired-variables", "List what variables are to be, over all stations; drifted=true lists those that changed", desiredSpec, scanDesired, wishBodyOf)
	patch := op(http.MethodPatch, "/charging-stations/{id}/variables", identity.DeviceWrite, "Set variables, for good or once")
	patch.Description = "Values are checked against what the station says is possible. A wish is kept: it is set when the station is there, read back, and set again when it drifts."
	web.Handle(a, patch, func(ctx context.Context, in *patchInput) (*patchOutput, error) {
		done, err := s.Write(ctx, station.ID(in.ID), in.Body.Variables, in.Body.Once)
		if err != nil {
			return nil, err
		}
		out := &patchOutput{}
		out.Body.Results = []writtenBody{}
		for _, w := range done {
			out.Body.Results = append(out.Body.Results, writtenBody{Path: w.Path, Status: w.Status, Detail: w.Detail, DesiredBy: w.DesiredBy})
		}
		return out, nil
	})
	web.Handle(a, op(http.MethodDelete, "/charging-stations/{id}/desired", identity.DeviceWrite, "Withdraw what somebody set at a station"), func(ctx context.Context, in *withdrawInput) (*struct{}, error) {
		return nil, s.Withdraw(ctx, station.ID(in.ID), strings.ToLower(in.Path))
	})
	web.Handle(a, op(http.MethodPut, "/charging-stations/{id}/reconciliation", identity.DeviceWrite, "Pause or resume correcting a station"), func(ctx context.Context, in *pauseInput) (*deviceOutput, error) {
		if err := s.Pause(ctx, station.ID(in.ID), in.Body.Paused); err != nil {
			return nil, err
		}
		return s.getDevice(ctx, &idInput{ID: in.ID})
	})
	again := op(http.MethodPost, "/charging-stations/{id}/reconciliation", identity.DeviceWrite, "Compare a station now, and try again what it refused")
	again.Status = http.StatusAccepted
	web.Handle(a, again, func(ctx context.Context, in *idInput) (*deviceOutput, error) {
		if err := s.Reconcile(ctx, station.ID(in.ID)); err != nil {
			return nil, err
		}
		return s.getDevice(ctx, in)
	})
	web.Handle(a, op(http.MethodGet, "/charging-stations/{id}/template-draft", identity.DeviceRead, "Propose a template from what a station has"), func(ctx context.Context, in *draftInput) (*templateOutput, error) {
		return templateAnswer(s.TemplateOf(ctx, station.ID(in.ID), in.Everything))
	})
	web.Handle(a, op(http.MethodGet, "/charging-stations/{id}/templates", identity.DeviceRead, "List the templates that apply to a station, and where they contradict"), s.getTemplates)
	web.Handle(a, op(http.MethodGet, "/charging-stations/{id}/missing-variables", identity.DeviceRead, "List what a station should have by its standard, and has not"), s.getMissing)
}

// everywhere registers a list over all stations the caller may see.
func everywhere[T, B any](s *Service, a *web.API, path, summary string, spec db.ListSpec, scan func(db.Scanner) (T, error), body func(T) B) {
	o := op(http.MethodGet, path, identity.DeviceRead, summary)
	o.List = &spec
	web.Handle(a, o, func(ctx context.Context, in *struct{ web.ListInput }) (*web.ListOutput[B], error) {
		c, err := identity.Require(ctx, identity.DeviceRead)
		if err != nil {
			return nil, err
		}
		req, err := in.Request()
		if err != nil {
			return nil, err
		}
		var rows []T
		var next string
		err = s.d.DB.View(ctx, func(tx *db.Tx) error {
			rows, next, err = db.List(tx, spec, []db.Cond{c.Scope.Where("org")}, req, scan)
			return err
		})
		if err != nil {
			return nil, err
		}
		items := make([]B, len(rows))
		for i, r := range rows {
			items[i] = body(r)
		}
		return web.NewList(items, next), nil
	})
}

func (s *Service) getTemplates(ctx context.Context, in *idInput) (*appliedOutput, error) {
	out := &appliedOutput{}
	err := s.d.Stations.Visible(ctx, identity.DeviceRead, station.ID(in.ID), func(tx *db.Tx, st station.Station) error {
		templates, err := templatesFor(tx, st)
		if err != nil {
			return err
		}
		before, err := desiredOf(tx, string(st.ID))
		if err != nil {
			return err
		}
		here, err := s.expanded(tx, st, templates)
		if err != nil {
			return err
		}
		_, overruled := layer(nil, here, before)
		out.Body.Templates, out.Body.Overruled = []templateBody{}, []overruledBody{}
		for _, t := range templates {
			out.Body.Templates = append(out.Body.Templates, templateBodyOf(t))
		}
		for _, o := range overruled {
			out.Body.Overruled = append(out.Body.Overruled, overruledBody(o))
		}
		return nil
	})
	return out, err
}

func (s *Service) getMissing(ctx context.Context, in *idInput) (*missingOutput, error) {
	out := &missingOutput{}
	err := s.d.Stations.Visible(ctx, identity.DeviceRead, station.ID(in.ID), func(tx *db.Tx, st station.Station) error {
		have, err := db.Collect(tx, scanVariable, "SELECT "+variableColumns+" FROM device_variable WHERE station = $1", string(st.ID))
		if err != nil {
			return err
		}
		out.Body.Protocol, out.Body.Missing = st.Protocol, []missingBody{}
		for _, m := range Missing(st.Protocol, have) {
			b := missingBody{Component: m.Component, Variable: m.Name, Instance: m.Instance, Meaning: m.Meaning, DataType: string(m.Type), Unit: m.Unit}
			if st.Protocol == "1.6" {
				b.Key = m.Key
			}
			out.Body.Missing = append(out.Body.Missing, b)
		}
		return nil
	})
	return out, err
}
