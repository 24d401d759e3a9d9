package app

import (
	"context"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

// What went wrong inside the installation, for who runs it: facts that a
// consumer could not take, jobs that gave up. Both are kept and tried again;
// here they are seen and hurried.

type parkedFact struct {
	Consumer string    `json:"consumer"`
	Subject  string    `json:"subject" doc:"What the order is kept for; later facts of it wait"`
	Org      string    `json:"organisation"`
	Kind     string    `json:"kind"`
	Error    string    `json:"error"`
	Attempts int       `json:"attempts"`
	ParkedAt time.Time `json:"parked_at"`
	NextAt   time.Time `json:"next_attempt_at"`
}

type failedJob struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind"`
	Org      string    `json:"organisation,omitempty"`
	Error    string    `json:"error"`
	Attempts int       `json:"attempts"`
	FailedAt time.Time `json:"failed_at"`
}

type parkedOutput struct {
	Body struct {
		Items []parkedFact `json:"items"`
	}
}

type consumerProgress struct {
	Consumer string     `json:"consumer"`
	Cursor   int64      `json:"cursor" doc:"Number of the fact up to which everything is taken or parked"`
	Behind   int64      `json:"behind" doc:"Facts that wait for it"`
	Parked   int64      `json:"parked" doc:"Subjects that wait because a fact of theirs failed; of all organisations"`
	Node     string     `json:"node,omitempty" doc:"The node that works for it now"`
	MovedAt  *time.Time `json:"moved_at,omitempty"`
}

type consumersOutput struct {
	Body struct {
		Items []consumerProgress `json:"items"`
	}
}

type failedOutput struct {
	Body struct {
		Items []failedJob `json:"items"`
	}
}

type retryFact struct {
	Body struct {
		Consumer string `json:"consumer" minLength:"1"`
		Subject  string `json:"subject" minLength:"1"`
	}
}

type retryJob struct {
	ID string `path:"id"`
}

// systemRoutes show them to who runs an organisation: its own and those of
// the organisations below.
func (a *App) systemRoutes() {
	op := func(method, path, summary string) web.Op {
		return web.Op{Method: method, Path: path, Room: "app", Permission: identity.SystemRead, Summary: summary, Tags: []string{"system"}}
	}
	web.Handle(a.api, op("GET", "/system/consumers", "List the consumers of facts and how far each has come"), a.consumers)
	web.Handle(a.api, op("GET", "/system/parked-facts", "List facts that a consumer could not take"), a.parkedFacts)
	web.Handle(a.api, op("POST", "/system/parked-facts/retry", "Try a parked subject again now"), a.retryFact)
	web.Handle(a.api, op("GET", "/system/failed-jobs", "List jobs that gave up"), a.failedJobs)
	web.Handle(a.api, op("POST", "/system/failed-jobs/{id}/retry", "Try a failed job again now"), a.retryJob)
}

func (a *App) consumers(ctx context.Context, _ *struct{}) (*consumersOutput, error) {
	caller, err := identity.Require(ctx, identity.SystemRead)
	if err != nil {
		return nil, err
	}
	if !caller.Scope.All() {
		return nil, fault.New(fault.Forbidden, "system.whole", "Only the organisation at the top sees how the whole installation works.")
	}
	all, err := a.facts.Progress(ctx)
	out := &consumersOutput{}
	out.Body.Items = make([]consumerProgress, len(all))
	for i, p := range all {
		out.Body.Items[i] = consumerProgress{Consumer: p.Consumer, Cursor: p.Cursor, Behind: p.Behind, Parked: p.Parked, Node: p.Node}
		if !p.MovedAt.IsZero() {
			out.Body.Items[i].MovedAt = &all[i].MovedAt
		}
	}
	return out, err
}

func (a *App) parkedFacts(ctx context.Context, _ *struct{}) (*parkedOutput, error) {
	caller, err := identity.Require(ctx, identity.SystemRead)
	if err != nil {
		return nil, err
	}
	parked, err := a.facts.Parked(ctx, caller.Scope.Where("org"))
	out := &parkedOutput{}
	out.Body.Items = make([]parkedFact, len(parked))
	for i, p := range parked {
		out.Body.Items[i] = wireParked(p)
	}
	return out, err
}

func wireParked(p event.Parked) parkedFact {
	return parkedFact{p.Consumer, p.Subject, p.Org, p.Kind, p.Error, p.Attempts, p.ParkedAt, p.NextAt}
}

func (a *App) retryFact(ctx context.Context, in *retryFact) (*struct{}, error) {
	caller, err := identity.Require(ctx, identity.SystemRead)
	if err != nil {
		return nil, err
	}
	mine, err := a.facts.Parked(ctx, caller.Scope.Where("org"), db.Cond{Text: "consumer = ? AND subject = ?", Args: []any{in.Body.Consumer, in.Body.Subject}})
	if err != nil {
		return nil, err
	}
	if len(mine) == 0 {
		return nil, fault.New(fault.NotFound, "event.not_parked", "%s has not parked %q", in.Body.Consumer, in.Body.Subject)
	}
	return nil, a.facts.Retry(ctx, in.Body.Consumer, in.Body.Subject)
}

func (a *App) failedJobs(ctx context.Context, _ *struct{}) (*failedOutput, error) {
	caller, err := identity.Require(ctx, identity.SystemRead)
	if err != nil {
		return nil, err
	}
	failed, err := a.jobs.Failed(ctx, caller.Scope.Where("org"))
	out := &failedOutput{}
	out.Body.Items = make([]failedJob, len(failed))
	for i, j := range failed {
		out.Body.Items[i] = wireJob(j)
	}
	return out, err
}

func wireJob(j job.Status) failedJob {
	return failedJob{ID: j.ID, Kind: j.Kind, Org: j.Org, Error: j.Error, Attempts: j.Attempts, FailedAt: j.UpdatedAt}
}

func (a *App) retryJob(ctx context.Context, in *retryJob) (*struct{}, error) {
	caller, err := identity.Require(ctx, identity.SystemRead)
	if err != nil {
		return nil, err
	}
	mine, err := a.jobs.Failed(ctx, caller.Scope.Where("org"), db.Cond{Text: "id = ?", Args: []any{in.ID}})
	if err != nil {
		return nil, err
	}
	if len(mine) == 0 {
		return nil, fault.New(fault.NotFound, "job.not_failed", "there is no failed job %q", in.ID)
	}
	return nil, a.jobs.Retry(ctx, in.ID)
}

// systemJobs keep the tables of the foundation from growing for ever.
func (a *App) systemJobs() {
	a.jobs.Every("web.prune", time.Hour, a.api.Prune)
}
