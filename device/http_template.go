package device

import (
	"context"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

type templateBody struct {
	ID           string        `json:"id,omitempty" readOnly:"true"`
	Organisation string        `json:"organisation,omitempty" doc:"It applies there and below; fixed once created. Default: yours"`
	Site         string        `json:"site,omitempty" maxLength:"36" doc:"It applies at this site only"`
	Name         string        `json:"name" minLength:"1" maxLength:"200"`
	Notes        string        `json:"notes,omitempty" maxLength:"2000"`
	Vendor       string        `json:"vendor,omitempty" maxLength:"100" doc:"Pattern with * and ?, without case; empty: any"`
	Model        string        `json:"model,omitempty" maxLength:"100" doc:"Pattern with * and ?, without case; empty: any"`
	Firmware     string        `json:"firmware,omitempty" maxLength:"100" doc:"Pattern with * and ?, without case; empty: any"`
	Versions     []string      `json:"versions,omitempty" maxItems:"3" doc:"1.6, 2.0.1, 2.1; empty: any"`
	Priority     int           `json:"priority,omitempty" minimum:"-1000" maximum:"1000" doc:"The higher wins; between equals the more specific: site, firmware, model, vendor, version, organisation"`
	Enabled      bool          `json:"enabled"`
	Variables    []Item        `json:"variables,omitempty" maxItems:"500"`
	Monitors     []MonitorItem `json:"monitors,omitempty" maxItems:"200"`
	CreatedAt    *time.Time    `json:"created_at,omitempty" readOnly:"true"`
	CreatedBy    string        `json:"created_by,omitempty" readOnly:"true"`
	ChangedAt    *time.Time    `json:"changed_at,omitempty" readOnly:"true"`
	ChangedBy    string        `json:"changed_by,omitempty" readOnly:"true"`
}

func templateBodyOf(t Template) templateBody {
	b := templateBody{
		ID: t.ID, Organisation: t.Org, Site: t.Site, Name: t.Name, Notes: t.Notes, Vendor: t.Vendor, Model: t.Model, Firmware: t.Firmware, Versions: t.Versions,
		Priority: t.Priority, Enabled: t.Enabled, Variables: t.Variables, Monitors: t.Monitors, CreatedBy: t.CreatedBy, ChangedBy: t.ChangedBy,
	}
	if !t.CreatedAt.IsZero() {
		created, changed := t.CreatedAt.UTC(), t.ChangedAt.UTC()
		b.CreatedAt, b.ChangedAt = &created, &changed
	}
	return b
}

func (b templateBody) template(id string) Template {
	return Template{
		ID: id, Org: b.Organisation, Site: b.Site, Name: b.Name, Notes: b.Notes, Vendor: b.Vendor, Model: b.Model, Firmware: b.Firmware, Versions: b.Versions,
		Priority: b.Priority, Enabled: b.Enabled, Variables: b.Variables, Monitors: b.Monitors,
	}
}

type (
	templateIDInput struct {
		ID string `path:"id" maxLength:"36"`
	}
	templateWriteInput struct{ Body templateBody }
	templatePutInput   struct {
		ID   string `path:"id" maxLength:"36"`
		Body templateBody
	}
	templateOutput struct{ Body templateBody }
	previewInput   struct {
		ID   string `query:"id" maxLength:"36" doc:"The stored template that this one would replace"`
		Body templateBody
	}
	plannedBody struct {
		Station string `json:"station_id"`
		Path    string `json:"path"`
		Actual  string `json:"actual" doc:"As last told; secrets are masked"`
		Wanted  string `json:"wanted"`
		What    string `json:"what" enum:"change,unknown_variable,overruled,impossible"`
		By      string `json:"by,omitempty" doc:"overruled: the rule that counts"`
		Problem string `json:"problem,omitempty" doc:"impossible: what is allowed"`
	}
	previewOutput struct {
		Body struct {
			Stations int           `json:"stations" doc:"It applies to"`
			Changing int           `json:"changing" doc:"Of them with something to do"`
			Same     int           `json:"same" doc:"Of them as they are"`
			More     bool          `json:"more" doc:"There is more than is listed"`
			Changes  []plannedBody `json:"changes" nullable:"false"`
		}
	}
	progressOutput struct {
		Body struct {
			Stations  int            `json:"stations"`
			Applied   int            `json:"applied"`
			Partial   int            `json:"partial" doc:"Stations that lack some variables, and have the others"`
			Pending   int            `json:"pending" doc:"Not compared since the template changed"`
			Offline   int            `json:"offline" doc:"Of the pending ones"`
			Failed    int            `json:"failed"`
			Drifted   int            `json:"drifted"`
			Paused    int            `json:"paused"`
			Variables map[string]int `json:"variables" nullable:"false" doc:"Counts by status of the desired variables"`
			At        time.Time      `json:"at"`
		}
	}
)

var templateSpec = db.ListSpec{
	Base: "SELECT " + templateColumns + " FROM device_template WHERE", Default: "name", Key: "id",
	Fields: []db.Field{
		text("id", "id"), text("organisation", "org"), text("site", "site"), text("name", "name"), text("vendor", "vendor"), text("model", "model"), text("firmware", "firmware"),
		{Name: "priority", Column: "priority", Kind: db.Int, Sort: true, Filter: true}, {Name: "enabled", Column: "enabled", Kind: db.Bool, Filter: true}, instant("changed_at", "changed_at"),
	},
}

func (s *Service) templateRoutes(a *web.API) {
	everywhere(s, a, "/device-templates", "List the configuration templates", templateSpec, scanTemplate, templateBodyOf)
	create := op(http.MethodPost, "/device-templates", identity.DeviceWrite, "Create a configuration template")
	create.Status = http.StatusCreated
	create.Description = "Every station of the kind gets these variables and monitors, and is compared with them at least every hour. What somebody set at a single station counts more."
	web.Handle(a, create, func(ctx context.Context, in *templateWriteInput) (*templateOutput, error) {
		return templateAnswer(s.SaveTemplate(ctx, in.Body.template("")))
	})
	preview := op(http.MethodPost, "/device-templates/preview", identity.DeviceRead, "See what a template would change, and where")
	preview.Status = http.StatusOK
	preview.Description = "From what the stations last told; nothing is stored and nothing is sent."
	web.Handle(a, preview, s.postPreview)
	web.Handle(a, op(http.MethodGet, "/device-templates/{id}", identity.DeviceRead, "Read a configuration template"), func(ctx context.Context, in *templateIDInput) (*templateOutput, error) {
		return templateAnswer(s.ReadTemplate(ctx, in.ID))
	})
	web.Handle(a, op(http.MethodPut, "/device-templates/{id}", identity.DeviceWrite, "Change a configuration template"), func(ctx context.Context, in *templatePutInput) (*templateOutput, error) {
		return templateAnswer(s.SaveTemplate(ctx, in.Body.template(in.ID)))
	})
	web.Handle(a, op(http.MethodDelete, "/device-templates/{id}", identity.DeviceWrite, "Delete a configuration template; stations keep their values"), func(ctx context.Context, in *templateIDInput) (*struct{}, error) {
		return nil, s.DeleteTemplate(ctx, in.ID)
	})
	web.Handle(a, op(http.MethodGet, "/device-templates/{id}/progress", identity.DeviceRead, "See how far a template got"), s.getProgress)
	again := op(http.MethodPost, "/device-templates/{id}/apply", identity.DeviceWrite, "Apply a template again, also where it was refused")
	again.Status = http.StatusAccepted
	web.Handle(a, again, func(ctx context.Context, in *templateIDInput) (*progressOutput, error) {
		if err := s.Reapply(ctx, in.ID); err != nil {
			return nil, err
		}
		return s.getProgress(ctx, in)
	})
}

func templateAnswer(t Template, err error) (*templateOutput, error) {
	if err != nil {
		return nil, err
	}
	return &templateOutput{Body: templateBodyOf(t)}, nil
}

func (s *Service) postPreview(ctx context.Context, in *previewInput) (*previewOutput, error) {
	p, err := s.PreviewTemplate(ctx, in.Body.template(in.ID))
	if err != nil {
		return nil, err
	}
	out := &previewOutput{}
	out.Body.Stations, out.Body.Changing, out.Body.Same, out.Body.More, out.Body.Changes = p.Stations, p.Changing, p.Same, p.More, []plannedBody{}
	for _, c := range p.Changes {
		out.Body.Changes = append(out.Body.Changes, plannedBody{Station: c.Station, Path: c.Path, Actual: c.Actual, Wanted: c.Wanted, What: c.What, By: c.By, Problem: c.Problem})
	}
	return out, nil
}

func (s *Service) getProgress(ctx context.Context, in *templateIDInput) (*progressOutput, error) {
	p, err := s.TemplateProgress(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &progressOutput{}
	b := &out.Body
	b.Stations, b.Applied, b.Partial, b.Pending, b.Offline, b.Failed, b.Drifted, b.Paused, b.Variables, b.At = p.Stations, p.Applied, p.Partial, p.Pending, p.Offline, p.Failed, p.Drifted, p.Paused, p.Variables, p.At.UTC()
	return out, nil
}
