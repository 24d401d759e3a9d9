package station

import (
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/location"
)

// sealed are the kept passwords of a station.
type sealed struct{ now, next string }

// sealedOf reads the kept passwords of the stations whose rows bring one.
func (r *importing) sealedOf(lines []bulkLine) (map[ID]sealed, error) {
	var keys []string
	for _, l := range lines {
		if l.secret != "" {
			keys = append(keys, l.id.Key())
		}
	}
	out := map[ID]sealed{}
	if len(keys) == 0 {
		return out, nil
	}
	where, args := in("key", keys)
	_, err := db.Collect(r.tx, func(row db.Scanner) (struct{}, error) {
		var id ID
		var p sealed
		err := row.Scan(&id, &p.now, &p.next)
		out[id] = p
		return struct{}{}, err
	}, "SELECT id, password, password_next FROM charging_station WHERE "+where, args...)
	return out, err
}

// create makes a new station of a row; nil when the row is wrong.
func (r *importing) create(l bulkLine, generated string) (*tree, error) {
	site, err := r.site(l)
	if err != nil {
		return nil, err
	}
	org, err := r.owner(l, site)
	if err != nil || org == "" {
		return nil, err
	}
	s, tx := r.s, r.tx
	st := Station{
		ID: l.id, Org: org, Site: string(site.ID), SiteName: site.Name, Name: l.name, Life: Active, Profile: 1, Operative: true,
		Announced: true, Heartbeat: s.d.Heartbeat, CreatedAt: tx.Now, ActivatedAt: &tx.Now,
	}
	if l.profile != nil {
		st.Profile = *l.profile
	}
	if l.active != nil && !*l.active {
		st.Life, st.ActivatedAt = Inactive, nil
	}
	secret := r.secretFor(l, st.Profile, generated)
	st.HasPassword = secret != ""
	t := newTree(st, nil)
	if r.ports(l, t); r.bad.Any() {
		return nil, nil
	}
	t.settle(tx.Now)
	t.before = t.Station // the row is written now, but for what boots tell
	t.Vendor, t.Model, t.Serial = l.vendor, l.model, l.serial
	kept := ""
	if secret != "" {
		kept = s.verify.seal(st.ID, secret)
	}
	if n, err := insertStation(tx, &t.before, kept); err != nil {
		return nil, err
	} else if n == 0 {
		r.bad.Add(l.row.At("id"), "there is a charging station of this id already", string(l.id))
		return nil, nil
	}
	if t.Life == Active {
		if err := insertPlan(tx, &t.Station, 0, planAll); err != nil {
			return nil, err
		}
	}
	t.facts = append(t.facts, fact{KindCreated, changedOf(&t.Station)})
	s.announce(tx, t.ID)
	if err := forgetKnock(tx, t.ID.Key()); err != nil {
		return nil, err
	}
	r.out.Created++
	return t, s.audit(r.ctx, tx, &t.Station, "station.created", map[string]identity.Change{"security_profile": {nil, t.Profile}, "active": {nil, t.Life == Active}, "imported": {nil, true}})
}

// secretFor is the password a new station gets, noted when it is ours.
func (r *importing) secretFor(l bulkLine, profile int, generated string) string {
	if l.secret != "" || profile == 0 {
		return l.secret
	}
	r.out.Passwords = append(r.out.Passwords, NewCredentials{ID: l.id, Password: generated, URL: r.s.d.URL(string(l.id))})
	return generated
}

// change applies a row to a station that is there; nil when nothing is to be
// written.
func (r *importing) change(l bulkLine, t *tree, kept sealed, generated string) (*tree, error) {
	mine, err := r.sees(t.Org)
	if err != nil {
		return nil, err
	}
	switch {
	case !mine:
		r.bad.Add(l.row.At("id"), "there is a charging station of this id already", string(l.id))
		return nil, nil
	case r.how.CreateOnly && t.Life != Retired:
		r.bad.Add(l.row.At("id"), "there is a charging station of this id already; leave the row out, or import with mode=upsert to change it", string(l.id))
		return nil, nil
	}
	site, err := r.site(l)
	if err != nil {
		return nil, err
	}
	revived := t.Life == Retired
	if revived {
		t.Life, t.RetiredAt, t.Quarantined, t.ActivatedAt = Inactive, nil, nil, nil
		t.facts = append(t.facts, fact{KindCreated, changedOf(&t.Station)})
		if l.active == nil {
			yes := true
			l.active = &yes
		}
		if l.secret = r.secretFor(l, t.Profile, generated); l.secret != "" {
			kept = sealed{} // the old one ended with the old life
		}
	}
	if r.describe(l, t, site); r.bad.Any() {
		return nil, nil
	}
	changes, err := r.write(l, t, kept, revived)
	if err != nil {
		return nil, err
	}
	if changes == nil {
		r.out.Unchanged++
		return nil, nil
	}
	if r.out.Changed++; revived {
		r.out.Changed--
		r.out.Created++
	}
	return t, r.s.audit(r.ctx, r.tx, &t.Station, "station.imported", changes)
}

// describe takes into the tree what the row says.
func (r *importing) describe(l bulkLine, t *tree, site location.Site) {
	if site.ID != "" {
		t.Org, t.Site, t.SiteName = site.Org, string(site.ID), site.Name
	}
	if l.org != "" && !strings.EqualFold(l.org, t.Org) {
		r.bad.Add(l.row.At("organisation"), "the station belongs to the organisation "+t.Org+"; it moves with its site", l.org)
	}
	if l.name != "" {
		t.Name = l.name
	}
	if l.profile != nil {
		t.Profile = *l.profile
	}
	for _, f := range []struct {
		column, v string
		dst       *string
	}{{"vendor", l.vendor, &t.Vendor}, {"model", l.model, &t.Model}, {"serial_number", l.serial, &t.Serial}} {
		switch {
		case f.v == "" || f.v == *f.dst:
		case t.BootedAt != nil && *f.dst != "":
			l.row.Note(f.column, "the station itself told "+*f.dst+", which was kept")
		default:
			*f.dst = f.v
		}
	}
	r.ports(l, t)
}

// write stores what is not in the tree, and says what changed; nil: nothing.
func (r *importing) write(l bulkLine, t *tree, kept sealed, revived bool) (map[string]identity.Change, error) {
	if l.active != nil {
		if err := r.s.setActive(r.tx, t, *l.active); err != nil {
			return nil, err
		}
	}
	for _, p := range l.ports {
		if e := t.find(p.EVSE); e != nil && e.Edited {
			if err := r.dropConnectors(t, e, p); err != nil {
				return nil, err
			}
		}
	}
	t.settle(r.tx.Now)
	changes := differences(&t.before, &t.Station)
	if t.Vendor != t.before.Vendor || t.Model != t.before.Model || t.Serial != t.before.Serial {
		changes["device"] = identity.Change{t.before.Vendor + " " + t.before.Model + " " + t.before.Serial, t.Vendor + " " + t.Model + " " + t.Serial}
	}
	if t.portsChanged() {
		changes["ports"] = identity.Change{writeConnectors(present(t.was)), writeConnectors(present(t.EVSEs))}
	}
	if l.secret != "" {
		rotated, err := r.password(l, t, kept, revived)
		if err != nil {
			return nil, err
		}
		if rotated {
			changes["password"] = identity.Change{"kept", "imported"}
		}
	}
	if len(changes) == 0 {
		return nil, nil
	}
	if len(t.facts) == 0 {
		t.facts = append(t.facts, fact{KindChanged, changedOf(&t.Station)})
	}
	return changes, nil
}

// password keeps the password of a row beside the one in use, which ends when
// the new one is used (field note 22); of a revived station it is the only one.
func (r *importing) password(l bulkLine, t *tree, kept sealed, revived bool) (bool, error) {
	fresh := r.s.verify.seal(t.ID, l.secret)
	if !revived && (fresh == kept.now || fresh == kept.next) {
		return false, nil
	}
	query := "UPDATE charging_station SET password_next = $2, password = CASE WHEN password = '' THEN $2 ELSE password END WHERE id = $1"
	if revived {
		query = "UPDATE charging_station SET password = $2, password_next = '', password_shared = (1 = 0) WHERE id = $1"
	}
	_, err := r.tx.Exec(query, string(t.ID), fresh)
	r.s.announce(r.tx, t.ID)
	return true, err
}

// ports takes what the row says of ports into the tree.
func (r *importing) ports(l bulkLine, t *tree) {
	for _, p := range l.ports {
		existing := t.find(p.EVSE)
		for i, c := range p.Connectors {
			old := connectorOf(existing, c.ID)
			if old != nil && typeWord(old.Type) == c.Type {
				p.Connectors[i].Type = old.Type // as the station writes it
			} else if !knownType(c.Type) {
				r.bad.Add(l.row.At("connectors"), "the connector type is not known; allowed are those of OCPI, "+strings.Join(ocpiTypes, ", ")+", and CCS2, CCS1, CHAdeMO, Type2, Type1, NACS, Schuko", c.Type)
				return
			}
		}
		if existing != nil && existing.RemovedAt == nil && sameConnectors(existing, p) {
			continue
		}
		e := t.evse(p.EVSE, r.tx.Now)
		if len(p.Connectors) > 0 {
			e.Edited = true
			describePort(e, p)
		}
	}
	for n, label := range l.labels {
		if e := t.find(n); e == nil || e.Label != label {
			t.evse(n, r.tx.Now).Label = label
		}
	}
	for n, watts := range l.power {
		if e := t.find(n); e == nil || e.MaxPower != watts {
			e = t.evse(n, r.tx.Now)
			e.MaxPower, e.Edited = watts, true
		}
	}
}

func connectorOf(e *EVSE, id int) *Connector {
	if e == nil {
		return nil
	}
	for i := range e.Connectors {
		if e.Connectors[i].ID == id {
			return &e.Connectors[i]
		}
	}
	return nil
}

// sameConnectors tells whether a port has the connectors that a row names;
// what the row leaves out is not compared.
func sameConnectors(e *EVSE, p PortSpec) bool {
	if len(p.Connectors) == 0 {
		return true
	}
	if len(e.Connectors) != len(p.Connectors) {
		return false
	}
	agree := func(told, is string) bool { return told == "" || told == is }
	for _, c := range p.Connectors {
		o := connectorOf(e, c.ID)
		if o == nil || !agree(c.Type, o.Type) || !agree(c.Format, o.Format) || !agree(c.PowerType, o.PowerType) || c.MaxPower != 0 && c.MaxPower != o.MaxPower {
			return false
		}
	}
	return true
}

// dropConnectors removes the connectors that a row no longer names.
func (r *importing) dropConnectors(t *tree, e *EVSE, p PortSpec) error {
	if len(p.Connectors) == 0 || sameConnectors(e, p) {
		return nil
	}
	return replaceConnectors(r.tx, t, e, p.Connectors)
}

// portsChanged tells whether a port or connector is another than it was
// loaded.
func (t *tree) portsChanged() bool {
	if len(t.EVSEs) != len(t.was) {
		return true
	}
	var r rows
	r.gather(t)
	return len(r.ports)+len(r.connectors) > 0
}
