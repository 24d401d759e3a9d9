package device

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/station"
)

const templateColumns = `id, org, site, name, notes, vendor, model, firmware, versions, priority, enabled, variables, monitors, created_at, created_by, changed_at, changed_by`

func scanTemplate(row db.Scanner) (Template, error) {
	var t Template
	var versions, variables, monitors string
	var created, changed int64
	if err := row.Scan(&t.ID, &t.Org, &t.Site, &t.Name, &t.Notes, &t.Vendor, &t.Model, &t.Firmware, &versions, &t.Priority, &t.Enabled, &variables, &monitors, &created, &t.CreatedBy, &changed, &t.ChangedBy); err != nil {
		return t, err
	}
	t.Versions, t.CreatedAt, t.ChangedAt = members(versions), db.Time(created), db.Time(changed)
	var err error
	if t.Variables, err = decodeList[Item](variables); err == nil {
		t.Monitors, err = decodeList[MonitorItem](monitors)
	}
	return t, err
}

func saveTemplate(tx *db.Tx, t Template) error {
	variables, err := json.Marshal(t.Variables)
	if err != nil {
		return err
	}
	monitors, err := json.Marshal(t.Monitors)
	if err != nil {
		return err
	}
	return tx.Send(`INSERT INTO device_template (`+templateColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17)
		ON CONFLICT (id) DO UPDATE SET site=excluded.site, name=excluded.name, notes=excluded.notes, vendor=excluded.vendor, model=excluded.model, firmware=excluded.firmware,
		versions=excluded.versions, priority=excluded.priority, enabled=excluded.enabled, variables=excluded.variables, monitors=excluded.monitors,
		changed_at=excluded.changed_at, changed_by=excluded.changed_by`,
		t.ID, t.Org, t.Site, t.Name, t.Notes, t.Vendor, t.Model, t.Firmware, strings.Join(t.Versions, ","), t.Priority, t.Enabled, string(variables), string(monitors),
		db.Micros(t.CreatedAt), t.CreatedBy, db.Micros(t.ChangedAt), t.ChangedBy)
}

// templateOf loads a template that is in the scope.
func templateOf(tx *db.Tx, id string, scope identity.Scope) (Template, error) {
	q, args := db.Build("SELECT "+templateColumns+" FROM device_template WHERE id = ?", id).And(scope.Where("org")).SQL()
	t, err := scanTemplate(tx.QueryRow(q, args...))
	if fault.Is(err, fault.NotFound) {
		return t, fault.New(fault.NotFound, "device.template_unknown", "there is no template %q", clip(id, 40))
	}
	return t, err
}

// above gives an organisation and those above it, the root first.
func above(tx *db.Tx, org string) ([]string, error) {
	o, err := identity.Lookup(tx, identity.OrgID(org))
	if err != nil {
		return nil, err
	}
	return strings.Split(strings.Trim(o.Path, "/"), "/"), nil
}

// templatesFor gives the templates that apply to a station, the strongest
// first.
func templatesFor(tx *db.Tx, st station.Station) ([]Template, error) {
	orgs, err := above(tx, st.Org)
	if err != nil {
		return nil, err
	}
	q := db.Build("SELECT " + templateColumns + " FROM device_template WHERE enabled AND org IN (")
	for i, org := range orgs {
		mark := "?"
		if i > 0 {
			mark = ", ?"
		}
		q.Add(mark, org)
	}
	query, args := q.Add(")").SQL()
	all, err := db.Collect(tx, scanTemplate, query, args...)
	if err != nil {
		return nil, err
	}
	var out []Template
	for _, t := range all {
		if t.depth = slices.Index(orgs, t.Org); t.applies(st) {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, Template.before)
	return out, nil
}
