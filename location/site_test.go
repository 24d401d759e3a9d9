package location

import (
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/money"
)

func TestCountriesHaveZonesAndCurrencies(t *testing.T) {
	t.Parallel()
	if len(countries) != 250 {
		t.Errorf("%d countries", len(countries))
	}
	for code, c := range countries {
		if len(code) != 2 {
			t.Errorf("code %q", code)
		}
		if _, err := money.ParseCurrency(c.currency); err != nil {
			t.Errorf("%s: %v", code, err)
		}
		if c.zone == "" {
			continue
		}
		if _, err := time.LoadLocation(c.zone); err != nil {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestSettled(t *testing.T) {
	t.Parallel()
	site := func(edit func(*Site)) Site {
		s := Site{Name: "Depot", Address: Address{Country: "fr"}}
		edit(&s)
		return s
	}
	for _, c := range []struct {
		name     string
		in       Site
		zone     string
		currency string
		bad      string // where the fault points
	}{
		{"country gives both", site(func(*Site) {}), "Europe/Paris", "EUR", ""},
		{"one main zone", site(func(s *Site) { s.Address.Country = "DE" }), "Europe/Berlin", "EUR", ""},
		{"given wins", site(func(s *Site) { s.TimeZone, s.Currency = "Indian/Reunion", "usd" }), "Indian/Reunion", "USD", ""},
		{"organisation without country", site(func(s *Site) { s.Address.Country = "" }), "Europe/Oslo", "NOK", ""},
		{"several zones need a choice", site(func(s *Site) { s.Address.Country = "US" }), "", "", "body.time_zone"},
		{"several zones, chosen", site(func(s *Site) { s.Address.Country, s.TimeZone = "US", "America/Denver" }), "America/Denver", "USD", ""},
		{"unknown country", site(func(s *Site) { s.Address.Country = "XX" }), "", "", "body.address.country"},
		{"unknown zone", site(func(s *Site) { s.TimeZone = "Mars/Olympus" }), "", "", "body.time_zone"},
		{"the machine's zone", site(func(s *Site) { s.TimeZone = "Local" }), "", "", "body.time_zone"},
		{"bad currency", site(func(s *Site) { s.Currency = "EURO" }), "", "", "body.currency"},
		{"no name", site(func(s *Site) { s.Name = "  " }), "", "", "body.name"},
		{"half a place", site(func(s *Site) { s.Latitude = "48.1" }), "", "", "body.latitude"},
		{"latitude out of range", site(func(s *Site) { s.Latitude, s.Longitude = "90.0000001", "0" }), "", "", "body.latitude"},
		{"longitude out of range", site(func(s *Site) { s.Latitude, s.Longitude = "-90", "180.5" }), "", "", "body.longitude"},
		{"no float notation", site(func(s *Site) { s.Latitude, s.Longitude = "1e1", "2" }), "", "", "body.latitude"},
		{"too many decimals", site(func(s *Site) { s.Latitude, s.Longitude = "1.12345678", "2" }), "", "", "body.latitude"},
		{"edges", site(func(s *Site) { s.Latitude, s.Longitude = "-90", "-180.0000000" }), "Europe/Paris", "EUR", ""},
		{"two phases", site(func(s *Site) { s.Supply.Phases = 2 }), "", "", "body.electrical_supply.phases"},
	} {
		got, err := Settled(c.in, "Europe/Oslo", "NOK")
		if c.bad != "" {
			if f := fault.Of(err); f == nil || f.Kind != fault.Invalid || len(f.Fields) == 0 || f.Fields[0].Location != c.bad {
				t.Errorf("%s: %v, want a fault at %s", c.name, err, c.bad)
			}
			continue
		}
		if err != nil || got.TimeZone != c.zone || string(got.Currency) != c.currency {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
}
