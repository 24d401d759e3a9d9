package tariff

import (
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// Filter selects prices by where they hold. Empty lists mean all.
type Filter struct {
	Org      identity.OrgID `json:"organisation"`
	Sites    []string       `json:"sites,omitempty"`
	Stations []string       `json:"stations,omitempty"`
	Tariffs  []ID           `json:"tariffs,omitempty"`
	Groups   []string       `json:"groups,omitempty"`
}

// BulkChange is many prices changed at once.
type BulkChange struct {
	ID         string
	Org        identity.OrgID
	Title      string
	Request    BulkRequest
	Status     string
	Approval   bool
	Total      int64
	Done       int64
	Failed     int64
	Places     int64
	ApplyAt    *time.Time
	CreatedAt  time.Time
	CreatedBy  string
	ApprovedAt *time.Time
	ApprovedBy string
	StartedAt  *time.Time
	FinishedAt *time.Time
}

// BulkRequest is what was asked for.
type BulkRequest struct {
	Filter    Filter     `json:"filter"`
	Change    Alteration `json:"change"`
	Elsewhere string     `json:"elsewhere,omitempty"` // refuse, include
}

// Status of a bulk change.
const (
	BulkDraft       = "draft"
	BulkScheduled   = "scheduled"
	BulkRunning     = "running"
	BulkApplied     = "applied"
	BulkRollingBack = "rolling_back"
	BulkRolledBack  = "rolled_back"
	BulkCancelled   = "cancelled"
)

// bulkItem is one tariff or place of a change.
type bulkItem struct {
	Seq     int64
	Kind    string // version, assign
	Target  string
	State   string // planned, applied, failed, rolled_back
	Plan    itemPlan
	Undo    itemUndo
	Problem string
}

type itemPlan struct {
	Tariff  ID           `json:"tariff"`
	UID     uid          `json:"uid"`
	Org     string       `json:"organisation"`
	Number  int          `json:"version,omitempty"` // that was planned on
	Before  string       `json:"before"`            // one sentence
	After   string       `json:"after"`
	OCPI    *ocpi.Tariff `json:"ocpi,omitempty"`
	Site    string       `json:"site,omitempty"`
	Station string       `json:"station,omitempty"`
	EVSE    int          `json:"evse,omitempty"`
	Uses    int          `json:"uses,omitempty"`
}

func (p itemPlan) place() Place { return Place{identity.OrgID(p.Org), p.Site, p.Station, p.EVSE} }

type itemUndo struct {
	Number     int    `json:"version,omitempty"`    // that was written
	Assignment string `json:"assignment,omitempty"` // that was made
	Previous   uid    `json:"previous,omitempty"`   // tariff that the place had
}

const bulkColumns = `b.id, b.org, b.title, b.request, b.status, b.approval, b.total, b.done, b.failed, b.evses, b.apply_at,
	b.created_at, b.created_by, b.approved_at, b.approved_by, b.started_at, b.finished_at`

var bulkSpec = db.ListSpec{
	Base:    "SELECT " + bulkColumns + " FROM tariff_change b WHERE",
	Default: "-created_at",
	Key:     "b.id",
	Fields: []db.Field{
		{Name: "id", Column: "b.id", Kind: db.Text, Filter: true},
		{Name: "organisation", Column: "b.org", Kind: db.Text, Sort: true, Filter: true},
		{Name: "status", Column: "b.status", Kind: db.Enum, Sort: true, Filter: true,
			Allowed: []string{BulkDraft, BulkScheduled, BulkRunning, BulkApplied, BulkRollingBack, BulkRolledBack, BulkCancelled}},
		{Name: "created_at", Column: "b.created_at", Kind: db.Instant, Sort: true, Filter: true},
	},
}

func scanBulk(row db.Scanner) (BulkChange, error) {
	var b BulkChange
	var request string
	var created int64
	var at, approved, started, finished sql.NullInt64
	err := row.Scan(&b.ID, (*string)(&b.Org), &b.Title, &request, &b.Status, &b.Approval, &b.Total, &b.Done, &b.Failed, &b.Places, &at,
		&created, &b.CreatedBy, &approved, &b.ApprovedBy, &started, &finished)
	if err != nil {
		return b, err
	}
	b.ApplyAt, b.CreatedAt, b.ApprovedAt, b.StartedAt, b.FinishedAt = db.TimePtr(at), db.Time(created), db.TimePtr(approved), db.TimePtr(started), db.TimePtr(finished)
	return b, json.Unmarshal([]byte(request), &b.Request)
}

func bulkByID(tx *db.Tx, id string, visible db.Cond) (BulkChange, error) {
	text, args := db.Build("SELECT "+bulkColumns+" FROM tariff_change b WHERE b.id = ?", id).And(visible).SQL()
	b, err := scanBulk(tx.QueryRow(text, args...))
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "tariff.change_unknown", "there is no change %q", id)
	}
	return b, err
}

func insertBulk(tx *db.Tx, b BulkChange, items []bulkItem) error {
	request, err := json.Marshal(b.Request)
	if err != nil {
		return err
	}
	err = tx.Send(`INSERT INTO tariff_change (id, org, title, request, status, approval, total, done, failed, evses, created_at, created_by, approved_by)
		VALUES ($1,$2,$3,$4,$5,$6,$7,0,0,$8,$9,$10,'')`, b.ID, string(b.Org), b.Title, string(request), b.Status, b.Approval, int64(len(items)), b.Places, db.Micros(tx.Now), b.CreatedBy)
	if err != nil {
		return err
	}
	rows := make([][]any, len(items))
	for i, x := range items {
		plan, err := json.Marshal(x.Plan)
		if err != nil {
			return err
		}
		rows[i] = []any{b.ID, int64(i + 1), string(b.Org), x.Kind, x.Target, "planned", string(plan), "", ""}
	}
	return db.InsertRows(tx, "tariff_change_item", itemColumns, rows, "")
}

var itemColumns = []db.Col{{Name: "change", Type: "text"}, {Name: "seq", Type: "bigint"}, {Name: "org", Type: "text"}, {Name: "kind", Type: "text"}, {Name: "target", Type: "text"},
	{Name: "state", Type: "text"}, {Name: "plan", Type: "text"}, {Name: "undo", Type: "text"}, {Name: "problem", Type: "text"}}

// itemsOf gives items of a change in one of two states, after a number.
func itemsOf(tx *db.Tx, change string, after int64, limit int, states ...string) ([]bulkItem, error) {
	q := db.Build(`SELECT seq, kind, target, state, plan, undo, problem FROM tariff_change_item WHERE change = ? AND seq > ?`, change, after)
	if len(states) > 0 {
		q.Add("AND state = ?", states[0])
	}
	text, args := q.Add("ORDER BY seq LIMIT ?", limit).SQL()
	return db.Collect(tx, func(row db.Scanner) (bulkItem, error) {
		var x bulkItem
		var plan, undo string
		err := row.Scan(&x.Seq, &x.Kind, &x.Target, &x.State, &plan, &undo, &x.Problem)
		if err == nil {
			err = json.Unmarshal([]byte(plan), &x.Plan)
		}
		if err == nil && undo != "" {
			err = json.Unmarshal([]byte(undo), &x.Undo)
		}
		return x, err
	}, text, args...)
}

func saveItem(tx *db.Tx, change string, x bulkItem) error {
	undo, err := json.Marshal(x.Undo)
	if err != nil {
		return err
	}
	return tx.Send(`UPDATE tariff_change_item SET state = $3, undo = $4, problem = $5 WHERE change = $1 AND seq = $2`, change, x.Seq, x.State, string(undo), x.Problem)
}

// turn moves a change from one of some states to another; false when it is
// in none of them.
func turn(tx *db.Tx, change, to string, from ...string) (bool, error) {
	args := []any{to, change}
	for _, f := range from {
		args = append(args, f)
	}
	q := db.Build("UPDATE tariff_change SET status = ? WHERE id = ? AND status IN (?"+strings.Repeat(", ?", len(from)-1)+")", args...)
	text, all := q.SQL()
	n, err := tx.Exec(text, all...)
	return n == 1, err
}

// selectedUse is a tariff in use, and whether the filter covers the place.
type selectedUse struct {
	uid     uid
	covered bool
}

// usesIn gives every present or coming use of the tariffs that have at least
// one use in the filter.
func usesIn(tx *db.Tx, f Filter) ([]selectedUse, error) {
	now := db.Micros(tx.Now)
	in := func(column string, values []string) db.Cond {
		if len(values) == 0 {
			return db.Cond{Text: "1=1"}
		}
		c := db.Cond{Text: column + " IN (?" + strings.Repeat(", ?", len(values)-1) + ")"}
		for _, v := range values {
			c.Args = append(c.Args, v)
		}
		return c
	}
	names := make([]string, len(f.Tariffs))
	for i, t := range f.Tariffs {
		names[i] = key(t)
	}
	lower := make([]string, len(f.Stations))
	for i, s := range f.Stations {
		lower[i] = strings.ToLower(s)
	}
	q := db.Build(`WITH uses AS (SELECT tariff, org, site, station, '' AS tgroup FROM tariff_assignment WHERE (valid_to IS NULL OR valid_to > ?)
		UNION ALL SELECT e.tariff, p.org, p.site, p.station, e.tgroup FROM tariff_group_entry e JOIN tariff_group_place p ON p.tgroup = e.tgroup
		WHERE (e.valid_to IS NULL OR e.valid_to > ?) AND (p.valid_to IS NULL OR p.valid_to > ?)),
		hits AS (SELECT u.tariff, CASE WHEN 1=1`, now, now, now)
	for _, c := range []db.Cond{identity.ScopeOf(f.Org).Where("u.org"), in("u.site", f.Sites), in("lower(u.station)", lower), in("u.tgroup", f.Groups), in("t.id_key", names)} {
		q.And(c)
	}
	q.Add(`THEN 1 ELSE 0 END AS covered FROM uses u JOIN tariff t ON t.uid = u.tariff)
		SELECT h.tariff, h.covered FROM hits h WHERE h.tariff IN (SELECT x.tariff FROM hits x WHERE x.covered = 1) ORDER BY h.tariff`)
	text, args := q.SQL()
	return db.Collect(tx, func(row db.Scanner) (selectedUse, error) {
		var u selectedUse
		var covered int64
		err := row.Scan((*string)(&u.uid), &covered)
		u.covered = covered == 1
		return u, err
	}, text, args...)
}
