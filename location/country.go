package location

import (
	_ "embed"
	"strings"
	"time"
	_ "time/tzdata" // zones must not depend on the machine

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

//go:embed countries.txt
var countriesText string

type country struct{ zone, currency string }

var countries = parseCountries(countriesText)

func parseCountries(text string) map[string]country {
	m := map[string]country{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 3 || f[0] == "#" {
			continue
		}
		c := country{zone: f[1], currency: f[2]}
		if c.zone == "-" {
			c.zone = ""
		}
		m[f[0]] = c
	}
	return m
}

// ParseCountry accepts an ISO 3166-1 alpha-2 code of any case.
func ParseCountry(s string) (string, error) {
	u := strings.ToUpper(strings.TrimSpace(s))
	if _, ok := countries[u]; !ok {
		return "", fault.New(fault.Invalid, "location.country", "%q is not a country code of two letters (ISO 3166-1 alpha-2) such as FR", s).
			With("body.address.country", "ISO 3166-1 alpha-2, such as FR", s)
	}
	return u, nil
}

// ParseZone accepts a name of the IANA time zone database, such as
// Europe/Paris. "Local" is refused: it means another zone on each machine.
func ParseZone(s string) (*time.Location, error) {
	zone, err := time.LoadLocation(s)
	if err != nil || s == "" || s == "Local" {
		return nil, fault.New(fault.Invalid, "location.time_zone", "%q is not a time zone such as Europe/Paris (IANA name)", s).
			With("body.time_zone", "an IANA name such as Europe/Paris", s)
	}
	return zone, nil
}
