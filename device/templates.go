package device

import (
	"context"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/station"
)

// SaveTemplate creates a template, or replaces the one with its id. Stations
// it applied to or applies to now are compared with it soon.
func (s *Service) SaveTemplate(ctx context.Context, t Template) (Template, error) {
	c, err := identity.Require(ctx, identity.DeviceWrite)
	if err != nil {
		return t, err
	}
	if err := t.check(); err != nil {
		return t, err
	}
	asked := t
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		t = asked
		before, err := s.placeTemplate(ctx, tx, c, &t)
		if err != nil {
			return err
		}
		if err := s.siteOf(tx, t); err != nil {
			return err
		}
		if err := saveTemplate(tx, t); err != nil {
			return err
		}
		if err := s.wantFleet(tx, before, t); err != nil {
			return err
		}
		action := "device_template.changed"
		if before.ID == "" {
			action = "device_template.created"
		}
		return identity.Audit(ctx, tx, identity.Entry{Org: identity.OrgID(t.Org), Action: action, Subject: t.ID, Changes: changesOf(before, t)})
	})
	return t, err
}

// placeTemplate gives a new template its organisation and id, and an old one
// what may not change.
func (s *Service) placeTemplate(ctx context.Context, tx *db.Tx, c identity.Caller, t *Template) (before Template, err error) {
	if t.ID != "" {
		if before, err = templateOf(tx, t.ID, c.Scope); err != nil {
			return before, err
		}
		t.Org, t.CreatedAt, t.CreatedBy = before.Org, before.CreatedAt, before.CreatedBy
	} else {
		org, err := identity.Place(ctx, tx, identity.OrgID(t.Org))
		if err != nil {
			return before, err
		}
		t.ID, t.Org, t.CreatedAt, t.CreatedBy = id.New[string](tx.Now), string(org), tx.Now, c.Name
	}
	t.ChangedAt, t.ChangedBy = tx.Now, c.Name
	return before, nil
}

// siteOf refuses a site at which the template could match nothing.
func (s *Service) siteOf(tx *db.Tx, t Template) error {
	if t.Site == "" || s.d.Sites == nil {
		return nil
	}
	org, err := s.d.Sites(tx, t.Site)
	in := false
	if err == nil {
		in, err = identity.ScopeOf(identity.OrgID(t.Org)).Has(tx, identity.OrgID(org))
	}
	if fault.Is(err, fault.NotFound) || err == nil && !in {
		return fault.New(fault.Invalid, "device.template", "There is no site %q in the template's organisation.", t.Site).With("body.site", "must be a site of the organisation or below it", t.Site)
	}
	return err
}

func changesOf(a, b Template) map[string]identity.Change {
	out := map[string]identity.Change{}
	note := func(name string, was, is any) {
		if was != is {
			out[name] = identity.Change{was, is}
		}
	}
	note("name", a.Name, b.Name)
	note("enabled", a.Enabled, b.Enabled)
	note("priority", a.Priority, b.Priority)
	note("variables", len(a.Variables), len(b.Variables))
	note("monitors", len(a.Monitors), len(b.Monitors))
	return out
}

// fleetAtOnce is how many stations are read at a time.
const fleetAtOnce = 500

// matching walks over the stations a template applies to.
func (s *Service) matching(tx *db.Tx, t Template, do func(st station.Station) error) error {
	var after station.ID
	for {
		page, err := s.d.Stations.Fleet(tx, identity.ScopeOf(identity.OrgID(t.Org)), t.Site, after, fleetAtOnce)
		if err != nil {
			return err
		}
		for _, st := range page {
			after = st.ID
			if t.applies(st) {
				if err := do(st); err != nil {
					return err
				}
			}
		}
		if len(page) < fleetAtOnce {
			return nil
		}
	}
}

// wantFleet has the stations of templates compared soon.
func (s *Service) wantFleet(tx *db.Tx, templates ...Template) error {
	seen := map[string]bool{}
	var all []string
	for _, t := range templates {
		if t.ID == "" {
			continue
		}
		if err := s.matching(tx, t, func(st station.Station) error {
			if !seen[string(st.ID)] {
				seen[string(st.ID)] = true
				all = append(all, string(st.ID))
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return wanted(tx, all)
}

// DeleteTemplate removes a template. Stations keep the values; what ranks
// below it counts again.
func (s *Service) DeleteTemplate(ctx context.Context, template string) error {
	c, err := identity.Require(ctx, identity.DeviceWrite)
	if err != nil {
		return err
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		t, err := templateOf(tx, template, c.Scope)
		if err != nil {
			return err
		}
		if err := tx.Send("DELETE FROM device_template WHERE id = $1", t.ID); err != nil {
			return err
		}
		if err := s.wantFleet(tx, t); err != nil {
			return err
		}
		return identity.Audit(ctx, tx, identity.Entry{Org: identity.OrgID(t.Org), Action: "device_template.deleted", Subject: t.ID, Changes: map[string]identity.Change{"name": {t.Name, nil}}})
	})
}

// ReadTemplate gives a template the caller may see.
func (s *Service) ReadTemplate(ctx context.Context, template string) (t Template, err error) {
	c, err := identity.Require(ctx, identity.DeviceRead)
	if err != nil {
		return t, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error { t, err = templateOf(tx, template, c.Scope); return err })
	return t, err
}

// Reapply forgets that stations of a template refused something, and has them
// compared soon.
func (s *Service) Reapply(ctx context.Context, template string) error {
	c, err := identity.Require(ctx, identity.DeviceWrite)
	if err != nil {
		return err
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		t, err := templateOf(tx, template, c.Scope)
		if err != nil {
			return err
		}
		if err := tx.Send("UPDATE device_desired SET status = $2 WHERE rule = $1 AND status IN ($3, $4, $5)", t.rule(), Pending, Refused, Unverified, Reboot); err != nil {
			return err
		}
		return s.wantFleet(tx, t)
	})
}

// TemplateOf proposes a template from what a station has now: its changeable
// variables, without secrets and what belongs to one device only. It is not
// stored.
func (s *Service) TemplateOf(ctx context.Context, st station.ID, everything bool) (t Template, err error) {
	err = s.d.Stations.Visible(ctx, identity.DeviceRead, st, func(tx *db.Tx, found station.Station) error {
		have, err := db.Collect(tx, scanVariable, "SELECT "+variableColumns+" FROM device_variable WHERE station = $1 AND mutability IN ('ReadWrite', 'WriteOnly') ORDER BY path", string(found.ID))
		if err != nil {
			return err
		}
		wishes, err := desiredOf(tx, string(found.ID))
		if err != nil {
			return err
		}
		wished := map[string]bool{}
		for _, d := range wishes {
			wished[d.Path] = d.Rule == byOperator || strings.HasPrefix(d.Rule, fromTemplate)
		}
		t = Template{Name: found.Vendor + " " + found.Model, Org: found.Org, Vendor: found.Vendor, Model: found.Model, Firmware: found.Firmware, Enabled: false}
		if found.Protocol != "" {
			t.Versions = []string{found.Protocol}
		}
		for _, v := range have {
			if v.common() && (everything || wished[v.Path()] || v.Attribute == actual) && v.Check(v.Value, found.Protocol) == "" {
				t.Variables = append(t.Variables, itemOf(v))
			}
		}
		return nil
	})
	return t, err
}

// oneOnly are variables that name or place a single device.
var oneOnly = map[string]bool{"identity": true, "serialnumber": true, "iccid": true, "imsi": true, "evseid": true, "iso15118evseid": true, "chargingstationid": true, "networkaddress": true,
	"ocppcsmsurl": true, "networkconfigurationpriority": true, "securityprofile": true, "organizationname": true, "cponame": true, "seccid": true, "datetime": true, "availabilitystate": true,
	"identityname": true, "basicauthuser": true, "simpin": true}

// common holds for a variable that stations of a kind can share.
func (v Variable) common() bool {
	return v.Value != "" && !secretName.MatchString(v.Name) && !oneOnly[strings.ToLower(v.Name)] && !strings.EqualFold(v.Component, "NetworkConfiguration")
}

// Progress is how far a template got.
type Progress struct {
	Stations                                                    int // it applies to
	Applied, Pending, Failed, Offline, Paused, Drifted, Partial int // of them
	Variables                                                   map[string]int
	At                                                          time.Time
}

// TemplateProgress counts the stations of a template by how far it got.
// Applied: all variables are met; Partial: some are not supported; Failed: a
// variable was refused; Pending: not compared since the template changed.
func (s *Service) TemplateProgress(ctx context.Context, template string) (p Progress, err error) {
	c, err := identity.Require(ctx, identity.DeviceRead)
	if err != nil {
		return p, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		t, err := templateOf(tx, template, c.Scope)
		if err != nil {
			return err
		}
		p = Progress{At: tx.Now, Variables: map[string]int{}}
		rows, err := db.Collect(tx, scanDesired, "SELECT "+desiredColumns+" FROM device_desired WHERE rule = $1 ORDER BY station, path", t.rule())
		if err != nil {
			return err
		}
		byStation := map[string][]Desired{}
		for _, d := range rows {
			byStation[d.Station] = append(byStation[d.Station], d)
			p.Variables[d.Status]++
		}
		return s.matching(tx, t, func(st station.Station) error {
			known, err := stateOf(tx, string(st.ID))
			if err != nil {
				return err
			}
			p.count(st, known, t, byStation[string(st.ID)])
			return nil
		})
	})
	return p, err
}

// count adds a station with what became of its wishes.
func (p *Progress) count(st station.Station, known state, t Template, wishes []Desired) {
	p.Stations++
	if known.PausedAt != nil {
		p.Paused++
	}
	if known.SyncedAt == nil || !known.SyncedAt.After(t.ChangedAt) {
		p.Pending++
		if !st.Connected {
			p.Offline++
		}
		return
	}
	worst, drifted := 0, false
	for _, d := range wishes {
		drifted = drifted || d.DriftedAt != nil
		switch d.Status {
		case Pending:
			worst = max(worst, 3)
		case Refused, Unverified, FixedValue, Drifted:
			worst = max(worst, 2)
		case Unsupported:
			worst = max(worst, 1)
		}
	}
	if drifted {
		p.Drifted++
	}
	switch worst {
	case 3:
		p.Pending++
	case 2:
		p.Failed++
	case 1:
		p.Partial++
	default:
		p.Applied++
	}
}
