package location

import (
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/money"
)

const siteColumns = `id, org, name, street, city, postal_code, country, latitude, longitude, time_zone, currency,
	supply_phases, supply_voltage, supply_current, created_at, changed_at`

var siteSpec = db.ListSpec{
	Base:    "SELECT " + siteColumns + " FROM site WHERE 1=1",
	Default: "name",
	Key:     "id",
	Fields: []db.Field{
		{Name: "id", Column: "id", Kind: db.Text, Sort: true, Filter: true},
		{Name: "organisation", Column: "org", Kind: db.Text, Sort: true, Filter: true},
		{Name: "name", Column: "name", Kind: db.Text, Sort: true, Filter: true},
		{Name: "street", Column: "street", Kind: db.Text, Sort: true, Filter: true},
		{Name: "city", Column: "city", Kind: db.Text, Sort: true, Filter: true},
		{Name: "postal_code", Column: "postal_code", Kind: db.Text, Sort: true, Filter: true},
		{Name: "country", Column: "country", Kind: db.Text, Sort: true, Filter: true},
		{Name: "time_zone", Column: "time_zone", Kind: db.Text, Sort: true, Filter: true},
		{Name: "currency", Column: "currency", Kind: db.Text, Sort: true, Filter: true},
		{Name: "created_at", Column: "created_at", Kind: db.Instant, Sort: true, Filter: true},
	},
}

func scanSite(row db.Scanner) (Site, error) {
	var s Site
	var currency string
	var created, changed int64
	err := row.Scan(&s.ID, &s.Org, &s.Name, &s.Address.Street, &s.Address.City, &s.Address.PostalCode, &s.Address.Country,
		&s.Latitude, &s.Longitude, &s.TimeZone, &currency, &s.Supply.Phases, &s.Supply.VoltageV, &s.Supply.MaxCurrent, &created, &changed)
	s.Currency, s.CreatedAt, s.ChangedAt = money.Currency(currency), db.Time(created), db.Time(changed)
	return s, err
}

func siteByID(tx *db.Tx, id ID, visible db.Cond) (Site, error) {
	q, args := db.Build("SELECT "+siteColumns+" FROM site WHERE id = ?", string(id)).And(visible).SQL()
	return scanSite(tx.QueryRow(q, args...))
}

func insertSite(tx *db.Tx, s Site) error {
	return tx.Send(`INSERT INTO site (`+siteColumns+`, search) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17)`,
		string(s.ID), s.Org, s.Name, s.Address.Street, s.Address.City, s.Address.PostalCode, s.Address.Country, s.Latitude, s.Longitude,
		s.TimeZone, string(s.Currency), s.Supply.Phases, s.Supply.VoltageV, s.Supply.MaxCurrent, db.Micros(s.CreatedAt), db.Micros(s.ChangedAt), searchText(s))
}

func updateSite(tx *db.Tx, s Site) error {
	return tx.Send(`UPDATE site SET name=$2, street=$3, city=$4, postal_code=$5, country=$6, latitude=$7, longitude=$8,
		time_zone=$9, currency=$10, supply_phases=$11, supply_voltage=$12, supply_current=$13, changed_at=$14, search=$15 WHERE id=$1`,
		string(s.ID), s.Name, s.Address.Street, s.Address.City, s.Address.PostalCode, s.Address.Country, s.Latitude, s.Longitude,
		s.TimeZone, string(s.Currency), s.Supply.Phases, s.Supply.VoltageV, s.Supply.MaxCurrent, db.Micros(s.ChangedAt), searchText(s))
}

func deleteSite(tx *db.Tx, id ID) error {
	return tx.Send("DELETE FROM site WHERE id = $1", string(id))
}

func searchText(s Site) string {
	return strings.ToLower(strings.Join([]string{s.Name, s.Address.Street, s.Address.City, s.Address.PostalCode, string(s.ID)}, " "))
}

// matching finds a text anywhere in name and address, without case.
func matching(q string) db.Cond {
	escaped := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(strings.TrimSpace(q)))
	return db.Cond{Text: `search LIKE ? ESCAPE '\'`, Args: []any{"%" + escaped + "%"}}
}
