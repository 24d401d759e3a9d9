package billing

import (
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/session"
)

const columns = `c.id, c.org, c.site, c.station, c.evse, c.session, c.revision, c.number, c.kind, c.credits, c.token, c.driver,
	c.tariff, c.tariff_version, c.currency, c.excl, c.incl, c.energy, c.started_at, c.ended_at, c.issued_at, c.note, c.digest, c.ocpi, c.cost`

var cdrSpec = db.ListSpec{
	Base:    "SELECT " + columns + " FROM cdr c WHERE",
	Default: "-issued_at",
	Key:     "c.id",
	Fields: []db.Field{
		{Name: "id", Column: "c.id", Kind: db.Text, Filter: true},
		{Name: "number", Column: "c.number", Kind: db.Int, Sort: true, Filter: true},
		{Name: "kind", Column: "c.kind", Kind: db.Enum, Sort: true, Filter: true, Allowed: []string{string(Plain), string(Credit)}},
		{Name: "credits", Column: "c.credits", Kind: db.Text, Filter: true},
		{Name: "session_id", Column: "c.session", Kind: db.Text, Filter: true},
		{Name: "organisation", Column: "c.org", Kind: db.Text, Sort: true, Filter: true},
		{Name: "site", Column: "c.site", Kind: db.Text, Sort: true, Filter: true},
		{Name: "station_id", Column: "c.station", Kind: db.Text, Sort: true, Filter: true},
		{Name: "evse_id", Column: "c.evse", Kind: db.Int, Sort: true, Filter: true},
		{Name: "id_token", Column: "c.token", Kind: db.Text, Sort: true, Filter: true},
		{Name: "tariff", Column: "c.tariff", Kind: db.Text, Sort: true, Filter: true},
		{Name: "currency", Column: "c.currency", Kind: db.Text, Sort: true, Filter: true},
		{Name: "energy_wh", Column: "c.energy", Kind: db.Int, Sort: true, Filter: true, Scale: 1000},
		{Name: "started_at", Column: "c.started_at", Kind: db.Instant, Sort: true, Filter: true},
		{Name: "ended_at", Column: "c.ended_at", Kind: db.Instant, Sort: true, Filter: true},
		{Name: "issued_at", Column: "c.issued_at", Kind: db.Instant, Sort: true, Filter: true},
	},
}

func scan(row db.Scanner) (CDR, error) {
	var c CDR
	var currency, object, cost string
	var started, ended, issued int64
	err := row.Scan((*string)(&c.ID), (*string)(&c.Org), &c.Site, &c.Station, &c.EVSE, (*string)(&c.Session), &c.Revision, &c.Number,
		(*string)(&c.Kind), (*string)(&c.Credits), &c.Token, &c.Driver, (*string)(&c.Tariff), (*string)(&c.Version), &currency,
		(*int64)(&c.Excl.Micros), (*int64)(&c.Incl.Micros), (*int64)(&c.Energy), &started, &ended, &issued, &c.Note, &c.Digest, &object, &cost)
	c.Excl.Currency, c.Incl.Currency = money.Currency(currency), money.Currency(currency)
	c.StartedAt, c.EndedAt, c.IssuedAt = db.Time(started), db.Time(ended), db.Time(issued)
	c.OCPI, c.Cost = []byte(object), []byte(cost)
	return c, err
}

func insert(tx *db.Tx, c CDR) error {
	return tx.Send(`INSERT INTO cdr (id, org, site, station, evse, session, revision, number, kind, credits, token, driver,
		tariff, tariff_version, currency, excl, incl, energy, started_at, ended_at, issued_at, note, digest, ocpi, cost)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25)`,
		string(c.ID), string(c.Org), c.Site, c.Station, c.EVSE, string(c.Session), c.Revision, c.Number, string(c.Kind), string(c.Credits),
		c.Token, c.Driver, string(c.Tariff), string(c.Version), string(c.Excl.Currency), int64(c.Excl.Micros), int64(c.Incl.Micros), int64(c.Energy),
		db.Micros(c.StartedAt), db.Micros(c.EndedAt), db.Micros(c.IssuedAt), c.Note, c.Digest, string(c.OCPI), string(c.Cost))
}

// nextNumber serialises the organisation's numbering.
func nextNumber(tx *db.Tx, org identity.OrgID) (n int64, err error) {
	err = tx.QueryRow(`INSERT INTO cdr_sequence (org, last) VALUES ($1, 1)
		ON CONFLICT (org) DO UPDATE SET last = cdr_sequence.last + 1 RETURNING last`, string(org)).Scan(&n)
	return n, err
}

// latest gives the CDR of a session that no credit has taken back.
func latest(tx *db.Tx, s session.ID) (c CDR, found bool, err error) {
	c, err = scan(tx.QueryRow("SELECT "+columns+` FROM cdr c WHERE c.session = $1 AND c.kind = $2 ORDER BY c.number DESC LIMIT 1`, string(s), string(Plain)))
	if fault.Is(err, fault.NotFound) {
		return c, false, nil
	}
	return c, err == nil, err
}

func byID(tx *db.Tx, id ID, visible db.Cond) (CDR, error) {
	text, args := db.Build("SELECT "+columns+" FROM cdr c WHERE c.id = ?", string(id)).And(visible).SQL()
	return scan(tx.QueryRow(text, args...))
}
