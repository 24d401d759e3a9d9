package device

import (
	"context"
	"slices"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/station"
)

// Preview is what a template would do, from what the stations last told;
// nothing is sent.
type Preview struct {
	Stations, Changing, Same int // it applies to; of them with changes; without
	Changes                  []Planned
	More                     bool // there are more than are listed
}

// Planned is a variable of a station that a template would change, or why it
// would not.
type Planned struct {
	Station string
	Path    string
	Actual  string // as last told; empty when not known
	Wanted  string
	What    string // see the constants below
	By      string // Overruled: the rule that counts
	Problem string // Impossible: what is wrong with the value
}

// What would become of a wish.
const (
	Changes    = "change"
	Fits       = "same"
	Unknown    = "unknown_variable" // the station never told of it
	Overrules  = "overruled"        // something stronger wants another value
	Impossible = "impossible"       // the value is not allowed at this station
)

// mostPlanned bounds the list of a preview.
const mostPlanned = 2000

// PreviewTemplate works out what a template, stored or not, would change.
func (s *Service) PreviewTemplate(ctx context.Context, t Template) (p Preview, err error) {
	c, err := identity.Require(ctx, identity.DeviceRead)
	if err != nil {
		return p, err
	}
	if err := t.check(); err != nil {
		return p, err
	}
	asked := t
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		t, p = asked, Preview{}
		if t.ID != "" {
			stored, err := templateOf(tx, t.ID, c.Scope)
			if err != nil {
				return err
			}
			t.Org, t.CreatedAt = stored.Org, stored.CreatedAt
		} else {
			org, err := identity.Place(ctx, tx, identity.OrgID(t.Org))
			if err != nil {
				return err
			}
			t.Org, t.ID, t.CreatedAt = string(org), "new", tx.Now
		}
		t.Enabled = true // what it would do
		return s.matching(tx, t, func(st station.Station) error { return s.plan(tx, t, st, &p) })
	})
	return p, err
}

// plan adds one station.
func (s *Service) plan(tx *db.Tx, t Template, st station.Station, p *Preview) error {
	templates, err := templatesFor(tx, st)
	if err != nil {
		return err
	}
	orgs, err := above(tx, st.Org)
	if err != nil {
		return err
	}
	t.depth = slices.Index(orgs, t.Org)
	templates = append(slices.DeleteFunc(templates, func(o Template) bool { return o.ID == t.ID }), t)
	slices.SortFunc(templates, Template.before)
	if templates, err = s.expanded(tx, st, templates); err != nil {
		return err
	}
	before, err := desiredOf(tx, string(st.ID))
	if err != nil {
		return err
	}
	rules, overruled := layer(nil, templates, before)
	paths := make([]string, len(rules))
	for i, r := range rules {
		paths[i] = r.target().Path()
	}
	have, err := variablesAt(tx, string(st.ID), paths)
	if err != nil {
		return err
	}
	var planned []Planned
	changes := false
	for i, r := range rules {
		if r.ID != t.rule() {
			continue
		}
		v, known := have[paths[i]]
		one := Planned{Station: string(st.ID), Path: paths[i], Actual: v.Value, Wanted: r.Candidates[0], What: Changes}
		switch {
		case !known:
			one.What = Unknown
		case r.satisfied(v.Value, r.Candidates[0]):
			one.What = Fits
		default:
			if one.Problem = v.Check(r.Candidates[0], st.Protocol); one.Problem != "" {
				one.What = Impossible
			}
		}
		changes = changes || one.What != Fits
		planned = append(planned, one)
	}
	for _, o := range overruled {
		if o.Rule == t.rule() {
			planned = append(planned, Planned{Station: string(st.ID), Path: o.Path, Wanted: o.Value, What: Overrules, By: o.By})
		}
	}
	p.Stations++
	if changes {
		p.Changing++
	} else {
		p.Same++
	}
	for _, one := range planned {
		if one.What == Fits {
			continue
		}
		if len(p.Changes) >= mostPlanned {
			p.More = true
			break
		}
		p.Changes = append(p.Changes, one)
	}
	return nil
}
