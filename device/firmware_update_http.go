package device

import (
	"context"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/station"
)

type policyBody struct {
	WhenCharging  string     `json:"when_charging,omitempty" enum:"wait,skip,force" default:"wait" doc:"What to do where somebody charges; force may interrupt"`
	NotBefore     *time.Time `json:"not_before,omitempty"`
	NotAfter      *time.Time `json:"not_after,omitempty" doc:"Stations that were not asked by then are skipped"`
	InstallAt     *time.Time `json:"install_at,omitempty" doc:"Download now, install then; 1.6 stations get unsigned firmware only then"`
	From          string     `json:"from,omitempty" pattern:"^([01][0-9]|2[0-3]):[0-5][0-9]$" doc:"Ask stations only between these hours, at their place" example:"22:00"`
	To            string     `json:"to,omitempty" pattern:"^([01][0-9]|2[0-3]):[0-5][0-9]$"`
	Retries       int        `json:"retries,omitempty" minimum:"0" maximum:"10" doc:"Of the station's download"`
	RetryInterval int        `json:"retry_interval,omitempty" minimum:"0" maximum:"86400" doc:"Seconds"`
	StallAfter    int        `json:"stall_after,omitempty" minimum:"0" maximum:"604800" doc:"Seconds without news after which it failed; 2 h"`
	Parallel      int        `json:"parallel,omitempty" minimum:"0" maximum:"1000" doc:"Stations at once; 50"`
	Canary        int        `json:"canary_percent,omitempty" minimum:"0" maximum:"100" doc:"So many go first, the others when all of these are done"`
	StopAt        int        `json:"stop_percent,omitempty" minimum:"0" maximum:"100" doc:"Pause when more of the finished stations failed; 0 never"`
	OnlySigned    bool       `json:"only_signed,omitempty" doc:"Do not send firmware unsigned to stations that know no signed updates"`
	Reinstall     bool       `json:"reinstall,omitempty" doc:"Also stations that have the version"`
	Login         bool       `json:"login,omitempty" doc:"Put a user and password into the address, for stations that want them"`
}

type updateBody struct {
	ID           string     `json:"id"`
	Organisation string     `json:"organisation"`
	Image        string     `json:"image"`
	Version      string     `json:"version,omitempty"`
	State        string     `json:"state" enum:"running,paused,finished,cancelled"`
	Detail       string     `json:"detail,omitempty" doc:"Why it paused"`
	Policy       policyBody `json:"policy"`
	Stations     int64      `json:"stations"`
	Waiting      int64      `json:"waiting"`
	Open         int64      `json:"open"`
	Done         int64      `json:"done" doc:"Stations that have the new version"`
	Failed       int64      `json:"failed"`
	LeftOut      int64      `json:"left_out" doc:"Skipped or cancelled"`
	CreatedAt    time.Time  `json:"created_at"`
	FinishedAt   *time.Time `json:"finished_at,omitempty"`
	Actor        string     `json:"actor"`
}

type updateOutput struct{ Body updateBody }

type updateInput struct {
	Body struct {
		Image    string     `json:"image" maxLength:"60"`
		Stations []string   `json:"stations" minItems:"1" maxItems:"10000" doc:"Their ids; the first are the canaries"`
		Policy   policyBody `json:"policy,omitempty"`
	}
}

type taskBody struct {
	ID         string     `json:"id"`
	Update     string     `json:"update"`
	Station    string     `json:"station"`
	State      string     `json:"state" enum:"waiting,sending,requested,downloading,downloaded,installing,installed,verified,unverified,failed,skipped,cancelled"`
	Status     string     `json:"status,omitempty" doc:"The last one the station told"`
	Reason     string     `json:"reason,omitempty"`
	From       string     `json:"from_version,omitempty"`
	To         string     `json:"to_version"`
	Request    int64      `json:"request_id,omitempty"`
	Attempts   int64      `json:"attempts"`
	CreatedAt  time.Time  `json:"created_at"`
	NextAt     *time.Time `json:"next_at,omitempty" doc:"When a waiting station is looked at again"`
	SentAt     *time.Time `json:"sent_at,omitempty"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
	Steps      []stepBody `json:"steps,omitempty" nullable:"false" doc:"Only when one is read"`
}

func taskBodyOf(t Task) taskBody {
	b := taskBody{ID: t.ID, Update: t.Update, Station: t.Station, State: string(t.State), Status: t.Status, Reason: t.Reason, From: t.From, To: t.To, Request: t.Request,
		Attempts: t.Attempts, CreatedAt: t.CreatedAt, SentAt: t.SentAt, FinishedAt: t.FinishedAt}
	if t.State == TaskWaiting {
		b.NextAt = &t.NextAt
	}
	return b
}

var updateSpec = db.ListSpec{
	Base: "SELECT " + campaignColumns + " FROM device_firmware_update WHERE", Default: "-created_at", Key: "id",
	Fields: []db.Field{text("image", "image"), {Name: "state", Column: "state", Kind: db.Enum, Allowed: []string{running, paused, finished, cancelled}, Sort: true, Filter: true}, instant("created_at", "created_at")},
}

var taskSpec = db.ListSpec{
	Base: "SELECT " + taskColumns + " FROM device_firmware_task WHERE", Default: "-created_at", Key: "id",
	Fields: []db.Field{text("update", "update_id"), text("station", "station"), {Name: "state", Column: "state", Kind: db.Enum, Allowed: taskStates, Sort: true, Filter: true},
		text("to_version", "to_version"), instant("created_at", "created_at"), {Name: "position", Column: "position", Kind: db.Int, Sort: true}},
}

func (s *Service) updateRoutes(a *web.API) {
	o := op(http.MethodGet, "/firmware-updates", identity.DeviceRead, "List firmware updates")
	o.List = &updateSpec
	web.Handle(a, o, s.listUpdates)
	post := made(op(http.MethodPost, "/firmware-updates", identity.FirmwareWrite, "Update the firmware of stations"))
	post.Description = "One station or many. Each goes through its states in the background; the update is proven when the station boots with the image's version."
	web.Handle(a, post, s.postUpdate)
	web.Handle(a, op(http.MethodGet, "/firmware-updates/{id}", identity.DeviceRead, "Read how a firmware update goes"), s.getUpdate)
	for verb, what := range map[string]struct{ to, summary string }{
		"pause": {paused, "Let no further station begin"}, "resume": {running, "Let stations begin again"}, "cancel": {cancelled, "End an update; stations that were asked finish on their own"},
	} {
		web.Handle(a, op(http.MethodPost, "/firmware-updates/{id}/"+verb, identity.FirmwareWrite, what.summary), func(ctx context.Context, in *idInput) (*updateOutput, error) {
			return s.steer(ctx, in.ID, what.to)
		})
	}
	ofOrgs(s, a, "/firmware-tasks", identity.DeviceRead, "List the stations of firmware updates", taskSpec, scanTask, taskBodyOf)
	list(s, a, "/firmware-tasks", "List the firmware updates of a station", taskSpec, scanTask, taskBodyOf)
	web.Handle(a, op(http.MethodGet, "/firmware-tasks/{id}", identity.DeviceRead, "Read the firmware update of one station, step by step"), s.getTask)
}

func (s *Service) updateBody(tx *db.Tx, c Campaign) (updateBody, error) {
	n, err := countsOf(tx, c.ID, c.Policy)
	b := updateBody{ID: c.ID, Organisation: c.Org, Image: c.Image, State: c.State, Detail: c.Detail, Policy: policyBody(c.Policy), Stations: n.Total, Waiting: n.Waiting, Open: n.Open,
		Done: n.Good, Failed: n.Failed, LeftOut: n.Left, CreatedAt: c.CreatedAt, FinishedAt: c.FinishedAt, Actor: c.Actor}
	if err != nil {
		return b, err
	}
	i, err := imageOf(tx, c.Image, db.Cond{})
	if fault.Is(err, fault.NotFound) { // deleted since
		return b, nil
	}
	b.Version = i.Version
	return b, err
}

func (s *Service) listUpdates(ctx context.Context, in *struct{ web.ListInput }) (*web.ListOutput[updateBody], error) {
	caller, err := identity.Require(ctx, identity.DeviceRead)
	if err != nil {
		return nil, err
	}
	req, err := in.Request()
	if err != nil {
		return nil, err
	}
	var items []updateBody
	var next string
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		rows, more, err := db.List(tx, updateSpec, []db.Cond{caller.Scope.Where("org")}, req, scanCampaign)
		next, items = more, nil
		for _, c := range rows {
			b, failure := s.updateBody(tx, c)
			if failure != nil {
				return failure
			}
			items = append(items, b)
		}
		return err
	})
	return web.NewList(items, next), err
}

func (s *Service) getUpdate(ctx context.Context, in *idInput) (*updateOutput, error) {
	caller, err := identity.Require(ctx, identity.DeviceRead)
	if err != nil {
		return nil, err
	}
	out := &updateOutput{}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		c, err := campaignOf(tx, in.ID, caller.Scope.Where("org"))
		if err == nil {
			out.Body, err = s.updateBody(tx, c)
		}
		return err
	})
	return out, err
}

func (s *Service) postUpdate(ctx context.Context, in *updateInput) (*updateOutput, error) {
	i, err := s.image(ctx, identity.FirmwareWrite, in.Body.Image)
	if err != nil {
		return nil, err
	}
	p := Policy(in.Body.Policy)
	if !i.Ready() {
		return nil, fault.New(fault.Conflict, "device.image_empty", "upload the content of the image first: PUT %s/firmware-images/%s/content", web.Prefix, i.ID)
	}
	if (p.From == "") != (p.To == "") {
		return nil, fault.New(fault.Invalid, "device.hours", "from and to go together").With("body.policy.from", "goes together with to", p.From)
	}
	caller, _ := identity.From(ctx) // image has checked that there is one
	c := Campaign{Org: i.Org, Image: i.ID, Policy: p, State: running, Actor: caller.Actor()}
	out := &updateOutput{}
	return out, s.d.DB.Update(ctx, func(tx *db.Tx) error {
		c.ID, c.CreatedAt, c.Org = id.New[string](tx.Now), tx.Now, or(string(caller.Org), i.Org)
		if err := insertCampaign(tx, c); err != nil {
			return err
		}
		if err := s.tasks(tx, caller, c, i, in.Body.Stations); err != nil {
			return err
		}
		if err := s.advance(tx, c); err != nil {
			return err
		}
		if out.Body, err = s.updateBody(tx, c); err != nil {
			return err
		}
		return identity.Audit(ctx, tx, identity.Entry{Org: identity.OrgID(c.Org), Action: "firmware_update.created", Subject: c.ID, Changes: map[string]identity.Change{"image": {nil, i.ID}, "stations": {nil, len(in.Body.Stations)}}})
	})
}

// tasks makes one task per station; each must be the caller's to update.
func (s *Service) tasks(tx *db.Tx, caller identity.Caller, c Campaign, i Image, stations []string) error {
	bad := fault.New(fault.Invalid, "device.stations", "some stations cannot be updated")
	seen := map[station.ID]bool{}
	for n, name := range stations {
		st, err := s.d.Stations.Get(tx, name)
		if err == nil {
			var in bool
			if in, err = caller.Scope.Has(tx, identity.OrgID(st.Org)); err == nil && !in {
				err = fault.New(fault.NotFound, "station.unknown", "unknown")
			}
		}
		if fault.Is(err, fault.NotFound) {
			bad.With("body.stations", "there is no such station", name)
			continue
		}
		if err != nil {
			return err
		}
		if seen[st.ID] {
			continue
		}
		seen[st.ID] = true
		t := Task{ID: id.New[string](tx.Now), Update: c.ID, Position: int64(n), Station: string(st.ID), Org: st.Org, Site: st.Site, State: TaskWaiting, To: i.Version, From: st.Firmware, CreatedAt: tx.Now, NextAt: tx.Now}
		if err := saveTask(tx, t); err != nil {
			return err
		}
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// steer pauses, resumes or cancels an update.
func (s *Service) steer(ctx context.Context, update, to string) (*updateOutput, error) {
	caller, err := identity.Require(ctx, identity.FirmwareWrite)
	if err != nil {
		return nil, err
	}
	out := &updateOutput{}
	return out, s.d.DB.Update(ctx, func(tx *db.Tx) error {
		c, err := campaignOf(tx, update, caller.Scope.Where("org"))
		if err != nil {
			return err
		}
		if c.State == finished || c.State == cancelled {
			return fault.New(fault.Conflict, "device.update_over", "this update is %s", c.State)
		}
		if to == running && c.Detail != "" { // somebody looked at the failures and goes on
			c.Policy.StopAt = 0
			if err := s.setPolicy(tx, c); err != nil {
				return err
			}
		}
		if _, err := setCampaign(tx, c.ID, to, "", running, paused); err != nil {
			return err
		}
		if to == cancelled {
			if err := s.cancelTasks(tx, c.ID); err != nil {
				return err
			}
		}
		if c, err = campaignOf(tx, update, db.Cond{}); err != nil {
			return err
		}
		if out.Body, err = s.updateBody(tx, c); err != nil {
			return err
		}
		return identity.Audit(ctx, tx, identity.Entry{Org: identity.OrgID(c.Org), Action: "firmware_update." + to, Subject: c.ID})
	})
}

func (s *Service) getTask(ctx context.Context, in *idInput) (*struct{ Body taskBody }, error) {
	caller, err := identity.Require(ctx, identity.DeviceRead)
	if err != nil {
		return nil, err
	}
	out := &struct{ Body taskBody }{}
	return out, s.d.DB.View(ctx, func(tx *db.Tx) error {
		q, args := db.Build("SELECT "+taskColumns+" FROM device_firmware_task WHERE id = ?", in.ID).And(caller.Scope.Where("org")).SQL()
		t, err := scanTask(tx.QueryRow(q, args...))
		if fault.Is(err, fault.NotFound) {
			return fault.New(fault.NotFound, "device.no_task", "there is no such update of a station")
		}
		if err != nil {
			return err
		}
		out.Body = taskBodyOf(t)
		out.Body.Steps, err = stepsOf(tx, t.ID)
		return err
	})
}
