package tariff

import (
	"context"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

const backtestColumns = "b.id, b.org, b.title, b.request, b.status, b.total, b.done, b.result, b.problem, b.created_at, b.created_by, b.started_at, b.finished_at"

var backtestSpec = db.ListSpec{
	Base:    "SELECT " + backtestColumns + " FROM tariff_backtest b WHERE",
	Default: "-created_at",
	Key:     "b.id",
	Fields: []db.Field{
		{Name: "id", Column: "b.id", Kind: db.Text, Filter: true},
		{Name: "organisation", Column: "b.org", Kind: db.Text, Sort: true, Filter: true},
		{Name: "status", Column: "b.status", Kind: db.Enum, Sort: true, Filter: true, Allowed: []string{"waiting", "running", "done", "failed"}},
		{Name: "created_at", Column: "b.created_at", Kind: db.Instant, Sort: true, Filter: true},
	},
}

func scanBacktest(row db.Scanner) (Backtest, error) {
	var b Backtest
	var request, result string
	var created int64
	var started, finished sql.NullInt64
	err := row.Scan(&b.ID, (*string)(&b.Org), &b.Title, &request, &b.Status, &b.Total, &b.Done, &result, &b.Problem, &created, &b.CreatedBy, &started, &finished)
	if err != nil {
		return b, err
	}
	b.CreatedAt, b.StartedAt, b.FinishedAt = db.Time(created), db.TimePtr(started), db.TimePtr(finished)
	if err := json.Unmarshal([]byte(request), &b.Request); err != nil {
		return b, err
	}
	if result != "" {
		b.Report = &Report{}
		err = json.Unmarshal([]byte(result), b.Report)
	}
	return b, err
}

func backtestByID(tx *db.Tx, id string, visible db.Cond) (Backtest, error) {
	text, args := db.Build("SELECT "+backtestColumns+" FROM tariff_backtest b WHERE b.id = ?", id).And(visible).SQL()
	b, err := scanBacktest(tx.QueryRow(text, args...))
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "tariff.backtest_unknown", "there is no back-test %q", id)
	}
	return b, err
}

type (
	backtestInput struct {
		Body struct {
			Title     string      `json:"title,omitempty" maxLength:"200"`
			Org       string      `json:"organisation,omitempty" doc:"And those below it; default: your own"`
			From      time.Time   `json:"from"`
			To        *time.Time  `json:"to,omitempty" doc:"Default: now"`
			Sites     []string    `json:"sites,omitempty" maxItems:"1000"`
			Stations  []string    `json:"stations,omitempty" maxItems:"1000"`
			Groups    []string    `json:"groups,omitempty" maxItems:"1000" doc:"Tariff groups that gave the sessions their price"`
			Audiences []string    `json:"audiences,omitempty" maxItems:"10"`
			TariffID  ID          `json:"tariff_id,omitempty" maxLength:"36" doc:"A stored tariff; or tariff"`
			Version   int         `json:"version,omitempty" minimum:"0" doc:"Default: the newest"`
			Tariff    *tariffBody `json:"tariff,omitempty" doc:"A candidate that is not stored"`
		}
	}
	backtestOutput struct{ Body backtestBody }
	backtestBody   struct {
		ID           string     `json:"id"`
		Organisation string     `json:"organisation"`
		Title        string     `json:"title,omitempty"`
		Status       string     `json:"status" enum:"waiting,running,done,failed"`
		Total        int64      `json:"total" doc:"Sessions of the period"`
		Done         int64      `json:"done"`
		From         time.Time  `json:"from"`
		To           time.Time  `json:"to"`
		Candidate    string     `json:"candidate" doc:"The tariff in one sentence"`
		Problem      string     `json:"problem,omitempty"`
		CreatedAt    time.Time  `json:"created_at"`
		CreatedBy    string     `json:"created_by"`
		StartedAt    *time.Time `json:"started_at,omitempty"`
		FinishedAt   *time.Time `json:"finished_at,omitempty"`
		Report       *Report    `json:"report,omitempty" doc:"Money in millionths of the currency, energy in mWh"`
	}
)

func backtestBodyOf(b Backtest) backtestBody {
	out := backtestBody{b.ID, string(b.Org), b.Title, b.Status, b.Total, b.Done, b.Request.From, b.Request.To, "", b.Problem, b.CreatedAt, b.CreatedBy, b.StartedAt, b.FinishedAt, b.Report}
	if b.Request.OCPI != nil {
		if t, err := FromOCPI(*b.Request.OCPI); err == nil {
			out.Candidate = t.Sentence(English)
		}
	}
	return out
}

func (s *Service) backtestRoutes(a *web.API, op makeOp) {
	list := op(http.MethodGet, "/tariff-backtests", identity.CDRRead, "List back-tests")
	list.List = &backtestSpec
	web.Handle(a, list, func(ctx context.Context, in *struct{ web.ListInput }) (*web.ListOutput[backtestBody], error) {
		c, err := identity.Require(ctx, identity.CDRRead)
		if err != nil {
			return nil, err
		}
		req, err := in.Request()
		if err != nil {
			return nil, err
		}
		var all []Backtest
		var next string
		err = s.d.DB.View(ctx, func(tx *db.Tx) error {
			all, next, err = db.List(tx, backtestSpec, []db.Cond{c.Scope.Where("b.org")}, req, scanBacktest)
			return err
		})
		return listed(all, next, err, backtestBodyOf)
	})
	start := op(http.MethodPost, "/tariff-backtests", identity.CDRRead, "Price the past again under a candidate tariff")
	start.Description = "A job prices every settled session of the period; GET tells how far it is and what came out. A candidate that follows a price series is priced by its own price per kWh."
	start.Status = http.StatusAccepted
	web.Handle(a, start, func(ctx context.Context, in *backtestInput) (*backtestOutput, error) {
		b := in.Body
		r := BacktestRequest{Tariff: b.TariffID, Version: b.Version, Selection: Selection{Org: identity.OrgID(b.Org), From: b.From, To: instant(b.To),
			Sites: b.Sites, Stations: b.Stations, Groups: b.Groups, Audiences: b.Audiences}}
		out, err := s.StartBacktest(ctx, b.Title, r, b.Tariff)
		return &backtestOutput{backtestBodyOf(out)}, err
	})
	web.Handle(a, op(http.MethodGet, "/tariff-backtests/{id}", identity.CDRRead, "Read a back-test and how far it is"), func(ctx context.Context, in *idInput) (*backtestOutput, error) {
		b, err := s.ReadBacktest(ctx, in.ID)
		return &backtestOutput{backtestBodyOf(b)}, err
	})
	table := op(http.MethodGet, "/tariff-backtests/{id}/csv", identity.CDRRead, "Read a back-test as CSV")
	table.Produces = "text/csv"
	a.Raw(table, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := s.ReadBacktest(r.Context(), r.PathValue("id"))
		if err == nil && b.Report == nil {
			err = fault.New(fault.Conflict, "tariff.backtest_running", "The back-test is not done; ask again later.")
		}
		if err != nil {
			a.Fail(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		w.Header().Set("Content-Disposition", `attachment; filename="backtest.csv"`)
		// The client is gone when this fails; there is nobody to tell.
		_ = csv.NewWriter(w).WriteAll(b.Report.table())
	}))
}

// ReadBacktest gives a back-test the caller may see.
func (s *Service) ReadBacktest(ctx context.Context, id string) (b Backtest, err error) {
	c, err := identity.Require(ctx, identity.CDRRead)
	if err != nil {
		return b, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		b, err = backtestByID(tx, id, c.Scope.Where("b.org"))
		return err
	})
	return b, err
}

// table lists a report's tallies, one a row.
func (r Report) table() [][]string {
	out := [][]string{{"part", "key", "audience", "sessions", "energy_kwh", "before_excl", "after_excl", "before_incl", "after_incl", "dearer", "cheaper", "same", "after_excl_per_kwh"}}
	money := func(m money.Micro) string { return micros(m, r.Currency) }
	add := func(part, key, audience string, t Tally) {
		out = append(out, []string{part, key, audience, strconv.FormatInt(t.Sessions, 10), t.Energy.KWh(), money(t.BeforeExcl), money(t.AfterExcl),
			money(t.BeforeIncl), money(t.AfterIncl), strconv.FormatInt(t.Dearer, 10), strconv.FormatInt(t.Cheaper, 10), strconv.FormatInt(t.Same, 10), money(t.perKWh(t.AfterExcl))})
	}
	add("total", "", "", r.Total)
	for _, t := range r.Sites {
		add("site", t.Site, "", t.Tally)
	}
	for _, t := range r.Groups {
		add("group", t.Group, t.Audience, t.Tally)
	}
	for _, t := range r.Hours {
		add("hour", strconv.Itoa(t.Hour), "", t.Tally)
	}
	for _, b := range r.Histogram {
		key := ".."
		if b.From != nil {
			key = money(*b.From) + key
		}
		if b.To != nil {
			key += money(*b.To)
		}
		out = append(out, []string{"difference", key, "", strconv.FormatInt(b.Sessions, 10), "", "", "", "", "", "", "", "", ""})
	}
	return out
}

func micros(m money.Micro, c money.Currency) string {
	return money.Amount{Micros: m, Currency: c}.Decimal()
}
