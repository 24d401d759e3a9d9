package location

import (
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// ID identifies a site.
type ID string

// Site is a place where charging stations stand.
type Site struct {
	ID        ID
	Org       string
	Name      string
	Address   Address
	Latitude  string // decimal degrees as given; both or none
	Longitude string
	TimeZone  string // IANA name, always set
	Currency  money.Currency
	Supply    Supply
	CreatedAt time.Time
	ChangedAt time.Time
}

// Address is a postal address. Country is ISO 3166-1 alpha-2, or empty.
type Address struct{ Street, City, PostalCode, Country string }

// Supply is the connection of the site to the grid; zeros are unknown.
type Supply struct {
	Phases     int   // 1 or 3
	VoltageV   int64 // phase to neutral
	MaxCurrent int64 // A, per phase
}

// Zone gives the site's time zone.
func (s Site) Zone() *time.Location {
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil { // written only after ParseZone
		return time.UTC
	}
	return zone
}

// Settled checks a site and fills the time zone and the currency that were
// not given: from the country, else from the organisation's own.
func Settled(s Site, orgZone, orgCurrency string) (Site, error) {
	var err error
	s.Name = strings.TrimSpace(s.Name)
	if s.Name == "" || len(s.Name) > 255 {
		return s, invalid("body.name", "a site has a name of 1 to 255 characters", s.Name)
	}
	var of country
	if s.Address.Country != "" {
		if s.Address.Country, err = ParseCountry(s.Address.Country); err != nil {
			return s, err
		}
		of = countries[s.Address.Country]
	}
	if s.TimeZone == "" {
		s.TimeZone = of.zone
	}
	if s.TimeZone == "" && s.Address.Country == "" {
		s.TimeZone = orgZone
	}
	if s.TimeZone == "" {
		return s, invalid("body.time_zone", "give a time zone such as Europe/Paris: without a country, or in one with several zones, there is no default", "")
	}
	if _, err = ParseZone(s.TimeZone); err != nil {
		return s, err
	}
	if s.Currency == "" {
		s.Currency = money.Currency(of.currency)
	}
	if s.Currency == "" {
		s.Currency = money.Currency(orgCurrency)
	}
	if s.Currency, err = money.ParseCurrency(string(s.Currency)); err != nil {
		return s, fault.New(fault.Invalid, "location.currency", "give an ISO 4217 currency such as EUR").With("body.currency", "an ISO 4217 code such as EUR", string(s.Currency))
	}
	if err = checkPlace(s); err != nil {
		return s, err
	}
	return s, checkSupply(s.Supply)
}

func invalid(at, message, value string) error {
	return fault.New(fault.Invalid, "location.invalid", "%s", message).With(at, message, value)
}

func checkPlace(s Site) error {
	if (s.Latitude == "") != (s.Longitude == "") {
		return invalid("body.latitude", "give both latitude and longitude, or neither", s.Latitude)
	}
	if s.Latitude == "" {
		return nil
	}
	if !degrees(s.Latitude, 90) {
		return invalid("body.latitude", "a latitude lies between -90 and 90 degrees with at most 7 decimals, such as 48.85837", s.Latitude)
	}
	if !degrees(s.Longitude, 180) {
		return invalid("body.longitude", "a longitude lies between -180 and 180 degrees with at most 7 decimals, such as 2.29448", s.Longitude)
	}
	return nil
}

// degrees tells whether s is a plain decimal within ±limit, at most seven
// decimals (a centimetre).
func degrees(s string, limit int64) bool {
	if strings.Trim(s, "-.0123456789") != "" || len(s) > 12 {
		return false
	}
	d, err := unit.ParseDecimal(s)
	if err != nil {
		return false
	}
	if _, frac, ok := strings.Cut(s, "."); ok && (len(frac) > 7 || frac == "") {
		return false
	}
	v, ok := d.Scaled(7)
	return ok && v <= limit*1e7 && v >= -limit*1e7
}

func checkSupply(s Supply) error {
	switch {
	case s.Phases != 0 && s.Phases != 1 && s.Phases != 3:
		return invalid("body.electrical_supply.phases", "a supply has 1 or 3 phases", "")
	case s.VoltageV < 0 || s.VoltageV > 1000:
		return invalid("body.electrical_supply.voltage_v", "the voltage between phase and neutral is at most 1000 V", "")
	case s.MaxCurrent < 0 || s.MaxCurrent > 100_000:
		return invalid("body.electrical_supply.max_current_a", "the current per phase is at most 100000 A", "")
	}
	return nil
}
