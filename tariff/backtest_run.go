package tariff

import (
	"context"
	"encoding/json"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// Past sessions are read in pages of this many.
const backtestPage = 4000

// Selection says which past sessions are meant; empty lists mean all.
type Selection struct {
	From      time.Time      `json:"from"`
	To        time.Time      `json:"to"`
	Org       identity.OrgID `json:"organisation"` // and those below it
	Sites     []string       `json:"sites,omitempty"`
	Stations  []string       `json:"stations,omitempty"`
	Groups    []string       `json:"groups,omitempty"`
	Audiences []string       `json:"audiences,omitempty"`
}

// lane is a part of a selection that an index gives in order of time: one
// site, or else one organisation.
type lane struct{ column, value string }

// lanes splits a selection. Together they are the whole of it, each session
// in one.
func (s Selection) lanes(tx *db.Tx) ([]lane, error) {
	var out []lane
	for _, site := range slices.Compact(slices.Sorted(slices.Values(s.Sites))) {
		out = append(out, lane{"u.site", site})
	}
	for org := ""; len(s.Sites) == 0; {
		text, args := db.Build("SELECT u.org FROM tariff_usage u WHERE u.org > ?", org).And(identity.ScopeOf(s.Org).Where("u.org")).Add("ORDER BY u.org LIMIT 1").SQL()
		err := tx.QueryRow(text, args...).Scan(&org)
		if fault.Is(err, fault.NotFound) {
			break
		}
		if err != nil {
			return nil, err
		}
		out = append(out, lane{"u.org", org})
	}
	return out, nil
}

// where adds the conditions of a lane's sessions since an instant.
func (s Selection) where(q *db.Query, l lane, from int64) *db.Query {
	q.Add("AND "+l.column+" = ? AND u.started_at >= ? AND u.started_at < ?", l.value, from, db.Micros(s.To))
	if l.column != "u.org" {
		q.And(identity.ScopeOf(s.Org).Where("u.org"))
	}
	for _, x := range []struct {
		column string
		values []string
	}{{"u.station", s.Stations}, {"u.tgroup", s.Groups}, {"u.audience", s.Audiences}} {
		if len(x.values) == 0 {
			continue
		}
		args := make([]any, len(x.values))
		for i, v := range x.values {
			args[i] = v
		}
		q.Add("AND "+x.column+" IN (?"+strings.Repeat(", ?", len(args)-1)+")", args...)
	}
	return q
}

func countPast(tx *db.Tx, s Selection) (sum int64, err error) {
	all, err := s.lanes(tx)
	for _, l := range all {
		var n int64
		text, args := s.where(db.Build("SELECT COUNT(*) FROM tariff_usage u WHERE 1=1"), l, db.Micros(s.From)).SQL()
		if err := tx.QueryRow(text, args...).Scan(&n); err != nil {
			return sum, err
		}
		sum += n
	}
	return sum, err
}

// mark is where a page ended.
type mark struct {
	at      int64
	session string
}

// pagePast reads the next page of a lane. Its conditions let the index seek
// to the mark: a page costs the same however far the reading is.
func pagePast(tx *db.Tx, s Selection, l lane, after mark) ([]Past, mark, error) {
	q := s.where(db.Build(`SELECT u.session, u.started_at, u.site, u.station, u.tgroup, u.audience, u.zone, u.currency, u.excl, u.incl, u.rated, u.driver_groups, u.usage
		FROM tariff_usage u WHERE 1=1`), l, after.at)
	q.Add("AND (u.started_at > ? OR u.session > ?)", after.at, after.session)
	text, args := q.Add("ORDER BY u.started_at, u.session LIMIT ?", backtestPage).SQL()
	page, err := db.Collect(tx, func(row db.Scanner) (Past, error) {
		var p Past
		return p, row.Scan(&after.session, &after.at, &p.Site, &p.Station, &p.Group, &p.Audience, &p.Zone, (*string)(&p.Currency), (*int64)(&p.Excl), (*int64)(&p.Incl),
			(*int64)(&p.Rated), &p.DriverGroups, &p.Usage)
	}, text, args...)
	return page, after, err
}

// replay prices the selected past under a tariff on all cores. told is called
// with the number of sessions read so far.
func (s *Service) replay(ctx context.Context, sel Selection, t Tariff, told func(done int64) error) (*Replay, error) {
	workers := max(runtime.GOMAXPROCS(0), 1)
	pages := make(chan []Past, workers)
	parts := make([]*replayer, workers)
	var all sync.WaitGroup
	for i := range parts {
		parts[i] = newReplayer(t)
		all.Go(func() {
			for page := range pages {
				for _, p := range page {
					parts[i].price(p)
				}
			}
		})
	}
	err := s.readPast(ctx, sel, pages, told)
	close(pages)
	all.Wait()
	out := newReplay(t.Currency)
	for _, p := range parts {
		out.merge(p.out)
	}
	return out, err
}

func (s *Service) readPast(ctx context.Context, sel Selection, pages chan<- []Past, told func(int64) error) error {
	var all []lane
	err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		all, err = sel.lanes(tx)
		return err
	})
	done := int64(0)
	for i := 0; i < len(all) && err == nil; i++ {
		done, err = s.readLane(ctx, sel, all[i], pages, done, told)
	}
	return err
}

func (s *Service) readLane(ctx context.Context, sel Selection, l lane, pages chan<- []Past, done int64, told func(int64) error) (int64, error) {
	at := mark{at: db.Micros(sel.From)}
	for {
		var page []Past
		var next mark
		err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
			page, next, err = pagePast(tx, sel, l, at)
			return err
		})
		if err != nil || len(page) == 0 {
			return done, err
		}
		at = next
		select {
		case pages <- page:
		case <-ctx.Done():
			return done, ctx.Err()
		}
		done += int64(len(page))
		if err := told(done); err != nil || len(page) < backtestPage {
			return done, err
		}
	}
}

// Backtest is a replay that was asked for.
type Backtest struct {
	ID         string
	Org        identity.OrgID
	Title      string
	Request    BacktestRequest
	Status     string // waiting, running, done, failed
	Total      int64
	Done       int64
	Report     *Report
	Problem    string
	CreatedAt  time.Time
	CreatedBy  string
	StartedAt  *time.Time
	FinishedAt *time.Time
}

// BacktestRequest says which past is to be priced under which tariff.
type BacktestRequest struct {
	Selection
	Tariff  ID           `json:"tariff,omitempty"`
	Version int          `json:"version,omitempty"`
	OCPI    *ocpi.Tariff `json:"ocpi,omitempty"` // the candidate, as it was when asked
}

const jobBacktest = "tariff.backtest"

type backtestJob struct {
	ID string `json:"id"`
}

// StartBacktest stores a back-test and queues it. The candidate is the
// inline tariff, or a version of a stored one as it is now.
func (s *Service) StartBacktest(ctx context.Context, title string, r BacktestRequest, inline *tariffBody) (b Backtest, err error) {
	c, err := identity.Require(ctx, identity.TariffRead)
	if err != nil {
		return b, err
	}
	if _, err := identity.Require(ctx, identity.CDRRead); err != nil {
		return b, err
	}
	asked := r
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		r = asked
		if r.Org, err = identity.Place(ctx, tx, r.Org); err != nil {
			return err
		}
		if r.To.IsZero() {
			r.To = tx.Now
		}
		if !r.From.Before(r.To) {
			return fault.New(fault.Invalid, "tariff.period", "The period ends after it begins.").With("body.to", "must be after from", r.To)
		}
		t, err := s.candidate(ctx, tx, c, r, inline)
		if err != nil {
			return err
		}
		r.OCPI = &t.Source
		b = Backtest{ID: newID(tx), Org: r.Org, Title: title, Request: r, Status: "waiting", CreatedAt: tx.Now, CreatedBy: c.Actor()}
		if b.Total, err = countPast(tx, r.Selection); err != nil {
			return err
		}
		if err := insertBacktest(tx, b); err != nil {
			return err
		}
		return job.Enqueue(tx, job.Job{Kind: jobBacktest, Key: b.ID, Org: string(b.Org), Payload: backtestJob{b.ID}})
	})
	return b, err
}

func (s *Service) candidate(ctx context.Context, tx *db.Tx, c identity.Caller, r BacktestRequest, inline *tariffBody) (Tariff, error) {
	if inline == nil && r.Version > 0 {
		v, err := one(tx, c, r.Tariff, r.Version)
		return v.Tariff, asField(err, "body.tariff_id", string(r.Tariff))
	}
	return s.given(ctx, tx, c, r.Tariff, inline)
}

func insertBacktest(tx *db.Tx, b Backtest) error {
	text, err := json.Marshal(b.Request)
	if err != nil {
		return err
	}
	return tx.Send(`INSERT INTO tariff_backtest (id, org, title, request, status, total, done, result, problem, created_at, created_by)
		VALUES ($1,$2,$3,$4,$5,$6,0,'','',$7,$8)`, b.ID, string(b.Org), b.Title, string(text), b.Status, b.Total, db.Micros(b.CreatedAt), b.CreatedBy)
}

// runBacktest does the work; run again after a crash it begins anew.
func (s *Service) runBacktest(ctx context.Context, j job.Job) error {
	var ask backtestJob
	if err := j.Decode(&ask); err != nil {
		return job.Stop(err)
	}
	var b Backtest
	err := s.d.DB.Update(ctx, func(tx *db.Tx) (err error) {
		if b, err = backtestByID(tx, ask.ID, visibleAlways); err != nil {
			return err
		}
		return tx.Send(`UPDATE tariff_backtest SET status = 'running', done = 0, started_at = $2 WHERE id = $1`, ask.ID, db.Micros(tx.Now))
	})
	if err != nil {
		return err
	}
	t, err := FromOCPI(*b.Request.OCPI)
	if err != nil {
		return job.Stop(s.backtestFailed(ctx, ask.ID, err))
	}
	shown := int64(0)
	out, err := s.replay(ctx, b.Request.Selection, t, func(done int64) error {
		if done-shown < max(b.Total/50, backtestPage) {
			return nil
		}
		shown = done
		return s.d.DB.Update(ctx, func(tx *db.Tx) error {
			return tx.Send(`UPDATE tariff_backtest SET done = $2 WHERE id = $1`, ask.ID, done)
		})
	})
	if err != nil {
		if ctx.Err() == nil {
			err = s.backtestFailed(ctx, ask.ID, err)
		}
		return err
	}
	text, err := json.Marshal(out.Report())
	if err != nil {
		return err
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		return tx.Send(`UPDATE tariff_backtest SET status = 'done', done = $2, total = $2, result = $3, finished_at = $4 WHERE id = $1`,
			ask.ID, out.Total.Sessions+out.Skipped+out.Unread, string(text), db.Micros(tx.Now))
	})
}

// backtestFailed notes why; it gives the cause back.
func (s *Service) backtestFailed(ctx context.Context, id string, cause error) error {
	err := s.d.DB.Update(ctx, func(tx *db.Tx) error {
		return tx.Send(`UPDATE tariff_backtest SET status = 'failed', problem = $2, finished_at = $3 WHERE id = $1`, id, cause.Error(), db.Micros(tx.Now))
	})
	if err != nil {
		s.d.Log.Error("a failed back-test could not be marked", "backtest", id, "err", err)
	}
	return cause
}

// perKWh is a mean price, for people to compare; zero without energy.
func (t Tally) perKWh(m money.Micro) money.Micro {
	if t.Energy <= 0 {
		return 0
	}
	return money.Micro(scaleBy(int64(m), 1_000_000, int64(t.Energy)))
}
