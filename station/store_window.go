package station

import (
	"context"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/identity"
)

const windowColumns = "id, org, site, label, opens_at, closes_at, max_stations, used, token, actor, created_at"

var windowSpec = db.ListSpec{
	Base:    "SELECT " + windowColumns + " FROM enrolment_window WHERE 1=1",
	Default: "-created_at",
	Key:     "id",
	Fields: []db.Field{
		{Name: "id", Column: "id", Kind: db.Text, Sort: true, Filter: true},
		{Name: "organisation", Column: "org", Kind: db.Text, Sort: true, Filter: true},
		{Name: "site", Column: "site", Kind: db.Text, Sort: true, Filter: true},
		{Name: "label", Column: "label", Kind: db.Text, Sort: true, Filter: true},
		{Name: "opens_at", Column: "opens_at", Kind: db.Instant, Sort: true, Filter: true},
		{Name: "closes_at", Column: "closes_at", Kind: db.Instant, Sort: true, Filter: true},
		{Name: "created_at", Column: "created_at", Kind: db.Instant, Sort: true, Filter: true},
	},
}

func scanWindow(row db.Scanner) (Window, error) {
	var w Window
	var opens, closes, created int64
	err := row.Scan(&w.ID, &w.Org, &w.Site, &w.Label, &opens, &closes, &w.Max, &w.Used, &w.sealed, &w.Actor, &created)
	w.OpensAt, w.ClosesAt, w.Created, w.Token = db.Time(opens), db.Time(closes), db.Time(created), w.sealed != ""
	return w, err
}

func insertWindow(tx *db.Tx, w Window) error {
	return tx.Send("INSERT INTO enrolment_window ("+windowColumns+") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)",
		w.ID, w.Org, w.Site, w.Label, db.Micros(w.OpensAt), db.Micros(w.ClosesAt), w.Max, w.Used, w.sealed, w.Actor, db.Micros(w.Created))
}

// Windows lists enrolment windows, open and past.
func (s *Service) Windows(ctx context.Context, req db.ListRequest) (windows []Window, next string, err error) {
	caller, err := identity.Require(ctx, identity.StationRead)
	if err != nil {
		return nil, "", err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		windows, next, err = db.List(tx, windowSpec, []db.Cond{caller.Scope.Where("org")}, req, scanWindow)
		return err
	})
	return windows, next, err
}
