package station

import (
	"slices"
	"strconv"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/sheet"
	"github.com/forecourt-ev/forecourt/location"
)

// bulkLine is what one row of a file says, read but not yet compared with the
// inventory.
type bulkLine struct {
	row     sheet.Row
	id      ID
	name    string
	org     string
	place   location.Site // as far as the row tells: ID holds the cell site, Name site_name
	vendor  string
	model   string
	serial  string
	profile *int
	secret  string
	active  *bool
	ports   []PortSpec
	labels  map[int]string
	power   map[int]int64
}

// readLines turns rows into lines, sorted by key so that all imports lock
// stations in one order, and gathers what is wrong.
func readLines(t *sheet.Table, checkProfile func(int) error, bad *sheet.Errors) []bulkLine {
	out := make([]bulkLine, 0, len(t.Rows))
	first := map[string]int{}
	for _, r := range t.Rows {
		l := readLine(r, checkProfile, bad)
		if l.id == "" {
			continue
		}
		if n, twice := first[l.id.Key()]; twice {
			bad.Add(r.At("id"), "the same id, compared without case, stands in row "+strconv.Itoa(n), string(l.id))
			continue
		}
		first[l.id.Key()] = r.Number
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b bulkLine) int { return strings.Compare(a.id.Key(), b.id.Key()) })
	return out
}

func readLine(r sheet.Row, checkProfile func(int) error, bad *sheet.Errors) bulkLine {
	l := bulkLine{row: r, name: r.Get("name"), org: r.Get("organisation"), vendor: r.Get("vendor"), model: r.Get("model"), serial: r.Get("serial_number")}
	try := func(column string, do func(cell string) error) {
		cell := r.Get(column)
		if cell == "" && column != "id" {
			return
		}
		if err := do(cell); err != nil {
			_ = bad.TakeAt(r.At(column), err) // every one of them is about the cell
		}
	}
	try("id", func(v string) (err error) { l.id, err = ParseID(v); return err })
	try("security_profile", func(v string) error {
		n, err := strconv.Atoi(v)
		if err != nil {
			return wrong("%q is not a security profile; it is a number from 0", v)
		}
		l.profile = &n
		return checkProfile(n)
	})
	try("password", func(v string) error { l.secret = v; return CheckPassword(v) })
	try("active", func(v string) error {
		b, err := sheet.Bool(v)
		l.active = &b
		return err
	})
	for _, column := range []struct {
		name string
		most int
	}{{"name", 255}, {"vendor", 255}, {"model", 255}, {"serial_number", 255}, {"site_name", 255}} {
		if len(r.Get(column.name)) > column.most {
			bad.Add(r.At(column.name), "at most "+strconv.Itoa(column.most)+" characters", r.Get(column.name)[:40]+"…")
		}
	}
	l.readPlace(r, try)
	l.readPorts(try)
	return l
}

func (l *bulkLine) readPlace(r sheet.Row, try func(string, func(string) error)) {
	l.place = location.Site{
		ID: location.ID(r.Get("site")), Name: r.Get("site_name"), TimeZone: r.Get("time_zone"),
		Address: location.Address{Street: r.Get("street"), City: r.Get("city"), PostalCode: r.Get("postal_code"), Country: r.Get("country")},
	}
	try("latitude", func(v string) (err error) { l.place.Latitude, err = sheet.Decimal(v); return err })
	try("longitude", func(v string) (err error) { l.place.Longitude, err = sheet.Decimal(v); return err })
}

func (l *bulkLine) readPorts(try func(string, func(string) error)) {
	try("connectors", func(v string) (err error) { l.ports, err = parseConnectors(v); return err })
	try("evse_labels", func(v string) (err error) { l.labels, err = parsePairs(v); return err })
	try("evse_max_power", func(v string) error {
		pairs, err := parsePairs(v)
		l.power = map[int]int64{}
		for n, text := range pairs {
			watts, err := parsePower(text)
			if err != nil {
				return err
			}
			l.power[n] = watts
		}
		return err
	})
}
