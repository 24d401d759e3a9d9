package tariff

import (
	"context"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

type (
	bulkInput struct {
		Body struct {
			Title  string `json:"title,omitempty" maxLength:"200"`
			Filter struct {
				Organisation string   `json:"organisation,omitempty" doc:"And those below it; default: your own"`
				Sites        []string `json:"sites,omitempty" maxItems:"5000"`
				Stations     []string `json:"station_ids,omitempty" maxItems:"20000"`
				Tariffs      []ID     `json:"tariffs,omitempty" maxItems:"5000" doc:"percent and set: only these tariffs"`
				Groups       []string `json:"groups,omitempty" maxItems:"5000" doc:"percent and set: only prices of these tariff groups"`
			} `json:"filter"`
			Change struct {
				Op        string    `json:"op" enum:"percent,set,copy" doc:"percent, set: new versions of the tariffs in use there; copy: the places get another tariff"`
				Dimension Dimension `json:"dimension,omitempty" enum:"ENERGY,FLAT,PARKING_TIME,TIME" doc:"percent: default all; set: which price"`
				Percent   *number   `json:"percent,omitempty" doc:"5 is five per cent dearer"`
				Price     *number   `json:"price,omitempty" doc:"set: per kWh, per hour, or once"`
				Tariff    ID        `json:"tariff,omitempty" maxLength:"36" doc:"copy: the tariff that the places get"`
				Level     string    `json:"level,omitempty" enum:"evse,station,site" doc:"copy: what gets it; default: evse"`
			} `json:"change"`
			Elsewhere string `json:"elsewhere,omitempty" enum:"refuse,include" doc:"Tariffs that are used outside the filter too; default: refuse"`
			Approval  bool   `json:"second_approver,omitempty" doc:"Somebody else must approve before it is applied"`
		}
	}
	bulkApply struct {
		ID   string `path:"id"`
		Body *struct {
			At *time.Time `json:"at,omitempty" doc:"Default: now"`
		}
	}
	bulkOutput struct{ Body bulkBody }
	bulkBody   struct {
		ID           string     `json:"id"`
		Organisation string     `json:"organisation"`
		Title        string     `json:"title,omitempty"`
		Status       string     `json:"status" enum:"draft,scheduled,running,applied,rolling_back,rolled_back,cancelled"`
		Op           string     `json:"op"`
		Dimension    Dimension  `json:"dimension,omitempty" doc:"Which price; absent: all"`
		Percent      *number    `json:"percent,omitempty"`
		Price        *number    `json:"price,omitempty" doc:"set"`
		Tariff       ID         `json:"tariff,omitempty" doc:"copy"`
		Approval     bool       `json:"second_approver"`
		Total        int64      `json:"total" doc:"Tariffs or places to change"`
		Done         int64      `json:"done"`
		Failed       int64      `json:"failed"`
		Places       int64      `json:"places" doc:"Places whose price changes"`
		ApplyAt      *time.Time `json:"apply_at,omitempty"`
		CreatedAt    time.Time  `json:"created_at"`
		CreatedBy    string     `json:"created_by"`
		ApprovedAt   *time.Time `json:"approved_at,omitempty"`
		ApprovedBy   string     `json:"approved_by,omitempty"`
		StartedAt    *time.Time `json:"started_at,omitempty"`
		FinishedAt   *time.Time `json:"finished_at,omitempty"`
	}
	itemsInput struct {
		Speaks
		ID    string `path:"id"`
		After int64  `query:"after" doc:"The number of the last item that was read"`
		Limit int    `query:"limit" default:"100" minimum:"1" maximum:"1000"`
		State string `query:"state" enum:"planned,applied,failed,rolled_back"`
	}
	itemsOutput struct {
		Body struct {
			Items []bulkItemBody `json:"items" nullable:"false"`
			Next  int64          `json:"next_after,omitempty"`
		}
	}
	bulkItemBody struct {
		Number  int64  `json:"number"`
		Kind    string `json:"kind" enum:"version,assign"`
		State   string `json:"state" enum:"planned,applied,failed,rolled_back"`
		Tariff  ID     `json:"tariff"`
		Site    string `json:"site,omitempty"`
		Station string `json:"station_id,omitempty"`
		EVSE    int    `json:"evse_id,omitempty"`
		Places  int    `json:"places,omitempty" doc:"Where the tariff is used"`
		Before  string `json:"before" doc:"version: the tariff in one sentence; assign: the tariff that the place has itself"`
		After   string `json:"after"`
		Problem string `json:"problem,omitempty"`
	}
)

func bulkBodyOf(b BulkChange) bulkBody {
	x := b.Request.Change
	return bulkBody{b.ID, string(b.Org), b.Title, b.Status, x.Op, x.Dimension, (*number)(x.Percent), (*number)(x.Price), x.Tariff, b.Approval, b.Total, b.Done, b.Failed, b.Places, b.ApplyAt,
		b.CreatedAt, b.CreatedBy, b.ApprovedAt, b.ApprovedBy, b.StartedAt, b.FinishedAt}
}

func bulkAnswer(b BulkChange, err error) (*bulkOutput, error) {
	return &bulkOutput{bulkBodyOf(b)}, err
}

func (in *bulkInput) request() BulkRequest {
	b := in.Body
	r := BulkRequest{Elsewhere: b.Elsewhere, Filter: Filter{Org: identity.OrgID(b.Filter.Organisation), Sites: b.Filter.Sites, Stations: b.Filter.Stations, Tariffs: b.Filter.Tariffs, Groups: b.Filter.Groups}}
	r.Change = Alteration{Op: b.Change.Op, Dimension: b.Change.Dimension, Percent: (*unit.Decimal)(b.Change.Percent), Price: (*unit.Decimal)(b.Change.Price), Tariff: b.Change.Tariff, Level: b.Change.Level}
	return r
}

func (s *Service) bulkRoutes(a *web.API, op makeOp) {
	list := op(http.MethodGet, "/tariff-changes", identity.TariffRead, "List changes of many prices")
	list.List = &bulkSpec
	web.Handle(a, list, func(ctx context.Context, in *struct{ web.ListInput }) (*web.ListOutput[bulkBody], error) {
		c, err := identity.Require(ctx, identity.TariffRead)
		if err != nil {
			return nil, err
		}
		req, err := in.Request()
		if err != nil {
			return nil, err
		}
		var all []BulkChange
		var next string
		err = s.d.DB.View(ctx, func(tx *db.Tx) error {
			all, next, err = db.List(tx, bulkSpec, []db.Cond{c.Scope.Where("b.org")}, req, scanBulk)
			return err
		})
		return listed(all, next, err, bulkBodyOf)
	})
	plan := op(http.MethodPost, "/tariff-changes", identity.TariffWrite, "Plan a change of many prices: the dry run")
	plan.Description = "Selects by filter and works out what would change; nothing changes until it is applied. GET …/items is the difference. Sessions under way keep their price in any case."
	web.Handle(a, plan, func(ctx context.Context, in *bulkInput) (*bulkOutput, error) {
		return bulkAnswer(s.PlanChange(ctx, in.Body.Title, in.request(), in.Body.Approval))
	})
	web.Handle(a, op(http.MethodGet, "/tariff-changes/{id}", identity.TariffRead, "Read a change and how far it is"), func(ctx context.Context, in *idInput) (*bulkOutput, error) {
		c, err := identity.Require(ctx, identity.TariffRead)
		if err != nil {
			return nil, err
		}
		var b BulkChange
		err = s.d.DB.View(ctx, func(tx *db.Tx) error {
			b, err = bulkByID(tx, in.ID, c.Scope.Where("b.org"))
			return err
		})
		return bulkAnswer(b, err)
	})
	web.Handle(a, op(http.MethodGet, "/tariff-changes/{id}/items", identity.TariffRead, "Read what a change does, item by item"), s.bulkItems)
	s.bulkSteps(a, op)
}

// bulkSteps are what can be done with a planned change.
func (s *Service) bulkSteps(a *web.API, op makeOp) {
	step := func(path, summary string) web.Op {
		o := op(http.MethodPost, "/tariff-changes/{id}/"+path, identity.TariffWrite, summary)
		o.Status = http.StatusOK
		return o
	}
	web.Handle(a, step("approve", "Approve a change that somebody else has planned"), func(ctx context.Context, in *idInput) (*bulkOutput, error) {
		return bulkAnswer(s.ApproveChange(ctx, in.ID))
	})
	web.Handle(a, step("apply", "Apply a change now or at an instant"), func(ctx context.Context, in *bulkApply) (*bulkOutput, error) {
		at := time.Time{}
		if in.Body != nil {
			at = instant(in.Body.At)
		}
		return bulkAnswer(s.ApplyChange(ctx, in.ID, at))
	})
	web.Handle(a, step("cancel", "Drop a change that has not begun"), func(ctx context.Context, in *idInput) (*bulkOutput, error) {
		return bulkAnswer(s.CancelChange(ctx, in.ID))
	})
	web.Handle(a, step("rollback", "Restore what was before a change"), func(ctx context.Context, in *idInput) (*bulkOutput, error) {
		return bulkAnswer(s.RollBackChange(ctx, in.ID))
	})
}

func (s *Service) bulkItems(ctx context.Context, in *itemsInput) (*itemsOutput, error) {
	c, err := identity.Require(ctx, identity.TariffRead)
	if err != nil {
		return nil, err
	}
	var out itemsOutput
	out.Body.Items = []bulkItemBody{}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		if _, err := bulkByID(tx, in.ID, c.Scope.Where("b.org")); err != nil {
			return err
		}
		var states []string
		if in.State != "" {
			states = append(states, in.State)
		}
		all, err := itemsOf(tx, in.ID, in.After, in.Limit, states...)
		for _, x := range all {
			p := x.Plan
			if err := p.speak(tx, in.Language()); err != nil {
				return err
			}
			out.Body.Items = append(out.Body.Items, bulkItemBody{x.Seq, x.Kind, x.State, p.Tariff, p.Site, p.Station, p.EVSE, p.Uses, p.Before, p.After, x.Problem})
		}
		if len(all) == in.Limit {
			out.Body.Next = all[len(all)-1].Seq
		}
		return err
	})
	return &out, err
}

// speak words a new version in a language; what was planned is kept in English.
func (p *itemPlan) speak(tx *db.Tx, l Language) error {
	if l == English || p.OCPI == nil {
		return nil
	}
	old, err := versionNumbered(tx, p.UID, p.Number)
	if err != nil {
		return err
	}
	after, err := FromOCPI(*p.OCPI)
	if err != nil {
		return err
	}
	p.Before, p.After = old.Tariff.Sentence(l), after.Sentence(l)
	return nil
}
