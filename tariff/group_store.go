package tariff

import (
	"database/sql"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/identity"
)

// atVersion joins the version v of tariff t that held at an instant: of those
// that had begun, the one that began last. A session that started before the
// first was written, as an offline station may report, gets the first.
const atVersion = `v.version = COALESCE((SELECT x.version FROM tariff_version x WHERE x.tariff = t.uid AND x.valid_from <= ?
	ORDER BY x.valid_from DESC, x.version DESC LIMIT 1), 1)`

// candidates gives every price that somebody may have at one of the places at
// an instant; overrides only those for the token. all: also entries that are
// not for the driver, to explain them.
func candidates(tx *db.Tx, places []Place, d Driver, at time.Time, all bool) ([]Candidate, error) {
	targets := make([]any, len(places))
	depth := map[string]int{}
	for i, p := range places {
		targets[i] = p.target()
		if p.Level() == LevelOrganisation {
			depth[p.target()] = i
		}
	}
	marks := "(?" + strings.Repeat(", ?", len(targets)-1) + ")"
	us := db.Micros(at)
	during := func(alias string) string {
		return alias + ".valid_from <= ? AND (" + alias + ".valid_to IS NULL OR " + alias + ".valid_to > ?)"
	}
	q := db.Build(`SELECT 'assignment', a.id, '', '', FALSE, 'default', '', 0, a.level, a.target, a.valid_from, a.valid_to, t.id, t.org, v.id
		FROM tariff_assignment a JOIN tariff t ON t.uid = a.tariff JOIN tariff_version v ON v.tariff = t.uid AND `+atVersion, us)
	q.Add("WHERE a.target IN "+marks, targets...).Add("AND "+during("a"), us, us)
	q.Add(`UNION ALL SELECT 'group', e.id, g.id, g.name, g.closed, e.audience, e.ref, e.position, p.level, p.target,
		CASE WHEN e.valid_from > p.valid_from THEN e.valid_from ELSE p.valid_from END,
		CASE WHEN e.valid_to IS NULL OR p.valid_to < e.valid_to THEN p.valid_to ELSE e.valid_to END, t.id, t.org, v.id
		FROM tariff_group_place p JOIN tariff_group g ON g.id = p.tgroup JOIN tariff_group_entry e ON e.tgroup = g.id
		JOIN tariff t ON t.uid = e.tariff JOIN tariff_version v ON v.tariff = t.uid AND `+atVersion, us)
	q.Add("WHERE p.target IN "+marks, targets...).Add("AND "+during("p"), us, us).Add("AND "+during("e"), us, us)
	if !all {
		q.And(forThem(d))
	}
	if d.Token != "" {
		q.Add(`UNION ALL SELECT 'override', o.id, '', '', FALSE, 'override', o.token, 0, o.level, o.target, o.valid_from, o.valid_to, t.id, t.org, v.id
			FROM tariff_override o JOIN tariff t ON t.uid = o.tariff JOIN tariff_version v ON v.tariff = t.uid AND `+atVersion, us)
		q.Add("WHERE o.token = ?", d.Token).Add("AND o.target IN "+marks, targets...).Add("AND "+during("o"), us, us)
	}
	text, args := q.SQL()
	return db.Collect(tx, func(row db.Scanner) (Candidate, error) { return scanCandidate(row, depth) }, text, args...)
}

func scanCandidate(row db.Scanner, depth map[string]int) (Candidate, error) {
	var c Candidate
	var target string
	var from int64
	var to sql.NullInt64
	err := row.Scan(&c.Source, &c.ID, &c.Group, &c.GroupName, &c.Closed, (*string)(&c.Audience), &c.Ref, &c.Position, (*int)(&c.Level),
		&target, &from, &to, (*string)(&c.Tariff), (*string)(&c.TariffOrg), (*string)(&c.Version))
	c.Depth, c.To = depth[target], db.TimePtr(to)
	if from != 0 {
		c.From = db.Time(from)
	}
	return c, err
}

// forThem leaves out entries of audiences that the driver has nothing to do with.
func forThem(d Driver) db.Cond {
	c := db.Cond{Text: "e.audience IN ('default'"}
	seen := map[Audience]bool{}
	add := func(a Audience) {
		if !seen[a] {
			seen[a] = true
			c.Text += ", ?"
			c.Args = append(c.Args, string(a))
		}
	}
	for _, m := range d.Memberships {
		add(m.Audience)
	}
	switch {
	case d.Known:
	case d.Provider != "":
		add(AudienceRoaming)
	default:
		add(AudienceAdHoc)
	}
	c.Text += ")"
	return c
}

// memberships gives what a token or driver belonged to at an instant, as
// organisations related to org say.
func memberships(tx *db.Tx, org identity.OrgID, d Driver, at time.Time) ([]Membership, error) {
	if d.Token == "" && d.ID == "" {
		return nil, nil
	}
	us := db.Micros(at)
	q := db.Build(`SELECT audience, ref FROM tariff_member WHERE (kind = 'token' AND member = ? OR kind = 'driver' AND member = ?)`, d.Token, d.ID)
	q.Add("AND valid_from <= ? AND (valid_to IS NULL OR valid_to > ?)", us, us).And(identity.Kin("org", org)).Add("ORDER BY id")
	text, args := q.SQL()
	return db.Collect(tx, func(row db.Scanner) (Membership, error) {
		var m Membership
		return m, row.Scan((*string)(&m.Audience), &m.Ref)
	}, text, args...)
}

const groupColumns = `g.id, g.org, g.name, g.closed, g.created_at, g.updated_at`

var groupSpec = db.ListSpec{
	Base:    "SELECT " + groupColumns + " FROM tariff_group g WHERE",
	Default: "name",
	Key:     "g.id",
	Fields: []db.Field{
		{Name: "id", Column: "g.id", Kind: db.Text, Filter: true},
		{Name: "name", Column: "g.name", Kind: db.Text, Sort: true, Filter: true},
		{Name: "organisation", Column: "g.org", Kind: db.Text, Sort: true, Filter: true},
		{Name: "closed", Column: "g.closed", Kind: db.Bool, Filter: true},
		{Name: "created_at", Column: "g.created_at", Kind: db.Instant, Sort: true, Filter: true},
		{Name: "updated_at", Column: "g.updated_at", Kind: db.Instant, Sort: true, Filter: true},
	},
}

func scanGroup(row db.Scanner) (Group, error) {
	var g Group
	var created, updated int64
	err := row.Scan(&g.ID, (*string)(&g.Org), &g.Name, &g.Closed, &created, &updated)
	g.CreatedAt, g.UpdatedAt = db.Time(created), db.Time(updated)
	return g, err
}

func groupByID(tx *db.Tx, id string, visible db.Cond) (Group, error) {
	text, args := db.Build("SELECT "+groupColumns+" FROM tariff_group g WHERE g.id = ?", id).And(visible).SQL()
	g, err := scanGroup(tx.QueryRow(text, args...))
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "tariff.group_unknown", "there is no tariff group %q", id)
	}
	return g, err
}

func insertGroup(tx *db.Tx, g Group) error {
	n, err := tx.Exec(`INSERT INTO tariff_group (id, org, name, name_key, closed, created_at, updated_at) VALUES ($1,$2,$3,$4,$5,$6,$6)
		ON CONFLICT (org, name_key) DO NOTHING`, g.ID, string(g.Org), g.Name, strings.ToLower(g.Name), g.Closed, db.Micros(tx.Now))
	if err == nil && n == 0 {
		err = groupExists(g.Name)
	}
	return err
}

func groupExists(name string) error {
	return fault.New(fault.Conflict, "tariff.group_exists", "There is a tariff group %q already.", name)
}

// updateGroup also serialises those who change one group.
func updateGroup(tx *db.Tx, g Group) error {
	var other string
	err := tx.QueryRow(`SELECT id FROM tariff_group WHERE org = $1 AND name_key = $2 AND id <> $3`, string(g.Org), strings.ToLower(g.Name), g.ID).Scan(&other)
	if err == nil {
		return groupExists(g.Name)
	}
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	return tx.Send(`UPDATE tariff_group SET name = $2, name_key = $3, closed = $4, updated_at = $5 WHERE id = $1`,
		g.ID, g.Name, strings.ToLower(g.Name), g.Closed, db.Micros(tx.Now))
}

const entryColumns = `e.id, e.audience, e.ref, e.position, t.id, t.uid, e.valid_from, e.valid_to`

func scanEntry(row db.Scanner) (Entry, error) {
	var e Entry
	var from int64
	var to sql.NullInt64
	err := row.Scan(&e.ID, (*string)(&e.Audience), &e.Ref, &e.Position, (*string)(&e.Tariff), (*string)(&e.uid), &from, &to)
	e.From, e.To = db.Time(from), db.TimePtr(to)
	return e, err
}

// entriesFrom gives a group's entries that hold at or after an instant.
func entriesFrom(tx *db.Tx, group string, at time.Time) ([]Entry, error) {
	return db.Collect(tx, scanEntry, `SELECT `+entryColumns+` FROM tariff_group_entry e JOIN tariff t ON t.uid = e.tariff
		WHERE e.tgroup = $1 AND (e.valid_to IS NULL OR e.valid_to > $2) ORDER BY e.valid_from, e.position, e.id`, group, db.Micros(at))
}

func insertEntry(tx *db.Tx, g Group, e Entry, actor string) error {
	return tx.Send(`INSERT INTO tariff_group_entry (id, org, tgroup, audience, ref, position, tariff, valid_from, valid_to, created_at, created_by)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)`, e.ID, string(g.Org), g.ID, string(e.Audience), e.Ref, e.Position, string(e.uid),
		db.Micros(e.From), db.NullMicros(e.To), db.Micros(tx.Now), actor)
}

const placeColumns = `p.id, p.org, p.site, p.station, p.evse, p.valid_from, p.valid_to`

func scanBound(row db.Scanner) (Bound, error) {
	var b Bound
	var from int64
	var to sql.NullInt64
	err := row.Scan(&b.ID, (*string)(&b.Place.Org), &b.Place.Site, &b.Place.Station, &b.Place.EVSE, &from, &to)
	b.From, b.To = db.Time(from), db.TimePtr(to)
	return b, err
}

func placesFrom(tx *db.Tx, group string, at time.Time) ([]Bound, error) {
	return db.Collect(tx, scanBound, `SELECT `+placeColumns+` FROM tariff_group_place p
		WHERE p.tgroup = $1 AND (p.valid_to IS NULL OR p.valid_to > $2) ORDER BY p.valid_from, p.target, p.id`, group, db.Micros(at))
}

func insertBound(tx *db.Tx, g Group, b Bound, actor string) error {
	return tx.Send(`INSERT INTO tariff_group_place (id, org, tgroup, site, station, evse, level, target, valid_from, valid_to, created_at, created_by)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)`, b.ID, string(b.Place.Org), g.ID, b.Place.Site, b.Place.Station, b.Place.EVSE,
		int(b.Place.Level()), b.Place.target(), db.Micros(b.From), db.NullMicros(b.To), db.Micros(tx.Now), actor)
}

// endRow ends a row of a group at an instant; one that would not have begun
// is removed, since it never counted.
func endRow(tx *db.Tx, table, id string, at time.Time) error {
	if err := tx.Send(`DELETE FROM `+table+` WHERE id = $1 AND valid_from >= $2`, id, db.Micros(at)); err != nil {
		return err
	}
	return tx.Send(`UPDATE `+table+` SET valid_to = $2 WHERE id = $1 AND (valid_to IS NULL OR valid_to > $2)`, id, db.Micros(at))
}
